"""A hook of mkdocs: the notebooks, which stand outside docs/, become pages of the site with their outputs.

They become Markdown, so that formulas, code and search are those of the other pages and nothing is loaded
from elsewhere.
"""

from __future__ import annotations

import base64
import html
from pathlib import Path
from typing import Any

import nbformat
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ("image/svg+xml", "image/png")


def on_files(files: Files, config: Any, **_: Any) -> Files:
    """Add a page for each notebook."""
    for path in sorted((ROOT / "notebooks").rglob("[0-9]*.ipynb")):
        name = path.relative_to(ROOT).with_suffix(".md").as_posix()
        files.append(File.generated(config, name, content=markdown(path)))
    return files


def markdown(path: Path) -> str:
    """Return a notebook as Markdown."""
    parts = []
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
        else:
            parts.append(f"```python\n{cell.source}\n```")
            parts += [output(o) for o in cell.outputs]
    return "\n\n".join(parts) + "\n"


def output(shown: Any) -> str:
    """Return what a cell printed or showed."""
    data = shown.get("data", {})
    text = shown.get("text") or data.get("text/plain", "")
    for kind in PICTURES:
        if kind in data:
            content = data[kind].encode() if "svg" in kind else base64.b64decode(data[kind])
            url = f"data:{kind};base64,{base64.b64encode(content).decode()}"
            return f'<p><img src="{url}" alt="{html.escape(text)}"></p>'
    if "text/html" in data:
        return f"<div>{data['text/html']}</div>"
    return f"```text\n{text.rstrip()}\n```"
