"""Errors that teach: what was called, on what, in the user's own names, and the usual mistake.

Nothing here is called unless something has gone wrong, so it may look at the caller's frame and source line
for the names that the user gave to the arrays.
"""

from __future__ import annotations

import inspect
import linecache
import os
import sys
from collections.abc import Iterable
from contextvars import ContextVar
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from tinygrad_course.rules.table import as_written

if TYPE_CHECKING:
    from tinygrad_course.engine.tensor import Tensor
    from tinygrad_course.rules.table import Rule

# (pathlib takes long to import)
_LIBRARY = os.path.dirname(os.path.dirname(__file__)) + os.sep  # noqa: PTH120
_NUMPY = os.path.dirname(np.__file__) + os.sep  # noqa: PTH120
_SYMBOLS = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "matmul": "@", "dot": "@",
    "power": "**", "maximum": "maximum",
}  # fmt: skip


def meant(typed: str, known: Iterable[str], words: str = "; did you mean %s?") -> str:
    """Return in these words the name that was probably meant; nothing, where none is near.

    >>> meant("rleu", ["relu", "tanh"]), meant("w", ["W1", "W"], " (%s)"), meant("x", ["relu"])
    ('; did you mean relu?', ' (W)', '')
    """
    import difflib

    same = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(typed.casefold(), same, 1)
    return words % same[near[0]] if near else ""


class Blocks:
    """How many blocks of `debug()` are open, in whatever thread."""

    __slots__ = ("open",)

    def __init__(self) -> None:
        self.open = 0


blocks = Blocks()  # (an instance's attribute is read faster than a class's)

#: Whether one of them is open in this context.
watched: ContextVar[bool] = ContextVar("watched", default=False)


def of_numpy(frame: FrameType) -> bool:
    """Whether a frame runs NumPy's own code."""
    return frame.f_code.co_filename.startswith(_NUMPY)


def user_frame() -> FrameType | None:
    """Return the innermost frame that is neither this library's nor NumPy's."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith((_LIBRARY, _NUMPY)):
        frame = frame.f_back
    return frame


def where(frame: FrameType | None) -> str:
    """Return "file:line: source" of a frame."""
    if frame is None:
        return ""
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" + (f": {line}" if line else "")


def name_of(value: Any, frame: FrameType | None) -> str | None:
    """Return the name of a Tensor or array: its own, or that of the user's variable that holds it."""
    own = getattr(value, "name", None)
    if isinstance(own, str) and own:
        return own
    if frame is not None and not isinstance(value, (int, float)):
        for variables in (frame.f_locals, frame.f_globals):
            for name, held in variables.items():
                if held is value and not name.startswith("_"):
                    return name
    return None


def describe(value: Any, frame: FrameType | None, fallback: str) -> str:
    """Return "W1 is (4, 3)" or the like."""
    name = name_of(value, frame) or fallback
    shape = getattr(value, "shape", None)
    if shape is None:
        return f"{name} is {value!r}"
    return f"{name} is {tuple(shape)}"


def explain(error: Exception, rule: Rule, args: tuple[Any, ...]) -> Exception:
    """Return NumPy's error with the operation, its arguments' names and shapes, and the likely mistake."""
    # a warning that the user has made an error says itself what it is about, and so do the rules' own errors
    if isinstance(error, Warning) or str(error).startswith("np.linalg."):
        return error
    frame = user_frame()
    members = args[0] if rule.sequence else args
    indexing = rule.name in {"getitem", "assign"}
    if indexing:
        members = args[0], *args[2:]
    arrays = [a for a in members if hasattr(a, "shape")]
    few = {1: ["the argument"], 2: ["the left", "the right"]}
    fallbacks = (
        "xy" if indexing else few.get(len(arrays)) or [f"argument {i + 1}" for i in range(len(arrays))]
    )
    told = [describe(a, frame, f) for a, f in zip(arrays, fallbacks, strict=False)]
    names = [name_of(a, frame) or f"{tuple(a.shape)}" for a in arrays]
    symbol = _SYMBOLS.get(str(rule.name))
    if indexing:
        parts = args[1] if type(args[1]) is tuple else (args[1],)
        call = f"{name_of(args[0], frame) or 'x'}[{', '.join(_place(p, frame) for p in parts)}]"
        if rule.name == "assign":
            call += f" = {name_of(arrays[1], frame) or 'y' if arrays[1:] else 'a number'}"
    elif symbol and len(symbol) <= 2 and len(names) == 2:
        call = f"{names[0]} {symbol} {names[1]}"
    else:
        call = f"{rule.name}({', '.join(names)})"
    message = f"{call}: {' and '.join(told) or error}"
    hint = _hint(rule, arrays, names)
    message += f"; {hint}" if hint and not isinstance(error, ArithmeticError) else f" ({error})"
    line = where(frame)
    if line:
        message += f"\n  at {line}"
    kinds = (ValueError, TypeError, IndexError, ArithmeticError)  # (np.errstate's FloatingPointError)
    kind = type(error) if isinstance(error, kinds) else ValueError
    try:
        explained = kind(message)
    except TypeError:
        return error
    explained.graph = _graph(rule, members, told, frame)  # type: ignore[union-attr]
    return explained


def _place(part: Any, frame: FrameType | None) -> str:
    """Return a part of an index as it is written."""
    if isinstance(part, slice):
        ends = "" if part.start is None else part.start, "" if part.stop is None else part.stop
        return f"{ends[0]}:{ends[1]}" + f":{part.step}" * (part.step is not None)
    if hasattr(part, "shape") and part.shape:
        return name_of(part, frame) or f"an array {part.shape}"
    return "..." if part is Ellipsis else str(part) if isinstance(part, np.generic) else repr(part)


def _graph(rule: Rule, members: Any, told: list[str], frame: FrameType | None) -> Any:
    """Return the little graph up to the operation that failed, for the user to draw."""
    from tinygrad_course.graph.node import broken  # a floor above; wanted only when something has gone wrong

    names = {} if frame is None else {**frame.f_globals, **frame.f_locals}
    return broken(rule, list(members), " and ".join(told), names)


def _hint(rule: Rule, arrays: list[Any], names: list[str]) -> str:
    """Return what would have fitted, where the usual mistake is known."""
    if len(arrays) != 2:
        return ""
    (a, b), (left, right) = arrays, names
    for x, name in ((a, left), (b, right)):
        if getattr(getattr(x, "dtype", None), "kind", "") == "O":
            return f"{name} holds Python objects (dtype object): write {name}.astype(float)"
    if rule.name in {"dot", "matmul"} and {a.ndim, b.ndim} <= {1, 2} and a.shape[-1] != b.shape[0]:
        differ = f"the inner sizes {a.shape[-1]} and {b.shape[0]} differ"
        if a.ndim == 2 and left.startswith("W"):
            return f"{left} needs {b.shape[0]} columns, one for each feature (a row of {right})"
        if a.ndim == 2 and a.shape[0] == b.shape[0]:
            return f"{differ}; {left}.T @ {right} would fit"
        if b.ndim == 2 and a.shape[-1] == b.shape[1]:
            return f"{differ}; {left} @ {right}.T would fit"
        return differ if a.ndim == 1 else f"{left} needs {b.shape[0]} columns, one for each row of {right}"
    if rule.elementwise:
        if 1 in (a.ndim, b.ndim) and a.ndim != b.ndim:
            flat, name = (a, left) if a.ndim == 1 else (b, right)
            made = getattr(getattr(flat, "_op", None), "name", "")
            column = f"make it a column with {'t' if name[0] == '(' else name}.reshape({flat.shape[0]}, 1)"
            if made in {"sum", "mean", "max", "amax", "min", "amin", "std", "var", "norm", "logsumexp"}:
                column = f"np.{made}(..., keepdims=True) keeps the axis"
            return f"{name} has one axis only and lies along the columns; {column}"
        if a.ndim == b.ndim == 2 and a.shape == b.shape[::-1] != b.shape:
            return f"one is the other's transpose: did you mean {right}.T?"
        return "the shapes can be broadcast only where they are equal or 1"
    return ""


def uncovered(rule: Rule, what: str) -> str:
    """Return the message for an argument that a rule has no derivative for."""
    if rule.name == "getitem":
        return (
            "an index is a plain number, and a Tensor would lose its gradient there: write x[int(i.item())], "
            "or x[stop_gradient(i).astype(int)] for an array of indices"
        )
    name = as_written(rule.function)
    if "." not in name:
        return f"{rule.name}: its rule does not cover {what}: give it a vjp for that, vjp(g, y, *args)"
    return (
        f"{name}: the derivative here does not cover {what}. Write it with "
        "functions that are covered, take the plain values, stop_gradient(t), if no gradient should flow, or "
        "register your own with tinygrad_course.register_rule."
    )


def not_covered_by_definition(function: Any, error: Exception) -> str:
    """Return the message for a keyword that a composed definition does not take."""
    return f"{as_written(function)}: the derivative here does not cover this call ({error})."


def no_rule(function: Any, reason: str | None, method: str = "") -> str:
    """Return the message for a function that can't be recorded."""
    name = as_written(function if method in {"", "__call__"} else getattr(function, method))
    if reason:
        return f"{name} can't be recorded: {reason}. For its plain value pass stop_gradient(t)."
    inner = getattr(function, "__name__", "").startswith("_")  # SciPy's function calls it
    taught = f"{name.rpartition('.')[2]} = " * inner + f"tinygrad_course.register_rule({name}, vjp, ...)"
    return (
        f"{name} has no rule: its derivative is not known here, and the gradient would be lost. "
        f"Teach it with {taught}, or pass the plain stop_gradient(t)."
    )


def watch(out: Tensor) -> None:
    """Raise if `out`, just recorded, holds a NaN or an infinity (under `debug()`)."""
    if not watched.get():
        return
    frame = user_frame()
    line = where(frame)
    out._note().line = line
    data = out._data
    if np.all(np.isfinite(data)):
        return
    rule = out._op
    assert rule is not None  # noqa: S101  (it was just recorded)
    members = [m for a in out._args for m in (a if isinstance(a, (tuple, list)) else [a])]
    masks = rule.chooses is not None or rule.function in {np.add, np.subtract}
    if masks and not _has(np.isnan, [data]) and _has(np.isinf, members):
        return  # np.where(mask, scores, -np.inf), or scores + mask: an infinity that the user wrote
    told = []
    for arg in members:
        value = getattr(arg, "_data", arg)
        if isinstance(value, (np.ndarray, np.generic, float)) and np.size(value):
            name = name_of(arg, frame) or "an argument"
            told.append(f"{name} between {np.min(value):.6g} and {np.max(value):.6g}")
    raise FloatingPointError(
        f"{rule.name} made {_first_of(data)}, from {', '.join(told) or 'its arguments'}\n  at {line}"
    )


def _first_of(data: Any) -> str:
    """Return the first number that is not finite, and where it stands."""
    index = np.argwhere(~np.isfinite(data))[0].tolist()
    return f"{np.asarray(data)[tuple(index)]}" + (f" at {index}" if index else "")


def _has(test: np.ufunc, values: list[Any]) -> bool:
    """Whether `np.isnan` or `np.isinf` is true of any number in these."""
    numbers = (np.asarray(getattr(value, "_data", value)) for value in values)
    return any(a.dtype.kind in "fc" and bool(test(a).any()) for a in numbers)


def watch_gradient(rule: Rule, node: Tensor, arg: Tensor, g: Any, ga: Any) -> None:
    """Raise if a vjp turned a finite gradient into one with a NaN or an infinity (under `debug()`)."""
    ga, g = getattr(ga, "_data", ga), getattr(g, "_data", g)
    if isinstance(g, tuple) or np.all(np.isfinite(ga)) or not np.all(np.isfinite(g)):
        return
    data = arg._data
    line = (node._about and node._about.line) or where(user_frame())
    raise FloatingPointError(
        f"the derivative of {rule.name} made {_first_of(ga)} on the way back "
        f"to {arg._label()}, which lies between {np.min(data):.6g} and {np.max(data):.6g}\n  at {line}"
    )


_INSTEAD = {
    "numpy": "its values are t.data, a NumPy array",
    "values": "its values are t.data",
    "gradient": "its gradient is t.grad, once J.backward() has run",
    "detach": "its values are t.data; stop_gradient(t) goes on without letting a gradient through",
    "cpu": "its values are t.data, and already in memory",
    "zero_grad": "write t.grad = None before the next backward()",
    "requires_grad": "a Tensor has a gradient, and a plain array has none: make constants plain arrays",
    "requires_grad_": "a Tensor has a gradient, and a plain array has none: make constants plain arrays",
    "grad_fn": "what made it is in the graph: tinygrad_course.graph(t)",
    "is_leaf": "what made it is in the graph: tinygrad_course.graph(t)",
    "retain_grad": "every Tensor keeps its gradient, in t.grad",
    **dict.fromkeys(("cuda", "to", "device"), "a Tensor is where its array is: Tensor(cupy_array)"),
    **dict.fromkeys(("float", "double", "half"), "write t.astype(np.float32), or np.float64"),
    **dict.fromkeys(("sigmoid", "relu", "softmax"), "the activations are in tinygrad_course.functions"),
    "clone": "write t.copy()",
    "norm": "write np.linalg.norm(t)",
    "mm": "write np.dot(t, u), or t @ u",
    "matmul": "write np.matmul(t, u), or t @ u",
    "unsqueeze": "write np.expand_dims(t, axis)",
    "permute": "write t.transpose(axes)",
    "strides": "write np.lib.stride_tricks.sliding_window_view(t, shape) for windows, t.reshape for blocks",
}


class _Absent:
    """What other libraries' tensors have, and may be set there: both are refused with a hint."""

    def __init__(self, name: str, instead: str) -> None:
        self.name = name
        self.instead = instead

    def __get__(self, tensor: Any, cls: type) -> NoReturn:
        self.__set__(tensor, None)

    def __set__(self, tensor: Any, value: Any) -> NoReturn:
        message = f"a Tensor has no attribute {self.name!r}: {self.instead}"
        raise AttributeError(message, name=self.name, obj=tensor)


class Habits:
    """Names that a user of other libraries tries on a Tensor.

    (A `__getattr__` could answer them all, and would make every attribute of every Tensor slower.)
    """

    __slots__ = ()

    @property
    def _numba_type_(self) -> NoReturn:
        """Refuse what numba asks before it makes machine code: that would not remember."""
        raise TypeError(
            "numba's machine code takes plain numbers, and a Tensor would lose its gradient: call the "
            "function itself, f.py_func(t), or write it with NumPy's functions; for X @ t with an array X of "
            "the library sparse write (t.T @ X.T).T"
        )

    def __dir__(self) -> list[str]:
        return [n for n in super().__dir__() if not isinstance(inspect.getattr_static(self, n), _Absent)]


_FUNCTIONS = {n: f"write np.{n}(t)" for n, f in vars(np).items() if callable(f) and not isinstance(f, type)}
_MEMORY = dict.fromkeys(dir(np.ndarray), "its memory is that of stop_gradient(t)")
for _name, _instead in {**_MEMORY, **_FUNCTIONS, **_INSTEAD}.items():
    if not _name.startswith("_"):
        setattr(Habits, _name, _Absent(_name, _instead))
