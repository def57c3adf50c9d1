# Caches in dictionaries, activations looked up by name, keys by %.
import numpy as np


def sigmoid(Z):
    A = 1 / (1 + np.exp(-Z))
    cache = Z
    return A, cache


def relu(Z):
    A = np.maximum(0, Z)
    assert A.shape == Z.shape
    cache = Z
    return A, cache


def relu_backward(dA, cache):
    Z = cache
    dZ = np.array(dA, copy=True)
    dZ[Z <= 0] = 0
    assert dZ.shape == Z.shape
    return dZ


def sigmoid_backward(dA, cache):
    Z = cache
    s = 1 / (1 + np.exp(-Z))
    dZ = dA * s * (1 - s)
    return dZ


def initialize_parameters_deep(layer_dims):
    parameters = {}
    L = len(layer_dims)
    for l in range(1, L):
        parameters["W" + str(l)] = np.random.randn(layer_dims[l], layer_dims[l - 1]) / np.sqrt(
            layer_dims[l - 1]
        )
        parameters["b" + str(l)] = np.zeros((layer_dims[l], 1))
    return parameters


def linear_forward(A, W, b):
    Z = np.dot(W, A) + b
    assert Z.shape == (W.shape[0], A.shape[1])
    cache = {"A": A, "W": W, "b": b}
    return Z, cache


def linear_activation_forward(A_prev, W, b, activation):
    Z, linear_cache = linear_forward(A_prev, W, b)
    A, activation_cache = {"sigmoid": sigmoid, "relu": relu}[activation](Z)
    return A, {"linear": linear_cache, "activation": activation_cache}


def L_model_forward(X, parameters):
    caches = []
    A = X
    L = len(parameters) // 2
    for l in range(1, L + 1):
        A, cache = linear_activation_forward(
            A, parameters["W" + str(l)], parameters["b" + str(l)], "sigmoid" if l == L else "relu"
        )
        caches += [cache]
    return A, caches


def linear_backward(dZ, cache):
    m = cache["A"].shape[1]
    return cache["W"].T.dot(dZ), dZ.dot(cache["A"].T) / m, dZ.sum(1, keepdims=True) / m


def linear_activation_backward(dA, cache, activation):
    dZ = {"sigmoid": sigmoid_backward, "relu": relu_backward}[activation](dA, cache["activation"])
    return linear_backward(dZ, cache["linear"])


def L_model_backward(AL, Y, caches):
    grads, L = {}, len(caches)
    dA = -(Y / AL) + (1 - Y) / (1 - AL)
    for l in range(L - 1, -1, -1):
        dA, grads["dW%d" % (l + 1)], grads["db%d" % (l + 1)] = linear_activation_backward(
            dA, caches[l], "sigmoid" if l == L - 1 else "relu"
        )
        grads["dA%d" % l] = dA
    return grads


def update_parameters(parameters, grads, learning_rate):
    for l in range(len(parameters) // 2):
        for p in "Wb":
            parameters[p + str(l + 1)] = (
                parameters[p + str(l + 1)] - learning_rate * grads["d" + p + str(l + 1)]
            )
    return parameters


def predict(X, y, parameters):
    p = (L_model_forward(X, parameters)[0] > 0.5).astype(int)
    print("Accuracy: %s" % np.mean(p == y))
    return p
