"""What an iteration adds to its parameters, or an optimizer to what it remembers, and the derivatives."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from tinygrad_course.audit.execution.paths import Path, label, leaves, pairs
from tinygrad_course.audit.kinds.base import Unfit
from tinygrad_course.audit.kinds.cases import Array
from tinygrad_course.audit.kinds.gradient_names import ratio_of
from tinygrad_course.audit.reference.comparison import Named, both

Slopes = Mapping[Path, Array]


class OtherShapesError(Unfit):
    """The labels, say, are taken for some of another shape."""


class MeantError(Unfit):
    """Most updates are the derivatives, and the others may be meant as they are."""


class Candidate(NamedTuple):
    """A cost that an iteration computes, or that its outputs and labels imply."""

    name: str
    output: str
    cost: Callable[[Any], Any] | None
    """Of an output; None where the number is seen itself."""


class Fit(NamedTuple):
    """How far the updates of an iteration are the derivatives of a cost, all times one number."""

    right: list[Path]
    after: dict[Path, Array]
    """What is right at the end of the iteration."""
    otherwise: str = ""
    """Why those that are not right may be meant so."""
    penalized: bool = False
    """Whether there is a penalty on the weights that the cost has not."""
    factor: float = 1.0
    """How many times too large all of them are, -1 where they raise the cost."""
    summed: bool = False
    """Whether they are those of a sum over the examples: the loop has no cost of its own, and no 1/m."""
    doubt: bool = False
    """Whether none of them is a derivative."""


class Step(NamedTuple):
    """What an iteration adds to its parameters, and the derivatives there of one cost."""

    slope: Slopes
    values: Slopes
    steps: Slopes
    numbers: list[float]
    """The numbers that the iteration begins with: one of them may be the learning rate."""


class _Terms(NamedTuple):
    """The numbers times which the derivative, and of a penalty the parameter and its sign, are an update."""

    rate: float
    square: float = 0.0
    absolute: float = 0.0


def fitted(step: Step, *, descends: bool) -> Fit | None:
    """Tell which updates are the derivatives times one number, which most of them have; None without one."""
    values, numbers = step.values, step.numbers
    terms = {path: _terms(step.steps[path], step.slope[path], value) for path, value in values.items()}
    told = {path: one.rate for path, one in terms.items() if one is not None and values[path].size > 1}
    known = [rate * times for rate in numbers for times in (1.0, 2.0, 0.5) if rate > 0]
    for path, one in terms.items():  # one number is a multiple of any other: it is to be the learning rate
        if path not in told and one is not None and any(abs(-one.rate / rate - 1) < 1e-4 for rate in known):
            told[path] = one.rate
    order = sorted(dict.fromkeys(told.values()), key=lambda rate: descends and rate > 0)
    fits = [_at_rate(rate, terms, step) for rate in order]
    best = max(fits, key=lambda fit: (len(fit.right), not fit.otherwise), default=None)
    if best is None or not descends or best.otherwise or len(best.right) < len(values):
        return best
    rate = told[next(path for path in best.right if path in told)]
    if rate < 0:
        return best
    after = {path: value - rate * step.slope[path] for path, value in values.items()}
    return Fit(best.right, after, factor=-1.0)


Sum = tuple[str, tuple[int, ...], float]
"""The name of a cost over all examples that outputs and labels imply, the outputs' shape, how many times."""


def in_scale(fit: Fit, step: Step, rates: list[float], sums: list[Sum], *, own: bool, strict: bool) -> Fit:
    """Hold updates that are the derivatives of a cost, all times one number, against the learning rate.

    `sums` are given as multiples of this cost. Without `strict` the number is a mistake only where 1/m is
    missing, or is there twice; where the cost is not the loop's own, it is none.
    """
    rate = _ratio(step.steps, step.slope)
    if rate is None or rate > 0 or not rates:
        return fit
    near = min(rates, key=lambda one: abs(np.log(-rate / one)))
    factor = -rate / near
    words, shape, times = next(iter(sums), ("", (), 0.0))
    sizes = [size for size in (*shape, math.prod(shape)) if size > 1]
    whole = any(abs(factor / size - 1) < 2e-3 for size in sizes)
    part = any(abs(factor * size - 1) < 2e-3 for size in sizes)
    summed = abs(times - 1) < 2e-3
    if abs(factor - 1) < 2e-3:
        return fit._replace(summed=summed and bool(sizes) and not own)
    meant = part and summed  # a sum of losses is divided where it is printed
    if not own or meant or not (strict or ((whole or part) and "cross-entropy" in words)):
        return fit
    after = {path: value - near * step.slope[path] for path, value in step.values.items()}
    return fit._replace(after=after, factor=factor)


def _ratio(steps: Mapping[Any, Array], slope: Mapping[Any, Array]) -> float | None:
    """Return the number times which derivatives are steps, however small that learning rate is."""
    top = max((float(np.max(np.abs(one), initial=0.0)) for one in steps.values()), default=0.0)
    ratio = ratio_of({path: one / top for path, one in steps.items()}, slope) if top else None
    return None if ratio is None else ratio * top


def _terms(step: Array, slope: Array, value: Array) -> _Terms | None:
    rate = _ratio({"": step}, {"": slope})
    if rate is not None:
        return _Terms(rate)
    known = ~np.isnan(slope)  # where it was looked at
    step, slope, value = step[known], slope[known], value[known]
    columns = [slope, value, np.sign(value)]
    for count in (2, 3):
        if value.size < count + 2:
            return None
        table = np.stack(columns[:count], axis=1)
        found = np.linalg.lstsq(table, step)[0]
        top = np.max(np.abs(step), initial=0.0)
        exact = np.allclose(table @ found, step, rtol=1e-3, atol=1e-5 * top)
        if exact and -1 < found[1] <= 1e-9 and found[-1] <= 1e-9:
            return _Terms(*map(float, found))
    return None


def _at_rate(rate: float, terms: dict[Path, _Terms | None], step: Step) -> Fit:
    """Tell which updates are the derivatives times a number, a penalty on the weights allowed for."""
    right = [path for path, one in terms.items() if one is not None and abs(one.rate / rate - 1) < 1e-3]
    known = {path: one for path, one in terms.items() if one is not None and path in right}
    penalty = next((one for one in known.values() if one.square or one.absolute), _Terms(rate))
    after: dict[Path, Array] = {}
    for path, value in step.values.items():
        # A penalty on the weights has none on the biases.
        weights = value.ndim > 1 and min(value.shape) > 1
        own = known.get(path, penalty if weights else _Terms(rate))
        after[path] = value + rate * step.slope[path] + own.square * value + own.absolute * np.sign(value)
        if path in right:  # to the last digit, which difference quotients have not
            after[path] = value + step.steps[path]
    meant = _meant(rate, [path for path in step.values if path not in right], terms, step)
    return Fit(right, after, meant, any(one.square or one.absolute for one in known.values()))


def _meant(rate: float, wrong: list[Path], terms: dict[Path, _Terms | None], step: Step) -> str:
    """Say why updates that are not the derivatives times the number of the others may be meant so."""
    sizes = {float(size) for value in step.values.values() for size in value.shape if size > 1}
    others = [terms[path] for path in wrong]
    factors = [one.rate / rate for one in others if one is not None]
    same = len(factors) > 1 and len(factors) == len(others) and max(factors) - min(factors) < 1e-3
    pairs = [one / other for one in step.numbers for other in step.numbers if other and one != other]
    for factor in factors:
        whole = abs(factor - round(factor)) < 1e-3 or abs(1 / factor - round(1 / factor)) < 1e-3
        told = whole or any(abs(factor / size - 1) < 1e-3 for size in sizes)
        if same or not told or any(abs(one / factor - 1) < 1e-6 for one in pairs):
            return "its updates are the derivatives of a cost, some times another number than the others"
    for path in wrong:
        size = np.abs(np.ravel(step.steps[path]))
        slope = both(step.slope[path], step.slope[path])[0]
        if np.sum(size > 0.999999 * np.max(size)) > 1 and np.ptp(np.abs(slope)) > 1e-6:
            return "it clips its gradients"
    return ""


def remembered(slope: Slopes, memory: Mapping[Path, tuple[Array, Array]]) -> Fit | None:
    """Tell which of what an optimizer remembers moves by the derivatives, or by their squares."""
    best: Fit | None = None
    for group in _groups(memory):
        for power in (1, 2):
            want = {path: value**power for path, value in slope.items()}
            fit = _moves(want, {path: memory[path] for path in group})
            if fit is not None and (best is None or len(fit.right) > len(best.right)):
                best = fit
    return best


def _moves(want: Slopes, memory: dict[Path, tuple[Array, Array]]) -> Fit | None:
    partner: dict[Path, Path] = {}
    factors: dict[Path, float] = {}
    for path, value in want.items():
        for place, (before, after) in memory.items():
            ratio = None
            if value.size > 1 and place not in partner.values() and before.shape == value.shape:
                ratio = _ratio({"": after - before}, {"": value})
            if ratio is not None:
                partner[path], factors[path] = place, ratio
                break
    if not factors:
        return None
    rate = sorted(factors.values())[len(factors) // 2]
    right = [path for path, ratio in factors.items() if abs(ratio / rate - 1) < 1e-3]
    for path, value in want.items():
        if path not in partner:
            left = [place for place in memory if place not in partner.values()]
            alike = [place for place in left if memory[place][0].shape == value.shape]
            if len(alike) != 1:
                return None
            partner[path] = alike[0]
    moved = {place: memory[place][0] + rate * want[path] for path, place in partner.items()}
    exact = {partner[path]: memory[partner[path]][1] for path in right}
    return Fit([*exact], moved | exact)


def _groups(memory: Mapping[Path, object]) -> Iterator[list[Path]]:
    """Give what belongs together of what is remembered: a list, a dictionary, vW and vb."""
    found: dict[Path, list[Path]] = {}
    for path in memory:
        named = isinstance(path[-1], str) and len(path) < 3
        last = re.sub(r"(?i)(w|b|weights?|bias(es)?|theta)?_?\d*$", "", path[-1]) if named else ""
        found.setdefault((*path[:-1], last), []).append(path)
    return iter(found.values())


def changed_by(start: Named, after: Named) -> dict[Path, Any]:
    """Return what an iteration changes of the numbers that it begins with, each array once."""
    ends = dict(leaves(after))
    found: dict[Path, Any] = {}
    seen: set[int] = set()
    for path, value in leaves(start):
        new = ends.get(path)
        if new is None or np.shape(new) != np.shape(value) or np.array_equal(new, value):
            continue
        if id(value) not in seen or not isinstance(value, np.ndarray):
            found[path] = value
        seen.add(id(value))
    return found


def on_the_way(start: Named, after: Named, fit: Fit, slope: Slopes) -> dict[str, Array]:
    """Return what the gradients are that have a name, up to the factor that right ones have."""
    held = dict(leaves(after))
    names = [(of, path) for of, path in pairs(start, after) if of in slope]
    factors: set[float] = set()
    for of, path in names:
        ratio = ratio_of({"": held[path]}, {"": slope[of]}) if slope[of].ndim and of in fit.right else None
        factors |= {round(ratio, 4)} if ratio is not None else set()
    if len(factors) != 1:
        return {}
    factor = abs(factors.pop()) if fit.factor < 0 else factors.pop() if fit.factor == 1 else 1.0
    return {label(path): factor * slope[of] for of, path in names if of in fit.after}
