"""What the graph says: gradients of a learner's own forward function.

The forward function is run on Tensors, and its recording is differentiated. Where it cannot be recorded (a
loop that
fills an array, `float(...)`), central differences of the very same function take the graph's place.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Parameters = dict[str, Array]


def gradients(cost: Callable[[Parameters], Any], parameters: Parameters) -> tuple[dict[str, Array], str]:
    """Return the gradient of a cost for every parameter, and what says so: "graph" or "central differences".

    The two are held against each other: a recording that a function has broken (by going through `.data`,
    say) is not
    believed.
    """
    by_differences = central_differences(cost, parameters)
    try:
        from tinygrad_course import grad

        by_graph = grad(cost)(parameters)
        recorded = {key: np.asarray(by_graph[key], dtype=float) for key in parameters}
    except Exception:  # noqa: BLE001 - the learner's function is given Tensors; whatever it does with them, differences remain
        return by_differences, "central differences"
    for key, value in recorded.items():
        if not np.allclose(value, by_differences[key], rtol=1e-4, atol=1e-6):
            return by_differences, "central differences"
    return recorded, "graph"


def central_differences(
    cost: Callable[[Parameters], Any], parameters: Mapping[str, Array], step: float = 1e-5
) -> dict[str, Array]:
    """Return (J(theta + step) - J(theta - step)) / (2 step), entry by entry."""
    found: dict[str, Array] = {}
    for key, value in parameters.items():
        gradient = np.zeros(np.shape(value))
        for index in np.ndindex(gradient.shape):
            values = []
            for shift in (step, -step):
                moved = {name: np.array(other, dtype=float) for name, other in parameters.items()}
                moved[key][index] += shift
                values.append(float(np.squeeze(cost(moved))))
            gradient[index] = (values[0] - values[1]) / (2 * step)
        found[key] = gradient
    return found
