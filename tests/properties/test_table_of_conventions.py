"""The table of docs/conventions.md: each of our entries, at order one and two, and the page itself."""

import numpy as np
import pytest

from benchmarks import conventions
from benchmarks.conventions import peers
from benchmarks.conventions.points import POINTS
from tinygrad_course import grad

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

OURS = peers.of_ours()
WORDS = OURS.__closure__[1].cell_contents


@pytest.mark.parametrize("name", POINTS)
def test_our_gradient(name):
    point = POINTS[name]
    assert peers.seen(OURS, point.f, point.x) == point.ours


@pytest.mark.parametrize("name", [n for n, p in POINTS.items() if p.second])
def test_our_second_derivative(name):
    point = POINTS[name]
    second = grad(grad(lambda x: point.f(WORDS, x)))(np.float64(point.x))
    assert peers.text(second) == point.second


def test_the_page_is_the_table():
    assert conventions.PAGE.read_text(encoding="utf-8") == conventions.written()


def test_every_point_seen_has_its_entry_and_its_reason():
    assert all(point.why and point.ours for point in POINTS.values())
    assert set(conventions.SEEN) - set(POINTS) == {"sinc 2nd 0"}  # in the row of sinc 0


@pytest.mark.parametrize("told", ["0.5", "[1,2]", "nan", "inf", "LinAlgError"])
def test_an_entry_that_is_changed_is_noticed(told):
    assert conventions.same(told, told)
    for found in {"0.5", "[1,2]", "nan", "inf", "LinAlgError"} - {told}:
        assert not conventions.same(told, found)
