# Dropout and L2 in a network of one hidden layer, with dictionaries and in-place masks on arrays of its own.
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward_propagation(X, parameters):
    Z1 = parameters["W1"].dot(X) + parameters["b1"]
    A1 = np.tanh(Z1)
    Z2 = parameters["W2"].dot(A1) + parameters["b2"]
    A2 = sigmoid(Z2)
    return A2, {"Z1": Z1, "A1": A1, "W1": parameters["W1"], "W2": parameters["W2"], "Z2": Z2, "A2": A2}


def backward_propagation_with_regularization(X, Y, cache, lambd):
    m = Y.shape[1]
    W1, W2 = cache["W1"], cache["W2"]
    dZ2 = cache["A2"] - Y
    dW2 = (np.dot(dZ2, cache["A1"].T) + lambd * W2) / m
    db2 = np.mean(dZ2, axis=1, keepdims=True)
    dZ1 = np.dot(W2.T, dZ2) * (1 - cache["A1"] ** 2)
    dW1 = (np.dot(dZ1, X.T) + lambd * W1) / m
    db1 = np.mean(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def forward_propagation_with_dropout(X, parameters, keep_prob):
    Z1 = parameters["W1"].dot(X) + parameters["b1"]
    A1 = np.tanh(Z1)
    D1 = (np.random.rand(*A1.shape) < keep_prob).astype(int)
    A1 *= D1
    A1 /= keep_prob
    Z2 = parameters["W2"].dot(A1) + parameters["b2"]
    A2 = sigmoid(Z2)
    return A2, {"Z1": Z1, "A1": A1, "D1": D1, "W2": parameters["W2"], "A2": A2}


def backward_propagation_with_dropout(X, Y, cache, keep_prob):
    m = Y.shape[1]
    dZ2 = cache["A2"] - Y
    dW2 = np.dot(dZ2, cache["A1"].T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dA1 = np.dot(cache["W2"].T, dZ2)
    dA1 *= cache["D1"]
    dA1 /= keep_prob
    dZ1 = dA1 * (1 - np.tanh(cache["Z1"]) ** 2)
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
