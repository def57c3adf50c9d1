"""Which functions of a file go together: a forward and a backward computation."""

import ast
import re
from collections.abc import Iterator, Mapping

from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.kinds.any_backward import AnyBackward
from tinygrad_course.audit.kinds.base import words
from tinygrad_course.audit.kinds.gradient_names import GRADIENT
from tinygrad_course.audit.kinds.own_class import taken_apart
from tinygrad_course.audit.kinds.whole_network import WholeNetwork
from tinygrad_course.audit.source.signatures import INSIDE, JOINT, argument_names, bare, role_of
from tinygrad_course.audit.source.syntax import names_of, returned

FORWARD = re.compile(r"forward|feed|fprop|^fwd|predict_prob|model_output|hypothesis|前向|正向")
BACKWARD = re.compile(r"back|bprop|bptt|^bwd|gradients?$|^grads?$|compute_grad|propagate")
COST = re.compile(r"cost|loss|cross_entropy|objective|error_function|成本|代价|损失|^j$")
_INITIAL = re.compile(r"init")
_LAYER = re.compile(
    r"linear|activation|layer_|_layer|single|one_step|cell|conv|pool|relu|sigmoid|tanh|softmax"
)
_DEEP = re.compile(r"l_model|l_layer|model")
_NO_COST = re.compile(r"backward|deriv|grad|plot")
_METHOD_COST = re.compile(rf"^(?!.*(deriv|grad|prime|plot|back)).*({COST.pattern})")
_BACK = re.compile(r"(?i)back|bprop|bptt|bwd|grad|deriv|prime|delta|反向|梯度")
_NUMERICAL = re.compile(r"(?i)numer|check|clip|descent|test|relative|update(?!_grad)|plot|approx|zero|reset")
_PART = re.compile(r"(?i)cost|loss|error|sigmoid|relu|tanh|activation|soft")
_FORWARD_NAMES = words(
    "forward forward_pass forward_propagation forwardprop fprop __call__ call feedforward activate evaluate "
    "loss cost fn function compute apply"
)
_PARTNERS = (
    *(("backward", "forward"), ("backprop", "forward"), ("back", "forward"), ("bprop", "fprop")),
    *(("反向", "前向"), ("反向", "正向"), ("梯度", "损失"), ("梯度", "成本"), ("梯度", "代价")),
    *(("bwd", "fwd"), ("_backward", ""), ("_gradient", "_loss"), ("_gradient", "_cost"), ("_gradient", "")),
    *(("gradient", "loss"), ("gradient", "cost"), ("_grad", "_loss"), ("_grad", ""), ("grad", "loss")),
    *(("grad", "cost"), ("grad_", ""), ("_prime", ""), ("prime", ""), ("Prime", "")),
    *(("_derivative", ""), ("derivative", ""), ("Derivative", ""), ("deriv_", "")),
)
"""What stands in a backward function's name where its forward function has something else."""


def whole_networks(program: Program, but: set[str]) -> Iterator[WholeNetwork]:
    """Give the functions that may be whole backward passes, with what makes up their networks."""
    for name, node in program.own.items():
        whole = not _LAYER.search(bare(name)) or _DEEP.search(bare(name))
        if name in but or not BACKWARD.search(bare(name)) or not whole or len(node.args.args) < 2:
            continue
        taken = {role_of(one) for one in argument_names(node)}
        forward, initial = likest(program, node, FORWARD), likest(program, node, _INITIAL, layers=True)
        if forward is None and forward_for(name, program.at_hand) is not None:
            continue  # compute_gradient, beside compute_cost
        costs = [
            one
            for other, one in program.at_hand.items()
            if COST.search(bare(other)) and not _NO_COST.search(bare(other))
        ]
        costs = [one for one in costs if _takes(one, "lambd")] if "lambd" in taken else costs
        costs.sort(key=lambda one: _takes(one, "lambd"))
        yield WholeNetwork(program, node, forward or node, costs=costs, initial=initial)


def _takes(node: ast.FunctionDef, role: str) -> bool:
    return any(role_of(name) == role for name in argument_names(node))


def likest(
    program: Program, node: ast.FunctionDef, pattern: re.Pattern[str], *, layers: bool = False
) -> ast.FunctionDef | None:
    """Return the function of such a name that shares most with a backward pass's: ..._with_dropout."""
    mine = set(bare(node.name).split("_"))

    def shared(one: ast.FunctionDef) -> tuple[bool, int, int]:
        words = set(bare(one.name).split("_"))
        alike = len(words & mine) - len(words - mine - {"forward"})
        return INSIDE not in one.name, alike, -abs(one.lineno - node.lineno)

    options = [
        one
        for name, one in program.at_hand.items()
        if pattern.search(bare(name))
        and (layers or not _LAYER.search(bare(name)) or _DEEP.search(bare(name)))
        and not BACKWARD.search(bare(name))
        and not (layers and _takes(one, "parameters"))
        and (_takes(node, "keep_prob") or not _takes(one, "keep_prob"))
    ]
    return max(options, key=shared, default=None)


def any_backwards(program: Program, judged: set[str]) -> Iterator[AnyBackward]:
    """Give what has a forward and a backward computation, of functions and of methods, and is not judged."""
    for name, node in program.own.items():
        if JOINT in name or name in judged or _NUMERICAL.search(name):
            continue
        forward = node if _gives_both(node) else forward_for(name, program.at_hand)
        if forward is not None:
            yield AnyBackward(program, node, forward)
    for made, statement in taken_apart(program):
        ending = JOINT + statement.name
        methods = {
            name.removesuffix(ending): node for name, node in made.functions.items() if name.endswith(ending)
        }
        named = [name for name in _FORWARD_NAMES if name in methods]
        named += [name for name in methods if FORWARD.search(name) and not _BACK.search(name)]
        forward = methods[named[0]] if named else None
        called = methods.get("__call__")
        if called is not None and forward is not None and re.search(r"self\.\w+ = ", ast.unparse(called)):
            forward = called  # which keeps what the backward pass reads
        costs = [one for name, one in methods.items() if _METHOD_COST.search(name.lower())]
        for name, node in methods.items():
            if node.name in judged or name.startswith("__") or _NUMERICAL.search(name):
                continue
            meant = forward is not node and _BACK.search(name) and not _PART.search(name)
            partner = node if _gives_both(node) else forward if meant else forward_for(name, methods)
            if partner is not None:
                yield AnyBackward(made, node, partner, statement.name, costs)


def forward_for(name: str, functions: Mapping[str, ast.FunctionDef]) -> ast.FunctionDef | None:
    """Return the forward function that goes with a backward function by its name."""
    options = [name.replace(back, forth) for back, forth in _PARTNERS if back in name]
    options += [one.rpartition("_")[0] for one in options]  # compute_cost for compute_gradient_reg
    found = [functions[other] for other in options if other in functions and other != name]
    stem, back, _ = name.partition("backward")
    found += [node for other, node in functions.items() if back and other.startswith(f"{stem}forward")]
    if found and _BACK.search(name):
        return found[0]
    slope = re.fullmatch(r"(?:d_?|der_)(\w+)|(\w+)_d(?:er)?", name)  # drelu, tanh_d
    return functions.get(slope[1] or slope[2]) if slope is not None and _PART.search(name) else None


def _gives_both(node: ast.FunctionDef) -> bool:
    """Tell whether a function returns a cost and gradients."""
    expression = returned(node)
    if not isinstance(expression, ast.Tuple) or len(expression.elts) < 2:
        return False
    names = names_of(expression, len(expression.elts))
    cost = re.compile(r"(?i)^j$|cost|loss")
    costs = [name for name in names if cost.search(name)]
    gradients = [
        part
        for name, part in zip(names, expression.elts, strict=True)
        if name not in costs
        and (GRADIENT.match(name) if name else not _METHOD_COST.search(ast.unparse(part).lower()))
    ]
    return bool(costs or cost.search(node.name)) and bool(gradients) and not all(map(GRADIENT.match, names))
