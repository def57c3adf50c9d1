"""Products of vectors, matrices and stacks of them; norms and diagonals."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.properties.vocabulary import (
    Call,
    arrays,
    broadcast,
    call,
    case,
    distinct,
    options,
    real,
    reductions,
    shapes,
    stacks,
    with_args,
)

# ------------------------------------------------------------------ products

case(np.dot, with_args(stacks("ij", "jk", stacked=False)), analytic=True)
for left, right in (
    ("i", "i"),
    ("ij", "j"),
    ("i", "ij"),
    ("", "ij"),
    ("ij", ""),
    ("", ""),
    ("kij", "jl"),
    ("ij", "kjl"),
    ("i", "kij"),
    ("kij", "j"),
    ("kij", "ljm"),
):
    case(np.dot, with_args(stacks(left, right, stacked=False)), f"dot {left},{right}", analytic=True)
for left, right in ("i", "i"), ("ij", "kj"), ("j", "kj"), ("ij", "j"), ("", "ij"), ("ij", ""), ("kij", "lj"):
    case(np.inner, with_args(stacks(left, right, stacked=False)), f"inner {left},{right}", analytic=True)
case(np.matmul, with_args(stacks("ij", "jk")), analytic=True)
case(np.matmul, with_args(stacks("ij", "jk", stacked=False)), "matmul ij,jk", analytic=True)
case(np.matmul, with_args(stacks("i", "i", stacked=False)), "matmul i,i", analytic=True)
case(np.matmul, with_args(stacks("ij", "j", stacked=False)), "matmul ij,j", analytic=True)
case(np.matmul, with_args(stacks("i", "ij", stacked=False)), "matmul i,ij", analytic=True)
case(np.matmul, with_args(stacks("kij", "j", stacked=False)), "matmul kij,j", analytic=True)
case(np.matmul, with_args(stacks("i", "kij", stacked=False)), "matmul i,kij", analytic=True)
case(np.vecdot, with_args(stacks("i", "i")))
case(np.matvec, with_args(stacks("ij", "j")))
case(np.vecmat, with_args(stacks("i", "ij")))
case(np.outer, with_args(stacks("ij", "k", stacked=False)), analytic=True)
case(np.vdot, with_args(stacks("ij", "ij", stacked=False)))
case(np.kron, call(arrays(), arrays()), analytic=True)
case(
    np.cross,
    with_args(broadcast(real, real).map(lambda ab: tuple(np.stack([x, x * x, 1 - x], -1) for x in ab))),
)
case(np.tensordot, with_args(stacks("ijk", "jkl", stacked=False)), analytic=True)
case(
    np.tensordot,
    with_args(stacks("ijk", "lkj", stacked=False), ([1, 2], [2, 1])),
    "tensordot, axes",
    analytic=True,
)
case(
    np.tensordot,
    with_args(stacks("jik", "kjl", stacked=False), ((0, -1), (1, 0))),
    "tensordot, axes'",
    analytic=True,
)
case(np.tensordot, with_args(stacks("ij", "jk", stacked=False), [0, 1]), "tensordot, number", analytic=True)
for subscripts in (
    "ij,jk->ik", "ij,jk", "ij->ji", "ii->i", "ii", "ij->", "iji->j", "i,i", "ij,ij->i", "i,j->ij",
    "bij,bjk->bik", "...ij,...jk->...ik", "...i->...", "i...->...", "ij...,jk...->ik...", "ij,kj,kl->il",
    "iij,jk->k", "i,ij,j", "ij,j", "aab,b->a", "ba", "ij , jk -> ki",
):  # fmt: skip
    sizes = subscripts.replace(" ", "").split("->")[0].replace("...", "ef").split(",")
    case(
        np.einsum,
        st.builds(
            lambda s, a, k: Call((s, *a), k),
            st.just(subscripts),
            stacks(*sizes, stacked=False),
            options(optimize=[True, False]),
        ),
        f"einsum {subscripts}",
        analytic=True,
    )
case(
    np.einsum,
    stacks("ij", "jk", stacked=False).map(lambda ab: Call((ab[0], [0, 1], ab[1], [1, 2], [2, 0]))),
    "einsum, lists",
    analytic=True,
)
case(np.einsum, call("ij,jk->ik", arrays((3, 1)), arrays((2, 4))), "einsum, broadcast", analytic=True)
case(np.linalg.matrix_power, with_args(stacks("ii"), [0, 1, 2, 3, 5]), analytic=True)
case(
    np.linalg.multi_dot,
    st.one_of(
        stacks("ij", "jk", "kl", stacked=False),
        stacks("i", "ij", "jk", "k", stacked=False),
        stacks("ij", "jk", "kl", "lm", stacked=False),
    ).map(lambda a: Call((list(a),))),
    analytic=True,
)

# ------------------------------------------------------------------ norms and diagonals

case(np.linalg.norm, call(arrays(shapes(1), distinct)), half=False)
case(
    np.linalg.norm,
    st.builds(
        lambda a, o, k: Call((a, o), k),
        arrays(shapes(1, 1), distinct),
        st.sampled_from([None, 2, 1, 3, 2.5, np.inf, -np.inf, -1, 0.5]),
        options(keepdims=[True]),
    ),
    "norm, vectors",
    half=False,
)
case(
    np.linalg.norm,
    st.builds(
        lambda a, o, x, k: Call((a, o, x), k),
        arrays(shapes(3, 3, 3), distinct),
        st.sampled_from([None, 2, 1, 3, np.inf, -np.inf]),
        st.sampled_from([0, 1, -1]),
        options(keepdims=[True]),
    ),
    "norm, axis",
    half=False,
)
case(
    np.linalg.norm,
    st.builds(
        lambda a, o, x, k: Call((a, o, x), k),
        arrays((3, 2, 4), distinct),
        st.sampled_from([None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf]),
        st.sampled_from([(0, 1), (1, 0), (-1, 0), (1, 2)]),
        options(keepdims=[True]),
    ),
    "norm, matrices",
    half=False,
    single=False,
)
case(
    np.linalg.norm,
    st.builds(
        lambda a, o: Call((a, o)), arrays((3, 4), distinct), st.sampled_from(["fro", "nuc", 1, 2, np.inf])
    ),
    "norm, matrix",
    half=False,
    single=False,
)
case(
    np.linalg.vector_norm,
    reductions(distinct, keepdims=[True], ord=[1, 2, 3, np.inf]).map(
        lambda c: Call(c.args[:1], {**c.kwargs, **({"axis": c.args[1]} if len(c.args) > 1 else {})})
    ),
    half=False,
)
case(
    np.linalg.matrix_norm,
    call(arrays((2, 3, 2), distinct), ord=["fro", "nuc", 1, 2], keepdims=[True]),
    half=False,
    single=False,
)
case(
    np.diagonal,
    call(arrays((3, 4, 2)), st.sampled_from([-1, 0, 1, 2]), st.just(0), st.sampled_from([1, -1])),
    analytic=True,
)
case(
    np.trace,
    call(arrays((3, 4, 2)), st.sampled_from([-1, 0, 1]), st.sampled_from([0, 1, -3]), st.just(2)),
    analytic=True,
)
case(np.diag, call(arrays(shapes(1, 2)), st.sampled_from([-1, 0, 1])), analytic=True)
case(np.diagflat, call(arrays(shapes(1)), st.sampled_from([-1, 0, 1])), analytic=True)
case(np.linalg.diagonal, call(arrays((2, 3, 4)), offset=[-1, 1]))
case(np.linalg.trace, call(arrays((2, 3, 4)), offset=[-1, 1]))
