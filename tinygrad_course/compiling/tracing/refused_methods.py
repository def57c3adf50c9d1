"""What a stand-in for an array does not answer while a function is recorded.

What needs the numbers themselves (a branch, a print, a conversion) would freeze one call's numbers into the
program: it raises.
"""

import inspect
from typing import Any, NoReturn

from tinygrad_course.compiling.dataflow import Value
from tinygrad_course.compiling.tracing.library_code import of_library
from tinygrad_course.compiling.tracing.refusals import CannotCompile, users_call
from tinygrad_course.engine.operators import Methods
from tinygrad_course.engine.other_arrays import SPARSE, for_sparse
from tinygrad_course.engine.plain_numbers import as_last_word, into_plain, stored

#: Added where an index may have been meant.
_AS_INDEX = " For x[i], make x an argument; for np.eye(k)[y], write (y[:, None] == np.arange(k)) * 1.0."


def _refused(what: str, help: str = "") -> Any:
    """Return a method that raises; `what` says what the thing was."""

    def method(self: Any, *_: Any) -> NoReturn:
        if users_call() is not None:
            raise CannotCompile(
                f"it looks at numbers itself ({self._label()} was {what}), and a program would keep what "
                "it saw for every call to come: leave the function uncompiled, or make this call outside the "
                "compiled function and pass what it returns." + help
            )
        raise CannotCompile(
            f"{self._label()} was {what} while the function was recorded, and the program would keep this "
            "call's number for every call to come. Choose between values with np.where, return what you want "
            "to look at, and decide or print outside the compiled function." + help
        )

    return method


class Unanswered(Methods):
    """The methods that raise, and what they call the thing."""

    __slots__ = ()

    recorded: Value

    __bool__ = _refused("asked whether it is true (if, while, and, or, assert)")
    __int__ = _refused("made a Python number")
    __hash__ = _refused("looked up in a set or a dict")
    __index__ = _refused("used as an index or a count", _AS_INDEX)
    __str__ = __format__ = _refused("printed")
    __contains__ = _refused("searched")
    __reduce__ = _refused("pickled")
    tolist = _refused("made a list")
    _numba_type_ = property(_refused("handed to machine code of numba's"))

    def _label(self) -> str:
        value = self.recorded
        if value.name or value.function is None:
            return value.name or "an argument"
        of = " and ".join(v.name for v in value.inputs if v.name)
        return f"a result of {getattr(value.function, '__name__', '')}{of and ' of '}{of}"

    def __float__(self) -> Any:
        frame: Any = inspect.currentframe().f_back  # type: ignore[union-attr]
        if stored(frame):
            raise as_last_word(CannotCompile(str(into_plain(self._label()))), frame)
        return _refused("made a Python number")(self)

    def __array__(self, *_: Any, **__: Any) -> Any:
        opaque = for_sparse(self)
        if opaque is not None:
            return opaque
        frame = inspect.currentframe().f_back  # type: ignore[union-attr]
        if stored(frame):  # type: ignore[arg-type]
            raise CannotCompile(str(into_plain(self._label())))
        if "sparse" in frame.f_code.co_filename:  # type: ignore[union-attr]
            raise CannotCompile(f"a scipy.sparse matrix beside an array of a compiled function: {SPARSE}")
        what = "taken for its plain values (np.asarray, or a function that speaks no NumPy protocol)"
        return _refused(what, _AS_INDEX if self.recorded.dtype.kind in "iu" else "")(self)

    def __repr__(self) -> str:
        frame = inspect.currentframe()
        while frame is not None and frame.f_code.co_name in {"__repr__", "__str__", "__format__"}:
            frame = frame.f_back  # of the Tensor that holds it
        if frame is not None and not of_library(frame.f_code.co_filename):
            self.__str__()
        return f"<tracer for {self._label()} {self.recorded.shape} {self.recorded.dtype}>"

    def __deepcopy__(self, memo: Any) -> Any:
        return self  # nobody writes into it

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise CannotCompile(
            f"{self._label()}[...] = ... changes an array in place, which a recording can't follow: "
            "compute a new array (np.where, np.concatenate), or assign to a Tensor's items, which records a "
            "new value",
            writes=True,
        )
