"""Whether a program, or a run on tracers, returns what the function returns, to rounding."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.compiling.tracing.refusals import CannotCompile
from tinygrad_course.compiling.tracing.trace import like
from tinygrad_course.compiling.tracing.trace_function import Recorder, Traced
from tinygrad_course.engine import trees

#: The same calls on the same numbers give the same results, but for products that add in another order and
#: what the recorder computes by logarithms where numbers are too large.
ROUNDING = {2: 1e-2, 4: 1e-4, 8: 1e-9}
#: What is 0 but for rounding, as a gradient at a minimum, is this part of the numbers that it was made of.
NOISE = {2: 1e-3, 4: 1e-6, 8: 1e-14}


def agrees(
    traced: Traced,
    f: Callable[..., Any],
    args: Any,
    moving: Any,
    made: Callable[..., Any],
    engine: str = "",
    *,
    held: bool = False,
) -> tuple[bool, Any]:
    """Hold what was recorded of ``f(*args)`` against the function, first by the program `made` of it.

    Return whether it agrees (else it does with masks, if at all), and what the program has returned; None
    where that can't be told. If it never agrees, that is an error. The function was `held` against NumPy's
    numbers at an earlier call where those of this one are lost far out.
    """
    # of how many bytes a program's numbers are that have the fewest digits, 8 at most
    dtypes = [v.dtype for v in traced.run.program.values() if v.dtype is not None]
    narrowest = min([8, *(int(dtype.itemsize) for dtype in dtypes if dtype.kind == "f")])
    result = None if traced.run.changes else made(*args)
    if result is not None and same_results(result, traced.plain, narrowest, args):
        return True, result
    numbers = traced.run.numbers()
    if not held and not same_results(numbers, traced.plain, narrowest, args):
        recorder, changes = Recorder(f, args, moving, traced.run.writes), traced.run.changes
        if traced.unmasked:
            return False, None
        if not _agree_nearer_to_zero(
            lambda x: recorder.on(x).numbers(), lambda x: recorder.plainly(x, changes), args, narrowest
        ):
            raise CannotCompile(
                "the function returns something else for plain arrays than for the tracers that it is "
                "recorded with: does it ask for the type of an argument (isinstance), or draw random "
                "numbers? Leave such choices outside. Or have its numbers lost their digits, as 1 - A "
                "has where A is nearly 1? Make the first call with numbers nearer to 0"
            )
    right = result is None or same_results(result, numbers, narrowest, args)
    if not right and not _agree_nearer_to_zero(
        lambda x: made(*x), Recorder(f, args, moving).plainly, args, narrowest
    ):
        raise fault(f, engine)
    return True, result


def fault(f: Callable[..., Any], engine: str) -> CannotCompile:
    """Return the error of an engine that makes no program of a function, or a wrong one."""
    return CannotCompile(
        f"the program made of {getattr(f, '__name__', f)} returns something else than it, or can't be made: "
        f"a fault of the engine {engine!r}, not of your code. Call the function itself, and report it"
    )


def _agree_nearer_to_zero(
    ours: Callable[..., Any], theirs: Callable[..., Any], args: Any, narrowest: int
) -> bool:
    """Whether two return the same where the arguments are smaller, if the first returns anything.

    Where a network is sure, its ``log(1 - A)`` has few digits left, and two right orders of computing it
    differ in all of them. Closer to 0 they don't, and what does something else still does. What is rounding
    alone, as ``inv(a) @ b - solve(a, b)``, differs as it does from itself where the arguments are rounded.
    """
    agreed, near = 0, [1 + k * NOISE[narrowest] / 8 for k in range(1, 17)]
    for _ in range(4):
        args = _scaled(args, 0.25)
        with np.errstate(all="ignore"):
            result = ours(args)
            alike = result is None or (
                same_results(result, plain := theirs(args), narrowest, args)
                or same_results(result, plain, narrowest, args, [theirs(_scaled(args, by)) for by in near])
            )
        agreed = agreed + 1 if alike else 0
    return agreed >= 2


def _scaled(tree: Any, by: float) -> Any:
    """Return a nest whose arrays are multiplied by a number."""
    return trees.tree_map(
        lambda x: x * x.dtype.type(by) if isinstance(x, np.ndarray) and x.dtype.kind in "fc" else x, tree
    )


def same_results(recorded: Any, plain: Any, narrowest: int, arguments: Any = (), near: Any = ()) -> bool:
    """Whether two nests of results are the same, to the rounding of numbers of so many bytes.

    `near`: what the second is where its arguments are rounded.
    """
    nests = [trees.leaves(x) for x in (recorded, plain, *near)]
    (paths, ours), (places, theirs), *others = (
        zip(*nest, strict=True) if nest else ((), ()) for nest in nests
    )
    scale = max(map(_largest, [*theirs, *(x for _, x in trees.leaves(arguments))]), default=0.0)
    noise = NOISE[narrowest] * scale
    return paths == places and all(
        _alike(x, y, ROUNDING[narrowest], noise, beside)
        for x, y, *beside in zip(ours, theirs, *(x for _, x in others), strict=True)
    )


def _alike(x: Any, y: Any, rounding: float, noise: float, near: list[Any]) -> bool:
    """Whether two results are of one type, shape and dtype, and nearly equal."""
    if not isinstance(y, (np.ndarray, np.generic, int, float)):
        return type(x) is type(y)
    if not like(x, y):
        return False
    with np.errstate(all="ignore"):
        equal = bool(np.array_equal(x, y))
        if equal or np.asarray(y).dtype.kind not in "fc":
            return equal
        x = np.where(np.isfinite(x), x, y)  # the recorder mends what has overflowed, and so does the program
        bound = noise + rounding * _largest(y) + 4 * max((_largest(z - y) for z in near), default=0.0)
        return bool(np.allclose(x, y, rtol=0, atol=bound, equal_nan=True))


def _largest(x: Any) -> float:
    """Return the size of the largest finite number of an array, 0 of anything else."""
    if not isinstance(x, (np.ndarray, np.generic, int, float)) or np.asarray(x).dtype.kind not in "fc":
        return 0.0
    return float(np.max(np.abs(x), where=np.isfinite(x), initial=0.0))
