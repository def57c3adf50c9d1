"""derive(): numbers and networks, names, values, errors, and the forms that it comes in."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib import mathtext
from scipy.special import expit

from models.derivations import COSTS, examples, parameters
from tinygrad_course import Tensor, derive, functions, grad, zeros_like
from tinygrad_course.derivation import DerivationError, terms


def abc():
    return Tensor(5.0, name="a"), Tensor(3.0, name="b"), Tensor(2.0, name="c")


def test_the_courses_first_graph():
    a, b, c = abc()
    d = derive(3 * (a + b * c), wrt=b)
    assert d["dJ/db"].text == "dJ/db = 3 c = 6"  # the last line of that name: the result
    assert d.parts[1].lines[-1].text == "dJ/db = dJ/dv dv/du du/db = 3 * 1 * c = 6"
    assert [line.text for line in d.parts[0].lines] == ["u = b c = 6", "v = a + u = 11", "J = 3 v = 33"]


def test_several_ways_to_the_cost():
    x = Tensor(0.7, name="x")
    d = derive(x * x + 3 * x)
    assert d.parts[1].lines[-1].text == "dJ/dx = dJ/du du/dx + dJ/dv dv/dx = 1 * 2 x + 1 * 3 = 4.4"
    assert d["dJ/dx"].text == "dJ/dx = 3 + 2 x = 4.4"


def test_a_way_without_anything_between():
    x, y = Tensor(2.0, name="x"), Tensor(3.0, name="y")
    d = derive(x * y + x, wrt=x)
    assert d.parts[1].lines[-1].text == "dJ/dx = dJ/du du/dx + ∂J/∂x = 1 * y + 1 = 4"


def test_many_ways_are_told_step_by_step():
    x = Tensor(0.3, name="x")
    y = x
    for _ in range(12):
        y = y * y + np.tanh(y)  # 4096 ways
    d = derive(y)
    assert len(d) < 120
    y.backward()
    np.testing.assert_allclose(d.parts[1].lines[-1].value, x.grad, rtol=1e-12)


def test_names_of_the_users_are_kept():
    a, b, c = abc()
    u = b * c
    v = a + u
    J = 3 * v
    d = derive(J, wrt=b, names=locals())
    assert [line.text for line in d.parts[0].lines] == ["u = b c = 6", "v = a + u = 11", "J = 3 v = 33"]
    assert "dJ/db = dJ/dv dv/du du/db" in d.text


def test_a_letter_that_is_in_use_is_passed_over():
    u, v = Tensor(1.0, name="u"), Tensor(2.0, name="v")
    d = derive(np.tanh(u * v))
    assert [line.name for line in d.parts[0].lines] == ["r", "J"]


def test_two_variables_of_one_name():
    A = Tensor(0.5, name="A")
    B = np.tanh(A).named("A")
    J = np.exp(B)
    d = derive(J)
    assert d["A'"].text.startswith("A' = tanh(A)")


@pytest.mark.parametrize("wrt", ["Tensor", "name", "list", "dict", "left out", "nested"])
def test_ways_to_say_with_respect_to_what(wrt):
    a, b, c = abc()
    J = 3 * (a + b * c)
    asked = {
        "Tensor": b,
        "name": "b",
        "list": ["b", a],
        "dict": {"b": b},
        "left out": None,
        "nested": {"l": [b, (a,)]},
    }
    assert derive(J, wrt=asked[wrt])["dJ/db"].value == 6


def test_an_intermediate_variable():
    a, b, c = abc()
    v = a + b * c
    J = 3 * v * v
    assert derive(J, wrt=v).lines[-1].value == 66


def test_the_cost_itself_and_a_leaf_for_a_cost():
    a, _, _ = abc()
    J = np.exp(a)
    assert derive(J, wrt=J).lines[-1].value == 1
    assert derive(a, wrt=a).lines[-1].right[-1].text == "1"


# ------------------------------------------------------------------ networks


def network(dtype=np.float64, m=8):
    X, Y = examples(2, m)
    W = {k: Tensor(v.data, name=k, dtype=dtype) for k, v in parameters(2, 4, 1).items()}
    A1 = np.tanh(np.dot(W["W1"], X.astype(dtype)) + W["b1"])
    return W, functions.binary_cross_entropy(expit(np.dot(W["W2"], A1) + W["b2"]), Y.astype(dtype)), Y


def test_shapes_in_the_courses_letters():
    W, J, _ = network()
    d = derive(J, wrt=W)
    assert d["dW2"].shape.text == "(n_2, n_1) = (1, 4)"
    assert d["dW1"].shape.text == "(n_1, n_x) = (4, 2)"
    assert d["dZ1"].shape.text == "(n_1, m) = (4, 8)"
    assert d["dW1"].shape.latex == "(n_{1}, n_{x}) = (4, 2)"


@pytest.mark.parametrize("m", [1, 2, 3, 8])
def test_few_examples(m):
    W, J, _ = network(m=m)
    names = {"m": m}
    d = derive(J, wrt=W, names=names)
    J.backward()
    for name, parameter in W.items():
        np.testing.assert_allclose(d[f"d{name}"].value, parameter.grad, rtol=1e-12, atol=1e-15)
    if m > 1:
        assert d["dZ2"].result == "A^[2] - Y"


def test_a_number_that_happens_to_be_m_is_no_m():
    """The 2 of a square, and of 2 W, with two examples."""
    X, Y = examples(3, 2)
    W = Tensor(np.ones((1, 3)), name="W1")
    J = np.mean((2 * np.dot(W, X) - Y) ** 2)
    d = derive(J, wrt=W, names={"X": X, "Y": Y})
    assert "2 Z^[1]" in d["J"].text
    assert "m Z" not in d.text


def test_a_freed_graph_with_its_large_values_released():
    random = np.random.RandomState(0)
    X, Y = random.randn(30, 400), (random.rand(1, 400) > 0.5) * 1.0
    W = parameters(30, 40, 1)
    J = functions.binary_cross_entropy(expit(W["W2"] @ functions.relu(W["W1"] @ X + W["b1"]) + W["b2"]), Y)
    before = derive(J, wrt=W).text
    J.backward()
    d = derive(J, wrt=W)
    assert d.text == before
    np.testing.assert_allclose(d["dW1"].value, W["W1"].grad, rtol=1e-12)


def test_gradients_of_the_users_stay_as_they_are():
    W, J, _ = network()
    J.backward(retain_graph=True)
    before = {k: v.grad.copy() for k, v in W.items()}
    derive(J, wrt=W)
    for name, parameter in W.items():
        np.testing.assert_array_equal(parameter.grad, before[name])
    J.backward()  # and the graph is not freed


def test_data_that_were_replaced_since():
    """A leaf's new data play no part as long as the recording has the old ones; after that it is said."""
    W, J, _ = network()
    kept = derive(J, wrt=W)["dW1"].value
    W["W1"].data = W["W1"].data + 1.0
    np.testing.assert_array_equal(derive(J, wrt=W)["dW1"].value, kept)
    J.backward()
    with pytest.raises(DerivationError, match=r"given new ones since\. Compute the cost again"):
        derive(J, wrt=W)


def test_float32_is_checked_in_float64():
    W, J, _ = network(np.float32)
    d = derive(J, wrt=W)
    J.backward()
    np.testing.assert_allclose(d["dW1"].value, W["W1"].grad, rtol=1e-4)


def test_zeros_for_weights_are_checked_elsewhere_too(monkeypatch):
    """All gradients of W1 are 0 here, so a wrong formula agrees; a point nearby tells."""
    from tinygrad_course.derivation import algebra

    X, Y = examples(2, 8)
    W1, W2 = Tensor(np.zeros((4, 2)), name="W1"), Tensor(np.zeros((1, 4)), name="W2")
    J = functions.binary_cross_entropy(expit(np.dot(W2, np.tanh(np.dot(W1, X)))), Y)
    assert not derive(J, wrt=W1)["dW1"].value.any()
    monkeypatch.setattr(algebra.sympy.tanh, "fdiff", lambda self, argindex=1: 1 + self**2)
    with pytest.raises(DerivationError, match="disagrees with the graph"):
        derive(J, wrt=W1)


def test_a_network_that_is_sure_of_itself():
    X, Y = examples(2, 8)
    W1 = Tensor([[1000.0, -2000.0]], name="W1")
    J = functions.binary_cross_entropy(functions.sigmoid(np.dot(W1, X)), Y)
    d = derive(J, wrt=W1)
    J.backward()
    np.testing.assert_allclose(d["dW1"].value, W1.grad, rtol=1e-12)
    assert d["dZ1"].result == "A^[1] - Y"


# ------------------------------------------------------------------ operations without a formula

W34 = np.arange(12.0).reshape(3, 4) / 7 - 0.8


def _assigned(W):
    V = W * 2
    V[0] = V[1] * V[2]
    return np.sum(V**2)


OTHERS = {
    "sort": lambda W: np.sum(np.sort(W) * W34),
    "part": lambda W: np.sum(W[1:] ** 2) + W[0, 0],
    "parts by number": lambda W: np.sum(W[np.array([0, 0, 2])] ** 2),
    "concatenate": lambda W: np.sum(np.concatenate([W, 2 * W], axis=1) ** 3),
    "stack with a constant": lambda W: np.sum(np.stack([W34, W * W]) ** 2),
    "std": np.std,
    "var": lambda W: np.var(W) * np.sum(W),
    "var of columns": lambda W: np.sum(np.var(W, axis=0) * np.arange(4.0)) + np.sum(np.var(W, axis=(0, 1))),
    "var of a vector": lambda W: np.var(W[0]) * np.std(W[:, 1], keepdims=True)[0],
    "max": lambda W: 2 * np.max(W),
    "norm": np.linalg.norm,
    "einsum": lambda W: np.sum(np.einsum("ij,kj->ik", W, W) ** 2),
    "cumsum": lambda W: np.mean(np.cumsum(W, axis=0)),
    "outer": lambda W: np.sum(np.outer(W[0], np.sum(W, axis=1)) ** 2) + np.sum(np.outer(W, W[1])),
    "sums without their axes": lambda W: np.sum(np.exp(W) / np.sum(np.exp(W), axis=0) * W34),
    "arctan2": lambda W: np.sum(np.arctan2(W, W34) + np.arctan2(W34, W * W)),
    "maximum of multiples": lambda W: np.sum(np.maximum(0.3 * W, -2 * W) + np.maximum(W, 0.1 * W)),
    "clip": lambda W: np.sum(np.clip(W, -0.5, 0.5)),
    "choices": lambda W: np.sum(np.abs(W) + np.maximum(W, 0.5) + np.minimum(W, W34 + 0.1)),
    "where": lambda W: np.sum(np.where(W34 > 0, W, W * W)),
    "leaky": lambda W: np.sum(functions.leaky_relu(W, 0.1)),
    "three axes": lambda W: np.sum(np.reshape(W, (2, 3, 2)) ** 2),
    "a vector": lambda W: np.sum(np.dot(W, np.arange(4.0)) ** 2),
    "a vector on the left": lambda W: np.sum(np.dot(np.arange(3.0), W) ** 2),
    "two vectors": lambda W: np.dot(np.sum(W, axis=1), np.sum(W, axis=1)),
    "a row times a column": lambda W: np.sum(
        np.sum(W, axis=0, keepdims=True) * np.sum(W, axis=1, keepdims=True) ** 2
    ),
    "transpose": lambda W: np.sum(np.tanh(W.T @ W)),
    "reshape": lambda W: np.sum(np.reshape(W, (4, 3)) @ W34),
    "logsumexp": lambda W: np.sum(functions.logsumexp(W)),
    "logsumexp of all": lambda W: functions.logsumexp(W, axis=None),
    "rms_norm": lambda W: np.sum(functions.rms_norm(W) * W34),
    "layer_norm of all": lambda W: np.sum(functions.layer_norm(W, axis=(0, 1)) * W34),
    "a number times a matrix": lambda W: np.sum(np.dot(0.5, W) ** 2),
    "a sum over some": lambda W: np.sum(W * W, where=W34 > 0),
    "a mean of matrices": lambda W: np.sum(np.mean(np.stack([W, W * W]), axis=(0, 1)) ** 2),
    "by columns": lambda W: np.sum(np.reshape(W, (4, 3), order="F") @ W34),
    "concatenated whole": lambda W: np.sum(np.concatenate([W, 2 * W], axis=None) ** 3),
    "assignment": _assigned,
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_operations_of_all_kinds(name):
    W = Tensor(W34 + 0.05 * np.sin(np.arange(12)).reshape(3, 4), name="W")
    J = OTHERS[name](W)
    d = derive(J, wrt=W)
    line = d.lines[-1]
    J.backward()
    np.testing.assert_allclose(np.broadcast_to(line.value, (3, 4)), W.grad, rtol=1e-10, atol=1e-12)


def test_short_forms():
    W, a, b = Tensor(W34, name="W"), Tensor(0.5, name="a"), Tensor(2.0, name="b")
    assert derive(np.linalg.norm(W - 1))["J"].text.startswith("J = ||u|| = ")
    assert "sqrt" not in derive(np.linalg.norm(W)).latex
    assert derive(np.sum(np.maximum(W, 0.1 * W)), wrt=W)["dW"].result == "1{W > 0} + 0.1 * 1{W < 0}"
    d = derive(np.log(1 + np.exp(a * b)) + np.sin(a))
    assert d["dJ/da"].text == "dJ/da = cos(a) + σ(a b) b = 2.3397"
    E = np.exp(Tensor(W34.T, name="Z"))
    A = E / np.sum(E, axis=0)
    d = derive(-np.sum(np.eye(4)[:, [0, 2, 1]] * np.log(A)) / 3, names={"E": E, "A": A})
    assert d["dA"].text == "dA = -Y/A"
    assert any(line.text.endswith("= A - Y") for line in d)
    d = derive(np.sum((np.dot(np.array([[0.0, 1.0]]), W[:2]) - np.array([1.0, 2.0, 0.5, 1.0])) ** 2))
    assert "m" not in d.text
    d = derive(np.sum(W[1:, :2]) * 3 + np.sum(np.arctan2(W, 2.0)))
    assert "3 * 1 at [1:, :2]" in d["dW"].text
    assert "\\operatorname{arctan2}" in derive(np.arctan2(a, b)).latex


# ------------------------------------------------------------------ errors


def test_errors_name_the_thing_and_the_fix():
    a, b, c = abc()
    J = 3 * (a + b * c)
    x = Tensor(np.ones(3), name="x")
    X = np.ones(3)
    for wrong, told in {
        lambda: derive(J, wrt="z"): r"no variable 'z'\. The variables of this cost are a, b, c",
        lambda: derive(J, wrt=x): r"x \(3,\) is no part of what the cost was computed from\. The variables",
        lambda: derive(
            np.sum(x * X), wrt=X, names={"X": X}
        ): r"X is a constant of this cost, a plain array.*Tensor\(X\)",
        lambda: derive(np.sum(x * X), wrt=np.ones(3)): "wrt is a ndarray; expected a Tensor, or a name",
        lambda: derive(J, wrt=[]): "wrt is \\[\\]; expected",
        lambda: derive(x * 2, wrt=x): r"has shape \(3,\): a derivation starts from a scalar cost",
        lambda: derive(np.sum(np.linalg.svd(np.outer(x, x))[1])): "one of several results of 'svd'",
        lambda: derive(np.log(a - 5)): "is -inf with these values",
    }.items():
        with np.errstate(all="ignore"), pytest.raises(DerivationError, match=told):
            wrong()
    with pytest.raises(TypeError, match="J is a float64: compute the cost from Tensors"):
        derive(np.float64(3.0))
    with pytest.raises(KeyError, match="no line is called 'dQ'; the names are"):
        derive(J)["dQ"]


@pytest.mark.long
def test_too_long_to_be_read():
    x = Tensor(0.1, name="x")
    y = x
    for _ in range(400):
        y = np.sin(y) + x
    with pytest.raises(DerivationError, match="a derivation of more than 300 lines helps nobody"):
        derive(y)
    for _ in range(3000):
        y = np.sin(y)
    with pytest.raises(DerivationError, match="operations; a derivation is for 3000 at the most"):
        derive(y)


def test_without_sympy_the_extra_is_named(monkeypatch, capsys):
    from tinygrad_course.cli import main

    a, b, c = abc()
    for name in [
        m for m in sys.modules if m.split(".")[0] == "sympy" or m.startswith("tinygrad_course.derivation.")
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sympy", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'tinygrad-course\[derive\]'"):
        derive(3 * (a + b * c))
    assert main(["derive", "a*b"]) == 2
    assert "tinygrad-course[derive]" in capsys.readouterr().err


def test_sympy_is_imported_only_when_it_is_used():
    code = "import sys, tinygrad_course; tinygrad_course.derive; sys.exit('sympy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ------------------------------------------------------------------ forms


def test_a_few_numbers_along_three_axes_are_not_written_as_a_matrix():
    K = Tensor(np.arange(8.0).reshape(2, 2, 2), name="K")
    assert derive(np.sum(K * K), wrt=K)["dK"].result == "2 K"


@pytest.mark.long
@pytest.mark.parametrize("cost", [COSTS[0], COSTS[5], COSTS[-1]], ids=lambda cost: cost.title)
def test_the_latex_is_mathematics(cost):
    """Every piece is parsed by another program: Matplotlib's reader of mathematics."""
    parse = mathtext.MathTextParser("path").parse
    J, names = cost.record()
    lines = derive(J, names=names).lines
    pieces = {
        p.latex
        for line in lines
        for p in (line.left, *line.right, *line.reasons, line.shape)
        if p is not None
    }
    assert len(pieces) > 5
    for latex in pieces - {""}:
        if "bmatrix" not in latex:
            parse(f"${latex}$")


def test_notebooks_show_mathematics():
    a, b, c = abc()
    d = derive(3 * (a + b * c), wrt=b)
    assert d._repr_latex_() == f"$\\displaystyle {d.latex}$"
    assert d._repr_markdown_() == d.markdown
    assert (
        "\\frac{dJ}{db} &= \\frac{dJ}{dv} \\frac{dv}{du} \\frac{du}{db} = 3 \\cdot 1 \\cdot c = 6" in d.latex
    )
    assert d.latex.count("\\begin{aligned}") == d.latex.count("\\end{aligned}") == 1
    assert d.markdown.count("$$") == 2 * len(d.parts)
    assert "dJ/db = 3 c = 6" in repr(d)
    assert len(d) == len(list(d)) == len(d.lines)
    assert d[0].name == "u"


def test_nothing_in_the_latex_can_break_it():
    x = Tensor(2.0, name="a_b%#$&{}\\^~\n")
    d = derive(x * x)
    mathtext.MathTextParser("path").parse(f"${d.lines[-1].left.latex.replace(chr(92) + 'backslash ', '')}$")
    assert "\n" not in d.lines[-1].text


# ------------------------------------------------------------------ the command


def command(capsys, *words):
    from tinygrad_course.cli import main

    status = main(["derive", *words])
    out, err = capsys.readouterr()
    return status, out.splitlines(), err.strip()


def test_the_command_with_values(capsys):
    status, out, _ = command(capsys, "3*(a+b*c)", "a=5", "b=3", "c=2", "--wrt", "b")
    assert status == 0
    assert "  dJ/db = dJ/dv dv/du du/db = 3 * 1 * c = 6" in out


def test_the_command_without_values_shows_no_numbers(capsys):
    status, out, _ = command(capsys, "3*(a+b*c)", "--wrt", "b")
    assert status == 0
    assert out[-1] == "  dJ/db = 3 c"
    assert "  dJ/db = dJ/dv dv/du du/db = 3 * 1 * c" in out
    status, out, _ = command(capsys, "log(a - 1) * b", "--wrt", "a, b", "--as", "latex")
    assert status == 0
    assert any("\\log\\left(a - 1\\right)" in line or "\\log(" in line for line in out)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["a +"], "no formula"),
        (["a*b", "--wrt", "z"], "no variable 'z'"),
        (["W@x", "W=[[1,2],[3,4]]", "x=[[1],[2]]"], "starts from a scalar cost"),
        (["a*b", "a"], "given as name=value"),
        (["__import__('os')"], "no function __import__"),
        (["log(0*a)"], "is infinite"),
        (["a*b", "c=2"], "has no c"),
        (["3"], "no variable"),
    ],
)
def test_the_command_refuses_kindly(capsys, words, told):
    status, out, err = command(capsys, *words)
    assert (status, out) == (2, [])
    assert told in err


def test_every_letter_is_introduced():
    a, b = Tensor(2.0), Tensor(3.0, name="b")
    J = a * b + b**2
    assert "u = 2\n  v = u b = 6\n  r = b^2 = 9\n" in str(derive(J, b))
    assert "r = b^2 = 9" in str(derive(J, a))  # no part of the way, but of J's formula
    c = Tensor(np.arange(3.0).reshape(3, 1), name="c")
    for rows, told in ((2, "[[1, 1, 1], [1, 1, 1]]   : (2, 3)"), (4, "a Tensor without a name   : (4, 3)")):
        J = np.sum(np.tanh(Tensor(np.ones((rows, 3))) @ c))
        assert f"  u = {told}\n  v = u c" in str(derive(J, c))


def test_letters_of_constants_are_introduced():
    W, x = Tensor(np.eye(2), name="W"), -np.array([0.5, 1.5])
    text = str(derive(np.sum(np.tanh(W @ x + W @ np.array([1.0, 3.0])) ** 2)))
    assert "u = [1, 3]   : (2,)\n  Z = W X + W u" in text  # X is no label, to be written -(-x)


def test_a_call_that_stands_for_itself_shows_what_it_was_given():
    x = Tensor(np.arange(1.0, 7.0).reshape(2, 3), name="x")
    y = x * 1.0
    y[0, 1:] = np.linalg.norm(x, axis=1)
    d = derive(np.einsum("ij,kj->", y, x))
    assert "norm(x, axis=1)" in d.text
    assert "index=[0, 1:])" in d.text
    assert "subscripts='ij,kj->')" in d.text
    assert "\\texttt{axis=1}" in d.latex


def test_half_of_a_sum_is_no_mean_over_four():
    W = Tensor(np.ones((3, 4)), name="W")
    a = np.tanh(W * np.arange(4.0)).named("a")
    assert derive(np.sum(a**2) / 2)["da"].result == "a"
    assert derive(np.sum(a**2) / 8)["da"].text == "da = a"  # of the summed loss


def test_a_number_over_an_array_is_one_fraction():
    K, r = Tensor(100.0, name="K"), Tensor(0.3, name="r")
    N = (K / (1 + 9 * np.exp(-r * np.arange(3.0)))).named("N")
    assert "N = K/(1 + 9 exp(-r " in str(derive(np.sum(N**2)))


def impedance():
    R, L, C = Tensor(10.0, name="R"), Tensor(0.02, name="L"), Tensor(1e-4, name="C")
    Z = (R + 314j * L + 1 / (314j * C)).named("Z")
    return np.abs(230 / Z) ** 2


def test_single_numbers_may_be_complex():
    d = derive(impedance())
    Z = 10 + 6.28j + 1 / 0.0314j
    assert f"Z = add(v, s) = ({Z:.6g})".replace("j", "i") in d.text
    for name, slope in (("R", 1.0), ("L", 314j), ("C", -1 / (314j * 1e-8))):
        expected = -2 * 230**2 * (np.conj(Z) * slope).real / abs(Z) ** 4
        np.testing.assert_allclose(d[f"d{name}"].value, expected)


def spectrum(x):
    return np.sum(np.abs(np.fft.fft(x) + (2 - 1j)) ** 2 * np.arange(3))


def wave(x):
    return np.sum(np.angle(np.exp(1j * x) * np.array([1j, 2 + 1j, 3.0])) ** 2) + np.sum(
        (x * 1j * np.conj(x * 1j)).real
    )


@pytest.mark.parametrize("f", [spectrum, wave])
def test_numbers_on_the_way_may_be_complex(f):
    x = Tensor(np.array([0.3, 0.7, -0.2]), name="x")
    d = derive(f(x))  # each line is held against the graph, imaginary parts and all
    h = 1e-6 * np.eye(3)
    slopes = [(f(x.data + e) - f(x.data - e)) / 2e-6 for e in h]
    text = d.text.split("= [")[-1].split("]")[0]
    np.testing.assert_allclose([float(v) for v in text.split(",")], slopes, rtol=1e-3)
    assert d.latex


def test_a_lost_imaginary_part_is_not_shown(monkeypatch):
    x = Tensor(np.array([0.3, 0.7, -0.2]), name="x")
    J = spectrum(x)
    sent = terms._COMPUTED[terms.Vjp]
    monkeypatch.setitem(terms._COMPUTED, terms.Vjp, lambda *of: np.real(sent(*of)))
    with pytest.raises(DerivationError, match="disagrees with the graph"):
        derive(J)


def test_constants_that_are_indices_stay_whole_numbers():
    x, places = Tensor(np.array([0.3, 0.7, -0.2]), name="x"), np.array([0, 2, 2])

    def scattered(x):
        out = zeros_like(x)
        np.add.at(out, places, x**2)
        return np.sum(np.take_along_axis(out, places, 0) ** 2 * np.array([True, False, True]))

    d = derive(scattered(x))
    assert d.text.split("= [")[-1] == f"{', '.join(f'{v:.4g}' for v in grad(scattered)(x.data))}]   : (3,)"


def test_ties_of_two_variables_are_told():
    x, y = (Tensor(np.array([0.5, -1.0]), name=name) for name in "xy")
    (line,) = (n for n in derive(np.sum(np.maximum(x, y)), wrt=x) if n.name == "dx")
    assert line.reasons[0].text == "1{0 > 0} = 1/2"
    assert line.right[0].text == "1{x - y > 0}"
    assert line.value.tolist() == [0.5, 0.5]
    assert "1{" not in str(derive(np.sum(np.maximum(x, x) ** 2)))  # and not 2 * 1{0 > 0} x


def test_numbers_side_by_side_and_e():
    x = Tensor(0.5, name="x")
    line = derive(np.exp(1 - 3 * x * x) * np.exp(2.0) - x)["dJ/dx"]
    assert line.right[0].text == "-1 - 6 * 7.38906 e x exp(-3 x^2)"
    assert line.right[0].latex.startswith("-1 - 6 \\cdot 7.38906 e x ")
