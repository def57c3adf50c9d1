"""The rows of the table, one file each."""

from __future__ import annotations

from benchmarks.workloads import cats_deep, cats_logistic, digits, elementwise, flower, formula, moons
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
    )
}
