"""Where models compute: the processor, or a CUDA GPU when there is one."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
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
    if not driver():
        return False
    import torch

    return bool(torch.cuda.is_available())


def driver() -> bool:
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


def gpus() -> list[str]:
    """Name the CUDA GPUs that torch finds, each with its memory: ``NVIDIA H200, 150 GB``."""
    import torch

    found = [torch.cuda.get_device_properties(n) for n in range(torch.cuda.device_count())]
    return [f"{its.name}, {its.total_memory / 1e9:.0f} GB" for its in found]


def visible_gpus(device: str) -> tuple[str, ...]:
    """Name the GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` does.

    Parameters
    ----------
    device
        ``cpu`` or ``cuda``: without GPUs there is nothing to be named.
    """
    if device != "cuda":
        return ()
    import torch

    count = torch.cuda.device_count()
    named = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")]
    return tuple(named[:count]) if any(named) else tuple(str(number) for number in range(count))


def take_gpu(gpus: Sequence[str], number: int) -> None:
    """Make one of several GPUs the first of this process, before any library has looked for them.

    The others come after it, for networks that several GPUs train together.

    Parameters
    ----------
    gpus
        See `visible_gpus`.
    number
        Of this process among those that share them; counted round.
    """
    if len(gpus) > 1:
        at = number % len(gpus)
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join([*gpus[at:], *gpus[:at]])


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
