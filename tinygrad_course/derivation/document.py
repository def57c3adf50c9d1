"""A derivation as a document: text, LaTeX, Markdown, and what a notebook shows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tinygrad_course.derivation.printing import NOTHING, Piece, joined


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
        return joined(" = ", (self.left, *self.right)).text

    @property
    def latex(self) -> str:
        """The line in LaTeX, without its surroundings."""
        return joined(" = ", (self.left, *self.right)).latex

    def rows(self) -> Iterator[tuple[Piece, Piece, Piece, Piece]]:
        """Yield its rows, one for each reason: what stands left, how it is written, the shape, the reason."""
        shape = self.shape or NOTHING
        if not any(r.text for r in self.reasons):
            yield self.left, joined(" = ", self.right), shape, NOTHING
            return
        for i, (piece, reason) in enumerate(zip(self.right, self.reasons, strict=True)):
            end = shape if i == len(self.right) - 1 else NOTHING
            yield NOTHING if i else self.left, piece, end, reason

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
            for left, right, shape, reason in (row for line in part.lines for row in line.rows()):
                end = f"   : {shape.text}" if shape.text else ""
                told = f"      [{reason.text}]" if reason.text else ""
                rows.append(f"  {left.text:<{width}} = {right.text}{end}{told}")
            blocks.append("\n".join(rows))
        return "\n\n".join(blocks)

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
            rows += self._math(part)
        body = " \\\\\n".join(rows).replace("\\\\\n[6pt]", "\\\\[6pt]\n")
        return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"

    @staticmethod
    def _math(part: Part) -> Iterator[str]:
        for left, right, shape, reason in (row for line in part.lines for row in line.rows()):
            end = f" \\quad : {shape.latex}" if shape.text else ""
            told = f" && {reason.latex}" if reason.text else ""
            yield f"{left.latex} &= {right.latex}{end}{told}"

    @property
    def markdown(self) -> str:
        """The derivation in Markdown, each part a block of mathematics."""
        blocks = []
        for part in self.parts:
            remark = f" (${part.remark.latex}$)" if part.remark else ""
            rows = " \\\\\n".join(self._math(part))
            blocks.append(f"**{part.title}**{remark}\n\n$$\n\\begin{{aligned}}\n{rows}\n\\end{{aligned}}\n$$")
        return "\n\n".join(blocks) + "\n"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex}$"

    def _repr_markdown_(self) -> str:
        return self.markdown
