"""Recurrent cells in the course's names, and the loop over time.

A cell is a function (a_prev, x_t, parameters) -> (a_next, y_t, cache); examples are columns. y_t is the
course's softmax of the output layer, or None where the parameters have no such layer.
"""

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import numpy as np

from tinygrad_course.autodiff.gradients import vjp
from tinygrad_course.autodiff.transforms import checkpoint
from tinygrad_course.engine import trees
from tinygrad_course.functions.activations import linear, sigmoid, softmax, tanh
from tinygrad_course.rules.elementwise import tanh_vjp
from tinygrad_course.rules.shapes import as_array
from tinygrad_course.rules.special import expit_vjp
from tinygrad_course.rules.table import is_tensor, primitive, rule

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
        If x has not three axes, a parameter is missing, a shape does not fit, or T is 0.

    Notes
    -----
    Course 5, week 1; Hochreiter and Schmidhuber (1997). In double precision the slopes of gates have all
    their digits. In single precision they are s (1 - s), as in other libraries: few digits where s is near 1.

    Examples
    --------
    >>> parameters = {"W" + k: np.ones((2, 3)) for k in "fico"} | {"b" + k: np.zeros((2, 1)) for k in "fico"}
    >>> (a, c), activations = lstm(np.ones((1, 4, 5)), parameters)
    >>> activations.shape, np.array_equal(activations[..., -1], a)
    ((2, 4, 5), True)
    """
    names = [of + gate for gate in GATES for of in "Wb"]
    missing = [name for name in names if name not in parameters]
    x = as_array(x)
    if missing or x.ndim != 3:
        raise ValueError(
            f"lstm takes x (n_x, m, T) and Wf, Wi, Wc, Wo, bf, bi, bc, bo: x is {x.shape}; "
            f"missing: {', '.join(missing) or 'none'}"
        )
    x = np.moveaxis(x, axis, 1)
    n_x, T, m = x.shape
    if T == 0:
        raise ValueError(f"there is no time to go through along axis {axis}")
    given = [as_array(parameters[name]) for name in names]
    n = given[0].shape[0]
    if state is None:
        state = (np.zeros_like(given[0], shape=(n, m)),) * 2
    shapes = [as_array(array).shape for array in (*state, *given)]
    if shapes != [(n, m)] * 2 + [(n, n + n_x), (n, 1)] * len(GATES):
        told = ", ".join(f"{name} {shape}" for name, shape in zip(["a", "c", *names], shapes, strict=True))
        raise ValueError(
            f"x of {n_x} features and {m} examples, and {n} units: expected a and c ({n}, {m}), "
            f"W ({n}, {n + n_x}) and b ({n}, 1), not {told}"
        )
    a, c, *_ = lstm_states((x, *state, *given), is_tensor(x))
    return (a[:, -1], c[:, -1]), a if axis == 1 else np.moveaxis(a, 1, axis)


#: The gates of a step in the order of their rows, those that c comes from last: sigmoids, and cct.
GATES = "ofic"


@primitive
def lstm_states(given: tuple[Any, ...], of_x: bool = True) -> tuple[Any, ...]:
    """Return a and c at each step, (n_a, T, m), of x (n_x, T, m), a and c before it, Wo, bo, Wf, bf, ...

    Of arrays it returns three more, for the way back: tanh(c) and the gates with cct, time first, and what
    these are computed from, [a; x; 1]. The gradient is that of x too, if wanted (`of_x`).
    """
    if not _in_buffers(given):
        return _by_cells(*given)
    x, a, c, *parameters = given
    (_, T, m), n, one = x.shape, len(a), x.dtype.type(1)
    W = _stacked(parameters)
    W[: 3 * n] *= -1
    both = np.empty((W.shape[1], T + 1, m), x.dtype)
    both[:n, 0], both[n:-1, :T], both[-1] = a, x, one
    gates, C, tanh_c = (np.empty((*shape, n, m), x.dtype) for shape in ((4, T), (T + 1,), (T,)))
    C[0] = c
    Z = np.empty((4, n, m), x.dtype)
    z, of_gates, of_cct = Z.reshape(4 * n, m), Z[:3], Z[3]
    before, after = both.swapaxes(0, 1), both[:n, 1:].swapaxes(0, 1)
    with np.errstate(over="ignore"):  # a gate that is 0
        steps = zip(before, gates.swapaxes(0, 1), C, C[1:], tanh_c, after, strict=False)
        for above, now, c, c_next, u, a in steps:
            np.dot(W, above, z)
            np.exp(of_gates, of_gates)
            np.add(of_gates, one, of_gates)
            np.reciprocal(of_gates, now[:3])
            o, f, i, cct = now
            np.tanh(of_cct, cct)
            np.multiply(f, c, c_next)
            np.multiply(i, cct, u)
            np.add(c_next, u, c_next)
            np.tanh(c_next, u)
            np.multiply(o, u, a)
    return both[:n, 1:], C[1:].swapaxes(0, 1), tanh_c, gates, both


def _by_cells(x: Any, a: Any, c: Any, *parameters: Any) -> tuple[Any, Any]:
    """Return a and c at each step by `lstm_cell`."""
    named = {of + gate: p for (gate, of), p in zip(product(GATES, "Wb"), parameters, strict=True)}

    def step(state: Any, x_t: Any, p: Any) -> tuple[Any, Any]:
        state = lstm_cell(state, x_t, p)[0]
        return state, state

    return scan(step, (a, c), x, named, axis=1)[1]  # type: ignore[no-any-return]


def _in_buffers(arrays: Any) -> bool:
    """Whether these are arrays of one floating dtype, which may be computed with in buffers."""
    dtypes = {a.dtype if type(a) is np.ndarray else None for a in arrays}
    return len(dtypes) == 1 and dtypes <= {np.dtype("f4"), np.dtype("f8")}


def _stacked(parameters: Any) -> Any:
    """Return [W, b] of all gates, one below the other."""
    return np.concatenate([np.concatenate(parameters[i::2]) for i in (0, 1)], axis=1)


def _lstm_vjp(g: Any, y: Any, given: tuple[Any, ...], of_x: bool = True) -> Any:
    if not _in_buffers([*given, *(part for part in g if part is not None)]):
        states, pullback = vjp(_by_cells, *given)
        parts = zip(g, states, strict=False)
        return pullback(tuple([np.zeros_like(s) if part is None else part for part, s in parts]))
    (x, _, c, *parameters), (_, C, tanh_c, gates, both) = given, y
    T, n, m = tanh_c.shape
    o, f, i, cct = gates
    # what each step is multiplied by: dc by da; the rows of Z by da, and by dc three times; c by dc
    turn, slopes = np.multiply(tanh_c, tanh_c), np.empty((5, T, n, m), tanh_c.dtype)
    of_o, of_f, of_i, of_cct, of_c = slopes
    np.subtract(1, turn, turn)
    np.multiply(gates[:3], gates[:3], slopes[:3])
    np.subtract(gates[:3], slopes[:3], slopes[:3])
    np.multiply(cct, cct, of_cct)
    np.subtract(1, of_cct, of_cct)
    W, through_time = _stacked(parameters), both[:, :T].reshape(-1, T * m)
    exact = W.dtype == np.float64
    if exact and min(turn.min(), of_cct.min(), 1 - gates[:3].max()) < 0.01:  # differences of few digits
        Z = np.dot(W, through_time).reshape(4, n, T, m).swapaxes(1, 2)
        turn, of_cct[...] = tanh_vjp(1, tanh_c, C.swapaxes(0, 1)), tanh_vjp(1, cct, Z[3])
        slopes[:3] = expit_vjp(1, gates[:3], Z[:3])
    np.multiply(turn, o, turn)
    np.multiply(of_o, tanh_c, of_o)
    np.multiply(of_f[0], c, of_f[0])
    np.multiply(of_f[1:], C.swapaxes(0, 1)[:-1], of_f[1:])
    np.multiply(of_i, cct, of_i)
    np.multiply(of_cct, i, of_cct)
    of_c[...] = f
    recurrent = W[:, :n].T
    da, dc, sent = (np.zeros((n, m), W.dtype) for _ in range(3))
    sends = np.empty((T, 5, n, m), W.dtype)
    rows = sends.reshape(T, 5 * n, m)[:, : 4 * n]
    for t in reversed(range(T)):
        if g[0] is not None:
            np.add(da, g[0][:, t], da)
        np.multiply(da, turn[t], sent)
        np.add(sent, dc, sent)
        if g[1] is not None:
            np.add(sent, g[1][:, t], sent)
        np.multiply(of_o[t], da, sends[t, 0])
        np.multiply(slopes[1:, t], sent, sends[t, 1:])
        np.dot(recurrent, rows[t], da)
        dc = sends[t, 4]
    dZ = rows.swapaxes(0, 1).reshape(4 * n, T * m)
    dW = np.dot(dZ, through_time.T)
    dx = np.dot(W[:, n:-1].T, dZ).reshape(x.shape) if of_x else None
    ends = range(n, 5 * n, n)
    return [dx, da, dc, *[part for k in ends for part in (dW[k - n : k, :-1], dW[k - n : k, -1:])]]


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
