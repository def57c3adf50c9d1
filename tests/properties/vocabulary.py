"""Calls of NumPy's and SciPy's functions to try the derivatives on: one case for each function.

A case draws a call: arguments and keywords. Its float arrays, also those in a list, are the variables;
everything else is constant. The numbers come from a seed, at random, and keep their distance from kinks and
poles, so that differences can be taken about them.
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
    `half`, `single`: it takes float16, and is accurate in float32; `twice`: its second derivative is tested.
    """

    name: str
    function: Callable[..., Any]
    calls: st.SearchStrategy[Call]
    analytic: bool = False
    half: bool = True
    single: bool = True
    twice: bool = True


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
    return (
        hnp.array_shapes(min_dims=low, max_dims=high, max_side=side)
        if low
        else st.one_of(st.just(()), hnp.array_shapes(min_dims=1, max_dims=high, max_side=side))
    )


@st.composite
def arrays(draw: Any, shape: Any = None, domain: Domain = real) -> Any:
    shape = (
        draw(shapes()) if shape is None else draw(shape) if isinstance(shape, st.SearchStrategy) else shape
    )
    return np.asarray(domain(np.random.default_rng(draw(seeds)), shape))


@st.composite
def broadcast(draw: Any, *domains: Domain) -> Any:
    """Arrays whose shapes broadcast against each other."""
    wanted = draw(
        hnp.mutually_broadcastable_shapes(num_shapes=len(domains), max_dims=3, max_side=3)
    ).input_shapes
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
def reductions(
    draw: Any, domain: Domain = real, *, several: bool = True, where: bool = False, **kwargs: Any
) -> Call:
    """An array; an axis (a number, a tuple of `several`, None or left away); keywords, among them `where`."""
    a = draw(arrays(shapes(), domain))
    keywords = draw(options(**kwargs))
    args: tuple[Any, ...] = (a,)
    if draw(st.booleans()):
        axes: list[Any] = [None, *range(-a.ndim, a.ndim)]
        if several:
            axes += [(i, j - a.ndim) for i in range(a.ndim) for j in range(a.ndim) if i != j]
        args = (a, draw(st.sampled_from(axes)))
    if where and draw(st.booleans()):
        mask = np.random.default_rng(draw(seeds)).random(a.shape) < 0.5
        for axis in range(a.ndim):  # something is left along every axis
            mask |= np.arange(a.shape[axis]).reshape((-1,) + (1,) * (a.ndim - 1 - axis)) == 0
        keywords["where"] = mask | (a.ndim == 0)
    return Call(args, keywords)


def stacks(*shape: str, domain: Domain = real, stacked: bool = True, square: bool = False) -> Any:
    """Matrices (or stacks of them) with sizes named by letters, the same letter for the same size."""

    @st.composite
    def draw_all(draw: Any) -> tuple[Any, ...]:
        sizes = {c: draw(st.integers(1, 3)) for c in sorted(set("".join(shape)))}
        batch = [()] * len(shape)
        if stacked:
            batch = list(
                draw(
                    hnp.mutually_broadcastable_shapes(num_shapes=len(shape), max_dims=2, max_side=2)
                ).input_shapes
            )
        rng = np.random.default_rng(draw(seeds))
        return tuple(
            np.asarray(domain(rng, (*b, *(sizes[c] for c in s)))) for b, s in zip(batch, shape, strict=True)
        )

    return draw_all()


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
    """Enter a case under the function's name, or another one."""
    name = name or getattr(function, "__name__", str(function))
    while name in CASES:
        name += "'"
    CASES[name] = Case(name, function, calls, **flags)
