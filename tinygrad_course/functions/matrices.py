"""Functions of matrices, with the names and arguments of `scipy.linalg`, whose own no protocol reaches."""

from typing import Any

import numpy as np
import scipy.linalg

from tinygrad_course.rules.shapes import transposed
from tinygrad_course.rules.table import primitive, rule

_TRANSPOSED = {0: False, "N": False, 1: True, "T": True, 2: True, "C": True}


@primitive
def expm(A: Any) -> Any:
    """Return the matrix exponential: `scipy.linalg.expm`, of one matrix (n, n).

    Examples
    --------
    >>> expm(np.array([[0.0, np.pi], [-np.pi, 0.0]])).round(12) + 0.0
    array([[-1.,  0.],
           [ 0., -1.]])
    """
    return scipy.linalg.expm(A)


def _expm_vjp(g: Any, y: Any, A: Any) -> Any:
    """Read the derivative in the direction g at A^T off the exponential of a matrix twice as large."""
    n = A.shape[0]
    upper = np.concatenate([A.T, g], axis=1)
    lower = np.concatenate([np.zeros_like(g), A.T], axis=1)
    return expm(np.concatenate([upper, lower]))[:n, n:]


rule(expm, _expm_vjp)


@primitive
def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """Return x of a x + x b = q: `scipy.linalg.solve_sylvester`.

    Examples
    --------
    >>> solve_sylvester(np.eye(2), np.eye(2), np.array([[2.0, 4.0], [6.0, 8.0]]))
    array([[1., 2.],
           [3., 4.]])
    """
    return scipy.linalg.solve_sylvester(a, b, q)


rule(
    solve_sylvester,
    lambda g, y, a, b, q: -np.dot(solve_sylvester(a.T, b.T, g), y.T),
    lambda g, y, a, b, q: -np.dot(y.T, solve_sylvester(a.T, b.T, g)),
    lambda g, y, a, b, q: solve_sylvester(a.T, b.T, g),
)


@primitive
def sqrtm(A: Any) -> Any:
    """Return the square root of a matrix: `scipy.linalg.sqrtm`. It must be real.

    Examples
    --------
    >>> sqrtm(np.array([[5.0, 4.0], [4.0, 5.0]])).round(12)
    array([[2., 1.],
           [1., 2.]])
    """
    return scipy.linalg.sqrtm(A)


rule(sqrtm, lambda g, y, A: solve_sylvester(y.T, y.T, g))  # X X = A: dX X + X dX = dA


@primitive
def solve_triangular(a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False) -> Any:
    """Return x of a x = b, or a^T x = b with ``trans=1``, of a triangular a: `scipy.linalg.solve_triangular`.

    Examples
    --------
    >>> solve_triangular(np.array([[2.0, 1.0], [0.0, 4.0]]), np.array([4.0, 8.0]))
    array([1., 2.])
    """
    return scipy.linalg.solve_triangular(a, b, trans=trans, lower=lower, unit_diagonal=unit_diagonal)


def _triangle_vjp(
    g: Any, y: Any, a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False
) -> Any:
    back = solve_triangular(a, g, 0 if _TRANSPOSED[trans] else 1, lower, unit_diagonal)
    column, row = (back, y) if len(y.shape) == 2 else (back[:, None], y[:, None])
    full = -np.dot(row, column.T) if _TRANSPOSED[trans] else -np.dot(column, row.T)
    off = 1 if unit_diagonal else 0
    return np.tril(full, -off) if lower else np.triu(full, off)


rule(
    solve_triangular,
    _triangle_vjp,
    lambda g, y, a, b, trans=0, lower=False, unit_diagonal=False: solve_triangular(
        a, g, 0 if _TRANSPOSED[trans] else 1, lower, unit_diagonal
    ),
)


def cholesky(a: Any, lower: bool = False) -> Any:
    """Return U of a = U^T U, or L of a = L L^T with `lower`: `scipy.linalg.cholesky`.

    `numpy.linalg.cholesky`, which returns L, takes Tensors too.

    Examples
    --------
    >>> cholesky(np.array([[4.0, 2.0], [2.0, 5.0]]))
    array([[2., 1.],
           [0., 2.]])
    """
    return np.linalg.cholesky(a) if lower else transposed(np.linalg.cholesky(transposed(a)))


def solve(a: Any, b: Any, lower: bool = False, assume_a: str = "gen", transposed: bool = False) -> Any:
    """Return x of a x = b: `scipy.linalg.solve`; `numpy.linalg.solve` takes Tensors too.

    Parameters
    ----------
    a : array, shape (n, n)
    b : array, shape (n,) or (n, k)
    lower : bool
        Which triangle is read where a is assumed to be symmetric.
    assume_a : "gen", "sym" or "pos"
    transposed : bool
        Solve a^T x = b.

    Examples
    --------
    >>> solve(np.array([[2.0, 9.0], [0.0, 4.0]]), np.array([2.0, 4.0]), lower=True, assume_a="sym")
    array([1., 1.])
    """
    if assume_a in ("sym", "pos"):
        half = np.tril(a) if lower else np.triu(a)
        a = half + np.tril(half, -1).T + np.triu(half, 1).T
    elif assume_a != "gen":
        raise ValueError(f'assume_a is {assume_a!r}; expected "gen", "sym" or "pos"')
    return np.linalg.solve(a.T if transposed else a, b)


def solve_banded(l_and_u: tuple[int, int], ab: Any, b: Any) -> Any:
    """Return x of a x = b, a with l diagonals below and u above the main one: `scipy.linalg.solve_banded`.

    Parameters
    ----------
    l_and_u : (l, u)
    ab : array, shape (l + u + 1, n)
        The diagonals, ``ab[u + i - j, j] = a[i, j]``.
    b : array, shape (n,) or (n, k)

    Notes
    -----
    The matrix is written out: for sizes that fit into memory as a square.

    Examples
    --------
    >>> ab = np.array([[0.0, 1.0, 1.0], [2.0, 2.0, 2.0]])
    >>> solve_banded((0, 1), ab, np.array([3.0, 3.0, 2.0]))
    array([1., 1., 1.])
    """
    l, u = l_and_u
    n = ab.shape[1]
    if ab.shape[0] != l + u + 1:
        raise ValueError(f"ab is {ab.shape}; expected {l + u + 1} rows for l={l} and u={u}")
    place = u + np.arange(n)[:, None] - np.arange(n)
    inside = (place >= 0) & (place <= l + u)
    a = np.where(inside, ab[np.clip(place, 0, l + u), np.arange(n)], 0.0)
    return np.linalg.solve(a, b)
