"""Python, cores, memory, the GPU."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError
from pathlib import Path

from dfbench._version import __version__
from dfbench.backbones.apart import asked
from dfbench.benchmark.machine import default_jobs, processor
from dfbench.benchmark.memory import available
from dfbench.doctor.finding import Finding, gigabytes
from dfbench.installed import available_cores, versions
from dfbench.models import devices

_OF_A_WORKER = 1_000_000_000
"""Bytes below which a worker is short of memory: torch alone takes about so many."""


def look(plugins: Sequence[Path]) -> Iterator[Finding]:
    """Look at the machine."""
    folder = Path(__file__).parents[1]
    yield Finding(
        "dfbench",
        "ok",
        f"{__version__} in {folder}",
        "",
        {"version": __version__, "at": str(folder)},
    )
    said = f"{platform.python_version()}, {platform.system()} {platform.machine()}"
    facts = {"version": platform.python_version(), "executable": sys.executable}
    yield Finding("Python", "ok", said, "", facts)
    gpu = _gpu()
    device = "cuda" if gpu.state == "ok" else "cpu"
    jobs, cores = default_jobs(device), available_cores()
    yield Finding(
        "processor",
        "ok",
        f"{processor()}, {_count(cores, 'core')}: {_count(jobs, 'worker')} by default",
        "",
        {"name": processor(), "cores": cores, "jobs": jobs},
    )
    yield _memory(jobs)
    yield gpu


def _memory(jobs: int) -> Finding:
    free = available()
    if free is None:
        return Finding("memory", "ok", "not told by this system", "", {"free": None})
    enough = free >= jobs * _OF_A_WORKER
    return Finding(
        "memory",
        "ok" if enough else "warning",
        f"{gigabytes(free)} can still be taken",
        "" if enough else f"fewer than {_count(jobs, 'worker')} need less: --jobs 1",
        {"free": free},
    )


def _gpu() -> Finding:
    """Ask torch, which takes seconds, only where NVIDIA's driver is there."""
    trained = "networks are trained on the processor"
    try:
        names = asked(devices.gpus) if devices.driver() else []
    except PackageNotFoundError:
        return Finding("GPU", "absent", "not looked for: torch is not installed", "")
    if names:
        return Finding("GPU", "ok", ", ".join(names), "", {"names": names})
    if not devices.driver():
        said = f"none, no driver of NVIDIA is here: {trained}"
        return Finding("GPU", "absent", said, "", {"names": []})
    torch = versions().get("torch", "")
    return Finding(
        "GPU",
        "warning",
        f"NVIDIA's driver is here, but torch {torch} finds no GPU: {trained}",
        "install a build of torch for this driver (pytorch.org/get-started), or see nvidia-smi",
        {"names": []},
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
