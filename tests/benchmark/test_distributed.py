"""Runs whose work is done by Dask: the same scores, workers that die, workers that are unlike."""

from __future__ import annotations

import hashlib
import json
import logging
import operator
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import dfbench
from dfbench.benchmark.execution import cluster as executor
from dfbench.benchmark.execution import connecting, likeness, remote
from dfbench.benchmark.execution import crew as crew_module
from dfbench.benchmark.execution.cell import run_cell
from dfbench.benchmark.execution.crew import Crew, Lost, Task
from dfbench.benchmark.execution.placing import Member, place
from dfbench.benchmark.execution.pool import Pool
from dfbench.errors import DfbenchError, ParameterError, UnavailableError, WorkerError
from dfbench.features.extractors.hsv import HSV
from dfbench.features.pipeline import single_pass
from dfbench.features.pipeline.single_pass import Sources, look_up
from dfbench.files import owned
from dfbench.results.records.folder import ResultsFolder

distributed = pytest.importorskip("distributed")

SUITE = """
name = "tiny"
figures = []
[budget]
trials = {trials}
[[rows]]
features = ["hsv"]
models = ["knn", "svm"]
plugins = true
"""
PLUGIN = """
import dfbench

@dfbench.extractor
def mine(image):
    return image.std(axis=(0, 1))
"""
FATAL = (
    PLUGIN
    + """
@dfbench.extractor
def fatal(image):
    if abs(image.mean() - {mean!r}) < 1e-9:
        import os
        os._exit(139)
    return image.mean(axis=(0, 1))
"""
)
# no `if __name__ == "__main__"`: workers must not run it
SCRIPT = """
import dfbench
print("begun")
dfbench.run({suite!r}, {data!r}, only=["mine/knn", "hsv/svm"], out={out!r}, plugins={plugin!r},
            executor="dask", jobs=2, device="cpu")
"""


def terms(cache: Path | str, **more: Any) -> remote.Terms:
    return replace(remote.Terms({}, (), (), str(cache), "", (), 1), **more)


def scores(out: Path) -> dict[str, pd.DataFrame]:
    found = {path.name: pd.read_parquet(path) for path in (out / "cells").glob("*.parquet")}
    assert found
    return found


def records(out: Path) -> dict[str, dict[str, Any]]:
    made = [json.loads(path.read_text()) for path in (out / "cells").glob("????????????????.json")]
    return {record["row"]: record for record in made}


@pytest.fixture
def given(make_folder: Callable[..., Path], tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "mine.py").write_text(PLUGIN)
    (tmp_path / "tiny.toml").write_text(SUITE.format(trials=2))
    return {
        "suite": str(tmp_path / "tiny.toml"),
        "data": str(make_folder()),
        "plugin": str(tmp_path / "mine.py"),
    }


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Give a function that runs cells in this process, and gives where their results are."""

    def run(given: dict[str, Any], out: Path, **words: Any) -> Path:
        with monkeypatch.context() as patch:
            patch.setattr(Pool, "run_jobs", lambda *given: map(run_cell, given[-1]))
            dfbench.run(given["suite"], given["data"], out=out, device="cpu", **words)
        return out

    return run


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two workers that belong to somebody else."""
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        memory_limit=None,
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
    ) as workers:
        yield workers


@pytest.fixture
def client(cluster: Any) -> Iterator[Any]:
    with distributed.Client(cluster, set_as_default=False) as found:
        yield found


def test_a_script_runs_here_and_by_dask_with_the_same_scores(
    given: dict[str, Any], here: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(**given, out=str(out)))
    root = Path(dfbench.__file__).parents[1]
    said = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root), "DFBENCH_CACHE": str(tmp_path / "other")},
        check=True,
    )
    assert said.stdout == "begun\n"
    rows = ["mine/knn", "hsv/svm"]
    one = scores(here(given, tmp_path / "here", only=rows, plugins=given["plugin"], jobs=2))
    other = scores(out)
    assert one.keys() == other.keys()
    assert set(records(out)) == set(rows)
    for name in one:
        pd.testing.assert_frame_equal(one[name], other[name], check_exact=True)
    (made,) = json.loads((out / "made.json").read_text())["commands"]
    assert made["machine"]["Dask"] == "2 workers on 1 host"
    assert not list(out.glob(".seen*")), "what workers were to see is gone"


def test_a_killed_worker_costs_nothing(
    given: dict[str, Any], here: Callable[..., Path], cluster: Any, client: Any, tmp_path: Path
) -> None:
    Path(given["suite"]).write_text(SUITE.format(trials=25).replace("plugins = true", ""))
    out = tmp_path / "out"
    killed = threading.Thread(target=kill_at_work, args=(client, out))
    killed.start()
    results = dfbench.run(
        given["suite"], given["data"], only="hsv/svm", out=out, executor="dask",
        scheduler=cluster.scheduler_address, device="cpu",
    )  # fmt: skip
    killed.join()
    assert results.statuses()["ok"] == 1
    assert sum(state.suspicious for state in cluster.scheduler.task_prefixes.values()) > 0
    one = scores(here(given, tmp_path / "here", only="hsv/svm", jobs=1))
    other = scores(out)
    for name in one:
        pd.testing.assert_frame_equal(one[name], other[name], check_exact=True)
    # the workers are still there, and what is finished is not done again
    before = records(out)
    dfbench.run(
        given["suite"], given["data"], out=out, executor="dask", only=["hsv/svm", "hsv/knn"],
        scheduler=cluster.scheduler_address, device="cpu", trials=25, cell_timeout=0.001,
    )  # fmt: skip
    again = records(out)
    assert again["hsv/svm"] == before["hsv/svm"]
    assert again["hsv/knn"]["reason"] == "out of time: stopped after 0.001 s (--cell-timeout)"


def test_a_damaged_row_of_the_store_costs_no_cell(
    given: dict[str, Any], here: Callable[..., Path], cluster: Any, tmp_path: Path
) -> None:
    one = scores(here(given, tmp_path / "here", only="hsv/knn"))
    [table] = Path(os.environ["DFBENCH_CACHE"]).glob("features/hsv-*/*.safetensors")
    data = bytearray(table.read_bytes())
    data[-9] ^= 4
    table.write_bytes(data)
    results = dfbench.run(
        given["suite"], given["data"], only="hsv/knn", out=tmp_path / "out", executor="dask",
        scheduler=cluster.scheduler_address, device="cpu",
    )  # fmt: skip
    assert results.statuses()["ok"] == 1
    assert [note for note in results.notes if "damaged" in note]
    other = scores(tmp_path / "out")
    for name in one:
        pd.testing.assert_frame_equal(one[name], other[name], check_exact=True)


def kill_at_work(client: Any, out: Path) -> None:
    """End the worker that has a study in hand."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        studies = list(out.glob("studies/*.log"))
        if studies and studies[0].read_text().count('"op_code":6') > 3:
            pids = client.run(os.getpid)
            [worker] = [each for each, keys in client.processing().items() if keys]
            os.kill(pids[worker], signal.SIGKILL)
            return
        time.sleep(0.05)


def test_what_kills_its_workers_is_given_up(client: Any, tmp_path: Path) -> None:
    tasks = [Task("fatal", os._exit, (1,), deaths=2), Task("harmless", abs, (-3,))]
    found = dict(Crew(client, terms(tmp_path), 60).each(tasks, lambda running: None))
    assert found == {"fatal": Lost(2), "harmless": 3}


@dataclass(frozen=True)
class Sized:
    """What the executor asks of a job."""

    out: ResultsFolder
    record: dict[str, Any]
    memory: int
    held: int = 100
    less: tuple[tuple[int, int], ...] = ()
    root: Path = Path("faces")
    study: Path = Path("study")
    checkpoints: Path = Path("state")
    sees_images: bool = False


def test_cells_are_handed_out_with_what_they_take(tmp_path: Path) -> None:
    named = {"dataset": "faces", "variant": "", "row": "hsv/svm", "seed": 0, "cell": "c0"}
    jobs = [
        Sized(ResultsFolder(tmp_path), named, 10**9),
        Sized(ResultsFolder(tmp_path), named, 5 * 10**9, less=((50, 3 * 10**9), (25, 10**9))),
        Sized(ResultsFolder(tmp_path), named, 9 * 10**9),
    ]
    asked: list[Task[Any]] = []
    notes: list[str] = []
    workers = executor.Cluster()
    crew: Any = SimpleNamespace(room=2 * 10**9, gpus=0)
    crew.each = lambda tasks, watch: iter(asked.extend(tasks) or ())
    workers._crew = crew
    session: Any = SimpleNamespace(
        settings=SimpleNamespace(auto_device=False, device="cpu"),
        reporter=SimpleNamespace(note=notes.append),
    )
    assert list(workers.run_jobs(session, jobs)) == []  # type: ignore[arg-type]
    assert [task.memory for task in asked] == [10**9, 10**9, 9 * 10**9]
    assert [task.arguments[0].held for task in asked] == [100, 25, 100]
    assert notes == [
        "faces hsv/svm: takes about 9.0 GB of memory, a worker has 2.0 GB at most: it runs alone,"
        " and may not end well"
    ]


def test_a_worker_that_joins_late_and_is_unlike_is_left_without_tasks(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    seen.write_bytes(b"this")
    own = terms(tmp_path, files=((seen, hashlib.sha256(b"this").hexdigest()),))
    notes: list[str] = []
    with (
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            memory_limit="3 GB",
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        ) as workers,
        distributed.Client(workers, set_as_default=False) as client,
    ):
        crew = Crew(client, own, 60, notes.append)
        assert crew.room == 3 * 10**9
        [(_, first)] = crew.each([Task(0, os.getpid, ())], len)
        seen.write_bytes(b"another version")  # what the next two find
        workers.scale(3)
        client.wait_for_workers(3)
        time.sleep(crew_module._LOOK)
        asked = [Task(n, os.getpid, ()) for n in range(4)]
        assert {value for _, value in crew.each(asked, len)} == {first}
        assert len(crew) == 1
    [said] = notes
    assert said.startswith("worker tcp://127.0.0.1:")
    fault = "is left without tasks, as it is unlike the run: {seen} is another file there"
    assert said.endswith(fault.format(seen=seen))


def test_a_worker_that_turned_unlike_is_left_and_its_task_done_elsewhere(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []
    crew = Crew(client, terms(tmp_path), 60, notes.append)
    pids = client.run(os.getpid)
    one, other = list(crew._members)
    # begun anew under the address of one that was like the run
    begin = Crew._begin

    def unlike_there(self: Crew, task: Task[Any], address: str) -> Any:
        self._terms = terms(tmp_path, versions={"numpy": "0.9"} if address == one else {})
        return begin(self, task, address)

    monkeypatch.setattr(Crew, "_begin", unlike_there)
    found = dict(crew.each([Task(n, os.getpid, ()) for n in range(3)], len))
    assert set(found.values()) == {pids[other]}
    assert len(notes) == 1


def test_a_task_does_not_wait_behind_that_of_another_run(client: Any, tmp_path: Path) -> None:
    crew = Crew(client, terms(tmp_path), 60)
    one, other = list(crew._members)
    with distributed.Client(client.scheduler.address, set_as_default=False) as theirs:
        events = {name: distributed.Event(name, client=theirs) for name in (one, other)}
        wait = operator.methodcaller("wait", 60)
        held = [theirs.submit(wait, events[name], workers=[name]) for name in events]
        while not all(client.processing().values()):
            time.sleep(0.1)
        crew._look()
        asked = crew.each([Task("mine", os.getpid, ())], lambda running: events[other].set())
        assert dict(asked) == {"mine": client.run(os.getpid)[other]}
        assert not held[0].done()
        events[one].set()
        assert theirs.gather(held) == [True, True]


def test_a_worker_of_several_threads_has_one_task_of_all_runs(tmp_path: Path) -> None:
    with (
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=2,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        ) as workers,
        distributed.Client(workers, set_as_default=False) as one,
        distributed.Client(workers, set_as_default=False) as other,
    ):
        long = Crew(one, terms(tmp_path), 60).each([Task("long", time.sleep, (3,))], len)
        ended: list[Any] = []
        theirs = threading.Thread(target=lambda: ended.extend(long))
        theirs.start()
        while not any(other.processing().values()):
            time.sleep(0.1)
        mine = Crew(other, terms(tmp_path), 60).each([Task("short", abs, (-3,))], len)
        assert dict(mine) == {"short": 3}
        theirs.join(2)  # to hear of it takes a moment, once more takes three seconds
        assert ended == [("long", None)], "it waited, and its task was begun again"
        theirs.join()


def test_an_extractor_that_crashes_costs_its_rows_alone(
    given: dict[str, Any], make_folder: Callable[..., Path], cluster: Any, tmp_path: Path
) -> None:
    folder = make_folder("few", splits={"train": 2, "validation": 2, "test": 2})
    deadly = folder / "validation" / "fake" / "001.png"
    mean = np.asarray(Image.open(deadly)).mean()
    Path(given["plugin"]).write_text(FATAL.format(mean=float(mean)))
    results = dfbench.run(
        given["suite"], folder, out=tmp_path / "out", executor="dask", device="cpu",
        scheduler=cluster.scheduler_address, only=["fatal/knn", "mine/knn"],
        plugins=given["plugin"],
    )  # fmt: skip
    found = records(tmp_path / "out")
    assert {row: its["status"] for row, its in found.items()} == {
        "fatal/knn": "failed",
        "mine/knn": "ok",
    }
    assert found["fatal/knn"]["reason"] == (
        "extractor 'fatal' on validation/fake/001.png: ends its process (exit code 139)"
    )
    assert results.statuses()["ok"] == 1


def test_networks_go_where_a_gpu_is_declared() -> None:
    members = {"a": Member("x"), "b": Member("y", gpu=True), "c": Member("y")}
    networks = [Task(f"network {n}", abs, (), gpu=True) for n in range(2)]
    others = [Task(n, abs, ()) for n in range(4)]
    first = place([*networks, *others], {}, members)
    where = {task.of: address for task, address in first}
    assert where == {"network 0": "b", 0: "a", 1: "c"}, "one GPU, three workers"
    running = {address: task for task, address in first}
    assert place([networks[1], *others[2:]], running, members) == []
    del running["a"]
    assert place([networks[1], *others[2:]], running, members) == [(others[2], "a")]
    assert place(networks, {}, {"a": Member("x")}) == [(networks[0], "a")], "none is declared"
    assert place(others[:1], {}, members) == [(others[0], "a")], "a GPU is left to networks"


def test_a_worker_says_in_what_it_is_unlike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DFBENCH_CACHE", *remote.THREAD_VARIABLES):
        monkeypatch.setenv(name, "1")  # as they were, after the test
    seen, other = tmp_path / "seen", tmp_path / "other"
    seen.write_bytes(b"this")
    other.write_bytes(b"that")
    digest = hashlib.sha256(b"this").hexdigest()
    worker = SimpleNamespace(state=SimpleNamespace(nthreads=3))
    alike = remote.Terms(
        versions=remote.versions_of_work(),
        files=((seen, digest),),
        folders=(tmp_path / "out",),
        cache=str(tmp_path / "cache"),
        seen="",
        plugins=((tmp_path / "absent" / "mine.py", PLUGIN.encode()),),
        n_threads=None,
    )
    assert remote.faults(alike, worker) == []
    assert os.environ["DFBENCH_CACHE"] == "1", "what another run is at work with"
    assert os.environ["OMP_NUM_THREADS"] == "3"
    unlike = remote.Terms(
        versions={**alike.versions, "numpy": "0.9"},
        files=((other, digest), (tmp_path / "absent.png", digest)),
        folders=(seen,),
        cache=alike.cache,
        seen="",
        plugins=((tmp_path / "mine.py", b"import dfbench"),),
        n_threads=1,
    )
    numpy, another, absent, folder, plugin = remote.faults(unlike, worker)
    assert "where the run has 0.9" in numpy
    assert another == f"{other} is another file there"
    assert absent.startswith(f"it does not see {tmp_path / 'absent.png'}")
    assert "is a file, not a folder" in folder
    assert "declares nothing" in plugin


def test_each_task_has_the_store_of_its_run(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = (tmp_path / "store").as_uri()
    monkeypatch.setenv("DFBENCH_CACHE", url)
    session: Any = SimpleNamespace(
        out=ResultsFolder(tmp_path / "out"),
        plan=SimpleNamespace(cells=[]),
        settings=SimpleNamespace(plugins=(), scheduler="somewhere"),
    )
    other = terms(tmp_path / "other")
    with likeness.terms_of(session) as own:
        assert not any(client.run(remote.faults, own).values())
        for mine in (own, other):
            crew = Crew(client, mine, 60)
            for theirs in (other, own):
                asked = [Task(n, os.getenv, ("DFBENCH_CACHE",)) for n in range(4)]
                assert {value for _, value in crew.each(asked, len)} == {mine.cache}
                client.run(remote.faults, theirs)  # another run looks meanwhile
    assert own.cache == url
    said = client.run(remote.faults, own).popitem()[1]
    assert any(each.startswith(f"it does not see {url}/seen-by-workers/") for each in said)


def test_workers_open_only_what_the_store_lacks(
    client: Any, tmp_path: Path, make_folder: Callable[..., Path]
) -> None:
    folder = make_folder()
    paths = sorted(str(each.relative_to(folder)) for each in folder.rglob("*.png"))
    (folder / "broken.png").write_bytes(b"no image")
    paths = [paths[1], *paths[:10], "broken.png"]
    keys = [hashlib.sha256((folder / path).read_bytes()).hexdigest() for path in paths]
    given = Sources(folder, paths, keys, np.full(len(paths), 64))
    known = single_pass.extract(given.at(np.arange(4)), [HSV()])
    assert known == single_pass.Outcome()
    workers = executor.Cluster()
    workers._crew = Crew(client, terms(os.environ["DFBENCH_CACHE"]), 60)
    told: list[tuple[int, int]] = []
    for _ in range(2):
        found = workers.extract(given, [HSV()], progress=lambda *done: told.append(done))
        assert list(found.unreadable) == [keys[-1]]
        assert not found.failed
        assert not look_up(given, [HSV()]).wanted.size
    assert told == [(0, 8), (8, 8), (0, 0)]


def test_versions_of_dask_are_compared() -> None:
    notes: list[str] = []
    reporter: Any = SimpleNamespace(note=notes.append)
    own = {"python": "3.11.7.final.0", "distributed": "2026.1.0", "tornado": "6.5"}

    def found(**other: str) -> dict[str, Any]:
        same = {"packages": own}
        return {"client": same, "scheduler": same, "workers": {"w": {"packages": own | other}}}

    likeness._check_dask(found(), reporter)
    assert notes == []
    likeness._check_dask(found(python="3.11.9.final.0", tornado="6.4"), reporter)
    assert "worker w has tornado 6.4, this machine 6.5" in notes[0]
    for other in ({"python": "3.12.7.final.0"}, {"distributed": "2025.1.0"}):
        with pytest.raises(WorkerError, match="versions that cannot work together"):
            likeness._check_dask(found(**other), reporter)


def test_what_another_worker_has_done_is_not_done_again(tmp_path: Path) -> None:
    out = ResultsFolder(tmp_path)
    known = {"cell": "c0", "dataset": "faces", "row": "hsv/knn", "seed": 0, "started": "now"}
    job: Any = SimpleNamespace(
        out=out, record=known, study=out.study_file("s0"), finished=False, evaluations=[]
    )
    assert remote._left(job) is job
    record = executor.lost(SimpleNamespace(out=out, record=known), "out of time")  # type: ignore[arg-type]
    assert remote._left(job) == record
    job.record = {**known, "started": "later"}
    assert remote._left(job) is job, "what failed in a run before is tried again"
    job.study.parent.mkdir()
    job.study.touch()
    with owned(job.study):
        assert remote._busy(job)
    assert not remote._busy(job)


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        ({"scheduler": "tcp://127.0.0.1:1"}, ParameterError, "is for the executor 'dask'"),
        ({"executor": "slurm"}, ParameterError, "executor: input should be 'local' or 'dask'"),
        ({"executor": "dask", "scheduler": "here"}, WorkerError, "neither an address nor a file"),
        ({"executor": "dask", "scheduler": "tiny.toml"}, WorkerError, "not what a scheduler wri"),
        ({"executor": "dask", "scheduler": "tls://127.0.0.1:1"}, WorkerError, "no certificates"),
        ({"executor": "dask", "scheduler": "tcp://127.0.0.1:1"}, WorkerError, "could not be reac"),
    ],
)
def test_what_cannot_be_reached_is_told_before_anything_is_read(
    given: dict[str, Any],
    words: dict[str, str],
    kind: type[DfbenchError],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import dask

    monkeypatch.chdir(tmp_path)
    changed = dask.config.set({"distributed.comm.timeouts.connect": "0.3s"})
    with changed, pytest.raises(kind, match=message):
        dfbench.run(given["suite"], tmp_path / "absent", out=tmp_path / "out", **words)
    assert not (tmp_path / "out").exists()


def test_certificates_that_cannot_be_read() -> None:
    from distributed.security import Security

    absent = Security(tls_ca_file="absent.pem", tls_client_cert="c.pem", tls_client_key="k.pem")
    assert "cannot be read" in connecting._certificates(absent)
    assert connecting._certificates(Security.temporary()) == ""


def test_without_the_package(
    given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UnavailableError, match=r"pip install 'dfbench-toolkit\[dask\]'"):
        dfbench.run(given["suite"], given["data"], out=tmp_path / "out", executor="dask")
