# Loops over the examples, with columns.
import math
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def propagate(w, b, X, Y):
    m = X.shape[1]
    n = X.shape[0]
    J = 0
    dw = np.zeros((n, 1))
    db = 0
    for i in range(m):
        x_i = X[:, i].reshape(n, 1)
        z = (np.dot(w.T, x_i) + b).item()
        a = sigmoid(z)
        J += -(Y[0, i] * math.log(a) + (1 - Y[0, i]) * math.log(1 - a))
        dz = a - Y[0, i]
        dw += x_i * dz
        db += dz
    J /= m
    dw /= m
    db /= m
    return {"dw": dw, "db": db}, J


def backward_propagation(parameters, cache, X, Y):
    m = X.shape[1]
    W1, W2 = parameters["W1"], parameters["W2"]
    dW1, db1 = np.zeros(W1.shape), np.zeros((W1.shape[0], 1))
    dW2, db2 = np.zeros(W2.shape), np.zeros((W2.shape[0], 1))
    for i in range(m):
        x, y = X[:, i : i + 1], Y[:, i : i + 1]
        a1, a2 = cache["A1"][:, i : i + 1], cache["A2"][:, i : i + 1]
        dz2 = a2 - y
        dW2 += dz2 @ a1.T
        db2 += dz2
        dz1 = W2.T @ dz2 * (1 - a1 * a1)
        dW1 += dz1 @ x.T
        db1 += dz1
    return {"dW1": dW1 / m, "db1": db1 / m, "dW2": dW2 / m, "db2": db2 / m}
