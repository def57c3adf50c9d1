"""`Tensor`: a variable that remembers how it was computed.

A forward function is ordinary NumPy. Given arrays it computes; given Tensors it also remembers, because a
Tensor answers NumPy's protocols. Everything differentiable is a Tensor, constants (X, Y) stay plain arrays.
"""

from __future__ import annotations

import operator
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, NoReturn, final

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from tinygrad_course.engine import errors, foreign, mending  # noqa: F401  (mending enters itself into the rules)
from tinygrad_course.engine.operation import Operation
from tinygrad_course.engine.operators import Methods, Operators
from tinygrad_course.engine.recording import dispatch, dispatch_ufunc, peek, plain, record, record_plain
from tinygrad_course.engine.sweep import Reassigned, Released, as_of, clock, first_seed, sweep
from tinygrad_course.engine.unreached import recorded_instead
from tinygrad_course.rules.indexing import assign
from tinygrad_course.rules.table import RULES, Rule

_float64 = np.float64
_ONE = np.float64(1.0)
_new = object.__new__
_GETITEM = RULES[operator.getitem]


def as_data(data: ArrayLike, dtype: DTypeLike | None) -> Any:
    """Return a copy of `data` as a Tensor holds it: real, floating, an array or a NumPy scalar.

    Raises
    ------
    TypeError
        For anything else.
    """
    if type(data) is Tensor:
        raise TypeError(f"{data._label()} is a Tensor already; Tensor(t.data) makes a variable of its own")
    if isinstance(data, (list, tuple)) and any(type(d) is Tensor for d in data):
        raise TypeError("a list of Tensors: join them with np.stack([...]), which remembers")
    foreign.refuse_as_data(data)
    array: Any
    if hasattr(data, "__array_function__") and not isinstance(data, (np.ndarray, np.generic)):
        # another library's array that speaks NumPy's protocols
        array = data.__variable__() if hasattr(data, "__variable__") else data
    else:
        try:
            array = np.array(data)
        except ValueError:
            raise ValueError(
                "the data are a nest of lists whose rows differ in length; an array needs rows of one length"
            ) from None
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
        "O": "If rows have different lengths, np.array makes objects of them; give each row the same length.",
    }.get(kind, "Convert them to numbers first.")
    raise TypeError(f"a Tensor holds real numbers, and these are {what} (dtype {array.dtype}). {fix}")


def _scalar(array: Any) -> Any:
    return array[()] if isinstance(array, np.ndarray) and array.ndim == 0 else array


@final
class Tensor(Operators, Methods):
    """A variable of the computation graph: data, an optional name, and the operation that made it.

    Parameters
    ----------
    data : array_like
        Real numbers. The array is copied. Integers and booleans become float64; float16, float32 and float64
        stay what they are. An array of another library that implements NumPy's protocols is taken as it is.
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
        "_args", "_data", "_extra", "_grad", "_kwargs", "_op", "_pending", "_serial", "_values",
        "__weakref__",
    )  # fmt: skip

    _data: Any  # the array; for a node of several results, the tuple of them
    _op: Rule | None  # None for a leaf
    _args: tuple[Any, ...]
    _kwargs: dict[str, Any] | None
    _values: Sequence[Any] | None  # the arguments' data, where they could be replaced or written to
    _serial: int  # the number of its birth, see `sweep`
    _grad: Any
    _pending: Any  # during a sweep, the gradient so far
    _extra: dict[str, Any] | None  # what few nodes have: name, source line, holds, whether a leaf is open

    __hash__ = object.__hash__
    __array_priority__: ClassVar[float] = 1000.0
    __pandas_priority__: ClassVar[int] = 10_000  # pandas leaves its operators to us

    @property
    def _mask(self) -> NoReturn:
        """Refuse: numpy.ma asks everything that it computes with for its mask, and computes on ``_data``."""
        foreign.refuse(np.ma.MaskedArray)

    def __init__(self, data: ArrayLike, name: str | None = None, dtype: DTypeLike | None = None) -> None:
        if type(data) is float and dtype is None:
            self._data = _float64(data)
        else:
            self._data = as_data(data, dtype)
        self._op = None
        self._args = ()
        self._values = self._pending = self._grad = None
        self._extra = None if name is None else {"name": name}
        self._serial = clock()

    @staticmethod
    def _node(data: Any, op: Rule, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> Tensor:
        """Return a recorded Tensor."""
        out: Tensor = _new(Tensor)
        out._data = data
        out._op = op
        out._args = args
        out._kwargs = kwargs
        out._values = out._pending = out._grad = out._extra = None
        out._serial = clock()
        return out

    @staticmethod
    def _leaf(data: Any, name: str | None = None) -> Tensor:
        """Return a leaf that shares `data`, for callers that see to it that nobody changes them."""
        out: Tensor = _new(Tensor)
        out._data = data
        out._op = None
        out._args = ()
        out._values = out._pending = out._grad = None
        out._extra = {"name": name, "input": True}
        out._serial = clock()
        return out

    # -------------------------------------------------------------- what it holds

    @property
    def data(self) -> Any:
        """The values, an array (or a NumPy scalar).

        A leaf's data may be changed and replaced, ``W.data -= learning_rate * W.grad``; a recording made
        before keeps the values that it was made with. The data of a computed Tensor are read-only.
        """
        data = self._data
        if self._op is not None:
            if type(data) is Released:
                raise RuntimeError(
                    f"the values of {self._label()} {data.shape} were released by backward(); "
                    "hold on to the Tensor itself, or call backward(retain_graph=True)"
                )
            if type(data) is np.ndarray:
                data.setflags(write=False)
            return data
        if type(data) is np.ndarray:
            extra = self._extra
            if extra is None:
                extra = self._extra = {}
            if "open" not in extra:
                if (
                    sys.getrefcount(data) > _ALONE or not data.flags.writeable
                ):  # a recording needs these values
                    data = self._data = data.copy()
                extra["open"] = True
        return data

    @data.setter
    def data(self, value: ArrayLike) -> None:
        if self._op is not None:
            raise AttributeError(
                f"{self._label()} was computed by {self._op.name!r}: its data can't be replaced. "
                "Only a leaf's data can (W.data = ...)."
            )
        if value is self._data:
            return
        extra = self._extra = self._extra or {}
        extra["open"] = True
        self._data = value if type(value) is np.ndarray and value.dtype.kind == "f" else as_data(value, None)

    def _settled(self) -> Any:
        """Return a leaf's data for a recording: a copy if somebody else could change them."""
        data = self._data
        extra = self._extra
        if extra is not None and "open" in extra:
            if type(data) is np.ndarray and sys.getrefcount(data) > _ALONE:
                return data.copy()
            del extra["open"]
        return data

    @property
    def grad(self) -> Any:
        """The gradient that `backward` left here, of the data's shape and dtype, or None."""
        grad = self._grad
        if self._op is not None and type(grad) is np.ndarray:
            grad.setflags(write=False)  # its neighbours in the graph may share it
        return grad

    @grad.setter
    def grad(self, value: ArrayLike | None) -> None:
        if value is not None and np.shape(value) != self.shape:
            raise ValueError(
                f"{self._label()} is {self.shape}; a gradient of shape {np.shape(value)} doesn't fit"
            )
        self._grad = value if value is None else np.array(value, dtype=self.dtype)[()]

    @property
    def name(self) -> str | None:
        """What pictures and errors call it."""
        return None if self._extra is None else self._extra.get("name")

    @name.setter
    def name(self, name: str | None) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"a name is text, such as 'W1'; this is {name!r}")
        self._note("name", name)

    def named(self, name: str) -> Tensor:
        """Give the Tensor a name and return it: ``Z1 = (np.dot(W1, X) + b1).named("Z1")``."""
        self.name = name
        return self

    def _note(self, key: str, value: Any) -> None:
        if self._extra is None:
            self._extra = {}
        self._extra[key] = value

    def _label(self) -> str:
        return self.name or ("a Tensor" if self._op is None else f"the result of {self._op.name!r}")

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
        rule = self._op
        if rule is None:
            return None

        def told(data: Any) -> Any:
            return None if type(data) is Released else data

        args = as_of(self)
        values = self._values
        if values is None:
            values = [
                tuple(told(getattr(m, "_data", m)) for m in arg)
                if i == 0 and rule.sequence
                else told(getattr(arg, "_data", arg))
                for i, arg in enumerate(args)
            ]
        return Operation(
            rule=rule,
            args=args,
            kwargs=getattr(self, "_kwargs", None) or {},
            values=tuple(values),
            output=self,
            value=told(self._data),
            gradient=self._grad,
            number=-self._serial,
            line=None if self._extra is None else self._extra.get("line"),
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the data."""
        shape: tuple[int, ...] = self._data.shape
        return shape

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

    @property
    def imag(self) -> Tensor:
        """The imaginary part, recorded."""
        return np.imag(self)

    @property
    def mT(self) -> Tensor:
        """The transpose of each matrix of a stack, recorded."""
        return np.matrix_transpose(self)  # type: ignore[return-value]

    def item(self) -> Any:
        """Return the only entry as a Python number."""
        if self.size != 1:
            raise ValueError(
                f"{self._label()} has shape {self.shape}; only a Tensor of one entry has an item()"
            )
        return self.data.item()

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
        data = self._data
        seed: Any
        if grad is None:
            if type(data) is _float64:
                seed = _ONE
            elif self.size != 1:
                raise ValueError(
                    f"backward() starts from a scalar cost, and {self._label()} has shape {self.shape}. "
                    "Reduce it (np.sum, np.mean), or pass the gradient from above: backward(grad) "
                    "with an array of that shape."
                )
            else:
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
        for leaf, g in sweep(self, seed, keep=retain_graph):
            leaf._grad = g if leaf._grad is None else leaf._grad + g

    def _ghost(self) -> Tensor:
        """Return what a freed graph keeps of this Tensor: everything but its values."""
        shadow = Tensor._node(Released(self._data), self._op or RULES[np.positive], self._args)
        shadow._serial = self._serial  # born when this was: what used it is younger
        shadow._extra = {"name": self.name, "of": weakref.ref(self)}
        return shadow

    # -------------------------------------------------------------- NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Record a ufunc (NEP 13)."""
        if method == "__call__" and not kwargs:
            rule = RULES.get(ufunc)
            if rule is not None and rule.plain:
                return record_plain(Tensor, rule, inputs)
        return dispatch_ufunc(Tensor, ufunc, method, inputs, kwargs)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Record any other function of NumPy's (NEP 18)."""
        rule = RULES.get(function)
        if rule is not None and rule.plain and not kwargs and len(args) == len(rule.vjps):
            return record_plain(Tensor, rule, args)
        return dispatch(Tensor, function, args, kwargs)

    @staticmethod
    def __record_call__(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Record a function that is neither (see `rules.table.primitive`)."""
        return dispatch(Tensor, function, args, kwargs)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """Refuse: an array would not remember."""
        opaque = foreign.for_sparse(self)
        if opaque is not None:
            return opaque
        foreign.refuse_caller()
        raise TypeError(
            f"{self._label()} {self.shape} can't be turned into a plain array without losing its gradient. "
            "For the values write t.data; to join Tensors use np.stack([t1, t2]) or np.concatenate, "
            f"not np.array([t1, t2]); {recorded_instead()}"
        )

    # -------------------------------------------------------------- Python's protocols

    def __repr__(self) -> str:
        if type(self._data) is Released:
            text = repr(self._data)
        elif isinstance(self._data, tuple):
            text = f"{len(self._data)} results of {self._op.name if self._op else ''}"
        else:
            text = (
                repr(np.asarray(self._data).item())
                if not self.shape
                else np.array2string(
                    np.asanyarray(self._data), separator=", ", prefix="Tensor(", threshold=200
                )
            )
            if self.dtype != _float64:
                text += f", dtype={self.dtype}"
        return f"Tensor({text}" + (f", name={self.name!r})" if self.name else ")")

    def __float__(self) -> float:
        value = float(self.item())
        function = errors.math_function()
        if function is not None:
            raise TypeError(
                f"{function} takes a float, and {self._label()} would lose its gradient: "
                f"write np.{function[5:]}, or {function}(t.item()) where no gradient should flow"
            )
        errors.Floats.made += 1
        return value

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError(
                f"the truth value of {self._label()} {self.shape} is ambiguous; "
                "use np.any or np.all of a comparison"
            )
        return bool(self._data)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError(f"{self._label()} is a scalar: it has no len()")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else repr(self)

    def __copy__(self) -> Tensor:
        return np.positive(self)  # type: ignore[return-value]

    def __deepcopy__(self, memo: Any) -> Tensor:
        return Tensor(self.data, name=self.name)

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{self._label()} can't be pickled: its graph would be lost. Save t.data")

    def __getitem__(self, index: Any) -> Tensor:
        return record(Tensor, _GETITEM, (self, index), None)  # type: ignore[no-any-return]

    def __setitem__(self, index: Any, value: Any) -> None:
        """Record a new value; whatever used the Tensor before keeps the old one.

        The object becomes the result of the assignment, and what it was lives on as that node's argument. A
        plain leaf that is given plain numbers stays a leaf: its data are changed.
        """
        extra = self._extra or {}
        if self._op is None and not extra.get("input") and type(value) is not Tensor:
            data = self._data.copy()
            data[index] = value
            self._data = data
            return
        before: Tensor = _new(Tensor)
        for slot in ("_data", "_op", "_args", "_values", "_serial", "_grad", "_pending"):
            setattr(before, slot, getattr(self, slot))
        before._kwargs = getattr(self, "_kwargs", None)
        before._extra = self._extra and dict(self._extra)
        after = dispatch(Tensor, assign, (before, index, value), {})
        for slot in ("_data", "_op", "_args", "_values", "_serial", "_kwargs", "_extra"):
            setattr(self, slot, getattr(after, slot))
        self._grad = None
        if before.name:
            self.name = before.name
        self._note("assigned", True)
        Reassigned.ever = True

    # Comparisons have no derivative: plain arrays of booleans.
    def __lt__(self, other: Any) -> Any:
        return np.less(self._data, peek(Tensor, other))

    def __le__(self, other: Any) -> Any:
        return np.less_equal(self._data, peek(Tensor, other))

    def __gt__(self, other: Any) -> Any:
        return np.greater(self._data, peek(Tensor, other))

    def __ge__(self, other: Any) -> Any:
        return np.greater_equal(self._data, peek(Tensor, other))

    def __eq__(self, other: object) -> Any:
        return np.equal(self._data, peek(Tensor, other))

    def __ne__(self, other: object) -> Any:
        return np.not_equal(self._data, peek(Tensor, other))


def _alone() -> int:
    """Return what sys.getrefcount says in `Tensor.data` of an array that the Tensor alone holds."""
    holder = Tensor([0.0])
    data = holder._data
    return sys.getrefcount(data)


_ALONE = _alone()
