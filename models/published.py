"""The figures that were published for the course's assignments, and how a result is held against them.

``published.json`` beside this module holds the records: one for each experiment or unit case and each place
that published figures for it. Numbers are kept as the strings that were printed, so that a comparison is by
digits. A record has

``name``
    begins with the assignment: ``1.2`` to ``2.2`` (course and week's programming exercise);
``source``
    a notebook of the course (those of its first release as Kulbear and enggen published them with their
    output, and as BaiduOSS's DeepLearningAndPaddleTutorial ran them again), or one of the notes' five parts;
``setup``
    what was run;
``figures``
    the printed numbers: a string, a nested list like the array that was printed, or an object by iteration
    (``"costs": {"0": "0.693147"}``);
``styles``
    how a quantity was printed where that is not the rule (see :func:`agrees`);
``digits``, ``slack``
    where a figure was printed to more digits than two machines have in common: how many of its first figures
    are to agree, or how far a result may be off;
``not_reproducible``
    figures that nobody can meet exactly, with the reason;
``note``
    what else one should know.

>>> record = published("1.2 cats")
>>> record.printed["costs"]["100"]
'0.584508'
>>> [c.verdict for c in record.compare({"costs": {0: 0.69314718056, 100: 0.58}})[:3]]
['exact', 'missed', 'not measured']
"""

from __future__ import annotations

import difflib
import functools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal

import numpy as np

__all__ = ["Comparison", "Figure", "Record", "agrees", "printed_like", "published", "records"]

Style = Literal["rounded", "truncated", "number", "array"]
Verdict = Literal["exact", "close", "not reproducible", "missed", "not measured"]

FULL_PRINT = 15  # from so many significant digits on, a number was printed in full
HELD_FIGURES = 10  # of a number printed in full, so many first figures are to agree


def printed_like(printed: str, value: float, style: Style = "rounded") -> str:
    """Print a value as a published figure was printed, so that the two can be read one above the other.

    Parameters
    ----------
    printed : str
        The published figure: ``"0.693147"``, ``"1.189e-07"``, ``"90"``, ``"-inf"``.
    value : float
    style : {"rounded", "truncated", "number", "array"}
        How the figure was printed: rounded to the decimals that it shows (``%f``), cut to them (``%d``), as
        Python 2 and NumPy print a number (up to 12 digits, zeros at the end dropped), or as NumPy prints an
        array (8 decimals, zeros at the end dropped). Whatever the style, a figure of 15 digits or more was
        printed in full, and only the same float64 agrees.

    Raises
    ------
    ValueError
        If `printed` is no number.

    Examples
    --------
    >>> printed_like("0.140872", 0.14087209), printed_like("90", 90.75, "truncated")
    ('0.140872', '90')
    >>> printed_like("8.32996807e-07", 8.3299680712e-07), printed_like("0.", -1e-300)
    ('8.32996807e-07', '0.')
    >>> printed_like("0.8830537463419761", 0.88305374634197)
    '0.88305374634197'
    """
    shown, value = _decimal(printed), float(value)
    finite = shown.is_finite() and math.isfinite(value)
    if not finite or len(shown.as_tuple().digits) >= FULL_PRINT:
        wanted = float(shown)
        return printed if value == wanted or (value != value and wanted != wanted) else repr(value)  # noqa: PLR0124
    mantissa, _, power = printed.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    letter = "e" if power else "f"
    formats = {"rounded": f".{decimals}{letter}", "number": ".12g", "array": f".8{letter}"}
    if style == "truncated":
        text = f"{Decimal(value).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_DOWN):f}"
    else:
        text = format(value, formats[style])
    return printed if Decimal(text) == shown else text


def agrees(printed: str, value: float, style: Style = "rounded") -> bool:
    """Whether a value, printed as the published figure was, shows the same digits.

    Examples
    --------
    >>> agrees("0.693147", 0.6931471805599453), agrees("0.693147", 0.693148)
    (True, False)
    >>> agrees("90", 90.75), agrees("90", 90.75, style="truncated")
    (False, True)
    >>> agrees("0.915", 0.915004), agrees("0.915", 0.915004, style="number")
    (True, False)
    """
    return printed_like(printed, value, style) == printed


def _decimal(printed: str) -> Decimal:
    try:
        return Decimal(printed)
    except InvalidOperation:
        raise ValueError(f"{printed!r} is no printed number; expected one like '0.693147'") from None


@dataclass(frozen=True)
class Figure:
    """One published number."""

    experiment: str  #: name of its record
    quantity: str  #: ``"costs[100]"``, ``"W1[0, 1]"``, ``"train_accuracy"``
    printed: str
    source: str
    reproducible: bool = True  #: False where nobody can meet it exactly,
    reason: str = ""  #: and why not
    style: Style = "rounded"  #: how it was printed, see `printed_like`
    digits: int | None = None  #: so many of the first figures are to agree, where not all printed ones can
    slack: float = 0.0  #: a result may be off by so much: the published inputs say no more

    def verdict(self, value: float | None) -> Verdict:
        """Hold a result against the figure.

        Returns
        -------
        str
            ``"exact"``: the same printed digits. ``"close"``: the same to ``digits`` figures, or within
            ``slack``. ``"not reproducible"``: different, and nobody can do better. ``"missed"``: different.
            ``"not measured"``: `value` is None.

        Examples
        --------
        >>> figure = Figure("mine", "cost", "0.8830537463419761", "here", digits=10)
        >>> figure.verdict(0.8830537463419761), figure.verdict(0.88305374634), figure.verdict(0.8831)
        ('exact', 'close', 'missed')
        """
        if value is None:
            return "not measured"
        if agrees(self.printed, value, self.style):
            return "exact"
        if self._close(float(value)):
            return "close"
        return "missed" if self.reproducible else "not reproducible"

    def _close(self, value: float) -> bool:
        shown = _decimal(self.printed)
        if not shown.is_finite() or not math.isfinite(value):
            return False
        half_unit = Decimal(5).scaleb(shown.adjusted() - self.digits) if self.digits else Decimal(0)
        return abs(Decimal(value) - shown) <= max(half_unit, Decimal(self.slack))


@dataclass(frozen=True)
class Comparison:
    """A published figure beside a result, which is None where nothing was measured."""

    figure: Figure
    value: float | None
    verdict: Verdict


@dataclass(frozen=True)
class Record:
    """What one source published about one experiment."""

    name: str
    source: str
    setup: Mapping[str, Any]  #: what was run, in the course's words
    printed: Mapping[str, Any]  #: the figures in the shape in which they were printed
    figures: tuple[Figure, ...]  #: the same, one by one; none in a record that only explains something
    note: str = ""

    def compare(self, measured: Mapping[str, Any]) -> list[Comparison]:
        """Hold results against the figures, one by one and in their order.

        Parameters
        ----------
        measured : mapping of str to number, array_like or mapping
            By the names of ``printed``, each in the same shape: arrays for arrays, for costs a mapping from
            iteration to cost. What was not measured may be left out; what was not published is ignored.

        Returns
        -------
        list of Comparison
            One for each figure.

        Raises
        ------
        ValueError
            If an array has another shape than the published one.

        Examples
        --------
        >>> found = published("2.1 regularization L2, notes").compare({"train_accuracy_percent": 93.84})
        >>> [(c.figure.quantity, c.figure.printed, c.verdict) for c in found]
        [('train_accuracy_percent', '94', 'exact'), ('test_accuracy_percent', '93', 'not measured')]
        """
        values: dict[str, float] = {}
        for name, shown in self.printed.items():
            if name in measured:
                values |= dict(_measured(f"{self.name}: {name}", name, shown, measured[name]))
        return [
            Comparison(figure, value, figure.verdict(value))
            for figure in self.figures
            for value in [values.get(figure.quantity)]
        ]


def _measured(where: str, name: str, shown: Any, value: Any) -> Iterator[tuple[str, float]]:
    """Yield the results by quantity, in the shape in which the figures were printed."""
    if isinstance(shown, Mapping):
        for key, number in value.items():
            yield f"{name}[{key}]", float(number)
        return
    array = np.asarray(value, dtype=np.float64)
    shape = np.shape(np.array(shown, dtype=object)) if isinstance(shown, list) else ()
    if not shape and array.size == 1:
        array = array.reshape(())
    if array.shape != shape:
        raise ValueError(f"{where} is {array.shape}; the published one is {shape}")
    for index, number in np.ndenumerate(array):
        yield _quantity(name, index), float(number)


def _quantity(name: str, index: Sequence[int]) -> str:
    return f"{name}[{', '.join(map(str, index))}]" if index else name


def _flat(name: str, shown: Any) -> Iterator[tuple[str, str]]:
    """Yield every printed number with its quantity."""
    if isinstance(shown, Mapping):
        yield from ((f"{name}[{key}]", text) for key, text in shown.items())
    else:
        for index, text in np.ndenumerate(np.array(shown, dtype=object)):
            yield _quantity(name, index), text


def _style(shown: Any) -> Style:
    """Say the rule: arrays as NumPy prints them, series with so many decimals, numbers as Python does."""
    if isinstance(shown, list):
        return "array"
    return "rounded" if isinstance(shown, Mapping) else "number"


def _record(raw: Mapping[str, Any]) -> Record:
    reasons = {q: group["reason"] for group in raw.get("not_reproducible", []) for q in group["quantities"]}
    figures = []
    for name, shown in raw.get("figures", {}).items():
        for quantity, text in _flat(name, shown):
            reason = reasons.get(quantity, reasons.get(name, ""))
            full = len(_decimal(text).as_tuple().digits) >= FULL_PRINT
            figures.append(
                Figure(
                    raw["name"],
                    quantity,
                    text,
                    raw["source"],
                    reproducible=not reason,
                    reason=reason,
                    style=raw.get("styles", {}).get(name, _style(shown)),
                    digits=raw.get("digits", {}).get(name, HELD_FIGURES if full else None),
                    slack=raw.get("slack", 0.0),
                )
            )
    return Record(
        raw["name"],
        raw["source"],
        raw.get("setup", {}),
        raw.get("figures", {}),
        tuple(figures),
        raw.get("note", ""),
    )


@functools.cache
def records() -> tuple[Record, ...]:
    """Return all records, in the order of the course.

    Examples
    --------
    >>> len(records()), records()[0].name
    (94, '1.2 first pixels')
    """
    text = Path(__file__).with_name("published.json").read_text(encoding="utf-8")
    return tuple(_record(raw) for raw in json.loads(text)["records"])


def published(name: str) -> Record:
    """Return one record.

    Raises
    ------
    KeyError
        If there is none of that name; the message names the nearest ones.

    Examples
    --------
    >>> published("1.3 flower seed 2030").printed["accuracy_percent"]
    '91.25'
    """
    known = {record.name: record for record in records()}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
        hint = f"; near: {', '.join(near)}" if near else ""
        raise KeyError(f"nothing is published under {name!r}{hint}")
    return known[name]
