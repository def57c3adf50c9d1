"""Windows that slide over the grid of a picture or a signal: their places, sums and copies through them.

Inside, a picture is (n_C, m, n_H, n_W), so that what one offset of a window sees is one slice with long
rows. A loop goes over the few offsets of a window, never over its positions.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

Sizes = int | Sequence[int]
Padding = str | int | Sequence[int]


class Window(NamedTuple):
    """A window's size, the step between positions, the zeros around, the step within; each for every axis.

    With them, where the channels of its pictures are, and into how many groups they are divided.
    """

    size: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    channels: str = "last"
    groups: int = 1

    def __repr__(self) -> str:
        """Return what pictures show: the size, and what is not usual beside it."""
        told = "x".join(map(str, self.size))
        for name, value, usual in (("stride", self.stride, 1), ("dilation", self.dilation, 1)):
            if any(n != usual for n in value):
                told += f" {name} " + "x".join(map(str, dict.fromkeys(value)))
        if any(map(any, self.pad)):
            told += " pad " + ",".join(map(str, dict.fromkeys(n for p in self.pad for n in p)))
        return told if self.groups == 1 else f"{told} groups {self.groups}"

    def positions(self, grid: tuple[int, ...]) -> tuple[int, ...]:
        """Return how many positions there are along each axis of a grid."""
        axes = zip(grid, self.size, self.stride, self.pad, self.dilation, strict=True)
        return tuple((n + sum(p) - d * (f - 1) - 1) // s + 1 for n, f, s, p, d in axes)

    def slices(self, positions: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
        """Yield for each offset of the window what it sees of the padded grid, from all positions."""
        for offset in itertools.product(*map(range, self.size)):
            axes = zip(offset, positions, self.stride, self.dilation, strict=True)
            places = [slice(o * d, o * d + (n - 1) * s + 1, s) for o, n, s, d in axes]
            yield (slice(None), slice(None), *places)

    @classmethod
    def over(
        cls,
        grid: tuple[int, ...],
        size: tuple[int, ...],
        stride: Sizes,
        pad: Padding,
        channels: str,
        dilation: Sizes = 1,
        groups: int = 1,
    ) -> Self:
        """Return the window over a grid, with `pad` ("valid", "same", numbers) as zeros before and after."""
        axes = len(grid)
        steps, gaps = each(stride, axes, "stride"), each(dilation, axes, "dilation")
        if isinstance(pad, str):
            if pad not in ("valid", "same"):
                raise ValueError(f'pad is {pad!r}; expected "valid" (none), "same" or a number of zeros')
            zeros = tuple((0, 0) for _ in grid)
            if pad == "same":
                spans = zip(grid, size, steps, gaps, strict=True)
                missing = (max((math.ceil(n / s) - 1) * s + d * (f - 1) + 1 - n, 0) for n, f, s, d in spans)
                zeros = tuple((total // 2, total - total // 2) for total in missing)
        else:
            zeros = tuple((n, n) for n in each(pad, axes, "pad", least=0))
        found = cls(size, steps, zeros, gaps, channels, groups)
        if min(found.positions(grid)) < 1:
            raise ValueError(
                f"a window of {size} does not fit into {grid} with pad={pad!r}, dilation={dilation!r}"
            )
        return found

    def padded(self, x: Any, value: float = 0.0) -> Any:
        """Return (n_C, m, ...) with the window's zeros, or another value, around."""
        if not any(map(any, self.pad)):
            return x
        return np.pad(x, ((0, 0), (0, 0), *self.pad), constant_values=value)

    def columns(self, x: Any) -> Any:
        """Return what the windows see of x (n_C, m, ...): (groups, n_C / groups * offsets, m * positions)."""
        positions = self.positions(x.shape[2:])
        x = self.padded(x)
        seen = [x[place] for place in self.slices(positions)]
        stacked = np.stack(seen, axis=1) if len(seen) > 1 else seen[0]
        return stacked.reshape(self.groups, x.shape[0] // self.groups * len(seen), -1)

    def kernel(self, W: Any) -> Any:
        """Return a kernel as (groups, n_C / groups, n_C_prev / groups * offsets)."""
        return self.grouped(np.moveaxis(W, (-1, -2), (0, 1)) if self.channels == "last" else W)

    def grouped(self, x: Any) -> Any:
        """Return what has its channels first as (groups, n_C / groups, all the rest)."""
        return x.reshape(self.groups, x.shape[0] // self.groups, -1)

    def gathered(self, parts: Iterable[Any], like: Any, shape: tuple[int, ...]) -> Any:
        """Return the sum of what each offset saw, each part (n_C, m, positions...) at its place: "col2im".

        The other way of `columns`. `like` says what kind of array, `shape`, (n_C, m, ...), which.
        """
        grid = shape[2:]
        full = tuple(n + sum(p) for n, p in zip(grid, self.pad, strict=True))
        out = np.zeros_like(like, shape=(*shape[:2], *full))
        apart = all(s > d * (f - 1) for f, s, d in zip(self.size, self.stride, self.dilation, strict=True))
        for place, part in zip(self.slices(self.positions(grid)), parts, strict=True):
            if apart:  # no two windows see the same element
                out[place] = part
            else:
                out[place] += part
        if not any(map(any, self.pad)):
            return out
        inside = [slice(before, before + n) for n, (before, _) in zip(grid, self.pad, strict=True)]
        return out[(slice(None), slice(None), *inside)]

    def inward(self, x: Any) -> Any:
        """Return a view of a picture (m, ..., n_C) or (m, n_C, ...) as (n_C, m, ...)."""
        return np.moveaxis(x, -1, 0) if self.channels == "last" else np.swapaxes(x, 0, 1)

    def outward(self, x: Any) -> Any:
        """Return a view of (n_C, m, ...) in the layout asked for: what follows keeps the order in memory."""
        return np.moveaxis(x, 0, -1) if self.channels == "last" else np.swapaxes(x, 0, 1)


def each(value: Any, axes: int, name: str, least: int = 1) -> tuple[int, ...]:
    """Return one whole number for each axis, from one number for all or from a sequence."""
    sizes = (value,) * axes if isinstance(value, (int, np.integer)) else tuple(value)
    if len(sizes) != axes or any(not isinstance(n, (int, np.integer)) or n < least for n in sizes):
        raise ValueError(f"{name} is {value!r}; expected a whole number from {least} on, or {axes} of them")
    return tuple(int(n) for n in sizes)


def check_picture(x: Any, channels: str, axes: int | None, name: str) -> None:
    """Raise where `x` is no batch of pictures, or the layout is unknown."""
    if channels not in ("first", "last"):
        raise ValueError(f'channels is {channels!r}; expected "last", (m, n_H, n_W, n_C), or "first"')
    expected = "(m, n_H, n_W, n_C)" if channels == "last" else "(m, n_C, n_H, n_W)"
    ndim = len(np.shape(x)) if not hasattr(x, "shape") else len(x.shape)
    if ndim < 3 or (axes is not None and ndim != axes + 2):
        told = "with one side or more" if axes is None else f"since the window has {axes} axes"
        raise ValueError(f"{name} is {np.shape(x)}; expected {expected} or its like, {told}")


def grid_of(shape: tuple[int, ...], channels: str) -> tuple[int, ...]:
    """Return the shape of the grid within a batch's shape."""
    return shape[1:-1] if channels == "last" else shape[2:]
