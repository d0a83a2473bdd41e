from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from dfbench.allocator import keep_freed_memory
from dfbench.features.common.workspace import scratch

FAULTS = """
import resource, sys
import numpy as np
from dfbench.allocator import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
def batch():
    return [np.ones(200_000, np.uint8) for _ in range(32)]
for _ in range(3):
    batch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    batch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_work_space_is_kept_and_grows() -> None:
    first = scratch("test", (4, 5), np.float32)
    assert first.shape == (4, 5)
    assert np.shares_memory(first, scratch("test", (3,), np.uint8))
    assert scratch("test", (100, 100), np.int64).size == 10_000


def glibc() -> bool:
    try:
        return bool(os.confstr("CS_GNU_LIBC_VERSION"))
    except (AttributeError, ValueError, OSError):
        return False


@pytest.mark.skipif(not glibc(), reason="the C library is another")
def test_freed_memory_comes_back_without_page_faults() -> None:
    faults = {
        how: int(
            subprocess.run(
                [sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True
            ).stdout
        )
        for how in ("keep", "return")
    }
    assert faults["keep"] < faults["return"] / 4


def test_keeping_memory_twice_does_no_harm() -> None:
    keep_freed_memory()
    keep_freed_memory()
