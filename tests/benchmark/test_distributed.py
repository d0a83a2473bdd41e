"""Runs whose work is done by Dask: the same scores, workers that die, workers that are unlike."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import dfbench
from dfbench.benchmark.execution import cluster as executor
from dfbench.benchmark.execution import connecting, likeness, remote
from dfbench.benchmark.execution.cell import run_cell
from dfbench.benchmark.execution.crew import Crew, Task
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
# no `if __name__ == "__main__"`: workers must not run it
SCRIPT = """
import dfbench
print("begun")
dfbench.run({suite!r}, {data!r}, only=["mine/knn", "hsv/svm"], out={out!r}, plugins={plugin!r},
            executor="dask", jobs=2, device="cpu")
"""


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
    (made,) = json.loads((out / "made.json").read_text())
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


def test_what_kills_its_workers_is_given_up(cluster: Any, client: Any, tmp_path: Path) -> None:
    cluster.scheduler.allowed_failures = 1
    tasks = [Task("fatal", os._exit, (1,)), Task("harmless", abs, (-3,))]
    terms = remote.Terms({}, (), (), str(tmp_path), "", (), 1)
    found = dict(Crew(client, terms, 60).each(tasks, lambda running: None))
    assert found["harmless"].result() == 3
    with pytest.raises(distributed.KilledWorker) as caught:
        found["fatal"].result()
    assert executor._died(caught.value) == "the worker died 2 times"


def test_networks_go_where_a_gpu_is_declared() -> None:
    crew = Crew.__new__(Crew)
    crew._workers = {
        "a": {"resources": {}, "host": "x"},
        "b": {"resources": {"GPU": 1.0}, "host": "y"},
        "c": {"resources": {}, "host": "y"},
    }
    assert (len(crew), crew.gpus, crew.hosts) == (3, 1, 2)
    networks = [Task(f"network {n}", abs, (), gpu=True) for n in range(2)]
    others = [Task(n, abs, ()) for n in range(4)]
    first = crew._next([*networks, *others], [])
    assert [task.of for task in first] == ["network 0", 0, 1], "one GPU, three workers"
    assert crew._next([networks[1], *others[2:]], first) == []
    assert [task.of for task in crew._next([networks[1], *others[2:]], first[:1])] == [2, 3]
    crew._workers = {"a": {"resources": {}, "host": "x"}}
    assert [task.of for task in crew._next(networks, [])] == ["network 0"], "none is declared"


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
    terms = remote.Terms(
        versions=remote.versions_of_work(),
        files=((seen, digest),),
        folders=(tmp_path / "out",),
        cache=str(tmp_path / "cache"),
        seen="",
        plugins=((tmp_path / "absent" / "mine.py", PLUGIN.encode()),),
        n_threads=None,
    )
    assert remote.faults(terms, worker) == []
    assert os.environ["DFBENCH_CACHE"] == "1", "what another run is at work with"
    assert os.environ["OMP_NUM_THREADS"] == "3"
    unlike = remote.Terms(
        versions={**terms.versions, "numpy": "0.9"},
        files=((other, digest), (tmp_path / "absent.png", digest)),
        folders=(seen,),
        cache=terms.cache,
        seen="",
        plugins=((tmp_path / "mine.py", b"import dfbench"),),
        n_threads=1,
    )
    numpy, another, absent, folder, plugin = remote.faults(unlike, worker)
    assert "where the run has 0.9" in numpy
    assert another == f"{other} is another file there"
    assert absent.startswith(f"it does not see {tmp_path / 'absent.png'}")
    assert "is a file, not a folder" in folder
    assert "declares no extractor" in plugin


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
    other = remote.Terms({}, (), (), str(tmp_path / "other"), "", (), 1)
    with likeness.terms_of(session) as terms:
        assert not any(client.run(remote.faults, terms).values())
        for mine in (terms, other):
            crew = Crew(client, mine, 60)
            for theirs in (other, terms):
                asked = [Task(n, os.getenv, ("DFBENCH_CACHE",)) for n in range(4)]
                found = {future.result() for _, future in crew.each(asked, len)}
                assert found == {mine.cache}
                client.run(remote.faults, theirs)  # another run looks meanwhile
    assert terms.cache == url
    said = client.run(remote.faults, terms).popitem()[1]
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
    terms = remote.Terms({}, (), (), os.environ["DFBENCH_CACHE"], "", (), 1)
    workers._crew = Crew(client, terms, 60)
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
