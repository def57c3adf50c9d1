"""A hook of mkdocs: formulas become MathML when the site is built, so that a page loads nothing for them."""

from __future__ import annotations

import html
import re
from typing import Any

from latex2mathml.converter import convert

_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)


def on_page_content(page_html: str, **_: Any) -> str:
    """Replace each formula that arithmatex has marked."""

    def mathml(match: re.Match[str]) -> str:
        display = "block" if match.group(2) == "[" else "inline"
        return str(convert(html.unescape(match.group(3)), display=display))

    return _FORMULA.sub(mathml, page_html)
