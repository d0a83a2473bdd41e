"""Whole runs on small real files: what is printed, written and kept, and what breaks."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from dfbench.cli import app
from tests.conftest import fill, load_plugins_here, run_cells_here

SUITE = """
name = "tiny"
datasets = []
figures = []
[budget]
trials = 2
seconds = 20
[features]
small = "pixels[size=4]"
[[rows]]
features = ["small", "hsv"]
models = ["knn"]
plugins = true
[[rows]]
features = ["small+fft"]
models = ["svm"]
[[rows]]
features = ["metadata"]
models = ["knn"]
"""

PLUGIN = """
import dfbench

@dfbench.extractor
def {name}(image):
    {body}
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(SUITE)
    return path


def dfbench(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


def board(out: Path) -> dict[tuple[str, str], dict[str, Any]]:
    lines = json.loads((out / "leaderboard.json").read_text())
    return {(line["dataset"], line["row"]): line for line in lines}


def scores(out: Path) -> dict[str, pd.DataFrame]:
    found = {}
    for entry in json.loads((out / "run.json").read_text())["entries"]:
        path = out / "cells" / f"{entry['cell']}.parquet"
        if path.exists():
            found[entry["row"]] = pd.read_parquet(path)
    return found


@dataclass(frozen=True)
class Ran:
    """The run by two workers: its words, what it said and where its images and results lie."""

    command: tuple[object, ...]
    result: Result
    data: Path
    out: Path


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("ran")
    suite, data, out = folder / "tiny.toml", fill(folder / "faces"), folder / "out"
    suite.write_text(SUITE)
    figures = ("--jobs", 2, "--figures", "scores,training")
    command = ("run", "--suite", suite, "--data", data, "--out", out, *figures)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DFBENCH_CACHE", str(folder / "_cache"))
        patch.setenv("DFBENCH_CONFIG", str(folder / "_config"))
        load_plugins_here(patch)
        return Ran(command, dfbench(*command), data, out)


def test_the_main_job(ran: Ran) -> None:
    result, out = ran.result, ran.out
    assert result.exit_code == 0, result.output
    assert "faces" in result.stdout
    assert "small+fft/svm" in result.stdout
    lines = board(out)
    assert {row for _, row in lines} == {"small/knn", "hsv/knn", "small+fft/svm", "metadata/knn"}
    line = lines["faces", "small+fft/svm"]
    assert list(line)[:16] == [
        "dataset", "row", "seeds", "status", "reason", "split", "n_train", "n_test", "metrics",
        "rank", "best", "p_best", "control",
        "fit_seconds", "predict_images_per_second", "n_features",
    ]  # fmt: skip
    assert (line["status"], line["split"], line["n_train"], line["n_test"]) == (
        "ok",
        "test",
        32,
        20,
    )
    assert {"roc_auc", "accuracy", "eer", "brier"} < set(line["metrics"])
    figure = line["metrics"]["roc_auc"]
    assert figure["low"] <= figure["value"] <= figure["high"]
    assert line["metrics"]["roc_auc"]["value"] > 0.9, "the checkerboard shows in the spectrum"
    for form in ("md", "csv", "html", "tex"):
        assert "small+fft/svm" in (out / f"leaderboard.{form}").read_text().replace("{}", "")
        again = dfbench("leaderboard", out, "--format", form).stdout
        assert again == (out / f"leaderboard.{form}").read_text()
    (made,) = json.loads((out / "made.json").read_text())["commands"]
    assert made["command"] == " ".join(map(str, ("dfbench", *ran.command)))
    assert made["command"] in (out / "report.html").read_text()
    record = json.loads(next((out / "cells").glob("*.json")).read_text())
    assert record["versions"]["dfbench"]
    assert record["fingerprint"]
    assert record["model_bytes"] > 100
    assert sys.platform != "linux" or record["peak_bytes"] > 50e6


@pytest.mark.usefixtures("in_process")
def test_again_does_only_what_is_missing(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    folder, out = make_folder(), tmp_path / "out"
    arguments = ("run", "--suite", suite, "--data", folder, "--out", out, "--jobs", 1)
    assert dfbench(*arguments, "--only", "small/knn").exit_code == 0
    first = {p: p.stat().st_mtime_ns for p in (out / "cells").iterdir()}
    names = {p.name.split(".", 1)[1] for p in first} - {"default.parquet"}
    assert names == {"json", "parquet", "tune.parquet"}
    plan = dfbench(*arguments, "--plan").stdout
    assert "4 cells (3 to run, 1 done before)" in " ".join(plan.split())
    before = scores(out)["small/knn"]
    assert dfbench(*arguments).exit_code == 0
    assert {p: p.stat().st_mtime_ns for p in first} == first
    assert len(board(out)) == 4
    # one label: everything of this data set; the features are still there
    (folder / "train" / "real" / "000.png").rename(folder / "train" / "fake" / "moved.png")
    plan = " ".join(dfbench(*arguments, "--plan").stdout.split())
    assert "4 cells (4 to run)" in plan
    assert dfbench(*arguments, "--only", "small/knn").exit_code == 0
    assert board(out)["faces", "small/knn"]["n_train"] == 32
    # back as it was: the finished cells are found again
    (folder / "train" / "fake" / "moved.png").rename(folder / "train" / "real" / "000.png")
    assert "4 done before" in " ".join(dfbench(*arguments, "--plan").stdout.split())
    assert dfbench(*arguments).exit_code == 0
    pd.testing.assert_frame_equal(scores(out)["small/knn"], before)


@pytest.mark.usefixtures("in_process")
def test_the_same_seed_gives_the_same_scores(ran: Ran, suite: Path, tmp_path: Path) -> None:
    """Whatever process works on a cell: two workers at once, then this one."""
    common = ("run", "--suite", suite, "--data", ran.data, "--jobs", 2)
    two, third = (tmp_path / name for name in ("two", "third"))
    assert dfbench(*common, "--out", two, "--seed", 0).exit_code == 0
    assert dfbench(*common, "--out", third, "--seed", 4, "--only", "hsv/knn").exit_code == 0
    found, again = scores(ran.out), scores(two)
    assert len(found) == 4
    assert found.keys() == again.keys()
    for row in found:
        pd.testing.assert_frame_equal(found[row], again[row])
    assert board(third)["faces", "hsv/knn"]["seeds"] == [4]


@pytest.mark.usefixtures("in_process")
def test_killed_at_any_moment_it_goes_on(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    """One with a worker is killed; this process goes on."""
    folder, out, whole = make_folder(), tmp_path / "out", tmp_path / "whole"
    arguments = ["run", "--suite", str(suite), "--data", str(folder), "--jobs", "1", "--out"]
    command = [sys.executable, "-m", "dfbench", *arguments]
    child = subprocess.Popen(
        [*command, str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 90
    while not list(out.glob("cells/*.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    child.kill()  # the workers must end by themselves, or their studies would still be owned
    child.wait()
    finished = {p: p.stat().st_mtime_ns for p in out.glob("cells/*.json")}
    assert finished
    unfinished = dfbench("leaderboard", out, "--format", "json")
    assert unfinished.exit_code == 0
    reasons = [line["reason"] for line in json.loads(unfinished.stdout) if line["status"] != "ok"]
    assert all("not run yet" in reason for reason in reasons)
    assert dfbench(*arguments, out).exit_code == 0
    assert {p: p.stat().st_mtime_ns for p in finished} == finished
    assert dfbench(*arguments, whole).exit_code == 0
    one, other = scores(out), scores(whole)
    assert one.keys() == other.keys()
    for row in one:
        pd.testing.assert_frame_equal(one[row], other[row])


def test_a_cell_out_of_time_says_so_and_the_others_go_on(
    make_folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = tmp_path / "slow.toml"
    suite.write_text(
        'name = "slow"\n[budget]\ntrials = 3\n[[rows]]\nfeatures = ["hsv"]\nmodels = ["knn"]\n'
        '[[rows]]\nfeatures = ["pixels[size=96]"]\nmodels = ["xgboost"]\n'
    )
    folder, out = make_folder(splits={"train": 60, "validation": 8, "test": 10}), tmp_path / "out"
    result = dfbench(
        "run", "--suite", suite, "--data", folder, "--out", out, "--trials", 500,
        "--seconds", 10000, "--only", "pixels[size=96]/xgboost", "--cell-timeout", 1,
    )  # fmt: skip
    assert result.exit_code == 3
    line = board(out)["faces", "pixels[size=96]/xgboost"]
    assert line["status"] == "failed"
    assert "out of time" in line["reason"]
    assert "1 failed" in result.stdout
    run_cells_here(monkeypatch)
    assert dfbench("run", "-s", suite, "-d", folder, "-o", out, "--only", "hsv/knn").exit_code == 0
    assert len(board(out)) == 2


BROKEN = {
    "raises": ("raise ValueError('oh')", "raises ValueError: oh"),
    "holds_nan": ("return [1.0, float('nan')]", "returns nan at position 1"),
    "varies": ("return image.ravel()[:image[0, 0, 0] + 1]", "of different lengths"),
    "gives_a_plane": ("return image[..., 0]", "expected (d,)"),
}


@pytest.mark.usefixtures("in_process")
def test_a_broken_plugin_is_a_failed_row(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    folder, out, plugin = make_folder(), tmp_path / "out", tmp_path / "mine.py"
    plugin.write_text("\n".join(PLUGIN.format(name=n, body=b) for n, (b, _) in BROKEN.items()))
    only = [word for name in BROKEN for word in ("--only", f"{name}/knn")]
    arguments = ("run", "-s", suite, "-d", folder, "-o", out, "--plugin", plugin)
    result = dfbench(*arguments, *only, "--only", "metadata/knn")
    assert result.exit_code == 3
    lines = board(out)
    assert lines["faces", "metadata/knn"]["status"] == "ok"
    for name, (_, reason) in BROKEN.items():
        line = lines["faces", f"{name}/knn"]
        assert line["status"] == "failed"
        assert reason in line["reason"]
        assert f"extractor '{name}'" in line["reason"]


@pytest.mark.usefixtures("in_process")
def test_a_plugin_stands_beside_the_built_in_rows(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    folder, out, plugin = make_folder(), tmp_path / "out", tmp_path / "mine.py"
    plugin.write_text(PLUGIN.format(name="mine", body="return image.std(axis=(0, 1))"))
    only = ("--only", "mine/knn", "--only", "hsv/knn", "--jobs", 1)
    result = dfbench("run", "-s", suite, "-d", folder, "-o", out, "--plugin", plugin, *only)
    assert result.exit_code == 0
    assert board(out)["faces", "hsv/knn"]["status"] == "ok"
    line = board(out)["faces", "mine/knn"]
    assert (line["status"], line["n_features"]) == ("ok", 3)
    listed = dfbench("list", "extractors", "--plugin", plugin)
    assert "mine" in listed.stdout


@pytest.mark.usefixtures("in_process")
def test_unreadable_images_are_counted_and_left_out(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    folder, out = make_folder(), tmp_path / "out"
    whole = (folder / "train" / "real" / "001.png").read_bytes()
    (folder / "train" / "real" / "001.png").write_bytes(whole[: len(whole) // 2])
    (folder / "test" / "fake" / "002.png").write_bytes(b"")
    (folder / "test" / "fake" / "003.png").write_text("no image")
    arguments = ("run", "-s", suite, "-d", folder, "-o", out, "--only", "metadata/knn")
    strict = dfbench(*arguments, "--strict")
    assert strict.exit_code == 2
    assert "3 of 68 images cannot be read" in strict.stderr
    result = dfbench(*arguments)
    assert result.exit_code == 0
    assert "3 of 68 images cannot be read" in " ".join(result.stderr.split())
    line = board(out)["faces", "metadata/knn"]
    assert (line["n_train"], line["n_test"], line["n_left_out"]) == (31, 18, 3)
    listed = dfbench("data", "check", folder)
    assert listed.exit_code == 1
    assert listed.stdout.count("broken: ") == 3


@pytest.mark.usefixtures("in_process")
def test_figures_from_validation_where_the_test_has_no_labels(suite: Path, tmp_path: Path) -> None:
    from PIL import Image

    from tests.conftest import picture

    root, seed = tmp_path / "five", 0
    for split, count in {"train": 40, "validation": 20, "test": 6}.items():
        (root / split).mkdir(parents=True)
        lines = ["image_id,label"] if split != "test" else ["image_id"]
        for number in range(count):
            label = number % 2
            pixels = picture(seed, kind=("real", "fake")[label])
            Image.fromarray(pixels).save(root / split / f"{split}{number}.png")
            lines.append(f"{split}{number}" + (f",{label}" if split != "test" else ""))
            seed += 1
        (root / f"{split}.csv").write_text("\n".join(lines) + "\n")
    out = tmp_path / "out"
    result = dfbench("run", "-s", suite, "-d", root, "-o", out, "--only", "small/knn")
    assert result.exit_code == 0, result.output
    line = board(out)["five", "small/knn"]
    assert (line["split"], line["n_train"], line["n_test"]) == ("validation", 32, 20)
    assert "validation" in (out / "leaderboard.md").read_text()
    images = scores(out)["small/knn"]["image"]
    assert all("validation" in image for image in images), "tuning did not use it"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--suite", "al"), "unknown suite 'al' (did you mean 'all'"),
        (
            ("--suite", "SUITE", "--only", "hsv/kn"),
            "row 'hsv/kn': unknown model 'kn' (did you mean 'knn'",
        ),
        (("--suite", "SUITE", "--data", "no-such-data"), "no-such-data"),
        (("--suite", "absent.toml"), "absent.toml: no such suite file"),
        (("--suite", "SUITE", "--root", "x"), "not of the form NAME=FOLDER: 'x'"),
        (("--suite", "SUITE", "--plugin", "absent.py"), "absent.py: no such file"),
        (("--suite", "SUITE", "--out", "SUITE/out"), "is a file, not a folder"),
        pytest.param(
            ("--suite", "SUITE", "--out", "/proc/out"),
            "/proc/out: cannot write here",
            marks=pytest.mark.skipif(not Path("/proc").is_dir(), reason="no folder of that kind"),
        ),
    ],
)
def test_mistakes_are_one_line_without_a_traceback(
    suite: Path,
    make_folder: Callable[..., Path],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    words = [a.replace("SUITE", str(suite)) for a in arguments]
    if "--data" not in words:
        words += ["--data", str(make_folder())]
    result = dfbench("run", *words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.strip().count("\n") == 0
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = 'x'\nrow = []\n", "unknown key 'row' (did you mean 'rows'"),
        ("name = 'x'\n[[rows]]\nfeatures = ['hsv']\n", "features need models"),
        ("name = 'x'\nrows = [\n", "not valid TOML"),
        ("name = 'x'\n[budget]\ntrials = 0\n[[rows]]\nnetworks=['cnn-3conv']\n", "budget.trials"),
        (
            "name='x'\n[[rows]]\nfeatures=['hvs']\nmodels=['knn']\n",
            "key 'features': unknown extractor 'hvs'",
        ),
        (
            "name='x'\n[[rows]]\nfeatures=['lbp[radius=2]']\nmodels=['knn']\n",
            "row 'lbp[radius=2]/knn', key 'features': unknown parameter of 'lbp' 'radius'",
        ),
        ("name='x'\n[[rows]]\nfeatures=['hsv']\nmodels=['knm']\n", "unknown model 'knm'"),
        ("name='x'\n[[rows]]\nnetworks=['knn']\n", "'knn' takes features"),
        ("name='x'\n[[rows]]\nfeatures=['hsv[bin=2]']\nmodels=['knn']\n", "did you mean 'bins'"),
    ],
)
def test_a_suite_that_does_not_fit(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "suite.toml"
    path.write_text(text)
    result = dfbench("run", "--suite", path, "--data", tmp_path)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.strip().count("\n") == 0


@pytest.mark.usefixtures("in_process")
def test_a_registered_data_set_that_is_gone_is_skipped(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    from dfbench.suites.datasets import catalogue

    kept, gone, out = make_folder("kept"), make_folder("gone"), tmp_path / "out"
    assert dfbench("data", "add", kept).exit_code == 0
    assert dfbench("data", "add", gone).exit_code == 0
    shutil.rmtree(gone)
    monkeypatch.setattr(catalogue, "default_names", lambda: ["kept", "gone"])
    suite.write_text(SUITE.replace("datasets = []", 'datasets = "registered"'))
    result = dfbench("run", "-s", suite, "-o", out, "--only", "small/knn")
    assert result.exit_code == 0
    lines = board(out)
    assert lines["kept", "small/knn"]["status"] == "ok"
    assert lines["gone", "small/knn"]["status"] == "skipped"
    assert "gone" in lines["gone", "small/knn"]["reason"]


def test_extract_gives_the_table(make_folder: Callable[..., Path], tmp_path: Path) -> None:
    folder = make_folder(splits={"train": 3, "test": 2})
    for name in ("table.parquet", "table.csv"):
        path = tmp_path / name
        result = dfbench("extract", folder, "--features", "hsv[bins=4]+metadata", "--out", path)
        assert result.exit_code == 0, result.output
        table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
        assert len(table) == 10
        assert list(table)[:4] == ["path", "label", "split", "group"]
        hsv = table[[c for c in table if c.startswith("hsv:")]].to_numpy()
        assert hsv.shape == (10, 12)
        np.testing.assert_allclose(hsv.sum(axis=1), 1, atol=1e-5)
    wrong = dfbench("extract", folder, "--features", "hsv", "--out", tmp_path / "table.xls")
    assert wrong.exit_code == 2
    assert "use .parquet or .csv" in wrong.stderr


@pytest.mark.usefixtures("in_process")
def test_strange_but_readable_images_take_part(
    make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    from PIL import Image

    folder, out = make_folder("füße 顔"), tmp_path / "out"
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (20, 31, 3), dtype=np.uint8)
    colour, train = Image.fromarray(pixels), folder / "train"
    colour.convert("L").save(train / "real" / "grey.png")
    Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(train / "real" / "sixteen.png")
    colour.convert("CMYK").save(train / "real" / "press.jpg")
    colour.convert("RGBA").save(train / "fake" / "alpha.png")
    colour.resize((1, 1)).save(train / "fake" / "one pixel.png")
    frames = [colour.quantize(), colour.rotate(180).quantize()]
    frames[0].save(train / "fake" / "moving.gif", save_all=True, append_images=frames[1:])
    colour.save(folder / "test" / "fake" / "имя с пробелами.webp")
    (folder / "test" / "fake" / "link.png").symlink_to(tmp_path / "nowhere.png")
    suite = tmp_path / "suite.toml"
    suite.write_text(
        'name = "x"\n[budget]\ntrials = 1\n[[rows]]\n'
        'features = ["hsv+lbp+fft+pixels+metadata"]\nmodels = ["knn"]\n'
    )
    result = dfbench("run", "-s", suite, "-d", folder, "-o", out)
    assert result.exit_code == 0, result.output
    (line,) = board(out).values()
    assert line["dataset"] == "füße-顔"
    assert (line["n_train"], line["n_test"], line["n_left_out"]) == (38, 21, 1)
    assert "link.png" in result.stderr


@pytest.mark.usefixtures("in_process")
def test_two_runs_in_one_folder_do_not_mix(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    from dfbench.files import owned

    folder, out = make_folder(), tmp_path / "out"
    arguments = ("run", "-s", suite, "-d", folder, "-o", out, "--only", "hsv/knn")
    with owned(out / "run"):
        second = dfbench(*arguments)
        assert second.exit_code == 2
        assert "another process is at work here" in second.stderr
    assert dfbench(*arguments).exit_code == 0


@pytest.mark.usefixtures("in_process")
def test_an_image_that_vanishes_takes_its_data_set_down_alone(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    from dfbench.benchmark.execution.executor import execute
    from dfbench.benchmark.execution.settings import Settings
    from dfbench.benchmark.planning.plan import load_datasets, make_plan
    from dfbench.benchmark.planning.rows import rows
    from dfbench.benchmark.reporter import Reporter
    from dfbench.registry import EXTRACTORS, MODELS, Registry
    from dfbench.results.records.folder import ResultsFolder
    from dfbench.suites.suite import load_suite

    one, two, out = make_folder("one"), make_folder("two"), ResultsFolder(tmp_path / "out")
    made = load_suite(suite)
    lines = rows(made, Registry(EXTRACTORS), Registry(MODELS), ["hsv/knn"])
    loaded = load_datasets(made, [str(one), str(two)], {}, Reporter().stage)
    plan = make_plan(made, lines, loaded, [0], made.budget, out)
    (one / "train" / "real" / "003.png").unlink()
    records = execute(plan, out, Settings(jobs=1, device="cpu", cell_timeout=60), Reporter())
    assert [record.status for record in records] == ["failed", "ok"]
    assert "003.png: cannot be read" in records[0].reason


@pytest.mark.usefixtures("in_process")
def test_a_data_set_that_is_away_keeps_its_figures(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    from dfbench.suites.datasets import catalogue

    folder, out = make_folder("disk"), tmp_path / "out"
    assert dfbench("data", "add", folder).exit_code == 0
    monkeypatch.setattr(catalogue, "default_names", lambda: ["disk"])
    suite.write_text(SUITE.replace("datasets = []", 'datasets = "registered"'))
    arguments = ("run", "-s", suite, "-o", out, "--only", "hsv/knn")
    assert dfbench(*arguments).exit_code == 0
    before = board(out)["disk", "hsv/knn"]
    folder.rename(tmp_path / "unmounted")
    assert dfbench(*arguments).exit_code == 0
    assert board(out)["disk", "hsv/knn"] == before


@pytest.mark.usefixtures("in_process")
def test_strict_holds_where_everything_is_done(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    folder, out = make_folder(), tmp_path / "out"
    (folder / "test" / "fake" / "003.png").write_text("no image")
    arguments = ("run", "-s", suite, "-d", folder, "-o", out, "--only", "hsv/knn")
    assert dfbench(*arguments).exit_code == 0
    again = dfbench(*arguments, "--strict")
    assert again.exit_code == 2
    assert "1 of 68 images cannot be read" in again.stderr


def test_the_root_of_a_card_is_given_by_its_name(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    folder, out, card = make_folder(), tmp_path / "out", tmp_path / "card.toml"
    card.write_text(
        'name = "mine"\nroot_env = "NOWHERE"\nclasses = ["real", "fake"]\n[layout]\n'
        'kind = "folders"\nsplits = {train = "train", validation = "validation", test = "test"}\n'
    )
    arguments = ("run", "-s", suite, "-d", card, "-o", out, "--plan")
    assert "give its folder by --root" in dfbench(*arguments).stderr
    assert dfbench(*arguments, "--root", f"mine={folder}").exit_code == 0
    wrong = dfbench(*arguments, "--root", f"mine={folder}", "--root", f"mien={folder}")
    assert wrong.exit_code == 2
    assert "unknown data set 'mien' (did you mean 'mine'" in wrong.stderr


def test_a_name_in_a_suite_does_not_hide_an_extractor(suite: Path, tmp_path: Path) -> None:
    suite.write_text(SUITE.replace('small = "pixels[size=4]"', 'small = "hsv"\nlbp = "metadata"'))
    result = dfbench("run", "-s", suite, "-d", tmp_path)
    assert result.exit_code == 2
    assert "an extractor of dfbench has it" in result.stderr


@pytest.mark.usefixtures("in_process")
def test_a_control_by_another_name_is_a_control(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    suite.write_text(SUITE.replace('small = "pixels[size=4]"', 'small = "metadata"'))
    out = tmp_path / "out"
    assert dfbench("run", "-s", suite, "-d", make_folder(), "-o", out).exit_code == 0
    assert board(out)["faces", "small/knn"]["control"] == "no pixels"
    assert board(out)["faces", "small+fft/svm"]["control"] == ""


@pytest.mark.usefixtures("in_process")
def test_several_seeds_are_one_row(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    suite.write_text("seeds = [0, 1, 2]\n" + SUITE.replace("seeds = [0]\n", ""))
    out = tmp_path / "out"
    result = dfbench("run", "-s", suite, "-d", make_folder(), "-o", out, "--only", "small+fft/svm")
    assert result.exit_code == 0, result.output
    (line,) = json.loads((out / "leaderboard.json").read_text())
    assert line["seeds"] == [0, 1, 2]
    assert len(set(line["cells"])) == 3
    assert line["metrics"]["roc_auc"]["spread"] >= 0
    assert "seeds" in (out / "leaderboard.md").read_text()


@pytest.mark.usefixtures("in_process")
def test_images_without_a_group_are_groups_of_their_own(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    folder, out = make_folder(), tmp_path / "out"
    assert dfbench("data", "init", folder).exit_code == 0
    card = folder / "card.toml"
    pattern = '\n[group]\npattern = "(?P<group>00[01])?[.]png"\n'
    card.write_text(card.read_text() + pattern)
    result = dfbench("run", "-s", suite, "-d", folder, "-o", out, "--only", "hsv/knn")
    assert result.exit_code == 0, result.stderr
    groups = scores(out)["hsv/knn"]["group"]
    assert groups.nunique() == 2 + 16  # twice two images, and sixteen alone
