"""The costs, computed from the logits where the recording shows them, and the L2 term."""

from typing import Any

import numpy as np
from scipy import special

from tinygrad_course.engine import stable_forms, trees
from tinygrad_course.engine.creation import node
from tinygrad_course.engine.operation import Operation
from tinygrad_course.engine.recording import peek
from tinygrad_course.engine.saved_arrays import Hold, kept
from tinygrad_course.engine.tensor import Tensor
from tinygrad_course.functions.activations import log_softmax, softmax
from tinygrad_course.rules.reductions import total
from tinygrad_course.rules.shapes import inexact
from tinygrad_course.rules.table import RULES, Rule, rule


def _prepared(A: Any, Y: Any) -> tuple[Any, Any]:
    """Return A and Y, which must have one shape, (n, m), as arrays of A's dtype: -Y of uint8 would wrap."""
    A = inexact(A)
    if not hasattr(Y, "dtype"):
        Y = np.asarray(Y)
    shape, dtype = A.shape, A.dtype
    if Y.shape != shape:
        hint = ""
        if Y.shape == shape[::-1]:
            hint = ": did you mean Y.T?"
        elif shape[0] > 1 and Y.shape in {shape[1:], (1, *shape[1:])}:
            hint = f"; functions.one_hot(Y, {shape[0]}) makes columns of classes"
        elif Y.ndim == 1:
            hint = ": Y.reshape(1, -1)?"
        raise ValueError(f"A is {shape} and Y is {Y.shape}; both are (n, m), examples as columns{hint}")
    if 0 in shape:
        raise ValueError(f"the cost is a mean over the examples, and there are none: A is {shape}")
    if Y.dtype != dtype:
        Y = Y.astype(dtype if dtype.kind == "f" else np.float64)
    return A, Y


def _examples(Z: Any) -> int:
    """Return m, the number of columns."""
    return int(Z.shape[-1]) if Z.shape else 1


# ------------------------------------------------------------------ from the logits


def _sigmoid_cost(A: Any, Y: Any, Z: Any) -> Any:
    terms = np.maximum(Z, 0.0) - Y * Z + np.log1p(np.exp(-np.abs(Z)))
    return total(terms) / _examples(Z)


def _softmax_cost(A: Any, Y: Any, Z: Any) -> Any:
    return -np.sum(Y * log_softmax(Z)) / _examples(Z)


# A stays an argument, so that it has its place in the graph and its values serve the derivative, but the
# gradient goes straight to Z: dJ/dA is infinite where A rounds to 0 or 1.
rule(
    _sigmoid_cost, None, None, lambda g, y, A, Y, Z: (A - Y) * (g / _examples(Z)), name="binary_cross_entropy"
)
rule(
    _softmax_cost,
    None,
    None,
    lambda g, y, A, Y, Z: (A * np.sum(Y, axis=0, keepdims=True) - Y) * (g / _examples(Z)),
    name="categorical_cross_entropy",
)


def _record(cost: Rule, A: Tensor, Y: Any, link: Operation) -> Tensor:
    """Return the cost as a function of the logits Z, the argument of `link`."""
    Z, z, a = link.args[0], link.values[0], peek(Tensor, A)
    holds: list[Hold] = []  # the labels may be written to before the gradient reads them
    y = kept(Y, holds)
    return node(Tensor, cost, (A, Y, Z), cost.function(a, y, z), (a, y, z), holds)


# ------------------------------------------------------------------ the costs


def binary_cross_entropy(A: Any, Y: Any) -> Any:
    """Return the cost J = -1/m sum(Y log A + (1 - Y) log(1 - A)).

    Where the recording shows that A = sigmoid(Z), the cost and its gradient are computed from Z: a network
    that is sure of itself has a finite cost and a right gradient, dJ/dZ = (A - Y) / m. It goes straight to Z;
    what the cost would add to the gradient of A, infinite where A is 0 or 1, is not formed.

    Parameters
    ----------
    A : array, shape (1, m) or (n, m)
        Probabilities, the output of `sigmoid`.
    Y : array of A's shape
        Labels, 0 or 1.

    Returns
    -------
    scalar
        Infinite if a plain A is 0 or 1 where Y says the opposite.

    Raises
    ------
    ValueError
        If A and Y differ in shape, or hold no examples.

    Notes
    -----
    Course 1, week 2. For the course's dZ = A - Y, the gradient of the summed loss, differentiate ``m * J``.

    Examples
    --------
    >>> print(binary_cross_entropy(np.array([[0.8, 0.9, 0.4]]), np.array([[1, 1, 1]])).round(15))
    0.414931599615397
    """
    A, Y = _prepared(A, Y)
    made = A.operation if type(A) is Tensor and type(Y) is not Tensor else None
    link = None if made is None else stable_forms.link(made.output)
    if made is not None and link is not None:
        return _record(RULES[_sigmoid_cost], made.output, Y, link.operation)
    return -np.sum(special.xlogy(Y, A) + special.xlog1py(1 - Y, -A)) / _examples(A)


def sigmoid_cross_entropy(Z: Any, Y: Any) -> Any:
    """Return ``binary_cross_entropy(sigmoid(Z), Y)``, computed from the logits Z for plain arrays too.

    Examples
    --------
    >>> print(sigmoid_cross_entropy(np.array([[-1e4, 1e4]]), np.array([[1, 1]])))
    5000.0
    """
    if type(Z) is Tensor:
        return binary_cross_entropy(special.expit(Z), Y)
    Z, Y = _prepared(Z, Y)
    return _sigmoid_cost(None, Y, Z)


def categorical_cross_entropy(A: Any, Y: Any) -> Any:
    """Return the cost J = -1/m sum(Y log A), A the output of `softmax` and Y one-hot.

    Where the recording shows that A = softmax(Z), the cost and its gradient are computed from Z, as
    in `binary_cross_entropy`.

    Parameters
    ----------
    A : array, shape (n, m)
        Probabilities; each column adds up to 1.
    Y : array, shape (n, m)
        1 in the row of each example's class, 0 elsewhere: `one_hot` makes it.

    Raises
    ------
    ValueError
        If A and Y differ in shape, or hold no examples.

    Examples
    --------
    >>> A = np.array([[0.5, 0.25], [0.5, 0.75]])
    >>> print(categorical_cross_entropy(A, one_hot([0, 1], 2)).round(6))
    0.490415
    """
    A, Y = _prepared(A, Y)
    made = A.operation if type(A) is Tensor and type(Y) is not Tensor else None
    if made is not None and made.rule is RULES[softmax]:
        axis = made.args[1] if len(made.args) > 1 else made.kwargs.get("axis", 0)
        if axis in (0, -made.output.ndim):  # over the units
            return _record(RULES[_softmax_cost], made.output, Y, made)
    return -np.sum(special.xlogy(Y, A)) / _examples(A)


def softmax_cross_entropy(Z: Any, Y: Any) -> Any:
    """Return ``categorical_cross_entropy(softmax(Z), Y)``, computed from the logits Z for plain arrays too.

    Examples
    --------
    >>> print(softmax_cross_entropy(np.array([[1e4, 0.0], [0.0, 0.0]]), np.array([[0, 1], [1, 0]])).round(6))
    5000.346574
    """
    if type(Z) is Tensor:
        return categorical_cross_entropy(softmax(Z), Y)
    Z, Y = _prepared(Z, Y)
    return _softmax_cost(None, Y, Z)


def one_hot(labels: Any, classes: int) -> Any:
    """Return labels 0, 1, ..., classes - 1 as columns with a single 1.

    Parameters
    ----------
    labels : array of int, shape (m,) or (1, m)
    classes : int

    Returns
    -------
    ndarray of float64, shape (classes, m)

    Raises
    ------
    ValueError
        For a label that is none of these.

    Examples
    --------
    >>> one_hot([0, 2], 3)
    array([[1., 0.],
           [0., 0.],
           [0., 1.]])
    """
    flat = np.asarray(labels).reshape(-1)
    wrong = flat[~np.isin(flat, np.arange(classes))]
    if wrong.size:
        raise ValueError(f"there are {classes} classes, 0 to {classes - 1}, and a label is {wrong[0]}")
    return (np.arange(classes)[:, None] == flat[None, :]).astype(np.float64)


def l2_term(parameters: Any, lambd: float, m: int) -> Any:
    """Return lambd / (2 m) times the sum of the squares of all weights; biases do not count.

    Parameters
    ----------
    parameters : nest of arrays
        Weights are what is called W1, W2, ... or w.
    lambd : float
        The strength; the course spells it so because ``lambda`` is Python's.
    m : int
        The number of examples.

    Raises
    ------
    ValueError
        If nothing in `parameters` is called W..., lambd is negative, or m is not positive.

    Notes
    -----
    Course 2, week 1: the gradient of Wl gains lambd / m Wl ("weight decay").

    Examples
    --------
    >>> print(l2_term({"W1": np.array([[1.0, 2.0]]), "b1": np.array([[7.0]])}, lambd=0.7, m=5))
    0.35
    """
    if not lambd >= 0:
        raise ValueError(f"lambd is {lambd}; expected a number that is not negative")
    if m < 1:
        raise ValueError(f"m is {m}; expected the number of examples, at least 1")
    weights = [value for path, value in trees.leaves(parameters) if is_weight(path)]
    if not weights:
        names = [path for path, _ in trees.leaves(parameters)]
        raise ValueError(
            f"no weights to sum: the parameters are called {names}, and a weight's name begins with W"
        )
    total = np.sum(np.square(weights[0]))
    for W in weights[1:]:
        total = total + np.sum(np.square(W))
    return total * lambd / (2 * m)


def is_weight(path: str) -> bool:
    """Whether a parameter's path names a weight, which L2 regularisation counts, and not a bias.

    >>> is_weight("W1"), is_weight("layers[0].w"), is_weight("b1")
    (True, True, False)
    """
    return path.rpartition(".")[2].partition("[")[0].startswith(("W", "w"))
