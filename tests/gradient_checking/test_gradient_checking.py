"""Gradient checking: the course's published differences, honest error bounds, kinks, and planted mistakes."""

import re
import warnings

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy import differentiate
from scipy.special import expit

from tinygrad_course import Tensor, grad
from tinygrad_course.autodiff import flatten
from tinygrad_course.gradient_checking import (
    GradientMismatchError,
    check_gradients,
    compare_gradients,
    gradient_check,
    gradients_like,
    relative_difference,
)
from tinygrad_course.gradient_checking.differences import central, complex_step, extrapolate, slope
from tinygrad_course.gradient_checking.noise import cause_of, noise_of

seeds = st.integers(0, 2**32 - 1)


# ------------------------------------------------------------------ the course's case


class Assignment:
    """Course 2, week 1: the 4-5-3-1 network of the gradient checking exercise, as its test case draws it."""

    def __init__(self):
        rng = np.random.RandomState(1)
        self.X = rng.randn(4, 3)
        self.Y = np.array([[1, 1, 0]])
        self.parameters = {
            name: rng.randn(*shape)
            for name, shape in {
                "W1": (5, 4), "b1": (5, 1), "W2": (3, 5), "b2": (3, 1), "W3": (1, 3), "b3": (1, 1),
            }.items()
        }  # fmt: skip

    def forward(self, p):
        Z1 = np.dot(p["W1"], self.X) + p["b1"]
        A1 = np.maximum(0, Z1)
        Z2 = np.dot(p["W2"], A1) + p["b2"]
        A2 = np.maximum(0, Z2)
        Z3 = np.dot(p["W3"], A2) + p["b3"]
        return Z1, A1, Z2, A2, Z3, 1 / (1 + np.exp(-Z3))

    def cost(self, p):
        A3 = self.forward(p)[-1]
        logprobs = np.multiply(-np.log(A3), self.Y) + np.multiply(-np.log(1 - A3), 1 - self.Y)
        return 1.0 / 3 * np.sum(logprobs)

    def stable_cost(self, p):
        Z3 = self.forward(p)[-2]
        return np.sum(np.logaddexp(0, Z3) - self.Y * Z3) / 3

    def backward(self, p, mistaken=False):
        Z1, A1, Z2, A2, _, A3 = self.forward(p)
        dZ3 = A3 - self.Y
        dZ2 = np.dot(p["W3"].T, dZ3) * (Z2 > 0)
        dZ1 = np.dot(p["W2"].T, dZ2) * (Z1 > 0)
        gradients = {}
        for l, dZ, A in ((3, dZ3, A2), (2, dZ2, A1), (1, dZ1, self.X)):
            gradients |= {
                f"dZ{l}": dZ,
                f"dW{l}": np.dot(dZ, A.T) / 3,
                f"db{l}": np.sum(dZ, axis=1, keepdims=True) / 3,
            }
        if mistaken:  # as the exercise plants them
            gradients["dW2"] = gradients["dW2"] * 2
            gradients["db1"] = gradients["db1"] * 4
        return gradients


@pytest.fixture(name="course")
def _course():
    return Assignment()


def test_published_one_dimensional():
    report = gradient_check(lambda theta: theta * 2, 4, 2)
    assert f"{report.difference:.11e}" == "2.91933588329e-10"
    assert report.verdict == "right"


def test_published_many_dimensional_with_mistakes(course):
    report = gradient_check(course.cost, course.parameters, course.backward(course.parameters, mistaken=True))
    assert abs(report.difference - 0.285093156781) < 1e-10
    assert report.verdict == "wrong"
    text = str(report)
    assert re.search(r"b1 .* wrong: 4 times the numerical gradient", text)
    assert re.search(r"W2 .* wrong: 2 times the numerical gradient", text)
    assert len(re.findall(r"\) .* right$", text, re.MULTILINE)) == 4
    assert {e.name for e in report.entries if e.status == "wrong"} == {"b1", "W2"}


def test_published_right_gradient_fails_the_threshold_for_its_rounding_alone(course):
    gradients = course.backward(course.parameters)
    report = gradient_check(course.cost, course.parameters, gradients)
    assert report.difference == pytest.approx(1.189e-7, rel=2e-2)  # the last digits are the rounding itself
    assert report.verdict == "right"
    assert report.difference / 5 < report.floor < report.difference * 5
    text = str(report)
    assert "above the usual threshold of 1e-07, and yet the gradient is right" in text
    assert "which subtract -> log magnify" in text  # log(1 - A3)
    for epsilon, published in ((1e-6, 8.3e-9), (1e-8, 1.16e-6)):
        other = gradient_check(course.cost, course.parameters, gradients, epsilon)
        assert other.difference == pytest.approx(published, rel=2e-2)
        assert other.verdict == "right"


def test_stable_cost_passes_the_threshold(course):
    report = gradient_check(course.stable_cost, course.parameters, course.backward(course.parameters))
    assert report.difference < 5e-9
    assert (
        report.noise
        < gradient_check(course.cost, course.parameters, course.backward(course.parameters)).noise / 10
    )


def test_difference_of_a_check_without_minus(course):
    gradients = gradients_like(course.backward(course.parameters), course.parameters)
    zero = {name: np.zeros_like(value) for name, value in course.parameters.items()}
    assert relative_difference(gradients, zero) == 1.0


def test_course_cost_may_return_its_cache(course):
    gradients = course.backward(course.parameters)
    with_cache = gradient_check(lambda p: (course.cost(p), course.forward(p)), course.parameters, gradients)
    assert with_cache.difference == gradient_check(course.cost, course.parameters, gradients).difference


# ------------------------------------------------------------------ derivatives along a line

SMOOTH = {
    "exp": (np.exp, np.exp),
    "sin 30t": (lambda x: np.sin(30 * x), lambda x: 30 * np.cos(30 * x)),
    "cube": (lambda x: x**3 - 2 * x, lambda x: 3 * x**2 - 2),
    "log": (lambda x: np.log(4 + x), lambda x: 1 / (4 + x)),
    "cancels": (lambda x: (1e5 + np.tanh(x)) - 1e5, lambda x: 1 - np.tanh(x) ** 2),
    "log(1 - a)": (lambda x: np.log(1 - expit(6 + x)), lambda x: -expit(6 + x)),
    "single": (lambda x: np.float64(np.float32(np.sin(x))), np.cos),
}


@pytest.mark.parametrize("name", SMOOTH)
@given(x=st.floats(-2.0, 2.0), scale=st.sampled_from([0.01, 1.0, 3.0]))
def test_errors_are_bounded(name, x, scale):
    """What a difference says of its own error holds."""
    assume(name != "single" or abs(x) > 1e-3)  # at 0, single precision is as fine as can be
    f, derivative = SMOOTH[name]
    exact = float(derivative(x))

    def phi(t):
        return float(f(x + t))

    sigma = noise_of(phi, scale)
    rounding = 4e-16 * abs(exact)
    for found in (slope(phi, scale, abs(phi(0.0)), sigma, 1e-12), extrapolate(phi, scale, sigma)):
        assert found.shape == "smooth"
        assert abs(found.value - exact) <= 2 * found.error + rounding + 4e-16 * abs(x) / found.step * abs(
            exact
        )


@pytest.mark.parametrize("name", [n for n in SMOOTH if n not in {"single", "cancels"}])
@given(x=st.floats(-2.0, 2.0))
def test_extrapolation_against_scipy(name, x):
    f, _ = SMOOTH[name]
    theirs = differentiate.derivative(f, x, initial_step=0.05)
    ours = extrapolate(lambda t: float(f(x + t)), 1.0, noise_of(lambda t: float(f(x + t)), 1.0))
    assert abs(ours.value - theirs.df) <= ours.error + 10 * theirs.error + 1e-9 * abs(theirs.df)


@given(x=st.floats(0.1, 3.0))
def test_noise_against_extended_precision(x):
    """The rounding of log(1 - sigmoid) against the same function in extended precision."""
    if np.finfo(np.longdouble).eps > 1e-18:
        pytest.skip("this platform's long double is no longer than a double")

    def f(z):
        return np.log(1 - 1 / (1 + np.exp(-z)))

    points = 3 + x + np.arange(400) * 1e-13
    true = float(np.std((f(points) - f(points.astype(np.longdouble))).astype(float)))
    assert true / 5 < noise_of(lambda t: float(f(3 + x + t)), 1.0) < 5 * true


def test_noise_of_low_precision():
    for dtype in (np.float32, np.float16):
        eps = float(np.finfo(dtype).eps)
        noise = noise_of(lambda t, dtype=dtype: float(dtype(np.sin(1 + t))), 1.0)
        assert eps / 20 < noise < eps


def test_central_is_the_courses():
    assert central(lambda t: (3 + t) ** 2, 1e-4, 0.0).value == ((3 + 1e-4) ** 2 - (3 - 1e-4) ** 2) / 2e-4


def test_complex_step():
    assert complex_step(lambda t: np.exp(1 + t)) == pytest.approx(np.e, rel=1e-15)
    assert complex_step(lambda t: float(np.real(1 + t))) is None


@given(left=st.floats(-3, 3), right=st.floats(-3, 3), curve=st.floats(-2, 2))
def test_shapes(left, right, curve):
    """A kink, a jump and an edge at 0 are told from a smooth function, with the slopes of their sides."""
    assume(abs(left - right) > 0.1)

    def kinked(t):
        return (right if t > 0 else left) * t + curve * t**2 + 0.3

    found = extrapolate(kinked, 1.0, 1e-16)
    assert found.shape == "kink"
    assert found.left == pytest.approx(left, abs=1e-6)
    assert found.right == pytest.approx(right, abs=1e-6)
    assert extrapolate(lambda t: kinked(t) + (t >= 0), 1.0, 1e-16).shape == "jump"
    assert extrapolate(lambda t: left * t + curve * t**2, 1.0, 1e-16).shape == "smooth"
    edge = extrapolate(lambda t: np.exp(t) if t >= 0 else np.nan, 1.0, 1e-16)
    assert edge.shape == "edge"
    assert edge.value == pytest.approx(1.0, abs=1e-9)


# ------------------------------------------------------------------ right and wrong gradients


def network(seed, m=5):
    rng = np.random.RandomState(seed)
    X, Y = rng.randn(3, m), (rng.rand(1, m) > 0.5) * 1.0
    parameters = {"W1": rng.randn(4, 3), "b1": rng.randn(4, 1), "W2": rng.randn(1, 4), "b2": rng.randn(1, 1)}

    def cost(p):
        A1 = np.tanh(np.dot(p["W1"], X) + p["b1"])
        Z2 = np.dot(p["W2"], A1) + p["b2"]
        return np.sum(np.logaddexp(0, Z2) - Y * Z2) / m

    def backward(p):
        A1 = np.tanh(np.dot(p["W1"], X) + p["b1"])
        dZ2 = expit(np.dot(p["W2"], A1) + p["b2"]) - Y
        dZ1 = np.dot(p["W2"].T, dZ2) * (1 - A1**2)
        return {
            "dW2": np.dot(dZ2, A1.T) / m, "db2": np.sum(dZ2, axis=1, keepdims=True) / m,
            "dW1": np.dot(dZ1, X.T) / m, "db1": np.sum(dZ1, axis=1, keepdims=True) / m,
        }  # fmt: skip

    return cost, backward, parameters


@given(seed=seeds, size=st.sampled_from([1e-3, 1.0, 5.0]))
@example(seed=28301408, size=5.0)  # a loss of 3e-6 is the difference of two logits of 13
@example(seed=5017, size=5.0)  # and steps of its rounding, not seen beside the point, look like a jump
@example(seed=421567, size=5.0)  # a unit so far out that its gradients are 1e-17, which no difference shows
def test_right_gradients_are_called_right(seed, size):
    cost, backward, parameters = network(seed)
    parameters = {name: size * value for name, value in parameters.items()}
    before = {name: value.copy() for name, value in parameters.items()}
    for options in ({}, {"gradient": backward}, {"gradient": backward, "directions": 2}, {"order": 2}):
        report = compare_gradients(cost, parameters, **options)
        unseen = [e for e in report.entries if e.status == "undecided"]
        largest = max(abs(e.analytic) for e in report.entries)
        assert report.verdict == ("undecided" if unseen else "right"), str(report)
        for e in unseen:
            assert abs(e.analytic) < min(10 * e.error, 1e-9 * largest), str(report)
        assert report.difference < 1e-6 or report.floor > report.difference / 10
    for name, value in before.items():
        np.testing.assert_array_equal(parameters[name], value)


@settings(max_examples=settings.default.max_examples // 4)
@given(seed=seeds, data=st.data())
def test_a_single_wrong_entry_is_found_and_named(seed, data):
    cost, backward, parameters = network(seed)
    name = data.draw(st.sampled_from(sorted(parameters)))
    index = tuple(data.draw(st.integers(0, n - 1)) for n in parameters[name].shape)
    gradients = backward(parameters)
    off = data.draw(st.sampled_from([2.0, -1.0, 0.0, 1.001]))
    assume(abs(gradients["d" + name][index]) > 1e-4)
    gradients["d" + name][index] *= off
    for options in ({}, {"epsilon": 1e-6}, {"method": "richardson"}):
        report = compare_gradients(cost, parameters, gradient=gradients, **options)
        assert [(e.name, e.index) for e in report.entries if e.status == "wrong"] == [(name, index)]
        assert report.worst(1)[0].label == f"{name}[{index[0]}, {index[1]}]"
    if off == 1.001:  # a thousandth of one entry is lost among the others
        return
    report = compare_gradients(cost, parameters, gradient=gradients, directions=1)
    assert report.verdict == "wrong"
    assert {e.name for e in report.entries if e.status == "wrong"} <= {"all parameters", name}


def test_error_is_an_assertion_with_the_report_and_the_graph():
    cost, backward, parameters = network(0)
    with pytest.raises(AssertionError, match="wrong: 5 times the numerical gradient") as caught:
        check_gradients(cost, parameters, gradient=lambda p: {**backward(p), "dW1": 5 * backward(p)["dW1"]})
    assert isinstance(caught.value, GradientMismatchError)
    assert caught.value.report.worst(1)[0].name == "W1"
    assert {"W1", "b1", "W2", "b2", "J"} <= {node.name for node in caught.value.graph}
    assert caught.value.graph["W1"].gradient is not None


def test_text_of_a_wrong_gradient():
    with pytest.raises(GradientMismatchError) as caught:
        check_gradients(lambda w: np.sum(w**3), np.array([1.0, 2.0]), gradient=lambda w: 3 * w)
    evaluations = caught.value.report.evaluations
    assert [" ".join(line.split()) for line in str(caught.value).splitlines()] == [
        "gradient of <lambda> with respect to w: WRONG",
        f"2 entries; central differences, a step for each entry; {evaluations} evaluations",
        f"value 9, computed to about {caught.value.report.noise:.1e}",
        f"difference {caught.value.report.difference:.3e}",
        "",
        "wrong in 1 of 2 entries",
        "",
        "worst entries analytic numeric known to",
        f"w[1] 6 12 {caught.value.report.worst(1)[0].error:.0e}",
    ]


@settings(max_examples=settings.default.max_examples // 4)
@given(seed=seeds)
def test_second_derivatives(seed):
    cost, _, parameters = network(seed, m=2)
    report = check_gradients(cost, parameters, order=2)
    assert report.order == 2
    assert len(report.entries) == 21


def test_wrong_second_derivative_is_found():
    """A rule whose derivative is right, and whose own derivative is not."""
    from tinygrad_course import stop_gradient

    def f(x):  # the value of x**3 and its gradient, but a constant for the gradient's slope
        return 3 * stop_gradient(x) ** 2 * x - 2 * stop_gradient(x) ** 3

    x = np.array([0.5, -1.5])
    assert compare_gradients(lambda x: np.sum(x**3), x, gradient=grad(lambda x: np.sum(f(x)))).ok
    with pytest.raises(GradientMismatchError, match="second derivative"):
        check_gradients(lambda x: np.sum(x**3), x, gradient=f_prime, order=2)


def f_prime(x):
    from tinygrad_course import stop_gradient

    return 3 * stop_gradient(x) ** 2


# ------------------------------------------------------------------ kinks


def relu(Z):
    return np.maximum(0, Z)


@given(seed=seeds)
def test_dead_units_at_zero_are_no_mistake(seed):
    """Zero biases and an input of zeros put units exactly at ReLU's kink."""
    rng = np.random.RandomState(seed)
    X = rng.randn(2, 3)
    X[:, 0] = 0
    parameters = {"W1": rng.randn(3, 2), "b1": np.zeros((3, 1)), "W2": rng.randn(1, 3)}

    def cost(p):
        return np.mean(np.dot(p["W2"], relu(np.dot(p["W1"], X) + p["b1"])) ** 2)

    report = check_gradients(cost, parameters)
    assert {e.status for e in report.entries if e.name == "W2"} == {"right"}


def test_kink_told_with_its_sides():
    report = compare_gradients(lambda Z: np.sum(relu(Z) * 2), np.array([-1.0, 0.0, 2.0]))
    kink = report.entries[1]
    assert (kink.status, kink.analytic, kink.left, kink.right) == ("kink", 0.0, 0.0, 2.0)
    assert report.ok
    assert "Z[1]: analytic 0, left 0, right 2" in str(report)
    assert "without the 1 at a kink: difference 0.000e+00" in str(report)


@pytest.mark.parametrize(
    "convention", [lambda z: (z > 0) * 1.0, lambda z: (z >= 0) * 1.0, lambda z: (np.sign(z) + 1) / 2]
)
def test_every_convention_at_the_kink_is_right(convention):
    assert compare_gradients(relu, np.array([-1.0, 0.0, 2.0]), gradient=convention).ok


def test_a_mistake_at_a_kink_is_one():
    report = compare_gradients(relu, np.array([-1.0, 0.0, 2.0]), gradient=np.array([0.0, 1.5, 1.0]))
    assert [e.status for e in report.entries] == ["right", "wrong", "right"]
    inverted = compare_gradients(relu, np.array([-1.0, 0.0, 2.0]), gradient=lambda z: (z < 0) * 1.0)
    assert [e.status for e in inverted.entries] == ["wrong", "kink", "wrong"]


def test_several_kinks_at_one_point():
    for f in (
        lambda z: relu(z) - relu(-z),
        lambda z: relu(z) - 3 * relu(-2 * z),
        lambda z: np.abs(z) + relu(z),
    ):
        assert compare_gradients(f, 0.0).ok
        assert not compare_gradients(f, 0.0, gradient=lambda z, f=f: grad(f)(z) + 10.0).ok


@given(distance=st.floats(1e-9, 1e-5))
def test_kinks_near_the_point(distance):
    """A kink that lies within the step is seen, and the side that the point is on decides."""
    report = compare_gradients(lambda z: np.sum(relu(z)), np.array([distance, -distance]))
    assert report.ok, str(report)


def test_a_jump_and_noise_are_undecided():
    jump = compare_gradients(lambda z: np.where(z >= 0, 1.0 + z, z), 0.0)
    assert (jump.verdict, jump.entries[0].remark) == ("undecided", "the function jumps here")
    half = compare_gradients(
        lambda w: np.float16(np.sum(np.tanh(w))), np.ones(3), gradient=lambda w: 1 - np.tanh(w) ** 2
    )
    assert half.verdict == "undecided"
    nowhere = compare_gradients(np.sqrt, -1.0, gradient=1.0)
    assert nowhere.verdict == "undecided"
    with pytest.raises(GradientMismatchError, match="UNDECIDED"):
        check_gradients(lambda z: np.where(z >= 0, 1.0 + z, z), 0.0)


def test_the_edge_of_a_domain():
    assert compare_gradients(lambda z: np.sum(np.where(z >= 0, np.exp(z), np.nan)), np.array([0.0, 1.0])).ok


def test_nan_in_a_gradient_is_wrong():
    assert (
        compare_gradients(lambda w: np.sum(w**2), np.ones(2), gradient=np.array([2.0, np.nan])).verdict
        == "wrong"
    )


# ------------------------------------------------------------------ many kinds of functions and parameters


def test_nests_and_names():
    def cost(layers, scale):
        return scale * np.sum(np.tanh(layers[0]["W"]) * layers[1][0])

    nest = [{"W": np.array([[0.3, -0.2]])}, (np.array([1.5, 2.0]),)]
    report = check_gradients(cost, nest, 2.0)
    assert list(report.shapes) == ["layers[0].W", "layers[1][0]"]
    assert "differentiated by argument 0; the others are constant" in str(report)
    both = check_gradients(cost, nest, 2.0, argnums=(0, 1))
    assert list(both.shapes) == ["layers[0].W", "layers[1][0]", "scale"]


def test_forms_of_a_gradient():
    rng = np.random.RandomState(0)
    A, x = rng.randn(4, 3), rng.randn(3)
    assert compare_gradients(lambda x: np.dot(A, x), x, gradient=lambda x: A).ok
    assert not compare_gradients(lambda x: np.dot(A[:3], x), x, gradient=lambda x: A[:3].T).ok
    assert compare_gradients(np.tanh, x, gradient=lambda z: 1 - np.tanh(z) ** 2).ok
    wrong = compare_gradients(expit, x, gradient=lambda z: expit(z) * (expit(z) - 1))
    assert "wrong: -1 times the numerical gradient" in str(wrong)
    assert compare_gradients(np.multiply, x, x + 1, argnums=(0, 1), vjp=lambda g, a, b: (g * b, g * a)).ok
    assert not compare_gradients(np.multiply, x, x + 1, argnums=(0, 1), vjp=lambda g, a, b: (g * a, g * a)).ok
    # not elementwise, though the gradient has the shape of one
    assert not compare_gradients(lambda z: z[::-1] ** 2, x, gradient=lambda z: 2 * z).ok


def test_functions_that_do_not_record():
    def by_loops(w):
        total = 0.0
        for value in np.asarray(w).ravel().tolist():
            total += value**2
        return total

    assert check_gradients(by_loops, np.array([1.0, 2.0]), gradient=lambda w: 2 * w).ok
    with pytest.raises(GradientMismatchError) as caught:
        check_gradients(by_loops, np.array([1.0, 2.0]), gradient=lambda w: w)
    assert caught.value.graph is None
    with pytest.raises(TypeError, match="plain array"):
        check_gradients(by_loops, np.array([1.0, 2.0]))


def test_functions_for_tensors_alone():
    check_gradients(lambda Z: np.sum(np.tanh(Z).named("A")), np.array([0.1, 0.2]))


def test_functions_that_change_their_argument():
    def spoils(w):
        total = np.sum(w**2)
        w *= 0
        return total

    w = np.array([1.0, 2.0])
    assert compare_gradients(spoils, w, gradient=2 * w).ok
    assert w.tolist() == [1.0, 2.0]


def test_auxiliary_output():
    f = lambda w: (np.sum(w**2), "cache")  # noqa: E731
    assert check_gradients(f, np.ones(2), has_aux=True).ok
    assert check_gradients(f, np.ones(2), has_aux=True, gradient=lambda w: 2 * w).ok


def test_low_precision_is_checked_in_double():
    rng = np.random.RandomState(0)
    X = rng.randn(3, 50).astype(np.float32)
    W = rng.randn(4, 3).astype(np.float32)
    report = check_gradients(lambda W: np.mean(np.tanh(np.dot(W, X))), W)
    assert report.difference < 1e-8
    assert "W is float32, checked in float64; its own rounding puts it off by" in str(report)
    wrong = compare_gradients(lambda W: np.sum(W**2), W, gradient=lambda W: np.float32(2.002) * W)
    assert wrong.verdict == "wrong"
    # a gradient that is computed in single precision is right to its digits
    single = grad(lambda W: np.mean(np.tanh(np.dot(W, X))))(W)
    assert single.dtype == np.float32
    assert compare_gradients(lambda W: np.mean(np.tanh(np.dot(W, X))), W, gradient=single).ok


def test_directions_cost_no_more_for_more_parameters():
    counts = []
    for n in (10, 200):
        report = check_gradients(
            lambda w: np.sum(np.sin(w)), np.linspace(-2, 2, n * n).reshape(n, n), directions=3
        )
        assert len(report.entries) == 3
        counts.append(report.evaluations)
    assert counts[1] <= counts[0] + 12
    assert counts[1] < 90  # of 40,000 entries


def test_directions_find_the_array():
    cost, backward, parameters = network(1)
    report = compare_gradients(
        cost, parameters, gradient=lambda p: {**backward(p), "db1": -backward(p)["db1"]}, directions=1
    )
    assert {e.name for e in report.entries if e.status == "wrong"} == {"all parameters", "b1"}
    assert any(e.index is not None for e in report.entries if e.name == "b1")


def test_methods():
    w = np.array([0.3, -1.2])
    exact = np.exp(w)
    for method, error in (("complex", 1e-15), ("richardson", 1e-12), ("auto", 1e-9)):
        report = check_gradients(lambda w: np.sum(np.exp(w)), w, method=method)
        assert np.max(np.abs([e.numeric for e in report.entries] - exact)) < error
    with pytest.raises(ValueError, match="complex numbers"):
        check_gradients(lambda w: np.sum(np.abs(w)), w, method="complex")
    with pytest.raises(ValueError, match="method is 'forward'"):
        check_gradients(np.sum, w, method="forward")


def test_small_entries_beside_large_ones():
    """Rounding of the largest entry excuses no mistake in another, and no right one is blamed for it."""
    x = np.array([1e-10, 1.0, 3.0])

    def cost(x):
        return np.sum(np.log(x))

    for gradient in (None, lambda x: 1 / x, 1 / x, lambda x: (1 / x + 1e5) - 1e5):
        assert compare_gradients(cost, x, gradient=gradient).verdict == "right"
    for mistake in ([1, 1.0001, 1], [1, 1, 1.0001]):
        for gradient in (lambda x, m=mistake: m / x, mistake / x):
            report = compare_gradients(cost, x, gradient=gradient)
            assert report.verdict == "undecided"
            assert report.worst(1)[0].index == (int(np.argmax(mistake)),)
    z = np.array([40.0, 0.0])  # a slope of 4e-18, of which differences see nothing
    slope = np.array([1e-17, 0.25])
    assert compare_gradients(lambda z: np.sum(expit(z)), z, gradient=slope).verdict == "undecided"


def test_functions_with_complex_results():
    """Held against differences of the sum's real part; a conjugate too many is seen, in every form."""
    x = np.random.RandomState(0).randn(2, 6)
    matrix = np.fft.fft(np.eye(6))
    for f in (np.fft.fft, np.fft.rfftn, lambda x: (np.fft.fft(x), x**2), lambda x: np.exp(1j * x)):
        assert check_gradients(f, x, order=2).ok
        assert check_gradients(f, x, directions=2).ok
    for options, verdict in (
        ({"gradient": lambda _: matrix}, "right"),
        ({"gradient": lambda _: matrix.conj()}, "wrong"),
        ({"vjp": lambda g, _: np.real(np.fft.fft(g))}, "right"),
        ({"vjp": lambda g, _: np.real(np.fft.fft(g.conj()))}, "wrong"),
    ):
        assert compare_gradients(np.fft.fft, x[0], **options).verdict == verdict
    for factor, verdict in ((1j, "right"), (1.0, "wrong")):
        report = compare_gradients(
            lambda x: np.exp(1j * x), x, gradient=lambda x, c=factor: c * np.exp(1j * x)
        )
        assert report.verdict == verdict
    report = compare_gradients(lambda x: np.sum(np.abs(np.fft.fft(x))), x[0])
    assert report.cause is not None
    assert report.cause.rounding < 1e-14


@pytest.mark.parametrize(
    ("args", "options", "error", "message"),
    [
        ((np.sum, np.ones((2, 3))), {"gradient": np.ones((3, 2))}, ValueError, "it is transposed"),
        ((np.sum, np.ones((3, 1))), {"gradient": np.ones(3)}, ValueError, "keepdims=True"),
        ((np.sum, np.ones(2)), {"gradient": np.ones(3)}, ValueError, "must be equal"),
        ((np.sum, np.ones(2)), {"gradient": lambda w: None}, TypeError, "return forgotten"),
        ((lambda w: None, np.ones(2)), {}, ValueError, "forget to return the cost"),
        ((np.dot, np.ones(2), np.ones(2)), {"gradient": lambda a, b: (b, a)}, TypeError, "argnums="),
        ((lambda p: p["w"], {"w": 1.0}), {"gradient": {"dW": 1.0}}, KeyError, "expected 'dw'"),
        ((np.sum, np.zeros((0, 3))), {}, ValueError, "nothing to differentiate"),
        ((np.sum, np.ones(2)), {"order": 3}, ValueError, "order is 3"),
        ((np.sum, np.ones(2)), {"epsilon": 0.0}, ValueError, "epsilon is 0.0"),
        ((np.sum, np.ones(2, complex)), {}, TypeError, "real numbers"),
        ((np.sum, np.ones(2)), {"argnums": 1}, ValueError, "argument 1"),
        ((lambda w: w[:, :1], np.ones((2, 2))), {"gradient": np.ones((2, 2))}, ValueError, "Jacobian"),
        ((np.sum, np.ones(2)), {"gradient": np.ones(2), "vjp": np.multiply}, TypeError, "not both"),
        ((np.sum, np.ones(2)), {"gradient": 1j * np.ones(2)}, TypeError, "holds complex128"),
        ((np.sum, np.ones(2)), {"gradient": np.ones(2), "order": 2}, ValueError, "order=2 needs"),
        ((np.sum, np.ones(2)), {"has_aux": True}, TypeError, r"must return \(cost, aux\)"),
        ((3.0, np.ones(2)), {}, TypeError, "must be a function"),
        ((lambda p: p[0], [1.0]), {"gradient": [1.0, 2.0]}, ValueError, "there are 1 parameters"),
        ((lambda p: p["w"], {"w": 1.0}), {"gradient": 1.0}, TypeError, "are a dict"),
    ],
)
def test_kind_errors(args, options, error, message):
    with pytest.raises(error, match=message):
        compare_gradients(*args, **options)


@pytest.mark.parametrize("argnums", [0, (0,)])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_gradient_by_one_argument_may_be_a_tuple(argnums, wrapped):
    w = np.array([0.5, -1.5])
    cube = lambda w: np.sum(w**3)  # noqa: E731
    slope = lambda w: (3 * w**2,) if wrapped else 3 * w**2  # noqa: E731
    report = compare_gradients(cube, w, gradient=slope, argnums=argnums)
    assert report.ok
    assert float(report) == report.difference
    assert repr(report).startswith("<GradientReport of <lambda>: right, 2 entries, difference ")


# ------------------------------------------------------------------ vectors, and causes


@given(
    seed=seeds, shapes=st.lists(st.sampled_from([(), (1,), (2, 3), (3, 1), (0, 2)]), min_size=1, max_size=4)
)
def test_vectors_and_parameters(seed, shapes):
    rng = np.random.RandomState(seed)
    parameters = {f"p{i}": rng.randn(*shape) for i, shape in enumerate(shapes)} | {
        "deep": [rng.randn(2), (rng.randn(),)]
    }
    vector, unflatten = flatten(parameters)
    assert vector.shape == (sum(int(np.prod(s)) for s in shapes) + 3,)
    back = unflatten(vector)
    for (path, ours), (there, theirs) in zip(_leaves(back), _leaves(parameters), strict=True):
        assert path == there
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ValueError, match="expected shape"):
        unflatten(vector[1:])


def _leaves(tree):
    from tinygrad_course.engine.trees import leaves

    return leaves(tree)


def test_cause_is_the_operation_that_cancels():
    z = Tensor(9.0, name="z")
    cause = cause_of(lambda z: -np.log(1 - expit(z).named("A")), z)
    assert cause.operations == ("A = expit",)
    assert cause.through == ("subtract", "log")
    assert cause.magnified > 100
    harmless = cause_of(lambda z: np.logaddexp(0, z), Tensor(9.0))
    assert harmless.magnified < 10
    assert cause_of(lambda z: z.data, z) is None


@pytest.mark.parametrize("factor", [100, 2, -1, 0])
def test_below_the_resolution_of_the_differences_nothing_is_known(factor):
    parameters = {"a": np.array([1.0, 2.0]), "b": np.array([1000.0])}
    report = compare_gradients(
        lambda p: 1e-8 * np.sum(p["a"] ** 2) + np.sum(p["b"] ** 2),
        parameters,
        gradient=lambda p: {"a": factor * 2e-8 * p["a"], "b": 2 * p["b"]},
    )
    assert report.verdict == "undecided"


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (np.log, [1e-9, 1.0, 2.0]),
        (np.sqrt, [1e-9, 1.0, 2.0]),
        (lambda x: np.sqrt(1 - x**2), [1 - 1e-9, 0.5, 0.1]),
        (lambda x: x * np.log(x), [1e-7, 1.0, 2.0]),
    ],
)
def test_an_entry_close_to_the_edge_of_the_domain(f, x):
    def cost(p):
        return np.sum(f(p["x"]))

    point = {"x": np.array(x)}
    with np.errstate(all="ignore"):
        assert compare_gradients(cost, point, gradient=grad(cost)).verdict == "right"
        wrong = compare_gradients(cost, point, gradient=lambda p: {"x": 1.01 * grad(cost)(p)["x"]})
    assert wrong.verdict == "wrong"


@pytest.mark.parametrize("width", [3e-3, 1e-3, 1e-4])
def test_a_peak_that_large_steps_pass_over(width):
    def peak(x):
        return np.exp(-(((x - 1) / width) ** 2))

    assert compare_gradients(peak, 1 + width).verdict == "right"
    assert compare_gradients(peak, 1 + width, gradient=lambda x: 0.0).verdict == "wrong"


def test_a_gradient_that_is_wrong_at_this_point_alone():
    x = np.array([3.0, 1.0])
    found = compare_gradients(lambda x: np.sum(x**2), x, gradient=lambda x: np.where(x == 3, 100.0, 2 * x))
    assert [e.status for e in found.entries] == ["wrong", "right"]

    def slope_of_sinc(x, at_zero):
        return np.where(x == 0, at_zero, (np.cos(np.pi * x) - np.sinc(x)) / np.where(x == 0, 1, x))

    for at_zero, verdict in ((1.0, "wrong"), (0.0, "right")):
        found = compare_gradients(
            lambda x: np.sum(np.sinc(x)), np.zeros(1), gradient=lambda x, g=at_zero: slope_of_sinc(x, g)
        )
        assert found.verdict == verdict
    # two kinks that cancel, where the convention of both gives 0: that is no mistake
    two = compare_gradients(
        lambda b: np.sum(np.maximum(0, b) - np.maximum(0, -b)), np.zeros(1), gradient=lambda b: 1.0 * (b != 0)
    )
    assert two.verdict != "wrong"


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: np.sum(np.exp(x)), np.array([700.0, 1.0])),
        (np.cosh, 700.0),
        (lambda x: 1e300 * np.sum(x**2), np.array([1.5, 0.1])),
        (lambda x: np.sum(np.log(x)), np.array([1e-20, 0.1])),
        (lambda x: np.sum(np.sqrt(x)), np.array([1e-20, 0.1])),
        (np.arccosh, 1 + 1e-11),
        (lambda x: np.sum(np.sin(x)), np.array([1e15, 2.0])),
        (lambda A: np.sum(np.linalg.inv(A)), np.array([[1, 1.0], [1, 1 + 1e-6]])),
        (lambda A: np.sum(np.linalg.cholesky(A)), np.array([[1.0, 1], [1, 1 + 1e-10]])),
        (np.sqrt, 0.0),
    ],
)
def test_right_gradients_where_differences_can_hardly_tell(f, x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert compare_gradients(f, x).verdict in {"right", "undecided"}


def test_the_raw_cross_entropy_of_a_network_that_is_sure():
    rng = np.random.default_rng(0)
    for _ in range(20):
        z = rng.uniform(18, 36, 3)
        report = compare_gradients(lambda z: -np.mean(np.log(1 - 1 / (1 + np.exp(-z)))), z)
        assert report.verdict != "wrong", report


def test_what_is_below_the_resolution_is_undecided():
    mistaken = gradient_check(
        lambda p: 1 + 1e-12 * np.sum(p["W1"] ** 2),
        {"W1": np.array([1.0, 2.0])},
        {"dW1": np.array([-9e-12, -18e-12])},
    )
    assert mistaken.verdict == "undecided"
    tiny = compare_gradients(lambda x: np.hypot(1.0, 1e-10 * x), 1.0, gradient=lambda x: -5e-20)
    assert tiny.verdict == "undecided"


def test_a_constant_with_a_kink_at_some_distance():
    for x in ([-0.6, 1.6, 2.0], [-0.55, 1.7, -3.0]):
        report = compare_gradients(lambda x: np.clip(x, -0.5, 1.5) @ np.array([1.0, 2.0, 3.0]), np.array(x))
        assert report.verdict == "right", report


def test_points_that_are_no_numbers_are_named():
    with pytest.raises(ValueError, match=r"x holds nan at \[1\]"):
        compare_gradients(lambda x: np.sum(x**2), np.array([2.0, np.nan]))


@pytest.mark.parametrize(
    ("cost", "M"),
    [
        (lambda M: np.sum(np.linalg.inv(M)), np.array([[1.0, 2.0], [2.0, 4.0 + 1e-9]])),
        (lambda M: np.sum(np.linalg.inv(M)), np.ones((2, 2)) + 1e-7 * np.eye(2)),
        (lambda M: np.trace(np.linalg.inv(M) @ M), np.ones((2, 2)) + 1e-7 * np.eye(2)),
        (lambda M: np.mean(np.linalg.solve(M, np.array([1.0, 2.0]))), np.ones((2, 2)) + 1e-9 * np.eye(2)),
    ],
)
def test_near_a_singular_matrix_a_right_gradient_is_not_called_wrong(cost, M):
    assert compare_gradients(cost, M).verdict != "wrong"


def test_a_wrong_gradient_is_called_so_where_steps_can_be_small_enough():
    M = np.array([[1.0, 2.0], [2.0, 4.0 + 1e-5]])
    cost = lambda M: np.sum(np.linalg.inv(M))  # noqa: E731
    assert compare_gradients(cost, M, gradient=lambda M: 2 * grad(cost)(M)).verdict == "wrong"


@pytest.mark.parametrize("c", [1e-9, 1e-10, 1e-11])
@pytest.mark.parametrize("wrong", [2, -1, 0])
def test_a_small_entry_that_is_wrong_is_not_called_right(c, wrong):
    """By a complex step, and of a function that takes none (np.abs) by the best of the differences."""
    p = {"a": np.array([1.0, 2.0]), "b": np.array([1.0])}
    for f in (np.sin, lambda a: np.abs(np.sin(a)) ** 1.25):

        def cost(p, f=f):
            return c * np.sum(f(p["a"]) ** 2) + np.sum(p["b"] ** 2)

        def gradient(p, cost=cost):
            found = grad(cost)(p)
            return {"a": wrong * found["a"], "b": found["b"]}

        assert compare_gradients(cost, p).verdict == "right"
        assert compare_gradients(cost, p, gradient=gradient).verdict != "right"


def test_an_entry_that_does_nothing_is_right_at_0():
    p = {"a": np.array([-1.0, 1.0]), "b": np.array([1.0])}
    cost = lambda p: np.sum(np.maximum(0, p["a"])) + np.sum(np.abs(p["b"]) ** 3)  # noqa: E731
    assert compare_gradients(cost, p).verdict == "right"


def test_a_unit_that_is_off_and_nearly_on_has_the_gradient_0():
    def J(b):  # the second unit goes on when b rises by 0.017
        return np.sum(1 / (1 + np.exp(0.477 * np.maximum(0, b + np.array([0.2, 0.338])) - 0.5)))

    report = compare_gradients(J, np.array([-0.35475898]))
    assert [entry.status for entry in report.entries] == ["right"]


def test_a_thousandth_is_no_edge():
    cost, backward, parameters = network(2031)
    gradients = backward(parameters)
    gradients["dW1"][0, 1] *= 1.001
    assert compare_gradients(cost, parameters, gradient=gradients).verdict == "wrong"
