"""What is written is what was meant: each formula's text is read again, and comes to its line's value."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.derivations import COSTS
from tests.derivation.reader import hold
from tests.derivation.test_properties import STEPS, computed
from tinygrad_course import Tensor, derive, graph
from tinygrad_course.derivation import names, printing


def values_of(J, given):
    held = given | {name: n.tensor for n in graph(J) if (name := n.name) and n.tensor is not None}
    arrays = {k: v.data if isinstance(v, Tensor) else v for k, v in held.items()}
    return {names.spelled(k)[0]: v for k, v in arrays.items() if not callable(v)}


@pytest.mark.parametrize("cost", COSTS, ids=lambda cost: cost.title)
def test_the_text_of_the_courses_costs(cost):
    J, given = cost.record()
    assert hold(derive(J, names=given), {"m": 8.0, **values_of(J, given)}) >= 4


@given(
    STEPS,
    st.sampled_from([(3, 4), (1, 4), (3, 1), (4,), ()]),
    st.sampled_from([(3, 4), (3, 1), ()]),
)
def test_the_text_of_any_formula(steps, one, two):
    random = np.random.RandomState(3)
    leaves = [Tensor(random.uniform(-1, 1, shape), name=n) for shape, n in zip((one, two), "PQ", strict=True)]
    y = computed(steps, leaves)
    J = np.sum(y * y)
    assert hold(derive(J), values_of(J, {})) > 0


def test_what_is_repeated_is_summed_as_often():
    P, Q = Tensor(np.ones((3, 4)), name="P"), Tensor(np.arange(3.0).reshape(3, 1), name="Q")
    J = np.sum((P - P + Q) ** 2)
    d = derive(J)
    assert d["J"].right[0].text == "4 ||Q||^2"
    assert hold(d, values_of(J, {})) > 2


def test_what_is_written_otherwise_is_noticed(monkeypatch):
    P, Q = Tensor(np.array([[0.3, 0.5]]), name="P"), Tensor(2.0, name="Q")
    J = np.sum(Q / (1 + np.exp(-P)) ** 2 - Q * P)
    assert hold(derive(J), values_of(J, {})) > 4
    monkeypatch.setattr(printing.Piece, "within", lambda self, tight: self)
    with pytest.raises((AssertionError, ValueError)):  # ValueError: shapes that do not fit
        hold(derive(J), values_of(J, {}))
