"""Inverses, determinants and decompositions of matrices, and of stacks of them.

A decomposition that is not unique has no derivative where it changes by jumps: `np.linalg.eigh` and
`np.linalg.svd` raise where two eigenvalues or singular values coincide and a gradient of their vectors is
asked for. A function that reads one triangle of its matrix (`cholesky`, `eigh`) has its gradient there.

The formulas for complex matrices hold for the gradient dJ/dx + i dJ/dy; `by_formula` turns ours into that
one and back. Complex vectors are determined up to a factor of size 1: where it would change the cost, there
is no derivative, and `eigh`, `svd` and `eig` raise.

The formulas are those of Giles, *Collected Matrix Derivative Results for Forward and Reverse Mode Algorithmic
Differentiation* (2008), of Golub and Pereyra (1973) for the pseudo-inverse, and of Seeger et al.,
*Auto-Differentiating Linear Algebra* (2017), for qr.
"""

from typing import Any

import numpy as np

from tinygrad_course.rules.diagonals import on_diagonal
from tinygrad_course.rules.indexing import scatter
from tinygrad_course.rules.reductions import without_one
from tinygrad_course.rules.shapes import adjoint as H  # noqa: N812  (the names that formulas have for them)
from tinygrad_course.rules.shapes import as_array, by_formula, conj, inexact, is_complex, unbroadcast
from tinygrad_course.rules.shapes import transposed as T  # noqa: N812
from tinygrad_course.rules.table import composed, is_tensor, primitive, rule, with_keywords


def real_part(a: Any) -> Any:
    return np.real(a) if is_complex(a) else a


# ------------------------------------------------------------------ inverse and determinant


_SIGNS = np.array([[1.0, -1.0], [-1.0, 1.0]])
_NEXT, _LAST = np.array([1, 2, 0]), np.array([2, 0, 1])


def slope_of_det(a: Any) -> Any:
    """The derivative of the determinant, at singular matrices too: of the smallest, its polynomials."""
    if a.shape[-1] not in {2, 3} or not (type(a) is np.ndarray or is_tensor(a)):
        return cofactors(a)
    if a.shape[-1] == 2:
        return a[..., ::-1, ::-1] * _SIGNS.astype(a.dtype)
    p, q = _NEXT[:, None], _LAST[:, None]
    return a[..., p, _NEXT] * a[..., q, _LAST] - a[..., p, _LAST] * a[..., q, _NEXT]


@primitive
def cofactors(a: Any) -> Any:
    """The derivative of the determinant.

    cof(U S V^H) = det(U) det(V^H) conj(U) cof(S) conj(V^H), and those of a diagonal S are products of the
    other entries.
    """
    u, s, vh = np.linalg.svd(a)
    turn = np.linalg.det(u) * np.linalg.det(vh)
    return turn[..., None, None] * np.matmul(conj(u) * without_one(s)[..., None, :], conj(vh))


def cofactors_vjp(g: Any, y: Any, a: Any) -> Any:
    """The second derivative: that of a diagonal matrix, between the same rotations."""
    if is_tensor(g) or is_tensor(a):
        return of_minors(g, a)
    u, s, vh = np.linalg.svd(a)
    n = s.shape[-1]
    turn = np.linalg.det(u) * np.linalg.det(vh)
    same = np.eye(n, dtype=bool)
    others = np.where(same, 0.0, without_one(np.where(same, 1.0, s[..., None, :])))  # all but i and j
    x = np.matmul(np.matmul(H(u), g), H(vh))
    along = np.matmul(others, np.diagonal(x, 0, -2, -1)[..., None])[..., 0]
    middle = on_diagonal(along, x.shape, 0, -2, -1) - T(others * x)
    return turn[..., None, None] * np.matmul(np.matmul(conj(u), middle), conj(vh))


def of_minors(g: Any, a: Any) -> Any:
    """The same by the cofactors of each minor: a polynomial, so it has derivatives of every order."""
    n = a.shape[-1]
    slope = np.zeros_like(a)
    for i in range(n):
        for j in range(n):
            rows, columns = np.delete(np.arange(n), i)[:, None], np.delete(np.arange(n), j)
            minor = slope_of_det(a[..., rows, columns]) * ((-1) ** (i + j) * g[..., i, j])[..., None, None]
            slope = slope + scatter(minor, (..., rows, columns), a.shape)
    return slope


def slogdet_vjp(g: Any, y: Any, a: Any) -> Any:
    of_log = g[1]
    if is_complex(y[0]):  # the sign is exp(i Im log det a)
        of_log = of_log + 1j * np.imag(g[0] * y[0])
    return of_log[..., None, None] * T(np.linalg.inv(a))


@by_formula
def pinv_vjp(g: Any, y: Any, a: Any, rcond: Any = None, *, rtol: Any = None) -> Any:
    """Right where the rank does not change nearby."""
    p, pt, gt = y, H(y), H(g)
    slope = -np.matmul(np.matmul(pt, g), pt)
    slope = slope + np.matmul(gt - np.matmul(a, np.matmul(p, gt)), np.matmul(p, pt))
    return slope + np.matmul(np.matmul(pt, p), gt - np.matmul(np.matmul(gt, p), a))


rule(np.linalg.inv, lambda g, y, a: -np.matmul(np.matmul(T(y), g), T(y)))
rule(cofactors, cofactors_vjp)
rule(np.linalg.det, lambda g, y, a: g[..., None, None] * slope_of_det(a))
rule(np.linalg.slogdet, slogdet_vjp, outputs=True)
rule(np.linalg.pinv, pinv_vjp)

# ------------------------------------------------------------------ linear systems


def solve_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    s = solved_back(g, a, b)
    if np.ndim(b) == 1:
        return unbroadcast(-s[..., :, None] * y[..., None, :], a.shape)
    return unbroadcast(-np.matmul(s, T(y)), a.shape)


def solved_back(g: Any, a: Any, b: Any) -> Any:
    """The solution of a^T s = g: a single b is a vector, a stack of them are matrices."""
    a = T(as_array(a))
    return np.linalg.solve(a, g[..., None])[..., 0] if np.ndim(b) == 1 else np.linalg.solve(a, g)


rule(np.linalg.solve, solve_left, lambda g, y, a, b: unbroadcast(solved_back(g, a, b), b.shape))


@composed(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    """The solution by the pseudo-inverse; residuals, rank and singular values as NumPy gives them."""
    a, b = inexact(a), inexact(b)
    rcond = np.finfo(a.dtype).eps * max(a.shape) if rcond is None else rcond
    x = np.matmul(np.linalg.pinv(a, rcond), b)
    r = b - np.matmul(a, x)
    residuals = np.sum(real_part(r * conj(r)), axis=0).reshape(-1)  # NumPy's are none, or these
    return np.positive(x), residuals, None, np.linalg.svdvals(a)


@composed(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    a, b = as_array(a), as_array(b)
    if axes is not None:
        axes = [k % a.ndim for k in axes]
        a = np.transpose(a, [k for k in range(a.ndim) if k not in axes] + axes)
    return np.linalg.solve(a.reshape((b.size, b.size)), b.reshape(-1)).reshape(a.shape[b.ndim - a.ndim :])


# ------------------------------------------------------------------ triangles


def diagonal_of(a: Any) -> Any:
    return np.tril(np.triu(a))


def on_triangle(a: Any, upper: bool) -> Any:
    """The gradient of a symmetric matrix as that of the one triangle that was read."""
    both = a + H(a)
    return (np.triu(both, 1) if upper else np.tril(both, -1)) + diagonal_of(real_part(a))


@by_formula
def cholesky_vjp(g: Any, y: Any, a: Any, *, upper: bool = False) -> Any:
    lower, g = (H(y), H(g)) if upper else (y, g)
    middle = np.matmul(H(lower), np.tril(g))
    middle = np.tril(middle) - 0.5 * diagonal_of(middle)
    s = H(np.linalg.solve(H(lower), H(np.linalg.solve(H(lower), middle))))  # L^-H middle L^-1
    return on_triangle(symmetric(s), upper)


rule(np.linalg.cholesky, cholesky_vjp)

# ------------------------------------------------------------------ spectra


def absent(g: Any) -> bool:
    """Whether no gradient came for an output. One that is recorded may have a derivative though it is 0."""
    return type(g) is np.ndarray and not np.any(g)


@primitive
def checked(value: Any, wrong: Any, message: str) -> Any:
    """`value`, or an error: a call by itself, so that a compiled program finds what is wrong too."""
    if wrong:
        raise np.linalg.LinAlgError(message)
    return np.positive(value)


rule(checked, lambda g, y, value, wrong, message: g, None, None, saves=False)


def gaps(a: Any, function: str, g: Any) -> Any:
    """1 / (a_j - a_i), and 0 for i = j; an error where two values coincide and `g` asks for their vectors."""
    # a gradient that is recorded may have a derivative where it is 0: it asks for all
    asked = np.ones_like(a, dtype=bool) if is_tensor(g) else np.any(g != 0, axis=-2)
    pairs = asked[..., None, :] | asked[..., :, None]
    difference = a[..., None, :] - a[..., :, None]
    tolerance = 100.0 * np.finfo(a.dtype).eps * np.max(np.abs(a), axis=-1, keepdims=True)[..., None]
    return checked(
        (difference != 0) / (difference + (difference == 0)),
        np.sum(pairs & (np.abs(difference) <= tolerance)) > np.sum(asked),  # each with itself
        f"np.linalg.{function}: two of the values coincide, so their vectors can turn freely and have no "
        "derivative. The values alone have one, and so has a cost that does not need the vectors.",
    )


def settled(turning: Any, function: str, of: Any = 0.0) -> Any:
    """`turning`; an error if a cost changes with the factors of size 1 that the vectors are determined up to.

    `of` is the part of the other vectors, which turn with these.
    """
    if not is_complex(turning):
        return turning
    both = turning + of
    sizes = np.max(np.abs(both), axis=(-2, -1), initial=1e-8)[..., None]
    return checked(
        turning,
        np.any(np.abs(np.imag(np.diagonal(both, 0, -2, -1))) > 1e-4 * sizes),
        f"np.linalg.{function}: complex vectors are determined up to a factor of size 1, and this "
        "cost depends on it, so it has no derivative. Use what does not: np.abs of the vectors, or "
        "products such as v @ v.conj().T",
    )


@by_formula
def eigh_vjp(g: Any, y: Any, a: Any, UPLO: str = "L") -> Any:
    (g_values, g_vectors), (w, v) = g, y
    middle = on_diagonal(g_values, v.shape, 0, -2, -1)
    if not absent(g_vectors):
        turning = settled(np.matmul(H(v), g_vectors), "eigh")
        middle = middle + gaps(w, "eigh", g_vectors) * turning
    return on_triangle(symmetric(np.matmul(np.matmul(v, middle), H(v))), UPLO.upper() == "U")


def symmetric(a: Any) -> Any:
    return 0.5 * (a + H(a))


@by_formula
def eigvalsh_vjp(g: Any, y: Any, a: Any, UPLO: Any = "L") -> Any:
    v = np.linalg.eigh(a, UPLO)[1]
    return on_triangle(np.matmul(v * g[..., None, :], H(v)), UPLO.upper() == "U")


rule(np.linalg.eigh, eigh_vjp, outputs=True)
rule(np.linalg.eigvalsh, eigvalsh_vjp)


@primitive
def singular_values(a: Any) -> Any:
    return np.linalg.svd(a, compute_uv=False)


@by_formula
def singular_values_vjp(g: Any, y: Any, a: Any) -> Any:
    u, _, vt = np.linalg.svd(a, full_matrices=False)
    return np.matmul(u * g[..., None, :], vt)


@primitive
def singular_vectors(a: Any, full_matrices: bool) -> Any:
    return np.linalg.svd(a, full_matrices)


@by_formula
def singular_vectors_vjp(g: Any, y: Any, a: Any, full_matrices: bool) -> Any:
    (gu, gs, gvt), (u, s, vt) = g, y
    k = s.shape[-1]
    beyond = [part for part in (gu[..., :, k:], gvt[..., k:, :]) if part.size and not absent(part)]
    u, vt, gu, gvt = u[..., :, :k], vt[..., :k, :], gu[..., :, :k], gvt[..., :k, :]
    for part in beyond:
        vt = checked(
            vt,
            np.any(part != 0),
            "np.linalg.svd: with full_matrices=True the vectors beyond the singular values can turn freely "
            "and have no derivative; use full_matrices=False",
        )
    v, gv = H(vt), H(gvt)
    middle = on_diagonal(gs, (*s.shape, k), 0, -2, -1)
    if absent(gu) and absent(gv):
        return np.matmul(np.matmul(u, middle), vt)
    f = gaps(s * s, "svd", np.concatenate([gu, gv], axis=-2))
    of_u, of_v = np.matmul(H(u), gu), np.matmul(vt, gv)
    of_u = settled(of_u, "svd", of_v)
    middle = middle + f * (of_u - H(of_u)) * s[..., None, :] + s[..., :, None] * (f * (of_v - H(of_v)))
    if is_complex(of_u):  # u turns with v
        turned = 1j * np.imag(np.diagonal(of_u, 0, -2, -1)) / s
        middle = middle + on_diagonal(turned, middle.shape, 0, -2, -1)
    slope = np.matmul(np.matmul(u, middle), vt)
    if u.shape[-2] > k:  # what leaves the space that the vectors span
        slope = slope + np.matmul((gu - np.matmul(u, of_u)) / s[..., None, :], vt)
    if v.shape[-2] > k:
        slope = slope + np.matmul(u, H((gv - np.matmul(v, of_v)) / s[..., None, :]))
    return slope


rule(singular_values, singular_values_vjp, name="svdvals")
rule(singular_vectors, singular_vectors_vjp, outputs=True, name="svd")


@composed(np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    if hermitian:
        return hermitian_svd(a, compute_uv)
    return singular_vectors(a, full_matrices) if compute_uv else singular_values(a)


def hermitian_svd(a: Any, compute_uv: bool) -> Any:
    """The singular values of a Hermitian matrix are the sizes of its eigenvalues, the largest first."""
    w, v = np.linalg.eigh(a)
    order = np.argsort(np.abs(w), axis=-1)[..., ::-1]
    w, v = np.take_along_axis(w, order, -1), np.take_along_axis(v, order[..., None, :], -1)
    if not compute_uv:
        return np.abs(w)
    result = type(np.linalg.svd(np.eye(1)))
    return result(v, np.abs(w), H(v * np.sign(w)[..., None, :]))


with_keywords(np.linalg.pinv, "hermitian")(
    lambda a, rcond=None, hermitian=False, **options: np.linalg.pinv(
        np.tril(a) + H(np.tril(a, -1)) if hermitian else a, rcond, **options
    )
)

# ------------------------------------------------------------------ eigenvalues


@primitive
def eigensystem(a: Any) -> Any:
    w, v = found = np.linalg.eig(a)
    if not is_complex(a) and not np.any(np.imag(w)):  # from NumPy 2.5 on it returns complex numbers always
        w, v = np.copy(np.real(w)), np.copy(np.real(v))
    return type(found)(w, v)


@by_formula
def eigensystem_vjp(g: Any, y: Any, a: Any) -> Any:
    (g_values, g_vectors), (w, v) = g, y
    middle = on_diagonal(g_values, v.shape, 0, -2, -1)
    if not absent(g_vectors):
        # the vectors have length 1: what would stretch them is taken out
        turning = settled(np.matmul(H(v), g_vectors), "eig")
        stretching = real_part(np.diagonal(turning, 0, -2, -1))[..., None, :]
        middle = middle + conj(gaps(w, "eig", g_vectors)) * (turning - np.matmul(H(v), v) * stretching)
    return np.linalg.solve(H(v), np.matmul(middle, H(v)))


rule(eigensystem, eigensystem_vjp, outputs=True, name="eig")
composed(np.linalg.eig)(eigensystem)
composed(np.linalg.eigvals)(lambda a: eigensystem(a)[0])

# ------------------------------------------------------------------ qr


@primitive
def orthogonalised(a: Any) -> Any:
    return np.linalg.qr(a)


@by_formula
def qr_vjp(g: Any, y: Any, a: Any) -> Any:
    (gq, gr), (q, r) = g, y
    m, n = a.shape[-2:]
    if m >= n:
        return qr_tall(gq, gr, q, r)
    # A = [X | Y] and Q R = [Q U | Q V]: X has the decomposition Q U, and V = Q^T Y
    gu, gv = gr[..., :, :m], gr[..., :, m:]
    gx = qr_tall(gq + np.matmul(a[..., :, m:], H(gv)), gu, q, r[..., :, :m])
    return np.concatenate([gx, np.matmul(q, gv)], axis=-1)


def qr_tall(gq: Any, gr: Any, q: Any, r: Any) -> Any:
    m = np.matmul(r, H(np.triu(gr))) - np.matmul(H(gq), q)
    below = np.tril(m, -1)
    m = below + H(below) + diagonal_of(real_part(m))
    return H(np.linalg.solve(r, H(gq + np.matmul(q, m))))


rule(orthogonalised, qr_vjp, outputs=True, name="qr")


@composed(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    free = mode == "complete" and a.shape[-2] > a.shape[-1]
    if free or mode not in ("reduced", "complete", "r"):
        raise TypeError(
            f"np.linalg.qr of a Tensor of shape {a.shape} with mode={mode!r} has no rule; the modes "
            "'reduced' and 'r' have one (the further columns of 'complete' can turn freely)"
        )
    return orthogonalised(a)[1] if mode == "r" else orthogonalised(a)
