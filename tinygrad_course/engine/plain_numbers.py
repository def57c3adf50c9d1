"""Numbers that leave the graph: whoever asks a Tensor for a plain number loses its gradient, and is told so.

Inside `grad` and its kind every such question raises. Elsewhere, in the style of ``J.backward()``,
``float(J)`` is the stated way out, and what else makes a float of a Tensor (``math.sin(t)``, ``a[i] = t``)
raises. Printing and formatting are no leaving.
"""

from __future__ import annotations

import ast
import builtins
import dis
import linecache
import math
import sys
from itertools import islice
from types import CodeType, FrameType
from typing import TYPE_CHECKING

import numpy as np

from tinygrad_course.engine import errors
from tinygrad_course.engine.views import behind, now

if TYPE_CHECKING:
    from tinygrad_course.engine.tensor import Tensor

_OUT = (
    "Where no gradient should flow, write stop_gradient(t); to look at it, print it or format it; a decision "
    "(if t > 0) needs neither."
)
_BUFFER = (
    "Collect the parts in a list and join them with np.stack or np.concatenate (tinygrad_course.array takes "
    "any nest of Tensors and numbers), or fill a buffer that remembers: tinygrad_course.zeros(shape) or "
    "tinygrad_course.zeros_like(t) in the place of NumPy's, Tensor(a) in that of an array a of other numbers"
)
#: What to write for functions of math's that NumPy has under another name.
_NUMPYS = {
    "fsum": "np.sum", "erf": "scipy.special.erf", "erfc": "scipy.special.erfc", "fabs": "np.abs",
    "gamma": "scipy.special.gamma", "lgamma": "scipy.special.gammaln", "dist": "np.linalg.norm",
    "sumprod": "np.dot", "pow": "np.power",
}  # fmt: skip
_REMAINDER = next(
    i.arg for i in dis.get_instructions(compile("a % b", "", "eval")) if i.opname == "BINARY_OP"
)
_STORES = {dis.opmap[name] for name in ("STORE_SUBSCR", "STORE_SLICE") if name in dis.opmap}
_BINARY = dis.opmap["BINARY_OP"]
_LOADS = {dis.opmap[name] for name in ("BINARY_SUBSCR", "BINARY_SLICE") if name in dis.opmap}
_ITEM = 26  # from Python 3.14 on a[i] is one of the binary operations


class Trace:
    """One call of a function that is being differentiated, while it runs."""

    __slots__ = ("oldest", "refused", "told")

    oldest: int  # the birth number of its first input

    def __init__(self) -> None:
        self.refused: Exception | None = None  # raised again where the function's own ``try`` has caught it
        self.told: Exception | None = None  # raised again where other words have taken its place


#: The calls under way, of all threads: a Tensor that depends on the inputs of one must not become a number.
active: set[Trace] = set()


def traced(tensor: Tensor) -> Trace | None:
    """Return the call whose inputs a Tensor depends on, of functions that are being differentiated."""
    oldest = max((trace.oldest for trace in active.copy()), default=None)
    if oldest is None:
        return None
    found = (t._about.trace for t in behind([now(tensor)], oldest) if t._about is not None)
    return next((trace for trace in found if trace in active), None)


def remembered(tensor: Tensor, error: Exception, *, refused: bool = True) -> Exception:
    """Return the error, which the call that the Tensor is of remembers.

    One that is not `refused` may be caught by who can do without the array that was asked for.
    """
    trace = traced(tensor) if active else None
    if trace is not None:
        trace.told = error
        trace.refused = error if refused else trace.refused
    return error


def check(tensor: Tensor, what: str) -> None:
    """Raise if a Tensor that is being differentiated would become plain by `what`."""
    if active and traced(tensor):
        raise remembered(tensor, TypeError(f"{what}: {tensor._label()} would lose its gradient. {_OUT}"))


def as_float(tensor: Tensor, frame: FrameType) -> None:
    """Raise unless the instruction in `frame` that makes a float of the Tensor means to."""
    if formats(frame) or (errors.of_numpy(frame) and frame.f_code.co_name in _PRINTING):
        return
    code, at = frame.f_code, frame.f_lasti
    if stored(frame):
        raise as_last_word(remembered(tensor, into_plain(tensor._label())), frame)
    while "site-packages" in frame.f_code.co_filename and frame.f_back is not None:
        frame = frame.f_back  # SciPy's quad makes a float of what its function returns
    known = (code, at)
    differentiated = active and traced(tensor)
    if known in _plain_floats and not differentiated:
        return
    name, meant = called(frame)
    if name is not None and name.endswith((".fill", ".flat.__setitem__")):
        raise as_last_word(remembered(tensor, into_plain(tensor._label())), frame)
    if differentiated or not meant:
        raise remembered(tensor, TypeError(_told(tensor, name, meant)))
    _plain_floats.add(known)


_PRINTING = {"format_float_positional", "format_float_scientific"}
_plain_floats: set[tuple[CodeType, int]] = set()


def formats(frame: FrameType) -> bool:
    """Whether the instruction in `frame` formats by the operator: ``"%f" % t``."""
    code, at = frame.f_code.co_code, frame.f_lasti
    return code[at] == _BINARY and code[at + 1] == _REMAINDER


def stored(frame: FrameType) -> bool:
    """Whether the instruction in `frame` is an assignment to an item: ``a[i] = t``."""
    return frame.f_code.co_code[frame.f_lasti] in _STORES


def loaded(frame: FrameType) -> bool:
    """Whether the instruction in `frame` reads an item: ``a[t]``."""
    code, at = frame.f_code.co_code, frame.f_lasti
    return code[at] in _LOADS or (code[at] == _BINARY and code[at + 1] == _ITEM)


class PlainArrayError(TypeError, ValueError):
    """A Tensor was to be written into a plain array.

    (A ValueError too: as that NumPy refuses what it can't make a number of.)
    """


def as_last_word(error: Exception, frame: FrameType) -> Exception:
    """Return the error, and see to it that it leaves `frame` in the place of the one that NumPy makes of it.

    "setting an array element with a sequence" helps nobody. What leaves a frame can be exchanged by who
    traces it alone: so it is traced up to its next event, which is that error, unless a debugger does so.
    """

    def exchange(frame: FrameType, event: str, _: object) -> None:
        sys.settrace(None)
        frame.f_trace = None
        if event == "exception":
            raise error from None

    if sys.gettrace() is None:
        frame.f_trace = exchange
        sys.settrace(lambda *_: None)
    return error


def into_plain(what: str) -> PlainArrayError:
    """Return the error for a Tensor that is written into a plain array."""
    line = errors.where(errors.user_frame())
    message = f"{what} is written into a plain array, which would not remember where it came from. {_BUFFER}"
    return PlainArrayError(message + (f"\n  at {line}" if line else ""))


def _way_out(tensor: Tensor) -> str:
    """Return what gives the plain number of a Tensor where it stands."""
    return "stop_gradient(t)" if active and traced(tensor) else "t.item()"


def _told(tensor: Tensor, name: str | None, meant: bool) -> str:
    label = tensor._label()
    if name is not None and name.startswith("math."):
        own = name[5:]
        instead = _NUMPYS.get(own) or (f"np.{own}" if hasattr(np, own) else None)
        return (
            f"{name} takes a float, and {label} would lose its gradient"
            + (f": write {instead}, or" if instead else "; write")
            + f" {name}({_way_out(tensor)}) where no gradient should flow"
        )
    if meant:
        return f"float() makes a plain number, and {label} would lose its gradient. {_OUT}"
    return (
        f"{name or 'this'} takes plain numbers, and {label} would lose its gradient: write it with NumPy's "
        f"functions, or pass {_way_out(tensor)} where no gradient should flow"
    )


def called(frame: FrameType) -> tuple[str | None, bool]:
    """Return what the frame is calling, "math.exp", and whether the user's line says float."""
    if errors.of_numpy(frame):
        return "a function of NumPy's", False
    code = frame.f_code
    at = next(islice(code.co_positions(), frame.f_lasti // 2, None), (None,) * 4)
    line, last, start, stop = at
    source = "" if line is None else linecache.getline(code.co_filename, line)
    if not source.strip():
        return (None, True) if "float" in code.co_names else (None, False)
    lines = [linecache.getline(code.co_filename, n) for n in range(line or 0, (last or line or 0) + 1)]
    text = "".join(lines).encode()
    tail = len(lines[-1].encode()) - (stop or 0)
    part = text[start or 0 : len(text) - tail].decode(errors="replace")
    try:
        call = ast.parse(part.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return None, "float" in code.co_names
    known = {**vars(builtins), **frame.f_globals, **frame.f_locals}
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
        of = call.func.value
        if isinstance(of, ast.Name) and known.get(of.id) is np:  # np.fromiter(..., float) names a dtype
            return ast.unparse(call.func), False
    parts = list(ast.walk(call))
    inner = [p.func for p in parts if isinstance(p, ast.Call) and p is not call]
    meant = False
    for p in parts:  # math.exp(t), sum(map(math.exp, t)), but not float(J * math.exp(2))
        if p in inner:
            continue
        if isinstance(p, ast.Attribute) and isinstance(p.value, ast.Name):
            holder = known.get(p.value.id)
            if holder is math:
                return f"math.{p.attr}", False
            if isinstance(holder, np.ndarray) and p.attr == "fill":
                return f"{p.value.id}.fill", False
        elif isinstance(p, ast.Name):
            found = known.get(p.id)
            if getattr(found, "__module__", None) == "math":
                return f"math.{getattr(found, '__name__', p.id)}", False
            meant = meant or found is float
    return (ast.unparse(call.func) if isinstance(call, ast.Call) else None), meant


def whole_number(tensor: Tensor, what: str, frame: FrameType) -> Exception:
    """Return the error for a Tensor that is asked for a whole number."""
    message = (
        f"{what} needs a plain number, and {tensor._label()} would lose its gradient. "
        "np.round, np.floor and np.trunc give plain arrays; for a count or an index write "
        f"{'int' if ' ' in what else what}({_way_out(tensor)})"
    )
    # Python replaces a TypeError in "%x" % t by its own words
    return (ValueError if formats(frame) else TypeError)(message)
