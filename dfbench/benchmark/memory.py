"""How much memory processes can still take here, as the machine and its control groups tell."""

from __future__ import annotations

from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")


def available() -> int | None:
    """Give the bytes that processes can still take here; None where nothing tells."""
    return _least(_of_machine(), *_of_groups())


def _least(*found: int | None) -> int | None:
    known = [each for each in found if each is not None]
    return min(known) if known else None


def _of_machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
        facts = dict(line.split(":", 1) for line in lines)
        return int(facts["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError, IndexError):
        return None


def _of_groups() -> list[int]:
    """Give what is left of the limits of the control groups that this process is in."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, _, rest = line.partition(":")
        kinds, _, name = rest.partition(":")
        if kinds == "":
            left = [_left(folder, *_SECOND) for folder in _upwards(_CGROUPS, name)]
        elif "memory" in kinds.split(","):
            left = [_left(folder, *_FIRST) for folder in _upwards(_CGROUPS / "memory", name)]
        else:
            continue
        found += [each for each in left if each is not None]
    return found


_SECOND = ("memory.max", "memory.current", "file", "shmem")
_FIRST = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_cache", "total_shmem")
"""Files of a control group, and lines of its ``memory.stat``, by version."""


def _upwards(root: Path, name: str) -> list[Path]:
    own = root / name.strip("/")
    return [own, *(folder for folder in own.parents if folder.is_relative_to(root))]


def _left(folder: Path, limit: str, usage: str, cache: str, shared: str) -> int | None:
    try:
        most = int((folder / limit).read_text())  # "max": no number
        used = int((folder / usage).read_text())
        lines = (folder / "memory.stat").read_text().splitlines()
        facts = dict(line.split() for line in lines)
        # what is cached of files is given up when memory is wanted
        return most - used + int(facts[cache]) - int(facts.get(shared, 0))
    except (OSError, ValueError, KeyError):
        return None
