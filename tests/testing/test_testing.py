"""The strategies keep their promises, and `assert_gradients_match` finds mistakes and shrinks them."""

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinygrad_course import Tensor, grad
from tinygrad_course.gradient_checking import GradientMismatchError, check_gradients
from tinygrad_course.rules.table import RULES
from tinygrad_course.testing import (
    array_shapes,
    arrays_away_from_kinks,
    assert_gradients_match,
    broadcastable_arrays,
    broadcastable_shapes,
    expression_graphs,
    networks,
)
from tinygrad_course.testing.calls import calls

# ------------------------------------------------------------------ arrays


@given(data=st.data(), shape=array_shapes(max_side=5), dtype=st.sampled_from([np.float64, np.float32]))
def test_arrays_stay_away_from_kinks(data, shape, dtype):
    x = data.draw(arrays_away_from_kinks(shape, dtype=dtype))
    assert x.shape == shape
    assert x.dtype == dtype
    sizes = np.sort(np.abs(np.ravel(x)))
    assert sizes[0] >= 0.25
    assert sizes[-1] <= 2.0
    assert np.all(np.diff(sizes) >= 0.6 * 1.75 / x.size)


@given(x=arrays_away_from_kinks(low=0.0, high=0.5, positive=True))
def test_arrays_in_a_range(x):
    assert np.all((x > 0) & (x < 0.5))


@given(data=st.data())
def test_large_arrays(data):
    x = data.draw(arrays_away_from_kinks((40, 30)))
    assert len(np.unique(np.abs(x))) == x.size


def test_arrays_that_can_not_be():
    with pytest.raises(ValueError, match="low=3"):
        arrays_away_from_kinks(3, low=3.0)

    @settings(database=None)
    @given(arrays_away_from_kinks(5000, dtype=np.float16))
    def never(x):
        pass

    with pytest.raises(ValueError, match="float16 can't keep 5000 entries apart"):
        never()


@given(shapes=broadcastable_shapes(3))
def test_shapes_broadcast(shapes):
    assert len(np.broadcast_shapes(*shapes)) <= 3


@given(arrays=broadcastable_arrays(2))
def test_arrays_broadcast_without_ties(arrays):
    a, b = arrays
    assert np.all(np.abs(np.abs(a) - np.abs(b)) > 0.01)


# ------------------------------------------------------------------ networks


@given(net=networks(output=["sigmoid", "softmax"]))
def test_networks_are_the_courses(net):
    n, m = net.layers, net.X.shape[1]
    assert net.X.shape == (n[0], m)
    assert net.Y.shape == (n[-1], m)
    assert set(np.unique(net.Y)) <= {0.0, 1.0}
    assert len(net.activations) == len(n) - 1
    for l in range(1, len(n)):
        assert net.parameters[f"W{l}"].shape == (n[l], n[l - 1])
        assert net.parameters[f"b{l}"].shape == (n[l], 1)
    values = net.forward()
    for l, name in enumerate(net.activations, start=1):
        if name == "relu":
            assert np.min(np.abs(values[f"Z{l}"])) > 1e-3
    if net.activations[-1] == "softmax":
        np.testing.assert_array_equal(net.Y.sum(axis=0), 1)


@settings(max_examples=settings.default.max_examples // 4)
@given(net=networks(output=["sigmoid", "softmax"], activations=["relu", "tanh", "leaky_relu", "sigmoid"]))
def test_networks_have_gradients(net):
    report = check_gradients(net.cost, net.parameters)
    assert all(entry.status == "right" for entry in report.entries)  # nothing at a kink
    recorded = net.cost({name: Tensor(value) for name, value in net.parameters.items()})
    assert float(recorded) == net.cost()


def test_networks_know_their_activations():
    with pytest.raises(ValueError, match="'elu' is no activation"):
        given(networks(activations=["elu"]))(lambda net: None)()


# ------------------------------------------------------------------ the assertion


@given(arrays_away_from_kinks(shape=(3, 4)))
def test_three_lines(x):
    assert_gradients_match(np.tanh, x, gradient=lambda x: 1 - np.tanh(x) ** 2)


def test_search_without_arrays():
    assert_gradients_match(lambda x, y: np.sum(np.maximum(x, y) * np.exp(y)))
    assert_gradients_match(np.hypot)
    with pytest.raises(TypeError, match="how many arrays"):
        assert_gradients_match(lambda *arrays: arrays[0])


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
def test_search_with_strategies_shrinks():
    def wrong(x):
        return np.where(x > 1, 2 * x + 1e-3, 2 * x)

    with pytest.raises(GradientMismatchError) as caught:
        assert_gradients_match(lambda x: np.sum(x**2), arrays_away_from_kinks(), gradient=wrong)
    (shape,) = caught.value.report.shapes.values()
    assert int(np.prod(shape)) == 1  # the smallest example has one entry
    assert caught.value.graph is not None


@pytest.mark.long
def test_a_wrong_rule_is_found_by_a_random_expression_and_shrunk(monkeypatch):
    """A planted mistake in the table: tanh' = 1 - y."""
    rule = RULES[np.tanh]
    monkeypatch.setattr(rule, "vjps", (lambda g, y, z: g * (1 - y),))
    found = []

    functions = ["np.add", "np.multiply", "np.exp", "np.tanh", "np.sum", "np.dot", "np.sort"]

    @settings(max_examples=300, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(expression_graphs(max_operations=6, only=functions))
    def search(f):
        try:
            check_gradients(f, *f.inputs, argnums=range(len(f.inputs)))
        except GradientMismatchError:
            found.append(f)
            raise

    with pytest.raises(GradientMismatchError):
        search()
    smallest = min(found, key=lambda f: len(f.steps))
    assert smallest.calls == ("np.tanh",)
    assert "np.tanh(x" in str(smallest)


# ------------------------------------------------------------------ random expressions

#: Rules that no expression records, each for its reason.
_NOT_DRAWN = {
    "quotient": "the derivative of np.hypot, with 0 at the tip: recorded by second derivatives",
    "cofactors": "the derivative of np.linalg.det at a singular matrix: recorded by second derivatives",
    "sum of windows": "the derivative of sliding_window_view: recorded by second derivatives",
    "conv_kernel": "the derivative of conv: recorded by second derivatives",
    "from_largest": "the derivative of max_pool: recorded by second derivatives",
    "at_largest": "the derivative of that: recorded by third derivatives",
    "repeat_windows": "the derivative of average_pool: recorded by second derivatives",
    "checked": "what eigenvectors' derivatives are looked at with: recorded by second derivatives",
    "heaviside": "its derivative is 0 wherever it has one",
    "real part of rfftn": "the derivative of irfftn: recorded by second derivatives",
    "scatter": "the derivative of indexing: recorded by second derivatives",
    "diagonal": "the derivative of np.diagonal too",
    **dict.fromkeys(
        ("expm", "solve_sylvester", "solve_triangular", "sqrtm"),
        "SciPy's linear algebra, in the table once `functions.matrices` is imported: tested there",
    ),
    "_lambertw": "its results are complex: tests/rules/test_far_out.py",
    "astype": "converts between dtypes; expressions are of float64",
    "added at": "np.add.at writes into an array, which an expression does not do",
    "running extreme": "the derivative of np.maximum.accumulate: recorded by second derivatives",
    "reduceat of extremes": "np.maximum.reduceat, which takes places: tests/rules/test_large.py",
    "running_logsumexp": "np.logaddexp.accumulate: tests/rules/test_large.py",
    "weighted_shares": "the derivative of that: recorded by second derivatives",
    "among equals": "in the derivative of running extremes: recorded by second derivatives",
    "elliptic D": "the derivative of ellipk and ellipe at 0: recorded by second derivatives",
    "hazard": "the derivative of log_ndtr: recorded by second derivatives",
    "lstm": "a network's layer, with a nest of parameters: tests/functions",
    "with_ends": "in np.roots, which expressions leave out: tests/rules/test_roots.py",
}


@pytest.mark.long
def test_every_rule_of_the_table_can_be_drawn():
    """Each call is drawn once, and the recordings together have every rule of the table in them."""
    recorded = set()
    for one in calls():

        @settings(max_examples=2, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(expression_graphs(max_operations=1, max_inputs=2, only=[one.name]))
        def draw(f):
            J = f(*[Tensor(x) for x in f.inputs])
            recorded.update(_functions(J))

        draw()
    missing = {
        str(rule.name)
        for function, rule in RULES.items()  # the library's: other tests enter rules of their own
        if function not in recorded
        and (next(v for v in rule.vjps if v is not None).__module__ or "").startswith("tinygrad_course")
    }
    assert missing <= set(_NOT_DRAWN)


def _functions(J):
    pending, found = [J], set()
    while pending:
        node = pending.pop()
        if type(node) is Tensor and node._op is not None:
            found.add(node._op.function)
            pending += [a for arg in node._args for a in (arg if isinstance(arg, (tuple, list)) else [arg])]
    return found


@given(f=expression_graphs(max_operations=8))
def test_expressions_compute_the_same_on_tensors(f):
    plain = f(*f.inputs)
    assert np.isfinite(plain)
    recorded = f(*[Tensor(x) for x in f.inputs])
    np.testing.assert_allclose(recorded.data, plain, rtol=1e-12)
    assert len(f.calls) == len(f.steps) <= 8
    assert len(str(f).splitlines()) >= len(f.inputs) + len(f.steps) + 1
    for x, g in zip(f.inputs, grad(f, range(len(f.inputs)))(*f.inputs), strict=True):
        assert np.shape(g) == x.shape


def test_expressions_of_some_functions_only():
    @settings(max_examples=10, database=None)
    @given(expression_graphs(only=["np.exp", "np.dot"]))
    def some(f):
        assert set(f.calls) <= {"np.exp", "np.dot"}

    some()
    with pytest.raises(ValueError, match=re.escape("no rule or call is named np.nonsense")):
        given(expression_graphs(only=["np.exp", "np.nonsense"]))(lambda f: None)()
