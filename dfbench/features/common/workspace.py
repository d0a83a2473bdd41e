"""Work space that is kept between images.

Memory fresh from the system costs a page fault for each 4 KiB, which for the arrays of one image
takes longer than the computation in them. So each thread keeps what it once had.
"""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_KEPT_BYTES = 1 << 26
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
