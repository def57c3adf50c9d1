"""Inverses, linear systems and decompositions."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.properties.vocabulary import Call, Rng, arrays, call, case, real, stacks, with_args

# ------------------------------------------------------------------ decompositions


def regular(rng: Rng, shape: tuple[int, ...]) -> Any:
    """Square matrices far from singular ones; other shapes are of full rank."""
    return 0.4 * real(rng, shape) + 3.0 * np.eye(*shape[-2:])


def dominated(a: Any) -> Any:
    """Make a (2, 3, 6) array a regular matrix of 6 rows: its diagonal is larger than the rest of each row."""
    return 0.3 * a + 5.0 * np.eye(6).reshape(2, 3, 6)


def definite(rng: Rng, shape: tuple[int, ...]) -> Any:
    a = real(rng, shape)
    return np.matmul(a, np.swapaxes(a, -1, -2)) + np.eye(shape[-1])


def separated(rng: Rng, shape: tuple[int, ...]) -> Any:
    """Matrices whose singular values (and, of their symmetric halves, eigenvalues) are well apart."""
    k = min(shape[-2:])
    u, _ = np.linalg.qr(rng.normal(size=(*shape[:-1], k)))
    v, _ = np.linalg.qr(rng.normal(size=(*shape[:-2], shape[-1], k)))
    return np.matmul(u * (1.0 + np.arange(k)), np.swapaxes(v, -1, -2))


def symmetric(rng: Rng, shape: tuple[int, ...]) -> Any:
    q, _ = np.linalg.qr(rng.normal(size=shape))
    return np.matmul(q * (np.arange(shape[-1]) - 0.7), np.swapaxes(q, -1, -2))


def signs_fixed(function: Any, *places: tuple[int, int]) -> Any:
    """The function without the signs of its vectors, which are free: outputs in these places squared."""

    def fixed(*args: Any, **kwargs: Any) -> Any:
        ys = list(function(*args, **kwargs))
        for i in places:
            ys[i] = ys[i] * ys[i]
        return tuple(ys)

    return fixed


def without_order(function: Any) -> Any:
    """Sums over the eigenvalues: LAPACK may find them in another order after a small step."""

    def sums(*args: Any, **kwargs: Any) -> Any:
        found = function(*args, **kwargs)
        # From NumPy 2.5 on, eig of plain arrays returns complex numbers always.
        parts = found if isinstance(found, tuple) else (found,)
        w, *v = (np.real(x) if x.dtype.kind == "c" and not np.any(np.imag(x)) else x for x in parts)
        v = [np.abs(x) if x.dtype.kind == "c" else x for x in v]  # the factors of size 1 are free
        powers = [np.sum(w**k, axis=-1) for k in (1, 2, 3)]
        return (*powers, *(np.sum(u * w[..., None, :] ** k, axis=-1) for u in v for k in (1, 2)))

    return sums


def sums_apart(c: Call) -> bool:
    """Tell whether a matrix and its inverse are far from the kinks of the norms of row and column sums."""
    a, p = c.args
    if p not in (1, np.inf):
        return True
    for sizes in (np.abs(a), np.abs(np.linalg.inv(a))):
        sums = np.sort(sizes.sum(axis=-2 if p == 1 else -1), axis=-1)
        if sizes.min() < 0.002 or (sums[..., -1] - sums[..., -2]).min() < 0.005:
            return False
    return True


def with_real_eigenvalues(rng: Rng, shape: tuple[int, ...]) -> Any:
    v = 0.15 * real(rng, shape) + np.eye(shape[-1])
    return np.matmul(v * (np.arange(shape[-1]) - 0.7), np.linalg.inv(v))


linear = {"half": False, "single": False}
case(np.linalg.inv, with_args(stacks("ii", domain=regular)), analytic=True, **linear)
case(np.linalg.det, with_args(stacks("ii", domain=regular)), analytic=True, **linear)
case(np.linalg.slogdet, with_args(stacks("ii", domain=regular)), **linear)
case(np.linalg.pinv, call(st.one_of(arrays((2, 3, 2), separated), arrays((2, 4), separated))), **linear)
case(
    np.linalg.solve,
    st.one_of(
        stacks("ii", "ij", stacked=False),
        stacks("kii", "ij", stacked=False),
        stacks("ii", "kij", stacked=False),
        stacks("ii", "i", stacked=False),
        stacks("kii", "i", stacked=False),
    ).map(lambda a: Call((0.5 * a[0] + 5.0 * np.eye(a[0].shape[-1]), a[1]))),
    analytic=True,
    **linear,
)
case(
    np.linalg.lstsq,
    st.one_of(
        *(
            st.builds(lambda a, b: Call((a, b)), arrays(s, separated), arrays(t))
            for s, t in (((4, 2), (4,)), ((4, 2), (4, 3)), ((2, 4), (2, 3)), ((3, 3), (3,)))
        )
    ),
    **linear,
)
case(
    np.linalg.tensorsolve,
    call(arrays((2, 3, 6)).map(dominated), arrays((2, 3))),
    analytic=True,
    **linear,
)
case(
    np.linalg.tensorsolve,
    call(
        arrays((2, 3, 6)).map(lambda a: np.moveaxis(dominated(a), 1, 2)),
        arrays((2, 3)),
        axes=st.just((1,)),
    ).filter(lambda c: c.kwargs),
    "tensorsolve, axes",
    analytic=True,
    **linear,
)
case(
    np.linalg.tensorinv,
    call(arrays((2, 3, 6)).map(dominated)),
    analytic=True,
    **linear,
)
case(
    np.linalg.matrix_power,
    with_args(stacks("ii", domain=regular), [-1, -2]),
    "matrix_power, negative",
    analytic=True,
    **linear,
)
case(
    np.linalg.cholesky,
    call(st.one_of(arrays((2, 3, 3), definite), arrays((3, 3), definite)), upper=[True]),
    **linear,
)
case(
    signs_fixed(np.linalg.eigh, 1),
    call(st.one_of(arrays((2, 3, 3), symmetric), arrays((3, 3), symmetric)), UPLO=["L", "U"]),
    "eigh",
    **linear,
)
case(np.linalg.eigvalsh, call(arrays((2, 3, 3), symmetric), UPLO=["L", "U"]), **linear)
case(
    signs_fixed(np.linalg.svd, 0, 2),
    call(st.one_of(*(arrays(s, separated) for s in ((3, 3), (2, 3, 2), (2, 3)))), st.just(False)),
    "svd",
    **linear,
)
case(signs_fixed(np.linalg.svd, 0, 2), call(arrays((3, 3), separated)), "svd, square", **linear)
case(
    np.linalg.svd,
    call(arrays((2, 3, 2), separated), compute_uv=st.just(False)).filter(lambda c: c.kwargs),
    "svd, values",
    **linear,
)
case(np.linalg.svdvals, call(arrays((2, 3, 2), separated)), **linear)
case(
    np.linalg.qr,
    call(st.one_of(*(arrays(s, regular) for s in ((3, 3), (2, 3, 2), (2, 4)))), mode=["reduced", "r"]),
    **linear,
)
case(
    np.linalg.cond,
    call(arrays((2, 3, 3), regular), st.sampled_from([None, 2, -2, 1, np.inf, "fro"])).filter(sums_apart),
    **linear,
)
case(
    without_order(signs_fixed(np.linalg.eig, 1)),
    call(st.one_of(arrays((2, 3, 3), with_real_eigenvalues), arrays((3, 3), with_real_eigenvalues))),
    "eig",
    **linear,
)
case(
    without_order(np.linalg.eigvals),
    call(arrays((3, 3), with_real_eigenvalues)),
    "eigvals",
    **linear,
)
