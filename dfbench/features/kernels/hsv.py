"""Compiled kernels of the `hsv` extractor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint16, uint32, uint64
from numpy.typing import NDArray

from dfbench.jit import kernel

Array = NDArray[Any]


@kernel
def binned_together(
    planes: Array, bins: int, factor: int, line: Array, tables: Array, out: Array
) -> None:
    """Do what `binned` does for few bins: each pixel is counted once, by its triple of bins.

    planes: uint8 (3, n), hue below 180; factor: the bin of a hue h is ``h * factor >> 16``; line:
    uint16, a multiple of 4 long, work space; tables: uint32 (4, bins**3), work space; out: float32
    (3 * bins,). Pixels take turns with the tables, so that equal neighbours need not wait for each
    other.
    """
    tables[:] = 0
    one, two, three, four = tables[0], tables[1], tables[2], tables[3]
    n = planes.shape[1]
    base, turn, low = uint16(bins), uint16(factor), uint64(0xFFFF)
    words = line.view(np.uint64)
    for start in range(0, n, line.size):
        size = min(line.size, n - start)
        hue = planes[0, start : start + size]
        saturation = planes[1, start : start + size]
        value = planes[2, start : start + size]
        # loops of 16-bit numbers, the products' upper halves included, are quick vectors
        for i in range(size):
            line[i] = uint16((uint32(hue[i]) * uint32(turn)) >> 16)
        for i in range(size):
            place = uint16(uint16(saturation[i]) * base) >> uint16(8)
            line[i] = uint16(uint16(line[i] * base) + place)
        for i in range(size):
            place = uint16(uint16(value[i]) * base) >> uint16(8)
            line[i] = uint16(uint16(line[i] * base) + place)
        for i in range(size // 4):
            word = words[i]
            one[word & low] += uint32(1)
            two[(word >> uint64(16)) & low] += uint32(1)
            three[(word >> uint64(32)) & low] += uint32(1)
            four[word >> uint64(48)] += uint32(1)
        for i in range(size - size % 4, size):
            one[line[i]] += uint32(1)
    for i in range(one.size):
        one[i] += two[i] + three[i] + four[i]
    sums = np.zeros((3, bins), np.int64)
    for h in range(bins):
        for s in range(bins):
            row = one[(h * bins + s) * bins : (h * bins + s + 1) * bins]
            total = 0
            for v in range(bins):
                sums[2, v] += row[v]
                total += row[v]
            sums[0, h] += total
            sums[1, s] += total
    for i in range(out.size):
        out[i] = sums[i // bins, i % bins] / (3 * n)


@kernel
def binned(planes: Array, places: Array, counts: Array, out: Array) -> None:
    """Fill ``out`` with the histograms of three channels, as parts of all values.

    planes: uint8 (3, n); places: int64 (3, 256), the bin of each value; counts: uint32
    (4, 3, 256), work space; out: float32 (all bins,). Pixels take turns with four tables.
    """
    counts[:] = 0
    n = planes.shape[1]
    for channel in range(3):
        plane = planes[channel]
        for i in range(0, n - 3, 4):
            for turn in range(4):
                counts[turn, channel, plane[i + turn]] += uint32(1)
        for i in range(n - n % 4, n):
            counts[0, channel, plane[i]] += uint32(1)
    sums = np.zeros(out.size, np.int64)
    for turn in range(4):
        for channel in range(3):
            for value in range(256):
                sums[places[channel, value]] += counts[turn, channel, value]
    for i in range(out.size):
        out[i] = sums[i] / (3 * n)
