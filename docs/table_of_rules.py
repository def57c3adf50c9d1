"""Write docs/table_of_rules.md from the tables themselves: ``python docs/table_of_rules.py``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from scipy import special

import tinygrad_course  # noqa: F401  (fills the tables)
from tinygrad_course.rules.table import COMPOSED, NO_DERIVATIVE, REFUSED, RULES, entered_late

TARGET = Path(__file__).with_name("table_of_rules.md")
MODULES = {
    "np": np,
    "np.linalg": np.linalg,
    "np.fft": np.fft,
    "scipy.special": special,
}


def full_name(function: Callable[..., Any]) -> str:
    """Return the name under which users know a function of NumPy's or SciPy's; "" for any other."""
    name = getattr(function, "__name__", "")
    for module_name, module in MODULES.items():
        if getattr(module, name, None) is function:
            return f"{module_name}.{name}"
    return ""


def known(functions: Iterable[Callable[..., Any]]) -> list[str]:
    """Return the names of NumPy's and SciPy's functions among these, in order."""
    return sorted({full_name(f) for f in functions} - {""})


def listed(functions: Iterable[Callable[..., Any]]) -> str:
    """Return the functions' names as inline code."""
    return ", ".join(f"`{name}`" for name in known(functions))


def versions() -> str:
    """Return which NumPy and SciPy the tables were filled for: others have more functions, or fewer."""
    return " and ".join(f"{m.__name__.title()} {'.'.join(m.__version__.split('.')[:2])}" for m in (np, scipy))


def page() -> str:
    """Return the page."""
    entered_late()
    reasons: dict[str, list[Callable[..., Any]]] = {}
    for function, reason in REFUSED.items():
        reasons.setdefault(reason, []).append(function)
    parts = [
        "# The table of rules",
        f"Written by `python docs/table_of_rules.py` from the library's own tables, with {versions()}.",
        f"## With a rule ({len(known(RULES))})",
        "Each has one line for every argument.",
        listed(RULES),
        f"## Composed of these ({len(known(COMPOSED))})",
        listed(COMPOSED),
        f"## Without a derivative ({len(known(NO_DERIVATIVE))})",
        "They return plain arrays.",
        listed(NO_DERIVATIVE),
        f"## Refused ({len(known(REFUSED))})",
        "They raise, with the reason.",
        *(f"**{reason}**: {listed(fs)}" for reason, fs in sorted(reasons.items()) if known(fs)),
    ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
