"""Modules beside a submission: what is loaded of them, from where, and which file is to blame."""

import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from tinygrad_course.audit import Limits, check_file
from tinygrad_course.audit.command.one_file import audit_submission
from tinygrad_course.audit.source.neighbours import Neighbours
from tinygrad_course.audit.source.submission import load
from tinygrad_course.cli import main
from tinygrad_course.cli.check import expand

QUICK = Limits(seconds=60, idle=8, memory=600)
LAYERS = """import numpy as np
from .functions import halved
class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T
def affine_forward(x, w, b):
    return x.dot(w) + b, (x, w, b)
def summed(dout):
    return np.sum(dout, axis=0)
"""
NET = """import os, sys
sys.path.append(os.pardir)
import numpy as np
from common.layers import *
from common.functions import halved
class Net:
    def __init__(self, input_size, hidden_size, output_size):
        self.params = {"W1": 0.01 * np.random.randn(input_size, output_size), "b1": np.zeros(output_size)}
        self.layers = [Affine(self.params["W1"], self.params["b1"])]
    def loss(self, x, t):
        for layer in self.layers:
            x = layer.forward(x)
        self.y = x
        return halved(np.sum((x - t) ** 2))
    def gradient(self, x, t):
        self.loss(x, t)
        dout = self.y - t
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        return {"W1": self.layers[0].dW, "b1": self.layers[0].db}
"""
BACKWARD = """import numpy as np
import common.layers as layers
from common.layers import affine_forward
def affine_backward(dout, cache):
    x, w, b = cache
    return dout.dot(w.T), x.T.dot(dout), layers.summed(dout)
"""
UPDATE = """
def update_parameters(parameters, grads, learning_rate=1.2):
    return {key: value - rate * grads["d" + key] for key, value in parameters.items()}
"""


@pytest.fixture
def project(tmp_path):
    """A project as books have it: chapters beside a package that they reach by sys.path."""

    def make(**changed):
        files = {
            "common/__init__.py": "",
            "common/functions.py": "def halved(x):\n    return x / 2\n",
            "common/layers.py": LAYERS,
            "ch05/net.py": NET,
            "ch05/pair.py": BACKWARD,
            **changed,
        }
        for name, text in files.items():
            path = tmp_path / "book" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path / "book"

    return make


def told(path, root=None):
    found = audit_submission(load(path, root))
    return {one.name: one for one in found if not isinstance(one, str)}


def test_what_lies_in_the_given_folder_is_loaded_and_nothing_else(project):
    book = project()
    assert told(book / "ch05" / "net.py", book)["Net.gradient"].status == "right"
    assert told(book / "ch05" / "pair.py", book)["affine_backward"].status == "right"
    alone = check_file(book / "ch05" / "net.py", limits=QUICK)
    assert alone.functions[0].status == "unchecked"
    assert any("common.layers is not loaded" in note and "--root" in note for note in alone.notes)


@pytest.mark.long
def test_a_mistake_in_a_module_is_told_with_its_file_and_costs_no_points(project):
    wrong = LAYERS.replace("self.x.T @ dout", "2 * self.x.T @ dout")
    book = project(**{"common/layers.py": wrong})
    report = check_file(book / "ch05" / "net.py", limits=QUICK, root=book)
    found = {one.name: one for one in report.functions}
    finding = found["Affine.backward"].findings[0]
    assert (finding.file, finding.line) == ("common/layers.py", 10)
    assert found["Net.gradient"].status == "unchecked"
    assert "Affine.backward (common/layers.py, line 10)" in found["Net.gradient"].remarks[0]
    assert (report.points, report.of, report.status) == (0, 0, "wrong")


def test_the_line_of_a_helper_in_a_module_is_named(project):
    book = project(**{"common/layers.py": LAYERS.replace("np.sum(dout, axis=0)", "np.mean(dout, axis=0)")})
    finding = told(book / "ch05" / "pair.py", book)["summed"].findings[0]
    assert (finding.file, finding.line, finding.verified) == ("common/layers.py", 16, True)


def test_a_module_of_the_package_and_one_beside_are_found_without_a_root(project):
    book = project(
        **{"common/nets.py": NET.replace("common.layers", ".layers"), "ch05/two.py": "from net import Net"}
    )
    assert told(book / "common" / "nets.py")["Net.gradient"].status == "right"
    near = Neighbours.of(book / "ch05" / "two.py", None, [])
    assert near.find("net") == (book / "ch05" / "net.py").resolve()
    assert near.find("common.layers") is None


def test_what_a_function_imports_itself_is_loaded_as_at_the_top_of_the_file(project):
    inside = "def affine_backward(dout, cache):\n    "
    imports = (
        "from .layers import summed",
        "from common.layers import summed",
        "from . import layers\n    summed = layers.summed",
        "import common.layers\n    summed = common.layers.summed",
        "import common.layers as here\n    import scipy.special, os.path\n    summed = here.summed",
    )
    for number, line in enumerate(imports):
        text = "from .layers import affine_forward\n" + BACKWARD.split("affine_forward\n")[1]
        text = text.replace("layers.summed(dout)", "summed(dout)").replace(
            inside.strip(" "), f"{inside}{line}\n"
        )
        book = project(**{f"common/pair{number}.py": text})
        assert told(book / "common" / f"pair{number}.py")["affine_backward"].status == "right", line
        wrong = project(**{f"common/pair{number}.py": text.replace("x.T.dot(dout)", "2 * x.T.dot(dout)")})
        assert told(wrong / "common" / f"pair{number}.py")["affine_backward"].status == "wrong", line


@pytest.mark.parametrize("where", ["top", "inside"])
def test_a_layer_that_calls_what_is_not_loaded_is_not_judged(tmp_path, where):
    line = "from nobody_knows import summed\n"
    text = f"""import numpy as np
{line if where == "top" else ""}def conv_forward(x, w, b):
    return x.dot(w) + b, (x, w, b)
def conv_backward(dout, cache):
    {line if where == "inside" else "pass"}
    x, w, b = cache
    return dout.dot(w.T), x.T.dot(dout), summed(dout)
"""
    (tmp_path / "layers.py").write_text(text, encoding="utf-8")
    found = told(tmp_path / "layers.py")["conv_backward"]
    assert (found.status, "nobody_knows.summed is called" in found.remarks[0]) == ("unchecked", True)


def test_no_link_leads_out_of_the_folder(project):
    book = project(**{"hw/pair.py": BACKWARD})
    (book / "hw" / "common").symlink_to(book / "common")
    assert told(book / "hw" / "pair.py")["affine_backward"].status == "unchecked"


def test_modules_that_import_each_other_raise_or_do_not_parse_are_no_obstacle(project):
    helper = "import second\nX = 1 / 0\ndef f(:\n    pass\ndef loss(a, y):\n    return ((a - y) ** 2).sum()\n"
    pair = "from helper import *\ndef loss_gradient(a, y):\n    return 2 * (a - y)\n"
    book = project(**{"helper.py": helper, "second.py": "import helper\n", "pair.py": pair})
    report = check_file(book / "pair.py", limits=QUICK)
    assert [one.status for one in report.functions] == ["right"]
    assert any(note.startswith("helper.py, line 2 raises ZeroDivisionError") for note in report.notes)


def test_a_module_whose_own_getattr_raises_has_not_what_is_imported(project):
    helper = "HELD = dict(zip('ab', 'cd'))\ndef __getattr__(name):\n    return HELD[OTHERS[name]]\n"
    pair = "from helper import learning_rate\ndef sigmoid(z):\n    return 1 / (1 + np.exp(-z))\n"
    book = project(**{"helper.py": helper, "pair.py": "import numpy as np\n" + pair})
    assert told(book / "pair.py")["sigmoid"].status == "right"


@pytest.mark.parametrize("helper", ["rates.py", "rates/notes.txt"])
def test_what_a_module_may_set_and_is_not_executed_is_no_mistake(project, helper):
    text = "rate = float(open('rate').read())\n"
    book = project(**{helper: text, "step.py": "from rates import *\n" + UPDATE})
    assert told(book / "step.py")["update_parameters"].status == "unchecked"


@pytest.mark.long
@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_an_archive_is_a_folder(project, tmp_path, kind, capsys):
    book, archive = project(), tmp_path / f"book.{kind}"
    names = [path for path in book.rglob("*") if path.is_file()]
    if kind == "zip":
        with zipfile.ZipFile(archive, "w") as held:
            for path in names:
                held.write(path, path.relative_to(book))
            held.writestr("../outside.py", "x = 1")
    else:
        with tarfile.open(archive, "w:gz") as tape:
            for path in names:
                tape.add(path, path.relative_to(book))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    files = expand([str(archive)], scratch)
    assert sorted(file.shown.removeprefix(f"{archive}/") for file in files) == [
        "ch05/net.py", "ch05/pair.py", "common/functions.py", "common/layers.py"
    ]  # fmt: skip
    assert not (scratch / "outside.py").exists()
    if kind == "zip":
        assert main(["check", str(archive)]) == 2  # nothing in functions.py can be judged
        assert f"{archive}/ch05/pair.py  1 of 1 right" in capsys.readouterr().out.replace("\n", "")


@pytest.mark.parametrize("kind", ["zip", "gztar", "bztar", "xztar"])
def test_a_damaged_archive_is_told(project, tmp_path, kind):
    whole = Path(shutil.make_archive(str(tmp_path / "book"), kind, project()))
    content = whole.read_bytes()
    told = []
    for place in range(1, 40):
        at = place * len(content) // 40
        for damaged in (content[:at], content[:at] + b"U" * 50 + content[at + 50 :]):
            whole.write_bytes(damaged)
            scratch = tmp_path / f"{place}-{len(damaged)}"
            scratch.mkdir(exist_ok=True)
            try:
                expand([str(whole)], scratch)
            except ValueError as error:
                told.append(str(error))
    assert len(told) > 20
    assert all(str(whole) in words and "\n" not in words for words in told)


def test_a_root_that_is_not_there_is_told(project, capsys):
    assert main(["check", str(project() / "functions.py"), "--root", "nowhere"]) == 2
    assert "--root nowhere: there is no such folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    "beside",
    [
        "import numpy as np\ndef predict(X, Y):\n    return np.zeros((1, X.shape[1]), dtype=np.int)\n",
        "def relu(Z):\n    return Z * (Z < 0)\n",
    ],
    ids=["what is gone is replaced", "it is not called"],
)
def test_a_mistake_in_a_module_is_no_excuse_for_what_does_not_use_it(tmp_path, beside):
    wrong = "from opt_utils import *\nx = predict, relu\n" + UPDATE.replace(
        "rate * grads", "2 * learning_rate * grads"
    )
    (tmp_path / "opt_utils.py").write_text(beside, encoding="utf-8")
    (tmp_path / "mine.py").write_text(wrong, encoding="utf-8")
    assert told(tmp_path / "mine.py")["update_parameters"].status == "wrong"
