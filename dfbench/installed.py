"""What is there on this machine: versions of what scores rest on, and cores."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoints, PackageNotFoundError, entry_points, version
from pathlib import Path

from dfbench._version import BEGUN, __version__

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
)
"""Where numerical libraries look, when they are loaded, for how many threads they may have."""

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


def decoders() -> dict[str, str]:
    """Give the versions of what decodes images."""
    return {name: _version(name) for name in ("pillow", "pillow-heif", "opencv-python-headless")}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def entry_points_of(group: str) -> EntryPoints:
    """Give what packages have declared of a group, as `importlib.metadata` does.

    They are read again where a folder of the import path has changed: some 15 ms, and a run asks
    some twenty times.
    """
    return _entry_points(group, tuple((place, _changed(place)) for place in sys.path))


@functools.lru_cache(maxsize=32)
def _entry_points(group: str, state: tuple[tuple[str, int], ...]) -> EntryPoints:
    return entry_points(group=group)


def _changed(place: str) -> int:
    try:
        return Path(place).stat().st_mtime_ns
    except OSError:
        return 0


_COMPUTING = ("numpy", "scipy", "pydantic", "rich", "matplotlib", "pillow")


@functools.cache
def this_dfbench() -> str:
    """Tell this dfbench, and the libraries that boards are computed and drawn with, from others.

    By size and time of its source files too: what was changed without a new version is another.
    Where one changed while this process has been running, it is like no other: what it runs is not
    what lies there.
    """
    state = hashlib.sha256(f"{__version__} {platform.python_version()}".encode())
    for package in _COMPUTING:
        state.update(f"{package} {_version(package)}\n".encode())
    with contextlib.suppress(OSError):  # where it is no folder, versions are all there is
        sources = sorted(_sources(os.fspath(Path(__file__).parent), ""))
        for name, found in sources:
            state.update(f"{name} {found.st_size} {found.st_mtime_ns}\n".encode())
        if any(came_since(found) for _, found in sources):
            state.update(str(BEGUN).encode())
    return state.hexdigest()[:16]


def came_since(source: os.stat_result) -> bool:
    """Whether a source file came or was changed after this process had begun."""
    return max(source.st_mtime_ns, source.st_ctime_ns) > BEGUN


def _sources(folder: str, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                yield prefix + entry.name, entry.stat()
            elif entry.is_dir() and entry.name != "__pycache__":
                yield from _sources(entry.path, f"{prefix}{entry.name}/")


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
