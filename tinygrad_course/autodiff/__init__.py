"""Gradients of functions, rules of the user's own, and the search for the first NaN."""

from tinygrad_course.autodiff.custom import custom_rule, register_rule
from tinygrad_course.autodiff.debugging import debug
from tinygrad_course.autodiff.gradients import grad, jvp, stop_gradient, value_and_grad, vjp
from tinygrad_course.autodiff.transforms import checkpoint, elementwise_grad, flatten, hessian, hvp, jacobian

__all__ = [
    "checkpoint",
    "custom_rule",
    "debug",
    "elementwise_grad",
    "flatten",
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
