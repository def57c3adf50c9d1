"""What a step frees is at hand for the next one."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import numpy as np
import tinygrad_course.engine.tensor
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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that gives memory back")
def test_memory_that_a_step_frees_is_not_fetched_anew():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 4 * 20 * 300_000 * 8 / 4096 / 10  # a tenth of the pages that are touched
