"""The command line: ``tinygrad-course graph | derive | check``."""

import argparse
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

import tinygrad_course
from tinygrad_course.cli.typed import FUNCTIONS, evaluate, values_of
from tinygrad_course.drawing import NoRenderer, labels
from tinygrad_course.drawing.themes import THEMES
from tinygrad_course.engine.errors import meant
from tinygrad_course.graph.node import graph

#: Commands whose modules are loaded when they are asked for; ``add_parser(commands)`` in each sets ``run``.
_FURTHER = ("derive", "check")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status: 0, or 2 where the user has to change something."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    wanted = next((g for g in given if not g.startswith("-")), None)
    parser, commands = _parser(wanted)
    names = ["graph", *_FURTHER]
    if wanted is not None and wanted not in names:
        parser.error(
            f"there is no command {wanted!r}{meant(wanted, names)} (the commands: {', '.join(names)})"
        )
    options, unknown = parser.parse_known_args(_with_formula(given))
    if unknown:
        command = commands.choices[wanted] if wanted else parser
        words = command.format_help().replace(",", " ").split()
        options_here = [word for word in words if word.startswith("-")]
        command.error(f"there is no option {unknown[0]}{meant(unknown[0].partition('=')[0], options_here)}")
    try:
        return int(options.run(options) or 0)
    except (ValueError, NoRenderer, OSError, ImportError) as error:  # an extra may be missing
        print(f"tinygrad-course: {error}", file=sys.stderr)
        return 2


def _with_formula(given: list[str]) -> list[str]:
    """Return the arguments with a formula that begins with a minus told apart from an option."""
    if len(given) > 1 and given[0] in {"graph", "derive"} and re.match(r"-(\d|.*[*/+(@ ])", given[1]):
        return [given[0], f" {given[1]}", *given[2:]]
    return given


def _parser(wanted: str | None) -> tuple[argparse.ArgumentParser, Any]:
    about = str(tinygrad_course.__doc__)
    parser = argparse.ArgumentParser(prog="tinygrad-course", description=about.splitlines()[0])
    parser.add_argument("--version", action="store_true", help="show the version and leave")
    parser.set_defaults(run=lambda options: _nothing(parser, options))
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_graph(commands)
    for name in _FURTHER:
        if wanted in {None, name}:
            import_module(f"tinygrad_course.cli.{name}").add_parser(commands)
    return parser, commands


def _nothing(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if options.version:
        print(tinygrad_course.__version__)
        return 0
    parser.print_help()
    return 2


def _add_graph(commands: Any) -> None:
    parser = commands.add_parser(
        "graph",
        help="draw the computation graph of a formula, with its gradients",
        description="Draw a formula's computation graph: values on the way forward, gradients on the way"
        " back.",
        epilog='Example: tinygrad-course graph "3*(a + b*c)" a=5 b=3 c=2 -o J.png      Functions: '
        + ", ".join(FUNCTIONS),
    )
    add, files = parser.add_argument, ".png, .svg, .pdf, .dot, or .html for the page to step through"
    add("formula", help='such as "3*(a + b*c)" or "sum(sigmoid(w * x))"')
    add("values", nargs="*", metavar="name=value", help="a=5, x=[1,2,3], W=[[1,2],[3,4]]")
    add("-o", "--output", metavar="FILE", help=files)
    add("--theme", choices=THEMES, default="light")
    add("--scale", type=float, default=1.0, help="of a PNG's pixels, 2 for twice as many")
    add("--title", default="", help="stands above the picture")
    parser.set_defaults(run=_graph)


def _graph(options: argparse.Namespace) -> int:
    J = evaluate(options.formula, values_of(options.values))
    if J.size == 1:
        J.backward()
    g = graph(J)
    print(f"J = {_told(J.data)}")
    if J.size == 1:
        for node in g:
            if node.op is None and not node.constant:
                print(f"dJ/d{node.name} = {_told(node.gradient)}")
    else:
        print("J is no single number, so there is no gradient: sum(...) or mean(...) makes it one.")
    if options.output:
        print(g.render(options.output, theme=options.theme, scale=options.scale, title=options.title))
    return 0


def _told(value: Any) -> str:
    if np.size(value) == 1:
        return labels.number(np.reshape(value, ())[()], 6).replace("−", "-")
    return np.array2string(np.asarray(value), precision=6, separator=", ", threshold=20)
