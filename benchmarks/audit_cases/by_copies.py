# Adam, momentum and mini-batches by copies; the decay of the learning rate; week 2's basics.
import copy
import math

import numpy as np


def basic_sigmoid(x):
    return 1 / (1 + math.exp(-x))


def normalize_rows(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def L1(yhat, y):
    return np.sum(np.abs(y - yhat))


def L2(yhat, y):
    return np.dot(y - yhat, y - yhat)


def update_parameters(params, grads, learning_rate):
    parameters = copy.deepcopy(params)
    for l in range(len(parameters) // 2):
        parameters["W" + str(l + 1)] = parameters["W" + str(l + 1)] - learning_rate * grads["dW" + str(l + 1)]
        parameters["b" + str(l + 1)] = parameters["b" + str(l + 1)] - learning_rate * grads["db" + str(l + 1)]
    return parameters


def optimize(w, b, X, Y, num_iterations=100, learning_rate=0.009, print_cost=False):
    w, b = copy.deepcopy(w), copy.deepcopy(b)
    costs = []
    for i in range(num_iterations):
        A = 1 / (1 + np.exp(-(np.dot(w.T, X) + b)))
        dw = np.dot(X, (A - Y).T) / X.shape[1]
        db = np.mean(A - Y)
        w -= learning_rate * dw
        b -= learning_rate * db
        costs.append(-np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A)))
    return {"w": w, "b": b}, {"dw": dw, "db": db}, costs


def update_lr(learning_rate0, epoch_num, decay_rate):
    return learning_rate0 / (1 + decay_rate * epoch_num)


def schedule_lr_decay(learning_rate0, epoch_num, decay_rate, time_interval=1000):
    return learning_rate0 / (1 + decay_rate * np.floor(epoch_num / time_interval))
