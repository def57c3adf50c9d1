"""NumPy's words for what a library calls otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Gradient = Callable[[Callable[[Any, Any], Any], Any], Any]
MASK = np.array([[True, True], [False, False]])


class Words:
    """NumPy's names, looked up in a library's modules one after the other; `d` is its derivative."""

    def __init__(self, constant: Callable[[Any], Any], *modules: Any, **own: Any) -> None:
        self._modules = modules
        self._own = own
        self.c = constant

    def __getattr__(self, name: str) -> Any:
        if name in self._own:
            return self._own[name]
        for module in self._modules:
            if hasattr(module, name):
                return getattr(module, name)
        raise AttributeError(f"no rule: {name}")
