"""What keeps a homework from spoiling the check: limits on time, no output, NumPy as it was before."""

import contextlib
import io
import signal
import sys
import threading
import types
import warnings
from collections.abc import Iterator

import numpy as np


class TooLongError(Exception):
    """A function under test did not come back in time."""


class Guard:
    """Puts back what a submission breaks of the modules that it shares with the check."""

    def __init__(self) -> None:
        names = ("numpy", "numpy.linalg", "numpy.random", "math", "scipy.special", "builtins", "random")
        loaded = [sys.modules[name] for name in names if name in sys.modules]
        self._modules = [(module, dict(vars(module))) for module in loaded]
        self._errors = np.geterr()
        self.broken: set[str] = set()

    def restore(self) -> None:
        """Undo every change of an attribute, and remember whose it was."""
        for module, saved in self._modules:
            present = vars(module)
            if present == saved:  # compares objects by identity first, at the speed of C
                continue
            for key in [key for key in present if key not in saved]:
                # NumPy loads some of its submodules when they are first asked for; that breaks nothing.
                if isinstance(present[key], types.ModuleType) or key.startswith("__"):
                    saved[key] = present[key]
                else:
                    self.broken.add(f"{module.__name__}.{key}")
                    del present[key]
            for key, value in saved.items():
                if present.get(key) is not value and key != "_":
                    self.broken.add(f"{module.__name__}.{key}")
                    present[key] = value
        if np.geterr() != self._errors:
            np.seterr(**self._errors)


def _stop(*_: object) -> None:
    raise TooLongError


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TooLongError in the body after so many seconds of computing, or ten times as many of waiting.

    Computing is what counts, so that a busy machine changes no verdict. Where the platform has no interval
    timers (Windows), the process that waits for the whole file ends it.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    # The timers fire again and again: a bare `except:` in a loop swallows one exception, not all.
    timers = (
        (signal.ITIMER_VIRTUAL, signal.SIGVTALRM, seconds),
        (signal.ITIMER_REAL, signal.SIGALRM, 10 * seconds),
    )
    previous = [(number, signal.signal(number, _stop)) for _, number, _ in timers]
    for timer, _, limit in timers:
        signal.setitimer(timer, limit, 0.05)
    try:
        yield
    finally:
        running = True
        while running:
            try:
                for timer, _, _ in timers:
                    signal.setitimer(timer, 0)
                running = False
            except TooLongError:  # on a busy machine they fire once more before they are stopped
                pass
        for number, handler in previous:
            signal.signal(number, handler)


class _Sink(io.TextIOBase):
    """Where a homework prints to."""

    def write(self, text: str) -> int:
        """Drop the text."""
        return len(text)


_SINK = _Sink()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Drop what is printed, and warnings."""
    with (
        np.errstate(all="ignore"),
        warnings.catch_warnings(),
        contextlib.redirect_stdout(_SINK),
        contextlib.redirect_stderr(_SINK),
    ):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def same_draws(seed: int = 0) -> Iterator[None]:
    """Begin NumPy's global stream at a seed for the body: so a report, of dropout too, is always the same."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
