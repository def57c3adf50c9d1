"""random_mini_batches: any shuffle is right that keeps the pairs together and every example once."""

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.kinds.base import Assumption, Kind, roles, words
from tinygrad_course.audit.kinds.cases import Case, Draw

EVERY = "every example once"
PAIRS = "x and y of an example together"
SIZES = "sizes of the mini-batches"
ORDER = "the order is shuffled"
_ROWS = np.array([[1.0], [100.0], [-1.0]])
"""What the number of an example is multiplied by in each row of X."""


class RandomMiniBatches(Kind):
    """A list of (X, Y) of at most mini_batch_size examples."""

    draws = True
    names = words("random_mini_batches random_minibatches mini_batches create_mini_batches")
    signatures = roles("X Y mini_batch_size seed", "X Y mini_batch_size", "X Y")
    outputs = ("mini_batches",)
    battery = words("distinct distinct exact large distinct")

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        """Number the examples, so that each can be found again."""
        size = draw.choice([4, 8, 3]) if learner.has("mini_batch_size") else 64
        m = {"exact": 2 * size, "large": 3 * size - 1}.get(draw.scale) or draw.size(size + 1, 3 * size + 2)
        X = np.arange(1.0, m + 1) * _ROWS
        Y = np.arange(1.0, m + 1).reshape(1, m) + 0.5
        values = {"X": X, "Y": Y, "mini_batch_size": size, "seed": draw.choice([0, 1, 2])}
        sizes = [size] * (m // size) + [m % size] * bool(m % size)
        expected = {EVERY: True, PAIRS: True, SIZES: sizes, ORDER: True}
        return Case(values, expected, (EVERY, PAIRS, SIZES), m=m)

    def read(self, result: Any, expression: ast.expr | None, case: Case) -> dict[str, Any]:
        """Read what can be said of any right result."""
        try:
            batches = [(np.asarray(x, dtype=float), np.asarray(y, dtype=float)) for x, y in result]
            xs = np.concatenate([x[0] for x, _ in batches])
            whole = np.concatenate([x for x, _ in batches], axis=1)
            ys = np.concatenate([y.ravel() for _, y in batches])
            sizes = sorted((x.shape[1] for x, _ in batches), reverse=True)
        except (TypeError, ValueError, IndexError):
            return {}
        every = sorted(xs.tolist()) == sorted((ys - 0.5).tolist()) == list(range(1, case.m + 1))
        rows = all(y.shape == (1, x.shape[1]) for x, y in batches)
        pairs = rows and np.array_equal(xs + 0.5, ys) and bool(np.all(whole == xs * _ROWS))
        return {EVERY: every, PAIRS: pairs, SIZES: sizes, ORDER: xs.tolist() != list(range(1, xs.size + 1))}

    def judge(self, values: Mapping[str, Any], case: Case) -> tuple[list[str], list[str]]:
        """A shuffle of many examples does not leave all of them in their order."""
        return ([ORDER] if case.m >= 8 and values.get(ORDER) is False else []), []
