"""A program as a `Graph`: to be drawn, searched and read like any recording."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_course.compiling.dataflow import Program, Value
from tinygrad_course.compiling.readable.operator_syntax import Printer
from tinygrad_course.graph.node import Graph, Node


def graph_of(program: Program) -> Graph:
    """Return a program's values as nodes; inputs are leaves, and no node has a value of its own."""
    ids: dict[int, int] = {}
    nodes: list[Node] = []
    for value in program.values():
        numbers = _numbers(value)
        first = len(nodes)
        nodes += [_constant(x, first + i) for i, x in enumerate(numbers)]
        ids[id(value)] = len(nodes)
        nodes.append(_node(value, len(nodes), ids, iter(range(first, first + len(numbers)))))
    roots = tuple(dict.fromkeys(ids[id(v)] for v in program.results))
    return Graph(nodes, roots)


def _numbers(value: Value) -> list[Any]:
    """Return the numbers among the operands of an elementwise call: each is drawn as a constant."""
    return [a for a in value.args if not isinstance(a, Value)] if isinstance(value.function, np.ufunc) else []


def _constant(x: Any, number: int) -> Node:
    array = np.asarray(x)
    return Node(number, None, None, (), {}, array.shape, array.dtype, x, None, constant=True)


def _node(value: Value, number: int, ids: dict[int, int], constants: Iterator[int]) -> Node:
    if isinstance(value.function, np.ufunc):
        inputs = tuple(ids[id(a)] if isinstance(a, Value) else next(constants) for a in value.args)
    else:
        inputs = tuple(ids[id(v)] for v in value.inputs)
    return Node(
        id=number,
        name=value.name,
        op=None if value.function is None else _name(value.function),
        inputs=inputs,
        options={} if isinstance(value.function, np.ufunc) else _options(value),
        shape=value.shape,
        dtype=value.dtype,
        value=value.data,
        gradient=None,
        constant=value.is_constant,
    )


def _name(function: Any) -> str:
    return str(getattr(function, "__name__", function))


def _options(value: Value) -> dict[str, Any]:
    """Return what is no array in a call: numbers by their place, keywords by their name."""
    printer = Printer(lambda v: (v.name or "...", 16))
    plain = {f"argument {i}": a for i, a in enumerate(value.args) if not isinstance(a, Value)}
    named = {k: v for k, v in value.kwargs.items() if not isinstance(v, Value)}
    return {
        k: v if isinstance(v, (int, float, tuple, bool)) else printer.text(v)
        for k, v in (plain | named).items()
    }
