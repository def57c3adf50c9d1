"""One progress bar, drawn with rich where there is somebody to see it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Told of the steps that are done, and of the cost by then.
Advance = Callable[..., None]

_SECONDS = 0.1  # from one drawing to the next


@contextmanager
def progress(title: str, total: int, *, done: int = 0, show: bool | None = None) -> Iterator[Advance]:
    """Show how far a run is, on stderr: of `total` steps some are `done`, the title stands before the bar.

    ``report(done, cost)``, which it yields, is told how many steps are done in all, and the cost of the last
    one, if there is one. `show` None: where rich is installed and stderr is a terminal; True raises
    ModuleNotFoundError where rich is not installed.

    Examples
    --------
    >>> with progress("descent", 3, show=False) as report:
    ...     report(3, 0.25)
    """
    console = None
    if show is not False:
        try:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            console = Console(stderr=True)
        except ModuleNotFoundError:
            if show:
                raise ModuleNotFoundError(
                    "show=True draws with rich, which is not installed: pip install rich"
                ) from None
    if console is None or not (show or console.is_terminal):
        yield lambda done, cost=None: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[told]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, auto_refresh=False, transient=show is None) as bar:
        task = bar.add_task(title, total=total, completed=done, told="")
        seen = 0.0

        def report(done: int, cost: float | None = None) -> None:
            nonlocal seen
            if time.monotonic() - seen > _SECONDS or done >= total:
                told = "" if cost is None else f"cost {cost:.6f}"
                bar.update(task, completed=done, told=told, refresh=True)
                seen = time.monotonic()

        yield report
