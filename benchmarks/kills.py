"""What is left of a run that is stopped or killed at any moment, and what comes of running again.

    python benchmarks/kills.py stops [N] [--seed S]
    python benchmarks/kills.py kills [N] [--seed S]
    python benchmarks/kills.py forks [N] [--seed S]
    python benchmarks/kills.py full [N] [--size MB]     (as root: it mounts a tmpfs)
    python benchmarks/kills.py beside [N ...]

Further options are those of `dfbench run`: `--only hsv/knn`, `--jobs 1`.

`stops` sends SIGINT, SIGTERM and SIGHUP in turn to suite `smoke` on made images, with an extractor
of a plugin; `kills` sends SIGKILL in turn to all its processes, to the one that was started alone,
and to a worker. Each of the N moments is drawn at random between start and end, half of the runs
begin without a cache. Told are the seconds until no process is left, and what was wrong: processes
or files that stay, an exit status or a message that is not as it must be. The same command then
runs to its end; its scores must be those of an undisturbed run, no cell that was recorded may have
been computed again, and no file may be left that is nobody's.

`forks` does as `kills`, in copies of a process that has its libraries loaded and works on the cells
itself: of a run of a minute a second is left, and the moments are as close together.

`full` runs with results, cache and temporary files in a file system that is filled up but for N
amounts of room, makes room, and runs again. `beside` starts N runs at once, on one folder of
results and on one cache.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

_PLUGIN = '''
import dfbench

@dfbench.extractor(name="means", version=1)
def means(image):
    """Mean of each channel."""
    return image.mean(axis=(0, 1)).astype("float32")
'''
MORE: list[str] = []
"""Options of `dfbench run` besides."""
_MARK = "DFBENCH_KILLS"
"""Variable that all processes of a run have, whoever their parent is by now."""
_PATIENCE = 20.0
"""Seconds that the processes of a run are given to end."""


def draw(root: Path) -> None:
    """Draw small images of two classes, the fake ones with a faint checkerboard."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 16), ("validation", 8), ("test", 10)):
        for label in ("real", "fake"):
            folder = root / split / label
            folder.mkdir(parents=True)
            for number in range(count):
                image = np.kron(rng.integers(30, 220, (5, 6, 3)), np.ones((8, 8, 1)))
                image += rng.normal(0, 4, image.shape)
                if label == "fake":
                    image += 9 * (-1.0) ** np.indices(image.shape[:2]).sum(0)[..., None]
                pixels = np.clip(image, 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"{number:03d}.png")


@dataclass
class Place:
    """A folder with results, cache, settings and temporary files of a run."""

    root: Path
    images: Path
    plugin: Path
    mark: str = ""
    results: Path = field(init=False)
    cache: Path = field(init=False)

    def __post_init__(self) -> None:
        self.mark = f"{os.getpid()}-{self.root.name}"
        self.results, self.cache = self.root / "results", self.root / "cache"
        (self.root / "tmp").mkdir(parents=True, exist_ok=True)

    def words(self, results: Path | None = None) -> list[str]:
        """Give the command that is run."""
        words = ["run", "--suite", "smoke", "--data", f"faces={self.images}", "--jobs", "2"]
        words += ["--plugin", str(self.plugin), "--figures", "scores", "--trials", "1"]
        return [*words, "--seconds", "600", "--out", str(results or self.results), *MORE]

    def environment(self) -> dict[str, str]:
        """Give the variables of a run."""
        return {
            "DFBENCH_CACHE": str(self.cache),
            "DFBENCH_CONFIG": str(self.root / "config"),
            "TMPDIR": str(self.root / "tmp"),
            _MARK: self.mark,
        }

    def begin(self, results: Path | None = None) -> subprocess.Popen[bytes]:
        """Begin a run in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "dfbench", *self.words(results)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | self.environment(),
            start_new_session=True,
            preexec_fn=_listening,
        )

    def processes(self) -> list[int]:
        """Give the processes of the run that are alive."""
        return [pid for pid in _alive() if f"{_MARK}={self.mark}".encode() in _of(pid, "environ")]

    def ended(self) -> float:
        """Wait until no process is left, and give the seconds that it took."""
        start = time.monotonic()
        while self.processes() and time.monotonic() - start < _PATIENCE:
            time.sleep(0.02)
        return time.monotonic() - start

    def strays(self) -> list[str]:
        """Give the files that are nobody's."""
        left = [*(self.root / "tmp").iterdir()]
        for folder in (self.results, self.cache):
            left += [path for path in folder.rglob("*") if path.suffix in (".part", ".owner")]
        left += [path for path in (self.results / "parts",) if path.exists()]
        return [str(path.relative_to(self.root)) for path in left]


def _listening() -> None:
    """Hear what shells and nohup begin those in the background without."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def _alive() -> Iterator[int]:
    for path in Path("/proc").iterdir():
        if path.name.isdigit() and b") Z" not in _of(int(path.name), "stat"):
            yield int(path.name)


def _of(pid: int, what: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{what}").read_bytes()
    except OSError:
        return b""


def scores(results: Path) -> dict[str, Any]:
    """Give what was scored, by table."""
    tables = sorted((results / "cells").glob("*.parquet"))
    return {path.name: pq.read_table(path).to_pydict() for path in tables}


def made(results: Path) -> dict[str, float]:
    """Give the seconds of fitting of each cell that is recorded as ok: no two runs share them."""
    found = {}
    for path in (results / "cells").glob("*.json"):
        with suppress(ValueError, KeyError):
            record = json.loads(path.read_bytes())
            if record.get("status") == "ok" and "fit_seconds" in record:
                found[path.name] = record["fit_seconds"]
    return found


def _group(place: Place, run: subprocess.Popen[bytes]) -> None:
    for pid in place.processes():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _worker(place: Place, run: subprocess.Popen[bytes]) -> None:
    others = [pid for pid in place.processes() if pid != run.pid]
    if others:
        with suppress(ProcessLookupError):
            os.kill(random.choice(others), signal.SIGKILL)


def _sent(number: signal.Signals) -> Callable[[Place, subprocess.Popen[bytes]], None]:
    return lambda place, run: run.send_signal(number)


STOPS = {
    "SIGINT": (_sent(signal.SIGINT), 130),
    "SIGTERM": (_sent(signal.SIGTERM), 143),
    "SIGHUP": (_sent(signal.SIGHUP), 129),
}
KILLS = {"all": (_group, -9), "parent": (_sent(signal.SIGKILL), -9), "worker": (_worker, None)}


@contextmanager
def scratch(folder: str | None = None) -> Iterator[tuple[Path, Path, Path]]:
    """Give a folder to work in, with images and a plugin."""
    with tempfile.TemporaryDirectory(prefix="kills-", dir=folder) as name:
        root = Path(name)
        draw(root / "faces")
        (root / "means.py").write_text(_PLUGIN)
        yield root, root / "faces", root / "means.py"


def undisturbed(place: Place) -> tuple[dict[str, Any], float]:
    """Run to the end, and give the scores and the seconds of it."""
    start = time.monotonic()
    run = place.begin()
    output, _ = run.communicate()
    if run.returncode:
        raise SystemExit(f"the undisturbed run fails:\n{output.decode()}")
    if strays := place.strays():
        print("undisturbed: stays", ", ".join(strays), flush=True)
    return scores(place.results), time.monotonic() - start


def disturb(options: argparse.Namespace, ways: dict[str, Any]) -> None:
    """Stop or kill runs at random moments, and run each again."""
    random.seed(options.seed)
    with scratch() as (root, images, plugin):
        first = Place(root / "first", images, plugin)
        wanted, seconds = undisturbed(first)
        second = Place(root / "second", images, plugin)
        shutil.copytree(first.cache, second.cache)
        warm = undisturbed(second)[1]
        print(f"undisturbed: {seconds:.1f} s, {warm:.1f} s with a cache, {len(wanted)} tables",
              flush=True)  # fmt: skip
        good, times = 0, []
        for number in range(options.n):
            name, (strike, status) = list(ways.items())[number % len(ways)]
            place = Place(root / f"run{number}", images, plugin)
            cached = number // len(ways) % 2 == 1
            if cached:
                shutil.copytree(first.cache, place.cache)
            moment = random.uniform(0.1, warm if cached else seconds)
            faults, took = one(place, strike, status, moment, wanted)
            times.append(took)
            good += not faults
            said = "; ".join(faults) or "as it must be"
            print(f"{number:3} {name:7} after {moment:5.1f} s{' (cached)' * cached}: "
                  f"ends in {took:.2f} s: {said}", flush=True)  # fmt: skip
            shutil.rmtree(place.root)
        print(f"{good} of {options.n} as they must be; ended after at most {max(times):.2f} s")


def one(
    place: Place,
    strike: Callable[[Place, subprocess.Popen[bytes]], None],
    status: int | None,
    moment: float,
    wanted: dict[str, Any],
) -> tuple[list[str], float]:
    """Strike a run at a moment and run it again; give what is wrong, and the seconds to its end."""
    faults = []
    run = place.begin()
    try:
        output, _ = run.communicate(timeout=moment)
        over = True
    except subprocess.TimeoutExpired:
        over = False
    took = 0.0
    if not over:
        start = time.monotonic()
        strike(place, run)
        if status is None:  # the run goes on
            output, _ = run.communicate()
        else:
            with suppress(subprocess.TimeoutExpired):
                run.wait(_PATIENCE)
            place.ended()
            took = time.monotonic() - start
            left = place.processes()
            if left:
                names = {_of(pid, "cmdline").replace(b"\0", b" ")[-90:].decode() for pid in left}
                faults.append(f"{len(left)} processes stay: {' | '.join(names)}")
                _group(place, run)
            output, _ = run.communicate()
            if took > 2:
                faults.append(f"took {took:.1f} s to end")
            if run.returncode != status and run.returncode != 0:
                faults.append(f"exit status {run.returncode}, not {status}")
            if status > 0 and run.returncode:
                if b"dfbench: stopped" not in output:
                    faults.append(f"said {output[-300:].decode()!r}")
                if b"Traceback" in output:
                    faults.append(f"traceback {output[-600:].decode()!r}")
                if strays := place.strays():
                    faults.append(f"stays {', '.join(strays)}")
    before = made(place.results)
    again = place.begin()
    output, _ = again.communicate()
    faults += rerun(place, before, again.returncode, wanted)
    return faults, took


def forks(options: argparse.Namespace) -> None:
    """Kill copies of this process at random moments of a run, and let another go on."""
    random.seed(options.seed)
    _load()
    with scratch() as (root, images, plugin):
        for number in range(2):  # the first one compiles kernels
            first = Place(root / f"first{number}", images, plugin)
            start = time.monotonic()
            if forked(first, root / "said"):
                raise SystemExit((root / "said").read_text())
            seconds = time.monotonic() - start
        wanted = scores(first.results)
        print(f"undisturbed: {seconds:.1f} s, {len(wanted)} tables", flush=True)
        good = killed = 0
        for number in range(options.n):
            place = Place(root / f"run{number}", images, plugin)
            if number % 2:
                shutil.copytree(first.cache, place.cache)
            moment = random.uniform(0.02, seconds)
            killed += forked(place, root / "said", moment) == -signal.SIGALRM
            done = made(place.results)
            faults = rerun(place, done, forked(place, root / "said"), wanted)
            good += not faults
            print(f"{number:3} after {moment:5.2f} s, {len(done):2} cells done: "
                  f"{'; '.join(faults) or 'as it must be'}", flush=True)  # fmt: skip
            shutil.rmtree(place.root)
        print(f"{good} of {options.n} as they must be, {killed} of them killed before their end")


def _load() -> None:
    """Load what runs load, and let runs work on their cells themselves, one after the other."""
    import numba  # noqa: F401
    import optuna  # noqa: F401
    import sklearn.svm  # noqa: F401
    import xgboost  # noqa: F401

    import dfbench.benchmark.execution.cell
    import dfbench.cli  # noqa: F401
    from dfbench.benchmark.execution.pool import Pool
    from dfbench.benchmark.execution.worker import run
    from dfbench.results.records.records import Record

    def here(pool: Any, session: Any, jobs: Any) -> Any:
        for job in jobs:
            yield Record.model_validate(run(job))

    Pool.run_jobs = here  # type: ignore[method-assign]


def forked(place: Place, said: Path, moment: float = 0) -> int:
    """Run in a copy of this process, which an alarm kills at a moment; give how it ended."""
    pid = os.fork()
    if not pid:
        os.setsid()
        os.environ.update(place.environment())
        tempfile.tempdir = None
        file = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        if moment:
            signal.setitimer(signal.ITIMER_REAL, moment)
        code: Any = 1
        try:
            from dfbench.cli import app

            app(place.words())
        except SystemExit as end:
            code = end.code
        finally:
            os._exit(code or 0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def rerun(place: Place, before: dict[str, float], status: int, wanted: dict[str, Any]) -> list[str]:
    """Give what is wrong after a run was run again, which ended with a status."""
    faults = []
    if status:
        faults.append(f"run again: status {status}")
    if scores(place.results) != wanted:
        faults.append("other scores")
    after = made(place.results)
    if twice := [name for name in before if after.get(name) != before[name]]:
        faults.append(f"{len(twice)} cells computed twice")
    if strays := place.strays():
        faults.append(f"run again: stays {', '.join(strays)}")
    return faults


def full(options: argparse.Namespace) -> None:
    """Run with ever more room in the file system, make room, and run again."""
    _load()
    with scratch() as (root, images, plugin), mounted(root / "disk", options.size) as disk:
        first = Place(root / "first", images, plugin)
        if forked(first, root / "said"):
            raise SystemExit((root / "said").read_text())
        wanted = scores(first.results)
        used = sum(path.stat().st_size for path in first.root.rglob("*") if path.is_file())
        good = 0
        for number, room in enumerate(np.geomspace(8 << 10, 1.5 * used, options.n).astype(int)):
            place, said = Place(disk / f"run{number}", images, plugin), root / f"said{number}"
            fill(disk / "filler", disk, int(room))
            status = forked(place, said)
            told = said.read_text()
            (disk / "filler").unlink()
            faults = []
            if status and str(disk) not in told.splitlines()[-1]:
                faults.append(f"no path is named: {told[-900:]!r}")
            if "Traceback" in told:
                faults.append(f"traceback {told[-1500:]!r}")
            faults += rerun(place, made(place.results), forked(place, said), wanted)
            good += not faults
            print(f"{room >> 10:6} KB of room: status {status}, {told.splitlines()[-1]!r}: "
                  f"{'; '.join(faults) or 'as it must be'}", flush=True)  # fmt: skip
            shutil.rmtree(place.root)
        print(f"{good} of {options.n} as they must be")


@contextmanager
def mounted(folder: Path, size: int) -> Iterator[Path]:
    """Give a file system of so many MB, in memory."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}M", "dfbench-full", str(folder)]
    subprocess.run(mount, check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(filler: Path, disk: Path, room: int) -> None:
    """Leave so many bytes of room."""
    with filler.open("wb") as file:
        left = shutil.disk_usage(disk).free - room
        while left > 0:
            left -= file.write(bytes(min(left, 1 << 20)))


def beside(options: argparse.Namespace) -> None:
    """Begin runs at once: on one folder of results, then on one cache."""
    with scratch() as (root, images, plugin):
        wanted, _ = undisturbed(Place(root / "first", images, plugin))
        for n in options.n:
            for shared in ("results", "cache"):
                place = Place(root / f"{shared}{n}", images, plugin)
                folders = [
                    place.results if shared == "results" else place.root / f"results{number}"
                    for number in range(n)
                ]
                runs = [place.begin(folder) for folder in folders]
                said = [run.communicate()[0] for run in runs]
                faults = [f"traceback {each[-900:].decode()!r}" for each in said
                          if b"Traceback" in each]  # fmt: skip
                if any(scores(folder) != wanted for folder in set(folders)):
                    faults.append("other scores")
                if strays := place.strays():
                    faults.append(f"stays {', '.join(strays)}")
                busy = sum(b"another process is at work here" in each for each in said)
                codes = [run.returncode for run in runs]
                print(f"{n} runs, one folder of {shared}: status {codes}, {busy} told of another: "
                      f"{'; '.join(faults) or 'as it must be'}", flush=True)  # fmt: skip


def main() -> None:
    """Do what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    tasks = parser.add_subparsers(required=True)
    for name, ways in (("stops", STOPS), ("kills", KILLS)):
        task = tasks.add_parser(name)
        task.add_argument("n", nargs="?", type=int, default=12)
        task.add_argument("--seed", type=int, default=0)
        task.set_defaults(do=lambda options, ways=ways: disturb(options, ways))
    task = tasks.add_parser("forks")
    task.add_argument("n", nargs="?", type=int, default=100)
    task.add_argument("--seed", type=int, default=0)
    task.set_defaults(do=forks)
    task = tasks.add_parser("full")
    task.add_argument("n", nargs="?", type=int, default=20)
    task.add_argument("--size", type=int, default=64, metavar="MB")
    task.set_defaults(do=full)
    task = tasks.add_parser("beside")
    task.add_argument("n", nargs="*", type=int, default=[2, 4])
    task.set_defaults(do=beside)
    options, more = parser.parse_known_args()
    MORE.extend(more)
    options.do(options)


if __name__ == "__main__":
    main()
