"""Pictures are written whole or not at all; the table prints what was printed."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets import circles, digits
from models import demo, pictures
from models.descent import descend
from models.published import agrees, printed_like
from models.table import agreeing_digits, figure_lines, summary_line
from tinygrad_course.training.progress import progress

ROOT = Path(__file__).resolve().parent.parent.parent
# With eight decimals a number of seven digits would be printed in full, and has to agree in full.
numbers = st.floats(-9e5, 9e5, allow_subnormal=False).filter(lambda x: x == 0 or abs(x) > 1e-3)


@given(value=numbers, decimals=st.integers(1, 8))
def test_what_agrees_prints_as_it_was_printed(value, decimals):
    printed = f"{value:.{decimals}f}"
    assert agrees(printed, value)
    assert float(printed_like(printed, value)) == float(printed)


@given(value=numbers, other=numbers, decimals=st.integers(1, 6))
def test_what_differs_prints_differently(value, other, decimals):
    printed = f"{value:.{decimals}f}"
    same = printed_like(printed, other) == printed
    assert same == agrees(printed, other)


@given(value=st.floats(0.1, 10), digits=st.integers(1, 12))
def test_agreeing_digits_are_no_more_than_agree(value, digits):
    other = value * (1 + 10.0**-digits * 5)
    n = agreeing_digits(f"{value:.14f}", other)
    assert n <= digits + 1


def test_an_infinite_cost_is_printed_as_such():
    assert printed_like("inf", np.inf) == "inf"
    assert printed_like("0.5", np.nan) == "nan"
    assert agreeing_digits("0.5", np.nan) == 0
    assert summary_line([]) == "0 figures: nothing published"
    assert figure_lines([]) == []


class TestSave:
    def test_a_failing_drawing_leaves_the_last_good_file(self, tmp_path, monkeypatch):
        path = tmp_path / "deep" / "costs.png"
        pictures.save(pictures.costs_alone({0: 1.0, 1: 0.5}, "costs"), path)
        good = path.read_bytes()
        assert good.startswith(b"\x89PNG")

        figure = pictures.new_figure()

        def broken(file, **options):
            file.write(b"half a picture")
            raise OSError("no space left")

        monkeypatch.setattr(figure, "savefig", broken)
        with pytest.raises(OSError, match="no space left"):
            pictures.save(figure, path)
        assert path.read_bytes() == good
        assert list(path.parent.iterdir()) == [path]

    @pytest.mark.parametrize(("suffix", "start"), [(".svg", b"<?xml"), (".pdf", b"%PDF")])
    def test_the_suffix_chooses_the_format(self, suffix, start, tmp_path):
        path = pictures.save(pictures.costs_alone({0: 1.0}, "costs"), tmp_path / f"costs{suffix}")
        assert path.read_bytes().startswith(start)


def test_no_misclassified_picture_is_an_empty_figure(tmp_path):
    data = digits.load()
    path = pictures.save(pictures.misclassified(data, data.Y_test, "none"), tmp_path / "none.png")
    assert path.stat().st_size > 0


def test_a_boundary_has_the_colours_of_its_points():
    data = circles.load()
    axes = pictures.new_figure().subplots()
    pictures.decision_boundary(
        axes, lambda X: (X[:1] ** 2 + X[1:] ** 2 < 0.8) * 1.0, data.X_train, data.Y_train
    )
    filled, points = axes.collections
    assert filled.get_cmap().name == points.get_cmap().name == "Spectral"
    assert (filled.norm.vmin, filled.norm.vmax) == (points.norm.vmin, points.norm.vmax) == (0.0, 1.0)


def test_descent_keeps_the_first_the_multiples_and_the_last():
    X = np.ones((1, 1))
    _, costs = descend(lambda p, X, Y: p["w"] ** 2, {"w": np.array(3.0)}, X, X, 0.1, iterations=8, every=3)
    assert list(costs) == [0, 3, 6, 7]


def test_descent_does_not_touch_its_start():
    start = {"w": np.array([3.0])}
    descend(lambda p, X, Y: np.sum(p["w"] ** 2), start, np.ones((1, 1)), np.ones((1, 1)), 0.1, iterations=2)
    assert start["w"] == 3.0


def test_progress_is_silent_without_a_terminal(capsys):
    with progress("training", 3) as report:
        report(3, 0.5)
    assert capsys.readouterr() == ("", "")


def test_the_demo_draws_and_trains_on_the_digits(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TINYGRAD_COURSE_DATA", str(tmp_path))
    monkeypatch.setattr("datasets.files.folders", lambda folder=None: [tmp_path])
    assert demo.main(tmp_path / "out") == 0
    printed = capsys.readouterr().out
    assert "J = 3(a + bc) = 33, dJ/da = 3, dJ/db = 6, dJ/dc = 9" in printed
    assert "Logistic regression on the digits" in printed
    assert re.search(r"is taken for (.+) \(probability of .+: [01]\.\d\d\); it is \1\n", printed)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "J.png",
        "logistic_regression.png",
        "logistic_regression_costs.png",
    }


def test_without_matplotlib_rich_and_scikit_learn():
    program = """
import sys
for name in ("matplotlib", "rich", "sklearn", "PIL", "pygraphviz"):
    sys.modules[name] = None
from models.__main__ import main
sys.exit(main(["gradient_check", "--no-plots"]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "5 figures: 4 exact, 1 close" in done.stdout
