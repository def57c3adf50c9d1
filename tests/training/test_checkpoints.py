"""Checkpoints: what is written is read, damage is named, and a killed run ends in the same bits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_course import Tensor, files
from tinygrad_course.training import checkpoints
from tinygrad_course.training.checkpoints import BLOCK, CheckpointError, load, save

PARAMETERS = {"W1": np.random.RandomState(0).randn(4, 2), "b1": np.zeros((4, 1)), "W2": np.ones((1, 4))}


def equal(a: Any, b: Any) -> bool:
    """Whether two nests are the same, types of containers, dtypes and bits included."""
    if isinstance(a, dict):
        return type(a) is type(b) and list(a) == list(b) and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(equal, a, b))
    if a is None or b is None:
        return a is b
    a, b = np.asarray(a), np.asarray(b)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


# ------------------------------------------------------------------ what is written is read

arrays = hnp.arrays(
    st.sampled_from([np.float64, np.float32, np.int64, np.uint8, np.bool_]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
)
nests = st.recursive(
    st.one_of(arrays, st.none(), st.floats(), st.integers(-(2**60), 2**60)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(st.text("W1b/.%é 0", min_size=1, max_size=3), inner, max_size=3),
    ),
    max_leaves=6,
)


@settings(max_examples=settings.default.max_examples * 2 // 3)
@given(nests, nests, st.integers(0, 10**6))
def test_any_nest_comes_back_bit_for_bit(
    tmp_path_factory: Any, parameters: Any, state: Any, epoch: int
) -> None:
    path = tmp_path_factory.mktemp("nest") / "run.h5"
    save(path, parameters, state=state, epoch=epoch)
    found = load(path)
    assert equal(found.parameters, parameters)
    assert equal(found.state, state)
    assert found.epoch == epoch


def test_history_setup_and_streams_come_back(tmp_path: Path) -> None:
    rng, other = np.random.RandomState(1), np.random.default_rng(2)
    rng.randn(3)
    history = {"cost": [0.6931471805599453, 0.1, float("inf")], "last_batch": []}
    setup = {"layers": [2, 4, 1], "optimizer": {"kind": "Adam", "learning_rate": 0.1}, "note": "猫"}
    path = save(
        tmp_path / "run.h5", PARAMETERS, history=history, setup=setup, streams={"a/b": rng, "other": other}
    )
    found = load(path)
    assert found.history == history
    assert found.setup == setup
    assert found.streams["a/b"].random_sample(9).tolist() == rng.random_sample(9).tolist()
    assert found.streams["other"].random(9).tolist() == other.random(9).tolist()


def test_the_layout_in_memory_comes_back(tmp_path: Path) -> None:
    turned = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    view = np.arange(20.0).reshape(4, 5)[::2, ::2]
    found = load(
        save(tmp_path / "run.h5", {"F": turned, "C": turned.copy(order="C"), "view": view})
    ).parameters
    assert found["F"].flags.f_contiguous
    assert found["C"].flags.c_contiguous
    np.testing.assert_array_equal(found["view"], view)


def test_h5py_alone_reads_it(tmp_path: Path) -> None:
    save(tmp_path / "run.h5", PARAMETERS, history={"cost": [0.5, 0.25]}, setup={"layers": [2, 4, 1]}, epoch=2)
    program = """
import h5py, json
file = h5py.File("run.h5")
print(file.attrs["format"], file.attrs["version"], file.attrs["epoch"], sorted(file))
print(file["parameters/W1"][()].shape, file["history/cost"][()], json.loads(file["setup"][()])["layers"])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines() == [
        "tinygrad_course checkpoint 1 2 ['history', 'parameters', 'setup', 'state', 'streams']",
        "(4, 2) [0.5  0.25] [2, 4, 1]",
    ]
    head = (tmp_path / "run.h5").read_bytes()[:BLOCK].rstrip(b"\0").decode()
    assert head.startswith(
        "tinygrad_course checkpoint, version 1. HDF5 begins at byte 512; h5py reads it.\nbytes "
    )


def test_nothing_is_pickled(tmp_path: Path) -> None:
    raw = save(tmp_path / "run.h5", PARAMETERS, streams={"rng": np.random.RandomState(1)}).read_bytes()
    assert b"numpy" not in raw
    assert b"\x80\x04\x95" not in raw


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"W1": "text"}, "parameters/W1 is 'text'; a checkpoint holds arrays of numbers"),
        ({"W1": np.array([None])}, "parameters/W1 is"),
        ({"deep": [np.zeros(1), {"b": 1j}]}, "parameters/deep/1/b is 1j"),
        ({1: np.zeros(1)}, "parameters has the key 1"),
        ({"": np.zeros(1)}, "parameters has the key ''"),
        ({"W1": Tensor([1.0], name="W1")}, r"W1 is a Tensor.*\.data$"),
    ],
)
def test_what_a_checkpoint_can_not_hold(tmp_path: Path, parameters: Any, message: str) -> None:
    path = save(tmp_path / "run.h5", PARAMETERS)
    before = path.read_bytes()
    with pytest.raises(TypeError, match=message):
        save(path, parameters)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["run.h5"]


def test_a_write_that_fails_leaves_the_last_good_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "run.h5", PARAMETERS, epoch=1)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save(path, PARAMETERS, epoch=2)
    assert load(path).epoch == 1
    assert [p.name for p in tmp_path.iterdir()] == ["run.h5"]


def test_a_directory_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no directory .*nowhere"):
        save(tmp_path / "nowhere" / "run.h5", PARAMETERS)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "run.h5")


# ------------------------------------------------------------------ damage


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "run.h5"
    return save(
        path,
        PARAMETERS,
        state={"t": np.float64(3), "v": PARAMETERS},
        history={"cost": [0.1] * 50},
        setup={"layers": [2, 4, 1]},
        streams={"rng": np.random.RandomState(1)},
    ).read_bytes()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("length", [0, 1, 20, 40, 511, 512, 600, 9000, -1])
def test_a_truncated_file_is_said_to_be_cut_short(tmp_path: Path, whole: bytes, length: int) -> None:
    path = tmp_path / "run.h5"
    path.write_bytes(whole[:length])
    with pytest.raises(CheckpointError, match="was cut short" if length else "is empty") as caught:
        load(path)
    assert str(path) in str(caught.value)


@settings(max_examples=settings.default.max_examples * 5 // 2)
@given(data=st.data())
def test_a_flipped_bit_is_found_wherever_it_is(tmp_path_factory: Any, whole: bytes, data: Any) -> None:
    place, bit = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 7))
    path = tmp_path_factory.getbasetemp() / "flipped.h5"
    damaged = bytearray(whole)
    damaged[place] ^= 1 << bit
    path.write_bytes(damaged)
    with pytest.raises(CheckpointError, match=r"damaged|cut short|has version") as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_the_part_that_is_hit_is_named(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "run.h5"
    damaged = bytearray(whole)
    damaged[whole.index(PARAMETERS["W1"].tobytes()) + 9] ^= 4
    path.write_bytes(damaged)
    with pytest.raises(CheckpointError, match=r"is damaged.*the values of /parameters/W1 are hit"):
        load(path)
    damaged = bytearray(whole)
    damaged[whole.index(b'{"layers"') + 3] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(CheckpointError, match=r"the values of /setup are hit"):
        load(path)


def test_bytes_that_were_added_are_found(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "run.h5"
    path.write_bytes(whole + b"\0")
    with pytest.raises(CheckpointError, match="damaged"):
        load(path)


def test_other_files_are_not_taken_for_checkpoints(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["W1"] = np.zeros(3)
    with pytest.raises(CheckpointError, match="is an HDF5 file of another program"):
        load(tmp_path / "other.h5")
    (tmp_path / "text").write_text("W1 = 3")
    with pytest.raises(CheckpointError, match=r"is no checkpoint.*this with b'W1 = 3'"):
        load(tmp_path / "text")


def test_a_later_layout_is_refused_by_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "VERSION", 2)
    path = save(tmp_path / "run.h5", PARAMETERS)
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match=r"has version 2 of the layout, and this library reads up to 1"):
        load(path)


# ------------------------------------------------------------------ killed at any moment

KILLED = """
import json, os, random, signal, sys, time
import numpy as np
from tinygrad_course.functions import binary_cross_entropy, dropout, linear, sigmoid, tanh
from tinygrad_course.training.initialization import initialize_parameters
from tinygrad_course.optimizers import Adam
from tinygrad_course.training import fit

X = np.random.RandomState(0).randn(2, 40)
Y = (X[:1] * X[1:] > 0) * 1.0

def run(path, epochs=60):
    masks = np.random.default_rng(1)
    def cost(p, X, Y):
        A1 = dropout(tanh(linear(p["W1"], X, p["b1"])), 0.8, masks)
        return binary_cross_entropy(sigmoid(linear(p["W2"], A1, p["b2"])), Y)
    return fit(cost, initialize_parameters([2, 5, 1], rng=2), X, Y, Adam(0.01), epochs=epochs, batch_size=16,
               rng=np.random.RandomState(3), streams={"dropout": masks}, checkpoint=path, every=1)

def same(run):
    alike = all(run.parameters[k].tobytes() == v.tobytes() for k, v in whole.parameters.items())
    return alike and run.history == whole.history

timing = random.Random(1)
begun = time.monotonic()
whole = run("whole.h5")
second = (time.monotonic() - begun)
kills, midway, right = 0, 0, True
while kills < 20:
    child = os.fork()
    if child == 0:
        run("killed.h5")
        os._exit(0)
    time.sleep(timing.uniform(0.0, second / 8))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        kills += 1
        midway += os.path.exists("killed.h5")
    else:  # it came to its end: another run begins
        right = right and same(run("killed.h5"))
        os.remove("killed.h5")
right = right and same(run("killed.h5"))
print(json.dumps({"midway": midway, "same": right, "files": sorted(os.listdir("."))}))
"""


@pytest.mark.long
@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has neither fork nor SIGKILL")
def test_a_run_killed_at_any_moment_ends_in_the_same_bits(tmp_path: Path) -> None:
    """Killed twenty times, each after a random time, and left to end at last; it saves after every epoch."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", KILLED],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["same"]
    assert told["midway"] >= 10  # killed between the first save and the end
    assert told["files"] == ["killed.h5", "whole.h5"]  # half-written files were swept up
