# One hidden layer, example by example: loops in the place of vectors.
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward_propagation(X, parameters):
    m = X.shape[1]
    n_h = parameters["W1"].shape[0]
    A1 = np.zeros((n_h, m))
    A2 = np.zeros((1, m))
    for i in range(m):
        for j in range(n_h):
            A1[j, i] = np.tanh(np.dot(parameters["W1"][j], X[:, i]) + parameters["b1"][j, 0])
        A2[0, i] = sigmoid(np.dot(parameters["W2"][0], A1[:, i]) + parameters["b2"][0, 0])
    return A2, {"A1": A1, "A2": A2}


def compute_cost(A2, Y):
    J = 0
    m = Y.shape[1]
    for i in range(m):
        J += -(Y[0, i] * np.log(A2[0, i]) + (1 - Y[0, i]) * np.log(1 - A2[0, i]))
    return J / m


def backward_propagation(parameters, cache, X, Y):
    m = X.shape[1]
    A1, A2 = cache["A1"], cache["A2"]
    dW1 = np.zeros(parameters["W1"].shape)
    db1 = np.zeros(parameters["b1"].shape)
    dW2 = np.zeros(parameters["W2"].shape)
    db2 = np.zeros(parameters["b2"].shape)
    for i in range(m):
        dz2 = A2[0, i] - Y[0, i]
        dW2 += dz2 * A1[:, i].reshape(1, -1)
        db2 += dz2
        for j in range(A1.shape[0]):
            dz1 = dz2 * parameters["W2"][0, j] * (1 - A1[j, i] ** 2)
            dW1[j] += dz1 * X[:, i]
            db1[j, 0] += dz1
    dW1, db1, dW2, db2 = dW1 / m, db1 / m, dW2 / m, db2 / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
