"""`check_gradients`, `compare_gradients`, and the course's `gradient_check`."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_course.autodiff.gradients import grad
from tinygrad_course.engine.trees import Array
from tinygrad_course.gradient_checking.analytic import Analytic, leaves_of
from tinygrad_course.gradient_checking.judging import Judge
from tinygrad_course.gradient_checking.lines import Problem
from tinygrad_course.gradient_checking.report import GradientMismatchError, GradientReport
from tinygrad_course.graph.node import graph


def compare_gradients(
    f: Callable[..., Any],
    *args: Any,
    gradient: Any = None,
    vjp: Callable[..., Any] | None = None,
    argnums: int | Sequence[int] = 0,
    order: int = 1,
    method: str = "auto",
    epsilon: float | None = None,
    directions: int | None = None,
    rtol: float = 1e-6,
    has_aux: bool = False,
    seed: int = 0,
) -> GradientReport:
    """Compare a gradient with numerical derivatives, and return what was found.

    Parameters
    ----------
    f : callable
        A function of arrays, or of nests of them. Where it returns more than one number, their sum with
        random weights is differentiated, of complex numbers its real part.
    *args
        Where. The arrays are not changed, and float32 ones are taken as float64: differences need the digits.
    gradient : callable or nest of arrays, optional
        What to check: ``gradient(*args)``, or its value. In a dict the gradient of ``"W1"`` may be called
        ``"dW1"``. For a function that returns an array it is the Jacobian (shape output + input), or of the
        array's shape, the derivative of a function that acts on each entry. Left out, the library's own
        gradient is checked.
    vjp : callable, optional
        In place of `gradient`: ``vjp(g, *args)`` with g like f's output, as ``sigmoid_backward(dA, Z)`` is.
    argnums : int or sequence of int
        The arguments to differentiate by; the others are constant. As in `grad`, the first.
    order : int
        2 checks the first derivative, then the second: that of the gradient along a random direction.
    method : str
        ==============  ==================================================================================
        "auto"          central differences with a step chosen for each entry; what does not agree is
                        looked at closely, by Richardson's extrapolation, the one-sided quotients, and the
                        complex step
        "richardson"    extrapolation for every entry: 23 evaluations each, errors near 1e-13
        "complex"       the complex step, for functions that compute with complex numbers: no cancellation
        ==============  ==================================================================================
    epsilon : float, optional
        One step for all central differences, as in the course.
    directions : int, optional
        Check so many random directions instead of all entries: a few evaluations each, however many
        parameters there are. Where a direction fails, each array and some entries are looked at.
    rtol : float
        What is forgiven beyond the numerical derivative's own error, relative to the entry. Rounding is
        forgiven besides: four units in the last place of the largest entry, more where a gradient that is a
        function shows more of it beside the point.
    has_aux : bool
        f returns ``(cost, something else)``.
    seed : int
        Of the random weights and directions.

    Raises
    ------
    ValueError
        If a gradient has another shape than its parameter, or f returns no number.

    Examples
    --------
    >>> report = compare_gradients(lambda w: np.sum(w**3), np.array([1.0, 2.0]), gradient=lambda w: 3 * w)
    >>> report.verdict, report.worst(1)[0].label, report.worst(1)[0].analytic
    ('wrong', 'w[1]', 6.0)
    """
    if order not in {1, 2}:
        raise ValueError(f"order is {order}; expected 1 or 2")
    problem = Problem(f, args, argnums, has_aux, seed)
    analytic = Analytic(problem, gradient, vjp)
    check = Judge(problem, analytic, method, epsilon, rtol, seed)
    entries = check.entries() if directions is None else check.directions(directions)
    notes = [*_precision(problem, analytic, check.gradients), *_said(problem, analytic, argnums)]
    report = GradientReport(
        problem.name, entries, {leaf.name: leaf.x.shape for leaf in problem.leaves}, method, epsilon, 1,
        problem.value, check.sigma, problem.evaluations, notes, check.cause,
    )  # fmt: skip
    if order == 1 or not report.ok:
        return report
    second = compare_gradients(
        _derivative_along(problem, analytic, seed), *problem.args, argnums=argnums, method=method,
        epsilon=epsilon, directions=directions, rtol=rtol, seed=seed,
    )  # fmt: skip
    return replace(second, function=report.function, order=2, shapes=report.shapes, notes=notes)


def _derivative_along(problem: Problem, analytic: Analytic, seed: int) -> Callable[..., Any]:
    """Return <gradient, u> for random u, as a function of the arguments that can be recorded."""
    rng = np.random.default_rng(seed + 1)
    us = [rng.uniform(0.5, 1.5, leaf.x.shape)[()] for leaf in problem.leaves]
    first = analytic.gradient if callable(analytic.gradient) else None
    if not analytic.is_own and (first is None or problem.weights is not None):
        raise ValueError("order=2 needs a gradient that is a function, and an f that returns a scalar cost")

    @functools.wraps(problem.f)
    def slope_along(*args: Any) -> Any:
        found = grad(problem.scalar, problem.argnums)(*args) if first is None else first(*args)
        terms = [np.sum(g * u) for g, u in zip(leaves_of(found, problem), us, strict=True)]
        return sum(terms[1:], terms[0])

    return slope_along


def _precision(problem: Problem, analytic: Analytic, exact: list[Array]) -> list[str]:
    """Say what becomes of the gradient in the arrays' own, lower precision."""
    low = [k for k, leaf in enumerate(problem.leaves) if leaf.dtype.itemsize < 8]
    if not low or not analytic.is_function:
        return []
    found = analytic.at([leaf.x.astype(leaf.dtype) for leaf in problem.leaves])
    notes = []
    for k in low:
        leaf, size = problem.leaves[k], float(np.linalg.norm(exact[k]))
        off = float(np.linalg.norm(found[k] - exact[k])) / size if size else 0.0
        bound = float(np.sqrt(np.finfo(leaf.dtype).eps))
        told = f", checked in float64; its own rounding puts it off by {off:.1e}"
        if not off <= bound:
            told = f": computed in it, the gradient is off by {off:.1e} (relative); checked in float64"
        notes.append(f"{leaf.name} is {leaf.dtype}{told}")
    return notes


def _said(problem: Problem, analytic: Analytic, argnums: int | Sequence[int]) -> list[str]:
    notes = []
    if problem.weights is not None and all(np.isscalar(u) for u in analytic.units):
        shapes = " and ".join(map(str, problem.output_shapes))
        notes.append(
            f"{problem.name} returns {shapes}; the sum of its entries with random weights was differentiated"
        )
    if len(problem.args) > len(problem.nums):
        notes.append(f"differentiated by argument {argnums}; the others are constant")
    return notes


def check_gradients(f: Callable[..., Any], *args: Any, **options: Any) -> GradientReport:
    """Raise unless a gradient is what numerical derivatives say: for tests, in one line.

    Parameters
    ----------
    f, *args, **options
        As for `compare_gradients`.

    Raises
    ------
    GradientMismatchError
        An AssertionError, whose text is the report: the worst entries with both values, and how far the
        numerical derivative can be trusted. Also where it can't be trusted enough to tell.

    Examples
    --------
    >>> rng = np.random.RandomState(1)
    >>> X, Y = rng.randn(2, 5), rng.rand(1, 5) > 0.5
    >>> def cost(parameters):
    ...     Z = np.dot(parameters["w"].T, X) + parameters["b"]
    ...     return np.mean(np.logaddexp(0, Z) - Y * Z)
    >>> report = check_gradients(cost, {"w": rng.randn(2, 1), "b": 0.0}, order=2)

    A gradient written by hand, with 1/m forgotten:

    >>> def by_hand(parameters):
    ...     dZ = 1 / (1 + np.exp(-np.dot(parameters["w"].T, X) - parameters["b"])) - Y
    ...     return {"dw": np.dot(X, dZ.T), "db": np.mean(dZ)}
    >>> check_gradients(cost, {"w": np.ones((2, 1)), "b": 0.0}, gradient=by_hand)
    Traceback (most recent call last):
        ...
    tinygrad_course...GradientMismatchError: gradient of cost with respect to w, b: WRONG
      3 entries; central differences, a step for each entry; ... evaluations
      ...
      w        (2, 1)       difference 6.7e-01  wrong: 5 times the numerical gradient
      b        ()           difference ...  right
    ...
    """
    __tracebackhide__ = True  # pytest shows the caller's line
    report = compare_gradients(f, *args, **options)
    if report.ok:
        return report
    raise GradientMismatchError(report, _graph_of(f, args, options))


def _graph_of(f: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Return the recording of f with its gradients, or None if it does not record."""
    try:
        problem = Problem(
            f, args, options.get("argnums", 0), options.get("has_aux", False), options.get("seed", 0)
        )
        J = problem.scalar(*problem.recorded())
        J.named(J.name or "J").backward(retain_graph=True)
        return graph(J)
    except Exception:  # noqa: BLE001  (the report stands without a picture)
        return None


def gradient_check(
    cost: Callable[[Any], Any], parameters: Any, gradients: Any, epsilon: float = 1e-7
) -> GradientReport:
    """Check gradients as the course does, by (J(theta + epsilon) - J(theta - epsilon)) / 2 epsilon.

    One function for a number theta and for a dict of parameters. The report adds what the course's difference
    leaves out: which entries, and how much of the difference is rounding.

    Parameters
    ----------
    cost : callable
        ``cost(parameters)`` returns J, or a pair of J and a cache.
    parameters : number, array, or nest of arrays
        ``{"W1": ..., "b1": ...}``
    gradients : like parameters
        ``{"dW1": ..., "db1": ...}``; other entries (``"dZ1"``) are left out.
    epsilon : float

    Returns
    -------
    GradientReport
        ``.difference``, or ``float(report)``, is ||grad - gradapprox|| / (||grad|| + ||gradapprox||).

    Notes
    -----
    Course 2, week 1, the assignment on gradient checking.

    Examples
    --------
    >>> print(gradient_check(lambda theta: 2 * theta, 4.0, 2.0).difference)
    2.919335883291695e-10
    """

    def J(parameters: Any) -> Any:
        result = cost(parameters)
        return result[0] if isinstance(result, tuple) else result

    J.__name__ = getattr(cost, "__name__", "J")
    return compare_gradients(J, parameters, gradient=gradients, epsilon=epsilon)
