"""The backward function of one layer, or of a recurrent cell: the derivative of its own forward function.

Courses 4 and 5 have no cost of their own: what is held against the file is the derivative of a weighted sum
of the outputs, whose weights are what the backward function is given (dZ, dA, da_next, dc_next).
"""

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.line_trace import canonical
from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.execution.oracle import slopes
from tinygrad_course.audit.execution.paths import duplicate, label
from tinygrad_course.audit.kinds.base import Assumption, words
from tinygrad_course.audit.kinds.cases import Case, Draw
from tinygrad_course.audit.kinds.own_network import OwnNetwork, Pool, Unfit, ratio_of
from tinygrad_course.audit.source.signatures import argument_names, needed_names
from tinygrad_course.audit.source.syntax import names_of, returned

FILTER, STRIDE = 2, 1


class OwnLayer(OwnNetwork):
    """dA_prev, dW and db of a convolution; dxt, da_prev and dWax of a cell; and their like."""

    battery = words("distinct distinct distinct")

    def __init__(self, program: Program, node: ast.FunctionDef, forward: ast.FunctionDef) -> None:
        super().__init__(program, node)
        self.forward, self.remark = forward, ""

    @property
    def described(self) -> str:
        """Say what it is held against."""
        return f"the derivative of {self.forward.name if self.forward else ''}"

    def involved(self) -> list[str]:
        """Return its own name: a forward function is not proved by its derivative."""
        return [self.node.name]

    def _inputs(self, draw: Draw) -> Pool:
        m, n_x, n_a, n_y, T = 2, draw.size(2, 3), draw.size(3, 4), 2, 3
        taken = argument_names(self.forward) if self.forward is not None else []
        letters = {"X", "Y"} <= set(taken)  # a model of characters: lists of their numbers, one example
        if letters:
            m, n_x, n_y = 1, 4, 4
        names = [part.name for part in (self.forward, self.node) if part is not None]
        called = [other for name in names for other in self.program.callees(name)]
        text = " ".join(ast.unparse(self.program.functions[name]) for name in [*names, *called])
        whole = not re.search(r"cell|step", names[0])
        recurrent = re.search(r"rnn|lstm|gru", self.node.name.lower()) is not None
        named: dict[str, Any] = {
            "A_prev": draw.array(m, 3, 3, 2),
            "W": draw.array(FILTER, FILTER, 2, 2),
            "b": draw.array(1, 1, 1, 2),
            "hparameters": {"stride": STRIDE, "pad": 1, "f": FILTER},
            "mode": draw.choice(["max", "average"]) if "average" in text else "max",
        }
        if recurrent:
            sizes = {"a": n_a, "x": n_x, "y": n_y}
            parameters: dict[str, Any] = {}
            for key in sorted(set(re.findall(r"['\"]([WU][a-z]{1,2}|b[a-z]{0,2})['\"]", text))):
                rows = n_y if "y" in key else n_a
                if key[0] == "b":
                    parameters[key] = 0.4 * draw.array(rows, 1)
                elif len(key) == 3:
                    parameters[key] = 0.5 * draw.array(rows, sizes.get(key[2], n_a))
                else:
                    parameters[key] = 0.5 * draw.array(rows, n_a if key == "Wy" else n_a + n_x)
            named |= {"parameters": parameters, "xt": draw.array(n_x, m), "x": draw.array(n_x, m, T)}
            named |= {"a_prev": draw.array(n_a, m), "a0": draw.array(n_a, m), "c_prev": draw.array(n_a, m)}
            if not whole:
                named["x"] = named["xt"]
            if letters:
                named |= {"X": [None, 1, 3, 0], "Y": [1, 3, 0, 2], "vocab_size": n_x}
        return Pool(named)

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        """Run the forward function, draw the derivatives of its outputs, and differentiate."""
        pool = self._inputs(draw)
        if self.forward is None:
            raise Unfit("there is no forward function of this name")
        given = pool.needed(self.forward)
        result = self._run(learner, self.forward, given)
        parts = list(result) if isinstance(result, tuple) else [result]
        weights, arguments = self._passed(self.forward, parts, pool, draw)
        forward = self.forward

        def J(theta: Any) -> float:
            found = self._run(learner, forward, theta)
            values = found if isinstance(found, tuple) else (found,)
            return float(sum(np.sum(weight * values[place]) for place, weight in weights.items()))

        gradient = slopes(J, given)
        if gradient is None:
            raise Unfit("a kink is too near")
        expected = {"d" + label(path): value for path, value in gradient.items() if np.any(value)}
        try:
            found = self.probe(learner, arguments, expected)
        except Unfit:
            text = ast.unparse(self.node)
            spoken = tuple(key for key in expected if re.search(rf"\b{key}\b", text))
            return Case(arguments, expected, spoken, m=2)
        required = tuple(key for key in expected if key in found)
        if not required:
            raise Unfit("the derivatives are not found by their names")
        times = ratio_of(found, {"db": expected["db"]}) if "db" in required else None
        added = int(np.prod(np.shape(pool.named["W"])[:3]))
        if times is not None and abs(times * added - 1) < 1e-3:
            expected["db"] = expected["db"] / added
            self.remark = f"db is right for a bias that is added once; {forward.name} adds it {added} times"
        return Case(arguments, expected, required, m=2)

    def _passed(
        self, forward: ast.FunctionDef, parts: list[Any], pool: Pool, draw: Draw
    ) -> tuple[dict[int, Any], dict[str, Any]]:
        """Return the weights of the outputs, by their places, and what the backward function is given."""
        names = names_of(returned(forward), len(parts))
        outputs = [(place, name) for place, name in enumerate(names) if isinstance(parts[place], np.ndarray)]
        held = [part for part in parts if isinstance(part, dict | list | tuple)]
        weights: dict[int, Any] = {}
        arguments: dict[str, Any] = {}
        for name in argument_names(self.node):
            output = next((place for place, out in outputs if canonical(name) == "d" + canonical(out)), None)
            if output is None and not weights and re.match(r"d[A-Za-z]", name) and outputs:
                output = outputs[0][0]
            if output is not None:
                weights[output] = arguments[name] = draw.array(*parts[output].shape)
            elif re.match(r"(?i)cache|linear", name) and held:
                arguments[name] = duplicate(held[-1])
            elif pool.find(name)[0]:
                arguments[name] = duplicate(pool.find(name)[1])
        if not weights and np.ndim(parts[0]) == 0 and isinstance(parts[0], float | np.floating):
            weights[0] = 1.0  # a loss
        if not weights:
            raise Unfit(f"no argument of {self.node.name} is the derivative of an output")
        if any(name not in arguments for name in needed_names(self.node)):
            raise Unfit(f"the arguments of {self.node.name} are not known by their names")
        return weights, arguments

    def judge(self, values: Mapping[str, Any], case: Case) -> tuple[list[str], list[str]]:
        """Say what is remarkable in the forward function."""
        return [], [self.remark] if self.remark else []


def layer_passes(program: Program) -> Iterator[OwnLayer]:
    """Give the backward functions of convolutions, pooling and recurrent cells."""
    for name, node in program.own.items():
        if not re.search(r"(?i)(conv|pool|rnn|lstm|gru|cell|step).*backward", name):
            continue
        forward = program.at_hand.get(name.replace("backward", "forward"))
        if forward is not None:
            yield OwnLayer(program, node, forward)
