#!/usr/bin/env bash
# onnxruntime on the CPU has no float64 kernels of operators for which the ONNX standard has float64: Atan, Asin, Acos,
# Sinh, Cosh, Tan, Erf, Asinh, Acosh, Atanh. A model that onnx.checker takes and onnx.reference runs cannot be loaded;
# Tanh, Sin, Cos, Exp and Log have them. Whoever exports in float64 casts there, or writes sinh by exp.
# onnxruntime 1.32.0, onnx 1.23.2, NumPy 2.4.6, Python 3.11. Seen: "NOT_IMPLEMENTED : Could not find an implementation
# for Atan(7) node with name ''".
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np, onnx, onnx.reference, onnxruntime
from onnx import TensorProto, helper

def loaded(kind):
    x = helper.make_tensor_value_info("x", TensorProto.DOUBLE, [3])
    y = helper.make_tensor_value_info("y", TensorProto.DOUBLE, [3])
    graph = helper.make_graph([helper.make_node(kind, ["x"], ["y"])], "g", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    onnx.reference.ReferenceEvaluator(model).run(None, {"x": np.full(3, 1.0 if kind == "Acosh" else 0.5)})
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        print(kind, error)
        return False
    return True

assert all(map(loaded, ["Tanh", "Sin", "Cos", "Exp", "Log"]))
assert not any(map(loaded, ["Atan", "Asin", "Acos", "Sinh", "Cosh", "Tan", "Erf", "Asinh", "Acosh", "Atanh"]))
PYTHON
