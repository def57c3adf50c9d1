"""Parameters as one vector, and back: the course's ``dictionary_to_vector`` for any nest of arrays."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_course.engine import trees
from tinygrad_course.engine.recording import peek
from tinygrad_course.engine.tensor import Tensor
from tinygrad_course.engine.trees import Array


def parameters_to_vector(parameters: Any) -> Array:
    """Return all entries of the parameters below each other, in their order.

    Parameters
    ----------
    parameters : array, or nest of dicts, lists and tuples of arrays

    Returns
    -------
    ndarray, shape (n, 1)

    Notes
    -----
    Course 2, week 1, gradient checking: ``dictionary_to_vector``.

    Examples
    --------
    >>> parameters_to_vector({"W1": np.array([[1.0, 2.0]]), "b1": np.array([[3.0]])}).T
    array([[1., 2., 3.]])
    """
    columns = [np.reshape(peek(Tensor, leaf), (-1, 1)) for _, leaf in trees.leaves(parameters)]
    return np.concatenate(columns) if columns else np.zeros((0, 1))


def vector_to_parameters(vector: Any, like: Any) -> Any:
    """Return the entries of a vector in the structure and the shapes of `like`.

    Parameters
    ----------
    vector : array, shape (n, 1) or (n,)
    like : nest of arrays
        With n entries in all.

    Raises
    ------
    ValueError
        If the numbers of entries differ.

    Examples
    --------
    >>> vector_to_parameters(np.array([1.0, 2.0, 3.0]), like={"w": np.zeros((2, 1)), "b": 0.0})
    {'w': array([[1.],
           [2.]]), 'b': np.float64(3.0)}
    """
    flat = np.ravel(vector)
    shapes = [np.shape(leaf) for _, leaf in trees.leaves(like)]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    total = int(ends[-1]) if len(ends) else 0
    if total != flat.size:
        raise ValueError(
            f"the vector has {flat.size} entries and the parameters {total}: "
            + ", ".join(f"{path or 'it'} is {np.shape(leaf)}" for path, leaf in trees.leaves(like))
        )
    parts = [
        np.reshape(part, shape)[()] for part, shape in zip(np.split(flat, ends[:-1]), shapes, strict=True)
    ]
    return trees.rebuild(like, iter(parts))


def gradients_like(gradients: Any, parameters: Any) -> Any:
    """Return gradients in the structure of the parameters.

    Where the parameters are a dict, the gradient of ``"W1"`` may be called ``"dW1"``, as in the course, and
    what has no parameter (``"dZ1"``, ``"dA1"``) is left out.

    Parameters
    ----------
    gradients, parameters : nests of arrays

    Raises
    ------
    KeyError
        If a parameter has no gradient.
    TypeError, ValueError
        If the nests differ in structure.

    Examples
    --------
    >>> gradients_like({"dw": 2.0, "db": 3.0, "dz": 9.0}, {"w": 0.0, "b": 0.0})
    {'w': 2.0, 'b': 3.0}
    """
    return _like(gradients, parameters, "")


def _like(gradients: Any, parameters: Any, path: str) -> Any:
    if isinstance(parameters, dict):
        if not isinstance(gradients, Mapping):
            raise TypeError(
                f"the parameters{path and ' in ' + path} are a dict, the gradients {_kind(gradients)}"
            )
        found = {}
        for key, value in parameters.items():
            its = f"d{key}" if f"d{key}" in gradients else key
            if its not in gradients:
                raise KeyError(
                    f"no gradient for the parameter {path + str(key)!r}: expected {f'd{key}'!r} (or {key!r}) "
                    f"among the gradients, which are {sorted(map(str, gradients))}"
                )
            found[key] = _like(gradients[its], value, f"{path}{key}.")
        return found
    if isinstance(parameters, (list, tuple)):
        if not isinstance(gradients, (list, tuple)) or len(gradients) != len(parameters):
            raise ValueError(
                f"there are {len(parameters)} parameters{path and ' in ' + path}, and the gradients are "
                f"{_kind(gradients)}"
            )
        pairs = zip(gradients, parameters, strict=True)
        return trees.rebuild(
            [0] * len(parameters), iter([_like(g, p, f"{path}[{i}].") for i, (g, p) in enumerate(pairs)])
        )
    if parameters is None:
        return None
    if gradients is None or isinstance(gradients, (Mapping, list, tuple, str)):
        raise TypeError(
            f"the gradient of {path.rstrip('.') or 'the parameters'} is {_kind(gradients)}; expected an "
            f"array of shape {np.shape(parameters)}"
        )
    return gradients


def _kind(value: Any) -> str:
    if value is None:
        return "None (was a return forgotten?)"
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}"


def relative_difference(gradient: Any, approximation: Any) -> float:
    """Return the course's difference, ||grad - approx|| / (||grad|| + ||approx||).

    It is 0 where both are equal (or both 0), 1/3 where one is twice the other, and 1 where one of them is 0
    or they are opposite.

    Parameters
    ----------
    gradient, approximation : arrays or nests of arrays
        With the same number of entries.

    Notes
    -----
    Course 2, week 1. A wrong check, J_minus computed from theta plus, gives exactly 1.

    Examples
    --------
    >>> relative_difference({"W": np.array([3.0, 0.0])}, {"W": np.array([6.0, 0.0])})
    0.3333333333333333
    """
    grad, approx = (np.ravel(parameters_to_vector(g)) for g in (gradient, approximation))
    if grad.size != approx.size:
        raise ValueError(f"the gradient has {grad.size} entries and the approximation {approx.size}")
    sizes = float(np.linalg.norm(grad)) + float(np.linalg.norm(approx))
    return float(np.linalg.norm(grad - approx)) / sizes if sizes else 0.0
