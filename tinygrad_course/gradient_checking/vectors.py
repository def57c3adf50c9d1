"""Gradients beside parameters: in their structure, and the course's difference of two of them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_course.autodiff.transforms import flatten
from tinygrad_course.engine import trees
from tinygrad_course.engine.recording import peek
from tinygrad_course.engine.tensor import Tensor


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
    grad, approx = (flatten(peek(Tensor, g))[0] for g in (gradient, approximation))
    if grad.size != approx.size:
        raise ValueError(f"the gradient has {grad.size} entries and the approximation {approx.size}")
    sizes = float(np.linalg.norm(grad)) + float(np.linalg.norm(approx))
    return float(np.linalg.norm(grad - approx)) / sizes if sizes else 0.0
