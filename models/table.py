"""The table that every run prints: published beside ours, digit by digit, with a verdict for each figure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from models.published import Comparison, printed_like

__all__ = ["agreeing_digits", "figure_lines", "quantity_lines", "summary_line"]

# In the order in which they are counted. "Close" is explained where it is used: see models.published.
VERDICTS = ("exact", "close", "not reproducible", "missed", "not measured")


def agreeing_digits(printed: str, value: float) -> int:
    """Count the significant digits of a published figure that a value shares with it.

    Two numbers share n digits when they are the same rounded to n digits.

    Examples
    --------
    >>> agreeing_digits("0.16329987525724216", 0.163299875257249)
    13
    >>> agreeing_digits("0.215573", 0.3), agreeing_digits("inf", 0.3)
    (0, 0)
    """
    number = Decimal(printed)
    if not number.is_finite() or not math.isfinite(value):
        return 0
    most = len(number.as_tuple().digits)
    return max(
        (n for n in range(1, most + 1) if f"{float(number):.{n - 1}e}" == f"{float(value):.{n - 1}e}"),
        default=0,
    )


def figure_lines(comparisons: Iterable[Comparison], reasons: bool = True) -> list[str]:
    r"""Return a line for each figure: what it is, published, ours, verdict.

    Parameters
    ----------
    comparisons : iterable of Comparison
    reasons : bool
        Say below why a figure cannot be reproduced, each reason once.

    Returns
    -------
    list of str

    Examples
    --------
    >>> from models.published import published
    >>> lines = figure_lines(published("1.2 cats").compare({"costs": {0: 0.69314718, 100: 0.59}}))
    >>> print("\n".join(lines[:2]))
    costs[0]                  0.693147               0.693147               exact
    costs[100]                0.584508               0.590000               missed (1 digit agrees)
    """
    lines, given = [], []
    for comparison in comparisons:
        figure, value = comparison.figure, comparison.value
        ours = _ours(comparison)
        verdict: str = comparison.verdict
        if value is not None and verdict != "exact":
            n = agreeing_digits(figure.printed, value)
            verdict += f" ({n} digit{' agrees' if n == 1 else 's agree'})"
        lines.append(f"{figure.quantity:<25} {figure.printed:<22} {ours:<22} {verdict}")
        if reasons and comparison.verdict == "not reproducible" and figure.reason not in given:
            given.append(figure.reason)
    return lines + [f"  not reproducible: {reason}" for reason in given]


def quantity_lines(comparisons: Sequence[Comparison]) -> list[str]:
    r"""Return a line for each quantity with the first and last of its figures, and all that were missed.

    Examples
    --------
    >>> from models.published import published
    >>> found = published("2.1 regularization L2, notes").compare({"test_accuracy_percent": 93.0})
    >>> print("\n".join(quantity_lines(found)[1:]))
      test_accuracy_percent      93                               93                               exact
    """
    groups: dict[str, list[Comparison]] = {}
    for comparison in comparisons:
        groups.setdefault(comparison.figure.quantity.partition("[")[0], []).append(comparison)
    lines = []
    for name, group in groups.items():
        count = f" ({len(group)})" if len(group) > 1 else ""
        ends = group if len(group) == 1 else [group[0], group[-1]]
        published = " .. ".join(_short(c.figure.printed, len(ends)) for c in ends)
        ours = " .. ".join(_short(_ours(c), len(ends)) for c in ends)
        lines.append(f"  {name + count:<26} {published:<32} {ours:<32} {_verdicts(group)}")
        lines += [f"    {line}" for line in figure_lines(c for c in group if c.verdict == "missed")]
    reasons = dict.fromkeys(c.figure.reason for c in comparisons if c.verdict == "not reproducible")
    return lines + [f"    not reproducible: {reason}" for reason in reasons]


def _short(text: str, neighbours: int) -> str:
    """Cut a number printed in full where two of them share a column; `figure_lines` shows all of it."""
    return text if neighbours == 1 or len(text) <= 14 else f"{text[:11]}..."


def _ours(comparison: Comparison) -> str:
    figure, value = comparison.figure, comparison.value
    return "-" if value is None else printed_like(figure.printed, value, figure.style)


def _verdicts(group: Sequence[Comparison]) -> str:
    """Count the verdicts of one quantity, and say how many digits the figures share that are not exact."""
    counts: Counter[str] = Counter(comparison.verdict for comparison in group)
    if len(counts) == 1 and counts["exact"]:
        return "exact"
    told = []
    for verdict in (known for known in VERDICTS if counts[known]):
        count = counts[verdict]
        words = verdict if len(group) == count else f"{count} {verdict}"
        shared = [
            agreeing_digits(c.figure.printed, c.value)
            for c in group
            if c.verdict == verdict
            and verdict in ("close", "missed", "not reproducible")
            and c.value is not None
        ]
        if shared:
            least = min(shared)
            words += f" ({least} digit{'' if least == 1 else 's'}{' or more' if max(shared) > least else ''})"
        told.append(words)
    return ", ".join(told)


def summary_line(comparisons: Sequence[Comparison]) -> str:
    """Count the verdicts in one line.

    Examples
    --------
    >>> from models.published import published
    >>> summary_line(published("1.2 cats").compare({"costs": {0: 0.69314718, 100: 0.59}}))
    '22 figures: 1 exact, 1 missed, 20 not measured'
    """
    counts: Counter[str] = Counter(comparison.verdict for comparison in comparisons)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])
    return f"{len(comparisons)} figure{'' if len(comparisons) == 1 else 's'}: {told or 'nothing published'}"
