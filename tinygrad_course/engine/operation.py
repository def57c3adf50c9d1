"""What a Tensor remembers of how it was made, for whoever reads a recording: `Tensor.operation`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tinygrad_course.engine.partial_writes import Overwritten, restored
from tinygrad_course.engine.views import as_of, version_of
from tinygrad_course.rules.table import Rule

if TYPE_CHECKING:
    from tinygrad_course.engine.tensor import Tensor


class Released:
    """What is left of an array that a backward pass has let go of: its shape and dtype."""

    __slots__ = ("dtype", "shape")

    def __init__(self, array: Any) -> None:
        self.shape = array.shape
        self.dtype = array.dtype

    def __repr__(self) -> str:
        return f"<released array of shape {self.shape}>"


class Operation:
    """One recorded call of a function.

    Attributes
    ----------
    output : Tensor
        The Tensor itself. It stands for its value at this point of the program, also where an assignment has
        given the user's variable another one since.
    """

    __slots__ = ("output",)

    def __init__(self, output: Tensor) -> None:
        self.output = output

    @property
    def rule(self) -> Rule:
        """The derivative of the function; that of a freed graph has no vjps any more."""
        return self.output._op  # type: ignore[return-value]

    @property
    def function(self) -> Callable[..., Any]:
        """The function that was called, NumPy's own mostly."""
        return self.rule.function

    @property
    def name(self) -> str:
        """The function's name, as pictures and errors have it."""
        return str(self.rule.name)

    @property
    def args(self) -> tuple[Any, ...]:
        """What the function was applied to, as it was then: Tensors, arrays, numbers.

        The first is a tuple of these where `rule.sequence` says so.
        """
        args = as_of(self.output)
        for arg in args[0] if self.rule.sequence else args:
            _data(arg)
        return args

    @property
    def kwargs(self) -> dict[str, Any]:
        """Its keywords."""
        return self.output._kwargs or {}

    @property
    def values(self) -> tuple[Any, ...]:
        """The arguments with data in the place of Tensors: what the vjps read.

        None where a backward pass has released them.
        """
        values = self.output._values
        if values is not None:
            return tuple(values)
        args = self.args
        if self.rule.sequence:
            return (tuple([_data(a) for a in args[0]]), *[_data(a) for a in args[1:]])
        return tuple([_data(a) for a in args])

    @property
    def value(self) -> Any:
        """What the function returned, a tuple of arrays if several; None once it has been released."""
        return _data(self.output)

    @property
    def gradient(self) -> Any:
        """What `backward` found, or None."""
        return self.output._grad

    @property
    def number(self) -> int:
        """The order of recording: arguments have smaller numbers than what is computed from them."""
        return -self.output._serial

    @property
    def held(self) -> Any:
        """What the Tensor holds: its array, a tuple of several results, or what is left of a released one."""
        _data(self.output)
        return self.output._data

    @property
    def cost_number(self) -> int | None:
        """Of a recorded gradient, the number of the cost that it is the gradient of."""
        about = self.output._about
        return None if about is None else about.cost_number

    @property
    def is_input(self) -> bool:
        """Whether it stands for what the caller of a differentiated function passed."""
        about = self.output._about
        return about is not None and about.trace is not None

    @property
    def original(self) -> Tensor:
        """The Tensor itself, where this is what a freed graph has kept of it and somebody still holds it."""
        about = self.output._about
        found = about.outline_of() if about is not None and about.outline_of is not None else None
        return self.output if found is None else version_of(found)

    @property
    def line(self) -> str | None:
        """The user's source line, for what was recorded under `debug()`."""
        about = self.output._about
        return None if about is None else about.line


def _data(arg: Any) -> Any:
    """Return the data of a Tensor, None if they are let go of; what was written over is there again."""
    data = getattr(arg, "_data", arg)
    if type(data) is Overwritten:
        data = restored(arg)
        arg._data = data = Released(arg._data) if data is None else data
    return None if type(data) is Released else data
