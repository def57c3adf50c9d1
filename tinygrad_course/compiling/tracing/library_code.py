"""Whose code a file is: the user's, an installed package's, or that of Python and the libraries below."""

import functools
import inspect
import os
import sys
import sysconfig
from pathlib import Path

_LIBRARY = str(Path(__file__).parents[2]) + os.sep
_PACKAGES = {"site-packages", "dist-packages"}  # of this environment, or of one below it
_PYTHON = tuple({sysconfig.get_path(p) + os.sep for p in ("stdlib", "platstdlib")})
_WITHOUT_FILE = ("<frozen", "<__array_function__")
#: What nobody changes at run time, and everybody calls.
_BELOW = ("numpy", "scipy", "numba", "llvmlite", "pandas", "torch", "jax", "matplotlib", "sklearn", "xarray")


@functools.lru_cache(maxsize=4096)
def of_library(filename: str) -> bool:
    """Whether a file is Python's own or an installed library's, this one's included."""
    return filename.startswith((_LIBRARY, *_WITHOUT_FILE, *_PYTHON)) or _is_installed(filename)


def file_of_caller() -> str:
    """Return the file of the code that has called the caller of this."""
    # (a variable for the frame would hold it, and the arrays of its callers, until garbage is collected)
    return str(inspect.currentframe().f_back.f_back.f_code.co_filename)  # type: ignore[union-attr]


@functools.lru_cache(maxsize=4096)
def is_watched(filename: str) -> bool:
    """Whether a file's variables may change while a program is used: all but those of the libraries below."""
    if filename.startswith((_LIBRARY, *_WITHOUT_FILE)):
        return False
    if filename.startswith(_PYTHON) and not _is_installed(filename):
        return False
    return not filename.startswith(_below())


def _is_installed(filename: str) -> bool:
    return not _PACKAGES.isdisjoint(Path(filename).parts)


def _below() -> tuple[str, ...]:
    files = (getattr(sys.modules.get(name), "__file__", None) for name in _BELOW)
    return tuple(str(Path(file).parent) + os.sep for file in files if file)
