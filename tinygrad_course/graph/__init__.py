"""The recording as data."""

from tinygrad_course.graph.node import Graph, Node, graph

__all__ = ["Graph", "Node", "graph"]
