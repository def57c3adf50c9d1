"""Every formula that the page shows is what the rule computes: read from its MathML, on random arguments."""

import ast
import contextlib
import functools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.drawing.mathml import Words, evaluate
from tests.properties.test_vocabulary import CASES, outputs, variables
from tests.properties.test_vocabulary import evaluate as computed
from tinygrad_course import Tensor, functions, graph
from tinygrad_course.drawing import labels, mathematics, steps, traversal
from tinygrad_course.graph import formulas, replay
from tinygrad_course.rules.shapes import kept
from tinygrad_course.rules.table import RULES, entered_late


@pytest.fixture(autouse=True)
def all_digits(monkeypatch):
    """Numbers are shown to few digits; here the formula is held against the rule to the last."""
    monkeypatch.setattr(labels, "number", lambda value, digits=4: repr(float(value)).replace("-", "−"))


def letters(operands, **others):
    found = dict(zip(formulas.OPERANDS, operands, strict=False)) | others
    return {k: ["mi", "", k] for k in found}, found


def agree(got, expected):
    kind = np.result_type(np.asarray(expected).dtype, float)
    got, expected = np.asarray(got).astype(kind, casting="safe"), np.asarray(expected, dtype=kind)
    if got.shape != expected.shape:
        got = (
            got.reshape(expected.shape) if got.size == expected.size else np.broadcast_to(got, expected.shape)
        )
    np.testing.assert_allclose(got, expected, rtol=1e-7, atol=1e-9 * np.max(np.abs(expected), initial=1e-9))


def summed(x, shape, wanted):
    """The gradient of what was broadcast to `shape`: the sum over the copies."""
    x = np.broadcast_to(x, shape)
    extra = x.ndim - len(wanted)
    axes = tuple(i for i in range(x.ndim) if i < extra or (wanted[i - extra] == 1 and shape[i] != 1))
    return x.sum(axis=axes, keepdims=True).reshape(wanted) if axes else x


def check(node, operands, y, rng):
    """Hold the formulas of an operation against its rule; return the places of operands that have one."""
    call, scalar = node.call, all(np.ndim(x) == 0 for x in operands)
    m = {"m": operands[0].shape[-1] if np.ndim(operands[0]) else 1}
    m |= {"I": np.eye(len(operands[0]))} if np.ndim(operands[0]) else {}
    tree = formulas.result(call, operands)
    if tree is not None:
        names, values = letters(operands, **m)
        with contextlib.suppress(Words):
            agree(evaluate(mathematics.formula(tree, names, scalar=scalar), values), y)
    found: list[int] = []
    axis = node.options.get("axis")
    long = kept(np.shape(operands[0]), axis) if axis is not None and not call.rule.elementwise else None
    for place in [i for i, varies in enumerate(call.varies) if varies]:
        complex_y = np.iscomplexobj(y)
        for g in (None, rng.uniform(0.5, 1.5, np.shape(y)) * (1 + 0.5j if complex_y else 1)):
            if g is None and (complex_y or not call.rule.elementwise):  # no slope alone is shown
                continue
            tree = formulas.backward(call, place, g, y, operands)
            if tree is None:
                continue
            sent = call.sent(np.ones_like(y) if g is None else g, y, operands)[place]
            fits = long is not None and np.size(y) == np.prod(long)
            stood = {"g": g, "y": y} if not fits else {"g": np.reshape(g, long), "y": np.reshape(y, long)}
            names, values = letters(operands, **m, **stood)
            try:
                got = evaluate(mathematics.formula(tree, names, scalar=scalar), values)
            except Words:
                continue
            if call.rule.elementwise or "sums" in ast.unparse(tree):
                got = summed(got, np.shape(y), np.shape(operands[place]))
            agree(got, sent)
            found.append(place)
    return found


def check_all(g, rng):
    values = replay.forward(g)
    for node in replay.operations(g):
        operands = [values[i] for i in node.inputs]
        if node.call.rule.outputs or any(isinstance(x, tuple) for x in operands):
            continue
        with np.errstate(all="ignore"):
            yield node.op, check(node, operands, values[node.id], rng)


@pytest.mark.sampled(12)
@pytest.mark.parametrize("name", CASES)
@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_formulas_are_the_rules(name, data):
    case = CASES[name]
    call = data.draw(case.calls)
    tensors = [Tensor(v) for v in variables(call)]
    results = [y for y in outputs(computed(case, call, tensors)) if isinstance(y, Tensor)]
    if results:
        list(check_all(graph(results), np.random.default_rng(0)))


def test_most_of_the_course_has_formulas():
    rng = np.random.default_rng(0)
    W, b, X = (
        Tensor(rng.normal(size=(3, 4))),
        Tensor(rng.normal(size=(3, 1))),
        Tensor(rng.normal(size=(4, 5))),
    )
    Y = np.eye(3)[:, [0, 1, 2, 1, 0]]
    Z = functions.linear(W, X, b)
    A = functions.softmax(Z)
    costs = [
        functions.categorical_cross_entropy(A, Y), functions.binary_cross_entropy(functions.sigmoid(Z), Y),
        np.sum(functions.leaky_relu(Z)), np.sum(functions.relu(Z)), np.mean(np.log(A), axis=1).sum(),
        np.sum(functions.log_softmax(Z)), np.sum(functions.dropout(Z, 0.8, np.random.RandomState(0))),
        np.sum(functions.logsumexp(Z)), np.linalg.norm(np.tanh(np.dot(W, X) + b)),
        np.dot(W[0], W[1]) + np.trace(W @ W.T) + np.var(W), np.sum(np.outer(W[0], W[1])) - np.max(W),
    ]  # fmt: skip
    told = {}
    for J in costs:
        for op, places in check_all(graph(J), rng):
            told.setdefault(op, set()).update(places)
    assert {op for op, places in told.items() if not places} <= {"getitem", "outer"}
    assert told["binary_cross_entropy"] == {2} == told["categorical_cross_entropy"]


def test_operations_on_each_element_have_formulas():
    """With a few exceptions, the exotic of SciPy, every slope writes itself."""
    rng = np.random.default_rng(0)
    without = set()
    entered_late()
    for function, rule in RULES.items():
        if not rule.elementwise or getattr(function, "__module__", "").startswith("scipy"):
            continue
        args = [Tensor(rng.uniform(0.2, 0.8, (2, 3))) for _ in rule.vjps]
        try:
            with np.errstate(all="ignore"):  # arccosh has no value here: its formula is asked for, no number
                y = function(*args)
        except (TypeError, ValueError):
            continue
        if isinstance(y, Tensor) and str(getattr(function, "__name__", "")) in dir(np):
            (*_, node) = graph(y)
            operands = [a.data for a in args]
            slopes = [
                formulas.backward(node.call, i, None, y.data, operands) for i, v in enumerate(rule.vjps) if v
            ]
            without |= {rule.name for s in slopes if s is None}
    assert without <= {"sinc", "nan_to_num"}


def test_formulas_of_complex_numbers():
    """The conjugates stand in them, and the real part that a real operand has of a product."""
    rng = np.random.default_rng(0)
    R, L = Tensor(rng.normal(size=3), name="R"), Tensor(0.5, name="L")
    Z = R + 2j * L
    J = np.sum(np.abs((1 - 2j) / Z) * np.real(Z * np.conj(R * Z))) + np.abs(1j * L)
    told = {}
    for op, places in check_all(graph(J), rng):
        told.setdefault(op, set()).update(places)
    assert all(told.values())
    g = graph(J)
    (leaf,) = (n.id for n in g if n.name == "L")
    told = [s for step in steps.steps(g, traversal.through(g), steps.Names(g)) for s in step.get("sends", ())]
    shown = [mathematics.text(sent["math"][-1]) for sent in told if sent["node"] == leaf]
    assert len(shown) == 2
    assert all(" = Re(" in told for told in shown)


@pytest.mark.parametrize("function", [np.arctan2, np.hypot])
def test_no_formula_calls_what_only_the_rules_know(function):
    """The guard of a quotient is left out where nothing is divided by 0, and written where it is needed."""
    rng = np.random.default_rng(0)
    for a, b in (rng.normal(size=(2, 2, 3)), np.array([[3.0, 0.0], [4.0, 0.0]])):
        (*_, node) = g = graph(function(Tensor(a), Tensor(b)))
        for place in (0, 1):
            tree = formulas.backward(node.call, place, None, node.value, [a, b])
            assert "quotient" not in ast.unparse(tree)
        assert [places for _, places in check_all(g, rng)] == [[0, 0, 1, 1]]


@pytest.mark.parametrize(
    ("where", "key", "wrong"),
    [
        ("WRITTEN", "exp", "2**a"), ("WRITTEN", "log1p", "log(a)"), ("WRITTEN", "square", "2 * a"),
        ("WHOLE", "mean", ("total(a, x)", "spread(g) / n")),
        ("WHOLE", "mean", ("total(a, x) / n", "spread(g)")),
        ("WHOLE", "linear", ("a @ b + c", "g @ b", "a.T @ g", "sums(g)")),
        ("WHOLE", "linear", ("a @ b + c", "g @ b.T", "a @ g", "sums(g)")),
        ("WHOLE", "softmax", ("log(softmax(a, x))",)),
        ("WHOLE", "binary_cross_entropy", ("-total(b * log(a))", "", "", "g * (a - b)")),
    ],
)  # fmt: skip
def test_a_wrong_formula_is_noticed(monkeypatch, where, key, wrong):
    test_most_of_the_course_has_formulas()
    monkeypatch.setitem(getattr(formulas, where), key, wrong)
    W = Tensor(np.random.default_rng(1).uniform(0.5, 1.5, (3, 3)))
    J = np.sum(np.exp(W)) + np.sum(np.log1p(W)) + np.sum(np.square(W))
    told = []
    first = functools.partial(check_all, graph(J), np.random.default_rng(0))
    for what in (lambda: list(first()), test_most_of_the_course_has_formulas):
        try:
            what()
        except (AssertionError, ValueError) as error:  # ValueError: shapes that do not fit
            told.append(error)
    assert told


@pytest.mark.parametrize(
    ("op", "wrong"),
    [("tanh", "sin"), ("cos", "sin"), ("sin", "cos"), ("sigma", "tanh"), ("total", "mean"), ("log", "log2")],
)
def test_a_wrong_word_is_noticed(monkeypatch, op, wrong):
    """As if the printer took one function for another: tanh drawn as sin(a)."""
    written = mathematics._Writer._called
    monkeypatch.setattr(
        mathematics._Writer,
        "_called",
        lambda self, name, args: written(self, wrong if name == op else name, args),
    )
    W = Tensor(np.random.default_rng(1).uniform(0.5, 1.5, (3, 3)))
    J = np.sum(np.tanh(W)) + np.sum(np.sin(W)) + np.sum(np.cos(W)) + np.sum(np.log(functions.sigmoid(W)))
    with pytest.raises(AssertionError):
        list(check_all(graph(J), np.random.default_rng(0)))


def test_a_missing_transpose_is_noticed(monkeypatch):
    written = mathematics._Writer._written

    def without(self, tree):
        return written(self, tree.value if isinstance(tree, ast.Attribute) else tree)

    monkeypatch.setattr(mathematics._Writer, "_written", without)
    W, X = Tensor(np.random.default_rng(1).normal(size=(3, 3))), np.random.default_rng(2).normal(size=(3, 3))
    for J in (np.sum(np.dot(W, X) ** 2), np.sum((W @ W) ** 2)):
        with pytest.raises(AssertionError):
            list(check_all(graph(J), np.random.default_rng(0)))
