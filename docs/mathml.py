"""A hook of mkdocs: formulas become MathML when the site is built, so that a page loads nothing for them.

latex2mathml knows nothing of `aligned`: its rows and cells are taken apart here, and become a table.
"""

from __future__ import annotations

import html
import re
from typing import Any

from latex2mathml.converter import convert

_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)
_ALIGNED = re.compile(r"\s*\\begin\{aligned\}(.*)\\end\{aligned\}\s*", re.DOTALL)
_ROW = re.compile(r"\\begin\{|\\end\{|\\\\(?:\s*\[[^\]]*\])?|\\.|&", re.DOTALL)
#: On which side of its column each cell stands.
_SIDES = ("right", "left", "left", "left")
_INSIDE = re.compile(r"<math[^>]*>(.*)</math>", re.DOTALL)


def on_page_content(page_html: str, **_: Any) -> str:
    """Replace each formula that arithmatex has marked."""
    return _FORMULA.sub(lambda found: mathml(html.unescape(found[3]), block=found[2] == "["), page_html)


def mathml(latex: str, *, block: bool) -> str:
    """Return a formula as MathML; a block scrolls by itself where the page is narrow."""
    aligned = _ALIGNED.fullmatch(latex)
    if aligned:
        body = "".join(f"<mtr>{''.join(map(_cell, row, _SIDES))}</mtr>" for row in cells(aligned[1]))
        math = (
            '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">'
            f'<mtable displaystyle="true">{body}</mtable></math>'
        )
    else:
        math = str(convert(latex, display="block" if block else "inline"))
    return f'<div style="overflow-x: auto">{math}</div>' if block else math


def _cell(latex: str, side: str) -> str:
    found = _INSIDE.fullmatch(convert(latex.strip(), display="block")) if latex.strip() else None
    return f'<mtd style="text-align: {side}">{found[1] if found else ""}</mtd>'


def cells(body: str) -> list[list[str]]:
    r"""Take the rows of an `aligned` apart at ``\\`` and ``&``, those of matrices inside left alone.

    >>> cells(r"a &= b \\ [6pt] c &= \begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}")
    [['a ', '= b '], [' c ', '= \\begin{bmatrix} 1 & 2 \\\\ 3 & 4 \\end{bmatrix}']]
    """
    rows: list[list[str]] = [[""]]
    depth = start = 0
    for sign in _ROW.finditer(body):
        depth += (sign[0] == "\\begin{") - (sign[0] == "\\end{")
        if depth or not (sign[0] == "&" or sign[0].startswith("\\\\")):
            continue
        rows[-1][-1] += body[start : sign.start()]
        start = sign.end()
        if sign[0] == "&":
            rows[-1].append("")
        else:
            rows.append([""])
    rows[-1][-1] += body[start:]
    return rows
