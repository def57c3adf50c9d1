"""The rules of SciPy's functions enter the table when SciPy is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

FIRST = "from tinygrad_course import Tensor, value_and_grad, register_rule, grad\nimport numpy as np, sys\n"
PROGRAMS = {
    "the import brings NumPy alone": (
        "assert not [m for m in sys.modules if m.partition('.')[0] == 'scipy']\n"
        "assert 'numpy.testing' not in sys.modules\n"
    ),
    "a ufunc": "from scipy.special import expit\nassert grad(lambda x: expit(x))(0.0) == 0.25\n",
    "a Bessel function": (
        "from scipy.special import jv\nassert abs(grad(lambda x: jv(0, x))(1.0) + jv(1, 1.0)) < 1e-15\n"
    ),
    "a method of a ufunc": (
        "from scipy.special import xlogy\nassert xlogy.outer(Tensor([1.0]), [1.0]).shape == (1, 1)\n"
    ),
    "no derivative": "from scipy.special import round\nassert type(round(Tensor(1.5))) is np.float64\n",
    "refused by its reason": (
        "from scipy.special import agm\n"
        "try:\n    agm(Tensor(1.5), 1.0)\nexcept TypeError as error:\n"
        "    assert 'no rule here' in str(error)\n"
        "else:\n    raise AssertionError\n"
    ),
    "a rule that exists": (
        "from scipy.special import expit\n"
        "try:\n    register_rule(expit, lambda g, y, x: g)\nexcept ValueError as error:\n"
        "    assert 'already' in str(error)\n"
        "else:\n    raise AssertionError\n"
    ),
    "rules of NumPy's functions that need SciPy": (
        "assert abs(grad(np.i0)(1.0) - 0.5651591039924851) < 1e-12\n"
        "assert grad(lambda x: np.logaddexp(x, 0.0))(0.0) == 0.5\n"
    ),
    "threads": (
        "import threading, scipy.special as s\n"
        "found, start = [], threading.Barrier(8)\n"
        "def run(f):\n    start.wait()\n    found.append(f(Tensor([0.5])).data)\n"
        "threads = [threading.Thread(target=run, args=(f,)) for f in (s.expit, s.j0, s.erf, s.gamma) * 2]\n"
        "[t.start() for t in threads], [t.join() for t in threads]\n"
        "assert len(found) == 8\n"
    ),
}


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", PROGRAMS)
def test_nothing_is_lost(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FIRST + PROGRAMS[name]],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
