"""The machine that a run runs on: its cores and memory, and the versions of what is installed."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dfbench._version import __version__
from dfbench.models.devices import accelerator

_PACKAGES = ("numpy", "scikit-learn", "xgboost", "torch", "torchvision", "timm", "optuna")

_PROCESS = Path("/proc/self")


def versions() -> dict[str, str]:
    """Give the versions of what the scores rest on, without importing it."""
    found = {"dfbench": __version__}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def machine(device: str) -> dict[str, str]:
    """Say what computes; ``device`` is where networks are trained."""
    return {
        "device": f"{device}: {accelerator()}" if device == "cuda" else device,
        "processor": _processor(),
        "cores": str(available_cores()),
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:  # not Linux
        pass
    return platform.processor() or platform.machine()


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_jobs(device: str) -> int:
    """Workers where the user does not say: they share the cores, and the memory of one GPU."""
    return min(available_cores(), 4 if device == "cuda" else 8)


def forget_peak() -> None:
    """Let the peak begin anew from what is held now; without effect where the system cannot."""
    try:
        (_PROCESS / "clear_refs").write_text("5")
    except OSError:
        return


def peak_bytes() -> int | None:
    """Give the largest resident set since `forget_peak`, in bytes; None where nothing tells."""
    try:
        status = (_PROCESS / "status").read_text()
    except OSError:
        return None
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(found.group(1)) * 1024 if found else None
