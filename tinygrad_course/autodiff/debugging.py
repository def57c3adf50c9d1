"""`debug`: find the operation that made a NaN or an infinity, and the line that called it."""

import _thread
from collections.abc import Iterator
from contextlib import contextmanager

from tinygrad_course.engine.errors import blocks, watched

_lock = _thread.allocate_lock()


@contextmanager
def debug() -> Iterator[None]:
    """Look at every value as it is recorded, and every gradient as it is computed.

    Inside the block, the first operation that makes a NaN or an infinity raises at once, with its name, the
    range of its arguments, and the user's file and line. The lines are also kept for pictures. What other
    threads record meanwhile is not looked at.

    Raises
    ------
    FloatingPointError
        At the operation that made the value, or whose derivative did.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_course import Tensor
    >>> A = Tensor([0.5, 1.0], name="A")
    >>> with debug(), np.errstate(divide="ignore"):
    ...     cost = -np.sum(np.log(1 - A))
    Traceback (most recent call last):
    FloatingPointError: log made -inf at [1], from an argument between 0 and 0.5...
    """
    before = watched.get()
    watched.set(True)
    with _lock:
        blocks.open += 1
    try:
        yield
    finally:
        with _lock:
            blocks.open -= 1
        watched.set(before)
