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
    beside = path.with_name(f".{path.name[:40]}.{uuid.uuid4().hex[:8]}.part")
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
