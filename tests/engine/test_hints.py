"""What other libraries' tensors have, and what there is instead: said in the error."""

from __future__ import annotations

import ast
import functools
import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import integrate, linalg, ndimage, sparse, special, stats

import tinygrad_course
from tinygrad_course import (
    CannotCompile,
    FreedGraphError,
    Tensor,
    check_gradients,
    compare_gradients,
    compiled,
    compiled_loop,
    custom_rule,
    grad,
    graph,
    jvp,
)
from tinygrad_course.engine import undispatched

LIBRARY = Path(tinygrad_course.__file__).parent
t = Tensor(np.array([[1.0, 2.0]]), name="W1")


def found(name: str) -> Any:
    """What stands under a dotted name."""
    parts = name.split(".")
    for i in range(len(parts), 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:i]))
        except ImportError:
            continue
        return functools.reduce(getattr, parts[i:], module)
    raise AttributeError(name)


def test_what_is_advised_exists() -> None:
    """In texts of the library; what NumPy had and has no more is told by name in one module."""
    texts: set[str] = set()
    for path in LIBRARY.rglob("*.py"):
        if path.name != "removed_api.py":
            tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            texts |= {n.value for n in tree if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    names = set(re.findall(r"\b(?:tinygrad_course|np)(?:\.[A-Za-z_]\w*)+(?![\w.]|$)", "\n".join(texts)))
    assert len(names) > 100
    for name in names:
        found(re.sub(r"^np\.", "numpy.", name))
    for (package, name), room in undispatched.ROOMS.items():
        assert callable(found(f"scipy.{package}.{name}"))
        assert callable(found(f"{room}.{name}"))
    for family in undispatched.FAMILIES:
        for kind in ("logpdf", "cdf") if hasattr(getattr(stats, family), "logpdf") else ("logpmf", "cdf"):
            assert callable(found(f"tinygrad_course.functions.distributions.{family}.{kind}"))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("numpy", "t.data"), ("detach", "stop_gradient"), ("cpu", "t.data"), ("zero_grad", "t.grad = None"),
        ("requires_grad", "make constants plain arrays"), ("grad_fn", "tinygrad_course.graph(t)"),
        ("unsqueeze", "np.expand_dims"),
        ("exp", "np.exp(t)"), ("tanh", "np.tanh(t)"),
    ],
)  # fmt: skip
def test_a_habit_of_another_library(name: str, hint: str) -> None:
    with pytest.raises(AttributeError, match=rf"a Tensor has no attribute '{name}': .*{re.escape(hint)}"):
        getattr(t, name)
    assert not hasattr(t, name)
    assert name not in dir(t)


@pytest.mark.parametrize("kind", [(2, 1), (np.float32,), (complex,), ((2, 1),)])
def test_a_view_is_of_the_same_numbers(kind: Any) -> None:
    with pytest.raises(TypeError, match=r"write t\.reshape\(shape\); for numbers of another kind z\.real"):
        t.view(*kind)
    base = t * 1.0
    base.view(float)[...] = 3.0
    assert (base.view().data == 3.0).all()


def test_a_slip_of_the_pen() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'gradd'") as caught:
        getattr(t, "gradd")  # noqa: B009
    assert caught.value.name == "gradd"
    assert caught.value.obj is t
    assert not hasattr(t, "float64")


@pytest.mark.parametrize("name", [3, b"W1", ["W1"]])
def test_a_name_is_text(name: Any) -> None:
    with pytest.raises(TypeError, match="a name is text, such as 'W1'"):
        Tensor(2.0, name=name)


@pytest.mark.parametrize("thing", [3, 2.5, None, "J", np.ones(3), {"J": t}])
def test_a_graph_of_no_tensor(thing: Any) -> None:
    with pytest.raises(TypeError, match=r"graph\(\) draws what was recorded, and this is a"):
        graph(thing)


def test_what_is_not_there_is_not_set() -> None:
    with pytest.raises(AttributeError, match=r"'requires_grad': .* make constants plain arrays"):
        t.requires_grad = True
    with pytest.raises(AttributeError, match="'numpy'"):
        t.numpy = 1  # type: ignore[attr-defined]


def cost(w: Any) -> Any:
    return np.sum(w**2)


def test_what_is_returned_prints_what_it_is() -> None:
    step = compiled(cost)
    assert repr(step) == "<compiled cost: numpy, not recorded yet>"
    step(np.ones(3))
    assert repr(step) == "<compiled cost: numpy, recorded for 1 signature>"
    assert repr(compiled_loop(cost)) == "<compiled_loop of cost>"
    assert repr(grad(cost)) == "<grad of cost>"
    assert repr(compare_gradients(cost, np.ones(3), gradient=lambda w: w)).startswith(
        "<GradientReport of cost: wrong, 3 entries, difference 0.33"
    )


@pytest.mark.parametrize(
    ("f", "name"),
    [
        (
            lambda x: special.ellip_harm(1.0, 2.0, 2, 1, x),
            r"ellip_harm = tinygrad_course.register_rule\(scipy.special.ellip_harm,",
        ),
        (lambda x: special.zeta(x, 1.0), r"^scipy.special.zeta has no rule"),
        (lambda x: np.nextafter(x, 1.0), r"^np.nextafter can't be recorded"),
        (lambda x: np.subtract.accumulate(x, dtype=object), r"^np.subtract.accumulate"),
        (lambda x: np.linalg.norm(x, 3, axis=x), r"^np.linalg.norm: "),
        (np.frompyfunc(lambda v: v, 1, 1), r"^<lambda> \(vectorized\)"),
    ],
)
def test_functions_go_by_the_names_that_are_written(f: Any, name: str) -> None:
    with pytest.raises(TypeError, match=name) as told:
        f(Tensor([1.0, 2.0]))
    assert "np._" not in str(told.value)


@pytest.mark.parametrize("kind", ["divide", "over", "invalid", "under"])
def test_an_error_of_numbers_speaks_of_numbers(kind: str) -> None:
    f, word = {
        "divide": (lambda x: np.exp(x) / x, "divide by zero"),
        "over": (lambda x: x * (x + 1e300), "overflow"),
        "invalid": (lambda x: (x - x) * (x + np.inf), "invalid"),
        "under": (lambda x: (x + 1e-300) * (x + 1e-300), "underflow"),
    }[kind]
    x = np.array([1e300 if kind == "over" else 0.0, 1.0])
    with np.errstate(all="raise"):
        with pytest.raises(FloatingPointError, match=word):
            f(x)
        with pytest.raises(FloatingPointError, match=word) as told:
            grad(lambda x: np.sum(f(x)))(x)
    assert "shapes" not in str(told.value)


def straight_on() -> None:
    X, Y, W = np.ones((3, 4)), np.ones((1, 4)), Tensor(np.ones((1, 3)))
    for _ in range(4):
        J = np.mean((W @ X - Y) ** 2)
        J.backward()
        W = W - 0.5 * W.grad


t = Tensor(np.arange(5.0))


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda: t[t[2]], r"int\(i.item\(\)\)"),
        (lambda: np.arange(5.0)[t[2]], r"an index needs a plain number.*int\(t.item\(\)\)"),
        (lambda: [1, 2, 3][t[1]], r"an index or a count needs a plain number"),
        (lambda: ndimage.gaussian_filter(t, 1.0), r"ndimage.gaussian_filter takes plain numbers"),
        (lambda: ndimage.convolve(t, [1, 2]), r"ndimage.convolve takes plain numbers"),  # not signal's
        (lambda: linalg.inv(np.diag([1.0, 2.0]) * t[1]), r"np\.linalg\.inv is recorded"),
        (lambda: integrate.trapezoid(t), r"np\.trapezoid is recorded"),
        (lambda: stats.norm(0, 1).logpdf(t), r"distributions\.norm has a recorded logpdf"),
        (
            lambda: stats.multivariate_normal.logpdf(t, np.zeros(5)),
            r"distributions\.multivariate_normal has a recorded logpdf",
        ),
        (lambda: stats.multivariate_normal(np.zeros(5)).pdf(t), r"\.multivariate_normal has a recorded pdf"),
        (
            lambda: sparse.linalg.spsolve(sparse.eye_array(5, format="csc"), t),
            r"np\.linalg\.solve.*custom_rule",
        ),
        (lambda: sparse.linalg.aslinearoperator(np.eye(5)) @ t, r"write S @ t with the matrix S itself"),
        (lambda: np.asfortranarray(t), r'write y\.copy\(order="F"\)'),
        (lambda: np.asanyarray(t), r"not np\.array\(\[t1, t2\]\)\.$"),
        (lambda: np.diff([t[0], t[1]]), r"np\.diff is recorded of a Tensor.* np\.diff\(np\.stack\(\["),
        (lambda: np.sum([t, t], axis=0), r"np\.sum\(np\.stack\(\[t1, t2\]\), \.\.\.\)"),
        (lambda: np.array([[t[0], 1], [2, 3]]), r"not np\.array\(\[t1, t2\]\)\.$"),
        (lambda: integrate.quad(lambda s: s * t[1], 0, 1), r"integrate.quad takes plain numbers"),
        (lambda: special.zeta(t + 2), r"register_rule\(scipy.special.zeta"),
        (lambda: np.testing.assert_allclose(t, t), r"assert_allclose takes plain.*float\(J\)"),
        (lambda: np.vectorize(abs)(t), r"call f itself"),
        (lambda: custom_rule(np.tanh, lambda g, x: g), r"vjp number 0 takes 2 .* vjp\(g, y, (x|\*args)\)"),
        (
            lambda: custom_rule(lambda a, b: a, lambda g, y, a: g),
            r"vjp number 0 takes 3 .* vjp\(g, y, a, b\)",
        ),
        (lambda: custom_rule(lambda g, y, x: g), r"after the function: f = custom_rule\(f, vjp\)"),
        (
            lambda: grad(custom_rule(lambda x: x, lambda g, y, x: None))(1.0),
            "'<lambda>' returned None for an",
        ),
        (
            lambda: np.outer(t, t[:3]) / np.sum(np.outer(t, t[:3]), axis=1),
            r"np.sum\(..., keepdims=True\) keeps the axis",
        ),
        (lambda: t.gradient, r"t\.grad"),
        (lambda: graph(np.sum(t), names=["W"]), r"names=locals\(\)"),
        (lambda: custom_rule(np.add, lambda g, y, a, b: g)(t, t), r"argument number 2: give it a vjp"),
    ],
)
def test_what_to_write_instead(f: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError), match=words):
        f()


def test_machine_code_of_numbas() -> None:
    numba, COO = pytest.importorskip("numba"), pytest.importorskip("sparse").COO
    total, X = numba.njit(lambda x: x.sum()), COO.from_numpy(np.eye(5))
    for f in (total, lambda t: np.sum(X @ t)):
        with pytest.raises(TypeError, match=r"f\.py_func\(t\).*\(t\.T @ X\.T\)\.T"):
            f(t)
        with pytest.raises(CannotCompile, match=r"machine code|globals"):  # numba's own, or what it reads
            compiled(f)(np.arange(5.0))
    np.testing.assert_array_equal(grad(total.py_func)(np.ones(2)), [1, 1])
    np.testing.assert_array_equal(grad(lambda t: np.sum((t.T @ X.T).T))(np.ones(5)), np.ones(5))
    with pytest.raises(CannotCompile, match=r"this is a sparse\.COO|globals"):
        compiled(lambda x: x + X)(np.ones(5))


@pytest.mark.parametrize(
    "f",
    [
        lambda x, X: jvp(lambda x: x * X, (x,), (x,)),
        lambda x, X: jvp(lambda x, X: x * X, (x, X), (x, x)),
        lambda x, X: compiled(grad(lambda x: np.sum(x * X)))(x),
    ],
)
def test_numbers_among_objects(f: Any) -> None:
    X, x = np.array([1.0, 2.0, 3.0], dtype=object), np.arange(3.0)
    np.testing.assert_array_equal(grad(lambda x: np.sum(x * X))(x), [1.0, 2.0, 3.0])
    assert jvp(lambda x: np.sum(x * X), (x,), (x,)) == (8.0, 8.0)
    with pytest.raises((TypeError, CannotCompile), match=r"dtype object\).* X\.astype\(float\)"):
        f(x, X)


def test_a_loop_that_goes_on_from_computed_parameters() -> None:
    with pytest.raises(FreedGraphError, match=r"write W -= learning_rate \* W.grad"):
        straight_on()


@pytest.mark.parametrize("f", [lambda w: np.sum(np.array(w) ** 2), lambda w: np.sum(w**2)])
def test_a_list_of_numbers_is_a_list(f: Any) -> None:
    with pytest.raises(TypeError) as told:
        grad(f)([1.0, 2.0])
    assert "pass np.array([...])" in told.value.__notes__[0]
    with pytest.raises(TypeError) as told:
        grad(lambda w: np.sum(w**2))([[1.0, 2.0], [3.0, 4.0]])
    assert "pass np.array([...])" in told.value.__notes__[0]


@pytest.mark.parametrize("call", [lambda f, p: grad(f)(p), check_gradients])
def test_parameters_by_another_name_are_told(call: Any) -> None:
    given = {"W1": np.ones((1, 2)), "b1": np.zeros((1, 1))}
    with pytest.raises(KeyError) as told:
        call(lambda p: np.sum(p["w1"]), given)
    assert told.value.__notes__ == ["the parameters that <lambda> was given are called W1, b1"]
    with pytest.raises(KeyError) as told:
        call(lambda p: np.sum(p["W1"] * {}["colour"]), given)  # type: ignore[index]
    assert not hasattr(told.value, "__notes__")
    with pytest.raises(TypeError) as listed:
        call(lambda p: np.sum(p["W1"] ** 2), {"W1": [1.0, 2.0]})
    assert "pass np.array([...])" in listed.value.__notes__[0]


@pytest.mark.parametrize(("name", "room"), [("sigmoid", "functions"), ("elementwise_grad", "autodiff")])
def test_what_stands_in_another_room(name: str, room: str) -> None:
    with pytest.raises(AttributeError, match=rf"no attribute '{name}': tinygrad_course\.{room} has it$"):
        getattr(tinygrad_course, name)
    with pytest.raises(AttributeError, match=r"no attribute 'sigmod'$"):
        tinygrad_course.sigmod  # noqa: B018


def test_labels_that_would_be_lost() -> None:
    pd = pytest.importorskip("pandas")
    labels, table = pd.Series([0.0, 1.0, 1.0, 0.0, 1.0]), pd.DataFrame(np.eye(5))
    for f in (lambda x: x - labels, lambda x: labels - x):
        with pytest.raises(TypeError, match=r"^labels is a pandas.Series \(5,\).* labels.to_numpy\(\)$"):
            f(t)
    with pytest.raises(
        TypeError, match=r"^pandas would take .* lost: pass stop_gradient\(t\), or .* write X.to_numpy\(\)$"
    ):
        table.dot(t)


@pytest.mark.parametrize(
    ("index", "value", "told"),
    [
        (1, np.ones(5), "H[1] = Y: H is (3, 4) and Y is (5,) (could not broadcast"),
        (3, 0.0, "H[3] = a number: H is (3, 4) (index 3 is out of bounds for axis 0 with size 3)"),
        ((slice(None, 2), ..., 4), 0.0, "H[:2, ..., 4] = a number: H is (3, 4) (index 4 is out of bounds"),
        (np.array([0, 9]), 0.0, "H[index] = a number: H is (3, 4) (index 9 is out of bounds"),
    ],
)
def test_an_index_that_does_not_fit_is_shown(index: Any, value: Any, told: str) -> None:
    H = Tensor(np.ones((3, 4)), name="H") * 1.0
    H.name = "H"
    Y = Tensor(value) if isinstance(value, np.ndarray) else value
    with pytest.raises((ValueError, IndexError), match=re.escape(told)):
        H[index] = Y
    if "broadcast" not in told:
        with pytest.raises(IndexError, match=re.escape(told.replace(" = a number", ""))):
            H[index]


def test_a_rules_own_error_is_told_as_it_is():
    with pytest.raises(np.linalg.LinAlgError, match=r"^np.linalg.eigh: two of the values coincide"):
        jvp(lambda a: np.linalg.eigh(a)[1], (np.eye(2),), (np.ones((2, 2)),))
    with pytest.raises(AttributeError, match="sliding_window_view"):
        _ = Tensor([1.0]).strides
