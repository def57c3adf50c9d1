"""The user's names for values, found in the local variables of her functions as these return."""

from __future__ import annotations

import inspect
import sys
from types import FrameType
from typing import Any, Self

from tinygrad_course.autodiff.gradients import observers
from tinygrad_course.compiling.dataflow import Program, Value
from tinygrad_course.compiling.tracing.library_code import of_library
from tinygrad_course.compiling.tracing.tracer import Tracer
from tinygrad_course.engine.inputs import held
from tinygrad_course.engine.tensor import Tensor


class LocalNames:
    """Collects names while a function is recorded, as a context manager; `give` writes them into the program.

    The outermost function's name for a value wins; a name that several values bear is numbered, so that the
    Z of each layer becomes Z1, Z2, ...; a gradient's name is "d" and the name of what it belongs to.
    """

    def __init__(self, *, looking: bool = True) -> None:
        self.looking = looking
        self.found: dict[int, tuple[int, str, Value]] = {}
        self.tensors: list[Tensor] = []
        self.gradients: list[tuple[list[Tensor], list[Any]]] = []

    def __enter__(self) -> Self:
        self.looking = self.looking and sys.getprofile() is None  # the user's profiler goes before names
        if not self.looking:
            return self
        self.depth = _depth(inspect.currentframe()) - 1
        sys.setprofile(self._event)
        self.watchers = observers.get()
        observers.set((*self.watchers, self._gradients))
        return self

    def __exit__(self, *_: object) -> None:
        if not self.looking:
            return
        sys.setprofile(None)
        observers.set(self.watchers)

    def _gradients(self, tensors: list[Tensor], gradients: list[Any]) -> None:
        self.gradients.append((tensors, gradients))

    def _event(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "return" and not of_library(frame.f_code.co_filename):
            depth = _depth(frame) - self.depth
            for name, thing in frame.f_locals.items():
                self._name(name, thing, depth)

    def _name(self, name: str, thing: Any, depth: int) -> None:
        if type(thing) is Tensor:
            node, data, _ = held(thing)
            self.tensors.append(node)
            self._name(node.name or name, data, depth)
        elif type(thing) is Tracer:
            value = thing.recorded
            known = self.found.get(id(value))
            good = name.isidentifier() and not name.startswith("_")
            if value.function is not None and good and (known is None or depth < known[0]):
                self.found[id(value)] = (depth, name, value)
        elif type(thing) is dict:
            for key, item in thing.items():
                if type(key) is str and type(item) in {Tracer, Tensor}:
                    self._name(key, item, depth + 1)

    def give(self, program: Program) -> None:
        """Write the names into the values of `program`."""
        for _, name, value in self.found.values():
            value.name, value.kept = name, True
        values = program.values()
        _forget_steps(values)
        _number(values)
        for tensors, gradients in self.gradients:
            for tensor, gradient in zip(tensors, gradients, strict=True):
                known = (
                    gradient.recorded.name if type(gradient) is Tracer and gradient.recorded.kept else None
                )
                if type(gradient) is Tracer and tensor.name and known in {None, tensor.name}:
                    gradient.recorded.name, gradient.recorded.kept = f"d{tensor.name}", True
        for tensor in self.tensors:
            _, data, gradient = held(tensor)
            if (
                type(gradient) is Tracer
                and type(data) is Tracer
                and gradient.recorded.name is None
                and data.recorded.name
            ):
                gradient.recorded.name = f"d{data.recorded.name}"


def _forget_steps(values: list[Value]) -> None:
    """Take the name from a value on its way: of Z = W @ A; Z = Z + b  the second is Z."""
    for value in values:
        for v in value.inputs:
            if v.function is not None and v.name is not None and v.name == value.name:
                v.name, v.kept = None, False


def _number(values: list[Value]) -> None:
    bearers: dict[str, list[Value]] = {}
    for v in values:
        if v.name is not None and v.function is not None:
            bearers.setdefault(v.name, []).append(v)
    for name, same in bearers.items():
        if len(same) > 1 and not name[-1].isdigit():
            for i, v in enumerate(same, 1):
                v.name = f"{name}{i}"


def _depth(frame: FrameType | None) -> int:
    depth = 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    return depth
