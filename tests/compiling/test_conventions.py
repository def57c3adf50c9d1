"""The tables of conventions in programs that were recorded elsewhere: their numbers, or a refusal."""

import numpy as np
import pytest

from benchmarks.conventions import peers
from benchmarks.conventions.points import POINTS, SECTIONS
from tinygrad_course import CannotCompile, compiled

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

WORDS = peers.our_words()
#: Their rules look at values: which entries are equal, whether eigenvalues are, what the rank is.
REFUSED = {
    *("interp(x) at a knot", "nanmax [nan,1]", "lstsq, rank 1"),
    *("eigh vecs I", "eigh, V exp(w) V^T of I", "svd vectors of I", "svd, U V^T of I"),
}
REFUSED_SECOND = REFUSED | {
    *("eigvalsh [[2,1],[1,2]], 2nd", "eigh sum I", "eigh largest I"),
    *("svd sum I", "svd sum 0", "norm 2 of I"),
}


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


@pytest.mark.parametrize("name", POINTS)
def test_the_entry(name):
    point = POINTS[name]
    for slope, told, refused in (
        (first(point), point.ours, REFUSED),
        (second(point), point.second, REFUSED_SECOND),
    ):
        if name in refused:
            with pytest.raises(CannotCompile):
                compiled(slope)(ordinary(point))
        elif told:
            check(slope, told, point)


@pytest.mark.parametrize("section", SECTIONS)
def test_the_section_as_machine_code(section):
    for slope, refused, entry in (
        (first, REFUSED, lambda point: point.ours),
        (second, REFUSED_SECOND, lambda point: point.second),
    ):
        points = {n: p for n, p in SECTIONS[section].items() if n not in refused}
        points = {n: p for n, p in points.items() if entry(p) and not entry(p).endswith("Error")}
        slopes = [slope(p) for p in points.values()]

        def each(xs, slopes=slopes):
            return [one(x) for one, x in zip(slopes, xs, strict=True)]

        program = compiled(each, engine="machine")
        program([ordinary(p) for p in points.values()])
        found = program([at(p) for p in points.values()])
        assert dict(zip(points, map(peers.text, found), strict=True)) == {
            n: entry(p) for n, p in points.items()
        }
