"""Programs are made anew in each test, which looks at how; `test_stored_programs` keeps some."""

import math

import pytest

from tinygrad_course.compiling import stored_programs


@pytest.fixture(autouse=True)
def programs_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_programs, "QUICK", math.inf)
