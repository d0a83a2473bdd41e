"""Compiled kernels of the `cooccurrence` extractor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int16, uint8, uint16, uint32
from numpy.typing import NDArray

from dfbench.jit import kernel

Array = NDArray[Any]


@kernel
def digits(plane: Array, taps: Array, levels: Array, line: Array, out: Array) -> None:
    """Filter, quantise and truncate.

    plane: int16 (H, W); taps: int16 (n, 3), n even, row, column and weight of each; levels:
    int16 (T,), ascending, the least residual (in absolute value) that is quantised to 1, 2, .. T;
    line: int16, overwritten; out: uint8 (h, W), filled with the quantised residual plus T where
    the filter lies wholly inside, and with anything in the last columns, where it does not.

    Rows run into each other, so that the vectors are as long as ``line`` and not as a row.
    """
    width = plane.shape[1]
    flat, every = plane.reshape(-1), out.reshape(-1)
    last = 0
    for t in range(len(taps)):
        last = max(last, taps[t, 0] * width + taps[t, 1])
    size = len(flat) - last
    most = len(levels)
    for start in range(0, size, len(line)):
        length = min(len(line), size - start)
        row, to = line[:length], every[start : start + length]
        row[:] = 0
        to[:] = most
        for t in range(0, len(taps), 2):
            weight, other = taps[t, 2], taps[t + 1, 2]
            at = start + taps[t, 0] * width + taps[t, 1]
            source = flat[at : at + length]
            at = start + taps[t + 1, 0] * width + taps[t + 1, 1]
            second = flat[at : at + length]
            for x in range(length):
                row[x] = int16(row[x] + weight * source[x] + other * second[x])
        for t in range(most):
            level = levels[t]
            below = int16(-level)
            for x in range(length):
                to[x] = uint8(to[x] + uint8(row[x] >= level) - uint8(row[x] <= below))


@kernel
def count(
    values: Array,
    valid: int,
    down: bool,
    base: int,
    order: int,
    stride: int,
    line: Array,
    wide: Array,
    table: Array,
) -> None:
    """Count the tuples of ``order`` neighbours, across or down.

    values: uint8 (H, W), each below base in the first ``valid`` columns; line: uint16, W or longer,
    overwritten; wide: uint32 (base**(order + stride - 1),) and table: uint32 (base**order,), both
    added to: a longer tuple stands for the ``stride`` tuples inside it (`narrowed` hands them out),
    those left over at the end are counted one by one. The first of a tuple is its highest digit.
    """
    height, width = values.shape
    long = order + stride - 1
    starts = (height if down else valid) - order + 1
    whole = starts // stride
    if down:
        for step in range(whole + starts - whole * stride):
            joined = step < whole
            y = step * stride if joined else whole * stride + step - whole
            row = line[:valid]
            row[:] = 0
            for k in range(long if joined else order):
                source = values[y + k]
                for x in range(valid):
                    row[x] = uint16(row[x] * uint16(base) + source[x])
            if joined:
                for x in range(valid):
                    wide[row[x]] += 1
            else:
                for x in range(valid):
                    table[row[x]] += 1
        return
    flat = values.reshape(-1)
    rows = len(line) // width
    for top in range(0, height, rows):
        some = min(rows, height - top)
        codes = line[: max(0, some * width - long + 1)]
        codes[:] = 0
        for k in range(long):
            part = flat[top * width + k : top * width + k + len(codes)]
            for x in range(len(codes)):
                codes[x] = uint16(codes[x] * uint16(base) + part[x])
        for y in range(some):
            for x in range(y * width, y * width + whole * stride, stride):
                wide[codes[x]] += 1
            for x in range(whole * stride, starts):
                code = 0
                for k in range(order):
                    code = code * base + values[top + y, x + k]
                table[code] += 1


@kernel
def count_between(values: Array, valid: int, base: int, line: Array, table: Array) -> None:
    """Count the tuples of the same pixel's values in several planes.

    values: uint8 (n, H, W), each below base in the first ``valid`` columns; line: uint16, W or
    longer, overwritten; table: uint32 (base**n,), added to. The first plane is the highest digit.
    """
    planes, height, width = values.shape
    # neighbours are often alike: adding to one counter twice in a row would wait for itself
    spare = np.zeros((3, table.size), table.dtype)
    two, three, four = spare[0], spare[1], spare[2]
    rows = len(line) // width
    for top in range(0, height, rows):
        some = min(rows, height - top)
        codes = line[: some * width]
        codes[:] = 0
        for k in range(planes):
            part = values[k, top : top + some].reshape(-1)
            for x in range(len(codes)):
                codes[x] = uint16(codes[x] * uint16(base) + part[x])
        for y in range(some):
            for x in range(y * width, y * width + valid - 3, 4):
                table[codes[x]] += uint32(1)
                two[codes[x + 1]] += uint32(1)
                three[codes[x + 2]] += uint32(1)
                four[codes[x + 3]] += uint32(1)
            for x in range(y * width + valid - valid % 4, y * width + valid):
                table[codes[x]] += uint32(1)
    for code in range(table.size):
        table[code] += two[code] + three[code] + four[code]


@kernel
def narrowed(wide: Array, base: int, stride: int, table: Array) -> None:
    """Add the tuples inside those counted in ``wide`` (see `count`) to ``table``."""
    size = len(table)
    for k in range(stride):
        first, last = base**k, base ** (stride - 1 - k)
        at = 0
        for _ in range(first):
            for code in range(size):
                total = np.uint32(0)
                for _ in range(last):
                    total += wide[at]
                    at += 1
                table[code] += total
