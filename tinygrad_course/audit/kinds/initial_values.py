"""Initial parameters: their shapes, zeros where zeros belong, and the spread of the weights."""

import ast
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.kinds.base import Assumption, Kind
from tinygrad_course.audit.kinds.cases import Case, Draw
from tinygrad_course.audit.source.signatures import bare


class LayerSizes(Kind):
    """n_x, n_h and n_y from X and Y."""

    names: ClassVar[tuple[str, ...]] = ("layer_sizes",)
    signatures: ClassVar[tuple[tuple[str, ...], ...]] = (("X", "Y"),)
    outputs: ClassVar[tuple[str, ...]] = ("n_x", "n_h", "n_y")
    step = "of the sizes"

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        """Draw X and Y."""
        del learner, assumption
        n_x, n_y, m = draw.size(1, 6), draw.size(1, 6), draw.size(1, 6)
        values = {"X": draw.array(n_x, m), "Y": draw.array(n_y, m)}
        return Case(values, {"n_x": n_x, "n_y": n_y}, ("n_x", "n_y"), m=m)


class Initialize(Kind):
    """W1, b1, ...: weights that differ from each other, biases of zero, in the right shapes."""

    names: ClassVar[tuple[str, ...]] = (
        "initialize_parameters",
        "initialize_parameters_deep",
        "initialize_parameters_random",
        "initialize_parameters_he",
        "initialize_parameters_zeros",
        "initialise_parameters",
        "init_parameters",
        "initialize_params",
        "init_params",
        "initialise_params",
        "initialize_parameters_random_normal",
        "initialize_parameters_xavier",
    )
    signatures: ClassVar[tuple[tuple[str, ...], ...]] = (("layer_dims",), ("n_x", "n_h", "n_y"))
    outputs: ClassVar[tuple[str, ...]] = ("parameters",)
    random = True
    step = "of the initial values"
    battery: ClassVar[tuple[str, ...]] = ("distinct", "wide", "equal", "distinct")
    examples: ClassVar[int] = 5

    def fits(self, node: ast.FunctionDef) -> bool:
        """It takes the sizes of the layers: a list, or three numbers."""
        return len(node.args.args) in {1, 2, 3, 4} and len(node.args.args) != 2 + len(node.args.defaults)

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        """Draw the sizes; wide layers show the spread of the weights."""
        del assumption
        wide = getattr(draw, "scale", "") == "wide"
        if learner.has("layer_dims"):
            count = learner.depth() or (3 if wide else draw.size(1, 3))
            sizes = [40, 160, 25, 100][: count + 1] if wide else [draw.size(2, 6) for _ in range(count + 1)]
            values: dict[str, Any] = {"layer_dims": sizes}
        else:
            sizes = [40, 160, 30] if wide else [draw.size(2, 5), draw.size(2, 7), draw.size(2, 4)]
            values = dict(zip(("n_x", "n_h", "n_y"), sizes, strict=True))
        expected: dict[str, Any] = {}
        zeros = "zeros" in bare(learner.name)
        for layer, (before, after) in enumerate(pairwise(sizes), start=1):
            shape = (before, after) if learner.convention.transposed else (after, before)
            expected[f"shape of W{layer}"] = shape
            expected[f"shape of b{layer}"] = (after, 1)
            expected[f"b{layer}"] = np.zeros((after, 1))
            if zeros:
                expected[f"W{layer}"] = np.zeros(shape)
        case = Case(values, expected, tuple(expected), layers=len(sizes) - 1)
        case.scalars = {
            "wide": float(wide),
            "he": float("_he" in bare(learner.name)),
            "any": float("random" in bare(learner.name) or zeros),
        }
        return case

    def read(self, result: Any, expression: ast.expr | None, case: Case) -> dict[str, Any]:
        """Read shapes, biases and weights."""
        found = super().read(result, expression, case)
        if (
            isinstance(result, tuple)
            and not any(isinstance(part, dict) for part in result)
            and len(result) == 4
        ):
            found = dict(zip(("W1", "b1", "W2", "b2"), result, strict=True))
        for key in [key for key in found if re.fullmatch(r"[Wb]\d", key)]:
            found[f"shape of {key}"] = np.shape(found[key])
        return found

    def judge(self, values: Mapping[str, Any], case: Case) -> tuple[list[str], list[str]]:
        """Judge the weights: they differ, they are normal, and their spread is the course's."""
        wrong: list[str] = []
        remarks: list[str] = []
        if case.scalars["any"] and any(f"W{layer}" in case.expected for layer in range(1, 9)):
            return [], []
        spreads: list[tuple[int, float]] = []
        for layer in range(1, case.layers + 1):
            W = values.get(f"W{layer}")
            if not isinstance(W, np.ndarray) or W.ndim != 2 or W.dtype.kind != "f":
                wrong.append(f"W{layer}")
                continue
            if (W.size > 1 and np.ptp(W) == 0) or (case.scalars["wide"] and self._uneven(W)):
                wrong.append(f"W{layer}")
            elif case.scalars["wide"]:
                spreads.append((W.shape[1], float(W.std())))
        usual = not case.scalars["any"] and not wrong
        if usual and spreads and not _course_spread(spreads, he=bool(case.scalars["he"])):
            if not case.scalars["he"] and _sensible_spread(spreads):
                remarks.append(
                    f"the spread of W1 is {spreads[0][1]:.3g}: "
                    "the course has 0.01, or 1/sqrt(n_prev), or sqrt(2/n_prev)"
                )
            else:
                wrong += [f"W{layer}" for layer in range(1, case.layers + 1)]
        return wrong, remarks

    @staticmethod
    def _uneven(W: np.ndarray[Any, Any]) -> bool:
        """np.random.rand has no negative numbers and no tails."""
        std = float(W.std())
        return bool(abs(W.mean()) > 6 * std / np.sqrt(W.size) or not np.any(np.abs(W) > 2.2 * std))


def _course_spread(spreads: list[tuple[int, float]], *, he: bool) -> bool:
    """Tell whether every layer has the spread of one of the course's formulas."""
    formulas = [[np.sqrt(2 / n) for n, _ in spreads]]
    if not he:
        formulas += [[0.01 for _ in spreads], [1 / np.sqrt(n) for n, _ in spreads]]
    return any(
        all(abs(std / right - 1) < 0.1 for (_, std), right in zip(spreads, formula, strict=True))
        for formula in formulas
    )


def _sensible_spread(spreads: list[tuple[int, float]]) -> bool:
    """Tell whether the spread is one small number, or goes as 1/sqrt(n_prev).

    Not the course's, and not a mistake.
    """
    stds = [std for _, std in spreads]
    scaled = [std * np.sqrt(n) for n, std in spreads]
    constant = max(stds) / min(stds) < 1.2 and max(stds) < 0.5
    return bool(constant or (max(scaled) / min(scaled) < 1.2 and 0.4 < scaled[0] < 2.5))
