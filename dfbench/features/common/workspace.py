"""Work space that is kept between images.

Memory fresh from the system costs a page fault for each 4 KiB, which for the arrays of one image
takes longer than the computation in them. So each thread keeps what it once had.
"""

from __future__ import annotations

import functools
import math
import os
import threading
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_KEPT_BYTES = 1 << 26
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # M_* of glibc's mallopt
_local = threading.local()


def scratch(name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array of undefined content, valid until this thread asks for ``name`` again."""
    kept: dict[str, NDArray[np.uint8]] = _local.__dict__.setdefault("kept", {})
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    block = kept.get(name)
    if block is None or block.size < size:
        block = np.empty(size, np.uint8)
        if size <= _KEPT_BYTES:
            kept[name] = block
    return block[:size].view(dtype).reshape(shape)


@functools.cache
def keep_freed_memory() -> None:
    """Let the C library keep what is freed for what is decoded next, instead of returning it.

    It does so with up to 256 MiB, in pieces of up to 32 MiB, until `return_freed_memory`. Nothing
    is changed but under glibc, which otherwise returns the memory of each batch of images.
    """
    libc = _glibc()
    if libc is not None:
        libc.mallopt(_MMAP_THRESHOLD, 1 << 25)
        libc.mallopt(_TRIM_THRESHOLD, 1 << 28)


def return_freed_memory() -> None:
    """Let the C library return to the system what is freed by now; under glibc alone."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


def _glibc() -> Any:
    """Give the functions of glibc; None where the C library is another."""
    try:
        if not os.confstr("CS_GNU_LIBC_VERSION"):
            return None
        import ctypes

        return ctypes.CDLL(None)
    except (ImportError, AttributeError, ValueError, OSError):
        return None
