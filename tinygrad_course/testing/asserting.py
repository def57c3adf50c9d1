"""`assert_gradients_match`: one line for a test, and a search of its own where no arrays are given."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinygrad_course.autodiff.custom import required_arguments
from tinygrad_course.gradient_checking import check_gradients
from tinygrad_course.testing.arrays import broadcastable_arrays


def assert_gradients_match(f: Callable[..., Any], *args: Any, **options: Any) -> None:
    """Raise unless a gradient is what numerical derivatives say.

    Inside of a Hypothesis test, with the arrays that were drawn: Hypothesis shrinks them to a minimal
    example. Where an argument is a strategy, or no arguments are given at all, the search is made here.

    Parameters
    ----------
    f : callable
        A function of arrays.
    *args
        Arrays (or nests of arrays), and strategies for them. Left out: arrays that broadcast against each
        other and stay away from kinks, one for each positional parameter of f, all of which are then
        differentiated by.
    **options
        As for `compare_gradients`: ``gradient=``, ``vjp=``, ``argnums=``, ``order=`` and the others; and
        ``max_examples=`` for the search.

    Raises
    ------
    GradientMismatchError
        An AssertionError with the report, and in its ``graph`` the recording of f, which the pytest plugin
        prints and draws.

    Examples
    --------
    >>> import numpy as np
    >>> assert_gradients_match(lambda x, y: np.tanh(x * y))
    >>> assert_gradients_match(np.sin, np.array([0.5]), gradient=np.cos)
    """
    __tracebackhide__ = True
    examples = options.pop("max_examples", 50)
    if args and not any(isinstance(a, st.SearchStrategy) for a in args):
        check_gradients(f, *args, **options)
        return
    if args:
        given_or_drawn = (a if isinstance(a, st.SearchStrategy) else st.just(a) for a in args)
        drawn: st.SearchStrategy[Any] = st.tuples(*given_or_drawn)
    else:
        count = _positional(f)
        drawn = broadcastable_arrays(count)
        options.setdefault("argnums", tuple(range(count)) if count > 1 else 0)

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(drawn)
    def search(values: tuple[Any, ...]) -> None:
        __tracebackhide__ = True
        check_gradients(f, *values, **options)

    search()


def _positional(f: Callable[..., Any]) -> int:
    """Return how many arguments f needs; raise TypeError if that can't be seen."""
    if hasattr(f, "nin"):
        return int(f.nin)
    count = len(required_arguments(f))
    if not count:
        raise TypeError(
            f"can't see how many arrays {getattr(f, '__name__', f)} takes; pass them, or strategies for "
            "them: assert_gradients_match(f, arrays_away_from_kinks())"
        )
    return count
