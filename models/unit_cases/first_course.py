"""The unit cases of assignments 1.2 to 1.4: the inputs that were published, through `models.course`.

The cases of 1.4 were published with inputs of 8 decimals, which is what stands here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.course import logistic, planar, steps

__all__ = ["CASES"]

W_12, B_12 = np.array([[1.0], [2.0]]), 2.0
X_12, Y_12 = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1, 0]])

# 1.3: one set of parameters and one of activations serve several cases.
START = {
    "W1": np.array(
        [
            [-0.00416758, -0.00056267],
            [-0.02136196, 0.01640271],
            [-0.01793436, -0.00841747],
            [0.00502881, -0.01245288],
        ]
    ),
    "b1": np.zeros((4, 1)),
    "W2": np.array([[-0.01057952, -0.00909008, 0.00551454, 0.02292208]]),
    "b2": np.zeros((1, 1)),
}
CACHE = {
    "Z1": np.array(
        [
            [-0.00616586, 0.0020626, 0.0034962],
            [-0.05229879, 0.02726335, -0.02646869],
            [-0.02009991, 0.00368692, 0.02884556],
            [0.02153007, -0.01385322, 0.02600471],
        ]
    ),
    "A1": np.array(
        [
            [-0.00616578, 0.0020626, 0.00349619],
            [-0.05225116, 0.02725659, -0.02646251],
            [-0.02009721, 0.0036869, 0.02883756],
            [0.02152675, -0.01385234, 0.02599885],
        ]
    ),
    "Z2": np.array([[0.00092281, -0.00056678, 0.00095853]]),
    "A2": np.array([[0.5002307, 0.49985831, 0.50023963]]),
}
STEPPED = {
    "W1": np.array(
        [
            [-0.00615039, 0.0169021],
            [-0.02311792, 0.03137121],
            [-0.0169217, -0.01752545],
            [0.00935436, -0.05018221],
        ]
    ),
    "b1": np.array([[-8.97523455e-07], [8.15562092e-06], [6.04810633e-07], [-2.54560700e-06]]),
    "W2": np.array([[-0.0104319, -0.04019007, 0.01607211, 0.04440255]]),
    "b2": np.array([[9.14954378e-05]]),
}
STEP = {
    "dW1": np.array(
        [
            [0.00023322, -0.00205423],
            [0.00082222, -0.00700776],
            [-0.00031831, 0.0028636],
            [-0.00092857, 0.00809933],
        ]
    ),
    "db1": np.array([[1.05570087e-07], [-3.81814487e-06], [-1.90155145e-07], [5.46467802e-07]]),
    "dW2": np.array([[-1.75740039e-05, 3.70231337e-03, -1.25683095e-03, -2.55715317e-03]]),
    "db2": np.array([[-1.08923140e-05]]),
}

# 1.4
A_14 = np.array([[-1.02387576, 1.12397796], [-1.62328545, 0.64667545], [-1.74314104, -0.59664964]])
W_14 = np.array([[0.74505627, 1.97611078, -1.24412333]])


def sigmoid() -> dict[str, Any]:
    """1.2: sigmoid at 0 and 9.2."""
    return {"sigmoid_0": logistic.sigmoid(0), "sigmoid_9_2": logistic.sigmoid(9.2)}


def propagate() -> dict[str, Any]:
    """1.2: one gradient."""
    grads, cost = logistic.propagate(W_12, B_12, X_12, Y_12)
    return {**grads, "cost": cost}


def optimize() -> dict[str, Any]:
    """1.2: a hundred steps."""
    params, grads, _ = logistic.optimize(W_12, B_12, X_12, Y_12, num_iterations=100, learning_rate=0.009)
    return {**params, **grads}


def predict_12() -> dict[str, Any]:
    """1.2: labels."""
    return {"predictions": logistic.predict(W_12, B_12, X_12)}


def points(seed: int) -> tuple[np.random.RandomState, Any]:
    """Return a case's stream, and its X of two features and three examples, drawn first."""
    random = np.random.RandomState(seed)
    return random, random.randn(2, 3)


def forward_13(seed: int) -> dict[str, Any]:
    """1.3: Z1, A1, Z2, A2 and their means."""
    _, X = points(seed)
    _, cache = planar.forward_propagation(X, START)
    return {**cache, "means": [np.mean(cache[name]) for name in ("Z1", "A1", "Z2", "A2")]}


def cost_13(seed: int) -> dict[str, Any]:
    """1.3: the cost for labels that are normal random numbers."""
    Y = np.random.RandomState(seed).randn(1, 3)
    return {"cost": planar.compute_cost(CACHE["A2"], Y, START)}


def backward_13(seed: int) -> dict[str, Any]:
    """1.3: the gradients from a given cache."""
    random, X = points(seed)
    return planar.backward_propagation(START, CACHE, X, random.randn(1, 3))


def nn_model(
    seed: int, learning_rate: float, parameters_seed: int, iterations: int = 10000
) -> dict[str, Any]:
    """1.3: ten thousand steps down a cost without a lower bound.

    The overflows are the case's own: with labels other than 0 and 1 no cost is the smallest.
    """
    random, X = points(seed)
    Y = random.randn(1, 3)
    costs = {}
    with np.errstate(all="ignore"):
        parameters = planar.initialize_parameters(2, 4, 1, parameters_seed)
        for i in range(iterations):
            A2, cache = planar.forward_propagation(X, parameters)
            if i % 1000 == 0:
                costs[i] = planar.compute_cost(A2, Y)
            grads = planar.backward_propagation(parameters, cache, X, Y)
            parameters = planar.update_parameters(parameters, grads, learning_rate)
    return {**parameters, "costs": costs}


def predict_13(seed: int) -> dict[str, Any]:
    """1.3: labels and their mean."""
    _, X = points(seed)
    predictions = planar.predict(STEPPED, X)
    return {"predictions": predictions, "predictions_mean": np.mean(predictions)}


def layer_sizes() -> dict[str, Any]:
    """1.3: the sizes of X (5, 3) and Y (2, 3)."""
    return {"sizes": planar.layer_sizes(np.zeros((5, 3)), np.zeros((2, 3)))}


def linear_activation_forward() -> dict[str, Any]:
    """1.4: one layer, both activations."""
    return {
        activation: steps.linear_activation_forward(A_14, W_14, 5, activation)[0]
        for activation in ("sigmoid", "relu")
    }


def L_model_forward() -> dict[str, Any]:
    """1.4: two layers."""
    parameters = {
        "W1": np.array([[1.62434536, -0.61175641, -0.52817175], [-1.07296862, 0.86540763, -2.3015387]]),
        "b1": np.zeros((2, 1)),
        "W2": np.array([[1.74481176, -0.7612069]]),
        "b2": np.zeros((1, 1)),
    }
    return {"AL": steps.L_model_forward(A_14, parameters)[0]}


def linear_backward() -> dict[str, Any]:
    """1.4: the linear half of a layer's way back."""
    dZ = np.array([[3.1980455, 7.85763489]])
    return backwards(steps.linear_backward(dZ, (A_14, W_14, np.array([[1.0]]))))


def linear_activation_backward(activation: str) -> dict[str, Any]:
    """1.4: a layer's way back, from a Z that is also the dA."""
    Z = np.array([[3.1980455, 7.85763489]])
    return backwards(steps.linear_activation_backward(Z, ((A_14, W_14, 5), Z), activation))


def backwards(gradients: tuple[Any, Any, Any]) -> dict[str, Any]:
    """Name the three gradients of a layer."""
    return dict(zip(("dA_prev", "dW", "db"), gradients, strict=True))


def L_model_backward() -> dict[str, Any]:
    """1.4: a network of one layer; what the first release calls dA1 is the gradient by A0."""
    AL, Z = np.array([[0.60298372, 0.87182628]]), np.array([[0.41791293, 1.91720367]])
    A0 = np.array([[0.20445225, 0.87811744], [0.02738759, 0.67046751], [0.4173048, 0.55868983]])
    linear_cache = (A0, np.array([[1.78862847, 0.43650985, 0.09649747]]), np.array([[0.0]]))
    grads = steps.L_model_backward(AL, np.array([[1, 1]]), [(linear_cache, Z)])
    return {"dW1": grads["dW1"], "db1": grads["db1"], "dA1": grads["dA0"]}


def update_parameters_14() -> dict[str, Any]:
    """1.4: one step, each layer's db a single number."""
    parameters = {
        "W1": np.array(
            [
                [1.78862847, 0.43650985, 0.09649747],
                [-1.8634927, -0.2773882, -0.35475898],
                [-0.08274148, -0.62700068, -0.04381817],
                [-0.47721803, -1.31386475, 0.88462238],
            ]
        ),
        "b1": np.zeros((4, 1)),
        "W2": np.array(
            [
                [0.88131804, 1.70957306, 0.05003364, -0.40467741],
                [-0.54535995, -1.54647732, 0.98236743, -1.10106763],
                [-1.18504653, -0.2056499, 1.48614836, 0.23671627],
            ]
        ),
        "b2": np.zeros((3, 1)),
        "W3": np.array([[-1.02378514, -0.7129932, 0.62524497], [-0.16051336, -0.76883635, -0.23003072]]),
        "b3": np.zeros((2, 1)),
    }
    dW1 = np.zeros((4, 3))
    dW1[0] = 0.63070583, 0.66482653, 0.18308507
    dW2 = np.zeros((3, 4))
    dW2[0, 0] = 1.62934255
    # One row for two units: it broadcasts.
    dW3 = np.array([[-1.40260776, 0.0, 0.0]])
    grads = {
        "dW1": dW1,
        "dW2": dW2,
        "dW3": dW3,
        "db1": 0.75937676204411464,
        "db2": 0.86163759922811056,
        "db3": -0.84161956022334572,
    }
    return steps.update_parameters(parameters, grads, 0.1)


def keepdims() -> dict[str, Any]:
    """1.4: what np.sum's axis and keepdims do."""
    A = np.array([[1, 2], [3, 4]])
    return {
        "axis1_keep": np.sum(A, axis=1, keepdims=True),
        "axis1": np.sum(A, axis=1),
        "axis0_keep": np.sum(A, axis=0, keepdims=True),
        "axis0": np.sum(A, axis=0),
    }


CASES = {
    "1.2 unit sigmoid": sigmoid,
    "1.2 unit propagate": propagate,
    "1.2 unit optimize": optimize,
    "1.2 unit predict": predict_12,
    "1.3 unit initialize_parameters": lambda: planar.initialize_parameters(2, 4, 1),
    "1.3 unit forward_propagation": lambda: forward_13(1),
    "1.3 unit compute_cost": lambda: cost_13(1),
    "1.3 unit backward_propagation": lambda: backward_13(1),
    "1.3 unit update_parameters": lambda: planar.update_parameters(STEPPED, STEP),
    "1.3 unit nn_model": lambda: nn_model(1, 1.2, 2),
    "1.3 unit predict": lambda: predict_13(1),
    "1.3 notes unit layer_sizes": layer_sizes,
    "1.3 notes unit initialize_parameters": lambda: planar.initialize_parameters(5, 4, 2, seed=2030),
    "1.3 notes unit forward_propagation": lambda: forward_13(2030),
    "1.3 notes unit compute_cost": lambda: cost_13(2030),
    "1.3 notes unit backward_propagation": lambda: backward_13(2030),
    "1.3 notes unit update_parameters": lambda: planar.update_parameters(STEPPED, STEP, 0.5),
    "1.3 notes unit nn_model": lambda: nn_model(2030, 0.5, 2030),
    "1.3 notes unit predict": lambda: predict_13(2030),
    "1.4 unit initialize_parameters": lambda: steps.initialize_parameters(2, 2, 1),
    "1.4 unit initialize_parameters_deep": lambda: steps.initialize_parameters_deep([5, 4, 3]),
    "1.4 unit linear_forward": lambda: {"Z": steps.linear_forward(A_14, W_14, 5)[0]},
    "1.4 unit linear_activation_forward": linear_activation_forward,
    "1.4 unit L_model_forward": L_model_forward,
    "1.4 unit compute_cost": lambda: {
        "cost": steps.compute_cost(np.array([[0.8, 0.9, 0.4]]), np.array([[1, 1, 1]]))
    },
    "1.4 unit linear_backward": linear_backward,
    "1.4 unit linear_activation_backward, sigmoid": lambda: linear_activation_backward("sigmoid"),
    "1.4 unit linear_activation_backward, relu": lambda: linear_activation_backward("relu"),
    "1.4 unit L_model_backward": L_model_backward,
    "1.4 unit update_parameters": update_parameters_14,
    "1.4 unit np.sum keepdims": keepdims,
}
