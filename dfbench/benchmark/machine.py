"""The machine that a run runs on: what computes, how many workers, how much memory they took."""

from __future__ import annotations

import platform
import re
from pathlib import Path

from dfbench.installed import available_cores
from dfbench.models.devices import accelerator

_PROCESS = Path("/proc/self")


def machine(device: str) -> dict[str, str]:
    """Say what computes; ``device`` is where networks are trained."""
    return {
        "device": f"{device}: {accelerator()}" if device == "cuda" else device,
        "processor": processor(),
        "cores": str(available_cores()),
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
    }


def processor() -> str:
    """Name the processor, as far as the system tells."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:  # not Linux
        pass
    return platform.processor() or platform.machine()


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
