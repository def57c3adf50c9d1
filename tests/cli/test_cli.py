"""The command line, and formulas that are read and never evaluated."""

import ast
import builtins
import contextlib
import math
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_course import Tensor
from tinygrad_course.cli import main
from tinygrad_course.cli import typed as expressions
from tinygrad_course.cli.typed import CONSTANTS, FUNCTIONS, ExpressionError, evaluate, values_of


def told(capsys):
    out, err = capsys.readouterr()
    return out.splitlines(), err.strip()


def test_the_courses_example(capsys, tmp_path):
    target = tmp_path / "J.png"
    assert main(["graph", "3*(a + b*c)", "a=5", "b=3", "c=2", "-o", str(target)]) == 0
    assert told(capsys) == (["J = 33", "dJ/da = 3", "dJ/db = 6", "dJ/dc = 9", str(target)], "")
    assert target.read_bytes().startswith(b"\x89PNG")


def test_as_a_program(tmp_path):
    words = ["graph", "sum(sigmoid(w*x))", "w=0", "x=[1,2,3]", "-o", "J.dot", "--title", "σ"]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tinygrad_course", *words],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == ["J = 1.5", "dJ/dw = 1.5"]
    assert "label=<σ>, labelloc=t" in (tmp_path / "J.dot").read_text(encoding="utf-8")


REFUSED = {
    "__import__('os')": "no function __import__",
    "(1).__class__": r"only \.T can be asked here, not \.__class__",
    "9**9**9": "infinite",
    "a.__init__.__globals__": r"not \.__globals__",
    "np.load('x')": "no function load",
    "np.np.exp(a)": "only a function can be called",
    "().__class__.__bases__[0]": "can't stand in a formula",
    "(lambda: 1)()": "only a function can be called",
    "[a for a in b]": "can't stand in a formula",
    "f'{a}'": "can't stand in a formula",
    "'a'": "numbers, variables, operators",
    "True": "numbers, variables, operators",
    "1j": "numbers, variables, operators",
    "a if b else c": "can't stand in a formula",
    "a := 5": "no formula",
    "a = 5": "no formula",
    "a; b": "no formula",
    "exp(x=a)": "by position",
    "exp(*a)": "can't stand in a formula",
    "exp": "exp is a function: give it an argument",
    "a ^ 2": r"a power is written \*\*",
    "[1, 2] * a": "give the list a name",
    "open(a)": "no function open",
    "": "no formula",
    "3 *": "no formula",
    "(" * 250 + "a" + ")" * 250: "no formula|too many",
    "-" * 1900 + "a": "no formula|too many",
    "a\x00": "no formula",
    "a" * 3000: "3000 characters are too many",
    "exp(1000*a)": r"exp\(1000\*a\) is infinite",
    "log(a - 2)": r"log\(a - 2\) is no real number",
    "(a - 2)**0.5": r"\(a - 2\)\*\*0.5 is no real number",
    "1/(a - 1)": r"1/\(a - 1\) is infinite",
    "1/0 + a": "1/0: ",
    "1 + 2": "has no variable",
    "exp()": r"exp\(\): ",
    "a + zz": "zz has no value: add one, such as zz=2",
}


@pytest.mark.parametrize("formula", REFUSED)
def test_what_is_not_on_the_list_is_refused(formula):
    used = set(re.findall(r"\b[abc]\b", formula))
    with pytest.raises(ExpressionError, match=REFUSED[formula]):
        evaluate(formula, dict.fromkeys(used, "1"))


def test_nothing_is_evaluated(monkeypatch):
    def never(*_args, **_kwargs):
        raise AssertionError("evaluated")

    for name in ("eval", "exec"):
        monkeypatch.setattr(builtins, name, never)
    for formula in REFUSED:
        with pytest.raises(ExpressionError):
            evaluate(formula, {})
    assert evaluate("a + 1", {"a": "1"}).item() == 2


@given(st.text(max_size=60))
def test_any_text_is_a_formula_or_an_error(text):
    with contextlib.suppress(ExpressionError):
        assert isinstance(evaluate(text, {"a": "2"}), Tensor)


formulas = st.recursive(
    st.sampled_from(["a", "b", "2", "0.5", "pi"]),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*"]), inner),
        st.builds("{}({})".format, st.sampled_from(["tanh", "sin", "np.cos", "sigmoid", "arctan"]), inner),
        st.builds("-{}".format, inner),
        st.builds("{} ** 2".format, st.sampled_from(["a", "b", "(a - b)"])),
    ),
    max_leaves=12,
)


@given(formulas, st.floats(-2, 2), st.floats(-2, 2))
def test_formulas_mean_what_python_means(formula, a, b):
    """Python's own reading of the same text is the oracle (these texts are harmless)."""
    tree = compile(ast.parse(formula, mode="eval"), "<formula>", "eval")
    names = {**FUNCTIONS, **CONSTANTS, "np": np, "a": a, "b": b}
    expected = eval(tree, {"__builtins__": {}}, names)  # noqa: S307
    used = {n.id for n in ast.walk(ast.parse(formula)) if isinstance(n, ast.Name)} & {"a", "b"}
    if not used:
        with pytest.raises(ExpressionError, match="has no variable"):
            evaluate(formula, {})
        return
    J = evaluate(formula, {name: repr({"a": a, "b": b}[name]) for name in used})
    assert math.isclose(J.item(), expected, rel_tol=1e-12, abs_tol=1e-12)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", 5.0),
        ("-1e-3", -1e-3),
        ("[1, 2]", [1, 2]),
        ("((1, 2), (3, 4))", [[1, 2], [3, 4]]),
        ("1_000", 1000),
    ],
)
def test_values(text, expected):
    assert np.array_equal(expressions.value("x", text), expected)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x", "[[1], [2, 3]]", "rows of equal length"),
        ("x", "os", "a value is a number"),
        ("x", "", "a value is a number"),
        ("x", "True", "a value is a number"),
        ("x", "1+2", "a value is a number"),
        ("x", "[[[1]]]", "one or two axes"),
        ("x", "[]", "between 1 and 4096"),
        ("x", f"[{'1,' * 5000}]", "between 1 and 4096"),
        ("x", "1e999", "too large"),
        ("x", "9" * 400, "too large"),
        ("exp", "1", "exp is a function"),
        ("a b", "1", "a word"),
        ("2", "1", "a word"),
    ],
)
def test_values_that_are_none(name, text, message):
    with pytest.raises(ExpressionError, match=message):
        expressions.value(name, text)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["3*a", "5"], "5: a value is given as name=value"),
        (["3*a", "a=1", "a=2"], "a has a value already, 1"),
        (["3*a", "a=1", "d=4"], r"the formula 3\*a has no d"),
        (["a@b", "a=[1,2]", "b=[1,2,3]"], r"a @ b: a is \(2,\) and b is \(3,\)"),
        (["3*a", "a=1", "-o", "J.bmp"], r"\.bmp is not"),
        (["3*a", "a=1", "-o", "nowhere/J.png"], "no directory"),
        (["3*a", "a=1", "-o", "J.png", "--scale", "0"], "a scale is a factor"),
    ],
)
def test_errors_are_one_line_and_status_two(capsys, words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["graph", *words]) == 2
    _, err = told(capsys)
    assert err.startswith("tinygrad-course: ")
    assert "\n" not in err
    assert re.search(message, err)
    assert not list(tmp_path.iterdir())


def test_a_formula_may_begin_with_a_minus(capsys):
    assert main(["graph", "-a*b", "a=2", "b=-3"]) == 0
    assert told(capsys)[0] == ["J = 6", "dJ/da = 3", "dJ/db = -2"]


def test_no_gradient_where_the_result_is_no_scalar(capsys):
    assert main(["graph", "x @ W", "x=[[1,2]]", "W=[[1,0],[0,1]]"]) == 0
    out, _ = told(capsys)
    assert out[0] == "J = [[1., 2.]]"
    assert "no single number" in out[1]


def test_values_of():
    assert values_of(["a=5", "x = [1, 2]"]) == {"a": "5", "x": "[1, 2]"}


def test_help_and_version(capsys):
    assert main([]) == 2
    assert "graph" in capsys.readouterr().out
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip().count(".") >= 1
    with pytest.raises(SystemExit) as leaving:
        main(["graph", "--help"])
    assert leaving.value.code == 0
    assert "sigmoid" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["chek", "homework.py"],
            "there is no command 'chek'; did you mean check? (the commands: graph, derive, check)",
        ),
        (["plot"], "there is no command 'plot' (the commands: graph, derive, check)"),
        (["check", "homework.py", "--seeed", "1"], "there is no option --seeed; did you mean --seed?"),
        (
            ["graph", "a*b", "a=1", "b=2", "--theem=dark"],
            "there is no option --theem=dark; did you mean --theme?",
        ),
        (["--versoin"], "there is no option --versoin; did you mean --version?"),
    ],
)
def test_a_typo_is_told_with_what_was_meant(capsys, words, message):
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2a", "2*a"), ("2 a", "2*a"), ("3(a + b)", "3*(a + b)"), ("a(b)", "a*(b)"), ("a b", "a*b"),
        ("(a + 1)(b - 1)", "(a + 1)*(b - 1)"), ("1.5a + 2b", "1.5*a + 2*b"), ("(a)2", "(a)*2"),
    ],
)  # fmt: skip
def test_products_without_a_sign_are_understood(typed, meant, capsys):
    assert main(["graph", typed, "a=3", "b=2"]) == 2
    assert f"did you mean {meant}?" in capsys.readouterr().err


MODULES = [
    "models", "models.demo", "models.shallow", "models.deep", "models.gradient_check", "tinygrad_course",
    "models.optimization", "models.regularization", "models.vectorization", "models.logistic_regression",
    "datasets", "models.initialization",
]  # fmt: skip


@pytest.mark.sampled(12)
@pytest.mark.parametrize("module", MODULES)
def test_every_command_has_help(module):
    told = subprocess.run(
        [sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=True
    )
    assert told.stdout.startswith("usage: ")
