"""Other people's arrays beside Tensors: each kind is right, or refused by name with what to write.

What answers NumPy's protocols as an array does (Dask, sparse.COO, CuPy, pint) passes through the rules. A
kind whose operators mean something else (`np.matrix`), that carries what a rule would drop (a mask, labels,
units) or that cannot be kept as it is now (a data set in a file) would give a wrong gradient without a word,
so it is refused where it meets a Tensor. `scipy.sparse` matrices are multiplied, and never made dense.
"""

from __future__ import annotations

import numbers
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from tinygrad_course.engine import errors
from tinygrad_course.rules.table import primitive, rule

Admit = Callable[[Any], Any]

SPARSE = (
    "it can be multiplied only, W @ S and S @ W, where it stays sparse; for anything else write S.toarray()"
)

#: What to write in place of X, by the library and the kind.
_INSTEAD = {
    ("numpy", "matrix"): "its * is a product of matrices; write np.asarray(X), and @ for products",
    ("numpy", "MaskedArray"): "the mask of a masked array would be lost; write X.filled(0) for what a sum "
    "leaves out, or np.where(X.mask, 0, t)",
    ("pandas", ""): "its labels would be lost or aligned anew; write X.to_numpy()",
    ("polars", ""): "polars would make a list of it; write X.to_numpy()",
    ("xarray", ""): "its dimensions go by name and its reductions pass over NaN; write X.values",
    ("awkward", ""): "its rows may differ in length; write ak.to_numpy(X)",
    ("torch", ""): "neither library would know of the other's gradient; write X.detach().numpy()",
    ("tensorflow", ""): "neither library would know of the other's gradient; write X.numpy()",
    ("h5py", ""): "a data set lies in its file and may change there; read it first, X[...] "
    "(dask.array.from_array(X) if it does not fit into memory)",
    ("unyt", ""): "its units would be lost; write X.value (pint's quantities keep theirs)",
    ("astropy", ""): "its units would be lost; write X.value",
    ("scipy", ""): SPARSE,
}
#: As the data of a Tensor these are taken for their values, which are copied.
_VALUES = {"pandas", "polars", "h5py", "torch", "tensorflow"}


def _refuse(kind: type, why: str, value: Any = None) -> NoReturn:
    name = None if value is None else errors.name_of(value, errors.user_frame())
    name = name if name is not None and name.isidentifier() else "X"
    shape = getattr(value, "shape", None)
    told = f"{kind.__module__.partition('.')[0]}.{kind.__name__}" + (f" {shape}" if shape else "")
    why = re.sub(r"\bX\b", name, why)
    raise TypeError(f"{name} is a {told}, and beside a Tensor {why}")


def _refusing(kind: type, why: str) -> Admit:
    return lambda value: _refuse(kind, why, value)


def _instead(kind: type) -> str | None:
    for ancestor in kind.__mro__:
        library = ancestor.__module__.partition(".")[0]
        if library == "scipy" and ".sparse" not in ancestor.__module__:
            continue
        why = _INSTEAD.get((library, ancestor.__name__)) or _INSTEAD.get((library, ""))
        if why is not None:
            return why
    return None


def _classify(kind: type) -> Admit | None:
    """Return what turns a constant of this kind into what a rule can take; None where it is that already."""
    why = _instead(kind)
    if why is not None:
        return _refusing(kind, why)
    if issubclass(kind, np.memmap):
        return lambda value: value.view(np.ndarray)
    if issubclass(kind, np.ndarray) and kind is not np.ndarray:
        return _refusing(kind, "what this kind of array adds to NumPy's would be lost; write np.asarray(X)")
    if hasattr(kind, "__array_function__") or hasattr(kind, "__record_call__"):
        return with_known_shape if kind.__module__.startswith("dask") else None
    if issubclass(kind, np.generic):
        return None
    if issubclass(kind, numbers.Real) and not issubclass(kind, (int, float)):  # a fraction
        return float
    listed = issubclass(kind, Sequence) and not issubclass(kind, (list, tuple))  # a range, a deque
    if listed or hasattr(kind, "__array__") or hasattr(kind, "__array_interface__"):
        return _as_array
    return None


def _as_array(value: Any) -> Any:
    array = np.array(value)
    if array.dtype.kind not in "fiubc":
        _refuse(type(value), f"its dtype {array.dtype} is no number's; write np.asarray(X, float)")
    return array


def with_known_shape(value: Any, what: str = "X") -> Any:
    """Return an array; raise if its size is not known yet."""
    if any(n != n for n in value.shape):  # noqa: PLR0124  (NaN)
        raise ValueError(
            f"{what} is a Dask array of unknown shape {value.shape} (rows chosen by a mask?), and a gradient "
            "needs its size; call X.compute_chunk_sizes() first, on the array that was chosen from another"
        )
    return value


_PLAIN = (int, float, bool, complex, str, slice, type(None), np.ndarray, np.float64, np.float32, np.int64)
_KINDS: dict[type, Admit | None] = dict.fromkeys(_PLAIN)


def admitted(value: Any) -> Any:
    """Return a constant as a rule can take it; raise for a kind that would make a gradient wrong."""
    kind = type(value)
    try:
        admit = _KINDS[kind]
    except KeyError:
        admit = _KINDS[kind] = _classify(kind)
    return value if admit is None else admit(value)


def own_operator(kind: type, reflection: str, data: Any) -> bool:
    """Whether an operator is left to the other's class, as NEP 13 leaves it and NumPy's numbers do."""
    if getattr(kind, "__array_ufunc__", kind) is None:
        return True
    return (
        data.shape == ()
        and hasattr(kind, reflection)
        and not (
            issubclass(kind, (numbers.Number, np.generic)) or any(hasattr(kind, name) for name in _ARRAYS)
        )
    )


#: What NumPy makes arrays of has one of these.
_ARRAYS = ("__array_ufunc__", "__array__", "__array_interface__", "__record_call__", "__len__")


def refuse(kind: type) -> NoReturn:
    """Raise for a kind of arrays that is refused."""
    _refuse(kind, _instead(kind) or "")


def refuse_as_data(data: Any) -> None:
    """Raise for a kind of arrays of which a Tensor's data would keep a part only."""
    if type(data).__module__.partition(".")[0] not in {*_VALUES, "builtins"}:
        admitted(data)


def refuse_hidden(result: Any, name: str, cls: type) -> None:
    """Raise if a result that is no Tensor holds one: its gradient would be lost."""
    if type(result).__module__.startswith("tinygrad_course."):
        return  # a tracer, which is asked for nothing
    for attribute in ("magnitude", "data", "variable", "values"):
        held = getattr(result, attribute, None)
        if type(held) is cls or type(getattr(held, "data", None)) is cls:
            kind = type(result)
            library = kind.__module__.partition(".")[0]
            raise TypeError(
                f"{name} returned a {library}.{kind.__name__} that holds a Tensor, whose gradient would be "
                "lost: write X.values or X.magnitude, its plain array, where a Tensor meets X"
            )


def refuse_caller() -> None:
    """Raise if another library is making a list of a Tensor's values to compute with."""
    frame: Any = sys._getframe(2)
    while frame is not None:
        library = frame.f_globals.get("__name__", "").partition(".")[0]
        if library != "scipy" and (library, "") in _INSTEAD:
            raise TypeError(
                f"{library} would take a Tensor for its plain values, and the gradient would be lost: pass "
                f"stop_gradient(t), or of its array X {_INSTEAD[library, ''].rpartition('; ')[2]}"
            )
        frame = frame.f_back


#: What SciPy's wrappers of root finders in C ask of a result first: those ask for numbers, and hide an error.
ASKED_FIRST = {np.isnan, np.atleast_1d}


def refuse_solver() -> None:
    """Raise if the result of the user's function goes on to a solver in C."""
    frame = errors.user_frame()
    if frame is not None and (frame.f_globals.get("__name__"), frame.f_code.co_name) in _WRAPPERS:
        raise TypeError(
            "SciPy's solvers take plain numbers, and this function's result would lose its gradient: write "
            "tinygrad_course.functions.implicit.root, which is recorded, or stop_gradient(t) where none "
            "should flow"
        )


_WRAPPERS = {("scipy.optimize._zeros_py", "f_raise"), ("scipy.optimize._minpack_py", "_check_func")}

# ------------------------------------------------------------------ scipy.sparse


def is_sparse(x: Any) -> bool:
    """Whether `x` is one of scipy.sparse's matrices or arrays."""
    return type(x).__module__.startswith("scipy.sparse") and hasattr(x, "tocsr")


def for_sparse(tensor: Any) -> Any:
    """Return what makes scipy.sparse leave ``S @ tensor`` to the Tensor; None if another asked."""
    frame: Any = sys._getframe(2)
    library, name = frame.f_globals.get("__name__", ""), frame.f_code.co_name
    product = "mul" in name and "multiply" not in name
    if not (product and library.startswith("scipy.sparse")):
        return None
    opaque = np.empty((), dtype=object)
    opaque[()] = tensor
    return opaque


class Sparse:
    """A sparse matrix as a recording keeps it: a copy."""

    def __init__(self, matrix: Any, *, copy: bool = True) -> None:
        if len(matrix.shape) != 2:
            raise ValueError(
                f"S is a sparse array of shape {matrix.shape}; beside a Tensor it needs two axes"
            )
        self.matrix = matrix.copy() if copy else matrix

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sparse):
            return NotImplemented
        a, b = self.matrix, other.matrix
        if (type(a), a.shape, a.dtype) != (type(b), b.shape, b.dtype):
            return False
        a, b = a.tocsr(), b.tocsr()
        return all(getattr(a, p).tobytes() == getattr(b, p).tobytes() for p in ("indptr", "indices", "data"))

    def __hash__(self) -> int:
        return hash((self.matrix.shape, self.matrix.dtype))

    @property
    def T(self) -> Sparse:
        """The transpose."""
        return Sparse(self.matrix.T, copy=False)


@primitive
def times_sparse(a: Any, S: Sparse) -> Any:
    """``a @ S``, an array."""
    return a @ S.matrix


@primitive
def sparse_times(S: Sparse, a: Any) -> Any:
    """``S @ a``, an array."""
    return S.matrix @ a


rule(times_sparse, lambda g, y, a, S: times_sparse(g, S.T), None, name="matmul")
rule(sparse_times, None, lambda g, y, S, a: sparse_times(S.T, g), name="matmul")
