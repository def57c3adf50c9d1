"""Gradient checking: whether a gradient is what differences of the cost say, and how much these can say.

>>> import numpy as np
>>> from tinygrad_course.gradient_checking import check_gradients
>>> report = check_gradients(lambda W: np.sum(np.tanh(W)), np.array([[0.1, -0.2]]))
>>> report.verdict
'right'
"""

from tinygrad_course.gradient_checking.analytic import gradients_like
from tinygrad_course.gradient_checking.checks import check_gradients, compare_gradients, gradient_check
from tinygrad_course.gradient_checking.report import (
    Entry,
    GradientMismatchError,
    GradientReport,
    relative_difference,
)

__all__ = [
    "Entry", "GradientMismatchError", "GradientReport", "check_gradients", "compare_gradients",
    "gradient_check", "gradients_like", "relative_difference",
]  # fmt: skip
