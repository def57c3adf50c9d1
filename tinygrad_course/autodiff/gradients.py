"""Derivatives of functions: `grad`, `value_and_grad`, `vjp`, `jvp`; the `transforms` build on them.

Each takes a function of arrays and returns a function of arrays. Where an argument is a Tensor, or the
function depends on one from outside, the result is a recorded Tensor, and so can be differentiated again:
``grad(grad(f))``.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_course.autodiff.transformed import Transformed
from tinygrad_course.engine import other_arrays, trees
from tinygrad_course.engine.creation import leaf
from tinygrad_course.engine.inputs import Function, Inputs, held, note_cost, title, zeros_of
from tinygrad_course.engine.recording import peek, plain
from tinygrad_course.engine.sweep import Foreign, first_seed, sweep
from tinygrad_course.engine.tensor import Tensor, as_data
from tinygrad_course.engine.views import now


def value_and_grad(f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Function:
    """Return a function that computes f and its gradient in one go.

    Parameters
    ----------
    f : callable
        Returns a scalar cost, or a pair of the cost and something else with `has_aux`.
    argnums : int or sequence of int
        The positional arguments to differentiate by: each an array, or any nest of dicts, lists and tuples of
        arrays.
    has_aux : bool
        f returns ``(cost, aux)``; aux comes back as it is, its Tensors as plain arrays.

    Returns
    -------
    callable
        ``(value, gradient)``, or ``((value, aux), gradient)``; the gradient has the argument's structure,
        shapes and dtypes, and is a tuple of these where `argnums` is a sequence.

    Raises
    ------
    ValueError
        If f's value is no scalar.

    Examples
    --------
    >>> parameters = {"w": np.array([1.0, 2.0]), "b": 0.5}
    >>> cost, grads = value_and_grad(lambda p: np.sum(p["w"] ** 2) + p["b"])(parameters)
    >>> print(cost, grads["w"], grads["b"])
    5.5 [2. 4.] 1.0
    """
    _check(f, argnums)

    def call(*args: Any, **kwargs: Any) -> Any:
        with Inputs(f, argnums, args) as inputs:
            result = f(*inputs.args, **kwargs)
            aux = None
            if has_aux:
                if not (isinstance(result, tuple) and len(result) == 2):
                    raise TypeError(
                        f"has_aux=True: {title(f)} must return (cost, aux), and returned {type(result)}"
                    )
                result, aux = result
            value, gradient, recorded = _value_and_gradient(inputs, f, result)
        if has_aux:
            value = (value, aux if recorded else plain(Tensor, aux))
        return value, gradient

    return Transformed(call, value_and_grad, f, argnums, has_aux)


def _value_and_gradient(inputs: Inputs, f: Function, J: Any) -> tuple[Any, Any, bool]:
    if type(J) is not Tensor:
        other_arrays.refuse_hidden(J, title(f), Tensor)
        _require_scalar(f, J)
        zeros = [zeros_of(t) for t in inputs.leaves()]
        return J, inputs.nest(zeros), False
    J, data, _ = held(now(J))
    if type(data) is not np.float64 and J.size != 1:
        _require_scalar(f, J)
    seed = first_seed(data)
    if not inputs.recorded:
        try:
            return data, inputs.nest(inputs.gradients(J, seed, record=False)), False
        except Foreign:
            pass
    flat = inputs.gradients(J, seed, record=True)
    for g in flat:
        note_cost(g, J)
    return J, inputs.nest(flat), True


def _require_scalar(f: Function, J: Any) -> None:
    told = f"the gradient needs a scalar cost, and {title(f)} returned"
    if J is None:
        raise ValueError(f"{told} None; did it forget to return the cost?")
    if isinstance(J, (str, dict, list, tuple)) or np.size(peek(Tensor, J)) != 1:
        what = f"shape {J.shape}" if hasattr(J, "shape") else f"a {type(J).__name__}"
        raise ValueError(
            f"{told} {what}. Reduce it (np.sum, np.mean), or use jacobian or vjp; for a cost with more "
            "beside it there is has_aux=True."
        )


def _check(f: Function, argnums: int | Sequence[int] = 0) -> None:
    if not callable(f):
        raise TypeError(
            f"the first argument must be a function of arrays, and is {type(f).__name__}. "
            "For the gradient of a Tensor J call J.backward()."
        )
    numbers: Sequence[Any] = (argnums,) if isinstance(argnums, int) else argnums
    if not all(isinstance(n, (int, np.integer)) for n in numbers):
        raise TypeError(f"argnums is a position or a sequence of positions, not {argnums!r}")


def grad(f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Function:
    """Return a function that computes the gradient of a scalar function: an array in, an array out.

    Parameters are those of `value_and_grad`. With `has_aux` the result is ``(gradient, aux)``.

    Examples
    --------
    >>> X = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> grad(lambda w: np.sum(np.dot(w.T, X) ** 2))(np.array([[1.0], [1.0]]))
    array([[32.],
           [72.]])
    >>> print(grad(grad(lambda x: x**3))(2.0))
    12.0
    """
    both = value_and_grad(f, argnums, has_aux)

    def call(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return Transformed(call, grad, f, argnums, has_aux)


def vjp(f: Function, *args: Any) -> tuple[Any, Function]:
    """Return f's value and its pullback, which turns a gradient of the output into those of the arguments.

    Parameters
    ----------
    f : callable
        A function of arrays, or nests of them, returning an array or a nest of arrays.
    *args
        Where to evaluate it.

    Returns
    -------
    y : array or nest of arrays
        f(*args).
    pullback : callable
        ``pullback(g)`` with g like y returns a tuple of gradients, one for each argument. It can be called
        again.

    Examples
    --------
    >>> y, pullback = vjp(np.multiply, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    >>> pullback(np.array([1.0, 10.0]))
    (array([ 3., 40.]), array([ 1., 20.]))
    """
    _check(f)
    owned = [trees.tree_map(lambda a: a if type(a) is Tensor else as_data(a, None), a) for a in args]
    inputs = Inputs(f, range(len(args)), tuple(owned))
    with inputs:
        result = trees.tree_map(lambda y: now(y) if type(y) is Tensor else y, f(*inputs.args))
    outputs = [y for _, y in trees.leaves(result)]
    for y in outputs:
        if type(y) is Tensor and y.dtype.kind == "O":
            raise TypeError(
                f"{title(f)} returned Python objects (dtype object), as with an array X of such among "
                "its constants: write X.astype(float)"
            )
    foreign = inputs.recorded or _depends_on_older(inputs, outputs)
    if foreign:  # what is handed out is read-only: a later write in f's own variable leaves it
        plain(Tensor, [out for out in outputs if type(out) is Tensor and out.operation is not None])
    y = result if foreign else plain(Tensor, result)
    inputs.link()

    def pullback(g: Any) -> Any:
        seeds = [s for _, s in trees.leaves(g)]
        if len(seeds) != len(outputs):
            raise ValueError(f"pullback: the output has {len(outputs)} arrays, the gradient {len(seeds)}")
        total: list[Any] = [zeros_of(t) for t in inputs.leaves()]
        record = foreign or any(type(s) is Tensor for s in seeds)
        for out, seed in zip(outputs, seeds, strict=True):
            ours, theirs = (np.shape(peek(Tensor, x)) for x in (out, seed))
            if ours != theirs:
                raise ValueError(
                    f"pullback: the output has shape {ours}, the gradient passed {theirs}; they must be equal"
                )
            if type(out) is not Tensor:
                continue
            if type(seed) is not Tensor and out.dtype.kind != "c":
                seed = as_data(seed, out.dtype)
            elif type(seed) is not Tensor and getattr(seed, "dtype", None) != out.dtype:
                seed = np.array(seed, out.dtype)[()]
            flat = inputs.gradients(out, seed, record=record)
            total = [t + ga for t, ga in zip(total, flat, strict=True)]
        return inputs.nest(total)

    return y, pullback


def _depends_on_older(inputs: Inputs, outputs: list[Any]) -> bool:
    for out in outputs:
        if type(out) is Tensor:
            try:
                sweep(out, zeros_of(out), oldest=inputs.trace.oldest, keep=True, mark=False)
            except Foreign:
                return True
    return False


def jvp(f: Function, args: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Return f's value and its derivative in the direction of `tangents` (forward mode, by two pullbacks).

    Parameters
    ----------
    f : callable
        A function of arrays returning an array.
    args, tangents : sequence
        Where, and in which direction: one tangent of the argument's structure for each argument.

    Examples
    --------
    >>> y, dy = jvp(np.sin, (np.array([0.0, np.pi]),), (np.array([1.0, 1.0]),))
    >>> print(dy)
    [ 1. -1.]
    """
    for what, nest in (("arguments", args), ("tangents", tangents)):
        if not isinstance(nest, (tuple, list)):
            raise TypeError(
                f"jvp: the {what} come as a sequence, and are a {type(nest).__name__}: jvp(f, (x,), (v,))"
            )
    y, pullback = vjp(f, *args)
    flat_tangents = [t for tangent in tangents for _, t in trees.leaves(tangent)]
    shapes = [np.shape(peek(Tensor, a)) for arg in args for _, a in trees.leaves(arg)]
    if shapes != (theirs := [np.shape(peek(Tensor, t)) for t in flat_tangents]):
        raise ValueError(f"jvp: the arguments have shapes {shapes}, the tangents {theirs}")
    # The pullback is linear in g, so its own pullback is the derivative (the double-vjp identity).
    zeros = trees.tree_map(zeros_of, y)
    # (a complex leaf, the only kind that there is, may stand here: the pullback is linear)
    zeros = trees.tree_map(lambda v: leaf(Tensor, v) if v.dtype.kind == "c" else v, zeros)
    _, push = vjp(lambda g: [ga for nest in pullback(g) for _, ga in trees.leaves(nest)], zeros)
    dy = push(list(flat_tangents))[0]
    recorded = any(type(v) is Tensor for v in (*(v for _, v in trees.leaves(y)), *flat_tangents))
    return y, dy if recorded else plain(Tensor, dy)


def stop_gradient(x: Any) -> Any:
    """Return the plain values of a Tensor (or nest): the function takes them for constants.

    Examples
    --------
    >>> print(grad(lambda x: x * stop_gradient(x))(3.0))
    3.0
    """
    return plain(Tensor, x)
