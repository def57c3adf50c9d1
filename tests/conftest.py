"""How hard Hypothesis searches, and where the tests find the course's data."""

import os
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# No deadline and no complaint about slow generation: both measure the machine's other work, not the code.
settings.register_profile(
    "quick", deadline=None, max_examples=12, suppress_health_check=[HealthCheck.too_slow]
)
# CI draws the same examples for the same commit, so that what turns red is the change. By hand the draws
# differ in each run, and `HYPOTHESIS_PROFILE=thorough` searches long.
settings.register_profile("ci", settings.get_profile("quick"), max_examples=60, derandomize=True)
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=2000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "quick"))

CATS = ("train_catvnoncat.h5", "test_catvnoncat.h5")
ROOT = Path(__file__).resolve().parent.parent


def data_directory() -> Path:
    """The directory of the course's data: `TINYGRAD_COURSE_DATA` where it is set, else `datasets/`."""
    named = os.environ.get("TINYGRAD_COURSE_DATA")
    return Path(named) if named else ROOT / "datasets"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a test marked `sampled(n)`, one case in n runs every day; the others are marked `long`."""
    seen: Counter[str] = Counter()
    for item in items:
        marker = item.get_closest_marker("sampled")
        if marker:
            name = item.nodeid.partition("[")[0]
            if seen[name] % marker.args[0]:
                item.add_marker(pytest.mark.long)
            seen[name] += 1


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked `photographs` where its files are absent, and fail it where they were promised."""
    for marker in item.iter_markers("photographs"):
        directory = data_directory()
        missing = [name for name in marker.args or CATS if not (directory / name).is_file()]
        if not missing:
            continue
        if os.environ.get("TINYGRAD_COURSE_DATA"):
            pytest.fail(
                f"TINYGRAD_COURSE_DATA is {directory}, which lacks {', '.join(missing)}", pytrace=False
            )
        pytest.skip(
            f"no {', '.join(missing)} in {directory}: `python -m datasets --download` brings the files, "
            "and TINYGRAD_COURSE_DATA names another directory"
        )


@pytest.fixture(autouse=True)
def own_draws(request: pytest.FixtureRequest) -> None:
    """What a test draws from its module's generator does not depend on the tests that ran before it."""
    for name in ("rng", "RNG"):
        generator = getattr(request.module, name, None)
        if isinstance(generator, np.random.Generator):
            seed = zlib.crc32(request.node.name.encode())
            generator.bit_generator.state = np.random.default_rng(seed).bit_generator.state


@pytest.fixture(scope="session")
def photographs() -> Path:
    """The directory that holds the course's data; for tests marked `photographs`."""
    return data_directory()
