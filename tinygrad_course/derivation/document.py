"""A derivation as a document: text, LaTeX, Markdown, and what a notebook shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tinygrad_course.derivation.printing import Piece


@dataclass(frozen=True)
class Line:
    """A variable or a gradient, and what it equals.

    Attributes
    ----------
    name : str
        ``"dZ2"``, ``"Z2"``; where there are numbers only, ``"dJ/du"``.
    left : Piece
        What stands left of the first equals sign.
    right : tuple of Piece
        The ways to write it, each equal to the one before.
    value : array or number
        What every one of `right` comes to at the recorded values.
    shape : Piece or None
        Of an array: ``(n_2, m) = (1, 400)``.
    reasons : tuple of Piece
        What led to each of `right`, which may be nothing; none at all where nothing did.
    """

    name: str
    left: Piece
    right: tuple[Piece, ...]
    value: Any
    shape: Piece | None = None
    reasons: tuple[Piece, ...] = ()

    @property
    def text(self) -> str:
        """The line as text, on one line: ``dZ^[2] = dA^[2] * ... = A^[2] - Y``."""
        return " = ".join(p.text for p in (self.left, *self.right))

    @property
    def latex(self) -> str:
        """The line in LaTeX, without its surroundings."""
        return " = ".join(p.latex for p in (self.left, *self.right))

    @property
    def result(self) -> str:
        """The last way to write it: ``A^[2] - Y``."""
        return self.right[-1].text


@dataclass(frozen=True)
class Part:
    """A heading, a remark, and lines."""

    title: str
    lines: tuple[Line, ...]
    remark: Piece | None = None


class Derivation(Sequence[Line]):
    """The chain rule of a cost, written out; a sequence of `Line`, ``d["dW1"]`` finds one by name.

    ``print(d)`` shows it as text, a notebook as mathematics. `text`, `latex` and `markdown` hold the same as
    strings, and `lines` in the order in which they are written.
    """

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self.parts = parts
        self.lines = tuple(line for part in parts for line in part.lines)

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines)

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return self.lines[key]
        for line in reversed(self.lines):
            if line.name == key:
                return line
        raise KeyError(f"no line is called {key!r}; the names are {sorted({n.name for n in self.lines})}")

    # -------------------------------------------------------------- text

    @property
    def text(self) -> str:
        """The derivation as plain text."""
        blocks = []
        for part in self.parts:
            rows = [part.title + (f" ({part.remark.text})" if part.remark else "")]
            width = max(len(line.left.text) for line in part.lines)
            for line in part.lines:
                rows += self._rows(line, width)
            blocks.append("\n".join(rows))
        return "\n\n".join(blocks)

    @staticmethod
    def _rows(line: Line, width: int) -> list[str]:
        shape = f"   : {line.shape.text}" if line.shape else ""
        if not any(r.text for r in line.reasons):
            chain = " = ".join(p.text for p in line.right)
            return [f"  {line.left.text:<{width}} = {chain}{shape}"]
        rows = []
        for i, (piece, reason) in enumerate(zip(line.right, line.reasons, strict=True)):
            left = "" if i else line.left.text
            end = shape if i == len(line.right) - 1 else ""
            told = f"      [{reason.text}]" if reason.text else ""
            rows.append(f"  {left:<{width}} = {piece.text}{end}{told}")
        return rows

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        last = self.lines[-1]
        return f"<Derivation of {len(self.lines)} lines, the last {last.text}>"

    # -------------------------------------------------------------- mathematics

    @property
    def latex(self) -> str:
        """The derivation in LaTeX: one `aligned` block, which stands in any mathematics."""
        rows: list[str] = []
        for i, part in enumerate(self.parts):
            remark = f"\\quad \\text{{(}}{part.remark.latex}\\text{{)}}" if part.remark else ""
            rows.append(("[6pt] " if i else "") + f"&\\textbf{{{part.title}}}{remark}")
            for line in part.lines:
                rows += self._math(line)
        body = " \\\\\n".join(rows).replace("\\\\\n[6pt]", "\\\\[6pt]\n")
        return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"

    @staticmethod
    def _math(line: Line) -> list[str]:
        shape = f" \\quad : {line.shape.latex}" if line.shape else ""
        if not any(r.text for r in line.reasons):
            return [f"{line.left.latex} &= {' = '.join(p.latex for p in line.right)}{shape}"]
        rows = []
        for i, (piece, reason) in enumerate(zip(line.right, line.reasons, strict=True)):
            left = "" if i else line.left.latex
            end = shape if i == len(line.right) - 1 else ""
            told = f" && {reason.latex}" if reason.text else ""
            rows.append(f"{left} &= {piece.latex}{end}{told}")
        return rows

    @property
    def markdown(self) -> str:
        """The derivation in Markdown, each part a block of mathematics."""
        blocks = []
        for part in self.parts:
            remark = f" (${part.remark.latex}$)" if part.remark else ""
            rows = " \\\\\n".join(row for line in part.lines for row in self._math(line))
            blocks.append(f"**{part.title}**{remark}\n\n$$\n\\begin{{aligned}}\n{rows}\n\\end{{aligned}}\n$$")
        return "\n\n".join(blocks) + "\n"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex}$"

    def _repr_markdown_(self) -> str:
        return self.markdown
