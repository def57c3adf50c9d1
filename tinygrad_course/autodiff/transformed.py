"""Functions that are made of other functions, as `grad` makes them: they are pickled, and can be methods."""

from __future__ import annotations

import functools
import sys
import types
from typing import Any

from tinygrad_course.engine.inputs import Function, title


class Transformed:
    """What ``make(f, *options, **keywords)`` returns, which is made so again when it is unpickled."""

    def __init__(self, call: Function, make: Function, f: Function, *options: Any, **keywords: Any) -> None:
        functools.update_wrapper(self, f)
        self._call = call
        self._made = functools.partial(make, f, *options, **keywords)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call what was made."""
        return self._call(*args, **kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __repr__(self) -> str:
        """Return ``<grad of cost>``."""
        return f"<{self._made.func.__name__} of {title(self._made.args[0])}>"

    def __reduce__(self) -> Any:
        name = getattr(self, "__qualname__", "")
        if getattr(sys.modules.get(self.__module__), name, None) is self:  # it took f's name, as a decorator
            return name
        return self._made, ()
