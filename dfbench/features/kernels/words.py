"""Truths of 64 pixels as the bits of one word, on which logic is cheap.

The compiler makes no such words of a loop over pixels, so what gives them is written as vector
instructions, which it turns into those of the machine.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from dfbench.jit import instructions

WORD = 64


def loaded(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    """Load 64 numbers of an array, from ``at`` on."""
    data = context.make_array(kind)(context, builder, array).data
    numbers = ir.VectorType(context.get_data_type(kind.dtype), WORD)
    place = builder.bitcast(builder.gep(data, [at]), numbers.as_pointer())
    return builder.load(place, align=kind.dtype.bitwidth // 8)


def as_word(builder: Any, truths: Any) -> Any:
    """Make a word of 64 truths."""
    return builder.bitcast(truths, ir.IntType(WORD))


def repeated(builder: Any, scalar: Any) -> Any:
    """Repeat a number 64 times."""
    kind = ir.VectorType(scalar.type, WORD)
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), scalar, ir.IntType(32)(0))
    which = ir.Constant(ir.VectorType(ir.IntType(32), WORD), [0] * WORD)
    return builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), which)


@instructions
def is_below(_: Any, one: Any, other: Any, at: Any) -> Any:
    """Say of 64 pixels of uint8 from ``at`` on where one is below the other, as bits."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        a, b = (
            loaded(context, builder, signature.args[which], values[which], values[2])
            for which in (0, 1)
        )
        return as_word(builder, builder.icmp_unsigned("<", a, b))

    return types.uint64(one, other, at), code


@instructions
def ones(_: Any, word: Any) -> Any:
    """Count the ones of a word."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.ctpop(values[0])

    return types.uint64(types.uint64), code


@instructions
def first(_: Any, word: Any) -> Any:
    """Give the place of the lowest one of a word; 64 where there is none."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.cttz(values[0], ir.IntType(1)(0))

    return types.uint64(types.uint64), code
