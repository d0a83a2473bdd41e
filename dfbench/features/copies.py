"""Copies among images: written anew, resized, mirrored or slightly cropped.

Two stages. Candidates have hashes that few bits set apart: the signs of the 64 lowest frequencies
of a thumbnail's discrete cosine transform (after Zauner, "Implementation and benchmarking of
perceptual image hash functions", 2010), also of its windows, for crops; mirroring turns the signs
of known frequencies. They are found by multi-index hashing (Norouzi, Punjani and Fleet, "Fast exact
search in Hamming space with multi-index hashing", IEEE TPAMI 36, 2014). Then each candidate is
looked at: aligned by Gauss-Newton steps (Lucas and Kanade, "An iterative image registration
technique", IJCAI 1981), it must agree in brightness, colour and gradients.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.features.internal.thumbnail import SIDE

VERSION = 1
"""Raised whenever other pairs are found in equal images."""

BITS = 64
REACH = 9
"""Bits that hashes of copies may differ in."""
_BANDS = 5
"""A hash within `REACH` differs in a band by one bit at most: 9 // 5 = 1."""
_FREQUENCIES = 11
_CUTS = ((0.0, 1.0), (0.0, 0.94), (0.03, 0.94), (0.06, 0.94))
"""Start and length of the windows of each axis."""
_FLAT = 2.0
"""Standard deviation of a thumbnail, in grey levels, below which it shows nothing."""
_CHUNK = 1024


@dataclass(frozen=True, slots=True)
class Pairs:
    """Images that are copies of each other.

    Attributes
    ----------
    first, second
        Numbers, shape (p,), dtype int64; ``first < second``, each pair once, ascending.
    mirrored
        Shape (p,): whether one is mirrored.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    mirrored: NDArray[np.bool_]


def find_copies(thumbnails: Any, kinds: NDArray[np.int64], *, jobs: int = 1) -> Pairs:
    """Find the pairs of images of unlike kinds that are copies of each other.

    What shows nothing (all of one brightness) is like many things, and is never in a pair.

    Parameters
    ----------
    thumbnails
        Shape (n, 1152), uint8, from `Thumbnail`: an array, or rows on disk such as `StoredRows`,
        of which those that show something are held.
    kinds
        Shape (n,): images of the same kind are not compared.
    jobs
        Threads. The result does not depend on them.
    """
    from dfbench.features.kernels import copies as kernels

    windows = _windows()
    with ThreadPoolExecutor(max(1, jobs), thread_name_prefix="copies") as pool:
        starts = range(0, len(thumbnails), _CHUNK)
        looked = list(pool.map(lambda at: _look(thumbnails[at : at + _CHUNK]), starts))
        told = np.flatnonzero(np.concatenate([[], *(tells for tells, _ in looked)]))
        thumbnails, kinds = thumbnails[told], kinds[told].astype(np.int64)
        index = Index.of(
            np.concatenate([np.empty(0, np.uint64), *(own for _, own in looked)])[told]
        )

        def work(start: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
            own = np.arange(start, min(start + _CHUNK, len(told)))
            pairs = [np.empty((0, 3), np.int64)]
            for found in index.near(hashes(thumbnails[own]), own, kinds):
                accepted = np.empty(len(found), np.bool_)
                kernels.copies(found, windows, own, thumbnails, accepted)
                pairs.append(found[accepted])
            those = np.concatenate(pairs)
            those[:, 0] = own[those[:, 0]]
            return those[:, :2], windows[those[:, 2], 4] > 0

        parts = list(pool.map(work, range(0, len(told), _CHUNK)))
    if not parts:
        nothing = np.empty(0, np.int64)
        return Pairs(nothing, nothing, np.empty(0, np.bool_))
    pairs = told[np.sort(np.concatenate([part[0] for part in parts]), axis=1)]
    mirrored = np.concatenate([part[1] for part in parts])
    # found from both sides: once, and as it is rather than mirrored
    order = np.lexsort((mirrored, pairs[:, 1], pairs[:, 0]))
    pairs, mirrored = pairs[order], mirrored[order]
    new = np.ones(len(pairs), np.bool_)
    new[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
    return Pairs(pairs[new, 0], pairs[new, 1], mirrored[new])


def _look(thumbnails: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.uint64]]:
    """Say which thumbnails show something, and hash them whole."""
    return thumbnails[:, : SIDE**2].std(axis=1) >= _FLAT, hashes(thumbnails, _CUTS[:1])[:, 0]


def hashes(
    thumbnails: NDArray[np.uint8], cuts: Sequence[tuple[float, float]] = _CUTS
) -> NDArray[np.uint64]:
    """Hash thumbnails, and their windows.

    Parameters
    ----------
    thumbnails
        Shape (n, 1152), from `Thumbnail`.
    cuts
        Start and length of the w windows of each axis; each is combined with each.

    Returns
    -------
    ndarray of shape (n, 2 * w * w), dtype uint64
        Of all windows, the whole among them first, then of all of these mirrored.
    """
    luma = thumbnails[:, : SIDE**2].reshape(-1, SIDE, SIDE).astype(np.float32)
    rows, columns = _lowest()
    down = np.concatenate([_spectrum(*cut) for cut in cuts])
    half = np.matmul(down, luma).reshape(len(luma), len(cuts), _FREQUENCIES, SIDE)
    parts = []
    for y in range(len(cuts)):
        for cut in cuts:
            found = half[:, y] @ _spectrum(*cut).T
            parts.append(np.packbits(found[:, rows, columns] > 0, axis=1, bitorder="little"))
    plain = np.ascontiguousarray(np.stack(parts, axis=1)).view("<u8")[..., 0].astype(np.uint64)
    odd = np.packbits(columns % 2 == 1, bitorder="little").view("<u8")[0]
    return np.concatenate([plain, plain ^ np.uint64(odd)], axis=1)


def _lowest() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give row and column of the lowest frequencies, the constant left out."""
    span = range(_FREQUENCIES)
    all_of = sorted((u * u + v * v, u, v) for u in span for v in span if u or v)[:BITS]
    return np.array([u for _, u, _ in all_of]), np.array([v for _, _, v in all_of])


def _spectrum(start: float, length: float) -> NDArray[np.float32]:
    """Give the operator from 32 pixels to the lowest frequencies of a window of them."""
    n = (np.arange(SIDE) + 0.5) / SIDE
    place = np.clip((start + length * n) * SIDE - 0.5, 0, SIDE - 1)
    left = np.minimum(place.astype(np.intp), SIDE - 2)
    sample = np.zeros((SIDE, SIDE))
    sample[np.arange(SIDE), left] = 1 - (place - left)
    sample[np.arange(SIDE), left + 1] += place - left
    waves = np.cos(np.pi * np.outer(np.arange(_FREQUENCIES), n))
    return (waves @ sample).astype(np.float32)


def _windows() -> NDArray[np.float64]:
    """Give the windows in the order of `hashes`: top, height, left, width, mirrored."""
    plain = [(*down, *across) for down in _CUTS for across in _CUTS]
    return np.array([(*window, mirrored) for mirrored in (0.0, 1.0) for window in plain])


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """Hashes of n images, sorted by each of their bands.

    Attributes
    ----------
    shifts, widths
        Of the bands in a hash, shape (m,), dtype int64.
    starts
        Where the hashes begin that have a band's value, shape (m, 2^w + 1), dtype int64.
    order, values
        Numbers of the images and their hashes in this order, shape (m, n).
    """

    shifts: NDArray[np.int64]
    widths: NDArray[np.int64]
    starts: NDArray[np.int64]
    order: NDArray[np.int64]
    values: NDArray[np.uint64]

    @classmethod
    def of(cls, values: NDArray[np.uint64]) -> Index:
        """Sort hashes, shape (n,)."""
        edges = np.arange(_BANDS + 1) * BITS // _BANDS
        shifts, widths = edges[:-1].astype(np.int64), np.diff(edges).astype(np.int64)
        starts = np.empty((_BANDS, 2 ** int(widths.max()) + 1), np.int64)
        order = np.empty((_BANDS, len(values)), np.int64)
        for band, (shift, width) in enumerate(zip(shifts, widths, strict=True)):
            mask = np.uint64((1 << int(width)) - 1)
            keys = (values >> np.uint64(shift) & mask).astype(np.int64)
            order[band] = np.argsort(keys, kind="stable")
            starts[band] = np.searchsorted(keys[order[band]], np.arange(starts.shape[1]))
        return cls(shifts, widths, starts, order, values[order])

    def near(
        self, queries: NDArray[np.uint64], own: NDArray[np.int64], kinds: NDArray[np.int64]
    ) -> Iterator[NDArray[np.int64]]:
        """Give the images within `REACH` bits of a query.

        Parameters
        ----------
        queries
            Shape (q, v): each query has v hashes, of which the nearest counts.
        own
            Number of the image that each query is, shape (q,).
        kinds
            Of all n images: those of the query's kind are left out.

        Yields
        ------
        ndarray of shape (f, 3), dtype int64
            Place of the query, image, place of the nearest hash (the first of equals).
        """
        from dfbench.features.kernels import copies as kernels

        seen = np.full(len(kinds), -1, np.int64)
        closest = np.empty((len(kinds), 2), np.int64)
        room = np.empty((max(1 << 16, len(kinds)), 3), np.int64)
        done = 0
        while done < len(queries):
            count, fitted = kernels.near(
                queries[done:],
                own[done:],
                kinds,
                self.shifts,
                self.widths,
                self.starts,
                self.order,
                self.values,
                REACH,
                seen,
                closest,
                room,
            )
            yield room[:count] + np.array([done, 0, 0])
            done += fitted
