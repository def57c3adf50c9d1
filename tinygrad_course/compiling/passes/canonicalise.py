"""One spelling for what NumPy lets one write in many ways: a.T, dot and matmul, mean, x ** 2, reshapes."""

import inspect
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.compiling.builder import Builder, uniform
from tinygrad_course.compiling.dataflow import Value
from tinygrad_course.rules.indexing import scatter
from tinygrad_course.rules.shapes import normalize

_PRODUCTS = {np.dot, np.matmul}
_ALIASES = {np.positive, operator.pos, np.copy, np.conjugate, np.real}
#: What one reduction each is of, by the name of NumPy's; a mean is a sum that is divided.
_REDUCED: Any = {
    **dict.fromkeys((np.sum, np.mean, np.add.reduce), np.sum),
    **dict.fromkeys((np.max, np.amax), np.max),
    **dict.fromkeys((np.min, np.amin), np.min),
}
RESHAPES = {np.reshape, np.ravel, np.squeeze, np.expand_dims, np.atleast_2d}
TRANSPOSES: Any = {np.transpose, np.swapaxes, np.moveaxis, np.matrix_transpose}
#: The number that makes no difference to an extreme of others.
_OUTDONE = {np.max: -np.inf, np.min: np.inf}
#: What NumPy has where an option is not given.
_ABSENT = inspect.signature(np.sum).parameters["initial"].default


def canonical(builder: Builder, value: Value, args: Any, kwargs: Any) -> Value:
    """Return a value equal to `value` in the one spelling; `args` and `kwargs` are its call's arguments."""
    function = value.function
    first = args[0] if args and isinstance(args[0], Value) else None
    if function is np.where and first is not None and first.dtype.kind != "b" and not builder.readable:
        first = builder.ufunc(np.not_equal, first, 0)
        args = first, *args[1:]
    if function in _ALIASES and first is not None and first.dtype == value.dtype and first.kind == value.kind:
        conjugated = function is np.conjugate and value.dtype.kind == "c"
        if not conjugated:
            return first
    if first is not None and first.kind != "python" and value.kind != "tuple":
        fixed = function in _PRODUCTS or not value.inputs[1:]  # x[:n] of an n that moves is another each time
        spell = _SPELLINGS.get(function) if fixed else None
        found = spell(builder, value, args, kwargs) if spell is not None else None
        alike = fixed and (first.shape, first.kind) == (value.shape, value.kind)
        if found is None and alike and _is_itself(function, args):
            found = first
        if found is not None:
            return found
    if isinstance(function, np.ufunc) and not kwargs and function.signature is None and function.nout == 1:
        return _elementwise(builder, value, args)
    return builder.like(value, args, kwargs)


def _is_itself(function: Any, args: Any) -> bool:
    """Whether a call whose result is as large as its first argument leaves everything where it is."""
    if function not in {operator.getitem, scatter}:
        return function is np.broadcast_to
    parts = args[1] if type(args[1]) is tuple else (args[1],)
    return all(p is Ellipsis or (type(p) is slice and p.step in (None, 1)) for p in parts)


def _elementwise(builder: Builder, value: Value, args: Any) -> Value:
    if any(type(a) is not Value or a.function is None or a.function is np.broadcast_to for a in args):
        args = tuple([builder.constant(np.array(a)) if isinstance(a, (list, tuple)) else a for a in args])
        args = tuple([_number(a, value, args) for a in args])
        args = _unspread(value, args)
    function = value.function
    squared = (function is np.multiply and args[0] is args[1]) or (
        function is np.power and not isinstance(args[1], Value) and args[1] == 2
    )
    if squared and np.square.resolve_dtypes((args[0].dtype, None))[1] == value.dtype:
        return builder.call(np.square, args[:1], {}, value.shape, value.dtype, value.kind)
    if function in {np.multiply, np.divide}:
        for one, other in ((1, 0), (0, 1)) if function is np.multiply else ((1, 0),):
            x = args[other]
            is_one = not isinstance(args[one], Value) and args[one] == 1
            if is_one and isinstance(x, Value) and _alike(x, value):
                return x
    return builder.like(value, args, {})


def _unspread(value: Value, args: Any) -> Any:
    """Return the operands without a broadcast that the operation does by itself."""
    for i, arg in enumerate(args):
        if isinstance(arg, Value) and arg.function is np.broadcast_to and not arg.kwargs:
            others = [a.shape for j, a in enumerate(args) if j != i and isinstance(a, Value)]
            inner = arg.args[0]
            if inner.kind != "python" and np.broadcast_shapes(inner.shape, *others) == value.shape:
                return _unspread(value, (*args[:i], inner, *args[i + 1 :]))
    return args


def _number(arg: Any, value: Value, args: Any) -> Any:
    """Return a constant array of equal entries as one number, where that gives the same shape and dtype."""
    if not isinstance(arg, Value) or not arg.is_constant or value.function is np.power:
        return arg
    number = uniform(arg)
    others = [a for a in args if isinstance(a, Value) and a is not arg]
    if number is None or not others or arg.dtype.kind != "f" or arg.dtype.itemsize > 8:
        return arg
    if any(o.kind == "python" or o.dtype != arg.dtype for o in others):
        return arg
    if np.broadcast_shapes(*(o.shape for o in others)) != value.shape:
        return arg
    return number


def _alike(a: Value, b: Value) -> bool:
    return (a.shape, a.dtype, a.kind) == (b.shape, b.dtype, b.kind)


def _product(builder: Builder, value: Value, args: Any, kwargs: Any) -> Value | None:
    a, b = args
    if not isinstance(b, Value) or kwargs:
        return None
    if value.function is np.dot and (a.shape == () or b.shape == ()):
        return builder.call(np.multiply, (a, b), {}, value.shape, value.dtype, value.kind)
    if len(b.shape) != 2 or len(a.shape) < 2 or a.dtype != b.dtype or a.dtype.kind != "f":
        return None
    if len(a.shape) > 2:  # a stack of matrices times one matrix is one product
        return builder.reshape(builder.matmul(builder.rows(a), b), value.shape) if a.size else None
    if a.shape == (1, 1) or b.shape == (1, 1):
        return builder.ufunc(np.multiply, a, b)
    if a.shape[0] == 1 == b.shape[1]:  # a row times a column
        row = canonical(builder, Value(np.transpose, (b,), {}, b.shape[::-1], b.dtype), (b,), {})
        product = builder.ufunc(np.multiply, a, row)
        return builder.call(np.sum, (product,), {"axis": (1,), "keepdims": True}, value.shape, value.dtype)
    return builder.matmul(a, b)


def _reduction(builder: Builder, value: Value, args: Any, kwargs: Any) -> Value | None:
    """Return a sum, a mean or an extreme over all axes (None) or a tuple of them."""
    function, a = value.function, args[0]
    total = _REDUCED[function] is np.sum
    names = ("axis", *["dtype"] * total, "out", "keepdims", "initial", "where")
    options = dict(zip(names, args[1:], strict=False)) | dict(kwargs)
    axis = options.pop("axis", 0 if function == np.add.reduce else None)
    keepdims = bool(options.pop("keepdims", False))
    if total:
        if a.dtype.kind == "b" and value.dtype.kind == "f" and not builder.readable:
            one = builder.constant(value.dtype.type(1))  # what is true is counted
            a = builder.call(np.multiply, (a, one), {}, a.shape, value.dtype)
        if value.dtype != a.dtype or a.dtype.kind != "f" or a.dtype.itemsize < 4:
            return None
        options.pop("dtype", None)  # it is that of the result
    count = a.size // max(value.size, 1)
    possible = count if function is np.mean else total or a.shape
    initial = options.get("initial")
    if a.size and type(initial) is float and initial == _OUTDONE.get(_REDUCED[function]):
        del options["initial"]
    absent = all(x is None or x is _ABSENT or x is True for x in options.values())
    if not possible or not absent:
        return None
    axes = normalize(axis, len(a.shape)) if a.shape else ()  # NumPy lets a number have an axis 0
    given = {"axis": None if len(axes) == len(a.shape) and not keepdims else axes, "keepdims": keepdims}
    made = builder.call(_REDUCED[function], (a,), given, value.shape, value.dtype, value.kind)
    if function is np.mean:
        return builder.call(np.divide, (made, count), {}, value.shape, value.dtype, value.kind)
    return made


def _variance(builder: Builder, value: Value, args: Any, kwargs: Any) -> Value | None:
    """Return the mean of (a - mean(a)) ** 2: layer norm has the difference too."""
    a = args[0]
    if len(args) > 2 or kwargs.keys() - {"axis", "keepdims"} or a.kind != "array" or value.dtype != a.dtype:
        return None
    axis = kwargs.get("axis", args[1] if len(args) > 1 else None)
    if axis is None or a.size == 0 or a.dtype.kind != "f" or builder.readable:
        return None
    options: dict[str, Any] = {"axis": normalize(axis, len(a.shape)), "keepdims": True}
    shape = tuple(1 if i in options["axis"] else n for i, n in enumerate(a.shape))
    mean = _reduction(builder, Value(np.mean, (), {}, shape, a.dtype), (a,), options)
    if mean is None:
        return None
    square = builder.ufunc(np.square, builder.ufunc(np.subtract, a, mean))
    options["keepdims"] = kwargs.get("keepdims", False)
    like = Value(np.mean, (), {}, value.shape, a.dtype, value.kind)
    return _reduction(builder, like, (square,), options)


def _reshaped(builder: Builder, value: Value, args: Any, kwargs: Any) -> Value | None:
    a: Value = args[0]
    place = 2 if value.function is np.reshape else 1 if value.function is np.ravel else len(args)
    order = kwargs.get("order", args[place] if len(args) > place else "C")
    if order != "C":
        return None
    if a.function is np.reshape and len(a.args) == 2 and not a.kwargs:  # by rows too
        a = a.args[0]
    if a.shape == value.shape and a.kind == value.kind:
        return a
    return builder.call(np.reshape, (a, value.shape), {}, value.shape, value.dtype, value.kind)


def _transposed(builder: Builder, value: Value, args: Any, kwargs: Any) -> Value | None:
    a: Value = args[0]
    n = len(a.shape)
    if n < 2:
        return a if a.kind == value.kind else None
    probe = np.empty(tuple(range(2, 2 + n)))
    assert value.function is not None  # noqa: S101
    order = tuple(i - 2 for i in value.function(probe, *args[1:], **kwargs).shape)
    if a.function is np.transpose:
        before = a.args[1] if len(a.args) > 1 else tuple(reversed(range(n)))
        order, a = tuple(before[i] for i in order), a.args[0]
    multiply: np.ufunc = np.multiply
    if a.function is multiply and order == (1, 0) and not builder.readable:
        left, right = (_turned(builder, x, a.shape) for x in a.args)
        if left is not None and right is not None:  # of an outer product, that of its vectors
            return builder.ufunc(np.multiply, left, right)
    return a if order == tuple(range(n)) else builder.transpose(a, order)


def _turned(builder: Builder, value: Any, shape: tuple[int, ...]) -> Value | None:
    """Return the transpose of what is spread along one axis of a matrix or both, None of a whole matrix."""
    if not isinstance(value, Value) or value.kind != "array" or value.shape == shape:
        return None
    rows, columns = (1,) * (2 - len(value.shape)) + value.shape
    return builder.reshape(value, (columns, rows))


_SPELLINGS: dict[Any, Callable[..., Value | None]] = {
    **dict.fromkeys(_PRODUCTS, _product),
    **dict.fromkeys(_REDUCED, _reduction),
    np.var: _variance,
    **dict.fromkeys(RESHAPES, _reshaped),
    **dict.fromkeys(TRANSPOSES, _transposed),
}
