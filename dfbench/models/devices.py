"""Where models compute: the processor, or a CUDA GPU when there is one."""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from typing import Literal

from dfbench.errors import DfbenchError, UnavailableError, unknown

Device = Literal["cpu", "cuda"]


def resolve_device(wanted: str) -> Device:
    """Turn what the user asked for into a device that is there.

    Parameters
    ----------
    wanted
        ``auto`` (a GPU when there is one), ``cpu`` or ``cuda``.

    Returns
    -------
    str
        ``cpu`` or ``cuda``. torch is imported only where the answer hangs on it.

    Raises
    ------
    DfbenchError
        If ``cuda`` is asked for and torch finds none.
    UnknownNameError
        If ``wanted`` is none of the three.
    """
    if wanted not in ("auto", "cpu", "cuda"):
        raise unknown("device", wanted, ("auto", "cpu", "cuda"))
    if wanted == "cpu":
        return "cpu"
    if _cuda():
        return "cuda"
    if wanted == "cuda":
        raise DfbenchError(
            "device 'cuda' was asked for, but torch finds no CUDA GPU",
            hint="use --device cpu, or install the driver and a CUDA build of torch",
        )
    return "cpu"


@cache
def _cuda() -> bool:
    if not _driver():
        return False
    import torch

    return bool(torch.cuda.is_available())


def _driver() -> bool:
    """Whether there may be a CUDA GPU: without NVIDIA's driver torch, which is slow, is not asked.

    AMD's GPUs have another driver, and torch built for them another version.
    """
    if "+rocm" in version("torch") or sys.platform not in ("linux", "win32"):
        return True
    try:
        ctypes.CDLL("libcuda.so.1" if sys.platform == "linux" else "nvcuda.dll")
    except OSError:
        return False
    return True


def accelerator() -> str:
    """Name the CUDA GPU that networks are trained on."""
    import torch

    return str(torch.cuda.get_device_name())


def require(package: str) -> None:
    """Raise where a package is not installed, without importing it.

    Raises
    ------
    UnavailableError
        With the command that installs it.
    """
    if importlib.util.find_spec(package) is None:
        raise UnavailableError(
            f"the package {package} is not installed", hint=f"pip install {package}"
        )


@contextmanager
def native_threads(n_threads: int) -> Iterator[None]:
    """Hold the BLAS and OpenMP pools that are loaded to ``n_threads`` inside the block.

    Several cells run side by side, one process each: a pool that takes every core of the machine
    in each of them would slow all.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=max(1, n_threads)):
        yield
