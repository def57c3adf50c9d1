"""The tables of docs/conventions.md: each of our entries, at order one and two, and the page itself."""

import argparse

import numpy as np
import pytest

from benchmarks import conventions
from benchmarks.conventions import peers
from benchmarks.conventions.points import POINTS, SECTIONS

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

OURS, WORDS = peers.of_ours(), peers.our_words()


@pytest.mark.parametrize("name", POINTS)
def test_our_gradient(name):
    point = POINTS[name]
    assert peers.seen(OURS, point.f, point.x) == point.ours


@pytest.mark.parametrize("name", [n for n, p in POINTS.items() if p.second])
def test_our_second_derivative(name):
    point = POINTS[name]
    second = peers.second(WORDS.d(lambda x: point.f(WORDS, x)))
    assert peers.seen(lambda _, x: second(np.array(x)[()]), None, point.x) == point.second


#: Where a step of one entry jumps to both sides, or has no value, or where ours is no number.
WITHOUT_SLOPES = {
    *("softmax of [-inf,-inf]", "cosine of [0,0] and [1,0]", "cross entropy, A 0, Y 1", "var ddof1 [2]"),
    *("sqrt 0", "sqrt(x**2) 0", "sqrt(sum x**2) [0,0]", "norm, second", "x/norm(x) [0,0]", "arctan2(x,0) 0"),
    *("1/x 0", "cbrt 0", "x**0.5 at 0", "0**x at 0", "(-2)**x at 3"),
    *("arcsin 1", "arccos -1", "arccosh 1", "arctanh 1"),
    *("log(1+exp x) 1000", "exp(x)/(1+exp x) 1000", "log(sigmoid(x)) -1000", "log(softmax [1000,0]), 2nd"),
    *("logaddexp(-inf,-inf)", "logaddexp(x,1) inf", "logaddexp(x,x) inf"),
    *("logsumexp [-inf,-inf]", "logsumexp [inf,0]", "log 0", "log1p -1", "x*log x 0", "logit 0", "cosh 1000"),
    *("max [nan,1]", "max by row [[nan,1],[2,3]]", "maximum(nan,0)", "clip nan"),
}
#: Where it has one, and ours is another: x log x is infinitely steep, and three equal numbers move together.
OTHERWISE = {"x**x at 0", "xlogy(x,x) 0", "entr 0", "kl_div(x,.5) 0", "median [1,1,1]"}


def slopes_of_the_sides(f, x, h=1e-6):
    """The least and the largest of the slopes at `x` when one entry moves to either side; NaN for a jump."""
    x = np.array(x)
    sides = np.empty((2, *x.shape))
    for k, step in enumerate((h, -h)):
        for i in np.ndindex(x.shape):
            moved = x.copy()
            moved[i] += step
            sides[(k, *i)] = (f(moved[()]) - f(x[()])) / step
    sides[np.abs(sides) > 1e5] = np.nan
    return np.fmin(*sides), np.fmax(*sides)


@pytest.mark.parametrize("name", [n for n, p in POINTS.items() if not p.ours.endswith("Error")])
def test_our_gradient_lies_between_the_slopes_of_the_sides(name):
    """Of NumPy's values alone."""
    point = POINTS[name]
    ours = np.array(WORDS.d(lambda x: point.f(WORDS, x))(np.array(point.x)[()]))
    least, largest = slopes_of_the_sides(lambda x: float(point.f(WORDS, x)), point.x)
    sloped = np.isfinite(ours) & np.isfinite(least)
    assert sloped.any() == (name not in WITHOUT_SLOPES)
    slack = 1e-4 * (1 + np.abs(ours))
    between = (least - slack <= ours) & (ours <= largest + slack)
    assert between[sloped].all() == (name not in OTHERWISE)


@pytest.mark.parametrize(
    "name", [n for n, p in POINTS.items() if p.second and not p.second.endswith("Error")]
)
def test_our_second_derivative_is_that_of_our_first(name):
    """Where that has a slope."""
    point = POINTS[name]
    first = WORDS.d(lambda x: point.f(WORDS, x))

    def along(x):
        return float(np.sum(np.reshape(first(x), -1) * np.arange(1.0, np.size(x) + 1)))

    ours = np.array(peers.second(first)(np.array(point.x)[()]))
    least, largest = slopes_of_the_sides(along, point.x)
    sloped = np.isfinite(ours) & np.isfinite(least)
    slack = 1e-4 * (1 + np.abs(ours))
    assert ((least - slack <= ours) & (ours <= largest + slack))[sloped].all()


def test_the_page_is_the_tables():
    assert conventions.PAGE.read_text(encoding="utf-8") == conventions.written()


def test_every_point_has_its_row_and_its_reason():
    versions, seen = conventions.read()
    assert list(seen) == list(POINTS)
    assert sum(map(len, SECTIONS.values())) == len(POINTS)
    assert set(versions) == set(peers.PEERS)
    assert all(point.why and point.ours for point in POINTS.values())
    assert all(cell for cells in seen.values() for cell in cells.values())


ENTRIES = ["0.5", "[1,2]", "nan", "inf", "LinAlgError", "no rule"]


@pytest.mark.parametrize("told", ENTRIES)
def test_an_entry_that_is_changed_is_noticed(told):
    assert conventions.same(told, told)
    for found in {*ENTRIES} - {told}:
        assert not conventions.same(told, found)


def test_who_comes_from_elsewhere_finds_what_differs():
    assert conventions.differs("1", "0")
    assert conventions.differs("nan", "LinAlgError")
    for told in ("0", "no rule", ""):
        assert not conventions.differs(told, "0")
    assert not conventions.differs("ValueError", "LinAlgError")


def test_names_of_elsewhere_belong_to_points():
    assert set(conventions.THERE) == set(conventions.NAMES)
    for names in conventions.THERE.values():
        for start in names:
            assert any(point.startswith(start) for point in POINTS), start
    assert conventions.titled("clip nan", "torch") == "clip nan (torch.clamp)"
    assert conventions.titled("gelu, tanh 1", "jax") == "gelu, tanh 1 (nn.gelu)"
    assert conventions.titled("sinc 0", "jax") == "sinc 0"


def test_an_entry_that_does_not_hold_is_printed(monkeypatch, capsys):
    """Of the table, of the points, and a version."""
    versions, table = conventions.read()
    version = versions["autograd"]
    point = POINTS["abs 0"]
    monkeypatch.setattr(peers, "PEERS", {"autograd": lambda: lambda f, x: np.array(0.0)})
    monkeypatch.setattr(conventions, "POINTS", {"abs 0": point})
    monkeypatch.setattr(conventions, "read", lambda: (versions, table))
    monkeypatch.setattr(conventions.metadata, "version", lambda name: version + "+cpu")

    def printed():
        code = conventions.run(argparse.Namespace(write=False))
        return code, capsys.readouterr().out.splitlines()

    tried = ["ours: 1 entries tried", "autograd: 1 entries tried"]
    assert printed() == (0, tried)
    table["abs 0"]["autograd"] = "1"
    assert printed() == (1, [tried[0], "autograd: abs 0 gives 0, the table has 1", tried[1]])
    table["abs 0"]["autograd"] = "0"
    monkeypatch.setattr(conventions, "POINTS", {"abs 0": point._replace(ours="1")})
    assert printed() == (1, ["ours: abs 0 gives 0, the table has 1", *tried])
    monkeypatch.setattr(conventions, "POINTS", {"abs 0": point})
    versions["autograd"] = "0.1"
    assert printed() == (
        0,
        [tried[0], f"autograd: {version} is installed, the table is of 0.1", tried[1]],
    )
