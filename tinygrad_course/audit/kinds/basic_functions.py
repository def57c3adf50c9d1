"""The course's functions that are one formula each: NumPy basics, costs, the decay of a rate."""

import ast
import math
import re
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.kinds.base import Assumption, first_of, formula
from tinygrad_course.audit.kinds.cases import Case, Draw
from tinygrad_course.audit.kinds.forward_passes import draw_parameters
from tinygrad_course.audit.reference import course
from tinygrad_course.audit.reference.comparison import close
from tinygrad_course.audit.source.signatures import bare

L2_TERM = "L2_regularization_cost"


def _is_entropy(learner: Learner) -> str:
    """Say why a cost is another than the cross-entropy: it takes no logarithm, and no word of 1 - Y."""
    if bare(learner.name) == "cross_entropy" and not re.search(
        r"/|mean|average|1\.0? ?\*|\*\* ?-1", learner.text()
    ):
        return "it sums the losses: the cross-entropy of another course, whose cost is no mean"
    if re.search(r"\[(np\.)?(arange|range)\(", learner.text()):
        return (
            "it picks the outputs that the labels name: they are numbers of classes, the course's are 0 or 1"
        )
    if re.search(r"log|1 - [Yyt]|1\.0? - [Yyt]|[=+] *compute_cost\(", learner.text()):
        return ""
    return "it takes no logarithm: another cost than the course's, and no backward pass goes with it"


def _cost_of(result: Any, expression: ast.expr | None, case: Case) -> dict[str, Any]:
    """Read a cost; a later release sums over a mini-batch (cost_total) and divides after the epoch."""
    name = expression.id if isinstance(expression, ast.Name) else ""
    if "total" in name.lower() and close(result, case.m * case.expected["cost"]):
        return {"cost": case.expected["cost"]}
    return {"cost": first_of(result)}


def _cost_case(draw: Draw) -> Case:
    m = draw.size(1, 6)
    AL, Y = draw.probabilities(1, m), draw.labels(m)
    values = {"AL": AL, "Y": Y, "parameters": draw_parameters(draw, [2, 3, 1])}
    return Case(values, {"m": m, "cost": course.cross_entropy(AL, Y)}, ("cost",), m=m)


@formula(
    "compute_cost compute_loss cost_compute cross_entropy_cost cost_function calculate_cost cross_entropy",
    "AL Y",
    "AL Y parameters",
    outputs="cost",
    contract=_is_entropy,
    read=_cost_of,
)
def cost(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """The cross-entropy cost, a mean over the examples."""
    return _cost_case(draw)


@formula(
    "compute_cost_with_regularization compute_cost_with_regularisation compute_cost_reg compute_cost_l2",
    "AL Y parameters lambd",
    outputs="cost",
    contract=_is_entropy,
    read=_cost_of,
)
def regularized_cost(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """Cross-entropy and lambda/(2m) times the sum of the squared weights."""
    case = _cost_case(draw)
    layers = max(learner.depth() or 3, learner.depth_of_passes())
    parameters = draw_parameters(draw, [draw.size(1, 4) for _ in range(layers)] + [1])
    lambd = draw.choice([0.7, 0.3, 1.5])
    cross, times = case.expected["cost"], lambd / (2 * case.m)
    squares = {l: times * np.sum(parameters[f"W{l}"] ** 2) for l in range(1, layers + 1)}
    parts = {f"lambd/(2m) times the sum of W{l}^2": value for l, value in squares.items()}
    L2 = sum(parts.values())
    case.expected = {"m": case.m, "cross_entropy_cost": cross, L2_TERM: L2, "cost": cross + L2}
    case.values |= {"parameters": parameters, "lambd": lambd}
    case.terms = {"cost": {"the L2 term": L2, **parts}, L2_TERM: parts}
    case.bindings = {} if learner.own("compute_cost") else {"compute_cost": course.compute_cost}
    case.stages = {L2_TERM: [L2 * 2 * case.m / lambd, L2 * case.m, L2 * 2]}
    case.scalars, case.layers = {"lambd": lambd}, layers
    return case


@formula("layer_sizes", "X Y", outputs="n_x n_h n_y")
def layer_sizes(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """n_x, n_h and n_y from X and Y."""
    n_x, n_y, m = draw.size(1, 6), draw.size(1, 6), draw.size(1, 6)
    values = {"X": draw.array(n_x, m), "Y": draw.array(n_y, m)}
    return Case(values, {"n_x": n_x, "n_y": n_y}, ("n_x", "n_y"), m=m)


@formula("basic_sigmoid", "x", outputs="s")
def basic_sigmoid(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """The sigmoid of one number, by math.exp."""
    x = float(draw.array(1)[0])
    return Case({"x": x}, {"s": 1 / (1 + math.exp(-x))}, ("s",))


@formula("image2vector image_to_vector", "image", outputs="v")
def image_to_vector(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """The pixels of an image in a column."""
    image = draw.array(draw.size(1, 4), draw.size(1, 4), 3)
    return Case({"image": image}, {"v": image.reshape(-1, 1)}, ("v",))


@formula("normalize_rows normalise_rows", "x", outputs="rows")
def normalize_rows(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """Every row divided by its length."""
    x = draw.table(5)
    x_norm = np.sqrt(np.sum(x**2, axis=1, keepdims=True))
    return Case({"x": x}, {"x_norm": x_norm, "rows": x / x_norm}, ("rows",))


def _softmax_axes(learner: Learner) -> list[Assumption]:
    """Return the axes: the exercise has examples in rows, a network has them in columns."""
    exercise = learner.own_name("basic_sigmoid", "image2vector", "normalize_rows") is not None
    return [{"axis": 1}, *([] if exercise else [{"axis": 0}])]


@formula(
    "softmax",
    "x",
    outputs="softmax",
    assumptions=_softmax_axes,
    read=lambda result, expression, case: {"softmax": first_of(result)},
)
def softmax(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """The softmax of every row; of every column where the file is not that week's exercise."""
    x = draw.table(5)
    x_exp = np.exp(x)
    x_sum = np.sum(x_exp, axis=assumption["axis"], keepdims=True)
    return Case({"x": x}, {"x_exp": x_exp, "x_sum": x_sum, "softmax": x_exp / x_sum}, ("softmax",))


def _takes_labels(node: ast.FunctionDef) -> bool:
    """Tell whether a function takes predictions and labels (an L2 term takes parameters)."""
    given = [re.sub(r"[\W_]", "", argument.arg).lower() for argument in node.args.args]
    return given in (["yhat", "y"], ["ypred", "y"], ["a", "y"])


@formula(
    "l1 l2 l1_loss l2_loss",
    "yhat y",
    outputs="loss",
    fits=_takes_labels,
    read=lambda result, expression, case: {"loss": result},
)
def loss(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """L1: the sum of |y - yhat|; L2: of (y - yhat)^2."""
    m = draw.size(1, 6)
    yhat, y = draw.probabilities(m), draw.labels(m)[0]
    right = float(np.sum(np.abs(y - yhat) ** (1 if "1" in bare(learner.name) else 2)))
    return Case({"yhat": yhat, "y": y}, {"loss": right}, ("loss",), m=m)


@formula(
    "update_lr schedule_lr_decay",
    "learning_rate0 epoch_num decay_rate time_interval",
    "learning_rate0 epoch_num decay_rate",
    outputs="learning_rate",
)
def decay(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """learning_rate0 / (1 + decay_rate * epoch), in steps of time_interval epochs where it is given."""
    scalars = {"learning_rate0": draw.choice([0.5, 0.1, 2.0])}
    values = {**scalars, "epoch_num": draw.size(1, 300) * 7, "decay_rate": draw.choice([1.0, 0.3, 2.0])}
    values["time_interval"] = draw.choice([100, 30, 250])
    interval = values["time_interval"] if learner.has("time_interval") else 1
    rate = values["learning_rate0"] / (1 + values["decay_rate"] * (values["epoch_num"] // interval))
    scalars = {"decay_rate": values["decay_rate"], **scalars}
    return Case(values, {"learning_rate": rate}, ("learning_rate",), scalars=scalars)
