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

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinygrad_course.autodiff.custom import custom_rule, register_rule
    from tinygrad_course.autodiff.debugging import debug
    from tinygrad_course.autodiff.gradients import (
        grad,
        jvp,
        stop_gradient,
        value_and_grad,
        vjp,
    )
    from tinygrad_course.autodiff.recordable import array, zeros, zeros_like
    from tinygrad_course.autodiff.transforms import (
        hessian,
        hvp,
        jacobian,
    )
    from tinygrad_course.compiling import CannotCompile, compiled, compiled_loop
    from tinygrad_course.derivation import derive
    from tinygrad_course.engine.sweep import FreedGraphError
    from tinygrad_course.engine.tensor import Tensor
    from tinygrad_course.gradient_checking import check_gradients, compare_gradients, gradient_check
    from tinygrad_course.graph.node import Graph, graph
    from tinygrad_course.training.batches import mini_batches
    from tinygrad_course.training.checkpoints import CheckpointError, load, save
    from tinygrad_course.training.descent import Adam, GradientDescent, Momentum
    from tinygrad_course.training.epochs import NotFiniteError
    from tinygrad_course.training.initialization import initialize_parameters
    from tinygrad_course.training.loop import InterruptedRun, fit
    from tinygrad_course.training.network import Network
    from tinygrad_course.training.watching import watch

# Imported when they are first asked for: pytest imports this package wherever the library is installed, for
# its plugin, and is not to wait for NumPy and SciPy.
_NAMES = {
    "autodiff.custom": "custom_rule register_rule",
    "autodiff.debugging": "debug",
    "autodiff.gradients": "grad jvp stop_gradient value_and_grad vjp",
    "autodiff.recordable": "array zeros zeros_like",
    "autodiff.transforms": "hessian hvp jacobian",
    "compiling": "CannotCompile compiled compiled_loop",
    "derivation": "derive",
    "engine.sweep": "FreedGraphError",
    "engine.tensor": "Tensor",
    "gradient_checking": "check_gradients compare_gradients gradient_check",
    "graph.node": "Graph graph",
    "training.batches": "mini_batches",
    "training.checkpoints": "CheckpointError load save",
    "training.descent": "Adam GradientDescent Momentum",
    "training.epochs": "NotFiniteError",
    "training.initialization": "initialize_parameters",
    "training.loop": "InterruptedRun fit",
    "training.network": "Network",
    "training.watching": "watch",
}
_LATER = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = [
    "Adam",
    "CannotCompile",
    "CheckpointError",
    "FreedGraphError",
    "GradientDescent",
    "Graph",
    "InterruptedRun",
    "Momentum",
    "Network",
    "NotFiniteError",
    "Tensor",
    "array",
    "check_gradients",
    "compare_gradients",
    "compiled",
    "compiled_loop",
    "custom_rule",
    "debug",
    "derive",
    "fit",
    "grad",
    "gradient_check",
    "graph",
    "hessian",
    "hvp",
    "initialize_parameters",
    "jacobian",
    "jvp",
    "load",
    "mini_batches",
    "register_rule",
    "save",
    "stop_gradient",
    "value_and_grad",
    "vjp",
    "watch",
    "zeros",
    "zeros_like",
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


class _Package(ModuleType):
    def __setattr__(self, name: str, value: object) -> None:
        """Leave `graph` the function that it is here, when the import system sets the module of that name."""
        if not (name in _LATER and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
