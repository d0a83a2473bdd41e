"""dfbench from Python: run, load, extract; the same words and files as the command line."""

from __future__ import annotations

import doctest
import inspect
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner

import dfbench
from dfbench.cli import app
from dfbench.errors import CardError, OutputError, ParameterError, UnknownNameError
from tests.conftest import fill, run_cells_here

SUITE = """
name = "tiny"
figures = []
datasets = []
[budget]
trials = 2
seconds = 20
[[rows]]
features = ["hsv", "fft"]
models = ["knn"]
[[rows]]
features = ["embedding[weights=/nowhere/absent.pth]"]
models = ["knn"]
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(SUITE)
    return path


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run once for all tests: a folder with images, suite, store and results."""
    folder = tmp_path_factory.mktemp("api")
    (folder / "tiny.toml").write_text(SUITE)
    fill(folder / "faces")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DFBENCH_CACHE", str(folder / "_cache"))
        patch.setenv("DFBENCH_CONFIG", str(folder / "_config"))
        run_cells_here(patch)
        dfbench.run(folder / "tiny.toml", folder / "faces", out=folder / "out")
    return folder


@pytest.fixture
def ran(first: Path, tmp_path: Path) -> dfbench.Results:
    """Give each test what was run as its own, the store included."""
    shutil.copytree(first, tmp_path, dirs_exist_ok=True)
    return dfbench.load_results(tmp_path / "out")


def test_a_run_gives_the_board_as_a_frame(ran: dfbench.Results) -> None:
    frame = ran.frame().set_index("row")
    assert list(frame["status"].sort_values()) == ["ok", "ok", "skipped"]
    assert {"dataset", "roc_auc", "roc_auc_low", "roc_auc_high", "accuracy"} <= set(frame.columns)
    scores = ran.scores("fft/knn")
    expected = roc_auc_score(scores["label"] == "fake", scores["p_fake"])
    assert frame.loc["fft/knn", "roc_auc"] == pytest.approx(expected, abs=1e-12)
    assert frame["roc_auc_low"]["fft/knn"] <= expected <= frame["roc_auc_high"]["fft/knn"]
    assert (scores["decision"] == scores["label"]).mean() == frame.loc["fft/knn", "accuracy"]
    [skipped] = frame.index[frame["status"] == "skipped"]
    assert "absent.pth" in frame.loc[skipped, "reason"]
    assert np.isnan(frame.loc[skipped, "roc_auc"])


def test_what_a_folder_holds_is_what_the_run_gave(ran: dfbench.Results) -> None:
    loaded = dfbench.load_results(str(ran.folder))
    pd.testing.assert_frame_equal(loaded.frame(), ran.frame())
    assert loaded.board == ran.board
    assert repr(loaded) == repr(ran)
    assert "2 ok" in repr(ran)


def test_the_command_line_goes_on_where_python_stopped(
    ran: dfbench.Results, make_folder: Callable, suite: Path, tmp_path: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in (ran.folder / "cells").iterdir()}
    typed = ["run", "-s", str(suite), "-d", str(tmp_path / "faces"), "-o", str(ran.folder)]
    said = CliRunner().invoke(app, typed, catch_exceptions=False)
    assert said.exit_code == 0
    assert "2 done before" in said.stderr
    after = {path: path.stat().st_mtime_ns for path in (ran.folder / "cells").iterdir()}
    finished = [path for path in before if path.suffix == ".parquet"]
    assert finished
    assert all(before[path] == after[path] for path in finished)
    csv = pd.read_csv(ran.folder / "leaderboard.csv")
    assert list(csv.columns) == list(ran.frame().columns)
    pd.testing.assert_series_equal(csv["roc_auc"], ran.frame()["roc_auc"])


def test_two_rows_are_compared(ran: dfbench.Results) -> None:
    compared = ran.compare("fft/knn", "hsv/knn")
    frame = compared.frame().set_index("metric")
    both = ran.frame().set_index("row")["roc_auc"]
    assert frame.loc["roc_auc", "difference"] == pytest.approx(both["fft/knn"] - both["hsv/knn"])
    assert frame.loc["roc_auc", "test"] == "DeLong"
    assert frame.loc["roc_auc", "p_corrected"] < 0.05
    assert frame.loc["roc_auc", "better"] == "fft/knn"
    assert "fft/knn reaches ROC AUC" in str(compared)
    with pytest.raises(UnknownNameError, match="hsv/knn"):
        ran.compare("hsv/kn", "fft/knn")
    with pytest.raises(UnknownNameError, match="did you mean 'faces'"):
        ran.compare("hsv/knn", "fft/knn", data="face")


def test_a_notebook_shows_tables_with_names_as_they_are(ran: dfbench.Results) -> None:
    shown = ran._repr_html_()
    assert shown.count("<table>") == 1
    assert "fft/knn" in shown
    assert "<table>" in ran.compare("fft/knn", "hsv/knn")._repr_html_()


def test_unknown_names_are_errors_with_the_nearest(ran: dfbench.Results) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'hsv/knn'"):
        ran.scores("hsv/kn")
    with pytest.raises(UnknownNameError, match="did you mean 'faces'"):
        ran.scores("hsv/knn", "facs")
    with pytest.raises(UnknownNameError, match="unknown seed '7'"):
        ran.scores("hsv/knn", seed=7)
    with pytest.raises(UnknownNameError, match="unknown part 'train'"):
        ran.scores("hsv/knn", part="train")  # type: ignore[arg-type]
    with pytest.raises(OutputError, match="no test images without a label"):
        ran.scores("hsv/knn", part="unlabelled")
    with pytest.raises(OutputError, match=r"no scores: skipped: .*absent\.pth"):
        ran.scores("embedding[weights=/nowhere/absent.pth]/knn")
    with pytest.raises(OutputError, match="there is no such folder"):
        dfbench.load_results(ran.folder / "absent")
    with pytest.raises(UnknownNameError, match="did you mean 'smoke'"):
        dfbench.run("smok")
    with pytest.raises(CardError, match="no such suite file"):
        dfbench.run(Path("absent.toml"))
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        _ = dfbench.runn  # type: ignore[attr-defined]


def test_progress_is_quiet_unless_asked_for(
    make_folder: Callable[..., Path],
    suite: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data, out = make_folder(), tmp_path / "out"
    quiet = dfbench.run(suite, data, only="hsv/knn", out=out)
    assert capfd.readouterr() == ("", "")
    assert quiet.statuses() == {"ok": 1}
    run_cells_here(monkeypatch)
    told: list[tuple[int, int, str]] = []
    dfbench.run(suite, data, out=out, progress=lambda *what: told.append(what))
    cells = [(done, total) for done, total, text in told if text == "cells"]
    assert cells[0][0] < cells[0][1]
    assert cells[-1] == (3, 3)
    assert any("features" in text for _, _, text in told)
    dfbench.run(suite, data, only="fft/knn", out=tmp_path / "other", progress=True)
    assert "cells" in capfd.readouterr().err


@pytest.mark.usefixtures("in_process")
def test_notes_of_a_run_are_kept(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    data = make_folder()
    (data / "train" / "real" / "000.png").write_bytes(b"no image")
    results = dfbench.run(suite, data, only="hsv/knn", out=tmp_path / "out")
    assert any("000.png" in note for note in results.notes)
    with pytest.raises(dfbench.errors.DfbenchError, match=r"000\.png"):
        dfbench.run(suite, data, only="hsv/knn", out=tmp_path / "out", strict=True)


@pytest.mark.usefixtures("in_process")
def test_each_call_is_told_in_the_report(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    data, out = make_folder(), tmp_path / "out"
    dfbench.run(suite, data, only="hsv/knn", out=out)
    results = dfbench.run(suite, [data], only=["fft/knn"], out=out, trials=1)
    said = [run.command for run in results.board.runs]
    assert said == [
        f"dfbench.run(suite={str(suite)!r}, data=[{str(data)!r}], only=['hsv/knn'],"
        f" out={str(out)!r})",
        f"dfbench.run(suite={str(suite)!r}, data=[{str(data)!r}], only=['fft/knn'],"
        f" out={str(out)!r}, trials=1)",
    ]


@pytest.mark.usefixtures("in_process")
def test_figures_of_protocols_as_a_frame(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    results = dfbench.run(
        suite, make_folder(), only="hsv/knn", out=tmp_path / "out", protocols="learning-curve"
    )
    frame = results.protocols()
    assert list(frame["fitted_part"]) == [
        *("10 % of train", "25 % of train", "50 % of train", ""),
        "",  # the last step
    ]
    csv = pd.read_csv(tmp_path / "out" / "protocols.csv")
    assert list(csv.columns) == list(frame.columns)
    np.testing.assert_allclose(csv["value"], frame["value"])
    assert (
        dfbench.run(suite, make_folder("b"), only="hsv/knn", out=tmp_path / "b").protocols().empty
    )


def test_what_is_no_name_or_path_is_an_error(suite: Path, tmp_path: Path) -> None:
    def mine(image: object) -> list[float]:
        return [1.0]

    for wrong in (mine, [mine], 3, [None]):
        with pytest.raises(ParameterError, match="a text, a path or a list of them"):
            dfbench.run(suite, "faces", plugins=wrong, out=tmp_path)  # type: ignore[arg-type]


def test_features_as_a_frame(make_folder: Callable[..., Path], tmp_path: Path) -> None:
    data = make_folder()
    frame = dfbench.extract(data, "hsv[bins=4]+fft")
    assert list(frame.columns[:5]) == ["path", "label", "split", "group", "hsv:h_0"]
    assert len(frame) == 68
    table = tmp_path / "features.parquet"
    typed = ["extract", str(data), "-f", "hsv[bins=4]+fft", "-o", str(table)]
    assert CliRunner().invoke(app, typed).exit_code == 0
    pd.testing.assert_frame_equal(pd.read_parquet(table), frame)


def test_the_words_are_those_of_the_command_line() -> None:
    """Each option of ``dfbench run`` is a parameter of the same name, but for what shows things."""
    from dfbench.cli.run import run

    renamed = {"out_folder": "out", "plugin": "plugins", "root": "roots", "protocol": "protocols"}
    typed = {renamed.get(name, name) for name in inspect.signature(run).parameters}
    called = set(inspect.signature(dfbench.run).parameters)
    assert called - {"progress"} == typed - {"context", "plan"}


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("name", ["run", "load_results", "extract", "verify"])
def test_examples_do_what_they_say(name: str, tmp_path: Path, ran: dfbench.Results) -> None:
    folder = ran.folder if name in ("load_results", "verify") else tmp_path / "example"
    thing = getattr(dfbench, name)
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    [test] = finder.find(thing, name, globs={"folder": folder, "data": tmp_path / "faces"})
    assert test.examples
    assert runner.run(test).failed == 0


def test_a_script_needs_no_guard(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    """Workers must not run the script that began the run."""
    script = tmp_path / "script.py"
    script.write_text(
        "import dfbench\n"
        f"results = dfbench.run({str(suite)!r}, {str(make_folder())!r}, only='hsv/knn',"
        f" out={str(tmp_path / 'out')!r})\n"
        "print(results.statuses()['ok'], 'ok')\n"
    )
    run = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False, env=os.environ
    )
    assert (run.returncode, run.stdout) == (0, "1 ok\n"), run.stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"on_leak": "Drop"}, "on_leak: input should be 'warn', 'drop' or 'stop', not 'Drop'"),
        ({"trials": 0}, "trials: input should be greater than or equal to 1, not 0"),
        ({"trials": True}, "trials: "),
        ({"seed": -1}, "seed: "),
        ({"seed": 1.5}, "seed: "),
        ({"jobs": 0}, "jobs: "),
        ({"jobs": "2"}, "jobs: "),
        ({"seconds": -1}, "seconds: "),
        ({"seconds": float("nan")}, "seconds: "),
        ({"cell_timeout": "5"}, "cell_timeout: "),
        ({"device": "gpu"}, "device: input should be 'auto', 'cpu' or 'cuda', not 'gpu'"),
        ({"data": ""}, "data: a name or a path, not ''"),
        ({"data": [None]}, "data: a text, a path or a list of them, not None"),
        ({"only": 5}, "only: a text, a path or a list of them, not 5"),
        ({"out": None}, "out: a text, a path or a list of them, not None"),
        ({"out": "a\0"}, "out: a name or a path"),
        ({"roots": "d=/x"}, "roots: a folder by the name of each data set, not 'd=/x'"),
        ({"roots": {"d": ""}}, "roots: a name or a path, not ''"),
        ({"strict": 1}, "strict: "),
        ({"plugins": print}, "put it into a Python file"),
    ],
)
def test_options_that_are_not_what_they_must_be(given: dict, said: str, tmp_path: Path) -> None:
    with pytest.raises(ParameterError) as caught:
        dfbench.run("smoke", **{"out": tmp_path / "out", **given})
    assert said in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_run_cannot_be_begun_in_a_process_of_a_pool(tmp_path: Path) -> None:
    import multiprocessing

    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert "outside of multiprocessing.Pool" in pool.apply(begun, (str(tmp_path),))


def begun(out: str) -> str:
    try:
        dfbench.run("smoke", out=out)
    except dfbench.errors.DfbenchError as error:
        return str(error)
    return "it ran"


def test_threads_leave_the_main_module_as_it_was() -> None:
    from concurrent.futures import ThreadPoolExecutor

    from dfbench.benchmark.execution.spawning import nameless_main

    main = sys.modules["__main__"]
    before = {name: getattr(main, name, "absent") for name in ("__file__", "__spec__")}

    def often(_: int) -> None:
        for _ in range(2000):
            with nameless_main():
                pass

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(often, range(4)))
    assert {name: getattr(main, name, "absent") for name in before} == before


def test_damaged_records_take_down_their_row_alone(ran: dfbench.Results) -> None:
    import json

    [path] = [
        path
        for path in (ran.folder / "cells").glob("*.json")
        if json.loads(path.read_text())["row"] == "hsv/knn"
    ]
    for damage in ({"positive": 7}, {"threshold": "nan"}):
        good = path.read_text()
        path.write_text(json.dumps(json.loads(good) | damage))
        frame = dfbench.load_results(ran.folder).frame().set_index("row")
        assert frame.loc["hsv/knn", "status"] == "failed"
        assert frame.loc["fft/knn", "status"] == "ok"
        path.write_text(good)
    entries = json.loads((ran.folder / "run.json").read_text())["entries"]
    entries[0]["variant"] = None
    (ran.folder / "run.json").write_text(json.dumps(entries))
    with pytest.raises(OutputError, match=r"entries.0: variant is not a text"):
        dfbench.load_results(ran.folder)


def test_features_of_nothing(make_folder: Callable[..., Path]) -> None:
    data = make_folder()
    for wrong in ({"features": None}, {"jobs": -1}, {"plugins": 3}, {"progress": 1}, {"data": ""}):
        given = {"data": data, "features": "hsv", **wrong}
        with pytest.raises(ParameterError, match=next(iter(wrong))):
            dfbench.extract(**given)  # type: ignore[arg-type]


def test_what_is_no_folder_or_name(ran: dfbench.Results) -> None:
    for wrong in (None, 5, b"x", "a\0"):
        with pytest.raises(ParameterError, match="a folder, not"):
            dfbench.load_results(wrong)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="row: a name, not None"):
        ran.scores(None)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="row_b: a name, not 5"):
        ran.compare("hsv/knn", 5)  # type: ignore[arg-type]
    (ran.folder / "probes.json").write_text("{")
    assert "no readable list of evaluations" in str(dfbench.load_results(ran.folder).board.sections)
