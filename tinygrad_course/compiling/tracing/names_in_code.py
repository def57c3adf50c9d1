"""The user's names for what her code computes: where it says ``name = ...``, and in her functions' variables.

Every recorded call looks at the function of the user's in which it is made. Once a later call comes from
elsewhere, that function has returned, and its variables are what it leaves.
"""

import dis
import functools
import inspect
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Self

from tinygrad_course.compiling.dataflow import Program, Value
from tinygrad_course.compiling.tracing.library_code import of_library
from tinygrad_course.compiling.tracing.tracer import Tracer
from tinygrad_course.engine.inputs import held, observers
from tinygrad_course.engine.tensor import Tensor

_LIBRARY = Path(__file__).parents[2]
_BACKWARD = tuple(
    str(_LIBRARY / name) for name in ("autodiff/gradients.py", "autodiff/transforms.py", "engine/sweep.py")
)


class NamesInCode:
    """Collects names while a function is recorded, as a context manager; `give` writes them into the program.

    The outermost function's name for a value wins; a name that several values bear is numbered, so that the
    Z of each layer becomes Z1, Z2, ...; a gradient's name is "d" and the name of what it belongs to.
    """

    def __init__(self) -> None:
        self.found: dict[int, tuple[int, str, Value]] = {}
        self.returning = False  # whether the latest call was made on the way back
        self.tensors: list[Tensor] = []
        self.gradients: list[tuple[list[Tensor], list[Any]]] = []
        self.running: list[FrameType] = []  # the user's functions, the outermost first
        self.backward = 0  # the id of the latest way back
        self.stores: dict[int, tuple[CodeType, dict[int, str]]] = {}  # by the id of a function's code

    def __enter__(self) -> Self:
        self.running = [f for f in (getattr(inspect.currentframe(), "f_back", None),) if f is not None]
        self.observers = observers.get()
        observers.set((*self.observers, lambda *given: self.gradients.append(given)))
        return self

    def __exit__(self, *_: object) -> None:
        observers.set(self.observers)
        while len(self.running) > 1:
            self._returned()
        self.running.clear()

    def of_call(self) -> str | None:
        """Return the name that the user's code is about to give to the value of the call in progress.

        None on the way back, where the user's code has only called for gradients.
        """
        frame = inspect.currentframe()
        self.returning = False
        while frame is not None:
            place = _place(frame.f_code.co_filename)
            if place == "backward":
                self.returning = True
                if id(frame) != self.backward:
                    self.backward = id(frame)
                    self._enter(frame)  # what the forward pass has left is not held on to
                return None
            if place == "user":
                if frame is not self.running[-1]:
                    self._enter(frame)
                return self.stores[id(frame.f_code)][1].get(frame.f_lasti)
            frame = frame.f_back
        return None

    def _enter(self, frame: FrameType) -> None:
        """Note the user's functions that are running, and what those have left that have returned."""
        inner: list[FrameType] = []
        outer: FrameType | None = frame
        while outer is not None and outer not in self.running:
            if _place(outer.f_code.co_filename) == "user":
                inner.append(outer)
                if id(outer.f_code) not in self.stores:
                    self.stores[id(outer.f_code)] = outer.f_code, _stores(outer.f_code)
            outer = outer.f_back
        while len(self.running) > 1 and self.running[-1] is not outer:
            self._returned()
        self.running += reversed(inner)

    def _returned(self) -> None:
        frame = self.running.pop()
        for name, thing in frame.f_locals.items():
            self._name(name, thing, len(self.running))

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
                if type(gradient) is Tracer and tensor.name:
                    value = gradient.recorded
                    if not value.kept or value.name in {None, tensor.name}:
                        value.name, value.kept = f"d{tensor.name}", True
        for tensor in self.tensors:
            _, data, gradient = held(tensor)
            if type(gradient) is type(data) is Tracer and gradient.recorded.name is None:
                gradient.recorded.name = data.recorded.name and f"d{data.recorded.name}"


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


@functools.cache
def _place(filename: str) -> str:
    return "backward" if filename.startswith(_BACKWARD) else "library" if of_library(filename) else "user"


def _stores(code: CodeType) -> dict[int, str]:
    """Return the names that are assigned right after an instruction, by the instruction's offset."""
    instructions = list(dis.get_instructions(code))
    found = {}
    for i, instruction in enumerate(instructions[:-1]):
        following = instructions[i + 1]
        if following.opname.startswith(("STORE_FAST", "STORE_NAME", "STORE_DEREF", "STORE_GLOBAL")):
            name = following.argval
            found[instruction.offset] = name[0] if isinstance(name, tuple) else name
        elif i + 3 < len(instructions) and instructions[i + 3].opname == "STORE_SUBSCR":
            key = instructions[i + 2].argval  # cache["A1"] = ...
            if isinstance(key, str) and instructions[i + 2].opname == "LOAD_CONST":
                found[instruction.offset] = key
    return {o: name for o, name in found.items() if name.isidentifier() and not name.startswith("_")}
