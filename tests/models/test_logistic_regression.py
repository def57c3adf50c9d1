"""Assignment 1.2: the published figures from the real photographs, and pictures of the user's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from datasets import cats, circles, digits
from models import logistic_regression
from tinygrad_course import grad


@given(n_x=st.integers(1, 6), m=st.integers(1, 9), seed=st.integers(0, 2**32 - 1))
def test_gradients_are_the_formulas_of_the_course(n_x, m, seed):
    random = np.random.RandomState(seed)
    X, Y = random.randn(n_x, m), (random.rand(1, m) > 0.5) * 1.0
    parameters = {"w": random.randn(n_x, 1), "b": random.randn()}
    gradients = grad(logistic_regression.compute_cost)(parameters, X, Y)
    A = 1 / (1 + np.exp(-(np.dot(parameters["w"].T, X) + parameters["b"])))
    np.testing.assert_allclose(gradients["w"], np.dot(X, (A - Y).T) / m, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(gradients["b"], np.sum(A - Y) / m, rtol=1e-9, atol=1e-12)


@pytest.mark.long
@pytest.mark.photographs
@pytest.mark.parametrize(
    ("learning_rate", "iterations"), [(0.005, 2000), (0.01, 1500), (0.0001, 1500)], ids=str
)
def test_every_published_figure_is_met(learning_rate, iterations):
    data = cats.load()
    assert data.verified
    run = logistic_regression.train(data, learning_rate=learning_rate, iterations=iterations)
    comparisons = logistic_regression.compare(run, data)
    assert len(comparisons) >= 2
    assert {c.verdict for c in comparisons} == {"exact"}, [c for c in comparisons if c.verdict != "exact"]


def test_nothing_is_compared_where_the_data_is_not_the_courses():
    data = digits.load()
    run = logistic_regression.train(data, iterations=1)
    assert logistic_regression.compare(run, data) == []


def test_a_diverging_run_is_reported_with_its_iteration():
    message = r"the cost is nan at iteration 1 \(counted from 0\); NaN or infinity is in w, b"
    with pytest.raises(FloatingPointError, match=message), np.errstate(all="ignore"):
        logistic_regression.train(circles.load(), learning_rate=np.inf, iterations=3, every=1)


def picture(path, colour, mode="RGB", size=(90, 40)):
    Image.new(mode, size, colour).save(path)
    return path


class TestPicture:
    def data(self):
        """A data set of coloured pictures without the course's files."""
        X = np.zeros((4 * 6 * 3, 2))
        return digits.load().__class__("made up", X, np.array([[0.0, 1.0]]), picture_shape=(4, 6, 3))

    def test_is_scaled_like_the_training_data(self, tmp_path):
        column = logistic_regression.read_picture(picture(tmp_path / "red.png", (255, 0, 51)), self.data())
        assert column.shape == (72, 1)
        np.testing.assert_allclose(column.reshape(4, 6, 3)[2, 3], [1.0, 0.0, 0.2])

    def test_transparency_and_palettes_become_colours(self, tmp_path):
        column = logistic_regression.read_picture(picture(tmp_path / "p.png", 0, mode="P"), self.data())
        assert column.shape == (72, 1)

    def test_a_digit_is_read_as_ink_on_paper(self, tmp_path):
        white = logistic_regression.read_picture(picture(tmp_path / "w.png", (255, 255, 255)), digits.load())
        assert white.shape == (64, 1)
        assert not white.any()

    def test_a_missing_file(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"no picture .*cat\.jpg"):
            logistic_regression.read_picture(tmp_path / "cat.jpg", self.data())

    def test_a_file_that_is_no_picture(self, tmp_path):
        path = tmp_path / "cat.jpg"
        path.write_text("not a cat")
        with pytest.raises(ValueError, match="no picture that can be read"):
            logistic_regression.read_picture(path, self.data())

    def test_data_without_pictures(self, tmp_path):
        with pytest.raises(ValueError, match="no pictures"):
            logistic_regression.read_picture(tmp_path / "cat.jpg", circles.load())


class TestCommand:
    def run(self, *arguments):
        return logistic_regression.main([str(argument) for argument in arguments])

    def test_trains_classifies_and_draws(self, tmp_path, capsys):
        image = picture(tmp_path / "mine.png", (250, 250, 250))
        assert self.run("--data", "digits", "--iterations", 101, "--image", image, "--out", tmp_path) == 0
        printed = capsys.readouterr().out
        assert "cost after iteration   100" in printed
        assert f"{image}: not 0" in printed
        assert (tmp_path / "logistic_regression_costs.png").read_bytes().startswith(b"\x89PNG")
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "logistic_regression_costs.png",
            "mine.png",
        ]

    def test_draws_nothing_when_told(self, tmp_path):
        assert self.run("--data", "digits", "--iterations", 1, "--no-plots", "--out", tmp_path / "out") == 0
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize("iterations", [0, -3])
    def test_a_wrong_number_of_iterations_is_one_line(self, iterations, capsys):
        assert self.run("--data", "digits", "--iterations", iterations) == 1
        assert capsys.readouterr().err.startswith("error: --iterations is")

    def test_a_picture_is_read_before_the_training(self, tmp_path, capsys):
        assert self.run("--data", "digits", "--image", tmp_path / "no.jpg") == 1
        assert "there is no picture" in capsys.readouterr().err
