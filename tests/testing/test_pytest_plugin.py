"""The pytest plugin: cheap to import, silent where tests pass, and a graph where a gradient fails."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = """
import numpy as np
import pytest
from hypothesis import given
from tinygrad_course import Tensor, check_gradients
from tinygrad_course.testing import arrays_away_from_kinks, assert_gradients_match


@given(arrays_away_from_kinks(shape=(2,)))
def test_mine(x):
    assert_gradients_match(lambda x: np.sum(np.exp(x) * x), x, gradient=lambda x: np.exp(x))


def test_right():
    check_gradients(np.tanh, np.array([0.5]))


def test_other():
    W1 = Tensor([1.0, 2.0], name="W1")
    J = np.sum(W1**2).named("J")
    assert float(J) == 6.0


def test_without_gradients():
    assert 1 == 2


def test_black_box():
    check_gradients(lambda x: float(np.asarray(x).sum()), np.array([0.5]), gradient=lambda x: 2 * np.ones(1))
"""


def run(directory: Path, *options: str, example: str = EXAMPLE) -> str:
    """What pytest prints of the example in a project of its own."""
    (directory / "test_example.py").write_text(example, encoding="utf-8")
    (directory / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:xdist",
        "-p",
        "tinygrad_course.pytest_plugin",
        *options,
    ]
    if _installed():
        del command[5:7]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=100, check=False)
    return done.stdout + done.stderr


def _installed() -> bool:
    """Whether pytest finds the plugin by itself."""
    from importlib.metadata import entry_points

    return any(e.value == "tinygrad_course.pytest_plugin" for e in entry_points(group="pytest11"))


@pytest.fixture(scope="module", name="printed")
def _printed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    directory = tmp_path_factory.mktemp("project")
    return run(directory, "--graph-dir", str(directory / "pictures")), directory / "pictures"


@pytest.mark.long
def test_a_wrong_gradient_shows_its_graph(printed: tuple[str, Path]) -> None:
    text, pictures = printed
    assert "4 failed, 1 passed" in text
    section = text.split("Graph of the gradient")[1].split("____")[0]
    assert re.search(r"v1 = exp\(x\) \(2,\) = \[.*\] +gradient \[", section)
    assert re.search(r"^J = sum\(v2\) = .* gradient 1$", section, re.MULTILINE)
    drawn = re.search(r"drawn in (\S+)|in (\S+), for Graphviz", section)
    assert drawn is not None
    picture = Path(drawn[1] or drawn[2])
    assert picture.parent == pictures
    assert picture.stat().st_size > 500
    if picture.suffix == ".png":
        assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.long
def test_other_failures_are_left_alone(printed: tuple[str, Path]) -> None:
    text, pictures = printed
    assert text.count("Graph of the gradient") == 1  # neither the black box nor what is no gradient
    assert len(list(pictures.iterdir())) == 1


@pytest.mark.long
def test_the_option_shows_the_last_tensor_of_any_failed_test(tmp_path: Path) -> None:
    text = run(tmp_path, "--graph", "-k", "other or without")
    assert text.count("Graph of the gradient") == 1
    assert re.search(r"^W1 \(2,\) = \[1., 2.\]$", text, re.MULTILINE)
    assert re.search(r"^J = sum\(v2\) = 5$", text, re.MULTILINE)
    assert list((tmp_path / ".pytest_cache").rglob("gradient-graphs/test_example.py_test_other.*"))


@pytest.mark.long
def test_the_plugin_imports_nothing_before_it_is_needed(tmp_path: Path) -> None:
    program = (
        "import sys, pytest; before = set(sys.modules); import tinygrad_course.pytest_plugin; "
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(re.findall(r"'([^']+)'", done.stdout))
    assert loaded == {"tinygrad_course", "tinygrad_course.pytest_plugin"}
    text = run(
        tmp_path, "-q", example="def test_nothing():\n    import sys\n    assert 'numpy' not in sys.modules\n"
    )
    assert "1 passed" in text
