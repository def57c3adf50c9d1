#!/usr/bin/env bash
# Guess: np.sum and np.mean of a pandas Series or an xarray DataArray with a NaN are NaN, as NumPy's functions say.
# Seen (pandas 3.1.1, xarray 2026.9.0, numpy 2.4.6): NumPy hands on to the object's own method, which leaves NaN out: sum,
# mean, std, prod and max skip it, while median, dot and linalg.norm of the same object keep it. A cost written
# np.mean((a - y) ** 2) drops the examples whose label is missing, its gradient written as 2 * (a - y) / m does not.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "pandas==3.1.1" "xarray==2026.9.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import pandas as pd
import xarray as xr

values = np.array([1.0, np.nan, 3.0])
for kind in (pd.Series, lambda v: xr.DataArray(v, dims="i")):
    a = kind(values)
    skipping = {f.__name__: float(f(a)) for f in (np.sum, np.mean, np.std, np.prod, np.max)}
    keeping = {
        "median": float(np.median(a)),
        "dot": float(np.dot(a, a)),
        "norm": float(np.linalg.norm(a)),
    }
    print(type(a).__name__, skipping, keeping)
    assert skipping == {"sum": 4.0, "mean": 2.0, "std": 1.0, "prod": 3.0, "max": 3.0}
    assert all(map(np.isnan, keeping.values()))
print("pandas", pd.__version__, "xarray", xr.__version__, "numpy", np.__version__)
PY
