"""Python programs in processes of their own, which nothing has imported anything into."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def python(*arguments: str, timeout: float = 120.0) -> str:
    """Return what a Python process prints.

    Raises
    ------
    TimeoutError
        If it takes longer than `timeout` seconds.
    RuntimeError
        If it fails; with its last words.
    """
    try:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"python {' '.join(arguments)}: over {timeout:.0f} s") from None
    if done.returncode:
        raise RuntimeError(f"python {' '.join(arguments)} failed: {done.stderr.strip()[-400:]}")
    return done.stdout


def asked(*arguments: str, timeout: float = 120.0) -> Any:
    """Return the JSON that is the last line of what a Python process prints."""
    return json.loads(python(*arguments, timeout=timeout).strip().rpartition("\n")[2])


@contextlib.contextmanager
def empty_cache() -> Iterator[None]:
    """Give processes a cache of compiled programs with nothing in it for the body of a with statement."""
    before = os.environ.get("TINYGRAD_COURSE_CACHE")
    with tempfile.TemporaryDirectory() as cache:
        os.environ["TINYGRAD_COURSE_CACHE"] = cache
        try:
            yield
        finally:
            del os.environ["TINYGRAD_COURSE_CACHE"]
            if before is not None:
                os.environ["TINYGRAD_COURSE_CACHE"] = before
