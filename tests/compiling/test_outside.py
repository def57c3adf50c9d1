"""What a compiled function reads from outside: a change is seen, and what can't be watched is refused."""

import builtins
import collections
import contextlib
import ctypes
import datetime as dt
import io
import json
import logging
import mmap
import multiprocessing
import os
import pathlib
import sqlite3
import subprocess
import sys
import threading
import time
import warnings

import h5py
import numpy as np
import pytest
import scipy.interpolate
import scipy.stats

from tests.compiling.test_equality import assert_equal
from tinygrad_course import CannotCompile, compiled, value_and_grad

x = np.array([1.0, 2.0, 3.0])


class Training:
    rate = 0.5


class Evaluation:
    rate = 1.0


class Child(Training):
    pass


class Key:
    """Equal to another by what it holds, and that may change."""

    def __init__(self, number):
        self.number = number

    def __hash__(self):
        return 1

    def __eq__(self, other):
        return self.number == other.number


class Pair(ctypes.Structure):
    _fields_ = (("rate", ctypes.c_double),)


def in_order(numbers):
    """Return a function that uses numbers one after the other."""

    def f(x):
        for number in numbers:
            x = x * number + 1.0
        return np.sum(x)

    return f


def read():
    """Return functions of x that read something, each with what changes it."""
    layers, ordered, several = (
        {2.0: "a", 3.0: "b"},
        collections.OrderedDict({2.0: 1, 3.0: 1}),
        {8.0, 0.0, 16.0},
    )
    mode, inner, child, key = Training(), [Training()], Child(), Key(1)
    table, pairs = {key: 2.0}, {(key,): 2.0}
    spline = scipy.interpolate.CubicSpline(np.arange(4.0), np.arange(4.0) ** 2)
    curve = scipy.interpolate.make_interp_spline(np.arange(5.0), np.arange(5.0) ** 2)
    density, normal = scipy.stats.gaussian_kde(np.arange(5.0)), scipy.stats.norm(loc=2.0)
    shared, shared_array = multiprocessing.Value("d", 2.0), multiprocessing.Array("d", [2.0])
    raw, number, pair = multiprocessing.RawValue("d", 2.0), ctypes.c_double(2.0), Pair(2.0)
    pointer, numbers, memory = ctypes.pointer(number), (ctypes.c_double * 2)(2.0, 3.0), mmap.mmap(-1, 8)
    view, local, logger = (
        memoryview(bytearray(8)),
        threading.local(),
        logging.getLogger("tests.outside.model"),
    )
    local.rate, sys.argv, builtins.outside_rate = 2.0, ["train", "2.0"], 2.0
    logger.setLevel(logging.INFO)

    def class_of(thing, cls):
        thing.__class__ = cls

    return {
        "order of a dict": (in_order(layers), lambda: layers.update({2.0: layers.pop(2.0)})),
        "order of an OrderedDict": (in_order(ordered), lambda: ordered.move_to_end(2.0)),
        "order of a set": (in_order(several), lambda: (several.clear(), several.update([16.0, 0.0, 8.0]))),
        "class of an object": (lambda x: np.sum(x * mode.rate), lambda: class_of(mode, Evaluation)),
        "class of an entry": (lambda x: np.sum(x * inner[0].rate), lambda: class_of(inner[0], Evaluation)),
        "bases": (lambda x: np.sum(x * child.rate), lambda: setattr(Child, "__bases__", (Evaluation,))),
        "key": (lambda x: np.sum(x * table.get(Key(1), 5.0)), lambda: setattr(key, "number", 3)),
        "key in a tuple": (lambda x: x[0] * pairs.get((Key(1),), 5.0), lambda: setattr(key, "number", 3)),
        "CubicSpline": (lambda x: np.sum(x * spline(0.5)), lambda: np.multiply(spline.c, 2.0, spline.c)),
        "BSpline": (lambda x: np.sum(x * curve(0.5)), lambda: np.multiply(curve.c, 2.0, curve.c)),
        "gaussian_kde": (lambda x: np.sum(x * density(1.0)), lambda: density.dataset.fill(7.0)),
        "distribution": (lambda x: np.sum(x * normal.mean()), lambda: normal.kwds.update(loc=5.0)),
        "Value": (lambda x: np.sum(x * shared.value), lambda: setattr(shared, "value", 5.0)),
        "Array": (lambda x: np.sum(x * shared_array[0]), lambda: shared_array.__setitem__(0, 5.0)),
        "RawValue": (lambda x: np.sum(x * raw.value), lambda: setattr(raw, "value", 5.0)),
        "ctypes": (lambda x: np.sum(x * number.value), lambda: setattr(number, "value", 5.0)),
        "Structure": (lambda x: np.sum(x * pair.rate), lambda: setattr(pair, "rate", 5.0)),
        "pointer": (lambda x: np.sum(x * pointer.contents.value), lambda: setattr(number, "value", 5.0)),
        "array of ctypes": (lambda x: np.sum(x * numbers[0]), lambda: numbers.__setitem__(0, 5.0)),
        "memoryview": (lambda x: np.sum(x * view[0]), lambda: view.__setitem__(0, 5)),
        "mmap": (lambda x: np.sum(x * memory[0]), lambda: memory.__setitem__(0, 5)),
        "thread's own": (lambda x: np.sum(x * local.rate), lambda: setattr(local, "rate", 5.0)),
        "argv": (lambda x: np.sum(x * float(sys.argv[1])), lambda: sys.argv.__setitem__(1, "5.0")),
        "another argv": (lambda x: np.sum(x * float(sys.argv[1])), lambda: setattr(sys, "argv", ["", "5.0"])),
        "builtins": (lambda x: np.sum(x * outside_rate), lambda: setattr(builtins, "outside_rate", 5.0)),  # noqa: F821
        "level of a logger": (
            lambda x: np.sum(x * (2.0 if logger.isEnabledFor(logging.DEBUG) else 1.0)),
            lambda: logger.setLevel(logging.DEBUG),
        ),
        "level of a logger above": (
            lambda x: np.sum(x * logger.getEffectiveLevel()),
            lambda: (logger.setLevel(logging.NOTSET), logging.getLogger("tests").setLevel(5)),
        ),
    }  # fmt: skip


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch):
    monkeypatch.setattr(sys, "argv", sys.argv)
    yield
    logging.getLogger("tests").setLevel(logging.NOTSET)
    Child.__bases__ = (Training,)
    vars(builtins).pop("outside_rate", None)


@pytest.mark.parametrize("name", read())
def test_a_change_outside_is_seen(name):
    f, change = read()[name]
    f = value_and_grad(f)
    step = compiled(f)
    before = f(x)
    for _ in range(2):
        assert_equal(step(x), before)
    change()
    assert f(x)[0] != before[0]
    for _ in range(2):
        assert_equal(step(x), f(x))


def test_a_default_that_keeps_what_was_recorded():
    def f(x, kept=[]):  # noqa: B006
        kept.append(x[0])
        return kept[-1] ** 2

    with pytest.raises(CannotCompile, match="changes a default of f, "):
        compiled(value_and_grad(f))(x)


def test_arrays_of_other_libraries_are_compared():
    torch, pandas = pytest.importorskip("torch"), pytest.importorskip("pandas")
    layer, frame = torch.nn.Linear(3, 1).double(), pandas.DataFrame({"a": [1.0, 2.0], "b": ["u", "v"]})

    def f(x):
        return np.sum(x * layer.weight.detach().numpy()[0]) + frame["a"].to_numpy()[1]

    step = compiled(f)
    for number in (2.0, 3.0):
        torch.nn.init.constant_(layer.weight, number)
        frame.loc[1, "a"] = number
        assert_equal(step(x), f(x))


def questions(folder, stack):
    """Return what asks the world something, by what the error calls it."""
    text, binary, hdf, opened = (
        folder / "rate.txt",
        folder / "rate.npy",
        folder / "rate.h5",
        folder / "open.txt",
    )
    text.write_text("2.0")
    opened.write_text("2.0\n" * 100)
    np.save(binary, np.array(2.0))
    with h5py.File(hdf, "w") as file:
        file["rate"] = 2.0
    base, stream, store = sqlite3.connect(":memory:"), opened.open(), h5py.File(hdf, "r")
    for it in (base, stream, store):
        stack.enter_context(contextlib.closing(it))
    command = [sys.executable, "-c", "print(2.0)"]

    def contents():
        with text.open() as file:
            return float(file.read())

    return {
        r"Path.open": contents,
        r"Path.read_text": lambda: float(pathlib.Path(text).read_text()),
        r"load \(": lambda: float(np.load(binary)),
        r"loadtxt \(": lambda: float(np.loadtxt(text)),
        r"numpy.fromfile": lambda: float(np.fromfile(text, sep=" ")[0]),
        r"io.TextIOWrapper.readline": lambda: float(stream.readline()),
                r"Group.__getitem__": lambda: float(store["rate"][()]),
        r"time.time": lambda: 1.0 + (time.time() < 0),
        r"time.perf_counter": lambda: 1.0 + (time.perf_counter() < 0),
        r"datetime.datetime.now|type.now": lambda: dt.datetime.now().year / 1000,  # noqa: DTZ005
        r"today": lambda: dt.date.today().year / 1000,  # noqa: DTZ011
        r"os.stat|exists": lambda: 1.0 + text.exists(),
        r"os.listdir": lambda: float(len(os.listdir(folder))),  # noqa: PTH208
        r"os.getcwd": lambda: float(len(os.getcwd())),  # noqa: PTH109
        r"sqlite3.Connection.execute": lambda: base.execute("select 2.0").fetchone()[0],
        r"check_output": lambda: float(subprocess.check_output(command)),
        r"np.geterr": lambda: 1.0 + (np.geterr()["divide"] == "warn"),
    }  # fmt: skip


def test_what_asks_the_world_is_refused(tmp_path):
    with contextlib.ExitStack() as opened:
        for name, ask in questions(tmp_path, opened).items():
            with pytest.raises(CannotCompile, match=name):
                compiled(value_and_grad(lambda x, ask=ask: np.sum(x * ask())))(x)


def test_what_shows_waits_or_stays_in_memory_asks_nobody(caplog):
    lock = threading.Lock()

    def f(x):
        import fractions

        print("recorded")
        sys.stderr.write("recorded")
        logging.getLogger("tests.outside").warning("recorded")
        warnings.warn("recorded", UserWarning, stacklevel=2)
        time.sleep(0)
        day = dt.date(2020, 1, 1) + dt.timedelta(days=1)
        path = os.path.join("a", os.path.basename("b/c"))  # noqa: PTH118, PTH119
        number = json.loads(io.StringIO("[2.0]").read())[0] + fractions.Fraction(1, 2)
        with lock:
            return np.sum(x) * float(number) * day.day * len(os.path.normpath(path))

    with pytest.warns(UserWarning, match="recorded"):
        assert_equal(compiled(value_and_grad(f))(x), value_and_grad(f)(x))
