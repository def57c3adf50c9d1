"""What the graph says: gradients of a learner's own forward function.

The forward function is run on Tensors, and its recording is differentiated. Where it cannot be recorded (a
loop that fills an array, `float(...)`), central differences of the very same function take its place.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_course.audit.execution.paths import Path, duplicate, leaves, put

Array = NDArray[Any]
Parameters = dict[str, Array]
STEP = 1e-5
NEGLIGIBLE = 1e-5
"""What a slope may be off by, as a part of the largest."""
ENTRIES, SAMPLE = 1000, 40
"""How many numbers are moved one by one; of a larger array a sample of its entries is."""


def gradients(cost: Callable[[Parameters], Any], parameters: Parameters) -> tuple[dict[str, Array], str]:
    """Return the gradient of a cost for every parameter, and what says so: "graph" or "central differences".

    The two are held against each other: a recording that a function has broken (going through `.data`, say)
    is not believed.
    """
    found = _differences(lambda theta: float(np.squeeze(cost(theta))), parameters, lambda *_: True)
    by_differences = {str(path[0]): slope for path, slope, _ in found}
    try:
        from tinygrad_course import grad

        by_graph = grad(cost)(parameters)
        recorded = {key: np.asarray(by_graph[key], dtype=float) for key in parameters}
    except Exception:  # noqa: BLE001 - the learner's function is given Tensors; whatever it does with them, differences remain
        return by_differences, "central differences"
    pairs = [(value, by_differences[key]) for key, value in recorded.items()]
    alike = all(np.allclose(*pair, rtol=1e-4, atol=1e-6) for pair in pairs)
    return (recorded, "graph") if alike else (by_differences, "central differences")


def slopes(
    cost: Callable[[Any], Any], theta: Any, wanted: Callable[[Path, Any], bool] = lambda path, value: True
) -> dict[Path, Array] | None:
    """Return the central differences of a cost for every number in theta, None at a kink of an array."""
    found = slopes_of_costs(cost, theta, wanted)
    # A number at a kink, as the chance with which units are kept may be, has none.
    found = {path: slope for path, slope in found.items() if np.ndim(slope) or smooth(slope)}
    return found if all(map(smooth, found.values())) else None


def smooth(slope: Array) -> bool:
    """Tell whether a cost has a derivative in each of the numbers that were moved, all or a sample."""
    return int(np.sum(np.isfinite(slope))) in {slope.size, SAMPLE}


@np.errstate(invalid="ignore", over="ignore")  # a cost may be infinite: then its slopes are NaN
def slopes_of_costs(
    costs: Callable[[Any], Any], theta: Any, wanted: Callable[[Path, Any], bool]
) -> dict[Path, Array]:
    """Return the central differences of costs, whose axis is the last, for every number in theta.

    A cost that is at a kink of one of theta's arrays has NaN there. Of large arrays a sample of the entries
    is looked at, the others are NaN.
    """
    found: dict[Path, Array] = {}
    allowed: dict[Path, Array] = {}
    here = np.asarray(costs(duplicate(theta)))
    noise = 8 * np.finfo(float).eps * np.abs(here) / STEP
    for path, slope, means in _differences(costs, theta, wanted):
        axes = tuple(range(slope.ndim - here.ndim))
        # Where the cost is smooth, its second difference goes as the square of the step.
        top = np.fmax(np.nanmax(np.abs(slope), axis=axes, initial=0.0), 1e-7)
        bend = 2 * np.nanmax(np.abs(means - here), axis=axes, initial=0.0) / STEP
        if np.any(bend > NEGLIGIBLE * top + noise):
            allowed[path] = NEGLIGIBLE * top + 10 * noise
        found[path] = np.where(bend > 0.02 * top, np.nan, np.where(np.abs(slope) <= noise, 0.0, slope))
    # A kink of one unit of many may bend it by less: then a smaller step gives another slope.
    for path, slope, _ in _differences(costs, theta, lambda path, _: path in allowed, STEP / 10):
        axes = tuple(range(slope.ndim - here.ndim))
        kinked = np.any(np.abs(slope - found[path]) > allowed[path], axis=axes)
        found[path] = np.where(kinked, np.nan, found[path])
    return found


def sampled(slopes: Mapping[str, Array]) -> str:
    """Say of which arrays a sample of the entries was looked at; "" where all were."""
    parts = [f"{name} ({one.size:,})" for name, one in slopes.items() if np.any(np.isnan(one))]
    return f"{SAMPLE} entries were looked at of each of {', '.join(parts)}" if parts else ""


def _differences(
    cost: Callable[[Any], Any], theta: Any, wanted: Callable[[Path, Any], bool], step: float = STEP
) -> Iterator[tuple[Path, Array, Array]]:
    """Give (J(theta + step) - J(theta - step)) / (2 step) and the mean of both, entry by entry of a leaf."""
    moving = [(path, value) for path, value in leaves(theta) if wanted(path, value)]
    for path, value in moving:
        found: list[Any] = []
        size = np.size(value)
        many = size > max(SAMPLE, ENTRIES // len(moving))
        seen = np.random.RandomState(size).choice(size, SAMPLE, replace=False) if many else np.arange(size)
        for place in seen:
            for shift in (step, -step):
                moved = np.array(value, dtype=float)
                moved[np.unravel_index(place, np.shape(value))] += shift
                new = put(duplicate(theta), path, moved if np.ndim(value) else float(moved))
                found.append(cost(new))
        sides = np.full((2, size, *np.shape(found[:1])[1:]), np.nan)
        sides[:, seen] = found[::2], found[1::2]
        sides = sides.reshape(2, *np.shape(value), *sides.shape[2:])
        yield path, (sides[0] - sides[1]) / (2 * step), (sides[0] + sides[1]) / 2
