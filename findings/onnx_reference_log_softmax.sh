#!/usr/bin/env bash
# Guess: ONNX's reference evaluator gives LogSoftmax as every framework does, z - max(z) - log(sum(exp(z - max(z)))).
# Seen (onnx 1.23.2): it takes the logarithm of the softmax: of [1000, 0] the second entry is -inf, where onnxruntime 1.32.0
# has -1000, so that comparing a model's cross-entropy with the reference fails where the network is sure.
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


with np.errstate(divide="ignore"):
    reference, seen = run("LogSoftmax", np.array([[1000.0, 0.0], [2.0, 1.0]], np.float32))
print("onnx", onnx.__version__, "reference", reference.tolist(), "onnxruntime", seen.tolist())
assert np.allclose(reference[1], seen[1])
assert seen[0, 1] == -1000 and reference[0, 1] == -np.inf
PY
