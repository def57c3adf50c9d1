"""Functions of SciPy's that no protocol reaches, and ours of the same names."""

from __future__ import annotations

import sys

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


def recorded_instead() -> str:
    """Say which function of ours takes the place of the one of SciPy's that is being called, if one does."""
    frame = sys._getframe(1)
    asked = None
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith("scipy."):
            wrapped = [getattr(frame.f_locals.get(f), "__name__", "") for f in ("f", "func", "fun")]
            asked = next((n for n in (frame.f_code.co_name, *wrapped) if n in _ROOMS), asked)
        frame = frame.f_back  # type: ignore[assignment]
    if asked is None:
        return f"a function that calls np.asarray needs a recorded one in its place: {_FUNCTIONS} has some."
    return f"SciPy's {asked} calls np.asarray on its arguments; {_ROOMS[asked]} has a recorded {asked}."
