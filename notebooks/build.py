"""From a source to executed notebooks.

A source is a Python file of cells. The code cells are shared; prose stands once in each language::

    # %% [markdown] en
    # # The computation graph
    # %% [markdown] zh
    # # 计算图
    # %%
    J = 3 * (a + b * c)

A language for which a source has no prose has no notebook of it.
"""

from __future__ import annotations

import copy
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

nbf: Any = nbformat  # it has no type hints

HERE = Path(__file__).resolve().parent
LANGUAGES = ("en", "zh")
_MARK = re.compile(r"^# %%(?: \[markdown\] (\w+))?$")
# What notebooks say must not depend on the machine: none of the course's files is found, whoever has them,
# plots are shown, and one thread adds numbers up in one order.
_ENVIRONMENT = {"PYTHONWARNINGS": "ignore", "MPLBACKEND": None, "OPENBLAS_NUM_THREADS": "1"}
_NO_FILES = "import datasets.files\ndatasets.files.folders = lambda folder=None: []"


def sources() -> list[Path]:
    """Return the sources in the course's order."""
    return sorted((HERE / "sources").glob("[0-9]*.py"))


def path_of(source: Path, language: str) -> Path:
    """Return where the notebook of a source is written."""
    folder = HERE if language == "en" else HERE / "zh-CN"
    return folder / f"{source.stem}.ipynb"


def cells(text: str) -> list[tuple[str, str]]:
    r"""Split a source into (kind, content): the kind is "code" or a language.

    Examples
    --------
    >>> cells("# %% [markdown] en\n# Hello\n# %%\n1 + 1\n")
    [('en', 'Hello'), ('code', '1 + 1')]
    """
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        mark = _MARK.match(line)
        if mark:
            found.append((mark.group(1) or "code", []))
        elif found:
            found[-1][1].append(line)
    parts = []
    for kind, lines in found:
        if kind != "code":
            lines = [line.removeprefix("#").removeprefix(" ") for line in lines]
        parts.append((kind, "\n".join(lines).strip("\n")))
    return parts


def unexecuted(source: Path, language: str) -> Any:
    """Return the notebook of a source in one language, without outputs; None if it has no prose in it."""
    parts = cells(source.read_text(encoding="utf-8"))
    if not any(kind == language for kind, _ in parts):
        return None
    notebook = nbf.v4.new_notebook()
    for number, (kind, content) in enumerate(parts):
        if kind == "code":
            cell = nbf.v4.new_code_cell(content)
        elif kind == language:
            cell = nbf.v4.new_markdown_cell(content)
        else:
            continue
        cell["id"] = f"{source.stem[:2]}-{number:03d}"
        notebook.cells.append(cell)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def execute(notebook: Any, timeout: int = 120) -> Any:
    """Run the cells in a fresh kernel in an empty folder, and return the notebook with its outputs.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell raises.
    """
    notebook.cells.insert(0, nbf.v4.new_code_cell(_NO_FILES))
    kept = {name: os.environ.get(name) for name in _ENVIRONMENT}
    with tempfile.TemporaryDirectory() as folder:
        try:
            _set(_ENVIRONMENT)
            client = NotebookClient(notebook, timeout=timeout, resources={"metadata": {"path": folder}})
            client.execute()
        finally:
            _set(kept)
    del notebook.cells[0]
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # the times of day
        if cell.cell_type == "code":  # what libraries complain of on this machine is no part of the lesson
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
            cell.execution_count -= 1
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = cell.execution_count
    return notebook


def _set(environment: dict[str, str | None]) -> None:
    for name, value in environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def build(source: Path) -> dict[str, Any]:
    """Return the notebooks of a source by language; the code, which is the same in all, is run once."""
    notebooks = {language: unexecuted(source, language) for language in LANGUAGES}
    found = {language: notebook for language, notebook in notebooks.items() if notebook is not None}
    first, *others = found.values()
    execute(first)
    results = {cell.id: cell for cell in first.cells if cell.cell_type == "code"}
    for notebook in others:
        notebook.cells = [copy.deepcopy(results.get(cell.id, cell)) for cell in notebook.cells]
    return found


def write(notebook: Any, target: Path) -> None:
    """Write a notebook whole or not at all."""
    target.parent.mkdir(exist_ok=True)
    part = target.with_suffix(".part")
    part.write_text(nbf.writes(notebook) + "\n", encoding="utf-8")
    part.replace(target)


def texts(notebook: Any) -> list[str]:
    """Return what each code cell printed or showed as text: the outputs that are the same in every run.

    A cell with the comment "# differs between machines" (rounding errors, times) is left out.
    """
    found = []
    for cell in notebook.cells:
        if cell.cell_type == "code" and "# differs between machines" not in cell.source:
            shown = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in cell.outputs]
            found.append(re.sub(r"0x[0-9a-f]+", "0x", "".join(shown)))
    return found
