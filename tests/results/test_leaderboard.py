import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata
from sklearn import metrics as sk

from dfbench.errors import OutputError
from dfbench.results import store
from dfbench.results.board import Figure, Line, arrange, average_ranks, is_control
from dfbench.results.leaderboard import build_board
from dfbench.results.records import Scores


def line(dataset, row, auc, **other):
    figures = {name: Figure() for name in ("accuracy", "balanced_accuracy", "f1_macro")}
    found = {"roc_auc": Figure(value=auc), **figures}
    return Line(
        **{"dataset": dataset, "row": row, "seed": 0, "status": "ok", "metrics": found, **other}
    )


@given(st.lists(st.sampled_from([0.1, 0.25, 0.5, 0.75, 1.0]), max_size=12))
def test_ranks_share_their_mean_where_values_are_equal(values):
    assert average_ranks(values) == rankdata([-v for v in values], method="average").tolist()


@pytest.mark.parametrize(
    ("row", "control"),
    [
        ("metadata/xgboost", True),
        ("metadata", True),
        ("metadata+hsv/svm", False),
        ("hsv/metadata", False),
        ("metadata2/svm", False),
    ],
)
def test_a_control_has_metadata_for_features_and_nothing_else(row, control):
    assert is_control(row) is control


def test_figures_are_those_of_the_stored_scores(folder):
    record = folder.add("faces", "hsv/knn", n=41)
    (found,) = build_board(folder.out).lines
    scores = store.read_scores(folder.out, record)
    fake, decided = scores.probabilities[:, 1], scores.probabilities.argmax(axis=1)
    assert found.auc == pytest.approx(sk.roc_auc_score(scores.labels, fake), abs=1e-12)
    recall = sk.recall_score(scores.labels, decided, average=None)
    assert found.class_accuracy == pytest.approx({"real": recall[0], "fake": recall[1]})
    for figure in found.metrics.values():
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


def test_tied_rows_share_a_rank():
    board = arrange([line("d", r, a) for r, a in (("a", 0.7), ("b", 0.9), ("c", 0.7), ("e", 0.1))])
    ranks = [(x.row, x.rank) for x in board.tables[0].ranked]
    assert ranks == [("b", 1), ("a", 2.5), ("c", 2.5), ("e", 4)]


def test_the_overall_ranking_takes_rows_without_gaps_only():
    board = arrange(
        [
            line("d", "a", 0.7),
            line("d", "b", 0.6),
            line("d", "gap", 0.99),
            line("d", "nan", None),
            line("d", "metadata/svm", 0.95, control=True),
            line("e", "a", 0.5),
            line("e", "b", 0.9),
            line("e", "nan", 0.9),
            line("e", "gap", None, status="failed", reason="broke"),
            line("e", "metadata/svm", 0.95, control=True),
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


def test_seeds_are_lines_of_their_own(folder):
    for dataset in ("d", "e"):
        for seed in (0, 1):
            folder.add(dataset, "hsv/knn", seed=seed, gain=1 + seed)
    board = build_board(folder.out)
    assert board.seeds == [0, 1]
    assert [x.seed for x in board.tables[0].ranked] == [1, 0]
    assert [(s.seed, s.mean_rank) for s in board.overall.ranked] == [(1, 1.0), (0, 2.0)]


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
    scores = store.read_scores(folder.out, record)
    order = np.random.default_rng(1).permutation(len(scores.images))
    mixed = Scores(
        images=[scores.images[i] for i in order],
        labels=scores.labels[order],
        groups=scores.groups[order],
        probabilities=scores.probabilities[order],
    )
    store.write_cell(folder.out, record, mixed)
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
    record = folder.add("faces", "lbp/knn", n=10)
    scores = folder.scores(record, 3.0)
    store.write_cell(folder.out, record, scores.model_copy(update={"labels": np.zeros(10, int)}))
    ranked = build_board(folder.out).tables[0].ranked
    assert [(x.row, x.rank) for x in ranked] == [("hsv/knn", 1.0), ("lbp/knn", None)]
    assert ranked[1].metrics["accuracy"].value is not None
    assert ranked[1].class_accuracy["fake"] is None


def test_progress_is_told(full):
    seen = []
    build_board(full.out, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i, 18) for i in range(1, 19)]


def test_a_folder_without_results_is_an_error(tmp_path):
    with pytest.raises(OutputError, match="not a results folder"):
        build_board(tmp_path)


def test_no_entries_make_an_empty_board(folder):
    store.write_entries(folder.out, [])
    board = build_board(folder.out)
    assert (board.lines, board.overall) == ([], None)
