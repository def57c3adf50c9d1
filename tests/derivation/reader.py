"""Derivations read as a reader would: the text of a formula to numbers, by precedence alone."""

import re

import numpy as np
from scipy import special

WORDS = {name: getattr(np, name) for name in ["log", "exp", "sqrt", "tanh", "sin", "cos", "sign"]} | {
    "σ": special.expit, "max": np.maximum, "relu": lambda z: np.maximum(z, 0),
}  # fmt: skip


class Unread(Exception):  # noqa: N818
    """What is no formula of this notation: a matrix of numbers, a call of the table, dJ/du du/dx."""


class Row:
    """A vector that was turned, at the right of an outer product."""

    def __init__(self, vector):
        self.vector = vector


def times(a, b):
    if isinstance(b, Row):
        return np.outer(a, b.vector)
    return a * b if np.ndim(a) == 0 or np.ndim(b) == 0 else np.dot(a, b)


class Reader:
    def __init__(self, text, values):
        self.text, self.at, self.values = text, 0, values
        self.names = sorted(values, key=len, reverse=True)

    def all(self):
        value = self.sum()
        if self.at != len(self.text):
            raise Unread(self.text[self.at :])
        return value

    def take(self, sign):
        if not self.text.startswith(sign, self.at):
            return False
        self.at += len(sign)
        return True

    def match(self, pattern):
        found = re.compile(pattern).match(self.text, self.at)
        self.at = self.at if found is None else found.end()
        return found

    def sum(self):
        value = -self.term() if self.take("-") else self.term()
        while found := self.match(r" [+-] "):
            value = value + self.term() if found[0] == " + " else value - self.term()
        return value

    def term(self):
        value = self.product()
        while self.take(" * "):
            value = value * self.product()
        return value

    def product(self):
        """Factors side by side; a sum goes to the end of its term."""
        value = self.divided(self.total() if self.match("(?=Σ)") else self.power())
        while self.match(r" (?![*+<>-] |at )"):
            if self.match("(?=Σ)"):
                return self.divided(times(value, self.total()))
            value = self.divided(times(value, self.power()))
        return value

    def divided(self, value):
        while self.take("/"):
            value = value / self.power()
        return value

    def total(self):
        index = self.match(r"Σ_(\{i,k\}|i|k) ")[1]
        if self.match(r"1(?![.{\d])"):
            raise Unread("how many there are")
        x = np.asarray(self.term())
        if x.ndim < 2 or index == "{i,k}":
            return np.sum(x)
        return np.sum(x, axis=1 if index == "i" else 0, keepdims=True)

    def power(self):
        value = self.atom()
        while True:
            if self.match(r"\^T(?!\w)|(?<=\])T"):
                value = np.transpose(value) if np.ndim(value) == 2 else Row(value)
            elif self.match(r"\^"):
                value = np.power(value, self.atom())
            elif not self.match(r"\^?\(i\)"):
                return value

    def inside(self, end):
        found = [self.sum()]
        while self.take(", "):
            found.append(self.sum())
        if not self.take(end):
            raise Unread(self.text[self.at :])
        return found

    def atom(self):
        if self.take("||"):
            (inner,) = self.inside("||")
            return np.sum(inner**2) if self.take("^2") else np.sqrt(np.sum(inner**2))
        if self.take("|"):
            return np.abs(self.inside("|")[0])
        if self.take("1{"):
            value = self.sum()
            sign = self.match(r" ([<>]) 0\}")[1]
            return np.heaviside(value if sign == ">" else -value, 0.0)
        if self.take("("):
            return self.inside(")")[0]
        for name in self.names:
            if self.match(re.escape(name) + (r"(?![a-zA-SU-Z0-9])" if name.endswith("]") else r"(?!\w)")):
                return self.values[name]
        if number := self.match(r"\d+\.?\d*(e[-+]\d+)?"):
            return float(number[0])
        word = self.match(r"(\w+)\(")
        if word is None or word[1] not in WORDS:
            raise Unread(self.text[self.at :])
        return WORDS[word[1]](*self.inside(")"))


def hold(derivation, values):
    """Hold every formula that can be read against its line's value; return how many there were."""
    lines = [line for part in derivation.parts if part.title != "Chain rule" for line in part.lines]
    known = {"e": np.e, **values, **{line.left.text: line.value for line in lines}}
    count = 0
    for line in lines:
        for piece in line.right:
            try:
                found = np.asarray(Reader(piece.text, known).all())
            except Unread:
                continue
            expected = np.asarray(line.value)
            if found.size != expected.size:
                found = np.broadcast_to(found, expected.shape)
            few = 2e-4 if re.search(r"\d\.\d{4}|\de|^-?[\d.]+$", piece.text) else 1e-9
            np.testing.assert_allclose(
                found.reshape(expected.shape), expected, few, 1e-10 * np.max(np.abs(expected), initial=1),
                err_msg=line.text,
            )  # fmt: skip
            count += 1
    return count
