"""The container: orientation, casts, what it refuses."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from datasets import Dataset, circles, digits, flower
from datasets.container import as_columns


@given(
    rows=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=4, max_side=5)),
    kind=st.sampled_from([np.uint8, np.int8, np.int64, np.bool_, np.float32]),
)
def test_examples_become_columns_and_labels_become_floats(rows, kind):
    m = len(rows)
    labels = (np.arange(m) % 2).astype(kind)
    X, Y = as_columns(rows, labels)
    assert X.dtype == Y.dtype == np.float64
    assert X.shape == (rows[0].size, m)
    assert Y.shape == (1, m)
    for i in range(m):
        assert np.array_equal(X[:, i], rows[i].ravel())
    assert np.array_equal(-Y, np.where(labels.reshape(1, m), -1.0, 0.0))  # uint8 would wrap to 255


def test_a_frozen_container_cannot_be_rebound():
    data = flower.load()
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.X_train = np.zeros((2, 400))


def test_a_set_without_a_test_part():
    data = flower.load()
    assert not data.has_test
    assert data.X_test.shape == (2, 0)
    assert data.Y_test.shape == (1, 0)
    assert data.X is data.X_train
    assert data.Y is data.Y_train


def test_a_set_with_a_test_part_has_no_plain_X():
    data = circles.load()
    assert data.has_test
    with pytest.raises(AttributeError, match="say X_train or X_test, not X"):
        _ = data.X
    with pytest.raises(AttributeError, match="say Y_train or Y_test, not Y"):
        _ = data.Y


@pytest.mark.parametrize(
    ("X", "Y", "message"),
    [
        (np.zeros((2, 3)), np.zeros((3, 1)), r"Y_train is \(3, 1\); expected \(n_x, m\) and \(1, m\)"),
        (np.zeros((2, 3)), np.zeros((1, 2)), r"X_train is \(2, 3\) and Y_train is \(1, 2\)"),
        (np.zeros(3), np.zeros((1, 3)), r"X_train is \(3,\)"),
        (np.zeros((2, 3)), np.array([[0.0, 2.0, 1.0]]), "Y_train holds 2.0; labels are 0 and 1"),
        (np.zeros((2, 3)), np.array([[0.0, np.nan, 1.0]]), "Y_train holds nan"),
    ],
)
def test_what_does_not_fit_is_refused(X, Y, message):
    with pytest.raises(ValueError, match=message):
        Dataset("mine", X, Y)


def test_parts_must_have_the_same_features():
    with pytest.raises(ValueError, match="X_train has 2 features and X_test has 3"):
        Dataset("mine", np.zeros((2, 4)), np.zeros((1, 4)), np.zeros((3, 4)), np.zeros((1, 4)))


def test_pictures_come_back_as_they_were():
    data = digits.load()
    picture = data.picture(5, "test")
    assert picture.shape == (8, 8)
    assert np.array_equal(picture.ravel(), data.X_test[:, 5])
    with pytest.raises(IndexError, match="X_test has 360 pictures, there is no picture 360"):
        data.picture(360, "test")
    with pytest.raises(ValueError, match='expected "train" or "test"'):
        data.picture(0, "validation")
    with pytest.raises(ValueError, match="points of 2 numbers, not pictures"):
        flower.load().picture(0)


def test_a_picture_shape_must_fit():
    with pytest.raises(ValueError, match=r"a column has 5 numbers, a picture of \(2, 2\) 4"):
        Dataset("mine", np.zeros((5, 1)), np.zeros((1, 1)), picture_shape=(2, 2))


def test_the_summary_counts_the_classes_of_both_parts():
    summary = circles.load().summary()
    assert "300 training and 100 test examples of 2 features" in summary
    assert "150 of class 0 (outer ring), 150 of class 1 (inner ring)" in summary
    assert "50 of class 0 (outer ring), 50 of class 1 (inner ring)" in summary
