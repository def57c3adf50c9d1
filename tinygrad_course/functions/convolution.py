"""Convolution over pictures and signals, and its transpose.

What deep learning calls a convolution is a cross-correlation: the kernel is not turned round. It is one
matrix product, of the kernel as a matrix with the columns of what its windows see; so are its gradients.
All three are values of one form T(x, W, g) = sum(g * conv(x, W)), linear in each of its arguments, and
each is the derivative of the others: gradients of any order come from these three functions.
"""

from typing import Any

import numpy as np

from tinygrad_course.functions.window_geometry import Padding, Sizes, Window, check_picture, each, grid_of
from tinygrad_course.rules.shapes import inexact
from tinygrad_course.rules.table import primitive, rule


@primitive
def correlate_windows(x: Any, W: Any, window: Window) -> Any:
    """Return the product of the kernel with every window of x."""
    x = window.inward(x)
    Z = np.matmul(window.kernel(W), window.columns(x))
    return window.outward(Z.reshape(-1, x.shape[1], *window.positions(x.shape[2:])))


@primitive
def spread_windows(g: Any, W: Any, window: Window, shape: tuple[int, ...]) -> Any:
    """Return the sum of the kernels that g weighs, each at its window's place; `shape` is the result's."""
    g = window.inward(g)
    matrix = window.kernel(W)
    parts = np.matmul(np.swapaxes(matrix, 1, 2), window.grouped(g))
    n_C = matrix.shape[2] // int(np.prod(window.size)) * window.groups
    parts = np.moveaxis(parts.reshape(n_C, -1, *g.shape[1:]), 1, 0)
    full = (n_C, g.shape[1], *grid_of(shape, window.channels))
    return window.outward(window.gathered(parts, g, full))


@primitive
def correlate_pictures(x: Any, g: Any, window: Window, shape: tuple[int, ...]) -> Any:
    """Return the sum of the windows of x that g weighs: of the kernel's `shape`."""
    seen = window.columns(window.inward(x))
    matrix = np.matmul(window.grouped(window.inward(g)), np.swapaxes(seen, 1, 2))
    if window.channels == "first":
        return matrix.reshape(shape)
    *size, n_C_prev, n_C = shape
    return np.moveaxis(matrix.reshape(n_C, n_C_prev, *size), (0, 1), (-1, -2)).copy()


rule(
    correlate_windows,
    lambda g, y, x, W, window: spread_windows(g, W, window, x.shape),
    lambda g, y, x, W, window: correlate_pictures(x, g, window, W.shape),
    name="conv",
)
rule(
    spread_windows,
    lambda h, y, g, W, window, shape: correlate_windows(h, W, window),
    lambda h, y, g, W, window, shape: correlate_pictures(h, g, window, W.shape),
    name="conv_transpose",
)
rule(
    correlate_pictures,
    lambda h, y, x, g, window, shape: spread_windows(g, h, window, x.shape),
    lambda h, y, x, g, window, shape: correlate_windows(x, h, window),
    name="conv_kernel",
)


def conv(
    A_prev: Any,
    W: Any,
    b: Any = None,
    stride: Sizes = 1,
    pad: Padding = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    channels: str = "last",
) -> Any:
    """Return Z = W * A_prev + b, each window of A_prev times the kernel, for any number of axes.

    Parameters
    ----------
    A_prev : array, shape (m, n_H_prev, n_W_prev, n_C_prev)
        The course's layout; a signal is (m, n, n_C_prev). With ``channels="first"`` (m, n_C_prev,
        n_H_prev, n_W_prev).
    W : array, shape (f, f, n_C_prev / groups, n_C)
        With ``channels="first"`` (n_C, n_C_prev / groups, f, f), as PyTorch has it.
    b : array, optional
        n_C numbers, in any shape such as the course's (1, 1, 1, n_C).
    stride, dilation : int or one int for each axis
        The step from window to window, and within the window.
    pad : "valid", "same", or int, or one int for each axis
        Zeros around: none; so many that stride 1 keeps the size, ceil(n / stride) in general; or that many.
    groups : int
        Parts into which the channels are divided, each with kernels of its own; n_C_prev of them: depthwise.
    channels : "last" or "first"

    Returns
    -------
    array, shape (m, n_H, n_W, n_C), or (m, n_C, n_H, n_W)
        n_H = floor((n_H_prev + 2 pad - f) / stride) + 1.

    Raises
    ------
    ValueError
        If shapes and settings do not fit.

    Notes
    -----
    Course 4, week 1. On the graph it is one node, beside the sum with b.

    Examples
    --------
    >>> picture = np.arange(16.0).reshape(1, 4, 4, 1)
    >>> edge = np.array([[1.0, -1.0]]).reshape(1, 2, 1, 1)
    >>> conv(picture, edge)[0, :, :, 0]
    array([[-1., -1., -1.],
           [-1., -1., -1.],
           [-1., -1., -1.],
           [-1., -1., -1.]])
    """
    size, n_C_prev, n_C, given = _sizes(A_prev, W, channels, "A_prev")
    if n_C_prev * groups != given or n_C % groups:
        first = channels == "last" and A_prev.shape[1] == W.shape[1] * groups
        raise ValueError(
            f"A_prev {A_prev.shape} has {given} channels, and W {W.shape} with groups={groups} is for "
            f"{n_C_prev} x {groups} of them and makes {n_C}, which groups must divide"
            + "; with the channels before the sides, as PyTorch has them, say channels='first'"
            * first
        )
    window = Window.over(grid_of(A_prev.shape, channels), size, stride, pad, channels, dilation, groups)
    return _with_bias(correlate_windows(A_prev, W, window), b, n_C, channels)


def _sizes(x: Any, W: Any, channels: str, name: str) -> tuple[tuple[int, ...], int, int, int]:
    """Return a kernel's size, its channels on either side, and how many the picture has."""
    check_picture(x, channels, len(W.shape) - 2, name)
    if channels == "last":
        return W.shape[:-2], W.shape[-2], W.shape[-1], x.shape[-1]
    return W.shape[2:], W.shape[1], W.shape[0], x.shape[1]


def _with_bias(Z: Any, b: Any, n_C: int, channels: str) -> Any:
    if b is None:
        return Z
    if np.size(b) != n_C:
        raise ValueError(
            f"b has shape {np.shape(b)}; expected {n_C} numbers, one for each channel of Z {Z.shape}"
        )
    shape = (n_C,) if channels == "last" else (n_C, *(1,) * (len(Z.shape) - 2))
    return Z + (b if np.shape(b) == shape else np.reshape(b, shape))


def conv_transpose(
    Z: Any,
    W: Any,
    b: Any = None,
    stride: Sizes = 1,
    pad: Padding = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    channels: str = "last",
    extra: Sizes = 0,
) -> Any:
    """Return the transpose of `conv`, a linear map, applied to Z: what takes dZ to dA_prev, used to enlarge.

    Parameters
    ----------
    Z : array, shape (m, n_H, n_W, n_C)
    W : array, shape (f, f, n_C_new / groups, n_C)
        The kernel of the convolution that this undoes in shape. ``channels="first"``: (n_C, n_C_new /
        groups, f, f).
    b : array, optional
        n_C_new numbers.
    extra : int or one int for each axis
        Rows and columns to add to the larger picture: with a stride several sizes have the same n_H
        (PyTorch's ``output_padding``).
    stride, pad, dilation, groups, channels
        As in `conv`; with "same" the result is stride times as large.

    Returns
    -------
    array, shape (m, n_H_new, n_W_new, n_C_new)
        n_H_new = (n_H - 1) stride - 2 pad + dilation (f - 1) + 1 + extra.

    Examples
    --------
    >>> Z = np.array([1.0, 2.0]).reshape(1, 2, 1)
    >>> conv_transpose(Z, np.ones((2, 1, 1)), stride=2).ravel()
    array([1., 1., 2., 2.])
    """
    size, n_C_new, n_C, given = _sizes(Z, W, channels, "Z")
    if n_C != given or n_C % groups:
        raise ValueError(f"Z is {Z.shape}, and W {W.shape} with groups={groups} is for {n_C} channels")
    n_C_new, axes, grid = n_C_new * groups, len(size), grid_of(Z.shape, channels)
    steps, gaps = each(stride, axes, "stride"), each(dilation, axes, "dilation")
    more = each(extra, axes, "extra", least=0)
    if pad == "same":
        larger = tuple(n * s for n, s in zip(grid, steps, strict=True))
    else:
        zeros = (0,) * axes if pad == "valid" else each(pad, axes, "pad", least=0)
        spans = zip(grid, size, steps, zeros, gaps, more, strict=True)
        larger = tuple((n - 1) * s - 2 * p + d * (f - 1) + 1 + e for n, f, s, p, d, e in spans)
    window = Window.over(larger, size, stride, pad, channels, dilation, groups)
    if window.positions(larger) != grid:
        raise ValueError(
            f"extra={extra!r} is not below stride={stride!r}: {larger} has {window.positions(larger)} windows"
        )
    m = Z.shape[0]
    shape = (m, *larger, n_C_new) if channels == "last" else (m, n_C_new, *larger)
    return _with_bias(spread_windows(inexact(Z), W, window, shape), b, n_C_new, channels)
