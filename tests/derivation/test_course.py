"""The course's costs are derived to the course's own formulas, however the forward pass was written."""

import functools

import numpy as np
import pytest
from scipy.special import expit

from models import derivations
from models.derivations import COSTS, MISTAKES, examples, parameters
from tinygrad_course import Tensor, derive, functions

BY_TITLE = {cost.title: cost for cost in COSTS}


@functools.cache
def derived(cost):
    """The derivation as it stands in the document."""
    return cost.derivation()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("cost", COSTS, ids=lambda cost: cost.title)
def test_every_formula_is_the_courses(cost):
    derivation = derived(cost)
    backward = derivation.parts[-1].lines
    assert {line.name: line.result for line in backward if line.name in cost.formulas} == cost.formulas
    assert {line.name for line in backward} <= set(cost.formulas), "a line that the course does not have"


@pytest.mark.parametrize("cost", COSTS, ids=lambda cost: cost.title)
def test_the_lines_values_are_gradients_by_central_differences(cost):
    """An oracle that knows nothing of the graph: the cost computed again with one entry moved."""
    J, _ = cost.record()
    derivation = derived(cost)
    leaves = {n.name: n.tensor for n in _graph(J) if n.op is None and n.tensor is not None}
    for name, leaf in leaves.items():
        line = derivation[f"d{name}" if f"d{name}" in {x.name for x in derivation} else f"dJ/d{name}"]
        numerical = np.zeros(leaf.shape)
        for index in np.ndindex(leaf.shape):
            above, below = (_moved(cost, name, index, sign * 1e-6) for sign in (1, -1))
            numerical[index] = (above - below) / 2e-6
        m = leaf.shape[1] if name == "a_prev" else 1  # a column for each example: of the summed loss
        np.testing.assert_allclose(np.reshape(line.value, leaf.shape), m * numerical, atol=1e-8)


def _graph(J):
    from tinygrad_course.graph import graph

    return graph(J)


def _moved(cost, name, index, step):
    """The cost with one entry of one leaf moved."""
    real = derivations.Tensor

    def moved(data, name_=None, **options):
        data = np.array(data, dtype=float)
        if options.get("name") == name:
            data[index] += step
        return real(data, **options)

    derivations.Tensor = moved
    try:
        J, _ = cost.record()
    finally:
        derivations.Tensor = real
    return J.item()


@pytest.mark.long
def test_the_document_is_up_to_date(capsys):
    assert derivations.main(["--check"]) == 0, capsys.readouterr().out


def test_the_document_names_every_cost_and_every_formula():
    text = derivations.DOCUMENT.read_text(encoding="utf-8")
    for cost in COSTS:
        assert f"## {cost.title}\n" in text
        section = text.split(f"## {cost.title}\n")[1].split("\n## ")[0]
        for line in derived(cost):
            assert line.right[-1].latex in section
    for mistake in MISTAKES:
        assert mistake.formula in text


# ------------------------------------------------------------------ the forward pass in other words


def planar_with(cost, Z="dot", sigmoid="exp", named=True):
    """The planar network in one of many ways to write it."""
    X, Y = examples(2, 8)
    m = X.shape[1]
    W1, b1, W2, b2 = parameters(2, 4, 1).values()
    affine, last = AFFINE[Z], SIGMOIDS[sigmoid]
    Z1 = affine(W1, X, b1)
    A1 = np.tanh(Z1)
    Z2 = affine(W2, A1, b2)
    A2 = last(Z2)
    J = COST_CODE[cost](A2, Y, m)
    return J, ({"X": X, "Y": Y, "Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2} if named else {})


def formulas_of(derivation, names):
    """The last formula of each line; after that of dW and db stand the numbers."""
    return {n: derivation[n].right[0 if n[:2] in {"dW", "db"} else -1].text for n in names}


AFFINE = {
    "dot": lambda W, A, b: np.dot(W, A) + b,
    "@": lambda W, A, b: W @ A + b,
    "matmul": lambda W, A, b: np.add(b, np.matmul(W, A)),
    "linear": functions.linear,
}
SIGMOIDS = {
    "exp": lambda z: 1 / (1 + np.exp(-z)),
    "one first": lambda z: 1.0 / (np.exp(-z) + 1),
    "expit": expit,
    "functions": functions.sigmoid,
    "power": lambda z: (1 + np.exp(-z)) ** -1,
    "positive": lambda z: np.exp(z) / (1 + np.exp(z)),
}
COST_CODE = {
    "sum": lambda A, Y, m: -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m,
    "1/m first": lambda A, Y, m: -1 / m * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)),
    "1/m float": lambda A, Y, m: (-1.0 / m) * (np.sum(Y * np.log(A)) + np.sum((1 - Y) * np.log(1 - A))),
    "multiply": lambda A, Y, m: -np.sum(np.multiply(np.log(A), Y) + np.multiply(np.log(1 - A), 1 - Y)) / m,
    "minus inside": lambda A, Y, m: (
        1.0 / m * np.sum(np.multiply(-np.log(A), Y) + np.multiply(-np.log(1 - A), 1 - Y))
    ),
    "mean": lambda A, Y, m: -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A)),
    "mean of loss": lambda A, Y, m: np.mean(-(Y * np.log(A) + (1 - Y) * np.log(1 - A))),
    "an axis": lambda A, Y, m: np.squeeze(
        np.sum(-Y * np.log(A) - (1 - Y) * np.log(1 - A), axis=1, keepdims=True) / m
    ),
    "dot": lambda A, Y, m: np.squeeze(-1 / m * (np.dot(Y, np.log(A).T) + np.dot(1 - Y, np.log(1 - A).T))),
    "dot turned": lambda A, Y, m: -(np.dot(np.log(A), Y.T) + np.dot(np.log(1 - A), (1 - Y).T)) / m,
    "functions": lambda A, Y, m: functions.binary_cross_entropy(A, Y),
}  # fmt: skip


@pytest.mark.sampled(6)
@pytest.mark.parametrize("named", [True, False], ids=["named", "unnamed"])
@pytest.mark.parametrize("cost", COST_CODE)
def test_the_cost_in_other_words(cost, named):
    J, names = planar_with(cost, named=named)
    derivation = derive(J, names=names)
    expected = BY_TITLE["One hidden layer: tanh, sigmoid"].formulas
    assert formulas_of(derivation, expected) == expected


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("Z", "sigmoid"), [*((Z, "exp") for Z in AFFINE), *(("linear", s) for s in SIGMOIDS)]
)
def test_the_layers_in_other_words(Z, sigmoid):
    J, names = planar_with("sum", Z, sigmoid)
    derivation = derive(J, names=names)
    expected = BY_TITLE["One hidden layer: tanh, sigmoid"].formulas
    assert formulas_of(derivation, expected) == expected


RELUS = {
    "maximum": lambda Z: np.maximum(0, Z),
    "maximum turned": lambda Z: np.maximum(Z, 0.0),
    "functions": functions.relu,
}


@pytest.mark.parametrize("relu", RELUS)
def test_relu_in_other_words(relu):
    X, Y = examples(3, 8)
    W1, b1, W2, b2 = parameters(3, 4, 1).values()
    A1 = RELUS[relu](np.dot(W1, X) + b1)
    J = functions.binary_cross_entropy(expit(np.dot(W2, A1) + b2), Y)
    assert derive(J, wrt=W1)["dZ1"].result == "W^[2]T dZ^[2] * 1{Z^[1] > 0}"


@pytest.mark.parametrize("way", ["functions", "raw", "shifted", "log_softmax", "from logits"])
def test_softmax_in_other_words(way):
    X, _ = examples(2, 8)
    Y = functions.one_hot([0, 2, 1, 1, 0, 2, 0, 1], 3)
    W1, b1, W2, b2 = parameters(2, 4, 3).values()
    Z2 = (np.dot(W2, np.tanh(np.dot(W1, X) + b1)) + b2).named("Z2")
    if way == "functions":
        J = functions.categorical_cross_entropy(functions.softmax(Z2), Y)
    elif way == "from logits":
        J = functions.softmax_cross_entropy(Z2, Y)
    elif way == "log_softmax":
        J = -np.sum(Y * functions.log_softmax(Z2)) / 8
    else:
        E = np.exp(Z2 - np.max(Z2, axis=0, keepdims=True)) if way == "shifted" else np.exp(Z2)
        J = -np.sum(Y * np.log(E / np.sum(E, axis=0, keepdims=True))) / 8
    line = derive(J, wrt=W2)["dZ2"]
    assert line.result == ("softmax(Z^[2]) - Y" if way == "log_softmax" else "A^[2] - Y")
    A2 = functions.softmax(Z2.data)
    np.testing.assert_allclose(line.value, A2 - Y, atol=1e-14)


@pytest.mark.parametrize("way", ["drop", "multiply", "in place", "factor"])
def test_dropout_in_other_words(way):
    X, Y = examples(2, 8)
    keep_prob = 0.86
    W1, b1, W2, b2 = parameters(2, 4, 1).values()
    D1 = np.random.RandomState(1).rand(4, 8) < keep_prob
    A1 = functions.relu(np.dot(W1, X) + b1)
    if way == "drop":
        A1 = functions.drop(A1, D1, keep_prob)
    elif way == "multiply":
        A1 = np.multiply(A1, D1) / keep_prob
    elif way == "in place":
        A1 *= D1
        A1 /= keep_prob
    else:
        A1 = A1 * (D1 / keep_prob)
    J = functions.binary_cross_entropy(expit(np.dot(W2, A1) + b2), Y)
    derivation = derive(J, wrt=W1, names=locals())
    assert derivation["dZ1"].result == "W^[2]T dZ^[2] * 1{Z^[1] > 0} * D^[1]/keep_prob"
    dA1 = np.dot(W2.data.T, derivation["dZ2"].value) * D1 / keep_prob  # the course's backward pass
    np.testing.assert_allclose(derivation["dZ1"].value, np.where(A1.data > 0, dA1, 0), atol=1e-14)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("way", ["l2_term", "raw", "half first", "no name"])
def test_l2_in_other_words(way):
    X, Y = examples(2, 8)
    m, lambd = 8, 0.7
    W1, b1, W2, b2 = parameters(2, 4, 1).values()
    A2 = expit(np.dot(W2, np.tanh(np.dot(W1, X) + b1)) + b2)
    cross_entropy_cost = functions.binary_cross_entropy(A2, Y)
    squares = np.sum(np.square(W1)) + np.sum(np.square(W2))
    J = (
        cross_entropy_cost
        + {
            "l2_term": lambda: functions.l2_term({"W1": W1, "W2": W2}, lambd, m),
            "raw": lambda: lambd / (2 * m) * squares,
            "half first": lambda: 1.0 / m * lambd / 2 * squares,
            "no name": lambda: squares * lambd / (2 * m),
        }[way]()
    )
    names = {"lambd": lambd} if way != "no name" else {}
    strength = "λ" if names else "0.7"
    if way == "half first":  # 1/m is multiplied by 0.7 before the graph sees it
        strength = "λ"
    derivation = derive(J, wrt=[W1, W2], names=names)
    assert derivation["dW1"].right[0].text == f"(1/m) dZ^[1] X^T + ({strength}/m) W^[1]"
    assert derivation["dW2"].right[0].text == f"(1/m) dZ^[2] A^[1]T + ({strength}/m) W^[2]"


@pytest.mark.parametrize("way", ["raw", "numpy", "functions"])
def test_batch_normalisation_in_other_words(way):
    X, Y = examples(2, 8)
    W1 = Tensor(np.array([[0.5, -0.3], [0.2, 0.7], [0.1, 0.4]]), name="W1")
    gamma, beta = (Tensor(np.full((3, 1), v), name=name) for v, name in ((1.5, "gamma"), (0.3, "beta")))
    Y, Z = np.repeat(Y, 3, axis=0), np.dot(W1, X)
    names = {"X": X, "Y": Y, "Z": Z}
    if way == "functions":
        Z_tilde = functions.batch_norm(Z, gamma, beta)[0]
    elif way == "numpy":
        Z_norm = (Z - np.mean(Z, axis=1, keepdims=True)) / np.sqrt(np.var(Z, axis=1, keepdims=True) + 1e-5)
        Z_tilde = gamma * Z_norm + beta
        names |= {"Z_norm": Z_norm}
    else:
        mu = np.sum(Z, axis=1, keepdims=True) / 8
        sigma2 = np.mean(np.square(Z - mu), axis=1, keepdims=True)
        Z_norm = (Z - mu) / (sigma2 + 1e-5) ** 0.5
        Z_tilde = np.add(np.multiply(gamma, Z_norm), beta)
        names |= {"mu": mu, "sigma2": sigma2, "Z_norm": Z_norm}
    J = functions.binary_cross_entropy(functions.sigmoid(Z_tilde.named("Z_tilde")), Y)
    derivation = derive(J, names=names)
    assert "var'" not in derivation.text
    assert "standardize" not in derivation.text
    dZ_norm, z, s = (derivation[n].value for n in ("dZ_norm", "Z_norm", "Z"))
    known = (dZ_norm - dZ_norm.mean(1, keepdims=True) - z * (dZ_norm * z).mean(1, keepdims=True)) / np.sqrt(
        s.var(1, keepdims=True) + 1e-5
    )  # Ioffe and Szegedy (2015), put together
    np.testing.assert_allclose(derivation["dZ"].value, known, atol=1e-13)


@pytest.mark.parametrize("way", ["raw", "functions", "attention"])
def test_attention_in_other_words(way):
    random = np.random.RandomState(1)
    Q, K, V = (Tensor(random.randn(4, 3), name=name) for name in "QKV")
    G = random.randn(4, 3)
    if way == "attention":
        C = functions.attention(Q, K, V)
    else:
        S = np.matmul(Q, np.swapaxes(K, 0, 1)) / np.sqrt(3)
        A = (
            functions.softmax(S, axis=-1)
            if way == "functions"
            else np.exp(S) / np.sum(np.exp(S), 1, keepdims=True)
        )
        C = A @ V
    derivation = derive(np.sum(C.named("C") * G), names={"G": G})
    assert "'(" not in derivation.text, "a rule that is not written out"
    assert derivation["dV"].result.endswith("^T dC")
    E = np.exp(Q.data @ K.data.T / np.sqrt(3))
    A = E / E.sum(1, keepdims=True)
    dA = G @ V.data.T
    dS = A * (dA - np.sum(dA * A, axis=1, keepdims=True))
    np.testing.assert_allclose(derivation["dQ"].value, dS @ K.data / np.sqrt(3), atol=1e-14)
    np.testing.assert_allclose(derivation["dK"].value, dS.T @ Q.data / np.sqrt(3), atol=1e-14)


@pytest.mark.parametrize("way", ["raw", "rnn_cell"])
def test_a_recurrent_step_in_other_words(way):
    random = np.random.RandomState(1)
    shapes = {"Wax": (5, 3), "Waa": (5, 5), "Wya": (2, 5), "ba": (5, 1), "by": (2, 1)}
    p = {name: Tensor(random.randn(*shape), name=name) for name, shape in shapes.items()}
    xt, a_prev, Y = random.randn(3, 4), random.randn(5, 4), functions.one_hot([0, 1, 1, 0], 2)
    if way == "raw":
        a_next = np.tanh(p["Waa"] @ a_prev + p["Wax"] @ xt + p["ba"])
        Z = p["Wya"] @ a_next + p["by"]
        yt = np.exp(Z) / np.sum(np.exp(Z), axis=0, keepdims=True)
    else:
        a_next, yt, _ = functions.rnn_cell(a_prev, xt, p)
    J = -np.sum(Y * np.log(yt)) / 4
    derivation = derive(J, names={"xt": xt, "a_prev": a_prev, "Y": Y, "a_next": a_next, "yt": yt})
    results = {n: derivation[n].right[0].text for n in ("dWya", "dWaa", "dWax", "dby")}
    step, out = (results[n].split()[1] for n in ("dWaa", "dWya"))
    assert results == {
        "dWya": f"(1/m) {out} a_next^T",
        "dWaa": f"(1/m) {step} a_prev^T",
        "dWax": f"(1/m) {step} xt^T",
        "dby": f"(1/m) Σ_i {out}^(i)",
    }
    assert derivation[out].result == "yt - Y"
    assert derivation[step].result == f"Wya^T {out} * (1 - a_next^2)"


@pytest.mark.parametrize("way", ["concatenate", "vstack", "lstm_cell"])
def test_a_step_of_an_lstm_in_other_words(way):
    random = np.random.RandomState(1)
    p = {f"W{g}": Tensor(random.randn(3, 5), name=f"W{g}") for g in "fico"}
    p |= {f"b{g}": Tensor(random.randn(3, 1), name=f"b{g}") for g in "fico"}
    a_prev, c_prev = (Tensor(random.randn(3, 4), name=name) for name in ("a_prev", "c_prev"))
    xt, G = random.randn(2, 4), random.randn(3, 4)
    if way == "lstm_cell":
        (a_next, c_next), _, (_, _, _, _, ft, it, cct, ot, _, _) = functions.lstm_cell(
            (a_prev, c_prev), xt, p
        )
    else:
        concat = getattr(np, way)((a_prev, xt))
        ft, it, ot = (expit(p[f"W{g}"] @ concat + p[f"b{g}"]) for g in "fio")
        cct = np.tanh(p["Wc"] @ concat + p["bc"])
        c_next = ft * c_prev + it * cct
        a_next = ot * np.tanh(c_next)
    names = {"xt": xt, "G": G, "ft": ft, "it": it, "cct": cct, "ot": ot, "c_next": c_next, "a_next": a_next}
    derivation = derive(np.sum(a_next * G), names=names)
    assert "'_" not in derivation.text, "a rule that is not written out"
    assert derivation["da_prev"].result.endswith("[0:3]")
    f, i, c, o, c_new = (x.data for x in (ft, it, cct, ot, c_next))  # the course's lstm_cell_backward
    dc = G * o * (1 - np.tanh(c_new) ** 2)
    gates = {
        "f": dc * c_prev.data * f * (1 - f),
        "i": dc * c * i * (1 - i),
        "c": dc * i * (1 - c**2),
        "o": G * np.tanh(c_new) * o * (1 - o),
    }
    np.testing.assert_allclose(
        derivation["da_prev"].value, sum(p[f"W{g}"].data[:, :3].T @ dz for g, dz in gates.items()), atol=1e-13
    )
    for g, dz in gates.items():
        expected = dz @ np.concatenate([a_prev.data, xt]).T
        np.testing.assert_allclose(derivation[f"dW{g}"].value, expected, atol=1e-13)


@pytest.mark.parametrize("rows", [False, True])
def test_labels_in_other_words(rows):
    """log p[y, i] is what one-hot labels pick."""
    Z, y = Tensor(np.random.RandomState(1).randn(3, 4), name="Z"), np.array([2, 0, 1, 1])
    if rows:
        W = Tensor(Z.data.T, name="W")
        log_p = W - np.log(np.sum(np.exp(W), axis=1, keepdims=True))
        line = derive(-np.mean(log_p[np.arange(4), y]), wrt=W)["dW"]
        expected = (functions.softmax(Z.data) - functions.one_hot(y, 3)).T / 4
    else:
        line = derive(functions.cross_entropy(Z, y))["dZ"]
        assert line.result == "softmax(Z) - Y"
        expected = functions.softmax(Z.data) - functions.one_hot(y, 3)
    np.testing.assert_allclose(line.value, expected, atol=1e-14)


# ------------------------------------------------------------------ what is wrong


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.formula[:40])
def test_wrong_formulas_differ(mistake):
    known = derivations.values()
    difference = mistake.difference(known)
    assert isinstance(difference, tuple) or difference > 0.1
    if isinstance(difference, tuple):
        assert difference != known[mistake.line].shape


def test_sigmoids_derivative_with_the_wrong_sign_is_as_wrong_as_can_be():
    assert MISTAKES[0].difference(derivations.values()) == pytest.approx(1.0, abs=1e-12)


def test_a_cost_with_log10_has_another_derivative_than_the_notes_claim():
    X, Y = examples(2, 8)
    W1, b1, W2, b2 = parameters(2, 4, 1).values()
    A2 = expit(np.dot(W2, np.tanh(np.dot(W1, X) + b1)) + b2).named("A2")
    natural = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / 8
    base_10 = -np.sum(Y * np.log10(A2) + (1 - Y) * np.log10(1 - A2)) / 8
    lines = [derive(J, wrt=A2, names={"Y": Y})["dA2"] for J in (natural, base_10)]
    assert "log(10)" in lines[1].text
    assert "log(10)" not in lines[0].text
    np.testing.assert_allclose(lines[0].value, lines[1].value * np.log(10), rtol=1e-12)


def test_a_formula_that_is_wrong_is_not_shown(monkeypatch):
    """The check before a line is shown: with sigmoid' = a(a - 1) built in, derive() refuses."""
    from tinygrad_course.derivation import DerivationError, algebra

    monkeypatch.setattr(algebra.sigmoid, "fdiff", lambda self, argindex=1: self * (self - 1))
    J, names = planar_with("sum")
    with pytest.raises(DerivationError, match=r"dZ\^\[2\] disagrees with the graph"):
        derive(J, names=names)


def test_the_scale_of_dZ_is_the_courses():
    """dZ2 = A2 - Y, while dJ/dZ2 is (A2 - Y)/m."""
    W = Tensor(np.array([[0.3, -0.2]]), name="W1")
    X, Y = examples(2, 8)
    Z1 = np.dot(W, X).named("Z1")
    J = functions.binary_cross_entropy(functions.sigmoid(Z1), Y)
    line = derive(J, wrt=Z1)["dZ1"]
    J.backward()
    np.testing.assert_allclose(line.value, 8 * Z1.grad, rtol=1e-12)
