#!/usr/bin/env bash
# Guess: save_file writes a conjugated tensor as it shows itself, or refuses it, as it refuses tensors that are not contiguous.
# Seen (safetensors 0.8.0, torch 2.13.0): it writes the bytes under the lazy view, so that z.conj() is read back as z, and z.mH (the
# conjugated transpose) of a row as the plain transpose, without an error; torch.save keeps it. Known to its makers since
# 2026 (safetensors issue 831).
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "safetensors==0.8.0" "torch==2.13.0" "numpy==2.4.6"
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import io

import safetensors
import torch
from safetensors.torch import load_file, save_file

z = torch.tensor([[1 + 2j, 3 - 4j]])
tensors = {"z": z, "conj": z.conj(), "mH": z.mH, "resolved": z.conj().resolve_conj()}
save_file({name: tensor.clone() if name == "z" else tensor for name, tensor in tensors.items() if name != "mH"}, "a.safetensors")
save_file({"mH": tensors["mH"]}, "b.safetensors")
read = {**load_file("a.safetensors"), **load_file("b.safetensors")}
for name in tensors:
    print("safetensors", safetensors.__version__, name, "written", tensors[name].tolist(), "read", read[name].tolist())
assert tensors["conj"].is_conj() and tensors["conj"].is_contiguous()
assert torch.equal(read["conj"], z) and torch.equal(read["mH"], z.mT)
assert torch.equal(read["resolved"], z.conj()) and torch.equal(read["z"], z)
buffer = io.BytesIO()
torch.save(z.conj(), buffer)
buffer.seek(0)
assert torch.equal(torch.load(buffer), z.conj())
PY
