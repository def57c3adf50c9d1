"""Writes to Tensors: aliases and views see them as with arrays; value and gradient are the program's."""

import copy
import gc
import operator
import random

import numpy as np
import pytest

from tinygrad_course import Tensor, array, compiled, grad, graph, hessian, value_and_grad, zeros, zeros_like

M = np.arange(1.0, 7.0).reshape(2, 3)


def differences(f, x, h=1e-6):
    g = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[i] = h
        g[i] = (f(x + e) - f(x - e)) / (2 * h)
    return g


def row(x):
    y = x * 1.0
    r = y[0]
    r[0] = 100.0
    return np.sum(y**2)


def rows(x):
    y = x * 1.0
    for r in y:
        r /= np.sum(r)
    return np.sum(y**2 * np.arange(3))


def transposed(x):
    y = x * 1.0
    y.T[0, 1] = 5.0
    return np.sum(y**2)


def raveled(x):
    y = x * 1.0
    flat = y.ravel()
    flat[flat < 0.5] = 0
    return np.sum(y**2)


def augmented(x):
    y = x * 1.0
    a, b = y[0], y[1]
    a -= b
    return np.sum(y**2)


def alias(x):
    a = x * 1.0
    b = a
    b += 1
    b *= x
    return np.sum(a**2)


def earlier_view(x):
    y = np.sin(x)
    r, t = y[1], y.T
    y[1] = y[0] * 3
    y *= 2
    return np.sum(r**2) + np.sum(t[0] ** 3)


def view_of_view(x):
    y = x * 1.0
    v = y.T[1:][::-1].reshape(2, 2)[0]
    v[...] = v * v
    return np.sum(y * np.arange(6).reshape(2, 3))


def split_parts(x):
    y = x * 1.0
    left, right = np.split(y, [1], axis=1)
    left += right[:, :1]
    right[...] = right * left
    return np.sum(y**2)


def through_a_helper(x):
    def halve(h):
        h *= 0.5

    y = np.tanh(x)
    halve(y)
    halve(y[0])
    return np.sum(y)


def out(x):
    y = x * 1.0
    np.multiply(y, x, out=y)
    np.add(y[0], 1.0, out=y[1])
    np.sum(y, axis=0, out=y[0])
    return np.sum(y**2)


def writers(x):
    y = x * 1.0
    np.copyto(y[0], y[1] * 2)
    np.fill_diagonal(y, y[0, 2])
    np.put_along_axis(y, np.array([[0], [1]]), x[:, 2:] ** 2, axis=1)
    np.add.at(y, (0, [0, 0, 1]), x[1])
    np.multiply.at(y, (1, [1, 1]), x[0, :2])
    np.put(y, [5, 0], x[1, :2])
    np.putmask(y, y > 30, x)
    np.place(y, y > 20, x[0] ** 2)
    return np.sum(y * np.arange(1.0, 7.0).reshape(2, 3))


def methods(x):
    y = x * 1.0
    y[0].fill(x[1, 1])
    y[1].sort()
    y.flat[::2] = y.flat[1] * 2
    z = x * y
    z.flat = x[0]
    return np.sum(y**2) + np.sum(y * z)


def input_itself(x):
    x[0] *= 2
    x += x[::-1]
    return np.sum(x**3)


def swapped(x):
    y = x * 1.0
    y[0], y[1] = y[1], y[0]
    return np.sum(y * np.arange(6).reshape(2, 3))


def single_precision(x):
    y = (x * 1.0).astype(np.float32)
    y += x
    return np.sum(y)


PROGRAMS = [
    row, rows, transposed, raveled, augmented, alias, earlier_view, view_of_view, split_parts,
    through_a_helper, out, writers, methods, input_itself, swapped,
]  # fmt: skip


@pytest.mark.parametrize("f", PROGRAMS)
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_program_of_writes(f, order):
    x = np.array(M / 3, order=order)
    J, g = value_and_grad(f)(x)
    assert f(x.copy("K")) == J
    np.testing.assert_allclose(g, differences(lambda x: f(np.array(x, order=order)), x), rtol=1e-5, atol=1e-8)


def test_the_dtype_of_what_is_written_to_stays():
    J, g = value_and_grad(single_precision)(M)
    assert single_precision(M) == J
    assert J.dtype == np.float32
    np.testing.assert_array_equal(g, np.full(M.shape, 2.0))


def test_second_order_through_writes():
    def f(x):
        y = x * x
        y[0] *= y[1]
        r = y[2:]
        r[...] = np.sin(r)
        return np.sum(y)

    x = np.array([0.5, 1.5, 0.7])
    np.testing.assert_allclose(
        hessian(f)(x), np.stack([differences(lambda x, i=i: grad(f)(x)[i], x) for i in range(3)]), atol=1e-7
    )


def test_the_courses_own_assignments():
    Z, dA = np.array([[1.0, -2.0], [0.0, 3.0]]), Tensor(np.ones((2, 2)))
    dZ = dA * 1.0
    dZ[Z <= 0] = 0
    np.sum(dZ).backward()
    np.testing.assert_array_equal(dA.grad, Z > 0)
    W = Tensor([1.0, 2.0])
    held = W
    W -= 0.5 * np.ones(2)
    assert held is W
    assert W.operation is None
    np.testing.assert_array_equal(W.data, [0.5, 1.5])


def test_a_view_of_a_leaf_sees_its_update():
    W = Tensor([[1.0, 2.0], [3.0, 4.0]])
    first = W[0]
    W -= 1.0
    np.testing.assert_array_equal(first.data, [0, 1])
    first += 5.0
    np.testing.assert_array_equal(W.data, [[5, 6], [2, 3]])
    W.data[0, 1] = 9.0
    np.testing.assert_array_equal(first.data, [5, 9])
    np.sum(first**2).backward()
    np.testing.assert_array_equal(W.grad, [[10, 18], [0, 0]])


@pytest.mark.parametrize(
    ("view", "function"),
    [
        (np.diagonal, "diagonal"),
        (lambda y: np.broadcast_to(y, (2, 2, 2)), "broadcast_to"),
        (lambda y: np.lib.stride_tricks.sliding_window_view(y, 2, axis=0), "sliding_window_view"),
    ],
)
def test_what_numpy_makes_read_only(view, function):
    y = Tensor(np.eye(2)) * 2
    shown = view(y)
    with pytest.raises(ValueError, match=f"read-only.*{function}"):
        shown[...] = 1
    y[...] = 7
    assert np.all(shown.data == 7)


@pytest.mark.parametrize("part", [np.real, np.imag, lambda z: z.real[1:], lambda z: z.T.imag])
def test_a_part_of_complex_numbers_sees_writes(part):
    def f(x):
        z = np.array([1.0, 2j]) * x
        p = part(z)
        z[1:] = (1 + 1j) * x[0]
        return np.sum(p * np.arange(1.0, 1 + p.size))

    x = np.array([0.5, 2.0])
    J, g = value_and_grad(f)(x)
    assert f(x) == J
    np.testing.assert_allclose(g, [f(np.array([1.0, 0.0])), f(np.array([0.0, 1.0]))], rtol=1e-14)  # linear


def part_set(x, z):
    z.real[...] = 0.5
    z.imag[1:] = x[:-1]


def part_in_place(x, z):
    z.real -= x**2
    held = z.imag
    held *= z.real


def part_of_a_view(x, z):
    z.T.imag[1] = x[0]
    z[::-1].real[0] *= 3
    z.imag[[0, 0]] += 1.0


def part_by_name(x, z):
    z.real = x**2
    z.imag = 0.5
    np.add(z.imag, x, out=z.imag)
    z.real.sort()


@pytest.mark.parametrize("change", [part_set, part_in_place, part_of_a_view, part_by_name])
@pytest.mark.parametrize("turned", [False, True])
def test_a_part_of_complex_numbers_is_written_to(change, turned):
    def f(x):
        z = np.array([[1 + 2j], [0.5 - 1j]]) * x
        z = z.T if turned else z
        change(x, z)
        return np.sum(np.abs(z + 0.3) ** 2 * np.arange(1.0, 5).reshape(z.shape)) + np.sum(z.imag**3)

    x = np.array([[0.5, 2.0], [-1.5, 0.75]])
    J, g = value_and_grad(f)(x)
    assert abs(J - f(x)) < 1e-12
    steps = np.eye(4).reshape(4, 2, 2) * 1e-6
    differences = [(f(x + h) - f(x - h)) / 2e-6 for h in steps]
    np.testing.assert_allclose(g.ravel(), differences, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(compiled(grad(f))(x), g, rtol=1e-12)


def test_a_part_takes_real_numbers():
    z = 1j * Tensor([1.0, 2.0])
    with pytest.raises(TypeError, match="complex"):
        z.real[...] = 1j
    with pytest.raises(TypeError, match="no imaginary part"):
        np.sin(Tensor([1.0])).imag = 2.0


WHERE = [
    lambda x, y: np.copyto(y, x, where=[0, 1, 1]),
    lambda x, y: np.copyto(y, 3 * x[0], where=x > 0.5),
    lambda x, y: np.copyto(y[1:], x[None, :2], where=[True, False]),
    lambda x, y: np.log(x, where=x > 0, out=y),
    lambda x, y: np.multiply(x, x, where=[0, 1, 0], out=y),
    lambda x, y: np.divide(1.0, x, where=x != 0, out=y),
]


@pytest.mark.parametrize("change", WHERE)
def test_what_is_written_where_a_mask_is_true(change):
    """A list of 0 and 1 is a mask, and no row numbers."""
    x = np.array([0.0, 1.5, -2.0])

    def f(x):
        y = np.sin(x) + 1
        change(x, y)
        return np.sum(y * np.array([1.0, 2.0, 3.0]))

    with np.errstate(all="ignore"):
        J, g = value_and_grad(f)(x)
        assert f(x) == J
        differences = [(f(x + h) - f(x - h)) / 2e-6 for h in 1e-6 * np.eye(3)]
        np.testing.assert_allclose(g[1:], differences[1:], rtol=1e-6)
        assert np.isfinite(g[0])
        np.testing.assert_allclose(compiled(grad(f))(x), g, rtol=1e-12)


def test_masks_are_of_booleans():
    y, numbers = Tensor([1.0, 2.0]) * 1, np.array([0, 1])
    for write in (
        lambda: np.add(y, 1, where=numbers, out=y),
        lambda: np.copyto(y, 5.0, where=numbers),
        lambda: np.select([numbers], [y]),
    ):
        with pytest.raises(TypeError, match="booleans"):
            write()
    assert np.array_equal(y.data, [1, 2])
    assert np.array_equal(np.select([[True, False]], [y]).data, [1, 0])


def test_a_number_as_a_matrix_is_written_to():
    def f(x):
        y = np.cumsum(x)[1:].reshape(())
        np.atleast_2d(y)[[0]] = 3 * np.atleast_2d(y)
        return np.sum(y**2)

    assert value_and_grad(f)(np.array([1.0, 2.0]))[0] == f(np.array([1.0, 2.0])) == 81


def test_shapes_that_do_not_fit():
    y = Tensor([1.0, 2.0]) * 1.0
    with pytest.raises(
        ValueError, match=r"\(2,\) and can't become \(2, 2\) in place: give the other side shape \(2,"
    ):
        y += np.ones((2, 2))
    with pytest.raises(ValueError, match=r"x\[0:2\] = y: x is \(2,\) and y is \(3,\)"):
        y[0:2] = np.ones(3)
    number = y[0]
    with pytest.raises(TypeError, match="is a number"):
        number[...] = 3.0


def stored(a, t):
    a[:] = t


@pytest.mark.parametrize(
    "write",
    [
        stored,
        lambda a, t: np.add(t, 1.0, out=a),
        np.copyto,
        lambda a, t: np.put(a, [0], t[:1]),
        lambda a, t: np.add.at(a, [0], t[:1]),
        lambda a, t: np.fill_diagonal(a.reshape(1, -1), t),
    ],
)
def test_a_plain_array_is_no_place_for_a_tensor(write):
    with pytest.raises(TypeError, match=r"plain array.*zeros"):
        write(np.zeros(3), Tensor([1.0, 2.0, 3.0]))


def elements(x):
    a = np.zeros(3)
    for i in range(3):
        a[i] = x[i] ** 2
    return np.sum(a) + np.sum(x)


def filled(x):
    a = np.zeros(3)
    a.fill(x[0])
    return np.sum(a)


@pytest.mark.parametrize("f", [elements, filled])
@pytest.mark.parametrize("run", [grad, lambda f: lambda x: f(Tensor(x)).backward()])
def test_elements_written_to_a_plain_array(f, run):
    with pytest.raises((TypeError, ValueError)) as caught:
        run(f)(np.array([1.0, 2.0, 3.0]))
    told = caught.value.__cause__ or caught.value
    assert "tinygrad_course.zeros" in str(told)
    assert "np.stack" in str(told)
    assert "test_writing.py" in str(told)


def test_buffers():
    def squares(x, make):
        a = make(x)
        for i in range(3):
            a[i] = x[i] ** 2
        a += a[::-1]
        return np.sum(a * np.arange(3))

    x = np.array([1.0, 2.0, 3.0])
    for make in (zeros_like, lambda x: zeros(3), lambda x: zeros((3,), dtype=np.float64)):
        g = grad(squares)(x, make)
        np.testing.assert_allclose(g, differences(lambda x: squares(x, np.zeros_like), x), rtol=1e-6)
    assert type(zeros_like(x)) is np.ndarray


def test_complex_buffers():
    def sizes(x, make=zeros):
        z = make((2, 2), np.complex128)
        z[0] = np.exp(1j * x)
        z[1, 0] = x[0] + 2j * x[1]
        z += z.T
        return np.sum(np.abs(z) ** 3)

    x = np.array([0.5, -1.5])
    slope = differences(lambda x: sizes(x, np.zeros), x)
    for g in (grad(sizes), compiled(grad(sizes))):
        np.testing.assert_allclose(g(x), slope, rtol=1e-6)
    assert zeros(3, np.complex64).dtype == np.complex64
    assert zeros_like(Tensor([1.0]) * 1j).dtype == np.complex128


def test_buffers_of_no_axes_and_copies_by_array():
    def f(x, made=zeros, like=zeros_like, copied=array):
        total, last = made(()), like(x[0])
        for entry in x:
            total += entry**3
            last[...] = entry
        y = 1.0 * x
        a = copied(y)
        a[0] = 5.0
        return total * last + np.sum(a * y)

    x = np.array([0.5, -1.5, 2.0])
    value = f(x, np.zeros, np.zeros_like, np.array)
    slope = differences(lambda x: f(x, np.zeros, np.zeros_like, np.array), x)
    for make in (value_and_grad(f), compiled(value_and_grad(f))):
        J, g = make(x)
        np.testing.assert_equal(J, value)
        np.testing.assert_allclose(g, slope, rtol=1e-6)


def test_a_nest_of_tensors_and_numbers():
    t, u = Tensor(2.0), Tensor(3.0)
    A = array([[t, 0.0], [1, (t * u)]])
    assert A.shape == (2, 2)
    np.sum(A * A).backward()
    assert t.grad == 2 * 2 + 2 * 6 * 3
    assert type(array([[1, 2], [3, 4]])) is np.ndarray
    with pytest.raises(ValueError, match=r"\(2,\), \(\)"):
        array([[t, u], t])


def test_copies_record_and_are_of_their_own():
    def cost(p):
        q = copy.deepcopy(p)
        r = copy.copy(p["W"])
        s = p["W"].copy()
        q["W"] *= 2
        r += 1
        s[0] = 0
        return np.sum(q["W"] ** 2) + np.sum(r**2) + np.sum(s**2) + np.sum(p["W"])

    W = np.array([1.0, 2.0])
    J, g = value_and_grad(cost)({"W": W})
    assert cost({"W": W}) == J
    np.testing.assert_allclose(g["W"], 8 * W + 2 * (W + 1) + 2 * W * [0, 1] + 1)


def test_writes_make_no_knots():
    def assigned(x):
        y = x * 1.0
        y[0] = np.sin(y[0])
        y[1] = np.cos(y[1] * y[0])
        return np.sum(y)

    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            value_and_grad(assigned)(np.ones((4, 3)))
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_graph_shows_the_versions():
    W = Tensor([1.0, 2.0], name="W")
    Z = (W * 2).named("Z")
    old = np.sum(Z)
    Z[0] = 5.0
    J = np.sum(Z * Z) + old
    ops = [n.op for n in graph(J)]
    assert ops.count("assign") == 1
    assert [n.op for n in graph(old)] == [None, None, "multiply", "sum"]
    assert graph(Z, names={"Z": Z})["Z"].op == "assign"
    J.backward()
    np.testing.assert_array_equal(W.grad, [2, 2 * 2 * 4 + 2])
    np.testing.assert_array_equal(Z.grad, [10, 8])


@pytest.mark.parametrize("order", ["C", "F"])
def test_values_that_numpy_reads_while_it_writes_are_refused(order):
    x = np.array([[0.5, -1.0, 2.0], [3.0, -0.2, 0.7]], order=order)
    mask = np.array([[False, True, False], [False, True, True]])
    alias, copied = x.copy("K"), x.copy("K")
    alias[mask] = alias[0]
    copied[mask] = copied[0].copy()
    assert alias.tolist() != copied.tolist()  # what NumPy makes of a view depends on the order of its writes

    def program(values):
        def cost(x):
            y = x * 1.0
            y[mask] = values(y)
            return np.sum(y**3)

        return cost

    with pytest.raises(ValueError, match=r"by a mask of shape \(2, 3\): NumPy reads .*pass a copy"):
        grad(program(lambda y: y[0]))(x)
    for values in (lambda y: y[0].copy(), lambda y: y[0, :1], lambda y: y[mask], lambda y: 2 * y[0]):
        np.testing.assert_allclose(
            grad(program(values))(x), differences(program(values), x), rtol=1e-6, atol=1e-8
        )


def test_a_row_written_to_rows_by_a_mask():
    x, rows = np.array([[0.5, -1.0, 2.0], [3.0, -0.2, 0.7], [1.0, 0.4, -2.0]]), np.array([True, False, True])

    def cost(x):
        y = x * 1.0
        y[rows] = y[0]  # the row itself is among those written to: nothing changes before it is read
        return np.sum(y**3)

    np.testing.assert_allclose(grad(cost)(x), differences(cost, x), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(compiled(grad(cost))(x), grad(cost)(x), rtol=1e-12)


@pytest.mark.parametrize("ufunc", [np.add, np.subtract])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("of_values", [bool, np.uint8, np.int64, np.float16, np.float32, np.float64])
def test_several_sums_at_one_element_are_numpys(ufunc, dtype, of_values):
    rng = np.random.default_rng(0)
    index = rng.integers(-3, 3, (2, 20))
    x = rng.normal(size=(3, 2)).astype(dtype)
    values = (rng.uniform(0, 2, (20, 2)) * 100).astype(of_values)
    w = rng.normal(size=x.shape)

    def added(x, b):
        h = x * np.ones((3, 2), dtype)
        ufunc.at(h, index, b)
        return h

    np.testing.assert_array_equal(added(Tensor(x), values).data, added(x, values))
    slopes = ufunc(0, np.sum(w[index], axis=0))
    for f in (grad, lambda f: compiled(grad(f))):
        gx, gb = f(lambda p: np.sum(w * added(*p)))((x, values.astype(float)))
        np.testing.assert_allclose(gx, w, rtol=2e-3)
        np.testing.assert_allclose(gb, slopes, rtol=2e-3 if dtype is np.float16 else 1e-6)


def test_complex_numbers_are_not_written_over_real_ones():
    """Where NumPy raises: their imaginary parts would be lost."""
    c = np.array([1j, 2, 3 + 1j])

    def added(y):
        y += c

    def multiplied(y):
        y *= 1j

    def through_a_view(y):
        v = y[:2]
        v -= c[:2]

    many = [added, multiplied, through_a_view, lambda y: np.copyto(y, c), lambda y: np.multiply(y, c, out=y)]
    for write in many:
        with pytest.raises(TypeError):
            write(np.ones(3))
        for y in (Tensor(np.ones(3)), Tensor(np.ones(3)) * 1.0):
            with pytest.raises(TypeError):
                write(y)
    real, z = Tensor(np.ones(3)), Tensor(np.ones(3)) * 1j
    z += real
    np.copyto(z, real)
    np.testing.assert_array_equal(z.data, np.ones(3))


def test_an_index_of_add_at_that_changes_afterwards():
    x = np.arange(9.0).reshape(3, 3) / 9 + 0.1

    def cost(x):
        index, v = np.array([0, 0, 2]), x @ x
        np.add.at(v, index, v[0])
        index[0] = -1
        return np.sum(v**2)

    np.testing.assert_allclose(grad(cost)(x), differences(cost, x), rtol=1e-6, atol=1e-8)


def test_an_array_of_no_axes_stays_one_in_place():
    def program(x):
        v = np.select([x > 1, x > 0], [x, 2 * x], 0.0)
        v **= 2
        v[None][[0, -1]] = 0.75
        return v * x

    assert program(np.float64(0.3)) == program(Tensor(0.3)).data == 0.75 * 0.3
    assert grad(program)(0.3) == 0.75


@pytest.mark.parametrize(
    "write",
    [
        lambda a: np.fill_diagonal(a, []),
        lambda a: np.fill_diagonal(a, np.zeros(0), wrap=True),
        lambda a: np.put(a, [0, 1], []),
        lambda a: np.putmask(a, np.ones((3, 2), bool), []),
        lambda a: operator.setitem(a.flat, slice(0, 3), []),
        lambda a: operator.setitem(a.flat, [4, 1], np.zeros(0)),
    ],
)
def test_no_values_are_written_nowhere(write):
    def f(x):
        y = 2 * x
        write(y)
        return np.sum(y * y)

    x = np.arange(6.0).reshape(3, 2)
    assert f(x) == np.sum(4 * x * x)
    for step in (grad(f), compiled(grad(f))):
        np.testing.assert_array_equal(step(x), 8 * x)


@pytest.mark.parametrize(
    "write",
    [
        lambda v: np.place(v, v > 9, [5.0]),
        lambda v: np.putmask(v, v > 9, 5.0),
        lambda v: np.put(v, [], 5.0),
        lambda v: np.copyto(v, 5.0, where=v > 9),
    ],
)
def test_nothing_is_written_to_an_array_of_no_axes(write):
    def f(x):
        y = 2 * x
        write(y[..., 0])
        return np.sum(y * y)

    x = np.arange(3.0)
    assert f(x) == value_and_grad(f)(x)[0]
    np.testing.assert_array_equal(grad(f)(x), 8 * x)


def test_np_place_needs_values():
    unchanged = grad(lambda x: (np.place(y := 2 * x, np.zeros(3, bool), []), np.sum(y))[1])
    np.testing.assert_array_equal(unchanged(np.ones(3)), 2)
    with pytest.raises(ValueError, match="no values"):
        grad(lambda x: np.place(x, np.ones(3, bool), []))(np.ones(3))


@pytest.mark.parametrize(("shape", "new"), [((0,), (3,)), ((0, 2), (2, 2)), ((0,), ()), ((0, 2), 5)])
def test_an_array_without_entries_is_resized_to_zeros(shape, new):
    x = np.ones(shape)
    np.testing.assert_array_equal(np.resize(Tensor(x), new).data, np.resize(x, new))
    assert grad(lambda x: np.sum(np.resize(x, new)))(x).shape == shape


# ------------------------------------------------------------------ random orders

G, R = np.random.default_rng, np.random.RandomState


def by_another_name(y):
    mix = R(3).shuffle
    mix(y)


def exchange(y):
    y[0], y[1] = y[1], y[0]


SHUFFLES = {
    "rows": lambda y: G(0).shuffle(y),
    "rows, RandomState": lambda y: R(0).shuffle(y),
    "some rows": lambda y: G(0).shuffle(y[1:4]),
    "columns": lambda y: G(2).shuffle(y.T),
    "numbers": lambda y: G(0).shuffle(y[:, 1]),
    "by another name": by_another_name,
    "rows, by Python": lambda y: random.Random(0).shuffle(y),  # which doubles rows of arrays
    "matrices": lambda y: G(0).shuffle(y[:, None]),
    "a swap": exchange,
    "a choice of rows": lambda y: operator.setitem(y, slice(0, 3), y[G(0).permutation(6)[:3]]),
    "a view that is written": lambda y: (
        row := y[1],
        operator.setitem(y, 1, y[0]),
        operator.setitem(y, 2, row),
    ),
}


@pytest.mark.filterwarnings("ignore:.*shuffling a 'Tensor'")
@pytest.mark.parametrize("name", SHUFFLES)
@pytest.mark.parametrize("compile_", [False, True])
def test_rows_are_shuffled_as_numpys(name, compile_):
    weights, x = np.cos(np.arange(12.0)).reshape(6, 2), np.arange(12.0).reshape(6, 2) ** 1.5

    def f(x):
        y = x * 1.0
        SHUFFLES[name](y)
        return np.sum(weights * y**2)

    value, gradient = (compiled if compile_ else lambda g: g)(value_and_grad(f))(x)
    assert value == pytest.approx(f(x), rel=1e-14)
    np.testing.assert_allclose(gradient, differences(f, x, 1e-4), rtol=1e-7, atol=1e-7)


def test_swaps_of_unknown_meaning_are_refused():
    def swap(write, y):
        row = y[1]
        write(1, y[0])
        write(0, row)

    with pytest.raises(ValueError, match=r"permutation\(len\(y\)\)"):
        grad(lambda x: swap((y := x * 1.0).__class__.__setitem__.__get__(y), y) or np.sum(y))(M)
    with pytest.raises(ValueError, match=r"permutation\(len\(y\)\)"):
        [swap(lambda i, v, y=y: [*map(y.__setitem__, [i], [v])], y) for y in [Tensor(M) * 2]]


@pytest.mark.parametrize(
    ("draw", "instead"),
    [
        (lambda x: G(0).permutation(x), r"y\[rng.permutation\(len\(y\)\)\]"),
        (lambda x: G(0).permuted(x, axis=0), "take_along_axis"),
        (lambda x: R(0).choice(x[0], 3), r"y\[rng.choice"),
        (lambda x: G(0).normal(x), "standard_normal"),
        (lambda x: G(0).uniform(0, x), "rng.random"),
        (lambda x: G(0).multivariate_normal(x[0], np.eye(3)), r"L @ rng"),
        (lambda x: G(0).poisson(x), "stop_gradient"),
    ],
)
def test_draws_say_what_to_write(draw, instead):
    with pytest.raises(TypeError, match=instead):
        grad(lambda x: np.sum(draw(x)))(M)


@pytest.mark.filterwarnings("ignore:Casting complex")
@pytest.mark.parametrize("total", [np.sum, np.mean, np.prod, np.cumsum, np.add.reduce])
def test_what_numpy_writes_into_numbers_of_another_kind(total):
    def f(x):
        out = np.zeros(4) * x
        total(x * (1 + 2j), axis=0, out=out if total is np.cumsum else out[1:2].reshape(()))
        return np.sum(out**2)

    x = np.array([1.0, 2.0, 0.5, -1.5])
    np.testing.assert_allclose(grad(f)(x), differences(f, x), rtol=1e-6, atol=1e-9)
    with pytest.raises(TypeError, match="out= is float64, and the result is complex128"):
        grad(lambda x: np.sum(np.add(x, 1j, out=np.copy(x))))(x)


OWN_VALUES = {
    "flat": (lambda y: operator.setitem(y.flat, slice(None), y[::-1]), True),
    "flat, unchanged before it is read": (lambda y: operator.setitem(y.flat, slice(0, 2), y[2:]), False),
    "fill_diagonal": (lambda y: np.fill_diagonal(y.reshape(2, 2).T, y[1:3]), False),
    "fill_diagonal, a row": (lambda y: np.fill_diagonal(y.reshape(2, 2), y[:2]), False),
    "fill_diagonal, read after it is written": (lambda y: np.fill_diagonal(y.reshape(2, 2), y[::-3]), True),
    "place": (lambda y: np.place(y, y > 0, y[::-1]), False),
    "place, from the first on": (lambda y: np.place(y, [False, True, True, True], y[:3]), True),
    "put": (lambda y: np.put(y, [3, 2, 1, 0], y), False),
    "mask": (lambda y: operator.setitem(y, y > 0, y[::-1]), True),
}


@pytest.mark.parametrize(("write", "refused"), OWN_VALUES.values(), ids=OWN_VALUES)
def test_values_that_are_written_over_while_they_are_read_are_numpys_or_refused(write, refused):
    def f(x):
        y = x * 1.0
        write(y)
        return np.sum(y**2 * np.arange(1.0, 5.0))

    x = np.array([0.5, 1.5, 2.0, 3.0])
    if refused:
        with pytest.raises(ValueError, match="NumPy reads the values"):
            grad(f)(x)
    else:
        J, g = value_and_grad(f)(x)
        assert f(x) == J
        np.testing.assert_allclose(g, differences(f, x), rtol=1e-6)


def test_complex_numbers_over_the_real_or_imaginary_ones_of_others():
    """NumPy takes their real parts and says so; of a Python number it says that it is none."""

    def parts(x):
        z = (x[:3] + 1j * x[3:]) * 1.0
        z.real[1:] = x[:2] * (2 + 1j)
        z[1:].imag = x[:2] ** 2 + 0j
        z.imag[::2] += x[:2]
        return np.sum(np.abs(z) ** 2)

    x = np.random.RandomState(0).randn(6)
    with pytest.warns(np.exceptions.ComplexWarning, match="discards the imaginary part"):
        found = grad(parts)(x)
    with pytest.warns(np.exceptions.ComplexWarning, match="discards the imaginary part"):
        near = [(parts(x + 1e-5 * e) - parts(x - 1e-5 * e)) / 2e-5 for e in np.eye(6)]
    np.testing.assert_allclose(found, near, rtol=1e-6, atol=1e-8)

    def number(x):
        z = x + 1j * x
        z.real[0] = 1j
        return np.sum(np.abs(z))

    with pytest.raises(TypeError, match="not 'complex'"):
        grad(number)(x)


def test_a_leaf_that_is_given_recorded_values():
    """Its gradient is by the values that it has now; that of a copy, and of `grad`, by those from before."""

    def written(t):
        t[0] = t[1] ** 2
        return np.sum(t * t)

    x = np.array([1.0, 2.0])
    t = Tensor(x)
    written(t).backward()
    np.testing.assert_array_equal(t.grad, 2 * np.array([4.0, 2.0]))
    t = Tensor(x)
    written(t.copy()).backward()
    np.testing.assert_array_equal(t.grad, [0.0, 4 * x[1] ** 3 + 2 * x[1]])  # of x[1]**4 + x[1]**2
    np.testing.assert_array_equal(grad(written)(x), t.grad)
