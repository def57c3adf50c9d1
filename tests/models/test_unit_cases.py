"""Every unit case that the assignments published, through the course's own functions."""

import numpy as np
import pytest

from models.published import published, records
from models.unit_cases import CASES
from models.unit_cases.first_course import nn_model

LONG = {"1.3 unit nn_model": (1, 1.2, 2), "1.3 notes unit nn_model": (2030, 0.5, 2030)}


def test_no_unit_case_is_left_out():
    assert {record.name for record in records() if "unit" in record.name} <= set(CASES)


@pytest.mark.parametrize("name", sorted(set(CASES) - set(LONG)))
def test_case_gives_the_published_figures(name):
    comparisons = published(name).compare(CASES[name]())
    assert comparisons
    # "close" is for figures printed in full, or from inputs printed with 8 decimals; see models.published.
    assert {c.verdict for c in comparisons} <= {"exact", "close"}, [
        c for c in comparisons if c.verdict not in ("exact", "close")
    ]


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(LONG))
def test_labels_other_than_0_and_1_let_the_cost_fall_without_bound(name):
    measured = nn_model(*LONG[name], iterations=1001)
    verdicts = {c.figure.quantity: c.verdict for c in published(name).compare(measured)}
    assert "missed" not in verdicts.values()
    if name == "1.3 notes unit nn_model":
        assert verdicts["costs[0]"] == "exact"
        assert verdicts["costs[1000]"] == "exact"
    assert measured["costs"][1000] < 0
    assert not np.isfinite(measured["costs"][1000]) or measured["costs"][1000] < -1
