"""Compiled conversions of images to planes of other colour spaces, which extractors share.

All give OpenCV's 8-bit numbers, for each of the 2**24 colours.
"""

from __future__ import annotations

from typing import Any

from numba import float32, int32, uint8, uint32
from numpy.typing import NDArray

from dfbench.jit import kernel

Array = NDArray[Any]

_BLOCK = 4096
"""Pixels whose channels the first-level cache holds."""


@kernel
def rgb(pixels: Array, out: Array) -> None:
    """Separate the channels. pixels: uint8 (3 n,), red, green, blue in turn; out: uint8 (3, n)."""
    red, green, blue = out[0], out[1], out[2]
    for i in range(red.size):
        red[i] = pixels[3 * i]
        green[i] = pixels[3 * i + 1]
        blue[i] = pixels[3 * i + 2]


@kernel
def gray(pixels: Array, out: Array) -> None:
    """Luma as of ``COLOR_RGB2GRAY``. pixels: uint8 (3 n,); out: uint8 (1, n)."""
    luma = out[0]
    for i in range(luma.size):
        total = (
            uint32(pixels[3 * i]) * uint32(9798)
            + uint32(pixels[3 * i + 1]) * uint32(19235)
            + uint32(pixels[3 * i + 2]) * uint32(3735)
        )
        luma[i] = uint8((total + uint32(1 << 14)) >> uint32(15))


@kernel
def ycrcb(pixels: Array, out: Array) -> None:
    """Luma, red and blue difference as of ``COLOR_RGB2YCrCb``, layouts as of `rgb`.

    In single precision, which holds all the whole numbers that occur (below 2**24) exactly.
    """
    one, middle = float32(1 / (1 << 14)), float32((128 << 14) + (1 << 13))
    size = out.shape[1]
    for start in range(0, size, _BLOCK):
        stop = min(size, start + _BLOCK)
        rgb(pixels[3 * start : 3 * stop], out[:, start:stop])
        a, b, c = out[0, start:stop], out[1, start:stop], out[2, start:stop]
        for i in range(stop - start):
            red, green, blue = float32(a[i]), float32(b[i]), float32(c[i])
            total = red * float32(4899) + green * float32(9617) + blue * float32(1868)
            y = int32((total + float32(1 << 13)) * one)
            cr = int32(((red - float32(y)) * float32(11682) + middle) * one)
            cb = int32(((blue - float32(y)) * float32(9241) + middle) * one)
            a[i] = uint8(y)
            b[i] = uint8(min(max(cr, 0), 255))
            c[i] = uint8(min(max(cb, 0), 255))


@kernel
def hsv(pixels: Array, out: Array) -> None:
    """Hue (degrees halved), saturation and value as of ``COLOR_RGB2HSV``, layouts as of `rgb`.

    OpenCV's tables of reciprocals, times 2**12, are computed: quicker than to be looked up.
    """
    half, bits = float32(0.5), int32(12)
    size = out.shape[1]
    for start in range(0, size, _BLOCK):
        stop = min(size, start + _BLOCK)
        rgb(pixels[3 * start : 3 * stop], out[:, start:stop])
        a, b, c = out[0, start:stop], out[1, start:stop], out[2, start:stop]
        for i in range(stop - start):
            red, green, blue = int32(a[i]), int32(b[i]), int32(c[i])
            value = max(red, max(green, blue))
            apart = int32(value - min(red, min(green, blue)))
            if value == red:
                turn = int32(green - blue)
            elif value == green:
                turn = int32(blue - red + 2 * apart)
            else:
                turn = int32(red - green + 4 * apart)
            of_value = int32(float32(255 << 12) / float32(max(value, int32(1))) + half)
            of_apart = int32(float32(30 << 12) / float32(max(apart, int32(1))) + half)
            hue = int32(int32(turn * of_apart + int32(1 << 11)) >> bits)
            a[i] = uint8(hue + int32(180) if hue < 0 else hue)
            b[i] = uint8(int32(apart * of_value + int32(1 << 11)) >> bits)
            c[i] = uint8(value)
