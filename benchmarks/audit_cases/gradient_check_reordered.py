# theta before x; two quotients in one line.
import numpy as np


def forward_propagation(theta, x):
    return theta * x


def backward_propagation(theta, x):
    return x


def gradient_check(x, theta, epsilon=1e-7):
    J_plus = forward_propagation(theta + epsilon, x)
    J_minus = forward_propagation(theta - epsilon, x)
    gradapprox = (J_plus - J_minus) / 2 / epsilon
    grad = backward_propagation(theta, x)
    return abs(grad - gradapprox) / (abs(grad) + abs(gradapprox))
