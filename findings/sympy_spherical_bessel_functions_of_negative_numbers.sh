#!/usr/bin/env bash
# Guess: a spherical Bessel function has one value at -1 in SymPy, whether it is evaluated as jn(0, x) or as what expand_func makes of it,
# sin(x) / x, which is even: 0.84; and its derivative can be compiled as it can.
# Seen (sympy 1.14.0): jn(0, -1) is -0.84, by the way of sqrt(pi / 2x) J(1/2, x), whose branches meet at negative numbers; sin(x) / x there,
# and lambdify with SciPy, have 0.84. So too jn(1, x), yn(0, x) and yn(1, x): right for x > 0, the negative for x < 0. The derivative of
# jn(0, x) has jn(-1, x) in it, which lambdify hands to SciPy, where it is NaN everywhere. The signs are known
# as issue 23970 of SymPy since 2022.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "sympy==1.14.0" "scipy==1.17.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import sympy
from sympy import expand_func, jn, lambdify, symbols, yn

x = symbols("x", real=True)
for expression in (jn(0, x), jn(1, x), yn(0, x), yn(1, x), jn(0, x).diff(x)):
    evaluated, expanded = ([float(form.subs(x, at).evalf()) for at in (-1, 1)] for form in (expression, expand_func(expression)))
    compiled = [float(lambdify(x, expression, ["scipy", "numpy"])(at)) for at in (-1.0, 1.0)]
    print("sympy", sympy.__version__, expression, "evaluated", evaluated, "expanded", expanded, "compiled", compiled)
    assert abs(evaluated[0] + expanded[0]) < 1e-12 and abs(evaluated[1] - expanded[1]) < 1e-12
    if expression == jn(0, x).diff(x):
        assert compiled[0] != compiled[0] and compiled[1] != compiled[1]
    else:
        assert max(abs(one - other) for one, other in zip(compiled, expanded, strict=True)) < 1e-12
assert abs(float(jn(0, -1).evalf()) + 0.8414709848) < 1e-9
PY
