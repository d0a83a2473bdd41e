"""What is there on this machine: versions of what scores rest on, and cores."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version

from dfbench._version import __version__

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


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
