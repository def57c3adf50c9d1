"""Other libraries' arrays: each entry of the table in docs/arrays.md, and no gradient wrong in silence."""

import importlib
import importlib.util
import operator
import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse

from tinygrad_course import CannotCompile, Tensor, compiled, grad, hessian, value_and_grad

DOCS = Path(__file__).resolve().parents[2] / "docs"
_spec = importlib.util.spec_from_file_location("table_of_arrays", DOCS / "table_of_arrays.py")
arrays = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(arrays)

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.filterwarnings("error::RuntimeWarning")]


def plain(x):
    for attribute in ("magnitude",):
        x = getattr(x, attribute, x)
    for method in ("compute", "todense"):
        if hasattr(x, method):
            x = getattr(x, method)()
    return x


def sign(operation, X):
    """What the table is to say of an operation with X, whose gradient has to be right."""
    J, g = value_and_grad(lambda t: arrays.cost(operation, t, arrays.A))(arrays.V)
    try:
        found = value_and_grad(lambda t: arrays.cost(operation, t, X))(arrays.V)
    except Exception as error:  # noqa: BLE001  (another library's refusals are of any kind)
        return "R" if "write " in str(error) else "F"
    assert type(plain(found[1])) is np.ndarray
    np.testing.assert_allclose(plain(found[1]), g, rtol=1e-6)
    np.testing.assert_allclose(float(plain(found[0])), J, rtol=1e-6)
    data = arrays.OPERATIONS[operation](Tensor(arrays.V), X)
    data = getattr(data, "data", data)
    kinds = {"magnitude": "U", "compute": "L", "todense": "S"}
    return next((kind for attribute, kind in kinds.items() if hasattr(data, attribute)), "W")


@pytest.mark.sampled(6)
@pytest.mark.parametrize("library", arrays.LIBRARIES)
def test_the_table_of_arrays(library):
    module, _, make, row = arrays.LIBRARIES[library]
    X = make(pytest.importorskip(module), arrays.A)
    assert " ".join(sign(operation, X) for operation in arrays.OPERATIONS) == row


def test_the_page_is_the_table():
    assert arrays.PAGE.read_text(encoding="utf-8") == arrays.written()


REFUSED = [
    "np.matrix",
    "masked array",
    "pandas.DataFrame",
    "xarray.DataArray",
    "awkward.Array",
    "torch.Tensor",
]


@pytest.mark.parametrize("library", REFUSED)
@pytest.mark.parametrize("left", [True, False])
def test_a_refusal_says_what_to_write(library, left):
    module, _, make, _ = arrays.LIBRARIES[library]
    X = make(pytest.importorskip(module), arrays.A)
    note = next(text for start, text in arrays.NOTES.items() if library.startswith(start))
    with pytest.raises(TypeError) as caught:
        grad(lambda t: np.sum(X * t if left else t * X))(arrays.V)
    assert note.split("`")[1].split("(")[0].split(".")[-1] in str(caught.value)


@pytest.mark.parametrize(
    ("library", "written"), [("xarray.DataArray", "X.values"), ("awkward.Array", "ak.to_numpy(X)")]
)
@pytest.mark.parametrize(
    "product", [lambda X, t: X @ t, np.dot, np.inner, np.vdot, lambda X, t: np.tensordot(X, t, 1), np.outer]
)
def test_products_of_labelled_and_ragged_arrays(library, written, product):
    module, _, make, _ = arrays.LIBRARIES[library]
    X = make(pytest.importorskip(module), arrays.A)
    with pytest.raises(TypeError, match=f"{module}.*{re.escape(written)}"):
        grad(lambda t: np.sum(product(X, t)))(arrays.V)


M = np.ma.array(arrays.A, mask=[[0, 1], [0, 0]])


@pytest.mark.parametrize(
    "use",
    [
        lambda t: np.ma.multiply(M, t),
        np.ma.exp,
        lambda t: np.ma.where(M > 0, t, 0),
        lambda t: M - t,
        lambda t: M**t,
        lambda t: np.dot(t, M),
        lambda t: np.stack([t, M]),
        lambda t: np.average(t, weights=M),
        lambda t: t[np.ma.array([0, 1], mask=[0, 1])],
    ],
)
def test_masked_arrays_everywhere(use):
    with pytest.raises(TypeError, match="mask"):
        grad(lambda t: np.sum(use(t)))(arrays.V)


@pytest.mark.parametrize(
    "library", ["masked array", "np.matrix", "xarray.DataArray", "awkward.Array", "unyt_array"]
)
def test_data_of_which_a_part_would_be_lost(library):
    module, _, make, _ = arrays.LIBRARIES[library]
    X = make(pytest.importorskip(module), arrays.A)
    with pytest.raises(TypeError, match="write"):
        Tensor(X)
    with pytest.raises(TypeError, match="write"):
        grad(np.sum)(X)
    W = Tensor(arrays.V)
    with pytest.raises(TypeError, match="write"):
        W.data = X


def test_data_taken_for_their_values():
    pd = pytest.importorskip("pandas")
    g = grad(lambda t: np.sum(t**2))(pd.DataFrame(arrays.A))
    assert type(g) is np.ndarray
    np.testing.assert_array_equal(g, 2 * arrays.A)


class Pair:
    """A vector as people write them; nothing of it tells NumPy what to do."""

    def __init__(self, a, b):
        self.a, self.b = a, b

    def reflected(name):  # noqa: N805
        return lambda self, k: type(self)(
            getattr(operator, name)(k, self.a), getattr(operator, name)(k, self.b)
        )

    __radd__, __rsub__, __rmul__, __rtruediv__ = map(reflected, ("add", "sub", "mul", "truediv"))
    __rpow__, __rmod__, __rfloordiv__ = map(reflected, ("pow", "mod", "floordiv"))
    __rmatmul__ = __rmul__


class Opaque(Pair):
    __array_ufunc__ = None


@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv", "pow", "mod", "floordiv", "matmul"])
@pytest.mark.parametrize(("kind", "at"), [(Pair, 0), (Opaque, 0), (Opaque, slice(None))])
def test_objects_with_operators_of_their_own(name, kind, at):
    def cost(x):
        found = getattr(operator, name)(x[at], kind(x[0] + 2, 1.5))
        return np.sum(found.a * found.b)

    x = np.array([2.6, 0.7])
    value, gradient = value_and_grad(cost)(x)
    assert value == cost(x)
    slopes = [(cost(x + e) - cost(x - e)) / 2e-6 for e in 1e-6 * np.eye(2)]
    np.testing.assert_allclose(gradient, slopes, rtol=1e-7, atol=1e-8)
    for f in (compiled(cost), compiled(cost, engine="machine")):
        np.testing.assert_allclose(f(x), value, rtol=1e-14)
    np.testing.assert_allclose(compiled(grad(cost))(x), gradient, rtol=1e-13, atol=1e-13)


def test_objects_with_comparisons_of_their_own_and_in_place():
    t, number = Tensor([1.0, 2.0]), Tensor(2.0)
    assert t == pytest.approx([1.0, 2.0])
    assert t != pytest.approx(np.array([1.0, 2.5]))
    assert number == pytest.approx(2.0)

    def cost(x):
        found = x[0]
        found += Pair(x[0] + 2, 1.5)
        return found.a * found.b

    gradient = grad(cost)(np.array([2.6, 0.7]))
    np.testing.assert_allclose(gradient, [2 * (2.6 + 1.5) + 2 * 2.6 + 2, 0])
    number += Opaque(1.0, 2.0)
    assert (number.a.data, number.b.data) == (3.0, 4.0)
    t *= Opaque(1.0, 2.0)
    np.testing.assert_array_equal(t.b.data, [2.0, 4.0])


# ------------------------------------------------------------------ scipy.sparse

KINDS = [
    "csr_array",
    "csc_array",
    "coo_array",
    "csr_matrix",
    "csc_matrix",
    "coo_matrix",
    "bsr_array",
    "dok_array",
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_products_with_sparse_matrices(kind, dtype):
    rng = np.random.RandomState(0)
    dense = (rng.rand(3, 5) * (rng.rand(3, 5) > 0.5)).astype(dtype)
    S = getattr(scipy.sparse, kind)(dense)
    W, w = rng.randn(4, 3).astype(dtype), rng.randn(5).astype(dtype)
    for f, x in [
        (lambda x, S: np.sum((x @ S) ** 3), W),
        (lambda x, S: np.sum((S @ x) ** 3), w),
        (lambda x, S: np.sum((S @ x[:, None]) ** 3), w),
        (lambda x, S: np.sum((S.T @ x.T) ** 3), W),
        (lambda x, S: np.sum((x[0] @ S) ** 3), W),
        (lambda x, S: np.sum(np.exp(S @ (S.T @ x.T))), W),
    ]:
        value, slope = value_and_grad(f)(x, S)
        value_, slope_ = value_and_grad(f)(x, dense)
        assert type(slope) is np.ndarray
        assert slope.dtype == dtype
        np.testing.assert_allclose(value, value_, rtol=1e-4 if dtype is np.float32 else 1e-12)
        np.testing.assert_allclose(slope, slope_, rtol=1e-3 if dtype is np.float32 else 1e-10)
        if dtype is np.float64 and x is w:
            np.testing.assert_allclose(hessian(f)(x, S), hessian(f)(x, dense), rtol=1e-10)


def test_a_sparse_matrix_is_kept_as_it_was():
    S = scipy.sparse.csr_array(arrays.A)
    t = Tensor(arrays.V)
    J = np.sum((S @ t) ** 2)
    S.data[:] = 0
    J.backward()
    np.testing.assert_array_equal(t.grad, 2 * arrays.A.T @ arrays.A @ arrays.V)


def test_text_classification_stays_sparse():
    rng = np.random.RandomState(0)
    words, documents, each = 20_000, 2_000, 20
    rows = rng.randint(0, words, documents * each)
    columns = np.repeat(np.arange(documents), each)
    X = scipy.sparse.csr_array((np.ones(rows.size), (rows, columns)), shape=(words, documents))
    Y = rng.randint(0, 2, (1, documents)).astype(float)

    def cost(w, b):
        Z = w.T @ X + b
        return np.mean(np.logaddexp(0, Z) - Y * Z)

    w = np.zeros((words, 1))
    tracemalloc.start()
    _, (dw, db) = value_and_grad(cost, argnums=(0, 1))(w, 0.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8e6  # dense it is 320 MB
    error = 0.5 - Y
    np.testing.assert_allclose(dw, (X @ error.T) / documents, atol=1e-15)
    np.testing.assert_allclose(db, error.mean())


def test_what_is_not_a_product_is_refused():
    S = scipy.sparse.csr_array(arrays.A)
    for f in (
        lambda t: t + S,
        lambda t: S * t,
        lambda t: np.dot(t, S),
        lambda t: np.matmul(t, S),
        lambda t: t / S,
    ):
        with pytest.raises(TypeError, match=r"@ S.*toarray"):
            grad(lambda t, f=f: np.sum(f(t)))(arrays.V)


# ------------------------------------------------------------------ what is kept as it was at the call


def test_memmap_is_copied_or_held(tmp_path):
    for n in (2, 100):
        X = np.memmap(tmp_path / f"x{n}", dtype=float, mode="w+", shape=(n, n))
        X[:] = 2.0
        W = Tensor(np.ones((1, n)))
        J = np.sum(np.dot(W, X) ** 2)
        try:
            X[:] = 0
        except ValueError as error:
            assert "read-only" in str(error)  # noqa: PT017
        J.backward()
        np.testing.assert_array_equal(W.grad, np.full((1, n), 8.0 * n * n))
        del J
        X[:] = 0


def test_index_arrays_may_be_used_again():
    y = np.array([1, 0])
    L = Tensor(np.log(arrays.A))
    J = -np.sum(L[np.arange(2), y])
    y[:] = [0, 1]
    J.backward()
    np.testing.assert_array_equal(L.grad, [[0, -1], [-1, 0]])


def test_jax_arrays():
    jnp = pytest.importorskip("jax.numpy")
    g = grad(lambda w: np.sum(np.tanh(w * jnp.array([1.0, 2.0]))))(np.array([1.0, 2.0]))
    assert type(g) is np.ndarray
    assert g.dtype == np.float64
    picked = grad(lambda w: np.sum(w[jnp.array([0, 0])]))(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(picked, [2.0, 0.0])


def test_unknown_sizes_of_dask():
    da = pytest.importorskip("dask.array")
    X = da.from_array(arrays.A, chunks=2)
    unknown = X[:, X[0] > 10]
    cost = grad(lambda w, X: np.sum(np.dot(w, X) ** 2))
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        cost(np.ones((1, 2)), unknown)
    known = cost(np.ones((1, 2)), unknown.compute_chunk_sizes())
    np.testing.assert_allclose(np.asarray(known), 2 * (60 * arrays.A[:, 1])[None])


def test_a_hidden_tensor_is_no_plain_result():
    pint = pytest.importorskip("pint")
    kg = pint.UnitRegistry().Quantity(2.0, "kg")
    with pytest.raises(TypeError, match="Quantity that holds a Tensor"):
        value_and_grad(lambda a: kg * a)(3.0)
    value, slope = value_and_grad(lambda a: a * kg)(3.0)
    assert str(value.units) == str(slope.units) == "kilogram"
    assert (value.magnitude, slope.magnitude) == (6.0, 2.0)


def test_printing_keeps_what_an_array_is():
    sparse, dask, pint = (pytest.importorskip(name) for name in ("sparse", "dask.array", "pint"))
    assert repr(Tensor(sparse.COO(arrays.A))).startswith("Tensor(<COO: shape=(2, 2)")
    assert repr(Tensor(dask.from_array(arrays.A))).startswith("Tensor(dask.array<")
    metres = pint.UnitRegistry().Quantity
    assert repr(Tensor(metres(3.0, "m"))) == "Tensor(<Quantity(3.0, 'meter')>)"
    assert float(np.sum(Tensor(dask.from_array(arrays.A)))) == 100.0


@pytest.mark.long
def test_a_part_of_a_tensor_beside_a_sparse_array():
    X = pytest.importorskip("sparse").COO(arrays.A)
    g = grad(lambda t: np.sum(t[:, :1] * X))(arrays.V)
    np.testing.assert_array_equal(g, [[30.0, 0.0], [70.0, 0.0]])


@pytest.mark.parametrize("library", REFUSED[:4])
def test_a_compiled_function_says_what_to_write(library):
    module, _, make, _ = arrays.LIBRARIES[library]
    X = make(pytest.importorskip(module), arrays.A)
    note = next(text for start, text in arrays.NOTES.items() if library.startswith(start))
    with pytest.raises(CannotCompile) as caught:
        compiled(value_and_grad(lambda W, D: np.sum(W * D)))(arrays.V, X)
    assert str(caught.value).startswith("D is a ")
    assert note.split("`")[1].replace("X", "D") in str(caught.value)
