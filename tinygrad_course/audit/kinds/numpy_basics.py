"""Python basics with NumPy (course 1, week 2), and the decay of the learning rate (course 2, week 2)."""

import ast
import math
import re
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.kinds.base import Assumption, Kind, roles, words
from tinygrad_course.audit.kinds.cases import Case, Draw
from tinygrad_course.audit.source.signatures import bare


class BasicSigmoid(Kind):
    """The sigmoid of one number, by math.exp."""

    names = ("basic_sigmoid",)
    signatures = roles("x")
    outputs = ("s",)

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        x = float(draw.array(1)[0])
        return Case({"x": x}, {"s": 1 / (1 + math.exp(-x))}, ("s",))


class ImageToVector(Kind):
    """The pixels of an image in a column."""

    names = words("image2vector image_to_vector")
    signatures = roles("image")
    outputs = ("v",)

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        image = draw.array(draw.size(1, 4), draw.size(1, 4), 3)
        return Case({"image": image}, {"v": image.reshape(-1, 1)}, ("v",))


class NormalizeRows(Kind):
    """Every row divided by its length."""

    names = words("normalize_rows normalise_rows")
    signatures = roles("x")
    outputs = ("rows",)

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        x = draw.array(draw.size(1, 4), draw.size(1, 5))
        x_norm = np.sqrt(np.sum(x**2, axis=1, keepdims=True))
        return Case({"x": x}, {"x_norm": x_norm, "rows": x / x_norm}, ("rows",))


class Softmax(Kind):
    """The softmax of every row; of every column where the file is not that week's exercise."""

    names = ("softmax",)
    signatures = roles("x")
    outputs = ("softmax",)

    def assumptions(self, learner: Learner) -> list[Assumption]:
        """The exercise has examples in rows, a network has them in columns."""
        exercise = learner.own_name("basic_sigmoid", "image2vector", "normalize_rows") is not None
        return [{"axis": 1}, *([] if exercise else [{"axis": 0}])]

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        x = draw.array(draw.size(1, 4), draw.size(1, 5))
        x_exp = np.exp(x)
        x_sum = np.sum(x_exp, axis=assumption["axis"], keepdims=True)
        return Case({"x": x}, {"x_exp": x_exp, "x_sum": x_sum, "softmax": x_exp / x_sum}, ("softmax",))

    def read(self, result: Any, expression: ast.expr | None, case: Case) -> dict[str, Any]:
        """It may come with a cache."""
        return {"softmax": result[0] if isinstance(result, tuple) and result else result}


class Loss(Kind):
    """L1: the sum of |y - yhat|; L2: of (y - yhat)^2."""

    names = words("l1 l2 l1_loss l2_loss")
    signatures = roles("yhat y")
    outputs = ("loss",)

    def fits(self, node: ast.FunctionDef) -> bool:
        """It takes predictions and labels (an L2 term takes parameters)."""
        given = [re.sub(r"[\W_]", "", argument.arg).lower() for argument in node.args.args]
        return given in (["yhat", "y"], ["ypred", "y"], ["a", "y"])

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        m = draw.size(1, 6)
        yhat, y = draw.probabilities(m), draw.labels(m)[0]
        power = 1 if "1" in bare(learner.name) else 2
        loss = float(np.sum(np.abs(y - yhat) ** power))
        return Case({"yhat": yhat, "y": y}, {"loss": loss}, ("loss",), m=m)

    def read(self, result: Any, expression: ast.expr | None, case: Case) -> dict[str, Any]:
        """There is one value."""
        return {"loss": result}


class Decay(Kind):
    """learning_rate0 / (1 + decay_rate * epoch), in steps of time_interval epochs where it is given."""

    names = words("update_lr schedule_lr_decay")
    signatures = roles(
        "learning_rate0 epoch_num decay_rate time_interval", "learning_rate0 epoch_num decay_rate"
    )
    outputs = ("learning_rate",)

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        values = {
            "learning_rate0": draw.choice([0.5, 0.1, 2.0]),
            "epoch_num": draw.size(1, 300) * 7,
            "decay_rate": draw.choice([1.0, 0.3, 2.0]),
            "time_interval": draw.choice([100, 30, 250]),
        }
        interval = values["time_interval"] if learner.has("time_interval") else 1
        rate = values["learning_rate0"] / (1 + values["decay_rate"] * (values["epoch_num"] // interval))
        scalars = {"decay_rate": values["decay_rate"], "learning_rate0": values["learning_rate0"]}
        return Case(values, {"learning_rate": rate}, ("learning_rate",), scalars=scalars)


KINDS = (BasicSigmoid, ImageToVector, NormalizeRows, Softmax, Loss, Decay)
