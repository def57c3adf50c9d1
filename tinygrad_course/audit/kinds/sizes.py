"""How many features and outputs a file is made for, which what it raises at other sizes tells."""

import ast
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.paths import arrays
from tinygrad_course.audit.kinds.base import Unfit
from tinygrad_course.audit.kinds.cases import Case
from tinygrad_course.audit.kinds.input_layouts import D, Layout, M, layouts

LARGEST = 4096
"""The most features that are given."""


class Sizes:
    """How many features and outputs code is made for: what it raises at other sizes tells."""

    def __init__(self, maker: ast.FunctionDef | None = None) -> None:
        self.now, self.known = (D, M), {(D, M)}
        self.told: Counter[tuple[int, int]] = Counter()
        self.maker: ast.FunctionDef | None = None
        """What gives what the file itself gives, where that is to be given."""
        self._maker = maker

    def layouts(self) -> tuple[Layout, ...]:
        """Return the layouts of these sizes."""
        return layouts(*self.now)

    def learn(self, error: BaseException | None, layout: Layout, values: Mapping[str, Any]) -> None:
        """Note the sizes at which what was raised would not have been."""
        here, there = self.now
        own = {size for array in arrays(values) for size in array.shape} | {*layout.data}
        own |= {size for value in values.values() if isinstance(value, list) for size in value}
        for pair in clashes(str(error)) if isinstance(error, ValueError) else ():
            for wanted, given in (pair, pair[::-1]):
                if wanted <= LARGEST and wanted not in own:
                    self.told[wanted, there] += here == D and given in (here, math.prod(layout.data))
                    self.told[here, wanted] += there == M and given == there

    def refuse(self, layout: Layout, labels: Any, output: Any) -> None:
        """Refuse labels of another shape than the outputs, which tell how many outputs there are."""
        if layout.made_for and np.ndim(labels) == np.ndim(output) and np.shape(labels) != np.shape(output):
            words = f"labels of other shapes {np.shape(labels)} {np.shape(output)}"
            raise Unfit.raised("a cost", ValueError(words))

    @property
    def clear(self) -> bool:
        """Whether other sizes have been told often enough to be tried next."""
        return max((count for one, count in self.told.items() if one not in self.known), default=0) > 1

    def settled(self, found: Callable[[], Case]) -> Case:
        """Return what is found at these sizes, at those told on the way, or with what the file gives."""
        while True:
            self.told.clear()
            try:
                return found()
            except Unfit:
                options = [(count, sizes) for sizes, count in self.told.items() if sizes not in self.known]
                count, sizes = max(options, default=(0, self.now))
                if count and len(self.known) < 5:
                    self.now = sizes
                    self.known.add(sizes)
                elif self._maker is not self.maker:
                    self.now, self.known, self.maker = (D, M), {(D, M)}, self._maker
                else:
                    raise


def clashes(words: str) -> list[tuple[int, int]]:
    """Return the sizes that do not go together, in the words of NumPy.

    Examples
    --------
    >>> clashes("shapes (5,4) and (784,9) not aligned: 4 (dim 1) != 784 (dim 0)")
    [(4, 784)]
    >>> clashes("operands could not be broadcast together with shapes (5,10) (5,3)")
    [(10, 3)]
    """
    told = re.search(r"(\d+) \(dim \d\) != (\d+) |size (\d+) is different from (\d+)", words)
    if told:
        one, other = (int(size) for size in told.groups() if size)
        return [(one, other)]
    shapes = [[int(size) for size in re.findall(r"\d+", one)] for one in re.findall(r"\(([\d, ]+)\)", words)]
    reshaped = re.search(r"of size (\d+) into", words)
    if reshaped and shapes:
        return [(math.prod(shapes[-1]), int(reshaped[1]))]
    pairs = zip(shapes[-2][::-1], shapes[-1][::-1], strict=False) if len(shapes) > 1 else ()
    return [(one, other) for one, other in pairs if one != other and 1 not in (one, other)]
