"""Runs of calls on tiny matrices, which machine code writes out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compiling.test_equality import assert_equal
from tinygrad_course import compiled, value_and_grad
from tinygrad_course.compiling.machine import fusion
from tinygrad_course.compiling.machine.fusion import MANY, TINY

pytest.importorskip("llvmlite.binding")


@pytest.fixture
def written(monkeypatch):
    """How many calls each function has that is written out."""
    counts = []
    make = fusion.Columns

    def counted(program, calls=None):
        counts.append(len(calls or ()))
        return make(program, calls)

    monkeypatch.setattr(fusion, "Columns", counted)
    return counts


def of_systems(a, b, v):
    c = np.linalg.inv(a) @ b - 2 * np.linalg.solve(a.T, b)
    d = np.concatenate([c[:1] * 2, c[1:]]) @ a + np.diagonal(c)[:, None]
    x = np.linalg.solve(a + 0.1 * b, v) + np.sqrt(np.abs(v)) * np.sum(d, axis=0)
    return c, d, x, np.linalg.det(d), v @ x, np.dot(x, d), np.log(np.abs(v @ v)) * np.max(d)


@given(st.integers(1, TINY + 1), st.integers(0, 2**32 - 1), st.booleans())
def test_tiny_systems_are_those_of_numpy(n, seed, zeros):
    rng = np.random.default_rng(seed)
    a, b, v = rng.normal(size=(n, n)), rng.normal(size=(n, n)), rng.normal(size=n)
    if zeros and n > 1:  # rows have to change places
        a = np.roll(np.triu(a) + np.eye(n) * 2, 1, axis=0)
    with pytest.MonkeyPatch.context() as patch:
        counts = []
        make = fusion.Columns
        patch.setattr(fusion, "Columns", lambda p, calls=None: counts.append(calls) or make(p, calls))
        ours = compiled(of_systems, engine="machine")(a, b, v)
    assert any(counts) == (n <= TINY)
    worst = max(np.linalg.cond(m) for m in (a, a + 0.1 * b)) ** 2
    for x, y in zip(ours, of_systems(a, b, v), strict=True):
        assert type(x) is type(y)
        assert np.shape(x) == np.shape(y)
        np.testing.assert_allclose(x, y, rtol=0, atol=1e-13 * n * worst * (1 + np.max(np.abs(y))))


def filtered(p, y):
    x, P, J = np.zeros(3), np.eye(3), 0.0
    for observed in y:
        x, P = p["A"] @ x, p["A"] @ P @ p["A"].T + np.diag(np.exp(p["q"]))
        S = p["H"] @ P @ p["H"].T + np.eye(2)
        K = np.linalg.solve(S, p["H"] @ P).T
        v = observed - p["H"] @ x
        x, P = x + K @ v, P - K @ p["H"] @ P
        J = J + v @ np.linalg.inv(S) @ v + np.log(np.linalg.det(S))
    return J


def test_a_filter_is_few_functions(written):
    rng = np.random.default_rng(0)
    p = {"A": rng.normal(size=(3, 3)) / 2, "H": rng.normal(size=(2, 3)), "q": rng.normal(size=3)}
    step = value_and_grad(filtered)
    program = compiled(step, engine="machine")
    for m in (12, 12, 30):
        y = rng.normal(size=(m, 2))
        assert_equal(program(p, y), step(p, y))
    _, (traced, made) = max(program.programs.items(), key=lambda item: len(item[1][1].body.lines))
    assert len(traced.run.program.values()) > 1000
    assert sum("(" in line for line in made.body.lines) < 500
    assert sum(written) > 1500


@pytest.mark.parametrize("function", [np.linalg.inv, lambda a: np.linalg.solve(a, np.ones(3))])
def test_a_tiny_singular_matrix_raises_as_numpy_does(function, written):
    def f(a):
        return function(a @ a + a @ a.T + a.T @ a.T + a.T @ a) + np.linalg.det(a)

    step = compiled(f, engine="machine")
    a = np.array([[2.0, 1.0, 0.0], [1.0, 0.0, 3.0], [0.0, 5.0, 1.0]])
    assert_equal(step(a), f(a))
    assert any(written)
    a[:] = 0.0
    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        step(a)
    step = compiled(lambda a: np.linalg.det(a) * (a @ a + a @ a.T + a.T @ a.T), engine="machine")
    for a in (np.eye(4), np.ones((4, 4)), np.zeros((4, 4))):
        assert_equal(step(a), np.linalg.det(a) * (a @ a + a @ a.T + a.T @ a.T))


def test_what_is_returned_of_an_argument_is_its_memory():
    def f(a, b):
        c = a @ b
        return a.T, a[0], c @ c @ c @ c, c.T, c[1:], c

    a, b = np.arange(9.0).reshape(3, 3), np.eye(3)
    ours = compiled(f, engine="machine")(a, b)
    assert all(np.shares_memory(x, a) for x in ours[:2])
    assert np.shares_memory(*ours[3:5])
    assert not np.shares_memory(ours[2], ours[3])


def test_few_products_stay_calls(written):
    assert MANY > 2
    a = np.eye(3)
    assert np.array_equal(compiled(lambda a: a @ a + a.T @ a, engine="machine")(a), 2 * a)
    assert not any(written)


def atoms(angles, scale):
    """A chain of atoms by their torsions, as a protein's, and what they repel each other with."""
    a, b, c = np.array([0.0, 0, 0]), np.array([1.5, 0, 0]), np.array([2.0, 1.4, 0])
    places = [a, b, c]
    for t in angles:
        along = (c - b) / np.linalg.norm(c - b)
        normal = np.cross(b - a, along)
        normal = normal / np.sqrt(np.sum(normal * normal))
        d = np.stack([-0.5 * np.ones_like(t), np.cos(t), np.sin(t)]) * scale
        a, b, c = b, c, c + d[0] * along + d[1] * np.cross(normal, along) + d[2] * normal
        places.append(c)
    P = np.stack(places)
    return np.sum(1 / (1 + np.sum((P[:, None] - P[None]) ** 2, axis=-1)))


def vectors(x, y):
    """Entries taken once, twice and by lists, and products of other shapes than (3,)."""
    u, total = np.cross(x[0], y), 0.0
    for i in range(1, 4):
        u = (
            np.cross(u, x[i])
            - np.cross(y, x[i], -1) / 2
            + np.cross(x[i], u, axis=0) / 3
            + u[i - 1] * y
            + np.sum(u[[0, 0, 2]]) * x[0]
        )
        total = total + u[0] * u[1] - u[-1] + np.dot(u, x[i])
    return total + np.sum(np.cross(x, u) * np.cross(u, y))


@pytest.mark.parametrize(("f", "shapes"), [(atoms, [(9,), ()]), (vectors, [(4, 3), (3,)])])
def test_vectors_in_space_are_written_out(f, shapes):
    g = value_and_grad(f, (0, 1))
    fast = compiled(g, engine="machine")
    for seed in range(3):
        rng = np.random.default_rng(seed)
        args = [rng.uniform(0.5, 1.5, shape) for shape in shapes]
        value, gradients = g(*args)
        found, quickly = fast(*args)
        np.testing.assert_allclose(found, value, 1e-11)
        for one, other in zip(quickly, gradients, strict=True):
            np.testing.assert_allclose(one, other, 1e-10, 1e-12)


def test_the_cross_products_of_a_chain_are_no_calls_of_numpys():
    angles, made = np.linspace(0.3, 1.2, 12), compiled(value_and_grad(atoms, (0, 1)), engine="machine")
    made(angles, 1.0)
    ((_, program),) = made.programs.values()
    assert all(bound is not np.cross for bound in program.body.bound.values())


def attitude(turns, q):
    """A body that turns, by its quaternion: entries, stacks and sums, and no product of matrices."""
    J = 0.0
    for x, y, z in turns:
        rows = [-q[1] * x - q[2] * y - q[3] * z, q[0] * x + q[2] * z - q[3] * y]
        rows += [q[0] * y - q[1] * z + q[3] * x, q[0] * z + q[1] * y - q[2] * x]
        q = q + 0.05 * np.stack(rows)
        q = q / np.sqrt(np.sum(q * q))
        J = J + np.sum((q - np.array([1.0, 0, 0, 0])) ** 2)
    return J


def test_many_calls_on_few_numbers_are_few_functions(written):
    rng = np.random.default_rng(0)
    step = value_and_grad(attitude, (0, 1))
    program = compiled(step, engine="machine")
    for _ in range(2):
        turns, q = rng.normal(size=(12, 3)), np.array([1.0, 0.1, 0, 0])
        assert_equal(program(turns, q), step(turns, q))
    assert sum(written) > 400
