"""Matrices as small pictures: a byte for each cell, and the figures that the picture can't show."""

import base64
import math
from typing import Any

import numpy as np

#: A cell shows the size of its entry on a logarithmic scale, this many decades below the largest.
DECADES = 6
#: Matrices up to this size are written out in numbers.
NUMBERS = 48


def heat(values: Any, cells: int) -> dict[str, Any]:
    """Return an array as data for a picture, its first axis downwards, of so many cells at most.

    Where there are more entries, a cell stands for a block of them and shows the largest. The data are ``r``
    and ``c`` (rows and columns of the picture), ``b`` (base64: a byte for each cell, 128 for zero, above for
    positive, 255 for the largest absolute value, 0 for what is no number), ``top`` (that largest value),
    ``min``, ``max``, ``norm``, ``zero`` (the share of zeros), ``block`` (entries to a cell) and ``high``
    (rows of them), and ``n``, the numbers, where they are few. Of complex numbers the sizes are shown.
    """
    given = np.asarray(values)
    array = np.abs(given) if given.dtype.kind == "c" else given.astype(float)
    flat = array.reshape(array.shape[0] if array.ndim else 1, -1)
    finite = flat[np.isfinite(flat)]
    small, high, low = _blocks(flat, cells)
    top = float(np.max(np.abs(finite))) if finite.size else 0.0
    found = {
        "r": small.shape[0], "c": small.shape[1], "b": base64.b64encode(_bytes(small, top)).decode(),
        "top": top, "min": float(finite.min()) if finite.size else None,
        "max": float(finite.max()) if finite.size else None,
        "norm": float(np.linalg.norm(finite)), "zero": float(np.mean(flat == 0)) if flat.size else 0.0,
        "high": high, "block": high * low,
    }  # fmt: skip
    if given.dtype.kind == "c":
        found["sizes"] = True
    if finite.size < flat.size:
        found["bad"] = int(flat.size - finite.size)
    if flat.size <= NUMBERS:
        found["n"] = [[finite_or_text(v) for v in line] for line in given.reshape(flat.shape)]
    return found


def finite_or_text(value: Any) -> float | str:
    """Return a number as JSON can hold it."""
    if np.iscomplexobj(value):
        return f"{value:.3g}".replace("j", "i")
    number = float(value)
    return number if math.isfinite(number) else str(number)


def _blocks(flat: Any, cells: int) -> tuple[Any, int, int]:
    """Return the entry of largest size in each block, and the blocks' height and width."""
    rows, columns = flat.shape
    if rows * columns <= cells:
        return flat, 1, 1
    most = max(1, min(rows, cells, int(math.sqrt(cells * max(rows / max(columns, 1), 0.05)))))
    high = -(-rows // most)
    low = -(-columns // max(1, cells // -(-rows // high)))
    padded = np.zeros((-(-rows // high) * high, -(-columns // low) * low))
    padded[:rows, :columns] = flat
    split = padded.reshape(padded.shape[0] // high, high, -1, low).swapaxes(1, 2)
    blocks = split.reshape(*split.shape[:2], high * low)
    place = np.argmax(np.where(np.isnan(blocks), np.inf, np.abs(blocks)), axis=-1)
    return np.take_along_axis(blocks, place[..., None], -1)[..., 0], high, low


def _bytes(small: Any, top: float) -> bytes:
    with np.errstate(divide="ignore", invalid="ignore"):
        size = 1 + np.log10(np.abs(small) / top) / DECADES if top else np.zeros_like(small)
        steps = np.where(small == 0, 0, np.clip(np.rint(size * 127), 1, 127))
    codes = np.where(np.isfinite(small), 128 + np.sign(small) * steps, 0)
    return codes.astype(np.uint8).tobytes()


def dead(values: Any) -> list[int]:
    """Return the rows of an activation that are zero for every example.

    >>> dead(np.array([[0.0, 1.0], [0.0, 0.0]]))
    [1]
    """
    array = np.asarray(values)
    if array.ndim < 2:
        return []
    return [int(i) for i in np.flatnonzero(~np.any(array.reshape(array.shape[0], -1), axis=1))]
