"""A recorded function as an ONNX model: what other programs run where there is no Python.

The function is recorded twice, with different examples and different numbers of them, on what stands for the
inputs: a branch on their values is refused, as `compiled` refuses it. What is alike in both recordings is the
model; a number that follows the number of examples is computed from it, and any other difference is refused.
At the end the model is run beside the function, for other numbers of examples too.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_course import files
from tinygrad_course.compiling import CannotCompile
from tinygrad_course.compiling.dataflow import Program, Value, argument
from tinygrad_course.compiling.tracing.library_code import file_of_caller, of_library
from tinygrad_course.compiling.tracing.refusals import none_swallowed
from tinygrad_course.compiling.tracing.trace import Trace
from tinygrad_course.compiling.tracing.tracer import Tracer
from tinygrad_course.engine import trees
from tinygrad_course.engine.inputs import parameters as parameters_of
from tinygrad_course.engine.tensor import Tensor
from tinygrad_course.engine.trees import Array, Nest
from tinygrad_course.exchange.onnx_model import CannotExport, Model, Name, Two
from tinygrad_course.exchange.onnx_operators import EMIT
from tinygrad_course.exchange.weights import extra
from tinygrad_course.graph.node import Graph, graph
from tinygrad_course.rules.table import RULES

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
        They become the model's initializers, under their names: W1, b1, ... (a kernel of `conv` as a matrix).
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
    if not inputs:
        raise ValueError("export_onnx(path, function, X): X, with a few examples, is missing")
    arrays = [np.asarray(value) for value in inputs]
    arrays = [array.astype(np.float64) if array.dtype.kind in "iub" else array for array in arrays]
    for i, array in enumerate(arrays):
        if array.dtype not in (np.float64, np.float32):
            raise CannotExport(f"input {i} is an array of {array.dtype}; a model takes float64 or float32")
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
        if batch_axis is not None:
            model.counted = (names[0], batch_axis % arrays[0].ndim)
        result = _Walk(model).run(*recordings)
    except CannotCompile as error:
        raise CannotExport(
            f"a model has one way for all examples, and this function asks: {error}"
        ) from error
    if batch_axis is not None:
        largest = max(array.size // array.shape[batch_axis] for array in arrays)
        counts = [n for n in _MANY if n * largest < _MOST]
        samples += [[_other(array, n, batch_axis, rng) for array in arrays] for n in counts]
    sides = [m if m == n else None for m, n in zip(*(r.shape for r in recordings), strict=True)]
    if batch_axis is not None:
        sides = ["m" if m == first else side for m, side in zip(recordings[0].shape, sides, strict=True)]
    content = model.finish(names, [array.shape for array in arrays], batch_axis, result, output, sides)
    _check(onnx, content, function, samples, parameters, names, dtype)
    return files.write(Path(path), content.SerializeToString())


def _names(function: Callable[..., Any], count: int, *, skip: bool) -> list[str]:
    names = [p.name for p in parameters_of(function)[skip : skip + count]]
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
) -> Value:
    trace = Trace()
    tensors = [_standing(trace, value, name, axis) for name, value in zip(names, inputs, strict=True)]
    held = [Tensor(np.asarray(value, dtype=dtype), name=name) for name, value in trees.leaves(parameters)]
    given = [] if parameters is None else [trees.rebuild(parameters, iter(held))]
    try:
        with none_swallowed(), np.errstate(all="ignore"):
            y = function(*given, *tensors)
    except ValueError as error:
        if axis is not None:
            shapes = ", ".join(f"{n} {v.shape}" for n, v in zip(names, inputs, strict=True))
            error.add_note(
                f"export_onnx gave {shapes}: "
                f"other numbers of examples along axis {axis}. If they lie along another, batch_axis says so"
            )
        raise
    if type(y) is not Tensor:
        raise CannotExport(
            f"the function returned {'plain values' if type(y) is Tracer else f'a {type(y).__name__}'}; "
            "expected one array, computed from its inputs by NumPy's functions"
        )
    return _called(graph(y), trace)


def _standing(trace: Trace, value: Array, name: str, axis: int | None) -> Tensor:
    """Return what stands for an input: its values can't be asked for, nor how many examples are many."""
    recorded = argument(value, name)
    if axis is not None:
        at = axis % value.ndim
        recorded.shape = tuple(_Count(n) if i == at else n for i, n in enumerate(value.shape))
    return Tensor(Tracer(trace, recorded, value), name=name)


def _compared(how: Callable[[int, Any], bool]) -> Callable[[int, Any], bool]:
    def compare(count: int, other: Any) -> bool:
        if not of_library(file_of_caller()):
            raise CannotCompile(
                f"how the number of examples compares with {other}. Choose outside, or pass batch_axis=None"
            )
        return how(count, other)

    return compare


class _Count(int):
    """The number of examples: what the user's code does may not depend on its being large or small."""

    __lt__, __le__, __gt__, __ge__ = map(_compared, (int.__lt__, int.__le__, int.__gt__, int.__ge__))


def _called(g: Graph, trace: Trace) -> Value:
    """Return what a recording comes to, as calls in its trace.

    What ONNX has as a whole is one call; any other function is the calls of NumPy's that it has made there.
    """
    of: list[Any] = []
    for node in g:
        made = node.value.recorded if type(node.value) is Tracer else node.value
        of.append(made := trace.constant(made) if isinstance(made, np.ndarray) else made)
        for i, kept in zip(node.inputs, () if node.call is None else node.call.saved, strict=False):
            if isinstance(kept, np.ndarray):
                of[i] = trace.constant(kept)  # what the calls have met
            if type(of[i]) is Value and g[i].op is None:
                of[i].name = g[i].name
        if node.call is None or type(made) is not Value or node.call.rule.name not in EMIT:
            continue
        args, kwargs = node.call.filled([of[i] for i in node.inputs]), node.call.kwargs
        args = tuple([a.recorded if type(a) is Tracer else a for a in args])  # a mask that is an index
        whole = Value(node.call.rule.function, args, kwargs, made.shape, made.dtype)
        if made not in whole.inputs:  # a copy is what it was made of
            made.function, made.args, made.kwargs, made.inputs = whole.function, args, kwargs, whole.inputs
            made.data = None
    result = of[g.roots[0]]
    return result if type(result) is Value else trace.constant(np.asarray(result))


class _Walk:
    """Through two recordings side by side, writing each call into the model."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.known: dict[Value, Any] = {}  # what the first recording's values are called in the model

    def run(self, a: Value, b: Value) -> Name:
        """Return the name of what the calls of two recordings come to."""
        first, second = (Program([], [result]).values() for result in (a, b))
        if [v.function for v in first] != [v.function for v in second]:
            raise CannotExport("the function does other operations for other examples: it branches on values")
        for x, y in zip(first, second, strict=True):
            if x.is_input:
                self.known[x] = name = Name(x.name)
                self.model.shapes[name] = x.shape
            else:
                self.known[x] = self._constant(x, y) if x.is_constant else self._call(x, y)
        result: Name = self.known[a]
        return result

    def _constant(self, x: Value, y: Value) -> Name:
        if x.name in self.model.shapes:
            return Name(x.name)
        if np.array_equal(x.data, y.data, equal_nan=True):
            return self.model.constant(np.asarray(x.data), x.name)
        if x.shape == y.shape == ():
            return self.model.counted_number(float(x.data), float(y.data))
        if len(x.shape) == len(y.shape):  # np.zeros((n, m)), the same for each example
            sizes = [_two(n, k) for n, k in zip(x.shape, y.shape, strict=True)]
            one = x.data[tuple(slice(1 if isinstance(n, Two) else None) for n in sizes)]
            if all(np.array_equal(v.data, np.broadcast_to(one, v.shape), equal_nan=True) for v in (x, y)):
                name: Name = self.model.op("Expand", self.model.constant(one), self.model.sizes(sizes))
                self.model.shapes[name] = x.shape
                return name
        raise CannotExport(f"a constant of shape {x.shape} depends on the examples, or on their number")

    def _call(self, x: Value, y: Value) -> Any:
        """Write a call, and return the name of its result, or a list of several."""
        function: Any = x.function
        name = RULES[function].name if function in RULES else str(getattr(function, "__name__", function))
        if len(x.args) != len(y.args) or x.kwargs.keys() != y.kwargs.keys():
            raise CannotExport("the function does other operations for other examples")
        args = [self._argument(p, q) for p, q in zip(x.args, y.args, strict=True)]
        options = {k: self._argument(v, y.kwargs[k]) for k, v in x.kwargs.items()}
        if name not in EMIT:
            raise CannotExport(f"{name} has no counterpart in ONNX")
        several = name == "getitem" and isinstance(args[0], list)
        try:
            made = args[0][args[1]] if several else EMIT[name](self.model, *args, **options)
        except TypeError as error:
            if "argument" not in str(error):
                raise
            raise CannotExport(f"{name} with {sorted(options) or args}: {error}") from None
        if isinstance(made, Name):
            self.model.shapes[made] = x.shape
        return made

    def _argument(self, p: Any, q: Any) -> Any:
        if type(p) is type(q) is Value:
            return self.known[p]
        if isinstance(p, (list, tuple)) and any(type(item) is Value for item in p):
            return [self._argument(*pair) for pair in zip(p, q, strict=True)]
        return _two(p, q)


def _two(a: Any, b: Any) -> Any:
    """Return an argument that is alike in both recordings, or the two."""
    if type(a) is type(b) and type(a) in {tuple, list} and len(a) == len(b):
        return type(a)(_two(p, q) for p, q in zip(a, b, strict=True))
    if isinstance(a, slice) and isinstance(b, slice):
        return slice(_two(a.start, b.start), _two(a.stop, b.stop), _two(a.step, b.step))
    if {Tracer, Value} & {type(a), type(b)}:
        raise CannotExport(f"an argument that depends on the examples ({a!r}) has no counterpart in ONNX")
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return a if np.array_equal(a, b, equal_nan=True) else Two(a, b)
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
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # of classes of onnx's own
        raise CannotExport(f"ONNX refuses the model: {str(error).strip()}") from error
    evaluator = onnx.reference.ReferenceEvaluator(model)
    held = trees.tree_map(lambda value: np.asarray(value, dtype=dtype), parameters)
    for sample in samples:
        given = sample if parameters is None else [held, *sample]
        try:
            expected = np.asarray(function(*given))
        except MemoryError:  # so many examples are too many for it
            continue
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
