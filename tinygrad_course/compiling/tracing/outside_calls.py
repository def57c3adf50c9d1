"""What a function asks the world for while it is recorded: a file, the clock, a database, a socket.

A program would keep the first answer for ever, and nobody can tell when there is another. Python tells of
each call of a function in C, and all of these are.
"""

import builtins
import functools
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_course.compiling.tracing.library_code import of_library
from tinygrad_course.compiling.tracing.refusals import CannotCompile

#: The modules whose functions, and whose objects' methods, answer otherwise at another time.
_ASKED = {
    *("time", "posix", "nt", "_io", "io", "sqlite3", "_sqlite3", "_socket", "socket", "_ssl", "select"),
    *("_posixsubprocess", "_winapi", "_multiprocessing"),
}
_ASKED_BY_NAME = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("numpy", "fromfile")}
_PACKAGES = frozenset({"h5py", "netCDF4", "pyarrow", "zarr"})  # whose C functions Python does not tell of
#: What these call is text about paths, a wait, or a lock.
_ANSWERED = {"fspath", "sleep", "acquire", "release", "__enter__", "__exit__"}
#: Who only shows something, which no program does, or seeds random numbers, which differ in two recordings.
_SHOWING = frozenset({
    *("logging", "warnings.py", "linecache.py", "traceback.py", "inspect.py", "tqdm", "random.py"),
})  # fmt: skip
_IN_MEMORY = (io.StringIO, io.BytesIO)


@contextmanager
def calls_outside() -> Iterator[list[str]]:
    """Give a list of the calls inside that ask the world, by their names; under a profiler it stays empty."""
    found: list[str] = []
    printing = [0]

    def look(frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call":
            if called is builtins.print:
                printing[0] += 1
            elif not printing[0] and _asks(called) and not _shows(frame):
                found.append(_name(frame, called))
        elif event == "call":
            if frame.f_code is _GETERR and _of_user(frame.f_back):
                found.append("np.geterr")
            elif _lies_in(frame.f_code.co_filename, _PACKAGES):
                found.append(_name(frame, None))
        elif called is builtins.print and event != "return":
            printing[0] -= 1

    watched = sys.getprofile() is None
    if watched:
        sys.setprofile(look)
    try:
        yield found
    finally:
        if watched:
            sys.setprofile(None)


def refuse_outside(found: list[str]) -> None:
    """Raise if something was asked, and name it."""
    if found:
        raise CannotCompile(
            f"the function calls {found[0]}, which answers otherwise when a file, the clock or a setting has "
            "changed, and a program would keep this call's answer: ask outside, and pass the answer as an "
            "argument"
        )


_GETERR = getattr(np.geterr, "__wrapped__", np.geterr).__code__


def _asks(called: Any) -> bool:
    it, name = getattr(called, "__self__", None), called.__name__
    owner = it if isinstance(it, type) else type(it)  # of datetime.now, and of a method
    if {(called.__module__, name), (owner.__module__, name)} & _ASKED_BY_NAME:
        return True
    if (called.__module__ or owner.__module__) not in _ASKED or isinstance(it, _IN_MEMORY):
        return False
    return name not in _ANSWERED and not name.startswith("_path_") and it not in (sys.stdout, sys.stderr)


def _of_user(frame: FrameType | None) -> bool:
    """Whether it is the user's code that runs in a frame."""
    return frame is not None and not of_library(frame.f_code.co_filename)


def _shows(frame: FrameType | None) -> bool:
    while frame is not None and not _of_user(frame):
        filename = frame.f_code.co_filename
        if filename.startswith("<frozen importlib") or _lies_in(filename, _SHOWING):
            return True
        frame = frame.f_back
    return False


@functools.lru_cache(maxsize=4096)
def _lies_in(filename: str, packages: frozenset[str]) -> bool:
    return not packages.isdisjoint(Path(filename).parts)


def _name(frame: FrameType | None, called: Any) -> str:
    """Return what the user calls, and what that calls."""
    outermost = None
    while frame is not None and not _of_user(frame):
        outermost, frame = frame, frame.f_back
    if called is None:
        return "" if outermost is None else outermost.f_code.co_qualname
    it = getattr(called, "__self__", None)
    place = called.__module__ or f"{type(it).__module__}.{type(it).__name__}"
    name = f"{place.lstrip('_').replace('posix', 'os')}.{called.__name__}"
    return name if outermost is None else f"{outermost.f_code.co_qualname} ({name})"
