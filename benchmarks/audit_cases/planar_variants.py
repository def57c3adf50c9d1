# One hidden layer of ReLU, small letters, a tuple for the cache, and 1/m up front.
import numpy as np
from planar_utils import sigmoid


def forward_propagation(X, params):
    z1 = params["W1"] @ X + params["b1"]
    a1 = np.maximum(z1, 0)
    z2 = params["W2"] @ a1 + params["b2"]
    a2 = sigmoid(z2)
    return a2, (z1, a1, z2, a2)


def compute_cost(a2, y):
    m = y.shape[1]
    cost = (-y @ np.log(a2).T - (1 - y) @ np.log(1 - a2).T) / m
    return cost.item()


def backward_propagation(params, cache, X, Y):
    (z1, a1, z2, a2) = cache
    m = Y.shape[1]
    dz2 = (a2 - Y) / m
    dw2 = dz2 @ a1.T
    db2 = np.sum(dz2, axis=1, keepdims=True)
    da1 = params["W2"].T @ dz2
    dz1 = da1 * (z1 > 0)
    dw1 = dz1 @ X.T
    db1 = np.sum(dz1, axis=1, keepdims=True)
    return {"dW1": dw1, "db1": db1, "dW2": dw2, "db2": db2}


def update_parameters(params, grads, lr):
    new = {}
    for name in params:
        new[name] = params[name] - lr * grads["d" + name]
    return new


def predict(params, X):
    a2, _ = forward_propagation(X, params)
    return np.round(a2)
