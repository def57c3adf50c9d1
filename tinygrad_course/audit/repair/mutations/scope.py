"""Where an expression stands and what it can see, by the course's names; what confusing two is called."""

import ast
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_course.audit.source.syntax import called

_BODIES = {"body", "orelse", "finalbody", "handlers"}
_CLOSED = ast.Slice | ast.Lambda | ast.ListComp | ast.DictComp | ast.GeneratorExp | ast.SetComp
_COUNTED = {"range", "str", "reversed", "len", "format", "zeros", "ones"}
Change = tuple[str, ast.expr, float]
"""(the mistake, the expression to put, how far-fetched it is)."""


@dataclass
class Location:
    """One expression of a statement, with what stands around it."""

    parent: ast.AST
    name: str
    position: int | None
    node: ast.expr
    around: tuple[ast.AST, ...]
    """From the statement inwards."""

    def put(self, node: ast.expr) -> None:
        """Put an expression here (the location's own node to undo it)."""
        if self.position is None:
            setattr(self.parent, self.name, node)
        else:
            getattr(self.parent, self.name)[self.position] = node

    @property
    def counting(self) -> bool:
        """Whether the expression counts layers or columns: an index, a key, a range."""
        inner: ast.AST = self.node
        for outer in reversed(self.around):
            if isinstance(outer, ast.Subscript) and outer.slice is inner:
                return True
            if isinstance(outer, ast.Slice | ast.JoinedStr | ast.FormattedValue):
                return True
            if called(outer) in _COUNTED:
                return True
            inner = outer
        return False


@dataclass
class Scope:
    """What a statement can see: the local variables before it, the functions, the function's strings."""

    values: dict[str, Any]
    functions: set[str]
    strings: list[str]
    defined: dict[str, ast.FunctionDef] = field(default_factory=dict)
    """The file's functions."""
    read: list[str] = field(default_factory=list)
    """The entries of dictionaries that the function reads, as they are written: grads['dW' + str(l)]."""
    donors: list[str] = field(default_factory=list)
    """Entries of dictionaries that may stand where a call has another argument."""
    found: dict[tuple[str, tuple[int, ...]], list[str]] = field(default_factory=dict)
    """What there is of each kind of the table of edits, once it was looked for."""

    def __post_init__(self) -> None:
        values = self.values.items()
        self.numbers: dict[str, float] = {
            name: float(value)
            for name, value in values
            if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
        }
        """Local scalars (m, keep_prob, lambd, beta1, t, ...)."""
        self.arrays = {name: value.shape for name, value in values if isinstance(value, np.ndarray)}
        self.entries: dict[str, tuple[int, ...]] = dict(self.arrays)
        """The arrays, and those in dictionaries, as they are written: A1, cache['A1']."""
        for name, held in values:
            own = name == "self" and hasattr(held, "__dict__")
            items = vars(held) if own else held if isinstance(held, dict) and len(held) < 16 else {}
            for key, item in items.items():
                if isinstance(key, str) and isinstance(item, np.ndarray):
                    self.entries[f"self.{key}" if own else f"{name}[{key!r}]"] = item.shape


def locations(statement: ast.stmt) -> list[Location]:
    """Return the locations of a statement, of a compound statement those of its header."""
    found: list[Location] = []

    def visit(node: ast.AST, around: tuple[ast.AST, ...]) -> None:
        inside = (*around, node)
        for name, value in ast.iter_fields(node):
            if isinstance(node, ast.stmt) and name in _BODIES:
                continue
            # Of a text in braces the value alone is code.
            format_ = isinstance(node, ast.FormattedValue) and name != "value"
            in_text = format_ or isinstance(node, ast.JoinedStr)
            for position, child in enumerate(value if isinstance(value, list) else [value]):
                stored = isinstance(getattr(child, "ctx", None), ast.Store | ast.Del)
                open_ = isinstance(child, ast.expr) and not isinstance(child, _CLOSED)
                if open_ and not stored and not in_text:
                    place = position if isinstance(value, list) else None
                    found.append(Location(node, name, place, child, inside))
                if isinstance(child, ast.AST):
                    visit(child, inside)

    visit(statement, ())
    return found


def parse(text: str) -> ast.expr:
    """Return the tree of an expression."""
    if text.isidentifier() and text not in {"True", "False", "None"}:
        return ast.Name(text, ast.Load())  # most are names, and this is quicker
    return ast.parse(text, mode="eval").body


text = ast.unparse
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
    """Return the variables that hold the number of examples, or an expression for it where none does."""
    counts = [name for name in scope.numbers if name in EXAMPLES]
    names = ("X", "Y", "A_prev", "AL", "A2", "A", "dZ")
    data = [name for name in names if len(scope.arrays.get(name, ())) == 2]
    return counts or [f"{name}.shape[1]" for name in data[:1]]


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


def factor_kind(factor: str, *, missing: bool) -> str:
    """Name the mistake of a missing factor (a division that is not there), or of one too much."""
    if any(word in EXAMPLES for word in re.findall(r"[A-Za-z_]\w*", factor)) or ".shape[1]" in factor:
        return "missing_1_over_m" if missing else "double_1_over_m"
    if mentions(factor, "keep_prob"):
        return "keep_prob_missing" if missing else "keep_prob_twice"
    if mentions(factor, "rate"):
        return "learning_rate"
    return "l2_factor" if mentions(factor, "lambda") else "wrong_factor"


def removed_kind(words: str, operation: ast.AST, label: str) -> str:
    """Name the mistake that taking an operand out of an operation undoes."""
    function = called(operation)
    operator = operation.op if isinstance(operation, ast.BinOp | ast.AugAssign) else None
    if isinstance(operator, ast.Add | ast.Sub) or function in {"add", "subtract"}:
        on_bias = mentions(words, "lambda") and label.lower().startswith("db")
        return "l2_on_bias" if on_bias else "extra_term"
    if isinstance(operator, ast.Pow) or function == "power":
        return "wrong_power"
    names = {*re.findall(r"[A-Za-z_]\w*", words)} - {"np", "int"}
    if mentions(words, "mask") and all(is_a("mask", name) for name in names):
        return "mask_twice"
    kind = factor_kind(words, missing=False)
    slope = re.search(r"(?i)1 - .*(\*\*|power)|> 0|\(1 - a", words)
    return "wrong_activation_derivative" if slope and kind == "wrong_factor" else kind


def counted_kind(at: Location) -> str:
    """Name the mistake of a wrong number of a layer: of a cache, of dA, of anything else."""
    kind = "index_off_by_one"
    for outer in at.around:
        if isinstance(outer, ast.Subscript) and "cache" in text(outer.value).lower():
            kind = "stale_cache"
        elif isinstance(outer, ast.Subscript) and "dA" in text(outer):
            kind = "dA_index"
    return kind


def _of_call(at: Location, names: str, kind: str, other: str) -> str:
    return kind if called(at.node) in names.split() else other


MISTAKES: dict[str, Callable[[str, Location, str], str]] = {
    "lacks": lambda words, at, label: factor_kind(words, missing=True),
    "has": lambda words, at, label: factor_kind(words, missing=False),
    "without": lambda words, at, label: removed_kind(words, at.node, label),
    "inverted": lambda words, at, label: "mask_inverted" if is_a("mask", words) else "wrong_operand",
    "complement": lambda words, at, label: "wrong_factor" if is_a("beta", words) else "wrong_operand",
    "turned": lambda words, at, label: (
        "mask_inverted" if mentions(words, "keep_prob") else "comparison_reversed"
    ),
    "swapped": lambda words, at, label: _of_call(
        at, "zeros ones rand randn empty", "transposed", "wrong_order"
    ),
    "undone": lambda words, at, label: _of_call(at, "square sqrt abs", "wrong_power", "wrong_function"),
    "shifted": lambda words, at, label: counted_kind(at),
}
"""What mistakes are called that depend on a part of an expression, on where it stands."""


def core(written: str) -> str:
    """Return the quantity's name of how it is written: cache['A1'] is A1."""
    return written.rsplit("[", 1)[-1].strip("]'\"") if "[" in written else written.removeprefix("self.")


KINDS: dict[str, tuple[str, str]] = {
    "NUMBER": ("factors", "(?![lLijk]$).*"),
    "INTEGER": ("whole", ".*"),
    "COUNT": ("counts", ".*"),
    "M": ("the count", ".*"),
    "STEP": ("numbers", "t"),
    "BETA": ("numbers", WRITTEN["beta"]),
    "LAMBDA": ("numbers", WRITTEN["lambda"]),
    "COUNTER": ("whole", "[ijk]"),
    "INDEX": ("places", "[ijkn]|idx|index"),
    "ORDER": ("orders", ".*"),
    "MATRIX": ("matrices", ".*"),
    "TALL": ("tall", ".*"),
    "WIDE": ("wide", ".*"),
    "ALIKE": ("alike", ".*"),
    "MASK": ("matrices", WRITTEN["mask"]),
    "WEIGHT": ("entries", r"(?i)w\d*"),
    "GRADIENT": ("entries", "d.*"),
    "ACTIVE": ("entries", "(?i)(a|z|s|h|o|cache|activation).*"),
    "BIAS": ("terms", WRITTEN["bias"]),
    "TERM": ("terms", r"(?!((?i:b\d*|bias\w*)|[lLijk])$).*"),
    "VARIABLE": ("variables", ".*"),
    "FACTOR": ("arrays", "(?i)(d[az]|w|x|a).*"),
    "LABEL": ("arrays", "(?i)y"),
    "INPUT": ("arrays", r"(?i)x|a\d*_?prev|a\d*"),
    "READ": ("read", ".*"),
    "SIGMOID": ("functions", "sigmoid"),
    "ACTIVATION": ("functions", "sigmoid|relu"),
}
"""The kinds of things that a scope has: which of them, by their names."""
SLOPES = (
    "1 - np.power(_, 2)",
    "_ * (1 - _)",
    "_ > 0",
    "1 - np.tanh(_) ** 2",
    "1 / (1 + np.exp(-_)) * (1 - 1 / (1 + np.exp(-_)))",
)
"""The derivatives of the activations."""


def things(kind: str, scope: Scope, shape: tuple[int, ...]) -> list[str]:
    """Return the things of a kind that a scope has, as they are written; some go with an array's shape."""
    if kind == "SLOPE":
        return [slope.replace("_", name) for name in things("ACTIVE", scope, shape)[:8] for slope in SLOPES]
    rows, columns = shape if len(shape) == 2 else (0, 0)
    counts = examples_count(scope)
    matrices = {name: its for name, its in scope.entries.items() if len(its) == 2}
    whole = {name: value for name, value in scope.numbers.items() if value == int(value)}
    held_by = vars(scope.values["self"]) if hasattr(scope.values.get("self"), "__dict__") else {}
    own = {f"self.{name}": value for name, value in held_by.items() if type(value) in {int, float}}
    known = {**scope.numbers, **own}
    shares = [f"(1 - {name})" for name, value in known.items() if 0 < value < 1]
    lists = [name for name, value in scope.values.items() if isinstance(value, list)]
    lists += [name for name, its in scope.arrays.items() if len(its) == 1]
    lists = [name for name in lists if len(scope.values[name]) == columns]
    orders = [name for name in lists if all(isinstance(i, int | np.integer) for i in scope.values[name])]
    held: dict[str, Iterable[str]] = {
        "numbers": scope.numbers,
        "factors": dict.fromkeys([*(name for name, value in known.items() if value), *counts, *shares]),
        "whole": whole,
        "places": [name for name, value in whole.items() if value < columns],
        "counts": counts,
        "the count": counts[:1],
        "orders": orders,
        "arrays": scope.arrays,
        "entries": scope.entries,
        "matrices": matrices,
        "tall": [name for name, its in matrices.items() if its[0] == rows],
        "wide": [name for name, its in matrices.items() if its[1] == columns],
        "alike": [name for name, its in scope.entries.items() if its and shape[-len(its) :] == its],
        "terms": [*scope.entries, *scope.numbers],
        "variables": [*scope.arrays, *scope.numbers],
        "functions": sorted(scope.functions),
        "read": scope.read,
    }
    place, pattern = KINDS[kind]
    return [name for name in held[place] if re.fullmatch(pattern, core(name))]
