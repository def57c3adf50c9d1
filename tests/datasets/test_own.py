"""Data of one's own: the files of MATLAB, Octave, h5py, SciPy and NumPy, either way round; CSV; pictures.

``data/octave.h5`` is by Octave 7.3: X = reshape(1:12, 4, 3), y = uint8([0; 1; 1; 0]), Y = y', ranges,
a sparse matrix, a cell, a struct; ``save -hdf5``. Files of MATLAB's v7.3 are built as MATLAB documents them.
"""

from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy import sparse
from scipy.io import savemat

from datasets import football, own
from datasets.files import DatasetError
from datasets.matrices import read_arrays

DATA = Path(__file__).parent / "data"
X = np.arange(12.0).reshape(4, 3)  # four examples of three features, as rows
Y = np.array([0, 1, 1, 0], np.uint8)


def matlab73(path, **arrays):
    """Write as ``save -v7.3`` does: a user block of 512 bytes, axes reversed, the class in an attribute."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in arrays.items():
            if sparse.issparse(value):
                held = sparse.csc_array(value)
                group = file.create_group(name)
                group.attrs["MATLAB_class"], group.attrs["MATLAB_sparse"] = np.bytes_("double"), held.shape[0]
                group["data"], group["ir"], group["jc"] = held.data, held.indices, held.indptr
                continue
            kind = {"float64": "double", "float32": "single", "bool": "logical"}.get(
                str(value.dtype), str(value.dtype)
            )
            file[name] = np.atleast_2d(value).T.astype(np.uint8 if value.dtype == bool else value.dtype)
            file[name].attrs["MATLAB_class"] = np.bytes_(kind)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116) + b" " * 8 + b"\0\2IM")
    return path


def hdf5(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, value in arrays.items():
            file[name] = value
    return path


def mat(path, **arrays):
    savemat(path, arrays)
    return path


def npz(path, **arrays):
    np.savez(path.with_suffix(".npz"), **arrays)
    return path.with_suffix(".npz")


WRITERS = [matlab73, hdf5, mat, npz]


@pytest.mark.parametrize("write", WRITERS, ids=lambda w: w.__name__)
@pytest.mark.parametrize("rows", [True, False])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8, np.int16, np.bool_])
def test_either_way_round(tmp_path, write, rows, dtype):
    labels = Y.astype(dtype)[:, None]
    path = write(tmp_path / "mine.mat", X=X if rows else X.T, y=labels if rows else labels.T)
    found, labels = own.load(path)
    np.testing.assert_array_equal(found, X.T)
    assert (found.dtype, labels.dtype, labels.shape) == (np.float64, np.float64, (1, 4))
    np.testing.assert_array_equal(-labels, [[0, -1, -1, 0]])  # -Y of a uint8 is 255


@pytest.mark.parametrize("write", WRITERS, ids=lambda w: w.__name__)
@pytest.mark.parametrize("rows", [True, False])
def test_a_square_is_told_by_its_labels_or_asked_about(tmp_path, write, rows):
    square, labels = np.arange(16.0).reshape(4, 4), Y[:, None] if rows else Y[None, :]
    found, _ = own.load(write(tmp_path / "square.mat", X=square, y=labels))
    np.testing.assert_array_equal(found, square.T if rows else square)
    found, _ = own.load(tmp_path / ("square.npz" if write is npz else "square.mat"), rows=not rows)
    np.testing.assert_array_equal(found, square if rows else square.T)


def test_what_the_shapes_do_not_tell(tmp_path):
    with pytest.raises(DatasetError, match=r"X is \(4, 4\) and Y is \(4,\): are examples rows or columns\?"):
        own.load(hdf5(tmp_path / "a.h5", X=np.ones((4, 4)), Y=Y))
    with pytest.raises(DatasetError, match=r"X is \(5, 3\) and Y is \(4,\).*4 neither rows nor columns"):
        own.load(hdf5(tmp_path / "b.h5", X=np.ones((5, 3)), Y=Y))
    with pytest.raises(DatasetError, match=r"has no Z; it holds \{'X': \(4, 3\), 'Y': \(4,\)\}"):
        own.load(hdf5(tmp_path / "c.h5", X=X, Y=Y), "Z")
    nested = hdf5(tmp_path / "n.h5", **{"train/X": X, "train/Y": Y, "test/X": X[:2]})
    with pytest.raises(DatasetError, match=r"has no X; it holds \{'test/X': \(2, 3\), 'train/X': \(4, 3\)"):
        own.load(nested)
    np.testing.assert_array_equal(own.load(nested, "train/X", "train/Y")[0], X.T)
    with pytest.raises(DatasetError, match="has no labels"):
        own.load(hdf5(tmp_path / "d.h5", X=X))
    with pytest.raises(DatasetError, match=r"X is .*expected X"):
        own.load(hdf5(tmp_path / "e.h5", X=X, Y=np.ones((2, 2))))
    with pytest.raises(ValueError, match="X has not 4 columns"):
        own.columns(X, Y, rows=False)
    with pytest.raises(ValueError, match="Y is an array of <U1"):
        own.columns(X, np.array(["a"] * 4))


@pytest.mark.parametrize("write", [matlab73, mat], ids=lambda w: w.__name__)
def test_pictures_and_sparse_matrices(tmp_path, write):
    pictures = np.random.RandomState(0).randint(0, 256, (4, 5, 6, 3)).astype(np.uint8)
    for name, kept in (("first", pictures), ("last", np.moveaxis(pictures, 0, -1))):
        found, _ = own.load(write(tmp_path / f"{name}.mat", X=kept, y=Y[:, None]))
        np.testing.assert_array_equal(found, pictures.reshape(4, -1).T)
    S = np.array([[0.0, 2.0, 0.0], [0.0, 0.0, 0.0], [1.5, 0.0, 0.0], [0.0, 0.0, -1.0]])
    found, _ = own.load(write(tmp_path / "s.mat", X=sparse.csc_array(S), y=Y[:, None]))
    np.testing.assert_array_equal(found, S.T)


def test_octave_wrote_it():
    found = read_arrays(DATA / "octave.h5")
    np.testing.assert_array_equal(found["X"], np.arange(1.0, 13).reshape(3, 4).T)
    np.testing.assert_array_equal(found["y"], Y[:, None])
    np.testing.assert_array_equal(found["s"], [[1, 0, 2], [0, 3, 0]])
    np.testing.assert_array_equal(found["r"], [[1, 2, 3, 4, 5]])
    assert found["z"].shape == (0, 3)
    assert found["b"].dtype == bool
    assert not {"c", "st", "z1"} & set(found)
    for labels in ("y", "Y"):
        x, y = own.load(DATA / "octave.h5", Y=labels)
        np.testing.assert_array_equal(x, np.arange(1.0, 13).reshape(3, 4))
        np.testing.assert_array_equal(-y, [[0, -1, -1, 0]])
    np.testing.assert_array_equal(read_arrays(DATA / "octave_sparse.mat")["s"], [[1, 0, 2], [0, 3, 0]])
    for name, said in (("c", "a cell"), ("st", "a scalar struct"), ("z1", "a complex scalar")):
        with pytest.raises(DatasetError, match=f"{name} is {said}; expected real numbers"):
            read_arrays(DATA / "octave.h5", [name])


def test_the_football_in_matlabs_later_format(tmp_path):
    points = {"X": np.random.RandomState(0).randn(5, 2), "y": np.array([[0], [1], [1], [0], [1]], np.uint8)}
    matlab73(tmp_path / "data.mat", **points, Xval=points["X"], yval=points["y"])
    data = football.load(tmp_path)
    np.testing.assert_array_equal(data.X_train, points["X"].T)


@pytest.mark.parametrize(
    "content", [b"", b"\x89HDF\r\n\x1a\nhalf", b"MATLAB 7.3", b"PK\x03\x04half", b"text"]
)
def test_what_is_no_such_file(tmp_path, content):
    (tmp_path / "mine.mat").write_bytes(content)
    with pytest.raises(DatasetError, match=r"mine\.mat: this is no whole MATLAB file"):
        own.load(tmp_path / "mine.mat")


def test_a_table(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b,kind\n1, 2,no\n3,4e1,yes\n5,6,no\n", encoding="utf-8-sig")
    x, y, classes = own.read_csv(path)
    assert (x.tolist(), y.tolist(), classes) == ([[1, 3, 5], [2, 40, 6]], [[0, 1, 0]], ["no", "yes"])
    path.write_text("1;2;0\n3;4;1\n")
    x, y, classes = own.read_csv(path, 0, delimiter=";")
    assert (x.tolist(), y.tolist(), classes) == ([[2, 4], [0, 1]], [[1, 3]], [])
    for text, message in (
        ("a,b\n1,2\n3\n", "row 3: 1 cells; the first row has 2"),
        ("a,b\n1,2\n,3\n", "row 3, a: '' is no number"),
        ("a,b\nnan,2\n", "row 2, a: 'nan' is no number"),
        ("", "is empty"),
        ("a,b\n", "no examples"),
    ):
        path.write_text(text)
        with pytest.raises(DatasetError, match=message):
            own.read_csv(path)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DatasetError, match=r"has no column 'kind'; it has \['a', 'b'\]"):
        own.read_csv(path, "kind")


def test_a_folder_of_pictures(tmp_path):
    image = pytest.importorskip("PIL.Image")
    rng = np.random.RandomState(0)
    kept = {}
    for name in ("dog/1.png", "cat/b.png", "cat/a.png"):
        kept[name] = rng.randint(0, 256, (4, 5, 3)).astype(np.uint8)
        (tmp_path / name).parent.mkdir(exist_ok=True)
        image.fromarray(kept[name]).save(tmp_path / name)
    (tmp_path / "cat" / "notes.txt").write_text("no picture")
    x, y, classes = own.read_pictures(tmp_path, (4, 5))
    assert (y.tolist(), classes) == ([[0, 0, 1]], ["cat", "dog"])
    for j, name in enumerate(("cat/a.png", "cat/b.png", "dog/1.png")):
        np.testing.assert_array_equal(x[:, j].reshape(4, 5, 3), kept[name] / 255)
    assert own.read_pictures(tmp_path, (8, 8), colours=1)[0].shape == (64, 3)
    (tmp_path / "dog" / "2.jpg").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"2\.jpg is no picture"):
        own.read_pictures(tmp_path)
    with pytest.raises(DatasetError, match="has no folder of pictures for each class"):
        own.read_pictures(tmp_path / "dog")
    with pytest.raises(DatasetError, match="is no folder"):
        own.read_pictures(tmp_path / "nowhere")
