"""Memory of a command and of all processes below it, over time: who holds it, and when.

    python benchmarks/memory.py [--every 0.5] [--csv FILE] -- dfbench run --data FOLDER ...

RSS is what each process has in memory, summed over the tree; what processes share counts for each
of them. PSS shares it out between them. Own is the part of RSS that no file is behind: what is
mapped of files, libraries above all, the system can drop and read again. All come from /proc, so
it runs on Linux alone. The command's lines go through; a line such as
``faces: features: 20000 images`` begins a stage, and so does the end of a cell.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

_STAGE = re.compile(r"^(?P<stage>.+): [\d,]+ images$")
_CELL = re.compile(r"^\s*\[\d+/\d+\]")
_MB = 1 / 1e6


class Held(NamedTuple):
    """RSS, PSS and what is no file's, in bytes."""

    rss: int = 0
    pss: int = 0
    own: int = 0


@dataclass
class Peak:
    """The most that was seen, in bytes, and when, in seconds since the start."""

    rss: int = 0
    pss: int = 0
    own: int = 0
    at: float = 0.0

    def take(self, held: Held, at: float) -> None:
        """Take a sample."""
        if held.rss > self.rss:
            self.rss, self.at = held.rss, at
        self.pss, self.own = max(self.pss, held.pss), max(self.own, held.own)


@dataclass
class Seen:
    """What was sampled.

    Attributes
    ----------
    whole
        Of the tree.
    processes
        By number of the process.
    names
        What each process is.
    stages
        Of the tree, by stage in the order that they began.
    first
        Of the command's first process, by the same.
    samples
        Seconds, and what the tree and the first process hold.
    """

    whole: Peak = field(default_factory=Peak)
    processes: dict[int, Peak] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    stages: dict[str, Peak] = field(default_factory=dict)
    first: dict[str, Peak] = field(default_factory=dict)
    samples: list[tuple[float, Held, Held]] = field(default_factory=list)


def main() -> int:
    """Run the command, print what it took, and end as it ended."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=float, default=0.5, help="seconds between two samples")
    parser.add_argument("--csv", type=Path, help="where all samples go")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    command = given.command[1:] if given.command[:1] == ["--"] else given.command
    if not command:
        parser.error("a command, after --")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    stage = ["start"]
    reader = threading.Thread(target=_pass_on, args=(process, stage), daemon=True)
    reader.start()
    seen = Seen()
    start = time.monotonic()
    while process.poll() is None:
        _sample(process.pid, time.monotonic() - start, stage[0], seen)
        time.sleep(given.every)
    reader.join(5)
    _print(seen, time.monotonic() - start)
    if given.csv is not None:
        lines = [",".join(map(str, (f"{at:.2f}", *tree, *one))) for at, tree, one in seen.samples]
        head = "seconds,rss,pss,own,first_rss,first_pss,first_own"
        given.csv.write_text("\n".join([head, *lines, ""]))
    return process.returncode


def _pass_on(process: subprocess.Popen[str], stage: list[str]) -> None:
    """Print what the command says, and note the stage that it is at."""
    assert process.stdout is not None
    for line in process.stdout:
        print(line, end="", flush=True)
        begun = _STAGE.match(line)
        if begun:
            stage[0] = begun["stage"]
        elif _CELL.match(line):
            stage[0] = "cells"


def _sample(root: int, at: float, stage: str, seen: Seen) -> None:
    found = {pid: its for pid in tree(root) if (its := held(pid)) is not None}
    for pid, its in found.items():
        seen.processes.setdefault(pid, Peak()).take(its, at)
        seen.names[pid] = seen.names.get(pid) or _name(pid)
    whole = Held(*map(sum, zip(Held(), *found.values(), strict=True)))
    first = found.get(root, Held())
    seen.whole.take(whole, at)
    seen.stages.setdefault(stage, Peak()).take(whole, at)
    seen.first.setdefault(stage, Peak()).take(first, at)
    seen.samples.append((at, whole, first))


def tree(root: int) -> list[int]:
    """Give a process and all below it."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                # the name stands in brackets, and may hold anything
                parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
            children.setdefault(parent, []).append(int(path.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def held(pid: int) -> Held | None:
    """Give what a process holds; None where it is gone."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return None
    found = dict(re.findall(r"^(Rss|Pss|Anonymous):\s+(\d+) kB", text, re.MULTILINE))
    if len(found) < 3:
        return None
    return Held(*(int(found[key]) * 1024 for key in ("Rss", "Pss", "Anonymous")))


def _name(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return ""
    return " ".join(words)[:60].strip()


def _print(seen: Seen, seconds: float) -> None:
    print(f"\nthe tree: RSS {seen.whole.rss * _MB:,.0f} MB at {seen.whole.at:.0f} s,", end=" ")
    print(f"PSS {seen.whole.pss * _MB:,.0f} MB, {seconds:.0f} s in all")
    for title, peaks in (
        ("by process", {f"{pid} {seen.names[pid]}": peak for pid, peak in seen.processes.items()}),
        ("by stage", seen.stages),
        ("the first process, by stage", seen.first),
    ):
        print(f"\n{title:<48} {'RSS MB':>8} {'PSS MB':>8} {'own MB':>8} {'at s':>6}")
        for name, peak in peaks.items():
            held = "".join(f" {each * _MB:8,.0f}" for each in (peak.rss, peak.pss, peak.own))
            print(f"{name[:48]:<48}{held} {peak.at:6.0f}")


if __name__ == "__main__":
    sys.exit(main())
