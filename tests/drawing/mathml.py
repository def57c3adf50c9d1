"""Formulas read as a mathematician would read them: MathML to numbers, by precedence alone."""

import re

import numpy as np
from scipy import special

WORDS = {
    "σ": special.expit, "max": np.maximum, "min": np.minimum, "log₂": np.log2, "log₁₀": np.log10,
    "Γ": special.gamma, "ψ": special.psi, "Β": special.beta, "tr": np.trace,
    "Re": np.real, "Im": np.imag,
    "spread": lambda x: x, "sum over the copies": lambda x: x,
}  # fmt: skip
CONSTANTS = {"e": np.e, "π": np.pi}
SIGNS = {
    ">": np.greater,
    "<": np.less,
    "≥": np.greater_equal,
    "≤": np.less_equal,
    "=": np.equal,
    "≠": np.not_equal,
}


class Words(Exception):  # noqa: N818
    """What a formula says in words (choose, put back) is no number."""


def softmax(x, axis=None):
    return special.softmax(x, axis=axis)


def over(function):
    """A function over one axis, which stays."""
    return lambda x, axis=None: function(x) if axis is None else function(x, axis=axis, keepdims=True)


AXES = {"Σ": over(np.sum), "Π": over(np.prod), "mean": over(np.mean), "softmax": softmax}


def product(a, b):
    return np.matmul(a, b) if np.ndim(a) and np.ndim(b) else a * b


def evaluate(math, names):
    """Return the number or array that a formula stands for."""
    return Reader(tokens(math), names).all()


def tokens(math):
    tag, _, *parts = math
    if tag == "mrow":
        return [t for part in parts for t in tokens(part)]
    if tag == "mspace":
        return [["mo", "", "@"]]
    return [math]


class Reader:
    def __init__(self, found, names):
        self.tokens, self.names, self.at = found, names, 0

    def all(self):
        value = self.choice()
        assert self.at == len(self.tokens), self.tokens[self.at :]
        return value

    def sign(self):
        token = self.tokens[self.at] if self.at < len(self.tokens) else [""]
        return token[2] if token[0] == "mo" else ""

    def take(self, *signs):
        if self.sign() in signs and signs:
            self.at += 1
            return self.tokens[self.at - 1][2]
        return ""

    def choice(self):
        value = self.comparison()
        if self.take("if"):
            test = self.comparison()
            assert self.take("else")
            return np.where(test, value, self.choice())
        return value

    def comparison(self):
        value = self.sum()
        sign = self.take(*SIGNS)
        return SIGNS[sign](value, self.sum()) if sign else value

    def sum(self):
        value = -self.term() if self.take("−") else self.term()
        while sign := self.take("+", "−"):
            term = self.term()
            value = value + term if sign == "+" else value - term
        return value

    def term(self):
        value = self.factor()
        while self.take("·", "⊙"):
            value = value * self.factor()
        return value

    def factor(self):
        value = self.atom()
        while self.take("@"):
            value = product(value, self.atom())
        return value

    def inside(self, end):
        found = [self.choice()]
        while self.take(","):
            found.append(self.choice())
        assert self.take(end), (end, self.tokens)
        return found

    def atom(self):
        if self.take("("):
            return self.inside(")")[0]
        if self.take("["):
            return np.asarray(self.inside("]")[0]).astype(float)
        for bar, function in (("|", np.abs), ("‖", np.linalg.norm)):
            if self.take(bar):
                return function(self.inside(bar)[0])
        token = self.tokens[self.at]
        self.at += 1
        tag, _, *parts = token
        if tag == "mn":
            return float(parts[0].replace("−", "-"))
        if tag == "mfrac":
            return evaluate(parts[0], self.names) / evaluate(parts[1], self.names)
        if tag == "msqrt":
            return np.sqrt(evaluate(parts[0], self.names))
        if tag == "mroot":
            return np.cbrt(evaluate(parts[0], self.names))
        if tag == "msup":
            return self.power(*parts)
        if tag == "msub":
            return self.called(parts[0][2], "ijkl".index(parts[1][2]))
        return self.called(parts[0])

    def power(self, base, exponent):
        read = tokens(base)
        alone = len(read) == 1 or (read[0][2:] == ["("] and read[-1][2:] == [")"])
        called = re.fullmatch(r"\w+", str(read[0][2])) and read[1:2] == [["mo", "", "("]]
        assert alone or called or read[0][2] in "[|‖", f"the power is of the last part alone: {base}"
        below = evaluate(base, self.names)
        if exponent == ["mi", "", "T"]:
            return np.transpose(below)
        return np.power(below, evaluate(exponent, self.names))

    def called(self, name, axis=None):
        if name in {"choose", "put back", "reshape"}:
            raise Words(name)
        if name in {"Σ", "Π"}:
            return AXES[name](self.atom(), axis)
        if self.sign() == "(" and name not in self.names:
            self.at += 1
            arguments = self.inside(")")
            if name in AXES:
                return AXES[name](*arguments, axis)
            if name in {"max", "min"} and len(arguments) == 1:
                return getattr(np, name)(arguments[0])
            for known in (np, special, np.linalg):
                if name in WORDS or hasattr(known, name):
                    try:
                        return (WORDS.get(name) or getattr(known, name))(*arguments)
                    except TypeError:  # a polynomial's degree is a whole number
                        raise Words(name) from None
            raise Words(name)
        return self.names[name] if name in self.names else CONSTANTS[name]
