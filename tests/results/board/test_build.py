import numpy as np
import pytest
from scipy.stats import t
from sklearn import metrics as sk

from dfbench.benchmark.audits.shortcuts_found import KeptShortcut, KeptShortcuts
from dfbench.errors import OutputError
from dfbench.results.board.arrange import arrange
from dfbench.results.board.board import Line
from dfbench.results.board.build import build_board, read_row
from dfbench.results.board.sections import pareto_front
from dfbench.results.board.sentences import NO_FRONT
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import CellFacts, Record, Scores
from dfbench.results.results import load_results
from dfbench.results.statistics.estimate import Estimate
from dfbench.results.statistics.metrics import MAIN, METRICS


def line(dataset, row, auc, **other):
    found = {name: Estimate() for name in METRICS} | {
        "roc_auc": Estimate(value=auc, low=auc, high=auc)
    }
    known = {"dataset": dataset, "row": row, "seeds": [0], "status": "ok", "metrics": found}
    return Line(**known | other)


def test_what_a_record_and_its_line_both_tell_is_declared_once():
    both = Record.model_fields.keys() & Line.model_fields.keys()
    # a line counts nothing of what never ran, and names the class instead of its index
    assert both - CellFacts.model_fields.keys() == {"n_train", "n_test", "positive"}


def test_figures_are_those_of_the_stored_scores(folder):
    record = folder.add("faces", "hsv/knn", n=41)
    (found,) = build_board(folder.out).lines
    scores = ResultsFolder(folder.out).read_scores(record)
    fake, decided = scores.probabilities[:, 1], scores.probabilities.argmax(axis=1)
    assert found.auc == pytest.approx(sk.roc_auc_score(scores.labels, fake), abs=1e-12)
    recall = sk.recall_score(scores.labels, decided, average=None)
    assert found.class_accuracy == pytest.approx({"real": recall[0], "fake": recall[1]})
    for name in MAIN:
        figure = found.metrics[name]
        assert 0 <= figure.low <= figure.value <= figure.high <= 1
    assert (found.n_train, found.n_test, found.positive) == (120, 41, "fake")
    assert (found.fit_seconds, found.n_features, found.tuning.trials) == (1.25, 48, 5)


def test_the_positive_class_need_not_be_the_last(folder):
    folder.add("faces", "hsv/knn", classes=("fake", "real"), positive=0)
    (found,) = build_board(folder.out).lines
    assert found.positive == "fake"
    assert found.auc > 0.5


def test_an_auc_below_one_half_is_shown_as_measured(folder):
    folder.add("faces", "hsv/knn", gain=-3.0)
    assert build_board(folder.out).lines[0].auc < 0.2


def test_rows_stand_by_auc_then_controls_then_what_has_no_figures(full):
    faces = build_board(full.out).tables[0]
    assert [x.row for x in faces.ranked] == ["hsv+lbp+fft/xgboost", "hsv/knn", "a<b>|c&'\"/x_"]
    assert [x.rank for x in faces.lines] == [1, 2, 3, None, None, None]
    assert [x.best for x in faces.lines] == [True, False, False, False, False, False]
    assert [x.row for x in faces.controls] == ["metadata/svm"]
    assert [(x.row, x.status, x.reason) for x in faces.missing] == [
        ("embedding/knn", "skipped", "weights are absent"),
        ("embedding/svm", "skipped", "weights are absent"),
    ]


def test_a_row_that_has_not_run_says_so(full):
    five = build_board(full.out).tables[2]
    found = next(x for x in five.missing if x.row == "cnn-3conv")
    assert (found.status, found.reason, found.auc) == ("skipped", "not run yet", None)


@pytest.mark.parametrize("suffix", ["json", "parquet"])
def test_a_broken_file_is_a_failed_line_and_hides_no_other(folder, suffix):
    folder.add("faces", "hsv/knn")
    folder.add("faces", "lbp/knn")
    (folder.out / "cells" / f"c0.{suffix}").write_bytes(b"half")
    table = build_board(folder.out).tables[0]
    assert [x.row for x in table.ranked] == ["lbp/knn"]
    (broken,) = table.missing
    assert broken.status == "failed"
    assert f"c0.{suffix}" in broken.reason
    assert "run again" in broken.reason


def test_rows_that_cannot_be_told_apart_share_a_rank(folder):
    folder.add("faces", "good/a", gain=2.0, n=200)
    folder.add("faces", "good/b", gain=1.95, n=200, noise=1)
    folder.add("faces", "bad/a", gain=0.5, n=200, noise=2)
    folder.add("faces", "bad/b", gain=0.45, n=200, noise=3)
    table = build_board(folder.out).tables[0]
    assert [(x.row, x.rank, x.best) for x in table.ranked] == [
        ("good/a", 1, True),
        ("good/b", 1, True),
        ("bad/a", 3, False),
        ("bad/b", 3, False),
    ]
    assert table.ranked[0].p_best is None
    assert table.ranked[1].p_best > 0.05 > table.ranked[2].p_best


def test_the_smallest_difference_shrinks_with_the_root_of_the_images(folder):
    found = []
    for name, n in (("few", 100), ("many", 1600)):
        folder.add(name, "a/knn", gain=1.0, n=n)
        folder.add(name, "b/knn", gain=0.2, n=n)
        folder.add(name, "c/knn", gain=0.1, n=n)
    for table in build_board(folder.out).tables:
        assert table.smallest.n_rows == 3
        assert table.smallest.corrected > table.smallest.alone
        found.append(table.smallest.alone)
    assert found[0] / found[1] == pytest.approx(4, rel=0.4)


def test_rows_scored_on_other_images_are_not_ranked_with_the_rest(folder):
    folder.add("faces", "a/knn", gain=1.0)
    folder.add("faces", "b/knn", gain=1.5)
    folder.add("faces", "c/knn", gain=3.0, n=44, kind="imported")
    table = build_board(folder.out).tables[0]
    ranks = {x.row: x.rank for x in table.ranked}
    assert ranks["c/knn"] is None
    assert ranks["b/knn"] == 1
    assert "not scored on the same images" in table.notes[0]


def test_a_control_without_pixels_above_chance_is_a_warning(folder):
    folder.add("faces", "hsv/knn", gain=1.0, n=200)
    folder.add("faces", "watch", control="no pixels", gain=0.0, n=200)
    assert build_board(folder.out).tables[0].warnings == []
    folder.add("faces", "watch", control="no pixels", gain=1.0, n=200)
    (warning,) = build_board(folder.out).tables[0].warnings
    assert "watch reaches ROC AUC 0." in warning
    assert "without seeing a pixel" in warning


def test_of_many_classes_a_control_is_held_against_chance_too(folder):
    classes = ("real", *"abcd")
    folder.add("faces", "watch", control="no pixels", gain=0.0, n=300, classes=classes)
    assert build_board(folder.out).tables[0].warnings == []
    folder.add("faces", "watch", control="no pixels", gain=0.6, n=300, classes=classes)
    assert len(build_board(folder.out).tables[0].warnings) == 1


WIDTH = KeptShortcut(group="size", name="width", auc=0.98)
TABLES = KeptShortcut(group="JPEG tables", name="mean luma step", auc=1.0)
BYTES = KeptShortcut(group="content", name="number of bits a pixel", auc=0.7)


@pytest.mark.parametrize(
    ("found", "words", "without"),
    [
        (None, "(`dfbench data check` names what differs)", "width"),
        ([], "several together do", "data check"),
        (
            [TABLES, WIDTH],
            "differ in JPEG tables (mean luma step, AUC 1.00) and size (width, AUC 0.98), and any",
            "bytes",
        ),
        ([WIDTH, BYTES], "but for bytes (number of bits a pixel, AUC 0.70), which", "EXIF"),
        ([BYTES], "EXIF tell nothing; what does are bytes", "any row may owe"),
    ],
)
def test_the_warning_names_the_culprits(folder, found, words, without):
    folder.add("faces", "watch", control="no pixels", gain=2.0, n=200, fingerprint="ab12")
    if found is not None:
        ResultsFolder(folder.out).write_findings("shortcuts", "ab12", KeptShortcuts(found=found))
    (warning,) = build_board(folder.out).tables[0].warnings
    assert words in warning
    assert without not in warning


def test_shuffled_labels_are_judged_by_the_mean_of_several_orders(folder):
    """One order tells something, up or down; only what all have in common is a leak."""
    folder.add("faces", "hsv/knn", gain=1.0, n=200)

    def orders(gains):
        for seed, gain in enumerate(gains):
            folder.add(
                "faces",
                "mixed",
                seed=seed,
                gain=gain,
                n=200,
                noise=seed,
                control="shuffled labels",
            )
        board = build_board(folder.out)
        assert not board.several_seeds
        assert not any("seeds" in note for note in board.tables[0].notes)
        return board.tables[0]

    table = orders([0.6])
    assert table.controls[0].metrics["roc_auc"].low is None, "one order tells nothing"
    assert table.warnings == []
    table = orders([0.6, -0.5, 0.7, -0.4, 0.3])
    figure = table.controls[0].metrics["roc_auc"]
    assert table.warnings == []
    sampling = auc_interval_without_seeds(folder, table.controls[0])
    arm = t.ppf(0.975, 4) * figure.spread / np.sqrt(5)
    assert figure.low == pytest.approx(
        figure.value - np.hypot(figure.value - sampling[0], arm), abs=1e-9
    )
    (warning,) = orders([0.6, 0.5, 0.7, 0.5, 0.6]).warnings
    assert "the mean over 5 orders of shuffled labels" in warning


def auc_interval_without_seeds(folder, line):
    entries = [e for e in ResultsFolder(folder.out).read_entries() if e.row == line.row]
    found = read_row(ResultsFolder(folder.out), entries, []).measured.figures()["roc_auc"]
    return found.low, found.high


def test_a_tuned_row_tells_what_its_tuning_was_worth(folder):
    record = folder.add("faces", "hsv/knn", gain=1.0)
    before = build_board(folder.out).tables[0].ranked[0]
    assert before.optimism == pytest.approx(0.9 - before.auc)
    assert before.default_roc_auc is None
    others = {"default": folder.scores(record, 0.3)}
    ResultsFolder(folder.out).write_cell(record, folder.scores(record, 1.0), others)
    after = build_board(folder.out).tables[0].ranked[0]
    scores = folder.scores(record, 0.3)
    expected = sk.roc_auc_score(scores.labels, scores.probabilities[:, 1])
    assert after.default_roc_auc == pytest.approx(expected)
    # where the defaults won, they are the row
    tuning = record.tuning.model_copy(update={"default_value": 0.9})
    folder.add("faces", "lbp/knn", tuning=tuning)
    row = next(x for x in build_board(folder.out).lines if x.row == "lbp/knn")
    assert row.default_roc_auc == row.auc


def test_what_no_other_row_beats_in_both_is_on_the_pareto_front():
    lines = [
        line("d", "best", 0.9, predict_images_per_second=10),
        line("d", "fast", 0.7, predict_images_per_second=100),
        line("d", "worse", 0.8, predict_images_per_second=5),
        line("d", "equal", 0.9, predict_images_per_second=10),
        line("d", "watch", 0.99, predict_images_per_second=1000, control="no pixels"),
    ]
    found = {x.row for x in arrange(lines).lines if x.pareto}
    assert found == {"best", "fast", "equal"}


def test_the_overall_ranking_takes_rows_without_gaps_only():
    board = arrange(
        [
            line("d", "a", 0.7),
            line("d", "b", 0.6),
            line("d", "gap", 0.99),
            line("d", "nan", None),
            line("d", "metadata/svm", 0.95, control="no pixels"),
            line("e", "a", 0.5),
            line("e", "b", 0.9),
            line("e", "nan", 0.9),
            line("e", "gap", None, status="failed", reason="broke"),
            line("e", "metadata/svm", 0.95, control="no pixels"),
        ]
    )
    overall = board.overall
    assert [s.row for s in overall.ranked] == ["b", "a"]
    # neither the row with a gap nor the control, both better, moves a rank
    assert [s.mean_rank for s in overall.ranked] == [1.5, 1.5]
    assert [s.mean_auc for s in overall.ranked] == pytest.approx([0.75, 0.6])
    assert [(s.row, s.mean_rank) for s in overall.controls] == [("metadata/svm", None)]
    assert overall.controls[0].mean_auc == pytest.approx(0.95)
    assert [(s.row, s.aucs, s.mean_auc, s.mean_rank) for s in overall.gaps] == [
        ("gap", {"d": 0.99, "e": None}, None, None),
        ("nan", {"d": None, "e": 0.9}, None, None),
    ]


def test_a_row_absent_from_a_data_set_is_a_gap():
    board = arrange([line("d", "a", 0.7), line("e", "a", 0.7), line("e", "b", 0.8)])
    assert [s.row for s in board.overall.ranked] == ["a"]
    assert board.overall.gaps[0].aucs == {"d": None, "e": 0.8}


def test_one_data_set_has_no_overall_table():
    assert arrange([line("d", "a", 0.7)]).overall is None


def test_the_seeds_of_a_row_are_one_line(folder):
    for dataset in ("d", "e"):
        for seed in (0, 1, 2):
            folder.add(dataset, "hsv/knn", seed=seed, gain=1 + seed)
    board = build_board(folder.out)
    assert board.several_seeds
    (found,) = board.tables[0].ranked
    assert found.seeds == [0, 1, 2]
    each = []
    for cell in found.cells:
        scores = ResultsFolder(folder.out).read_scores(ResultsFolder(folder.out).load_record(cell))
        each.append(sk.roc_auc_score(scores.labels, scores.probabilities[:, 1]))
    assert found.auc == pytest.approx(np.mean(each))
    assert [fit.metrics["roc_auc"] for fit in found.fits] == pytest.approx(each)
    assert found.metrics["roc_auc"].spread == pytest.approx(np.std(each, ddof=1))
    assert len(board.overall.ranked) == 1


def test_a_seed_that_failed_is_a_line_of_its_own(folder):
    folder.add("d", "hsv/knn", seed=0)
    folder.fail("d", "hsv/knn", "it broke", seed=1)
    table = build_board(folder.out).tables[0]
    assert [x.seeds for x in table.ranked] == [[0]]
    assert [(x.seeds, x.reason) for x in table.missing] == [([1], "it broke")]


def test_groups_widen_what_the_intervals_are_taken_over(folder):
    folder.add("plain", "hsv/knn", n=60)
    folder.add("grouped", "hsv/knn", n=60, grouped=True)
    plain, grouped = build_board(folder.out).lines
    assert grouped.grouped
    assert plain.metrics["roc_auc"].value == grouped.metrics["roc_auc"].value
    assert plain.metrics["roc_auc"].low != grouped.metrics["roc_auc"].low


def test_the_order_of_the_stored_images_changes_nothing(folder):
    record = folder.add("faces", "hsv/knn", grouped=True)
    before = build_board(folder.out)
    scores = ResultsFolder(folder.out).read_scores(record)
    order = np.random.default_rng(1).permutation(len(scores.images))
    mixed = Scores(
        images=[scores.images[i] for i in order],
        labels=scores.labels[order],
        groups=scores.groups[order],
        probabilities=scores.probabilities[order],
    )
    ResultsFolder(folder.out).write_cell(record, mixed)
    assert build_board(folder.out) == before


def test_the_board_is_the_same_each_time(full):
    assert build_board(full.out) == build_board(full.out)


def test_rows_of_unlike_data_are_pointed_out(folder):
    folder.add("faces", "hsv/knn", n=40, fingerprint="aa")
    assert build_board(folder.out).tables[0].notes == []
    folder.add("faces", "lbp/knn", n=44, fingerprint="bb")
    fingerprint, images = build_board(folder.out).tables[0].notes
    assert "different states of the data set" in fingerprint
    assert "40 of test, 44 of test" in images


def test_a_test_set_without_a_class_has_no_auc_and_stands_last(folder):
    folder.add("faces", "hsv/knn", gain=-2.0)
    record = folder.add("faces", "lbp/knn", n=10, fingerprint="another")
    scores = folder.scores(record, 3.0)
    ResultsFolder(folder.out).write_cell(
        record, scores.model_copy(update={"labels": np.zeros(10, int)})
    )
    ranked = build_board(folder.out).tables[0].ranked
    assert [(x.row, x.rank) for x in ranked] == [("hsv/knn", 1), ("lbp/knn", None)]
    assert ranked[1].metrics["accuracy"].value is not None
    assert ranked[1].class_accuracy["fake"] is None


def test_progress_is_told(full):
    seen = []
    build_board(full.out, progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert len(seen) > 3
    assert seen[-1] == (18, 18)


def test_a_folder_without_results_is_an_error(tmp_path):
    with pytest.raises(OutputError, match="not a results folder"):
        build_board(tmp_path)


def test_no_entries_make_an_empty_board(folder):
    ResultsFolder(folder.out).write_entries([])
    board = build_board(folder.out)
    assert (board.lines, board.overall) == ([], None)


def test_what_is_at_chance_is_not_praised(folder):
    """However fast it is, and also where no row is better."""
    folder.add("faces", "good", gain=2.0)
    folder.add("faces", "quick", gain=-1.0, predict_images_per_second=1e5)
    for row, gain in (("below", -0.2), ("at", 0.1)):
        folder.add("noise", row, gain=gain)
    board = build_board(folder.out)
    praised = {(x.dataset, x.row) for x in board.lines if x.best or x.pareto}
    assert praised == {("faces", "good")}
    front = [pareto_front(table) for table in board.tables]
    assert [len(section.grids) for section in front] == [1, 0]
    assert front[1].text == (NO_FRONT,)
    said = str(load_results(folder.out).compare("below", "at"))
    assert "Neither is shown to be above chance." in " ".join(said.split())
