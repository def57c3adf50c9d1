"""An ONNX model that is being written: its nodes, its initializers, and what follows the number of examples.

Operators are chosen that onnxruntime has for float64 too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_course.engine.trees import Array

OPSET, IR = 18, 9
#: What takes truth values and gives them on: logic, and what only moves elements. All else is given numbers.
_LOGIC = {"And", "Or", "Xor", "Not"}
_MOVES = {"Concat", "Expand", "Gather", "Identity", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze"}
_COMPARES = {"Equal", "Greater", "GreaterOrEqual", "IsInf", "IsNaN", "Less", "LessOrEqual"}
_FLOAT32_ONLY = {"Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Erf"}  # in onnxruntime


class CannotExport(ValueError):  # noqa: N818  (as CannotCompile)
    """A function can't be written as an ONNX model; the message names the operation."""


class Name(str):
    """The name of a value in the model."""

    __slots__ = ()


@dataclass(frozen=True)
class Two:
    """An argument that was different in the two recordings."""

    first: Any
    second: Any


class Model:
    """The nodes and initializers of a model that is being written."""

    def __init__(self, onnx: Any, dtype: Any, counts: tuple[int, int]) -> None:
        self.onnx = onnx
        self.dtype = np.dtype(dtype)
        self.counts = counts  # the numbers of examples in the two recordings
        self.counted: tuple[str, int] | None = None  # the input and the axis that count them
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.truths: set[str] = set()  # the values that are true or false
        self._m: Name | None = None

    def op(self, kind: str, *inputs: Any, outputs: int = 1, **attributes: Any) -> Any:
        """Write a node; return the name of its result, or a list of several."""
        given = [i if isinstance(i, Name) else self.number(i) for i in inputs]
        truths = [name in self.truths for name in given]
        for i, name in enumerate(given):
            asked = kind in _LOGIC or (kind == "Where" and i == 0)
            if asked != truths[i] and kind not in _MOVES:
                given[i] = self.cast(name, bool if asked else self.dtype)
        casting = kind in _FLOAT32_ONLY and self.dtype == np.float64
        if casting:
            given = [self.cast(name, np.float32) for name in given]
        names = [Name(f"{kind.lower()}_{len(self.nodes)}_{i}") for i in range(outputs)]
        if kind in _LOGIC | _COMPARES or (kind in _MOVES and truths[0]):
            self.truths.update(names)
        self.nodes.append(self.onnx.helper.make_node(kind, given, names, **attributes))
        if casting:
            names = [self.cast(name, self.dtype) for name in names]
        return names[0] if outputs == 1 else names

    def cast(self, name: Name, dtype: Any) -> Name:
        """Write a conversion."""
        out = Name(f"cast_{len(self.nodes)}")
        kind = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self.nodes.append(self.onnx.helper.make_node("Cast", [name], [out], to=kind))
        return out

    def constant(self, value: Array, name: str | None = None) -> Name:
        """Write an array of constants, of the model's dtype (or booleans)."""
        array = np.asarray(value)
        if array.dtype.kind not in "fiub":
            raise CannotExport(f"a constant is an array of {array.dtype}; a model holds real numbers")
        return self._initializer(array if array.dtype == bool else array.astype(self.dtype), name)

    def ints(self, values: Any) -> Name:
        """Write a vector of whole numbers, of one or several."""
        return self._initializer(np.array(values, dtype=np.int64).reshape(-1))

    def number(self, value: float | Two) -> Name:
        """Write a number of the model's dtype."""
        if isinstance(value, Two):
            return self.counted_number(value.first, value.second)
        return self._initializer(np.array(value, dtype=self.dtype))

    def _initializer(self, array: Array, name: str | None = None) -> Name:
        out = Name(name or f"constant_{len(self.initializers)}")
        contents = np.asarray(array, order="C")
        self.initializers.append(self.onnx.numpy_helper.from_array(contents, str(out)))
        self.shapes[out] = array.shape
        if array.dtype == bool:
            self.truths.add(out)
        return out

    def m(self) -> Name:
        """Write the number of examples, a vector of one."""
        if self._m is None:
            if self.counted is None:
                raise CannotExport("the function depends on the number of examples, and batch_axis is None")
            name, axis = self.counted
            shape = self.op("Shape", Name(name))
            self._m = self.op("Gather", shape, self.ints([axis]), axis=0)
        return self._m

    def counted_number(self, first: float, second: float) -> Name:
        """Write a number that follows the number of examples: c m, or c / m."""
        one, other = self.counts
        m = self.op("Squeeze", self.cast(self.m(), self.dtype), self.ints([0]))
        if one and math.isclose(first / one, second / other, rel_tol=1e-12):
            return self.op("Mul", m, first / one)  # type: ignore[no-any-return]
        if one and math.isclose(first * one, second * other, rel_tol=1e-12):
            return self.op("Div", first * one, m)  # type: ignore[no-any-return]
        raise CannotExport(
            f"a number is {first} for {one} examples and {second} for {other} others: it depends on them"
        )

    def sizes(self, values: Any) -> Name:
        """Write a vector of sizes, of which some may follow the number of examples."""
        parts = values if isinstance(values, (tuple, list)) else [values]
        if not any(isinstance(p, Two) for p in parts):
            return self.ints(parts)
        pieces = [self._size(p) if isinstance(p, Two) else self.ints([p]) for p in parts]
        return self.op("Concat", *pieces, axis=0)  # type: ignore[no-any-return]

    def _size(self, two: Two) -> Name:
        one, other = self.counts
        factor = two.first // one if one else 0
        if not factor or (two.first, two.second) != (factor * one, factor * other):
            raise CannotExport(f"a size is {two.first} for {one} examples and {two.second} for {other}")
        return self.op("Mul", self.m(), self.ints([factor]))  # type: ignore[no-any-return]

    def finish(
        self,
        names: Sequence[str],
        shapes: Sequence[tuple[int, ...]],
        axis: int | None,
        result: Name,
        output: str,
        sides: Sequence[Any],
    ) -> Any:
        """Return the whole model, its output of these sides: numbers, "m", or None for what m changes."""
        helper = self.onnx.helper
        kind = helper.np_dtype_to_tensor_dtype(self.dtype)
        inputs = []
        for name, shape in zip(names, shapes, strict=True):
            dims: list[Any] = list(shape)
            if axis is not None:
                dims[axis] = "m"
            inputs.append(helper.make_tensor_value_info(name, kind, dims))
        self.nodes.append(helper.make_node("Identity", [result], [output]))
        outputs = [helper.make_tensor_value_info(output, kind, sides)]
        made = helper.make_graph(self.nodes, "tinygrad_course", inputs, outputs, self.initializers)
        opset = [helper.make_opsetid("", OPSET)]
        return helper.make_model(made, opset_imports=opset, ir_version=IR, producer_name="tinygrad_course")

    def rank(self, x: Any) -> int:
        """Return how many axes a value has, or a number."""
        return len(self.shapes[x]) if isinstance(x, Name) else 0
