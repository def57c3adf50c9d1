"""The Tensor: what it holds, how it is spelled, what it refuses."""

import copy
import pickle

import numpy as np
import pytest
import scipy.special

from tinygrad_course import FreedGraphError, Tensor, debug, grad


def test_the_courses_example():
    a, b, c = Tensor(5.0, name="a"), Tensor(3.0, name="b"), Tensor(2.0, name="c")
    J = 3 * (a + b * c)
    assert repr(J) == "Tensor(33.0)"
    J.backward()
    assert (a.grad, b.grad, c.grad) == (3.0, 6.0, 9.0)


@pytest.mark.parametrize(
    ("given", "dtype"),
    [(5, "f8"), (True, "f8"), ([1, 2], "f8"), (np.arange(3, dtype=np.uint8), "f8"), (np.float32(2), "f4")]
    + [(np.ones(2, t), t) for t in ("f2", "f4", "f8")],
)
def test_the_dtype_it_takes(given, dtype):
    t = Tensor(given)
    assert t.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(t.data, given)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (1j, "complex"),
        (np.ones(2, complex), "complex"),
        (np.array([None]), "objects"),
        (["a"], "text"),
        ([[1, 2], [3]], "differ in length"),
    ],
)
def test_what_it_refuses(given, says):
    with pytest.raises((TypeError, ValueError), match=says):
        Tensor(given)


def test_a_tensor_or_a_list_of_them_is_not_data():
    with pytest.raises(TypeError, match="Tensor already"):
        Tensor(Tensor(1.0))
    with pytest.raises(TypeError, match=r"np\.stack"):
        Tensor([Tensor(1.0), Tensor(2.0)])


def test_what_an_array_has():
    t = Tensor(np.arange(6.0).reshape(2, 3), name="t")
    assert (t.shape, t.ndim, t.size, t.dtype, len(t), t.name) == ((2, 3), 2, 6, np.float64, 2, "t")
    assert t.T.shape == (3, 2)
    assert [row.shape for row in t] == [(3,), (3,)]
    assert repr(t) == "Tensor([[0., 1., 2.],\n        [3., 4., 5.]], name='t')"
    assert "float32" in repr(Tensor(np.ones(2, "f4")))
    assert float(Tensor([[2.5]])) == 2.5
    assert f"{Tensor(2.0):.3f}" == "2.000"
    assert bool(Tensor(1.0))
    assert not bool(Tensor(0.0))
    assert Tensor(1.0).named("x").name == "x"
    with pytest.raises(ValueError, match="ambiguous"):
        bool(t)
    with pytest.raises(TypeError, match="scalar"):
        len(Tensor(1.0))
    with pytest.raises(ValueError, match="one entry"):
        float(t)
    with pytest.raises(TypeError, match="name is text"):
        t.name = 3


def test_the_methods_are_numpys_functions():
    x = np.random.default_rng(0).uniform(0.5, 2, (2, 3))
    calls = {
        "sum": {"axis": 0}, "mean": {"axis": 1, "keepdims": True}, "max": {}, "min": {"axis": 0},
        "var": {"ddof": 1}, "std": {"axis": 1}, "prod": {}, "cumsum": {"axis": 1}, "trace": {},
        "squeeze": {}, "ravel": {}, "flatten": {}, "transpose": {}, "argmax": {}, "round": {}, "copy": {},
    }  # fmt: skip
    for name, kwargs in calls.items():
        ours = getattr(Tensor(x), name)(**kwargs)
        theirs = getattr(x, name)(**kwargs)
        np.testing.assert_array_equal(ours.data if isinstance(ours, Tensor) else ours, theirs, name)
    t = Tensor(x)
    assert t.reshape(3, 2).shape == t.reshape((3, 2)).shape == (3, 2)
    assert t.reshape(-1).shape == (6,)
    assert t.transpose(1, 0).shape == t.transpose((1, 0)).shape == (3, 2)
    assert t.dot(x.T).shape == (2, 2)
    np.testing.assert_array_equal(t.clip(0.6, 1).data, x.clip(0.6, 1))
    np.testing.assert_array_equal(t.swapaxes(0, 1).data, x.T)
    assert t.astype(np.float32).dtype == np.float32
    assert t.tolist() == x.tolist()
    wild = np.array([-2.7, -0.5, 0.0, 0.5, 2.7])
    for dtype in (int, np.int8, np.uint8, bool):  # as np.trunc and a comparison: no derivative
        plain = (wild if dtype is not np.uint8 else np.abs(wild)).astype(dtype)
        own = Tensor(wild if dtype is not np.uint8 else np.abs(wild)).astype(dtype)
        assert type(own) is np.ndarray
        assert own.dtype == plain.dtype
        np.testing.assert_array_equal(own, plain)
    with pytest.raises(TypeError, match="floating"):
        t.astype(str)


def test_operators_and_their_reflections():
    x, y = np.array([1.5, -2.0]), np.array([0.5, 3.0])
    t, u = Tensor(x), Tensor(y)
    for op in ("+", "-", "*", "/", "%", "**"):
        for left, right, plain in (
            ("t", "u", "x op y"), ("t", "y", "x op y"), ("x", "u", "x op y"), ("t", "2", "x op 2"),
            ("2", "u", "2 op y"), ("t", "2.5", "x op 2.5"),
        ):  # fmt: skip
            names = {"t": t, "u": u, "x": x, "y": y}
            with np.errstate(invalid="ignore"):
                ours = eval(f"{left} {op} {right}", names)  # noqa: S307  (of this table)
                np.testing.assert_array_equal(ours.data, eval(plain.replace("op", op), names))  # noqa: S307
    assert ((-t).data == -x).all()
    assert ((+t).data == x).all()
    assert (abs(t).data == abs(x)).all()
    assert (t @ u).data == x @ y == (x @ u).data
    assert type(t // 2) is np.ndarray
    _whole, rest = divmod(t, 2.0)
    np.testing.assert_array_equal(rest.data, x % 2)


def test_comparisons_give_plain_arrays_and_identity_is_the_hash():
    t = Tensor([1.0, 2.0])
    for result in (
        t > 1,
        t >= 1,
        t < 1,
        t <= 1,
        t == 1,
        t != 1,
        np.sign(t),
        np.round(t),
        np.isnan(t),
        np.floor(t),
    ):
        assert type(result) is np.ndarray
    assert np.argmax(t) == 1
    assert len({t, t, Tensor([1.0, 2.0])}) == 2
    assert np.shape(t) == (2,)
    assert np.ones_like(t).tolist() == [1, 1]


def test_it_is_not_an_array_and_says_what_to_do():
    t = Tensor([1.0, 2.0], name="W1")
    with pytest.raises(TypeError, match=r"stop_gradient"):
        np.asarray(t)
    with pytest.raises(TypeError, match=r"np\.stack"):
        np.array([t, t])
    with pytest.raises(TypeError, match="functions"):
        scipy.special.logsumexp(t)
    with pytest.raises(TypeError, match="stop_gradient"):
        pickle.dumps(t * 2)
    again = pickle.loads(pickle.dumps(t))  # noqa: S301
    assert again.name == "W1"
    np.testing.assert_array_equal(again.data, t.data)


def test_copies():
    t = Tensor([1.0, 2.0], name="t")
    deep = copy.deepcopy(t)
    assert deep.data is not t.data
    assert deep.name == "t"
    np.sum(copy.copy(t) * 3).backward()
    np.testing.assert_array_equal(t.grad, [3, 3])


def test_unknown_functions_say_how_to_teach_them():
    def unheard_of(x):
        return x

    class Stranger:
        def __array_function__(self, *args):
            return NotImplemented

    t = Tensor([1.0, 2.0])
    with pytest.raises(TypeError, match="register_rule"):
        t.__array_function__(unheard_of, (Tensor,), (t,), {})
    with pytest.raises(TypeError, match="out="):
        np.add(t, 1.0, out=np.zeros(2))
    with pytest.raises(TypeError, match="where"):
        np.add(t, 1.0, where=np.array([True, False]))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda: Tensor(np.ones((4, 3)), name="W1") @ np.ones((2, 400)),
            "W1 needs 2 columns, one for each feature",
        ),
        (lambda: np.dot(Tensor(np.ones((4, 3)), name="W1"), np.ones((2, 400))), r"W1 is \(4, 3\)"),
        (lambda: np.dot(Tensor(np.ones((3, 4)), name="A"), np.ones((3, 2))), r"A\.T @"),
        (lambda: np.dot(Tensor(np.ones(3), name="v"), np.ones((2, 2))), r"the inner sizes 3 and 2 differ\n"),
        (lambda: Tensor(np.ones(3), name="v") @ np.ones((2, 3)), r"v @ \(2, 3\)\.T would fit"),
        (lambda: np.dot(Tensor(np.ones((4, 3)), name="W1"), np.ones(2)), "W1 needs 2 columns"),
        (lambda: Tensor(np.ones((4, 5)), name="Z1") + np.ones(4), r"reshape\(4, 1\)"),
        (lambda: Tensor(np.ones((1, 5)), name="A2") - np.ones((5, 2)), "equal or 1|transpose"),
        (lambda: Tensor(np.ones((2, 3)), name="A") * Tensor(np.ones((3, 2)), name="B"), r"B\.T"),
        (lambda: Tensor(np.ones(3), name="v")[7], "v"),
        (lambda: np.concatenate([Tensor(np.ones((2, 2))), np.ones((3, 3))], axis=1), r"\(2, 2\).*\(3, 3\)"),
        (lambda: np.reshape(Tensor(np.ones(6), name="x"), (4, 2)), "x is"),
    ],
)
def test_errors_name_tensors_shapes_and_the_usual_mistake(make, says):
    with pytest.raises((ValueError, IndexError), match=says) as caught:
        make()
    assert "test_tensor.py" in str(caught.value)  # and the line


def test_errors_find_the_users_own_names():
    W1, X = Tensor(np.ones((4, 3))), np.ones((2, 400))
    with pytest.raises(ValueError, match=r"W1 @ X: W1 is \(4, 3\) and X is \(2, 400\)"):
        np.dot(W1, X)


def test_backward_from_an_array():
    Z = Tensor([1.0, 2.0], name="Z") * 2
    with pytest.raises(ValueError, match="scalar"):
        Z.backward()
    with pytest.raises(ValueError, match="must be equal"):
        Z.backward(np.ones(3))
    Z.backward(np.array([1.0, 10.0]), retain_graph=True)


def test_backward_twice():
    w = Tensor(2.0)
    J = w * w
    J.backward(retain_graph=True)
    J.backward()
    assert w.grad == 8
    with pytest.raises(FreedGraphError, match="retain_graph"):
        J.backward()
    K = J * 2  # a graph on top of a freed one
    with pytest.raises(FreedGraphError):
        K.backward()
    assert w.grad == 8  # nothing was added by what failed


def test_grad_can_be_set_and_reset():
    w = Tensor([1.0, 2.0])
    w.grad = [1, 1]
    np.sum(w * 3).backward()
    np.testing.assert_array_equal(w.grad, [4, 4])
    w.grad = None
    with pytest.raises(ValueError, match="doesn't fit"):
        w.grad = np.ones(3)


def test_intermediate_results_keep_their_gradient():
    x = Tensor([1.0, 2.0])
    Z = x * 3
    np.sum(Z * Z).backward()
    np.testing.assert_array_equal(Z.grad, 2 * Z.data)


def test_debug_names_the_operation_and_the_line():
    A = Tensor([0.5, 1.0], name="A")
    with (
        np.errstate(divide="ignore"),
        pytest.raises(FloatingPointError, match="log made -inf") as caught,
        debug(),
    ):
        np.sum(np.log(1 - A))  # the line
    assert "# the line" in str(caught.value)
    assert "test_tensor.py" in str(caught.value)
    x = Tensor([0.0], name="x")
    with (
        np.errstate(divide="ignore"),
        pytest.raises(FloatingPointError, match="derivative of sqrt made inf"),
        debug(),
    ):
        np.sum(np.sqrt(x)).backward()


def test_setting_items_records_a_new_value():
    def f(x):
        before = np.sum(x**2)
        x[1] = 5 * x[2]
        x[0] = 0.0
        return before + np.sum(x)

    np.testing.assert_array_equal(grad(f)(np.array([1.0, 2.0, 3.0])), [2, 4, 12])
    Z = Tensor(np.ones((2, 2)), name="Z") * 1.0
    used = np.sum(Z * 10)
    Z[0] = np.array([7.0, 8.0])
    np.testing.assert_array_equal(Z.data, [[7, 8], [1, 1]])
    assert used.item() == 40
    used.backward()


def test_setting_items_of_a_leaf_changes_its_data():
    w = Tensor([1.0, 2.0])
    w[0] = 5.0
    w *= 2
    np.sum(w * w).backward()
    np.testing.assert_array_equal(w.data, [10, 4])
    np.testing.assert_array_equal(w.grad, [20, 8])
    w -= 0.1 * w.grad
    np.testing.assert_allclose(w.data, [8, 3.2])
    with pytest.raises(ValueError, match="in place"):
        w += np.ones((2, 2))


def test_the_operation_is_all_that_a_reader_needs():
    W, X = Tensor(np.ones((2, 3)), name="W"), np.ones((3, 4))
    assert W.operation is None
    Z = np.dot(W, X)
    A = np.concatenate([Z, Z * 2], axis=1)
    J = np.sum(A, axis=None)
    joined = A.operation
    assert joined.function is np.concatenate
    assert joined.name == "concatenate"
    assert joined.kwargs in ({"axis": 1}, {})
    assert joined.args[0][0] is Z
    np.testing.assert_array_equal(joined.values[0][1], 2 * Z.data)
    assert W.operation is None
    assert Z.operation.args[0] is W
    assert Z.operation.number < A.operation.number < J.operation.number
    assert J.operation.value == 72
    J.backward()
    assert J.operation.gradient == 1
    assert Z.operation.name == "dot"


def test_the_operation_of_a_freed_graph_has_no_large_values():
    W = Tensor(np.ones((100, 200)))
    J = np.sum(np.tanh(W * 2) * 3)
    times = J.operation.args[0]
    tanh = times.operation.args[0]
    J.backward()
    assert times.operation.values[0] is None
    assert tanh.operation.value is not None  # somebody still holds it
