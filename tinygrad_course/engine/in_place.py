"""Writes: ``y[index] = value``, ``y += value`` and ``out=y``, on a Tensor and on views of it.

A write records the value that the whole Tensor has after it; the Tensor becomes a variable that shows the
latest such value (`views.Written`), so that everybody who holds it, or a view of it, sees the write.
"""

from __future__ import annotations

import operator
import sys
import warnings
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_course.engine.creation import twin_of
from tinygrad_course.engine.partial_writes import own_data, written
from tinygrad_course.engine.plain_numbers import called, stored
from tinygrad_course.engine.recording import dispatch
from tinygrad_course.engine.views import View, Written, behind, now
from tinygrad_course.rules.indexing import assign, astype
from tinygrad_course.rules.table import is_tensor
from tinygrad_course.rules.writing import apart

if TYPE_CHECKING:
    from tinygrad_course.engine.tensor import Tensor


class Held:
    """How many references `_commit` counts to a Tensor that one variable holds, and no recorded operation."""

    count = 0


def write(target: Tensor, index: Any, value: Any) -> None:
    """Do ``target[index] = value``."""
    cls = type(target)
    state = target._state
    if value is target and index is Ellipsis:
        return
    if isinstance(target._data, np.generic):
        raise TypeError(f"{target._label()} is a number: nothing can be written to it in place")
    masked = getattr(index, "dtype", None) == np.bool_ and index.ndim
    if masked and getattr(value, "shape", ()):
        told = f"{target._label()} written to by a mask of shape {index.shape}"
        view = is_tensor(index) and type(value) is cls and type(value._state) is View and value.size > 1
        if view and value._state.root is (state.root if type(state) is View else target):
            raise ValueError(
                f"{told}: each call has a mask of its own, and the values are a view of what is written to, "
                "which NumPy may read after it has written there; pass a copy of the values"
            )
        apart(target, value, lambda a, values: operator.setitem(a, index, values), told)
    if type(value) is cls and type(value._state) is View and _same(value._state, target, index):
        return  # what  y[0] += 1  ends with: the view was written to already
    if type(state) is View:
        _through(state, index, value)
        return
    if plain_leaf(target) and type(value) is not cls:
        leaf = now(target)
        if is_tensor(leaf._data) or is_tensor(value):  # stand-ins for arrays, of which a program is made
            data = assign(leaf._data, index, value)
        else:
            data = own_data(leaf)
            data[index] = value
        target._data = data
        target._state = None
        return
    before = _first(target)
    latest = written(before, index, value)
    if latest is None:
        latest = dispatch(cls, assign, (before, index, value), {})
    _commit(target, latest, before)


def as_taken(target: Tensor, value: Tensor, frame: FrameType) -> Any:
    """Return the view that is written to its own array, as ``target[index] = value`` in `frame` means it.

    `Generator.shuffle` swaps rows, in C, by the rows that it has taken; a statement's view sees later writes.
    """
    view: Any = value._state
    root = target._state.root if type(target._state) is View else target
    if view.root is not root or not view.stale() or stored(frame):
        return value
    name = called(frame)[0] or ""
    held = frame.f_locals.get(name, frame.f_globals.get(name))
    if getattr(held, "__name__", name).endswith("shuffle"):
        return view.node
    if name.endswith(("setitem", "setitem__")):
        return value
    raise ValueError(
        f"{name or 'a function in C'} writes to {target._label()} a view of it, taken before another write; "
        "whether the view is to show that write is not known here. Write the assignments as statements, or "
        "choose rows by their numbers, as in y[rng.permutation(len(y))]"
    )


def augment(target: Tensor, new: Any) -> Tensor:
    """Do ``target op= other``, given the result of ``target op other``, and return the target."""
    cls = type(target)
    shape = target.shape
    if np.shape(new) != shape:
        raise ValueError(
            f"{target._label()} is {shape} and can't become {np.shape(new)} in place: give the other side "
            f"shape {shape} (reshape, keepdims=True); if {np.shape(new)} is meant, write t = t + other"
        )
    dtype = getattr(new, "dtype", target.dtype)
    if not np.can_cast(dtype, target.dtype, "same_kind"):
        raise TypeError(
            f"{target._label()} holds {target.dtype}, and the result is {dtype}, which NumPy does not write "
            "there (casting='same_kind'): write t = t + other in the place of t += other"
        )
    if type(new) is not cls and isinstance(target._data, np.generic):  # a leaf that is a number
        target.data = target.dtype.type(new)
        return target
    if type(target._state) is View or type(new) is not cls:
        write(target, ..., new)
        return target
    before = _first(target)
    old = before._data
    if new._data.dtype != old.dtype:
        new = dispatch(cls, astype, (new, old.dtype), {})
    lies = isinstance(new._data, np.ndarray) and new._data.strides == old.strides
    if isinstance(old, np.ndarray) and not lies:  # it lies as it lay, and stays an array
        new = dispatch(cls, assign, (before, ..., new), {})
    _commit(target, new, before)
    return target


def plain_leaf(tensor: Tensor) -> bool:
    """Whether a Tensor is a leaf of the user's, whose data he may change."""
    about = tensor._about
    return tensor._op is None and type(tensor._state) not in {Written, View} and not (about and about.trace)


def _same(state: View, target: Tensor, index: Any) -> bool:
    """Whether a view is that of ``target[index]`` as it is now."""
    shown = state.index
    return state.parent is target and shown is not None and _equal(shown[0], index)


def _equal(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple):
        return len(a) == len(b) and all(_equal(x, y) for x, y in zip(a, b, strict=True))
    return a is b or (isinstance(a, (int, slice)) and a == b)


def _first(root: Tensor) -> Tensor:
    """Return what `root` is now as something that stays so: an operation of its own, or a leaf."""
    state = root._state
    if type(state) is Written:
        return state.latest
    twin = twin_of(root)
    if state is not None:
        twin._data = root._settled()
        twin._state = None
    return twin


def _commit(root: Tensor, latest: Tensor, before: Tensor) -> None:
    """Make `latest`, computed from `before`, what `root` shows."""
    state = root._state
    if type(state) is Written:
        state.latest = latest
    else:
        count = sys.getrefcount(root)
        Held.count = Held.count or count
        if count > Held.count:
            _without(root, before, latest)
        root._data = before._data
        root._op = root._values = root._kwargs = root._grad = None
        root._args = ()
        root._state = Written(before, latest)
    if before._about is not None and before._about.name is not None:
        latest._note().name = before._about.name


def _without(root: Tensor, before: Tensor, latest: Tensor) -> None:
    """Put `before` for `root` behind `latest`: ``y[k] = f(y[k])`` would tie y to itself, by a knot."""
    for node in behind([latest], root._serial - 1):
        if node._op is not None:
            args = node._args
            if node._op.sequence:
                args = (tuple([before if a is root else a for a in args[0]]), *args[1:])
            node._args = tuple([before if a is root else a for a in args])


def _through(view: View, index: Any, value: Any) -> None:
    """Write to a view: to the places that it shows of its root."""
    one: Any = view
    part = None
    while type(one) is View:
        if one.trouble is not None:
            raise ValueError(f"assignment destination is read-only: {one.trouble}")
        if one.rule.function in {np.real, np.imag} and one.parent.dtype.kind == "c":
            part = one.rule.function
        one = one.parent._state
    root, cls = view.root, type(view.root)
    shown = view.index
    if view.parent is root and shown is not None and index is Ellipsis:
        write(root, shown[0], value)
        return
    if plain_leaf(root) and type(value) is not cls:
        data = own_data(now(root))
        view.of_array(data)[index] = value
        root._data = data
        root._state = None
        return
    numbers = np.atleast_1d(view.numbers()[index])
    if part is not None:
        if np.iscomplexobj(value):
            if type(value) is complex:
                raise TypeError("float() argument must be a string or a real number, not 'complex'")
            told = "Casting complex values to real discards the imaginary part"
            warnings.warn(told, np.exceptions.ComplexWarning, stacklevel=4)
            value = np.real(value)
        there = np.reshape(root, -1)[numbers]
        value = value + 1j * np.imag(there) if part is np.real else np.real(there) + 1j * value
    _put(root, numbers, value)


def _put(root: Tensor, numbers: Any, value: Any) -> None:
    """Write to the elements with these numbers, counted along rows."""
    if root.shape:
        write(root, np.unravel_index(numbers, root.shape), value)
    elif np.size(numbers):  # an array of no axes, and what is written last to it
        write(root, (), np.reshape(value, -1)[-1] if np.ndim(value) else value)


class Flat:
    """The elements of a Tensor in the order of rows: `Tensor.flat`."""

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor

    def __len__(self) -> int:
        return self._tensor.size

    def __getitem__(self, index: Any) -> Any:
        return np.reshape(self._tensor, -1)[index]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __setitem__(self, index: Any, value: Any) -> None:
        apart(
            self._tensor,
            value,
            lambda a, values: operator.setitem(a.flat, index, values),
            "x.flat[...] = values",
        )
        places, count = np.arange(len(self))[index], np.size(value)
        if np.ndim(places) and count != np.size(places):  # as NumPy: again from the beginning
            if not count:
                return
            value = np.resize(value, np.shape(places))
        _put(self._tensor, places, value)
