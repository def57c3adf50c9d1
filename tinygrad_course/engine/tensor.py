"""`Tensor`: a variable that remembers how it was computed.

A forward function is ordinary NumPy. Given arrays it computes; given Tensors it also remembers, because a
Tensor answers NumPy's protocols. Everything differentiable is a Tensor, constants (X, Y) stay plain arrays.
"""

from __future__ import annotations

import _thread
import operator
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, final

import numpy as np

from tinygrad_course.engine import (
    errors,
    kinks,
    other_arrays,
    plain_numbers,
    stable_forms,  # noqa: F401
)
from tinygrad_course.engine.creation import About, clock, leaf
from tinygrad_course.engine.in_place import Flat, as_taken, write
from tinygrad_course.engine.operation import Operation, Released
from tinygrad_course.engine.operators import Methods, Operators
from tinygrad_course.engine.partial_writes import ALONE, references
from tinygrad_course.engine.recording import dispatch, dispatch_ufunc, peek, plain, record, record_one
from tinygrad_course.engine.sweep import OLDEST, ONE, first_seed, sweep
from tinygrad_course.engine.undispatched import recorded_instead
from tinygrad_course.engine.views import OPEN, Open, View, Written, now
from tinygrad_course.rules.table import RULES, Rule

if TYPE_CHECKING:  # (this, threading and dataclasses take long to import)
    from numpy.typing import ArrayLike, DTypeLike

_float64 = np.float64
_accumulating = _thread.allocate_lock()
_GETITEM = RULES[operator.getitem]


def as_data(data: ArrayLike, dtype: DTypeLike | None) -> Any:
    """Return a copy of `data` as a Tensor holds it: real, floating, an array or a NumPy scalar."""
    if type(data) is Tensor:
        raise TypeError(f"{data._label()} is a Tensor already; Tensor(t.data) makes a variable of its own")
    if isinstance(data, (list, tuple)) and any(type(d) is Tensor for d in data):
        raise TypeError(
            "a list of Tensors: join them with np.stack([...]) or tinygrad_course.array([...]); they remember"
        )
    other_arrays.refuse_as_data(data)
    array: Any
    if hasattr(data, "__array_function__") and not isinstance(data, (np.ndarray, np.generic)):
        # another library's array that speaks NumPy's protocols
        array = data.__variable__() if hasattr(data, "__variable__") else data
        if not hasattr(array, "dtype"):
            array = np.multiply(array, 1.0)  # a number with a unit
    else:
        try:
            array = np.array(data)
        except ValueError:
            raise ValueError(
                "the data are a nest of lists whose rows differ in length; an array needs rows of one length"
            ) from None
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder())
    kind = array.dtype.kind
    if dtype is not None:
        if np.dtype(dtype).kind != "f":
            raise TypeError(
                f"dtype={np.dtype(dtype)}: a Tensor is real and floating (float64, float32, float16)"
            )
        if kind in "fiub":
            return _scalar(array.astype(dtype))
    if kind == "f":
        return _scalar(array)
    if kind in "iub":
        return _scalar(array.astype(_float64))
    what = {"c": "complex numbers", "O": "Python objects", "U": "text", "S": "text"}.get(
        kind, str(array.dtype)
    )
    fix = {
        "c": "What is computed from it may be complex: make x and y Tensors, and write z = x + 1j * y.",
        "O": "For numbers among objects write X.astype(float). Of rows of different lengths np.array makes "
        "objects of them; give each row the same length."
        if array.ndim
        else f"Write a {type(data).__name__} as an array, or as a dict, list or tuple of arrays.",
    }.get(kind, "Convert them to numbers first.")
    raise TypeError(f"a Tensor holds real numbers, and these are {what} (dtype {array.dtype}). {fix}")


def _scalar(array: Any) -> Any:
    return array[()] if isinstance(array, np.ndarray) and array.ndim == 0 else array


def _whole_number(what: str) -> Callable[..., Any]:
    def refuse(self: Tensor, *_: Any) -> Any:
        if what == "int" and plain_numbers.formats(sys._getframe(1)):  # "%d" % J
            return int(self._number())
        raise plain_numbers.remembered(self, plain_numbers.whole_number(self, what, sys._getframe(1)))

    return refuse


def _comparison(operate: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def compare(self: Tensor, other: Any) -> Any:
        node = now(self)
        result = operate(node._data, peek(Tensor, other))
        kinks.watch_sign(node, operate, other, result)
        return result

    return compare


@final
class Tensor(Operators, Methods, errors.Habits):
    """A variable of the computation graph: data, an optional name, and the operation that made it.

    Parameters
    ----------
    data : array_like
        Real numbers. The array is copied. Integers and booleans become float64; float16, float32 and float64
        stay what they are, their bytes in the order of the machine. An array of another library that
        implements NumPy's protocols is taken as it is.
    name : str, optional
        What pictures and errors call it: ``"W1"``.
    dtype : dtype, optional
        A floating dtype to convert the data to.

    Raises
    ------
    TypeError
        If the data are complex, objects or text, or already a Tensor.

    Examples
    --------
    >>> a, b, c = Tensor(5.0, name="a"), Tensor(3.0, name="b"), Tensor(2.0, name="c")
    >>> J = 3 * (a + b * c)
    >>> J
    Tensor(33.0)
    >>> J.backward()
    >>> print(a.grad, b.grad, c.grad)
    3.0 6.0 9.0
    """

    __slots__ = (
        "__weakref__", "_about", "_args", "_data", "_grad", "_kwargs", "_op", "_serial", "_state", "_values",
    )  # fmt: skip

    _data: Any  # the array; for a node of several results, the tuple of them
    _op: Rule | None  # None for a leaf, a variable that was written to, and a view
    _args: tuple[Any, ...]
    _kwargs: dict[str, Any] | None
    _values: Sequence[Any] | None  # the arguments' data, where they could be replaced or written to
    _serial: int  # the number of its birth, see `sweep`
    _grad: Any
    _state: Open | Written | View | None  # what else than a leaf stands here without an operation
    _about: About | None

    __hash__ = object.__hash__
    __array_priority__: ClassVar[float] = 1000.0
    __pandas_priority__: ClassVar[int] = 10_000  # pandas leaves its operators to us

    @property
    def _mask(self) -> NoReturn:
        """Refuse: numpy.ma asks everything that it computes with for its mask, and computes on ``_data``."""
        other_arrays.refuse(np.ma.MaskedArray)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """An array to numpy.polynomial, which lays coefficients out by the axes of what is one."""
        frame = sys._getframe(1)
        asks = frame.f_globals.get("__name__", "")
        if asks.startswith("awkward.") or (asks.startswith("xarray.") and "dot" in frame.f_code.co_qualname):
            other_arrays.refuse_caller()  # they go on to words of their own
        return np.ndarray if asks.startswith("numpy.polynomial.") else Tensor

    def __init__(self, data: ArrayLike, name: str | None = None, dtype: DTypeLike | None = None) -> None:
        if type(data) is float and dtype is None:
            self._data = _float64(data)
        else:
            self._data = as_data(data, dtype)
        self._op = self._kwargs = self._values = self._grad = self._state = self._about = None
        self._args = ()
        self._serial = clock()
        if name is not None:
            self.name = name

    # -------------------------------------------------------------- what it holds

    @property
    def data(self) -> Any:
        """The values, an array (or a NumPy scalar).

        A leaf's data may be changed and replaced, ``W.data -= learning_rate * W.grad``; a recording made
        before keeps the values that it was made with. The data of a computed Tensor are read-only. Inside a
        function that is being differentiated there are none to be had: `stop_gradient` says what it does.
        """
        if plain_numbers.active:
            plain_numbers.check(self, ".data gives plain values")
        data = self._data
        return data if type(data) is _float64 and self._state is None else self._shared()

    @data.setter
    def data(self, value: ArrayLike) -> None:
        if self._op is not None or self._is_computed():
            raise AttributeError(
                f"{self._label()} was computed ({self._present()._op}): its data can't be replaced. "
                "Only a leaf's data can (W.data = ...)."
            )
        if value is self._data:
            return
        own = (
            type(value) is np.ndarray
            and value.dtype.kind == "f"
            and value.dtype.isnative
            and value.base is None
        )
        self._data = value if own else as_data(value, None)
        self._state = OPEN

    def _shared(self) -> Any:
        node = self if self._state is None else now(self)
        data = node._data
        if node._op is not None:
            if type(data) is Released:
                raise RuntimeError(
                    f"the values of {self._label()} {data.shape} were released by backward(); "
                    "hold on to the Tensor itself, or call backward(retain_graph=True)"
                )
            if type(data) is np.ndarray:
                data.setflags(write=False)
        elif type(data) is np.ndarray and node._state is None:
            # a recording may need these values
            if references(data) > ALONE + 1 or not data.flags.writeable:
                data = node._data = data.copy("K")
            node._state = OPEN
        return data

    def _settled(self) -> Any:
        """Return an open leaf's data for a recording: a copy if somebody else could change them."""
        data = self._data
        if type(data) is np.ndarray and references(data) > ALONE + 1:
            return data.copy("K")
        self._state = None
        return data

    def _is_computed(self) -> bool:
        return self._op is not None or type(self._state) in {Written, View}

    @property
    def grad(self) -> Any:
        """The gradient that `backward` left here, of the data's shape and dtype, or None.

        It is that by the values which stand here now. A leaf that was given recorded values,
        ``t[0] = t[1] ** 2``, has become a computed Tensor, as ``H *= 0.5`` makes one of another H: for the
        gradient by the values from before write to a copy, ``u = t.copy()``, or call `grad`, which
        differentiates by what it was passed.

        Examples
        --------
        >>> t = Tensor([1.0, 2.0])
        >>> u = t.copy()
        >>> u[0] = t[1] ** 2
        >>> np.sum(u * u).backward()
        >>> print(t.grad, u.grad)
        [ 0. 36.] [8. 4.]
        """
        node = self if self._state is None else self._present()
        if node._op is not None and type(node._grad) is np.ndarray:
            node._grad.setflags(write=False)  # its neighbours in the graph may share it
        return node._grad

    @grad.setter
    def grad(self, value: ArrayLike | None) -> None:
        if value is not None and np.shape(value) != self.shape:
            raise ValueError(
                f"{self._label()} is {self.shape}; a gradient of shape {np.shape(value)} doesn't fit"
            )
        self._present()._grad = value if value is None else np.array(value, dtype=self.dtype)[()]

    def _present(self) -> Tensor:
        """Return the operation that was recorded last for this Tensor, without recording it again."""
        state = self._state
        return state.latest if type(state) is Written else state.node if type(state) is View else self

    @property
    def name(self) -> str | None:
        """What pictures and errors call it."""
        about = self._present()._about
        return None if about is None else about.name

    @name.setter
    def name(self, name: str | None) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"a name is text, such as 'W1'; this is {name!r}")
        self._present()._note().name = name

    def named(self, name: str) -> Tensor:
        """Give the Tensor a name and return it: ``Z1 = (np.dot(W1, X) + b1).named("Z1")``."""
        self.name = name
        return self

    def _note(self) -> About:
        if self._about is None:
            self._about = About()
        return self._about

    def _label(self) -> str:
        node = self._present()
        return self.name or ("a Tensor" if node._op is None else f"the result of {node._op.name!r}")

    @property
    def operation(self) -> Operation | None:
        """The call that made this Tensor: function, arguments, value and gradient; None for a leaf.

        This is all that a reader of recordings needs; `graph` lists the operations behind a Tensor.

        Examples
        --------
        >>> W = Tensor([[1.0, 2.0]], name="W")
        >>> Z = np.sum(W * 3, axis=1)
        >>> Z.operation.name, Z.operation.kwargs, Z.operation.value
        ('sum', {'axis': 1}, array([9.]))
        >>> Z.operation.args[0].operation.args
        (Tensor([[1., 2.]], name='W'), 3)
        """
        node = now(self)
        return None if node._op is None else Operation(node)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the data."""
        shape: tuple[int, ...] = self._data.shape
        return shape

    @shape.setter
    def shape(self, shape: Any) -> None:
        raise AttributeError(f"a Tensor keeps its shape: write t = t.reshape({shape})")

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._data.shape)

    @property
    def size(self) -> int:
        """The number of entries."""
        size = 1
        for n in self._data.shape:
            size *= n
        return size

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the data: floating, or complex where complex numbers went into them."""
        dtype: np.dtype[Any] = self._data.dtype
        return dtype

    @property
    def T(self) -> Tensor:
        """The transpose, recorded."""
        return self.transpose()

    @property
    def real(self) -> Tensor:
        """The real part, recorded."""
        return np.real(self)

    @real.setter
    def real(self, value: Any) -> None:
        self._part_written(np.real, value)

    @property
    def imag(self) -> Tensor:
        """The imaginary part, recorded."""
        return np.imag(self)

    @imag.setter
    def imag(self, value: Any) -> None:
        if self.dtype.kind != "c":
            raise TypeError(f"{self._label()} has no imaginary part to write to")
        self._part_written(np.imag, value)

    def _part_written(self, part: Any, value: Any) -> None:
        state: Any = getattr(value, "_state", None)
        if type(state) is View and state.parent is self and state.rule.function is part:
            return  # what  z.real += 1  ends with: the view was written to already
        (part(self) if self.dtype.kind == "c" else self)[...] = value

    @property
    def mT(self) -> Tensor:
        """The transpose of each matrix of a stack, recorded."""
        return np.matrix_transpose(self)  # type: ignore[return-value]

    def item(self, *index: Any) -> Any:
        """Return the only entry, or the one at an index, as a Python number."""
        if plain_numbers.active:
            recorded = f"t.flat[{index[0]}]" if index else "np.reshape(t, ())"
            plain_numbers.check(
                self, f"item() gives a plain number (to calculate on, {recorded} has it recorded)"
            )
        return self._number(*index)

    def _number(self, *index: Any) -> Any:
        if self.size != 1 and not index:
            raise ValueError(
                f"{self._label()} has shape {self.shape}; only a Tensor of one entry has an item()"
            )
        data = now(self)._data
        return (data if hasattr(data, "item") else np.asarray(data)).item(*index)  # Dask computes it

    def tolist(self) -> Any:
        """Return the data as nested lists."""
        other_arrays.refuse_caller()
        if plain_numbers.active:
            plain_numbers.check(self, "tolist() gives plain numbers")
        return now(self)._data.tolist()

    # -------------------------------------------------------------- gradients

    def backward(self, grad: ArrayLike | None = None, retain_graph: bool = False) -> None:
        """Add the gradient of this scalar to the ``.grad`` of every Tensor that it was computed from.

        The sweep goes through each operation once. Without `retain_graph` it frees the graph as it goes: a
        second call on any part of it raises, values that nobody holds are let go, and names, operations,
        shapes and small values stay, so that the graph can still be drawn.

        Parameters
        ----------
        grad : array_like, optional
            The gradient of the cost with respect to this Tensor, of its shape; 1 if left out.
        retain_graph : bool
            Keep the graph for another `backward`; leaves then hold the sum of both gradients.

        Raises
        ------
        ValueError
            If this Tensor is no scalar and `grad` is not given, or `grad` has another shape.
        FreedGraphError
            If an earlier `backward` has freed the graph.
        """
        node = self if self._state is None else now(self)
        data = node._data
        seed: Any
        if grad is None and type(data) is _float64:
            seed = ONE
        elif grad is None:
            if self.size != 1:
                raise ValueError(
                    f"backward() starts from a scalar cost, and {self._label()} has shape {self.shape}. "
                    "Reduce it (np.sum, np.mean), or pass the gradient from above: backward(grad) "
                    "with an array of that shape."
                )
            seed = first_seed(data)
        else:
            grad = plain(Tensor, grad)
            if np.shape(grad) != self.shape:
                raise ValueError(
                    f"backward(grad): grad has shape {np.shape(grad)}, {self._label()} has {self.shape}; "
                    "they must be equal"
                )
            seed = np.array(grad, dtype=self.dtype if self.dtype.kind in "fc" else None)
            if isinstance(data, np.generic):
                seed = seed[()]
        found = sweep(node, seed, OLDEST, retain_graph)
        with _accumulating:
            for arg, g in found.items():
                arg._grad = g if arg._grad is None else arg._grad + g

    def _ghost(self) -> Tensor:
        """Return what a freed graph keeps of this Tensor: everything but its values."""
        shadow = leaf(Tensor, Released(self._data))
        shadow._op, shadow._args = self._op, self._args
        shadow._serial = self._serial  # born when this was: what used it is younger
        about = shadow._note()
        about.name = self.name
        about.outline_of = weakref.ref(self)
        return shadow

    # -------------------------------------------------------------- NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Record a ufunc (NEP 13)."""
        if not kwargs and method == "__call__":
            rule = RULES.get(ufunc)
            if rule is not None:
                return record(Tensor, rule, inputs) if len(inputs) > 1 else record_one(Tensor, rule, self)
        return dispatch_ufunc(Tensor, ufunc, method, inputs, kwargs)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Record any other function of NumPy's (NEP 18)."""
        if not kwargs:
            rule = RULES.get(function)
            if rule is not None:
                return record(Tensor, rule, args)
        return dispatch(Tensor, function, args, kwargs)

    @staticmethod
    def __record_call__(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Record a function that is neither (see `rules.table.primitive`)."""
        return dispatch(Tensor, function, args, kwargs)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """Refuse: an array would not remember."""
        opaque = other_arrays.for_sparse(self)
        if opaque is not None:
            return opaque
        other_arrays.refuse_caller()
        frame = sys._getframe(1)
        if plain_numbers.stored(frame):
            raise plain_numbers.remembered(self, plain_numbers.into_plain(self._label()))
        if plain_numbers.loaded(frame):
            raise plain_numbers.remembered(self, plain_numbers.whole_number(self, "an index", frame))
        instead = recorded_instead()
        message = (
            f"{self._label()} {self.shape} can't be turned into a plain array without losing its gradient"
            f"{f': {instead}' if instead else '.'} For the values write stop_gradient(t), or float(J) for J "
            "in a list of costs; to join Tensors use np.stack([t1, t2]), np.concatenate or "
            "tinygrad_course.array, not np.array([t1, t2])."
        )
        kind = ValueError if "nditer" in message else TypeError  # np.nditer has other words for a TypeError
        raise plain_numbers.remembered(self, kind(message), refused=False)

    # -------------------------------------------------------------- Python's protocols

    def __repr__(self) -> str:
        node = now(self)
        data = node._data
        if type(data) is Released:
            text = repr(data)
        elif isinstance(data, tuple):
            text = f"{len(data)} results of {node._op.name if node._op else ''}"
        elif not isinstance(data, (np.ndarray, np.generic, float)):
            text = repr(data)  # sparse, lazy, with units: not made NumPy's
        else:
            text = (
                repr(np.asarray(data).item())
                if not self.shape
                else np.array2string(np.asanyarray(data), separator=", ", prefix="Tensor(", threshold=200)
            )
            if self.dtype != _float64:
                text += f", dtype={self.dtype}"
        return f"Tensor({text}" + (f", name={self.name!r})" if self.name else ")")

    def __float__(self) -> float:
        frame = sys._getframe(1)
        if not plain_numbers.stored(frame):
            self._number()  # a program being recorded has its own words
        plain_numbers.as_float(self, frame)
        return float(self._number())

    __int__ = _whole_number("int")
    __index__ = _whole_number("an index or a count")
    __round__ = _whole_number("round")
    __trunc__ = _whole_number("math.trunc")
    __floor__ = _whole_number("math.floor")
    __ceil__ = _whole_number("math.ceil")

    def __complex__(self) -> complex:
        plain_numbers.as_float(self, sys._getframe(1))
        return complex(self._number())

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError(
                f"the truth value of {self._label()} {self.shape} is ambiguous; "
                "use np.any or np.all of a comparison"
            )
        return bool(now(self)._data)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError(f"{self._label()} is a scalar: it has no len()")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __format__(self, spec: str) -> str:
        return format(self._number(), spec) if spec else repr(self)

    def __copy__(self) -> Tensor:
        copy = self.copy("K")
        copy.name = self.name
        return copy

    def __deepcopy__(self, memo: Any) -> Tensor:
        return self.__copy__()

    def __reduce__(self) -> Any:
        if self._is_computed():
            raise TypeError(
                f"{self._label()} can't be pickled: its graph would be lost. Pickle its values, "
                "stop_gradient(t), or the leaves that it was computed from"
            )
        return _unpickled, (now(self)._data, self.name, self._grad)

    @property
    def flat(self) -> Flat:
        """The elements in the order of rows, to be read and written: ``t.flat[3] = 0``."""
        return Flat(self)

    @flat.setter
    def flat(self, value: Any) -> None:
        self.flat[:] = value

    def __getitem__(self, index: Any) -> Tensor:
        return record(Tensor, _GETITEM, (self, index))  # type: ignore[no-any-return]

    def __setitem__(self, index: Any, value: Any) -> None:
        """Write to the Tensor, as to an array: what is a view of it, or it of, shows the new values.

        A recording made before keeps the old ones. A plain leaf that is given plain numbers stays a leaf.
        """
        if type(value) is Tensor and type(value._state) is View:
            value = as_taken(self, value, sys._getframe(1))
        write(self, index, value)

    # Comparisons have no derivative: plain arrays of booleans.
    __lt__, __le__, __gt__, __ge__, __eq__, __ne__ = map(
        _comparison, (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne)
    )


def _unpickled(data: Any, name: str | None, grad: Any) -> Tensor:
    tensor = Tensor(data, name=name)
    tensor._grad = grad
    return tensor


_written = Tensor([0.0]) * 1.0
_written[0] = 0.0  # the first write of all tells `writing.Held`
del _written
