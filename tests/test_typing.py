"""What mypy and pyright, strict, say of a user's script: a Tensor goes in, a Tensor comes out."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tinygrad_course.pyright_stubs import write_stubs

SCRIPT = """
import numpy as np
from numpy import tanh
from tinygrad_course import Tensor

W, b, X = Tensor(np.ones((1, 2)), name="W"), Tensor(0.0), np.ones((2, 3))
{lines}
J = np.mean(np.exp(W))
J.backward()
np.sum(b).backward()
np.mean((X.T @ W.T) ** 2).backward()
dW = W.grad
"""
TENSORS = [
    "np.exp(W)", "np.mean(np.exp(W))", "np.sum(b)", "W @ X", "X.T @ W.T", "X * np.sum(W)", "np.dot(W, X)",
    "np.maximum(0, W)", "W + 1", "1 / W", "3 - W", "np.reshape(W, (2, 1))", "np.concatenate([W, W])",
    "tanh(W)",     "np.linalg.norm(W)", "np.where(X[:1, :2] > 0, W, 0.0)", "W.T", "W[0]", "np.stack((W, W))",
    "np.sum(W, axis=0, keepdims=True)", "np.log(1 / (1 + np.exp(-W)))", "np.einsum('ij->ji', W)",
]  # fmt: skip
PLAIN = {"np.exp(X)": "numpy.ndarray", "np.dot(X, X.T)": "Any", "np.argmax(W)": "numpy.signedinteger|Any"}


@pytest.mark.long
def test_a_users_script_under_mypy(tmp_path: Path) -> None:
    expressions = [*TENSORS, *PLAIN]
    lines = "\n".join(f"reveal_type({expression})" for expression in expressions)
    (tmp_path / "script.py").write_text(SCRIPT.replace("{lines}", lines))
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = True\nplugins = tinygrad_course.mypy_plugin\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "script.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert "error:" not in done.stdout, done.stdout
    revealed = re.findall(r'Revealed type is "(.*)"', done.stdout)
    assert len(revealed) == len(expressions), done.stdout + done.stderr
    found = dict(zip(expressions, revealed, strict=True))
    assert {e: found[e] for e in TENSORS} == dict.fromkeys(TENSORS, "tinygrad_course.engine.tensor.Tensor")
    for expression, kind in PLAIN.items():
        assert re.match(kind, found[expression]), (expression, found[expression])


@pytest.mark.long
def test_a_users_script_under_pyright(tmp_path: Path) -> None:
    pytest.importorskip("pyright", reason="pyright is not installed")
    expressions = [e for e in TENSORS if e != "np.reshape(W, (2, 1))"]  # pyright calls this one unknown
    lines = "\n".join(
        f"reveal_type({expression})" for expression in [*expressions, "np.exp(X)", "np.argmax(W)"]
    )
    (tmp_path / "script.py").write_text(SCRIPT.replace("{lines}", lines))
    (tmp_path / "pyrightconfig.json").write_text('{"strict": ["script.py"]}')
    (tmp_path / "other" / "numpy").mkdir(parents=True)
    with pytest.raises(FileExistsError, match="not made by this program"):
        write_stubs(tmp_path / "other")
    write_stubs(write_stubs(tmp_path / "typings").parent)  # again, over its own
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson", "script.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=900)
    told = json.loads(done.stdout)["generalDiagnostics"]
    assert [d["message"] for d in told if d["severity"] == "error"] == []
    found = [
        re.sub(r'^Type of ".*" is "(.*)"$', r"\1", d["message"]) for d in told if "Type of" in d["message"]
    ]
    assert found[:-2] == ["Tensor"] * len(expressions)
    assert found[-2].startswith("ndarray")
    assert found[-1].startswith("signedinteger")
