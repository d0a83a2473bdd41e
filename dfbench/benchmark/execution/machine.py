"""What a run runs on: the machine, and the versions of what scores rest on."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dfbench._version import __version__
from dfbench.benchmark.execution.settings import available_cores
from dfbench.models.devices import accelerator

_PACKAGES = ("numpy", "scikit-learn", "xgboost", "torch", "torchvision", "timm", "optuna")


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
