#!/usr/bin/env bash
# Guess: Elu of small negative numbers is exp(x) - 1 to float32's seven digits, as in ONNX's own reference (expm1).
# Seen (onnxruntime 1.32.0, CPU): it is the difference of two rounded numbers: at -1e-6 Elu, Celu and Selu are 1.3 % off,
# and 0 below 3e-8.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "onnxruntime==1.32.0" "onnx==1.23.2" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator


def run(kind, x):
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, x.shape)]
    graph = helper.make_graph([helper.make_node(kind, ["x"], ["y"])], "g", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return ReferenceEvaluator(model).run(None, {"x": x})[0], session.run(None, {"x": x})[0]


x = np.array([-1e-6, -1e-4, -1e-8], np.float32)
for kind, scale in {"Elu": 1.0, "Celu": 1.0, "Selu": 1.7580993}.items():
    reference, seen = run(kind, x)
    right = scale * np.expm1(x.astype(np.float64))
    error = np.abs(seen / right - 1)
    print(onnxruntime.__version__, kind, "relative errors", error, "of the reference", np.abs(reference / right - 1))
    assert error[0] > 0.01 and error[1] > 1e-4 and seen[2] == 0
    assert np.abs(reference / right - 1).max() < 1e-5
PY
