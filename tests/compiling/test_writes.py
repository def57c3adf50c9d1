"""Arrays that are written to part by part: one buffer, and no copy for each write."""

from __future__ import annotations

import numpy as np
import pytest

from tests.compiling.test_equality import assert_equal
from tinygrad_course import CannotCompile, Tensor, compiled, grad, value_and_grad, zeros, zeros_like
from tinygrad_course.compiling.dataflow import argument
from tinygrad_course.compiling.tracing.trace import Trace
from tinygrad_course.compiling.tracing.tracer import Tracer
from tinygrad_course.rules.indexing import scatter

ENGINES = ["numpy", "machine"]
x = np.linspace(0.1, 1.0, 3000)
H = np.linspace(-1.0, 1.0, 1200).reshape(40, 30)


def one_by_one(x):
    y = zeros_like(x)
    for i in range(50):
        y[i] = np.sin(x[i])
    return np.sum(y * y)


def rows(H):
    y = zeros_like(H)
    y[0] = H[0]
    for t in range(1, 40):
        y[t] = np.tanh(y[t - 1] * H[t] + 0.3 * y[t - 1, ::-1])
    return np.sum(y**2)


def earlier_values(x):
    y = zeros_like(x)
    kept = []
    for i in range(4):
        y[i::4] = x[i::4] ** 2
        kept.append(y * (i + 1.0))  # another value than after the next write
    return np.sum(kept[0] * kept[2]) + np.sum(kept[1] * kept[3]) + np.sum(y)


def a_view_of_itself(x):
    y = zeros_like(x)
    y[:] = x
    y[1:] = y[:-1] * y[1:]
    y[:100] = y[200:300]
    y[::2] += y[1::2]
    return np.sum(y * y)


def by_arrays(x):
    y = x * 1.0
    for i in range(3):
        y[np.array([1, 5, 5 + i])] = x[np.array([7, 7, 9])] * y[0]
    return np.sum(y * x) + np.sum(x[np.array([1, 1, 2])] * x[np.array([0, 1, 1])])


def a_view_without_axes(x):
    y = x[:1] ** 2
    v = np.squeeze(y)
    np.multiply(v, 3, out=y)
    v -= 0.5 * v
    return np.sum(y * y) + v


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("f", "given"),
    [
        (one_by_one, x),
        (a_view_without_axes, x),
        (rows, H),
        (earlier_values, x),
        (a_view_of_itself, x),
        (by_arrays, x),
        (by_arrays, x[:20]),
    ],
)
def test_programs_write_what_the_function_writes(f, given, engine):
    step = compiled(value_and_grad(f), engine=engine)
    for numbers in (given, given[::-1].copy()):
        assert_equal(step(numbers), value_and_grad(f)(numbers))


def a_buffer(w, x):
    y = zeros(4)
    y[0] = x[0]
    y[1:] = x[1:4]
    y[2:] = w * x[:2] * y[:2]
    return np.sum(y * y)


def a_start_of_other_numbers(w, x):
    position, speed = Tensor(x[:3] + 1.0), Tensor(np.array([1.2, -0.5, 0.1]))
    position[0] = 0.5
    speed -= x[1:4]
    for _ in range(3):
        speed -= 0.1 * w * np.sin(position)
        position += 0.1 * speed
    return np.sum(position**2)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("f", [a_buffer, a_start_of_other_numbers])
def test_what_an_argument_holds_may_be_written_before_what_depends_on_a_parameter(f, engine):
    step = compiled(value_and_grad(f), engine=engine)
    for w, numbers in ((2.0, x[:5]), (-0.7, x[5:10])):
        cost, slope = step(w, numbers)
        assert_equal((cost, slope), value_and_grad(f)(w, numbers))
        h = 1e-5
        differences = (f(w + h, numbers).item() - f(w - h, numbers).item()) / (2 * h)
        assert abs(slope - differences) < 1e-8 * (1 + abs(differences))


def test_a_leaf_that_is_given_an_arguments_numbers_stays_a_leaf():
    def of_the_leaf(w, x):
        leaf = Tensor(w * 1.0)
        leaf[1:] = x[1:3]
        J = np.sum(leaf**3)
        J.backward()
        return leaf.grad

    w, given = np.array([1.0, 2.0, 3.0]), x[:5]
    assert_equal(compiled(of_the_leaf)(w, given), of_the_leaf(w, given))
    assert_equal(of_the_leaf(w, given), 3 * np.concatenate([w[:1], given[1:3]]) ** 2)


@pytest.mark.parametrize("index", [0, slice(None)])
def test_a_plain_array_is_no_place_for_an_argument_either(index):
    def written(x):
        y = np.empty_like(x)
        y[index] = x[index]
        return np.sum(y)

    for f in (written, value_and_grad(lambda w, x: np.sum(written(x) * w))):
        with pytest.raises(CannotCompile, match=r"(?s)plain array.*Tensor\(a\).*test_writes.py"):
            compiled(f)(*(x[:3],) if f is written else (2.0, x[:3]))


@pytest.mark.parametrize(("f", "given"), [(one_by_one, x), (rows, H)])
def test_there_is_no_copy_of_the_whole_for_each_write(f, given):
    step = compiled(value_and_grad(f))
    step(given)
    ((_, program),) = step.programs.values()
    names = {name for name, thing in program.body.bound.items() if thing is np.copyto}
    copies = [line for line in program.body.lines if line.split("(")[0] in names]
    assert len(copies) <= 4, copies


def test_nothing_large_is_computed_while_a_function_is_recorded():
    given = np.linspace(-1.0, 1.0, 100_000).reshape(250, 400)
    tracer = Tracer(Trace(), argument(given, "x"), given)

    def f(x):
        parts = x[:, 1:3] * 2.0, np.sum(x, axis=0), np.where(x > 0, x, -1.0).T, x.astype(np.float32)
        return [
            np.tanh(np.dot(x, x.T)) / np.max(x),
            np.exp(parts[1]) * 3,
            scatter(x[5], 7, (250, 400)),
            *parts,
        ]

    recorded = f(tracer)
    assert all(ours.call is not None and not any(getattr(ours.shown, "strides", ())) for ours in recorded)
    for ours, numbers in zip(recorded, f(given), strict=True):
        assert type(ours.shown) is type(numbers)
        assert (ours.shape, ours.dtype) == (numbers.shape, numbers.dtype)
        np.testing.assert_array_equal(ours.sample, numbers)  # until somebody looks
        assert ours.call is None


def halves(x):
    z = x * 2
    w = z.reshape(3, 4)
    w[1] = 7.0
    return np.sum(z**3)


def every_other_backwards(x):
    x = x * 1.0
    w = x[::-2].reshape(2, 3)
    w[1] *= 7.0
    return np.sum(x**3)


def columns(x):
    z = np.sin(x)
    w = z.reshape((3, 4), order="F")
    w[0] *= 5.0
    return np.sum(z * np.arange(12.0))


@pytest.mark.parametrize("f", [halves, every_other_backwards, columns])
def test_a_row_that_is_cut_up_is_written_to(f):
    x, h = np.arange(1.0, 13.0), 1e-5
    slopes = [(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(12)]
    np.testing.assert_allclose(grad(f)(x), slopes, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(compiled(grad(f))(x), grad(f)(x))


def test_a_matrix_that_is_laid_out_anew_is_a_view_or_not():
    def f(a):
        y = (a * 2).reshape(12)
        y[0] = 1.0
        return np.sum(y**2)

    with pytest.raises(CannotCompile, match="a view or a copy"):
        compiled(grad(f))(np.ones((3, 4)))


def test_a_view_written_by_a_mask_that_a_call_computes_is_refused():
    """In one call the mask may reach the row that is read, and NumPy reads what it has just written."""

    def f(x):
        y = x * 1.0
        y[y > 0] = y[0]
        return y

    apart = np.array([[-1.0, -2.0, -3.0], [1.0, 2.0, -4.0], [-5.0, -6.0, 3.0]], order="F")
    with pytest.raises(CannotCompile, match="a copy of the values"):
        compiled(f)(apart)

    def copied(x):
        y = x * 1.0
        y[y > 0] = y[0].copy()
        return y

    program = compiled(copied)
    within = np.array([[-1.0, -2.0, 3.0], [1.0, 2.0, -4.0], [-5.0, -6.0, -3.0]], order="F")
    for x in (apart, within):
        np.testing.assert_array_equal(program(x), copied(x))
