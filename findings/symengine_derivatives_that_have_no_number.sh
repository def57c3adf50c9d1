#!/usr/bin/env bash
# Guess: what SymEngine differentiates it can evaluate, as SymPy can: |x|' at 2.5 is 1, and the derivative of loggamma(x) is a number.
# Seen (SymEngine 0.15.0): loggamma(x)' is polygamma(0, x), which neither float() nor Lambdify can compute, though both compute loggamma.
# |x|' stays Derivative(abs(x), x), and 2.5 put in for x gives Derivative(2.5, 2.5), the derivative of a number by a number.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "symengine==0.15.0" "sympy==1.14.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import symengine
import sympy

x = symengine.Symbol("x")
print("SymEngine", symengine.__version__)


def number(expression):
    try:
        return float(expression)
    except RuntimeError as error:
        return f"RuntimeError: {error}"


slope = symengine.diff(symengine.loggamma(x), x)
found = number(slope.subs({x: 2.5}))
print(slope, "at 2.5:", found, "SymPy:", float(sympy.digamma(2.5)), "loggamma:", number(symengine.loggamma(2.5)))
assert isinstance(found, str) and isinstance(number(symengine.loggamma(2.5)), float)
assert symengine.Lambdify([x], [symengine.loggamma(x)])([2.5])[0] > 0
try:
    symengine.Lambdify([x], [slope])
except RuntimeError as error:
    print("Lambdify:", error)
else:
    raise SystemExit("Lambdify knows polygamma")
put_in = symengine.diff(symengine.Abs(x), x).subs({x: 2.5})
y = sympy.Symbol("y", real=True)
print("|x|' at 2.5:", put_in, "SymPy:", sympy.diff(sympy.Abs(y), y).subs(y, 2.5))
assert str(put_in) == "Derivative(2.5, 2.5)" and sympy.diff(sympy.Abs(y), y).subs(y, 2.5) == 1
PY
