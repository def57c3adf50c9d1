"""Other libraries' arrays beside a Tensor by operation: the table of docs/arrays.md, which tests hold.

python docs/table_of_arrays.py   writes it into docs/arrays.md
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

V = np.array([[1.0, 2.0], [3.0, 4.0]])
A = np.array([[10.0, 20.0], [30.0, 40.0]])

#: What is tried with a Tensor t and another library's array X, both 2 x 2.
OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "t * X": lambda t, X: t * X,
    "X * t": lambda t, X: X * t,
    "np.add(X, t)": lambda t, X: np.add(X, t),
    "np.maximum(t, X)": lambda t, X: np.maximum(9 * t, X),
    "np.tanh": lambda t, X: np.tanh(9 * t - X),
    "t @ X": lambda t, X: t @ X,
    "X @ t": lambda t, X: X @ t,
    "np.dot(t, X)": np.dot,
    "np.dot(X, t)": lambda t, X: np.dot(X, t),
    "np.where": lambda t, X: np.where(t > 2, t, X) * t,
    "np.concatenate": lambda t, X: np.concatenate([t, X]),
    "np.sum": lambda t, X: np.sum(t * X, axis=0),
    "np.mean": lambda t, X: np.mean(t - X, axis=0),
    "np.max": lambda t, X: np.max(t - X, axis=1),
    "np.einsum": lambda t, X: np.einsum("ij,jk->ik", t, X),
}


def cost(operation: str, t: Any, X: Any) -> Any:
    """Return what is differentiated: the sum of the result's squares."""
    return np.sum(OPERATIONS[operation](t, X) ** 2)


#: How X is made of a plain array; then a sign for each operation.
LIBRARIES: dict[str, tuple[str, str, Callable[[Any, Any], Any], str]] = {
    "Dask": (
        "dask.array",
        "2026.8.0",
        lambda m, a: m.from_array(a, chunks=1),
        "L L L L L L L L L L L L L L L",
    ),
    "sparse.COO": ("sparse", "0.19.3", lambda m, a: m.COO(a), "S S W W W W R W F W F S W W S"),
    "scipy.sparse, csr_array": (
        "scipy.sparse",
        "1.17.1",
        lambda m, a: m.csr_array(a),
        "R R R R R W W R R R R R R R R",
    ),
    "scipy.sparse, csc_array": (
        "scipy.sparse",
        "1.17.1",
        lambda m, a: m.csc_array(a),
        "R R R R R W W R R R R R R R R",
    ),
    "scipy.sparse, coo_matrix": (
        "scipy.sparse",
        "1.17.1",
        lambda m, a: m.coo_matrix(a),
        "R R R R R W W R R R R R R R R",
    ),
    "np.matrix": ("numpy", "2.4.6", lambda m, a: m.matrix(a), "R R R R R R R R R R R R R R R"),
    "masked array": (
        "numpy.ma",
        "2.4.6",
        lambda m, a: m.array(a, mask=a > 30),
        "R R R R R R R R R R R R R R R",
    ),
    "pandas.DataFrame": ("pandas", "3.1.1", lambda m, a: m.DataFrame(a), "R R R R R R R R R R R R R R R"),
    "polars.DataFrame": ("polars", "2.1.0", lambda m, a: m.DataFrame(a), "R F R R R R R R R R R R R R R"),
    "xarray.DataArray": ("xarray", "2026.9.0", lambda m, a: m.DataArray(a), "R R R R R R R R R R R R R R R"),
    "awkward.Array": ("awkward", "2.14.0", lambda m, a: m.Array(a), "R R R R R R R R R R R R R R R"),
    "pint.Quantity": (
        "pint",
        "0.25.3",
        lambda m, a: m.UnitRegistry().Quantity(a, ""),
        "U R R U U U R U U U U U U U U",
    ),
    "unyt_array": ("unyt", "3.2.0", lambda m, a: m.unyt_array(a, "m"), "R R R R R R R R R R R R R R R"),
    "torch.Tensor": ("torch", "2.13.0", lambda m, a: m.tensor(a), "R R R R R R R R R R R R R R R"),
    "jax.Array": ("jax.numpy", "0.10.2", lambda m, a: m.array(a), "W W W W W W W W W W W W W W W"),
    "array.array": (
        "array",
        "3.11",
        lambda m, a: [m.array("d", row) for row in a],
        "W W W W W W W W W W W W W W W",
    ),
}

#: What each is refused for, or what to know where it works.
NOTES = {
    "Dask": "`dask.compute(J, grads)`; after `X[:, mask]` call `X.compute_chunk_sizes()`",
    "sparse.COO": "what fails does in sparse itself: `(t.T @ X.T).T` is `X @ t`",
    "scipy.sparse": "stays sparse in both products, of `S.T` too; for anything else `S.toarray()`",
    "np.matrix": "`np.asarray(X)`: its `*` is a product of matrices",
    "masked array": "`X.filled(0)` or `np.where(X.mask, 0, t)`: a rule would drop the mask",
    "pandas.DataFrame": "`X.to_numpy()`: labels are aligned anew at each step; a `Series` likewise",
    "polars.DataFrame": "`X.to_numpy()`",
    "xarray.DataArray": "`X.values`: its dimensions go by name, and its means pass over NaN",
    "awkward.Array": "`ak.to_numpy(X)`, where all rows have one length",
    "pint.Quantity": "the Tensor has to be the first argument of `*`, `@` and ufuncs",
    "unyt_array": "`X.value`",
    "torch.Tensor": "`X.detach().numpy()`",
    "jax.Array": "taken for its values; the gradient is NumPy's, in the Tensor's dtype",
    "array.array": "and lists of lists: taken for their values",
}
#: W, L, S and U have the right gradient.
SIGNS = {"W": "works", "L": "lazy", "S": "sparse", "U": "units", "R": "refused", "F": "fails"}
PAGE = Path(__file__).with_name("arrays.md")
BEGIN, END = "<!-- the table: docs/table_of_arrays.py -->", "<!-- end of the table -->"


def table() -> str:
    """Return the table in Markdown."""
    lines = ["| library | " + " | ".join(f"`{name}`" for name in OPERATIONS) + " | instead, or to know |"]
    lines.append("|" + "--|" * (len(OPERATIONS) + 2))
    for name, (_, version, _, row) in LIBRARIES.items():
        note = next(text for start, text in NOTES.items() if name.startswith(start))
        cells = " | ".join(SIGNS[sign] for sign in row.split())
        lines.append(f"| {name} {version} | {cells} | {note} |")
    return "\n".join(lines)


def written() -> str:
    """Return the page with the table in its place."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
