"""Compiled kernels of the search for copies."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.jit import kernel

SIDE = 32
COARSE = 8

# What a copy must keep. Measured on tiles and whole images of faces, see benchmarks/leaks.py.
LIKE = 0.75
"""Least correlation of gradients."""
CERTAIN = 8.0
"""Least Fisher z of it, over as many values as the gradients are spread over."""
BRIGHTNESS, COLOUR = 4.0, 3.0
"""Largest mean difference of 8x8 cells, in grey levels."""
_BETWEEN = 0.25
"""Part of the contrast of colours that they may also differ by: they are known in 8x8 cells only,
and a window lies between them."""
_NEAR = 0.7
"""Correlation of brightness below which no alignment is tried."""
_STEPS = 12
_PARAMETERS = 6


@kernel
def _bits(x: Any) -> Any:
    """Count the ones of a uint64 (LLVM knows this form and makes one instruction of it)."""
    x = x - ((x >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((x * np.uint64(0x0101010101010101)) >> np.uint64(56))


@kernel
def near(
    queries: NDArray[Any],
    own: NDArray[Any],
    kinds: NDArray[Any],
    shifts: NDArray[Any],
    widths: NDArray[Any],
    starts: NDArray[Any],
    order: NDArray[Any],
    hashes: NDArray[Any],
    reach: int,
    seen: NDArray[Any],
    closest: NDArray[Any],
    found: NDArray[Any],
) -> tuple[int, int]:
    """List the images of another kind with a hash within ``reach`` bits of one of a query's.

    queries: uint64 (q, v), v hashes of each of q images; own: int64 (q,), their numbers; kinds:
    int64 (n,). The index, of m bands: shifts and widths int64 (m,), starts int64 (m, 2^w + 1),
    order int64 (m, n) and hashes uint64 (m, n), sorted by band. seen: int64 (n,), -1; closest:
    int64 (n, 2), workspace. found: int64 (f, 3): query, image, place of the hash that is nearest.
    Returns how many were found, and of how many queries: all, or as many as there was room for.
    """
    count = 0
    for q in range(queries.shape[0]):
        first = count
        kind = kinds[own[q]]
        for v in range(queries.shape[1]):
            wanted = queries[q, v]
            for band in range(shifts.size):
                width = widths[band]
                key = np.int64(wanted >> np.uint64(shifts[band])) & ((1 << width) - 1)
                # the band itself, then with each of its bits turned
                for turn in range(-1, width):
                    place = key if turn < 0 else key ^ (1 << turn)
                    for at in range(starts[band, place], starts[band, place + 1]):
                        apart = _bits(hashes[band, at] ^ wanted)
                        if apart > reach:
                            continue
                        image = order[band, at]
                        if kinds[image] == kind:
                            continue
                        if seen[image] < first:
                            if count == found.shape[0]:
                                for i in range(first, count):
                                    seen[found[i, 1]] = -1
                                return first, q
                            seen[image] = count
                            found[count, 0] = q
                            found[count, 1] = image
                            closest[image, 0] = apart
                            closest[image, 1] = v
                            count += 1
                        elif apart < closest[image, 0]:
                            closest[image, 0] = apart
                            closest[image, 1] = v
        for i in range(first, count):
            found[i, 2] = closest[found[i, 1], 1]
            seen[found[i, 1]] = -1
    return count, queries.shape[0]


@kernel
def _warp(
    luma: NDArray[Any], window: NDArray[Any], out: NDArray[Any], slopes: NDArray[Any]
) -> None:
    """Sample ``luma`` (32, 32) bilinearly in a window (top, height, left, width), with slopes."""
    for r in range(SIDE):
        y = min(max((window[0] + window[1] * (r + 0.5) / SIDE) * SIDE - 0.5, 0.0), SIDE - 1.0)
        i = min(int(y), SIDE - 2)
        fy = y - i
        for c in range(SIDE):
            x = min(max((window[2] + window[3] * (c + 0.5) / SIDE) * SIDE - 0.5, 0.0), SIDE - 1.0)
            j = min(int(x), SIDE - 2)
            fx = x - j
            upper = (1 - fx) * luma[i, j] + fx * luma[i, j + 1]
            lower = (1 - fx) * luma[i + 1, j] + fx * luma[i + 1, j + 1]
            out[r, c] = (1 - fy) * upper + fy * lower
            slopes[0, r, c] = lower - upper
            left = (1 - fy) * luma[i, j] + fy * luma[i + 1, j]
            right = (1 - fy) * luma[i, j + 1] + fy * luma[i + 1, j + 1]
            slopes[1, r, c] = right - left


@kernel
def _correlation(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Correlate two arrays (32, 32); 0 where one is constant."""
    n = a.size
    sa = sb = saa = sbb = sab = 0.0
    for r in range(a.shape[0]):
        for c in range(a.shape[1]):
            sa += a[r, c]
            sb += b[r, c]
            saa += a[r, c] * a[r, c]
            sbb += b[r, c] * b[r, c]
            sab += a[r, c] * b[r, c]
    va, vb = saa - sa * sa / n, sbb - sb * sb / n
    if va < 1e-6 or vb < 1e-6:
        return 0.0
    return (sab - sa * sb / n) / math.sqrt(va * vb)


@kernel
def _gradients(a: NDArray[Any], out: NDArray[Any]) -> float:
    """Fill (2, 31, 31) with gradients less their mean; give how many pixels they are spread over.

    That number is (sum of squares)^2 / sum of fourth powers: 961 where all are alike, 1 where one
    pixel has it all.
    """
    m = SIDE - 1
    means = np.zeros(2)
    for r in range(m):
        for c in range(m):
            out[0, r, c] = a[r + 1, c] - a[r, c] + a[r + 1, c + 1] - a[r, c + 1]
            out[1, r, c] = a[r, c + 1] - a[r, c] + a[r + 1, c + 1] - a[r + 1, c]
            means[0] += out[0, r, c]
            means[1] += out[1, r, c]
    means /= m * m
    second = fourth = 0.0
    for r in range(m):
        for c in range(m):
            out[0, r, c] -= means[0]
            out[1, r, c] -= means[1]
            energy = out[0, r, c] ** 2 + out[1, r, c] ** 2
            second += energy
            fourth += energy * energy
    return second * second / fourth if fourth > 1e-6 else 0.0


@kernel
def _cells(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Mean absolute difference of 8x8 cells of two arrays (32, 32)."""
    total = 0.0
    step = SIDE // COARSE
    for r in range(COARSE):
        for c in range(COARSE):
            part = 0.0
            for y in range(r * step, (r + 1) * step):
                for x in range(c * step, (c + 1) * step):
                    part += a[y, x] - b[y, x]
            total += abs(part)
    return total / SIDE**2


@kernel
def _colours(a: NDArray[Any], b: NDArray[Any], window: NDArray[Any]) -> float:
    """Mean absolute difference of colour (2, 8, 8), the first in a window, over what it may be."""
    total = 0.0
    for r in range(COARSE):
        y = min(max((window[0] + window[1] * (r + 0.5) / COARSE) * COARSE - 0.5, 0.0), COARSE - 1.0)
        i = min(int(y), COARSE - 2)
        fy = y - i
        for c in range(COARSE):
            x = (window[2] + window[3] * (c + 0.5) / COARSE) * COARSE - 0.5
            x = min(max(x, 0.0), COARSE - 1.0)
            j = min(int(x), COARSE - 2)
            fx = x - j
            for k in range(2):
                upper = (1 - fx) * a[k, i, j] + fx * a[k, i, j + 1]
                lower = (1 - fx) * a[k, i + 1, j] + fx * a[k, i + 1, j + 1]
                total += abs((1 - fy) * upper + fy * lower - b[k, r, c])
    contrast = 0.0
    for k in range(2):
        mean = b[k].mean()
        for r in range(COARSE):
            for c in range(COARSE):
                contrast += abs(b[k, r, c] - mean)
    cells = 2 * COARSE**2
    return total / cells / (COLOUR + _BETWEEN * contrast / cells)


@kernel
def _accept(
    warped: NDArray[Any],
    luma: NDArray[Any],
    colour_a: NDArray[Any],
    colour_b: NDArray[Any],
    window: NDArray[Any],
    ga: NDArray[Any],
    gb: NDArray[Any],
) -> bool:
    """Whether two aligned images are copies: brightness, colour, then gradients."""
    if _cells(warped, luma) > BRIGHTNESS or _colours(colour_a, colour_b, window) > 1:
        return False
    spread = min(_gradients(warped, ga), _gradients(luma, gb))
    product = na = nb = 0.0
    for k in range(2):
        for r in range(SIDE - 1):
            for c in range(SIDE - 1):
                product += ga[k, r, c] * gb[k, r, c]
                na += ga[k, r, c] * ga[k, r, c]
                nb += gb[k, r, c] * gb[k, r, c]
    if na < 1e-6 or nb < 1e-6:
        return False
    like = min(product / math.sqrt(na * nb), 1 - 1e-9)
    return like >= LIKE and math.atanh(like) * math.sqrt(spread) >= CERTAIN


@kernel
def _step(
    warped: NDArray[Any], slopes: NDArray[Any], luma: NDArray[Any], window: NDArray[Any]
) -> bool:
    """Move a window by one Gauss-Newton step towards ``luma``; False where there is none."""
    normal = np.zeros((_PARAMETERS, _PARAMETERS))
    right = np.zeros(_PARAMETERS)
    row = np.empty(_PARAMETERS)
    for r in range(SIDE):
        for c in range(SIDE):
            dy, dx = slopes[0, r, c] * SIDE, slopes[1, r, c] * SIDE
            row[0] = dy
            row[1] = dy * (r + 0.5) / SIDE
            row[2] = dx
            row[3] = dx * (c + 0.5) / SIDE
            row[4] = warped[r, c]
            row[5] = 1.0
            miss = luma[r, c] - warped[r, c]
            for i in range(_PARAMETERS):
                right[i] += row[i] * miss
                for j in range(i + 1):
                    normal[i, j] += row[i] * row[j]
    # Cholesky, with a little on the diagonal for directions in which nothing changes
    for i in range(_PARAMETERS):
        normal[i, i] = normal[i, i] * (1 + 1e-4) + 1e-6
    for i in range(_PARAMETERS):
        for j in range(i + 1):
            total = normal[i, j]
            for k in range(j):
                total -= normal[i, k] * normal[j, k]
            if i == j:
                if total <= 0:
                    return False
                normal[i, i] = math.sqrt(total)
            else:
                normal[i, j] = total / normal[j, j]
    for i in range(_PARAMETERS):
        for k in range(i):
            right[i] -= normal[i, k] * right[k]
        right[i] /= normal[i, i]
    for i in range(_PARAMETERS - 1, -1, -1):
        for k in range(i + 1, _PARAMETERS):
            right[i] -= normal[k, i] * right[k]
        right[i] /= normal[i, i]
    for i in range(4):
        window[i] += min(max(right[i], -0.05), 0.05)
    # the edges of the window stay about within the image, and no crop keeps less than this
    for i in (0, 2):
        if window[i + 1] < 0.8 or window[i + 1] > 1.05:
            return False
        if window[i] < -0.05 or window[i] + window[i + 1] > 1.05:
            return False
    return True


@kernel
def copies(
    pairs: NDArray[Any],
    windows: NDArray[Any],
    firsts: NDArray[Any],
    thumbnails: NDArray[Any],
    accepted: NDArray[Any],
) -> None:
    """Say of pairs whether the second shows a part of the first.

    pairs: int64 (p, 3): a place in ``firsts``, an image, a window; windows: float64 (v, 5): top,
    height, left, width as parts of the first image, and whether it is mirrored then; firsts:
    int64, images; thumbnails: uint8 (n, 1152); accepted: bool (p,), written.
    """
    a, b = np.empty((SIDE, SIDE)), np.empty((SIDE, SIDE))
    colour_a, colour_b = np.empty((2, COARSE, COARSE)), np.empty((2, COARSE, COARSE))
    warped, slopes = np.empty((SIDE, SIDE)), np.empty((2, SIDE, SIDE))
    ga, gb = np.empty((2, SIDE - 1, SIDE - 1)), np.empty((2, SIDE - 1, SIDE - 1))
    window = np.empty(4)
    area, cells = SIDE * SIDE, COARSE * COARSE
    for p in range(pairs.shape[0]):
        one, other = thumbnails[firsts[pairs[p, 0]]], thumbnails[pairs[p, 1]]
        shown = windows[pairs[p, 2]]
        mirrored = shown[4] > 0
        window[:] = shown[:4]
        if mirrored:
            window[2] = 1 - shown[2] - shown[3]
        for r in range(SIDE):
            for c in range(SIDE):
                a[r, c] = one[r * SIDE + (SIDE - 1 - c if mirrored else c)]
                b[r, c] = other[r * SIDE + c]
        for k in range(2):
            for r in range(COARSE):
                for c in range(COARSE):
                    at = area + k * cells + r * COARSE
                    colour_a[k, r, c] = one[at + (COARSE - 1 - c if mirrored else c)]
                    colour_b[k, r, c] = other[at + c]
        accepted[p] = False
        _warp(a, window, warped, slopes)
        like = _correlation(warped, b)
        if like < _NEAR or _colours(colour_a, colour_b, window) > 2:
            continue
        if _cells(warped, b) > 4 * BRIGHTNESS:
            continue
        if _accept(warped, b, colour_a, colour_b, window, ga, gb):
            accepted[p] = True
            continue
        for _ in range(_STEPS):
            if not _step(warped, slopes, b, window):
                break
            _warp(a, window, warped, slopes)
            now = _correlation(warped, b)
            if now < like + 1e-4:
                break
            like = now
        else:
            like = 1.0
        accepted[p] = _accept(warped, b, colour_a, colour_b, window, ga, gb)
