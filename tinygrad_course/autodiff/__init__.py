"""Gradients of functions, rules of the user's own, and the search for the first NaN."""

from tinygrad_course.autodiff.custom import custom_rule, register_rule
from tinygrad_course.autodiff.debugging import debug
from tinygrad_course.autodiff.gradients import (
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    stop_gradient,
    value_and_grad,
    vjp,
)

__all__ = [
    "custom_rule",
    "debug",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "register_rule",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]
