"""Fetching, from a server on loopback: right, wrong, cut short, silent, absent."""

import os
import socket
import stat
import time

import pytest

import datasets.download
from datasets.download import download
from datasets.files import FILES, DatasetError


def test_the_homes_are_public_and_the_checksums_whole():
    for name, file in FILES.items():
        assert file.name == name
        assert file.home.startswith("https://")
        assert len(bytes.fromhex(file.sha256)) == 32


def test_all_files_arrive_whole(small_files, server, tmp_path):
    paths = download(folder=tmp_path / "new", progress=False)
    assert [path.name for path in paths] == list(FILES)
    assert {path.name: path.read_bytes() for path in paths} == small_files
    assert {path.name for path in (tmp_path / "new").iterdir()} == set(FILES)
    assert server.asked == [f"/{name}" for name in FILES]


@pytest.mark.skipif(os.name == "nt", reason="permission bits are POSIX's")
def test_others_may_read_what_was_fetched(small_files, tmp_path):
    (path,) = download(["data.mat"], tmp_path, progress=False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_right_file_is_left_alone(small_files, server, tmp_path):
    download(["data.mat"], tmp_path, progress=False)
    download(["data.mat"], tmp_path, progress=False)
    assert server.asked == ["/data.mat"]


def test_a_wrong_file_is_replaced(small_files, tmp_path):
    (tmp_path / "data.mat").write_bytes(b"half of it")
    (path,) = download(["data.mat"], tmp_path, progress=False)
    assert path.read_bytes() == small_files["data.mat"]


def test_the_folder_is_the_one_that_is_looked_in_first(small_files, nowhere):
    (path,) = download(["data.mat"], progress=False)
    assert path == nowhere / "data.mat"


def test_a_mirror_by_argument_and_by_environment(small_files, server, tmp_path, monkeypatch):
    server.serves("course/data.mat", small_files["data.mat"])
    download(["data.mat"], tmp_path / "a", mirror=f"{server.address}/course/", progress=False)
    monkeypatch.setenv("TINYGRAD_COURSE_MIRROR", f"{server.address}/course")
    download(["data.mat"], tmp_path / "b", progress=False)
    assert server.asked == ["/course/data.mat"] * 2


def test_the_progress_is_shown_on_stderr(small_files, tmp_path, capsys):
    download(["data.mat"], tmp_path, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "data.mat" in err
    assert "40.0/40.0 kB" in err


def assert_nothing_written(folder, before=None):
    held = {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}
    assert held == (before or {})


@pytest.mark.parametrize("before", [None, b"an older file"])
def test_a_wrong_checksum_leaves_what_was_there(small_files, server, tmp_path, before):
    if before is not None:
        (tmp_path / "data.mat").write_bytes(before)
    server.serves("data.mat", b"<html>another file</html>")
    with pytest.raises(
        DatasetError, match=r"is not the course's data\.mat: its sha256 is not .*nothing was written"
    ):
        download(["data.mat"], tmp_path, progress=False)
    assert_nothing_written(tmp_path, {"data.mat": before} if before is not None else None)


def test_an_answer_cut_short(small_files, server, tmp_path):
    content = small_files["data.mat"]
    server.serves("data.mat", content[:1000], promised=len(content))
    with pytest.raises(DatasetError, match="the answer was cut short; nothing was written"):
        download(["data.mat"], tmp_path, progress=False)
    assert_nothing_written(tmp_path)


def test_no_such_file_on_the_server(small_files, server, tmp_path):
    with pytest.raises(DatasetError, match=r"/nowhere/data\.mat answered 404 Not Found; nothing was written"):
        download(["data.mat"], tmp_path, mirror=f"{server.address}/nowhere", progress=False)
    assert_nothing_written(tmp_path)


def test_nobody_listens(small_files, tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(DatasetError, match=r"cannot be reached \(ConnectionError\); nothing was written"):
        download(["data.mat"], tmp_path, mirror=f"http://127.0.0.1:{port}", progress=False)
    assert_nothing_written(tmp_path)


@pytest.mark.parametrize("started", [False, True])
def test_a_server_that_falls_silent(small_files, server, tmp_path, monkeypatch, started):
    def wait(handler):
        if started:
            handler.send_response(200)
            handler.send_header("Content-Length", "1000")
            handler.end_headers()
            handler.wfile.write(b"a few bytes")
            handler.wfile.flush()
        time.sleep(0.6)

    server.answers["/data.mat"] = wait
    monkeypatch.setattr(datasets.download, "SILENCE_SECONDS", 0.2)
    with pytest.raises(DatasetError, match=r"fell silent for 0\.2 s; nothing was written"):
        download(["data.mat"], tmp_path, progress=False)
    assert_nothing_written(tmp_path)


def test_stopping_leaves_nothing_behind(small_files, server, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("datasets.download._Bar.update", stop)
    with pytest.raises(KeyboardInterrupt):
        download(["data.mat"], tmp_path, progress=False)
    assert_nothing_written(tmp_path)


@pytest.mark.parametrize("mirror", ["ftp://127.0.0.1", "file:///etc", "127.0.0.1:80", "/etc"])
def test_what_is_no_address(small_files, tmp_path, mirror):
    with pytest.raises(DatasetError, match="starts with http:// or https://"):
        download(["data.mat"], tmp_path, mirror=mirror, progress=False)
    assert_nothing_written(tmp_path)


def test_a_folder_in_the_way(small_files, tmp_path):
    (tmp_path / "data.mat").mkdir()
    with pytest.raises(IsADirectoryError, match=r"is a folder; data\.mat is to be a file there"):
        download(["data.mat"], tmp_path, progress=False)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="file"):
        download(["data.mat"], tmp_path / "file", progress=False)


@pytest.mark.photographs(*FILES)
def test_the_real_checksums(photographs, server, tmp_path):
    """The real files, served from loopback, pass the checksums that the downloader knows."""
    for name in FILES:
        server.serves(name, (photographs / name).read_bytes())
    paths = download(folder=tmp_path, mirror=server.address, progress=False)
    assert [path.read_bytes() for path in paths] == [(photographs / name).read_bytes() for name in FILES]
