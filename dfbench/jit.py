"""Compiled kernels: one way to declare them. Import this only where a kernel is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit
from numba.extending import intrinsic

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile with Numba on first use, without the GIL, kept on disk for later processes.

    Numba keeps the machine code beside the module, or in the user's cache folder where the module
    lies in a read-only place. Where neither can be written, each process compiles anew.
    """
    try:
        compiled: F = njit(nogil=True, cache=True)(function)
    except RuntimeError:  # "no locator available": no folder for the cache
        compiled = njit(nogil=True)(function)
    return compiled


def instructions(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let kernels call what writes its own instructions (`numba.extending.intrinsic`).

    Kernels kept on disk are compiled anew when their own module changes, not when that of such a
    function does.
    """
    written: Callable[..., Any] = intrinsic(function)
    return written
