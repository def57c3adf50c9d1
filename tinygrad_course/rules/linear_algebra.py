"""Products of vectors, matrices and stacks of them; Einstein's sums, Kronecker's and cross products."""

from typing import Any

import numpy as np

from tinygrad_course.rules.shapes import LARGE, as_array, conj, transposed, unbroadcast
from tinygrad_course.rules.table import composed, rule


def rows(a: Any) -> Any:
    """A stack of matrices as one matrix, with their rows below one another."""
    return a.reshape((-1, a.shape[-1]))


def flat_product(a: Any, b: Any) -> Any:
    """The product of a stack of matrices with one matrix, as one product."""
    return np.dot(rows(a), b).reshape((*a.shape[:-1], b.shape[-1]))


# ------------------------------------------------------------------ dot: an axis of a against one of b


def dot_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    if type(b) is not np.ndarray:
        b = as_array(b)
    if b.ndim == 2 and a.ndim:
        return np.dot(g, b.T) if a.ndim < 3 else flat_product(g, b.T)
    return g[..., None] * b if b.ndim == 1 and a.ndim else left_along(g, a, b, -2)


def dot_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    if type(a) is not np.ndarray:
        a = as_array(a)
    if a.ndim == 2 and b.ndim == 2:
        return np.dot(a.T, g)
    if b.ndim == 1 and a.ndim:
        return np.tensordot(g, a, axes=(range(g.ndim), range(g.ndim)))
    return right_along(g, a, b, -2)


rule(np.dot, dot_left, dot_right, product="matrices")

# ------------------------------------------------------------------ matmul and its like: stacks broadcast


def matmul_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    b = as_array(b)
    if b.ndim == 2:
        return np.dot(g, b.T) if a.ndim < 3 else flat_product(g, b.T)
    if b.ndim == 1:
        return g[..., None] * b if a.ndim > 1 else g * b
    if a.ndim == 1:
        return unbroadcast(np.matmul(b, g[..., None])[..., 0], a.shape)
    return unbroadcast(np.matmul(g, transposed(b)), a.shape)


def matmul_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    a = as_array(a)
    if a.ndim == 2 == b.ndim:
        return np.dot(a.T, g)
    if a.ndim == 1:
        return a[:, None] * g[..., None, :] if b.ndim > 1 else g * a
    if b.ndim == 1:
        return unbroadcast(np.matmul(transposed(a), g[..., None])[..., 0], b.shape)
    if b.ndim == 2:  # weights that all examples share: one product, instead of one each and a sum
        return np.dot(rows(a).T, rows(g))
    return unbroadcast(np.matmul(transposed(a), g), b.shape)


def matmul(a: Any, b: Any, /, **options: Any) -> Any:
    """`np.matmul`; a large stack of matrices times one matrix as one product."""
    if not options and type(a) is type(b) is np.ndarray and a.ndim > 2 == b.ndim and a.flags.c_contiguous:
        return flat_product(a, b) if a.size > LARGE and b.size else np.matmul(a, b)
    return np.matmul(a, b, **options)


rule(np.matmul, matmul_left, matmul_right, product="matrices", compute=matmul)
rule(
    np.vecdot,
    lambda g, y, a, b: conj(unbroadcast(g[..., None] * b, a.shape)),  # the first argument is conjugated
    lambda g, y, a, b: unbroadcast(g[..., None] * conj(a), b.shape),
    product="sums",
)
rule(
    np.matvec,
    lambda g, y, a, b: unbroadcast(g[..., :, None] * as_array(b)[..., None, :], a.shape),
    lambda g, y, a, b: unbroadcast(np.vecmat(conj(g), a), b.shape),
    product="sums",
)
rule(
    np.vecmat,
    lambda g, y, a, b: conj(unbroadcast(np.matvec(b, g), a.shape)),
    lambda g, y, a, b: unbroadcast(conj(as_array(a))[..., :, None] * g[..., None, :], b.shape),
    product="sums",
)

# ------------------------------------------------------------------ products that flatten or contract

rule(
    np.outer,
    lambda g, y, a, b: np.dot(g, as_array(b).reshape(-1)).reshape(a.shape),
    lambda g, y, a, b: np.dot(as_array(a).reshape(-1), g).reshape(b.shape),
    product="sums",
)
rule(
    np.vdot,
    lambda g, y, a, b: conj(g * as_array(b).reshape(a.shape)),
    lambda g, y, a, b: g * conj(as_array(a)).reshape(b.shape),
    product="sums",
)


def left_along(g: Any, a: Any, b: Any, axis: int) -> Any:
    """The sum is over the last axis of a and this one of b; a number multiplies all of the other."""
    b = as_array(b)
    if a.ndim == 0:
        return np.sum(g * b)
    return g * b if b.ndim == 0 else tensordot_left(g, None, a, b, (-1, axis))


def right_along(g: Any, a: Any, b: Any, axis: int) -> Any:
    a = as_array(a)
    if b.ndim == 0:
        return np.sum(g * a)
    return g * a if a.ndim == 0 else tensordot_right(g, None, a, b, (-1, axis))


rule(
    np.inner,
    lambda g, y, a, b: left_along(g, a, b, -1),
    lambda g, y, a, b: right_along(g, a, b, -1),
    product="sums",
)


def contracted(axes: Any, a: Any, b: Any) -> tuple[list[int], list[int], list[int], list[int]]:
    """The axes of `np.tensordot` in full: summed and free of a, summed and free of b."""
    if isinstance(axes, (int, np.integer)):
        of_a, of_b = list(range(a.ndim - axes, a.ndim)), list(range(axes))
    else:
        of_a, of_b = ([int(i) for i in np.ravel(x)] for x in axes)
    of_a, of_b = [i % a.ndim for i in of_a], [i % b.ndim for i in of_b]
    return (
        of_a,
        [i for i in range(a.ndim) if i not in of_a],
        of_b,
        [i for i in range(b.ndim) if i not in of_b],
    )


def tensordot_left(g: Any, y: Any, a: Any, b: Any, axes: Any = 2) -> Any:
    b = as_array(b)
    of_a, free_a, of_b, free_b = contracted(axes, a, b)
    # free axes of a, then b's summed in order
    product = np.tensordot(g, b, axes=(range(g.ndim - len(free_b), g.ndim), free_b))
    order = free_a + [of_a[i] for i in np.argsort(of_b)]
    return np.transpose(product, np.argsort(order).tolist())


def tensordot_right(g: Any, y: Any, a: Any, b: Any, axes: Any = 2) -> Any:
    a = as_array(a)
    of_a, free_a, of_b, free_b = contracted(axes, a, b)
    # a's summed axes in order, then the free of b
    product = np.tensordot(a, g, axes=(free_a, range(len(free_a))))
    order = [of_b[i] for i in np.argsort(of_a)] + free_b
    return np.transpose(product, np.argsort(order).tolist())


rule(np.tensordot, tensordot_left, tensordot_right, product="sums")


@composed(np.kron)
def kron(a: Any, b: Any) -> Any:
    a, b = as_array(a), as_array(b)
    n = max(a.ndim, b.ndim)
    of_a, of_b = (1,) * (n - a.ndim) + a.shape, (1,) * (n - b.ndim) + b.shape
    a = a.reshape(tuple(x for i in of_a for x in (i, 1)))
    b = b.reshape(tuple(x for i in of_b for x in (1, i)))
    return (a * b).reshape(tuple(i * j for i, j in zip(of_a, of_b, strict=True)))


@composed(np.cross)
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(as_array(a), axisa, -1), np.moveaxis(as_array(b), axisb, -1)
    (a0, a1, a2), (b0, b1, b2) = ([*(v[..., i] for i in range(v.shape[-1])), 0.0][:3] for v in (a, b))
    if a.shape[-1] == b.shape[-1] == 2:  # in the plane: what stands upright on it
        return a0 * b1 - a1 * b0
    return np.stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], axis=axisc)


# ------------------------------------------------------------------ products of vectors


composed(np.linalg.vecdot)(
    lambda x1, x2, /, *, axis=-1: np.vecdot(np.moveaxis(x1, axis, -1), np.moveaxis(x2, axis, -1))
)
