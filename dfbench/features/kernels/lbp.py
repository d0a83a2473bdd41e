"""Compiled kernels of the `lbp` extractor.

The comparison of an interpolated neighbour with the centre is decided in 16-bit fixed point
(1/128 grey level), which fits many pixels in one vector. Where that leaves doubt (the neighbour
within 2/128 of the centre), the pixel is decided again in double precision with scikit-image's own
sequence of operations: on a saddle (v + d and v - d around v) its answer hangs on rounding, and on
the pixel's coordinates with it. On flat ground the answer is known.

Planes are flat arrays of padded rows, so that a neighbour is an offset and borders need no code:
outside the image the value is 0, as in scikit-image. Rows are multiples of eight long.

Loops are short, and signs are taken by shifts, as the compiler makes vectors of such: it asks of
each array that is written whether it lies apart from each that is read, eight times at most.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import float64, int16, int32, uint8, uint16, uint32, uint64
from numpy.typing import NDArray

from dfbench.jit import kernel

Array = NDArray[Any]

ONE = uint64(1)
LOW = uint64(0x0101010101010101)
"""The lowest bit of each byte of a word."""
EIGHT = uint64(0x0808080808080808)
BLOCK = 8192
GROUP = 128


@kernel
def _laid_out(image: Array, margin: int, stride: int, plane: Array, scaled: Array) -> None:
    """Copy an image (H, W) into padded rows, as they are and times 128."""
    plane[:] = 0
    height, width = image.shape
    for y in range(height):
        row = plane[(y + margin + 1) * stride + margin :]
        source = image[y]
        for x in range(width):
            row[x] = source[x]
    for i in range(scaled.size):
        scaled[i] = int16(int16(plane[i]) << 7)


@kernel
def _between(near: Array, far: Array, share: int, out: Array) -> None:
    """Interpolate from near to far by share / 65536; all int16."""
    for i in range(out.size):
        a = near[i]
        out[i] = int16(a + int16((int32(int16(far[i] - a)) * int32(share)) >> 16))


@kernel
def _apart(a: Any, b: Any, centre: Any, share: Any) -> Any:
    """Interpolate as `_between` does, and take the centre off.

    The result is below the true one by less than 2.5, and above it by less than 0.5.
    """
    return int16(int16(a + int16((int32(int16(b - a)) * int32(share)) >> 16)) - centre)


@kernel
def _doubtful(apart: Any, a: Any, b: Any) -> Any:
    """Negative where ``apart`` is -2, -1, or 0 but not on flat ground (a = b = centre)."""
    key = int16(apart - int16(min(uint16(int16(b - a)), uint16(1))))
    return int16(key & ~int16(key + int16(3)))


@kernel
def _upwards(
    near_right: Array,
    far_right: Array,
    near_left: Array,
    far_left: Array,
    centre: Array,
    share: int,
    out: Array,
) -> None:
    """Decide points 1 and 3: their bits where they are below the centre, and 8 above in doubt."""
    for i in range(out.size):
        c, a, b = centre[i], near_right[i], far_right[i]
        right = _apart(a, b, c, share)
        bits = (uint16(right) >> uint16(14)) & uint16(0x2)
        bits |= (uint16(_doubtful(right, a, b)) >> uint16(6)) & uint16(0x200)
        a, b = near_left[i], far_left[i]
        left = _apart(a, b, c, share)
        bits |= (uint16(left) >> uint16(12)) & uint16(0x8)
        out[i] = bits | (uint16(_doubtful(left, a, b)) >> uint16(4)) & uint16(0x800)


@kernel
def _downwards(
    near_left: Array,
    far_left: Array,
    near_right: Array,
    far_right: Array,
    centre: Array,
    share: int,
    out: Array,
) -> None:
    """Add points 5 and 7 to what `_upwards` decided."""
    for i in range(out.size):
        c, a, b = centre[i], near_left[i], far_left[i]
        left = _apart(a, b, c, share)
        bits = (uint16(left) >> uint16(10)) & uint16(0x20)
        bits |= (uint16(_doubtful(left, a, b)) >> uint16(2)) & uint16(0x2000)
        a, b = near_right[i], far_right[i]
        right = _apart(a, b, c, share)
        bits |= (uint16(right) >> uint16(8)) & uint16(0x80)
        out[i] |= bits | uint16(uint16(_doubtful(right, a, b)) & 0x8000)


@kernel
def _sideways(
    right: Array, above: Array, left: Array, below: Array, centre: Array, out: Array
) -> None:
    """Decide points 0, 2, 4 and 6, which are pixels: their bits where they are below the centre."""
    for i in range(out.size):
        c = centre[i]
        out[i] = (
            uint8(right[i] < c)
            | (uint8(above[i] < c) << 2)
            | (uint8(left[i] < c) << 4)
            | (uint8(below[i] < c) << 6)
        )


@kernel
def _joined(decided: Array, pattern: Array, doubt: Array) -> None:
    """Add the diagonal points to each pattern; the doubts of a pixel apart, at the same bits."""
    for i in range(pattern.size):
        bits = decided[i]
        pattern[i] |= uint8(bits)
        doubt[i] = uint8(bits >> 8)


@kernel
def _listed(doubt: Array, words: Array, found: Array, pixels: Array) -> int:
    """List the pixels with any doubt; their number.

    words: the same memory as ``doubt``, as uint64; found: work.
    """
    count = 0
    for w in range(words.size):
        found[count] = w
        count += words[w] != 0
    n = 0
    for i in range(count):
        first = uint32(found[i] * 8)
        for t in range(8):
            pixels[n] = first + uint32(t)
            n += doubt[first + uint32(t)] != 0
    return n


@kernel
def _settled(
    plane: Array,
    start: int,
    stride: int,
    corner: int,
    down: Array,
    across: Array,
    point: int,
    doubt: Array,
    pixels: Array,
    own: Array,
    pattern: Array,
) -> None:
    """Decide the pixels that are in doubt about ``point`` as scikit-image does.

    start: place in ``plane`` of the first pixel; corner: offset from a pixel to the upper left of
    the four around its neighbour; down, across: the neighbour's fractions of a pixel below and
    right of that, by row and by column; pixels: those in any doubt; own: work.
    """
    n = 0
    for i in range(pixels.size):
        p = pixels[i]
        own[n] = p
        n += (doubt[p] >> point) & 1
    bit = uint8(1 << point)
    # for p // stride, exact as p * stride is below 2**40
    inverse = uint64(((1 << 40) + stride - 1) // stride)
    first = uint64(start + corner)
    for i in range(n):
        p = uint64(own[i])
        y = (p * inverse) >> uint64(40)
        below = down[y]
        above = 1 - below
        right = across[p - y * uint64(stride)]
        left = 1 - right
        upper = first + p
        lower = upper + uint64(stride)
        top = left * float64(plane[upper]) + right * float64(plane[upper + ONE])
        bottom = left * float64(plane[lower]) + right * float64(plane[lower + ONE])
        less = above * top + below * bottom < float64(plane[uint64(start) + p])
        pattern[p] = (pattern[p] & ~bit) | (bit if less else uint8(0))


@kernel
def _ones(x: Any) -> Any:
    """Count the ones of each byte of a word."""
    x = x - ((x >> ONE) & uint64(0x5555555555555555))
    x = (x & uint64(0x3333333333333333)) + ((x >> uint64(2)) & uint64(0x3333333333333333))
    return (x + (x >> uint64(4))) & uint64(0x0F0F0F0F0F0F0F0F)


@kernel
def _classed(words: Array, out: Array) -> None:
    """Class each pattern, eight a word: its points not below where it is uniform, else 16 or more.

    At most two changes along the points are at most two around the circle, where their number is
    even.
    """
    for i in range(out.size):
        word = words[i]
        turned = ((word << ONE) & ~LOW) | ((word >> uint64(7)) & LOW)
        changes = _ones(word ^ turned)
        many = ((changes >> uint64(2)) | (changes >> uint64(3))) & LOW
        out[i] = (EIGHT - _ones(word)) + (many << uint64(4))


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
    planes: Array,
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

    planes: uint8 (C, H, W); for each radius R: whole: floor(R sqrt(1/2)) and shares: its fraction f
    (or 1 - f where swapped, so that it is below 1/2) times 65536; back, ahead: float64
    (radii, n), fractions of k - R sqrt(1/2) and k + R sqrt(1/2) for k = 0..n-1 in double
    precision, with n beyond each padded side; stride: length of a padded row (`work_space`);
    plane: uint8 (size,), work: int16 (3, size), undefined; counts: int64 (C, radii, 10), added to.
    """
    channels, height, width = planes.shape
    margin = radii.max() + 1
    scaled = work[0]
    left = work[1]
    right = work[2]
    step = max(1, BLOCK // stride)
    size = (step * stride + GROUP - 1) // GROUP * GROUP
    decided = np.empty(size, np.uint16)
    pattern = np.empty(size, np.uint8)
    doubt = np.empty(size, np.uint8)
    classes = np.empty(size, np.uint8)
    found = np.empty(size // 8 + 1, np.int64)
    pixels = np.empty(size + 1, np.uint32)
    own = np.empty(size + 1, np.uint32)
    for channel in range(channels):
        _laid_out(planes[channel], margin, stride, plane, scaled)
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
                _upwards(
                    right[i - near : e - near],
                    right[i - far : e - far],
                    left[i - near : e - near],
                    left[i - far : e - far],
                    scaled[i:e],
                    share,
                    decided[:n],
                )
                _downwards(
                    left[i + near : e + near],
                    left[i + far : e + far],
                    right[i + near : e + near],
                    right[i + far : e + far],
                    scaled[i:e],
                    share,
                    decided[:n],
                )
                away = radius * stride
                _sideways(
                    plane[i + radius : e + radius],
                    plane[i - away : e - away],
                    plane[i - radius : e - radius],
                    plane[i + away : e + away],
                    plane[i:e],
                    pattern[:n],
                )
                _joined(decided[:n], pattern[:n], doubt[:n])
                some = pixels[: _listed(doubt[:n], doubt[:n].view(np.uint64), found, pixels)]
                for turn in range(4):
                    # up right, up left, down left, down right
                    corner = -(m + 1) * stride if turn < 2 else m * stride
                    corner += m if turn == 0 or turn == 3 else -m - 1
                    down = back[index, y:] if turn < 2 else ahead[index, y:]
                    across = ahead[index] if turn == 0 or turn == 3 else back[index]
                    point = 2 * turn + 1
                    _settled(
                        plane, i, stride, corner, down, across, point, doubt, some, own, pattern
                    )
                _classed(pattern[:n].view(np.uint64), classes[:n].view(np.uint64))
                for k in range(rows):
                    classes[k * stride + width : (k + 1) * stride] = 255
                end = (n + GROUP - 1) // GROUP * GROUP
                classes[n:end] = 255
                _counted(classes[:end], counts[channel, index])
            counts[channel, index, 9] += height * width - counts[channel, index, :9].sum()


@kernel
def uniform(planes: Array, rows: Array, columns: Array, invariant: bool, counts: Array) -> None:
    """Histograms of uniform patterns of any number of points at one radius, in double precision.

    planes: uint8 (C, H, W); rows, columns: float64 (P,), the points' coordinates; invariant: to
    rotations or not; counts: int64 (C, P + 2) or (C, P (P - 1) + 3), added to.
    """
    channels, height, width = planes.shape
    points = rows.size
    margin = int(np.ceil(max(np.abs(rows).max(), np.abs(columns).max()))) + 1
    plane = np.zeros((height + 2 * margin, width + 2 * margin), np.float64)
    bits = np.zeros(points, np.int64)
    for channel in range(channels):
        for y in range(height):
            for x in range(width):
                plane[y + margin, x + margin] = planes[channel, y, x]
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
