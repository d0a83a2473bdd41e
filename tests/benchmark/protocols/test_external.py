"""Rows scored on a further labelled set: a whole run on small real files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner, Result

from dfbench.cli import app
from dfbench.results.records.folder import ResultsFolder
from tests.conftest import fill, ran_in

SUITE = """
name = "tiny"
datasets = []
figures = []
[budget]
trials = 1
[[rows]]
features = ["hsv", "lbp", "metadata"]
models = ["knn"]
[[derived]]
name = "both"
of = ["hsv/knn", "lbp/knn"]
"""

pytestmark = pytest.mark.usefixtures("in_process")


def dfbench(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results on ``faces``, whose rows scored ``more``: 8 real and 24 fake images without splits,
    one of them a file of train, one a near copy of a test image."""
    folder = tmp_path_factory.mktemp("external")
    fill(folder / "faces")
    fill(folder / "drawn", splits={"x": 40})
    for place, first in (("faces/test", 0), ("drawn/x", 16)):  # or rows would be right of all
        for number in range(first, first + 4):
            one, other = (folder / place / c / f"{number:03}.png" for c in ("real", "fake"))
            content = one.read_bytes(), other.read_bytes()
            one.write_bytes(content[1])
            other.write_bytes(content[0])
    for label, last in (("real", 24), ("fake", 40)):
        (folder / "more" / label).mkdir(parents=True)
        for path in sorted((folder / "drawn/x" / label).iterdir())[16:last]:
            noisy = np.asarray(Image.open(path)).astype(int) + 7
            Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(
                folder / "more" / label / path.name
            )
    shutil.copy(folder / "faces/train/real/003.png", folder / "more/real/seen.png")
    near = Image.open(folder / "faces/test/fake/002.png")
    near.save(folder / "more/fake/near.png", compress_level=1)
    return ran_in(folder, SUITE, "--external", folder / "more")


def figures(out: Path) -> dict[tuple[str, str], dict[str, Any]]:
    found = json.loads((out / "protocols.json").read_text())
    return {(its["row"], its["metric"]): its for its in found if its["protocol"] == "external"}


def test_all_labelled_images_of_the_further_set_count(ran: Path) -> None:
    found, out = figures(ran / "out"), ResultsFolder(ran / "out")
    lines = {each["row"]: each for each in json.loads((ran / "out/leaderboard.json").read_text())}
    records = {each.row: out.record_of(each) for each in out.read_rows()}
    for asked in out.read_asked():
        record = records[asked.row]
        assert record is not None
        kept = out.load_evaluation(asked.cell, asked.probe)
        assert kept is not None
        assert (kept.n, kept.split, kept.n_seen) == (34, "all labelled", 1)
        # also by the look of them: a file of train, and one that shows a test image
        assert kept.n_copied is not None
        assert kept.n_shared is not None
        assert kept.n_copied >= 1
        assert kept.n_shared >= 1
        scores = out.read_evaluation(record, kept)
        there = found[asked.row, "roc_auc"]
        expected = roc_auc_score(scores.labels, scores.probabilities[:, 1])
        assert there["value"] == pytest.approx(expected)
        assert there["n"] == 34
        board = lines[asked.row]["metrics"]["roc_auc"]
        difference = found[asked.row, "roc_auc difference"]
        assert difference["value"] == pytest.approx(expected - board["value"])
        assert difference["low"] < difference["value"] < difference["high"]
        held = board["low"] <= expected <= board["high"]
        assert found[asked.row, "roc_auc held"]["value"] == float(held)
        # accuracy is at the class shares of the board, which are equal
        right = scores.probabilities.argmax(axis=1) == scores.labels
        recalls = [right[scores.labels == label].mean() for label in (0, 1)]
        assert found[asked.row, "accuracy"]["value"] == pytest.approx(np.mean(recalls))


def test_the_share_is_over_rows_that_compete(ran: Path) -> None:
    found = figures(ran / "out")
    rows = ["hsv/knn", "lbp/knn", "both"]
    told = [row for row in rows if (row, "roc_auc expected to hold") in found]
    assert ("metadata/knn", "roc_auc expected to hold") not in found
    held = np.mean([found[row, "roc_auc held"]["value"] for row in told])
    assert found["", "roc_auc share held"]["value"] == pytest.approx(held)
    assert found["", "roc_auc share held"]["n"] == len(told)
    share = found["", "roc_auc share expected"]
    chances = [found[row, "roc_auc expected to hold"]["value"] for row in told]
    assert share["value"] == pytest.approx(np.mean(chances))
    assert share["low"] <= share["value"] <= share["high"]


def test_every_form_tells_it(ran: Path) -> None:
    said = (ran / "out/leaderboard.md").read_text()
    assert "Outside: more" in said
    assert "intervals held the figure there" in said
    assert "are among those that rows were fitted or tuned on" in said or "is among those" in said
    assert "the sets are not independent" in said
    assert "Classes have other shares in more" in said
    for form in ("html", "tex"):
        assert "Outside: more" in (ran / f"out/leaderboard.{form}").read_text()
    assert dfbench("verify", ran / "out").exit_code == 0


def test_what_was_scored_stays_and_a_reproduction_leaves_it_out(
    ran: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DFBENCH_CACHE", str(ran / "_cache"))
    given = ("run", "-s", ran / "tiny.toml", "-d", ran / "faces", "-o", ran / "out", "--jobs", 1)
    again = flat(dfbench(*given, "--external", f"faces={ran / 'more'}", "--plan").stdout)
    assert "external: 1 pair of data sets x 4 rows: 0 to score, 4 scored before" in again
    result = dfbench("reproduce", ran / "out", "--out", ran / "again", "--jobs", 1)
    assert result.exit_code == 0, result.output
    assert "further sets (external) are not scored again" in flat(result.output)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--external", "other={more}"], "unknown data set 'other' (known: faces)"),
        (["--external", "other={root}/faces"], "unknown data set 'other' (known: faces)"),
        (["--external", "{more}", "--external", "{more}"], "two sets for all data sets"),
        (["--external", "{root}/none"], "none"),
        (["--external", "{root}/copy/faces"], "a data set of the run is named 'faces' too"),
        (["--external", "faces=faces={more}"], "line --external faces=more-faces={more})"),
        (["--protocol", "external"], "or give --external FOLDER"),
    ],
)
def test_what_cannot_be_is_told(
    ran: Path, monkeypatch: pytest.MonkeyPatch, given: list[str], message: str
) -> None:
    monkeypatch.setenv("DFBENCH_CACHE", str(ran / "_cache"))
    if not (ran / "copy").exists():
        shutil.copytree(ran / "more", ran / "copy/faces")
    asked = [text.format(more=ran / "more", root=ran) for text in given]
    suite = ("-s", ran / "tiny.toml", "-d", ran / "faces", "-o", ran / "new", "--plan")
    result = dfbench("run", *suite, *asked)
    assert result.exit_code == 2
    assert message.format(more=ran / "more") in flat(result.output)


def test_itself_and_other_classes_have_a_reason(ran: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DFBENCH_CACHE", str(ran / "_cache"))
    run = ("run", "-s", ran / "tiny.toml", "-d", ran / "faces", "-o", ran / "new", "--plan")
    itself = flat(dfbench(*run, "--external", ran / "faces").stdout)
    assert "external faces -> faces: it is the data set itself" in itself
    if not (ran / "three").exists():
        fill(ran / "three", classes=("real", "one", "two"))
    others = flat(dfbench(*run, "--external", ran / "three").stdout)
    assert "external faces -> three: the classes differ" in others
