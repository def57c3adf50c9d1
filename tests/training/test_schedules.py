"""Learning rates that change: against PyTorch's schedulers and by hand; in a compiled run, and resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_course.functions import binary_cross_entropy, linear, sigmoid
from tinygrad_course.optimizers import by_name
from tinygrad_course.training import Adam, AdamW, GradientDescent, Momentum, RMSprop, fit
from tinygrad_course.training.schedules import (
    CosineDecay,
    ExponentialDecay,
    InverseTimeDecay,
    ReduceOnPlateau,
    StepDecay,
    Warmup,
)

X = np.random.RandomState(0).randn(3, 24)
Y = (X[:1] + X[1:2] > 0) * 1.0
START = {"W1": np.random.RandomState(1).randn(1, 3), "b1": np.ones((1, 1))}


def cost(p: Any, X: Any, Y: Any) -> Any:
    return binary_cross_entropy(sigmoid(linear(p["W1"], X, p["b1"])), Y)


@pytest.fixture(scope="module")
def torch() -> Any:
    return pytest.importorskip("torch")


# ------------------------------------------------------------------ schedules


def torchs(torch: Any, make: Any, updates: int, rate: float) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)
    scheduler = make(torch.optim.lr_scheduler, optimizer)
    rates = []
    for _ in range(updates):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.long
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (CosineDecay(0.3, 20), lambda kinds, o: kinds.CosineAnnealingLR(o, 20)),
        (CosineDecay(0.3, 20, 0.1), lambda kinds, o: kinds.CosineAnnealingLR(o, 20, eta_min=0.1)),
        (StepDecay(0.3, 0.1, (5, 12)), lambda kinds, o: kinds.MultiStepLR(o, [5, 12])),
        (ExponentialDecay(0.3, 0.5, 6), lambda kinds, o: kinds.StepLR(o, 6, gamma=0.5)),
        (ExponentialDecay(0.3, 0.9), lambda kinds, o: kinds.ExponentialLR(o, 0.9)),
    ],
    ids=["cosine", "cosine to 0.1", "at two updates", "every 6", "exponential"],
)
def test_a_schedule_is_pytorchs(torch: Any, ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(
        [ours(t) for t in range(20)], torchs(torch, theirs, 20, 0.3), rtol=1e-12, atol=1e-16
    )


@given(st.integers(1, 30), st.floats(1e-4, 10))
def test_a_warm_up_rises_in_a_line_to_where_its_schedule_begins(updates: int, rate: float) -> None:
    warm = Warmup(CosineDecay(rate, 50), updates)
    rates = [float(warm(t)) for t in range(updates + 50)]
    np.testing.assert_allclose(np.diff(rates[: updates + 1]), rate / (updates + 1), rtol=1e-9)
    np.testing.assert_allclose(rates[updates:], [CosineDecay(rate, 50)(t) for t in range(50)], rtol=1e-12)


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    "rate",
    [
        InverseTimeDecay(0.5, 1.0, 3),
        ExponentialDecay(0.5, 0.9, 2),
        StepDecay(0.5, 0.1, (3, 7)),
        CosineDecay(0.5, 8),
        Warmup(CosineDecay(0.5, 8), 4),
        Warmup(0.5, 4),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [GradientDescent, Momentum, RMSprop, Adam, AdamW])
def test_in_a_run_recorded_and_compiled(rate: Any, kind: Any) -> None:
    """The rate at each update, found again from what gradient descent did; the compiled run is the same."""
    run = fit(cost, START, X, Y, kind(rate), epochs=10)
    whole = fit(cost, START, X, Y, kind(rate), epochs=10, compile=True)
    np.testing.assert_allclose(whole.history["cost"], run.history["cost"], rtol=1e-12)
    if kind is GradientDescent:
        parameters = START
        for t in range(10):
            if rate(t) > 0:
                step = fit(cost, parameters, X, Y, GradientDescent(float(rate(t))), epochs=1)
                parameters = step.parameters
        np.testing.assert_allclose(parameters["W1"], run.parameters["W1"], rtol=1e-12)


def test_a_plateau_lowers_the_rate_as_pytorch_does(torch: Any) -> None:
    costs = [3.0, 2.0, 2.5, 2.2, 2.1, 2.1, 2.1, 1.9, 1.9, 1.9, 1.9, 1.9]
    schedule, rates = ReduceOnPlateau(0.1, patience=2), []
    state = schedule.init()
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    # PyTorch lowers after patience + 1 epochs without a lower cost.
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1, threshold=0)
    for J in costs:
        state = schedule.after_epoch(state, J)
        theirs.step(J)
        rates.append(float(state["rate"]))
        assert rates[-1] == optimizer.param_groups[0]["lr"]
    assert len(set(rates)) > 2


@pytest.mark.parametrize("compile", [False, True])
def test_a_plateau_reads_the_validation_cost_and_is_resumed(tmp_path: Path, compile: bool) -> None:
    def run(**options: Any) -> Any:
        optimizer = Adam(ReduceOnPlateau(0.5, patience=2))
        return fit(cost, START, X, Y, optimizer, validation=(-X, Y), compile=compile, **options)

    whole = run(epochs=30)
    assert whole.state["plateau"]["rate"] < 0.5
    run(epochs=11, checkpoint=tmp_path / "run.h5")
    resumed = run(epochs=30, checkpoint=tmp_path / "run.h5")
    assert resumed.history == whole.history
    assert np.array_equal(resumed.parameters["W1"], whole.parameters["W1"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CosineDecay(0.0, 3), "initial is 0.0"),
        (lambda: CosineDecay(0.1, 0), "updates is 0"),
        (lambda: ReduceOnPlateau(0.1, factor=2), "factor is 2"),
        (lambda: ReduceOnPlateau(0.1, patience=0), "patience is 0"),
        (lambda: Warmup(-1.0, 3), "learning_rate is -1.0"),
        (lambda: Warmup(ReduceOnPlateau(0.1), 3), "one can't hold the other"),
        (lambda: Adam("0.1"), "learning_rate is '0.1'"),
        (lambda: Adam(0.1, weight_decay=-1), "weight_decay is -1"),
        (lambda: Adam(0.1, clip_norm=0), "clip_norm is 0"),
        (lambda: by_name("adamant"), "'gradient descent', 'momentum', 'RMSprop', 'Adam', 'AdamW'"),
        (lambda: by_name(Adam), r"the class Adam; make one: Adam\(0.01\)"),  # type: ignore[arg-type]
        (lambda: by_name(0.1), "optimizer is 0.1"),  # type: ignore[arg-type]
    ],
)
def test_what_makes_no_sense(make: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        make()


# ------------------------------------------------------------------ optimisers, against PyTorch's


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (RMSprop(0.01), lambda kinds, p: kinds.RMSprop(p, lr=0.01, alpha=0.9)),
        (AdamW(0.01, weight_decay=0.1), lambda kinds, p: kinds.AdamW(p, lr=0.01, weight_decay=0.1)),
        (AdamW(0.01), lambda kinds, p: kinds.AdamW(p, lr=0.01)),
        (GradientDescent(0.1), lambda kinds, p: kinds.SGD(p, lr=0.1)),
    ],
    ids=["RMSprop", "AdamW 0.1", "AdamW", "gradient descent"],
)
@pytest.mark.parametrize("clip", [None, 0.05, 1e6])
def test_an_optimiser_steps_as_pytorchs(torch: Any, ours: Any, theirs: Any, clip: float | None) -> None:
    """AdamW decays every parameter that PyTorch is given: here weights alone."""
    rng = np.random.RandomState(4)
    parameters: Any = {"W1": rng.randn(3, 2), "W2": rng.randn(2, 1)}
    grads = [{name: rng.randn(*W.shape) for name, W in parameters.items()} for _ in range(12)]
    tensors = {name: torch.tensor(W.copy(), requires_grad=True) for name, W in parameters.items()}
    optimizer = theirs(torch.optim, list(tensors.values()))
    if clip is not None:
        ours = type(ours)(
            ours.learning_rate,
            clip_norm=clip,
            **({"weight_decay": ours.weight_decay} if isinstance(ours, AdamW) else {}),
        )
    state = ours.init(parameters)
    for gradient in grads:
        parameters, state = ours.update(parameters, gradient, state)
        for name, tensor in tensors.items():
            tensor.grad = torch.tensor(gradient[name].copy())
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(list(tensors.values()), clip)
        optimizer.step()
    for name, tensor in tensors.items():
        # PyTorch divides by the norm + 1e-6
        np.testing.assert_allclose(parameters[name], tensor.detach().numpy(), rtol=1e-5 if clip else 1e-12)


def test_clipping_by_value_and_by_norm() -> None:
    grads = {"W1": np.array([3.0, -0.1]), "b1": np.array([4.0])}
    zeros = {"W1": np.zeros(2), "b1": np.zeros(1)}
    step = lambda **how: GradientDescent(1.0, **how).update(zeros, grads, {"t": np.float64(0)})[0]  # noqa: E731
    assert step(clip_value=0.5)["W1"].tolist() == [-0.5, 0.1]
    scaled = step(clip_norm=1.0)
    np.testing.assert_allclose(np.linalg.norm(np.concatenate(list(scaled.values()))), 1.0, rtol=1e-14)
    np.testing.assert_allclose(scaled["W1"] / scaled["b1"], [0.75, -0.025])
    assert step(clip_norm=100.0)["W1"].tolist() == [-3.0, 0.1]


def test_float32_stays_float32() -> None:
    parameters = {"W1": np.ones((2, 2), np.float32), "b1": np.ones((2, 1), np.float32)}
    for optimizer in (RMSprop(0.1), AdamW(CosineDecay(0.1, 5), clip_norm=0.1, clip_value=1.0), Momentum(0.1)):
        state = optimizer.init(parameters)
        after, _ = optimizer.update(parameters, parameters, state)
        assert {value.dtype for value in after.values()} == {np.dtype(np.float32)}


def test_weight_decay_needs_weights_and_leaves_biases() -> None:
    with pytest.raises(ValueError, match=r"no weights to decay: the parameters are called \['theta'\]"):
        AdamW(0.1).update(
            {"theta": np.ones(1)}, {"theta": np.ones(1)}, AdamW(0.1).init({"theta": np.ones(1)})
        )
    nested = {"layers": [{"W": np.ones(1), "b": np.ones(1)}]}
    grads = {"layers": [{"W": np.zeros(1), "b": np.zeros(1)}]}
    optimizer = GradientDescent(0.1, weight_decay=0.5)
    after, _ = optimizer.update(nested, grads, optimizer.init(nested))
    assert (after["layers"][0]["W"].item(), after["layers"][0]["b"].item()) == (0.95, 1.0)
