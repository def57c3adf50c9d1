#!/usr/bin/env bash
# Guess: Sigmoid on the CPU is right to a few units in the last place of what it gives, as 1 / (1 + exp(-x)) is.
# Seen (onnxruntime 1.32.0): in float32 all below -18 is one number, here 0 (1.5e-8 is right at -18), and its logarithm,
# a loss, is -inf; in float64 sigmoid(-30) is wrong by a thousandth and sigmoid(-80) is 0 (1.8e-35 is right).
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "onnxruntime==1.32.0" "onnx==1.23.2" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper

points = [-100.0, -80.0, -30.0, -20.0, -1.0]


def errors(kind, dtype):
    x, y = (helper.make_tensor_value_info(name, kind, [len(points)]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Sigmoid", ["x"], ["y"])], "g", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"x": np.array(points, dtype)})
    right = 1 / (1 + np.exp(-np.array(points)))
    print("onnxruntime", onnxruntime.__version__, dtype.__name__, found, "right", right)
    return found, abs(found / right - 1)


single, wrong = errors(TensorProto.FLOAT, np.float32)
assert single[0] == single[1] == single[2] == single[3], "numbers below -18 are told apart"
assert (wrong[:4] > 0.5).all() and wrong[4] < 1e-6
double, wrong = errors(TensorProto.DOUBLE, np.float64)
assert double[1] == 0.0 and wrong[2] > 1e-4 and wrong[4] < 1e-14
PY
