"""Inputs of a function that is differentiated: leaves, and what the caller passed behind them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, Self

import numpy as np

from tinygrad_course.engine import plain_numbers, trees
from tinygrad_course.engine.creation import clock, leaf
from tinygrad_course.engine.recording import peek
from tinygrad_course.engine.saved_arrays import SMALL, Hold, hold
from tinygrad_course.engine.sweep import sweep
from tinygrad_course.engine.tensor import Tensor, as_data
from tinygrad_course.engine.views import behind, now, version_of
from tinygrad_course.rules.table import RULES

Function = Callable[..., Any]
_POSITIVE = RULES[np.positive]


def title(f: Function) -> str:
    """Return what messages call a function."""
    return getattr(f, "__name__", repr(f))


def parameters(f: Function) -> list[inspect.Parameter]:
    """Return a function's parameters, none where they are not known."""
    try:
        return list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        return []


def zeros_of(like: Any) -> Any:
    """Return zeros in the shape of a Tensor or an array, a number for a number."""
    return np.zeros_like(peek(Tensor, like))[()]


Observer = Callable[[list[Tensor], list[Any]], None]

#: Who is told, in this context, of the gradients of each function: the inputs, and a gradient for each. While
#: somebody is, computed Tensors also keep their gradients (`Tensor.grad`), as after `backward`.
observers: ContextVar[tuple[Observer, ...]] = ContextVar("observers", default=())
_ARRAYS = {np.ndarray}


def _argument(f: Function, n: int) -> str:
    """Return the name that a function of Python's gives its argument."""
    code = None if hasattr(f, "__self__") else getattr(f, "__code__", None)
    return code.co_varnames[n] if code is not None and n < code.co_argcount else ""


class Inputs:
    """The arguments of one call, wrapped as fresh leaves."""

    __slots__ = (
        "args", "flat", "function", "given", "holds", "recorded", "single", "tensors", "trace", "trees",
    )  # fmt: skip

    def __init__(self, f: Function, argnums: int | Sequence[int], args: tuple[Any, ...]) -> None:
        self.function = f
        self.args = list(args)
        self.single = isinstance(argnums, (int, np.integer))
        self.trees: list[Any] = []
        self.given: list[Any] = []  # what the caller passed, flat
        self.tensors: list[Tensor] = []
        self.holds: list[Hold] = []
        self.flat = False  # one dict, as parameters mostly are
        self.recorded = False  # whether the caller differentiates through this call
        self.trace = plain_numbers.Trace()
        usual = argnums == 0 and args
        for n in (0,) if usual else positions(f, argnums, args):
            tree = args[n]
            self.trees.append(tree)
            if type(tree) is dict and set(map(type, tree.values())) == _ARRAYS:
                self.flat = self.single
                named = self.args[n] = {}
                for key, value in tree.items():
                    named[key] = self._wrap(value, key, n)
            elif isinstance(tree, (dict, list, tuple)):
                name = "" if isinstance(tree, dict) else _argument(f, n)
                wrapped = [self._wrap(value, path, n) for path, value in trees.leaves(tree, name)]
                self.args[n] = trees.rebuild(tree, iter(wrapped))
            else:
                self.args[n] = self._wrap(tree, None, n)
        self.trace.oldest = self.tensors[0]._serial if self.tensors else 1

    def _wrap(self, value: Any, name: str | None, n: int) -> Tensor:
        self.given.append(value)
        if type(value) is np.ndarray and value.dtype.kind == "f" and value.dtype.isnative:
            # the function may write to it
            data = value.copy("K") if value.nbytes <= SMALL else value
            if data is value:
                self.holds += hold(value)
        elif type(value) is Tensor:
            self.recorded = True
            source = now(value)
            data = source._data if source._state is None else source._settled()
            name = name or value.name
            value = self.given[-1] = source
        else:
            try:
                data = as_data(value, None)
            except TypeError as error:
                place = name or f"argument {n}"
                raise TypeError(f"{place} of {title(self.function)}: {error}") from None
        tensor = leaf(Tensor, data, name, self.trace)
        self.tensors.append(tensor)
        return tensor

    def __enter__(self) -> Self:
        plain_numbers.active.add(self.trace)
        return self

    def __exit__(self, kind: object, error: BaseException | None, *_: object) -> None:
        plain_numbers.active.discard(self.trace)
        self.holds.clear()
        refused = self.trace.refused
        if error is None:
            if refused is not None:
                raise refused
            return
        if not plain_numbers.active:
            let_go(error, self.trace.oldest)
        cause = error.__cause__ if isinstance(error, ValueError) else None
        told = cause is refused or isinstance(cause, plain_numbers.PlainArrayError)
        if isinstance(cause, TypeError) and told:
            raise cause from None  # NumPy has put words of its own in the place of ours
        if self.trace.told not in {None, error} and _of_others(error):
            raise self.trace.told from None
        advise(error, self.function, self.trees)

    def link(self) -> None:
        """Make the inputs part of the caller's recording: each becomes an alias of what was passed."""
        for tensor, value in zip(self.leaves(), self.given, strict=True):
            if type(value) is Tensor:
                tensor._op, tensor._args, tensor._kwargs = _POSITIVE, (value,), None
                tensor._values = (tensor._data,) if value._op is None else None

    def _unlink(self) -> None:
        """Make the inputs leaves again, for another sweep."""
        for tensor, value in zip(self.leaves(), self.given, strict=True):
            if type(value) is Tensor:
                tensor._op = tensor._values = None
                tensor._args = ()

    def leaves(self) -> list[Tensor]:
        """Return the inputs as they were passed in, also where the function has written to one."""
        return [version_of(t) for t in self.tensors]

    def gradients(self, root: Tensor, seed: Any, *, record: bool) -> list[Any]:
        """Sweep back from `root` and return the gradient of every input, zeros where it plays no part."""
        if self.recorded:
            self._unlink()
        try:
            watchers = observers.get()
            found = sweep(
                root,
                seed,
                oldest=self.trace.oldest,
                keep=True,
                mark=bool(watchers) and not record,
                record=record,
            )
        finally:
            if self.recorded:
                self.link()
        gradients = []
        for t in self.tensors:
            g = found.get(t)
            if g is None:
                t = version_of(t)
                g = found[t] if t in found else zeros_of(t)
            if type(g) is not np.float64 and g.ndim == 0 and type(g) is not Tensor:
                # a stand-in of a recording says by its sample what it stands for
                ours, own = (getattr(x, "sample", x) for x in (g, peek(Tensor, t)))
                if type(ours) is np.ndarray and isinstance(own, np.generic):
                    g = g[()]  # a number's gradient is a number
            gradients.append(g)
        for watcher in watchers:
            watcher(list(self.tensors), gradients)
        return gradients

    def nest(self, flat: list[Any]) -> Any:
        """Return flat gradients in the structure of the arguments."""
        if self.flat:
            return dict(zip(self.trees[0], flat, strict=True))
        values = iter(flat)
        nests = [trees.rebuild(tree, values) for tree in self.trees]
        return nests[0] if self.single else tuple(nests)


def positions(f: Function, argnums: int | Sequence[int], args: tuple[Any, ...]) -> tuple[int, ...]:
    """Return which arguments these are, counted from the first; raise ValueError where one is not there."""
    numbers: Any = (argnums,) if isinstance(argnums, (int, np.integer)) else argnums
    for n in numbers:
        if not -len(args) <= n < len(args):
            raise ValueError(
                f"argnums={argnums}: {title(f)} was called with {len(args)} arguments; the derivative with "
                f"respect to argument {n} needs it passed by position"
            )
    found = tuple([int(n) % len(args) for n in numbers])
    if len(found) > 1 and len(set(found)) < len(found):
        raise ValueError(f"argnums={argnums} names an argument twice: each has one derivative")
    return found


def advise(error: BaseException, f: Function, given: Sequence[Any]) -> None:
    """Note on an error in f what its arguments suggest: a row of numbers, or a parameter by another name."""
    names = [key for tree in given if isinstance(tree, dict) for key in tree if isinstance(key, str)]
    asked = str(error.args[0]) if isinstance(error, KeyError) and error.args else ""
    if isinstance(error, TypeError) and any(map(_has_row, given)):
        error.add_note(f"{title(f)} was given a list of numbers: for one array pass np.array([...])")
    elif asked and asked not in names and any(asked[0].casefold() == name[:1].casefold() for name in names):
        error.add_note(f"the parameters that {title(f)} was given are called {', '.join(names)}")


def _has_row(tree: Any) -> bool:
    """Whether an argument has a list or tuple of numbers in it."""
    if isinstance(tree, dict):
        return any(map(_has_row, tree.values()))
    return isinstance(tree, (list, tuple)) and (
        all(isinstance(x, (int, float)) for x in tree) or any(map(_has_row, tree))
    )


def _of_others(error: BaseException | None) -> bool:
    """Whether an error is NumPy's or SciPy's, or Python's about a function in C that has hidden another."""
    traceback = error.__traceback__ if isinstance(error, Exception) else None
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    library = traceback.tb_frame.f_globals.get("__name__", "") if traceback is not None else ""
    return isinstance(error, SystemError) or library.startswith(("numpy", "scipy"))


def held(tensor: Tensor) -> tuple[Tensor, Any, Any]:
    """Return the operation recorded last for a Tensor, what it holds, its gradient; record nothing."""
    node = tensor._present()
    return node, node._data, node._grad


def values_returned(f: Function, args: Sequence[Any], since: int | None = None) -> Any:
    """Return what ``f(*args)`` returns: of Tensors born `since`, by default in this call, the values."""
    since = clock() if since is None else since
    result = f(*args)
    if not any(type(x) is Tensor for _, x in trees.leaves(result)):
        return result
    return trees.tree_map(lambda x: values_of_own(x, since), result)


def values_of_own(x: Any, since: int) -> Any:
    """Return the values of a Tensor that depends on no leaf older than the birth number `since`; else `x`."""
    if type(x) is not Tensor or any(t._op is None and t._serial > since for t in behind([now(x)])):
        return x
    return now(x)._data


def note_cost(gradient: Any, cost: Tensor) -> None:
    """Tell a recorded gradient which cost it is of: pictures tell the three parts of a step apart."""
    cost = now(cost)
    if type(gradient) is Tensor and gradient._serial < cost._serial:  # it was recorded after the cost
        gradient._present()._note().cost_number = -cost._serial


def let_go(error: BaseException, oldest: int) -> None:
    """Unlock what the recording after input `oldest` has kept, which an error's traceback keeps alive."""
    waiting: list[Any] = []
    traceback = error.__traceback__
    while traceback is not None:
        waiting += traceback.tb_frame.f_locals.values()
        traceback = traceback.tb_next
    found, seen = [], set()
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, (list, tuple)):
            waiting += thing
        elif isinstance(thing, dict):
            waiting += thing.values()
        elif type(thing) is Tensor:
            found.append(thing._present())
    for node in behind(found, oldest):
        if node._about is not None:
            node._about.holds = None
