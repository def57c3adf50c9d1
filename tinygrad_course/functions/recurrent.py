"""Recurrent cells in the course's names, and the loop over time.

A cell is a function (a_prev, x_t, parameters) -> (a_next, y_t, cache); examples are columns. y_t is the
course's softmax of the output layer, or None where the parameters have no such layer.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_course.autodiff.transforms import checkpoint
from tinygrad_course.engine import trees
from tinygrad_course.functions.activations import linear, sigmoid, softmax, tanh
from tinygrad_course.rules.table import primitive, rule

Parameters = Mapping[str, Any]


def rnn_cell(a_prev: Any, x_t: Any, parameters: Parameters) -> tuple[Any, Any, tuple[Any, ...]]:
    """Return a_next = tanh(Wax x_t + Waa a_prev + ba), y_t = softmax(Wya a_next + by), and a cache.

    Parameters
    ----------
    a_prev : array, shape (n_a, m)
    x_t : array, shape (n_x, m)
    parameters : dict
        Wax (n_a, n_x), Waa (n_a, n_a), ba (n_a, 1); Wya (n_y, n_a) and by (n_y, 1), or neither.

    Returns
    -------
    a_next : array, shape (n_a, m)
    y_t : array, shape (n_y, m), or None
    cache : tuple
        (a_next, a_prev, x_t, parameters).

    Notes
    -----
    Course 5, week 1.

    Examples
    --------
    >>> parameters = {"Wax": np.eye(2), "Waa": np.zeros((2, 2)), "ba": np.zeros((2, 1))}
    >>> a_next, y_t, cache = rnn_cell(np.zeros((2, 1)), np.array([[0.0], [1.0]]), parameters)
    >>> a_next.ravel().round(4), y_t
    (array([0.    , 0.7616]), None)
    """
    p = parameters
    a_next = tanh(linear(p["Wax"], x_t, p["ba"]) + np.dot(p["Waa"], a_prev))
    return a_next, _output(a_next, p, "Wya"), (a_next, a_prev, x_t, parameters)


def gru_cell(c_prev: Any, x_t: Any, parameters: Parameters) -> tuple[Any, Any, tuple[Any, ...]]:
    """Return c_next = gamma_u cct + (1 - gamma_u) c_prev, y_t = softmax(Wy c_next + by), and a cache.

    Parameters
    ----------
    c_prev : array, shape (n_a, m)
        The memory, which is the activation a_prev too.
    x_t : array, shape (n_x, m)
    parameters : dict
        Wr, Wu, Wc, each (n_a, n_a + n_x) for the rows of [c_prev; x_t], and br, bu, bc (n_a, 1): the
        relevance gate, the update gate, the candidate cct = tanh(Wc [gamma_r c_prev; x_t] + bc). Wy (n_y,
        n_a) and by, or neither.

    Returns
    -------
    c_next, y_t, cache
        The cache is (c_next, c_prev, gamma_r, gamma_u, cct, x_t, parameters).

    Notes
    -----
    Course 5, week 1; Cho et al. (2014).

    Examples
    --------
    >>> parameters = {"W" + k: np.zeros((2, 3)) for k in "ruc"} | {"b" + k: np.zeros((2, 1)) for k in "ruc"}
    >>> gru_cell(np.ones((2, 1)), np.ones((1, 1)), parameters)[0].ravel()
    array([0.5, 0.5])
    """
    p = parameters
    both = np.concatenate([c_prev, x_t])
    gamma_r = sigmoid(linear(p["Wr"], both, p["br"]))
    gamma_u = sigmoid(linear(p["Wu"], both, p["bu"]))
    cct = tanh(linear(p["Wc"], np.concatenate([gamma_r * c_prev, x_t]), p["bc"]))
    c_next = gamma_u * cct + (1 - gamma_u) * c_prev
    return c_next, _output(c_next, p, "Wy"), (c_next, c_prev, gamma_r, gamma_u, cct, x_t, parameters)


def lstm_cell(
    a_prev: tuple[Any, Any], x_t: Any, parameters: Parameters
) -> tuple[tuple[Any, Any], Any, tuple[Any, ...]]:
    """Return (a_next, c_next), y_t = softmax(Wy a_next + by), and the course's cache.

    Parameters
    ----------
    a_prev : (a_prev, c_prev), arrays of shape (n_a, m)
        The activation and the memory.
    x_t : array, shape (n_x, m)
    parameters : dict
        Wf, Wi, Wc, Wo, each (n_a, n_a + n_x) for the rows of [a_prev; x_t], and bf, bi, bc, bo (n_a, 1):
        the forget gate ft, the update gate it, the candidate cct, the output gate ot. Wy (n_y, n_a) and
        by, or neither.

    Returns
    -------
    (a_next, c_next), y_t, cache
        c_next = ft c_prev + it cct, a_next = ot tanh(c_next); the cache is
        (a_next, c_next, a_prev, c_prev, ft, it, cct, ot, x_t, parameters).

    Notes
    -----
    Course 5, week 1; Hochreiter and Schmidhuber (1997).

    Examples
    --------
    >>> parameters = {"W" + k: np.zeros((2, 3)) for k in "fico"} | {"b" + k: np.zeros((2, 1)) for k in "fico"}
    >>> (a, c), _, _ = lstm_cell((np.zeros((2, 1)), np.ones((2, 1))), np.ones((1, 1)), parameters)
    >>> c.ravel(), a.ravel().round(4)
    (array([0.5, 0.5]), array([0.2311, 0.2311]))
    """
    p = parameters
    a, c_prev = a_prev
    both = np.concatenate([a, x_t])
    ft = sigmoid(linear(p["Wf"], both, p["bf"]))
    it = sigmoid(linear(p["Wi"], both, p["bi"]))
    cct = tanh(linear(p["Wc"], both, p["bc"]))
    ot = sigmoid(linear(p["Wo"], both, p["bo"]))
    c_next = ft * c_prev + it * cct
    a_next = ot * tanh(c_next)
    cache = (a_next, c_next, a, c_prev, ft, it, cct, ot, x_t, parameters)
    return (a_next, c_next), _output(a_next, p, "Wy"), cache


def lstm(
    x: Any, parameters: Parameters, state: tuple[Any, Any] | None = None, axis: int = -1
) -> tuple[tuple[Any, Any], Any]:
    """Return (a, c) after the last step, and the activations of all: `lstm_cell` over time, as one node.

    Parameters
    ----------
    x : array, shape (n_x, m, T)
        The inputs, time along `axis`.
    parameters : dict
        Wf, Wi, Wc, Wo and bf, bi, bc, bo, as in `lstm_cell`; others are left alone.
    state : (a, c), arrays of shape (n_a, m), optional
        Before the first step; by default zeros.
    axis : int
        The axis of time, in x and in what is returned.

    Returns
    -------
    (a, c), activations
        The activations are (n_a, m, T), time along `axis`.

    Raises
    ------
    ValueError
        If x has not three axes, a parameter is missing, or T is 0.

    Notes
    -----
    Course 5, week 1; Hochreiter and Schmidhuber (1997).

    Examples
    --------
    >>> parameters = {"W" + k: np.ones((2, 3)) for k in "fico"} | {"b" + k: np.zeros((2, 1)) for k in "fico"}
    >>> (a, c), activations = lstm(np.ones((1, 4, 5)), parameters)
    >>> activations.shape, np.array_equal(activations[..., -1], a)
    ((2, 4, 5), True)
    """
    missing = [of + gate for gate in GATES for of in "Wb" if of + gate not in parameters]
    if missing or len(np.shape(x)) != 3:
        raise ValueError(
            f"lstm takes x (n_x, m, T) and Wf, Wi, Wc, Wo, bf, bi, bc, bo: x is {np.shape(x)}, and "
            f"{' and '.join(missing) or 'none'} is missing"
        )
    W, b = (np.concatenate([parameters[of + gate] for gate in GATES]) for of in "Wb")
    n = W.shape[0] // len(GATES)
    x = np.moveaxis(x, axis, 1)
    n_x, T, m = x.shape
    if T == 0:
        raise ValueError(f"there is no time to go through along axis {axis}")
    Z = np.reshape(linear(W[:, n:], np.reshape(x, (n_x, T * m)), b), (len(GATES), n, T, m))
    if state is None:
        state = (np.zeros_like(Z, shape=(n, m)), np.zeros_like(Z, shape=(n, m)))
    a, c, *_ = lstm_states((Z, *state, W[:, :n]))
    return (a[-1], c[-1]), np.moveaxis(a, 0, axis)


#: The gates of a step in the order of their rows, those that c comes from last: sigmoids, and cct.
GATES = "ofic"


@primitive
def lstm_states(given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a, c, tanh(c) and cct at each step, (T, n_a, m), and the three gates, (T, 3, n_a, m).

    They are made of (Z, a, c, W): Z (4, n_a, T, m) is what the inputs and the biases give to the gates, and W
    (4 n_a, n_a) multiplies a.
    """
    Z, a, c, W = given
    found = []
    with np.errstate(over="ignore"):  # a gate that is 0
        for t in range(Z.shape[2]):
            z = np.dot(W, a).reshape(Z[:, :, t].shape) + Z[:, :, t]
            gates, cct = 1 / (1 + np.exp(-z[:3])), np.tanh(z[3])
            c = gates[1] * c + gates[2] * cct
            tanh_c = np.tanh(c)
            a = gates[0] * tanh_c
            found.append((a, c, tanh_c, cct, gates))
    return tuple([np.stack(parts) for parts in zip(*found, strict=True)])


def _lstm_vjp(g: Any, y: Any, given: tuple[Any, ...]) -> list[Any]:
    (_, a0, c0, W), (a, c, tanh_c, cct, gates) = given, y
    bent = gates - gates * gates
    bend, bend_c = 1 - cct * cct, 1 - tanh_c * tanh_c
    turn = gates[:, 0] * bend_c  # dc by da
    of_a = (tanh_c * bent[:, 0])[:, None]  # of the rows of Z by da, and by dc
    before = np.concatenate([c0[None], c[:-1]])
    of_c = np.stack([before * bent[:, 1], cct * bent[:, 2], gates[:, 2] * bend], axis=1)
    da, dc = np.zeros_like(a0), np.zeros_like(c0)
    found = []
    for t in reversed(range(len(a))):
        if g[0] is not None:
            da = da + g[0][t]
        if g[1] is not None:
            dc = dc + g[1][t]
        if g[2] is not None:
            dc = dc + g[2][t] * bend_c[t]
        dc = dc + da * turn[t]
        dz = np.concatenate([da * of_a[t], dc * of_c[t]])
        if g[3] is not None:
            dz = dz + np.concatenate([np.zeros_like(bent[t]), (g[3][t] * bend[t])[None]])
        if g[4] is not None:
            dz = dz + np.concatenate([g[4][t] * bent[t], np.zeros_like(bend[t])[None]])
        found.append(dz)
        da, dc = np.dot(W.T, dz.reshape(W.shape[0], -1)), dc * gates[t, 1]
    dZ = np.stack(found[::-1], axis=2)
    before = np.moveaxis(np.concatenate([a0[None], a[:-1]]), 0, 1)
    dW = np.dot(dZ.reshape(W.shape[0], -1), before.reshape(W.shape[1], -1).T)
    return [dZ, da, dc, dW]


rule(lstm_states, _lstm_vjp, sequence=True, outputs=True, takes_none=True, name="lstm")


def _output(a: Any, p: Parameters, W: str) -> Any:
    return softmax(linear(p[W], a, p["by"])) if W in p else None


def scan(
    step: Callable[..., Any], state: Any, x: Any, parameters: Any = None, axis: int = -1, every: int = 0
) -> tuple[Any, Any]:
    """Return the last state and what each step put out, stacked over time.

    Parameters
    ----------
    step : callable
        ``step(state, x_t, parameters) -> (state, y_t)``, each an array or a nest of arrays; what it
        returns beyond the two (a cell's cache) is dropped. y_t may be None.
    state : array or nest of arrays
        Before the first step.
    x : array, shape (n_x, m, T)
        The inputs, time along `axis`.
    parameters
        Passed on to each step.
    axis : int
        The axis of time, in x and in what is returned.
    every : int
        Above 0, only the states every so many steps are kept for the way back, and the steps between them are
        computed again: memory for T / every states and for `every` steps, for one more forward pass. About
        the root of T is least.

    Returns
    -------
    state, y
        y has time along `axis`; None where the steps put out nothing.

    Examples
    --------
    >>> running_sum = lambda s, x_t, _: (s + x_t, s + x_t)
    >>> scan(running_sum, np.zeros(1), np.array([[1.0, 2.0, 3.0]]))
    (array([6.]), array([[1., 3., 6.]]))
    """
    T = x.shape[axis]
    if T == 0:
        raise ValueError(f"x is {x.shape}: there is no time to go through along axis {axis}")

    def steps(state: Any, x: Any, parameters: Any) -> tuple[Any, list[Any]]:
        ys = []
        for t in range(x.shape[axis]):
            state, y = step(state, _at(x, t, axis), parameters)[:2]
            ys.append(y)
        return state, ys

    if every <= 0:
        state, ys = steps(state, x, parameters)
    else:
        ys, kept = [], checkpoint(steps)
        for t in range(0, T, every):
            state, some = kept(state, _at(x, slice(t, t + every), axis), parameters)
            ys += some
    if not trees.leaves(ys[0]):
        return state, None
    return state, trees.tree_map(lambda *y: np.stack(y, axis=axis), *ys)


def _at(x: Any, t: int | slice, axis: int) -> Any:
    return x[(slice(None),) * (axis % len(x.shape)) + (t,)]
