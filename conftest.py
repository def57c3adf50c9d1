"""For every test and documented example: no window opens, and no example writes beside the code."""

import os

import pytest

os.environ["MPLBACKEND"] = "Agg"  # before anything imports matplotlib


@pytest.fixture(autouse=True)
def _examples_write_elsewhere(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run doctests in a directory of their own: a documented `render("J.png")` leaves no file behind."""
    if isinstance(request.node, pytest.DoctestItem):
        monkeypatch.chdir(tmp_path_factory.mktemp("example"))
