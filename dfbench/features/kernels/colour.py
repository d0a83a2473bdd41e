"""Compiled kernels of the `colour` extractor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.jit import kernel


@kernel
def channel_counts(planes: NDArray[Any], counts: NDArray[Any]) -> None:
    """Fill ``counts`` with the histogram of each channel.

    planes: uint8 (C, H, W); counts: uint32 (4, 3, 256), of which the first becomes the sum. Pixels
    take turns with four tables, so that equal neighbours need not wait for each other.
    """
    counts[:] = 0
    for channel in range(planes.shape[0]):
        one, two = counts[0, channel], counts[1, channel]
        three, four = counts[2, channel], counts[3, channel]
        plane = planes[channel].reshape(-1)
        size = plane.size // 8 * 8
        words, low = plane[:size].view(np.uint64), np.uint64(255)
        for i in range(words.size):
            word = words[i]
            one[word & low] += np.uint32(1)
            two[(word >> np.uint64(8)) & low] += np.uint32(1)
            three[(word >> np.uint64(16)) & low] += np.uint32(1)
            four[(word >> np.uint64(24)) & low] += np.uint32(1)
            one[(word >> np.uint64(32)) & low] += np.uint32(1)
            two[(word >> np.uint64(40)) & low] += np.uint32(1)
            three[(word >> np.uint64(48)) & low] += np.uint32(1)
            four[word >> np.uint64(56)] += np.uint32(1)
        for i in range(size, plane.size):
            one[plane[i]] += np.uint32(1)
        for value in range(256):
            one[value] += two[value] + three[value] + four[value]


@kernel
def products(planes: NDArray[Any], down: int, right: int, sums: NDArray[Any]) -> Any:
    """Fill ``sums`` with what the covariances of three channels take; return the number.

    Of the channels' values where ``down`` and ``right`` are 0, otherwise of the differences
    between pixel (y + down, x + right) and (y, x). planes: uint8 (3, H, W); sums: int64 (9,): the
    three sums, the three sums of squares, the sums of products of channels 0 and 1, 0 and 2, 1
    and 2.
    """
    height, width = planes.shape[1] - down, planes.shape[2] - right
    sums[:] = 0
    share = np.int32(down + right > 0)
    for y in range(height):
        # sums of 16384 products of bytes fit 32 bits, of which twice as many fit a vector as of 64
        for start in range(0, width, 16384):
            stop = min(width, start + 16384)
            a = planes[0, y, start:stop]
            b = planes[1, y, start:stop]
            c = planes[2, y, start:stop]
            d = planes[0, y + down, start + right : stop + right]
            e = planes[1, y + down, start + right : stop + right]
            f = planes[2, y + down, start + right : stop + right]
            s0, s1, s2 = np.int32(0), np.int32(0), np.int32(0)
            q0, q1, q2 = np.int32(0), np.int32(0), np.int32(0)
            p0, p1, p2 = np.int32(0), np.int32(0), np.int32(0)
            for x in range(stop - start):
                u = np.int32(np.int32(d[x]) - share * np.int32(a[x]))
                v = np.int32(np.int32(e[x]) - share * np.int32(b[x]))
                w = np.int32(np.int32(f[x]) - share * np.int32(c[x]))
                s0 = np.int32(s0 + u)
                s1 = np.int32(s1 + v)
                s2 = np.int32(s2 + w)
                q0 = np.int32(q0 + u * u)
                q1 = np.int32(q1 + v * v)
                q2 = np.int32(q2 + w * w)
                p0 = np.int32(p0 + u * v)
                p1 = np.int32(p1 + u * w)
                p2 = np.int32(p2 + v * w)
            sums[0] += s0
            sums[1] += s1
            sums[2] += s2
            sums[3] += q0
            sums[4] += q1
            sums[5] += q2
            sums[6] += p0
            sums[7] += p1
            sums[8] += p2
    return max(0, height) * max(0, width)


@kernel
def chromaticities(pixels: NDArray[Any], reciprocal: NDArray[Any], counts: NDArray[Any]) -> int:
    """Count the chromaticities of red and green; return how many pixels are black in all channels.

    pixels: uint8 (H, W, 3), RGB; reciprocal: uint64 (766,), ``255 / s`` times 2**32, rounded up,
    by which ties are rounded up too; counts: uint32 (2, 256), the histograms of
    ``floor(255 R / s + 1/2)`` and the same of green, where ``s = R + G + B > 0``.
    """
    counts[:] = 0
    black = 0
    half, bits = np.uint64(1 << 31), np.uint64(32)
    for y in range(pixels.shape[0]):
        for x in range(pixels.shape[1]):
            red, green = np.uint64(pixels[y, x, 0]), np.uint64(pixels[y, x, 1])
            total = red + green + np.uint64(pixels[y, x, 2])
            if total == 0:
                black += 1
                continue
            factor = reciprocal[total]
            counts[0, (red * factor + half) >> bits] += np.uint32(1)
            counts[1, (green * factor + half) >> bits] += np.uint32(1)
    return black
