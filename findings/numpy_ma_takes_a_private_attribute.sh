#!/usr/bin/env bash
# Guess: a masked array times an object that answers __array_ufunc__ asks that object, as an ndarray does.
# Seen (numpy 2.4.6): it computes on the object's attribute ``_data``, whatever that is, and never asks.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import numpy as np

asked = []


class Other:
    _data = np.array([5.0, 5.0])

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        asked.append(ufunc.__name__)
        return "mine"


plain = np.array([1.0, 2.0]) * Other()
masked = np.ma.array([1.0, 2.0], mask=[0, 1]) * Other()
print("numpy", np.__version__, "plain:", plain, "masked:", masked, "asked:", asked)
assert plain == "mine" and asked == ["multiply"]
assert float(masked[0]) == 5.0
PY
