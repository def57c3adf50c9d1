"""Fixed points and roots, differentiated by the implicit function theorem: not through the search for them.

Where F(x, a) = 0, dx/da = -(dF/dx)^-1 dF/da: the way back solves one linear system at the solution. The
names and arguments are those of `scipy.optimize`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import optimize

from tinygrad_course.autodiff.gradients import stop_gradient
from tinygrad_course.autodiff.transforms import followed_vjp, jacobian, record_nest
from tinygrad_course.engine import trees
from tinygrad_course.engine.recording import peek
from tinygrad_course.engine.tensor import Tensor

_optimize: Any = optimize  # its type hints know fewer methods, and no Any


def root(
    fun: Callable[..., Any], x0: Any, args: Any = (), method: str = "hybr", tol: float | None = None
) -> Any:
    """Return x with fun(x, *args) = 0, as `scipy.optimize.root` does: in the attribute x of a result.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)``, of x's shape. On the graph its `args` are followed: pass every Tensor there.
    x0 : array
        Where to begin; x does not depend on it.
    args : tuple
        Arrays, or nests of arrays.
    method, tol
        As in `scipy.optimize.root`.

    Raises
    ------
    RuntimeError
        If the search fails: there is no solution to differentiate.

    Examples
    --------
    >>> from tinygrad_course import grad
    >>> print(grad(lambda a: root(lambda x, a: x * x - a, 1.0, (a,)).x)(4.0).round(9))
    0.25
    """
    found = _optimize.OptimizeResult()

    def search(f: Callable[..., Any], start: Any) -> Any:
        result = _optimize.root(f, start, method=method, tol=tol)
        if not result.success:
            raise RuntimeError(f"root: no solution was found from x0={start}: {result.message}")
        found.update(result)
        return result.x

    found.x = _solution("root", fun, fun, x0, args, search)
    return found


def fixed_point(
    func: Callable[..., Any],
    x0: Any,
    args: Any = (),
    xtol: float = 1e-8,
    maxiter: int = 500,
    method: str = "del2",
) -> Any:
    """Return x with x = func(x, *args), as `scipy.optimize.fixed_point` does; func, x0 and args as in `root`.

    Examples
    --------
    >>> from tinygrad_course import grad
    >>> babylonian = lambda x, a: (x + a / x) / 2
    >>> print(grad(lambda a: fixed_point(babylonian, 1.0, (a,)))(4.0).round(9))
    0.25
    """

    def search(f: Callable[..., Any], start: Any) -> Any:
        return _optimize.fixed_point(f, start, (), xtol, maxiter, method)

    return _solution("fixed_point", func, lambda x, *args: func(x, *args) - x, x0, args, search)


def check_searchable(name: str, leaves: list[Any]) -> None:
    """Raise CannotCompile for stand-ins of arrays: how often SciPy asks for a value depends on the values."""
    for leaf in leaves:
        value = peek(Tensor, leaf)
        if type(value).__module__.startswith("tinygrad_course.compiling"):
            from tinygrad_course.compiling import CannotCompile

            raise CannotCompile(
                f"{name} takes as many steps of SciPy's as the values need, and a program has fixed ones: "
                "call it outside, and compile what comes before and after"
            )


def _solution(
    name: str, f: Callable[..., Any], F: Callable[..., Any], x0: Any, args: Any, search: Callable[..., Any]
) -> Any:
    """Return the x that `search` finds by f, recorded with the derivative of F(x, *args) = 0."""
    args = args if isinstance(args, tuple) else (args,)
    start = np.asarray(stop_gradient(x0), dtype=np.float64)
    leaves = [leaf for _, leaf in trees.leaves(args)]
    check_searchable(name, leaves)

    def forward(values: Any) -> Any:
        given = trees.rebuild(args, iter(values))
        x = search(lambda x: np.ravel(f(np.reshape(x, start.shape), *given)), np.ravel(start))
        return np.reshape(x, start.shape)[()]

    def backward(g: Any, x: Any, values: Any) -> Any:
        by_x = jacobian(lambda x: F(x, *trees.rebuild(args, iter(values))))(x)
        w = np.linalg.solve(np.reshape(by_x, (start.size, start.size)).T, np.reshape(g, (start.size,)))
        _, pullback = followed_vjp(lambda *v: F(x, *trees.rebuild(args, iter(v))), values, leaves)
        return pullback(-np.reshape(w, start.shape))

    return record_nest(name, forward, backward, leaves)
