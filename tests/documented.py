"""Code that stands in a page of Markdown, run as a program whose source can be read like that of a file."""

import ast
import contextlib
import io
import linecache
import re
from pathlib import Path
from typing import Any

#: ``print(J)  # 33.0``: what is printed, whole. A comment that begins with "the" tells it in words.
PROMISE = re.compile(r"print\(.*\)  # (?!the )(.*)")


def blocks(page: Path, language: str = "python") -> list[str]:
    """Return the fenced blocks of a page in one language."""
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def run(block: str, page: Path, number: int, names: dict[str, Any]) -> list[tuple[str, str]]:
    """Run a block in the names of those before it; return what its comments promise, and what was printed.

    A statement's promises are compared with all that the statement prints, spaces and lines told apart by one
    space; three dots in a promise stand for anything.
    """
    name = f"<{page.name}, block {number}>"
    linecache.cache[name] = (len(block), None, block.splitlines(keepends=True), name)
    found = []
    for statement in ast.parse(block, name).body:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(ast.Module([statement], []), name, "exec"), names)  # noqa: S102  (the project's own text)
        lines = "\n".join(block.splitlines()[statement.lineno - 1 : statement.end_lineno])
        if promised := " ".join(PROMISE.findall(lines)):
            found.append((promised, " ".join(printed.getvalue().split())))
    return found


def kept(promised: str, printed: str) -> bool:
    """Whether what was printed is what was promised.

    Examples
    --------
    >>> kept("6", "dJ/db = 6"), kept("(2, ...)", "(2, 400)")
    (False, True)
    """
    return re.fullmatch(re.escape(promised).replace(r"\.\.\.", ".*"), printed) is not None
