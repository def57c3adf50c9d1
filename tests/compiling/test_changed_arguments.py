"""Dicts and lists that a function changes are changed by its program; arguments that are one stay so."""

import copy

import numpy as np
import pytest

from tests.compiling.test_equality import assert_equal
from tinygrad_course import compiled, compiled_loop, value_and_grad

X = np.array([1.0, 2.0, 3.0])


def descent(p, history):
    J, grads = value_and_grad(lambda q: np.sum((q["w"] - X) ** 2))({"w": p["w"]})
    p["w"] = p["w"] - 0.1 * grads["w"]
    p["old"] = {"dw": grads["w"], "of": (J, p["w"])}
    p.pop("first", None)
    p["deep"]["t"] += 1
    history += [J]
    return J / (1 - 0.9 ** p["deep"]["t"]), p


def in_turn(a, b):
    a["x"], b["x"] = b["x"], 2 * a["x"]
    return a["x"] + 1


def kernel(a, b):
    return np.exp(-((a[:, None] - b) ** 2)) + (0.1 * np.eye(len(a)) if a is b else 0.0)


def shared(p):
    p["all"].append(p["one"])
    p["one"]["x"] = p["one"]["x"] + 1
    return p["all"][0]["x"]


def start():
    return {"w": np.zeros(3), "deep": {"t": 0}, "first": 1}, []


def oddly_named(p):
    p["a.b"].append(2 * p["v"])
    p["a"]["b"].append(3 * p["v"])
    p[1]["x"] = p[1]["x"] + p[1, 2]
    return {(1, 2): p[1, 2] * 2}


def odd_names():
    return [{"a.b": [], "a": {"b": []}, "v": X, 1: {"x": X}, (1, 2): 5 * X}]


def swapped():
    return {"x": X}, {"x": X.astype(">f8")}


@pytest.mark.parametrize("engine", ["numpy", "machine"])
@pytest.mark.parametrize(
    ("f", "arguments"),
    [
        (descent, start),
        (in_turn, swapped),
        (shared, lambda: [{"one": {"x": X}, "all": []}]),
        (oddly_named, odd_names),
    ],
)
def test_what_the_function_changes_the_caller_sees(f, arguments, engine):
    program, ours, theirs = compiled(f, engine=engine), arguments(), arguments()
    inner = ours[0].get("deep")
    for _ in range(4):
        assert_equal(program(*ours), f(*theirs))
        assert_equal(ours, theirs)
    assert ours[0].get("deep") is inner


@pytest.mark.parametrize("engine", ["numpy", "machine"])
def test_two_arguments_that_are_one(engine):
    program, ours, theirs = compiled(in_turn, engine=engine), {"x": X}, {"x": X}
    program({"x": X}, {"x": X})
    assert_equal(program(ours, ours), in_turn(theirs, theirs))
    assert_equal(ours, theirs)
    program, other = compiled(kernel, engine=engine), X.copy()
    for a, b in ((X, X), (X, other), (X, X), (other, X)):
        assert_equal(program(a, b), kernel(a, b))
    program = compiled(lambda a, b: kernel(a, b) if b is not None else a, engine=engine)
    assert program(X, None) is X


def test_the_text_of_a_program_changes_its_arguments_too():
    program, theirs = compiled(descent), start()
    program(*copy.deepcopy(theirs))
    ours = copy.deepcopy(theirs)
    del ours[0]["first"], theirs[0]["first"]
    space = {"np": np}
    exec(program.source, space)  # noqa: S102  (the library's own text)
    space["descent"](*ours)
    descent(*theirs)
    assert_equal(ours, theirs)


def test_a_loop_changes_the_state_as_python_does():
    def step(p, X):
        J, grads = value_and_grad(lambda p: np.sum((p["w"] - X) ** 2))(p)
        for name in p:
            p[name] = p[name] - 0.1 * grads[name]
        return p, J

    ours, theirs = {"w": np.zeros((1, 3))}, {"w": np.zeros((1, 3))}
    expected = [step(theirs, X)[1] for _ in range(4)]
    assert np.allclose(compiled_loop(step)(ours, X, iterations=4)[1], expected)
