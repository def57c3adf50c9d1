"""A learner's file as data: its functions, where each line stands, and what of it can be run.

Only definitions, imports and simple constants of a homework are executed. Training, plotting, reading data
sets and tests at the top of a file are skipped, and the report says so.
"""

import ast
import io
import json
import tokenize
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tinygrad_course.audit.source.neighbours import Neighbours
from tinygrad_course.audit.source.parsing import Problem, parsed
from tinygrad_course.audit.source.syntax import called, definition, elements, nodes, targets

MAX_BYTES = 8_000_000


class SubmissionError(Exception):
    """The file cannot be read as Python or as a notebook at all."""


class Part(NamedTuple):
    """Lines that are counted from 1 again: of a cell, or of another file."""

    first: int
    cell: int | None = None
    file: str = ""


@dataclass
class Submission:
    """What a file holds, with the lines of a notebook's cells one after the other."""

    path: str
    lines: list[str]
    parts: list["Part"] = field(default_factory=list)
    """The code cells of a notebook, and the modules beside it, by their first lines."""
    statements: list[ast.stmt] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)
    """The lines of the statements at the top of the file that are not executed."""
    script: list[ast.stmt] = field(default_factory=list)
    """Those statements."""
    notes: list[str] = field(default_factory=list)
    near: Neighbours | None = None
    """The modules that it may import; None where it is no file."""

    @property
    def functions(self) -> list[ast.FunctionDef]:
        """The functions at its top."""
        return [one for one in self.statements if isinstance(one, ast.FunctionDef)]

    @property
    def is_notebook(self) -> bool:
        """Whether it has cells."""
        return any(part.cell is not None for part in self.parts)

    def spot(self, line: int) -> dict[str, Any]:
        """Return what a finding says of a line: where it stands, and how it reads."""
        return {**self.where(line), "source": self.source(line)}

    def where(self, line: int) -> dict[str, Any]:
        """Return what the report of a function says of a line."""
        found = {"file": "", "cell": None, "line": line}
        for part in self.parts:
            if line >= part.first:
                found = {"file": part.file, "cell": part.cell, "line": line - part.first + 1}
        return found

    def named(self, line: int) -> str:
        """Name a line: line 14, or cell 7, line 3, or common/layers.py, line 2."""
        at = self.where(line)
        first = at["file"] or (f"cell {at['cell']}" if at["cell"] is not None else "")
        return f"{first}, line {at['line']}" if first else f"line {at['line']}"

    def beside(self, path: Path) -> "Submission":
        """Return a module that it imports as a submission of its own."""
        found = _read(path)
        found.near = Neighbours.of(path, self.near.root if self.near is not None else None, found.script)
        return found

    def include(self, path: Path) -> "Submission":
        """Take in the lines of a module beside it; return the module, whose lines are these."""
        found = _read(path)
        for statement in found.statements:
            ast.increment_lineno(statement, len(self.lines))
        shown = self.near.shown(path) if self.near is not None else path.name
        self.notes += [f"{shown}, line {one.line} is not read: {one.message}" for one in found.problems]
        self.parts.append(Part(len(self.lines) + 1, None, shown))
        self.lines.extend(found.lines)
        return found

    def raised_at(self, error: BaseException) -> int:
        """Return the line of the file that an exception comes from, 0 where it comes from none."""
        frames = traceback.extract_tb(error.__traceback__)
        return next((frame.lineno or 0 for frame in frames[::-1] if frame.filename == self.path), 0)

    def source(self, line: int) -> str:
        """Return one line as the learner wrote it, without its indentation."""
        text = self.lines[line - 1].strip() if 0 < line <= len(self.lines) else ""
        # Nothing of a homework is to move a terminal's cursor or to change its colours.
        return "".join(one if one.isprintable() else " " for one in text.replace("\t", "    "))


def load(path: str | Path, root: Path | None = None) -> Submission:
    """Read a .py or .ipynb file; what it imports may lie beside it, or anywhere in `root`."""
    found = _read(Path(path))
    found.near = Neighbours.of(Path(path), root, found.script)
    return _not_empty(found)


def _read(path: Path) -> Submission:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SubmissionError(f"{path.name} cannot be read: {error.strerror or error}") from None
    if len(data) > MAX_BYTES:
        raise SubmissionError(
            f"{path.name} has {len(data):,} bytes; a homework has {MAX_BYTES:,} at most: is it the right one?"
        )
    if path.suffix.lower() == ".ipynb":
        return _from_notebook(str(path), data)
    text = _decode(data)
    if "\0" in text:
        raise SubmissionError(f"{path.name} is no text: it holds null bytes; is this the right file?")
    return _from_lines(text, str(path))


def from_text(text: str, path: str = "<text>") -> Submission:
    r"""Return the submission that a program's text holds.

    Examples
    --------
    >>> from_text("import numpy as np\ndef relu(z):\n    return np.maximum(0, z)\n").functions[0].name
    'relu'
    """
    return _not_empty(_from_lines(text, path))


def _from_lines(text: str, path: str) -> Submission:
    return _finish(_add(Submission(path, []), text.replace("\x0c", "\n")))


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):  # as some editors on Windows save
        return data.decode("utf-16", errors="replace")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return data.decode("utf-8-sig", errors="replace")


def _from_notebook(path: str, data: bytes) -> Submission:
    try:
        notebook = json.loads(data.decode("utf-8-sig", errors="replace"))
        cells = notebook["cells"] if "cells" in notebook else notebook["worksheets"][0]["cells"]
        code = [(number, cell) for number, cell in enumerate(cells, 1) if cell.get("cell_type") == "code"]
        sources = [(number, cell.get("source", cell.get("input", ""))) for number, cell in code]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise SubmissionError(f"{Path(path).name} is no notebook: {type(error).__name__}: {error}") from None
    submission = Submission(path, [])
    for number, source in sources:
        submission.parts.append(Part(len(submission.lines) + 1, number))
        _add(submission, "".join(map(str, source)) if isinstance(source, list) else str(source))
    return _finish(submission)


def _add(submission: Submission, text: str) -> Submission:
    text, offset = text.replace("\r\n", "\n").replace("\r", "\n"), len(submission.lines)
    submission.lines.extend(text.split("\n"))
    for piece in parsed(text, offset):
        if not isinstance(piece, Problem):
            submission.statements.append(piece)
        elif piece.function is None:
            submission.notes.append(f"{submission.named(piece.line)} is not read: {piece.message}")
        else:
            submission.problems.append(piece)
    return submission


def _finish(submission: Submission) -> Submission:
    """Keep what can be executed without running the homework itself."""
    kept: list[ast.stmt] = []
    for statement in submission.statements:
        refused = _refused(submission, statement)
        if refused is not None:
            submission.problems.append(refused)
            continue
        wanted = _wanted(statement)
        if wanted is not None:
            kept.append(wanted)
            continue
        submission.script.append(statement)
        value = getattr(statement, "value", None)
        if not isinstance(statement, ast.Expr | ast.Pass) or not isinstance(value, ast.Constant | None):
            submission.skipped.append(statement.lineno)
    submission.statements = kept
    return submission


def _not_empty(submission: Submission) -> Submission:
    methods = any(isinstance(statement, ast.ClassDef) for statement in submission.statements)
    loops = any(isinstance(statement, ast.For | ast.While) for statement in submission.script)
    if not (submission.functions or submission.problems or methods or loops):
        name = Path(submission.path).name
        raise SubmissionError(f"{name} defines no function: there is nothing to check in it")
    return submission


def _refused(submission: Submission, statement: ast.stmt) -> Problem | None:
    """Say what is wrong with a statement that parses and does not compile: break outside a loop, f(z, z)."""
    if isinstance(statement, ast.Assign | ast.Import | ast.ImportFrom):
        return None
    try:
        # Compiling hands the tree over to C: a loop's else, a name global after use, an argument twice.
        compile(ast.Module([statement], []), submission.path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or statement.lineno
        message = f"{type(error).__name__}: {getattr(error, 'msg', error)}"
        name = statement.name if isinstance(statement, ast.FunctionDef | ast.ClassDef) else None
        return Problem(line, message, submission.source(line), name)
    return None


def _wanted(statement: ast.stmt) -> ast.stmt | None:
    if isinstance(statement, ast.FunctionDef):
        statement.decorator_list = []
        return statement
    if isinstance(statement, ast.Import | ast.ImportFrom | ast.ClassDef):
        return statement
    if isinstance(statement, ast.Try):
        imports = all(isinstance(inner, ast.Import | ast.ImportFrom | ast.Pass) for inner in statement.body)
        return statement if imports and not statement.orelse and not statement.finalbody else None
    if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
        written = targets(statement)
        if len(written) == 1 and isinstance(written[0], ast.Name) and isinstance(statement.value, ast.Lambda):
            return _named(written[0].id, statement.value, statement)
        if all(isinstance(target, ast.Name | ast.Tuple) for target in written) and _simple(statement.value):
            return statement
    return None


def _named(name: str, function: ast.Lambda, statement: ast.stmt) -> ast.FunctionDef:
    """`sigmoid = lambda z: ...` is a function too."""
    result = ast.Return(value=function.body)
    made = definition(f"def {name}(): pass")
    made.args, made.body = function.args, [result]
    ast.copy_location(result, statement)
    return ast.fix_missing_locations(ast.copy_location(made, statement))


_SIMPLE = (
    ast.Constant, ast.Name, ast.Attribute, ast.Subscript, ast.Slice, ast.Tuple, ast.List, ast.Dict,
    ast.UnaryOp, ast.BinOp, ast.operator, ast.unaryop, ast.expr_context,
)  # fmt: skip


def _simple(expression: ast.expr) -> bool:
    """Tell whether an expression only names things and counts: only inside a lambda is anything called."""
    if isinstance(expression, ast.Lambda):
        return True
    if isinstance(expression, ast.Call) and called(expression) in {"default_rng", "RandomState"}:
        return all(map(_simple, expression.args))
    if isinstance(expression, ast.Call):  # tanh = activation(np.tanh, lambda z, a: 1 - a ** 2)
        made = any(isinstance(part, ast.Lambda) for part in expression.args) and not expression.keywords
        return made and isinstance(expression.func, ast.Name) and all(map(_simple, expression.args))
    if isinstance(expression, ast.Dict | ast.Tuple | ast.List):
        keys = expression.keys if isinstance(expression, ast.Dict) else []
        return all(part is not None and _simple(part) for part in [*keys, *elements(expression)])
    if any(not isinstance(node, _SIMPLE) for node in ast.walk(expression)):
        return False
    return not any(nodes(expression, ast.Pow, ast.LShift, ast.Mult)) or not _large(expression)


def _large(expression: ast.expr) -> bool:
    """9 ** 9 ** 9 and [0] * 10 ** 10 are constants that never end."""
    powers = list(nodes(expression, ast.Pow, ast.LShift))
    numbers = [node.value for node in nodes(expression, ast.Constant)]
    return len(powers) > 1 or any(isinstance(number, int) and number > 10_000_000 for number in numbers)
