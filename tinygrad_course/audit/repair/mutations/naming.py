"""The course's names: which one is a mask, a bias, m, and what confusing two of them is called."""

import ast
import re
from collections.abc import Callable

from tinygrad_course.audit.repair.mutations.locations import Scope, text

EXAMPLES = {"m", "M", "N", "num_examples", "num_samples", "n_samples", "batch_size", "m_train"}


def is_keep_prob(name: str) -> bool:
    """keep_prob, keepprob, keep_probability, kp."""
    return bool(re.fullmatch(r"(?i)keep_?prob\w*|keep|kp", name))


def is_lambda(name: str) -> bool:
    """lambd, lambda_, lam, reg."""
    return bool(re.fullmatch(r"(?i)lam(bd?a?)?_?|reg\w*|l2\w*", name))


def is_beta(name: str) -> bool:
    """beta, beta1, beta2, beta_1."""
    return bool(re.fullmatch(r"(?i)beta_?\d?", name))


def is_rate(name: str) -> bool:
    """learning_rate, lr, alpha."""
    return bool(re.fullmatch(r"(?i)learning_?rate|lr|alpha", name))


def is_mask(name: str) -> bool:
    """D1, D2, mask."""
    return bool(re.fullmatch(r"D\d*|d\d+|(?i:mask\w*)", name))


def is_bias(name: str) -> bool:
    """b, b1, b2."""
    return bool(re.fullmatch(r"(?i)b\d*|bias\w*", name))


def mentions(expression: str, test: Callable[[str], bool]) -> bool:
    """Tell whether a word of an expression is such a name."""
    return any(test(word) for word in re.findall(r"[A-Za-z_]\w*", expression))


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
    if is_mask(old) and is_mask(new):
        return "wrong_mask"
    if is_beta(old) and is_beta(new):
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
    if mentions(factor, is_keep_prob):
        return "keep_prob_missing" if missing else "keep_prob_twice"
    if mentions(factor, is_rate):
        return "learning_rate"
    if mentions(factor, is_lambda):
        return "l2_factor"
    return "wrong_factor"


def removed_kind(dropped: ast.expr, operator: ast.operator, label: str) -> str:
    """Name the mistake that taking `dropped` out of an operation undoes."""
    words = text(dropped)
    names = re.findall(r"[A-Za-z_]\w*", words)
    if isinstance(operator, ast.Add | ast.Sub):
        if mentions(words, is_lambda):
            return "l2_on_bias" if label.lower().startswith("db") else "extra_term"
        return "extra_term"
    if isinstance(operator, ast.Pow):
        return "wrong_power"
    if mentions(words, is_mask) and all(is_mask(name) for name in names if name not in {"np", "int"}):
        return "mask_twice"
    kind = factor_kind(words, missing=False)
    if kind != "wrong_factor":
        return kind
    if re.search(r"(?i)1 - .*(\*\*|power)|> 0|\(1 - a", words):
        return "wrong_activation_derivative"
    return "wrong_factor"
