"""How each recorded operation is written in ONNX's operators."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.exchange.onnx_model import CannotExport, Model, Name, Two

# ------------------------------------------------------------------ element by element

Emit = Callable[..., Any]
EMIT: dict[str, Emit] = {}
"""By the name of the operation: called with the model, names where operands were, and the other arguments."""


def _permuted(function: Callable[..., Any]) -> Emit:
    """Write what a function of NumPy's makes of the axes, as an array of sides 1, 2, ... shows it."""

    def emit(e: Model, x: Name, *args: Any, **options: Any) -> Any:
        sides = np.broadcast_to(0, range(1, e.rank(x) + 1))
        perm = [n - 1 for n in function(sides, *args, **options).shape]
        return e.op("Transpose", x, perm=perm) if perm else e.op("Identity", x)

    return emit


_SIMPLE = {
    "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "absolute": "Abs", "fabs": "Abs", "negative": "Neg",
    "reciprocal": "Reciprocal", "sin": "Sin", "cos": "Cos", "tanh": "Tanh", "expit": "Sigmoid",
    "relu": "Relu", "positive": "Identity", "arcsin": "Asin", "arccos": "Acos",
    "arctan": "Atan", "arcsinh": "Asinh", "arccosh": "Acosh", "arctanh": "Atanh", "erf": "Erf", "add": "Add",
    "subtract": "Sub", "multiply": "Mul", "divide": "Div", "power": "Pow", "float_power": "Pow",
    "maximum": "Max", "minimum": "Min", "fmax": "Max", "fmin": "Min", "where": "Where", "matmul": "MatMul",
    "matvec": "MatMul", "greater": "Greater", "greater_equal": "GreaterOrEqual", "less": "Less",
    "less_equal": "LessOrEqual", "equal": "Equal", "logical_and": "And", "bitwise_and": "And",
    "logical_or": "Or", "bitwise_or": "Or", "logical_xor": "Xor", "bitwise_xor": "Xor", "logical_not": "Not",
    "invert": "Not", "isnan": "IsNaN", "isinf": "IsInf", "floor": "Floor", "ceil": "Ceil", "rint": "Round",
    "sign": "Sign", "step": "Sign",
}  # fmt: skip

_LN2, _LN10 = math.log(2.0), math.log(10.0)

EMIT |= {
    **{name: lambda e, *x, kind=kind: e.op(kind, *x) for name, kind in _SIMPLE.items()},
    "not_equal": lambda e, x, y: e.op("Not", e.op("Equal", x, y)),
    "isfinite": lambda e, x: e.op("Not", e.op("Or", e.op("IsNaN", x), e.op("IsInf", x))),
    "astype": lambda e, x, dtype: _astype(e, x, np.dtype(dtype)),
    "copy": lambda e, x, order="K": e.op("Identity", x),
    "square": lambda e, x: e.op("Mul", x, x),
    "cbrt": lambda e, x: e.op("Mul", e.op("Sign", x), e.op("Pow", e.op("Abs", x), 1.0 / 3.0)),
    "exp2": lambda e, x: e.op("Exp", e.op("Mul", x, _LN2)),
    "expm1": lambda e, x: e.op("Sub", e.op("Exp", x), 1.0),
    "log2": lambda e, x: e.op("Div", e.op("Log", x), _LN2),
    "log10": lambda e, x: e.op("Div", e.op("Log", x), _LN10),
    "log1p": lambda e, x: e.op("Log", e.op("Add", x, 1.0)),
    "tan": lambda e, x: e.op("Div", e.op("Sin", x), e.op("Cos", x)),
    "sinh": lambda e, x: e.op("Mul", e.op("Sub", e.op("Exp", x), e.op("Exp", e.op("Neg", x))), 0.5),
    "cosh": lambda e, x: e.op("Mul", e.op("Add", e.op("Exp", x), e.op("Exp", e.op("Neg", x))), 0.5),
    "erfc": lambda e, x: e.op("Sub", 1.0, e.op("Erf", x)),
    "ndtr": lambda e, x: e.op("Mul", e.op("Add", e.op("Erf", e.op("Mul", x, math.sqrt(0.5))), 1.0), 0.5),
    "hypot": lambda e, x, y: e.op("Sqrt", e.op("Add", e.op("Mul", x, x), e.op("Mul", y, y))),
    "log_expit": lambda e, x: e.op("Neg", _softplus(e, e.op("Neg", x))),
    "logaddexp": lambda e, x, y: e.op("Add", y, _softplus(e, e.op("Sub", x, y))),
    "softmax": lambda e, x, axis=0: e.op("Softmax", x, axis=axis),
    "log_softmax": lambda e, x, axis=0: e.op("LogSoftmax", x, axis=axis),
    "outer": lambda e, a, b: e.op(
        "Mul", e.op("Reshape", a, e.ints([-1, 1])), e.op("Reshape", b, e.ints([1, -1]))
    ),
    "reshape": lambda e, x, shape: e.op("Reshape", x, e.sizes(shape), allowzero=0),
    "ravel": lambda e, x: e.op("Reshape", x, e.ints([-1])),
    "broadcast_to": lambda e, x, shape: e.op("Expand", x, e.sizes(shape)),
    **{name: _permuted(getattr(np, name)) for name in ("transpose", "swapaxes", "moveaxis")},
    "matrix_transpose": lambda e, x: EMIT["swapaxes"](e, x, -1, -2),
    "stack": lambda e, members, axis=0: e.op(
        "Concat", *[e.op("Unsqueeze", n, e.ints([axis])) for n in members], axis=axis
    ),
    "logsumexp": lambda e, x, axis=0, keepdims=False: _reduced("ReduceLogSumExp")(
        e, x, axis, keepdims=keepdims
    ),
    "expand_dims": lambda e, x, axis: e.op("Unsqueeze", x, e.ints(axis)),
    "flipud": lambda e, x: _flip(e, x, 0),
    "fliplr": lambda e, x: _flip(e, x, 1),
}  # fmt: skip


def _astype(e: Model, x: Name, dtype: Any) -> Name:
    if dtype.kind != "f":
        raise CannotExport(f"a conversion to {dtype} has no counterpart in ONNX")
    return e.op("Add", x, 0.0) if x in e.truths else e.op("Identity", x)  # type: ignore[no-any-return]


def _softplus(e: Model, x: Name) -> Name:
    """Return log(1 + exp(x)), without overflow."""
    tail = e.op("Log", e.op("Add", e.op("Exp", e.op("Neg", e.op("Abs", x))), 1.0))
    return e.op("Add", e.op("Max", x, 0.0), tail)  # type: ignore[no-any-return]


def _emit(*names: str) -> Callable[[Emit], Emit]:
    def enter(emit: Emit) -> Emit:
        for name in names:
            EMIT[name] = emit
        return emit

    return enter


@_emit("clip")
def _clip(e: Model, x: Name, lowest: Any = None, highest: Any = None) -> Any:
    for kind, bound in (("Max", lowest), ("Min", highest)):
        x = x if bound is None else e.op(kind, x, bound)
    return e.op("Identity", x)


# ------------------------------------------------------------------ over axes


def _reduced(kind: str) -> Emit:
    def emit(e: Model, x: Name, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
        if dtype is not None:
            raise CannotExport(f"{kind} with dtype={dtype!r} has no counterpart in ONNX")
        axes = range(e.rank(x)) if axis is None else axis if isinstance(axis, tuple) else [axis]
        if not len(axes):
            return e.op("Identity", x)
        return e.op(kind, x, e.ints(list(axes)), keepdims=int(keepdims))

    return emit


_mean = _reduced("ReduceMean")
EMIT |= {
    "sum": _reduced("ReduceSum"), "mean": _mean, "max": _reduced("ReduceMax"), "amax": _reduced("ReduceMax"),
    "min": _reduced("ReduceMin"), "amin": _reduced("ReduceMin"), "prod": _reduced("ReduceProd"),
    "std": lambda e, x, axis=None, *, keepdims=False: e.op("Sqrt", _var(e, x, axis, keepdims=keepdims)),
}  # fmt: skip


@_emit("var")
def _var(e: Model, x: Name, axis: Any = None, *, keepdims: bool = False) -> Any:
    deviation = e.op("Sub", x, _mean(e, x, axis, keepdims=True))
    squares = e.op("Mul", deviation, deviation)
    e.shapes[squares] = e.shapes[x]
    return _mean(e, squares, axis, keepdims=keepdims)


@_emit("norm")
def _norm(e: Model, x: Name, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    if ord is not None and not (ord == 2 and (isinstance(axis, int) or e.rank(x) == 1)):
        raise CannotExport(f"norm with ord={ord!r} has no counterpart in ONNX")
    return _reduced("ReduceL2")(e, x, axis, keepdims=keepdims)


@_emit("cumsum")
def _cumsum(e: Model, x: Name, axis: Any = None) -> Any:
    if axis is None:
        x, axis = e.op("Reshape", x, e.ints([-1])), 0
    return e.op("CumSum", x, e.op("Squeeze", e.ints([axis]), e.ints([0])))


# ------------------------------------------------------------------ products


@_emit("dot")
def _dot(e: Model, a: Name, b: Name) -> Any:
    if not e.rank(a) or not e.rank(b):
        return e.op("Mul", a, b)
    if e.rank(b) > 2 or e.rank(a) > 2:
        raise CannotExport(f"np.dot of {e.rank(a)} and {e.rank(b)} axes: write np.matmul or np.einsum")
    return e.op("MatMul", a, b)


@_emit("inner", "vdot", "vecdot")
def _inner(e: Model, a: Name, b: Name) -> Any:
    if e.rank(a) != 1 or e.rank(b) != 1:
        raise CannotExport("an inner product of more than vectors: write np.matmul or np.einsum")
    return e.op("MatMul", a, b)


@_emit("einsum")
def _einsum(e: Model, subscripts: Any, *operands: Any, optimize: Any = False) -> Any:  # noqa: ARG001  (how, not what)
    if not isinstance(subscripts, str) or isinstance(subscripts, Name):
        raise CannotExport("np.einsum without its subscripts as text has no counterpart in ONNX")
    return e.op("Einsum", *operands, equation=subscripts)


# ------------------------------------------------------------------ shapes


@_emit("squeeze")
def _squeeze(e: Model, x: Name, axis: Any = None) -> Any:
    if axis is None:
        axis = tuple(i for i, n in enumerate(e.shapes[x]) if n == 1)
    return e.op("Squeeze", x, e.ints(axis))


@_emit("concatenate")
def _concatenate(
    e: Model, members: list[Name], axis: Any = 0, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    if axis is None or dtype is not None or casting != "same_kind":
        raise CannotExport("np.concatenate with axis=None, dtype= or casting= has no counterpart in ONNX")
    return e.op("Concat", *members, axis=axis)


@_emit("flip")
def _flip(e: Model, x: Name, axis: Any = None) -> Any:
    turned = range(e.rank(x)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    places = {a % e.rank(x) for a in turned}
    return _getitem(e, x, tuple(slice(None, None, -1 if i in places else None) for i in range(e.rank(x))))


@_emit("tile")
def _tile(e: Model, x: Name, reps: Any) -> Any:
    times = [reps] if isinstance(reps, int) else list(reps)
    rank = max(e.rank(x), len(times))
    if rank > e.rank(x):
        x = e.op("Unsqueeze", x, e.ints(list(range(rank - e.rank(x)))))
    return e.op("Tile", x, e.sizes([1] * (rank - len(times)) + times))


@_emit("getitem")
def _getitem(e: Model, x: Name, index: Any) -> Any:
    """Return x[index]: whole numbers, slices, None and ..., or one array of whole numbers."""
    parts = list(index) if isinstance(index, tuple) else [index]
    taken = sum(p is not None and p is not Ellipsis for p in parts)
    if Ellipsis not in [p for p in parts if not isinstance(p, np.ndarray)]:
        parts.append(Ellipsis)
    place = next(i for i, p in enumerate(parts) if p is Ellipsis)
    parts[place : place + 1] = [slice(None)] * (e.rank(x) - taken)
    numbers = [isinstance(p, (int, np.integer)) for p in parts]
    arrays = [isinstance(p, (list, np.ndarray)) for p in parts]
    if any(arrays) and (any(numbers) or sum(arrays) > 1):
        raise CannotExport(
            "an array and another one, or a number, in one index: write them one after another"
        )
    axis = 0  # of what is left and was added so far
    for part, is_number, is_array in zip(parts, numbers, arrays, strict=True):
        if part is None:
            x = e.op("Unsqueeze", x, e.ints(axis))
        elif is_number:
            x = e.op("Squeeze", e.op("Gather", x, e.ints(part), axis=axis), e.ints(axis))
        elif is_array and np.asarray(part).dtype.kind in "iu" and np.ndim(part) == 1:
            x = e.op("Gather", x, e.ints(part), axis=axis)
        elif not isinstance(part, slice):
            raise CannotExport(f"an index with {part!r} has no counterpart in ONNX")
        elif part != slice(None):
            start, end, step = _bounds(part)
            x = e.op("Slice", x, e.sizes(start), e.sizes(end), e.ints(axis), e.ints(step))
        axis += not is_number
    return e.op("Identity", x)


@_emit("assign")
def _assign(e: Model, x: Name, index: Any, value: Any) -> Any:
    if not isinstance(index, Name) or e.rank(value):
        raise CannotExport(
            "an assignment to a part of an array, but for one number where a mask is true, has no "
            "counterpart in ONNX: np.concatenate, np.stack or np.where make a new array"
        )
    return e.op("Where", index, value, x)


def _bounds(part: slice) -> tuple[Any, Any, int]:
    if isinstance(part.step, Two):
        raise CannotExport("a slice whose step follows the number of examples")
    step = 1 if part.step is None else part.step
    start = part.start if part.start is not None else (0 if step > 0 else -1)
    end = part.stop if part.stop is not None else (2**62 if step > 0 else -(2**62))
    return start, end, step


@_emit("pad")
def _pad(
    e: Model, x: Name, widths: Any, values: Any = 0, *, constant_values: Any = None, **options: Any
) -> Any:
    values = values if constant_values is None else constant_values
    if options or np.ndim(values) or np.shape(widths) != (e.rank(x), 2):
        raise CannotExport("np.pad but with one constant has no counterpart in ONNX")
    before, after = zip(*widths, strict=True)
    return e.op("Pad", x, e.ints([*before, *after]), float(values))
