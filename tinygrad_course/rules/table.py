"""The table of derivatives: what a rule is, and the three lists that every function is on.

A function that is given a `Tensor` is in one of these tables, or it raises:

``RULES``
    it has a derivative: one function (*vjp*, vector-Jacobian product) for each argument;
``COMPOSED``
    it is written in terms of functions that have one;
``NO_DERIVATIVE``
    its result does not vary smoothly (`np.argmax`, comparisons): it returns plain arrays;
``REFUSED``
    it cannot be differentiated here, with the reason that the error gives.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

import numpy as np

Vjp = Callable[..., Any]
F = TypeVar("F", bound=Callable[..., Any])


class Rule:
    """The derivative of one function."""

    function: Callable[..., Any]  #: what it differentiates, `np.tanh` for one
    #: ``vjps[i](g, y, *args, **kwargs)`` is the gradient of the cost with respect to argument i, where g is
    #: its gradient with respect to the output y. None: the function is constant in that argument (the
    #: condition of `np.where`), so a `Tensor` there is taken for its data.
    vjps: tuple[Vjp | None, ...]
    name: str  #: the function's, as drawn in pictures and told in errors
    #: The arguments are broadcast against each other; the engine sums the gradient back to each shape.
    elementwise: bool
    #: The first argument is a list or tuple of arrays, and ``vjps[0]`` returns a list of gradients.
    sequence: bool
    #: The last vjp serves for all further arguments too; the keyword ``argnum`` is the argument's position.
    variadic: bool
    outputs: bool  #: The function returns a tuple or list; g and y are then tuples.
    #: Of several outputs: the vjps take None, not zeros, for the gradient of one that none has come to.
    takes_none: bool
    #: The vjps read the arguments or the output, beyond their shapes (a sum does not). Counts and places,
    #: which only functions that are not elementwise take, they may read all the same.
    saves: bool
    #: For a function that passes over entries, which get no gradient at all, whatever their derivatives are.
    #: Of an elementwise one ``chooses[i](y, *args, **kwargs)`` says of which entries of argument i the output
    #: is made, in the output's shape; of others () says that each entry of g goes to certain places, those
    #: where the vjp is not 0. Of one that passes over entries in some calls, and takes sums of the others,
    #: ``chooses(*args, **kwargs)`` says whether this is such a call.
    chooses: tuple[Callable[..., Any] | None, ...] | Callable[..., bool] | None
    #: "sums" where each entry of the output is a sum of products of the arrays' entries, "matrices" where two
    #: arguments of two axes are multiplied as matrices (a third one is added to the product).
    product: str
    #: What computes the values: the function itself, or a faster one that is equal up to rounding.
    compute: Callable[..., Any]
    #: ``mend(out)`` records the call anew where NumPy's numbers have lost what it amounts to.
    mend: Callable[..., Any] | None
    #: The arguments that the vjps name, in order: a call that passes any other is refused.
    names: tuple[str, ...]
    most_args: int | float
    accepted: frozenset[str]
    #: Whether the derivative may be infinite at ordinary numbers.
    steep: bool
    #: Whether the vjps compute with constants in the dtype that the function casts them to,
    casts: bool
    #: or with whole numbers, which it takes too.
    whole: bool
    #: Up to how many arguments a call has of which each has its vjp.
    covered: int
    #: How many arguments there are where a sweep has nothing else to mind; -2 of two between which a function
    #: chooses, otherwise -1.
    arity: int
    #: Whether the one argument with a vjp is the first, and a sweep has nothing to mind but other arguments.
    alone: bool
    #: What takes this rule's place on nodes whose graph has been freed (see `sweep`).
    twin: Rule | None
    __slots__ = tuple(__annotations__)

    def __init__(
        self, function: Callable[..., Any], vjps: tuple[Vjp | None, ...], *, name: str = "",
        elementwise: bool = False, sequence: bool = False, variadic: bool = False, outputs: bool = False,
        takes_none: bool = False, saves: bool = True, chooses: Any = None,
        product: str = "", compute: Callable[..., Any] | None = None,
    ) -> None:  # fmt: skip
        self.function, self.vjps = function, vjps
        self.compute = function if compute is None else compute
        self.name = name or getattr(function, "__name__", str(function))
        self.elementwise, self.sequence, self.variadic = elementwise, sequence, variadic
        self.outputs, self.takes_none, self.saves = outputs, takes_none, saves
        self.chooses, self.product, self.mend, self.twin = chooses, product, None, None
        self.names, self.most_args = _parameters(self.vjps)
        self.accepted = frozenset(self.names)
        self.steep = self.saves and not self.product and not (self.elementwise and self.chooses is not None)
        exact = self.function in {np.multiply, np.divide, np.ldexp}  # whatever the constant's dtype
        self.casts = self.steep and self.elementwise and getattr(self.function, "nin", 1) > 1 and not exact
        self.whole = any("l" in t.partition("->")[0] for t in getattr(self.function, "types", ()))
        self.covered = -1 if None in self.vjps or self.sequence or self.variadic else len(self.vjps)
        plain = self.most_args == len(self.names) == self.covered
        self.arity = -1 if not plain or outputs else self.covered if chooses is None else -self.covered
        self.alone = self.covered == 1 and not outputs

    def __repr__(self) -> str:
        return f"Rule({self.name})"


def _parameters(vjps: tuple[Vjp | None, ...]) -> tuple[tuple[str, ...], int | float]:
    """Return the first vjp's names for the function's arguments, and how many it takes by position."""
    vjp = next((v for v in vjps if v is not None), None)
    if vjp is None:
        return (), float("inf")
    code = getattr(inspect.unwrap(vjp), "__code__", None)
    if code is None:  # a builtin or a partial: anything goes, and the call itself will say
        return (), float("inf")
    names = code.co_varnames[2 : code.co_argcount + code.co_kwonlyargcount]
    most = float("inf") if code.co_flags & inspect.CO_VARARGS else code.co_argcount - 2
    return names, most


RULES: dict[Callable[..., Any], Rule] = {}
COMPOSED: dict[Callable[..., Any], Callable[..., Any]] = {}
NO_DERIVATIVE: set[Callable[..., Any]] = set()
REFUSED: dict[Callable[..., Any], str] = {}
REFUSED_MODULES: dict[str, str] = {}
"""Modules of which everything is refused: they are not imported for that."""
WITH_KEYWORDS: dict[Callable[..., Any], tuple[frozenset[str], Callable[..., Any]]] = {}
"""What a function with a rule is, in terms of others, when it is called with one of these keywords."""
UFUNC_METHODS: dict[tuple[Callable[..., Any], str], Callable[..., Any]] = {}
"""What ``np.add.reduce`` and its like are in terms of functions with rules, by ufunc and method."""


LATE: dict[str, tuple[str, ...]] = {
    "numpy.fft": ("tinygrad_course.rules.fft",),
    "scipy.special": tuple(f"tinygrad_course.rules.{m}" for m in ("special", "gamma_functions", "bessel")),
}
"""Where the rules of a module are that need not have been imported."""


def rule(function: Callable[..., Any], *vjps: Vjp | None, **options: Any) -> None:
    """Enter the derivative of `function` into the table: one vjp for each argument, in order.

    ``rule(np.multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)``

    A vjp takes the function's arguments as NumPy's signature names them, keywords included, and uses ``np.*``
    alone: given Tensors, it is recorded in its turn. `options` are the attributes of `Rule`.
    """
    # a ufunc broadcasts its arguments; a generalised one (np.matmul) has a signature of its own
    options.setdefault(
        "elementwise", hasattr(function, "nin") and getattr(function, "signature", None) is None
    )
    RULES[function] = Rule(function, vjps, **options)


def composed(*functions: Callable[..., Any]) -> Callable[[F], F]:
    """Decorate a function that computes `functions` (one, or several names for it) from ones with rules."""

    def enter(definition: F) -> F:
        for function in functions:
            COMPOSED[function] = definition
        return definition

    return enter


def with_keywords(function: Callable[..., Any], *names: str) -> Callable[[F], F]:
    """Decorate what computes `function`, which has a rule, when one of these keywords is given."""

    def enter(definition: F) -> F:
        WITH_KEYWORDS[function] = frozenset(names), definition
        return definition

    return enter


def no_derivative(*functions: Callable[..., Any]) -> None:
    """Enter functions whose results are constant almost everywhere, or no numbers: plain arrays."""
    NO_DERIVATIVE.update(functions)


def refused(reason: str, *functions: Callable[..., Any]) -> None:
    """Enter functions that raise when they are given a Tensor, with the reason."""
    for function in functions:
        REFUSED[function] = reason


def entered_late() -> bool:
    """Enter the rules of modules that were imported since, `scipy.special` for one; tell whether one was."""
    found = [module for module in LATE if module in sys.modules]
    for module in found:
        for rules in LATE.get(module, ()):
            import_module(rules)  # another thread's import is waited for
        LATE.pop(module, None)
    return bool(found)


def refusal(function: Callable[..., Any]) -> str | None:
    """Return the reason why `function` is refused, None if it is not (or is on no list)."""
    if function not in REFUSED and isinstance(function, np.ufunc) and not function.types:
        return REFUSED_MODULES["numpy.strings"]  # NumPy's ufuncs for text name no numeric types
    return REFUSED.get(function) or REFUSED_MODULES.get(getattr(function, "__module__", ""))


def as_written(function: Any) -> str:
    """Return what a user calls a function: ``np.linalg.norm``, ``scipy.special.zeta``, ``np.add.at``."""
    name = getattr(function, "__name__", str(function))
    of = getattr(function, "__self__", None)
    if isinstance(of, np.ufunc):
        return f"{as_written(of)}.{name}"
    if isinstance(function, np.ufunc):  # which doesn't know its module, and may be the inner part of another
        if getattr(np, name, None) is function:
            return f"np.{name}"
        for public in (name.lstrip("_"), name.rpartition("_")[2]):  # _riemann_zeta is that of zeta
            if hasattr(sys.modules.get("scipy.special"), public):
                return f"scipy.special.{public}"
        return name
    module = getattr(function, "__module__", None) or "numpy"
    if module.startswith("scipy.special."):
        module = "scipy.special"
    known = module.startswith(("numpy", "scipy"))
    return f"{module.replace('numpy', 'np', 1)}.{name}" if known else name


def primitive(function: F) -> F:
    """Make a plain function recordable: given a Tensor it is recorded, given arrays it computes.

    For functions that NumPy lacks (writing into a copy, say). A rule is entered for the returned function.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for arg in args:
            for part in arg if type(arg) is tuple else (arg,):  # an index may be several
                record = getattr(type(part), "__record_call__", None)
                if record is not None:
                    return record(call, args, kwargs)
        return function(*args, **kwargs)

    return call  # type: ignore[return-value]


def constant(function: F) -> F:
    """Make a plain function a `primitive` without a derivative."""
    call = primitive(function)
    NO_DERIVATIVE.add(call)
    return call


def is_tensor(x: Any) -> bool:
    """Whether `x` is recorded: floor 0 knows a `Tensor` by its protocol alone."""
    return hasattr(type(x), "__record_call__")
