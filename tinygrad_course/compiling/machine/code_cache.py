"""Machine code kept on disk between runs, by numba's own cache, in a folder of this user's alone.

Loading what the cache keeps runs it: it is machine code. So it is used only where nobody else can have
written it, in a folder that belongs to this user and that others can't write to. numba keeps code beside the
file of its function, and so each function gets one, named by all that its code depends on.
"""

from __future__ import annotations

import functools
import hashlib
import os
import stat
import sys
from pathlib import Path
from typing import Any

from tinygrad_course import files


def directory() -> Path:
    """Return where machine code is kept: in ``$TINYGRAD_COURSE_CACHE``, or among the user's caches."""
    named = os.environ.get("TINYGRAD_COURSE_CACHE")
    if named:
        return Path(named) / "machine_code"
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".cache") / "tinygrad_course" / "machine_code"


def source_file(source: str) -> Path | None:
    """Return a file with this text with machine code of its own beside it; None if there is no safe place."""
    folder = directory()
    path = folder / f"{hashlib.sha256(repr((_versions(), source)).encode()).hexdigest()[:32]}.py"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        kept = folder / "__pycache__"
        kept.mkdir(exist_ok=True, mode=0o700)
        if not (_is_ours(folder) and _is_ours(kept)):
            return None
        if not path.exists():
            files.write(path, source.encode())
    except OSError:
        return None
    return path


def keep(compiled: Any) -> None:
    """Let a function of numba's keep its code beside its file, and make it anew where that is damaged."""
    from numba.core import caching

    function_cache: Any = caching.FunctionCache

    class Kept(function_cache):  # type: ignore[misc]
        def load_overload(self, sig: Any, target_context: Any) -> Any:
            try:
                return super().load_overload(sig, target_context)
            except Exception:  # noqa: BLE001  (a file cut short may raise anything)
                self.flush()
                return None

    make: Any = Kept
    compiled._cache = make(compiled.py_func)


def _is_ours(folder: Path) -> bool:
    status = folder.lstat()
    if not hasattr(os, "getuid"):
        return True  # Windows: the user's folders are the user's
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o022


@functools.cache
def _versions() -> Any:
    """Return what machine code depends on beside its text."""
    import llvmlite
    import numba

    here = Path(__file__).parent
    texts = [(here / name).read_bytes() for name in ("vector_math.py", "register_tiles.py")]
    return (sys.version, numba.__version__, llvmlite.__version__, hashlib.sha256(b"".join(texts)).hexdigest())
