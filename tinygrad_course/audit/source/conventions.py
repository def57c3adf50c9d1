"""How a file writes what the course calls W1, b1 and dW1: its names in one form, its keys in its own."""

import ast
import functools
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tinygrad_course.audit.source.syntax import nodes

_COURSE = re.compile(r"(d?[Wb])(\d*)")


@functools.cache
def canonical(name: str) -> str:
    """Bring a learner's name for a quantity to one form: dZ_2, dz2 and dZ2_temp are dz2.

    Examples
    --------
    >>> canonical("dA_prev_temp"), canonical("v_corrected_dW1"), canonical("grad_weights2")
    ('daprev', 'vcorrecteddw1', 'dw2')
    """
    bare = re.sub(r"[\W_]", "", name)
    if bare in {"J", "loss"}:
        return "cost"
    plain = re.sub(r"(temp|tmp|new)$", "", bare, flags=re.IGNORECASE).lower() or bare.lower()
    return _WORDS.sub(lambda part: f"{part[1]}{'d' * bool(part[2])}{'b' if part[4] else 'w'}", plain)


_WORDS = re.compile(
    r"^((?:[vs](?:corrected)?)?)(d|grads?|delta|nabla)?(?:(weights?|kernels?|theta(?=\d*$)|w(?=\d*$))|(bias(?:es)?|b(?=\d*$)))"
)


def state(name: str) -> str:
    """Name a state of a recurrent cell at whatever time: its gradients too.

    Examples
    --------
    >>> state("a_next"), state("at"), state("dc_prev"), state("da_prevt"), state("dA2")
    ('a', 'a', 'dc', 'da', 'da2')
    """
    return re.sub(r"^(d?[a-z])((prev|next)t?|t)$", r"\1", canonical(name))


@dataclass(frozen=True)
class Convention:
    """The keys of a file's dictionaries."""

    keys: dict[str, str] = field(default_factory=dict)
    """The texts of the file, by their names in one form."""

    def key(self, label: str) -> str:
        """Return the file's key for one of the course's, as it stands or with its number added.

        Examples
        --------
        >>> found = keys_of([ast.parse("p['w1'] - rate * g['grad_w' + str(l)] + p['b_%d' % l]")])
        >>> found.key("W1"), found.key("dW1"), found.key("b2"), found.key("db2"), found.key("dA1")
        ('w1', 'grad_w1', 'b_2', 'db_2', 'dA1')
        """
        match = _COURSE.fullmatch(label)
        if match is None:
            return label
        for name, number in ((label, ""), (match[1], match[2])):
            if canonical(name) in self.keys:
                return self.keys[canonical(name)] + number
        return "d" + self.key(label[1:]) if label[0] == "d" else label

    def outward(self, value: Any) -> Any:
        """Return parameters, gradients and moments as the file writes them; anything else as it is."""
        if not isinstance(value, dict):
            return value
        return {self.key(key) if isinstance(key, str) else key: item for key, item in value.items()}


def keys_of(trees: Iterable[ast.AST]) -> Convention:
    """Read the keys of parameters and gradients from a program: the course's, else those that stand most."""
    values = [node.value for tree in trees for node in nodes(tree, ast.Constant)]
    short = [value for value in values if isinstance(value, str) and len(value) <= 14]
    texts = Counter(re.sub(r"%[di]$|\{\}$", "", text) for text in short)
    order = sorted(texts, key=lambda text: (_COURSE.fullmatch(text) is not None, texts[text]))
    return Convention({canonical(text): text for text in order})
