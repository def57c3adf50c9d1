"""The football pitch: files that are sound, files that are not, and the real one."""

import contextlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.io import loadmat

from datasets import football
from datasets.files import DatasetError


def test_a_sound_file(change_football):
    folder = change_football()
    held = loadmat(folder / "data.mat")
    data = football.load(folder)
    assert held["y"].dtype == np.uint8
    assert data.X_train.dtype == data.Y_train.dtype == np.float64
    assert np.array_equal(data.X_train, held["X"].T)
    assert np.array_equal(data.Y_train, held["y"].T)
    assert np.array_equal(data.X_test, held["Xval"].T)
    assert np.array_equal(data.Y_test, held["yval"].T)
    assert not data.verified


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Xval": None, "yval": None}, "no variable Xval, yval; expected the course's X, y, Xval and yval"),
        ({"X": np.zeros((6, 3))}, r"X is \(6, 3\); expected \(m, 2\)"),
        ({"X": np.zeros((2, 6))}, r"X is \(2, 6\); expected \(m, 2\)"),
        ({"Xval": np.zeros((0, 2)), "yval": np.zeros((0, 1))}, r"Xval is \(0, 2\)"),
        ({"X": np.zeros((6, 2, 2))}, r"X is \(6, 2, 2\)"),
        ({"y": np.zeros((5, 1))}, r"y is \(5, 1\); expected \(6, 1\), a label for each row of X"),
        ({"y": np.zeros((1, 6))}, r"y is \(1, 6\)"),
        ({"yval": np.full((4, 1), 2)}, r"yval holds the label \[2\]; expected 0 or 1"),
        ({"y": np.full((6, 1), np.nan)}, r"y holds the label \[nan\]"),
        ({"X": np.full((6, 2), np.nan)}, "X holds a NaN or an infinity"),
        ({"Xval": np.full((4, 2), np.inf)}, "Xval holds a NaN or an infinity"),
        ({"X": np.zeros((6, 2), complex) + 1j}, "X is complex128; expected real numbers"),
        ({"y": np.array([["a"]] * 6, dtype=object)}, "y is a cell array; expected real numbers"),
    ],
)
def test_a_file_with_something_wrong_in_it(change_football, changes, message):
    folder = change_football(**changes)
    with pytest.raises(DatasetError, match=message) as caught:
        football.load(folder)
    assert "data.mat" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"MATLAB 5.0 MAT-file" + b" " * 300])
def test_what_is_no_matlab_file(tmp_path, content):
    (tmp_path / "data.mat").write_bytes(content)
    with pytest.raises(DatasetError, match=r"no whole MATLAB file .*python -m datasets\.football --download"):
        football.load(tmp_path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(share=st.floats(0, 0.999))
def test_a_file_cut_short_anywhere(change_football, share):
    folder = change_football()
    path = folder / "data.mat"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DatasetError, match=r"data\.mat"):
        football.load(folder)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(where=st.floats(0, 1, exclude_max=True), bits=st.integers(1, 255))
def test_a_flipped_byte_ends_in_one_kind_of_error_or_in_a_sound_set(change_football, where, bits):
    folder = change_football()
    path = folder / "data.mat"
    damaged = bytearray(path.read_bytes())
    damaged[int(where * len(damaged))] ^= bits
    path.write_bytes(damaged)
    with contextlib.suppress(DatasetError):
        assert football.load(folder).X_train.shape == (2, 6)  # the flip was in the header's text


def test_a_missing_file(nowhere):
    with pytest.raises(
        FileNotFoundError, match=r"data\.mat is not in .*python -m datasets\.football --download"
    ):
        football.load(nowhere)


@pytest.mark.photographs("data.mat")
def test_the_real_pitch(photographs):
    data = football.load(photographs)
    assert data.verified
    assert data.X_train.shape == (2, 211)
    assert data.X_test.shape == (2, 200)
    assert data.Y_train.sum() == 106
    assert data.Y_test.sum() == 87
    assert str(photographs) in data.source


@pytest.mark.photographs("data.mat")
def test_the_first_published_cost_on_the_real_pitch(photographs):
    data = football.load(photographs)
    random, A = np.random.RandomState(3), data.X_train
    for n_prev, n in ((2, 20), (20, 3), (3, 1)):
        Z = random.randn(n, n_prev) / np.sqrt(n_prev) @ A
        A = np.maximum(0, Z)
    assert np.mean(np.logaddexp(0, Z) - data.Y_train * Z) == pytest.approx(0.6557412523481002, rel=1e-13)
