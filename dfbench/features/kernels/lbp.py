"""Compiled kernels of the `lbp` extractor.

The comparison of an interpolated neighbour with the centre is decided in 16-bit fixed point
(1/128 grey level), which fits many pixels in one vector. Where that leaves doubt (the neighbour
within 2/128 of the centre), the pixel is decided again in double precision with scikit-image's own
sequence of operations: on a saddle (v + d and v - d around v) its answer hangs on rounding, and on
the pixel's coordinates with it. On flat ground the answer is known.

Planes are flat arrays of padded rows, so that a neighbour is an offset and borders need no code:
outside the image the value is 0, as in scikit-image.

Of each point the answers for 64 pixels are the bits of one word, and patterns are classed and
counted by logic on whole words, see `dfbench.features.kernels.words`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import float64, int16, int32, int64, types, uint64
from numpy.typing import NDArray

from dfbench.features.kernels.words import WORD, as_word, first, is_below, loaded, ones, repeated
from dfbench.jit import instructions, kernel

Array = NDArray[Any]

ONE = uint64(1)
BLOCK = 8192


@instructions
def _decided(_: Any, near: Any, far: Any, centre: Any, share: Any, at: Any) -> Any:
    """Interpolate 64 pixels of int16 as `_between` does, and compare them with the centres.

    Two words: where the point is below the centre; where that is in doubt. The interpolated is
    below the true value by less than 2.5, and above it by less than 0.5: so there is doubt where it
    is above the centre by -2, -1, or 0 but not on flat ground (near = far = centre).
    """

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        a, b, c = (
            loaded(context, builder, signature.args[which], values[which], values[4])
            for which in range(3)
        )
        wide = ir.VectorType(ir.IntType(32), WORD)
        product = builder.mul(
            builder.sext(builder.sub(b, a), wide), builder.sext(repeated(builder, values[3]), wide)
        )
        high = builder.trunc(builder.ashr(product, repeated(builder, ir.IntType(32)(16))), a.type)
        apart = builder.sub(builder.add(a, high), c)
        shifted = builder.add(apart, repeated(builder, ir.IntType(16)(2)))
        near_by = builder.icmp_unsigned("<", shifted, repeated(builder, ir.IntType(16)(3)))
        below = builder.icmp_signed("<", apart, repeated(builder, ir.IntType(16)(0)))
        doubt = builder.and_(near_by, builder.or_(below, builder.icmp_signed("!=", a, b)))
        both = [as_word(builder, below), as_word(builder, doubt)]
        return context.make_tuple(builder, signature.return_type, both)

    answer = types.UniTuple(types.uint64, 2)
    return answer(near, far, centre, types.int16, at), code


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
def _diagonal(
    near: Array,
    far: Array,
    centre: Array,
    share: int,
    inside: Array,
    below: Array,
    doubt: Array,
) -> None:
    """Decide one diagonal point of all pixels; bits outside the image are never in doubt."""
    for w in range(below.size):
        less, unsure = _decided(near, far, centre, share, WORD * w)
        below[w] = less
        doubt[w] = unsure & inside[w]


@kernel
def _straight(point: Array, centre: Array, below: Array) -> None:
    """Decide one point that is a pixel."""
    for w in range(below.size):
        below[w] = is_below(point, centre, WORD * w)


@kernel
def _listed(words: Array, pixels: Array) -> int:
    """List the pixels whose bits are set; their number. Two are written at once without a look."""
    n = 0
    for w in range(words.size):
        word, start = words[w], uint64(WORD * w)
        after = n + int32(ones(word))
        for _ in range(2):
            pixels[n] = start + first(word)
            word &= word - ONE
            n += 1
        while word:
            pixels[n] = start + first(word)
            word &= word - ONE
            n += 1
        n = after
    return n


@kernel
def _settled(
    plane: Array,
    start: int,
    stride: int,
    corner: int,
    down: Array,
    across: Array,
    pixels: Array,
    below: Array,
) -> None:
    """Decide the pixels that are in doubt about a point as scikit-image does.

    start: place in ``plane`` of the first pixel; corner: offset from a pixel to the upper left of
    the four around its neighbour; down, across: the neighbour's fractions of a pixel below and
    right of that, by row and by column.
    """
    # for p // stride, exact as p * stride is below 2**40
    inverse = uint64(((1 << 40) + stride - 1) // stride)
    origin = uint64(start + corner)
    for i in range(pixels.size):
        p = uint64(pixels[i])
        y = (p * inverse) >> uint64(40)
        lower_share = down[y]
        upper_share = 1 - lower_share
        right = across[p - y * uint64(stride)]
        left = 1 - right
        upper = origin + p
        lower = upper + uint64(stride)
        top = left * float64(plane[upper]) + right * float64(plane[upper + ONE])
        bottom = left * float64(plane[lower]) + right * float64(plane[lower + ONE])
        less = upper_share * top + lower_share * bottom < float64(plane[uint64(start) + p])
        word, bit = p >> uint64(6), p & uint64(63)
        below[word] = (below[word] & ~(ONE << bit)) | (uint64(less) << bit)


@kernel
def _sum(a: Any, b: Any, c: Any) -> Any:
    """Add three bits: those of 1 and of 2."""
    either = a ^ b
    return either ^ c, (a & b) | (either & c)


@kernel
def _counted(points: Array, inside: Array, counts: Array) -> None:
    """Count uniform patterns by their points not below; points: (8, words); counts: (10,)."""
    zero = uint64(0)
    none = one = two = three = four = five = six = seven = every = zero
    for w in range(inside.size):
        a, b, c, d = points[0, w], points[1, w], points[2, w], points[3, w]
        e, f, g, h = points[4, w], points[5, w], points[6, w], points[7, w]
        # changes along the circle: their number is even, so at most two unless two pairs are
        x, pairs_x = _sum(a ^ b, b ^ c, c ^ d)
        y, pairs_y = _sum(d ^ e, e ^ f, f ^ g)
        z, pairs_z = _sum(g ^ h, h ^ a, zero)
        _, pairs = _sum(x, y, z)
        many = (pairs_x & pairs_y) | (pairs_z & pairs) | ((pairs_x | pairs_y) & (pairs_z | pairs))
        uniform = inside[w] & ~many
        # points below, in binary
        x, pairs_x = _sum(a, b, c)
        y, pairs_y = _sum(d, e, f)
        z, pairs_z = _sum(g, h, zero)
        units, pairs = _sum(x, y, z)
        x, fours_x = _sum(pairs_x, pairs_y, pairs_z)
        twos, fours_y = _sum(x, pairs, zero)
        fours, eights = _sum(fours_x, fours_y, zero)
        odd, even = uniform & units, uniform & ~units
        less = ~fours & ~eights
        none += ones(even & eights)
        one += ones(odd & twos & fours)
        two += ones(even & twos & fours)
        three += ones(odd & ~twos & fours)
        four += ones(even & ~twos & fours)
        five += ones(odd & twos & less)
        six += ones(even & twos & less)
        seven += ones(odd & ~twos & less)
        every += ones(even & ~twos & less)
    for value, count in enumerate((none, one, two, three, four, five, six, seven, every)):
        counts[value] += int64(count)


def work_space(height: int, width: int, margin: int) -> tuple[int, int]:
    """Length of a padded row, and of a padded plane, in pixels."""
    stride = width + margin
    return stride, (height + 2 * margin + 4) * stride + 2 * WORD


@kernel
def _insides(stride: int, width: int, words: int) -> Array:
    """Bits of the pixels that are not padding."""
    outside = np.ones(WORD * words, np.uint8)
    for start in range(0, outside.size, stride):
        outside[start : start + width] = 0
    inside = np.empty(words, np.uint64)
    _straight(outside, np.ones(WORD * words, np.uint8), inside)
    return inside


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
    size = (step * stride + WORD - 1) // WORD
    inside = _insides(stride, width, size)
    below = np.empty((8, size), np.uint64)
    doubt = np.empty((4, size), np.uint64)
    pixels = np.empty(WORD * size + 2, np.uint32)
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
            for y in range(0, height, step):
                rows = min(step, height - y)
                i = (y + margin + 1) * stride + margin
                n = (rows * stride + WORD - 1) // WORD
                valid = inside[:n].copy()
                if rows * stride < n * WORD:
                    valid[n - 1] &= (ONE << uint64(rows * stride % WORD)) - ONE
                for turn in range(4):
                    # right, above, left, below
                    away = (radius, -radius * stride, -radius, radius * stride)[turn]
                    _straight(plane[i + away :], plane[i:], below[2 * turn, :n])
                    # up right, up left, down left, down right
                    side = right if turn == 0 or turn == 3 else left
                    sign = -stride if turn < 2 else stride
                    its = below[2 * turn + 1, :n]
                    _diagonal(
                        side[i + sign * near :],
                        side[i + sign * far :],
                        scaled[i:],
                        share,
                        valid,
                        its,
                        doubt[turn, :n],
                    )
                    corner = -(m + 1) * stride if turn < 2 else m * stride
                    corner += m if turn == 0 or turn == 3 else -m - 1
                    down = back[index, y:] if turn < 2 else ahead[index, y:]
                    across = ahead[index] if turn == 0 or turn == 3 else back[index]
                    some = pixels[: _listed(doubt[turn, :n], pixels)]
                    _settled(plane, i, stride, corner, down, across, some, its)
                _counted(below, valid, counts[channel, index])
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
