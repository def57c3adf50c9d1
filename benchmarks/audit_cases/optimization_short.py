# The optimizers over the keys of dictionaries, without touching the caller's.
import numpy as np


def update_parameters_with_momentum(parameters, grads, v, beta, learning_rate):
    v = {key: beta * v[key] + (1 - beta) * grads[key] for key in v}
    parameters = {key: value - learning_rate * v["d" + key] for key, value in parameters.items()}
    return parameters, v


def update_parameters_with_adam(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    new_parameters, new_v, new_s = {}, {}, {}
    for key, theta in parameters.items():
        g = grads["d" + key]
        m1 = beta1 * v["d" + key] + (1 - beta1) * g
        m2 = beta2 * s["d" + key] + (1 - beta2) * g**2
        m1_hat = m1 / (1 - np.power(beta1, t))
        m2_hat = m2 / (1 - np.power(beta2, t))
        new_parameters[key] = theta - learning_rate * m1_hat / (np.sqrt(m2_hat) + epsilon)
        new_v["d" + key], new_s["d" + key] = m1, m2
    return new_parameters, new_v, new_s


def random_mini_batches(X, Y, mini_batch_size=64, seed=0):
    rng = np.random.RandomState(seed)
    order = rng.permutation(X.shape[1])
    return [
        (X[:, order[k : k + mini_batch_size]], Y[:, order[k : k + mini_batch_size]])
        for k in range(0, X.shape[1], mini_batch_size)
    ]
