"""The cats: files that are sound, files that are not, and the real photographs."""

import contextlib

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasets import cats
from datasets.files import DatasetError

TRAIN, TEST = "train_catvnoncat.h5", "test_catvnoncat.h5"


def test_sound_files(cat_folder):
    data = cats.load(cat_folder)
    with h5py.File(cat_folder / TRAIN) as file:
        pictures, labels = file["train_set_x"][()], file["train_set_y"][()]
    assert data.X_train.dtype == data.Y_train.dtype == np.float64
    assert data.X_train.shape == (48, 6)
    assert data.X_test.shape == (48, 4)
    assert np.array_equal(data.X_train, pictures.reshape(6, -1).T / 255.0)
    assert np.array_equal(data.Y_train, labels.reshape(1, 6))
    assert data.classes == ("non-cat", "cat")
    assert np.array_equal(data.picture(2), pictures[2] / 255.0)
    assert not data.verified
    assert data.source == f"{cat_folder} (not the course's own files: their checksums differ)"


def test_names_of_the_classes_may_be_text(change_cats):
    names = np.array(["no cat", "chat ç"], dtype=h5py.string_dtype())
    folder = change_cats("train", list_classes=names)
    change_cats("test", list_classes=names)
    assert cats.load(folder).classes == ("no cat", "chat ç")


@pytest.mark.parametrize(
    ("part", "changes", "message"),
    [
        ("train", {"train_set_x": None}, r"no dataset train_set_x \(it holds list_classes, train_set_y\)"),
        ("test", {"list_classes": None}, "no dataset list_classes"),
        ("train", {"train_set_x": None, "train_set_y": None, "list_classes": None}, "it holds nothing"),
        (
            "test",
            {"test_set_y": None, "test_labels": np.zeros(4, int)},
            "it holds list_classes, test_labels,",
        ),
        (
            "train",
            {"train_set_x": np.zeros((6, 48), np.uint8)},
            r"train_set_x is \(6, 48\); expected \(m, height",
        ),
        ("train", {"train_set_x": np.zeros((6, 4, 4), np.uint8)}, r"train_set_x is \(6, 4, 4\)"),
        ("train", {"train_set_x": np.zeros((6, 3, 4, 4), np.uint8)}, r"train_set_x is \(6, 3, 4, 4\)"),
        ("train", {"train_set_x": np.zeros((0, 4, 4, 3), np.uint8)}, r"train_set_x is \(0, 4, 4, 3\)"),
        ("test", {"test_set_x": np.zeros((4, 4, 4, 3))}, "test_set_x is float64; expected uint8"),
        (
            "test",
            {"test_set_y": np.zeros(3, int)},
            r"test_set_y is \(3,\); expected \(4,\), a label for each",
        ),
        ("test", {"test_set_y": np.zeros((4, 1), int)}, r"test_set_y is \(4, 1\); expected \(4,\)"),
        ("test", {"test_set_y": np.zeros(4)}, "test_set_y is float64; expected whole numbers"),
        ("test", {"test_set_y": np.array([0, 1, 2, 1])}, r"holds the label \[2\]; expected 0 or 1"),
        ("test", {"test_set_y": np.array([0, -1, 1, 1])}, r"holds the label \[-1\]"),
        (
            "train",
            {"list_classes": np.array([b"cat"])},
            r"list_classes holds \['cat'\]; expected the names of two",
        ),
        ("train", {"list_classes": np.array([1, 2])}, r"list_classes holds \[1, 2\]"),
        (
            "test",
            {"list_classes": np.array([b"dog", b"cat"])},
            r"\('dog', 'cat'\); expected \('non-cat', 'cat'\)",
        ),
        ("test", {"test_set_x": np.zeros((4, 8, 8, 3), np.uint8)}, r"\(8, 8, 3\); expected \(4, 4, 3\)"),
        (
            "train",
            {"test_set_x": np.zeros(1), "train_set_x": None},
            "it is the test file under the train file's",
        ),
        (
            "test",
            {"train_set_x": np.zeros(1), "test_set_x": None},
            "it is the train file under the test file's",
        ),
    ],
)
def test_a_file_with_something_wrong_in_it(change_cats, part, changes, message):
    folder = change_cats(part, **changes)
    with pytest.raises(DatasetError, match=message) as caught:
        cats.load(folder)
    assert f"{part}_catvnoncat.h5" in str(caught.value)


def test_a_group_in_place_of_a_dataset(cat_folder):
    with h5py.File(cat_folder / TRAIN, "r+") as file:
        del file["train_set_x"]
        file.create_group("train_set_x")
    with pytest.raises(DatasetError, match="no dataset train_set_x"):
        cats.load(cat_folder)


def test_a_file_that_claims_more_than_memory_holds(cat_folder):
    with h5py.File(cat_folder / TRAIN, "r+") as file:
        del file["train_set_x"]
        file.create_dataset("train_set_x", (10**6, 64, 64, 3), np.uint8, chunks=(1, 64, 64, 3))
    with pytest.raises(DatasetError, match=r"\(1000000, 64, 64, 3\), 12,288,000,000 bytes; expected at most"):
        cats.load(cat_folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cut short at 0 bytes"),
        (b"\n<!DOCTYPE html><html>404</html>", "this is a web page, not an HDF5 file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "not an HDF5 file .*b'version '"),
        (b"\x89HDF\r\n\x1a\n" + b"\x07" * 200, "the HDF5 file is damaged"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 200, "this is not an HDF5 file"),
    ],
)
def test_what_is_no_hdf5_file(cat_folder, content, message):
    (cat_folder / TEST).write_bytes(content)
    with pytest.raises(DatasetError, match=message) as caught:
        cats.load(cat_folder)
    assert TEST in str(caught.value)
    assert "python -m datasets.cats --download" in str(caught.value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_short_anywhere(cat_folder, share):
    path = cat_folder / TRAIN
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(DatasetError, match=r"cut short|not an HDF5 file|damaged"):
            cats.load(cat_folder)
    finally:
        path.write_bytes(whole)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=4)
)
def test_flipped_bytes_end_in_one_kind_of_error_or_in_a_sound_set(cat_folder, flips):
    path = cat_folder / TRAIN
    whole = path.read_bytes()
    damaged = bytearray(whole)
    for where, bits in flips:
        damaged[int(where * len(whole))] ^= bits
    try:
        path.write_bytes(damaged)
        with contextlib.suppress(DatasetError):
            data = cats.load(cat_folder)
            assert not data.verified
            assert data.X_train.shape[1] == data.Y_train.shape[1]
    finally:
        path.write_bytes(whole)


def test_a_missing_file(cat_folder):
    (cat_folder / TEST).unlink()
    with pytest.raises(
        FileNotFoundError, match=r"test_catvnoncat\.h5 is not in .*python -m datasets\.cats --down"
    ):
        cats.load(cat_folder)


@pytest.mark.photographs
def test_the_real_photographs(photographs):
    data = cats.load(photographs)
    assert data.verified
    assert data.X_train.shape == (12288, 209)
    assert data.X_test.shape == (12288, 50)
    assert data.Y_train.shape == (1, 209)
    assert data.Y_test.shape == (1, 50)
    assert data.Y_train.sum() == 72
    assert data.Y_test.sum() == 33
    assert data.classes == ("non-cat", "cat")
    assert data.picture_shape == (64, 64, 3)
    assert (data.X_train[:5, 0] * 255).round().tolist() == [17, 31, 56, 22, 33]  # printed in assignment 1.2
    assert str(photographs) in data.source


@pytest.mark.photographs
def test_a_published_cost_on_the_real_photographs(photographs):
    """Logistic regression by the course's own formulas: 0.584508 after 100 iterations."""
    data = cats.load(photographs)
    X, Y = data.X_train, data.Y_train
    w, b = np.zeros((12288, 1)), 0.0
    for _ in range(100):
        A = 1 / (1 + np.exp(-(w.T @ X + b)))
        w, b = w - 0.005 * X @ (A - Y).T / data.m, b - 0.005 * float(np.mean(A - Y))
    Z = w.T @ X + b
    assert f"{np.mean(np.logaddexp(0, Z) - Y * Z):.6f}" == "0.584508"
