"""How much memory a process has held, where the system tells: Linux."""

from __future__ import annotations

import re
from pathlib import Path

_PROCESS = Path("/proc/self")


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
