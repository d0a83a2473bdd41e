"""Compiled logarithm of whole rows, which the compiler turns into vector instructions."""

from __future__ import annotations

from typing import Any

from numba import float32, int32
from numpy.typing import NDArray

from dfbench.jit import kernel

Array = NDArray[Any]


@kernel
def logarithms(values: Array, bits: Array, out: Array) -> None:
    """Fill ``out`` with the natural logarithms of ``values``, which are spoilt.

    values: float32 (n,), positive; bits: the same memory as int32; out: float32 (n,). After
    Cephes' logf: a mantissa in [sqrt(1/2), sqrt(2)) and a polynomial; within 2e-7 of the
    result plus 1e-7.
    """
    for i in range(out.size):
        raw = bits[i]
        exponent = int32((raw - int32(0x3F3504F3)) >> 23)
        out[i] = float32(exponent)
        bits[i] = int32(raw - (exponent << 23))
    for i in range(out.size):
        m = values[i] - float32(1)
        p = float32(7.0376836292e-2)
        p = p * m - float32(1.1514610310e-1)
        p = p * m + float32(1.1676998740e-1)
        p = p * m - float32(1.2420140846e-1)
        p = p * m + float32(1.4249322787e-1)
        p = p * m - float32(1.6668057665e-1)
        p = p * m + float32(2.0000714765e-1)
        p = p * m - float32(2.4999993993e-1)
        p = p * m + float32(3.3333331174e-1)
        square = m * m
        out[i] = (p * m * square - float32(0.5) * square + m) + out[i] * float32(0.6931471805599453)
