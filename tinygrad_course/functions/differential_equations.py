"""Ordinary differential equations, differentiated by the adjoint: not through the solver's steps.

The way back solves a(t)' = -a(t) df/dy from the last time to the first, and with it the integrals of -a
df/dargs (Pontryagin; Chen et al., 2018, algorithm 1). Between two times asked for, y is computed again
from the later one. Errors are of the size of the solver's tolerances. The names and arguments are those of
`scipy.integrate`.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy import integrate

from tinygrad_course.autodiff.gradients import stop_gradient, vjp
from tinygrad_course.autodiff.transforms import flatten, record_nest
from tinygrad_course.engine import trees
from tinygrad_course.functions.implicit import check_searchable
from tinygrad_course.rules.table import is_tensor

_integrate: Any = integrate  # its type hints know fewer methods, and no Any
Solver = Callable[[Callable[..., Any], Any, Any], Any]


def odeint(
    func: Callable[..., Any],
    y0: Any,
    t: Any,
    args: Any = (),
    tfirst: bool = False,
    rtol: float = 1.49e-8,
    atol: float = 1.49e-8,
) -> Any:
    """Return y at the times t, of dy/dt = func(y, t, *args) and y(t[0]) = y0: `scipy.integrate.odeint`.

    Parameters
    ----------
    func : callable
        ``func(y, t, *args)``, of y's shape; ``func(t, y, *args)`` with `tfirst`. On the graph y0, t and
        `args` are followed: pass every Tensor there.
    y0 : array, shape (n,)
    t : array, shape (T,)
        Rising or falling; the first time is that of y0.
    args : tuple
        Arrays, or nests of arrays.
    rtol, atol : float
        The solver's tolerances, on the way back too.

    Returns
    -------
    array, shape (T, n)

    Examples
    --------
    >>> from tinygrad_course import grad
    >>> at_1 = lambda k: odeint(lambda y, t, k: -k * y, np.array([1.0]), np.array([0.0, 1.0]), (k,))[1, 0]
    >>> print(at_1(2.0).round(6), grad(at_1)(2.0).round(6))
    0.135335 -0.135335
    """
    args = args if isinstance(args, tuple) else (args,)
    f = (lambda y, t, *args: func(t, y, *args)) if tfirst else func

    def solve(f: Callable[..., Any], y0: Any, t: Any) -> Any:
        return _integrate.odeint(f, y0, t, rtol=rtol, atol=atol)

    return _flow(f, y0, t, args, solve)


def solve_ivp(
    fun: Callable[..., Any],
    t_span: Any,
    y0: Any,
    method: str = "RK45",
    t_eval: Any = None,
    args: Any = None,
    rtol: float = 1e-3,
    atol: float = 1e-6,
) -> Any:
    """Return a result with times t and values y, of dy/dt = fun(t, y, *args): `scipy.integrate.solve_ivp`.

    Parameters
    ----------
    fun : callable
        ``fun(t, y, *args)``. On the graph y0, t_eval and `args` are followed: pass every Tensor there.
    t_span : (t0, t1)
    y0 : array, shape (n,)
    method : str
        "RK45", "DOP853", "Radau", "LSODA" ...
    t_eval : array, shape (T,), optional
        Where the values are wanted; by default where the solver stepped, which is taken for constant.
    args : tuple, optional
        Arrays, or nests of arrays.
    rtol, atol : float
        The solver's tolerances, on the way back too.

    Returns
    -------
    SimpleNamespace
        t of shape (T,) and y of shape (n, T).

    Raises
    ------
    RuntimeError
        If the solver fails.

    Examples
    --------
    >>> fall = solve_ivp(lambda t, y, g: np.array([y[1], -g]), (0, 1), np.array([0.0, 0.0]), args=(9.81,))
    >>> print(fall.y[0, -1].round(6))
    -4.905
    """
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    check_searchable("solve_ivp", [y0, t_eval, *(leaf for _, leaf in trees.leaves(args))])
    f = lambda y, t, *args: fun(t, y, *args)  # noqa: E731

    def run(f: Callable[..., Any], y0: Any, span: Any, t: Any) -> Any:
        result = _integrate.solve_ivp(
            lambda t, y: f(y, t), span, y0, method=method, t_eval=t, rtol=rtol, atol=atol
        )
        if not result.success:
            raise RuntimeError(f"solve_ivp: the solver failed: {result.message}")
        return result

    def solve(f: Callable[..., Any], y0: Any, t: Any) -> Any:
        return run(f, y0, (t[0], t[-1]), t).y.T

    if t_eval is None:
        given = stop_gradient(args)
        t_eval = run(lambda y, t: fun(t, y, *given), stop_gradient(y0), t_span, None).t
    t0 = np.reshape(np.asarray(t_span[0], dtype=float), (1,))
    first = bool(stop_gradient(t_eval)[0] == t0[0])  # y0 is the value at t_span[0]
    times = t_eval if first else np.concatenate([t0, t_eval])
    y = _flow(f, y0, times, args, solve)
    return SimpleNamespace(t=t_eval, y=(y if first else y[1:]).T, success=True)


def _flow(f: Callable[..., Any], y0: Any, t: Any, args: tuple[Any, ...], solve: Solver) -> Any:
    """Return y at the times t, (T, n), recorded with the adjoint for its derivative."""
    check_searchable("a solver of differential equations", [y0, t, *(leaf for _, leaf in trees.leaves(args))])
    shapes = np.shape(stop_gradient(y0)), np.shape(stop_gradient(t))
    if len(shapes[0]) != 1 or len(shapes[1]) != 1:
        raise ValueError(f"y0 is {shapes[0]} and t is {shapes[1]}; expected (n,) and (T,)")
    leaves = [y0, t, *(leaf for _, leaf in trees.leaves(args))]
    followed = [i for i, leaf in enumerate(leaves) if i > 1 and is_tensor(leaf)]

    def forward(values: Any) -> Any:
        start, times, *rest = values
        given = trees.rebuild(args, iter(rest))

        def plain(y: Any, t: Any) -> Any:
            dy = f(y, t, *given)
            parts = dy if isinstance(dy, (list, tuple)) else (dy,)
            if any(is_tensor(part) for part in parts):
                raise TypeError(
                    "the differential equation reads a Tensor that is not among its args, and its gradient "
                    "would be lost; pass it in args"
                )
            return dy

        return solve(plain, np.asarray(start, float), np.asarray(times, float))

    def backward(g: Any, y: Any, values: Any) -> list[Any]:
        times, rest = values[1], values[2:]
        parameters, unflatten = flatten([values[i] for i in followed])
        n = y.shape[1]

        def slope(y: Any, t: Any, some: Any) -> Any:
            filled = list(rest)
            for i, value in zip(followed, some, strict=True):
                filled[i - 2] = value
            dy = f(y, t, *trees.rebuild(args, iter(filled)))
            return np.stack(dy) if isinstance(dy, (list, tuple)) else dy

        def adjoint(state: Any, t: Any, parameters: Any) -> Any:
            dy, pullback = vjp(lambda y, v: slope(y, t, unflatten(v)), state[:n], parameters)
            by_y, by_parameters = pullback(-state[n : 2 * n])
            return np.concatenate([dy, by_y, by_parameters])

        a, total = np.zeros_like(y[0]), np.zeros_like(parameters)
        by_time: list[Any] = []
        for i in range(y.shape[0] - 1, 0, -1):
            if is_tensor(leaves[1]):
                by_time.insert(0, np.sum(g[i] * slope(y[i], times[i], unflatten(parameters))))
            state = np.concatenate([y[i], a + g[i], total])
            back = _flow(adjoint, state, times[i - 1 : i + 1][::-1], (parameters,), solve)[1]
            a, total = back[n : 2 * n], back[2 * n :]
        gradients: list[Any] = [a + g[0], None, *[None] * len(rest)]
        if is_tensor(leaves[1]):
            by_time.insert(0, -np.sum(a * slope(y[0], times[0], unflatten(parameters))))
            gradients[1] = np.stack(by_time)
        for i, value in zip(followed, unflatten(total), strict=True):
            gradients[i] = value
        return gradients

    return record_nest("odeint", forward, backward, leaves)
