"""How a file writes what the course calls W1, b1 and dW1, read from the file's own texts."""

import ast
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tinygrad_course.audit.source.syntax import nodes

_KEY = re.compile(
    r"(?P<d>d_?|D|grad_?|delta_?)?(?P<stem>W|w|b|B|[Ww]eights?|[Bb]ias(?:es)?|[Tt]heta)(?P<between>_?)(?P<number>\d*)"
)
_COURSE = re.compile(r"(?P<before>v_|s_)?(?P<d>d?)(?P<stem>[Wb])(?P<number>\d+)")


@dataclass(frozen=True)
class Convention:
    """The keys of a file's dictionaries."""

    weight: str = "W"
    bias: str = "b"
    between: str = ""
    derivative: str = "d"

    def key(self, label: str) -> str:
        """Return the file's key for one of the course's.

        Examples
        --------
        >>> Convention("w", "b", "_").key("dW1"), Convention().key("b2"), Convention("w").key("dA1")
        ('dw_1', 'b2', 'dA1')
        """
        match = _COURSE.fullmatch(label)
        if match is None:
            return label
        stem = self.weight if match["stem"] == "W" else self.bias
        first = (match["before"] or "") + (self.derivative if match["d"] else "")
        return f"{first}{stem}{self.between}{match['number']}"

    def outward(self, value: Any) -> Any:
        """Return parameters, gradients and moments as the file writes them; anything else as it is."""
        if not isinstance(value, dict) or not any(_COURSE.fullmatch(str(key)) for key in value):
            return value
        return {self.key(str(key)): item for key, item in value.items()}


def keys_of(trees: Iterable[ast.AST]) -> Convention:
    """Read the keys of parameters and gradients from the texts of a program.

    Examples
    --------
    >>> keys_of([ast.parse("p['w1'] - rate * g['dw' + str(l)]")]).key("dW1")
    'dw1'
    """
    stems: dict[str, Counter[str]] = {"weight": Counter(), "bias": Counter()}
    between: Counter[str] = Counter()
    prefixes: Counter[str] = Counter()
    values = [node.value for tree in trees for node in nodes(tree, ast.Constant)]
    for text in [value for value in values if isinstance(value, str) and len(value) <= 14]:
        match = _KEY.fullmatch(re.sub(r"%[di]$|\{\}$", "", text))
        if match is not None:
            kind = "bias" if match["stem"][0] in "bB" else "weight"
            stems[kind][match["stem"]] += 1
            between[match["between"]] += 1
            prefixes.update([match["d"]] if match["d"] else [])
    joined = between.most_common(1)[0][0] if between else ""
    weight, bias = _likeliest(stems["weight"], "W"), _likeliest(stems["bias"], "b")
    return Convention(weight, bias, joined, _likeliest(prefixes, "d"))


def _likeliest(counts: Counter[str], course: str) -> str:
    """Return what the course writes where the file writes it too, else what the file writes most."""
    return course if course in counts or not counts else counts.most_common(1)[0][0]
