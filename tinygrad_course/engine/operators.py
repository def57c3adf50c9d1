"""Python's operators on Tensors: ``a + b * c`` is what ``np.add(a, np.multiply(b, c))`` is, with less ado.

An operator between Tensors and numbers makes its node directly; whatever else it meets goes the way of all
functions (`recording.record`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_course.engine import errors, foreign
from tinygrad_course.engine.errors import Watch
from tinygrad_course.engine.recording import dispatch, record_plain
from tinygrad_course.engine.sweep import clock
from tinygrad_course.rules.indexing import astype
from tinygrad_course.rules.table import RULES

if TYPE_CHECKING:
    from tinygrad_course.engine.tensor import Tensor

    Binary = Callable[["Operators", Any], Tensor]

_float64 = np.float64
_new = object.__new__


def _binary(  # noqa: C901  (three short functions)
    ufunc: np.ufunc, operate: Callable[[Any, Any], Any]
) -> tuple[Binary, Binary, Binary]:
    """Return the operator, its reflection and its in-place form."""
    rule = RULES[ufunc]

    def forward(self: Any, other: Any) -> Any:
        cls = type(self)
        a = self._data
        leaf = self._op is None
        if leaf and self._extra and "open" in self._extra:
            a = self._settled()
        kind = type(other)
        if kind is cls:
            b = other._data
            if other._op is None:
                leaf = True
                if other._extra and "open" in other._extra:
                    b = other._settled()
        elif kind is float or kind is int or kind is _float64:
            b = other
        else:
            return record_plain(cls, rule, (self, other))
        try:
            y = operate(a, b)
        except Exception as error:  # noqa: BLE001  (whatever it is, it is told better)
            raise errors.explain(error, rule, (self, other)) from None
        out = _new(cls)
        out._data = y
        out._op = rule
        out._args = (self, other)
        out._values = (a, b) if leaf else None
        out._pending = out._grad = out._extra = None
        out._serial = clock()
        if rule.mend is not None:
            out = rule.mend(out)
        if Watch.on:
            errors.watch(out)
        return out

    def reflected(self: Any, other: Any) -> Any:
        kind = type(other)
        if kind is not float and kind is not int and kind is not _float64:
            return record_plain(type(self), rule, (other, self))
        b = self._data
        leaf = self._op is None
        if leaf and self._extra and "open" in self._extra:
            b = self._settled()
        out = _new(type(self))
        out._data = operate(other, b)
        out._op = rule
        out._args = (other, self)
        out._values = (other, b) if leaf else None
        out._pending = out._grad = out._extra = None
        out._serial = clock()
        if rule.mend is not None:
            out = rule.mend(out)
        if Watch.on:
            errors.watch(out)
        return out

    def in_place(self: Any, other: Any) -> Any:
        if self._op is not None or type(other) is type(self) or (self._extra and "input" in self._extra):
            return forward(self, other)
        data = operate(self._data, other)
        if np.shape(data) != self.shape:
            raise ValueError(f"{self._label()} is {self.shape} and can't become {np.shape(data)} in place")
        self.data = np.asarray(data, dtype=self.dtype)[()]
        return self

    forward.__name__, reflected.__name__, in_place.__name__ = (
        f"__{mark}{operate.__name__}__" for mark in ("", "r", "i")
    )
    return forward, reflected, in_place


_NEGATIVE = RULES[np.negative]


def _negative(self: Any) -> Tensor:
    return record_plain(type(self), _NEGATIVE, (self,))


class Operators:
    """The operators of `Tensor`.

    ``W -= learning_rate * W.grad`` changes a leaf's data, as it changes an array; on a computed Tensor, and
    with a Tensor on the right, ``-=`` records a new value.
    """

    __slots__ = ()

    __add__, __radd__, __iadd__ = _binary(np.add, operator.add)
    __sub__, __rsub__, __isub__ = _binary(np.subtract, operator.sub)
    __mul__, __rmul__, __imul__ = _binary(np.multiply, operator.mul)
    __truediv__, __rtruediv__, __itruediv__ = _binary(np.divide, operator.truediv)
    __pow__, __rpow__, __ipow__ = _binary(np.power, operator.pow)

    def __matmul__(self, other: Any) -> Tensor:
        if foreign.is_sparse(other):
            return foreign.times_sparse(self, foreign.Sparse(other))  # type: ignore[no-any-return]
        return _call(self, np.matmul, self, other)  # type: ignore[no-any-return]

    def __rmatmul__(self, other: Any) -> Tensor:
        if foreign.is_sparse(other):
            return foreign.sparse_times(foreign.Sparse(other), self)  # type: ignore[no-any-return]
        return _call(self, np.matmul, other, self)  # type: ignore[no-any-return]

    def __neg__(self) -> Tensor:
        return _negative(self)

    def __pos__(self) -> Tensor:
        return _call(self, np.positive, self)  # type: ignore[no-any-return]

    def __abs__(self) -> Tensor:
        return _call(self, np.absolute, self)  # type: ignore[no-any-return]

    def __mod__(self, other: Any) -> Tensor:
        return _call(self, np.remainder, self, other)  # type: ignore[no-any-return]

    def __rmod__(self, other: Any) -> Tensor:
        return _call(self, np.remainder, other, self)  # type: ignore[no-any-return]

    def __floordiv__(self, other: Any) -> Any:
        return _call(self, np.floor_divide, self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return _call(self, np.floor_divide, other, self)

    def __divmod__(self, other: Any) -> Any:
        return _call(self, np.divmod, self, other)

    def __rdivmod__(self, other: Any) -> Any:
        return _call(self, np.divmod, other, self)


def _call(self: Any, function: Callable[..., Any], *args: Any) -> Any:
    return dispatch(type(self), function, args, {})


class Methods:
    """The methods that a Tensor shares with arrays; each is NumPy's function of the same name."""

    __slots__ = ()

    def sum(self, axis: Any = None, **kwargs: Any) -> Tensor:
        """Return `np.sum` of the Tensor."""
        return np.sum(self, axis=axis, **kwargs)  # type: ignore[call-overload, no-any-return]

    def mean(self, axis: Any = None, **kwargs: Any) -> Tensor:
        """Return `np.mean` of the Tensor."""
        return np.mean(self, axis=axis, **kwargs)  # type: ignore[call-overload, no-any-return]

    def max(self, axis: Any = None, **kwargs: Any) -> Tensor:
        """Return `np.max` of the Tensor; equal maxima share the gradient."""
        return np.max(self, axis=axis, **kwargs)  # type: ignore[call-overload, no-any-return]

    def min(self, axis: Any = None, **kwargs: Any) -> Tensor:
        """Return `np.min` of the Tensor; equal minima share the gradient."""
        return np.min(self, axis=axis, **kwargs)  # type: ignore[call-overload, no-any-return]

    def var(self, axis: Any = None, **kwargs: Any) -> Tensor:
        """Return `np.var` of the Tensor."""
        return np.var(self, axis=axis, **kwargs)  # type: ignore[call-overload, no-any-return]

    def std(self, axis: Any = None, **kwargs: Any) -> Tensor:
        """Return `np.std` of the Tensor."""
        return np.std(self, axis=axis, **kwargs)  # type: ignore[call-overload, no-any-return]

    def prod(self, axis: Any = None, **kwargs: Any) -> Tensor:
        """Return `np.prod` of the Tensor."""
        return np.prod(self, axis=axis, **kwargs)  # type: ignore[call-overload, no-any-return]

    def cumsum(self, axis: Any = None) -> Tensor:
        """Return `np.cumsum` of the Tensor."""
        return np.cumsum(self, axis=axis)  # type: ignore[call-overload, no-any-return]

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """Return `np.trace` of the Tensor."""
        return np.trace(self, offset, axis1, axis2)  # type: ignore[call-overload, no-any-return]

    def reshape(self, *shape: Any, **kwargs: Any) -> Tensor:
        """Return `np.reshape` of the Tensor: ``t.reshape(2, 3)`` or ``t.reshape((2, 3))``."""
        target = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        return np.reshape(self, target, **kwargs)  # type: ignore[call-overload, no-any-return]

    def transpose(self, *axes: Any) -> Tensor:
        """Return `np.transpose` of the Tensor."""
        if not axes:
            return np.transpose(self)  # type: ignore[call-overload, no-any-return]
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
        return np.transpose(self, order)  # type: ignore[call-overload, no-any-return]

    def swapaxes(self, axis1: int, axis2: int) -> Tensor:
        """Return `np.swapaxes` of the Tensor."""
        return np.swapaxes(self, axis1, axis2)  # type: ignore[call-overload, no-any-return]

    def squeeze(self, axis: Any = None) -> Tensor:
        """Return `np.squeeze` of the Tensor."""
        return np.squeeze(self, axis)  # type: ignore[call-overload, no-any-return]

    def ravel(self, order: Any = "C") -> Tensor:
        """Return `np.ravel` of the Tensor."""
        return np.ravel(self, order)  # type: ignore[call-overload, no-any-return]

    def flatten(self, order: Any = "C") -> Tensor:
        """Return `np.ravel` of the Tensor: a recorded value is never written to, so no copy is needed."""
        return np.ravel(self, order)  # type: ignore[call-overload, no-any-return]

    def repeat(self, repeats: Any, axis: Any = None) -> Tensor:
        """Return `np.repeat` of the Tensor."""
        return np.repeat(self, repeats, axis)  # type: ignore[call-overload, no-any-return]

    def dot(self, other: Any) -> Tensor:
        """Return `np.dot` of the Tensor and `other`."""
        return np.dot(self, other)  # type: ignore[call-overload, no-any-return]

    def clip(self, min: Any = None, max: Any = None) -> Tensor:
        """Return `np.clip` of the Tensor."""
        return np.clip(self, min, max)  # type: ignore[call-overload, no-any-return]

    def cumprod(self, axis: Any = None) -> Tensor:
        """Return `np.cumprod` of the Tensor."""
        return np.cumprod(self, axis=axis)  # type: ignore[call-overload, no-any-return]

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """Return `np.diagonal` of the Tensor."""
        return np.diagonal(self, offset, axis1, axis2)  # type: ignore[call-overload, no-any-return]

    def take(self, indices: Any, axis: Any = None, **kwargs: Any) -> Tensor:
        """Return `np.take` of the Tensor."""
        return np.take(self, indices, axis=axis, **kwargs)  # type: ignore[call-overload, no-any-return]

    def sort(self, axis: int = -1, **kwargs: Any) -> None:
        """Sort in place, as an array does; `np.sort` of the Tensor leaves it as it is."""
        self[...] = np.sort(self, axis, **kwargs)  # type: ignore[index, call-overload]

    def copy(self) -> Tensor:
        """Return a recorded Tensor of the same value."""
        return np.positive(self)  # type: ignore[call-overload, no-any-return]

    def astype(self, dtype: Any) -> Tensor:
        """Return the Tensor in another floating or complex dtype; the gradient comes back in this one."""
        if np.dtype(dtype).kind not in "fc":
            raise TypeError(
                f"astype({np.dtype(dtype)}): a Tensor holds floating-point numbers. "
                "For whole numbers take the data, t.data.astype(...): no gradient flows through them."
            )
        return _call(self, astype, self, np.dtype(dtype))  # type: ignore[no-any-return]

    def conj(self) -> Tensor:
        """Return `np.conjugate` of the Tensor."""
        return np.conjugate(self)  # type: ignore[call-overload, no-any-return]

    conjugate = conj

    # What has no derivative gives plain arrays.
    def argmax(self, axis: Any = None) -> Any:
        """Return `np.argmax` of the data."""
        return np.argmax(self, axis)  # type: ignore[call-overload]

    def argmin(self, axis: Any = None) -> Any:
        """Return `np.argmin` of the data."""
        return np.argmin(self, axis)  # type: ignore[call-overload]

    def argsort(self, axis: Any = -1, **kwargs: Any) -> Any:
        """Return `np.argsort` of the data."""
        return np.argsort(self, axis, **kwargs)  # type: ignore[arg-type]

    def nonzero(self) -> Any:
        """Return `np.nonzero` of the data."""
        return np.nonzero(self)  # type: ignore[arg-type]

    def searchsorted(self, v: Any, side: Any = "left", sorter: Any = None) -> Any:
        """Return `np.searchsorted` of the data."""
        return np.searchsorted(self, v, side, sorter)  # type: ignore[call-overload]

    def round(self, decimals: int = 0) -> Any:
        """Return `np.round` of the data."""
        return np.round(self, decimals)  # type: ignore[call-overload]

    def any(self, axis: Any = None) -> Any:
        """Return `np.any` of the data."""
        return np.any(self, axis)  # type: ignore[call-overload]

    def all(self, axis: Any = None) -> Any:
        """Return `np.all` of the data."""
        return np.all(self, axis)  # type: ignore[call-overload]

    def tolist(self) -> Any:
        """Return the data as nested lists."""
        foreign.refuse_caller()
        return getattr(self, "data").tolist()  # noqa: B009  (of the Tensor that this is)
