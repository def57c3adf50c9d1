"""The table of single edits: its lines are read as they are meant, and name mistakes that have words."""

import ast

import numpy as np
import pytest

from tinygrad_course.audit.repair.mutations.edit_table import RULES
from tinygrad_course.audit.repair.mutations.scope import MISTAKES, Scope
from tinygrad_course.audit.repair.mutations.single import edits
from tinygrad_course.audit.reporting.results import DIAGNOSES

VALUES = {"A": np.ones((3, 4)), "W": np.ones((3, 4)), "b": np.ones((3, 1)), "m": 4, "beta1": 0.9, "t": 2}


def test_each_line_names_a_mistake() -> None:
    mistakes = {part for rules in RULES.values() for rule in rules for part in rule.mistake.split("+")}
    assert {mistake.partition("(")[0] for mistake in mistakes} <= DIAGNOSES.keys() | MISTAKES.keys()


@pytest.mark.parametrize(
    ("statement", "right", "mistake"),
    [
        ("dW = A + b", "dW = A - b", "wrong_sign"),
        ("dW = A / (W - b)", "dW = A / W - b", "wrong_factor"),
        ("dW = np.dot(A, W)", "dW = np.dot(W, A)", "wrong_order"),
        ("dW = W * np.log(A)", "dW = W * np.log(A) + (1 - W) * np.log(1 - A)", "term_missing"),
        ("dW = np.sum(A, axis=1)", "dW = np.dot(W, A.T)", "sum_for_product"),
        ("dW = A.dot(W)", "dW = W", "wrong_function"),
        ("dW = A", "dW = A / m", "missing_1_over_m"),
        ("dW = A", "dW = A / (1 - beta1 ** t)", "bias_correction_missing"),
        ("dW = W * A * (1 - A)", "dW = W * (1 - np.power(A, 2))", "wrong_activation_derivative"),
        ("dW = np.zeros((3, 4))", "dW = np.random.randn(3, 4)", "initial_symmetry"),
        ("dW /= m", "dW *= m", "double_1_over_m"),
        ("D = A < 0.5", "D = A > 0.5", "comparison_reversed"),
    ],
)
def test_a_line_undoes_its_mistake(statement: str, right: str, mistake: str) -> None:
    block = ast.parse(statement).body
    scope = Scope(VALUES, {"relu"}, [])
    found = {(ast.unparse(block[0]), edit.kind) for edit in edits(block, 0, scope, "dW")}
    assert (right, mistake) in found
    assert ast.unparse(block[0]) == statement
