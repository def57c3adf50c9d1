"""Reverse-mode automatic differentiation on NumPy, in the notation of the Deep Learning course.

A forward function is ordinary NumPy. Give it arrays and it computes; give it `Tensor`s and it also remembers.

>>> from tinygrad_course import Tensor
>>> a, b, c = Tensor(5.0, name="a"), Tensor(3.0, name="b"), Tensor(2.0, name="c")
>>> J = 3 * (a + b * c)
>>> J.backward()
>>> print(J, a.grad, b.grad, c.grad)
Tensor(33.0) 3.0 6.0 9.0
"""

import os
import re
import sys
from importlib import import_module
from types import ModuleType
from typing import Any

# Imported when they are first asked for: pytest imports this package wherever the library is installed, for
# its plugin, and is not to wait for NumPy and SciPy. Which they are stands in the stub beside this file.
with open(os.path.splitext(__file__)[0] + ".pyi", encoding="utf-8") as stub:  # noqa: PTH122, PTH123  (slow to import)
    _LATER = {
        name: module for module, name in re.findall(r"^from (\S+) import (\w+) as", stub.read(), re.MULTILINE)
    }

__all__ = list(_LATER)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("tinygrad-course")
    if name in _LATER:
        value = getattr(import_module(_LATER[name]), name)
        globals()[name] = value
        return value
    message = f"module 'tinygrad_course' has no attribute {name!r}"
    for room in ("autodiff", "functions"):
        with open(os.path.join(os.path.dirname(__file__), room, "__init__.py"), encoding="utf-8") as text:  # noqa: PTH118, PTH120, PTH123
            if f'"{name}",' in text.read():
                message += f": tinygrad_course.{room} has it"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    def __setattr__(self, name: str, value: object) -> None:
        """Leave `graph` the function that it is here, when the import system sets the module of that name."""
        if not (name in _LATER and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
