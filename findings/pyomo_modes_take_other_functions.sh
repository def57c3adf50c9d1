#!/usr/bin/env bash
# Guess: the modes in which Pyomo's differentiate works take the same expressions, and each takes an activation: tanh(x), or a leaky relu by
# Expr_if.
# Seen (Pyomo 6.10.1): tanh, sinh, cosh and their inverses are refused by reverse_numeric (the default) and by reverse_symbolic, which take
# abs; the mode sympy takes tanh and fails in abs by what it calls an internal error. So tanh(abs(x)) has no derivative in any mode, and
# Expr_if has none, though all have values.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "pyomo==6.10.1" "sympy==1.14.0"
"$folder/venv/bin/python" - <<'PY'
import pyomo.environ as pe
import pyomo.version
from pyomo.core.expr.calculus.derivatives import Modes, differentiate

model = pe.ConcreteModel()
model.x = pe.Var(initialize=0.7)
expressions = {
    "tanh": pe.tanh(model.x),
    "abs": abs(model.x),
    "tanh of abs": pe.tanh(abs(model.x)),
    "leaky relu": pe.Expr_if(model.x > 0, model.x, 0.01 * model.x),
    "exp": pe.exp(model.x),
}
taken = {}
for name, expression in expressions.items():
    taken[name] = set()
    for mode in Modes:
        try:
            pe.value(differentiate(expression, wrt=model.x, mode=mode))
            taken[name].add(mode.name)
        except Exception as error:
            print(name, mode.name, type(error).__name__, str(error).split("\n")[0][:100])
print("Pyomo", pyomo.version.version, taken)
reverse = {"reverse_symbolic", "reverse_numeric"}
assert taken["tanh"] == {"sympy"} and taken["abs"] == reverse and taken["exp"] == reverse | {"sympy"}
assert taken["tanh of abs"] == taken["leaky relu"] == set()
PY
