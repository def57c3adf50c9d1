"""What a function did not take gives no gradient, whatever its derivative: at every order, compiled too."""

import warnings

import numpy as np
import pytest

from tinygrad_course import FreedGraphError, Tensor, compiled, grad, hessian, jvp, value_and_grad

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

# (where it is dead, f): the derivatives of f there are infinite or NaN, the first ones or the second
DEAD = [
    (0.0, np.sqrt),
    (-1.0, np.sqrt),
    (0.0, np.log),
    (-2.0, np.log),
    (0.0, lambda x: 1 / x),
    (0.0, lambda x: np.sin(x) / x),
    (0.0, lambda x: x**1.5),
    (0.0, lambda x: x**-2),
    (0.0, lambda x: x * np.log(x)),
    (1000.0, np.exp),
    (1000.0, lambda x: np.exp(x) - 1),
    (1000.0, lambda x: np.sinh(x) / np.cosh(x)),
    (1.0, np.arcsin),
    (2.0, np.arccos),
    (1.0, np.arctanh),
    (0.5, np.arccosh),
    (-1.0, np.log1p),
    (0.0, np.cbrt),
    (0.0, np.reciprocal),
    (0.0, lambda x: np.arctan2(x, 0.0 * x)),
    (0.0, lambda x: np.sqrt(x * 2.0 + 0.0)),
    (0.0, lambda x: np.sum(np.stack([np.sqrt(x), np.log(x + 1)]), axis=0)),
    (0.0, lambda x: np.reshape(np.sqrt(np.reshape(x, (-1, 1))), x.shape)),
    (0.0, lambda x: np.power(x, x - 0.5)),
    (0.0, lambda x: np.mean(np.broadcast_to(np.log(x), (3, *x.shape)), axis=0)),
]


def chosen(how, f, dead):
    """x**3 where x is dead, f(x) elsewhere."""

    def at(x):
        away = x != dead
        if how == "where":
            return np.where(away, f(x), x**3)
        if how == "where, turned":
            return np.where(~away, x**3, f(x))
        if how == "select":
            return np.select([away, x == dead], [f(x), x**3])
        if how == "twice":
            return np.where(away, np.where(away, f(x), 7.0), x**3)
        return np.where(away, f(x), 0.0) + np.where(away, 0.0, x**3)

    return at


HOW = ["where", "where, turned", "select", "twice", "sum"]


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("number", range(len(DEAD)))
def test_the_branch_not_taken_has_no_part_in_any_order(number, how):
    dead, f = DEAD[number]
    g = chosen(how, f, dead)
    x = np.array([dead, 0.7 if number != 15 else 1.7])

    def cost(x):
        return np.sum(g(x) * np.array([1.0, 2.0]))

    alone = np.array([x[1]])
    first, second = grad(cost)(x), hessian(cost)(x)
    np.testing.assert_allclose(first, [3 * dead**2, 2 * grad(lambda x: np.sum(f(x)))(alone)[0]], rtol=1e-12)
    own = 2 * hessian(lambda x: np.sum(f(x)))(alone)[0, 0]
    np.testing.assert_allclose(second, [[6 * dead, 0], [0, own]], rtol=1e-12)
    t = Tensor(x)
    J = cost(t)
    J.backward()
    np.testing.assert_array_equal(t.grad, first)
    assert np.isfinite(jvp(cost, (x,), (np.ones(2),))[1])


@pytest.mark.sampled(6)
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("number", range(len(DEAD)))
def test_the_compiled_program_is_the_same(number, how):
    dead, f = DEAD[number]
    g = chosen(how, f, dead)
    x = np.array([dead, 0.7 if number != 15 else 1.7])
    step = value_and_grad(lambda x: np.sum(g(x)))
    np.testing.assert_allclose(compiled(step)(x)[1], step(x)[1], rtol=1e-9)


def test_third_derivative():
    third = grad(grad(grad(lambda x: np.where(x > 0, x**2.5, x))))
    assert third(0.0) == 0.0
    np.testing.assert_allclose(third(4.0), 2.5 * 1.5 * 0.5 / 2)


def at(x, f):
    return grad(f)(np.array(x))


def test_other_functions_that_choose():
    x = np.array([0.0, 4.0])
    np.testing.assert_array_equal(at(x, lambda x: np.sum(np.maximum(np.log(x), 0.0))), [0, 0.25])
    np.testing.assert_array_equal(at(x, lambda x: np.sum(np.fmax(np.log(x), 0.0))), [0, 0.25])
    np.testing.assert_array_equal(at(x, lambda x: np.sum(np.clip(np.log(x), -5, 5))), [0, 0.25])
    np.testing.assert_array_equal(at(x, lambda x: np.sum(np.minimum(1 / x, 3.0))), [0, -1 / 16])
    np.testing.assert_array_equal(at([-1.0, 4.0], lambda x: np.sum(np.sqrt(np.maximum(x, 0)))), [0, 0.25])
    np.testing.assert_array_equal(at(x, lambda x: np.sqrt(x)[1]), [0, 0.25])
    np.testing.assert_array_equal(at(x, lambda x: np.max(np.sqrt(x))), [0, 0.25])
    np.testing.assert_array_equal(at(x, lambda x: np.sum(np.log(x), where=x > 0)), [0, 0.25])
    np.testing.assert_array_equal(at(x, lambda x: np.prod(np.log(x), where=x > 0)), [0, 0.25])
    np.testing.assert_array_equal(at(x, lambda x: np.sort(np.sqrt(x))[-1]), [0, 0.25])
    np.testing.assert_array_equal(at(x, lambda x: np.sum(np.nan_to_num(np.log(x)))), [0, 0.25])
    np.testing.assert_array_equal(at(x, lambda x: np.sum(np.take(np.sqrt(x), [1, 1]))), [0, 0.5])
    np.testing.assert_array_equal(
        at(x, lambda x: np.sum(np.piecewise(x, [x > 0], [np.sqrt, lambda v: 2 * v]))), [2, 0.25]
    )
    np.testing.assert_array_equal(at(x, lambda x: np.sum(np.choose((x > 0) * 1, [x, np.sqrt(x)]))), [1, 0.25])
    np.testing.assert_array_equal(at(x, lambda x: np.sum(np.choose([0, 1], [x, np.sqrt(x)]))), [1, 0.25])
    np.testing.assert_array_equal(
        at([0.0, 4.0], lambda x: np.nansum(np.where(x > 0, np.log(x), np.nan))), [0, 0.25]
    )


def test_a_mask_goes_through_what_lies_between():
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    rows = np.array([True, False])
    w = np.array([1.0, 2.0])
    expected = [[0.5 / np.sqrt(3), 0.5], [0, 0]]
    for reduced in (
        lambda s: np.dot(s, w),
        lambda s: s @ w,
        lambda s: np.sum(s * w, axis=1),
        lambda s: np.einsum("ij,j->i", s, w),
        lambda s: np.dot(s, w[:, None])[:, 0],
        lambda s: np.transpose(s)[0] + 2 * s.T[1],
    ):
        g = grad(lambda x, f=reduced: np.sum(np.where(rows, f(np.sqrt(x)), 0.0)))(x)
        np.testing.assert_allclose(g, expected, rtol=1e-12)
    for reduced in (np.prod, np.std, np.var, np.linalg.norm, np.max, np.cumsum, np.cumprod):
        g = grad(lambda x, f=reduced: np.sum(np.where(rows, f(np.sqrt(x), axis=1).T, 0.0)))(x)
        own = grad(lambda x, f=reduced: np.sum(f(np.sqrt(x), axis=1).T[..., :1]))(x[:1])
        assert np.isfinite(g).all()
        if reduced not in (np.cumsum, np.cumprod):
            np.testing.assert_allclose(g, np.vstack([own, [[0, 0]]]), rtol=1e-12)


ROOT = [
    lambda x: np.sum(np.sqrt(x)[1:] ** 3),
    lambda x: np.sum(np.sqrt(x)[x > 0] ** 3),
    lambda x: np.sum(np.take(x**1.5, [1, 2])),
    lambda x: np.sqrt(x)[2] * np.sqrt(x)[1],
    lambda x: np.max(np.sqrt(x)) ** 2 + np.median(np.sqrt(x)),
    lambda x: np.min(1 / x),
    lambda x: np.sum(np.max(np.sqrt(x) * np.ones((2, 1)), axis=1) ** 2),
    lambda x: np.sum(np.maximum(np.sqrt(x), 0.5)) + np.sum(np.fmax(np.log(x), -1)),
    lambda x: np.sum(np.clip(np.log(x), -2, 9)),
    lambda x: np.sum(np.sort(np.sqrt(x))[1:] ** 3),
    lambda x: np.sum(np.sqrt(x), where=x > 0),
    lambda x: np.prod(np.sqrt(x)[1:]),
    lambda x: np.sum((x * np.log(x))[1:]),
    lambda x: np.sum((np.sqrt(x)[1:] @ np.array([[1.0, 2.0], [3.0, 4.0]])) ** 3),
    lambda x: np.sum(np.diagonal(np.sqrt(np.diag(x)))[1:]),
    lambda x: np.sum(np.triu(np.sqrt(np.stack([x, x, x])), 1) ** 3),
    lambda x: np.sum(np.tril(np.sqrt(np.stack([x[::-1], x[::-1], x[::-1]])), -1) ** 3),
    lambda x: np.trace(np.sqrt(np.stack([x[::-1], x, x]))) ** 2,
    lambda x: np.sum(np.diagonal(np.sqrt(np.stack([x[::-1], x, x])), 1) ** 3),
    lambda x: np.einsum("ii", np.sqrt(np.stack([x[1:], x[:2]]))) ** 3,
    lambda x: np.sum(np.einsum("ii,i->i", np.sqrt(np.stack([x[1:], x[:2]])), x[1:])),
    lambda x: np.split(np.sqrt(x), [1])[1] @ np.array([1.0, 2.0]),
    lambda x: np.prod(np.stack(np.array_split(np.sqrt(x), 3)[1:])),
    lambda x: np.hsplit(np.sqrt(x), 3)[2] @ np.sqrt(x)[1:2],
    lambda x: np.sum(np.fft.fft(np.sqrt(x[::-1]), 2).real ** 2),
    lambda x: np.sum(np.abs(np.fft.rfft(np.sqrt(x[::-1]), n=2)) ** 2),
    lambda x: np.sum(np.fft.irfft(np.sqrt(x[::-1]), n=2) ** 3),
    lambda x: np.sum(np.convolve(np.sqrt(x), [1.0, 2.0], "valid")[1:] ** 3),
    lambda x: np.sum(np.correlate(np.sqrt(x), [1.0, 2.0], "valid")[1:] ** 3),
    lambda x: np.sum(np.add.reduceat(np.sqrt(x), [1, 2]) ** 3),
    lambda x: np.sum(np.where(x > 0, np.modf(np.sqrt(x) + 0.5)[0] ** 3, 0)),
    lambda x: np.sum(np.where(x > 0, np.divmod(np.sqrt(x), 0.3)[1] ** 3, 0)),
]


@pytest.mark.parametrize("f", ROOT)
def test_an_entry_that_was_not_taken_has_no_second_derivative(f):
    """At 0 the first derivative of the square root is infinite, and nothing comes from there."""
    H = hessian(f)(np.array([0.0, 1.0, 4.0]))
    right = hessian(lambda y: f(np.concatenate([[0.25], y])))(np.array([1.0, 4.0]))  # away from the edge
    np.testing.assert_allclose(H[1:, 1:], right, rtol=1e-12)
    away = hessian(f)(np.array([0.25, 1.0, 4.0]))
    np.testing.assert_array_equal(H[0], away[0] * 0)
    np.testing.assert_array_equal(H[:, 0], H[0])


def test_distances_of_bodies():
    """Those of a body to itself are 0, where the square root has no derivative."""
    x = np.array([[0.3, 1.0], [-1.0, 0.5], [2.0, -0.25]])

    def potential(x):
        d = x[:, None] - x
        r = np.sqrt(np.sum(d**2, axis=-1))
        r[r > 0] = 1 / r[r > 0]
        return np.sum(np.triu(r, 1))

    def by_pairs(x):
        return sum(1 / np.linalg.norm(x[i] - x[j]) for i in range(3) for j in range(i))

    np.testing.assert_allclose(grad(potential)(x), grad(by_pairs)(x), rtol=1e-12)
    np.testing.assert_allclose(hessian(potential)(x), hessian(by_pairs)(x), rtol=1e-12, atol=1e-12)


def test_segments_of_extremes_that_a_mask_comes_to():
    x = np.array([0.0, 1.0, 4.0, 9.0])
    g = grad(lambda x: np.maximum.reduceat(np.sqrt(x), [1, 2])[0])(x)
    np.testing.assert_array_equal(g[1:], [0.5, 0, 0])


def test_missing_data_left_out_of_the_cost():
    X = np.array([[1.0, np.nan, 2.0], [3.0, 4.0, np.inf]])
    Y = np.array([[1.0, np.nan, 2.0]])
    known = np.isfinite(X).all(axis=0, keepdims=True)
    w = np.array([[0.5], [0.25]])

    def cost(w, X, Y):
        return np.sum(np.where(known[:, : X.shape[1]], (np.dot(w.T, X) - Y) ** 2, 0.0))

    np.testing.assert_allclose(grad(cost)(w, X, Y), grad(cost)(w, X[:, :1], Y[:, :1]), rtol=1e-12)


def test_the_number_0_is_not_taken_for_no_gradient():
    assert grad(lambda x: np.sqrt(x) ** 2)(0.0) == 1.0
    assert np.isnan(grad(lambda x: np.cbrt(x) ** 3)(0.0))  # the limit is 1
    assert np.isnan(grad(lambda x: np.sqrt(x**2))(0.0))
    assert np.isinf(grad(lambda x: np.where(x >= 0, np.sqrt(x), 0.0))(0.0))
    assert np.isnan(hessian(lambda x: np.where(x >= 0, np.cbrt(x) ** 3, 0.0))(0.0))


def test_broadcast_conditions_and_dtypes():
    x = np.array([[0.0], [4.0]], dtype=np.float32)
    g = grad(lambda x: np.sum(np.where(np.array([[True, False]]) & (x > 0), np.sqrt(x), 1.0)))(x)
    assert g.dtype == np.float32
    np.testing.assert_array_equal(g, [[0], [0.25]])
    for condition in (True, False, np.True_, 1, 0, [1, 0]):
        f = lambda x, c=condition: np.sum(np.where(c, np.exp(x), 1 / x))  # noqa: E731
        expected = np.where(condition, np.exp(2.0), -0.25)
        np.testing.assert_allclose(np.sum(grad(f)(np.float64(2.0))), np.sum(expected))


def test_two_uses_of_one_value_are_live_where_either_is():
    def f(x):
        r = np.sqrt(x)
        first, second = np.array([True, False, False]), np.array([False, True, False])
        return np.sum(np.where(first, r, 0.0)) + np.sum(np.where(second, 3 * r, 0.0))

    np.testing.assert_array_equal(grad(f)(np.array([4.0, 4.0, 0.0])), [0.25, 0.75, 0.0])
    np.testing.assert_array_equal(grad(lambda x: f(x) + np.sum(np.sqrt(x)))(np.ones(3)), [1.0, 2.0, 0.5])


def test_debug_looks_at_the_live_entries_alone():
    from tinygrad_course import debug

    with debug():
        assert grad(lambda x: np.where(x >= 0, np.sqrt(np.abs(x)) + 1, 2 * x))(4.0) == 0.25
        x = np.array([0.0, 4.0])
        np.testing.assert_array_equal(grad(lambda x: np.sum(np.where(x > 0, np.sqrt(x), x)))(x), [1, 0.25])


def test_no_warning_for_what_nobody_takes():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = np.array([0.0, 4.0])
        grad(lambda x: np.sum(np.where(x > 0, np.sqrt(x), x)))(x)


def test_debug_lets_the_infinity_of_a_mask_be():
    from tinygrad_course import debug

    x, mask = np.array([0.5, 2.0, 1.0]), np.array([True, True, False])

    def softmax(x, scores):
        e = np.exp(scores(x) - np.max(scores(x)))
        return np.sum((e / np.sum(e)) ** 2)

    for scores in (lambda x: np.where(mask, x, -np.inf), lambda x: x + np.where(mask, 0.0, -np.inf)):
        with debug():
            found = grad(softmax)(x, scores)
        np.testing.assert_array_equal(found, grad(softmax)(x, scores))


@pytest.mark.parametrize("n", [3, 20_000])  # (the larger arrays are let go of on the way)
def test_a_sweep_that_goes_back_leaves_the_gradients_of_the_way_that_it_took(n):
    x = np.full(n, 4.0)
    x[0] = 0.0

    def cost(x, on_the_way):
        h = x * 1.0
        root = np.sqrt(h)
        chosen = np.where(h > 0, root, 2.0 * h)
        top = np.maximum(0, chosen - 1.0)
        on_the_way += [h, root, chosen, top]
        return np.sum(top)

    expected = [np.where(x > 0, slope, 0.0) for slope in (0.25, 1.0, 1.0)] + [np.ones(n)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(grad(lambda x: cost(x, []))(x), expected[0])
        t, tensors = Tensor(x), []
        J = cost(t, tensors)
        for times in (1, 2):
            J.backward(retain_graph=times == 1)
            np.testing.assert_array_equal(t.grad, times * expected[0])
            for tensor, g in zip(tensors, expected, strict=True):
                np.testing.assert_array_equal(tensor.grad, times * g)
        with pytest.raises(FreedGraphError):
            tensors[1].backward(np.ones(n))


def test_a_small_choice_before_large_arrays():
    stream = np.random.RandomState(0)
    W, X, v = stream.randn(400, 100) * 0.01, stream.randn(100, 300), 2.0

    def cost(W, v):
        A = np.tanh(np.dot(W, X))
        z = np.dot(np.ones((3, 400)) / 400, A)
        root = np.sqrt(np.where(z > 0, z, 0.0))
        return np.sum(np.where(z > 0, np.maximum(0, root * v), 1.0))

    dW, dv = grad(cost, (0, 1))(W, v)
    tW, tv = Tensor(W), Tensor(v)
    cost(tW, tv).backward()
    np.testing.assert_array_equal(tW.grad, dW)
    np.testing.assert_array_equal(tv.grad, dv)
    assert np.all(np.isfinite(dW))
    assert np.all(dW)
    assert dv > 0


WITHOUT_A_PART = {
    "repeat": lambda x: np.sum(np.repeat(np.sqrt(x), [0, 1, 2])),
    "segments": lambda x: np.sum(np.maximum.reduceat(np.sqrt(x), [0, 2])),
    "a segment": lambda x: np.maximum.reduceat(np.sqrt(x), [0, 2])[1],
    "running maximum": lambda x: np.maximum.accumulate(np.sqrt(x))[2],
    "convolution": lambda x: np.convolve(np.sqrt(x), [1.0, 2.0], "valid")[1],
    "interpolation": lambda x: np.interp(2.5, [1.0, 2.0, 3.0], np.sqrt(x)),
}


@pytest.mark.parametrize("name", WITHOUT_A_PART)
def test_what_takes_no_part_though_its_slope_is_infinite(name):
    f, x, e = WITHOUT_A_PART[name], np.array([0.0, 2.0, 3.0]), 1e-6 * np.eye(3)
    expected = [0.0] + [(f(x + e[i]) - f(x - e[i])) / 2e-6 for i in (1, 2)]
    for slope in (grad(f), compiled(grad(f))):
        np.testing.assert_allclose(slope(x), expected, atol=1e-8)
