"""Jacobians and Hessians of nests and several arguments; recomputation; nests as vectors."""

from __future__ import annotations

import copy
import pickle
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy import optimize

from tinygrad_course import Tensor, compiled, grad, hessian, hvp, jacobian, jvp, value_and_grad
from tinygrad_course.autodiff import checkpoint, custom_rule, elementwise_grad, flatten, register_rule

rng = np.random.default_rng(0)
x, z = rng.normal(size=2), rng.normal(size=3)


def central(f, v, h=1e-6):
    return np.stack([(f(v + h * e) - f(v - h * e)) / (2 * h) for e in np.eye(v.size)], axis=-1)


def outer(a, b):
    return {"y": np.sin(a)[:, None] * b**2, "n": (np.sum(a), None)}


def test_jacobian_of_nests_by_several_arguments():
    J = jacobian(outer, argnums=(1, -2))(x, z)
    by_z = central(lambda v: outer(x, v)["y"], z)
    by_x = central(lambda v: outer(v, z)["y"], x)
    np.testing.assert_allclose(J["y"][0], by_z, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(J["y"][1], by_x, rtol=1e-7, atol=1e-9)
    np.testing.assert_array_equal(J["n"][0][1], np.ones(2))
    assert J["n"][1] is None
    nested = jacobian(lambda p: p["a"][0] * p["a"][1], argnums=-1)({"a": (x, 2.0)})
    np.testing.assert_allclose(nested["a"][0], 2 * np.eye(2))
    np.testing.assert_allclose(nested["a"][1], x)


def test_hessian_and_hvp_of_several_arguments():
    f = lambda a, b, s: s * np.sum(np.sin(a)[:, None] * b**2)  # noqa: E731
    H = hessian(f, argnums=(0, 1))(x, z, s=2.0)
    both = lambda v: np.concatenate(grad(f, (0, 1))(v[:2], v[2:], s=2.0))  # noqa: E731
    full = central(both, np.concatenate([x, z]))
    np.testing.assert_allclose(np.block([list(H[0]), list(H[1])]), full, rtol=1e-6, atol=1e-8)
    v = (rng.normal(size=2), rng.normal(size=3))
    product = hvp(f, argnums=(0, 1))(x, z, v, s=2.0)
    np.testing.assert_allclose(np.concatenate(product), full @ np.concatenate(v), rtol=1e-6)
    np.testing.assert_allclose(hvp(f, argnums=-1)(x, z, 2.0, 1.0), 0.0)


def test_a_jacobian_is_recorded_where_a_tensor_comes_in():
    f = lambda a: np.sum(jacobian(lambda b: b**3)(a) ** 2)  # noqa: E731
    np.testing.assert_allclose(grad(f)(x), 36 * x**3)


def test_positions_that_are_none():
    with pytest.raises(ValueError, match="called with 1 arguments"):
        jacobian(np.sin, argnums=1)(x)
    with pytest.raises(TypeError, match="argnums is a position"):
        hvp(np.sin, argnums="a")


def test_elementwise_grad():
    np.testing.assert_allclose(elementwise_grad(np.tanh)(x), 1 - np.tanh(x) ** 2)
    np.testing.assert_allclose(elementwise_grad(lambda a, b: a * b**3, 1)(z, z), 3 * z**3)
    np.testing.assert_allclose(elementwise_grad(elementwise_grad(elementwise_grad(np.exp)))(z), np.exp(z))


def test_checkpoint_gives_the_same_gradients_at_every_order():
    def f(p, i):
        return {"y": np.sin(p["W"])[i] * p["b"], "i": i}

    def cost(p, f=f):
        return np.sum(f(p, np.array([0, 0, 1]))["y"] ** 3)

    p = {"W": rng.normal(size=(3, 2)), "b": 0.7}
    kept = lambda p: cost(p, checkpoint(f))  # noqa: E731
    for derivative in (grad, hessian):
        ours, expected = flatten(derivative(kept)(p))[0], flatten(derivative(cost)(p))[0]
        np.testing.assert_allclose(ours, expected, rtol=1e-12)


def test_checkpoint_computes_again_once_and_refuses_what_it_would_lose():
    calls = []

    def f(a, b):
        calls.append(1)
        return np.sin(a) * b

    a, b = Tensor(x), Tensor(x)
    np.sum(checkpoint(f)(a, b)).backward()
    assert len(calls) == 2
    np.testing.assert_allclose(a.grad, np.cos(x) * x)
    with pytest.raises(TypeError, match="not among its arguments"):
        checkpoint(lambda c: c * a)(b)
    np.testing.assert_array_equal(checkpoint(f)(x, 2.0), 2 * np.sin(x))


def test_flatten_serves_scipys_minimize():
    start = {"w": np.zeros((2, 1)), "deep": [np.zeros(()), None]}
    vector, unflatten = flatten(start)

    def J(v):
        p = unflatten(v)
        return np.sum((p["w"] - 3.0) ** 2) + (p["deep"][0] + 1) ** 2

    found = unflatten(optimize.minimize(value_and_grad(J), vector, jac=True).x)
    np.testing.assert_allclose(found["w"], [[3.0], [3.0]], atol=1e-5)
    np.testing.assert_allclose(found["deep"][0], -1.0, atol=1e-5)
    assert found["deep"][1] is None
    with pytest.raises(ValueError, match=r"expected shape \(3,\)"):
        unflatten(np.zeros(4))
    assert flatten({})[0].shape == (0,)


@pytest.mark.parametrize("argnums", [(0, 0), (0, -2), (1, 0, 1)])
@pytest.mark.parametrize("make", [grad, value_and_grad, jacobian, hessian])
def test_an_argument_named_twice_is_refused(make, argnums):
    with pytest.raises(ValueError, match="names an argument twice"):
        make(lambda x, y: x * y, argnums=argnums)(3.0, 2.0)


def test_a_checkpoint_keeps_to_numpys_values():
    x = np.array([0.3, 1.2, -0.4])

    def doubled(y):
        y *= 2
        return y

    with pytest.raises(ValueError, match="doubled writes to an array that is kept for the way back"):
        grad(lambda x: np.sum(checkpoint(doubled)(x * 1)))(x)
    with pytest.raises(ValueError, match="returns a view of its argument"):
        grad(lambda x: np.sum(checkpoint(lambda y: y[1:])(x * 1)))(x)

    def passed_on(x):  # what is returned as it came stays what it was: a write to it is seen
        y = x * 1
        same, tripled = checkpoint(lambda y: (y, 3 * y))(y)
        same *= 2
        return np.sum(y**2) + np.sum(tripled)

    np.testing.assert_allclose(grad(passed_on)(x), 8 * x + 3, rtol=1e-14)
    rate = np.ones(3)

    def changed(x):
        z = checkpoint(lambda y: y * rate)(x)
        rate[0] = 99.0
        return np.sum(z)

    with pytest.raises(ValueError, match="computes something else on the way back"):
        grad(changed)(x)


def test_nests_of_the_users_own_kinds():
    given = defaultdict(float, W=np.ones(2))
    gradient = grad(lambda p: np.sum(p["W"] ** 2) + p["b"])(given)
    assert type(gradient) is defaultdict
    np.testing.assert_array_equal(gradient["W"], [2, 2])

    @dataclass
    class Parameters:
        W: Any

    nest = Parameters(np.ones(2))
    with pytest.raises(TypeError, match="Write a Parameters as an array, or as a dict"):
        grad(lambda p: np.sum(p.W))(nest)
    with pytest.raises(TypeError, match="not a Parameters"):
        flatten(nest)


def test_jvp_without_its_tuples():
    with pytest.raises(TypeError, match=r"jvp\(f, \(x,\), \(v,\)\)"):
        jvp(np.sin, np.ones(2), np.ones(2))


def test_second_derivatives_of_piecewise_linear_choices():
    x, y = np.array([0.5, -1.0, 2.0]), np.array([1.0, -1.0, 1.0])
    for f in (
        lambda x: np.sum(np.maximum(0, 1 - y * x)),
        lambda x: np.sum(np.minimum(x, np.max(x))),
        lambda x: np.mean(np.clip(x, np.percentile(x, 10), np.percentile(x, 90))),
    ):
        np.testing.assert_array_equal(hessian(f)(x), np.zeros((3, 3)))
        np.testing.assert_array_equal(hvp(f)(x, x), np.zeros(3))


def test_a_checkpoint_of_complex_numbers():
    def products(z: Any, w: Any) -> Any:
        return z * w, np.fft.fft(z)

    def cost(f: Any) -> Any:
        def at(x: Any) -> Any:
            a, b = f(np.exp(1j * x), x)
            return np.real(np.sum(a * np.conj(b)))

        return at

    x = np.array([0.3, 0.5, -1.0])
    whole, remade = cost(products), cost(checkpoint(products))
    h = 1e-5
    steps = [(whole(x + h * e) - whole(x - h * e)) / (2 * h) for e in np.eye(3)]
    np.testing.assert_allclose(grad(remade)(x), steps, rtol=1e-8)
    np.testing.assert_allclose(hessian(remade)(x), hessian(whole)(x), rtol=1e-12)
    t = Tensor(x)
    remade(t).backward()
    np.testing.assert_allclose(t.grad, grad(whole)(x), rtol=1e-12)
    np.testing.assert_allclose(compiled(grad(remade))(x), grad(whole)(x), rtol=1e-12)


def cube(x):
    return x**3


def cube_vjp(g, y, x):
    return g * 3 * x**2


def cube_cost(x):
    return np.sum(x**3)


MADE = {
    **{
        make.__name__: make(cube_cost)
        for make in (grad, value_and_grad, hessian, jacobian, checkpoint, compiled)
    },
    "hvp": hvp(cube_cost, (0,)),
    "elementwise_grad": elementwise_grad(cube),
    "custom_rule": custom_rule(cube, cube_vjp, elementwise=True),
    "register_rule": register_rule(cube, cube_vjp),
    "one of another": compiled(jacobian(grad(checkpoint(cube_cost)))),
}


@checkpoint
def decorated(x):
    return x**2


class Layer:
    @checkpoint
    def square(self, x):
        return x**2


@pytest.mark.parametrize("name", MADE)
def test_what_is_made_of_functions_is_pickled_and_copied(name):
    f, x = MADE[name], np.array([1.0, 2.0])
    args = (x, (x,)) if name == "hvp" else (x,)
    assert f.__name__.startswith("cube")
    for again in (pickle.loads(pickle.dumps(f)), copy.deepcopy(f)):  # noqa: S301
        np.testing.assert_equal(again(*args), f(*args))
    if name.endswith("rule"):
        again = pickle.loads(pickle.dumps(f))  # noqa: S301
        np.testing.assert_array_equal(grad(lambda x: np.sum(again(x)))(x), 3 * x**2)
        assert repr(f) == f"<{name} of cube>"


def test_decorated_functions_and_methods():
    x = np.array([1.0, 2.0])
    assert pickle.loads(pickle.dumps(decorated)) is decorated  # noqa: S301
    np.testing.assert_array_equal(grad(lambda x: np.sum(Layer().square(x)))(x), 2 * x)
