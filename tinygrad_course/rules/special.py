"""The ufuncs of `scipy.special`, which answer NumPy's protocol as NumPy's own do."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from tinygrad_course.rules.table import rule

ROOT_PI = math.sqrt(math.pi)

# ------------------------------------------------------------------ the sigmoid and entropies

rule(special.expit, lambda g, y, a: g * (y * (1.0 - y)))
rule(special.log_expit, lambda g, y, a: g * special.expit(-a))
rule(special.logit, lambda g, y, a: g / (a * (1.0 - a)))


def over(a: Any, b: Any) -> Any:
    """a / b, and 0 for 0/0."""
    return a / (b + ((a == 0) & (b == 0)))


def log_or_0(a: Any, b: Any) -> Any:
    """log(b), and 0 where a log(b) is 0 log(0)."""
    return special.xlogy(1.0 - ((a == 0) & (b == 0)), b)


rule(special.xlogy, lambda g, y, a, b: g * log_or_0(a, b), lambda g, y, a, b: g * over(a, b))
rule(special.xlog1py, lambda g, y, a, b: g * log_or_0(a, 1.0 + b), lambda g, y, a, b: g * over(a, 1.0 + b))
rule(special.erf, lambda g, y, a: g * (2.0 / ROOT_PI * np.exp(-a * a)))
rule(special.erfc, lambda g, y, a: g * (-2.0 / ROOT_PI * np.exp(-a * a)))
