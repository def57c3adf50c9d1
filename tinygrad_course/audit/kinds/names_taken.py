"""What a pair of functions, and the object that they belong to, are to be given."""

import ast
import builtins
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.execution.paths import Path, at, duplicate, fields_of, has_fields, leaves, plain
from tinygrad_course.audit.kinds.as_made import set_ups
from tinygrad_course.audit.kinds.base import Unfit, words
from tinygrad_course.audit.kinds.cases import Draw
from tinygrad_course.audit.kinds.gradient_names import GRADIENT, cost_place, numeric
from tinygrad_course.audit.kinds.own_class import method_name
from tinygrad_course.audit.reference.comparison import Named
from tinygrad_course.audit.source.argument_kinds import category
from tinygrad_course.audit.source.conventions import canonical, state
from tinygrad_course.audit.source.signatures import (
    JOINT,
    argument_names,
    defaults_of,
    free_names,
    needed_names,
    role_of,
)
from tinygrad_course.audit.source.syntax import called, elements, names_of, nodes, returned, tuple_of_names

AXES = "the number of axes"
"""What code asks of the data that is written otherwise for tables and for pictures."""
CACHE = re.compile(r"(?i)cache\w*|linear\w*|ctx|memory|saved?|store\w*|context|tape")
_MEANT = {"", "data", "predicted", "weights", "bias"}
"""What a whole backward pass takes from its forward pass, or not at all."""


class Taken(NamedTuple):
    """The names for which values are looked for."""

    start: list[str]
    """What a new object takes."""
    forward: list[str]
    outside: list[str]
    """The variables that the functions read, and that nothing in the file sets or that are sizes."""
    back: list[str]
    upstream: str | None
    """The argument of the backward function that is the derivative of the output."""
    others: list[str]
    """Those that are derivatives of further outputs: dc_next."""
    packed: dict[str, list[str]]
    """Those that hold several values: W1, b1, W2, b2 = params."""
    classes: dict[str, Any]
    """The classes of those that are objects with fields, or dictionaries."""
    parameters: list[str]
    """The arguments of the forward function that hold a network's parameters."""
    whole: bool
    """Whether it is a whole network: what is known of it is known by its role too."""
    costs: list[str]
    """What costs take beside the output and what the forward function takes."""

    @property
    def looked_for(self) -> list[str]:
        """Return all of them once."""
        passed = {self.upstream, *self.others}
        back = [name for name in self.back if name not in passed and not CACHE.fullmatch(name)]
        names = dict.fromkeys([*self.start, *self.forward, *self.outside, *back, *self.costs])
        return list(dict.fromkeys(one for name in names for one in self.packed.get(name, [name])))

    def packing(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return values with those that are handed over together in a list."""
        made: dict[str, Any] = {}
        for name, inner in self.packed.items():
            parts = {one: values[one] for one in inner}
            made[name] = self.classes[name](**parts) if name in self.classes else [*parts.values()]
        return values | made


def names_taken(program: Program, node: ast.FunctionDef, forward_node: ast.FunctionDef, owner: str) -> Taken:
    """Return what a backward function, its forward function and their object take."""
    new = program.functions.get(method_name(owner, "__init__")) if owner else None
    forward = asked(forward_node)
    if not owner and "number" not in map(category, argument_names(node)):  # the penalty that it is without
        usual = defaults_of(forward_node)
        forward = [name for name in forward if name not in usual or category(name) != "number"]
    back = [name for name in asked(node) if name not in forward]
    sizes = {"inputs", "hidden", "outputs"}
    outside: set[str] = set()
    for part in (node, forward_node):
        home = program.home(part.name)
        known = {key for key, one in home.items() if not (isinstance(one, int) and category(key) in sizes)}
        outside |= free_names(part) - known - {*vars(builtins)}
    start = asked(new) if new is not None else []
    start += [name for one in set_ups(program, owner) for name in needed_names(one)[1:] if name not in start]
    both = [category(name) for name in argument_names(node) if name in forward]
    keeps = re.search(r"self\.\w+ = ", ast.unparse(forward_node)) is not None
    arrays = "|".join(rf"len\({one}\)|\b{one}(\[|\.(copy|shape)\b)" for one in back)
    whole = not keeps or (arrays and re.search(arrays, ast.unparse(node)) is not None)
    if both == ["labels"] and owner and len(back) == 1 and whole:
        back = []  # it is given the predictions again, though they are called dvalues
    upstream = _upstream(back, method=bool(owner))
    result = returned(forward_node)
    outputs = names_of(result, len(result.elts) if isinstance(result, ast.Tuple) else 1)
    derivatives = {"d" + state(name) for name in outputs}
    others = [name for name in back if name != upstream and state(name) in derivatives]
    unpacked = [one for one in nodes(forward_node, ast.Assign) if isinstance(one.value, ast.Name)]
    packed = {ast.unparse(one.value): tuple_of_names(one.targets[0]) for one in unpacked}
    packed = {name: inner for name, inner in packed.items() if inner and name in forward}
    told = {one.arg: one.annotation for one in forward_node.args.args if one.annotation is not None}
    homes = {name: program.namespace.get(ast.unparse(one).strip("'")) for name, one in told.items()}
    classes = {name: cls for name, cls in homes.items() if isinstance(cls, type) and has_fields(cls)}
    packed |= {name: list(cls.__annotations__) for name, cls in classes.items()}
    return Taken(start, forward, sorted(outside), back, upstream, others, packed, classes, [], False, [])


def of_a_network(
    taken: Taken, forward: ast.FunctionDef, initial: ast.FunctionDef | None, costs: list[Any], keys: list[str]
) -> Taken:
    """Return what a network takes beside: for its initial values and costs, and parameters by keys."""
    text = ast.unparse(forward)
    parameters = [name for name in taken.forward if role_of(name, ["parameters"])]
    keyed = {
        name: keys
        for name in parameters
        if name not in taken.packed and (f"{name}[" in text or not re.fullmatch("p|w|weights?|theta", name))
    }
    others = dict.fromkeys(name for one in costs for name in asked(one))
    known = {"predicted", "labels"}
    given = {*taken.forward, *map(ast.unparse, elements(returned(forward) or ast.Tuple([], ast.Load())))}
    more = [name for name in others if name not in given and category(name) not in known]
    return taken._replace(
        start=needed_names(initial) if initial is not None else [],  # of its modes the usual one
        costs=[name for name in more if not role_of(name, ["AL", "parameters", "cache"])],
        parameters=[*keyed],
        whole=True,
        upstream=None,
        others=[],
        packed=taken.packed | keyed,
        classes=taken.classes | dict.fromkeys(keyed, dict),
    )


_ROLES = ("keep_prob", "lambd", "X", "Y", "parameters", "AL", "cache")


def known_as(name: str, node: ast.FunctionDef, held: Named) -> Path | None:
    """Return where what a function means by a name lies: it, what lies in another, what plays its role.

    What has an index is no number: p["W1"] are the parameters, and p alone may be keep_prob.
    """
    if name in held:
        return (name,)
    for path, _ in leaves(dict(held)):
        if plain(path) == canonical(name):
            return path
    indexed = re.search(rf"\b{name}(\[|\.\w)", ast.unparse(node)) is not None
    roles = _ROLES[2:] if indexed else _ROLES
    role = role_of(name, roles)
    return next(((key,) for key in held if role and role_of(str(key), roles) == role), None)


def asked(node: ast.FunctionDef) -> list[str]:
    """Return the arguments that have to be given, and those that change what is computed."""
    names, needed = argument_names(node), needed_names(node)
    usual = dict(zip(names[len(needed) :], node.args.defaults, strict=True))
    sizes = {"inputs", "hidden", "outputs"}
    telling = {"number", "settings", "labels", "mode", "dtype", "keeping", "training"}
    found = {name for name, one in usual.items() if category(name) in telling and type(one) is not ast.Dict}
    plain = {name for name, one in usual.items() if not isinstance(one, ast.Tuple | ast.UnaryOp)}
    found |= {name for name in plain if category(name) in sizes and ast.unparse(usual[name]) != "None"}
    return [name for name in names if name != "self" and (name in needed or name in found)]


def words_asked(program: Program, parts: list[ast.FunctionDef]) -> dict[str, list[Any]]:
    """Return the words that functions compare each of their arguments with, or look it up among.

    Where the first of them, the backward function, asks whether it is training, it is judged for both.
    """
    stored = [one for part in parts for one in nodes(part, ast.Assign) if isinstance(one.value, ast.Name)]
    kept = {ast.unparse(one.targets[0]): ast.unparse(one.value) for one in stored}
    found: dict[str, list[Any]] = {}

    def told(asked: ast.expr, given: Iterable[Any]) -> None:
        name = re.sub(r"\.(lower|strip)\(\)", "", ast.unparse(asked))
        name = kept.get(name, name.removeprefix("self."))
        known = found.setdefault(name, [])
        texts = [word for word in given if isinstance(word, str) and word not in known]
        # A softmax's derivative is mostly taken together with the cost's.
        known += [word for word in texts if "softmax" not in word]

    for one in [one for part in parts for one in ast.walk(part)]:
        if isinstance(one, ast.Compare) and isinstance(one.ops[0], ast.Eq | ast.In):
            told(one.left, [part.value for part in nodes(one.comparators[0], ast.Constant)])
        elif isinstance(one, ast.Subscript) and isinstance(one.value, ast.Name | ast.Dict):
            keys: Any = [getattr(key, "value", None) for key in getattr(one.value, "keys", ())]
            keys = keys or program.namespace.get(getattr(one.value, "id", ""))
            told(one.slice, keys if isinstance(keys, dict | list) else ())
    names = {name for part in parts for name in argument_names(part)}
    spoken = {kept.get(word, word) for word in map(ast.unparse, ast.walk(parts[0]))}
    usual = {name: value for part in parts for name, value in defaults_of(part).items() if name in spoken}
    found |= {name: [value, not value] for name, value in usual.items() if type(value) is bool}
    found |= {name: [True, False] for name in names & spoken if category(name) == "training"}
    # Penalties that are 0 by default are tried one after the other: two of them are harder to tell apart.
    given = [one for part in parts for one in defaults_of(part).items()]
    none = {name for name, value in given if value == 0 and value is not False}
    found |= {name: [0.3, 0.0][:: 1 if name[-1] == "2" else -1] for name in none if re.search("l[12]$", name)}
    axes = [re.search(r"(?:\.ndim|len\(\w+\.shape\)) [=<>!]+ (\d)", ast.unparse(part)) for part in parts[:2]]
    told_of = {int(one[1]) for one in axes if one is not None}
    found |= {AXES: sorted({2, *told_of})} if told_of and min(told_of) > 2 else {}  # it takes tables too
    return {name: texts for name, texts in found.items() if texts and name in {*names, AXES}}


def _upstream(names: list[str], *, method: bool) -> str | None:
    """Return the argument that is the derivative of the output: no data, dims or decay."""
    known = words("labels number data weights flag training settings count reach sizes predicted")
    plain = re.compile(r"(?i)grad|delta|nabla|upstream")
    asked = [name for name in names if category(name) not in known or plain.search(name)]
    asked = [name for name in asked if not CACHE.fullmatch(name)]
    told = [name for name in asked if GRADIENT.match(name) or re.search(r"(?i)error|upstream", name)]
    return told[0] if told else asked[0] if method and len(asked) == 1 else None


def descends(program: Program, way: type[ast.operator] = ast.Sub) -> bool:
    """Tell whether a file takes something away from parameters: then gradients are to point upwards."""
    trees = [*program.functions.values(), *program.submission.script]
    taken: list[ast.expr] = []
    for tree in trees:
        taken += [one.target for one in nodes(tree, ast.AugAssign) if isinstance(one.op, way)]
        taken += [one.right for one in nodes(tree, ast.BinOp) if isinstance(one.op, way)]
    rate = re.compile(r"(?i)\b(eta|lr|alpha|learning_?rate|step_?size|rate)\b|grad|nabla")
    return any(rate.search(ast.unparse(one)) for one in taken)


def called_in_loops(program: Program, node: ast.FunctionDef) -> bool:
    """Tell whether a file itself calls a function for one example after the other."""
    name = node.name.split(JOINT)[0]
    bodies = [loop for one in program.functions.values() for loop in nodes(one, ast.For)]
    return any(called(call) == name for loop in bodies for call in nodes(loop, ast.Call))


def holder_of(parts: list[Any]) -> Any:
    """Return what a forward function keeps for the backward function, of what it returns."""
    return next((part for part in parts if fields_of(part) or isinstance(part, list | tuple)), parts[-1])


def handed_on(
    node: ast.FunctionDef,
    forward: ast.FunctionDef,
    parts: list[Any],
    held: dict[str, Any],
    values: dict[str, Any],
    draw: Draw,
    taken: Taken,
) -> tuple[int, dict[int, Any], dict[str, Any]]:
    """Return the output's place, the weights of the outputs that are given, and the arguments."""
    numbers = [place for place, part in enumerate(parts) if numeric(part)]
    if not numbers:
        raise Unfit(f"{forward.name} gives no numbers")
    if forward is node:
        cost = cost_place(node, parts)
        if cost is None or len(parts) < 2:
            raise Unfit(f"{forward.name} gives no cost with its gradients")
        return cost, {cost: 1.0}, dict(held)
    first, holder = numbers[0], holder_of(parts)
    names = ["AL"] * taken.whole  # the last activation stands before what is returned
    names += names_of(returned(forward), len(parts) - taken.whole)
    outputs = dict(zip(names[::-1], parts[::-1], strict=True))
    arguments: dict[str, Any] = {}
    weights: dict[int, Any] = {}
    for name in argument_names(node):
        of = [place for place in numbers if state(name) == "d" + state(names[place])]
        if name == taken.upstream or (name in taken.others and of):
            place = of[0] if of else first
            if np.ndim(parts[place]) or name in needed_names(node):
                weights[place] = arguments[name] = draw.array(*np.shape(parts[place]))
            continue
        exact = outputs | ({name: holder} if CACHE.fullmatch(name) and len(parts) > 1 else {}) | held
        found = exact.get(name)
        if found is None and taken.whole:
            known = {"AL": parts[0]} | outputs | held | {"cache": holder} | (fields_of(holder) or {})
            where = known_as(name, node, known)
            found = at(known, where) if where is not None else None
        elif found is None:
            found = _of_its_kind(name, node, held, None if taken.upstream else parts[first])
        told = name in values and not (taken.whole and category(name) in _MEANT)
        if found is not None or told:
            arguments[name] = values[name] if found is None else found if name in held else duplicate(found)
    lacking = [name for name in needed_names(node) if name not in arguments]
    cached = any(CACHE.fullmatch(name) or role_of(name, _ROLES) == "cache" for name in arguments)
    if taken.whole and len(lacking) == 1 and not cached:
        arguments[lacking.pop()] = duplicate(holder)  # what the forward pass keeps, under any name
    if lacking:
        raise Unfit(f"what {', '.join(lacking)} should be is not told by the name")
    shape, is_cost = np.shape(parts[first]), re.search("(?i)cost|loss|objective", forward.name)
    labels = [np.shape(value) for name, value in held.items() if category(name) == "labels"]
    if is_cost and len(shape) > 1 and np.size(parts[first]) > 1 and labels and shape not in labels:
        raise Unfit(f"{forward.name} gives {shape} for labels of {labels[0]}")
    if not weights and (not shape or (is_cost and np.size(parts[first]) == 1)):
        weights[first] = 1.0
    return first, weights, arguments


def _kept_output(held: Named) -> Any:
    """Return the predictions that an object keeps, None where it keeps none."""
    fields = fields_of(held.get("self")) or {}
    told = [one for key, one in fields.items() if re.match(r"(?i)_*(out|y_?(hat|pred)|prob)", str(key))]
    return next((duplicate(one) for one in told if np.ndim(one)), None)


def of_data_alone(node: ast.FunctionDef) -> bool:
    """Tell whether a function takes the data alone, whatever it calls them: tanh_d(y)."""
    names = argument_names(node)
    method = names[:1] == ["self"] and re.search("deriv|[pP]rime", node.name) is not None
    return len(names) == 1 + method and names != ["self"]


def _of_its_kind(name: str, node: ast.FunctionDef, held: dict[str, Any], output: Any) -> Any:
    """Return what the forward function took or gave by another name: w for weights, y_pred for its output."""
    if (stem := re.sub("_?prev$", "", name)) in held:
        return held[stem]
    kind = "data" if of_data_alone(node) else category(name)
    kind = "predicted" if GRADIENT.match(name) and name in needed_names(node) else kind
    like = [key for key in held if category(key) == kind]
    alone = len(like) == 1 and like[0] not in argument_names(node)
    if (kind == "data" and like) or (kind in {"weights", "labels", "predicted"} and alone):
        return held[like[0]]
    if kind == "predicted" and output is not None:
        return duplicate(output) if np.ndim(output) else _kept_output(held)
    return None
