"""Weights in files: round trips, other writers' and readers' files, and files that mean harm."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_course.exchange import DenseLayers, load_weights, read_keras, read_torch, save_weights
from tinygrad_course.training import Network

DATA = Path(__file__).parent / "data"
P = {
    f"{kind}{l}": np.random.RandomState(l).randn(3, 3 if kind == "W" else 1)
    for l in range(1, 12)
    for kind in "Wb"
}
KINDS = ["npz", "h5", "hdf5", "safetensors"]

# ------------------------------------------------------------------ our own


@pytest.mark.parametrize("kind", KINDS)
def test_names_order_and_values_come_back(tmp_path: Path, kind: str) -> None:
    path = save_weights(tmp_path / f"weights.{kind}", P)
    found = load_weights(path)
    assert list(found) == list(P)  # W10 does not stand before W2
    assert all(np.array_equal(found[name], value) for name, value in P.items())


arrays = hnp.arrays(
    st.sampled_from([np.float64, np.float32, np.float16, np.int64, np.uint8, np.bool_]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
)


@settings(max_examples=settings.default.max_examples // 2)
@given(
    st.dictionaries(
        st.text("Wb1/é. ", min_size=1, max_size=4).filter(lambda s: s.strip("./ ")), arrays, min_size=1
    ),
    st.sampled_from(["npz", "safetensors"]),
)
def test_any_arrays(tmp_path_factory: Any, parameters: Any, kind: str) -> None:
    found = load_weights(
        save_weights(tmp_path_factory.mktemp("any") / f"w.{kind}", parameters), like=parameters
    )
    for name, value in parameters.items():
        assert (found[name].dtype, found[name].shape) == (value.dtype, value.shape)
        assert found[name].tobytes() == value.tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_the_layout_in_memory_does_not_matter(tmp_path: Path, kind: str) -> None:
    A = np.arange(24.0).reshape(4, 6)
    views = {
        "T": A.T,
        "F": np.asfortranarray(A),
        "strided": A[::2, ::-3],
        "scalar": np.float64(3),
        "broadcast": np.broadcast_to(A[0], (3, 6)),
    }
    found = load_weights(save_weights(tmp_path / f"w.{kind}", views))
    for name, value in views.items():
        np.testing.assert_array_equal(found[name], value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_nest_and_other_shapes(tmp_path: Path, kind: str) -> None:
    nest = {
        "layers": [
            {"W": np.ones((2, 3)), "b": np.zeros((2, 1))},
            {"W": np.ones((1, 2)), "b": np.zeros((1, 1))},
        ]
    }
    path = save_weights(tmp_path / f"w.{kind}", nest)
    found = load_weights(path, like=nest)
    np.testing.assert_array_equal(found["layers"][1]["W"], np.ones((1, 2)))
    with pytest.raises(ValueError, match=r"layers\[0\]\.W.*expected \{'W1': \(2, 3\)\}"):
        load_weights(path, like={"W1": np.ones((2, 3))})


def test_other_libraries_read_them(tmp_path: Path) -> None:
    assert list(np.load(save_weights(tmp_path / "w.npz", P)).files) == list(P)
    with h5py.File(save_weights(tmp_path / "w.h5", P)) as file:
        np.testing.assert_array_equal(file["W10"][()], P["W10"])
    torch = pytest.importorskip("safetensors.torch")
    found = torch.load_file(save_weights(tmp_path / "w.safetensors", {"W1": P["W1"].T}))
    np.testing.assert_array_equal(found["W1"].numpy(), P["W1"].T)


def test_what_can_not_be_saved_or_read(tmp_path: Path) -> None:
    for value, message in (
        (np.ma.array([1.0], mask=[True]), "masked"),
        (np.array([1j]), "complex128"),
        ("text", "<U4"),
    ):
        with pytest.raises(TypeError, match=f"W1 is .*{message}"):
            save_weights(tmp_path / "w.npz", {"W1": value})
    with pytest.raises(ValueError, match=r"suffixes are \.npz"):
        save_weights(tmp_path / "w.bin", P)
    with pytest.raises(ValueError, match="no parameters"):
        save_weights(tmp_path / "w.npz", {})
    for kind in KINDS:
        (tmp_path / f"bad.{kind}").write_bytes(b"not what it says" * 9)
        with pytest.raises(ValueError, match=rf"bad\.{kind} is no"):
            load_weights(tmp_path / f"bad.{kind}")
    np.savez(tmp_path / "objects.npz", W1=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="file of plain arrays"):
        load_weights(tmp_path / "objects.npz")
    with pytest.raises(FileNotFoundError):
        load_weights(tmp_path / "nowhere.npz")


# ------------------------------------------------------------------ Keras (files of 3.15.1)


def network(layers: DenseLayers) -> Network:
    assert layers.activations is not None
    return Network.of(layers.parameters, layers.activations)


@pytest.mark.parametrize("name", ["sequential", "functional", "normalised"])
def test_keras_networks_predict_what_keras_predicts(name: str) -> None:
    layers = read_keras(DATA / f"{name}.keras")
    outputs = np.load(DATA / "outputs.npz")
    np.testing.assert_allclose(network(layers).predict_proba(outputs["X"]), outputs[name], atol=2e-6)
    assert network(layers).predict_proba(outputs["X"]).dtype == np.float32


def test_keras_weights_alone() -> None:
    layers, whole = read_keras(DATA / "sequential.weights.h5"), read_keras(DATA / "sequential.keras")
    assert layers.activations is None
    assert layers.sizes == whole.sizes == (3, 4, *[3] * 10, 5, 2)
    for name, value in whole.parameters.items():
        np.testing.assert_array_equal(layers.parameters[name], value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("apart.keras", "chain|no dense"),
        ("pictures.keras", "conv2d is no dense layer"),
        ("leaky.keras", "activation of .* is 'leaky_relu'"),
        ("late.keras", "'batch_normalization.*', a BatchNormalization, is not one that is read"),
        ("outputs.npz", r"is no \.keras file"),
        ("nowhere.keras", "no such file"),
    ],
)
def test_keras_files_that_are_not_read(name: str, message: str) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        read_keras(DATA / name)


def test_hdf5_of_another_program(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["W1"] = np.ones(3)
    with pytest.raises(ValueError, match="no Keras 3 layers; it holds W1"):
        read_keras(tmp_path / "w.h5")
    (tmp_path / "text.h5").write_text("W1")
    with pytest.raises(ValueError, match="neither"):
        read_keras(tmp_path / "text.h5")


# ------------------------------------------------------------------ PyTorch


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch")


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_a_state_dict(tmp_path: Path, torch: Any, dtype: str) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2, bias=False))
    model = model.to(getattr(torch, dtype))
    torch.save(model.state_dict(), tmp_path / "m.pt")
    layers = read_torch(tmp_path / "m.pt")
    assert (layers.sizes, layers.activations) == ((3, 4, 2), None)
    np.testing.assert_array_equal(layers.parameters["W1"], model[0].weight.detach().to(torch.float64).numpy())
    np.testing.assert_array_equal(
        layers.parameters["b1"][:, 0], model[0].bias.detach().to(torch.float64).numpy()
    )
    assert layers.parameters["b2"].tolist() == [[0], [0]]
    if dtype == "float64":
        X = np.random.RandomState(0).randn(3, 5)
        net = Network.of(layers.parameters, ["relu", "softmax"])
        expected = torch.softmax(model(torch.tensor(X.T)), dim=1).detach().numpy().T
        np.testing.assert_allclose(net.predict_proba(X), expected, rtol=1e-12)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("affine", [True, False])
def test_batch_norm_of_pytorchs(tmp_path: Path, torch: Any, bias: bool, affine: bool) -> None:
    nn = torch.nn
    model = nn.Sequential(
        nn.Linear(3, 4, bias=bias),
        nn.BatchNorm1d(4, affine=affine),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(4, 1),
    ).double()
    given = torch.randn(50, 3, dtype=torch.float64)
    for parameter in model.parameters():
        nn.init.uniform_(parameter, 0.2, 2.0)
    model(3 * given + 1)  # the running means move
    torch.save(model.state_dict(), tmp_path / "m.pt")
    layers = read_torch(tmp_path / "m.pt")
    assert list(layers.parameters) == ["W1", "gamma1", "beta1", "mean1", "variance1", "W2", "b2"]
    net = Network.of(layers.parameters, ["relu", "identity"])
    assert net.batch_norm == (True,)
    expected = model.eval()(given).detach().numpy().T
    np.testing.assert_allclose(net.predict(given.numpy().T), expected, rtol=1e-12)
    torch.save(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).state_dict(), tmp_path / "last.pt")
    with pytest.raises(ValueError, match="batch norm after the last layer, 0"):
        read_torch(tmp_path / "last.pt")
    torch.save(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(3)).state_dict(), tmp_path / "other.pt")
    with pytest.raises(ValueError, match=r"the batch norm 1 \(gamma \(3,\).* does not fit 0"):
        read_torch(tmp_path / "other.pt")


def test_views_and_checkpoints_of_ones_own(tmp_path: Path, torch: Any) -> None:
    state = torch.nn.Linear(3, 4).state_dict()
    state["weight"] = torch.arange(40.0).reshape(10, 4)[2:8:2].T
    torch.save({"model": state, "epoch": 3}, tmp_path / "c.pt")
    found = read_torch(tmp_path / "c.pt", key="model").parameters["W1"]
    np.testing.assert_array_equal(found, state["weight"].numpy())
    with pytest.raises(ValueError, match=r"it holds model, epoch\. Name it: read_torch\(path, key=\.\.\.\)"):
        read_torch(tmp_path / "c.pt")
    with pytest.raises(ValueError, match="has no 'net'; it holds model, epoch"):
        read_torch(tmp_path / "c.pt", key="net")
    torch.save(torch.nn.Conv2d(1, 2, 3).state_dict(), tmp_path / "conv.pt")
    with pytest.raises(ValueError, match=r"is no dense layer: W \(2, 1, 3, 3\)"):
        read_torch(tmp_path / "conv.pt")
    torch.save(torch.nn.BatchNorm1d(2).state_dict(), tmp_path / "norm.pt")
    with pytest.raises(ValueError, match="comes after no dense layer"):
        read_torch(tmp_path / "norm.pt")
    torch.save({"a.weight": torch.ones(2, 3), "b.weight": torch.ones(2, 3)}, tmp_path / "apart.pt")
    with pytest.raises(ValueError, match="no chain of dense layers"):
        read_torch(tmp_path / "apart.pt")


def harmful(path: Path, content: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", content)
    return path


class Shell:
    def __reduce__(self) -> Any:
        return os.system, ("touch harm",)


class Evaluate:
    def __reduce__(self) -> Any:
        return eval, ("open('harm', 'w')",)


@pytest.mark.parametrize("harm", [Shell(), Evaluate()], ids=["system", "eval"])
def test_nothing_in_a_file_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: Any) -> None:
    monkeypatch.chdir(tmp_path)
    for content in (harm, {"0.weight": harm}):
        path = harmful(tmp_path / "m.pt", pickle.dumps(content, protocol=2))
        with pytest.raises(ValueError, match=r"would build .*(system|eval), which is no tensor"):
            read_torch(path)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    "content", [b"", b"\x80\x02.", b"\x80\x02}q\x00", b"cos\nsystem\n(S'touch harm'\ntR.", b"\x80\x02K\x01."]
)
def test_damaged_pickles(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ValueError, match=r"m\.pt"):
        read_torch(harmful(tmp_path / "m.pt", content))
    (tmp_path / "text.pt").write_text("no zip")
    with pytest.raises(ValueError, match="is no zip file"):
        read_torch(tmp_path / "text.pt")
    with pytest.raises(ValueError, match=r"it holds W1\.npy, b1\.npy.*, and no data\.pkl"):
        read_torch(save_weights(tmp_path / "w.npz", P))
    (tmp_path / "text.npz").write_text("no zip")
    with pytest.raises(ValueError, match=r"text\.npz is no \.npz file, which is a zip archive of arrays$"):
        load_weights(tmp_path / "text.npz")


def test_a_tensor_beyond_its_storage(tmp_path: Path, torch: Any) -> None:
    buffer = io.BytesIO()
    torch.save({"0.weight": torch.ones(2, 3)}, buffer)
    with zipfile.ZipFile(buffer) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    storage = next(name for name in held if name.endswith("/data/0"))
    held[storage] = held[storage][:8]
    with zipfile.ZipFile(tmp_path / "m.pt", "w") as archive:
        for name, content in held.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match=r"damaged: a tensor \(2, 3\) of 2 numbers"):
        read_torch(tmp_path / "m.pt")


def test_without_torch_and_keras_they_are_read(tmp_path: Path, torch: Any) -> None:
    torch.save(torch.nn.Linear(3, 4).state_dict(), tmp_path / "m.pt")
    program = (
        "import sys\nfor name in ('torch', 'keras', 'safetensors', 'onnx'): sys.modules[name] = None\n"
        "from tinygrad_course.exchange import read_torch, read_keras\n"
        f"print(read_torch({str(tmp_path / 'm.pt')!r}).sizes)\n"
        f"print(read_keras({str(DATA / 'functional.keras')!r}).sizes)"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "(3, 4)\n(3, 4, 1)\n"
