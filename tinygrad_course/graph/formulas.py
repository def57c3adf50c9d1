"""Formulas that write themselves: a rule's own functions, called with values that know their formula.

A `Formula` speaks NumPy's protocols, as a Tensor does: given one, ``lambda g, y, z: g * (1 - y**2)``
returns another, whose `tree` is the expression in Python's notation (`ast`). Operands are called a, b, c, d,
the result y, and the gradient of the cost with respect to it g. What reads better by hand is in `WRITTEN`.
"""

import ast
import copy
import functools
import inspect
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from tinygrad_course.graph.program import Call, Slot
from tinygrad_course.rules.elementwise import quotient

OPERANDS = "abcd"
#: A longer formula tells nobody anything.
LONGEST = 40

#: What functions are in terms of simpler ones.
WRITTEN = {
    "square": "a**2", "reciprocal": "1 / a", "float_power": "a**b", "positive": "a",
    "exp": "e**a", "exp2": "2**a", "exp10": "10**a", "expm1": "e**a - 1", "log1p": "log(1 + a)",
    "hypot": "sqrt(a**2 + b**2)", "logaddexp": "log(e**a + e**b)", "logit": "log(a / (1 - a))",
    "maximum": "max(a, b)", "minimum": "min(a, b)", "relu": "max(0, a)", "expit": "sigma(a)",
    "log_expit": "log(sigma(a))", "xlogy": "a * log(b)", "xlog1py": "a * log(1 + b)", "absolute": "abs(a)",
    "fabs": "abs(a)", "conjugate": "a", "real": "a", "astype": "a", "floor_divide": "floor(a / b)",
    "ldexp": "a * 2**b",
}  # fmt: skip
#: Operations on whole arrays that read better so: the result, and each operand's gradient in terms of g.
#: Besides the operands m is the number of examples, n how many elements are averaged, I the identity, and
#: what `_OPTIONS` names.
WHOLE: dict[str, tuple[str, ...]] = {
    "reshape": ("reshaped(a)", "reshaped(g)"), "ravel": ("reshaped(a)", "reshaped(g)"),
    "squeeze": ("reshaped(a)", "reshaped(g)"), "expand_dims": ("reshaped(a)", "reshaped(g)"),
    "getitem": ("chosen(a)", "placed(g)"), "broadcast_to": ("spread(a)", "sums(g)"),
    "mean": ("total(a, x) / n", "spread(g) / n"), "prod": ("product(a)",), "trace": ("tr(a)", "g * I"),
    "norm": ("norm(a)",), "logsumexp": ("log(total(e**a, x))",), "softmax": ("softmax(a, x)",),
    "log_softmax": ("log(softmax(a, x))",), "leaky_relu": ("max(s * a, a)",), "drop": ("a * b / k",),
    "linear": ("a @ b + c", "g @ b.T", "a.T @ g", "sums(g)"),
    "binary_cross_entropy": (
        "-(1 / m * total(b * log(a) + (1 - b) * log(1 - a)))", "", "", "g * (1 / m) * (a - b)",
    ),
    "categorical_cross_entropy": (
        "-(1 / m * total(b * log(a)))", "", "", "g * (1 / m) * (a * total(b, 0) - b)",
    ),
}  # fmt: skip
#: Slopes that read better so.
SLOPES = {"relu": ("a > 0",)}
_OPTIONS = {"s": "slope", "k": "keep_prob", "x": "axis"}
#: Of these the formula holds whatever their options are; of the others, where all are named in it.
_FREE = frozenset({"reshape", "ravel", "squeeze", "expand_dims", "getitem", "broadcast_to"})

_BINARY: dict[str, type[ast.operator]] = {
    "add": ast.Add, "subtract": ast.Sub, "multiply": ast.Mult, "divide": ast.Div, "power": ast.Pow,
}  # fmt: skip
_COMPARED: dict[str, type[ast.cmpop]] = {
    "equal": ast.Eq, "not_equal": ast.NotEq,
    "greater": ast.Gt, "less": ast.Lt, "greater_equal": ast.GtE, "less_equal": ast.LtE,
}  # fmt: skip
#: Questions that rules ask to be right at a pole or a tie: where the values have one answer, it is taken.
_GUARDS = frozenset({"equal", "not_equal", "isinf", "isnan", "isfinite"})
_CONSTANTS = {
    math.log(2.0): "log(2)", math.log(10.0): "log(10)", math.pi: "pi", math.sqrt(math.pi): "sqrt(pi)",
    math.pi / 180.0: "pi / 180", 180.0 / math.pi: "180 / pi", math.sqrt(2.0): "sqrt(2)",
    2.0 / math.sqrt(math.pi): "2 / sqrt(pi)", math.sqrt(math.pi) / 2.0: "sqrt(pi) / 2",
    math.sqrt(2.0 * math.pi): "sqrt(2 * pi)", math.sqrt(2.0 / math.pi): "sqrt(2 / pi)",
    math.sqrt(math.pi / 2.0): "sqrt(pi / 2)", 2.0 * math.pi: "2 * pi",
}  # fmt: skip


class NoFormula(Exception):  # noqa: N818  (a signal, not an error)
    """There is no formula that would be short and right."""


@functools.cache
def parsed(text: str) -> ast.expr:
    """Return a formula that is written in Python's notation."""
    return ast.parse(text, mode="eval").body


class Formula(NDArrayOperatorsMixin):
    """A value, and the formula that it was computed by."""

    __slots__ = ("tree", "value")

    def __init__(self, value: Any, tree: ast.expr) -> None:
        self.value = value
        self.tree = tree

    shape = property(lambda self: np.shape(self.value))
    ndim = property(lambda self: np.ndim(self.value))
    size = property(lambda self: np.size(self.value))
    dtype = property(lambda self: np.asarray(self.value).dtype)
    T = property(np.transpose)

    def reshape(self, *shape: Any) -> Any:
        """Return the formula in another shape: with the axes back that a reduction took from g or y."""
        new = np.reshape(self.value, shape[0] if len(shape) == 1 else shape)
        reduced = isinstance(self.tree, ast.Name) and self.tree.id in "gy" and new.ndim > self.ndim
        same = [n for n in new.shape if n != 1] == [n for n in self.shape if n != 1]
        if new.shape != self.shape and not (reduced and same) and self.size != 1:
            raise NoFormula
        return Formula(new, self.tree)

    def astype(self, dtype: Any) -> Any:
        """Return the formula: a dtype is not written."""
        return Formula(self.value.astype(dtype), self.tree)

    def __getitem__(self, index: Any) -> Any:
        found = self.value[index]
        if self.size != 1 and not np.array_equal(found, self.value, equal_nan=True):
            raise NoFormula
        return Formula(found, self.tree)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs:
            raise NoFormula
        name = ufunc.__name__
        value = ufunc(*map(_value, inputs))
        if name in _GUARDS and (np.all(value) or not np.any(value)):
            return bool(np.any(value))
        if name == "bitwise_or":
            return next((x for x in inputs if type(x) is Formula and np.array_equal(x.value, value)), value)
        if name == "bitwise_and":
            return Formula(value, _combined(ast.Mult(), *map(tree_of, inputs)))
        return Formula(value, _written(name, inputs))

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return self.__record_call__(function, args, kwargs)

    @staticmethod
    def __record_call__(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if function is quotient:  # a / b, with its guard where b is 0
            return inspect.unwrap(quotient)(*args)
        value = function(*map(_value, args), **kwargs)
        if not isinstance(value, (np.ndarray, np.generic)):
            return value  # a shape, a number of axes
        name = function.__name__
        if name == "reshape" and not kwargs:
            return args[0].reshape(*args[1:])
        if name in {"zeros_like", "ones_like"}:
            return Formula(value, ast.Constant(float(name == "ones_like")))
        return Formula(value, _of_arrays(name, args, kwargs, value))


def _value(x: Any) -> Any:
    return x.value if type(x) is Formula else x


def tree_of(x: Any) -> ast.expr:
    """Return the formula of a value, or of a number.

    Raises NoFormula for an array that is not the same number everywhere.
    """
    if type(x) is Formula:
        return x.tree
    array = np.asarray(x)
    if array.dtype.kind not in "fiub" or not array.size or np.any(array != array.flat[0]):
        raise NoFormula
    number = float(array.flat[0])
    for sign in (1.0, -1.0):
        if sign * number in _CONSTANTS:
            named = parsed(_CONSTANTS[sign * number])
            return named if sign > 0 else ast.UnaryOp(ast.USub(), named)
    return ast.UnaryOp(ast.USub(), ast.Constant(-number)) if number < 0 else ast.Constant(number)


def _call(name: str, arguments: Sequence[ast.expr]) -> ast.expr:
    return ast.Call(ast.Name(name), list(arguments), [])


def _written(name: str, inputs: Sequence[Any]) -> ast.expr:
    """Return what a function of each element comes to."""
    trees = [tree_of(x) for x in inputs]
    if name in _BINARY:
        return _combined(_BINARY[name](), *trees)
    if name in _COMPARED:
        return ast.Compare(trees[0], [_COMPARED[name]()], trees[1:])
    if name == "matmul":
        return _combined(ast.MatMult(), *trees)
    if name == "negative":
        return _negated(trees[0])
    if _is_written(name, inputs) and len(trees) <= len(OPERANDS):
        return _put_in(parsed(WRITTEN[name]), dict(zip(OPERANDS, trees, strict=False)))
    return _call(name, trees)


def _is_written(name: str, inputs: Sequence[Any]) -> bool:
    """Whether a function is simpler ones here: of complex numbers the conjugate and the real part are not."""
    return name in WRITTEN and not (name in {"conjugate", "real"} and np.iscomplexobj(_value(inputs[0])))


def _of_arrays(name: str, args: Sequence[Any], kwargs: dict[str, Any], value: Any) -> ast.expr:
    """Return what a function of whole arrays comes to."""
    first = tree_of(args[0]) if name != "where" or type(args[0]) is Formula else None
    match name:
        case "dot" if max(map(np.ndim, args)) <= 2:
            op = ast.Mult() if min(map(np.ndim, args)) == 0 else ast.MatMult()
            return _combined(op, *(tree_of(a) for a in args))
        case "transpose" if np.ndim(value) == 2 and not kwargs.get("axes") and len(args) == 1:
            return ast.Attribute(tree_of(args[0]), "T")
        case "transpose" if np.ndim(value) < 2:
            return tree_of(args[0])
        case "tensordot" if min(map(np.ndim, args)) == 0:
            return _combined(ast.Mult(), *(tree_of(a) for a in args))
        case "sum" | "mean" if set(kwargs) <= {"axis", "keepdims", "dtype"} and len(args) <= 2:
            axis = kwargs.get("axis", args[1] if len(args) > 1 else None)
            if not isinstance(axis, (int, type(None))):
                raise NoFormula
            over = [] if axis is None or np.ndim(args[0]) == 1 else [ast.Constant(axis % np.ndim(args[0]))]
            return _call("total" if name == "sum" else "mean", [tree_of(args[0]), *over])
        case "broadcast_to":
            return _call("spread", [tree_of(args[0])])
        case "where" if len(args) == 3:
            return _chosen(args[0], first, *args[1:])
    numbers = [a for a in (*args, *kwargs.values()) if type(a) is not Formula]
    if numbers or first is None:
        raise NoFormula
    return _written(name, args)


def _chosen(condition: Any, test: ast.expr | None, x: Any, z: Any) -> ast.expr:
    if test is None:  # a constant condition has its answer, if it has one
        if np.any(condition) and not np.all(condition):
            raise NoFormula
        return tree_of(x if np.all(condition) else z)
    below = tree_of(z)
    if _is(below, 0):
        return _combined(ast.Mult(), tree_of(x), _call("where", [test]))
    if _is(tree_of(x), 0):
        otherwise = ast.BinOp(ast.Constant(1.0), ast.Sub(), _call("where", [test]))
        return _combined(ast.Mult(), below, otherwise)
    return _call("where", [test, tree_of(x), below])


def _is(tree: ast.expr, number: float | None) -> bool:
    return isinstance(tree, ast.Constant) and tree.value == number


def _negated(tree: ast.expr) -> ast.expr:
    return tree.operand if isinstance(tree, ast.UnaryOp) else ast.UnaryOp(ast.USub(), tree)


def _alike(a: ast.expr, b: ast.expr) -> bool:
    return ast.dump(a) == ast.dump(b)


def _combined(op: ast.operator, a: ast.expr, b: ast.expr) -> ast.expr:
    """Return ``a op b``, without what changes nothing: times 1, plus 0, a minus inside a product."""
    match op:
        case ast.Mult() | ast.Div() | ast.MatMult() if isinstance(a, ast.UnaryOp):
            return _negated(_combined(op, a.operand, b))
        case ast.Mult() | ast.Div() | ast.MatMult() if isinstance(b, ast.UnaryOp):
            return _negated(_combined(op, a, b.operand))
        case ast.Mult() if _is(a, 1) or _is(b, 0):
            return b
        case ast.Mult() | ast.Div() if _is(b, 1) or _is(a, 0):
            return a
        case ast.Add() if _is(a, 0):
            return b
        case ast.Add() | ast.Sub() if _is(b, 0):
            return a
        case ast.Add() if isinstance(b, ast.UnaryOp):
            return _combined(ast.Sub(), a, b.operand)
        case ast.Sub() if isinstance(b, ast.UnaryOp):
            return _combined(ast.Add(), a, b.operand)
        case ast.Sub() if _is(a, 0):
            return _negated(b)
        case ast.Mult() if _alike(a, b):
            return ast.BinOp(a, ast.Pow(), ast.Constant(2.0))
        case ast.Mult() if isinstance(a, ast.BinOp) and isinstance(a.op, ast.Mult) and _alike(a.right, b):
            return _combined(op, a.left, _combined(op, a.right, b))
        case ast.Mult() if isinstance(b, ast.BinOp) and isinstance(b.op, ast.Div) and _is(b.left, 1):
            return _combined(ast.Div(), a, b.right)
        case ast.Pow() if _is(b, 1):
            return a
    return ast.BinOp(a, op, b)


class _Put(ast.NodeTransformer):
    def __init__(self, values: dict[str, ast.expr]) -> None:
        self.values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.values.get(node.id, node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        return ast.Call(node.func, [a for a in map(self.visit, node.args) if not _is(a, None)], [])


class _Combined(_Put):
    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        return _combined(node.op, self.visit(node.left), self.visit(node.right))


def _put_in(tree: ast.expr, values: dict[str, ast.expr], put: type[_Put] = _Combined) -> ast.expr:
    found: ast.expr = put(values).visit(copy.deepcopy(tree))
    return found


# ------------------------------------------------------------------ what is asked


def _operands(operands: Sequence[Any]) -> list[Any]:
    """Return the operands by their letters; plain numbers stay numbers, on which a rule may decide."""
    if len(operands) > len(OPERANDS):
        raise NoFormula
    return [
        x if isinstance(x, (int, float)) and not isinstance(x, np.generic) else Formula(x, ast.Name(letter))
        for x, letter in zip(operands, OPERANDS, strict=False)
    ]


def _by_hand(name: str, which: int, call: Call, operands: Sequence[Any]) -> ast.expr | None:
    """Return a formula of `WHOLE` with the call's numbers in it, None where there is none for such a call."""
    text = WHOLE[name][which]
    if not text:
        return None
    given = dict(zip(call.rule.names, call.args, strict=False)) | call.kwargs
    said = {"keepdims", "dtype"}
    options = {k: v for k, v in given.items() if type(v) is not Slot and k not in said and v is not None}
    put: dict[str, ast.expr] = {}
    for letter, option in _OPTIONS.items():
        if re.search(rf"\b{letter}\b", " ".join(WHOLE[name])):
            default = inspect.signature(call.rule.function).parameters[option].default
            value = options.pop(option, default)
            if not isinstance(value, (int, float, type(None))):
                return None
            number = value
            if option == "axis" and value is not None:
                number = value % max(1, np.ndim(operands[0]))  # a number, too, has a sum over axis 0
            put[letter] = ast.Constant(number)
    if options and name not in _FREE:
        return None
    if re.search(r"\bn\b", text):
        put["n"] = ast.Constant(np.size(operands[0]) / max(np.size(call.value(operands)), 1))
    return _put_in(parsed(text), put, _Put)


def result(call: Call, operands: Sequence[Any]) -> ast.expr | None:
    """Return what an operation computes, in terms of a, b, c, d; None where no formula says it."""
    name = str(call.rule.name)
    if name in WHOLE:
        return _by_hand(name, 0, call, operands)
    letters = [ast.Name(letter) for letter in OPERANDS]
    if len(operands) > len(letters) or call.rule.sequence or call.rule.outputs:
        return None
    if _is_written(name, operands):
        return parsed(WRITTEN[name])

    def compute() -> Any:
        every = [Formula(x, letter) for x, letter in zip(operands, letters, strict=False)]
        return call.rule.function(*call.filled(every), **call.kwargs)

    return _asked(compute)


def backward(call: Call, position: int, g: Any, y: Any, operands: Sequence[Any]) -> ast.expr | None:
    """Return what an operand is sent, in terms of g (1 for the slope alone), y and the operands."""
    name = str(call.rule.name)
    if name in SLOPES:
        slope = parsed(SLOPES[name][position])
        return slope if g is None else ast.BinOp(ast.Name("g"), ast.Mult(), slope)
    if position + 1 < len(WHOLE.get(name, ())):
        return _by_hand(name, position + 1, call, operands)
    if isinstance(y, tuple) or isinstance(g, tuple):
        return None

    def compute() -> Any:
        seed = 1.0 if g is None else Formula(g, ast.Name("g"))
        sent = call.pulled(seed, Formula(y, ast.Name("y")), _operands(operands), position)[position]
        return sent if np.iscomplexobj(operands[position]) else np.real(sent)

    return _asked(compute)


def _asked(compute: Callable[[], Any]) -> ast.expr | None:
    """Return the formula that a computation with formulas leaves behind, None where it leaves none."""
    try:
        with np.errstate(all="ignore"):
            tree = tree_of(compute())
    except Exception:  # noqa: BLE001  (whatever a rule does beyond formulas, there is then none)
        return None
    return tree if sum(1 for _ in ast.walk(tree)) <= 3 * LONGEST else None
