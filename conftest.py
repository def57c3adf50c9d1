"""What holds for every test and every documented example: no window opens, and no example writes beside the code."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ["MPLBACKEND"] = "Agg"  # before anything imports matplotlib


@pytest.fixture(autouse=True)
def _examples_write_elsewhere(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Run doctests in a directory of their own, so that a documented `render("J.png")` leaves no file behind."""
    if isinstance(request.node, pytest.DoctestItem):
        directory: Path = tmp_path_factory.mktemp("example")
        monkeypatch.chdir(directory)
    yield
