"""The judgement: a gradient's entries against differences of the function, each with what they can tell."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_course.engine.kinks import alone
from tinygrad_course.gradient_checking.analytic import Analytic
from tinygrad_course.gradient_checking.differences import (
    EPS,
    Slope,
    central,
    complex_step,
    extrapolate,
    slope,
)
from tinygrad_course.gradient_checking.lines import Problem
from tinygrad_course.gradient_checking.noise import Cause, cause_of, nearness_to_singular, noise_of
from tinygrad_course.gradient_checking.report import METHODS, Entry

#: A gradient is computed in rounded arithmetic too: this many units of its largest entry are allowed to it.
_ROUNDING = 1e3 * EPS


@dataclass(frozen=True)
class Line:
    """One line through the point, and what is known along it: an entry's (leaf k, place i), a direction's."""

    phi: Callable[[Any], Any]
    analytic: float
    scale: float = 1.0
    x: float = 0.0
    unit: float = 1.0
    size: float = 0.0
    k: int = -1
    i: int = -1


class Judge:
    """One check: the function along its lines, the gradient to be checked, and how they are compared."""

    def __init__(
        self, problem: Problem, analytic: Analytic, method: str, epsilon: float | None, rtol: float, seed: int
    ) -> None:
        if method not in METHODS:
            raise ValueError(f"method is {method!r}; expected one of {', '.join(METHODS)}")
        if epsilon is not None and not epsilon > 0:
            raise ValueError(f"epsilon is {epsilon}; expected a positive step such as 1e-7")
        self.problem, self.analytic = problem, analytic
        self.method, self.epsilon = method, epsilon
        self.rng = np.random.default_rng(seed)
        self.points = [leaf.x for leaf in problem.leaves]
        self.gradients = analytic.at(self.points)
        # A gradient computed in low precision is right to half of its digits, more can't be asked of it.
        self.rtol = max(rtol, float(np.sqrt(analytic.eps))) if analytic.eps > EPS else rtol
        self.rounding = max(_ROUNDING, 30 * analytic.eps)
        finite = [np.abs(g[np.isfinite(g)]) for g in self.gradients]
        self.largest = max(float(np.max(sizes, initial=0.0)) for sizes in finite)
        everywhere = [leaf.scale * self.rng.choice([-1.0, 1.0], leaf.x.shape) for leaf in problem.leaves]
        self.sigma = noise_of(problem.along(everywhere), 1.0)
        if self.sigma < 4 * EPS * abs(problem.value):  # neighbours of one value hide what large numbers lose
            self.sigma = max(self.sigma, self.recorded_sigma)

    def cause(self) -> Cause | None:
        """Return what rounds most in the cost; None where it does not record, for whatever reason."""
        found: Cause | None = self._recorded(cause_of, None)
        return found

    def _recorded(self, ask: Callable[..., Any], otherwise: Any) -> Any:
        try:
            return ask(self.problem.scalar, *self.problem.recorded())
        except Exception:  # noqa: BLE001
            return otherwise

    @cached_property
    def nearest_pole(self) -> float:
        """How near the cost's matrices are to singular ones, beside their size."""
        return float(self._recorded(nearness_to_singular, 1.0))

    @cached_property
    def recorded_sigma(self) -> float:
        """The rounding by the recording: neighbours of one value hide it where large numbers cancel."""
        found = self.cause()
        return max(self.sigma, 0.0 if found is None else found.rounding)

    # -------------------------------------------------------------- one derivative

    def look(self, phi: Callable[[Any], Any], scale: float, x: float, g: float) -> Slope:
        """Return the derivative by the method that was asked for."""
        if self.epsilon is not None:
            found = central(phi, self.epsilon, self.sigma)
            rounding = EPS * abs(x) / self.epsilon * abs(found.value)  # of x + epsilon
            return replace(found, truncation=0.0, noise=found.noise + rounding)
        if self.method == "complex":
            value = complex_step(self.problem.complex_along(phi))
            if value is None:
                raise ValueError(
                    f"{self.problem.name} does not compute with complex numbers, which method='complex' "
                    "needs; leave the method away"
                )
            return Slope(value, _ROUNDING * abs(value), 0.0, 0.0)
        if self.method == "richardson":
            return extrapolate(phi, scale, self.sigma)
        enough = self.rtol * max(abs(g), 0.01 * self.largest) + 1e-10 * abs(self.problem.value) / scale
        return slope(phi, scale, abs(self.problem.value), self.sigma, enough)

    def closer(self, phi: Callable[[Any], Any], scale: float, sigma: float = 0.0) -> Slope:
        """Return the derivative by extrapolation, or by the complex step where both agree."""
        sigma = max(noise_of(phi, scale), self.sigma, sigma)
        found = extrapolate(phi, scale, sigma)
        if found.shape != "smooth" or sigma > 1e4 * EPS * max(abs(self.problem.value), found.size):
            return found  # what cancels in between spoils a complex step too
        value = complex_step(self.problem.complex_along(phi))
        if value is not None and abs(value - found.value) <= found.error + 1e-6 * abs(value) and value:
            return replace(found, value=value, noise=_ROUNDING * abs(value), truncation=0.0)
        return found

    # -------------------------------------------------------------- the judgement

    def agree(self, g: float, found: Slope, size: float) -> bool:
        """Whether an analytic value is what the differences say, as far as these can tell."""
        allowed = found.error + self.rtol * max(abs(g), abs(found.value)) + self.rounding * size
        return bool(abs(g - found.value) <= allowed)

    def blind(self, g: float, found: Slope, scale: float, part: float) -> bool:
        """Whether the differences are so noisy that a mistake of some part of the gradient would go unseen.

        Where the gradient is 0 within the noise: whether the noise is no thousandth of the function's values.
        """
        if g == 0 and found.size == 0:  # all that was looked at is 0
            return False
        magnitude = max(self.largest, np.nan_to_num(abs(self.problem.value)) / scale, found.size / scale)
        if abs(g) <= found.error:
            return not found.error <= 0.01 * part * max(magnitude, 1e-30)
        return found.error > part * max(abs(g), abs(found.value)) and found.error > 1e-6 * part * magnitude

    def right_from_nearby(self, g: float, size: float, line: Line) -> bool:
        """Whether steps that are small beside this entry say what the gradient says: an edge may be close."""
        if self.epsilon is not None or line.k < 0:
            return False
        own = [1e-3 * abs(line.x) / line.scale] if line.x else []  # 1e-20 beside 0.1
        for nearness in (1e-3, 1e-5, 1e-7, 1e-9, *own):
            scale = line.scale * nearness
            sigma = min(self.sigma, noise_of(line.phi, scale))
            found = slope(line.phi, scale, abs(self.problem.value), sigma, 0.0)
            if found.error <= 1e-4 * abs(g) and found.shape == "smooth" and self.agree(g, found, size):
                return True
        return False

    def unresolved(self, g: float, found: Slope, line: Line) -> bool:
        """Whether any gradient as small as this would have passed: then nothing is known of its sign or size.

        A complex step resolves any derivative. Where the function takes none, the best of the differences
        must tell the sign, and of a 0 that the function does not move.
        """
        size = max(abs(g), abs(found.value))
        resolution = found.error + self.rounding * max(self.largest, line.size)
        if line.k < 0 or 1e-3 * size > resolution:
            return False
        seen = size > 2 * resolution
        value = complex_step(self.problem.complex_along(line.phi))
        if value is not None:
            rounding = (self.rounding if seen else 4 * EPS) * self.largest
            return bool(abs(g - value) > self.rtol * max(abs(g), abs(value)) + rounding)
        if seen:
            return False
        if g == 0:
            here = line.phi(0.0)
            steps = (1e-3 * line.scale, 0.03 * line.scale)
            near, far = ([line.phi(sign * step) != here for sign in (1, -1)] for step in steps)
            return any(near) or all(far)  # a unit that is off nearby may be switched on from one side
        best = self.closer(line.phi, line.scale)
        return best.error > 0.1 * abs(g) or not self.agree(g, best, abs(g))

    def by_rounding_alone(self, g: float, found: Slope, line: Line) -> bool:
        """Whether an entry is off the differences, and only the largest entry's rounding allows for that.

        A gradient that is a function tells how far it is rounded: by what it gives right beside the point.
        """
        unit = 4 * max(EPS, self.analytic.eps)
        off = abs(g - found.value) - found.error - self.rtol * max(abs(g), abs(found.value))
        if line.k < 0 or not off > unit * self.largest:
            return False
        if not self.analytic.is_function:
            return True
        near = [[x + unit * x * self.rng.choice([-1, 0, 1], x.shape) for x in self.points] for _ in range(6)]
        rounded = [float(np.ravel(self.analytic.at(point)[line.k])[line.i]) - g for point in near]
        return off > 10 * max(map(abs, rounded))

    def past_a_pole(self, g: float, size: float, line: Line) -> bool:
        """Whether the steps go past a singular matrix, and smaller ones do not tell that this is wrong."""
        if self.nearest_pole > 1e-4:
            return False
        closest = self.closer(line.phi, 0.03 * self.nearest_pole * line.scale, self.recorded_sigma)
        return self.agree(g, closest, size) or not closest.error < 0.1 * abs(g - closest.value)

    def right_nearby(self, line: Line) -> bool:
        """Whether the gradient is right at two points beside this one."""
        if line.k < 0 or not self.analytic.is_function:
            return False
        away = 1e-4
        for _ in range(2):
            point = [
                leaf.x
                + away * leaf.scale * self.rng.uniform(0.5, 1.0, leaf.x.shape) * self.rng.choice([-1, 1])
                for leaf in self.problem.leaves
            ]
            g = float(np.ravel(self.analytic.at(point)[line.k])[line.i])
            phi = self.problem.entry(line.k, line.i, point)
            found = slope(phi, line.scale, abs(self.problem.value), self.sigma, 0.0, away * line.scale / 64)
            near = found.error <= 1e-3 * max(abs(g), abs(found.value), abs(line.analytic))
            other = abs(g - line.analytic) > 10 * found.error
            if not (near and other and self.agree(g, found, self.largest)):
                return False
        return True

    def convention(self, g: float, line: Line) -> bool:
        """Whether the point is a kink to which some convention gives this gradient, right beside it.

        ``relu(b) - relu(-b)`` shows no kink at 0, and yet it is made of two. A gradient that is wrong at this
        one point looks the same: it is told apart by what the library gives, for the whole or kink by kink.
        """
        if not self.right_nearby(line):
            return False
        if self.analytic.is_own:
            return True
        for by_itself in (False, True):
            before = alone.set(by_itself)
            try:
                own = Analytic(self.problem, None, None).at(self.points)[line.k]
            except (TypeError, ValueError):  # it can't be recorded
                return True
            finally:
                alone.reset(before)
            if self.agree(g, Slope(float(np.ravel(own)[line.i]), 0.0, 0.0, 0.0), self.largest):
                return True
        return False

    def judge(self, name: str, index: tuple[int, ...] | None, line: Line) -> Entry:
        """Return the entry with its verdict; what does not agree at first is looked at closely."""
        g, scale, phi = line.analytic, line.scale, line.phi
        first = best = self.look(phi, scale, line.x, g)
        size = max(self.largest, line.size)
        seen = 0.01 if self.epsilon is None else 0.1
        status, remark = "right", ""
        if not np.isfinite(g):
            best = self.closer(phi, scale)
            status = "undecided" if best.shape in {"broken", "edge"} else "wrong"
            if np.isinf(g) and _steepens(phi, scale, g):
                status, remark = "right", "the slope grows without bound here"
        elif not self.agree(g, first, size) or first.shape != "smooth" or self.blind(g, first, scale, seen):
            best = self.closer(phi, scale)
            status, remark = self._verdict(g, best, size, line)
        if status == "right" and not remark and self.by_rounding_alone(g, best, line):
            status, remark = "undecided", "off by no more than rounding beside the largest entry"
        if status == "right" and self.unresolved(g, first, line):
            status, remark = "undecided", "smaller than what differences can tell"
            if (closest := self.closer(phi, scale)).shape == "kink":  # as of |x| at 0, with sides alike
                best = closest
                status, remark = self._verdict(g, best, size, line)
        unit = line.unit
        numeric = first.value if np.isfinite(first.value) else best.value
        return Entry(
            name, index, g / unit, numeric / unit, first.noise / unit, best.error / unit, first.step,
            best.left / unit, best.right / unit, status, best.value / unit, remark,
        )  # fmt: skip

    def _verdict(self, g: float, best: Slope, size: float, line: Line) -> tuple[str, str]:
        if best.shape == "broken":
            return "undecided", "the function is not finite here"
        if self.agree(g, best, size) and not self.blind(g, best, line.scale, 0.1):
            return "right", "at the edge of the function's domain" if best.shape == "edge" else ""
        if best.shape == "jump":
            return "undecided", "the function jumps here"
        if best.shape == "kink":
            slack = best.error + self.rtol * max(abs(best.left), abs(best.right)) + self.rounding * size
            inside = min(best.left, best.right) - slack <= g <= max(best.left, best.right) + slack
            if inside or self.convention(g, line):
                return "kink", ""
            return "wrong", f"outside of the two sides, {best.left:.6g} and {best.right:.6g}"
        if self.agree(g, best, size):
            return "undecided", "too noisy to tell"
        if self.right_from_nearby(g, size, line):
            return "right", "near the edge of the function's domain"
        if best.noise * best.step > 0.5 * best.size:
            return "undecided", "too noisy to tell"
        if g and _steepens(line.phi, line.scale, g):
            return "undecided", "the slope grows without bound near here"
        if self.recorded_sigma > self.sigma:
            noisier = self.closer(line.phi, line.scale, self.recorded_sigma)
            if self.agree(g, noisier, size):
                blind = self.blind(g, noisier, line.scale, 0.1)
                return ("undecided", "too noisy to tell") if blind else ("right", "")
        if self.past_a_pole(g, size, line):
            return "undecided", "a matrix is so nearly singular that differences step past the pole"
        if self.convention(g, line):
            return "kink", f"differences give {best.value:.6g}; the gradient is right at every point nearby"
        return "wrong", ""

    # -------------------------------------------------------------- the lines

    def entries(self, only: Sequence[tuple[int, int]] | None = None) -> list[Entry]:
        """Check entry by entry; `only` some, by leaf and place."""
        found = []
        for k, leaf in enumerate(self.problem.leaves):
            scales = np.ravel(leaf.scale)
            units = np.ravel(np.broadcast_to(self.analytic.units[k], leaf.x.shape))
            places = range(leaf.x.size) if only is None else [i for j, i in only if j == k]
            for i in places:
                line = Line(
                    self.problem.entry(k, i), float(np.ravel(self.gradients[k])[i]), float(scales[i]),
                    float(np.ravel(leaf.x)[i]), float(units[i]), 0.0, k, i,
                )  # fmt: skip
                index = tuple(int(j) for j in np.unravel_index(i, leaf.x.shape)) if leaf.x.shape else ()
                found.append(self.judge(leaf.name, index, line))
        return found

    def directions(self, count: int) -> list[Entry]:
        """Check random directions through all arrays at once; where one fails, find where."""
        leaves = self.problem.leaves
        name = "all parameters" if len(leaves) > 1 else leaves[0].name
        found = [self._direction(name, None) for _ in range(count)]
        if all(e.status == "right" for e in found):
            return found
        for k, leaf in enumerate(leaves):
            mine = self._direction(leaf.name, k)
            found.append(mine)
            if mine.status == "wrong" and leaf.x.size > 1:
                sizes = np.abs(np.ravel(self.gradients[k]))
                places = {*np.argsort(-sizes)[:4].tolist(), *self.rng.integers(0, leaf.x.size, 4).tolist()}
                found += [e for e in self.entries([(k, i) for i in sorted(places)]) if e.status == "wrong"]
        return found

    def _direction(self, name: str, only: int | None) -> Entry:
        steps = []
        for k, leaf in enumerate(self.problem.leaves):
            signs = self.rng.choice([-1.0, 1.0], leaf.x.shape) * leaf.scale
            steps.append(signs if only in {None, k} else np.zeros(leaf.x.shape))
        parts = [g * d for g, d in zip(self.gradients, steps, strict=True)]
        norm = float(np.sqrt(sum(np.sum(np.square(p)) for p in parts)))  # of what cancels in the sum
        derivative = float(sum(np.sum(p) for p in parts))
        line = Line(self.problem.along(steps), derivative, size=norm * self.rtol / self.rounding)
        return self.judge(name, None, line)


def _steepens(phi: Callable[[Any], Any], scale: float, g: float) -> bool:
    """Whether the quotients grow with every smaller step, towards an infinity of the sign of g."""
    middle, quotients = phi(0.0), []
    for step in scale * np.array([1e-3, 1e-6, 1e-9]):
        up, down = (phi(step) - middle) / step, (middle - phi(-step)) / step
        quotients.append([q for q in (up, down) if np.isfinite(q)])
    if not all(quotients):
        return False
    sizes = [min(np.sign(g) * q for q in side) for side in quotients]
    return bool(0 < 3 * sizes[0] < sizes[1] and 3 * sizes[1] < sizes[2])
