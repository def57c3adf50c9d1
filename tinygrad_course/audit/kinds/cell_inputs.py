"""What the recurrent cells of course 5 are given: parameters, by the keys that they ask for."""

import ast
import re
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.kinds.cases import Draw
from tinygrad_course.audit.source.signatures import argument_names

INPUTS, STATE, OUTPUTS, STEPS = 3, 4, 2, 3
LETTERS = 4
_RECURRENT = re.compile(r"(?i)rnn|lstm|gru")


def cell_inputs(program: Program, forward: ast.FunctionDef, seed: int) -> dict[str, Any]:
    """Return values by the names of arguments, {} for what is no recurrent cell."""
    taken = argument_names(forward)
    if not _RECURRENT.search(forward.name) or "parameters" not in taken:
        return {}
    draw = Draw(seed)
    letters = {"X", "Y"} <= set(taken)  # a model of characters: lists of their numbers, one example
    m, n_x, n_y = (1, LETTERS, LETTERS) if letters else (2, INPUTS, OUTPUTS)
    names = [forward.name, *program.callees(forward.name)]
    text = " ".join(ast.unparse(program.functions[name]) for name in names)
    columns = {"a": STATE, "x": n_x, "y": n_y}
    parameters: dict[str, Any] = {}
    for key in sorted(set(re.findall(r"['\"]([WU][a-z]{1,2}|b[a-z]{0,2})['\"]", text))):
        rows = n_y if "y" in key else STATE
        width = columns.get(key[2], STATE) if len(key) == 3 else STATE if key == "Wy" else STATE + n_x
        parameters[key] = 0.4 * draw.array(rows, 1) if key[0] == "b" else 0.5 * draw.array(rows, width)
    xt, x = draw.array(n_x, m), draw.array(n_x, m, STEPS)
    whole = not re.search(r"cell|step", forward.name)
    values = {"parameters": parameters, "xt": xt, "x": x if whole else xt}
    values |= {name: draw.array(STATE, m) for name in ("a_prev", "a0", "c_prev")}
    if letters:
        values |= {"X": [None, 1, 3, 0], "Y": [1, 3, 0, 2], "vocab_size": n_x}
    return values if np.all([name in values for name in taken]) else {}
