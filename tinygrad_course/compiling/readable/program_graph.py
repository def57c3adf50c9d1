"""A program as a `Graph`: to be drawn, searched and read like any recording."""

from typing import Any

import numpy as np

from tinygrad_course.compiling.dataflow import Program, Value
from tinygrad_course.compiling.readable.operator_syntax import Printer
from tinygrad_course.graph.node import Graph, Node


def graph_of(program: Program) -> Graph:
    """Return a program's values as nodes; inputs are leaves, and no node has a value of its own.

    A number among the operands of an elementwise call is drawn as a constant.
    """
    ids: dict[int, int] = {}
    nodes: list[Node] = []
    for value in program.values():
        elementwise = isinstance(value.function, np.ufunc)
        inputs = []
        for operand in value.args if elementwise else value.inputs:
            if isinstance(operand, Value):
                inputs.append(ids[id(operand)])
                continue
            inputs.append(len(nodes))
            x = np.asarray(operand)
            nodes.append(Node(len(nodes), None, None, (), {}, x.shape, x.dtype, operand, None, constant=True))
        ids[id(value)] = len(nodes)
        function = value.function
        nodes.append(
            Node(
                id=len(nodes),
                name=value.name,
                op=None if function is None else str(getattr(function, "__name__", function)),
                inputs=tuple(inputs),
                options={} if elementwise else _options(value),
                shape=value.shape,
                dtype=value.dtype,
                value=value.data,
                gradient=None,
                constant=value.is_constant,
            )
        )
    return Graph(nodes, tuple(dict.fromkeys(ids[id(v)] for v in program.results)))


def _options(value: Value) -> dict[str, Any]:
    """Return what is no array in a call: numbers by their place, keywords by their name."""
    printer = Printer(lambda v: (v.name or "...", 16))
    plain = {f"argument {i}": a for i, a in enumerate(value.args) if not isinstance(a, Value)}
    named = {k: v for k, v in value.kwargs.items() if not isinstance(v, Value)}
    return {
        k: v if isinstance(v, (int, float, tuple, bool)) else printer.text(v)
        for k, v in (plain | named).items()
    }
