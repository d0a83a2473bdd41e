"""Compiled kernels: one way to declare them. Import this only where a kernel is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit
from numba.extending import intrinsic

from dfbench.compiled import KeptCode

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile with Numba on first use, without the GIL.

    The machine code is kept below the cache folder for later processes, see `dfbench.compiled`;
    where that cannot be written, each process compiles anew.
    """
    compiled: Any = njit(nogil=True)(function)
    compiled._cache = KeptCode(function)
    found: F = compiled
    return found


def instructions(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let kernels call what writes its own instructions (`numba.extending.intrinsic`)."""
    written: Callable[..., Any] = intrinsic(function)
    return written
