"""Compiled kernel of the `lpq` extractor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import float32, int32, uint32
from numpy.typing import NDArray

from dfbench.jit import kernel

Array = NDArray[Any]


@kernel
def _even(source: Array, cosines: Array, out: Array) -> None:
    """Sum a window's values times cosines, which sum to 0: exactly 0 where all are alike."""
    r = len(cosines)
    out[:] = 0
    centre = source[r : r + len(out)]
    for k in range(1, r + 1):
        weight = cosines[k - 1]
        before, after = source[r - k : r - k + len(out)], source[r + k : r + k + len(out)]
        for x in range(len(out)):
            out[x] += weight * ((before[x] - centre[x]) + (after[x] - centre[x]))


@kernel
def _odd(source: Array, sines: Array, out: Array) -> None:
    """Sum a window's values times sines."""
    r = len(sines)
    out[:] = 0
    for k in range(1, r + 1):
        weight = sines[k - 1]
        before, after = source[r - k : r - k + len(out)], source[r + k : r + k + len(out)]
        for x in range(len(out)):
            out[x] += weight * (after[x] - before[x])


@kernel
def _sum(source: Array, r: int, out: Array) -> None:
    out[:] = 0
    for k in range(2 * r + 1):
        part = source[k : k + len(out)]
        for x in range(len(out)):
            out[x] += part[x]


@kernel
def _code(
    p: Array, q: Array, s: Array, t: Array, turn: Array, least: float, line: Array, first: int
) -> None:
    """Give four bits of each code; ``first`` 1 begins it anew."""
    low = float32(least)
    if first == 1:
        line[:] = 0
    for k in range(4):
        a, b, c, d = turn[k, 0], turn[k, 1], turn[k, 2], turn[k, 3]
        bit = int32(first << k)
        for x in range(len(line)):
            total = a * p[x] + b * q[x] + c * s[x] + d * t[x]
            if total > low:
                line[x] += bit


@kernel
def count(
    plane: Array, waves: Array, turn: Array, least: float, work: Array, codes: Array, counts: Array
) -> None:
    """Count the codes of a plane.

    plane: uint8 (H, W), no side shorter than the window; waves: float32 (2, r), cosines and sines
    (these negative) at 1 .. r pixels from the middle of the window; turn: float32 (8, 8), what the
    eight numbers are multiplied by, 0 but for two blocks of 4 x 4; a bit is 1 above ``least``.
    work: float32 (8, W), codes: int32 (W,), both overwritten; counts: uint32 (256,), added to.
    """
    height, width = plane.shape
    cosines, sines = waves[0], waves[1]
    r = len(cosines)
    size = width - 2 * r
    flat, even, odd = work[0], work[1], work[2]
    line = codes[:size]
    others = np.zeros((3, 256), np.uint32)
    one, two, three = others[0], others[1], others[2]
    for y in range(r, height - r):
        centre = plane[y]
        for x in range(width):
            flat[x] = float32(centre[x])
        even[:] = 0
        odd[:] = 0
        for k in range(1, r + 1):
            above, below = plane[y - k], plane[y + k]
            cosine, sine = cosines[k - 1], sines[k - 1]
            for x in range(width):
                a, b, c = float32(above[x]), float32(below[x]), float32(centre[x])
                flat[x] += a + b
                even[x] += cosine * (a + b - c - c)
                odd[x] += sine * (b - a)
        # rows one by one: slices of both axes are not known to be contiguous
        spare = work[7][:size]
        p, q, s, t = work[3][:size], work[4][:size], work[5][:size], work[6][:size]
        # real and imaginary parts at (0, 1), (1, 0), (1, 1), (1, -1) waves a window down and across
        _even(flat, cosines, p)
        _sum(even, r, q)
        _even(even, cosines, s)
        _odd(odd, sines, spare)
        for x in range(size):
            t[x] = s[x] + spare[x]
            s[x] -= spare[x]
        _code(p, q, s, t, turn[:4, :4], least, line, 1)
        _odd(flat, sines, p)
        _sum(odd, r, q)
        _odd(even, sines, s)
        _even(odd, cosines, spare)
        for x in range(size):
            t[x] = spare[x] - s[x]
            s[x] += spare[x]
        _code(p, q, s, t, turn[4:, 4:], least, line, 16)
        for x in range(0, size - 3, 4):
            counts[line[x]] += uint32(1)
            one[line[x + 1]] += uint32(1)
            two[line[x + 2]] += uint32(1)
            three[line[x + 3]] += uint32(1)
        for x in range(size - size % 4, size):
            counts[line[x]] += uint32(1)
    for code in range(256):
        counts[code] += one[code] + two[code] + three[code]
