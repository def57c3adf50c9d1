"""Python's operators on Tensors: ``a + b * c`` is what ``np.add(a, np.multiply(b, c))`` is, with less ado.

An operator between Tensors and numbers makes its node directly; whatever else it meets goes the way of all
functions (`recording.record`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_course.engine import errors, other_arrays
from tinygrad_course.engine.creation import clock
from tinygrad_course.engine.errors import blocks
from tinygrad_course.engine.in_place import augment, plain_leaf
from tinygrad_course.engine.other_arrays import own_operator
from tinygrad_course.engine.recording import dispatch, record, record_one
from tinygrad_course.engine.views import View, now
from tinygrad_course.rules.indexing import astype
from tinygrad_course.rules.table import RULES

if TYPE_CHECKING:
    from tinygrad_course.engine.tensor import Tensor

    Binary = Callable[["Operators", Any], Tensor]

_float64 = np.float64
_ndarray = np.ndarray
_new: Any = object.__new__
_NEGATIVE = RULES[np.negative]
_MATMUL = RULES[np.matmul]


def _binary(  # noqa: C901  (three short functions)
    ufunc: np.ufunc, operate: Callable[[Any, Any], Any]
) -> tuple[Binary, Binary, Binary]:
    """Return the operator, its reflection and its in-place form."""
    rule, reflection = RULES[ufunc], f"__r{operate.__name__}__"

    def forward(self: Any, other: Any) -> Any:
        cls = type(self)
        kind = type(other)
        leaf = self._op is None
        a = self._data
        if kind is cls:
            b = other._data
            if other._op is None:
                leaf = True
                if other._state is not None:
                    return record(cls, rule, (self, other))
        elif kind is float or kind is int or kind is _float64:
            b = other
        elif kind is not _ndarray and own_operator(kind, reflection, a):
            return NotImplemented
        else:
            return record(cls, rule, (self, other))
        if self._state is not None:
            return record(cls, rule, (self, other))
        try:
            y = operate(a, b)
        except Exception as error:  # noqa: BLE001  (whatever it is, it is told better)
            raise errors.explain(error, rule, (self, other)) from None
        # what `creation.node` does, without the call
        out = _new(cls)
        out._data = y
        out._op = rule
        out._args = self, other
        out._values = (a, b) if leaf else None
        out._kwargs = out._state = out._grad = out._about = None
        out._serial = clock()
        if rule.mend is not None:
            out = rule.mend(out)
        if blocks.open:
            errors.watch(out)
        return out

    def reflected(self: Any, other: Any) -> Any:
        kind = type(other)
        leaf = self._op is None
        if (leaf and self._state is not None) or not (kind is float or kind is int):
            return record(type(self), rule, (other, self))
        b = self._data
        out = _new(type(self))
        out._data = operate(other, b)
        out._op = rule
        out._args = other, self
        out._values = (other, b) if leaf else None
        out._kwargs = out._state = out._grad = out._about = None
        out._serial = clock()
        if rule.mend is not None:
            out = rule.mend(out)
        if blocks.open:
            errors.watch(out)
        return out

    def in_place(self: Any, other: Any) -> Any:
        return _in_place(self, other, operate, forward)

    forward.__name__, reflected.__name__, in_place.__name__ = (
        f"__{mark}{operate.__name__}__" for mark in ("", "r", "i")
    )
    return forward, reflected, in_place


def _by_function(function: Callable[..., Any], operate: Callable[[Any, Any], Any]) -> Any:
    """Return an operator that is less often used, its reflection and its in-place form."""

    def forward(self: Any, other: Any) -> Any:
        return _call(self, function, operate, other)

    def reflected(self: Any, other: Any) -> Any:
        return dispatch(type(self), function, (other, self), {})

    def in_place(self: Any, other: Any) -> Any:
        return _in_place(self, other, operate, forward)

    return forward, reflected, in_place


def _in_place(self: Any, other: Any, operate: Callable[[Any, Any], Any], forward: Callable[..., Any]) -> Any:
    """Write ``operate(self, other)`` to the Tensor; NumPy's numbers can't be written to and are replaced."""
    data = now(self)._data
    if own_operator(type(other), f"__r{operate.__name__}__", data):
        return NotImplemented
    root = self._state.root if type(self._state) is View else self
    if type(other) is not type(self) and plain_leaf(root):
        return augment(self, operate(data, other))
    shown = getattr(data, "shown", data)  # of a stand-in for an array, of which a program is made
    if isinstance(shown, np.generic) or (not isinstance(shown, np.ndarray) and data.shape == ()):
        return forward(self, other)
    return augment(self, forward(self, other))


class Operators:
    """The operators of `Tensor`.

    ``-=`` and its like write to the Tensor, and whoever else holds it, or a view of it, sees that.
    ``W -= learning_rate * W.grad`` changes the data of a leaf, which stays one.
    """

    __slots__ = ()

    __add__, __radd__, __iadd__ = _binary(np.add, operator.add)
    __sub__, __rsub__, __isub__ = _binary(np.subtract, operator.sub)
    __mul__, __rmul__, __imul__ = _binary(np.multiply, operator.mul)
    __truediv__, __rtruediv__, __itruediv__ = _binary(np.divide, operator.truediv)
    __pow__, __rpow__, __ipow__ = _binary(np.power, operator.pow)

    def __neg__(self) -> Tensor:
        return record_one(type(self), _NEGATIVE, self)  # type: ignore[arg-type, no-any-return]

    def __pos__(self) -> Tensor:
        return np.positive(self)  # type: ignore[call-overload, no-any-return]

    def __abs__(self) -> Tensor:
        return np.absolute(self)  # type: ignore[call-overload, no-any-return]

    __mod__, __rmod__, __imod__ = _by_function(np.remainder, operator.mod)
    __floordiv__, __rfloordiv__, __ifloordiv__ = _by_function(np.floor_divide, operator.floordiv)
    __divmod__, __rdivmod__ = _by_function(np.divmod, divmod)[:2]

    def __matmul__(self, other: Any) -> Tensor:
        if type(other) is type(self) or type(other) is np.ndarray:
            return record(type(self), _MATMUL, (self, other))  # type: ignore[arg-type, no-any-return]
        if other_arrays.is_sparse(other):
            return other_arrays.times_sparse(self, other_arrays.Sparse(other))  # type: ignore[no-any-return]
        return _call(self, np.matmul, operator.matmul, other)  # type: ignore[no-any-return]

    def __rmatmul__(self, other: Any) -> Tensor:
        if other_arrays.is_sparse(other):
            return other_arrays.sparse_times(other_arrays.Sparse(other), self)  # type: ignore[no-any-return]
        return dispatch(type(self), np.matmul, (other, self), {})  # type: ignore[arg-type, no-any-return]

    def __imatmul__(self, other: Any) -> Any:
        return _in_place(self, other, operator.matmul, operator.matmul)


def _call(self: Any, function: Callable[..., Any], operate: Callable[..., Any], other: Any) -> Any:
    if own_operator(type(other), f"__r{operate.__name__}__", self._data):
        return NotImplemented
    return dispatch(type(self), function, (self, other), {})


def _method(function: Callable[..., Any], more: str = "") -> Callable[..., Tensor]:
    """Return the method that calls a function of NumPy's of the same name."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    method.__name__ = method.__qualname__ = function.__name__
    method.__doc__ = f"Return `np.{function.__name__}` of the Tensor{more}."
    return method


class Methods:
    """The methods that a Tensor shares with arrays; each is NumPy's function of the same name."""

    __slots__ = ()

    sum = _method(np.sum)
    mean = _method(np.mean)
    max = _method(np.max, "; equal maxima share the gradient")
    min = _method(np.min, "; equal minima share the gradient")
    var = _method(np.var)
    std = _method(np.std)
    prod = _method(np.prod)
    cumsum = _method(np.cumsum)
    cumprod = _method(np.cumprod)
    trace = _method(np.trace)
    diagonal = _method(np.diagonal)
    swapaxes = _method(np.swapaxes)
    squeeze = _method(np.squeeze)
    ravel = _method(np.ravel)
    repeat = _method(np.repeat)
    take = _method(np.take)
    dot = _method(np.dot)
    put = _method(np.put)
    # What has no derivative gives plain arrays.
    argmax: Callable[..., Any] = _method(np.argmax)
    argmin: Callable[..., Any] = _method(np.argmin)
    argsort: Callable[..., Any] = _method(np.argsort)
    argpartition: Callable[..., Any] = _method(np.argpartition)
    nonzero: Callable[..., Any] = _method(np.nonzero)
    searchsorted: Callable[..., Any] = _method(np.searchsorted)
    round: Callable[..., Any] = _method(np.round)
    any: Callable[..., Any] = _method(np.any)
    all: Callable[..., Any] = _method(np.all)

    def reshape(self, *shape: Any, **kwargs: Any) -> Tensor:
        """Return `np.reshape` of the Tensor: ``t.reshape(2, 3)`` or ``t.reshape((2, 3))``."""
        target = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        return np.reshape(self, target, **kwargs)  # type: ignore[call-overload, no-any-return]

    def transpose(self, *axes: Any) -> Tensor:
        """Return `np.transpose` of the Tensor."""
        if not axes:
            return np.transpose(self)  # type: ignore[call-overload, no-any-return]
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
        return np.transpose(self, order if order is None else tuple(order))  # type: ignore[call-overload, no-any-return]

    def view(self, dtype: Any = None, *_: Any) -> Tensor:
        """Return all of the Tensor as a view of it, with numbers of the same kind."""
        if dtype not in (None, np.ndarray, self.dtype):  # type: ignore[attr-defined]
            raise TypeError("write t.reshape(shape); for numbers of another kind z.real, or x + 1j * y")
        return self[...]  # type: ignore[index, no-any-return]

    def flatten(self, order: Any = "C") -> Tensor:
        """Return the elements in a row, as a copy."""
        return np.copy(self.ravel(order))  # type: ignore[return-value]

    def clip(self, min: Any = None, max: Any = None) -> Tensor:
        """Return `np.clip` of the Tensor."""
        return np.clip(self, min, max)  # type: ignore[call-overload, no-any-return]

    def copy(self, order: Any = "C") -> Tensor:
        """Return a recorded Tensor of the same value, that no write to this one reaches."""
        if isinstance(self._data, np.generic):  # type: ignore[attr-defined]
            return np.positive(self)  # type: ignore[call-overload, no-any-return]
        return np.copy(self, order=order)  # type: ignore[call-overload, no-any-return]

    def astype(
        self, dtype: Any, order: Any = "K", casting: Any = "unsafe", subok: bool = True, copy: bool = True
    ) -> Tensor:
        """Return the Tensor in another floating or complex dtype; the gradient comes back in this one.

        Whole numbers and booleans are plain arrays, as those of `np.trunc` and of a comparison are.
        """
        if order != "K":
            return self.copy(order).astype(dtype, "K", casting, subok, copy)
        if not np.can_cast(self.dtype, dtype, casting):  # type: ignore[attr-defined]
            raise TypeError(
                f"astype: {self.dtype} is not cast to {np.dtype(dtype)} by the rule {casting!r}"  # type: ignore[attr-defined]
            )
        if not copy and self.dtype == dtype:  # type: ignore[attr-defined]
            return self  # type: ignore[return-value]
        if np.dtype(dtype).kind == "b":
            return np.not_equal(self, 0)  # type: ignore[call-overload, no-any-return]
        if np.dtype(dtype).kind in "iu":
            return np.trunc(self).astype(dtype)  # type: ignore[call-overload, no-any-return]
        if np.dtype(dtype).kind not in "fc":
            raise TypeError(f"astype({np.dtype(dtype)}): a Tensor holds floating-point numbers")
        return dispatch(type(self), astype, (self, np.dtype(dtype)), {})  # type: ignore[arg-type, no-any-return]

    def conj(self) -> Tensor:
        """Return `np.conjugate` of the Tensor; real, it is the Tensor itself, as an array is."""
        if self.dtype.kind != "c":  # type: ignore[attr-defined]
            return self  # type: ignore[return-value]
        return np.conjugate(self)  # type: ignore[call-overload, no-any-return]

    conjugate = conj

    def compress(self, condition: Any, axis: Any = None) -> Tensor:
        """Return `np.compress` of the Tensor."""
        return np.compress(condition, self, axis)  # type: ignore[call-overload, no-any-return]

    def fill(self, value: Any) -> None:
        """Write one value everywhere."""
        self[...] = value  # type: ignore[index]

    def sort(self, axis: int = -1, **kwargs: Any) -> None:
        """Sort in place, as an array does; `np.sort` of the Tensor leaves it as it is."""
        self[...] = np.sort(self, axis, **kwargs)  # type: ignore[index, call-overload]

    def partition(self, kth: Any, axis: int = -1) -> None:
        """Partition the Tensor in place, as `np.partition` does."""
        self[...] = np.partition(self, kth, axis=axis)  # type: ignore[index, call-overload]
