"""How variables are written: W1 is W^[1] in text and W^{[1]} in LaTeX, as in the course."""

import itertools
import re
from collections.abc import Iterable

#: Names of layers' variables, whose number is the layer: a superscript in brackets. Others have a subscript.
_LAYERED = frozenset({"W", "b", "Z", "A", "D", "z", "a", "n", "g", "S", "s", "T", "t"})
_GREEK = {
    name: f"\\{name}"
    for name in ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda",
                 "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega")
} | {"lambd": "\\lambda", "lambda_": "\\lambda", "lam": "\\lambda"}  # fmt: skip
#: Of sequences: the course writes the time in angles, and the weights' arguments as a subscript, W_{ax}.
_TIMES = {"prev": "t-1", "next": "t"}
_TEXT = {"lambd": "λ", "lambda_": "λ", "lam": "λ", "lambda": "λ"}

#: Letters for what has no name, in this order, as in J = 3(a + bc): u = bc, v = a + u.
LETTERS = ("u", "v", "r", "s", "t", "p", "q", "k", "h")


def layer_of(name: str) -> tuple[str, int] | None:
    """Return ``("W", 1)`` for W1, None for a name that is no layer's.

    >>> layer_of("W1"), layer_of("x1"), layer_of("keep_prob")
    (('W', 1), None, None)
    """
    found = re.fullmatch(r"([A-Za-z])_?(\d{1,4})", name)
    if found is None or found[1] not in _LAYERED:
        return None
    return found[1], int(found[2])


def text(name: str) -> str:
    """Write a name in plain text.

    >>> text("W1"), text("x1"), text("lambd"), text("keep_prob")
    ('W^[1]', 'x1', 'λ', 'keep_prob')
    """
    if name.endswith("'"):
        return text(name[:-1]) + "'"
    layer = layer_of(name)
    if layer is not None:
        return f"{layer[0]}^[{layer[1]}]"
    return _TEXT.get(name) or plain(name)[0]


def latex(name: str) -> str:
    r"""Write a name in LaTeX.

    >>> latex("W1"), latex("x1"), latex("theta"), latex("keep_prob")
    ('W^{[1]}', 'x_{1}', '\\theta', '\\mathrm{keep\\_prob}')
    """
    if name.endswith("'"):
        return f"\\tilde{{{latex(name[:-1])}}}"
    layer = layer_of(name)
    if layer is not None:
        return f"{layer[0]}^{{[{layer[1]}]}}"
    if name in _GREEK:
        return _GREEK[name]
    if len(name) == 1 and name.isalpha():
        return name
    if name == "sigma2":
        return "\\sigma^{2}"
    if (timed := re.fullmatch(r"([A-Za-z])_(prev|next)|([acxy])t", name)) is not None:
        return f"{timed[1] or timed[3]}^{{\\langle{{{_TIMES.get(timed[2], 't')}}}\\rangle}}"
    if (into := re.fullmatch(r"([Wb])([acfioruxy]{1,2})", name)) is not None:
        return f"{into[1]}_{{{into[2]}}}"
    if (marked := re.fullmatch(r"([A-Z])_(norm|tilde)(\d{0,4})", name)) is not None:
        letter = f"\\tilde{{{marked[1]}}}" if marked[2] == "tilde" else f"{marked[1]}_{{\\mathrm{{norm}}}}"
        return f"{letter}^{{[{int(marked[3])}]}}" if marked[3] else letter
    numbered = re.fullmatch(r"([A-Za-z]+)_?(\d+)", name)
    if numbered is not None and (len(numbered[1]) == 1 or numbered[1] in _GREEK):
        return f"{_GREEK.get(numbered[1], numbered[1])}_{{{numbered[2]}}}"
    return plain(name)[1]


#: Signs that mean something to LaTeX.
_ESCAPED = {
    "_": "\\_", " ": "\\ ", "%": "\\%", "#": "\\#", "&": "＆", "$": "\\$", "{": "\\{", "}": "\\}",
    "\\": "∖", "^": "ˆ", "~": "˜",
}  # fmt: skip


def plain(name: str) -> tuple[str, str]:
    r"""Write a name letter by letter, as text and in LaTeX: two names are never written alike.

    >>> plain("W_1"), plain("a%b")
    (('W_1', '\\mathrm{W\\_1}'), ('a%b', '\\mathrm{a\\%b}'))
    """
    shown = [c if c.isprintable() else f"U+{ord(c):04X}" for c in name]
    return "".join(shown), f"\\mathrm{{{''.join(_ESCAPED.get(c, c) for c in shown)}}}"


def alike(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    r"""Return how names are written that would otherwise look like another: W1 beside W_1, lambd beside lam.

    >>> alike(["W1", "W_1", "b1"])["W1"]
    ('W1', '\\mathrm{W1}')
    """
    looks: dict[str, set[str]] = {}
    for name in set(names):
        for look in (text(name), latex(name)):
            looks.setdefault(look, set()).add(name)
    return {name: plain(name) for same in looks.values() if len(same) > 1 for name in same}


class Taken:
    """The names that are in use, so that what has none gets one of its own."""

    def __init__(self, names: set[str]) -> None:
        self.names = set(names)
        self.letters: set[str] = set()
        self.looks = {text(name) for name in names}

    def own(self, name: str) -> str:
        """Return `name`, or where it is in use the first of u, v, ... that is not."""
        if name in self.names or text(name) in self.looks:
            return self.letter()
        self.names.add(name)
        return name

    def numbered(self, name: str) -> str:
        """Return `name`, or where it is in use the first of name_2, name_3, ... that is not."""
        numbered = (f"{name}{number}" for number in itertools.count(2))
        own = next(n for n in itertools.chain([name], numbered) if n not in self.names)
        self.names.add(own)
        return own

    def letter(self) -> str:
        """Return the next letter that no variable has: u, v, ..., then u1, u2, ...

        >>> taken = Taken({"v"})
        >>> taken.letter(), taken.letter()
        ('u', 'r')
        """
        numbered = (f"u{number}" for number in itertools.count(1))
        letter = next(name for name in itertools.chain(LETTERS, numbered) if name not in self.names)
        self.names.add(letter)
        self.letters.add(letter)
        return letter
