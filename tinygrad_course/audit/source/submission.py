"""A learner's file as data: its functions, where each line stands, and what of it can be run.

Only definitions, imports and simple constants of a homework are executed. Training, plotting, reading data
sets and tests at the top of a file are skipped, and the report says so.
"""

import ast
import io
import json
import re
import tokenize
import traceback
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from tinygrad_course.audit.source.syntax import definition, nodes, targets

MAX_BYTES = 8_000_000


class SubmissionError(Exception):
    """The file cannot be read as Python or as a notebook at all."""


@dataclass(frozen=True)
class Problem:
    """A part of the file that Python cannot read."""

    line: int
    message: str
    source: str
    function: str | None = None


@dataclass
class Submission:
    """What a file holds, with the lines of a notebook's cells one after the other."""

    path: str
    lines: list[str]
    cells: list[tuple[int, int]]
    """(first line, cell number) of each code cell of a notebook; empty for a .py file."""
    statements: list[ast.stmt] = field(default_factory=list)
    functions: list[ast.FunctionDef] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)
    """The lines of the statements at the top of the file that are not executed."""
    script: list[ast.stmt] = field(default_factory=list)
    """Those statements."""
    notes: list[str] = field(default_factory=list)

    def place(self, line: int) -> tuple[int | None, int]:
        """Return (cell, line in the cell) of a notebook, (None, line) of a file."""
        found: tuple[int | None, int] = (None, line)
        for first, number in self.cells:
            if line >= first:
                found = (number, line - first + 1)
        return found

    def spot(self, line: int) -> dict[str, Any]:
        """Return what a finding says of a line: where it stands, and how it reads."""
        return {**self.where(line), "source": self.source(line)}

    def where(self, line: int) -> dict[str, Any]:
        """Return what the report of a function says of a line."""
        cell, shown = self.place(line)
        return {"cell": cell, "line": shown}

    def named(self, line: int) -> str:
        """Name a line: line 14, or cell 7, line 3."""
        cell, shown = self.place(line)
        return f"line {shown}" if cell is None else f"cell {cell}, line {shown}"

    def raised_at(self, error: BaseException) -> int:
        """Return the line of the file that an exception comes from, 0 where it comes from none."""
        frames = traceback.extract_tb(error.__traceback__)
        return next((frame.lineno or 0 for frame in frames[::-1] if frame.filename == self.path), 0)

    def source(self, line: int) -> str:
        """Return one line as the learner wrote it, without its indentation."""
        text = self.lines[line - 1].strip() if 0 < line <= len(self.lines) else ""
        # Nothing of a homework is to move a terminal's cursor or to change its colours.
        return "".join(
            character if character.isprintable() else " " for character in text.replace("\t", "    ")
        )


def load(path: str | Path) -> Submission:
    """Read a .py or .ipynb file.

    Raises
    ------
    SubmissionError
        When there is no such file, or nothing in it is Python.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SubmissionError(f"{path} cannot be read: {error.strerror or error}") from None
    if len(data) > MAX_BYTES:
        raise SubmissionError(
            f"{path} has {len(data):,} bytes; a homework has at most {MAX_BYTES:,}: is this the right file?"
        )
    if path.suffix.lower() == ".ipynb":
        return _from_notebook(str(path), data)
    text = _decode(data)
    if "\0" in text:
        raise SubmissionError(f"{path} is no text: it holds null bytes; is this the right file?")
    return from_text(text, str(path))


def from_text(text: str, path: str = "<text>") -> Submission:
    r"""Return the submission that a program's text holds.

    Examples
    --------
    >>> from_text("import numpy as np\ndef relu(z):\n    return np.maximum(0, z)\n").functions[0].name
    'relu'
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0c", "\n")
    submission = Submission(path, text.split("\n"), [])
    _add(submission, text, 0)
    return _finish(submission)


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
        sources = [
            (number, cell.get("source", cell.get("input", "")))
            for number, cell in enumerate(cells, start=1)
            if cell.get("cell_type") == "code"
        ]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise SubmissionError(f"{path} is no notebook: {type(error).__name__}: {error}") from None
    submission = Submission(path, [], [])
    for number, source in sources:
        joined = "".join(map(str, source)) if isinstance(source, list) else str(source)
        text = joined.replace("\r\n", "\n").replace("\r", "\n")
        first = len(submission.lines)
        submission.cells.append((first + 1, number))
        submission.lines.extend(text.split("\n"))
        _add(submission, text, first)
    return _finish(submission)


def _without_magics(text: str) -> str:
    """Blank what only IPython understands, keeping the lines and their indentation."""
    lines = text.split("\n")
    first = next((index for index, line in enumerate(lines) if line.strip()), 0)
    if lines[first].startswith("%%"):
        words = lines[first][2:].split()
        if not words or words[0] not in {"time", "timeit", "capture", "prun"}:
            return "\n" * (len(lines) - 1)
        lines[first] = ""
    goes_on = False
    for index, line in enumerate(lines):
        bare = line.strip()
        shell = bare.startswith(("%", "!")) or (bare.startswith("?") or re.fullmatch(r"[\w.]+\?{1,2}", bare))
        taken = re.match(r"\s*[\w, ]+=\s*[!%](?!=)", line)
        if shell or goes_on:
            lines[index] = line[: len(line) - len(line.lstrip())] + "pass"
        elif taken:  # files = !ls
            lines[index] = taken.group()[:-1] + "None"
        goes_on = bool(shell or taken or goes_on) and bare.endswith("\\")
    return "\n".join(lines)


def _add(submission: Submission, text: str, offset: int) -> None:
    for attempt in (text, _without_magics(text)):
        try:
            tree = ast.parse(attempt)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        ast.increment_lineno(tree, offset)
        submission.statements.extend(tree.body)
        return
    for start, chunk in _chunks(_without_magics(text)):
        _add_chunk(submission, chunk, offset + start)


def _add_chunk(submission: Submission, chunk: str, offset: int) -> None:
    """Take what parses of a piece of a file that does not parse as a whole."""
    problem: Problem | None = None
    candidate = chunk
    while candidate.strip():
        try:
            tree = ast.parse(candidate)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            if problem is None:
                problem = _problem(error, candidate, offset)
            shorter = _cut_at_margin(candidate)
            if shorter is None:
                break
            candidate = shorter
        else:
            ast.increment_lineno(tree, offset)
            submission.statements.extend(tree.body)
            if problem is not None and tree.body:
                # What comes before it is whole: the line stands between the functions, and is none of theirs.
                problem = replace(problem, function=None)
            break
    if problem is None:
        return
    if problem.function is None:
        submission.notes.append(f"{submission.named(problem.line)} is not read: {problem.message}")
    else:
        submission.problems.append(problem)


def _cut_at_margin(chunk: str) -> str | None:
    """Drop the chunk's last stretch that begins at the margin: what follows a function and is none of it."""
    lines = chunk.split("\n")
    for index in range(len(lines) - 1, 0, -1):
        line = lines[index]
        if line.strip() and not line[0].isspace() and not line.startswith("#"):
            return "\n".join(lines[:index])
    return None


def _chunks(text: str) -> list[tuple[int, str]]:
    lines = text.split("\n")
    starts = [0]
    for index, line in enumerate(lines):
        if re.match(r"(def|class|@|import|from|async)\b|@", line) and not (
            index and lines[index - 1].startswith("@")
        ):
            starts.append(index)
    bounds = [*sorted(set(starts)), len(lines)]
    return [(start, "\n".join(lines[start:end])) for start, end in pairwise(bounds)]


def _problem(error: Exception, chunk: str, offset: int) -> Problem:
    line = getattr(error, "lineno", None) or 1
    lines = chunk.split("\n")
    source = lines[line - 1].strip() if line <= len(lines) else ""
    match = re.search(r"^\s*def\s+(\w+)", chunk, re.MULTILINE)
    message = f"{type(error).__name__}: {getattr(error, 'msg', error)}"
    hint = _hint(error, source, chunk)
    return Problem(
        line + offset, f"{message}. {hint}" if hint else message, source, match.group(1) if match else None
    )


def _hint(error: Exception, source: str, chunk: str) -> str:
    if isinstance(error, TabError) or (isinstance(error, IndentationError) and "\t" in chunk):
        return "Tabs and spaces are mixed: indent with four spaces throughout"
    if isinstance(error, IndentationError):
        return "The line is indented otherwise than the lines around it"
    if re.search(r"\blambda\b\s*[,)=/*+-]", source):
        return "`lambda` is a word of Python's own: the course calls the regularization strength `lambd`"
    if re.match(r"print\s+[^(=]", source):
        return "print is a function: print(...)"
    if "![" in source:
        return "An image of a web page stands in the line: remove it"
    if source.count("(") != source.count(")") or source.count("[") != source.count("]"):
        return "The brackets of the line do not match"
    if source.count('"') % 2 or source.count("'") % 2:
        return "A quotation mark has no partner"
    return ""


def _finish(submission: Submission) -> Submission:
    """Keep what can be executed without running the homework itself."""
    kept: list[ast.stmt] = []
    for statement in submission.statements:
        refused = _refused(submission, statement)
        if refused is not None:
            submission.problems.append(refused)
            continue
        wanted = _wanted(statement)
        if wanted is None:
            submission.script.append(statement)
            if not isinstance(statement, ast.Expr | ast.Pass) or not isinstance(
                getattr(statement, "value", None), ast.Constant | None
            ):
                submission.skipped.append(statement.lineno)
            continue
        kept.append(wanted)
    submission.statements = kept
    submission.functions = [statement for statement in kept if isinstance(statement, ast.FunctionDef)]
    methods = any(isinstance(statement, ast.ClassDef) for statement in kept)
    loops = any(isinstance(statement, ast.For | ast.While) for statement in submission.script)
    if not (submission.functions or submission.problems or methods or loops):
        raise SubmissionError(f"{submission.path} defines no function: there is nothing to check in it")
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
    ast.Constant,
    ast.Name,
    ast.Attribute,
    ast.Tuple,
    ast.List,
    ast.Dict,
    ast.UnaryOp,
    ast.BinOp,
    ast.operator,
    ast.unaryop,
    ast.expr_context,
)


def _simple(expression: ast.expr) -> bool:
    """Tell whether an expression only names things and counts: only inside a lambda is anything called."""
    if isinstance(expression, ast.Lambda):
        return True
    if isinstance(expression, ast.Dict | ast.Tuple | ast.List):
        parts = (
            [*expression.keys, *expression.values] if isinstance(expression, ast.Dict) else expression.elts
        )
        return all(part is not None and _simple(part) for part in parts)
    if any(not isinstance(node, _SIMPLE) for node in ast.walk(expression)):
        return False
    return not any(nodes(expression, ast.Pow, ast.LShift, ast.Mult)) or not _large(expression)


def _large(expression: ast.expr) -> bool:
    """9 ** 9 ** 9 and [0] * 10 ** 10 are constants that never end."""
    powers = list(nodes(expression, ast.Pow, ast.LShift))
    numbers = [node.value for node in nodes(expression, ast.Constant)]
    return len(powers) > 1 or any(isinstance(number, int) and number > 10_000_000 for number in numbers)
