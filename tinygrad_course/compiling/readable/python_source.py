"""A program as readable Python: what a student would have written by hand, in the course's names."""

import keyword
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_course.compiling.dataflow import Program, Value
from tinygrad_course.compiling.passes.simplify import examples
from tinygrad_course.compiling.readable.operator_syntax import CALL, HELPERS, Printer, nest_text
from tinygrad_course.compiling.tracing.changed_arguments import Kept
from tinygrad_course.compiling.tracing.trace import same
from tinygrad_course.engine import trees
from tinygrad_course.engine.other_arrays import Sparse

#: Constants of more entries than this are arguments of the printed function.
PRINTED = 24
#: Expressions longer than this get a line of their own.
WIDE = 72


class Source:
    """The text of a program, for a file that says ``import numpy as np``.

    Its `constants` are arrays too large to be printed: the last arguments of the printed function.
    """

    def __init__(
        self,
        name: str,
        program: Program,
        paths: list[str],
        tree: Any,
        changes: dict[str, Any],
        parameters: list[str],
    ) -> None:
        self.program = program
        self.constants: dict[str, Any] = {}
        self.names: dict[int, str] = {}
        self.inline: dict[int, tuple[str, int]] = {}
        self.taken = {"np", *parameters}
        self.printer = Printer(self._operand)
        self.uses = program.uses()
        lines = self._inputs(paths)
        lines += self._body()
        for path, contents in changes.items():
            place, text = _lookup(path), self._nest(contents)
            lines += [f"{place}[:] = {text}"] if type(contents) is list else [f"{place}.update({text})"]
        returned = self._nest(tree)
        if isinstance(tree, tuple) and len(tree) > 1:
            returned = returned[1:-1]
        arguments = ", ".join([*parameters, *self.constants])
        head = sorted(self.printer.imports) + [""] * bool(self.printer.imports)
        head += [HELPERS[h] + "\n" for h in sorted(self.printer.helpers)]
        body = [f"    {line}" for line in (*lines, f"return {returned}")]
        self.text = "\n".join([*head, f"def {name}({arguments}):", *body, ""])

    # ------------------------------------------------------------------ names

    def _name(self, wanted: str) -> str:
        wanted = wanted if wanted.isidentifier() and not keyword.iskeyword(wanted) else "t"
        name, i = wanted, 2
        while name in self.taken:
            name, i = f"{wanted}_{i}", i + 1
        self.taken.add(name)
        return name

    def _inputs(self, paths: list[str]) -> list[str]:
        lines = []
        last = [re.split(r"\W+", path.rstrip("]'\")")) for path in paths]
        ends = [parts[-1] for parts in last]
        for value, path, parts in zip(self.program.inputs, paths, last, strict=True):
            if len(parts) == 1:
                self.names[id(value)] = path
                continue
            end = parts[-1]
            name = self._name(end if ends.count(end) == 1 and end.isidentifier() else "_".join(parts))
            self.names[id(value)] = name
            if self.uses.get(id(value)):
                lines.append(f"{name} = {_lookup(path)}{_comment(value)}")
        m = examples(self.program)
        wide = [v for v in self.program.inputs if len(v.shape) == 2 and v.shape[1] == m > 1]
        if wide and any(m in v.args for v in self.program.values() if v.function is np.divide):
            x = next((v for v in wide if v.name == "X"), wide[0])
            lines.append(f"{self._name('m')} = {self.names[id(x)]}.shape[1]")
            self.printer.divisors[m] = "m"
        return lines

    # ------------------------------------------------------------------ lines

    def _body(self) -> list[str]:
        lines: list[str] = []
        for value in self.program.values():
            if value.is_input:
                continue
            if value.function is None:
                self._constant(value)
                continue
            for x in value.args:
                if type(x) is Sparse:
                    self._matrix(x)
            text, strength = self.printer.call(value)
            if self._is_inline(value, text):
                self.inline[id(value)] = text, strength
                continue
            name = self._name(value.name or f"t{len(lines)}")
            self.names[id(value)] = name
            lines.append(f"{name} = {text}{_comment(value)}")
        return lines

    def _is_inline(self, value: Value, text: str) -> bool:
        if value.function is np.transpose and len(text) < 12:
            return True
        if self.uses[id(value)] > 1 or value.kind == "tuple":
            return False
        if value.name and (value.kept or not value.name.startswith("dA")):
            return False
        return len(text) <= WIDE

    def _constant(self, value: Value) -> None:
        data = value.data
        if not isinstance(data, np.ndarray):
            self.inline[id(value)] = self.printer.literal(data)
            return
        dtype = "" if data.dtype == np.float64 else f", np.{data.dtype.name}"
        if data.size and same(np.broadcast_to(data.flat[0], data.shape), data):
            number = self.printer.literal(data.flat[0].item())[0]
            self.inline[id(value)] = f"np.full({data.shape}, {number}{dtype})", CALL
        elif data.size <= PRINTED:
            numbers = repr(data.tolist()).replace("nan", "np.nan").replace("inf", "np.inf")
            self.inline[id(value)] = f"np.array({numbers}{dtype})", CALL
        else:
            name = self._name(value.name or "constant1")
            self.names[id(value)] = name
            self.constants[name] = data

    def _matrix(self, matrix: Sparse) -> None:
        known = self.printer.matrices
        if matrix in known:
            return
        of = next((name for other, name in known.items() if matrix == other.T), None)
        known[matrix] = f"{of}.T" if of else self._name("S")
        if not of:
            self.constants[known[matrix]] = matrix.matrix

    def _operand(self, value: Value) -> tuple[str, int]:
        if id(value) in self.names:
            return self.names[id(value)], CALL
        return self.inline[id(value)]

    def _nest(self, tree: Any) -> str:
        def leaf(x: Any) -> str:
            if isinstance(x, Value):
                return self._operand(x)[0]
            if isinstance(x, (dict, tuple)):  # of a class of the user's own
                return nest_text(dict(x) if isinstance(x, dict) else tuple(x), leaf)
            return _lookup(x) if type(x) is Kept else repr(x)

        return nest_text(tree, leaf)


def _lookup(path: str) -> str:
    """Return ``parameters["W1"]`` for the path ``parameters.W1``."""
    bracket = r"""\[(?:'[^']*'|"[^"]*"|[^]'"])*]"""  # with a key that is no identifier
    return re.sub(rf"({bracket})|\.(\w+)", lambda found: found[1] or f'["{found[2]}"]', path)


def _comment(value: Value) -> str:
    if value.kind == "tuple":
        return ""
    dtype = "" if value.dtype in {np.dtype(np.float64), None} else f" {value.dtype}"
    return f"  # {value.shape}{dtype}" if value.shape or dtype else ""


def substitute(tree: Any, new: Iterable[Any]) -> Any:
    """Return a nest with the next of the `new` values in the place of each value."""
    values = iter(new)
    return trees.tree_map(lambda x: next(values) if isinstance(x, Value) else x, tree)
