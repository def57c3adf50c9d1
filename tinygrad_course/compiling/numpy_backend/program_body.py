"""A program as one function of its inputs: what runs once a call's arguments have been checked."""

import math
from typing import Any

import numpy as np

from tinygrad_course.compiling.dataflow import Program, Value, segment
from tinygrad_course.compiling.numpy_backend.code_generation import (
    SUMMED_BY_BLAS,
    StraightLineCode,
    python_function,
)


class ProgramBody(StraightLineCode):
    """The function of a program: `run` takes the inputs, and returns a tuple of `results` and `changed`.

    The results are those of the user's function, each with a number that is the same for what lies in one
    memory; `changed` is what else is wanted. Where one of the values that are `looked_at` is not finite, it
    returns None.
    """

    def __init__(
        self, program: Program, results: list[tuple[Any, int]], changed: list[Any], looked_at: list[Value]
    ) -> None:
        super().__init__(program)
        self._fresh_results: set[int] = set()
        returned = [*self._in_memory(results), *(self._result(x) for x in changed if isinstance(x, Value))]
        lines = self.lines
        if looked_at:
            lines = [*lines, f"if {self._infinite(looked_at)}: return None"]
        lines = [*lines, f"return ({', '.join(returned)},)" if returned else "return ()"]
        arguments = ", ".join(self.name(v) for v in program.inputs)
        self.code = "\n    ".join([f"def call({arguments}):", *lines])
        self.run = python_function(self.code, self.bound, self.layout.blocks)

    def _infinite(self, looked_at: list[Value]) -> str:
        """Return the text that says whether one of some values is infinite or NaN."""
        whole = [v.args[0] if v.function is segment else v for v in looked_at]
        values = {id(v): v for v in whole if v.dtype.kind in "fc" and not v.is_input}.values()
        real = all(v.dtype.kind == "f" for v in values)
        finite = self.bind(math.isfinite if real else np.isfinite, "f")
        sums = []
        for v in values:
            name = self.name(v)
            if 0 < v.size <= SUMMED_BY_BLAS and v.shape:
                name = f"{self.bind(np.vdot, 'f')}({name}, {self._ones(v.shape, v.dtype)})"
            elif v.shape:
                name = f"{self.bind(np.add.reduce, 'f')}({name}, None)"
            sums.append(name)
        return f"not {finite}({' + '.join(sums)})" if sums else "False"

    def _in_memory(self, results: list[tuple[Any, int]]) -> list[str]:
        """Return texts for the values among some results: what lay in one memory does so again."""
        first: dict[int, int] = {}  # for a value, the memory that it is
        for x, place in results:
            first.setdefault(id(x), place)
        texts = []
        for x, place in results:
            if not isinstance(x, Value):
                continue
            owners = self.borrowed.get(id(x), (id(x),))
            if len(owners) == 1 and first.get(*owners) == place and not x.is_constant:
                self._fresh_results.add(id(x))
                texts.append(self.name(x))
            else:
                texts.append(self._result(x))
        return texts

    def _result(self, value: Value) -> str:
        name = self.name(value)
        if value.is_input:
            return name
        again = id(value) in self._fresh_results
        self._fresh_results.add(id(value))
        if value.kind == "array" and (again or value.is_constant or id(value) in self.borrowed):
            return f"{name}.copy()"
        return name
