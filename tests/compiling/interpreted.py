"""The texts of machine code run as Python: many can be tried, and what is tried is the text."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from scipy import special


def tile(rows, width, _, x, start, down, over, left, sums, at, count, more, *rest):
    """What the tile in LLVM's language does, number by number."""
    x, left, sums = map(memory, (x, left, sums))
    origin, pitch, apart = rest if len(rest) == 3 else (0, width, width)
    rows_of_left = np.array([left[origin + l * pitch : origin + l * pitch + width] for l in range(count)])
    for r in range(rows):
        entries = x[[start + l * down + r * over for l in range(count)]]
        place = slice(at + r * apart, at + r * apart + width)
        sums[place] = entries @ rows_of_left + (sums[place] if more else 0)


def memory(array):
    """What an array shows, as it lies, from its first entry to its last."""
    if not array.size:  # a part of nothing, which no loop reads
        return array.reshape(-1)
    extent = sum((n - 1) * stride for n, stride in zip(array.shape, array.strides, strict=True))
    size = extent // array.itemsize + 1
    return np.lib.stride_tricks.as_strided(array, (size,), (array.itemsize,))


#: As compiled, where what has no value is NaN and raises nothing.
MATH = SimpleNamespace(
    atan=np.arctan, copysign=np.copysign, cos=np.cos, cosh=np.cosh, fabs=np.fabs, sin=np.sin, sinh=np.sinh,
    sqrt=np.sqrt, inf=np.inf, nan=np.nan,
)  # fmt: skip


def interpreted(source, types=None):
    """A kernel as Python, so that many can be tried: what is tested is the text, not the compiler."""
    names = ("exp", "expm1", "log", "log1p", "logaddexp", "tanh")
    space = {name: getattr(np, name) for name in names}
    space |= {"expit": special.expit, "softplus": lambda x: np.logaddexp(0, x)}
    space |= {
        "select": lambda c, a, b: a if c else b,
        "accumulate": lambda a, b: a + b,
        "largest": np.maximum,
        "smallest": np.minimum,
    }
    space |= {"math": MATH, "f8": np.float64, "f4": np.float32, "np": np, "tile": tile, "masked": range}
    exec(source, space)  # noqa: S102  (the library's own text)
    compute, forms = space["compute"], types or ()
    if not any(form.endswith(" 0") for form in forms):
        return compute
    return lambda *args: compute(
        *[memory(a) if f.endswith(" 0") else a for a, f in zip(args, forms, strict=True)]
    )
