"""Fetch the course's data files, checked against their checksums, whole or not at all."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from datasets.files import FILES, DatasetError, Folder, folders, is_original

__all__ = ["MIRROR", "download"]

MIRROR = "TINYGRAD_COURSE_MIRROR"
CONNECT_SECONDS, SILENCE_SECONDS = 10.0, 30.0


class _Bar:
    """A rich progress bar in the form that pooch drives: a settable ``total``, update, reset and close."""

    def __init__(self, progress: Any, name: str) -> None:
        self.progress = progress
        self.task = progress.add_task(name, total=None)
        self.total = 0

    def __setattr__(self, attribute: str, value: Any) -> None:
        object.__setattr__(self, attribute, value)
        if attribute == "total" and value:
            self.progress.update(self.task, total=value)

    def update(self, count: int) -> None:
        self.progress.update(self.task, advance=count)

    def reset(self) -> None:
        self.progress.reset(self.task)

    def close(self) -> None:
        self.progress.refresh()


@contextmanager
def _bars(shown: bool) -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not shown) as progress:
        yield progress


def download(
    names: Iterable[str] = tuple(FILES),
    folder: Folder = None,
    mirror: str | None = None,
    progress: bool = True,
) -> list[Path]:
    """Fetch data files; those already there with the right checksum are left alone.

    A file is written beside its target under a temporary name, its sha256 is compared, and only then is it
    renamed. Whatever goes wrong, the target is what it was before.

    Parameters
    ----------
    names : iterable of str
        Keys of ``FILES``.
    folder : path, optional
        Where to; otherwise the folder of ``TINYGRAD_COURSE_DATA``, otherwise ``datasets/``.
    mirror : str, optional
        Address of a folder that holds the files under their names, instead of their public home; otherwise
        that of ``TINYGRAD_COURSE_MIRROR``. The checksums hold for a mirror too.
    progress : bool
        Show a progress bar on stderr.

    Returns
    -------
    list of Path
        The files, in the order of `names`.

    Raises
    ------
    DatasetError
        If the server cannot be reached, does not answer in time, has no such file, or sends another one.
    OSError
        If the folder cannot be written.
    ModuleNotFoundError
        If pooch or rich is not installed.
    """
    mirror = mirror or os.environ.get(MIRROR)
    if mirror is not None and not mirror.startswith(("http://", "https://")):
        raise DatasetError(
            f"{mirror!r} is no address of a mirror; expected one that starts with http:// or https://"
        )
    target = folders(folder)[0]
    try:
        with _bars(progress) as bars:
            return [_fetch(name, target, mirror or FILES[name].home, bars) for name in names]
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f'downloading needs {error.name}, which is not installed: pip install -e ".[course]"'
        ) from error


def _fetch(name: str, target: Path, home: str, bars: Any) -> Path:
    import pooch
    import requests

    path = target / name
    if is_original(path):
        return path
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; {name} is to be a file there")
    address = f"{home.rstrip('/')}/{name}"
    pooch.get_logger().setLevel(logging.ERROR)
    fetch = pooch.HTTPDownloader(timeout=(CONNECT_SECONDS, SILENCE_SECONDS), progressbar=_Bar(bars, name))
    try:
        pooch.retrieve(address, f"sha256:{FILES[name].sha256}", fname=name, path=target, downloader=fetch)
    except requests.exceptions.RequestException as error:
        raise DatasetError(f"{name} could not be fetched: {_reason(error)}; nothing was written") from error
    except ValueError as error:
        raise DatasetError(
            f"what {address} sent is not the course's {name}: its sha256 is not {FILES[name].sha256}; "
            "nothing was written"
        ) from error
    path.chmod(0o644)  # the temporary file was private
    return path


def _reason(error: Exception) -> str:
    import requests

    response = getattr(error, "response", None)
    request = getattr(error, "request", None)
    address = getattr(request, "url", None) or "the server"
    if response is not None:
        return f"{address} answered {response.status_code} {response.reason}"
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return f"{address} did not answer within {CONNECT_SECONDS:g} s"
    if isinstance(error, requests.exceptions.Timeout) or "timed out" in str(error):
        return f"{address} fell silent for {SILENCE_SECONDS:g} s"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the answer was cut short"
    return f"{address} cannot be reached ({type(error).__name__})"
