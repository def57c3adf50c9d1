"""Pictures of what commands print, in docs/pictures: ``check.png``, ``report.png`` and the like."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.syntax import Syntax
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

from tinygrad_course import compiled, value_and_grad
from tinygrad_course.training.initialization import initialize_parameters

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = "docs/examples"
COLUMNS = 104
QUIET = "--no-header -p no:cacheprovider"
PAGE = (
    "<!doctype html><meta charset=utf-8><style>{stylesheet} body {{ color: {foreground}; "
    "background: {background}; display: inline-block; margin: 0; padding: 14px 18px }} "
    "pre {{ margin: 0; font: 15px/1.35 'DejaVu Sans Mono', monospace }}</style><pre>{code}</pre>"
)


def page(*parts: Any) -> str:
    """Return what rich prints, as a page."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for part in parts:
        console.print(part)
    return console.export_html(theme=DIMMED_MONOKAI, code_format=PAGE)


def printed(*command: str) -> str:
    """Return the page of a command of the environment's, and of what it prints."""
    line = Text(f"$ {' '.join(command)}", style="bold")
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(COLUMNS), "PYTEST_ADDOPTS": QUIET}
    script = Path(sys.executable).with_name(command[0])
    program = [str(script)] if script.exists() else [sys.executable, "-m", command[0].replace("-", "_")]
    done = subprocess.run(
        [*program, *command[1:]],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    text = re.sub(r"^drawn in /.*/", "drawn in ", done.stdout, flags=re.MULTILINE)
    text = re.sub(r" in [\d.]+s", "", text)
    return page(line, Text.from_ansi(text.rstrip()))


def check() -> str:
    """The audit of a homework with one mistake."""
    return printed("tinygrad-course", "check", f"{EXAMPLES}/homework.py")


def report() -> str:
    """The page to hand back of a homework with two mistakes."""
    from tinygrad_course.audit import check_file
    from tinygrad_course.audit.reporting.handout import page as handed_back

    return handed_back(check_file(f"{EXAMPLES}/two_mistakes.py"))


def failing_test() -> str:
    """A property test that finds a factor forgotten in a gradient by hand."""
    return printed("pytest", "-q", "--tb=short", f"{EXAMPLES}/test_swish.py")


def program() -> str:
    """The program that is made of a network's forward pass and its gradient."""

    def cost(parameters: Any, X: Any, Y: Any) -> Any:
        Z1 = np.dot(parameters["W1"], X) + parameters["b1"]
        A1 = np.tanh(Z1)
        Z2 = np.dot(parameters["W2"], A1) + parameters["b2"]
        A2 = 1 / (1 + np.exp(-Z2))
        return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / Y.shape[1]

    rng = np.random.RandomState(1)
    step = compiled(value_and_grad(cost))
    step(initialize_parameters([2, 4, 1], "small", 2), rng.randn(2, 400), rng.rand(1, 400).round())
    source = step.source.rstrip()
    return page(Syntax(source, "python", theme="monokai", background_color="default", word_wrap=True))


PICTURES = {"check": check, "report": report, "test": failing_test, "compiled": program}
