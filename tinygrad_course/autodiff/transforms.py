"""What is built on gradients: whole Jacobians and Hessians, recomputation, nests as vectors.

`jacobian`, `hessian` and `hvp` take `argnums` as `grad` does, and arguments and results that are nests.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_course.autodiff.gradients import _check, grad, vjp
from tinygrad_course.autodiff.transformed import Transformed
from tinygrad_course.engine import creation, trees
from tinygrad_course.engine.inputs import Function, positions, title
from tinygrad_course.engine.recording import peek, plain, record
from tinygrad_course.engine.tensor import Tensor
from tinygrad_course.rules.table import Rule

Positions = int | Sequence[int]


def _of_those(f: Function, places: Sequence[int], args: Sequence[Any], kwargs: Any) -> tuple[Function, Any]:
    """Return f as a function of the arguments at these places alone, and these arguments."""

    def of_those(*values: Any) -> Any:
        filled = list(args)
        for n, value in zip(places, values, strict=True):
            filled[n] = value
        return f(*filled, **kwargs)

    return of_those, tuple(args[n] for n in places)


def jacobian(f: Function, argnums: Positions = 0) -> Function:
    """Return a function that computes all partial derivatives of f: shape ``f(x).shape + x.shape``.

    Parameters
    ----------
    f : callable
        A function of arrays, or nests of them, that returns an array or a nest.
    argnums : int or sequence of int
        The positional arguments to differentiate by.

    Returns
    -------
    callable
        It returns a nest like f's result, in each array's place the derivative: one like the argument, or
        a tuple of these where `argnums` is a sequence.

    Examples
    --------
    >>> jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    >>> jacobian(lambda p, x: {"y": p["w"] * x}, argnums=(0, 1))({"w": 2.0}, 3.0)
    {'y': ({'w': array(3.)}, array(2.))}
    """
    _check(f, argnums)
    single = isinstance(argnums, (int, np.integer))

    def call(*args: Any, **kwargs: Any) -> Any:
        of_those, point = _of_those(f, positions(f, argnums, args), args, kwargs)
        y, pullback = vjp(of_those, *point)
        outputs = [peek(Tensor, out) for _, out in trees.leaves(y)]
        blocks = [_block(pullback, y, outputs, i, point) for i in range(len(outputs))]
        return trees.rebuild(y, iter([block[0] if single else block for block in blocks]))

    return Transformed(call, jacobian, f, argnums)


def _block(pullback: Function, y: Any, outputs: list[Any], i: int, point: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the derivatives of one array of the result, a nest like each argument."""
    shape = np.shape(outputs[i])
    dtype = getattr(outputs[i], "dtype", np.dtype(np.float64))
    dtype = dtype if dtype.kind in "fc" else np.dtype(np.float64)
    seeds = [np.zeros(np.shape(out), getattr(out, "dtype", np.float64)) for out in outputs]

    def row(k: int, size: complex) -> Any:
        e = np.zeros(int(np.prod(shape, dtype=int)), dtype)
        e[k] = size
        here = [*seeds[:i], e.reshape(shape), *seeds[i + 1 :]]
        return pullback(trees.rebuild(y, iter(here)))

    rows = []
    for k in range(int(np.prod(shape, dtype=int))):
        found = row(k, 1.0)
        if dtype.kind == "c":  # the real part moves by Re(g dz) with g = 1, the imaginary with g = -i
            found = trees.tree_map(lambda a, b: a + 1j * b, found, row(k, -1j))
        rows.append(found)

    def stacked(x: Any, *entries: Any) -> Any:
        inner = np.shape(peek(Tensor, x))
        return np.reshape(np.stack(entries), shape + inner) if entries else np.zeros(shape + inner)

    blocks: tuple[Any, ...] = trees.tree_map(stacked, point, *rows)
    return blocks


def hessian(f: Function, argnums: Positions = 0) -> Function:
    """Return a function that computes the second derivatives of a scalar f: shape ``x.shape + x.shape``.

    For a nest, ``hessian(f)(p)["W"]["b"]`` is d2f / dW db; for a sequence of `argnums`, ``hessian(f, (0,
    1))(x, y)[0][1]`` is d2f / dx dy.

    Examples
    --------
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    return Transformed(jacobian(grad(f, argnums), argnums), hessian, f, argnums)


def hvp(f: Function, argnums: Positions = 0) -> Function:
    """Return a function of ``(*args, v)``: the Hessian of a scalar f times v, without the Hessian itself.

    v is like the argument, a nest where that is one, and a tuple of these where `argnums` is a sequence.

    Examples
    --------
    >>> hvp(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    array([4., 2.])
    """
    first = grad(f, argnums)

    def call(*args: Any, **kwargs: Any) -> Any:
        before, v = args[:-1], args[-1]
        of_those, point = _of_those(first, positions(f, argnums, before), before, kwargs)
        found = vjp(of_those, *point)[1](v)  # the Hessian is symmetric: its vjp is its jvp
        return found[0] if isinstance(argnums, (int, np.integer)) else found

    return Transformed(call, hvp, f, argnums)


def elementwise_grad(f: Function, argnums: Positions = 0) -> Function:
    """Return the derivative of a function that works element by element: of x's shape.

    For another function it is the gradient of ``np.sum(f(x))``.

    Examples
    --------
    >>> elementwise_grad(np.tanh)(np.array([0.0, 1.0])).round(4)
    array([1.  , 0.42])
    >>> elementwise_grad(elementwise_grad(np.sin))(np.array([0.0, np.pi / 2]))
    array([-0., -1.])
    """

    @functools.wraps(f)
    def total(*args: Any, **kwargs: Any) -> Any:
        return np.sum(f(*args, **kwargs))

    return Transformed(grad(total, argnums), elementwise_grad, f, argnums)


def checkpoint(f: Function) -> Function:
    """Return f as one node of the graph: on the way back it is computed again, instead of being remembered.

    It costs a second forward pass, and saves the memory of what lies between. f's arguments and result may
    be nests. f must compute the same when called again: draw random numbers outside, and pass them in. On
    the graph only its arguments are followed: a Tensor that f reads from elsewhere is refused.

    Examples
    --------
    >>> deep = checkpoint(lambda x: np.sin(np.sin(np.sin(x))))
    >>> print(grad(deep)(0.0))
    1.0
    """
    _check(f)

    def call(*args: Any, **kwargs: Any) -> Any:
        leaves = [leaf for _, leaf in trees.leaves(args)]
        if not any(type(leaf) is Tensor for leaf in leaves):
            return f(*args, **kwargs)
        made: list[Any] = []  # its structure is that of the result

        def outputs(*values: Any) -> list[Any]:
            y = f(*trees.rebuild(args, iter(values)), **kwargs)
            made[:] = [y]
            return [out for _, out in trees.leaves(y)]

        handed_on: dict[int, int] = {}  # which results are arguments

        def forward(values: Sequence[Any]) -> tuple[Any, ...]:
            shown = [_read_only(value) for value in values]
            try:
                found = outputs(*shown)
            except ValueError as error:
                if "read-only" not in str(error):
                    raise
                raise ValueError(
                    f"checkpoint: {title(f)} writes to an array that is kept for the way back: copy it first"
                ) from error
            handed_on.update(_arguments_among(found, shown, title(f)))
            if any(type(out) is Tensor for out in found):
                raise TypeError(
                    f"checkpoint: {title(f)} reads a Tensor that is not among its arguments, whose gradient "
                    "would be lost; pass it as an argument"
                )
            return tuple(np.float64(out) if isinstance(out, float) else out for out in found)

        def backward(g: Any, y: Any, values: Sequence[Any]) -> list[Any]:
            again, pullback = followed_vjp(outputs, values, leaves)
            if not all(_same(peek(Tensor, a), peek(Tensor, b)) for a, b in zip(y, again, strict=True)):
                raise ValueError(
                    f"checkpoint: {title(f)} computes something else on the way back: draw random numbers "
                    "outside it, and pass as arguments what changes"
                )
            gradients: list[Any] = pullback(list(g))
            return gradients

        found = list(record_nest(title(f), forward, backward, leaves, outputs=True))
        for k, i in handed_on.items():
            found[k] = leaves[i]
        return trees.rebuild(made.pop(), iter(found))

    return Transformed(call, checkpoint, f)


def _arguments_among(found: Sequence[Any], shown: Sequence[Any], name: str) -> dict[int, int]:
    """Return which results are arguments, by position; views of arguments are refused."""
    same = {}
    for k, out in enumerate(found):
        for i, value in enumerate(shown):
            if out is value:
                same[k] = i
            elif type(out) is type(value) is np.ndarray and np.shares_memory(out, value):
                raise ValueError(f"checkpoint: {name} returns a view of its argument: return a copy of it")
    return same


def _read_only(value: Any) -> Any:
    if type(value) is not np.ndarray:
        return value
    shown = value.view()
    shown.flags.writeable = False
    return shown


def _same(before: Any, after: Any) -> bool:
    """Whether two arrays are equal up to rounding, as far as both are arrays."""
    if not (type(before) is type(after) is np.ndarray) or before.dtype.kind not in "fc":
        return True
    if np.array_equal(before, after, equal_nan=True):
        return True
    with np.errstate(all="ignore"):  # another thread may round a product otherwise
        near = 1e-6 * np.max(np.abs(before), initial=0.0)
        return np.allclose(before, after, rtol=1e-6, atol=near, equal_nan=True)


def record_nest(
    name: str, forward: Function, backward: Function, leaves: list[Any], *, outputs: bool = False
) -> Any:
    """Return ``forward(leaves)`` as one node of the graph, or as it is where no leaf is a Tensor.

    `forward` takes the list of the leaves' values, and returns an array, or a tuple of arrays with `outputs`;
    ``backward(g, y, values)`` returns the list of the leaves' gradients, None for what is no Tensor.
    """
    if not any(type(leaf) is Tensor for leaf in leaves):
        return forward(leaves)
    return record(
        Tensor, Rule(forward, (backward,), name=name, sequence=True, outputs=outputs), (leaves,), None
    )


def followed_vjp(f: Function, values: Sequence[Any], leaves: Sequence[Any]) -> tuple[Any, Function]:
    """Return `vjp` of f(*values), its pullback giving None for each of the leaves that is no Tensor."""
    followed = [i for i, leaf in enumerate(leaves) if type(leaf) is Tensor]
    of_followed, given = _of_those(f, followed, values, {})
    of_numbers = not any(type(value) is Tensor for value in given)
    # (complex leaves, which there are none of elsewhere, may stand here: a graph goes on from them)
    wrapped = [creation.leaf(Tensor, v) if type(v) is not Tensor and np.iscomplexobj(v) else v for v in given]
    y, pullback = vjp(of_followed, *wrapped)

    def scattered(g: Any) -> list[Any]:
        gradients: list[Any] = [None] * len(values)
        for i, ga in zip(followed, pullback(g), strict=True):
            gradients[i] = plain(Tensor, ga) if of_numbers else ga
        return gradients

    return plain(Tensor, y) if of_numbers else y, scattered


def flatten(nest: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Return the arrays of a nest as one vector, and the function that makes a nest of such a vector again.

    Both ways are recorded. For `scipy.optimize.minimize` and its like, which know vectors alone. The course's
    ``dictionary_to_vector`` and ``vector_to_dictionary`` (course 2, week 1), for any nest.

    Examples
    --------
    >>> vector, unflatten = flatten({"W": np.array([[1.0, 2.0]]), "b": 3.0})
    >>> vector
    array([1., 2., 3.])
    >>> unflatten(vector * 2)["W"]
    array([[2., 4.]])
    """
    leaves = [leaf for _, leaf in trees.leaves(nest)]
    for leaf in leaves:
        if np.asarray(peek(Tensor, leaf)).dtype.kind not in "fiubc":
            raise TypeError(
                f"flatten takes dicts, lists and tuples of arrays, and not a {type(leaf).__name__}"
            )
    shapes = [np.shape(peek(Tensor, leaf)) for leaf in leaves]
    ends = np.cumsum([int(np.prod(s, dtype=int)) for s in shapes], dtype=int).tolist()
    template = trees.tree_map(lambda _: 0, nest)

    def unflatten(vector: Any) -> Any:
        size, shape = ends[-1] if ends else 0, np.shape(peek(Tensor, vector))
        if shape != (size,):
            raise ValueError(f"unflatten: expected shape ({size},), and was given {shape}")
        starts = [0, *ends][: len(ends)]
        parts = [np.reshape(vector[a:b], s) for a, b, s in zip(starts, ends, shapes, strict=True)]
        return trees.rebuild(template, iter(parts))

    if not leaves:
        return np.zeros(0), unflatten
    return np.concatenate([np.reshape(leaf, (-1,)) for leaf in leaves]), unflatten
