"""Networks of dense layers out of Keras's and PyTorch's files. Nothing in a file is executed.

A PyTorch file is a pickle, which could run anything: here it builds tensors and dicts, and nothing else.
"""

import io
import json
import math
import os
import pickle
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_course.engine.trees import Array
from tinygrad_course.exchange.weights import existing

#: Keras's names of activations that are the course's, to the last constant.
_ACTIVATIONS = {"linear": "identity", **{name: name for name in ("relu", "sigmoid", "tanh", "softmax")}}
_EPSILON = 1e-5  # of `functions.batch_norm`, and PyTorch's
_WITHOUT_WEIGHTS = {"InputLayer", "Dropout", "Flatten"}  # nothing, where a network predicts


@dataclass(frozen=True)
class DenseLayers:
    """The dense layers of a file, in the course's names and orientation.

    Attributes
    ----------
    parameters : dict of str to ndarray
        ``{"W1": ..., "b1": ...}``: Wl is (n_l, n_(l-1)), bl is (n_l, 1). A layer with batch norm after it has
        gammal, betal, meanl and variancel instead of bl, for `Network`'s epsilon of 1e-5.
    activations : tuple of str, or None
        The course's names, one a layer; None where the file does not tell.
    """

    parameters: dict[str, Array]
    activations: tuple[str, ...] | None = None

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of the layers, the input's first."""
        weights = [value for name, value in self.parameters.items() if name.startswith("W")]
        return (weights[0].shape[1], *(W.shape[0] for W in weights))


@dataclass
class _Dense:
    """A dense layer of a file; `norm` is what batch norm after it has: gamma, beta, mean, variance."""

    name: str
    W: Array
    b: Array | None
    norm: dict[str, Array] | None = None

    def normalise(self, path: Path, name: str, norm: Mapping[str, Array], eps: float) -> None:
        """Take in the batch norm that follows; b and another epsilon go into the mean and the variance."""
        mean, variance = norm["mean"], norm["variance"]
        if self.norm is not None or any(v.shape != self.W.shape[:1] for v in norm.values()):
            shapes = ", ".join(f"{kind} {value.shape}" for kind, value in norm.items())
            raise ValueError(f"{path}: the batch norm {name} ({shapes}) does not fit {self.name}")
        one = np.ones_like(mean)
        self.norm = {
            "gamma": norm.get("gamma", one),
            "beta": norm.get("beta", 0 * one),
            "mean": mean if self.b is None else mean - self.b,
            "variance": (variance + (eps - _EPSILON)).astype(variance.dtype),
        }

    def parameters(self, l: int) -> dict[str, Array]:
        """Return its parameters by the course's names."""
        bias = {"b": np.zeros(len(self.W), self.W.dtype) if self.b is None else self.b}
        columns = {f"{kind}{l}": v.reshape(-1, 1) for kind, v in (self.norm or bias).items()}
        return {f"W{l}": np.ascontiguousarray(self.W), **columns}


def _layers(path: Path, found: list[_Dense], activations: tuple[str, ...] | None) -> DenseLayers:
    """Return the layers, or say why they are no chain."""
    if not found:
        raise ValueError(f"{path} holds no dense layer")
    parameters: dict[str, Array] = {}
    for l, layer in enumerate(found, start=1):
        W, b = layer.W, layer.b
        if W.ndim != 2 or (b is not None and b.shape != (W.shape[0],)):
            shapes = f"W {W.shape}" + ("" if b is None else f" and b {b.shape}")
            raise ValueError(f"{path}: {layer.name} is no dense layer: {shapes}")
        before = found[l - 2]
        if l > 1 and W.shape[1] != before.W.shape[0]:
            raise ValueError(
                f"{path}: {layer.name} takes {W.shape[1]} numbers, and {before.name} before it gives "
                f"{before.W.shape[0]}: they are no chain of dense layers"
            )
        parameters |= layer.parameters(l)
    if found[-1].norm is not None:
        raise ValueError(f"{path}: there is a batch norm after the last layer, {found[-1].name}")
    return DenseLayers(parameters, activations)


# ------------------------------------------------------------------ Keras


def read_keras(path: str | os.PathLike[str]) -> DenseLayers:
    """Read the dense layers of a Keras 3 file, ``.keras`` or ``.weights.h5``.

    Parameters
    ----------
    path : path
        A ``.keras`` file tells the activations too.

    Raises
    ------
    ValueError
        If it is no such file, or holds a layer that is not dense (Input, Dropout, Flatten, Activation, and
        in a ``.keras`` file BatchNormalization, are passed over, or taken in): the message names it.
    """
    source = existing(path)
    if not zipfile.is_zipfile(source):
        return _layers(source, _keras_weights(source, source.read_bytes())[0], None)
    try:
        with zipfile.ZipFile(source) as archive:
            config = json.loads(archive.read("config.json"))
            weights = archive.read("model.weights.h5")
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{source} is no .keras file: {error}") from error
    dense, norms = _keras_weights(source, weights, described=True)
    activations, after = _keras_activations(source, config)
    if len(dense) != len(activations) or len(norms) != len(after):
        raise ValueError(
            f"{source}: {len(activations)} dense layers and {len(after)} batch norms are described, "
            f"{len(dense)} and {len(norms)} saved"
        )
    for (l, told), values in zip(after, norms, strict=True):
        kinds = [kind for kind, there in (("gamma", told["scale"]), ("beta", told["center"])) if there]
        norm = dict(zip((*kinds, "mean", "variance"), values, strict=True))
        dense[l].normalise(source, told["name"], norm, told["epsilon"])
    return _layers(source, dense, tuple(activations))


def _keras_weights(
    path: Path, content: bytes, *, described: bool = False
) -> tuple[list[_Dense], list[list[Array]]]:
    """Return the dense layers, and what each batch norm has, in their order: if the file describes them."""
    import h5py

    dense: list[_Dense] = []
    norms: list[list[Array]] = []
    try:
        file = h5py.File(io.BytesIO(content), "r")
    except OSError as error:
        raise ValueError(f"{path} is neither a .keras file nor HDF5: {error}") from error
    with file:
        layers = file.get("layers")
        if layers is None:
            raise ValueError(f"{path} has no Keras 3 layers; it holds {', '.join(file) or 'nothing'}")
        # h5py lists dense, dense_1, dense_10, dense_2: Keras counts them in their order.
        for name in sorted(layers, key=lambda n: (n.rstrip("0123456789"), len(n), n)):
            found = layers[name].get("vars", {})
            if not len(found):
                if any(key != "vars" for key in layers[name]):
                    raise ValueError(f"{path}: {name} is no dense layer: it holds {', '.join(layers[name])}")
                continue
            values = [found[key][()] for key in sorted(found)]
            if described and re.fullmatch(r"batch_normalization(_\d+)?", name):
                norms.append(values)
                continue
            if not re.fullmatch(r"dense(_\d+)?", name) or not set(found) <= {"0", "1"}:
                raise ValueError(f"{path}: {name} is no dense layer, and others are not read")
            dense.append(_Dense(name, values[0].T, values[1] if len(values) > 1 else None))
    return dense, norms


def _keras_activations(
    path: Path, config: Mapping[str, Any]
) -> tuple[list[str], list[tuple[int, Mapping[str, Any]]]]:
    """Return the activation of each dense layer, and the batch norms with the layer that each comes after."""
    activations: list[str] = []
    norms: list[tuple[int, Mapping[str, Any]]] = []
    before = None
    for layer in config.get("config", {}).get("layers", []):
        kind, told = layer.get("class_name"), layer.get("config", {})
        name = told.get("name")
        nodes = layer.get("inbound_nodes") or []
        used = re.findall(r'"keras_history": \["([^"]*)"', json.dumps(nodes))
        if used and (len(nodes) != 1 or used != [before]):
            raise ValueError(f"{path}: {name!r} takes {', '.join(used)}: the layers are no chain")
        before = name
        if kind in _WITHOUT_WEIGHTS:
            continue
        if kind == "Dense":
            activations.append(_course_activation(path, name, told.get("activation")))
            continue
        if kind == "BatchNormalization" and activations and activations[-1] == "identity":
            norms.append((len(activations) - 1, told))
            continue
        after = {"Activation": told.get("activation"), "Softmax": "softmax"}.get(str(kind))
        if kind == "ReLU" and not told.get("max_value") and not told.get("negative_slope"):
            after = "relu"
        if after is None or not activations or activations[-1] != "identity":
            raise ValueError(f"{path}: the layer {name!r}, a {kind}, is not one that is read here")
        activations[-1] = _course_activation(path, name, after)
    return activations, norms


def _course_activation(path: Path, name: str, told: Any) -> str:
    if told not in _ACTIVATIONS:
        raise ValueError(
            f"{path}: the activation of {name!r} is {told!r}; those read here are {', '.join(_ACTIVATIONS)}"
        )
    return _ACTIVATIONS[told]


# ------------------------------------------------------------------ PyTorch

_NORM = {"running_mean": "mean", "running_var": "variance", "num_batches_tracked": ""}
_DTYPES = {
    "DoubleStorage": "<f8", "FloatStorage": "<f4", "HalfStorage": "<f2", "BFloat16Storage": "<u2",
    "LongStorage": "<i8", "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "i1",
    "ByteStorage": "u1", "BoolStorage": "?",
}  # fmt: skip


def read_torch(path: str | os.PathLike[str], key: str | None = None) -> DenseLayers:
    """Read the dense layers of a PyTorch ``state_dict``, as ``torch.save`` writes it.

    The names have to end in ``weight`` and ``bias``; the layers are in the file's order. PyTorch's weight is
    (out, in), as the course's W. Activations are not in such a file, nor on which side of them a batch norm
    is: it is read as the course has it, between a layer and its activation.

    Parameters
    ----------
    path : path
    key : str, optional
        Where in a dict of the user's own the state_dict is: ``"model_state_dict"``.

    Raises
    ------
    ValueError
        If the file is no such one, would build anything but tensors, or holds other layers than dense ones.
    """
    source = existing(path)
    state = _torch_tensors(source)
    if key is not None:
        if not isinstance(state, dict) or key not in state:
            raise ValueError(f"{source} has no {key!r}; it holds {_keys(state)}")
        state = state[key]
    if not isinstance(state, dict) or not all(isinstance(value, np.ndarray) for value in state.values()):
        raise ValueError(
            f"{source} is no state_dict: it holds {_keys(state)}. Name it: read_torch(path, key=...)"
        )
    groups: dict[str, dict[str, Array]] = {}
    for name, value in state.items():
        layer, _, part = str(name).rpartition(".")
        if part not in {"weight", "bias", *_NORM}:
            raise ValueError(f"{source}: {name} {value.shape} belongs to no dense layer")
        groups.setdefault(layer, {})[part] = value
    dense: list[_Dense] = []
    for layer, found in groups.items():
        if "running_mean" in found and dense:
            affine = {"weight": "gamma", "bias": "beta", **_NORM}
            norm = {affine[part]: value for part, value in found.items() if affine[part]}
            dense[-1].normalise(source, layer, norm, _EPSILON)
        elif "running_mean" in found:
            raise ValueError(f"{source}: the batch norm {layer or 'there'} comes after no dense layer")
        elif "weight" not in found:
            raise ValueError(f"{source}: {layer}.bias {found['bias'].shape} has no weight beside it")
        else:
            dense.append(_Dense(layer, found["weight"], found.get("bias")))
    return _layers(source, dense, None)


def _keys(state: Any) -> str:
    return ", ".join(map(str, state)) if isinstance(state, dict) else f"a {type(state).__name__}"


def _torch_tensors(path: Path) -> Any:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            pickled = next((name for name in names if name.endswith("/data.pkl")), None)
            if pickled is None:
                raise ValueError(f"it holds {', '.join(names) or 'nothing'}, and no data.pkl")
            folder = pickled.removesuffix("data.pkl")
            order = f"{folder}byteorder"
            if order in names and archive.read(order) != b"little":
                raise ValueError(f"{path} was written on a machine of another byte order")
            return _Tensors(path, archive, folder, archive.read(pickled)).load()
    except Exception as error:  # a damaged pickle can raise anything
        if str(path) in str(error):
            raise
        raise ValueError(
            f"{path} is no zip file as torch.save writes it since PyTorch 1.6: {error}"
        ) from error


class _Dict(dict[Any, Any]):
    """What an OrderedDict becomes; PyTorch hangs notes on it, which are let go."""

    def __setstate__(self, state: Any) -> None:
        """Forget it."""


class _Tensors(pickle.Unpickler):
    """An unpickler that builds dicts, lists and NumPy arrays, and nothing else."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, folder: str, content: bytes) -> None:
        super().__init__(io.BytesIO(content), encoding="utf-8")
        self.path = path
        self.archive = archive
        self.folder = folder

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a class that the file names."""
        if module == "torch._utils" and name == "_rebuild_tensor_v2":
            return self._tensor
        if module == "torch._utils" and name == "_rebuild_parameter":
            return lambda data, requires_grad, hooks: data
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        if (module, name) == ("collections", "OrderedDict"):
            return _Dict
        raise ValueError(
            f"{self.path} would build {module}.{name}, which is no tensor: it is not read. Save the "
            "state_dict alone: torch.save(model.state_dict(), path)"
        )

    def persistent_load(self, pid: Any) -> Any:
        """Return the numbers of a storage."""
        if not (isinstance(pid, tuple) and len(pid) == 5 and pid[0] == "storage"):
            raise ValueError(f"{self.path} refers to {pid!r}, which is no storage")
        kind, key = pid[1], str(pid[2])
        if kind not in _DTYPES.values():
            raise ValueError(f"{self.path} has a storage of {kind!r}, a dtype not read")
        try:
            raw = self.archive.read(f"{self.folder}data/{key}")
        except KeyError:
            raise ValueError(f"{self.path} is damaged: the storage {key} is missing") from None
        numbers = np.frombuffer(raw, kind)
        if kind == "<u2":  # bfloat16, the upper half of a float32
            return (numbers.astype(np.uint32) << 16).view(np.float32)
        return numbers

    def _tensor(self, storage: Array, offset: int, size: Any, stride: Any, *_: Any) -> Array:
        size, stride = tuple(map(int, size)), tuple(map(int, stride))
        last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
        whole = math.prod(size) <= storage.size and min(stride, default=0) >= 0
        if 0 not in size and not (whole and 0 <= offset <= last < storage.size):
            raise ValueError(f"{self.path} is damaged: a tensor {size} of {storage.size} numbers")
        if 0 in size:
            return np.zeros(size, storage.dtype)
        bytes_apart = [s * storage.itemsize for s in stride]
        view = np.lib.stride_tricks.as_strided(storage[offset:], size, bytes_apart, writeable=False)
        return np.array(view)
