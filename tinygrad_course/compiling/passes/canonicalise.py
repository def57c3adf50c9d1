"""One spelling for what NumPy lets one write in many ways: a.T, dot and matmul, mean, x ** 2, reshapes."""

from __future__ import annotations

import inspect
import operator
from typing import Any

import numpy as np

from tinygrad_course.compiling.builder import Builder, uniform
from tinygrad_course.compiling.dataflow import Value
from tinygrad_course.rules.indexing import scatter
from tinygrad_course.rules.shapes import normalize

_ALIASES = {np.positive, operator.pos, np.copy, np.conjugate, np.real}
_SUMS = {np.sum, np.mean, np.add.reduce}
_EXTREMES: dict[Any, Any] = {np.max: np.max, np.amax: np.max, np.min: np.min, np.amin: np.min}
RESHAPES = {np.reshape, np.ravel, np.squeeze, np.expand_dims, np.atleast_2d}
TRANSPOSES = (
    {np.transpose, np.swapaxes, np.moveaxis, np.matrix_transpose}
    if hasattr(np, "matrix_transpose")
    else {np.transpose, np.swapaxes, np.moveaxis}
)
#: What NumPy has where an option is not given.
_ABSENT = inspect.signature(np.sum).parameters["initial"].default


def canonical(builder: Builder, value: Value, args: Any, kwargs: Any) -> Value:
    """Return a value equal to `value` in the one spelling; `args` and `kwargs` are its call's arguments."""
    function = value.function
    if function is np.where and len(args) == 3:
        args = _choice(builder, args)
    first = args[0] if args and isinstance(args[0], Value) else None
    if function in _ALIASES and first is not None and first.dtype == value.dtype and first.kind == value.kind:
        conjugated = function is np.conjugate and value.dtype.kind == "c"
        if not conjugated:
            return first
    if first is not None and first.kind != "python" and value.kind != "tuple":
        found = None
        if function in {np.dot, np.matmul} and isinstance(args[1], Value) and not kwargs:
            found = _product(builder, value, first, args[1])
        elif function in _SUMS:
            found = _total(builder, value, args, kwargs)
        elif function in _EXTREMES:
            found = _extreme(builder, value, args, kwargs)
        elif function is np.var and not builder.readable:
            found = _variance(builder, value, first, args, kwargs)
        elif function in RESHAPES:
            found = _reshaped(builder, value, first, args, kwargs)
        elif function in TRANSPOSES:
            found = _transposed(builder, value, first, args, kwargs)
        elif (first.shape, first.kind) == (value.shape, value.kind) and _is_itself(function, args):
            found = first
        if found is not None:
            return found
    if isinstance(function, np.ufunc) and not kwargs and function.signature is None and function.nout == 1:
        return _elementwise(builder, value, args)
    return builder.like(value, args, kwargs)


def _choice(builder: Builder, args: Any) -> Any:
    """Return the arguments of np.where, lists as arrays and the condition as booleans."""
    lists = {i: np.array(a) for i, a in enumerate(args) if isinstance(a, (list, tuple))}
    args = list(args)
    for i, array in lists.items():
        if array.dtype != object:  # of numbers alone
            args[i] = builder.constant(array)
    if isinstance(args[0], Value) and args[0].dtype.kind != "b" and not builder.readable:
        args[0] = builder.ufunc(np.not_equal, args[0], 0)
    return tuple(args)


def _is_itself(function: Any, args: Any) -> bool:
    """Whether a call whose result is as large as its first argument leaves everything where it is."""
    if function not in {operator.getitem, scatter}:
        return function is np.broadcast_to
    parts = args[1] if type(args[1]) is tuple else (args[1],)
    return all(p is Ellipsis or (type(p) is slice and p.step in (None, 1)) for p in parts)


def _elementwise(builder: Builder, value: Value, args: Any) -> Value:
    if any(type(a) is not Value or a.function in {None, np.broadcast_to} for a in args):
        args = tuple([builder.constant(np.array(a)) if isinstance(a, (list, tuple)) else a for a in args])
        args = tuple([_number(a, value, args) for a in args])
        args = _unspread(value, args)
    function = value.function
    if function is np.add and value.shape and (stacked := _stacked(builder, value, args)) is not None:
        return stacked
    squared = (function is np.multiply and args[0] is args[1]) or (
        function is np.power and not isinstance(args[1], Value) and args[1] == 2
    )
    if squared and np.square.resolve_dtypes((args[0].dtype, None))[1] == value.dtype:
        return builder.call(np.square, args[:1], {}, value.shape, value.dtype, value.kind)
    if function in {np.multiply, np.divide}:
        for one, other in ((1, 0), (0, 1)) if function is np.multiply else ((1, 0),):
            x = args[other]
            if _is_one(args[one]) and isinstance(x, Value) and (x.shape, x.dtype, x.kind) == (
                value.shape, value.dtype, value.kind,
            ):  # fmt: skip
                return x
    return builder.like(value, args, {})


def _unspread(value: Value, args: Any) -> Any:
    """Return the operands without a broadcast that the operation does by itself."""
    for i, arg in enumerate(args):
        if isinstance(arg, Value) and arg.function is np.broadcast_to and not arg.kwargs:
            others = [a.shape for j, a in enumerate(args) if j != i and isinstance(a, Value)]
            inner = arg.args[0]
            if inner.kind == "array" and np.broadcast_shapes(inner.shape, *others) == value.shape:
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


def _is_one(x: Any) -> bool:
    return not isinstance(x, Value) and x == 1


def _product(builder: Builder, value: Value, a: Value, b: Value) -> Value | None:
    if value.function is np.dot and (a.shape == () or b.shape == ()):
        return builder.call(np.multiply, (a, b), {}, value.shape, value.dtype, value.kind)
    if len(a.shape) > 2 and len(b.shape) == 2 and a.size and a.dtype == b.dtype and a.dtype.kind == "f":
        # a stack of matrices times one matrix is one product
        rows = a.size // a.shape[-1]
        flat = builder.call(np.reshape, (a, (rows, a.shape[-1])), {}, (rows, a.shape[-1]), a.dtype)
        shape = (rows, b.shape[1])
        product = builder.call(np.matmul, (flat, b), {}, shape, value.dtype)
        return builder.call(np.reshape, (product, value.shape), {}, value.shape, value.dtype)
    if len(a.shape) != 2 or len(b.shape) != 2:
        return None
    if a.dtype != b.dtype or a.dtype.kind != "f":
        return None
    if a.shape == (1, 1) or b.shape == (1, 1):
        return builder.call(np.multiply, (a, b), {}, value.shape, value.dtype)
    if a.shape[0] == 1 == b.shape[1]:  # a row times a column
        row = canonical(builder, Value(np.transpose, (b,), {}, b.shape[::-1], b.dtype), (b,), {})
        product = builder.call(np.multiply, (a, row), {}, a.shape, value.dtype)
        return builder.call(np.sum, (product,), {"axis": (1,), "keepdims": True}, value.shape, value.dtype)
    return builder.call(np.matmul, (a, b), {}, value.shape, value.dtype)


def _summed_products(builder: Builder, value: Value, a: Value, axes: tuple[int, ...]) -> Value | None:
    """Return A.T @ B, of matrices, for the sum of a stack of such products: the gradient of a weight."""
    if a.function is not np.matmul or a.kwargs or axes != tuple(range(len(a.shape) - 2)) or not axes:
        return None
    left, right = a.args
    if not (isinstance(left, Value) and isinstance(right, Value) and left.dtype == right.dtype):
        return None
    n = len(left.shape)
    if left.function is not np.transpose or left.args[1:] != ((*range(n - 2), n - 1, n - 2),):
        return None
    left = left.args[0]
    if left.shape[:-1] != right.shape[:-1] or not right.size or not left.size:
        return None
    rows = left.size // left.shape[-1]
    flat, other = (
        builder.call(np.reshape, (v, (rows, v.shape[-1])), {}, (rows, v.shape[-1]), v.dtype)
        for v in (left, right)
    )
    turned = builder.call(np.transpose, (flat,), {}, flat.shape[::-1], flat.dtype)
    function: Any = np.matmul
    return builder.call(function, (turned, other), {}, value.shape, value.dtype)


def _total(builder: Builder, value: Value, args: Any, kwargs: Any) -> Value | None:
    names = ("axis", "dtype", "out", "keepdims", "initial", "where")
    options = dict(zip(names, args[1:], strict=False)) | dict(kwargs)
    a = args[0]
    axis, keepdims = (
        options.pop("axis", 0 if value.function == np.add.reduce else None),
        options.pop("keepdims", False),
    )
    if a.dtype.kind == "b" and value.dtype.kind == "f" and not builder.readable:  # what is true is counted
        a = builder.call(np.multiply, (a, builder.constant(value.dtype.type(1))), {}, a.shape, value.dtype)
    if value.dtype != a.dtype or a.dtype.kind != "f" or a.dtype.itemsize < 4 or isinstance(axis, Value):
        return None
    options.pop("dtype", None)  # it is that of the result
    if not _are_absent(options):
        return None
    axes = normalize(axis, len(a.shape)) if a.shape else ()  # NumPy lets a number have an axis 0
    if value.function is np.sum and not keepdims and (product := _summed_products(builder, value, a, axes)):
        return product
    every = len(axes) == len(a.shape) and not keepdims
    total = builder.call(
        np.sum,
        (a,),
        {"axis": None if every else axes, "keepdims": bool(keepdims)},
        value.shape,
        value.dtype,
        value.kind,
    )
    if value.function is np.mean:
        count = a.size // max(value.size, 1)
        if count == 0:
            return None
        return builder.call(np.divide, (total, count), {}, value.shape, value.dtype, value.kind)
    return total


def _extreme(builder: Builder, value: Value, args: Any, kwargs: Any) -> Value | None:
    names = ("axis", "out", "keepdims", "initial", "where")
    options = dict(zip(names, args[1:], strict=False)) | dict(kwargs)
    a, axis, keepdims = args[0], options.pop("axis", None), bool(options.pop("keepdims", False))
    if not a.shape or isinstance(axis, Value) or not _are_absent(options):
        return None
    axes = normalize(axis, len(a.shape))
    given = {"axis": None if len(axes) == len(a.shape) and not keepdims else axes, "keepdims": keepdims}
    function = _EXTREMES[value.function]
    return builder.call(function, (a,), given, value.shape, value.dtype, value.kind)


def _are_absent(options: dict[str, Any]) -> bool:
    """Whether options are what they are where they are not given."""
    return all(x is None or x is _ABSENT or x is True for x in options.values())


def _variance(builder: Builder, value: Value, a: Value, args: Any, kwargs: Any) -> Value | None:
    """Return the mean of (a - mean(a)) ** 2: layer norm has the difference too."""
    if len(args) > 2 or kwargs.keys() - {"axis", "keepdims"} or a.kind != "array" or value.dtype != a.dtype:
        return None
    axis = kwargs.get("axis", args[1] if len(args) > 1 else None)
    if axis is None or a.size == 0 or a.dtype.kind != "f":
        return None
    axes = normalize(axis, len(a.shape))
    shape = tuple(1 if i in axes else n for i, n in enumerate(a.shape))
    mean = _total(builder, Value(np.mean, (), {}, shape, a.dtype), (a,), {"axis": axes, "keepdims": True})
    if mean is None:
        return None
    square = builder.ufunc(np.square, builder.ufunc(np.subtract, a, mean))
    options = {"axis": axes, "keepdims": kwargs.get("keepdims", False)}
    return _total(builder, Value(np.mean, (), {}, value.shape, a.dtype, value.kind), (square,), options)


def _stacked(builder: Builder, value: Value, args: Any) -> Value | None:
    """Return gradients side by side, where each was put into zeros at a place of its own and all are added.

    That is what the gradients of a[0], a[1] and a[2] come to.
    """
    parts: dict[int, Value] = {}
    for v in args:
        if not isinstance(v, Value) or v.shape != value.shape:
            return None
        if v.function is scatter and type(v.args[1]) is int:
            own = {v.args[1]: v.args[0]}
        else:
            own = builder.parts.get(id(v), {})
        if not own or not parts.keys().isdisjoint(own):
            return None
        parts |= own
    if {v.dtype for v in parts.values()} != {value.dtype}:
        return None
    if len(parts) < value.shape[0]:
        made = builder.like(value, args, {})
        builder.parts[id(made)] = parts
        return made
    stacked = tuple([parts[i] for i in range(value.shape[0])])
    return builder.call(np.stack, (stacked,), {}, value.shape, value.dtype)


def _reshaped(builder: Builder, value: Value, a: Value, args: Any, kwargs: Any) -> Value | None:
    order = kwargs.get("order", args[2] if len(args) > 2 and value.function is np.reshape else "C")
    if value.function is np.ravel and len(args) > 1:
        order = args[1]
    if order != "C" or any(isinstance(x, Value) for x in args[1:]):
        return None
    if a.shape == value.shape and a.kind == value.kind:
        return a
    if a.function is np.reshape and len(a.args) == 2 and not a.kwargs:  # by rows too
        a = a.args[0]
        if a.shape == value.shape and a.kind == value.kind:
            return a
    return builder.call(np.reshape, (a, value.shape), {}, value.shape, value.dtype, value.kind)


def _transposed(builder: Builder, value: Value, a: Value, args: Any, kwargs: Any) -> Value | None:
    n = len(a.shape)
    if n < 2:
        return a if a.kind == value.kind else None
    probe = np.empty(tuple(range(2, 2 + n)))
    assert value.function is not None  # noqa: S101
    order = tuple(i - 2 for i in value.function(probe, *args[1:], **kwargs).shape)
    if order == tuple(range(n)):
        return a
    if a.function is np.transpose:
        before = a.args[1] if len(a.args) > 1 else tuple(reversed(range(n)))
        order = tuple(before[i] for i in order)
        a = a.args[0]
        if order == tuple(range(n)):
            return a
    rest = () if order == tuple(reversed(range(n))) else (order,)
    return builder.call(np.transpose, (a, *rest), {}, value.shape, value.dtype)
