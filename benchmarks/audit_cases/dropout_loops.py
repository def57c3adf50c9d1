# Dropout and L2 for any number of layers.
import numpy as np
from reg_utils import *


def forward_propagation_with_dropout(X, parameters, keep_prob=0.5):
    np.random.seed(1)
    L = len(parameters) // 2
    caches = {"A0": X}
    A = X
    for l in range(1, L):
        Z = np.dot(parameters["W" + str(l)], A) + parameters["b" + str(l)]
        A = relu(Z)
        D = (np.random.rand(*A.shape) < keep_prob).astype(int)
        A = A * D / keep_prob
        caches["Z" + str(l)], caches["A" + str(l)], caches["D" + str(l)] = Z, A, D
    Z = np.dot(parameters["W" + str(L)], A) + parameters["b" + str(L)]
    A = sigmoid(Z)
    caches["Z" + str(L)], caches["A" + str(L)] = Z, A
    for l in range(1, L + 1):
        caches["W" + str(l)] = parameters["W" + str(l)]
    return A, caches


def backward_propagation_with_dropout(X, Y, cache, keep_prob):
    m = X.shape[1]
    L = sum(1 for k in cache if k.startswith("W"))
    grads = {}
    dZ = cache["A" + str(L)] - Y
    for l in range(L, 0, -1):
        grads["dW" + str(l)] = np.dot(dZ, cache["A" + str(l - 1)].T) / m
        grads["db" + str(l)] = np.sum(dZ, axis=1, keepdims=True) / m
        if l > 1:
            dA = np.dot(cache["W" + str(l)].T, dZ) * cache["D" + str(l - 1)] / keep_prob
            dZ = dA * (cache["Z" + str(l - 1)] > 0)
    return grads


def compute_cost_with_regularization(AL, Y, parameters, lambd):
    m = Y.shape[1]
    L = len(parameters) // 2
    cross = compute_cost(AL, Y)
    l2 = 0
    for l in range(L):
        l2 += np.sum(np.square(parameters["W" + str(l + 1)]))
    return cross + l2 * lambd / (2 * m)
