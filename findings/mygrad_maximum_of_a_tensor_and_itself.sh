#!/usr/bin/env bash
# Guess: maximum(x, x) is x, so its gradient is 1.
# Seen (mygrad 2.5.0): 0; at a tie neither argument gets any of the gradient.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "mygrad==2.5.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import mygrad

x = mygrad.tensor(1.0)
mygrad.maximum(x, x).backward()
print("mygrad", mygrad.__version__, "gradient of maximum(x, x):", x.grad)
assert float(x.grad) == 0.0, x.grad
PY
