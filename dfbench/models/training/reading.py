"""Batches of images and of what lies beside them, as tensors: read while the last is at work."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from dfbench.models.base import Array
from dfbench.models.rows import Rows

Source = torch.Tensor | Rows
"""A tensor, or rows that are read when they are asked for."""

_AHEAD = 2
"""Batches that are read before they are asked for."""

_Item = TypeVar("_Item")
_Read = TypeVar("_Read")


def tensor_of(X: NDArray[Any]) -> torch.Tensor:
    """Wrap an array, not copy it: a data set may fill most of the memory."""
    array = np.ascontiguousarray(X)
    if not array.flags.writeable:
        with warnings.catch_warnings():
            # torch warns of arrays it could write through; nothing here writes
            warnings.simplefilter("ignore", UserWarning)
            return torch.from_numpy(array)
    return torch.from_numpy(array)


def source_of(X: Array) -> Source:
    """Wrap an array; rows on disk stay there."""
    return tensor_of(X) if isinstance(X, np.ndarray) else X


def taken(source: Source, rows: slice | torch.Tensor) -> torch.Tensor:
    """Give rows of a source as a tensor: on its device, or in main memory."""
    if isinstance(source, torch.Tensor):
        return source[rows if isinstance(rows, slice) else rows.to(source.device)]
    return tensor_of(source[rows if isinstance(rows, slice) else rows.numpy()])


Places = slice | torch.Tensor
"""Numbers of rows."""


def batches_of(sources: Iterable[Source], places: Iterable[Places]) -> Iterator[list[torch.Tensor]]:
    """Give the same rows of each source, batch by batch.

    Parameters
    ----------
    sources
        Of equal lengths. Where one lies on disk, the next batches are read in a thread.
    places
        The rows of each batch.
    """
    its = list(sources)

    def read(rows: Places) -> list[torch.Tensor]:
        return [taken(source, rows) for source in its]

    if all(isinstance(source, torch.Tensor) for source in its):
        return map(read, places)
    return _ahead(read, places)


def slices(n: int, step: int) -> list[slice]:
    """Cut n rows into batches."""
    return [slice(start, min(start + step, n)) for start in range(0, n, step)]


def _ahead(read: Callable[[_Item], _Read], items: Iterable[_Item]) -> Iterator[_Read]:
    with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
        waiting: deque[Future[_Read]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(read, item))
                if len(waiting) > _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
