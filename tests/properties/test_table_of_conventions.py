"""The tables of docs/conventions.md: each of our entries, at order one and two, and the page itself."""

import numpy as np
import pytest

from benchmarks import conventions
from benchmarks.conventions import peers
from benchmarks.conventions.points import POINTS, SECTIONS

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

OURS, WORDS = peers.of_ours(), peers.our_words()


@pytest.mark.parametrize("name", POINTS)
def test_our_gradient(name):
    point = POINTS[name]
    assert peers.seen(OURS, point.f, point.x) == point.ours


@pytest.mark.parametrize("name", [n for n, p in POINTS.items() if p.second])
def test_our_second_derivative(name):
    point = POINTS[name]
    second = peers.second(WORDS.d(lambda x: point.f(WORDS, x)))
    assert peers.seen(lambda _, x: second(np.array(x)[()]), None, point.x) == point.second


def test_the_page_is_the_tables():
    assert conventions.PAGE.read_text(encoding="utf-8") == conventions.written()


def test_every_point_has_its_row_and_its_reason():
    versions, seen = conventions.read()
    assert list(seen) == list(POINTS)
    assert sum(map(len, SECTIONS.values())) == len(POINTS)
    assert set(versions) == set(peers.PEERS)
    assert all(point.why and point.ours for point in POINTS.values())
    assert all(cell for cells in seen.values() for cell in cells.values())


ENTRIES = ["0.5", "[1,2]", "nan", "inf", "LinAlgError", "no rule"]


@pytest.mark.parametrize("told", ENTRIES)
def test_an_entry_that_is_changed_is_noticed(told):
    assert conventions.same(told, told)
    for found in {*ENTRIES} - {told}:
        assert not conventions.same(told, found)


def test_who_comes_from_elsewhere_finds_what_differs():
    assert conventions.differs("1", "0")
    assert conventions.differs("nan", "LinAlgError")
    for told in ("0", "no rule", ""):
        assert not conventions.differs(told, "0")
    assert not conventions.differs("ValueError", "LinAlgError")
