"""Rules of the user's own: for functions that the table lacks, and for gradients that should differ."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from tinygrad_course.autodiff.transformed import Transformed
from tinygrad_course.engine.inputs import parameters
from tinygrad_course.rules.table import (
    COMPOSED,
    NO_DERIVATIVE,
    REFUSED,
    RULES,
    Rule,
    entered_late,
    primitive,
    rule,
)

F = TypeVar("F", bound=Callable[..., Any])


def _checked(function: Callable[..., Any], vjps: tuple[Callable[..., Any] | None, ...]) -> None:
    name = getattr(function, "__name__", repr(function))
    if not callable(function):
        raise TypeError(f"a rule is for a function, and this is {function!r}")
    if not any(vjps):
        raise ValueError(
            f"{name}: give one vjp for each argument, lambda g, y, x: ... (None for one without a "
            "derivative), after the function: f = custom_rule(f, vjp)"
        )
    required = required_arguments(function)
    for i, vjp in enumerate(vjps):
        if vjp is not None and not callable(vjp):
            raise TypeError(f"{name}: vjp number {i} must be a function (g, y, *args) or None, not {vjp!r}")
        taken = [] if vjp is None else _positional(vjp)
        called = 2 + max(1, len(required))
        if taken and len(taken) < called and all(p.kind != p.VAR_POSITIONAL for p in taken):
            raise TypeError(
                f"{name}: vjp number {i} takes {len(taken)} argument{'s' * (len(taken) > 1)}, and is called "
                f"as vjp(g, y, {', '.join(required) or '*args'}): the gradient of the output, the output, "
                f"and what {name} was given"
            )


def required_arguments(function: Callable[..., Any]) -> list[str]:
    """Return the names of the arguments that a function can't do without, none where they are not known."""
    return [p.name for p in _positional(function) if p.default is p.empty and p.kind != p.VAR_POSITIONAL]


def _positional(function: Callable[..., Any]) -> list[inspect.Parameter]:
    return [p for p in parameters(function) if p.kind <= p.VAR_POSITIONAL]


def register_rule(
    function: Callable[..., Any], *vjps: Callable[..., Any] | None, elementwise: bool | None = None
) -> Callable[..., Any]:
    """Teach the library the derivative of a function.

    A NumPy function, a ufunc of SciPy's or of your own is recorded from then on, wherever it is called on a
    Tensor. A plain function, which NumPy's protocols don't reach (`scipy.linalg.expm`), must be called
    through the function that is returned.

    Parameters
    ----------
    function : callable
        What to differentiate.
    *vjps : callable or None
        One for each positional argument: ``vjp(g, y, *args, **kwargs)`` returns the gradient of the cost with
        respect to that argument, of its shape; g is the gradient with respect to the output y. Written with
        ``np.*`` functions it can be differentiated again. None for an argument without a derivative.
        Keywords that a vjp does not name are refused when the function is called with them.
    elementwise : bool, optional
        The arguments are broadcast against each other: the gradient may have the output's shape and is summed
        back. True for ufuncs, False otherwise.

    Returns
    -------
    callable
        What to call: `function` itself if NumPy's protocols reach it, else a recordable form of it.

    Raises
    ------
    ValueError
        If the function has a rule already, or no vjp is given.

    Examples
    --------
    >>> import scipy.linalg
    >>> from tinygrad_course import grad, register_rule
    >>> solve_triangular = register_rule(
    ...     scipy.linalg.solve_triangular,
    ...     lambda g, y, a, b: -np.outer(np.linalg.solve(a.T, g), y),
    ...     lambda g, y, a, b: np.linalg.solve(a.T, g),
    ... )
    >>> a, b = np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([2.0, 4.0])
    >>> grad(lambda b: np.sum(solve_triangular(a, b)))(b)
    array([0.5 , 0.25])
    """
    _checked(function, vjps)
    entered_late()
    if function in RULES or function in COMPOSED:
        raise ValueError(
            f"{getattr(function, '__name__', function)} has a rule already. For another gradient wrap it: "
            "custom_rule(lambda x: f(x), vjp) makes a function of your own."
        )
    reached = isinstance(function, np.ufunc) or hasattr(function, "_implementation")
    target = function if reached else primitive(function)
    if elementwise is None:
        elementwise = isinstance(function, np.ufunc)
    rule(target, *vjps, elementwise=elementwise)
    NO_DERIVATIVE.discard(function)
    REFUSED.pop(function, None)
    if reached:
        return target
    return Transformed(target, register_rule, function, *vjps, elementwise=elementwise)


def custom_rule(
    function: Callable[..., Any], *vjps: Callable[..., Any] | None, elementwise: bool = False
) -> Callable[..., Any]:
    """Return `function` as one operation of the graph, with a derivative of your own.

    Inside, the function sees plain arrays. Use it for a gradient that is cheaper or safer than the recorded
    one, or deliberately another (clipped, straight-through).

    Parameters
    ----------
    function : callable
        Arrays in, an array out.
    *vjps : callable or None
        As for `register_rule`.
    elementwise : bool
        The arguments are broadcast against each other; the gradient is summed back to each one's shape.

    Examples
    --------
    A gradient that is clipped on its way back:

    >>> from tinygrad_course import custom_rule, grad
    >>> clipped = custom_rule(lambda x: x, lambda g, y, x: np.clip(g, -1, 1))
    >>> print(grad(lambda x: 100 * clipped(x))(3.0))
    1.0
    """
    _checked(function, vjps)

    def computed(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    computed.__name__ = getattr(function, "__name__", "custom")
    computed.__wrapped__ = function  # type: ignore[attr-defined]  # what its arguments are called
    target = primitive(computed)
    RULES[target] = Rule(target, vjps, name=computed.__name__, elementwise=elementwise)
    return Transformed(target, custom_rule, function, *vjps, elementwise=elementwise)
