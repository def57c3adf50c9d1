"""What code of any style may be given: consistent sets of values for its arguments, the likeliest first.

A layout fixes what the axes of the data mean (examples in rows, in columns, one example, pictures, texts),
and a style how labels, biases and words are written; within both every name has one value. All sizes
differ, so that shapes tell results apart.
"""

import itertools
import operator
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from tinygrad_course.audit.kinds.cases import Draw
from tinygrad_course.audit.source.argument_kinds import category

N, D, H, M, T = 5, 4, 2, 3, 6
"""Examples, inputs, hidden units of a cell, outputs or classes, and steps of time."""
_USUAL = D, M
LAYER, CHANNELS = 7, 2


@dataclass(frozen=True)
class Layout:
    """What the axes of the data mean."""

    data: tuple[int, ...]
    rows: bool = True
    """Whether the examples are rows, and a product is X W."""
    turned: bool = False
    """Whether weights have the shape (outputs, inputs)."""
    units: int = M
    """How many outputs there are; 0 for a vector of weights."""
    kernel: tuple[int, ...] = ()
    made_for: bool = False
    """Whether the code is made for these numbers of features and outputs."""
    hidden: int = LAYER
    """Units of the first hidden layer; the next ones have one more each."""
    depth: int = 2
    """How many layers there are where nothing else tells."""
    alike: bool = False
    """Whether hidden layers have one size, so that what belongs to another layer fits."""

    @property
    def examples(self) -> int:
        """How many examples the data have, 0 where they are one example without an axis for it."""
        return 0 if len(self.data) == 1 and self.units > 1 else self.data[0 if self.rows else -1]

    @property
    def single(self) -> bool:
        """Whether there is but one example: a sum over examples and their mean are then the same."""
        return self.examples < 2

    @property
    def square(self) -> bool:
        """Whether the axes of an example have one size, so that a transpose too many or too few runs."""
        return any(map(operator.eq, self.data[1:], self.data[2:]))


Setting = tuple[tuple[int, int], Layout, dict[str, Any]]
"""The place among what is tried, the layout, and values of it."""


def layouts(features: int = D, units: int = M) -> tuple[Layout, ...]:
    """Return the layouts of data with so many features, and of so many outputs or classes."""
    D, M = features, units
    made = (
        Layout((N, D), units=M),
        Layout((D, N), rows=False, turned=True, units=M),
        Layout((N, D), units=0),
        Layout((N, D), units=1),
        Layout((D, N), rows=False, units=1),
        Layout((D, N), rows=False, turned=True, units=1),
        Layout((N, D), turned=True, units=M),
        Layout((N, T, D), units=M),
        Layout((2, 2, 5, 6), kernel=(3, 2, 2, 3)),
        Layout((2, 2, 4, 4), kernel=(3, 2, 3, 3)),
        Layout((2, 4, 4)),
        Layout((2, 5, 5, 2), kernel=(3, 3, 2, 3)),
        Layout((N,), units=1),
        Layout((D, 1), rows=False, turned=True, units=M),
        Layout((D, 1), rows=False, units=M),
        Layout((D,), turned=True, units=M),
        Layout((D,), units=M),
        Layout((1, D), units=M),
    )
    return tuple(replace(one, made_for=(features, units) != _USUAL) for one in made)


def whole_layouts(**sizes: Any) -> list[Layout]:
    """Return the layouts of a whole network with such `units`, `hidden`, `depth`; the course's first."""
    axes = (((D, N), False, True), ((N, D), True, True), ((N, D), True, False), ((D, N), False, False))
    return [Layout(*one, **sizes) for one in axes]


class Style(NamedTuple):
    """How a file writes what the layout leaves open."""

    labels: str = "real"
    bias: str = "flat"
    words: str = "no"
    gates: int = 1
    variant: int = 0
    """Which of the settings, kernels and strides."""


_LABELS = ("one-hot", "classes", "column", "flat", "signs", "real", "sign column", "list", "class column")


_SEVERAL = {"sizes", "kernel", "kernel width", "settings", "stride", "padding", "activation", "mode", "mask"}
"""The kinds of values of which there are two or three."""


class _NoSuchValueError(Exception):
    """A layout has no value of this style."""


def tried(
    names: list[str],
    seed: int,
    options: Iterable[tuple[int, Layout]],
    guess: Iterable[str] = (),
    fixed: Mapping[str, Any] = MappingProxyType({}),
    told: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Setting]:
    """Give sets of values for arguments of these names, with the number of the layout and the place in it.

    A seed gives the same numbers again. Those that are `fixed` have their values, `told` are kinds.
    Of those to `guess` the first whose name says nothing is the data, the next one the labels.
    """
    kinds = {name: told.get(name) or category(name) for name in names if name not in fixed}
    if any(re.match(r"(?i)u", name) for name, kind in kinds.items() if kind == "recurrent"):
        weights = [name for name, kind in kinds.items() if kind == "recurrent" and name[0] in "wW"]
        kinds |= dict.fromkeys(weights, "weights")  # Wh, Uh: what is taken of the input, and of the state
    if not {"data", "recurrent"} & {*kinds.values()}:  # A_prev, of a layer that is no cell
        kinds |= {name: "data" for name, kind in kinds.items() if kind == "state"}
    attended = [
        name for name in kinds if re.fullmatch(r"(?i)(x_?)?([qkv]|query|queries|keys?|values?)", name)
    ]
    if len(attended) > 2:
        kinds |= dict.fromkeys(attended, "data")
    if "heads" in kinds.values():  # of an attention, whose outputs are as wide as its inputs
        kinds |= {name: "inputs" for name, kind in kinds.items() if kind in {"hidden", "outputs"}}
    if "slope" in kinds.values():
        kinds |= {name: "activation" for name in kinds if name in {"f", "g", "fn"}}
    if "stride" in kinds.values():
        kinds |= {name: "kernel" for name in kinds if name == "size"}
    for kind in ("data", "labels"):
        unknown = [name for name in guess if not kinds.get(name, "fixed")]
        if unknown and kind not in kinds.values():
            kinds[unknown[0]] = kind
    present = {*kinds.values()}
    weighted = bool(present & {"weights", "outputs", "recurrent", "sizes"})
    ways = (
        _LABELS[: 8 + ({"inputs", "outputs"} <= present)] if "labels" in present else ("real",),
        ("flat", "row", "number") if "bias" in present else ("flat",),
        ("no", "list", "array") if any(map(_wordy, kinds)) else ("no",),
        (1, 4, 3) if "recurrent" in present else (1,),
        (0, 1, 2) if present & _SEVERAL else (0, 1) if any(map(_shaped, kinds)) else (0,),
    )
    for number, layout in options:
        several = weighted or layout.made_for or layout.units < 2
        made = _Maker(kinds, layout, layout.units if several else layout.data[-1 if layout.rows else 0])
        place = 0
        for style in itertools.starmap(Style, itertools.product(*ways)):
            draw = Draw(seed)
            try:
                values = {name: made.value(name, style, draw) for name in kinds} | {**fixed}
            except _NoSuchValueError:
                continue
            yield (number, place), layout, values
            place += 1


@dataclass
class _Maker:
    """The values of one layout."""

    kinds: dict[str, str]
    layout: Layout
    units: int

    @property
    def features(self) -> int:
        """The size of the axis of an example's numbers; of a picture it is that of the channels."""
        return self.layout.data[-1 if self.layout.rows else 0] if len(self.layout.data) < 4 else CHANNELS

    def chain(self) -> list[int]:
        """Return the sizes of the layers of which W1, W2, ... speak."""
        depth = max((_layer(name) for name, kind in self.kinds.items() if kind == "weights"), default=1)
        hidden = [self.layout.hidden + place * (not self.layout.alike) for place in range(depth - 1)]
        return [self.features, *hidden, max(1, self.units)]

    def value(self, name: str, style: Style, draw: Draw) -> Any:
        """Return the value of an argument."""
        kind, layout = self.kinds[name], self.layout
        if kind in _SIMPLE:
            options = _SIMPLE[kind]
            return options[style.variant % len(options)]
        if kind == "sizes":
            hidden = [layout.hidden + (place > 0) * (not layout.alike) for place in range(layout.depth)]
            return [self.features, *hidden[: layout.depth - 1 + style.variant], max(1, self.units)]
        if kind == "draws":
            return np.random.RandomState(3)
        if kind == "inputs" and (_shaped(name) or (len(layout.data) == 4 and name[0] in "xX")):
            one = layout.data[1 - len(layout.data) :] if len(layout.data) > 2 else (self.features,)
            return layout.data if style.variant else one
        if kind == "picture" and len(layout.data) < 4:
            raise _NoSuchValueError
        if kind in {"inputs", "picture"}:
            return self.features if kind == "inputs" else layout.data[1:]
        if kind == "vector":
            return draw.array(self.features)
        if kind in {"outputs", "examples"}:
            return max(1, self.units if kind == "outputs" else layout.examples)
        if kind == "mask":
            shape = layout.data[: len(layout.data) - 1 + style.variant]
            return np.indices(shape).sum(axis=0) % 3 != 2  # some words of each text are left out
        if kind == "labels":
            return self.labels(style, draw)
        if _wordy(name) and style.words != "no":
            return self.word_numbers(style)
        shape = self.shape(name, kind, style)
        if kind == "predicted":
            return draw.probabilities(*shape)
        if kind == "scale":
            return draw.probabilities(*shape) + 0.5
        size = {"bias": 0.4, "weights": 0.6, "recurrent": 0.6}.get(kind, 1.0)
        return size * draw.array(*shape) if shape else float(draw.array(1)[0])

    def word_numbers(self, style: Style) -> Any:
        """Return words by their numbers: a list of them, or an array of texts."""
        texts = len(self.layout.data) == 3
        if (style.words == "list") == texts:
            raise _NoSuchValueError
        numbers = np.resize([1, 3, 0, 2, 1, 0, 3], self.layout.data[:2] if texts else (N,))
        return numbers if texts else numbers.tolist()

    def labels(self, style: Style, draw: Draw) -> Any:
        """Return labels as classes, as columns of 0 and 1, or as signs."""
        count, units, rows = self.layout.examples, max(1, self.units), self.layout.rows
        if len(self.layout.data) == 3:
            if style.labels not in {"classes", "one-hot"}:
                raise _NoSuchValueError
            words = np.arange(count * T).reshape(count, T) % units
            return words if style.labels == "classes" else np.eye(units)[words]
        if style.labels == "list":
            return (np.arange(N) % max(2, units)).tolist()
        classes = (max(2, units) - 1 - np.arange(max(count, 1))) % max(2, units)
        made: dict[str, Any] = {"classes": classes if count else 1}
        if units > 1:
            hot = np.eye(units)[classes]
            made["one-hot"] = hot[0] if not count else hot if rows else hot.T
            made |= {"class column": classes[:, None]} if count and rows else {}
        else:
            column = classes[:, None] * 1.0 if rows else classes[None] * 1.0
            made |= {"column": column, "flat": classes * 1.0}
            made |= {"signs": 2.0 * classes - 1, "sign column": 2 * column - 1}
        if style.labels == "real":
            return draw.array(*((units,) if not count else (count, units) if rows else (units, count)))
        if style.labels not in made:
            raise _NoSuchValueError
        return made[style.labels]

    def shape(self, name: str, kind: str, style: Style) -> tuple[int, ...]:
        """Return the shape of an array of this name."""
        layout = self.layout
        if kind in {"weights", "recurrent"}:
            return self.weight(name, kind, style)
        if kind == "bias":
            return self.bias(name, style)
        if kind in {"scale", "shift"}:
            channels = layout.data[
                -1 if (layout.rows and len(layout.data) < 4) or layout.kernel[1:2] == (3,) else 0
            ]
            if len(layout.data) == 4 and layout.kernel[1] == 2:
                channels = layout.data[1]
            return (channels,) if layout.rows else (channels, 1)
        count, units = layout.examples, max(1, self.units)
        if kind == "state" and len(layout.data) < 4:
            count = 1 if style.words == "list" else count
            return (count, H) if layout.rows and count else (H, max(1, count))
        if kind == "predicted":
            if style.labels in {"flat", "signs"}:
                return (count,)
            return (units,) if count == 0 else (count, units) if layout.rows else (units, count)
        return layout.data

    def weight(self, name: str, kind: str, style: Style) -> tuple[int, ...]:
        """Return the shape of weights."""
        layout, chain, layer = self.layout, self.chain(), _layer(name)
        if {"inputs", "outputs"} <= {*self.kinds.values()} and re.fullmatch(r"(nn_)?params?|theta", name):
            return (H * (self.features + 1) + max(1, self.units) * (H + 1),)  # all weights in one vector
        if layer and len(chain) > 2:
            shape = (chain[layer - 1], chain[layer])
        elif layout.kernel:
            return layout.kernel
        elif kind == "recurrent":
            shape = (H, style.gates * H)
        elif re.fullmatch(r"(?i)w_?(y|hy|ya|ho|out)|v", name):
            shape = (H, max(1, self.units))
        elif "recurrent" in self.kinds.values():
            shape = (self.features, style.gates * H)
        elif len(layout.data) == 1 and layout.units == 1 and style.bias == "number":
            return ()  # one number for each example
        elif layout.units == 0:
            return (self.features,)
        else:
            shape = (self.features, max(1, self.units))
        return shape[::-1] if layout.turned else shape

    def bias(self, name: str, style: Style) -> tuple[int, ...]:
        """Return the shape of a bias."""
        layout, chain, layer = self.layout, self.chain(), _layer(name)
        width = chain[layer] if layer and len(chain) > 2 else M if layout.kernel else max(1, self.units)
        if "recurrent" in self.kinds.values() and not re.search(r"(?i)y|out|2$", name):
            width = style.gates * H
        if style.bias == "number":
            if width > 1:
                raise _NoSuchValueError
            return ()
        if style.bias == "row" and layout.kernel[1:2] == (3,):
            return (1, 1, 1, width)  # the channels come last
        if style.bias == "row":
            return (1, width) if layout.rows else (width,)
        return (width,) if layout.rows else (width, 1)


def _wordy(name: str) -> bool:
    """Tell whether an argument may be words, by their numbers."""
    return re.match(r"(?i)(inputs?|xs?|.*words?|.*(index|indices|idxs?|ids|tokens))$", name) is not None


def _shaped(name: str) -> bool:
    return re.search(r"(?i)shape$|^shape", name) is not None


def _layer(name: str) -> int:
    """Return the number at the end of W1, b2, weights_3; 0 where there is none."""
    found = re.fullmatch(r"(?i)(?:w|b|weights?|bias(?:es)?|theta)_?([1-9])", name)
    return int(found.group(1)) if found else 0


_SETTINGS = {"mode": "train", "pool_height": 2, "p": 0.7, "seed": 3, "eps": 1e-5, "momentum": 0.9}
_SIMPLE: dict[str, list[Any]] = {
    "flag": [True],
    "training": [True],
    "keeping": [True],
    "settings": [
        # 2 x 2 is 2 + 2, and the square of 2.
        {**_SETTINGS, "pool_width": 3, "f": 3, "stride": 1, "pad": 1},
        {**_SETTINGS, "pool_width": 2, "f": 2, "stride": 2, "pad": 0},
    ],
    "number": [0.3],
    "epsilon": [1e-5],
    "mode": ["max", "average"],
    "optimizer": ["gd"],
    "activation": ["sigmoid", np.tanh],
    "slope": [lambda z: 1 - np.tanh(z) ** 2],
    "seed": [3],
    "count": [3],
    "reach": [100],  # so many steps back is the whole gradient
    "hidden": [H],
    "heads": [2],
    "layer count": [2],
    "word": [1],
    "maker": [lambda *shape: Draw(1).array(*(shape[0] if isinstance(shape[0], tuple) else shape))],
    "dtype": [np.float64],
    "hiddens": [[LAYER, LAYER + 1]],
    "stride": [1, 2, 2],
    "padding": [0, 1],
    "kernel": [3, (2, 2), 2],
    "kernel height": [2],
    "kernel width": [3, 2, 2],
}
