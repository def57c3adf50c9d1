"""Recordings to draw: the course's example, its networks, and large ones."""

import numpy as np
from scipy.special import expit

from tinygrad_course import Tensor, functions, graph


def course_example(backward=True):
    a, b, c = Tensor(5.0, name="a"), Tensor(3.0, name="b"), Tensor(2.0, name="c")
    J = (3 * (a + b * c)).named("J")
    if backward:
        J.backward()
    return graph(J)


def two_ways(backward=True):
    """a is used three times, b twice."""
    a, b = Tensor(1.5, name="a"), Tensor(-0.5, name="b")
    J = (np.exp(a * b) + a / (b - 3) + a).named("J")
    if backward:
        J.backward()
    return graph(J)


def flower(backward=True, m=40):
    """One hidden layer of tanh units, written as in the assignment."""
    rng = np.random.RandomState(1)
    X, Y = rng.randn(2, m), (rng.rand(1, m) > 0.5) * 1.0
    W1, b1 = Tensor(rng.randn(4, 2), name="W1"), Tensor(np.zeros((4, 1)), name="b1")
    W2, b2 = Tensor(rng.randn(1, 4), name="W2"), Tensor(np.zeros((1, 1)), name="b2")
    Z1 = np.dot(W1, X) + b1
    A1 = np.tanh(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = expit(Z2)
    J = -(1 / m) * np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    if backward:
        J.backward()
    return graph(J, names=locals())


def deep(sizes=(12, 20, 7, 5, 1), m=30, backward=True):
    """Hidden layers of ReLUs, with the project's own functions."""
    rng = np.random.RandomState(3)
    A = X = rng.rand(sizes[0], m)
    Y = (rng.rand(1, m) > 0.6) * 1.0
    parameters = {}
    for l in range(1, len(sizes)):
        W = parameters[f"W{l}"] = Tensor(rng.randn(sizes[l], sizes[l - 1]) / np.sqrt(sizes[l - 1]))
        b = parameters[f"b{l}"] = Tensor(np.zeros((sizes[l], 1)))
        Z = functions.linear(W, A, b).named(f"Z{l}")
        A = (functions.relu(Z) if l < len(sizes) - 1 else functions.sigmoid(Z)).named(f"A{l}")
    J = functions.binary_cross_entropy(A, Y).named("J")
    if backward:
        J.backward()
    return graph(J, names={"X": X, "Y": Y, **parameters})


def logistic(backward=True):
    rng = np.random.RandomState(2)
    X, Y = rng.rand(6, 9), (rng.rand(1, 9) > 0.5) * 1.0
    w, b = Tensor(np.zeros((6, 1)), name="w"), Tensor(0.0, name="b")
    A = expit(np.dot(w.T, X) + b)
    J = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    if backward:
        J.backward()
    return graph(J, names=locals())


def tangle(n=2000):
    """n scalar operations in no order to speak of."""
    rng = np.random.RandomState(0)
    values = [Tensor(v, name=f"w{i}") for i, v in enumerate(rng.randn(30))]
    while len(values) < n:
        a, b = values[rng.randint(len(values))], values[-1 - rng.randint(10)]
        values.append([a + b, a * b * 0.1, np.tanh(a)][rng.randint(3)])
    J = sum(values[-10:])
    return graph(J.named("J"))


def chain(n):
    y = Tensor(1.0, name="x")
    for _ in range(n):
        y = y * 0.99 + 0.01
    return graph(y)


def recurrent(steps=40, backward=False):
    rng = np.random.RandomState(0)
    Waa, Wax = Tensor(rng.randn(5, 5) / 5, name="Waa"), Tensor(rng.randn(5, 3), name="Wax")
    ba, X, a = Tensor(np.zeros((5, 1)), name="ba"), rng.randn(steps, 3, 10), np.zeros((5, 10))
    for t in range(steps):
        a = np.tanh(np.dot(Waa, a) + np.dot(Wax, X[t]) + ba)
    J = np.sum(a**2).named("J")
    if backward:
        J.backward()
    return graph(J)


def convolutional():
    """Two layers that convolve, and a dense one, as in LeNet."""
    rng = np.random.RandomState(0)
    X, Y = rng.randn(2, 10, 10, 1), np.eye(3)[:, :2]
    W1, b1 = Tensor(rng.randn(3, 3, 1, 2), name="W1"), Tensor(np.zeros((1, 1, 1, 2)), name="b1")
    W2, b2 = Tensor(rng.randn(3, 3, 2, 4), name="W2"), Tensor(np.zeros((1, 1, 1, 4)), name="b2")
    W3, b3 = Tensor(rng.randn(3, 16), name="W3"), Tensor(np.zeros((3, 1)), name="b3")
    A1 = functions.max_pool(functions.relu(functions.conv(X, W1, b1)), 2)
    A2 = functions.relu(functions.conv(A1, W2, b2))
    Z3 = functions.linear(W3, np.reshape(A2, (2, -1)).T, b3)
    return graph(functions.categorical_cross_entropy(functions.softmax(Z3), Y), names={"X": X})


def not_a_chain(around):
    """A layer of attention and a dense one, or three dense ones, the first leading around the second."""
    rng = np.random.RandomState(0)
    W = [Tensor(rng.randn(4, 4), name=f"W{l}") for l in range(4)]
    A = np.tanh(W[0] @ rng.randn(4, 6))
    if around == "attention":
        A = (W[1] @ A) @ functions.softmax((W[2] @ A).T @ A, axis=0)
    else:
        A = A + np.tanh(W[2] @ np.tanh(W[1] @ A))
    return graph(np.mean((W[3] @ A) ** 2))
