"""Reverse-mode automatic differentiation on NumPy, in the notation of the Deep Learning course.

A forward function is ordinary NumPy. Give it arrays and it computes; give it `Tensor`s and it also remembers.

>>> from tinygrad_course import Tensor
>>> a, b, c = Tensor(5.0, name="a"), Tensor(3.0, name="b"), Tensor(2.0, name="c")
>>> J = 3 * (a + b * c)
>>> J.backward()
>>> print(J, a.grad, b.grad, c.grad)
Tensor(33.0) 3.0 6.0 9.0
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tinygrad_course.autodiff import (
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    stop_gradient,
    value_and_grad,
    vjp,
)
from tinygrad_course.custom import custom_rule, register_rule
from tinygrad_course.debugging import debug
from tinygrad_course.graph import Graph, graph
from tinygrad_course.sweep import FreedGraphError
from tinygrad_course.tensor import Tensor

if TYPE_CHECKING:
    from tinygrad_course.compiling import CannotCompile, compiled
    from tinygrad_course.derivation import derive
    from tinygrad_course.network import Network

# Imported when they are first asked for: what costs time, and what few programs need.
_LATER = {"CannotCompile": "compiling", "Network": "network", "compiled": "compiling", "derive": "derivation"}

__all__ = [
    "CannotCompile",
    "FreedGraphError",
    "Graph",
    "Network",
    "Tensor",
    "compiled",
    "custom_rule",
    "debug",
    "derive",
    "grad",
    "graph",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "register_rule",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("tinygrad-course")
    if name in _LATER:
        value = getattr(import_module(f"tinygrad_course.{_LATER[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'tinygrad_course' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
