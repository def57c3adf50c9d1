"""Where a derivative is lost at a kink: a square of a root at 0 is smooth, ``np.linalg.norm(w)**2``.

The norm is not. By the chain rule the second derivative of such a square at 0 is 0, or NaN. So the square is
recorded with what it amounts to (`stable_forms.mended`), where a root vanishes and nowhere else.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_course.engine.monomials import monomial
from tinygrad_course.engine.stable_forms import call, least, mended, same, traced
from tinygrad_course.engine.views import as_kept, as_of, version_of
from tinygrad_course.rules.einsum import parsed
from tinygrad_course.rules.shapes import MOVES, is_complex, normalize
from tinygrad_course.rules.table import RULES

if TYPE_CHECKING:
    from tinygrad_course.engine.tensor import Tensor

#: So many operations are followed back.
DEPTH = 6


def mend_square(out: Tensor) -> Tensor:
    """Mend a square or higher power of a norm, an absolute value, a square root or a deviation that is 0."""
    if not any(map(may_be_mended, out._args)):  # the commonest case
        return out
    root, n, factor, _ = monomial(out, raises={np.square: 2.0})
    if n < 2 or not may_be_mended(root) or out._data.dtype.kind != "f":
        return out
    function, inside, kwargs = call(whole(root))
    one = np.all(factor == 1)
    if n > 2 and (not one or function not in _CONES or not is_euclidean(function, *inside, **kwargs)):
        return out
    square = square_of(root)
    if square is None:
        return out
    return mended(out, square, root, n) if n > 2 else mended(out, square if one else factor * square)


def as_multiple(x: Any) -> tuple[Any, Any] | None:
    """Return a number and the Tensor that is multiplied by it, or divided; None of anything else."""
    function, args, _ = call(x)
    if function not in _SCALES:
        return None
    if function is np.negative:
        return -1, args[0]
    a, b = args
    if isinstance(b, _REAL):
        return (b if function is np.multiply else 1 / b if b else np.inf), a
    return (a, b) if isinstance(a, _REAL) and function is np.multiply else None


_POWERS = {np.power, np.float_power, np.square}
_SCALES = {np.multiply, np.divide, np.negative}
_REAL = (int, float, np.integer, np.floating)


def may_be_mended(root: Any) -> bool:
    """Whether it is a Tensor of which the square may be another matter than itself."""
    operation = getattr(root := whole(root), "_op", None)
    return operation is not None and operation.function in _SQUARES and may_vanish(root)


def whole(x: Any) -> Any:
    """Return what the entries of a Tensor are of, as those of n[i] and 2 n are of n."""
    for _ in range(DEPTH):  # a long chain of products is no multiple of a root
        operation = getattr(x, "_op", None)
        if operation is None:
            break
        if operation.function in MOVES:
            x = version_of(x._args[0])
        elif operation.function in _SCALES and (multiple := as_multiple(x)) is not None:
            x = version_of(multiple[1])
        else:
            break
    return x


def square_of(root: Any) -> Any:
    """Return the square of a root, or of some of its entries; None if the chain rule's is as good."""
    function, inside, kwargs = call(root)
    if (multiple := as_multiple(root)) is not None:
        square = square_of(multiple[1])
        return None if square is None else multiple[0] ** 2 * square
    if function not in MOVES:
        return _SQUARES[function](*inside, **kwargs)
    moved, *places = as_kept(root)
    square = square_of(moved)
    return None if square is None else function(square, *places, **kwargs)


def square_of_size(x: Any) -> Any:
    """Return |x|^2, of complex numbers too."""
    return np.real(x * np.conjugate(x)) if is_complex(x) else x * x


def is_euclidean(function: Any, x: Any, ord: Any = None, axis: Any = None, **_: Any) -> bool:
    """Whether a norm is the root of a sum of squares; what else is a cone is one."""
    if function is not np.linalg.norm:
        return True
    lengths = sorted(x.shape[i] for i in normalize(axis, x.ndim))
    if ord in (None, "fro", "f"):
        return True
    if len(lengths) == 1:
        return bool(ord == 2 or (lengths == [1] and ord != 0))
    return lengths[0] == 1 and (lengths[1] == 1 or ord in (2, -2, "nuc"))


def square_of_norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    """Return the square of a norm, which of others than Euclid's has no second derivative at 0."""
    if is_euclidean(np.linalg.norm, x, ord, axis):
        return np.sum(square_of_size(x), axis=axis, keepdims=keepdims)
    return None if ord == 0 else kinked(np.linalg.norm(x, ord, axis, keepdims))


def kinked(size: Any) -> Any:
    """Return a square that has no second derivative at 0."""
    return size * np.hypot(size, 0.0)


ROOTS: dict[Any, Callable[..., Any]] = {
    np.linalg.norm: square_of_norm,
    np.absolute: square_of_size,
    np.fabs: lambda x: x * x,
    np.sqrt: lambda x: x,
    np.hypot: lambda a, b: a * a + b * b,
    np.std: np.var,
    np.copysign: lambda a, b: a * a,
}


def square_of_extreme(reduce: Any) -> Callable[..., Any]:
    """Return the square of a largest or smallest number: the mean of the squares of equal ones."""

    def square(x: Any, axis: Any = None, keepdims: Any = False, **options: Any) -> Any:
        if options:
            return None
        hit = np.equal(x, reduce(x, axis=axis, keepdims=True))
        share = hit / np.maximum(np.sum(hit, axis=axis, keepdims=True, dtype=x.dtype.type), 1)
        return np.sum(share * (x * x), axis=axis, keepdims=keepdims)

    return square


def square_of_total(total: Any) -> Callable[..., Any]:
    """Return the square of a sum of sizes, which has no second derivative where several are 0."""

    def square(x: Any, axis: Any = None, keepdims: Any = False, **options: Any) -> Any:
        if options or call(x)[0] not in {np.absolute, np.fabs}:
            return None
        alone = all(x.shape[i] == 1 for i in normalize(axis, x.ndim))
        y = total(x * x if alone else x, axis=axis, keepdims=keepdims)
        return y if alone else kinked(y)

    return square


def square_of_choice(a: Any, b: Any, wins: Callable[[Any, Any], Any]) -> Any:
    """Return the square of the one of two Tensors that `wins`: at a tie with a number, that is taken."""
    if not (hasattr(a, "_op") and hasattr(b, "_op")):  # one is a number, perhaps an input of a program
        return None
    y = np.where(np.equal(a, b), 0.5 * (a * a + b * b), np.where(wins(a, b), a * a, b * b))
    return y if y.shape else y[()]  # of numbers np.where makes an array


def square_of_range(a: Any, b: Any) -> Any:
    """Return the square of ``np.max(x) - np.min(x)``, with no second derivative at 0; None of other pairs."""
    (f, of_a, _), (h, of_b, _) = call(a), call(b)
    if f not in {np.max, np.amax} or h not in {np.min, np.amin} or not same(of_a[0], of_b[0]):
        return None
    return kinked(np.subtract(a, b))


#: Of these powers above 2 have no second derivative by the chain rule either.
_CONES = {np.linalg.norm, np.sqrt, np.hypot, np.std}
#: Of what else has a kink at 0: only its square is looked at.
_SQUARES: dict[Any, Callable[..., Any]] = {
    **ROOTS,
    **{f: square_of_extreme(f) for f in (np.max, np.amax, np.min, np.amin)},
    **{f: square_of_total(f) for f in (np.sum, np.mean)},
    np.maximum: lambda a, b: square_of_choice(a, b, np.greater),
    np.minimum: lambda a, b: square_of_choice(a, b, np.less),
    np.subtract: square_of_range,
}


def may_vanish(root: Tensor) -> bool:
    """Whether a root is 0 somewhere, or may be in a later call of the program that is being traced."""
    return traced(root) or least(root._data) == 0


def mend_contraction(out: Tensor) -> Tensor:
    """Mend a sum of squares of a root's entries, as their products."""
    if not any(map(may_be_mended, out._args)) or out._data.dtype.kind != "f":  # the commonest case
        return out
    places = [i for i, a in enumerate(out._args) if type(a) is type(out)]
    if len(places) != 2:
        return out
    args = list(as_of(out))
    i, j = places
    function, kwargs = out._op.function, out._kwargs or {}  # type: ignore[union-attr]
    within = function in _LAST_AXES  # r @ r of one number, as r.T @ r of a column is: in one order
    root, other = (along(args[k]) if within else args[k] for k in places)
    if not same(root, other) or not may_be_mended(root):
        return out
    if not (out.size == 1 if within else _CONTRACTIONS[function](root, args, **kwargs)):
        return out
    found = square_of(root)
    if found is None:
        return out
    if within:
        return mended(out, np.sum(found).reshape(out.shape))
    args[i], args[j] = found, np.ones(args[j].shape, root.dtype)
    return mended(out, function(*args, **kwargs))


def along(x: Any) -> Any:
    """Return what the entries of a single row are of, whose axes of one entry stand anywhere."""
    function, args, _ = call(x)
    while function in _AXES or is_widened(function, args):
        if max(np.shape(args[0]), default=1) != np.size(args[0]):
            break
        x = args[0]
        function, args, _ = call(x)
    return x


def is_widened(function: Any, args: tuple[Any, ...]) -> bool:
    """Whether a part is the whole with more axes, as x[:, None] is."""
    index = args[1] if function is operator.getitem else 0
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is None or part is ... or (type(part) is slice and part == slice(None)) for part in parts)


def _all_axes(root: Any, args: list[Any], axes: Any = 2) -> bool:
    axes = args[2] if len(args) > 2 else axes
    a, b = ([*range(axes)],) * 2 if isinstance(axes, int) else [np.ravel(x).tolist() for x in axes]
    return len(a) == root.ndim and a == b


_LAST_AXES = {np.dot, np.inner, np.matmul}
_AXES = {
    *(np.transpose, np.swapaxes, np.moveaxis, np.matrix_transpose),
    *(np.reshape, np.ravel, np.squeeze, np.expand_dims),
}
#: Whether a product of a root with itself is one of equal entries, which are added up.
_CONTRACTIONS: dict[Any, Callable[..., bool]] = {
    **dict.fromkeys((np.vdot, np.vecdot), lambda root, args, **_: True),
    np.tensordot: _all_axes,
    np.einsum: lambda root, args, **_: len(set(parsed(tuple(args))[0])) == 1,
}
#: What is looked at from the first root on that is 0 somewhere (see `kinks`), besides products of entries.
CONTRACTIONS = (*_LAST_AXES, *_CONTRACTIONS)
for _function in _POWERS:
    RULES[_function].mend = mend_square
