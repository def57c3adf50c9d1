"""A forward and a backward function of a file: what they are given, what they give, and derivatives of it."""

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.execution.oracle import slopes
from tinygrad_course.audit.execution.paths import Path, leaves, unshared
from tinygrad_course.audit.execution.protection import TooLongError, same_draws
from tinygrad_course.audit.kinds.as_made import made_object, set_ups
from tinygrad_course.audit.kinds.base import Kind, Unfit, words
from tinygrad_course.audit.kinds.candidate_costs import Cost
from tinygrad_course.audit.kinds.cases import Case, Draw
from tinygrad_course.audit.kinds.gradient_names import (
    as_updated,
    cost_place,
    find,
    of_its_own,
    parts_of,
    same,
)
from tinygrad_course.audit.kinds.input_layouts import Setting, tried
from tinygrad_course.audit.kinds.layer_stack import objects_for
from tinygrad_course.audit.kinds.names_taken import AXES, Taken, names_taken, words_asked
from tinygrad_course.audit.kinds.own_class import method_name, output_told, shown_name
from tinygrad_course.audit.kinds.sizes import Sizes
from tinygrad_course.audit.reference.comparison import Named
from tinygrad_course.audit.source.argument_kinds import category, kinds_by_use
from tinygrad_course.audit.source.conventions import canonical
from tinygrad_course.audit.source.signatures import JOINT, argument_names, role_of

_STATE, _UNMADE, _LATE = 4, 24, 2
"""The units of a recurrent cell; how often an object is tried to be made; how many calls may not come back
in time."""
LAYER_PASS = re.compile(r"(?i)(conv|pool|rnn|lstm|gru|cell|step).*backward")


class Pair(Kind):
    """Two functions, or methods, that are run together; or one that returns a cost and its gradients."""

    battery = words("distinct distinct distinct")
    owns = True
    strict = False
    """Whether the values that fit first are those that are meant, and every gradient is asked for."""

    def __init__(
        self,
        program: Program,
        node: ast.FunctionDef,
        forward: ast.FunctionDef,
        owner: str = "",
        costs: Iterable[ast.FunctionDef] = (),
        initial: ast.FunctionDef | None = None,
    ) -> None:
        self.program, self.node, self.owner = program, node, owner
        self.forward = output_told(program, forward) if owner and forward is not node else forward
        self.text = ast.unparse(self.forward)
        self.own_costs, self.initial = [*costs], initial
        self.cost: ast.FunctionDef | str = ""
        self.rows, self.units = False, 1
        """Whether the examples are rows, and how many outputs there are, of the values that fit."""
        methods = [one for name, one in program.functions.items() if owner and name.endswith(JOINT + owner)]
        names = {node.name, *program.callees(node.name)}
        mine = "\n".join(ast.unparse(program.functions.get(one, node)) for one in names)
        back = [one for one in methods if re.search("back|grad", one.name) and one.name not in names]
        kept = re.findall(r"self\.(\w+) \+?= ", "\n".join(map(ast.unparse, back)))
        self.elsewhere = {name for name in kept if not re.search(rf"\b{name}\b", mine)}
        """What other backward methods of the class keep: no result of this one."""
        text = f"{ast.unparse(node)}\n{self.text}"
        self.soft = re.search(r"softmax|keepdims.*exp|exp.*keepdims", text) is not None
        self.alone = bool(self.own_costs) and not self.soft
        """Whether there is one output: a mean over the examples is no mean over the outputs then."""
        self.reads = not owner or re.search(r"self\.\w+(?![\w(])", ast.unparse(node)) is not None
        """Whether it reads more than what it is given."""
        self.told: dict[str, str] = {}
        """The kinds of those arguments of which their use tells more than their names."""
        for one in (node, self.forward):
            kinds = kinds_by_use(one, argument_names(one))
            self.told |= {name: kind for name, kind in kinds.items() if kind == "settings"}
        new = program.functions.get(method_name(owner, "__init__"))
        self.told |= kinds_by_use(new, argument_names(new)) if new is not None else {}
        self.words = words_asked(program, [node, self.forward, *methods])
        """The words that arguments are compared with: each case has the next ones."""
        self.battery = self.battery[:1] * max(len(self.battery), *map(len, self.words.values()), 0)
        # The number of the case, and whether all was right in one.
        self.turn, self.exact, self.late = 0, False, 0
        self.remarks: dict[str, str] = {}
        self.place = dict[Any, tuple[int, int]]()
        """The layout, and the place in it, of the values that fit, for each number of axes."""
        self.sizes = Sizes(made_object(program, owner) if owner else None)
        self.set_ups = set_ups(program, owner) if owner else []
        self.cell: dict[str, Any] = {}
        """What a recurrent cell of course 5 is given: with that, all that is wrong is a mistake."""
        self.guess = dict[str, Any]()
        self.made, self.dimensions = not owner, set[int]()
        """Whether an object was made; how many axes the data have with which the forward function runs."""
        self.data: list[Any] = []
        """What the forward function is given."""
        self.seen: Any = None
        """What it gives."""
        self.wanted: Taken
        """The names for which values are looked for."""
        self.doubt = ""
        """Why it may be meant otherwise, unless one line makes it right."""
        self.layer = LAYER_PASS.search(node.name) is not None
        """Whether it is a layer of course 4 or 5: what it raises is its own mistake, then."""

    @property
    def described(self) -> str:
        """Say what it is held against."""
        if isinstance(self.cost, ast.FunctionDef):
            return f"the gradient of {self.forward.name} and {self.cost.name}"
        return "the derivative of " + ("its own cost" if self.together else self.forward.name)

    @property
    def otherwise(self) -> str:
        """Say that nothing is right in it."""
        of = shown_name(self.forward.name)
        return f"none of its gradients is that of {of}; they may be meant otherwise"

    @property
    def together(self) -> bool:
        """Whether one function returns the cost and its gradients."""
        return self.forward is self.node

    def involved(self) -> list[str]:
        """Return its own name; a forward function is proved together with a cost alone."""
        with_cost = [self.forward.name, self.cost.name] if isinstance(self.cost, ast.FunctionDef) else []
        return [self.node.name, *with_cost]

    def taken(self, depth: int) -> Taken:
        """Return the names for which values are looked for, of a network of such a depth."""
        taken = names_taken(self.program, self.node, self.forward, self.owner)
        taken = taken._replace(outside=[]) if self.layer else taken
        new = self.program.functions.get(method_name(self.owner, "__init__"))
        asked = [name for name in (argument_names(new) if new is not None else ()) if name in self.words]
        taken = taken._replace(start=[*dict.fromkeys([*taken.start, *asked])])
        maker = self.sizes.maker
        return taken if maker is None else taken._replace(start=argument_names(maker))

    def settings(self, names: list[str], seed: int, draw: Draw) -> Iterator[Setting]:
        """Give values to try, the likeliest first."""
        self.cell = self._cell(Draw(seed))
        if self.cell:
            yield (-1, 0), self.sizes.layouts()[0], self.cell
        course = any(name.startswith("hparam") for name in names)  # of course 4: the channels come last
        options = sorted(
            enumerate(self.sizes.layouts()),
            key=lambda one: (self.alone and one[1].units > 1, course and one[1].kernel[1:2] != (3,)),
        )
        chances = [name for name in self.wanted.start if category(name) == "predicted"]  # Dropout(prob)
        fixed = dict.fromkeys(chances, 0.3)
        fixed |= {name: word for name, word in self.fixed().items() if name in names}
        axes = self.fixed().get(AXES)
        options = [one for one in options if axes in {None, len(one[1].data)}]
        guesses = [self.guess] if self.place else self._guesses()
        for guess in guesses:
            self.guess, self.made = guess, not self.owner
            made = tried(names, seed, options, fixed=fixed | guess, told=self.told)
            for number, one in enumerate(made):
                more = guess is not guesses[-1] and not (self.dimensions if guess else self.made)
                idle = guess and self.made and not self.dimensions and not self.place
                if (more and number > _UNMADE) or (idle and number > 10 * _UNMADE):
                    break
                yield one
            if self.dimensions:
                break

    def _guesses(self) -> list[dict[str, Any]]:
        """Return values for what a new object takes by names that say nothing: layers, whole numbers."""
        start = [name for name in self.wanted.start if category(name) in {"", "sizes"}]
        objects = objects_for(self.program, self.owner, start, *self.sizes.now) if start else {}
        numbers = {name: 2 for name in start if not category(name) and name not in self.told} | objects
        return [*[objects] * bool(objects), {}, *[numbers] * (numbers != objects)]

    def _cell(self, draw: Draw) -> dict[str, Any]:
        """Return what a recurrent cell of course 5 is given: parameters by the keys that it asks for, say."""
        name, taken = self.forward.name, argument_names(self.forward)
        holder = next((one for one in taken if role_of(one, ["parameters"])), "")
        if not re.search(r"(?i)rnn|lstm|gru", name) or not holder:
            return {}
        letters = {"X", "Y"} <= set(taken)  # a model of characters: lists of their numbers, one example
        m, n_x, n_y = (1, 4, 4) if letters else (2, 3, 2)
        functions = self.program.functions
        text = " ".join(ast.unparse(functions[one]) for one in (name, *self.program.callees(name)))
        columns = {"a": _STATE, "x": n_x, "y": n_y}
        parameters: dict[str, Any] = {}
        for key in sorted(set(re.findall(r"['\"]([WU][a-z]{1,2}|b[a-z]{0,2})['\"]", text))):
            rows = n_y if "y" in key else _STATE
            width = columns.get(key[2], _STATE) if len(key) == 3 else _STATE + n_x * (key != "Wy")
            parameters[key] = 0.4 * draw.array(rows, 1) if key[0] == "b" else 0.5 * draw.array(rows, width)
        xt, x = draw.array(n_x, m), draw.array(n_x, m, 3)
        whole = not re.search(r"cell|step", name)
        known: dict[str, Any] = {"xt": xt, "x": x if whole else xt}
        known |= {name: draw.array(_STATE, m) for name in ("aprev", "a0", "cprev")}
        if letters:
            known |= {"x": [None, 1, 3, 0], "y": [1, 3, 0, 2], "vocabsize": n_x}
        names = [*taken, *argument_names(self.node)]
        values = {one: known[canonical(one)] for one in names if canonical(one) in known}
        return values | {holder: parameters} if {holder, *values} >= {*taken} else {}

    def fixed(self) -> dict[str, Any]:
        """Return the words that arguments have in this case."""
        return {name: words[self.turn % len(words)] for name, words in self.words.items()}

    def values(self, values: dict[str, Any], draw: Draw) -> dict[str, Any]:
        """Return values with what is made of others; predictions that need be no chances are any numbers."""
        text = self.text
        chances = re.search("log|sqrt|exp", text)
        guesses = [key for key, one in values.items() if np.ndim(one) and category(key) == "predicted"]
        seen = [] if chances else guesses
        more = {name: 2 * draw.array(*np.shape(values[name])) for name in seen}
        for name, value in values.items():
            if category(name) == "data" and re.search(rf"log\({name}\b", text):  # chances, by another name
                more[name] = 1 / (1 + np.exp(-value))
            if category(name) == "data" and np.ndim(value) == 2 and self.together and "[1:" in text:
                more[name] = np.hstack([np.ones_like(value[:, :1]), value[:, 1:]])  # theta[0] is a bias
        values = values | more if more else values  # those of a cell are known by what they are
        return self.wanted.packing(values) if self.wanted.packed else values

    def costs_differentiated(
        self, at: dict[str, Any], costs: list[Cost]
    ) -> Iterator[tuple[Cost, dict[str, Any]]]:
        """Give costs and their derivatives; a cost of the class that takes something else is none."""
        for cost in costs:
            try:
                yield cost, self.derivatives(at, cost)
            except Unfit:
                if cost.node is None:
                    raise

    def derivatives(self, at: dict[str, Any], cost: Cost) -> dict[str, Any]:
        """Return the derivatives of a cost, where they are not 0 or all of them are asked for."""
        J = lambda theta: cost.of(self.gives(theta), theta)  # noqa: E731
        gradient = slopes(J, at, lambda path, _: of_its_own(path) and self.moved(path))
        if gradient is None:
            raise Unfit("a kink is too near")
        moved = {path: one for path, one in gradient.items() if self.strict or np.any(np.abs(one) > 1e-9)}
        return {"d" + name: value for name, value in unshared(moved, dict(leaves(at))).items()}

    def moved(self, path: Path) -> bool:
        """Tell whether the derivative with respect to a leaf is asked for."""
        return category(str(path[0])) not in {"labels", "settings", "number", "epsilon"}

    def gives(self, theta: dict[str, Any]) -> list[Any]:
        """Return what the forward function gives, one value after the other."""
        parts = parts_of(self.called(theta))
        if "labels" in map(category, self.wanted.forward) and any(parts[0] is one for one in theta.values()):
            raise Unfit(f"{self.forward.name} gives back what it is given")  # a cost that it keeps, say
        return parts

    def called(self, theta: dict[str, Any]) -> Any:
        """Return what the forward function returns."""
        asked = argument_names(self.forward)
        here = {name: value for name, value in theta.items() if name in asked}
        with self.program.bound({name: theta[name] for name in self.wanted.outside}):
            return self.run(self.forward, here)

    def gradients(self, result: Any, before: Named, after: Named, expected: Named) -> dict[str, Any]:
        """Return the gradients by their names, returned or kept; the others by shapes that no two share."""
        asked = {key: value for key, value in expected.items() if key != "cost"}
        found = find(self.node, result, before, after, asked, self.elsewhere)
        parts = parts_of(result)
        cost = cost_place(self.node, parts) if "cost" in expected and found else None
        return found if cost is None else {**found, "cost": parts[cost]}

    def read(self, result: Any, expression: ast.expr | None, case: Case) -> dict[str, Any]:
        """Read the gradients by their names, else by their places and shapes; all, once it comes back."""
        expected = case.expected if case.raised else {key: case.expected[key] for key in case.required}
        found = self.gradients(result, case.values, case.passed, expected)
        return {key: as_updated(value, np.shape(expected[key])) for key, value in found.items()}

    def judge(self, values: Named, case: Case) -> tuple[list[str], list[str]]:
        """Judge what is returned beside what is asked for, too."""
        others = [key for key in values if key not in case.required]
        wrong = [key for key in others if not same(values[key], case.expected[key])]
        return wrong, super().judge(values, case)[1]

    def run(self, node: ast.FunctionDef, arguments: Named) -> Any:
        """Call a function of the file; random numbers are the same in every call."""
        if self.late > _LATE:  # nothing else that is tried would come back either
            raise TooLongError(f"{node.name} does not come back")
        with same_draws(1):
            outcome = self.program.call(self.program.namespace[node.name], (), dict(arguments))
        self.late += isinstance(outcome.error, TooLongError)
        return Unfit.unless(outcome, node.name)
