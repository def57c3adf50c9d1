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


def spelled(name: str) -> tuple[str, str]:
    r"""Write a name in plain text, and in LaTeX.

    >>> spelled("W1"), spelled("x1"), spelled("lambd")
    (('W^[1]', 'W^{[1]}'), ('x1', 'x_{1}'), ('λ', '\\lambda'))
    >>> spelled("theta"), spelled("keep_prob")
    (('theta', '\\theta'), ('keep_prob', '\\mathrm{keep\\_prob}'))
    """
    if name.endswith("'"):
        text, latex = spelled(name[:-1])
        return f"{text}'", f"\\tilde{{{latex}}}"
    if (layer := layer_of(name)) is not None:
        return f"{layer[0]}^[{layer[1]}]", f"{layer[0]}^{{[{layer[1]}]}}"
    text, latex = plain(name)
    numbered = re.fullmatch(r"([A-Za-z]+)_?(\d+)", name)
    if name in _GREEK:
        latex = _GREEK[name]
    elif len(name) == 1 and name.isalpha():
        latex = name
    elif name == "sigma2":
        latex = "\\sigma^{2}"
    elif (timed := re.fullmatch(r"([A-Za-z])_(prev|next)|([acxy])t", name)) is not None:
        latex = f"{timed[1] or timed[3]}^{{\\langle{{{_TIMES.get(timed[2], 't')}}}\\rangle}}"
    elif (into := re.fullmatch(r"([Wb])([acfioruxy]{1,2})", name)) is not None:
        latex = f"{into[1]}_{{{into[2]}}}"
    elif (marked := re.fullmatch(r"([A-Z])_(norm|tilde)(\d{0,4})", name)) is not None:
        latex = f"\\tilde{{{marked[1]}}}" if marked[2] == "tilde" else f"{marked[1]}_{{\\mathrm{{norm}}}}"
        latex += f"^{{[{int(marked[3])}]}}" if marked[3] else ""
    elif numbered is not None and (len(numbered[1]) == 1 or numbered[1] in _GREEK):
        latex = f"{_GREEK.get(numbered[1], numbered[1])}_{{{numbered[2]}}}"
    return _TEXT.get(name) or text, latex


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
        for look in spelled(name):
            looks.setdefault(look, set()).add(name)
    return {name: plain(name) for same in looks.values() if len(same) > 1 for name in same}


class Taken:
    """The names that are in use, so that what has none gets one of its own."""

    def __init__(self, names: set[str]) -> None:
        self.names = set(names)
        self.letters: set[str] = set()
        self.looks = {spelled(name)[0] for name in names}

    def own(self, name: str) -> str:
        """Return `name`, or where it is in use the first of u, v, ... that is not."""
        if name in self.names or spelled(name)[0] in self.looks:
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
