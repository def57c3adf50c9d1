"""``tinygrad-course derive "3*(a + b*c)" --wrt b``: a formula's derivative, on paper."""

import argparse
import ast
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from tinygrad_course.cli.typed import CONSTANTS, FUNCTIONS, ExpressionError, evaluate, values_of
from tinygrad_course.derivation import derive
from tinygrad_course.engine.tensor import Tensor

#: How often values are drawn for variables that were given none, until the formula has a finite one.
_DRAWS = 20


def add_parser(commands: Any) -> None:
    """Add the command to those of ``tinygrad-course``."""
    parser = commands.add_parser(
        "derive",
        help="write the chain rule of a formula, line by line",
        description="Write the chain rule from a formula back to its variables, one operation a line. Every"
        " line is checked against the computation graph.",
        epilog='Example: tinygrad-course derive "3*(a + b*c)" a=5 b=3 c=2 --wrt b      Functions: '
        + ", ".join(FUNCTIONS),
    )
    add = parser.add_argument
    add("formula", help='such as "3*(a + b*c)" or "sum(sigmoid(w * x))"')
    add("values", nargs="*", metavar="name=value", help="a=5, x=[1,2,3]; without values no numbers are shown")
    add("--wrt", metavar="NAME", action="append", help="the variable; all of them if left out")
    add("--as", dest="form", choices=("text", "latex", "markdown"), default="text")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the derivation that the user asks for, and return 0."""
    given = values_of(options.values)
    J, complete = _computed(options.formula, given)
    wrt = [name.strip() for names in options.wrt or [] for name in names.split(",")]
    written = getattr(derive(J, wrt or None, numbers=complete), options.form)
    sys.stdout.write(f"{written.rstrip()}\n")
    return 0


def _computed(formula: str, given: Mapping[str, str]) -> tuple[Tensor, bool]:
    """Return the formula's value, and whether every variable in it was given one."""
    missing = [name for name in _variables(formula) if name not in given]
    if not missing:
        return evaluate(formula, given), True
    random = np.random.RandomState(0)
    draws = ({name: repr(random.uniform(0.5, 1.5)) for name in missing} for _ in range(_DRAWS))
    for values in draws:
        with suppress(ExpressionError):
            return evaluate(formula, {**values, **given}), False
    return evaluate(formula, {**values, **given}), False  # raises what it has raised


def _variables(formula: str) -> list[str]:
    """Return the names in a formula that are neither functions nor constants.

    >>> _variables("3*(a + b*np.tanh(c)) + pi")
    ['a', 'b', 'c']
    """
    try:
        tree = ast.parse(formula.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []  # it is refused, with the reason, when it is read
    called = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    names = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in called]
    return sorted({n for n in names if n not in FUNCTIONS and n not in CONSTANTS and n != "np"})
