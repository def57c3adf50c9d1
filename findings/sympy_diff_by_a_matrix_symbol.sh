#!/usr/bin/env bash
# Guess: SymPy, which gives 2 X.T for the derivative of Trace(X X) by X, gives X**-T for log(Determinant(X)), or leaves
# it as it leaves Determinant(X): unevaluated.
# Seen (sympy 1.14.0): the zero matrix; so too of 3 Determinant(X), Determinant(X)**2, log(Trace(X)) and X[0, 0].
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "sympy==1.14.0"
"$folder/venv/bin/python" - <<'PY'
import sympy
from sympy import Derivative, Determinant, MatrixSymbol, Trace, ZeroMatrix, log

X = MatrixSymbol("X", 2, 2)
wrong = [log(Determinant(X)), 3 * Determinant(X), Determinant(X) ** 2, log(Trace(X)), X[0, 0]]
print("sympy", sympy.__version__, {str(f): f.diff(X) for f in [Trace(X * X), Determinant(X), *wrong]})
assert Trace(X * X).diff(X) == 2 * X.T
assert isinstance(Determinant(X).diff(X), Derivative)
assert all(f.diff(X) == ZeroMatrix(2, 2) for f in wrong)
entries = X.as_explicit()  # entry by entry it is right
assert sympy.simplify(log(entries.det()).diff(X[0, 0]) - entries.inv()[0, 0]) == 0
PY
