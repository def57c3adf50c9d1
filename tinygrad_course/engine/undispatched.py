"""Functions of SciPy's and NumPy's that no protocol reaches, and what takes their place."""

from __future__ import annotations

import re
import sys
from typing import Any

import numpy as np

from tinygrad_course.engine.errors import of_numpy
from tinygrad_course.engine.other_arrays import SPARSE
from tinygrad_course.engine.plain_numbers import called
from tinygrad_course.rules.table import COMPOSED, NO_DERIVATIVE, RULES

_FUNCTIONS = "tinygrad_course.functions"
#: Where the functions of a package of SciPy's are recorded; "": in `functions` itself.
OURS = {
    ("special", ""): ("logsumexp", "softmax", "log_softmax"),
    ("special", ".gammas"): ("polygamma", "multigammaln"),
    ("linalg", ".matrices"): (
        "expm", "sqrtm", "cholesky", "solve", "solve_triangular", "solve_sylvester", "solve_banded",
    ),
    ("signal", ".signals"): ("convolve", "correlate"),
    ("optimize", ".implicit"): ("root", "fixed_point"),
    ("integrate", ".differential_equations"): ("odeint", "solve_ivp"),
}  # fmt: skip
ROOMS = {(package, n): _FUNCTIONS + room for (package, room), names in OURS.items() for n in names}
FAMILIES = {
    "norm", "t", "cauchy", "laplace", "logistic", "gumbel_r", "uniform", "expon", "halfnorm", "gamma",
    "invgamma", "chi2", "beta", "lognorm", "weibull_min", "pareto", "poisson", "bernoulli", "binom", "geom",
    "nbinom",
}  # fmt: skip
_DENSITIES = {"logpdf", "pdf", "logcdf", "cdf", "sf", "logsf", "logpmf", "pmf"}
NUMPYS = {"linalg": "np.linalg", "fft": "np.fft", "integrate": "np"}
#: What to write for NumPy's functions in C that ask for arrays.
_INSTEAD = {
    "nditer": "for v in y.flat, or a calculation with whole arrays",
    "ndenumerate": "for index in np.ndindex(y.shape), and y[index]",
    "ascontiguousarray": 'y.copy(order="C")',
    "asfortranarray": 'y.copy(order="F")',
    "arange": "start + step * np.arange(n)",
    "full": "np.broadcast_to(value, shape).copy()",
    "permutation": "y[rng.permutation(len(y))]",
    "permuted": "np.take_along_axis(y, rng.permuted(places, axis), axis), with places as np.indices has them",
    "choice": "y[rng.choice(len(y), size)]",
    "normal": "mean + deviation * rng.standard_normal(shape)",
    "uniform": "low + (high - low) * rng.random(shape)",
    "exponential": "scale * rng.standard_exponential(shape)",
    "multivariate_normal": "mean + L @ rng.standard_normal(n), where L @ L.T is the covariance",
}


def _recorded(frame: Any) -> str | None:
    """Return what takes the place of the function of SciPy's that a frame runs, or that it wraps."""
    wrapped = [frame.f_locals.get(f) for f in ("f", "func", "fun")]
    names = [(getattr(f, "__module__", None) or "", getattr(f, "__name__", "")) for f in wrapped]
    for module, name in [(frame.f_globals.get("__name__", ""), frame.f_code.co_name), *names]:
        library, package = (*module.split("."), "")[:2]
        if library != "scipy":
            continue
        own = frame.f_locals.get("self")
        family = getattr(own, "name", re.sub("_(gen|frozen)$", "", type(own).__name__))
        room = ROOMS.get((package, name))
        several = family == "multivariate_normal" and name in {"logpdf", "pdf"}
        if package == "stats" and (several or (family in FAMILIES and name in _DENSITIES)):
            room = f"{_FUNCTIONS}.distributions.{family}"
        if room is not None:
            return f"SciPy's {name} calls np.asarray on its arguments; {room} has a recorded {name}."
        numpys = NUMPYS.get(package)
        if numpys is not None and hasattr(getattr(np, numpys[3:], np), name):
            return f"SciPy's {name} calls np.asarray on its arguments; {numpys}.{name} is recorded."
    return None


def recorded_instead() -> str:
    """Say what takes the place of the function of SciPy's or NumPy's that is being called, if one does."""
    frame: Any = sys._getframe(2)
    module = frame.f_globals.get("__name__", "")
    if module.startswith("scipy.sparse.linalg"):
        return (
            "SciPy's operators and solvers of sparse systems compute with plain numbers: write S @ t with "
            "the matrix S itself, np.linalg.solve(S.toarray(), t), or teach its derivative with "
            "tinygrad_course.custom_rule"
        )
    if module.startswith("scipy.sparse"):
        return (
            f"a sparse matrix of SciPy's holds plain numbers, and beside a Tensor {SPARSE}; entries that are "
            "recorded are written to a dense one, np.add.at(tinygrad_course.zeros(shape), (i, j), values)."
        )
    asked, vectorized, user = None, False, frame
    while frame is not None:
        asked = _recorded(frame) or asked
        vectorized |= frame.f_code.co_name == "_vectorize_call" and of_numpy(frame)
        if user is not None and (of_numpy(user) or "site-packages" in user.f_code.co_filename):
            user = frame.f_back
        frame = frame.f_back
    if asked is not None:
        return asked
    if vectorized:
        return (
            "np.vectorize calls its function f with plain numbers: call f itself on the Tensor, or collect "
            "the results, tinygrad_course.array([f(x) for x in t])."
        )
    name = (called(user)[0] if user is not None else None) or "a function that calls np.asarray"
    last = name.rpartition(".")[2]
    if last in _INSTEAD:
        return f"NumPy's {last} takes plain numbers; write {_INSTEAD[last]}."
    if name in {"np.array", "np.asarray", "np.asanyarray"}:
        return ""
    function = getattr(np, last, None) if name == f"np.{last}" else None
    if function is not None and (function in RULES or function in COMPOSED or function in NO_DERIVATIVE):
        return f"{name} is recorded of a Tensor, and was given a list: {name}(np.stack([t1, t2]), ...)."
    return (
        f"{name} takes plain numbers: hand it those, or write it with NumPy's functions; "
        f"{_FUNCTIONS} has some of SciPy's, recorded; tinygrad_course.custom_rule teaches a derivative."
    )
