"""Where a function is smooth, found by trying: for the strategies that draw from the whole table of rules."""

import functools
import itertools
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_course.rules.table import Rule

Interval = tuple[float, float]

# Wide ones first; the later ones keep two arguments apart, or are inside of what the inverse functions take.
_INTERVALS: tuple[Interval, ...] = ((-2.0, 2.0), (0.4, 2.0), (0.2, 0.8), (1.3, 2.5), (-0.8, -0.2), (2.8, 3.2))
#: For arguments without a derivative: degrees, orders, exponents of 2.
_CONSTANTS: tuple[Any, ...] = (2, 1, 0.5)


@functools.cache
def smooth_domain(rule: Rule, count: int) -> tuple[Any, ...] | None:
    """Return for each of `count` arguments an interval on which a rule's function is smooth, or a constant.

    >>> from tinygrad_course.rules.table import RULES
    >>> smooth_domain(RULES[np.log], 1), smooth_domain(RULES[np.arcsin], 1)
    (((0.4, 2.0),), ((0.2, 0.8),))
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        choices = [_INTERVALS if _has_derivative(rule, i, count) else _CONSTANTS for i in range(count)]
        if _INTERVALS not in choices:
            return None
        places = itertools.product(*(range(len(choice)) for choice in choices))
        for order in sorted(places, key=sum):
            domain = tuple(choice[i] for choice, i in zip(choices, order, strict=True))
            if _smooth_on(rule, domain):
                return domain
    return None


def _has_derivative(rule: Rule, i: int, count: int) -> bool:
    """Whether the rule knows the derivative by an argument; that by an order or degree few rules know."""
    vjp = rule.vjps[min(i, len(rule.vjps) - 1)]
    if vjp is None:
        return False
    if rule.ties:
        return True
    for value in (np.float64(0.5), 1):
        args = [value] * count
        try:
            with np.errstate(all="ignore"):
                y = rule.function(*args)
                vjp(y, y, *args)  # the function's own values serve as the gradient from above
            return True
        except (TypeError, ValueError, Warning):
            continue
    return False


def _smooth_on(rule: Rule, domain: tuple[Any, ...]) -> bool:
    """Whether the function varies on lines through a box, finite with its derivatives, and without a kink."""
    varies = False
    for ends in _lines(domain):
        values = []
        for t in _POINTS:
            args = [
                a if not isinstance(a, tuple) else begin + (end - begin) * t
                for a, (begin, end) in zip(domain, ends, strict=True)
            ]
            try:
                with np.errstate(all="ignore"):
                    found = rule.function(*args)
                    if not _finite_derivatives(rule, found, args, domain):
                        return False
            except (TypeError, ValueError, Warning):
                return False
            values.append([np.asarray(y) for y in (found if isinstance(found, tuple) else (found,))])
        for coarse, fine in zip(*values, strict=True):
            if coarse.dtype.kind == "f":
                if not _smooth(coarse, fine):
                    return False
                varies = varies or float(np.ptp(fine)) > 1e-6
    return varies


def _finite_derivatives(rule: Rule, y: Any, args: list[Any], domain: tuple[Any, ...]) -> bool:
    options = {"constants": (False,) * len(args)} if rule.ties else {}
    return all(
        vjp is None or not isinstance(a, tuple) or bool(np.isfinite(vjp(y, y, *args, **options)).all())
        for vjp, a in zip(rule.vjps, domain, strict=False)
    )


def _lines(domain: tuple[Any, ...]) -> Iterator[list[Any]]:
    rng = np.random.default_rng(0)
    for k in range(5):
        drawn: Any = rng.permutation if k < 2 else lambda ends: rng.uniform(ends[0], ends[1], 2)
        yield [drawn(a) if isinstance(a, tuple) else (a, a) for a in domain]


_POINTS = (np.linspace(0.0, 1.0, 33), np.linspace(0.0, 1.0, 129))


def _smooth(coarse: Any, fine: Any) -> bool:
    if not (np.isfinite(coarse).all() and np.isfinite(fine).all()) or np.max(np.abs(fine)) > 100:
        return False
    bends = [float(np.max(np.abs(np.diff(y, 2)))) for y in (coarse, fine)]
    # Of four times the points, the second differences are 16 times smaller where smooth, 4 times at a kink.
    return bends[1] <= bends[0] / 9 + 1e-13
