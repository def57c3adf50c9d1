"""What a homework imports: NumPy and SciPy as they are, the course's modules by our formulas, stand-ins.

Matplotlib, h5py, scikit-learn, `dnn_utils_v2`, `planar_utils`, `testCases`: none of them is needed to check
a backward pass; a stand-in keeps the import from failing (and Matplotlib from costing a second).
"""

import ast
import functools
import re
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self

from tinygrad_course.audit.reference import course

REAL = {"numpy", "scipy"} | sys.stdlib_module_names
Functions = dict[str, Callable[..., Any]]


def _named(names: str) -> Functions:
    return {name: getattr(course, name) for name in names.split()}


_DEEP: Functions = {
    **{name: course.with_cache(name) for name in ("sigmoid", "relu")},
    **{f"{name}_backward": course.backward_of(name) for name in ("sigmoid", "relu")},
}
_DEEP_ALL = _DEEP | _named(
    "initialize_parameters initialize_parameters_deep linear_forward linear_activation_forward "
    "L_model_forward linear_backward linear_activation_backward L_model_backward compute_cost "
    "update_parameters"
)
_PLAIN = _named("sigmoid relu compute_cost initialize_parameters update_parameters") | {
    "compute_loss": course.compute_cost,
    "forward_propagation": course.three_layers,
    "backward_propagation": course.three_layers_backward,
}
_CHECKING = _named("sigmoid relu dictionary_to_vector vector_to_dictionary gradients_to_vector")

# A module's name begins with the key (dnn_utils_v2, dnn_app_utils_v3, gc_utils, ...).
HELPERS: dict[str, Functions] = {
    "dnn_app_utils": _DEEP_ALL,
    "dnn_utils": _DEEP,
    "planar_utils": _named("sigmoid"),
    "rnn_utils": _named("sigmoid softmax"),
    **dict.fromkeys(("init_utils", "reg_utils", "opt_utils"), _PLAIN),
    "gc_utils": _CHECKING,
    **{name: {"xrange": range, "range": range, "zip": zip, "map": map} for name in ("builtins", "moves")},
    **{name: {} for name in ("lr_utils", "testcase", "test_cases", "public_tests", "test_utils")},
}

# A function that the file calls and nobody defines: the course gives it with the exercise.
GIVEN: Functions = {**_CHECKING, **_DEEP_ALL, **_named("softmax forward_propagation_n")}

# The activations return A alone, or A and a cache: how a file uses them tells which it means.
PLAIN = _named("sigmoid relu")
_SHOWS = {"matplotlib", "pylab", "seaborn", "IPython", "pandas", "tqdm"}
"""What a training function shows its costs with: called, it does nothing."""


class StandInUsedError(ImportError):
    """A function under test called something that the check does not load."""


class Unloaded:
    """A class in the place of one that is not loaded."""

    def __init__(self, *_: Any, **__: Any) -> None:
        """Take what super().__init__ is given."""


class StandIn:
    """What is not loaded: it can be asked for anything, and says, when it is used, what is absent."""

    __all__: tuple[str, ...] = ()

    def __init__(self, name: str, items: Any = None) -> None:
        self._name, self._shows = name, name.split(".", 1)[0] in _SHOWS
        self._items = (self, self) if items is None else items  # fig, ax = plt.subplots()

    def __getattr__(self, name: str) -> "StandIn":
        """Return a stand-in for the attribute."""
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn(f"{self._name}.{name}")

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        """A class that is made of one that is not loaded has its own methods alone."""
        return (Unloaded,) * (self is next(one for one in bases if isinstance(one, StandIn)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """A bar of progress ends."""

    def __iter__(self) -> Iterator[Any]:
        if not self._shows:
            raise StandInUsedError(f"{self._name} is gone through, and the check does not load it")
        return iter(self._items)

    def __call__(self, *args: Any, **__: Any) -> Any:
        """What shows something does nothing; a bar of progress goes through what it is given."""
        if self._name.endswith("trange"):
            return StandIn(self._name, range(*args))
        if not self._shows:
            raise StandInUsedError(f"{self._name} is called, and the check does not load it")
        given = args and self._name.startswith("tqdm") and isinstance(args[0], Iterable)
        return StandIn(self._name, args[0]) if given else self


def helper_functions(module: str) -> Functions | None:
    """Return what a helper module of the course offers, None for a module that is none of the course's."""
    name = module.rsplit(".", 1)[-1].lower()
    return next((functions for start, functions in HELPERS.items() if name.startswith(start)), None)


def is_strange(module: str) -> bool:
    """Tell whether a module is none of the course's and not loaded: what it holds is not known."""
    root = module.split(".", 1)[0].replace("cupy", "numpy")
    return helper_functions(module) is None and root not in REAL


Module = types.ModuleType | StandIn
Load = Callable[[str, int], types.ModuleType | None]
"""Gives a module that lies beside the submission by its name and the dots before it; None where none does."""


def _module(name: str, load: Load, level: int = 0) -> Module:
    name = re.sub(r"^cupy\b", "numpy", name)  # which has NumPy's functions
    root = name.split(".", 1)[0]
    if not level and root in REAL:
        try:
            __import__(name)
            return sys.modules[name]
        except ImportError:
            return StandIn(name)
    beside = load(name, level)
    if beside is not None:
        return beside
    functions = helper_functions(name) or {}
    module = StandIn(name)
    vars(module).update(functions, __all__=tuple(functions))
    return module


_MISSING: Any = object()


def _held(module: Any, name: str) -> Any:
    """Return what a module has under a name; its own ``__getattr__`` may need what is not executed."""
    try:
        return getattr(module, name)
    except Exception:  # noqa: BLE001  (of any kind)
        return _MISSING


def bind_import(statement: ast.Import | ast.ImportFrom, namespace: dict[str, Any], load: Load) -> None:
    """Do what the import statement does, with stand-ins for what is not loaded."""
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            module = _module(alias.name, load)
            root = alias.name.split(".", 1)[0]
            namespace[alias.asname or root] = module if alias.asname else _module(root, load)
        return
    level, inner = statement.level, statement.module or ""
    module = _module(inner, load, level)
    for alias in statement.names:
        if alias.name == "*":
            names = getattr(module, "__all__", None) or [
                name for name in vars(module) if not name.startswith("_")
            ]
            held = {name: _held(module, name) for name in names}
            namespace.update({name: one for name, one in held.items() if one is not _MISSING})
            continue
        whole = f"{inner}.{alias.name}".strip(".")
        found = _held(module, alias.name)  # else it is a module of a package
        namespace[alias.asname or alias.name] = _module(whole, load, level) if found is _MISSING else found


def import_inside(load: Load) -> Callable[..., Any]:
    """Return what an import inside a function calls: it brings what one at the top of the file does."""

    @functools.cache
    def brought(name: str, level: int, names: tuple[str, ...]) -> Any:
        held: dict[str, Any] = {}
        if not names:
            bind_import(ast.Import([ast.alias(name)]), held, load)
            return held[name.split(".", 1)[0]]
        bind_import(ast.ImportFrom(name, list(map(ast.alias, names)), level), held, load)
        return types.SimpleNamespace(**held)

    return lambda name, _globals=None, _locals=None, names=(), level=0: brought(
        name, level, (*(names or ()),)
    )
