"""Families of random variables as data: the formulas of a density, and what is done with it at its edges."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Formula = Callable[..., Any]


def _positive(*shapes: Any) -> Any:
    good: Any = True
    for s in shapes:
        good = good & (s > 0)
    return good


def _made_good(parameters: Any, good: Any, instead: float) -> list[Any]:
    """Return the parameters with a harmless number in the place of those that are none."""
    if isinstance(good, (bool, np.bool_)) and good:
        return list(parameters)
    return [np.where(good, p, instead) for p in parameters]


def _log(share: Any) -> Any:
    """Return the logarithm of a share, -inf with gradient 0 where it is 0."""
    positive = share > 0
    return np.where(
        positive, np.log(np.where(positive, share, 1.0)), np.where(share == 0, -math.inf, math.nan)
    )


def _given(family: str, formula: Any, args: tuple[Any, ...], named: dict[str, Any], **usual: float) -> Any:
    """Return the shapes and then the other parameters, given by position or by name."""
    x, *shapes = formula.__code__.co_varnames[: formula.__code__.co_argcount]
    names = (*shapes, *usual)
    if len(args) > len(names) or set(named) - set(names[len(args) :]):
        x = "k" if x == "k" else "x"  # z is of x, loc and scale
        raise TypeError(f"{family}: expected {x} and {', '.join(names)}, not {args} and {sorted(named)}")
    given = usual | dict(zip(names, args, strict=False)) | named
    missing = [name for name in shapes if name not in given]
    if missing:
        raise TypeError(f"{family}: the shape {missing[0]} is missing")
    return [given[name] for name in shapes], *(given[name] for name in usual)


@dataclass(frozen=True)
class Continuous:
    """A family of densities, of z = (x - loc) / scale and the shapes."""

    name: str
    log_density: Formula  #: of z inside the support, and the shapes, which have their names from it
    distribution: Formula  #: likewise
    lower: float = -math.inf  #: the support of z
    upper: float = math.inf
    interior: float = 0.5  #: a place in it
    log_distribution: Formula | None = None  #: where the logarithm of the distribution would lose digits
    #: whether z and -z are equally likely: then what is above z is what is below -z, to all digits
    symmetric: bool = False

    def _arguments(self, x: Any, args: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        """Return z, scale, the shapes, and whether the parameters are such."""
        shapes, loc, scale = _given(self.name, self.log_density, args, named, loc=0.0, scale=1.0)
        good = _positive(scale, *shapes)
        scale, *shapes = _made_good((scale, *shapes), good, 1.0)
        return (_array(x) - loc) / scale, scale, shapes, good

    def logpdf(self, x: Any, *args: Any, **named: Any) -> Any:
        """Return the logarithm of the density at x."""
        z, scale, shapes, good = self._arguments(x, args, named)
        inside = (z >= self.lower) & (z <= self.upper) & good
        density = self.log_density(np.where(inside, z, self.interior), *shapes) - np.log(scale)
        return np.where(inside, density, np.where(good, -math.inf, math.nan))

    def pdf(self, x: Any, *args: Any, **named: Any) -> Any:
        """Return the density at x."""
        return np.exp(self.logpdf(x, *args, **named))

    def cdf(self, x: Any, *args: Any, **named: Any) -> Any:
        """Return the probability of a value up to x."""
        return self._up_to(self.distribution, 0.0, 1.0, self._arguments(x, args, named))

    def logcdf(self, x: Any, *args: Any, **named: Any) -> Any:
        """Return the logarithm of the probability of a value up to x."""
        return self._up_to(self._logarithm, -math.inf, 0.0, self._arguments(x, args, named))

    def _up_to(self, formula: Formula, below: float, above: float, arguments: tuple[Any, ...]) -> Any:
        """Return a formula inside the support, and what it comes to below and above it."""
        z, _, shapes, good = arguments
        inside = (z > self.lower) & (z < self.upper) & good
        share = formula(np.where(inside, z, self.interior), *shapes)
        return np.where(inside, share, np.where(good, np.where(z >= self.upper, above, below), math.nan))

    def _logarithm(self, z: Any, *shapes: Any) -> Any:
        if self.log_distribution is not None:
            return self.log_distribution(z, *shapes)
        return np.log(self.distribution(z, *shapes))

    def sf(self, x: Any, *args: Any, **named: Any) -> Any:
        """Return the probability of a value above x."""
        if not self.symmetric:
            return 1.0 - self.cdf(x, *args, **named)
        z, _, shapes, good = self._arguments(x, args, named)
        return np.where(good, self.distribution(-z, *shapes), math.nan)

    def logsf(self, x: Any, *args: Any, **named: Any) -> Any:
        """Return the logarithm of the probability of a value above x."""
        if not self.symmetric:
            return _log(self.sf(x, *args, **named))
        z, _, shapes, good = self._arguments(x, args, named)
        return np.where(good, self._logarithm(-z, *shapes), math.nan)


@dataclass(frozen=True)
class Discrete:
    """A family of probabilities of whole numbers k, counted from loc; parameters as `Continuous` has them."""

    name: str
    log_mass: Formula
    distribution: Formula
    lower: int
    valid: Formula
    upper: Formula | None = None

    def _arguments(self, k: Any, args: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        shapes, loc = _given(self.name, self.log_mass, args, named, loc=0.0)
        upper = math.inf if self.upper is None else self.upper(*shapes)
        good = self.valid(*shapes)
        return _array(k) - loc, _made_good(shapes, good, 0.5), upper, good

    def logpmf(self, k: Any, *args: Any, **named: Any) -> Any:
        """Return the logarithm of the probability of k."""
        k, shapes, upper, good = self._arguments(k, args, named)
        inside = (k >= self.lower) & (k <= upper) & (np.floor(k) == k) & good
        mass = self.log_mass(np.where(inside, k, self.lower), *shapes)
        return np.where(inside, mass, np.where(good, -math.inf, math.nan))

    def pmf(self, k: Any, *args: Any, **named: Any) -> Any:
        """Return the probability of k."""
        return np.exp(self.logpmf(k, *args, **named))

    def cdf(self, k: Any, *args: Any, **named: Any) -> Any:
        """Return the probability of a value up to k."""
        k, shapes, upper, good = self._arguments(k, args, named)
        k = np.floor(k)
        inside = (k >= self.lower) & (k < upper) & good
        share = self.distribution(np.where(inside, k, self.lower), *shapes)
        return np.where(inside, share, np.where(good, 1.0 * (k >= upper), math.nan))

    def logcdf(self, k: Any, *args: Any, **named: Any) -> Any:
        """Return the logarithm of the probability of a value up to k."""
        return _log(self.cdf(k, *args, **named))


def _array(x: Any) -> Any:
    return x if hasattr(x, "dtype") else np.asarray(x, dtype=np.float64)
