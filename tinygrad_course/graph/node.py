"""The recording as data: `graph(J)` lists the nodes behind J in topological order."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_course.engine.operation import Operation, Released
from tinygrad_course.engine.tensor import Tensor
from tinygrad_course.engine.views import now
from tinygrad_course.graph.program import Call, call_of
from tinygrad_course.rules.table import Rule

#: How many operations the graph of an error goes back.
NEAR = 12

#: In a notebook a wide picture is made as narrow as the column, in points, but no smaller than can be read.
_COLUMN = 700
_SMALLEST = 0.4


@dataclass(frozen=True, eq=False)
class Node:
    """One variable of a recorded computation.

    Attributes
    ----------
    id : int
        Its place in the topological order; inputs have smaller ones.
    name : str or None
        ``"Z1"``, if it has one.
    op : str or None
        The operation that made it, by NumPy's name; None for a leaf or a constant.
    inputs : tuple of int
        The ids of what the operation was applied to, in order.
    options : dict
        The operation's other arguments: ``{"axis": 1, "keepdims": True}``.
    shape : tuple of int
    dtype : numpy.dtype
    value : array or None
        None if a backward pass has released it.
    gradient : array or None
        What `backward` found, if it has run.
    constant : bool
        A plain array or number: no gradient is computed with respect to it.
    line : str or None
        The user's source line, for what was recorded under `debug()`.
    tensor : Tensor or None
        The Tensor itself; None for a constant.
    error : str or None
        Why the operation failed; see `broken`.
    call : Call or None
        How the operation is applied again; None for a leaf, a constant and an operation that failed.
    born : int
        Of an operation, its place in the order of recording: later ones have greater numbers.
    gradient_of : int or None
        Of a recorded gradient, when the cost that it belongs to was born.
    """

    id: int
    name: str | None
    op: str | None
    inputs: tuple[int, ...]
    options: dict[str, Any]
    shape: tuple[int, ...]
    dtype: Any
    value: Any
    gradient: Any
    constant: bool = False
    line: str | None = None
    tensor: Tensor | None = field(default=None, repr=False)
    error: str | None = None
    call: Call | None = field(default=None, repr=False)
    born: int = 0
    gradient_of: int | None = None

    @property
    def applied(self) -> Call:
        """The call of an operation."""
        assert self.call is not None, self.op  # noqa: S101  (it is asked of operations alone)
        return self.call


class Graph(Sequence[Node]):
    """The nodes of a recording in topological order: inputs before what is computed from them.

    It is a sequence of `Node`; ``g["Z1"]`` finds one by name. `render` draws it.
    """

    def __init__(
        self, nodes: list[Node], roots: tuple[int, ...], named: Mapping[str, Any] | None = None
    ) -> None:
        self.nodes = nodes
        self.roots = roots
        #: The arrays that the user has named, also those that stand in no node: 1 - Y may be told by Y.
        self.named = dict(named or {})

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            for node in reversed(self.nodes):
                if node.name == key:
                    return node
            names = sorted({n.name for n in self.nodes if n.name})
            raise KeyError(f"no node is called {key!r}; the names are {names}")
        return self.nodes[key]

    # The drawing stands a floor above; these methods are its front door, and ask for it when they are called.

    def render(
        self,
        path: str | os.PathLike[str],
        *,
        detail: str = "auto",
        theme: str = "light",
        scale: float = 1.0,
        title: str = "",
        direction: str = "auto",
    ) -> Path:
        """Draw the graph into a file: PNG, SVG, PDF or DOT by its suffix, or the interactive page for .html.

        With the suffix .gif or .apng the picture moves: the values appear forward, the gradients backward.

        Variables are boxes with name, shape and value, operations are circles, constants are plain. The
        value on the way forward is black; the gradient on the way back, once there is one, is red (of a
        matrix, its norm).

        Parameters
        ----------
        path : str or path
            ``"J.png"``, ``"J.svg"``, ``"J.pdf"``, ``"J.dot"`` or ``"J.html"`` (see `to_html`).
        detail : str
            ``"operations"`` shows each, ``"outline"`` a box for each layer (or repeated block, or stretch of
            a recording without either), ``"auto"`` the first for up to 60 nodes. More than 300 are always
            drawn in outline, and the picture says so.
        theme : str
            ``"light"``, ``"dark"``, or ``"slide"`` (larger and stronger).
        scale : float
            The density of a PNG's pixels: 2 for twice as many each way.
        title : str
            Stands above the picture.
        direction : str
            ``"LR"`` from left to right, ``"TB"`` from top to bottom, ``"auto"`` from left to right and, where
            that is long, in rows, so that the picture fits a slide and a notebook's column.

        Returns
        -------
        Path
            The file, written whole.

        Raises
        ------
        NoRenderer
            If there is no Graphviz; the DOT text is then saved, and the message says where, and which command
            brings a renderer.

        Examples
        --------
        >>> a, b, c = Tensor(5.0, name="a"), Tensor(3.0, name="b"), Tensor(2.0, name="c")
        >>> J = 3 * (a + b * c)
        >>> J.backward()
        >>> graph(J).render("J.png").name
        'J.png'
        """
        from tinygrad_course import drawing

        return drawing.to_file(
            self, path, detail=detail, theme=theme, scale=scale, title=title, direction=direction
        )

    def to_dot(
        self, *, detail: str = "auto", theme: str = "light", title: str = "", direction: str = "auto"
    ) -> str:
        """Return the drawing as DOT, Graphviz's language: the same text for the same recording."""
        from tinygrad_course import drawing

        return drawing.to_dot(self, detail=detail, theme=theme, title=title, direction=direction)

    def to_html(self, path: str | os.PathLike[str], *, title: str = "") -> Path:
        """Write the interactive page: one file that opens in any browser and needs no network.

        It goes through the recording a step at a time, forward and backward, with the numbers, the local rule
        and the product of the chain rule so far; it shows matrices as heat maps, collapses layers, finds
        variables by name, and says everything to a screen reader too. Whether `backward` has run makes no
        difference, but draw it before the parameters are updated.

        Examples
        --------
        >>> W = Tensor(np.array([[1.0, 2.0]]), name="W")
        >>> graph(np.sum(W @ np.eye(2))).to_html("J.html").name
        'J.html'
        """
        from tinygrad_course import drawing

        return drawing.to_html(self, path, title=title)

    def interactive(self, *, title: str = "", height: int = 640) -> Any:
        """Return the interactive page for a notebook, where it shows in a frame `height` pixels high."""
        from tinygrad_course import drawing

        return drawing.Page(drawing.page.page(self, title), height)

    def shapes(self) -> Any:
        """Return the table of dimensions: what shape each variable has, and in the course's letters.

        Examples
        --------
        >>> W1, b1 = Tensor(np.ones((4, 2)), name="W1"), Tensor(np.zeros((4, 1)), name="b1")
        >>> X = np.ones((2, 5))
        >>> A1 = np.tanh(np.dot(W1, X) + b1)
        >>> graph(A1, names=locals()).shapes()
        n_x = 2, n_1 = 4, m = 5
        X   (2, 5)  (n_x, m)
        W1  (4, 2)  (n_1, n_x)
        b1  (4, 1)  (n_1, 1)
        A1  (4, 5)  (n_1, m)
        """
        from tinygrad_course import drawing

        return drawing.dimensions(self)

    def _repr_svg_(self) -> str:
        from tinygrad_course import drawing

        def fitted(size: re.Match[str]) -> str:
            width, height = int(size[1]), int(size[2])
            scale = min(1.0, max(_COLUMN / width, _SMALLEST))
            return f'<svg width="{width * scale:.0f}pt" height="{height * scale:.0f}pt"'

        svg = drawing.render.picture(self.to_dot(), "svg").decode()
        return re.sub(r'<svg width="(\d+)pt" height="(\d+)pt"', fitted, svg, count=1)

    def __repr__(self) -> str:
        leaves = sum(n.op is None and not n.constant for n in self.nodes)
        constants = sum(n.constant for n in self.nodes)
        root = ", ".join(self.nodes[r].name or f"{self.nodes[r].op}" for r in self.roots)
        operations = len(self.nodes) - leaves - constants
        return f"<Graph of {root}: {leaves} leaves, {constants} constants, {operations} operations>"


def graph(J: Tensor | Sequence[Tensor], names: Mapping[str, Any] | None = None) -> Graph:
    """Return the recording behind one or more Tensors as data.

    Parameters
    ----------
    J : Tensor or sequence of Tensor
        Where it ends; usually the cost.
    names : mapping of str to Tensor or array, optional
        Names for what has none: ``graph(J, names=locals())``. Nested dicts (of parameters) are looked into.

    Raises
    ------
    TypeError
        If J is no Tensor: nothing was recorded then; if `names` is no mapping.

    Examples
    --------
    >>> a, b = Tensor(5.0, name="a"), Tensor(3.0, name="b")
    >>> [(n.name, n.op, n.inputs) for n in graph(a * b + 1)]
    [('a', None, ()), ('b', None, ()), (None, 'multiply', (0, 1)), (None, None, ()), (None, 'add', (2, 3))]
    """
    roots: list[Any] = list(J) if isinstance(J, (list, tuple)) else [J]
    for root in roots:
        if type(root) is not Tensor:
            raise TypeError(
                f"graph() draws what was recorded, and this is a {type(root).__name__}: compute it from "
                "Tensors (W1 = Tensor(...)), not from plain arrays"
            )
    if not isinstance(names, Mapping | None):
        raise TypeError(f"names is a {type(names).__name__}; expected a dict, names=locals()")
    known: dict[int, str] = {}
    arrays: dict[str, Any] = {}
    _collect(names or {}, known, arrays)
    found = _Builder(known).build(roots)
    found.named = arrays
    return found


def broken(rule: Rule, args: Sequence[Any], message: str, names: Mapping[str, Any]) -> Graph:
    """Return the little graph up to an operation that failed: ``error.graph`` of an error about shapes.

    It goes back `NEAR` operations at most; what lies further back is drawn as if it had been given.

    >>> W1, X = Tensor(np.ones((4, 3)), name="W1"), np.ones((2, 5))
    >>> try:
    ...     np.tanh(W1 * 0.5) @ X
    ... except ValueError as error:
    ...     [(node.name or node.op, node.shape) for node in error.graph]
    [('W1', (4, 3)), (None, ()), ('multiply', (4, 3)), ('tanh', (4, 3)), ('X', (2, 5)), ('matmul', ())]
    """
    known: dict[int, str] = {}
    _collect(names, known, {})
    builder = _Builder(known, _nearest(args))
    inputs = []
    for arg in args:
        if type(arg) is Tensor:
            inputs.append(builder.build([arg]).roots[0])
        elif rule.elementwise or isinstance(arg, np.ndarray):
            inputs.append(builder.constant(arg))
    number = len(builder.nodes)
    builder.nodes.append(
        Node(number, None, rule.name, tuple(inputs), {}, (), None, None, None, error=message)
    )
    return Graph(builder.nodes, (number,))


def _nearest(args: Sequence[Any]) -> set[int]:
    """Return which Tensors a little graph shows the operations of."""
    near: dict[int, Tensor] = {}
    waiting = [a for a in args if type(a) is Tensor]
    while waiting and len(near) < NEAR:
        tensor = Operation(now(waiting.pop(0))).original
        if id(tensor) not in near and Operation(tensor).rule is not None:
            near[id(tensor)] = tensor
            waiting += [a for a in call_of(tensor)[1] if type(a) is Tensor]
    return set(near)


def _collect(names: Mapping[Any, Any], known: dict[int, str], arrays: dict[str, Any]) -> None:
    for name, value in names.items():
        if not isinstance(name, str) or name.startswith("_"):
            continue
        if isinstance(value, (Tensor, np.ndarray)):
            known.setdefault(id(now(value) if type(value) is Tensor else value), name)
            if isinstance(value, np.ndarray):
                arrays.setdefault(name, value)
        elif type(value) is dict and id(value) not in known:  # one may hold itself, as that of globals() does
            known[id(value)] = name
            _collect(value, known, arrays)


class _Builder:
    def __init__(self, known: dict[int, str], near: set[int] | None = None) -> None:
        self.known = known
        self.near = near  # the Tensors whose operations are wanted; None: all
        self.nodes: list[Node] = []
        self.ids: dict[Any, int] = {}

    def build(self, roots: list[Tensor]) -> Graph:
        roots = [Operation(now(r)).original for r in roots]
        stack: list[tuple[Tensor, Any]] = [(root, None) for root in reversed(roots)]
        while stack:  # depth first, children in order: each node once, after its inputs
            node, made = stack.pop()
            if id(node) in self.ids:
                continue
            if made is not None:
                self.add(node, *made)
                continue
            made = self.made(node)
            stack.append((node, made))
            stack += [(a, None) for a in reversed(made[1]) if type(a) is Tensor and id(a) not in self.ids]
        return Graph(self.nodes, tuple(self.ids[id(r)] for r in roots))

    def made(self, tensor: Tensor) -> tuple[Call | None, list[Any], dict[str, Any]]:
        """Return how a Tensor was computed; of a leaf, and beyond what is wanted, that it was given."""
        wanted = self.near is None or id(tensor) in self.near
        return call_of(tensor) if wanted and Operation(tensor).rule is not None else (None, [], {})

    def add(self, tensor: Tensor, call: Call | None, operands: list[Any], options: dict[str, Any]) -> None:
        saved = call.saved if call is not None else ()
        inputs = tuple(
            self.ids[id(a)] if type(a) is Tensor else self.constant(a, kept)
            for a, kept in zip(operands, saved, strict=True)
        )
        made = Operation(tensor)
        if made.is_input and call is not None:  # it stands for what the caller passed
            number = self.ids[id(tensor)] = inputs[0]
            if self.nodes[number].name is None:
                self.nodes[number] = replace(self.nodes[number], name=tensor.name)
            return
        data, grad = made.held, made.gradient
        many = isinstance(data, tuple)
        self.ids[id(tensor)] = len(self.nodes)
        self.nodes.append(
            Node(
                id=len(self.nodes),
                name=tensor.name or self.known.get(id(tensor)),
                op=None if call is None else call.rule.name,
                inputs=inputs,
                options=options,
                shape=() if many else tuple(data.shape),
                dtype=None if many else data.dtype,
                value=None if type(data) is Released else data,
                gradient=None if grad is None or many else grad,
                line=made.line,
                tensor=tensor,
                call=call,
                born=made.number,
                gradient_of=made.cost_number,
            )
        )

    def constant(self, value: Any, kept: Any = None) -> int:
        """Return a constant's node; `kept` is the recording's copy, which a recorded derivative reads."""
        shared = isinstance(value, np.ndarray)  # two 3s are two constants, one X used twice is one
        number = len(self.nodes)
        if shared:
            same = [id(v) for v in (value, kept) if isinstance(v, np.ndarray)]
            number = next((self.ids[i] for i in same if i in self.ids), number)
            self.ids |= dict.fromkeys(same, number)
            if number < len(self.nodes):
                if self.nodes[number].name is None and id(value) in self.known:
                    self.nodes[number] = replace(self.nodes[number], name=self.known[id(value)])
                return number
        self.nodes.append(
            Node(
                id=number,
                name=self.known.get(id(value)) if shared else None,
                op=None,
                inputs=(),
                options={},
                shape=tuple(np.shape(value)),
                dtype=getattr(
                    value, "dtype", np.dtype(type(value)) if isinstance(value, (int, float)) else None
                ),
                value=value,
                gradient=None,
                constant=True,
            )
        )
        return number
