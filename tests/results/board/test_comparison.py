"""`dfbench compare`: two rows explained, or why nothing can be told."""

import csv
import io
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from dfbench.cli import app
from dfbench.results.board.build import build_board
from dfbench.results.board.comparison import compare
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Elsewhere, Entry
from dfbench.results.statistics.metrics import METRICS
from dfbench.results.statistics.significance import holm


def run(*arguments):
    return CliRunner().invoke(
        app, ["compare", *map(str, arguments)], catch_exceptions=False, env={"COLUMNS": "80"}
    )


def flat(result):
    return " ".join(result.output.split())


@pytest.fixture
def two(folder):
    """Two data sets: on one the rows differ clearly, on the other hardly."""
    for dataset, gain in (("clear", 2.5), ("close", 1.05)):
        folder.add(dataset, "lbp+fft/svm", gain=gain, n=300)
        folder.add(dataset, "hsv/knn", gain=1.0, n=300, noise=7)
    folder.add("clear", "metadata/xgboost", gain=0.0, n=300, noise=9, control="no pixels")
    return folder.out


def test_a_clear_difference_and_an_open_one(two):
    result = run(two, "lbp+fft/svm", "hsv/knn")
    assert result.exit_code == 0
    said = flat(result)
    assert "On 300 test images, lbp+fft/svm reaches ROC AUC 0." in said
    assert "lbp+fft/svm is better by 0." in said
    assert "after Holm's correction for 2 tests" in said
    assert "compared by ROC AUC; all other figures are secondary, and corrected for all 20" in said
    assert "these images do not tell whether it is better than" in said
    assert "By ROC AUC lbp+fft/svm is significantly better on 1, hsv/knn on 0; 1 is open." in said
    assert "images a second from file to verdict" in said
    shown = [line for line in result.output.splitlines() if ". " not in line]
    assert max(map(len, shown)) <= 80
    assert "DeLong" in said
    assert "McNemar" in said


def test_subsets_of_a_row_are_no_seeds_of_it(folder):
    """A row fitted on a part of train is no other run of the row itself."""
    folder.add("faces", "lbp+fft/svm", gain=2.5, n=300)
    folder.add("faces", "hsv/knn", gain=1.0, n=300, noise=7)
    before = run(folder.out, "lbp+fft/svm", "hsv/knn", "--format", "json").stdout
    for row in ("lbp+fft/svm", "hsv/knn"):
        part = folder.add("parts", row, gain=0.1, n=300, noise=3)
        entry = Entry(dataset="faces", row=row, seed=0, cell=part.cell, variant="25 % of train")
        ResultsFolder(folder.out).write_entries([entry])
    after = run(folder.out, "lbp+fft/svm", "hsv/knn", "--data", "faces", "--format", "json").stdout
    assert json.loads(after) == json.loads(before)
    assert (
        "\N{PLUS-MINUS SIGN}" not in run(folder.out, "lbp+fft/svm", "hsv/knn", "-d", "faces").output
    )


def test_the_numbers_are_those_of_the_board_and_corrected_over_all_that_is_shown(two):
    found = json.loads(run(two, "lbp+fft/svm", "hsv/knn", "--format", "json").stdout)
    board = {(x.dataset, x.row): x for x in build_board(two).lines}
    p_values, corrected, lines = [], [], []
    for each in found:
        for line in each["metrics"]:
            figure = board[each["dataset"], "hsv/knn"].metrics[line["metric"]]
            assert (line["b"], line["b_low"], line["b_high"]) == (
                figure.value,
                figure.low,
                figure.high,
            )
            if line["p_value"] is not None:
                assert line["difference"] == pytest.approx(line["a"] - line["b"])
                assert line["low"] < line["difference"] < line["high"]
                lines.append(line)
                p_values.append(line["p_value"])
                corrected.append(line["p_corrected"])
        assert each["smallest_roc_auc"] > 0
    assert len(p_values) == 20, "rates at low false positive rates have too few negatives"
    main = [at for at, line in enumerate(lines) if line["metric"] == "roc_auc"]
    for at, (one, alone) in enumerate(zip(corrected, holm(np.array(p_values)), strict=True)):
        if at not in main:
            assert one == pytest.approx(alone), "a secondary figure, for all tests"
    assert [corrected[at] for at in main] == pytest.approx(
        holm(np.array([p_values[at] for at in main]))
    )
    assert [line["primary"] for line in lines] == [line["metric"] == "roc_auc" for line in lines]
    table = list(
        csv.DictReader(io.StringIO(run(two, "lbp+fft/svm", "hsv/knn", "-f", "csv").stdout))
    )
    assert len(table) == 2 * len(METRICS)
    assert float(table[0]["difference"]) == found[0]["metrics"][0]["difference"]
    assert "## clear\n\nOn 300 test images" in run(two, "lbp+fft/svm", "hsv/knn", "-f", "md").stdout


def test_what_is_asked_for_is_shown_alone_and_corrected_for_that_alone(two):
    rows = ("lbp+fft/svm", "hsv/knn")
    (one,) = json.loads(run(two, *rows, "-m", "eer", "-d", "clear", "-f", "json").stdout)
    (line,) = one["metrics"]
    assert line["metric"] == "eer"
    assert line["p_corrected"] == line["p_value"], "one test"
    said = flat(run(two, *rows, "-m", "eer", "-d", "clear"))
    assert "lbp+fft/svm reaches EER 0." in said
    assert "lbp+fft/svm is better by 0." in said
    assert not any(word in said for word in ("ROC AUC", "Holm's", "secondary"))
    both = run(two, *rows, "-m", "log_loss", "--metric", "accuracy")
    assert "after Holm's correction for 4 tests" in flat(both)
    assert "; by accuracy" in flat(both).lower()
    assert "EER" not in both.output
    for each in compare(two, *rows, metrics=["log_loss", "accuracy"]):
        assert list(each.corrected) == ["log_loss", "accuracy"]
    wrong = run(two, *rows, "-m", "acuracy")
    assert (wrong.exit_code, "did you mean 'accuracy'" in flat(wrong)) == (2, True)


def test_who_is_right_where_they_disagree(two):
    (found,) = compare(two, "lbp+fft/svm", "hsv/knn", ["clear"])
    right = []
    for line in (found.first, found.second):
        record = ResultsFolder(two).load_record(line.cells[0])
        scores = ResultsFolder(two).read_scores(record)
        right.append(scores.probabilities.argmax(axis=1) == scores.labels)
    a, b = right
    assert found.disagreement.n_first == (a & ~b).sum()
    assert found.disagreement.n_second == (b & ~a).sum()
    both = int((a != b).sum())
    said = flat(run(two, "lbp+fft/svm", "hsv/knn", "--data", "clear"))
    assert f"One is right and the other wrong on {both} of 300 images" in said


def test_lower_is_better_for_errors(two):
    (found,) = compare(two, "hsv/knn", "lbp+fft/svm", ["clear"])
    assert found.differences["eer"].value > 0
    result = run(two, "hsv/knn", "lbp+fft/svm", "--data", "clear")
    eer = next(x for x in result.output.splitlines() if x.startswith("EER") and "bootstrap" in x)
    assert eer.split()[-1] == "second"


def test_parameters_in_the_name_of_a_row_are_no_markup(folder):
    for noise, row in enumerate(("hsv/knn", "hsv[bins=8]/knn")):
        folder.add("faces", row, noise=noise)
    result = run(folder.out, "hsv/knn", "hsv[bins=8]/knn")
    lines = result.output.split("Figures with 95 % intervals\n")[1].splitlines()
    assert lines[0].split() == ["hsv[bins=8]/"]
    assert lines[1].split() == ["figure", "hsv/knn", "knn"]


def test_a_control_may_be_compared(two):
    said = flat(run(two, "lbp+fft/svm", "metadata/xgboost", "--data", "clear"))
    assert "lbp+fft/svm is better by" in said


def test_other_images_are_told(folder):
    folder.add("faces", "a/knn", n=40)
    folder.add("faces", "b/knn", n=44)
    said = flat(run(folder.out, "a/knn", "b/knn"))
    assert (
        "Nothing can be told: the rows were not scored on the same images: 40 and 44, 40 of" in said
    )


def test_images_without_a_score_are_told(folder):
    folder.add("faces", "a/knn", n=44)
    told = Elsewhere(source="scores of a.csv", trained_on="other", n_missing=4)
    folder.add("faces", "theirs", n=40, kind="imported", elsewhere=told)
    said = flat(run(folder.out, "a/knn", "theirs"))
    assert "theirs has no score of 4 of the evaluated images; import it with all scores" in said


def test_other_labels_are_told(folder):
    folder.add("faces", "a/knn")
    record = folder.add("faces", "b/knn")
    scores = folder.scores(record, 1.0)
    turned = scores.model_copy(update={"labels": 1 - scores.labels})
    ResultsFolder(folder.out).write_cell(record, turned)
    assert "other labels or groups" in flat(run(folder.out, "a/knn", "b/knn"))


def test_a_row_that_failed_or_is_absent_is_told(folder):
    folder.add("faces", "a/knn")
    folder.fail("faces", "b/knn", "it broke")
    folder.add("frames", "a/knn")
    said = flat(run(folder.out, "a/knn", "b/knn"))
    assert "Nothing can be told: b/knn was failed: it broke." in said
    assert "Nothing can be told: b/knn was not run on it." in said
    assert json.loads(run(folder.out, "a/knn", "b/knn", "-f", "json").stdout)[0]["metrics"] == []


def test_few_images_are_told(folder):
    folder.add("faces", "a/knn", n=3)
    folder.add("faces", "b/knn", n=3, noise=1)
    said = flat(run(folder.out, "a/knn", "b/knn"))
    assert "fewer than two independent images or groups" in said


def test_several_seeds(folder):
    for seed in range(3):
        folder.add("faces", "a/knn", seed=seed, noise=seed, grouped=True, n=120)
        folder.add("faces", "b/knn", seed=seed, noise=seed + 5, grouped=True, n=120)
    said = flat(run(folder.out, "a/knn", "b/knn"))
    assert "On 120 test images in 40 groups, a/knn reaches ROC AUC 0." in said
    assert "On average over seeds one is right and the other wrong on" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("hsv/kn", "lbp+fft/svm"), "unknown row 'hsv/kn' (did you mean 'hsv/knn'?)"),
        (("hsv/knn", "hsv/knn"), "there is nothing to compare"),
        (("hsv/knn", "lbp+fft/svm", "--data", "clera"), "did you mean 'clear'"),
    ],
)
def test_what_is_not_there_is_named(two, arguments, words):
    result = run(two, *arguments)
    assert result.exit_code == 2
    assert words in flat(result)
