"""Machine code and programs kept on disk between runs, in a folder of this user's alone.

Loading what is kept runs it. So it is used only where nobody else can have written it, in
a folder that belongs to this user and that others can't write to. A file is named by all that its code
depends on, and begins with a digest of the rest: one that is cut short or damaged is made anew.
"""

from __future__ import annotations

import functools
import hashlib
import os
import stat
import sys
from pathlib import Path

from tinygrad_course import files

_DIGEST = 32  # bytes
#: Where more bytes than this are kept, the oldest files go.
MOST = 1 << 28


def directory() -> Path | None:
    """Return where both are kept: in ``$TINYGRAD_COURSE_CACHE``, or among the user's caches.

    None if that is 0: nothing is kept then.
    """
    named = os.environ.get("TINYGRAD_COURSE_CACHE")
    if named == "0":
        return None
    if named:
        return Path(named) / "machine_code"
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".cache") / "tinygrad_course" / "machine_code"


def load(name: str) -> bytes | None:
    """Return what is kept under a name, or None."""
    try:
        folder = directory()
        if folder is None or not _is_ours(folder):
            return None
        content = (folder / name).read_bytes()
    except OSError:
        return None
    code = content[_DIGEST:]
    return code if hashlib.sha256(code).digest() == content[:_DIGEST] else None


def keep(name: str, code: bytes) -> None:
    """Keep something, if there is a safe place."""
    folder = directory()
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if _is_ours(folder):
            files.write(folder / name, hashlib.sha256(code).digest() + code, flushed=False)
            _forget_the_oldest(folder)
    except OSError:
        return


@functools.cache  # once a process
def _forget_the_oldest(folder: Path) -> None:
    kept = sorted(((status := path.stat()).st_mtime_ns, status.st_size, path) for path in folder.iterdir())
    size = sum(nbytes for _, nbytes, _ in kept)
    for _, nbytes, path in kept[:-1]:
        if size <= MOST:
            return
        path.unlink(missing_ok=True)
        size -= nbytes


def _is_ours(folder: Path) -> bool:
    status = folder.lstat()
    if not hasattr(os, "getuid"):
        return True  # Windows: the user's folders are the user's
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o022


@functools.cache
def versions() -> str:
    """Return what everything kept depends on: Python, and the files of this library as they are."""
    library = Path(__file__).parents[1]
    found = [entry for folder, *_ in os.walk(library) for entry in os.scandir(folder)]
    sources = sorted(
        (e.path, (s := e.stat()).st_mtime_ns, s.st_size) for e in found if e.name.endswith(".py")
    )
    return sys.version + hashlib.sha256(repr(sources).encode()).hexdigest()
