"""A program that was kept gives what it gave, and is not used where the function does something else."""

import copy
import os
import subprocess
import sys

import numpy as np
import pytest

from tests.compiling.networks import parameters_of, training_step
from tinygrad_course import CannotCompile, compiled, value_and_grad
from tinygrad_course.compiling import code_cache, compiled_function, stored_programs


@pytest.fixture(autouse=True)
def everything_is_kept(monkeypatch, tmp_path, programs_are_not_kept):
    monkeypatch.setenv("TINYGRAD_COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(stored_programs, "QUICK", 0.0)


@pytest.fixture
def no_recording(monkeypatch):
    """Return what makes recording, from then on, an error."""

    def stop():
        def refused(*_, **__):
            raise AssertionError("recorded")

        monkeypatch.setattr(compiled_function, "trace_function", refused)

    return stop


def kept():
    return [p for p in code_cache.directory().iterdir() if p.name[0] == "p"]


def long_chain(x, w):
    y = x
    for _ in range(4):
        y = np.tanh(w * y + np.array([0.5]))
    return np.sum(np.where(y > 0, np.sqrt(np.abs(y)), y))


def changing(p, x):
    p["W"] = p["W"] - 0.1 * x
    p["history"].append(np.sum(x))
    return p["W"].T, p["W"], 3, None, "text"


def with_view(x):
    y = x * 2.0
    return y, y[1:], y.reshape(-1), np.ones(3), x


def windows(x, w):
    y = np.einsum("abc,cd->abd", x, w)
    a, b = np.linalg.eigh(np.einsum("abd,abe->de", y, y) + np.eye(w.shape[1]))
    return {"y": y, "ends": (a, b), "mean": [np.mean(y, axis=1), np.var(y)]}


def network(sizes, m):
    rng = np.random.default_rng(1)
    return parameters_of(rng, sizes), rng.normal(size=(sizes[0], m)), rng.integers(0, 2, (1, m)) * 1.0


def step_of(*activations):
    return training_step([*activations, "sigmoid"], "cross entropy", 0.1, 0.5)


RNG = np.random.RandomState(0)


def neighbours(x):
    return np.max(x.reshape(2, 40, 2, 40, 2), axis=(2, 4)), np.sum(x.reshape(-1, 4), axis=1)


CASES = [
    (neighbours, lambda: (RNG.randn(2, 80, 80),)),
    (value_and_grad(long_chain), lambda: (RNG.randn(5), 0.3 * RNG.randn(5))),
    (value_and_grad(long_chain), lambda: (RNG.randn(300_000), 0.3 * RNG.randn(300_000))),
    (changing, lambda: ({"W": RNG.randn(3, 2), "history": []}, RNG.randn(3, 2))),
    (with_view, lambda: (RNG.randn(6).astype(np.float32),)),
    (windows, lambda: (RNG.randn(3, 4, 5), RNG.randn(5, 6))),
    (step_of("tanh"), lambda: network([3, 4, 1], 50)),
    (step_of("relu", "softplus"), lambda: network([40, 60, 50, 1], 300)),
]


def same(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if not isinstance(a, (np.ndarray, np.generic)):
        return a is b or a == b
    return type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@pytest.mark.sampled(5)
@pytest.mark.parametrize("engine", ["numpy", "machine"])
@pytest.mark.parametrize(("f", "arguments"), CASES)
def test_it_gives_what_it_gave(f, arguments, engine, no_recording, monkeypatch):
    if engine == "machine":
        pytest.importorskip("llvmlite")
    first = compiled(f, engine=engine)
    args = arguments()
    others = arguments()
    expected = [(first(*a), a) for a in (copy.deepcopy(args), copy.deepcopy(others))]
    assert kept()
    no_recording()
    second = compiled(f, engine=engine)
    got = [(second(*a), a) for a in (copy.deepcopy(args), copy.deepcopy(others))]
    assert same(got, expected)
    assert second.source == first.source
    assert repr(second.graph) == repr(first.graph)


def test_what_lay_in_one_memory_does_so_again(no_recording):
    x = np.arange(6.0)
    compiled(with_view)(x)
    no_recording()
    y, rest, flat, ones, same_x = compiled(with_view)(x)
    y[:] = 7.0
    assert (rest == 7.0).all()
    assert (flat == 7.0).all()
    ones[:] = 0.0
    assert same_x is x
    assert (compiled(with_view)(x)[3] == 1.0).all()


def root_of_the_positive(x, rate):
    return rate * np.sum(np.where(x > 0, np.sqrt(x), 0.0))


def test_programs_with_masks_and_of_numbers_that_move_are_found(no_recording):
    step = value_and_grad(root_of_the_positive)
    calls = [(np.array([1.0, 4.0]), 0.5), (np.array([0.0, 4.0]), 0.5), (np.array([9.0, 4.0]), 0.25)]
    first = compiled(step)
    expected = [first(*call) for call in calls]
    assert np.isfinite(expected[1][1]).all()
    assert same(expected, [step(*call) for call in calls])
    no_recording()
    second = compiled(step)
    assert same([second(*call) for call in calls], expected)


def with_rate(rate):
    def f(x):
        return x * rate

    return f


def test_a_number_from_outside_is_not_that_of_another_process():
    x = np.arange(3.0)
    assert (compiled(with_rate(2.0))(x) == 2 * x).all()
    assert (compiled(with_rate(3.0))(x) == 3 * x).all()
    assert len(kept()) == 1  # of the same code: the latest
    assert (compiled(with_rate(np.array([1.0, 2.0, 3.0])))(x) == [0.0, 2.0, 6.0]).all()


def test_other_code_is_other_programs(no_recording):
    def one():
        def f(x):
            return x * 2.0

        return f

    def two():
        def f(x):
            return x * (2.0 if type(x) is np.ndarray else 3.0)

        f.__qualname__ = one().__qualname__
        return f

    x = np.arange(3.0)
    compiled(one())(x)
    with pytest.raises(CannotCompile, match="asks for the type"):
        compiled(two())(x)
    no_recording()
    compiled(one())(x)


def test_what_is_drawn_is_refused_again():
    def f(x, noisy):
        return x + np.random.rand(3) if noisy else x + np.ones(3)  # noqa: NPY002

    x = np.arange(3.0)
    compiled(f)(x, noisy=False)
    with pytest.raises(CannotCompile, match="random numbers"):
        compiled(f)(x, noisy=True)


def test_keys_are_those_of_this_process():
    def named(key):
        return lambda x: {key: x + 1.0}

    x = np.arange(3.0)
    assert [*compiled(named("a"))(x)] == ["a"]
    assert [*compiled(named("b"))(x)] == ["b"]


def test_a_damaged_file_is_made_anew():
    x = np.arange(3.0)
    compiled(with_rate(2.0))(x)
    (file,) = kept()
    file.write_bytes(file.read_bytes()[:-3])
    assert (compiled(with_rate(2.0))(x) == 2 * x).all()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="Windows: the user's folders are the user's")
def test_a_folder_that_others_can_write_to_is_not_read(monkeypatch):
    x = np.arange(3.0)
    compiled(with_rate(2.0))(x)
    code_cache.directory().chmod(0o777)
    monkeypatch.setattr(stored_programs, "_Reader", None)
    assert (compiled(with_rate(2.0))(x) == 2 * x).all()


def test_large_constants_are_not_kept():
    large = RNG.randn(stored_programs.LARGE // 8 + 1)
    assert compiled(lambda x: np.sum(x * large))(np.ones(1)) == pytest.approx(large.sum())
    assert not code_cache.directory().exists()


TEXT = """
import importlib.util
import sys
import numpy as np
from tinygrad_course import compiled, value_and_grad
from tinygrad_course.compiling import compiled_function, stored_programs
stored_programs.QUICK = 0.0
if sys.argv[1] == "second":
    compiled_function.trace_function = None
def cost(p, X):
    A = X
    for i in range(3):
        A = np.tanh(p["W"] @ A + p["b"])
    return np.mean(A**2)
p = {"W": np.eye(4) / 2, "b": np.full((4, 1), 0.25)}
for engine in ("numpy", "machine") if importlib.util.find_spec("llvmlite") else ("numpy",):
    J, grads = compiled(value_and_grad(cost), engine=engine)(p, np.linspace(-1, 1, 20).reshape(4, 5))
    print(J.hex(), grads["W"].tobytes().hex())
"""


@pytest.mark.long
def test_a_second_process_finds_it():
    command = [sys.executable, "-c", TEXT]
    said = [
        subprocess.run([*command, which], check=True, capture_output=True, text=True).stdout
        for which in ("first", "second")
    ]
    assert said[0] == said[1] != ""


def test_nothing_is_kept_where_the_folder_is_0(monkeypatch, tmp_path):
    monkeypatch.setenv("TINYGRAD_COURSE_CACHE", "0")
    monkeypatch.chdir(tmp_path)
    step = compiled(value_and_grad(long_chain))
    step(RNG.randn(5), RNG.randn(5))
    assert step.programs
    assert not list(tmp_path.rglob("p*"))


def test_the_oldest_go_where_there_are_too_many(monkeypatch):
    code_cache.keep("pa", b"a" * 1000)
    code_cache.keep("pb", b"b" * 1000)
    monkeypatch.setattr(code_cache, "MOST", 2500)
    os.utime(code_cache.directory() / "pb", (1.0, 1.0))
    code_cache._forget_the_oldest.cache_clear()
    code_cache.keep("pc", b"c" * 1000)
    assert sorted(p.name for p in kept()) == ["pa", "pc"]
    code_cache._forget_the_oldest.cache_clear()
    code_cache.keep("pd", b"d" * 5000)
    assert [p.name for p in kept()] == ["pd"]


@pytest.mark.parametrize("engine", ["numpy", "machine"])
def test_results_are_what_the_next_call_is_checked_for(engine, no_recording):
    parameters, X, Y = network([2, 3, 1], 20)
    compiled(step_of("tanh"), engine=engine)(parameters, X, Y)
    no_recording()
    made, _ = compiled(step_of("tanh"), engine=engine)(parameters, X, Y)
    assert {id(W.dtype) for W in made.values()} == {id(X.dtype)}  # the same, and not an equal one
