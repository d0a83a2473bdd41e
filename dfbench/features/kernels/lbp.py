"""Compiled kernels of the `lbp` extractor.

The comparison of an interpolated neighbour with the centre is decided in 16-bit fixed point
(1/128 grey level), which fits 32 pixels in one AVX-512 instruction. Where that leaves doubt (the
neighbour within 2/128 of the centre), the pixel is decided again in double precision with
scikit-image's own sequence of operations: on a saddle (v + d and v - d around v) its answer
hangs on rounding, and on the pixel's coordinates with it. On flat ground the answer is known.

Planes are flat arrays of padded rows, so that a neighbour is an offset and borders need no code:
outside the image the value is 0, as in scikit-image. Rows are multiples of eight long.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import float64, int16, int32, uint8, uint16, uint64
from numpy.typing import NDArray

from dfbench.jit import kernel

Array = NDArray[Any]

DOUBT = uint64(0x0202020202020202)
# For the lowest bit b of a byte of a word, (b * PLACES) >> TOP is the byte's number
PLACES = uint64(0x0001020304050607)
TOP = uint64(56)
ONE = uint64(1)
BLOCK = 8192
GROUP = 128


@kernel
def _laid_out(image: Array, channel: int, margin: int, stride: int, plane: Array) -> None:
    plane[:] = 0
    height, width = image.shape[:2]
    for y in range(height):
        row = plane[(y + margin + 1) * stride + margin :]
        source = image[y]
        for x in range(width):
            row[x] = source[x, channel]


@kernel
def _scaled(plane: Array, out: Array) -> None:
    for i in range(out.size):
        out[i] = int16(int16(plane[i]) << 7)


@kernel
def _between(near: Array, far: Array, share: int, out: Array) -> None:
    """Interpolate from near to far by share / 65536; all int16."""
    for i in range(out.size):
        a = near[i]
        out[i] = int16(a + int16((int32(int16(far[i] - a)) * int32(share)) >> 16))


@kernel
def _decided(near: Array, far: Array, centre: Array, share: int, out: Array) -> None:
    """Bit 0: the value between near and far is at least the centre. Bit 1: in doubt.

    The fixed-point value is below the true one by less than 2.5 and above by less than 0.5.
    """
    for i in range(out.size):
        a = near[i]
        b = far[i]
        c = centre[i]
        d = int16(int16(a + int16((int32(int16(b - a)) * int32(share)) >> 16)) - c)
        doubt = (uint16(int16(d + 2)) <= 2) & ((a != c) | (b != c))
        out[i] = uint8(d >= 0) | (uint8(doubt) << 1)


@kernel
def _at_least(values: Array, centre: Array, out: Array) -> None:
    for i in range(out.size):
        out[i] = values[i] >= centre[i]


@kernel
def _united(words: Array, out: Array) -> None:
    for w in range(out.size):
        out[w] = (words[1, w] | words[3, w] | words[5, w] | words[7, w]) & DOUBT


@kernel
def _doubtful(doubts: Array, found: Array) -> int:
    """List the groups of eight pixels with a doubt about any diagonal point; their number."""
    count = 0
    for w in range(doubts.size):
        found[count] = w
        count += doubts[w] != 0
    return count


@kernel
def _settled(
    plane: Array,
    start: int,
    stride: int,
    corner: int,
    down: Array,
    across: Array,
    words: Array,
    found: Array,
    own: Array,
) -> None:
    """Decide the doubtful pixels of the groups ``found`` as scikit-image does.

    corner: offset from a pixel to the upper left of the four around its neighbour; down, across:
    the neighbour's fractions of a pixel below and right of that, by row and by column; own: work.
    """
    n = stride // 8
    count = 0
    for i in range(found.size):
        w = found[i]
        own[count] = w
        count += (words[w] & DOUBT) != 0
    k = 0
    for i in range(count):
        w = own[i]
        while w >= (k + 1) * n:
            k += 1
        below = down[k]
        above = 1 - below
        at = uint64(start + 8 * w)
        x = uint64(8 * (w - k * n))
        word = words[w]
        rest = word & DOUBT
        while rest != 0:
            low = rest & (~rest + ONE)
            rest ^= low
            t = ((low >> ONE) * PLACES) >> TOP
            upper = at + t + uint64(corner)
            lower = upper + uint64(stride)
            right = across[x + t]
            left = 1 - right
            top = left * float64(plane[upper]) + right * float64(plane[upper + ONE])
            bottom = left * float64(plane[lower]) + right * float64(plane[lower + ONE])
            word &= ~(low | low >> ONE)
            if above * top + below * bottom >= float64(plane[at + t]):
                word |= low >> ONE
        words[w] = word


@kernel
def _classed(bits: Array, out: Array) -> None:
    """Class each pattern: its ones where it changes at most twice along the points, else 9."""
    for i in range(out.size):
        b0 = bits[0, i]
        b1 = bits[1, i] & 1
        b2 = bits[2, i]
        b3 = bits[3, i] & 1
        b4 = bits[4, i]
        b5 = bits[5, i] & 1
        b6 = bits[6, i]
        b7 = bits[7, i] & 1
        ones = uint8(uint8(b0 + b1) + uint8(b2 + b3)) + uint8(uint8(b4 + b5) + uint8(b6 + b7))
        changes = (
            uint8(uint8(b0 ^ b1) + uint8(b1 ^ b2))
            + uint8(uint8(b2 ^ b3) + uint8(b3 ^ b4))
            + uint8(uint8(b4 ^ b5) + uint8(b5 ^ b6))
            + uint8(b6 ^ b7)
        )
        out[i] = uint8(ones) if uint8(changes) <= 2 else uint8(9)


@kernel
def _counted(classes: Array, counts: Array) -> None:
    """Count the values 0..8; the size is a multiple of 128, whose sums fit in a byte."""
    for value in range(9):
        total = 0
        for start in range(0, classes.size, GROUP):
            group = classes[start : start + GROUP]
            part = uint8(0)
            for i in range(GROUP):
                part = uint8(part + uint8(group[i] == value))
            total += part
        counts[value] += total


def work_space(height: int, width: int, margin: int) -> tuple[int, int]:
    """Length of a padded row, and of a padded plane, in pixels."""
    stride = (width + margin + 7) // 8 * 8
    return stride, (height + 2 * margin + 4) * stride


@kernel
def uniform8(
    image: Array,
    radii: Array,
    whole: Array,
    shares: Array,
    swapped: Array,
    back: Array,
    ahead: Array,
    stride: int,
    plane: Array,
    work: Array,
    counts: Array,
) -> None:
    """Histograms of uniform patterns of 8 points at whole radii.

    image: uint8 (H, W, C); for each radius R: whole: floor(R sqrt(1/2)) and shares: its fraction f
    (or 1 - f where swapped, so that it is below 1/2) times 65536; back, ahead: float64
    (radii, n), fractions of k - R sqrt(1/2) and k + R sqrt(1/2) for k = 0..n-1 in double
    precision, with n beyond each padded side; stride: length of a padded row (`work_space`);
    plane: uint8 (size,), work: int16 (3, size), undefined; counts: int64 (C, radii, 10), added to.
    """
    height, width, channels = image.shape
    margin = radii.max() + 1
    scaled = work[0]
    left = work[1]
    right = work[2]
    step = max(1, BLOCK // stride)
    bits = np.zeros((8, step * stride), np.uint8)
    words = bits.view(np.uint64)
    classes = np.empty((step * stride + GROUP - 1) // GROUP * GROUP, np.uint8)
    found = np.empty(words.shape[1] + 1, np.int64)
    own = np.empty(words.shape[1] + 1, np.int64)
    doubts = np.empty(words.shape[1], np.uint64)
    for channel in range(channels):
        _laid_out(image, channel, margin, stride, plane)
        _scaled(plane, scaled)
        for index in range(radii.size):
            radius = radii[index]
            m = whole[index]
            share = int16(shares[index])
            near, far = (m + 1, m) if swapped[index] else (m, m + 1)
            lo = (margin - m) * stride
            hi = (height + margin + m + 2) * stride
            _between(scaled[lo - near : hi - near], scaled[lo - far : hi - far], share, left[lo:hi])
            _between(
                scaled[lo + near : hi + near], scaled[lo + far : hi + far], share, right[lo:hi]
            )
            near *= stride
            far *= stride
            for y in range(0, height, step):
                rows = min(step, height - y)
                i = (y + margin + 1) * stride + margin
                e = i + rows * stride
                n = e - i
                centre = plane[i:e]
                for turn in range(4):
                    offset = radius if turn % 2 == 0 else -radius * stride
                    offset = offset if turn < 2 else -offset
                    _at_least(plane[i + offset : e + offset], centre, bits[2 * turn, :n])
                for turn in range(4):
                    # up right, up left, down left, down right
                    side = right if turn == 0 or turn == 3 else left
                    sign = -1 if turn < 2 else 1
                    a = sign * near
                    b = sign * far
                    point = 2 * turn + 1
                    _decided(
                        side[i + a : e + a],
                        side[i + b : e + b],
                        scaled[i:e],
                        share,
                        bits[point, :n],
                    )
                _united(words, doubts[: n // 8])
                doubtful = found[: _doubtful(doubts[: n // 8], found)]
                for turn in range(4):
                    corner = -(m + 1) * stride if turn < 2 else m * stride
                    corner += m if turn == 0 or turn == 3 else -m - 1
                    down = back[index, y:] if turn < 2 else ahead[index, y:]
                    across = ahead[index] if turn == 0 or turn == 3 else back[index]
                    point = words[2 * turn + 1]
                    _settled(plane, i, stride, corner, down, across, point, doubtful, own)
                _classed(bits, classes[:n])
                for k in range(rows):
                    classes[k * stride + width : (k + 1) * stride] = 255
                end = (n + GROUP - 1) // GROUP * GROUP
                classes[n:end] = 255
                _counted(classes[:end], counts[channel, index])
            counts[channel, index, 9] += height * width - counts[channel, index, :9].sum()


@kernel
def uniform(image: Array, rows: Array, columns: Array, invariant: bool, counts: Array) -> None:
    """Histograms of uniform patterns of any number of points at one radius, in double precision.

    image: uint8 (H, W, C); rows, columns: float64 (P,), the points' coordinates; invariant: to
    rotations or not; counts: int64 (C, P + 2) or (C, P (P - 1) + 3), added to.
    """
    height, width, channels = image.shape
    points = rows.size
    margin = int(np.ceil(max(np.abs(rows).max(), np.abs(columns).max()))) + 1
    plane = np.zeros((height + 2 * margin, width + 2 * margin), np.float64)
    bits = np.zeros(points, np.int64)
    for channel in range(channels):
        for y in range(height):
            for x in range(width):
                plane[y + margin, x + margin] = image[y, x, channel]
        for y in range(height):
            for x in range(width):
                centre = plane[y + margin, x + margin]
                for i in range(points):
                    r = y + rows[i]
                    c = x + columns[i]
                    y0 = int(np.floor(r))
                    x0 = int(np.floor(c))
                    below = r - y0
                    right = c - x0
                    y1 = int(np.ceil(r)) + margin
                    x1 = int(np.ceil(c)) + margin
                    y0 += margin
                    x0 += margin
                    top = (1 - right) * plane[y0, x0] + right * plane[y0, x1]
                    bottom = (1 - right) * plane[y1, x0] + right * plane[y1, x1]
                    bits[i] = (1 - below) * top + below * bottom >= centre
                ones = 0
                changes = 0
                for i in range(points):
                    ones += bits[i]
                    if i > 0:
                        changes += bits[i] != bits[i - 1]
                if invariant:
                    place = ones if changes <= 2 else points + 1
                elif changes > 2:
                    place = points * (points - 1) + 2
                elif ones == 0:
                    place = 0
                elif ones == points:
                    place = points * (points - 1) + 1
                else:
                    first = 0
                    while bits[first] == bits[0]:
                        first += 1
                    # first: of the zeros where the pattern starts with a one, else of the ones
                    turned = ones - first if bits[0] else points - first
                    place = 1 + (ones - 1) * points + turned
                counts[channel, place] += 1
