"""What the C library does with memory that is freed: kept for what comes next, or returned.

Nothing is changed but under glibc.
"""

from __future__ import annotations

import functools
import os
from typing import Any

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # M_* of glibc's mallopt


@functools.cache
def keep_freed_memory() -> None:
    """Let the C library keep what is freed for what is decoded next, instead of returning it.

    It does so with up to 256 MiB, in pieces of up to 32 MiB, until `return_freed_memory`. glibc
    otherwise returns the memory of each batch of images.
    """
    libc = _glibc()
    if libc is not None:
        libc.mallopt(_MMAP_THRESHOLD, 1 << 25)
        libc.mallopt(_TRIM_THRESHOLD, 1 << 28)


def return_freed_memory() -> None:
    """Let the C library return to the system what is freed by now.

    Batches of images are made in one thread and let go of in another, in sizes that seldom fit
    where others were: glibc then holds on to what is free, once three times of what was in use.
    """
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


@functools.cache
def _glibc() -> Any:
    """Give the functions of glibc; None where the C library is another."""
    try:
        if not os.confstr("CS_GNU_LIBC_VERSION"):
            return None
        import ctypes

        return ctypes.CDLL(None)
    except (ImportError, AttributeError, ValueError, OSError):
        return None
