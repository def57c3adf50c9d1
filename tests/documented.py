"""Code that stands in a page of Markdown, run as a program whose source can be read like that of a file."""

import linecache
import re
from pathlib import Path
from typing import Any


def blocks(page: Path, language: str = "python") -> list[str]:
    """Return the fenced blocks of a page in one language."""
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def run(block: str, page: Path, number: int, names: dict[str, Any]) -> None:
    """Run a block in the names of those before it."""
    name = f"<{page.name}, block {number}>"
    linecache.cache[name] = (len(block), None, block.splitlines(keepends=True), name)
    exec(compile(block, name, "exec"), names)  # noqa: S102  (the project's own text)
