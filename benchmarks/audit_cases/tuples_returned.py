# Gradients and costs returned in tuples, not in dictionaries.
import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def propagate(w, b, X, Y):
    m = X.shape[1]
    yhat = sigmoid(w.T @ X + b)
    J = -np.mean(Y * np.log(yhat) + (1 - Y) * np.log(1 - yhat))
    dz = yhat - Y
    dw = X @ dz.T / m
    db = np.mean(dz)
    return dw, db, J


def optimize(w, b, X, Y, num_iterations, learning_rate, print_cost=False):
    costs = []
    for i in range(num_iterations):
        dw, db, cost = propagate(w, b, X, Y)
        w = w - learning_rate * dw
        b = b - learning_rate * db
        costs.append(cost)
    return w, b, dw, db, costs


def backward_propagation(parameters, cache, X, Y):
    A1, A2 = cache["A1"], cache["A2"]
    W2 = parameters["W2"]
    m = Y.shape[1]
    dZ2 = A2 - Y
    dW2 = dZ2 @ A1.T / m
    db2 = dZ2.mean(axis=1, keepdims=True)
    dZ1 = W2.T @ dZ2 * (1 - A1**2)
    dW1 = dZ1 @ X.T / m
    db1 = dZ1.mean(axis=1, keepdims=True)
    return dW1, db1, dW2, db2
