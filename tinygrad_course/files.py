"""Files are written whole or not at all."""

from __future__ import annotations

import os
import uuid
from pathlib import Path


def write(path: Path, content: bytes) -> Path:
    """Write a file beside its target, flush it, and put it in the target's place.

    Raises
    ------
    FileNotFoundError
        If the directory does not exist.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no directory {path.parent}")
    beside = path.with_name(f"{_prefix(path)}{uuid.uuid4().hex[:8]}.part")
    try:
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return path


def sweep_up(path: Path) -> None:
    """Remove what writes of `path` left beside it when their process was killed."""
    for leftover in path.parent.glob(f"{_prefix(path)}*.part"):
        leftover.unlink(missing_ok=True)


def _prefix(path: Path) -> str:
    return f".{path.name[:40]}."
