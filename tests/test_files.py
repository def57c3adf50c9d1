"""Files are written whole or not at all; what a killed write left is swept up, and nothing else."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tinygrad_course import files

LONG = "a" * 60


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def killed_write(path: Path) -> list[str]:
    """Write a file in a process that ends in the middle of it; return what it leaves."""
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom tinygrad_course import files\n"
        "os.fsync = lambda descriptor: os._exit(9)\nfiles.write(Path(sys.argv[1]), b'half')\n"
    )
    before = names(path.parent)
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False, timeout=60)
    assert done.returncode == 9
    return sorted(names(path.parent) - before)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", ["run.h5", "run[1].h5", "*", LONG + "1.h5", "猫.h5", "a.part", "a" * 250])
def test_what_a_killed_write_left_is_swept_up(tmp_path: Path, name: str) -> None:
    left = killed_write(tmp_path / name)
    assert len(left) == 1
    files.sweep_up(tmp_path / name)
    assert not names(tmp_path)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (LONG + "1.h5", LONG + "2.h5"),  # alike in their first 40 letters
        ("run[12].h5", "run1.h5"),  # brackets, stars and question marks are letters
        ("*", "run.h5"),
        ("run?.h5", "run1.h5"),
        ("run.h5", "run.h5.old"),
        ("run", "run.h5"),
    ],
)
def test_what_another_file_s_write_left_stays(tmp_path: Path, ours: str, theirs: str) -> None:
    left = killed_write(tmp_path / theirs)
    files.sweep_up(tmp_path / ours)
    assert sorted(names(tmp_path)) == left


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets nobody remove a file that is open")
def test_what_is_being_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writing, go_on = threading.Event(), threading.Event()

    def slow(descriptor: int) -> None:
        writing.set()
        assert go_on.wait(30)

    monkeypatch.setattr(files.os, "fsync", slow)
    writer = threading.Thread(target=files.write, args=(tmp_path / "run.h5", b"whole"))
    writer.start()
    assert writing.wait(30)
    files.sweep_up(tmp_path / "run.h5")
    go_on.set()
    writer.join()
    assert (tmp_path / "run.h5").read_bytes() == b"whole"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_write_that_fails_names_its_file_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    path = tmp_path / "run.h5"
    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match=r"run\.h5") as caught:
        files.write(path, b"content")
    assert caught.value.errno == number
    assert caught.value.filename == str(path)
    assert not names(tmp_path)


def test_whether_a_file_could_be_written_is_asked_without_writing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.check_writable(tmp_path / "run.h5")
    assert not names(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no directory"):
        files.check_writable(tmp_path / "nowhere" / "run.h5")

    def read_only(self: Path, mode: str = "r") -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    monkeypatch.setattr(Path, "open", read_only)
    with pytest.raises(PermissionError, match=r"run\.h5'$"):
        files.check_writable(tmp_path / "run.h5")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there, and pipes are none")
def test_links_permissions_and_pipes_stay_what_they_are(tmp_path: Path) -> None:
    kept, folder = tmp_path / "kept", tmp_path / "folder"
    folder.mkdir()
    kept.write_bytes(b"before")
    kept.chmod(0o640)
    link = folder / "link"
    link.symlink_to(Path("..") / "kept")
    dangling = folder / "dangling"
    dangling.symlink_to(folder / "later")
    for path in (link, dangling):
        files.check_writable(path)
        files.write(path, b"after")
        assert path.is_symlink()
        assert path.read_bytes() == b"after"
    assert kept.stat().st_mode & 0o777 == 0o640
    left = killed_write(kept)
    files.sweep_up(link)
    assert left
    assert names(tmp_path) == {"kept", "folder"}
    assert names(folder) == {"link", "dangling", "later"}
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    files.check_writable(pipe)
    files.write(pipe, b"through the pipe")
    assert os.read(reader, 100) == b"through the pipe"
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    os.close(reader)
    files.write(Path(os.devnull), b"gone")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
