"""Files like the course's, made on the spot, and a small server on loopback."""

from __future__ import annotations

import functools
import hashlib
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.io import savemat

import datasets.files
from datasets.files import CourseFile

SIDE = 4  # small pictures do as well


def cat_members(part: str, m: int) -> dict[str, Any]:
    """What one of the two files holds: random pictures, alternating labels."""
    random = np.random.RandomState(m)
    return {
        f"{part}_set_x": random.randint(0, 256, (m, SIDE, SIDE, 3)).astype(np.uint8),
        f"{part}_set_y": np.arange(m) % 2,
        "list_classes": np.array([b"non-cat", b"cat"]),
    }


def write_hdf5(path: Path, members: dict[str, Any]) -> Path:
    with h5py.File(path, "w") as file:
        for name, value in members.items():
            file[name] = value
    return path


def football_members() -> dict[str, Any]:
    random = np.random.RandomState(0)
    return {
        "X": random.randn(6, 2),
        "y": (np.arange(6) % 2).astype(np.uint8).reshape(6, 1),
        "Xval": random.randn(4, 2),
        "yval": (np.arange(4) % 2).astype(np.uint8).reshape(4, 1),
    }


@pytest.fixture
def cat_folder(tmp_path: Path) -> Path:
    """A folder with two sound files of small pictures."""
    write_hdf5(tmp_path / "train_catvnoncat.h5", cat_members("train", 6))
    write_hdf5(tmp_path / "test_catvnoncat.h5", cat_members("test", 4))
    return tmp_path


@pytest.fixture
def change_cats(cat_folder: Path) -> Callable[..., Path]:
    """Write one of the two files again with members changed (None leaves one out); return the folder."""

    def change(part: str, **changes: Any) -> Path:
        members = cat_members(part, 6 if part == "train" else 4) | changes
        kept = {name: value for name, value in members.items() if value is not None}
        write_hdf5(cat_folder / f"{part}_catvnoncat.h5", kept)
        return cat_folder

    return change


@pytest.fixture
def change_football(tmp_path: Path) -> Callable[..., Path]:
    """Write ``data.mat`` with variables changed (None leaves one out); return the folder."""

    def change(**changes: Any) -> Path:
        kept = {name: value for name, value in (football_members() | changes).items() if value is not None}
        savemat(tmp_path / "data.mat", kept, do_compression=True)
        return tmp_path

    return change


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that ``TINYGRAD_COURSE_DATA`` names."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("TINYGRAD_COURSE_DATA", str(empty))
    return empty


class Server:
    """What a test sees of the server: its address, what it was asked for, and how it answers a path."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.asked: list[str] = []
        self.answers: dict[str, Callable[[http.server.BaseHTTPRequestHandler], None]] = {}

    def serves(self, name: str, content: bytes, promised: int | None = None) -> None:
        """Answer `name` with `content`, under a Content-Length that may lie."""

        def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(content) if promised is None else promised))
            handler.end_headers()
            handler.wfile.write(content)

        self.answers[f"/{name}"] = answer


class _Handler(http.server.BaseHTTPRequestHandler):
    timeout = 5

    def __init__(self, state: dict[str, Server], *arguments: Any) -> None:
        self.state = state
        super().__init__(*arguments)

    def do_GET(self) -> None:
        server = self.state["server"]
        server.asked.append(self.path)
        if self.path in server.answers and len(server.asked) < 20:
            server.answers[self.path](self)
        else:
            self.send_error(404)

    def log_message(self, *_: Any) -> None:
        """Keep the tests' output quiet."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on loopback; it ends with the test."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    state: dict[str, Server] = {}
    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, state))
    listening.daemon_threads = True
    state["server"] = Server(f"http://127.0.0.1:{listening.server_address[1]}")
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield state["server"]
    listening.shutdown()
    listening.server_close()
    thread.join(timeout=5)


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch, server: Server) -> dict[str, bytes]:
    """Stand-ins for the course's files, with checksums of their own, at home on the server."""
    contents = {name: name.encode() * 5000 for name in datasets.files.FILES}
    for name, known in list(datasets.files.FILES.items()):
        checksum = hashlib.sha256(contents[name]).hexdigest()
        monkeypatch.setitem(
            datasets.files.FILES, name, CourseFile(name, known.module, checksum, server.address)
        )
        server.serves(name, contents[name])
    return contents
