"""Attention by hand, convolutions as classes, code that asks for the number of axes; and mistakes in them."""

import pytest

from tinygrad_course.audit.command.one_file import audit_text
from tinygrad_course.audit.reporting.results import RIGHT, WRONG

TEXT = """import numpy as np
def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)
def attention_forward(Q, K, V):
    scale = 1 / np.sqrt(Q.shape[-1])
    P = softmax(Q @ np.swapaxes(K, -1, -2) * scale)
    return P @ V, (Q, K, V, P, scale)
def attention_backward(dout, cache):
    Q, K, V, P, scale = cache
    dV = np.swapaxes(P, -1, -2) @ dout
    dP = dout @ np.swapaxes(V, -1, -2)
    dS = P * (dP - np.sum(dP * P, axis=-1, keepdims=True))
    dQ = dS @ K * scale
    dK = np.swapaxes(dS, -1, -2) @ Q * scale
    return dQ, dK, dV
class MultiHeadAttention:
    def __init__(self, d_model, n_heads):
        assert d_model % n_heads == 0
        self.n_heads, self.d_k = n_heads, d_model // n_heads
        self.Wq, self.Wk, self.Wv = (np.random.randn(d_model, d_model) for _ in range(3))
    def split(self, x):
        B, T, C = x.shape
        return x.reshape(B, T, self.n_heads, self.d_k).transpose(0, 2, 1, 3)
    def merge(self, x):
        B, H, T, d = x.shape
        return x.transpose(0, 2, 1, 3).reshape(B, T, H * d)
    def forward(self, x):
        self.x = x
        self.q, self.k, self.v = self.split(x @ self.Wq), self.split(x @ self.Wk), self.split(x @ self.Wv)
        self.p = softmax(self.q @ self.k.transpose(0, 1, 3, 2) / np.sqrt(self.d_k))
        return self.merge(self.p @ self.v)
    def backward(self, dout):
        do, C = self.split(dout), dout.shape[-1]
        dv = self.p.transpose(0, 1, 3, 2) @ do
        dp = do @ self.v.transpose(0, 1, 3, 2)
        ds = self.p * (dp - np.sum(dp * self.p, axis=-1, keepdims=True)) / np.sqrt(self.d_k)
        dq, dk = self.merge(ds @ self.k), self.merge(ds.transpose(0, 1, 3, 2) @ self.q)
        dv = self.merge(dv)
        flat = self.x.reshape(-1, C).T
        self.dWq, self.dWk, self.dWv = (flat @ one.reshape(-1, C) for one in (dq, dk, dv))
        return dq @ self.Wq.T + dk @ self.Wk.T + dv @ self.Wv.T
class Conv2d:
    def __init__(self, in_channels, out_channels, kernel_size):
        self.k = kernel_size
        self.W = np.random.randn(out_channels, in_channels, kernel_size, kernel_size)
        self.b = np.zeros(out_channels)
    def forward(self, x):
        self.x = x
        B, C, H, W = x.shape
        out = np.zeros((B, len(self.b), H - self.k + 1, W - self.k + 1))
        for i in range(out.shape[2]):
            for j in range(out.shape[3]):
                patch = x[:, :, i : i + self.k, j : j + self.k]
                out[:, :, i, j] = np.tensordot(patch, self.W, axes=([1, 2, 3], [1, 2, 3])) + self.b
        return out
    def backward(self, dout):
        self.dW = np.zeros_like(self.W)
        self.db = np.sum(dout, axis=(0, 2, 3))
        dx = np.zeros_like(self.x)
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                rows, columns = slice(i, i + self.k), slice(j, j + self.k)
                self.dW += np.tensordot(dout[:, :, i, j], self.x[:, :, rows, columns], axes=([0], [0]))
                dx[:, :, rows, columns] += np.tensordot(dout[:, :, i, j], self.W, axes=([1], [0]))
        return dx
class Linear:
    def __init__(self, in_features, out_features):
        self.W, self.b = np.random.randn(in_features, out_features), np.zeros(out_features)
    def forward(self, X):
        self.X = X
        return X @ self.W + self.b
    def backward(self, dZ):
        if self.X.ndim == 3:
            rows, tall = self.X.reshape(-1, self.X.shape[-1]), dZ.reshape(-1, dZ.shape[-1])
            self.dW = rows.T @ tall
            self.db = tall.sum(axis=0)
        else:
            self.dW = self.X.T @ dZ
            self.db = dZ.sum(axis=0)
        return dZ @ self.W.T
class Gate:
    @staticmethod
    def slope(z):
        return 1 / (1 + np.exp(-z)) * (1 - 1 / (1 + np.exp(-z)))
    def forward(self, x):
        self.x = x
        self.kept = {"dA": None}
        return 1 / (1 + np.exp(-x))
    def backward(self, dX):
        self.kept["dA"] = dX
        return dX * Gate.slope(self.x)
def l2_cost(A, Y):
    return np.mean(np.sum((A - Y) ** 2, axis=1))
def l2_cost_grad(A, Y):
    return 2 * (A - Y) / len(A)
"""


def wrong_lines(text):
    return {
        one.name: [part.line for part in one.findings]
        for one in audit_text(text).functions
        if one.status == WRONG
    }


def test_all_of_it_is_right():
    assert {one.status for one in audit_text(TEXT).functions} == {RIGHT}


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("dQ = dS @ K * scale", "dQ = dS @ K", "attention_backward"),
        ("np.swapaxes(dS, -1, -2) @ Q", "dS @ Q", "attention_backward"),
        ("self.p.transpose(0, 1, 3, 2) @ do", "self.p @ do", "MultiHeadAttention.backward"),
        ("axis=(0, 2, 3))", "axis=(0, 1, 2))", "Conv2d.backward"),
        ("dx[:, :, rows, columns] +=", "dx[:, :, rows, columns] =", "Conv2d.backward"),
        ("rows.T @ tall", "rows.T @ tall / 7", "Linear.backward"),
        ("tall.sum(axis=0)", "tall.mean(axis=0)", "Linear.backward"),
        ("dZ.sum(axis=0)", "dZ.mean(axis=0)", "Linear.backward"),
        ("return dX * Gate.slope(self.x)", "return dX * Gate.slope(2 * self.x)", "Gate.backward"),
        ("return 2 * (A - Y) / len(A)", "return 2 * (Y - A) / len(A)", "l2_cost_grad"),
    ],
)
def test_a_mistake_is_named_by_its_line(old, new, name):
    text = TEXT.replace(old, new)
    assert wrong_lines(text) == {name: [text[: text.index(new)].count("\n") + 1]}


def test_the_line_of_a_static_method_is_named():
    text = TEXT.replace("return 1 / (1 + np.exp(-z)) * (1", "return 1 / (1 + np.exp(-z)) * (2")
    assert wrong_lines(text) == {"Gate.backward": [text[: text.index("* (2")].count("\n") + 1]}
