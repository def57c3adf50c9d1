"""The tables of conventions in programs that were recorded elsewhere: their numbers, or a refusal."""

import numpy as np
import pytest

from benchmarks.conventions import peers
from benchmarks.conventions.points import POINTS, SECTIONS
from tinygrad_course import compiled

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

WORDS = peers.our_words()


#: Their rules look at values: which entries are equal, whether eigenvalues are, what the rank is.
def at(point):
    return np.array(point.x)[()]


def ordinary(point):
    """Somewhere else, where nothing is special."""
    shape = np.shape(point.x)
    return np.abs(np.random.RandomState(0).randn(*shape)) * 0.3 + 0.4 if shape else np.float64(0.37)


def first(point):
    return WORDS.d(lambda x: point.f(WORDS, x))


def second(point):
    return peers.second(first(point))


def check(slope, told, point):
    program = compiled(slope)
    if told in {"IndexError", "ValueError"}:  # at any point
        assert peers.seen(lambda _, x: program(x), None, ordinary(point)) == told
    else:
        program(ordinary(point))
        assert peers.seen(lambda _, x: program(x), None, at(point)) == told


@pytest.mark.sampled(5)
@pytest.mark.parametrize("name", POINTS)
def test_the_entry(name):
    point = POINTS[name]
    for slope, told in ((first(point), point.ours), (second(point), point.second)):
        if told:
            check(slope, told, point)


@pytest.mark.sampled(7)
@pytest.mark.parametrize("section", SECTIONS)
def test_the_section_as_machine_code(section):
    for slope, entry in ((first, lambda point: point.ours), (second, lambda point: point.second)):
        points = {n: p for n, p in SECTIONS[section].items() if entry(p) and not entry(p).endswith("Error")}
        slopes = [slope(p) for p in points.values()]

        def each(xs, slopes=slopes):
            return [one(x) for one, x in zip(slopes, xs, strict=True)]

        program = compiled(each, engine="machine")
        program([ordinary(p) for p in points.values()])
        found = program([at(p) for p in points.values()])
        assert dict(zip(points, map(peers.text, found), strict=True)) == {
            n: entry(p) for n, p in points.items()
        }
