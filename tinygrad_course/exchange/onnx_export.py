"""A recorded function as an ONNX model: what other programs run where there is no Python.

The function is recorded twice, with different examples and different numbers of them, on what stands for the
inputs: a branch on their values is refused, as `compiled` refuses it. What is alike in both recordings is the
model; a number that follows the number of examples is computed from it, and any other difference is refused.
At the end the model is run beside the function, for other numbers of examples too.
"""

import inspect
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_course import files
from tinygrad_course.compiling import CannotCompile
from tinygrad_course.compiling.dataflow import Value, argument
from tinygrad_course.compiling.tracing.library_code import of_library
from tinygrad_course.compiling.tracing.refusals import none_swallowed
from tinygrad_course.compiling.tracing.trace import Trace
from tinygrad_course.compiling.tracing.tracer import Tracer
from tinygrad_course.engine import trees
from tinygrad_course.engine.tensor import Tensor
from tinygrad_course.engine.trees import Array, Nest
from tinygrad_course.exchange.onnx_model import CannotExport, Model, Name, Two
from tinygrad_course.exchange.onnx_operators import EMIT
from tinygrad_course.exchange.weights import extra
from tinygrad_course.graph.node import Graph, Node, graph
from tinygrad_course.graph.program import Slot

_TOLERANCE = {"float64": 1e-6, "float32": 1e-5}  # ReferenceEvaluator beside NumPy, on the scale of the output
_MANY = (1, 2, 60, 1009)  # numbers of examples that the model is tried with, of at most so many numbers
_MOST = 1_000_000
_COUNTS = (5, 7, 11, 13, 17, 19, 23, 29, 31, 37)


def export_onnx(
    path: str | os.PathLike[str],
    function: Callable[..., Any],
    *inputs: Any,
    parameters: Nest = None,
    batch_axis: int | None = -1,
    output: str = "output",
) -> Path:
    """Write a function of NumPy calls as an ONNX model.

    Parameters
    ----------
    path : path
        ``"network.onnx"``.
    function : callable
        ``function(*inputs)``, or ``function(parameters, *inputs)`` where parameters are given: returns one
        array. It is what `grad` takes, but for its result.
    inputs : arrays
        Examples to record it with; their dtype, float64 or float32, is the model's. The model's inputs have
        the names of the function's arguments.
    parameters : nest of arrays, optional
        They become the model's initializers, under their names: W1, b1, ...
    batch_axis : int, optional
        Where the inputs count examples: the model takes any number of them. None: as many as there are.
    output : str
        The name of the model's output.

    Raises
    ------
    CannotExport
        If an operation has no counterpart in ONNX, or the function depends on the examples otherwise than by
        what was recorded (a branch on values, or on their number): the message names it.
    ModuleNotFoundError
        If onnx is not installed.

    Notes
    -----
    onnxruntime has no arcus functions and no erf for float64 (of its version 1.32): these are computed in
    float32 there, to seven digits.

    Examples
    --------
    >>> parameters = {"W1": np.ones((1, 2)), "b1": np.zeros((1, 1))}
    >>> forward = lambda p, X: np.tanh(np.dot(p["W1"], X) + p["b1"])
    >>> export_onnx("network.onnx", forward, np.ones((2, 3)), parameters=parameters).name
    'network.onnx'
    """
    onnx, _ = extra("onnx"), extra("onnx.reference")
    arrays = [_example(value, i) for i, value in enumerate(inputs)]
    if not arrays:
        raise ValueError("export_onnx(path, function, X): X, with a few examples, is missing")
    dtype = np.result_type(*arrays)
    arrays = [array.astype(dtype) for array in arrays]
    leaves = [(name, np.asarray(value)) for name, value in trees.leaves(parameters)]
    names = _names(function, len(arrays), skip=parameters is not None)
    sizes = {n for value in (*arrays, *(v for _, v in leaves)) for n in value.shape}
    first, second = [n for n in _COUNTS if n not in sizes][:2]
    rng = np.random.RandomState(0)
    recordings = []
    samples = []
    try:
        for count in (first, second):
            sample = [_other(array, count, batch_axis, rng) for array in arrays]
            samples.append(sample)
            recordings.append(_recorded(function, sample, names, parameters, dtype, batch_axis))
        model = Model(onnx, dtype, (first, second) if batch_axis is not None else (0, 0))
        result = _Walk(model, recordings[0], recordings[1], names, batch_axis).run()
    except CannotCompile as error:
        raise CannotExport(
            f"a model has one way for all examples, and this function asks: {error}"
        ) from error
    if batch_axis is not None:
        largest = max(array.size // array.shape[batch_axis] for array in arrays)
        counts = [n for n in _MANY if n * largest < _MOST]
        samples += [[_other(array, n, batch_axis, rng) for array in arrays] for n in counts]
    content = model.finish(names, [array.shape for array in arrays], batch_axis, result, output)
    _check(onnx, content, function, samples, parameters, names, dtype)
    return files.write(Path(path), content.SerializeToString())


def _example(value: Any, i: int) -> Array:
    array = np.asarray(value)
    if array.dtype.kind in "iub":
        array = array.astype(np.float64)
    if array.dtype not in (np.float64, np.float32):
        raise CannotExport(f"input {i} is an array of {array.dtype}; a model takes float64 or float32")
    return array


def _names(function: Callable[..., Any], count: int, *, skip: bool) -> list[str]:
    try:
        names = list(inspect.signature(function).parameters)[1 if skip else 0 :][:count]
    except (TypeError, ValueError):
        names = []
    return names if len(names) == count else [f"input_{i}" for i in range(count)]


def _other(array: Array, count: int, axis: int | None, rng: np.random.RandomState) -> Array:
    """Return other examples like these, so many of them."""
    if axis is not None:
        if not -array.ndim <= axis < array.ndim:
            raise CannotExport(f"an input is {array.shape} and has no axis {axis} of examples")
        array = np.take(array, np.arange(count) % array.shape[axis], axis=axis)
    return (array * (1 + 0.1 * rng.rand(*array.shape))).astype(array.dtype)


def _recorded(
    function: Callable[..., Any],
    inputs: Sequence[Array],
    names: Sequence[str],
    parameters: Nest,
    dtype: Any,
    axis: int | None,
) -> Graph:
    trace = Trace()
    tensors = [_standing(trace, value, name, axis) for name, value in zip(names, inputs, strict=True)]
    held = [Tensor(np.asarray(value, dtype=dtype), name=name) for name, value in trees.leaves(parameters)]
    given = [] if parameters is None else [trees.rebuild(parameters, iter(held))]
    with none_swallowed(), np.errstate(all="ignore"):
        y = function(*given, *tensors)
    if type(y) is not Tensor:
        raise CannotExport(
            f"the function returned {'plain values' if type(y) is Tracer else f'a {type(y).__name__}'}; "
            "expected one array, computed from its inputs by NumPy's functions"
        )
    return graph(y)


def _standing(trace: Trace, value: Array, name: str, axis: int | None = None) -> Tensor:
    """Return what stands for an input: its values can't be asked for, nor how many examples are many."""
    recorded = argument(value, name)
    if axis is not None:
        at = axis % value.ndim
        recorded.shape = tuple(_Count(n) if i == at else n for i, n in enumerate(value.shape))
    return Tensor(Tracer(trace, recorded, value), name=name)


class _Count(int):
    """The number of examples: what the user's code does may not depend on its being large or small."""

    def __lt__(self, other: Any) -> bool:
        return _compared(int.__lt__, self, other)

    def __le__(self, other: Any) -> bool:
        return _compared(int.__le__, self, other)

    def __gt__(self, other: Any) -> bool:
        return _compared(int.__gt__, self, other)

    def __ge__(self, other: Any) -> bool:
        return _compared(int.__ge__, self, other)


def _compared(how: Callable[..., bool], count: int, other: Any) -> bool:
    frame = inspect.currentframe()
    if frame is not None and frame.f_back is not None and frame.f_back.f_back is not None:
        asking = frame.f_back.f_back.f_code.co_filename
        if not of_library(asking):
            raise CannotCompile(
                f"how the number of examples compares with {other}. Choose outside, or pass batch_axis=None"
            )
    return how(count, other)


class _Walk:
    """Through two recordings side by side, writing each operation into the model."""

    def __init__(self, model: Model, a: Graph, b: Graph, inputs: Sequence[str], axis: int | None) -> None:
        self.model = model
        self.pair = (a, b)
        self.inputs = list(inputs)
        self.traced: dict[Value, Name] = {}  # what the first recording's values are called in the model
        if axis is not None:
            rank = next(len(n.shape) for n in a if n.name in self.inputs and n.op is None)
            model.counted = (self.inputs[0], axis % rank)

    def run(self) -> Name:
        known: dict[int, Any] = {}
        for node in self.pair[0]:
            if node.op is None and node.tensor is not None:
                known[node.id] = self._leaf(node)
        return self._emitted(self.pair, known)

    def _leaf(self, node: Node) -> Name:
        name = str(node.name)
        if name in self.inputs:
            self.model.shapes[name] = node.shape
            self.traced[node.value.recorded] = Name(name)
            return Name(name)
        return self.model.constant(np.asarray(node.value), name)

    def _emitted(self, pair: tuple[Graph, Graph], known: dict[int, Any]) -> Name:
        """Write the operations of two recordings, and return the name of what they come to."""
        a, b = pair
        if len(a) != len(b) or [n.op for n in a] != [n.op for n in b]:
            raise CannotExport("the function does other operations for other examples: it branches on values")
        for x, y in zip(a, b, strict=True):
            if x.id in known:
                continue
            if x.inputs != y.inputs:
                raise CannotExport("the function does other operations for other examples")
            known[x.id] = made = (
                self._constant(x.value, y.value) if x.op is None else self._operation(x, y, known, pair)
            )
            if type(x.value) is Tracer and isinstance(made, Name):
                self.traced[x.value.recorded] = made
        result: Name = known[a.roots[0]]
        return result

    def _constant(self, x: Any, y: Any) -> Any:
        if type(x) is type(y) is Tracer:
            return self._traced(x.recorded, y.recorded)
        if x is None and y is None:
            return None
        if _same(x, y):
            return self.model.constant(np.asarray(x))
        if np.ndim(x) == np.ndim(y) == 0:
            return self.model.counted_number(float(x), float(y))
        raise CannotExport(f"a constant of shape {np.shape(x)} depends on the examples, or on their number")

    def _traced(self, x: Value, y: Value) -> Any:
        """Write what left the recording as plain values, a comparison for one, and return its name."""
        if x in self.traced:
            return self.traced[x]
        if x.is_constant:
            return self._constant(x.data, y.data)
        name = str(getattr(x.function, "__name__", x.function))
        emit = EMIT.get(name)
        if emit is None or x.function is not y.function:
            raise CannotExport(f"{name} gives plain values, and has no counterpart in ONNX")
        args = [self._traced_argument(p, q) for p, q in zip(x.args, y.args, strict=True)]
        made = emit(
            self.model, *args, **{k: self._traced_argument(v, y.kwargs[k]) for k, v in x.kwargs.items()}
        )
        self.model.shapes[made] = x.shape
        self.traced[x] = made
        return made

    def _traced_argument(self, p: Any, q: Any) -> Any:
        if isinstance(p, Value) and isinstance(q, Value):
            return self._traced(p, q)
        if isinstance(p, list) and any(isinstance(item, Value) for item in p):
            return [self._traced_argument(*pair) for pair in zip(p, q, strict=True)]
        return _two(p, q)

    def _operation(self, x: Node, y: Node, known: dict[int, Any], pair: tuple[Graph, Graph]) -> Any:
        first, second = x.applied, y.applied
        operands = [known[i] for i in x.inputs]
        args = tuple(self._argument(p, q, operands) for p, q in zip(first.args, second.args, strict=True))
        options = {k: _two(v, second.kwargs.get(k)) for k, v in first.kwargs.items()}
        emit = EMIT.get(str(first.rule.name))
        if emit is None:
            inner = getattr(first.rule.function, "__wrapped__", None)
            if inner is None or not inner.__module__.startswith("tinygrad_course."):
                raise CannotExport(f"{first.rule.name} has no counterpart in ONNX")
            return self._opened(inner, x, y, operands, pair)
        try:
            made = emit(self.model, *args, **options)
        except TypeError as error:
            if "argument" not in str(error):
                raise
            raise CannotExport(f"{first.rule.name} with {sorted(options) or args}: {error}") from None
        if isinstance(made, Name):
            self.model.shapes[made] = x.shape
        return made

    def _argument(self, p: Any, q: Any, operands: list[Any]) -> Any:
        if type(p) is Slot:
            return operands[p]
        if isinstance(p, tuple) and any(type(item) is Slot for item in p):
            return [operands[item] for item in p]
        return _two(p, q)

    def _opened(
        self, inner: Callable[..., Any], x: Node, y: Node, operands: list[Any], pair: tuple[Graph, Graph]
    ) -> Name:
        """Write a function of the library's by the NumPy calls that it is made of."""
        recordings = []
        for node, whole in ((x, pair[0]), (y, pair[1])):
            call, trace = node.applied, Trace()
            held = [_plain(whole[i].value) for i in node.inputs]
            values = [_standing(trace, value, f"operand {k}") for k, value in enumerate(held)]
            filled = [
                v if varies else value for v, value, varies in zip(values, held, call.varies, strict=True)
            ]
            made = inner(*call.filled(filled), **call.kwargs)
            if not isinstance(made, Tensor):
                raise CannotExport(f"{call.rule.name} has no counterpart in ONNX")
            recordings.append(graph(made))
        a, b = recordings
        if len(a) == 2 and a[-1].op == x.op:  # it is recorded as itself again
            raise CannotExport(f"{x.op} has no counterpart in ONNX")
        known = {
            node.id: operands[int(node.name.rpartition(" ")[2])]
            for node in a
            if node.op is None and node.name and node.name.startswith("operand ")
        }
        self.traced |= {a[i].value.recorded: name for i, name in known.items()}
        return self._emitted((a, b), known)


def _plain(value: Any) -> Array:
    return np.asarray(value.sample if type(value) is Tracer else value)


def _same(a: Any, b: Any) -> bool:
    return np.shape(a) == np.shape(b) and bool(np.all((np.asarray(a) == b) | ((a != a) & (b != b))))  # noqa: PLR0124


def _two(a: Any, b: Any) -> Any:
    """Return an argument that is alike in both recordings, or the two."""
    if type(a) is type(b) and isinstance(a, (tuple, list)) and len(a) == len(b):
        return type(a)(_two(p, q) for p, q in zip(a, b, strict=True))
    if isinstance(a, slice) and isinstance(b, slice):
        return slice(_two(a.start, b.start), _two(a.stop, b.stop), _two(a.step, b.step))
    if Tracer in {type(a), type(b)}:
        raise CannotExport(f"an argument that depends on the examples ({a!r}) has no counterpart in ONNX")
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return a if _same(a, b) else Two(a, b)
    return a if type(a) is type(b) and a == b else Two(a, b)


def _check(
    onnx: Any,
    model: Any,
    function: Callable[..., Any],
    samples: Sequence[Sequence[Array]],
    parameters: Nest,
    names: Sequence[str],
    dtype: Any,
) -> None:
    """Run the model beside the function."""
    onnx.checker.check_model(model, full_check=True)
    evaluator = onnx.reference.ReferenceEvaluator(model)
    held = trees.tree_map(lambda value: np.asarray(value, dtype=dtype), parameters)
    for sample in samples:
        given = sample if parameters is None else [held, *sample]
        expected = np.asarray(function(*given))
        found = evaluator.run(None, dict(zip(names, sample, strict=True)))[0]
        scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
        if found.shape != expected.shape or not np.allclose(
            found, expected, rtol=0, atol=scale * _TOLERANCE[str(np.dtype(dtype))], equal_nan=True
        ):
            raise CannotExport(
                f"the model gives {found.shape} where the function gives {expected.shape}, or other numbers: "
                "it depends on the examples, or on their number, otherwise than by what was recorded: a "
                "branch on X.shape[1], say"
            )
