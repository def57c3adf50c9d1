"""What a step frees is at hand for the next one."""

import os
import platform
import subprocess
import sys

import pytest

PROGRAM = """
import numpy as np
import resource
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def step():
    arrays = [np.ones(300_000) for _ in range(4)]
step()
before = faults()
for _ in range(20):
    step()
print(faults() - before)
"""


#: Four arrays in each of twenty steps.
TOUCHED = 4 * 20 * 300_000 * 8 / 4096


def pages_fetched(program: str, **environment: str) -> int:
    """How many pages it fetches where nobody has set glibc's thresholds but `environment`."""
    own = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_") and k != "GLIBC_TUNABLES"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=own | environment)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that gives memory back")
def test_memory_that_a_step_frees_is_not_fetched_anew():
    ours = "import tinygrad_course.engine.tensor" + PROGRAM
    assert pages_fetched(ours) < TOUCHED / 10
    assert pages_fetched(PROGRAM) > TOUCHED / 2  # what it is held against
    # who sets one threshold has glibc leave all of them alone
    assert pages_fetched(ours, MALLOC_TRIM_THRESHOLD_=str(2**17)) > TOUCHED / 2
