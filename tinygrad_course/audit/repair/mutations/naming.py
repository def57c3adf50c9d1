"""The course's names: which one is a mask, a bias, m, and what confusing two of them is called."""

import ast
import re

from tinygrad_course.audit.repair.mutations.locations import Scope, text

EXAMPLES = {"m", "M", "N", "num_examples", "num_samples", "n_samples", "batch_size", "m_train"}


WRITTEN = {
    "keep_prob": r"(?i)keep_?prob\w*|keep|kp",
    "lambda": r"(?i)lam(bd?a?)?_?|reg\w*|l2\w*",
    "beta": r"(?i)beta_?\d?",
    "rate": r"(?i)learning_?rate|lr|alpha",
    "mask": r"[DM]\d*|d\d+|(?i:mask\w*)",
    "bias": r"(?i)b\d*|bias\w*",
}
"""How files write what the course calls keep_prob, lambd, beta1, learning_rate, D1 and b1."""


def is_a(quantity: str, name: str) -> bool:
    """Tell whether a name is one of those by which a quantity is known.

    Examples
    --------
    >>> is_a("beta", "beta_1"), is_a("keep_prob", "kp"), is_a("mask", "dZ1")
    (True, True, False)
    """
    return re.fullmatch(WRITTEN[quantity], name) is not None


def mentions(expression: str, quantity: str) -> bool:
    """Tell whether a word of an expression is such a name."""
    return any(is_a(quantity, word) for word in re.findall(r"[A-Za-z_]\w*", expression))


def examples_count(scope: Scope) -> list[str]:
    """Return an expression for the number of examples where no variable holds it."""
    if any(name in EXAMPLES for name in scope.numbers):
        return []
    for name in ("X", "Y", "A_prev", "AL", "A2", "A", "dZ"):
        if len(scope.arrays.get(name, ())) == 2:
            return [f"{name}.shape[1]"]
    return []


def split_name(name: str) -> tuple[str, str]:
    """Return a variable's letters and its number."""
    match = re.fullmatch(r"(.*?)_?(\d*)", name)
    return (match.group(1), match.group(2)) if match else (name, "")


def name_kind(old: str, new: str, *, known: bool) -> str:
    """Name the mistake of writing `old` where `new` belongs."""
    if "cache" in old.lower():
        return "stale_cache"
    if "plus" in old.lower() and "minus" in new.lower():
        return "j_minus_from_thetaplus"
    if is_a("mask", old) and is_a("mask", new):
        return "wrong_mask"
    if is_a("beta", old) and is_a("beta", new):
        return "beta_swapped"
    (letter, number), (other, other_number) = split_name(old), split_name(new)
    letter, other = letter.lower(), other.lower()
    if number == other_number and {letter, other} == {"a", "z"}:
        return "a_for_z" if letter == "a" else "z_for_a"
    if letter == other == "da":
        return "dA_index"
    if {letter, other} == {"v", "s"} or {letter, other} == {"v_corrected", "s_corrected"}:
        return "moments_confused"
    if old in EXAMPLES or new in EXAMPLES:
        return "wrong_factor"
    return "wrong_operand" if known or letter == other else "not_defined"


def factor_kind(factor: str, missing: bool) -> str:
    """Name the mistake of a missing factor (a division that is not there), or of one too much."""
    if any(word in EXAMPLES for word in re.findall(r"[A-Za-z_]\w*", factor)) or ".shape[1]" in factor:
        return "missing_1_over_m" if missing else "double_1_over_m"
    if mentions(factor, "keep_prob"):
        return "keep_prob_missing" if missing else "keep_prob_twice"
    if mentions(factor, "rate"):
        return "learning_rate"
    if mentions(factor, "lambda"):
        return "l2_factor"
    return "wrong_factor"


def removed_kind(dropped: ast.expr, operator: ast.operator, label: str) -> str:
    """Name the mistake that taking `dropped` out of an operation undoes."""
    words = text(dropped)
    names = re.findall(r"[A-Za-z_]\w*", words)
    if isinstance(operator, ast.Add | ast.Sub):
        if mentions(words, "lambda"):
            return "l2_on_bias" if label.lower().startswith("db") else "extra_term"
        return "extra_term"
    if isinstance(operator, ast.Pow):
        return "wrong_power"
    if mentions(words, "mask") and all(is_a("mask", name) for name in names if name not in {"np", "int"}):
        return "mask_twice"
    kind = factor_kind(words, missing=False)
    if kind != "wrong_factor":
        return kind
    if re.search(r"(?i)1 - .*(\*\*|power)|> 0|\(1 - a", words):
        return "wrong_activation_derivative"
    return "wrong_factor"
