"""The rows of the table, one file each."""

from __future__ import annotations

from benchmarks.workloads import (
    cats_deep,
    cats_logistic,
    convolution,
    digits,
    elementwise,
    flower,
    formula,
    gpt,
    lstm,
    moons,
)
from benchmarks.workloads.base import Row

ROWS: dict[str, Row] = {
    row.key: row
    for row in (
        flower.ROW,
        cats_logistic.ROW,
        cats_deep.DOUBLE,
        cats_deep.SINGLE,
        moons.ROW,
        digits.ROW,
        formula.ROW,
        elementwise.ROW,
        gpt.ROW,
        convolution.ROW,
        lstm.ROW,
    )
}

#: For memory alone, outside the table.
FURTHER: dict[str, Row] = {"100 layers": cats_deep.LAYERS}
