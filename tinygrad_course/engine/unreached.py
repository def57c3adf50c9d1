"""Functions of SciPy's and NumPy's that no protocol reaches, and what takes their place."""

from __future__ import annotations

import sys
from typing import Any

from tinygrad_course.engine.errors import of_numpy
from tinygrad_course.engine.foreign import SPARSE
from tinygrad_course.engine.leaving import called

_FUNCTIONS = "tinygrad_course.functions"
_OURS = {
    _FUNCTIONS: ("logsumexp", "softmax", "log_softmax"),
    f"{_FUNCTIONS}.gammas": ("polygamma", "multigammaln"),
    f"{_FUNCTIONS}.matrices": (
        "expm",
        "sqrtm",
        "cholesky",
        "solve",
        "solve_triangular",
        "solve_sylvester",
        "solve_banded",
    ),
    f"{_FUNCTIONS}.signals": ("convolve", "correlate"),
    f"{_FUNCTIONS}.implicit": ("root", "fixed_point"),
    f"{_FUNCTIONS}.differential_equations": ("odeint", "solve_ivp"),
    f"{_FUNCTIONS}.distributions": ("logpdf", "pdf", "logcdf", "cdf", "sf", "logpmf", "pmf"),
}
_ROOMS = {name: module for module, names in _OURS.items() for name in names}
#: What to write for NumPy's functions in C that ask for arrays.
_INSTEAD = {
    "nditer": "for v in y.flat, or a calculation with whole arrays",
    "ndenumerate": "for index in np.ndindex(y.shape), and y[index]",
    "permutation": "y[rng.permutation(len(y))]",
    "permuted": "np.take_along_axis(y, rng.permuted(places, axis), axis), with places as np.indices has them",
    "choice": "y[rng.choice(len(y), size)]",
    "normal": "mean + deviation * rng.standard_normal(shape)",
    "uniform": "low + (high - low) * rng.random(shape)",
    "exponential": "scale * rng.standard_exponential(shape)",
    "multivariate_normal": "mean + L @ rng.standard_normal(n), where L @ L.T is the covariance",
}


def recorded_instead() -> str:
    """Say what takes the place of the function of SciPy's or NumPy's that is being called, if one does."""
    frame: Any = sys._getframe(2)
    if frame.f_globals.get("__name__", "").startswith("scipy.sparse"):
        return (
            f"a sparse matrix of SciPy's holds plain numbers, and beside a Tensor {SPARSE}; entries that are "
            "recorded are written to a dense one, np.add.at(tinygrad_course.zeros(shape), (i, j), values)"
        )
    asked, vectorized, user = None, False, frame
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith("scipy."):
            wrapped = [getattr(frame.f_locals.get(f), "__name__", "") for f in ("f", "func", "fun")]
            asked = next((n for n in (frame.f_code.co_name, *wrapped) if n in _ROOMS), asked)
        vectorized |= frame.f_code.co_name == "_vectorize_call" and of_numpy(frame)
        if user is not None and (of_numpy(user) or "site-packages" in user.f_code.co_filename):
            user = frame.f_back
        frame = frame.f_back
    if asked is not None:
        return f"SciPy's {asked} calls np.asarray on its arguments; {_ROOMS[asked]} has a recorded {asked}."
    if vectorized:
        return (
            "np.vectorize calls its function f with plain numbers: call f itself on the Tensor, or collect "
            "the results, tinygrad_course.array([f(x) for x in t])."
        )
    name = (called(user)[0] if user is not None else None) or "a function that calls np.asarray"
    last = name.rpartition(".")[2]
    if last in _INSTEAD:
        return f"NumPy's {last} takes plain numbers; write {_INSTEAD[last]}."
    return (
        f"{name} takes plain numbers: hand it those, or write it with NumPy's functions; "
        f"{_FUNCTIONS} has some of SciPy's, recorded."
    )
