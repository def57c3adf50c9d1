"""A plugin for pytest: where a gradient is wrong, its graph is printed and drawn.

pytest finds it by itself where the library is installed. A failed `check_gradients` or
`assert_gradients_match` gets a section with the recording as text, and a picture of it in a file, which the
section names. With ``--graph`` so does every other failed test, for the last Tensor that it had computed.

The module imports nothing of the library before it is needed, and leaves tests that pass alone.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tinygrad_course.graph.node import Graph

_LINES = 60
_NODES = 300


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--graph`` and ``--graph-dir``."""
    group = parser.getgroup("tinygrad_course", "recordings of failed gradients")
    group.addoption(
        "--graph",
        action="store_true",
        help="print and draw the graph of the last Tensor of every failed test, not only of wrong gradients",
    )
    group.addoption("--graph-dir", metavar="DIR", help="where the pictures go (pytest's cache, if left away)")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the graph to the report of a failed test."""
    report = yield
    if report.failed and call.excinfo is not None and "tinygrad_course.engine.tensor" in sys.modules:
        try:
            graph = _graph_of(call.excinfo, every=bool(item.config.getoption("--graph")))
            if graph is not None:
                report.sections.append(("Graph of the gradient", _told(graph, item)))
        except Exception as error:  # noqa: BLE001  (a report is not to fail for its picture)
            report.sections.append(("Graph of the gradient", f"could not be shown: {error!r}"))
    return report


def _graph_of(excinfo: pytest.ExceptionInfo[BaseException], every: bool) -> Graph | None:
    """Return the graph of a failed gradient check, or with `every` that of the test's last Tensor."""
    from tinygrad_course.gradient_checking import GradientMismatchError

    for error in _causes(excinfo.value):
        if isinstance(error, GradientMismatchError):
            found: Graph | None = error.graph
            return found
    return _graph_of_last_tensor(excinfo) if every else None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what it was raised from, or holds (Hypothesis groups what it finds)."""
    pending: list[BaseException | None] = [error]
    seen: set[int] = set()
    while pending:
        one = pending.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        pending += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]


def _graph_of_last_tensor(excinfo: pytest.ExceptionInfo[BaseException]) -> Graph | None:
    from tinygrad_course import Tensor, graph

    for entry in reversed(excinfo.traceback):
        held = entry.frame.f_locals
        computed = [made for v in held.values() if type(v) is Tensor and (made := v.operation) is not None]
        if computed:
            return graph(max(computed, key=lambda made: made.number).output, names=held)
    return None


def _told(graph: Graph, item: pytest.Item) -> str:
    lines = as_text(graph)
    if len(lines) > _LINES:
        lines = [*lines[: _LINES // 2], f"... {len(lines) - _LINES} more ...", *lines[-_LINES // 2 :]]
    return "\n".join([*lines, "", _drawn(graph, item)])


def as_text(graph: Graph) -> list[str]:
    r"""Return a line for each node: name, operation, shape, value and gradient.

    >>> from tinygrad_course import Tensor, graph
    >>> a, b = Tensor(5.0, name="a"), Tensor(3.0, name="b")
    >>> J = (a * b).named("J")
    >>> J.backward()
    >>> print("\n".join(as_text(graph(J))))
    a = 5                    gradient 3
    b = 3                    gradient 5
    J = multiply(a, b) = 15  gradient 1
    """
    labels = {node.id: node.name or f"v{node.id}" for node in graph}
    lines = []
    for node in graph:
        if node.constant and not node.shape and node.name is None:
            labels[node.id] = _short(node.value)
            continue
        options = [f"{key}={value!r}" for key, value in node.options.items()]
        made = f" = {node.op}({', '.join([*(labels[i] for i in node.inputs), *options])})" if node.op else ""
        shape = f" {node.shape}" if node.shape else ""
        gradient = "" if node.gradient is None else f"gradient {_short(node.gradient)}"
        lines.append((f"{labels[node.id]}{made}{shape} = {_short(node.value)}", gradient))
    width = min(max((len(left) for left, _ in lines), default=0), 64)
    return [f"{left:<{width}}  {gradient}".rstrip() for left, gradient in lines]


def _short(value: Any) -> str:
    import numpy as np

    if value is None:
        return "(released)"
    if np.ndim(value) == 0 and not isinstance(value, (tuple, list)):
        return f"{value:.6g}" if isinstance(value, (int, float, np.number)) else repr(value)
    text = np.array2string(np.asarray(value), precision=4, separator=", ", threshold=12, edgeitems=2)
    return " ".join(text.split())


def _drawn(graph: Graph, item: pytest.Item) -> str:
    """Save the picture, or the text that Graphviz would draw, and say where."""
    from tinygrad_course.files import write

    directory = _directory(item.config)
    name = re.sub(r"[^\w.-]+", "_", item.nodeid).strip("_")[-120:]
    try:
        if len(graph) > _NODES:
            raise ValueError(f"{len(graph)} nodes are too many for a picture")
        return f"drawn in {graph.render(directory / f'{name}.png')}"
    except Exception as error:  # noqa: BLE001  (no renderer, most often)
        path = directory / f"{name}.dot"
        if not path.is_file():
            write(path, graph.to_dot().encode())
        return f"in {path}, for Graphviz to draw ({error})"


def _directory(config: pytest.Config) -> Path:
    chosen = config.getoption("--graph-dir")
    if chosen:
        directory = Path(chosen)
        directory.mkdir(parents=True, exist_ok=True)
        return directory
    cache = getattr(config, "cache", None)
    if cache is not None:
        return Path(cache.mkdir("gradient-graphs"))
    return Path(tempfile.mkdtemp(prefix="gradient-graphs-"))
