"""Every function in a compiled gradient, by both engines: a program gives what the recorder gives."""

from __future__ import annotations

import numpy as np
import pytest

from tests.compiling.interpreted import interpreted
from tests.functions.every_function import CASES, labels, positive, public_names
from tinygrad_course import CannotCompile, compiled, value_and_grad
from tinygrad_course import functions as F  # noqa: N812
from tinygrad_course.autodiff import flatten
from tinygrad_course.compiling.machine import jit
from tinygrad_course.functions.differential_equations import odeint, solve_ivp
from tinygrad_course.functions.implicit import fixed_point, root

stream = np.random.RandomState(1)
#: What is no program, and why.
SEARCHES = {
    "root": lambda a: np.sum(root(lambda x, a: x**2 - a, np.ones(5), (a,)).x),
    "fixed_point": lambda a: np.sum(fixed_point(lambda x, a: np.cos(x) / 2 + a, np.ones(5), (a,))),
    "odeint": lambda a: np.sum(odeint(lambda y, t, a: -a * y, np.ones(5), np.array([0.0, 1.0]), (a,))),
    "solve_ivp": lambda a: np.sum(solve_ivp(lambda t, y, a: -a * y, (0, 1), np.ones(5), args=(a,)).y),
}
DRAWS = {"dropout": lambda A: np.sum(F.dropout(A, 0.5, stream))}


def test_no_public_function_is_left_out() -> None:
    assert public_names() == {name.split(", ")[0] for name in CASES} & public_names() | set(SEARCHES) | set(
        DRAWS
    )


def compare(name: str, engine: str) -> None:
    f, *arguments = CASES[name]
    numbers = tuple(i for i, a in enumerate(arguments) if isinstance(a, dict) or a.dtype.kind == "f")
    both = value_and_grad(f, argnums=numbers)
    J, gradient = both(*arguments)
    program = compiled(both, engine=engine)
    for _ in range(2):
        J_program, gradient_program = program(*arguments)
        np.testing.assert_allclose(J_program, J, rtol=1e-11)
        np.testing.assert_allclose(flatten(gradient_program)[0], flatten(gradient)[0], rtol=1e-9, atol=1e-12)


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", list(CASES))
def test_a_compiled_gradient_is_the_recorded_one(name: str) -> None:
    compare(name, "numpy")


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", list(CASES))
def test_so_is_that_of_the_text_of_machine_code(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit, "compile_source", interpreted)
    with np.errstate(all="ignore"):  # Python computes both branches of a choice
        compare(name, "machine")


@pytest.mark.long
@pytest.mark.parametrize("name", list(CASES))
def test_so_is_that_of_machine_code(name: str) -> None:
    pytest.importorskip("llvmlite")
    compare(name, "machine")


def test_other_labels_are_other_labels() -> None:
    """The program of one mini-batch serves the next."""
    program, Z = compiled(value_and_grad(F.cross_entropy)), np.random.RandomState(0).randn(5, 6)
    for y in (labels, (labels + 1) % 5):
        np.testing.assert_allclose(program(Z, y)[1], value_and_grad(F.cross_entropy)(Z, y)[1], rtol=1e-11)


@pytest.mark.parametrize("engine", ["numpy", "machine"])
@pytest.mark.parametrize("name", list(SEARCHES | DRAWS))
def test_what_is_no_program_says_so(name: str, engine: str) -> None:
    both = value_and_grad((SEARCHES | DRAWS)[name])
    assert np.all(np.isfinite(both(positive)[1]))
    with pytest.raises(CannotCompile, match="outside"):
        compiled(both, engine=engine)(positive)
