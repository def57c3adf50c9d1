"""Values over training: what is written down is what was there, and initialisations show their faults."""

import numpy as np
import pytest

from tinygrad_course import Tensor, functions
from tinygrad_course.optimizers import GradientDescent
from tinygrad_course.training import fit
from tinygrad_course.training.initialization import initialize_parameters
from tinygrad_course.training.watching import compare_initializations, watch

SIZES = [3, 5, 4, 1]


def data(m=30):
    rng = np.random.RandomState(0)
    X = rng.randn(3, m)
    return X, (X[:1] * X[1:2] > 0) * 1.0


def cost(p, X, Y):
    A1 = functions.relu(functions.linear(p["W1"], X, p["b1"]))
    A2 = np.tanh(functions.linear(p["W2"], A1, p["b2"]))
    return functions.binary_cross_entropy(functions.sigmoid(functions.linear(p["W3"], A2, p["b3"])), Y)


def rms(values):
    return np.sqrt(np.mean(values**2))


def test_a_loop_by_hand():
    X, Y = data()
    p = {k: Tensor(v) for k, v in initialize_parameters(SIZES, "he", 1).items()}
    watching = watch(p, every=4)
    expected = []
    for step in range(10):
        for t in p.values():
            t.grad = None
        J = cost(p, X, Y)
        J.backward()
        watching(J)
        if step % 4 == 0:
            A1 = np.maximum(0, p["W1"].data @ X + p["b1"].data)
            expected.append((J.item(), rms(p["W2"].data), rms(p["W2"].grad), np.std(A1), np.mean(A1 == 0)))
        for t in p.values():
            t.data -= 0.3 * t.grad
    h = watching.history
    assert h["step"] == [0, 4, 8]
    assert set(h["weights"]) == set(p)
    assert list(h["activations"]) == ["Layer 1", "Layer 2", "Layer 3"]
    seen = zip(
        h["cost"],
        *(h[kind]["W2"] for kind in ("weights", "gradients")),
        *(h[kind]["Layer 1"] for kind in ("activations", "zeros")),
        strict=True,
    )
    np.testing.assert_allclose(list(seen), expected, rtol=1e-12)


def test_in_fit(tmp_path):
    X, Y = data()
    start = initialize_parameters(SIZES, "he", 1)
    watching = watch(every=5)
    run = fit(
        cost, start, X, Y, GradientDescent(0.3), epochs=11, callbacks=watching.of(cost, X, Y), show=False
    )
    assert watching.history["step"] == [0, 5, 10]
    assert list(watching.history["weights"]) == list(watching.history["gradients"]) == list(start)
    np.testing.assert_allclose(watching.history["weights"]["W1"][-1], rms(run.parameters["W1"]))
    np.testing.assert_allclose(watching.history["cost"][:2], [run.history["cost"][1], run.history["cost"][6]])
    watching.plot(tmp_path / "watch.png")
    assert (tmp_path / "watch.png").read_bytes().startswith(b"\x89PNG")


def test_names_that_come_and_go():
    a, b = Tensor(2.0, name="a"), Tensor(3.0, name="b")
    watching = watch(every=1)
    for use_b in (False, True, False):
        J = a * b if use_b else a * 2
        J.backward()
        watching(J)
    np.testing.assert_array_equal(watching.history["weights"]["b"], [np.nan, 3.0, np.nan])


def test_without_gradients_there_is_nothing_to_watch():
    with pytest.raises(ValueError, match=r"call J\.backward\(\)"):
        watch()(Tensor(2.0, name="a") * 3)
    with pytest.raises(ValueError, match="every=0"):
        watch(every=0)


@pytest.mark.long
def test_initialisations_show_their_faults(tmp_path):
    rng = np.random.RandomState(1)
    X = rng.randn(30, 100)
    seen = compare_initializations([30] * 9 + [1], X, (X[:1] > 0) * 1.0)
    assert not any(seen.by_layer("activations", "zeros"))
    assert not any(seen.by_layer("gradients", "zeros"))
    xavier = seen.by_layer("activations", "xavier")
    assert len(xavier) == 9
    assert min(xavier[:-1]) > 0.2
    gradients = seen.by_layer("gradients", "xavier")
    assert max(gradients) / min(gradients[:-1]) < 100
    assert min(seen.by_layer("activations", "large")[:-1]) > 0.9  # a saturated tanh is -1 or 1
    large = seen.by_layer("gradients", "large")
    assert large[0] > 100 * large[-1]  # and on the way back 10 * randn explodes
    small = compare_initializations([30] * 9 + [1], X, (X[:1] > 0) * 1.0, how=["small"])
    ratios = np.divide(
        small.by_layer("activations", "small")[1:-1], small.by_layer("activations", "small")[:-2]
    )
    assert np.all(ratios < 0.1)  # each layer shrinks what the one before has left
    seen.plot(tmp_path / "initialisation.svg")
    assert (tmp_path / "initialisation.svg").stat().st_size > 5000


def test_names_are_shown_as_they_are():
    pytest.importorskip("matplotlib")
    W, V = Tensor(np.ones((1, 2)), name="_hidden"), Tensor(np.ones((2, 2)), name="cost_$x$")
    watching = watch(every=1)
    J = np.mean(np.tanh(W @ V) ** 2)
    J.backward()
    watching(J)
    figure = watching.plot()
    figure.canvas.draw()  # a name that is typeset would fail here, or be gone
    shown = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert [t.replace("\u200b", "").replace(r"\$", "$") for t in shown] == ["_hidden", "cost_$x$"]


def test_a_cost_that_keeps_parameters_is_watched_too():
    """As `fit` takes it: J, and what is kept instead of learned."""
    watching = watch(every=1)
    X = np.ones((2, 3))

    def cost(p, X, Y):
        return np.mean((p["W"] @ X - Y) ** 2), {"mean": p["mean"] * 0.9}

    start = {"W": np.ones((1, 2)), "mean": np.array(1.0)}
    after = watching.of(cost, X, np.zeros((1, 3)))
    run = fit(cost, start, X, np.zeros((1, 3)), GradientDescent(0.1), epochs=2, callbacks=after)
    assert watching.history["cost"][0] == run.history["cost"][1]
