"""A plugin for mypy: what NumPy's functions return for a Tensor is a Tensor.

NumPy's own types know arrays alone: of ``np.mean(np.exp(W))`` they say a number, of ``np.sum(b)`` nothing.
In mypy's configuration::

    [tool.mypy]
    plugins = ["tinygrad_course.mypy_plugin"]
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from mypy.nodes import CallExpr, ListExpr, MemberExpr, NameExpr, TupleExpr
from mypy.plugin import FunctionContext, MethodContext, Plugin
from mypy.types import Instance, TupleType, Type, UnionType, get_proper_type

from tinygrad_course.rules.table import COMPOSED, NO_DERIVATIVE, RULES

TENSOR = "tinygrad_course.engine.tensor.Tensor"
_OPERATORS = ("add", "sub", "mul", "truediv", "matmul", "pow", "mod", "floordiv")


class TensorPlugin(Plugin):
    """Looks at calls of NumPy's functions, ufuncs and operators that a Tensor goes into."""

    def get_function_hook(self, fullname: str) -> Callable[[FunctionContext], Type] | None:
        """Return what decides on the type of a call of ``np.sum`` and its like."""
        return _returned if fullname.startswith("numpy.") else None

    def get_method_hook(self, fullname: str) -> Callable[[MethodContext], Type] | None:
        """Return what decides on a call of a ufunc, or on an operator of an array."""
        if not fullname.startswith("numpy."):
            return None
        method = fullname.rpartition(".")[2].strip("_")
        if method == "call":
            return _returned
        return _operated if method in _OPERATORS else None


def plugin(version: str) -> type[Plugin]:  # noqa: ARG001  (mypy's)
    """Return the plugin, for mypy."""
    return TensorPlugin


def _returned(context: FunctionContext | MethodContext) -> Type:
    function = _called(context.context)
    found = RULES.get(function)
    varies = (
        (found is not None and not found.outputs) or function in COMPOSED
    ) and function not in NO_DERIVATIVE
    return _operated(context) if varies else context.default_return_type


def _operated(context: FunctionContext | MethodContext) -> Type:
    """Return the type Tensor, as one of the arguments has it, if one has."""
    return next((kind for kind in _given_types(context) if _is_tensor(kind)), context.default_return_type)


def _called(call: Any) -> Any:
    """Return the function of NumPy's that an expression calls: np.exp, np.linalg.norm."""
    names: list[str] = []
    callee = call.callee if isinstance(call, CallExpr) else None
    while isinstance(callee, MemberExpr):
        names.append(callee.name)
        callee = callee.expr
    if not isinstance(callee, NameExpr):
        return None
    if not names:
        names = [callee.name]
    found: Any = np
    for name in reversed(names):
        found = getattr(found, name, None)
    return found


def _given_types(context: FunctionContext | MethodContext) -> Iterator[Type]:
    for arguments in context.arg_types:
        for argument in arguments:
            yield from _parts(argument)
    for expressions in context.args:  # a list's own type is what NumPy expects of it
        for expression in expressions:
            if isinstance(expression, (ListExpr, TupleExpr)):
                for item in expression.items:
                    yield get_proper_type(context.api.get_expression_type(item))


def _parts(argument: Type) -> Iterator[Type]:
    """Yield a type, and what a list, a tuple or a union holds."""
    proper = get_proper_type(argument)
    yield proper
    if isinstance(proper, (TupleType, UnionType)):
        for item in proper.items:
            yield from _parts(item)
    elif isinstance(proper, Instance) and proper.type.fullname in {"builtins.list", "builtins.tuple"}:
        for item in proper.args:
            yield from _parts(item)


def _is_tensor(kind: Type) -> bool:
    return isinstance(kind, Instance) and kind.type.fullname == TENSOR
