"""The gradient that is to be checked, in whatever form it comes, entry by entry."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_course.autodiff.gradients import grad
from tinygrad_course.engine import trees
from tinygrad_course.engine.recording import peek
from tinygrad_course.engine.tensor import Tensor
from tinygrad_course.engine.trees import Array
from tinygrad_course.gradient_checking.lines import Problem


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
        rebuilt = [_like(g, p, f"{path}[{i}].") for i, (g, p) in enumerate(pairs)]
        return trees.rebuild([0] * len(parameters), iter(rebuilt))
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


def leaves_of(found: Any, problem: Problem) -> list[Any]:
    """Return gradients, in whatever nest they come, in the order of the problem's leaves."""
    tree = problem.tree
    several = not isinstance(problem.argnums, int)
    if several and len(problem.nums) == 1 and not isinstance(found, tuple):
        found = (found,)
    if isinstance(found, tuple) and len(found) == 1 and not isinstance(tree, tuple):
        found = found[0]  # a pullback returns a tuple
    if isinstance(found, tuple) and not isinstance(tree, (tuple, list, dict)):
        raise TypeError(
            f"the gradient is a tuple of {len(found)}, and only argument {problem.argnums} of "
            f"{problem.name} is checked; for all of them pass argnums={tuple(range(len(found)))}"
        )
    return [g for _, g in trees.leaves(gradients_like(found, tree))]


class Analytic:
    """The gradient to be checked, of the scalar that a `Problem` makes of the function.

    A function, a nest of arrays, ``vjp(g, *args)``, or with neither the library's own.
    """

    def __init__(self, problem: Problem, gradient: Any, vjp: Callable[..., Any] | None) -> None:
        if gradient is not None and vjp is not None:
            raise TypeError("pass gradient= or vjp=, not both")
        self.problem = problem
        self.gradient = gradient
        self.vjp = vjp
        #: By leaf, what the entries were multiplied by (see `_contract`).
        self.units: list[Any] = [1.0] * len(problem.leaves)
        #: The precision that the gradient was computed in.
        self.eps = 0.0

    @property
    def is_function(self) -> bool:
        """Whether the gradient can be had at other points too."""
        return self.gradient is None or callable(self.gradient)

    @property
    def is_own(self) -> bool:
        """Whether it is the library's."""
        return self.gradient is None and self.vjp is None

    def at(self, arrays: Sequence[Array]) -> list[Array]:
        """Return the gradient at other values of the leaves, one array for each, of its shape."""
        problem = self.problem
        args = problem.arguments([np.copy(a)[()] for a in arrays])
        with np.errstate(all="ignore"):
            if self.vjp is not None:
                weights = problem.weights or [np.ones(s) for s in problem.output_shapes]
                found = self.vjp(weights[0] if len(weights) == 1 else tuple(weights), *args)
            elif self.gradient is None:
                found = grad(problem.scalar, problem.argnums)(*args)
            else:
                found = self.gradient(*args) if callable(self.gradient) else self.gradient
        return [self._contract(k, peek(Tensor, g)) for k, g in enumerate(leaves_of(found, problem))]

    def _contract(self, k: int, g: Any) -> Array:
        """Return the gradient of the scalar, from one of the function or of its entries."""
        leaf = self.problem.leaves[k]
        g = np.asarray(g)
        shape = leaf.x.shape
        weights = self.problem.weights
        outputs = self.problem.output_shapes
        if g.dtype.kind not in ("fiubc" if np.iscomplexobj((weights or [0.0])[0]) else "fiub"):
            raise TypeError(f"the gradient of {leaf.name} holds {g.dtype}; expected real numbers")
        if g.dtype.kind in "fc":
            self.eps = max(self.eps, float(np.finfo(g.dtype).eps))
        g = g.astype(np.result_type(g.dtype, np.float64))
        if weights is None or self.vjp is not None or self.gradient is None:
            if g.shape == shape or (g.size == 1 and leaf.x.size == 1) or g.shape == outputs[0] + shape:
                return np.asarray(g.reshape(shape))
        elif len(weights) == 1:
            if g.shape == outputs[0] + shape:  # the Jacobian
                return np.asarray(np.real(np.tensordot(weights[0], g, axes=len(outputs[0]))))
            if g.shape == shape == outputs[0]:  # the derivative of a function that acts on each entry
                self.units[k] = 1.0 if np.iscomplexobj(weights[0]) else weights[0]
                return np.asarray(np.real(g * weights[0]))
        raise ValueError(self._misfit(leaf.name, shape, g.shape))

    def _misfit(self, name: str, shape: tuple[int, ...], its: tuple[int, ...]) -> str:
        message = f"the gradient of {name} has shape {its}, and {name} has {shape}"
        outputs = self.problem.output_shapes
        if self.problem.weights is not None and self.vjp is None and self.gradient is not None:
            return (
                f"{message}; {self.problem.name} returns {' and '.join(map(str, outputs))}. Let it return a "
                "scalar cost, or pass the Jacobian, of shape output + input, as gradient=, or vjp=f(g, *args)"
            )
        if its == shape[::-1] and len(shape) == 2:
            return f"{message}: it is transposed"
        if len(its) < len(shape) and int(np.prod(its)) == int(np.prod(shape)):
            return f"{message}; np.sum(..., keepdims=True) keeps the axis"
        return f"{message}; they must be equal"
