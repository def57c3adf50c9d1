"""From a text to its statements, where not all of it is Python: magics, half a function, a stray tab."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise


@dataclass(frozen=True)
class Problem:
    """A part of the file that Python cannot read."""

    line: int
    message: str
    source: str
    function: str | None = None


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


def parsed(text: str, offset: int) -> Iterator[ast.stmt | Problem]:
    """Give the statements of a text whose lines stand `offset` lines down, and what cannot be read of it."""
    for attempt in (text, _without_magics(text)):
        tree = _tree(attempt, offset)
        if not isinstance(tree, Exception):
            yield from tree
            return
    for start, chunk in _chunks(_without_magics(text)):
        yield from _of_chunk(chunk, offset + start)


def _tree(text: str, offset: int) -> list[ast.stmt] | Exception:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return error
    ast.increment_lineno(tree, offset)
    return tree.body


def _of_chunk(chunk: str, offset: int) -> Iterator[ast.stmt | Problem]:
    """Give what parses of a piece of a file that does not parse as a whole."""
    problem: Problem | None = None
    candidate: str | None = chunk
    while candidate is not None and candidate.strip():
        found = _tree(candidate, offset)
        if not isinstance(found, Exception):
            yield from found
            if problem is not None and found:
                # What comes before it is whole: the line stands between the functions, and is none of theirs.
                problem = replace(problem, function=None)
            break
        problem = problem or _problem(found, candidate, offset)
        candidate = _cut_at_margin(candidate)
    if problem is not None:
        yield problem


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
        decorated = index and lines[index - 1].startswith("@")
        if re.match(r"(def|class|@|import|from|async)\b|@", line) and not decorated:
            starts.append(index)
    bounds = [*sorted(set(starts)), len(lines)]
    return [(start, "\n".join(lines[start:end])) for start, end in pairwise(bounds)]


def _problem(error: Exception, chunk: str, offset: int) -> Problem:
    line = getattr(error, "lineno", None) or 1
    lines = chunk.split("\n")
    source = lines[line - 1].strip() if line <= len(lines) else ""
    match = re.search(r"^\s*def\s+(\w+)", chunk, re.MULTILINE)
    hint = _hint(error, source, chunk)
    message = f"{type(error).__name__}: {getattr(error, 'msg', error)}" + f". {hint}" * bool(hint)
    return Problem(line + offset, message, source, match[1] if match else None)


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
