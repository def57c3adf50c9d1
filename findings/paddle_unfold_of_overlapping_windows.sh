#!/usr/bin/env bash
# Guess: an entry that stands in two windows of x.unfold(0, 2, 1) gets the gradient of both, as it does in PyTorch.
# Seen (paddlepaddle 3.3.1, CPU): it gets that of one of them: the sum of the windows of three entries has the gradient [1, 1, 1], not
# [1, 2, 1], without an error, and as_strided likewise. nn.functional.unfold, for pictures, is right. Mended after this version
# (pull request 79748 of Paddle).
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "paddlepaddle==3.3.1" "numpy==2.4.6"
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import paddle

paddle.set_device("cpu")


def gradient(f, numbers):
    x = paddle.to_tensor(numbers, dtype="float64", stop_gradient=False)
    f(x).sum().backward()
    return x.grad.numpy()


numbers = np.array([1.0, 2.0, 3.0])
windows = paddle.to_tensor(numbers).unfold(0, 2, 1).numpy()
right = [np.lib.stride_tricks.sliding_window_view(one, 2).sum() for one in np.eye(3)]
unfolded = gradient(lambda x: x.unfold(0, 2, 1), numbers)
strided = gradient(lambda x: paddle.as_strided(x, [2, 2], [1, 1]), numbers)
print("paddle", paddle.__version__, "windows", windows.tolist(), "gradient", unfolded, strided, "right", right)
assert windows.tolist() == [[1.0, 2.0], [2.0, 3.0]] and right == [1.0, 2.0, 1.0]
assert unfolded.tolist() == strided.tolist() == [1.0, 1.0, 1.0]
picture = gradient(lambda x: paddle.nn.functional.unfold(x.reshape([1, 1, 2, 3]), 2), np.arange(6.0))
assert picture.tolist() == [1.0, 2.0, 1.0, 1.0, 2.0, 1.0]
PY
