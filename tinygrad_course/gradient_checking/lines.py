"""A function of nests of arrays, looked at along straight lines through a point."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_course.engine import trees
from tinygrad_course.engine.inputs import advise, parameters
from tinygrad_course.engine.recording import peek
from tinygrad_course.engine.tensor import Tensor
from tinygrad_course.engine.trees import Array


@dataclass(frozen=True)
class Leaf:
    """One array that is varied: its name, its values in float64, and the dtype that it came in."""

    name: str
    x: Array
    dtype: np.dtype[Any]

    @property
    def scale(self) -> Array:
        """The size of each entry, for steps: its own, or that of its neighbours where it is small."""
        typical = min(1.0, 100 * float(np.sqrt(np.mean(np.square(self.x)))) if self.x.size else 1.0) or 1.0
        return np.maximum(np.abs(self.x), typical)


class Problem:
    """A function at a point: its scalar value along any line, and its arrays by name.

    Where the function returns more than one number, the scalar is a sum with random weights between 0.5 and
    1.5, so that no two outputs can make up for each other.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        args: tuple[Any, ...],
        argnums: int | Sequence[int],
        has_aux: bool,
        seed: int,
    ) -> None:
        if not callable(f):
            raise TypeError(f"the first argument must be a function of arrays, and is {type(f).__name__}")
        self.f = f
        self.argnums = argnums
        self.nums = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        self.has_aux = has_aux
        self.args = [peek(Tensor, a) for a in args]
        for n in self.nums:
            if not -len(args) <= n < len(args):
                raise ValueError(
                    f"argnums={argnums}: {self.name} was given {len(args)} arguments; "
                    f"argument {n} is to be checked and must be there"
                )
        self.trees = [self.args[n] for n in self.nums]
        self.leaves = self._leaves()
        if not sum(leaf.x.size for leaf in self.leaves):
            raise ValueError(
                f"there is nothing to differentiate {self.name} by: its arguments have no entries"
            )
        self.evaluations = 0
        self.with_tensors = False
        self.weights: list[Any] | None = None
        self.output_shapes: list[tuple[int, ...]] = []
        outputs = self._first()
        self.output_shapes = [np.shape(y) for y in outputs]
        if sum(int(np.size(y)) for y in outputs) != 1:
            rng = np.random.default_rng(seed)
            self.weights = [rng.uniform(0.5, 1.5, np.shape(y)) for y in outputs]
            for k, y in enumerate(outputs):
                if np.iscomplexobj(y):
                    self.weights[k] = self.weights[k] * np.exp(1j * rng.uniform(0.0, 6.0, np.shape(y)))
        self.begun = False
        self.value = float(np.real(self.total([leaf.x for leaf in self.leaves])))
        self.begun = True

    @property
    def name(self) -> str:
        """The function's name."""
        return str(getattr(self.f, "__name__", "f"))

    @property
    def tree(self) -> Any:
        """What the gradient is with respect to: the argument, or a tuple of several."""
        return self.trees[0] if isinstance(self.argnums, int) else tuple(self.trees)

    def _leaves(self) -> list[Leaf]:
        names = [p.name for p in parameters(self.f)]
        found = []
        paths = [path for tree in self.trees for path, _ in trees.leaves(tree)]
        for n, tree in zip(self.nums, self.trees, strict=True):
            position = n % len(self.args)
            own = names[position] if position < len(names) and len(names) > 1 else None
            for path, value in trees.leaves(tree):
                x = np.asarray(value)
                only = f"argument {position}" if len(self.args) > 1 else (names or ("x",))[0]
                where = path or own or only
                if path and (path.startswith("[") or paths.count(path) > 1):
                    where = f"{own or f'argument {position}'}{'' if path.startswith('[') else '.'}{path}"
                if x.dtype.kind not in "fiub":
                    raise TypeError(f"{where} holds {x.dtype}; the gradient is with respect to real numbers")
                dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
                if not np.isfinite(x).all():
                    place = np.argwhere(~np.isfinite(x))[0].tolist()
                    raise ValueError(
                        f"{where} holds {x[tuple(place)]} at {place}: there are no differences to take there"
                    )
                found.append(Leaf(where, x.astype(np.result_type(dtype, np.float64)), dtype))
        return found

    def _first(self) -> list[Any]:
        arrays = [leaf.x for leaf in self.leaves]
        try:
            return self.outputs(self.call(arrays))
        except AttributeError as error:
            if "numpy" not in str(error):
                raise
        except (TypeError, KeyError) as error:
            advise(error, self.f, self.trees)
            raise
        self.with_tensors = True  # the function uses what arrays lack: Z1.named("Z1")
        return self.outputs(self.call(arrays))

    def arguments(self, arrays: Sequence[Any]) -> list[Any]:
        """Return the call's arguments with other arrays in the leaves' places."""
        args = list(self.args)
        values = iter(arrays)
        for n, tree in zip(self.nums, self.trees, strict=True):
            args[n] = trees.rebuild(tree, values)
        return args

    def call(self, arrays: Sequence[Any]) -> Any:
        """Compute the function, on arrays of its own."""
        self.evaluations += 1
        wrap = Tensor if self.with_tensors else np.copy
        with np.errstate(all="ignore"):
            result = self.f(*self.arguments([wrap(a)[()] for a in arrays]))
        return peek(Tensor, result)

    def outputs(self, result: Any) -> list[Any]:
        """Return the numbers in what the function returned; raise ValueError if there are none."""
        if self.has_aux:
            if not (isinstance(result, tuple) and len(result) == 2):
                raise TypeError(
                    f"has_aux=True: {self.name} must return (cost, aux), not a {type(result).__name__}"
                )
            result = result[0]
        kinds = [(y, getattr(getattr(y, "dtype", None), "kind", "")) for _, y in trees.leaves(result)]
        found = [y for y, kind in kinds if isinstance(y, (float, complex)) or kind in {"f", "c"}]
        if not found:
            what = "None; did it forget to return the cost?" if result is None else str(result)[:60]
            raise ValueError(
                f"expected a floating-point number or array from {self.name}, which returned {what}"
            )
        return found

    def combine(self, outputs: list[Any]) -> Any:
        """Return the outputs as one scalar; also of Tensors."""
        if self.weights is None:
            y = outputs[0]
            return np.reshape(y, ()) if np.shape(y) else y
        terms = [
            np.sum(np.real(y * w) if np.iscomplexobj(w) else y * w)
            for y, w in zip(outputs, self.weights, strict=True)
        ]
        return sum(terms[1:], terms[0])

    def recorded(self) -> tuple[Any, ...]:
        """Return the call's arguments with Tensors in the leaves' places, called by the leaves' names."""
        return tuple(self.arguments([Tensor(leaf.x, name=leaf.name) for leaf in self.leaves]))

    def scalar(self, *args: Any) -> Any:
        """Return the scalar as a function of the call's arguments, for the engine to differentiate."""
        return self.combine(self.outputs(self.f(*args)))

    def total(self, arrays: Sequence[Any]) -> Any:
        """Return the scalar at other leaves, a complex number too; NaN where it raises outside its domain."""
        try:
            value = self.combine(self.outputs(self.call(arrays)))
        except (ArithmeticError, ValueError, np.linalg.LinAlgError):
            if not self.begun:
                raise
            return np.nan
        return complex(value) if np.iscomplexobj(value) else float(value)

    def entry(self, k: int, i: int, at: Sequence[Array] | None = None) -> Callable[[Any], Any]:
        """Return the scalar along one entry, as a function of how far it is moved."""
        points = [leaf.x for leaf in self.leaves] if at is None else list(at)

        def phi(t: Any) -> Any:
            moved = np.array(points[k], dtype=complex if isinstance(t, complex) else None)
            moved.reshape(-1)[i] += t
            return self.total([*points[:k], moved, *points[k + 1 :]])

        return phi

    def along(self, direction: Sequence[Array]) -> Callable[[Any], Any]:
        """Return the scalar along a direction through all leaves."""

        def phi(t: Any) -> Any:
            return self.total([leaf.x + t * d for leaf, d in zip(self.leaves, direction, strict=True)])

        return phi

    def complex_along(self, phi: Callable[[Any], Any]) -> Callable[[complex], Any]:
        """Return `phi` for complex steps, which gives None where the function refuses complex numbers."""

        def attempt(t: complex) -> Any:
            with warnings.catch_warnings():
                warnings.simplefilter("error", np.exceptions.ComplexWarning)
                try:
                    return phi(t)
                except (TypeError, ValueError, np.exceptions.ComplexWarning):
                    return None

        return attempt
