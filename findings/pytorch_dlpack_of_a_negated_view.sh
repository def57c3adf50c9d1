#!/usr/bin/env bash
# Guess: a tensor that is a lazy view goes through DLPack with the numbers that it shows, or is refused, as torch refuses conjugated
# tensors there ("Can't export tensors with the conjugate bit set").
# Seen (torch 2.13.0, CPU; NumPy 2.4.6): the imaginary part of z.conj(), which torch holds as a view with a bit for "negated", comes out
# with the wrong sign from np.from_dlpack and from torch.from_dlpack, without an error; .numpy() refuses it.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "torch==2.13.0" "numpy==2.4.6"
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import torch

z = torch.tensor([1 + 2j, 3 - 4j])
imaginary = z.conj().imag
assert imaginary.is_neg() and imaginary.tolist() == [-2.0, 4.0]
by_numpy, by_torch = np.from_dlpack(imaginary), torch.from_dlpack(imaginary)
print("torch", torch.__version__, "numpy", np.__version__, imaginary.tolist(), "by DLPack", by_numpy, by_torch)
assert by_numpy.tolist() == by_torch.tolist() == [2.0, -4.0]
assert np.from_dlpack(imaginary.resolve_neg()).tolist() == [-2.0, 4.0]
for refused, of in ((lambda: np.from_dlpack(z.conj()), "conjugate bit"), (lambda: imaginary.numpy(), "negative bit")):
    try:
        refused()
    except (BufferError, RuntimeError) as error:
        assert of in str(error)
    else:
        raise AssertionError(of)
PY
