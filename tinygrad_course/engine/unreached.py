"""Functions of SciPy's and NumPy's that no protocol reaches, and what takes their place."""

from __future__ import annotations

import sys

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
    frame = sys._getframe(2)
    asked = None
    if frame.f_globals.get("__name__", "").startswith("scipy.sparse"):
        return (
            f"a sparse matrix of SciPy's holds plain numbers, and beside a Tensor {SPARSE}; entries that are "
            "recorded are written to a dense one, np.add.at(tinygrad_course.zeros(shape), (i, j), values)"
        )
    name = (called(frame)[0] or "").rpartition(".")[2]
    if name in _INSTEAD:
        return f"NumPy's {name} takes plain numbers; write {_INSTEAD[name]}."
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith("scipy."):
            wrapped = [getattr(frame.f_locals.get(f), "__name__", "") for f in ("f", "func", "fun")]
            asked = next((n for n in (frame.f_code.co_name, *wrapped) if n in _ROOMS), asked)
        frame = frame.f_back  # type: ignore[assignment]
    if asked is None:
        return f"a function that calls np.asarray needs a recorded one in its place: {_FUNCTIONS} has some."
    return f"SciPy's {asked} calls np.asarray on its arguments; {_ROOMS[asked]} has a recorded {asked}."
