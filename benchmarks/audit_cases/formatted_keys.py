# Keys by f-strings, one dictionary for all layers, updates over the keys.
import numpy as np


def sigmoid(z: np.ndarray) -> np.ndarray:
    return np.where(z >= 0, 1 / (1 + np.exp(-np.abs(z))), np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))))


def relu(z):
    return np.maximum(z, 0.0)


def init_params(layer_sizes, seed=1):
    rng = np.random.default_rng(seed)
    params = {}
    for l, (n_in, n_out) in enumerate(zip(layer_sizes[:-1], layer_sizes[1:]), start=1):
        params[f"W{l}"] = rng.standard_normal((n_out, n_in)) * np.sqrt(2 / n_in)
        params[f"b{l}"] = np.zeros((n_out, 1))
    return params


def forward(X, params):
    L = len(params) // 2
    cache = {"A0": X}
    for l in range(1, L + 1):
        cache[f"Z{l}"] = params[f"W{l}"] @ cache[f"A{l - 1}"] + params[f"b{l}"]
        cache[f"A{l}"] = sigmoid(cache[f"Z{l}"]) if l == L else relu(cache[f"Z{l}"])
    return cache[f"A{L}"], cache


def compute_cost(y_hat, y):
    eps = 1e-12
    return float(-np.mean(y * np.log(y_hat + eps) + (1 - y) * np.log(1 - y_hat + eps)))


def backward(params, cache, X, Y):
    L = len(params) // 2
    m = X.shape[1]
    grads = {}
    dZ = cache[f"A{L}"] - Y
    for l in range(L, 0, -1):
        grads[f"dW{l}"] = dZ @ cache[f"A{l - 1}"].T / m
        grads[f"db{l}"] = dZ.mean(axis=1, keepdims=True)
        if l > 1:
            dZ = (params[f"W{l}"].T @ dZ) * (cache[f"Z{l - 1}"] > 0)
    return grads


def update_parameters(params, grads, lr):
    return {k: v - lr * grads["d" + k] for k, v in params.items()}


def train(X, Y, sizes, lr=0.1, epochs=100):
    p = init_params(sizes)
    return p
