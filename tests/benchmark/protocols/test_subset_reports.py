"""Tables of kinds, of kinds left out and of learning curves, from hand-made results folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import recall_score, roc_auc_score

from dfbench.results.board.board import Board
from dfbench.results.board.build import build_board
from dfbench.results.document.blocks import Grid, Section
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Entry, Record, Scores
from dfbench.results.records.subsets import MERGED, UNKNOWN_KINDS, Subset
from dfbench.results.render.formats import FORMATS, render


def without(kind: str) -> str:
    return Subset(left_out=kind).name


def part_of_train(fraction: float) -> str:
    return Subset(fraction=fraction).name


N = 60
LABELS = np.arange(N) % 2
KINDS = np.where(LABELS == 0, "", np.where(np.arange(N) % 4 == 1, "gan", "blend")).astype(object)


class Made:
    """A results folder in the making."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.scores: dict[tuple[str, str], Scores] = {}
        self.seed = 0

    def add(
        self,
        row: str,
        variant: str = "",
        *,
        chosen: np.ndarray | None = None,
        gain: float = 1.0,
        labels: np.ndarray = LABELS,
        kinds: np.ndarray | None = KINDS,
        classes: tuple[str, ...] = ("real", "fake"),
        seed: int = 0,
        control: str = "",
        **known: object,
    ) -> np.ndarray:
        chosen = np.ones(N, dtype=bool) if chosen is None else chosen
        self.seed += 1
        raw = np.random.default_rng(self.seed).normal(size=(N, len(classes)))
        raw[np.arange(N), labels] += gain
        p = (np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True))[chosen]
        cell = f"c{self.seed}"
        record = Record.model_validate(
            {
                "cell": cell,
                "dataset": "faces",
                "row": row,
                "seed": seed,
                "variant": variant,
                "status": "ok",
                "split": "test",
                "classes": list(classes),
                "positive": 1 if len(classes) == 2 else None,
                "n_train": 100,
                "n_test": int(chosen.sum()),
                "fingerprint": "aa",
                **known,
            }
        )
        scores = Scores(
            images=[f"{i:03}.png" for i in np.flatnonzero(chosen)],
            labels=labels[chosen],
            groups=None,
            probabilities=p,
            kinds=None if kinds is None else tuple(kinds[chosen]),
        )
        ResultsFolder(self.out).write_cell(record, scores)
        self.place(row, variant, cell, seed, control)
        return p

    def fail(self, row: str, variant: str, reason: str, status: str = "skipped") -> None:
        self.seed += 1
        cell = f"c{self.seed}"
        record = Record.model_validate(
            {
                "cell": cell,
                "dataset": "faces",
                "row": row,
                "seed": 0,
                "variant": variant,
                "status": status,
                "reason": reason,
            }
        )
        ResultsFolder(self.out).write_cell(record, None)
        self.place(row, variant, cell, 0, "")

    def place(self, row: str, variant: str, cell: str, seed: int, control: str) -> None:
        entry = Entry.model_validate(
            {
                "dataset": "faces",
                "row": row,
                "seed": seed,
                "cell": cell,
                "variant": variant,
                "control": control,
            }
        )
        ResultsFolder(self.out).write_entries([entry])


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path / "out")


def section(board: Board, title: str) -> Section:
    every = [*board.sections, *(s for table in board.tables for s in table.sections)]
    [found] = [each for each in every if each.title == title]
    return found


def values(grid: Grid) -> dict[str, list[float | str | None]]:
    return {
        str(cells[0].value): [cell.value for cell in cells[1:]]
        for block in grid.blocks
        for cells in block
    }


def inside(kind: str) -> np.ndarray:
    return np.array([label == 0 or its == kind for label, its in zip(LABELS, KINDS, strict=True)])


def test_by_kind_of_fake(made: Made) -> None:
    p = made.add("a", threshold=0.4)
    q = made.add("b", gain=0.0, control="no pixels", kinds=None)
    board = build_board(made.out)
    areas, rates = section(board, "By kind of fake").grids
    assert [column.title for column in areas.columns] == ["row", "blend (n = 15)", "gan (n = 15)"]
    for row, its, threshold in (("a", p, 0.4), ("b", q, 0.5)):
        expected = [roc_auc_score(LABELS[inside(k)], its[inside(k), 1]) for k in ("blend", "gan")]
        assert values(areas)[row] == pytest.approx(expected, abs=1e-12)
        said = its[:, 1] >= threshold
        taken = [said[KINDS == "blend"].mean(), said[KINDS == "gan"].mean(), said[::2].mean()]
        assert values(rates)[row] == pytest.approx(taken)
    assert len(areas.blocks) == 2, "controls stand below a line"
    assert all(cell.detail for block in areas.blocks for cells in block for cell in cells[1:])


def test_no_kinds_no_table(made: Made) -> None:
    made.add("a", kinds=None)
    board = build_board(made.out)
    assert not board.tables[0].sections
    assert not board.sections
    assert not board.figures


def test_fakes_of_no_known_kind_are_told(made: Made) -> None:
    made.add("a", kinds=np.where(KINDS == "gan", "", KINDS))
    found = section(build_board(made.out), "By kind of fake")
    assert "15 fakes of no known kind are left out." in found.text
    assert len(found.grids[0].columns) == 2


def test_by_class(made: Made) -> None:
    labels = np.arange(N) % 3
    p = made.add("a", labels=labels, kinds=None, classes=("x", "y", "z"))
    areas, recalls = section(build_board(made.out), "By class").grids
    expected = [roc_auc_score(labels == k, p[:, k]) for k in range(3)]
    assert values(areas)["a"] == pytest.approx(expected, abs=1e-12)
    expected = recall_score(labels, p.argmax(axis=1), average=None)
    assert values(recalls)["a"] == pytest.approx(list(expected))


def test_a_kind_left_out_stands_beside_having_seen_it(made: Made) -> None:
    for row, control in (("a", ""), ("m", "no pixels")):
        whole = made.add(row, gain=2.0, control=control)
        held = {
            kind: made.add(row, without(kind), chosen=inside(kind), gain=0.5, control=control)
            for kind in ("gan", "blend")
        }
        if row == "a":
            seen_scores, unseen_scores = whole, held
    board = build_board(made.out)
    assert [line.row for line in board.lines] == ["a", "m"], "subsets are no rows"
    [grid] = section(board, "Leave-one-generator-out").grids
    assert [column.title for column in grid.columns] == [
        "row", "without blend", "without gan", "mean", "loss",
    ]  # fmt: skip
    seen, unseen = [], []
    for kind in ("blend", "gan"):
        own = inside(kind)
        seen.append(roc_auc_score(LABELS[own], seen_scores[own, 1]))
        unseen.append(roc_auc_score(LABELS[own], unseen_scores[kind][:, 1]))
    expected = [*unseen, np.mean(unseen), np.mean(seen) - np.mean(unseen)]
    assert values(grid)["a"] == pytest.approx(expected, abs=1e-12)
    first = grid.blocks[0][0][1]
    assert f"seen {seen[0]:.3f}" in first.detail
    assert first.span is not None
    assert [block[0][0].value for block in grid.blocks] == ["a", "m"]
    own = [figure for figure in board.figures if figure.row == "a"]
    assert [(f.fitted_part, f.scored_part, f.metric) for f in own] == [
        ("without blend", "blend", "roc_auc"),
        ("", "blend", "roc_auc"),
        ("without blend", "blend", "roc_auc_loss"),
        ("without gan", "gan", "roc_auc"),
        ("", "gan", "roc_auc"),
        ("without gan", "gan", "roc_auc_loss"),
        ("", "", "mean roc_auc"),
        ("", "", "mean roc_auc seen"),
        ("", "", "mean roc_auc_loss"),
    ]
    assert all(f.low is not None and f.n == (45 if f.scored_part else None) for f in own)
    assert all(f.low <= f.value <= f.high for f in own if f.low is not None)
    for form in FORMATS:
        assert "without gan" in render(board, form) or form in ("csv", "json")


def test_of_several_classes_it_is_held_against_the_same_task(made: Made) -> None:
    labels = np.where(LABELS == 0, 0, np.where(KINDS == "gan", 1, 2))
    made.add("a", labels=labels, kinds=None, classes=("real", "gan", "blend"))
    merged = made.add("a", MERGED, classes=("real", "fake"), gain=2.0)
    for kind in ("gan", "blend"):
        made.add("a", without(kind), chosen=inside(kind))
    board = build_board(made.out)
    found = section(board, "Leave-one-generator-out")
    assert any("not those of telling the classes apart" in text for text in found.text)
    seen = {f.scored_part: f.value for f in board.figures if f.fitted_part == MERGED}
    for kind in ("gan", "blend"):
        own = inside(kind)
        assert seen[kind] == pytest.approx(roc_auc_score(LABELS[own], merged[own, 1]), abs=1e-12)


def test_what_was_not_left_out_says_why(made: Made) -> None:
    made.add("a")
    made.add("b")
    for row in ("a", "b"):
        made.fail(row, without("gan"), "'gan' is the only kind")
    made.add("a", without("blend"), chosen=inside("blend"))
    made.fail("b", without("blend"), "it broke", "failed")
    found = section(build_board(made.out), "Leave-one-generator-out")
    assert "faces without gan: skipped: 'gan' is the only kind." in found.text
    assert "faces without blend of b: failed: it broke." in found.text
    [grid] = found.grids
    # a gap is no figure, and no mean goes over it
    assert values(grid)["b"] == [None, None, None]
    assert [column.title for column in grid.columns] == ["row", "without blend", "mean", "loss"]


def test_a_data_set_without_kinds_says_so(made: Made) -> None:
    made.add("a", kinds=None)
    made.fail("a", UNKNOWN_KINDS, "the data tell no kinds of fakes")
    board = build_board(made.out)
    found = section(board, "Leave-one-generator-out")
    assert found.text == ("faces: skipped: the data tell no kinds of fakes.",)
    assert not found.grids
    [figure] = board.figures
    assert (figure.value, figure.reason) == (None, "the data tell no kinds of fakes")


def test_what_was_run_on_another_state_of_the_data_is_not_held_against_it(made: Made) -> None:
    made.add("a")
    made.fail("a", UNKNOWN_KINDS, "the data tell no kinds of fakes")
    made.add("a", without("gan"), chosen=inside("gan"), fingerprint="bb")
    made.add("a", part_of_train(0.5), n_train=50, fingerprint="bb")
    board = build_board(made.out)
    found = section(board, "Leave-one-generator-out")
    assert values(found.grids[0])["a"][-1] is None
    assert not any("tell no kinds" in text for text in found.text), "they do now"
    assert values(section(board, "Learning curves").grids[0])["a"][-1] is None


def test_without_the_row_itself_there_is_no_loss(made: Made) -> None:
    made.fail("a", "", "it broke", "failed")
    for kind in ("gan", "blend"):
        made.add("a", without(kind), chosen=inside(kind))
    [grid] = section(build_board(made.out), "Leave-one-generator-out").grids
    found = values(grid)["a"]
    assert found[2] == pytest.approx((found[0] + found[1]) / 2)
    assert found[3] is None


def test_learning_curves(made: Made) -> None:
    p = made.add("a", gain=2.0, n_train=400)
    parts = {
        fraction: made.add("a", part_of_train(fraction), gain=gain, n_train=int(400 * fraction))
        for fraction, gain in ((0.5, 1.0), (0.1, 0.2))
    }
    made.add("b", n_train=400)
    made.fail("b", part_of_train(0.1), "too few")
    board = build_board(made.out)
    found = section(board, "Learning curves")
    [grid] = found.grids
    assert [column.title for column in grid.columns] == [
        "row", "10 % (n = 40)", "50 % (n = 200)", "all (n = 400)", "last step",
    ]  # fmt: skip
    aucs = [roc_auc_score(LABELS, its[:, 1]) for its in (parts[0.1], parts[0.5], p)]
    assert values(grid)["a"] == pytest.approx([*aucs, aucs[2] - aucs[1]], abs=1e-12)
    assert values(grid)["b"][:2] == [None, None]
    assert values(grid)["b"][3] is None
    assert "faces, 10 % of train: skipped: too few." in found.text
    own = [f for f in board.figures if f.row == "a"]
    assert [(f.fitted_part, f.n_train) for f in own] == [
        ("10 % of train", 40), ("50 % of train", 200), ("", 400), ("", 400),
    ]  # fmt: skip
    assert own[-1].metric == "roc_auc_gain"
    assert own[-1].value == pytest.approx(aucs[2] - aucs[1], abs=1e-12)
    [chart] = found.charts
    assert chart.caption.endswith("with 95 % intervals. Not drawn: b")
    [axes] = chart.draw().axes
    assert [text.get_text() for text in axes.get_xticklabels()] == ["40", "200", "400"]
    curve = axes.get_lines()[0]
    assert curve.get_ydata() == pytest.approx(aucs)


def test_seeds_of_a_subset_are_one_point(made: Made) -> None:
    p = [made.add("a", seed=seed, n_train=100) for seed in (0, 1)]
    q = [made.add("a", part_of_train(0.5), seed=s, gain=0.5, n_train=50 + s) for s in (0, 1)]
    board = build_board(made.out)
    [grid] = section(board, "Learning curves").grids
    expected = [np.mean([roc_auc_score(LABELS, its[:, 1]) for its in of]) for of in (q, p)]
    assert values(grid)["a"][:2] == pytest.approx(expected, abs=1e-12)
    points = [figure for figure in board.figures if figure.metric == "roc_auc"]
    assert all(figure.spread is not None for figure in points)
