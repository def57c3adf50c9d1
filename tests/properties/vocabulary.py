"""Calls of NumPy's and SciPy's functions to try the derivatives on: one case for each function.

A case draws a call: arguments and keywords. Its float arrays, also those in a list, are the variables; everything
else is constant. The numbers come from a seed, at random, and keep their distance from kinks and poles, so that
differences can be taken about them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

Rng = np.random.Generator
Domain = Callable[[Rng, tuple[int, ...]], Any]


@dataclass(frozen=True)
class Call:
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A function with a strategy for its calls.

    `analytic`: the code computes with complex numbers too, so that the complex step gives the derivative;
    `half`: it takes float16; `twice`: its second derivative is to be tested; `exact`: its value is computed by NumPy
    itself and must be NumPy's to the last bit.
    """

    name: str
    function: Callable[..., Any]
    calls: st.SearchStrategy[Call]
    analytic: bool = False
    half: bool = True
    single: bool = True
    twice: bool = True
    exact: bool = True


# ------------------------------------------------------------------ numbers


def real(rng: Rng, shape: tuple[int, ...]) -> Any:
    return rng.uniform(-2.0, 2.0, shape)


def positive(rng: Rng, shape: tuple[int, ...]) -> Any:
    return rng.uniform(0.5, 3.0, shape)


def nonzero(rng: Rng, shape: tuple[int, ...]) -> Any:
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(0.3, 2.0, shape)


def between(low: float, high: float) -> Domain:
    return lambda rng, shape: rng.uniform(low, high, shape)


def distinct(rng: Rng, shape: tuple[int, ...]) -> Any:
    """No two values, and no two absolute values, are near each other or 0."""
    n = int(np.prod(shape))
    sizes = (rng.permutation(n) + 1 + rng.uniform(-0.2, 0.2, n)) * 0.25
    return (sizes * rng.choice([-1.0, 1.0], n)).reshape(shape)


def grid(offset: float) -> Domain:
    """Far from the whole numbers' multiples of 0.4 that another offset gives."""
    return lambda rng, shape: 0.4 * rng.integers(-4, 5, shape) + offset + rng.uniform(-0.03, 0.03, shape)


# ------------------------------------------------------------------ arguments


seeds = st.integers(0, 2**32 - 1)


def shapes(low: int = 0, high: int = 3, side: int = 4) -> st.SearchStrategy[tuple[int, ...]]:
    return hnp.array_shapes(min_dims=low, max_dims=high, max_side=side) if low else st.one_of(
        st.just(()), hnp.array_shapes(min_dims=1, max_dims=high, max_side=side)
    )


@st.composite
def arrays(draw: Any, shape: Any = None, domain: Domain = real) -> Any:
    shape = draw(shapes()) if shape is None else draw(shape) if isinstance(shape, st.SearchStrategy) else shape
    return np.asarray(domain(np.random.default_rng(draw(seeds)), shape))


@st.composite
def broadcast(draw: Any, *domains: Domain) -> Any:
    """Arrays whose shapes broadcast against each other."""
    wanted = draw(hnp.mutually_broadcastable_shapes(num_shapes=len(domains), max_dims=3, max_side=3)).input_shapes
    rng = np.random.default_rng(draw(seeds))
    return tuple(np.asarray(domain(rng, shape)) for domain, shape in zip(domains, wanted, strict=True))


def options(**kwargs: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Keywords that may be left away."""
    return st.fixed_dictionaries({}, optional={k: strategy(v) for k, v in kwargs.items()})


def strategy(value: Any) -> st.SearchStrategy[Any]:
    if isinstance(value, st.SearchStrategy):
        return value
    return st.sampled_from(value) if isinstance(value, list) else st.just(value)


def call(*args: Any, **kwargs: Any) -> st.SearchStrategy[Call]:
    return st.builds(Call, st.tuples(*map(strategy, args)), options(**kwargs))


@st.composite
def reductions(draw: Any, domain: Domain = real, several: bool = True, none: bool = True, **kwargs: Any) -> Call:
    """An array, an axis (a number, a tuple, None or left away), and keywords."""
    low = 0 if none else 1
    a = draw(arrays(shapes(low), domain))
    keywords = draw(options(**{k: v for k, v in kwargs.items() if k != "where"}))
    axes: list[Any] = list(range(-a.ndim, a.ndim))
    if several:
        axes += [(i, j) for i in range(a.ndim) for j in range(-a.ndim, 0) if i != j + a.ndim] + [()] * 0
    if none:
        axes.append(None)
    args: tuple[Any, ...] = (a,)
    if draw(st.booleans()) or not none:
        args = (a, draw(st.sampled_from(axes)))
    if "where" in kwargs and draw(st.booleans()):
        keywords["where"] = np.random.default_rng(draw(seeds)).random(a.shape) < 0.7
        keywords["where"] = keywords["where"] | (np.arange(a.size).reshape(a.shape) == 0) if a.ndim == 0 else keywords["where"]
    return Call(args, keywords)


def stacks(*shape: str, domain: Domain = real, stacked: bool = True, square: bool = False) -> Any:
    """Matrices (or stacks of them) with sizes named by letters, the same letter for the same size."""

    @st.composite
    def draw_all(draw: Any) -> tuple[Any, ...]:
        sizes = {c: draw(st.integers(1, 3)) for c in sorted(set("".join(shape)))}
        batch = [()] * len(shape)
        if stacked:
            batch = list(
                draw(hnp.mutually_broadcastable_shapes(num_shapes=len(shape), max_dims=2, max_side=2)).input_shapes
            )
        rng = np.random.default_rng(draw(seeds))
        return tuple(
            np.asarray(domain(rng, (*b, *(sizes[c] for c in s)))) for b, s in zip(batch, shape, strict=True)
        )

    return draw_all()


def apart(args: tuple[Any, ...], *rest: Any, **kwargs: Any) -> Call:
    return Call((*args, *rest), kwargs)


def with_args(several: Any, *rest: Any, **kwargs: Any) -> st.SearchStrategy[Call]:
    """A call with a strategy for several leading arguments at once."""
    return st.builds(
        lambda args, others, keywords: Call((*args, *others), keywords),
        several,
        st.tuples(*map(strategy, rest)),
        options(**kwargs),
    )


CASES: dict[str, Case] = {}


def case(function: Callable[..., Any], calls: Any, name: str | None = None, **flags: Any) -> None:
    name = name or getattr(function, "__name__", str(function))
    while name in CASES:
        name += "'"
    CASES[name] = Case(name, function, calls, **flags)


# ------------------------------------------------------------------ elementwise

for function, domain in {
    np.negative: real,
    np.positive: real,
    np.reciprocal: nonzero,
    np.square: real,
    np.sqrt: positive,
    np.exp: real,
    np.exp2: real,
    np.expm1: real,
    np.log: positive,
    np.log1p: positive,
    np.log2: positive,
    np.log10: positive,
    np.sin: real,
    np.cos: real,
    np.tan: between(-1.2, 1.2),
    np.arcsin: between(-0.9, 0.9),
    np.arccos: between(-0.9, 0.9),
    np.arctan: real,
    np.sinh: real,
    np.cosh: real,
    np.tanh: real,
    np.arcsinh: real,
    np.arccosh: between(1.2, 3.0),
    np.arctanh: between(-0.9, 0.9),
}.items():
    case(function, call(arrays(domain=domain)), analytic=True)

for function, domain in {
    np.cbrt: nonzero,
    np.absolute: nonzero,
    np.fabs: nonzero,
    np.deg2rad: real,
    np.rad2deg: real,
    np.degrees: real,
    np.radians: real,
    np.conjugate: real,
    np.real: real,
    np.sinc: real,
    np.i0: nonzero,
    np.copy: real,
    np.real_if_close: real,
    np.nan_to_num: real,
}.items():
    case(function, call(arrays(domain=domain)))
case(np.sinc, call(arrays(domain=between(-0.08, 0.08))), "sinc near 0")

for function in (np.add, np.subtract, np.multiply):
    case(function, with_args(broadcast(real, real)), analytic=True)
case(np.divide, with_args(broadcast(real, nonzero)), analytic=True)
case(np.power, with_args(broadcast(positive, real)), analytic=True)
case(np.power, call(arrays(domain=nonzero), st.sampled_from([-2, -1, 0, 1, 2, 3])), "power, whole", analytic=True)
case(np.power, call(arrays(domain=positive), st.sampled_from([-0.5, 0.0, 0.5, 2.0, 2.5])), "power, number", analytic=True)
case(np.power, call(st.sampled_from([0.5, 2, 2.0]), arrays()), "power of a number", analytic=True)
case(np.float_power, with_args(broadcast(positive, real)))
case(np.arctan2, with_args(broadcast(nonzero, nonzero)))
case(np.hypot, with_args(broadcast(nonzero, nonzero)))
case(np.logaddexp, with_args(broadcast(real, real)))
case(np.logaddexp, call(0, arrays()), "logaddexp, softplus")
case(np.logaddexp2, with_args(broadcast(real, real)))
case(np.copysign, with_args(broadcast(nonzero, nonzero)))
case(np.heaviside, with_args(broadcast(nonzero, real)), "heaviside", twice=False)
case(np.remainder, with_args(broadcast(grid(0.2), lambda rng, shape: 0.4 * np.ones(shape))))
case(np.fmod, with_args(broadcast(grid(0.2), lambda rng, shape: 0.4 * np.ones(shape))))
case(np.divmod, with_args(broadcast(grid(0.2), lambda rng, shape: 0.4 * np.ones(shape))))
case(np.modf, call(arrays(domain=between(0.1, 0.9))))
case(np.ldexp, call(arrays(), st.integers(-3, 3)))
for function in (np.maximum, np.minimum, np.fmax, np.fmin):
    case(function, with_args(broadcast(grid(0.0), grid(0.2))))
    case(function, call(arrays(domain=nonzero), 0), function.__name__ + " of a number")
case(np.where, with_args(st.builds(lambda ab, s: (np.random.default_rng(s).random(ab[0].shape) < 0.5, *ab), broadcast(real, real), seeds)))
case(np.clip, call(arrays(domain=grid(0.0)), st.sampled_from([None, -0.6, -0.2]), st.sampled_from([0.2, 0.6])))
case(np.clip, with_args(broadcast(grid(0.0), lambda r, s: np.full(s, -0.6), lambda r, s: np.full(s, 0.6))), "clip, tensors", exact=False)
case(np.clip, call(arrays(domain=grid(0.0)), min=-0.2, max=0.6), "clip, keywords")
case(np.unwrap, call(arrays(shapes(1), between(0.0, 1.0)), period=[5.0]))

# ------------------------------------------------------------------ reductions

case(np.sum, reductions(keepdims=[True, False], where=True, initial=[1.5]), analytic=True)
case(np.mean, reductions(keepdims=[True, False]), analytic=True)
case(np.prod, reductions(keepdims=[True, False], where=True, initial=[1.5]), analytic=True)
case(np.prod, reductions(lambda r, s: r.integers(-1, 2, s) * 1.0, keepdims=[True]), "prod with zeros", analytic=True)
case(np.var, reductions(keepdims=[True, False], ddof=[0, 0.5]))
case(np.std, reductions(distinct, keepdims=[True, False], ddof=[0, 0.5]), "std", twice=True)
case(np.max, reductions(distinct, keepdims=[True, False], initial=[-100.0]))
case(np.min, reductions(distinct, keepdims=[True, False], initial=[100.0], where=True) if False else reductions(distinct, keepdims=[True]))
case(np.amax, reductions(distinct, keepdims=[True, False]))
case(np.amin, reductions(distinct, keepdims=[True, False]))
case(np.cumsum, reductions(several=False), analytic=True)
case(np.cumprod, reductions(several=False), analytic=True)
case(np.cumprod, reductions(lambda r, s: r.integers(-1, 2, s) * 1.0, several=False), "cumprod with zeros", analytic=True)

# ------------------------------------------------------------------ products

case(np.dot, with_args(stacks("ij", "jk", stacked=False)), analytic=True)
for left, right in ("i", "i"), ("ij", "j"), ("i", "ij"), ("", "ij"), ("ij", ""), ("", ""), ("kij", "jl"), ("ij", "kjl"), ("i", "kij"), ("kij", "j"), ("kij", "ljm"):
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
case(np.kron, call(arrays(), arrays()), exact=False, analytic=True)
case(np.cross, with_args(broadcast(real, real).map(lambda ab: tuple(np.stack([x, x * x, 1 - x], -1) for x in ab))), exact=False)
case(np.tensordot, with_args(stacks("ijk", "jkl", stacked=False)), analytic=True)
case(np.tensordot, with_args(stacks("ijk", "lkj", stacked=False), ([1, 2], [2, 1])), "tensordot, axes", analytic=True)
case(np.tensordot, with_args(stacks("jik", "kjl", stacked=False), ((0, -1), (1, 0))), "tensordot, axes'", analytic=True)
case(np.tensordot, with_args(stacks("ij", "jk", stacked=False), [0, 1]), "tensordot, number", analytic=True)
for subscripts in (
    "ij,jk->ik", "ij,jk", "ij->ji", "ii->i", "ii", "ij->", "iji->j", "i,i", "ij,ij->i", "i,j->ij", "bij,bjk->bik",
    "...ij,...jk->...ik", "...i->...", "i...->...", "ij...,jk...->ik...", "ij,kj,kl->il", "iij,jk->k", "i,ij,j", "ij,j",
    "aab,b->a", "ba", "ij , jk -> ki",
):  # fmt: skip
    sizes = [t for t in subscripts.replace(" ", "").split("->")[0].replace("...", "ef").split(",")]
    case(np.einsum, st.builds(lambda s, a, k: Call((s, *a), k), st.just(subscripts), stacks(*sizes, stacked=False), options(optimize=[True, False])), f"einsum {subscripts}", analytic=True)
case(np.einsum, stacks("ij", "jk", stacked=False).map(lambda ab: Call((ab[0], [0, 1], ab[1], [1, 2], [2, 0]))), "einsum, lists", analytic=True)
case(np.einsum, call("ij,jk->ik", arrays((3, 1)), arrays((2, 4))), "einsum, broadcast", analytic=True)
case(np.linalg.matrix_power, with_args(stacks("ii"), [0, 1, 2, 3, 5]), exact=False, analytic=True)
case(np.linalg.multi_dot, st.one_of(stacks("ij", "jk", "kl", stacked=False), stacks("i", "ij", "jk", "k", stacked=False), stacks("ij", "jk", "kl", "lm", stacked=False)).map(lambda a: Call((list(a),))), exact=False, analytic=True)

# ------------------------------------------------------------------ norms and diagonals

case(np.linalg.norm, call(arrays(shapes(1), distinct)), half=False)
case(np.linalg.norm, st.builds(lambda a, o, k: Call((a, o), k), arrays(shapes(1, 1), distinct), st.sampled_from([None, 2, 1, 3, 2.5, np.inf, -np.inf, -1, 0.5]), options(keepdims=[True])), "norm, vectors", half=False)
case(np.linalg.norm, st.builds(lambda a, o, x, k: Call((a, o, x), k), arrays(shapes(3, 3, 3), distinct), st.sampled_from([None, 2, 1, 3, np.inf, -np.inf]), st.sampled_from([0, 1, -1]), options(keepdims=[True])), "norm, axis", half=False)
case(np.linalg.norm, st.builds(lambda a, o, x, k: Call((a, o, x), k), arrays((3, 2, 4), distinct), st.sampled_from([None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf]), st.sampled_from([(0, 1), (1, 0), (-1, 0), (1, 2)]), options(keepdims=[True])), "norm, matrices", half=False, single=False)
case(np.linalg.norm, st.builds(lambda a, o: Call((a, o)), arrays((3, 4), distinct), st.sampled_from(["fro", "nuc", 1, 2, np.inf])), "norm, matrix", half=False, single=False)
case(np.linalg.vector_norm, reductions(distinct, keepdims=[True], ord=[1, 2, 3, np.inf]).map(lambda c: Call(c.args[:1], {**c.kwargs, **({"axis": c.args[1]} if len(c.args) > 1 else {})})), half=False, exact=False)
case(np.linalg.matrix_norm, call(arrays((2, 3, 2), distinct), ord=["fro", "nuc", 1, 2], keepdims=[True]), half=False, exact=False, single=False)
case(np.diagonal, call(arrays((3, 4, 2)), st.sampled_from([-1, 0, 1, 2]), st.just(0), st.sampled_from([1, -1])), analytic=True)
case(np.trace, call(arrays((3, 4, 2)), st.sampled_from([-1, 0, 1]), st.sampled_from([0, 1, -3]), st.just(2)), analytic=True)
case(np.diag, call(arrays(shapes(1, 2)), st.sampled_from([-1, 0, 1])), exact=False, analytic=True)
case(np.diagflat, call(arrays(shapes(1)), st.sampled_from([-1, 0, 1])), exact=False, analytic=True)
case(np.linalg.diagonal, call(arrays((2, 3, 4)), offset=[-1, 1]), exact=False)
case(np.linalg.trace, call(arrays((2, 3, 4)), offset=[-1, 1]), exact=False)

# ------------------------------------------------------------------ shapes

case(np.reshape, st.builds(lambda a, s, k: Call((a, s), k), arrays((2, 3, 4)), st.sampled_from([24, (4, 6), (-1, 2), (2, 1, 12)]), options(order=["C", "F"])), analytic=True)
case(np.ravel, call(arrays(), order=["C", "F"]), analytic=True)
case(np.squeeze, call(arrays((1, 3, 1)), axis=[0, 2, (0, 2), -1]), analytic=True)
case(np.expand_dims, call(arrays((2, 3)), [0, 1, -1, (0, 2)]), analytic=True)
case(np.transpose, call(arrays((2, 3, 4)), st.sampled_from([None, (1, 2, 0), (2, 0, 1), (-1, 0, 1)])), analytic=True)
case(np.swapaxes, call(arrays((2, 3, 4)), [0, 1, -1], [0, 2]), analytic=True)
case(np.moveaxis, call(arrays((2, 3, 4)), st.just((0, 1)), st.sampled_from([(2, 0), (-1, -2)])), analytic=True)
case(np.rollaxis, call(arrays((2, 3, 4)), [0, 1, 2, -1], start=[0, 1, 2, 3, -1]), exact=False, analytic=True)
case(np.matrix_transpose, call(arrays((2, 3, 4))))
case(np.linalg.matrix_transpose, call(arrays((2, 3, 4))), exact=False)
for function in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
    case(function, call(arrays()), exact=False, analytic=True)
case(np.atleast_2d, call(arrays(), arrays()), "atleast_2d, two", exact=False)
case(np.broadcast_to, call(arrays((3, 1)), st.sampled_from([(3, 1), (3, 4), (2, 3, 5)])), analytic=True)
case(np.broadcast_arrays, with_args(broadcast(real, real)), exact=False)
case(np.meshgrid, call(arrays((2,)), arrays((3,)), indexing=["xy", "ij"], sparse=[True]), exact=False)
case(np.tile, call(arrays(shapes(0, 2)), st.sampled_from([2, (2,), (2, 1), (1, 2, 3)])), analytic=True)
case(np.repeat, call(arrays((3, 2)), st.sampled_from([2, 0, np.array([2])]), axis=[0, 1, -1]), analytic=True)
case(np.repeat, call(arrays((3, 2)), st.just([1, 0, 3]), axis=st.just(0)).filter(lambda c: c.kwargs), "repeat, several", analytic=True)
case(np.concatenate, st.builds(lambda a, b, x: Call(([a, b], x)), arrays((2, 3)), arrays((2, 3)), st.sampled_from([0, 1, -1, None])), analytic=True)
case(np.concatenate, st.builds(lambda a, b: Call(((a, b, np.arange(2)),)), arrays((2,)), arrays((3,))), "concatenate, mixed")
case(np.stack, st.builds(lambda a, b, k: Call(([a, b],), k), arrays((2, 3)), arrays((2, 3)), options(axis=[0, 1, 2, -1])), analytic=True)
for function, one, other in (
    (np.vstack, (3,), (2, 3)), (np.hstack, (3,), (2,)), (np.hstack, (2, 3), (2, 1)), (np.dstack, (2, 3), (2, 3, 2)),
    (np.column_stack, (3,), (3, 2)),
):  # fmt: skip
    case(function, st.builds(lambda a, b: Call(([a, b],)), arrays(one), arrays(other)), exact=False, analytic=True)
case(np.append, call(arrays((2, 3)), arrays((2, 3)), axis=[0, 1, None]), exact=False)
case(np.block, st.builds(lambda a, b, c, d: Call(([[a, b], [c, d]],)), *map(arrays, [(2, 2), (2, 1), (3, 2), (3, 1)])), exact=False)
for function, axis in ((np.split, True), (np.array_split, True), (np.vsplit, False), (np.hsplit, False), (np.dsplit, False)):
    calls = call(arrays((4, 4, 4)), st.sampled_from([2, [1, 3], [-1], [3, 1]]), **({"axis": [0, 1, -1]} if axis else {}))
    case(function, calls, exact=False)
case(np.array_split, call(arrays((5, 2)), st.just(3)), "array_split, uneven")
case(np.unstack, call(arrays((3, 2)), axis=[0, 1, -1]))
case(np.flip, call(arrays((2, 3)), axis=[0, 1, (0, 1), None]), analytic=True)
case(np.flipud, call(arrays((2, 3))), analytic=True)
case(np.fliplr, call(arrays((2, 3))), analytic=True)
case(np.rot90, call(arrays((2, 3, 2)), k=[0, 1, 2, 3, -1], axes=[(0, 1), (1, 2)]), analytic=True)
case(np.roll, call(arrays((3, 4)), [1, -2, 5], axis=[0, 1, None]), analytic=True)
case(np.roll, call(arrays((3, 4)), st.just((1, -2)), st.just((0, 1))), "roll, tuples", analytic=True)
case(np.tril, call(arrays((3, 4)), k=[-1, 0, 1]), analytic=True)
case(np.triu, call(arrays((2, 3, 4)), k=[-1, 0, 1]), analytic=True)
case(np.pad, call(arrays((3, 2)), st.sampled_from([1, (1, 2), ((1, 0), (0, 2))]), st.just("constant"), constant_values=[0, 1.5]), exact=False)
case(np.pad, call(arrays((3, 2)), st.sampled_from([1, ((1, 0), (2, 5))]), st.sampled_from(["edge", "wrap", "reflect", "symmetric"])), "pad, copies", exact=False, analytic=True)

# ------------------------------------------------------------------ elements

case(np.take, call(arrays((3, 4)), st.sampled_from([1, [0, 2, 2], np.array([[0, 1], [1, 1]])]), axis=[0, 1, -1], mode=["raise", "wrap", "clip"]), exact=False)
case(np.take_along_axis, st.builds(lambda a, x: Call((a, np.argsort(a, axis=x), x)), arrays((3, 4)), st.sampled_from([0, 1, -1])), exact=False)
case(np.take_along_axis, call(arrays((3, 4)), st.just(np.array([[0], [2], [2]])), st.just(1)), "take_along_axis, few", exact=False)
case(np.compress, call(st.just([True, False, True]), arrays((3, 3)), axis=[0, 1]), exact=False)
case(np.extract, call(st.just(np.eye(3) > 0), arrays((3, 3))), exact=False)
case(np.delete, call(arrays((3, 4)), st.sampled_from([1, [0, 2], slice(0, 2)]), axis=[0, 1]), exact=False)
case(np.resize, call(arrays((3, 2)), st.sampled_from([4, (3, 5)])), exact=False)
case(np.insert, call(arrays((4,)), st.sampled_from([0, 4, -1, [1], [0, 2], slice(0, 2)]), arrays(())), exact=False)
case(np.insert, call(arrays((3, 2)), [0, 3, -1], arrays((2,)), st.just(0)), "insert, a row", exact=False)
case(np.insert, call(arrays((2, 3)), [1, [1]], arrays((2, 1)), st.just(1)), "insert, columns", exact=False)
case(np.select, st.builds(lambda a, b: Call(([a > 0.2, a > -0.5], [a, b])), arrays((3, 2)), arrays((2,))), exact=False)
case(np.choose, st.builds(lambda a, b: Call((np.array([[0, 1], [1, 0]]), [a, b])), arrays((2, 2)), arrays((2,))), exact=False)
case(np.sort, reductions(distinct, several=False).filter(lambda c: c.args[0].ndim), "sort")
case(np.partition, call(arrays((4, 5), distinct), st.sampled_from([1, 3, (0, 3)]), axis=[0, 1, None]).filter(lambda c: True), "partition")
case(np.unique, call(arrays((2, 3), distinct)), exact=False)

# ------------------------------------------------------------------ decompositions


def regular(rng: Rng, shape: tuple[int, ...]) -> Any:
    """Square matrices far from singular ones; other shapes are of full rank."""
    return real(rng, shape) + 3.0 * np.eye(*shape[-2:])


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
    """The function with the sign of its vectors taken away, which is free: each output squared in the places."""

    def fixed(*args: Any, **kwargs: Any) -> Any:
        ys = list(function(*args, **kwargs))
        for i in places:
            ys[i] = ys[i] * ys[i]
        return tuple(ys)

    return fixed


linear = {"half": False, "single": False}
case(np.linalg.inv, with_args(stacks("ii", domain=regular)), analytic=True, **linear)
case(np.linalg.det, with_args(stacks("ii", domain=regular)), analytic=True, **linear)
case(np.linalg.slogdet, with_args(stacks("ii", domain=regular)), **linear)
case(np.linalg.pinv, call(st.one_of(arrays((2, 3, 2), separated), arrays((2, 4), separated))), **linear)
case(np.linalg.solve, st.one_of(stacks("ii", "ij", stacked=False), stacks("kii", "ij", stacked=False), stacks("ii", "kij", stacked=False), stacks("ii", "i", stacked=False), stacks("kii", "i", stacked=False)).map(lambda a: Call((a[0] + 5.0 * np.eye(a[0].shape[-1]), a[1]))), analytic=True, **linear)
case(np.linalg.lstsq, st.one_of(*(st.builds(lambda a, b: Call((a, b)), arrays(s, separated), arrays(t)) for s, t in (((4, 2), (4,)), ((4, 2), (4, 3)), ((2, 4), (2, 3)), ((3, 3), (3,))))), exact=False, **linear)
case(np.linalg.tensorsolve, call(arrays((2, 3, 6)).map(lambda a: a + 5.0 * np.eye(6).reshape(2, 3, 6)), arrays((2, 3))), exact=False, analytic=True, **linear)
case(np.linalg.tensorsolve, call(arrays((2, 6, 3)).map(lambda a: a + 5.0 * np.moveaxis(np.eye(6).reshape(2, 3, 6), 1, 2)), arrays((2, 3)), axes=st.just((1,))).filter(lambda c: c.kwargs), "tensorsolve, axes", exact=False, analytic=True, **linear)
case(np.linalg.tensorinv, call(arrays((2, 3, 6)).map(lambda a: a + 5.0 * np.eye(6).reshape(2, 3, 6))), exact=False, analytic=True, **linear)
case(np.linalg.matrix_power, with_args(stacks("ii", domain=regular), [-1, -2]), "matrix_power, negative", exact=False, analytic=True, **linear)
case(np.linalg.cholesky, call(st.one_of(arrays((2, 3, 3), definite), arrays((3, 3), definite)), upper=[True]), **linear)
case(np.linalg.eigh, call(st.one_of(arrays((2, 3, 3), symmetric), arrays((3, 3), symmetric)), UPLO=["L", "U"]), "eigh", exact=True, **linear)
case(np.linalg.eigvalsh, call(arrays((2, 3, 3), symmetric), UPLO=["L", "U"]), **linear)
case(np.linalg.svd, call(st.one_of(*(arrays(s, separated) for s in ((3, 3), (2, 3, 2), (2, 3)))), st.just(False)), **linear)
case(signs_fixed(np.linalg.svd, 0, 2), call(arrays((3, 3), separated)), "svd, square", exact=False, **linear)
case(np.linalg.svd, call(arrays((2, 3, 2), separated), compute_uv=st.just(False)).filter(lambda c: c.kwargs), "svd, values", **linear)
case(np.linalg.svdvals, call(arrays((2, 3, 2), separated)), **linear)
case(np.linalg.qr, call(st.one_of(*(arrays(s, separated) for s in ((3, 3), (2, 3, 2), (2, 4)))), mode=["reduced", "r"]), **linear)
case(np.linalg.cond, call(arrays((2, 3, 3), regular), st.sampled_from([None, 2, -2, 1, np.inf, "fro"])), exact=False, **linear)
