"""What a Tensor remembers of how it was made, for whoever reads a recording: `Tensor.operation`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tinygrad_course.rules.table import Rule

if TYPE_CHECKING:
    from tinygrad_course.engine.tensor import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One recorded call of a function.

    Attributes
    ----------
    rule : Rule
        The derivative of the function; that of a freed graph has no vjps any more.
    args : tuple
        What the function was applied to, as it was then: Tensors, arrays, numbers. The first is a tuple of
        these where `rule.sequence` says so.
    kwargs : dict
        Its keywords.
    values : tuple
        The arguments with data in the place of Tensors: what the vjps read. None where a backward pass has
        released them.
    output : Tensor
        The Tensor itself. It stands for its value at this point of the program, also where an assignment has
        given the user's variable another one since.
    value : array, or tuple of arrays
        What the function returned, None if a backward pass has released it.
    gradient : array or None
        What `backward` found.
    number : int
        The order of recording: arguments have smaller numbers than what is computed from them.
    line : str or None
        The user's source line, for what was recorded under `debug()`.
    """

    rule: Rule
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    values: tuple[Any, ...]
    output: Tensor
    value: Any
    gradient: Any
    number: int
    line: str | None

    @property
    def function(self) -> Callable[..., Any]:
        """The function that was called, NumPy's own mostly."""
        return self.rule.function

    @property
    def name(self) -> str:
        """The function's name, as pictures and errors have it."""
        return str(self.rule.name)
