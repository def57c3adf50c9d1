"""The table of conventions in programs that were recorded elsewhere: its numbers, or a refusal."""

import numpy as np
import pytest

from benchmarks.conventions import peers
from benchmarks.conventions.points import POINTS
from tinygrad_course import CannotCompile, compiled

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

WORDS = peers.our_words()
#: Their rules look at values: which entries are equal, whether eigenvalues are.
REFUSED = {"median [1,1,2,2]", "median [1,1,1]", "eigh vecs I", "svd vectors of I"}


@pytest.mark.parametrize("engine", ["numpy", "machine"])
@pytest.mark.parametrize("name", [n for n in POINTS if n != "sqrt(x)**2 0"])
def test_the_entry(name, engine):
    point = POINTS[name]
    first = WORDS.d(lambda x: point.f(WORDS, x))
    second = peers.second(first)
    at = np.array(point.x)[()]
    ordinary = (
        (np.abs(np.random.RandomState(0).randn(*at.shape)) * 0.3 + 0.4) if at.shape else np.float64(0.37)
    )
    for slope, told in ((first, point.ours), *([(second, point.second)] if point.second else [])):
        program = compiled(slope, engine=engine)
        if name in REFUSED:
            with pytest.raises(CannotCompile):
                program(ordinary)
            continue
        program(ordinary)
        try:
            found = peers.text(program(at))
        except np.linalg.LinAlgError:
            found = "LinAlgError"
        assert found == told
