"""Repeated splits and folds, run whole on small files."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score
from typer.testing import CliRunner, Result

import dfbench
from dfbench.benchmark.methods import methods
from dfbench.benchmark.pictures.paper import drawings
from dfbench.cli import app
from dfbench.errors import DataError, OutputError, ParameterError
from dfbench.results.board.agreement import at_odds
from dfbench.results.board.comparison import brought
from dfbench.results.records.divisions import Division
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.lists import Entries
from dfbench.results.records.merging import Source, merge
from dfbench.results.records.records import Record
from dfbench.results.records.sealed import write_sealed
from dfbench.results.render import cited
from dfbench.results.results import Results, load_results
from dfbench.results.statistics.measured import Images
from tests.conftest import run_cells_here

pytestmark = pytest.mark.usefixtures("in_process")

SUITE = """
name = "tiny"
datasets = []
figures = []
seeds = [0, 1]
[budget]
trials = 1
[[rows]]
features = ["hsv"]
models = ["knn", "svm"]
[[rows]]
features = ["metadata"]
models = ["knn"]
[[systems]]
name = "shuffled"
model = "knn"
features = "hsv"
shuffle_labels = true
[[derived]]
name = "both"
of = ["hsv/knn", "hsv/svm"]
threshold = "youden"
[[protocols]]
kind = "robustness"
changes = ["jpeg=50"]
"""


@pytest.fixture(scope="module")
def ran(run_once: Callable[..., Path]) -> Path:
    """Give what is around a run over three folds: ``faces``, ``tiny.toml`` and ``out``."""
    return run_once("tiny", SUITE, repeat="folds=3")


@pytest.fixture
def folds(ran: Path, monkeypatch: pytest.MonkeyPatch) -> Results:
    monkeypatch.setenv("DFBENCH_CACHE", str(ran / "_cache"))
    return load_results(ran / "out")


@pytest.fixture(scope="module")
def splits(ran: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    out = tmp_path_factory.mktemp("splits") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DFBENCH_CACHE", str(ran / "_cache"))
        patch.setenv("DFBENCH_CONFIG", str(ran / "_config"))
        run_cells_here(patch)
        rows = ["hsv/knn", "hsv/svm", "shuffled"]
        yield dfbench.run(ran / "tiny.toml", ran / "faces", only=rows, out=out, repeat="splits=3")


def cli(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def line(results: Results, row: str):
    (found,) = [its for its in results.board.lines if its.row == row]
    return found


@pytest.mark.parametrize("row", ["hsv/svm", "both"])
def test_a_row_over_folds_has_the_figures_of_its_scores(folds: Results, row: str) -> None:
    table = folds.scores(row)
    found = line(folds, row)
    assert found.divided.words == "3 folds"
    assert found.seeds == [0, 1]
    aucs, accuracies = [], []
    for _, of_seed in table.groupby("seed"):
        assert not of_seed["image"].duplicated().any()
        assert len(of_seed) == found.n_test == 68
        aucs.append(
            [
                roc_auc_score(its["label"] == "fake", its["p_fake"])
                for _, its in of_seed.groupby("split")
            ]
        )
        accuracies.append(accuracy_score(of_seed["label"], of_seed["decision"]))
    assert found.metrics["roc_auc"].value == pytest.approx(np.mean(aucs))
    assert found.metrics["accuracy"].value == pytest.approx(np.mean(accuracies))
    told = [found.on_division(f"fold {k}") for k in (1, 2, 3)]
    assert told == pytest.approx(np.mean(aucs, axis=0))


def test_a_row_over_splits_has_the_mean_of_its_scores(splits: Results) -> None:
    table = splits.scores("hsv/svm")
    found = line(splits, "hsv/svm")
    aucs = [
        roc_auc_score(its["label"] == "fake", its["p_fake"])
        for _, its in table.groupby(["split", "seed"])
    ]
    assert found.divided.words == "3 splits"
    assert found.metrics["roc_auc"].value == pytest.approx(np.mean(aucs))
    assert len(table) == 6 * found.n_test
    tests = [set(its["image"]) for _, its in table.groupby("split")]
    assert tests[0] != tests[1] != tests[2]


def test_boards_say_what_figures_are_of(folds: Results, splits: Results) -> None:
    said = (folds.folder / "leaderboard.md").read_text()
    assert "3 folds of all images: each of 68 scored once, by a model that had not seen it" in said
    assert re.search(r"\| row +\| fold 1 \| fold 2 \| fold 3 \| lowest", said)
    assert "Of fold 1 of 3 alone.\n\nThe evaluated images were changed" in said
    assert "not scored on the same images" not in said
    assert "to their class. Of fold 1 of 3 alone." in said
    said = (splits.folder / "leaderboard.md").read_text()
    assert "means over 3 splits drawn at random" in said
    assert "on several splits Nadeau and Bengio's corrected t-test" in said
    assert "of split 1 of 3 alone: figures" in said
    assert "of split 1 of 3: " not in said
    # there is no difference of more than 1
    assert splits.board.tables[0].smallest.corrected > 1
    assert "could show (80 % power): none between two rows" in said
    # a control of one split has the interval of its images and orders
    assert line(splits, "shuffled").metrics["roc_auc"].low is not None
    assert "| split 1 | split 2 | split 3 |" in said


def test_what_is_of_one_division_says_so_wherever_it_stands(folds: Results) -> None:
    assert {each.split for each in folds.board.figures} == {"fold 1"}
    table = folds.figures()
    assert set(table[table.part.str.startswith("robustness")].split) == {"fold 1"}
    found = {
        each.name: each for each in drawings(ResultsFolder(folds.folder), folds.board, ["both"])
    }
    assert found["robustness-faces"].caption.endswith(". Of fold 1 of 3 alone.")
    every = {f"scores-faces-both-seed-{seed}-fold-{n}" for seed in (0, 1) for n in (1, 2, 3)}
    assert every == {name for name in found if "both" in name}
    text = cited.to_markdown(methods(folds.folder))
    for said in ("in no figure of the same split or fold", "fold 1 alone", "for fold 1 alone"):
        assert said in text
    told = CliRunner().invoke(app, ["leaderboard", str(folds.folder), "--data", "faces"]).output
    assert "shuffled: of fold 1 alone." in " ".join(told.split())


def test_nothing_is_done_twice_and_models_are_of_the_first(ran: Path, folds: Results) -> None:
    given = ("--suite", ran / "tiny.toml", "--data", ran / "faces", "--out", folds.folder)
    said = " ".join(cli("run", *given, "--repeat", "folds=3", "--plan").output.split())
    # 4 rows x 2 seeds x 3 folds, and 5 orders of shuffled labels on the first
    assert "2 seeds x 3 folds: 29 cells (29 done before)" in said
    assert len(list((folds.folder / "models").glob("*"))) == 13
    found = cli("predict", folds.folder, ran / "faces" / "test" / "fake" / "000.png")
    assert found.exit_code == 0


def test_both_verify_and_the_images_are_known_again(ran: Path, folds: Results, splits: Results):
    for results in (folds, splits):
        found = cli("verify", results.folder, "--data", ran / "faces")
        assert found.exit_code == 0, found.output


def test_rows_are_compared_over_all_divisions(folds: Results, splits: Results) -> None:
    found = folds.compare("hsv/knn", "hsv/svm").frame().set_index("metric")
    assert found.loc["roc_auc", "test"] == "DeLong"
    assert found.loc["accuracy", "test"] == "paired t"
    over = splits.compare("hsv/knn", "hsv/svm").frame().set_index("metric")
    assert set(over["test"]) == {"corrected t"}
    difference = line(splits, "hsv/knn").auc - line(splits, "hsv/svm").auc
    assert over.loc["roc_auc", "difference"] == pytest.approx(difference)


def test_other_divisions_take_the_place_of_these(ran: Path, splits: Results, tmp_path: Path):
    out = tmp_path / "out"
    shutil.copytree(splits.folder, out)
    plain = dfbench.run(ran / "tiny.toml", ran / "faces", only="hsv/knn", seed=0, out=out)
    assert line(plain, "hsv/knn").divided is None
    assert line(plain, "hsv/svm").divided.words == "3 splits"
    said = (out / "leaderboard.md").read_text()
    assert "not run on the same divisions of the data set: 3 splits, one division" in said
    assert "different states" not in said
    assert "Of split 1 of 3 alone, of rows that are on several." in said
    told = plain.protocols().groupby("row")["split"].unique()
    assert (*told["hsv/knn"],) == ("",)
    assert (*told["hsv/svm"],) == ("split 1",)
    again = dfbench.run(
        ran / "tiny.toml", ran / "faces", only="hsv/knn", out=out, repeat="splits=2"
    )
    assert line(again, "hsv/knn").divided.words == "2 splits"
    # splits are drawn alike, however many there are
    for name in ("split 1", "split 2"):
        assert line(again, "hsv/knn").on_division(name) == line(splits, "hsv/knn").on_division(name)


def test_rows_whose_scores_were_brought_are_not_told_to_be_run_again(folds: Results) -> None:
    own = line(folds, "hsv/knn")
    other = own.model_copy(update={"row": "bob", "kind": "imported", "divided": None})
    assert brought({"hsv/knn": own, "bob": other}) == "bob"
    assert brought({"bob": other, "it": other}) == brought({"hsv/knn": own}) == ""


def test_a_division_that_is_lost_costs_itself_alone(folds: Results, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(folds.folder, out)
    entries = ResultsFolder(out).read_entries()
    for entry in entries:
        if entry.row == "hsv/svm" and entry.division.number == 2:
            (out / "cells" / f"{entry.cell}.json").unlink()
    results = load_results(out)
    done, lost = [its for its in results.board.lines if its.row == "hsv/svm"][::2]
    assert done.divided.words == "2 of 3 folds"
    assert done.n_test == 68 - 22
    assert lost.reason == "fold 2 of 3: not run yet"


def test_the_first_division_may_be_lost_too(folds: Results, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(folds.folder, out)
    for entry in ResultsFolder(out).read_entries():
        if entry.row == "hsv/svm" and entry.is_first:
            (out / "cells" / f"{entry.cell}.json").unlink()
    results = load_results(out)
    assert line(results, "both").divided.words == "3 folds"
    (table,) = results.board.tables
    assert not any("different states" in note for note in table.notes)
    (found,) = results.compare("hsv/svm", "hsv/knn").comparisons
    assert found.reason.startswith("the rows were not run on the same folds")


def test_divisions_that_do_not_fit_have_no_figure(folds: Results, tmp_path: Path) -> None:
    entries = ResultsFolder(folds.folder).read_entries()
    own = [e for e in entries if e.row == "hsv/knn" and not e.subset.name]
    others = [e for e in entries if e not in own]
    alone = [e for e in own if e.seed == e.division.number % 2]
    nine = [
        e.model_copy(update={"division": e.division.model_copy(update={"of": 9})})
        for e in own
        if not e.is_first
    ]
    for at, its in enumerate(([*own, *nine], alone)):
        out = tmp_path / str(at)
        shutil.copytree(folds.folder, out)
        write_sealed(ResultsFolder(out).entries_file, Entries(entries=[*its, *others]))
        results = load_results(out)
        assert {its.status for its in results.board.lines if its.row == "hsv/knn"} == {"failed"}
        (found,) = results.compare("hsv/knn", "hsv/svm").comparisons
        assert "3 folds and on 9 folds" in found.reason or "left out: seed" in found.reason


def test_folds_share_no_image_and_divisions_no_other_labels(folds: Results) -> None:
    folder = ResultsFolder(folds.folder)
    (one, two) = [
        folder.load_record(e.cell)
        for e in folder.read_entries()
        if e.row == "hsv/knn" and e.seed == 0 and not e.subset.name and e.division.number < 3
    ]
    images = [Images.of(names, np.array([0, 1])) for names in (("a", "b"), ("c", "d"), ("b", "c"))]
    fold = [Division(kind="fold", number=k, of=3) for k in (1, 2)]
    split = [Division(kind="split", number=k, of=3) for k in (1, 2)]

    def said(divisions: list[Division], other: Images, record: Record = two) -> set[str]:
        cells = [[(one, images[0])], [(record, other)]]
        return set(at_odds(list(zip(divisions, cells, strict=True))).values())

    assert said(fold, images[1]) == said(split, images[0]) == set()
    assert said(fold, images[0]) == {"an image was tested on in two of its folds"}
    assert said(split, images[2]) == {"the same image has other labels on other splits"}
    other = two.model_copy(update={"classes": two.classes[::-1]})
    assert said(fold, images[1], other) == {
        "its divisions are not of the same classes, or not in one order"
    }


def test_places_are_found_again_from_records(folds: Results, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(folds.folder, out)
    before = {entry.place for entry in ResultsFolder(out).read_entries()}
    (out / "run.json").write_text("{")
    assert ResultsFolder(out).mend_entries()
    assert {entry.place for entry in ResultsFolder(out).read_entries()} == before


def test_divisions_of_several_kinds_are_not_merged(folds: Results, splits: Results, tmp_path):
    given = [Source("A", ResultsFolder(folds.folder)), Source("B", ResultsFolder(splits.folder))]
    with pytest.raises(OutputError, match="was run on 3 folds in A and 3 splits in B"):
        merge(given, tmp_path / "both")


def test_too_few_images_end_the_command(ran: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="too few images for 60 folds"):
        dfbench.run(ran / "tiny.toml", ran / "faces", out=tmp_path / "o", repeat="folds=60")
    with pytest.raises(ParameterError, match="splits=N or folds=N"):
        dfbench.run(ran / "tiny.toml", ran / "faces", out=tmp_path / "o", repeat=5)
    found = cli("run", "--data", ran / "faces", "--repeat", "five", "--plan")
    assert found.exit_code == 2
    assert "splits=N or folds=N" in found.output


def test_a_record_of_another_division_is_refused(folds: Results, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(folds.folder, out)
    cells = ResultsFolder(out)
    (entry, *_) = cells.read_entries()
    record = cells.load_record(entry.cell)
    other = record.division.model_copy(update={"of": 4})
    write_sealed(cells.record_file(entry.cell), record.model_copy(update={"division": other}))
    with pytest.raises(
        OutputError, match="division is 'fold 1 of 4', and by its identity 'fold 1 of 3'"
    ):
        cells.load_record(entry.cell)
