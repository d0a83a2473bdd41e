"""Rows that are copies of one image: what is left out of a fit is left out with its copies."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Groups = NDArray[np.intp]
"""Number of the image that each row is of, shape (n,)."""


def numbered(groups: Groups) -> tuple[Groups, NDArray[np.intp]]:
    """Give images numbers from 0 in the order of their first rows.

    Returns
    -------
    tuple
        The number of each row's image, shape (n,), and the first row of each image.
    """
    _, firsts, which = np.unique(groups, return_index=True, return_inverse=True)
    order = np.argsort(firsts)
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    return number[which], firsts[order]


def together(groups: Groups) -> Iterator[NDArray[np.intp]]:
    """Give the rows of images by how many they have: shape (images, rows of each)."""
    which, firsts = numbered(groups)
    counts = np.bincount(which, minlength=len(firsts))
    order = np.argsort(which, kind="stable")
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    for size in np.unique(counts):
        yield order[starts[counts == size, None] + np.arange(size)]


def drawn(groups: Groups, most: int, chance: np.random.Generator) -> NDArray[np.intp]:
    """Draw images, and give all of their rows, ascending: at most ``most``, or those of one."""
    which, firsts = numbered(groups)
    order = chance.permutation(len(firsts))
    taken = np.cumsum(np.bincount(which)[order]) <= most
    taken[0] = True
    return np.flatnonzero(np.isin(which, order[taken]))
