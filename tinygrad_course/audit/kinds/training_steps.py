"""One iteration of a training loop, of a function or a script, against the gradient of its own cost.

The loop is entered as it stands; its variables are caught at the beginning of an iteration. The iteration is
then a function of these variables: its cost is differentiated, and its gradients and its update are held
against that.
"""

import ast
import contextlib
import copy
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.execution.oracle import slopes
from tinygrad_course.audit.execution.paths import Path, duplicate, label, leaves, pairs, plain, put
from tinygrad_course.audit.execution.protection import same_draws
from tinygrad_course.audit.execution.stubs import StandInUsedError
from tinygrad_course.audit.kinds.base import Assumption, Kind, words
from tinygrad_course.audit.kinds.cases import Case, Draw
from tinygrad_course.audit.kinds.own_network import BACKWARD, Pool, Unfit
from tinygrad_course.audit.reference.comparison import ratio
from tinygrad_course.audit.source.signatures import argument_names, role_of
from tinygrad_course.audit.source.syntax import (
    definition,
    innermost_loop,
    names_in,
    nodes,
    stored_names,
)

HOOK, ONCE, HELD, ITERATIONS = "__tinygrad_caught__", "__tinygrad_once__", "__tinygrad_held__", 3
SCRIPT = "the_script"
_COST = re.compile(r"(?i)^(j|j_?cost|.*cost(_?\w|_?(total|sum|avg|mean|epoch))?|.*loss(_?(total|sum))?)$")


class _Enough(BaseException):
    """The loop has gone round often enough."""


@dataclass
class Run:
    """What a loop did in a few iterations."""

    starts: list[dict[str, Any]]
    """The variables at the beginning of each iteration."""
    ends: list[dict[str, Any]]
    result: Any = None
    error: BaseException | None = None


class TrainingStep(Kind):
    """The gradients of one iteration, and the parameters after it."""

    battery = words("distinct distinct distinct distinct")
    trials = 600
    owns = True

    shared: tuple[str, ...] = ()
    """The variables outside functions that an iteration reads and sets as its own."""
    around: Mapping[str, Any] = MappingProxyType({})
    """What the function reads from outside."""

    def __init__(self, program: Program, node: ast.FunctionDef, loop: ast.For | ast.While) -> None:
        self.whole, self.loop = node, loop
        self.program = program.extensible()
        self.program.namespace[HELD] = self._held
        self.node = self._step(node, [])
        self.fixed: dict[str, float] = {}
        """Further arguments of the whole function, and what they are to be."""
        self.variables: list[str] | None = None
        self.known: set[Path] = set()
        """The parameters: what of the variables before the first iteration has a derivative after it."""
        self.paths: dict[str, Path] = {}
        self.parameters: dict[str, Path] = {}

    def _step(self, node: ast.FunctionDef, names: list[str]) -> ast.FunctionDef:
        """Return the iteration as a function of the variables that it begins with."""
        head = f"def {node.name}({', '.join(name for name in names if name not in self.shared)}):\n"
        kept = f"{{**locals(), **{HELD}()}}" if self.shared else "locals()"
        loop = f"    for {ONCE} in (0,):\n        pass\n    return {kept}"
        declared = f"    global {', '.join(self.shared)}\n" if self.shared else ""
        made = definition(head + declared + loop)
        inner = next(nodes(made, ast.For))
        inner.body = copy.deepcopy(self.loop.body)
        for part in (made, *made.body):
            part.lineno = part.end_lineno = self.loop.lineno
        ast.fix_missing_locations(made)
        return made

    def _held(self) -> dict[str, Any]:
        """Return the variables outside functions as they are."""
        return {name: self.program.namespace[name] for name in self.shared if name in self.program.namespace}

    @contextlib.contextmanager
    def _around(self) -> Iterator[None]:
        """Let the homework set variables outside functions for the body of a with statement."""
        space = self.program.namespace
        before = dict(space)
        space.update(self.around)
        try:
            yield
        finally:
            if self.shared or self.around:
                space.clear()
                space.update(before)

    def run(self, arguments: Mapping[str, Any], iterations: int = ITERATIONS) -> Run:
        """Run the whole function for a few iterations, and keep its variables."""
        caught = Run([], [])

        def hook(local: dict[str, Any], place: str) -> None:
            if place == "start" and len(caught.starts) >= iterations + 2:
                raise _Enough
            variables = {**local, **self._held()}
            kept = duplicate({name: value for name, value in variables.items() if name != ONCE})
            (caught.starts if place == "start" else caught.ends).append(kept)

        with self.program.bound({HOOK: hook}):
            function = self._hooked()
            with same_draws():
                outcome = self.program.call(function, (), duplicate(dict(arguments)))
        caught.result = outcome.result
        caught.error = None if isinstance(outcome.error, _Enough) else outcome.error
        return caught

    def _hooked(self) -> Callable[..., Any]:
        """Return the whole function, which calls the hook where an iteration begins and where it ends."""
        body = self.loop.body
        start, end = (ast.parse(f"{HOOK}(locals(), {text!r})").body[0] for text in ("start", "end"))
        for call in (start, end):
            ast.increment_lineno(call, self.loop.lineno - 1)
        self.loop.body = [start, *body, end]
        try:
            return self.program.define(self.whole)
        finally:
            self.loop.body = body

    def arguments(self, draw: Draw, *, rows: bool = False, deep: bool = False) -> dict[str, Any]:
        """Return small data for the whole function."""
        n_x, m = draw.size(2, 4), draw.size(3, 5)
        X, Y = draw.array(n_x, m), draw.labels(m) * 1.0
        more, labels = draw.array(n_x, m), draw.labels(m) * 1.0
        if rows:
            X, Y, more, labels = X.T, Y.T, more.T, labels.T
        sizes = [n_x, 3, 2, 1] if deep else [n_x, 3, 1]
        named = {
            name: labels if name.lower().startswith("y") else more
            for name in argument_names(self.whole)
            if "test" in name.lower()
        }
        roles: dict[str, Any] = {"X": X, "Y": Y, "layer_dims": sizes, "n_h": 3}
        roles |= {"n_x": n_x, "n_y": 1, "seed": 3, "m": m}
        roles |= {"iterations": ITERATIONS, "learning_rate": 0.1, "print_cost": False, "lambd": 0.3}
        roles |= {"mini_batch_size": m, "activation": "relu", "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8}
        named |= dict[str, Any](w=0.5 * draw.array(n_x, 1), b=0.3, optimizer="gd", initialization="he")
        made = Pool(named, roles).arguments(self.whole)
        if made is None:
            taken = ", ".join(argument_names(self.whole))
            raise Unfit(f"what {self.whole.name}({taken}) takes is not known by the names")
        return made | self.fixed

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        """Run the loop, take one of its iterations, and differentiate its cost."""
        problem = Unfit("the loop does not begin")
        for rows, deep in ((False, False), (True, False), (False, True)):
            run = self.run(self.arguments(draw, rows=rows, deep=deep))
            if run.ends and (run.error is None or isinstance(run.error, StandInUsedError)):
                break
            if run.error is not None and not rows and (not deep or run.ends):
                problem = Unfit.raised(self.whole.name, run.error)
        else:
            raise problem
        if not run.ends:
            raise Unfit("no iteration comes to its end")
        first = self._iterate_of(run.starts[0])
        self.known = {parameter for parameter, _ in pairs(run.starts[0], first)}
        start = run.starts[min(len(run.ends), len(run.starts), 1 + draw.size(0, 1)) - 1]
        # What the first iteration does without, the later ones need not keep.
        start = {name: start[name] for name in run.starts[0] if name in start}
        return self._case(self._moved(start, draw), assumption)

    def _moved(self, start: dict[str, Any], draw: Draw) -> dict[str, Any]:
        """Move the parameters a little: where b is 0, a unit without input stands at the kink of ReLU."""
        held, moves = dict(leaves(start)), dict[str, Any]()
        for path in self.known & held.keys():
            value = held[path]
            if np.ndim(value):
                move = moves.setdefault(plain(path), 0.1 * draw.array(*np.shape(value)))
                start = put(start, path, value + move if np.shape(move) == np.shape(value) else value)
        return start

    def _iterate_of(self, start: dict[str, Any]) -> dict[str, Any]:
        """Run one iteration, made a function of the variables that there are."""
        names = sorted(start)
        if self.variables != names:
            self.variables = names
            self.node = self._step(self.whole, names)
            self.program.functions[self.node.name] = self.node
            self.program.callees_of.pop(self.node.name, None)
            self.program.namespace[self.node.name] = self.program.define(self.node)
        return self._iterate(start)

    def _case(self, start: dict[str, Any], assumption: Assumption) -> Case:
        after = self._iterate_of(start)
        gradient = self._gradient(start, after, self._cost(after))
        grads = {}
        for parameter, path in pairs(start, after):
            if parameter in self.known and parameter in gradient and "d" + label(parameter) not in grads:
                grads["d" + label(parameter)] = (parameter, path)
        self.paths = {key: path for key, (_, path) in grads.items()}
        expected: dict[str, Any] = {}
        stepped: dict[str, Any] = {}
        rates = {
            float(value)
            for name, value in [*start.items(), *after.items()]
            if role_of(name, ["learning_rate"]) and np.ndim(value) == 0
        }
        ends, begins = dict(leaves(after)), dict(leaves(dict(start)))
        for key, (parameter, path) in grads.items():
            expected[key] = gradient[parameter]
            rate = _rate(begins[parameter], ends.get(parameter), ends.get(path))
            if rate is not None:
                # The learner's own gradient times a number is taken away: it is to be the learning rate.
                near = min(rates, key=lambda option: abs(option - rate), default=abs(rate))
                stepped[label(parameter)] = np.asarray(begins[parameter]) - near * gradient[parameter]
        self.parameters = {label(parameter): parameter for parameter, _ in grads.values()}
        shapes = [np.shape(value) for name, value in start.items() if role_of(name, ["X"])]
        m = max((shape[-1] for shape in shapes if len(shape) == 2), default=1)
        by_update = assumption.get("by") == "update" and len(stepped) == len(grads)
        required = tuple(stepped) if by_update else (*expected, *stepped)
        return Case(dict(start), {**expected, **stepped}, required, m=m)

    @property
    def described(self) -> str:
        """Say what the loop is held against."""
        return "the gradient of its own cost"

    def involved(self) -> list[str]:
        """Return the name of the function."""
        return [self.whole.name]

    def mistakes(self, draw: Draw) -> list[tuple[str, str, int]]:
        """Return the mistakes of the loop itself: (name, words, line)."""
        run = self.run(self.arguments(draw))
        if not run.ends or run.error is not None:
            return []
        found: list[tuple[str, str, int]] = []
        first, last = dict(leaves(run.starts[0])), dict(leaves(run.ends[-1]))
        same = [path for path in self.parameters.values() if np.array_equal(first[path], last.get(path, 0))]
        if same and len(same) == len(self.parameters):
            found.append(("not_updated", "the parameters are what they were before", self.loop.lineno))
        returns = [inner.lineno for inner in nodes(self.whole, ast.Return)]
        back = {plain(path): value for path, value in leaves({"": run.result})}
        old = [
            label(path)
            for path in self.parameters.values()
            if plain(path) in back
            and path not in same
            and np.array_equal(back[plain(path)], first[path])
            and not np.array_equal(back[plain(path)], last[path])
        ]
        if old and returns:
            words = f"{', '.join(old)} is returned as it was before the training"
            found.append(("old_parameters", words, max(returns)))
        counted = any(role_of(name, ["iterations"]) for name in argument_names(self.whole))
        if counted and len(run.ends) % ITERATIONS and len(run.ends) < ITERATIONS:
            words = f"for {ITERATIONS} iterations the loop goes round {len(run.ends)} times"
            found.append(("loop_count", words, self.loop.lineno))
        return found

    def assumptions(self, learner: Learner) -> list[Assumption]:
        """The gradients are right, or the parameters after the update are (one factor may be made good)."""
        return [{"by": "gradients"}, {"by": "update"}]

    def _iterate(self, start: Mapping[str, Any]) -> dict[str, Any]:
        return self._iterated(self.program.namespace[self.node.name], duplicate(dict(start)))

    def _iterated(self, function: Callable[..., Any], start: dict[str, Any]) -> dict[str, Any]:
        """Call an iteration in its variables, and return them as they are then."""
        own = {name: value for name, value in start.items() if name not in self.shared}
        with same_draws(2), self._around():
            self.program.namespace.update({name: start[name] for name in self.shared if name in start})
            outcome = self.program.call(function, (), own)
        if outcome.error is not None:
            raise Unfit.raised("an iteration", outcome.error)
        return {name: value for name, value in outcome.result.items() if name != ONCE}

    def _cost(self, after: Mapping[str, Any]) -> str:
        stored = {name for statement in self.loop.body for name in stored_names(statement)}
        named = [name for name in after if name in stored and _COST.match(name)]
        options = [name for name in named if np.ndim(after[name]) < 3 and np.size(after[name]) == 1]
        if not options:
            raise Unfit("no cost is computed in the loop")
        return min(options, key=len)

    def _gradient(self, start: dict[str, Any], after: dict[str, Any], cost: str) -> dict[Path, Any]:
        wanted = {parameter for parameter, _ in pairs(start, after)} & self.known
        if not wanted:
            raise Unfit("no gradients are found by their names")

        def J(variables: Any) -> float:
            value = self._iterate(variables)[cost]
            return float(np.squeeze(np.asarray(value, dtype=float)))

        found = slopes(J, start, lambda path, _: path in wanted)
        if found is None:
            raise Unfit("the cost is at a kink")
        # Of two copies of a parameter, the one that the cost depends on.
        moves = [path for path, value in found.items() if np.any(np.abs(value) > 1e-9)]
        used = set(map(plain, moves))
        return {path: value for path, value in found.items() if path in moves or plain(path) not in used}

    def read(self, result: Any, expression: ast.expr | None, case: Case) -> dict[str, Any]:
        """Read the gradients and the parameters from the variables at the end."""
        found: dict[str, Any] = {}
        held = dict(leaves({name: value for name, value in result.items() if name != ONCE}))
        for key in case.required:
            path = self.paths.get(key) or self.parameters.get(key)
            if path in held:
                found[key] = held[path]
        return found


def _rate(before: Any, after: Any, gradient: Any) -> float | None:
    """Return by how much of its gradient a parameter was lowered, None where it was not."""
    if after is None or gradient is None or np.shape(before) != np.shape(after):
        return None
    return ratio(np.asarray(before) - after, gradient)


def _trains(loop: ast.For | ast.While) -> bool:
    """Tell whether a loop computes gradients and a cost of its own."""
    text = "\n".join(map(ast.unparse, loop.body))
    gradients = re.search(r"\bgrads?\b|\bd[WwbB]_?\d*\b|['\"]d[Ww]|gradient", text) or any(
        BACKWARD.search(ast.unparse(call.func).lower()) for call in nodes(loop, ast.Call)
    )
    return bool(gradients and re.search(r"(?i)cost|loss|\bJ\b", text))


def script_body(program: Program) -> list[ast.stmt]:
    """Return the statements of a script; those that need what is not loaded may fail."""
    body: list[ast.stmt] = []
    constants = [one for one in program.submission.statements if isinstance(one, ast.Assign | ast.AnnAssign)]
    for statement in sorted([*constants, *program.submission.script], key=lambda one: one.lineno):
        if isinstance(statement, ast.For | ast.While):
            body.append(statement)
            continue
        handler = ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [ast.Pass()])
        body.append(ast.copy_location(ast.Try([statement], [handler], [], []), statement))
    return body


def script_function(program: Program) -> ast.FunctionDef | None:
    """Return the statements of a script as a function."""
    body = script_body(program)
    outer = [statement for statement in body if isinstance(statement, ast.For | ast.While)]
    if not outer:
        return None
    read = sorted({name for loop in outer for name in names_in(loop)})
    data = [name for name in read if role_of(name, ["X", "Y"]) and name not in program.at_hand]
    made = definition(f"def {SCRIPT}({', '.join(data)}):\n    pass")
    ast.increment_lineno(made, outer[0].lineno - 1)
    made.body = copy.deepcopy(body)
    return ast.fix_missing_locations(made)


def loops_of(
    program: Program, fits: Callable[[ast.For | ast.While], bool]
) -> Iterator[tuple[ast.FunctionDef, ast.For | ast.While]]:
    """Give the innermost loops that fit, with their functions: of the file's functions and of its script."""
    script = script_function(program)
    for node in [*program.own.values(), *([script] if script is not None else [])]:
        loop = innermost_loop(node, fits)
        if loop is not None and not BACKWARD.search(node.name.lower()):
            yield node, loop


def training_steps(program: Program) -> Iterator[TrainingStep]:
    """Give the training loops of a file."""
    return (TrainingStep(program, node, loop) for node, loop in loops_of(program, _trains))
