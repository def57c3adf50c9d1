"""The table of conventions in programs that were recorded elsewhere: its numbers, or a refusal."""

import numpy as np
import pytest

from benchmarks.conventions import peers
from benchmarks.conventions.points import POINTS
from tinygrad_course import CannotCompile, compiled

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

WORDS = peers.our_words()
#: Their rules look at values: which entries are equal, whether eigenvalues are.
REFUSED = {
    *("median [1,1,2,2]", "median [1,1,1]", "eigh vecs I", "svd vectors of I", "interp(x) at a knot"),
    *("x**y(3) 4th at 0", "svd sum I, second", "eigh sum I, second", "eigh largest I, second"),
    *("svd sum 0, second", "norm 2 of I, second", "norm nuc of 0, second"),
}


@pytest.mark.parametrize("engine", ["numpy", pytest.param("machine", marks=pytest.mark.sampled(8))])
@pytest.mark.parametrize("name", POINTS)
def test_the_entry(name, engine):
    point = POINTS[name]
    first = WORDS.d(lambda x: point.f(WORDS, x))
    at = np.array(point.x)[()]
    ordinary = (
        (np.abs(np.random.RandomState(0).randn(*at.shape)) * 0.3 + 0.4) if at.shape else np.float64(0.37)
    )
    for slope, told, entry in (
        (first, point.ours, name),
        (peers.second(first), point.second, f"{name}, second"),
    ):
        if not told:
            continue
        program = compiled(slope, engine=engine)
        if name in REFUSED or entry in REFUSED:
            with pytest.raises(CannotCompile):
                program(ordinary)
        elif told in {"IndexError", "ValueError"}:  # at any point
            assert peers.seen(lambda _, x, program=program: program(x), None, ordinary) == told
        else:
            program(ordinary)
            assert peers.seen(lambda _, x, program=program: program(x), None, at) == told
