# The deep network with dictionaries for caches, @ for products, hidden tanh, and one function that does a layer.
import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def layer_forward(A_prev, W, b, g):
    Z = W @ A_prev + b
    A = np.tanh(Z) if g == "tanh" else sigmoid(Z)
    return A, {"A_prev": A_prev, "W": W, "b": b, "Z": Z, "A": A, "g": g}


def L_model_forward(X, parameters):
    L = len(parameters) // 2
    A, caches = X, []
    for l in range(1, L + 1):
        A, cache = layer_forward(A, parameters[f"W{l}"], parameters[f"b{l}"], "tanh" if l < L else "sigmoid")
        caches.append(cache)
    return A, caches


def slope(cache):
    A = cache["A"]
    if cache["g"] == "tanh":
        return 1 - A**2
    return A * (1 - A)


def L_model_backward(AL, Y, caches):
    m = Y.shape[1]
    grads = {}
    dA = (1 - Y) / (1 - AL) - Y / AL
    for l in range(len(caches), 0, -1):
        cache = caches[l - 1]
        dZ = dA * slope(cache)
        grads[f"dW{l}"] = dZ @ cache["A_prev"].T / m
        grads[f"db{l}"] = dZ.sum(axis=1, keepdims=True) / m
        dA = cache["W"].T @ dZ
    return grads


def compute_cost(AL, Y):
    return float(-np.mean(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)))


def update_parameters(parameters, grads, lr):
    return {key: parameters[key] - lr * grads["d" + key] for key in parameters}


def initialize_parameters_deep(layers_dims):
    rng = np.random.default_rng(0)
    params = {}
    for l, (n_prev, n) in enumerate(zip(layers_dims[:-1], layers_dims[1:]), start=1):
        params[f"W{l}"] = rng.standard_normal((n, n_prev)) / np.sqrt(n_prev)
        params[f"b{l}"] = np.zeros((n, 1))
    return params
