"""What draws random numbers is judged by its properties: initial parameters and mini-batches."""

import ast
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.kinds.base import Assumption, Kind, roles, words
from tinygrad_course.audit.kinds.cases import Case, Draw
from tinygrad_course.audit.source.conventions import canonical
from tinygrad_course.audit.source.signatures import bare
from tinygrad_course.audit.source.syntax import names_of

EVERY = "every example once"
PAIRS = "x and y of an example together"
SIZES = "sizes of the mini-batches"
ORDER = "the order is shuffled"
_ROWS = np.array([[1.0], [100.0], [-1.0]])
"""What the number of an example is multiplied by in each row of X."""


class Initialize(Kind):
    """W1, b1, ...: weights that differ from each other, biases of zero, in the right shapes."""

    draws = True
    names = words(
        "initialize_parameters initialize_parameters_deep initialize_parameters_random "
        "initialize_parameters_he initialize_parameters_zeros initialise_parameters init_parameters "
        "initialize_params init_params initialise_params initialize_parameters_random_normal "
        "initialize_parameters_xavier"
    )
    signatures = roles("layer_dims", "n_x n_h n_y")
    outputs = ("parameters",)
    firm = True
    battery = words("distinct wide equal deep")
    examples = 5

    def fits(self, node: ast.FunctionDef) -> bool:
        """It takes the sizes of the layers: a list, or three numbers."""
        return len(node.args.args) in {1, 2, 3, 4} and len(node.args.args) != 2 + len(node.args.defaults)

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        """Draw the sizes; wide layers show the spread of the weights."""
        wide = draw.scale == "wide"
        if learner.has("layer_dims"):
            count = learner.depth() or (3 if wide else draw.layers())
            sizes = [40, 160, 25, 100][: count + 1] if wide else [draw.size(2, 6) for _ in range(count + 1)]
            values: dict[str, Any] = {"layer_dims": sizes}
        else:
            sizes = [40, 160, 30] if wide else [draw.size(2, 5), draw.size(2, 7), draw.size(2, 4)]
            values = dict(zip(("n_x", "n_h", "n_y"), sizes, strict=True))
        expected: dict[str, Any] = {}
        zeros = "zeros" in bare(learner.name)
        named_any = zeros or "random" in bare(learner.name)
        for layer, (before, after) in enumerate(pairwise(sizes), start=1):
            expected[f"shape of W{layer}"] = (after, before)
            if not named_any:
                expected[f"spread of W{layer}"] = True
            expected[f"shape of b{layer}"] = (after, 1)
            expected[f"b{layer}"] = np.zeros((after, 1))
            if zeros:
                expected[f"W{layer}"] = np.zeros((after, before))
        case = Case(values, expected, tuple(expected), layers=len(sizes) - 1)
        case.extra = {"wide": wide, "he": "_he" in bare(learner.name), "fans": sizes[:-1]}
        return case

    def read(self, result: Any, expression: ast.expr | None, case: Case) -> dict[str, Any]:
        """Read shapes, biases and weights."""
        known = {canonical(f"{x}{layer}"): f"{x}{layer}" for layer in range(1, case.layers + 1) for x in "Wb"}
        read = super().read(result, expression, case)
        found = {known.get(canonical(key), key): value for key, value in read.items()}
        four = isinstance(result, tuple) and len(result) == 4
        if four and not any(isinstance(part, dict) for part in result):
            order = [known.get(canonical(name), "") for name in names_of(expression, 4)]
            told = sorted(order) == sorted(known.values())
            found = dict(zip(order if told else ("W1", "b1", "W2", "b2"), result, strict=True))
        for key in [key for key in found if re.fullmatch(r"[Wb]\d", key)]:
            found[f"shape of {key}"] = np.shape(found[key])
            if key[0] == "W" and int(key[1:]) <= len(case.extra["fans"]):
                fan = case.extra["fans"][int(key[1:]) - 1]
                found[f"spread of {key}"] = _usual(found[key], fan, case.extra)
        return found

    def judge(self, values: Mapping[str, Any], case: Case) -> tuple[list[str], list[str]]:
        """Say where the spread is none of the course's, and no mistake either."""
        W = values.get("W1")
        if not case.extra["wide"] or "spread of W1" not in case.expected or not isinstance(W, np.ndarray):
            return [], []
        fan = case.extra["fans"][0]
        course = (0.01, 1 / np.sqrt(fan), np.sqrt(2 / fan))
        if any(abs(W.std() / right - 1) < 0.15 for right in course) or not values.get("spread of W1"):
            return [], []
        usual = "the course has 0.01, or 1/sqrt(n_prev), or sqrt(2/n_prev)"
        return [], [f"the spread of W1 is {W.std():.3g}: {usual}"]


def _usual(W: Any, fan: int, extra: Mapping[str, Any]) -> bool:
    """Tell whether weights differ, lie around 0, and are small or scaled by the inputs."""
    if not isinstance(W, np.ndarray) or W.ndim != 2 or W.dtype.kind != "f" or (W.size > 1 and np.ptp(W) == 0):
        return False
    if not extra["wide"]:
        return True
    std = float(W.std())
    if abs(W.mean()) > 6 * std / np.sqrt(W.size):  # np.random.rand has no negative numbers
        return False
    if any(abs(std * fan / scale - 1) < 0.1 for scale in (1, 2)) and abs(std / 0.01 - 1) > 0.3:
        return False  # 1/n or 2/n: the root is missing
    if extra["he"]:
        return bool(abs(std / np.sqrt(2 / fan) - 1) < 0.1)
    return bool(std < 0.5 or 0.4 < std * np.sqrt(fan) < 2.5)


class RandomMiniBatches(Kind):
    """A list of (X, Y) of at most mini_batch_size examples."""

    draws = True
    names = words("random_mini_batches random_minibatches mini_batches create_mini_batches")
    signatures = roles("X Y mini_batch_size seed", "X Y mini_batch_size", "X Y")
    outputs = ("mini_batches",)
    battery = words("distinct distinct exact large distinct")

    def assumptions(self, learner: Learner) -> list[Assumption]:
        """The examples are columns, as in the course, or rows where the function counts these."""
        counts_rows = re.search(r"shape\[0\]|\blen\(", learner.text()) is not None
        return [{"rows": False}, *[{"rows": True}] * counts_rows]

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        """Number the examples, so that each can be found again."""
        size = draw.choice([4, 8, 3]) if learner.has("mini_batch_size") else 64
        m = {"exact": 2 * size, "large": 3 * size - 1}.get(draw.scale) or draw.size(size + 1, 3 * size + 2)
        X = np.arange(1.0, m + 1) * _ROWS
        Y = np.arange(1.0, m + 1).reshape(1, m) + 0.5
        X, Y = (X.T, Y.T) if assumption["rows"] else (X, Y)
        values = {"X": X, "Y": Y, "mini_batch_size": size, "seed": draw.choice([0, 1, 2])}
        sizes = [size] * (m // size) + [m % size] * bool(m % size)
        expected = {EVERY: True, PAIRS: True, SIZES: sizes, ORDER: True}
        return Case(values, expected, (EVERY, PAIRS, SIZES), m=m, extra=assumption)

    def read(self, result: Any, expression: ast.expr | None, case: Case) -> dict[str, Any]:
        """Read what can be said of any right result."""
        try:
            batches = [(np.asarray(x, dtype=float), np.asarray(y, dtype=float)) for x, y in result]
            batches = [(x.T, y.T) for x, y in batches] if case.extra["rows"] else batches
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
        ordered = [ORDER] * (case.m >= 8 and values.get(ORDER) is False)
        return ordered, ["held against examples in rows, which it counts"] * case.extra["rows"]
