"""The published figures, and the comparison digit by digit."""

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.published import Figure, agrees, published, records

FINITE = st.floats(-9e4, 9e4)  # with 9 decimals 14 digits: one fewer than a full print


@given(value=FINITE, decimals=st.integers(0, 9))
def test_a_value_agrees_with_its_own_print_and_not_with_a_neighbour(value, decimals):
    printed = f"{value:.{decimals}f}"
    assert agrees(printed, value)
    unit = Decimal(1).scaleb(-decimals)
    assert not agrees(str(Decimal(printed) + unit), value)
    assert not agrees(str(Decimal(printed) - unit), value)


@given(value=st.floats(1e-12, 1e-3), decimals=st.integers(1, 9))
def test_so_it_does_in_scientific_notation(value, decimals):
    printed = f"{value:.{decimals}e}"
    assert agrees(printed, value)
    assert not agrees(printed, value * (1 + 2 * 10**-decimals))


@given(value=FINITE, decimals=st.integers(0, 6))
def test_cut_prints(value, decimals):
    scaled = Decimal(value).scaleb(decimals)
    printed = str(Decimal(math.trunc(scaled)).scaleb(-decimals))
    assert agrees(printed, value, "truncated")
    assert not agrees(str(Decimal(printed) + Decimal(1).scaleb(-decimals)), value, "truncated")


@given(value=FINITE)
def test_integers_cut_by_percent_d(value):
    assert agrees("%d" % value, value, "truncated")  # noqa: UP031


@given(
    values=st.lists(st.floats(-100, 100).filter(lambda x: x == 0 or abs(x) > 1e-3), min_size=1, max_size=4)
)
def test_arrays_as_numpy_prints_them(values):
    array = np.array(values)
    with np.printoptions(precision=8, suppress=True, floatmode="maxprec"):
        texts = [np.array2string(number) for number in array]
    for text, value in zip(texts, values, strict=True):
        assert agrees(text, value, "array")
        assert not agrees(text, value + 2e-8, "array")


@given(value=st.floats(1e-3, 1e3))
def test_numbers_of_twelve_digits(value):
    printed = f"{value:.12g}"
    if len(Decimal(printed).as_tuple().digits) == 12:
        assert agrees(printed, value, "number")
    assert not agrees(printed, value * (1 + 1e-10), "number")


@given(value=st.floats(-1e300, 1e300))
def test_full_prints_agree_with_the_very_float_alone(value):
    printed = repr(value)
    digits = len(Decimal(printed).as_tuple().digits)
    if digits >= 15:
        assert agrees(printed, value)
        assert not agrees(printed, np.nextafter(value, 0))
        assert not agrees(printed, np.nextafter(value, 2 * value))


@pytest.mark.parametrize(
    ("printed", "value", "style", "expected"),
    [
        ("1.", 1.0, "array", True),
        ("1.", 0.8, "array", False),
        ("-0.", 0.0, "array", True),
        ("1.0", 0.9856, "number", False),
        ("0.72", 0.72, "number", True),
        ("70.0", 70.0, "number", True),
        ("0.796666666667", 239 / 300, "number", True),
        ("79.7", 100 * 239 / 300, "rounded", True),
        ("94", 93.67, "rounded", True),
        ("94", 93.67, "truncated", False),
        ("inf", math.inf, "rounded", True),
        ("inf", 700.0, "rounded", False),
        ("-inf", math.inf, "rounded", False),
        ("0.5", math.nan, "rounded", False),
        ("nan", math.nan, "rounded", True),
        ("0.5", math.inf, "number", False),
        ("1.189e-07", 1.1890417878779317e-07, "rounded", True),
        ("1.189e-07", 1.1885e-07, "rounded", False),
        ("8.32996807e-07", 8.329968074e-07, "array", True),
    ],
)
def test_prints_of_the_course(printed, value, style, expected):
    assert agrees(printed, value, style) is expected


@pytest.mark.parametrize("printed", ["", "ln 2", "0,5", "0.5 %"])
def test_what_is_no_print(printed):
    with pytest.raises(ValueError, match="is no printed number"):
        agrees(printed, 0.5)


def test_verdicts():
    chaotic = Figure("e", "q", "0.219454", "s", reproducible=False, reason="chaos")
    assert chaotic.verdict(0.2194541) == "exact"
    assert chaotic.verdict(0.22) == "not reproducible"
    assert Figure("e", "q", "0.219454", "s").verdict(0.22) == "missed"
    assert Figure("e", "q", "0.219454", "s").verdict(math.nan) == "missed"
    assert Figure("e", "q", "inf", "s", digits=3).verdict(1.0) == "missed"
    assert Figure("e", "q", "3.1980455", "s", style="array", slack=2e-7).verdict(3.19804568) == "close"
    assert Figure("e", "q", "3.1980455", "s", style="array", slack=2e-7).verdict(3.1980458) == "missed"
    assert Figure("e", "q", "0.5", "s").verdict(None) == "not measured"


@given(value=st.floats(1e-6, 1e6), digits=st.integers(1, 12), share=st.floats(-0.49, 0.49))
def test_the_first_figures(value, digits, share):
    figure = Figure("e", "q", f"{value:.17e}", "s", digits=digits)
    unit = 10.0 ** (Decimal(figure.printed).adjusted() - digits + 1)
    assert figure.verdict(value + share * unit) in ("exact", "close")
    assert figure.verdict(value + 0.51 * unit + abs(share) * unit) == "missed"


def test_the_records():
    names = [record.name for record in records()]
    assert len(names) == len(set(names))
    for record in records():
        assert record.name[:4] in ("1.2 ", "1.3 ", "1.4 ", "2.1 ", "2.2 ")
        assert record.source
        assert record.figures or record.note
        for figure in record.figures:
            assert figure.experiment == record.name
            Decimal(figure.printed)
            assert figure.reproducible == (not figure.reason)
            assert figure.style in ("rounded", "truncated", "number", "array")


def test_every_published_value_is_exact_against_itself_and_missed_when_moved():
    """Holds for the whole file: the comparison tells each figure from a wrong result."""
    for record in records():
        for figure in record.figures:
            value = float(figure.printed)
            assert figure.verdict(value) == "exact", figure
            if math.isfinite(value):
                moved = value * 1.02 + 1.0
                assert figure.verdict(moved) == ("missed" if figure.reproducible else "not reproducible"), (
                    figure
                )


def test_compare_takes_results_in_the_shape_of_the_print():
    record = published("1.2 unit propagate")
    measured = {
        "dw": [[0.999932160], [1.5]],
        "db": 0.49993523062470574,
        "cost": np.array([[6.0000647731922054]]),
    }
    verdicts = {found.figure.quantity: found.verdict for found in record.compare(measured)}
    assert verdicts == {"dw[0, 0]": "exact", "dw[1, 0]": "missed", "db": "exact", "cost": "exact"}
    with pytest.raises(ValueError, match=r"1\.2 unit propagate: dw is \(2,\); the published one is \(2, 1\)"):
        record.compare({"dw": [0.99993216, 1.99980262]})


def test_compare_leaves_no_figure_out():
    record = published("1.3 flower seed 1")
    found = record.compare({"costs": {"0": 0.693048, 8000: 0.3}, "seconds": 3})
    assert [c.figure for c in found] == list(record.figures)
    by_quantity = {c.figure.quantity: c.verdict for c in found}
    assert by_quantity["costs[0]"] == "exact"
    assert by_quantity["costs[1000]"] == "not measured"
    assert by_quantity["costs[8000]"] == "not reproducible"
    assert by_quantity["accuracy_percent"] == "not measured"


def test_reasons_name_published_quantities():
    """A misspelt quantity in the file would excuse nothing, or too much."""
    excused = [figure for record in records() for figure in record.figures if not figure.reproducible]
    assert {figure.experiment for figure in excused} == {
        "1.3 unit nn_model",
        "1.3 flower seed 1",
        "1.3 flower seed 1, notes",
        "1.3 flower seed 1, hidden sizes",
        "1.3 notes unit nn_model",
        "1.4 cats two layers, first release",
        "1.4 cats L layers, first release",
        "2.1 initialization random",
    }
    flower = [f.quantity for f in excused if f.experiment == "1.3 flower seed 1"]
    assert flower == ["costs[8000]", "costs[9000]"]


def test_the_figures_that_everybody_quotes():
    costs = published("1.4 cats L layers").printed["costs"]
    assert (costs["100"], costs["2400"]) == ("0.672053", "0.092878")
    assert published("1.4 cats two layers").printed["costs"]["2400"] == "0.048554785628770226"
    assert published("2.1 initialization He").printed["costs"]["0"] == "0.8830537463419761"
    assert published("2.2 gradient descent, notes").printed["accuracy_percent"] == "79.7"


def test_a_name_that_is_not_there():
    with pytest.raises(KeyError, match=r"nothing is published under '1\.3 flower'; near: 1\.3 flower seed 1"):
        published("1.3 flower")
    with pytest.raises(KeyError, match="nothing is published under 'xyz'"):
        published("xyz")
