"""Matrices across data sets and robustness, from scores that are written by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from scipy.stats import norm
from sklearn.metrics import accuracy_score, confusion_matrix, roc_auc_score

from dfbench.benchmark.protocols.robustness_report import operation_of, strength_of
from dfbench.files import digest
from dfbench.results.board.build import build_board
from dfbench.results.board.keeping import board_of
from dfbench.results.document.blocks import Grid, Section
from dfbench.results.records.evaluations import Asked, EvaluationRecord
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Entry, Record, Scores
from dfbench.results.records.sealed import read_sealed, write_sealed
from dfbench.results.render.formats import render, render_all
from dfbench.results.statistics import delong
from dfbench.results.statistics.design import Design
from dfbench.results.statistics.influence import Influence, combine, mean, rate, roc_auc
from dfbench.results.statistics.measured import Images, measure
from dfbench.results.statistics.sample import prepare

SIZES = {"one": 40, "two": 60}


@dataclass
class Folder:
    """A results folder whose scores are drawn by numbers given."""

    out: Path
    kept: dict[tuple[str, ...], Scores] = field(default_factory=dict)
    per_group: int | None = None

    def cell(self, dataset: str, row: str, *, gain: float, seed: int = 0, **other: Any) -> Record:
        record = Record(
            cell=f"{dataset}-{row}-{seed}".replace("@", "-"), dataset=dataset, row=row, seed=seed,
            status="ok", classes=["real", "fake"], positive=1, n_train=100, n_tune=20,
            n_test=SIZES[dataset], fingerprint=dataset, **other,
        )  # fmt: skip
        scores = self.scores(dataset, gain, f"{row}{seed}")
        ResultsFolder(self.out).write_cell(record, scores)
        entry = Entry(dataset=dataset, row=row, seed=seed, cell=record.cell)
        ResultsFolder(self.out).write_entries([entry])
        self.kept[dataset, row, str(seed), dataset, ""] = scores
        return record

    def evaluate(
        self, record: Record, scored_on: str, change: str = "", *, gain: float = 1.0, **other: Any
    ) -> None:
        kind = "robustness" if change else "cross-dataset"
        name = digest([scored_on, change])
        base = {"cell": record.cell, "probe": name, "scored_on": scored_on, "change": change}
        made = {"status": "ok", "n": SIZES.get(scored_on, 0), "fingerprint": scored_on, **other}
        place = {"dataset": record.dataset, "row": record.row, "seed": record.seed}
        self.ask(protocol=kind, **place, **base)
        scores = self.scores(scored_on, gain, f"{record.row}{record.seed}{record.dataset}{change}")
        ResultsFolder(self.out).write_evaluation(
            EvaluationRecord(**base, **made), scores if made["status"] == "ok" else None
        )
        self.kept[record.dataset, record.row, str(record.seed), scored_on, change] = scores

    def ask(self, **what: Any) -> None:
        ResultsFolder(self.out).write_asked([Asked(**what)])

    def scores(self, dataset: str, gain: float, salt: str) -> Scores:
        n = SIZES.get(dataset, 10)
        rng = np.random.default_rng([len(dataset), *salt.encode()])
        labels = np.arange(n) % 2
        # not in the order of their names, and each model in another
        order = rng.permutation(n)
        p = expit(rng.normal(size=n) + gain * (labels - 0.5))
        return Scores(
            images=[f"{i:03}.png" for i in order],
            labels=labels[order],
            groups=None if self.per_group is None else order // self.per_group,
            probabilities=np.column_stack([1 - p, p])[order],
        )

    def figures(self) -> pd.DataFrame:
        """The long form, by all that names a figure."""
        render_all(self.out, build_board(self.out))
        read = pd.DataFrame(json.loads((self.out / "protocols.json").read_text()))
        whole = pd.read_csv(self.out / "protocols.csv", keep_default_na=False)
        assert len(whole) == len(read)
        names = ["row", "fitted_on", "scored_on", "scored_part", "metric"]
        return read.set_index(names).sort_index()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "out")


@pytest.fixture
def crossed(folder: Folder) -> Folder:
    for row, gain in (("a", 3.0), ("b", 1.0)):
        for seed in (0, 1):
            for own, other in (("one", "two"), ("two", "one")):
                record = folder.cell(own, row, gain=gain, seed=seed)
                folder.evaluate(record, other, gain=gain / 2, threshold=0.4 + seed / 10, n_seen=3)
    return folder


def _score(scores: Scores) -> tuple[Any, Any]:
    return scores.labels, scores.probabilities[:, 1]


def test_the_matrix_is_that_of_scikit_learn(crossed: Folder) -> None:
    found = crossed.figures()
    for row in "ab":
        for x in SIZES:
            for y in SIZES:
                kept = [crossed.kept[x, row, seed, y, ""] for seed in "01"]
                wanted = [roc_auc_score(*_score(scores)) for scores in kept]
                line = found.loc[(row, x, y, "", "roc_auc")]
                assert line["value"] == pytest.approx(np.mean(wanted), abs=1e-12)
                assert line["spread"] == pytest.approx(np.std(wanted, ddof=1), abs=1e-12)
                assert line["low"] < line["value"] < line["high"]
                assert (line["n"], line["n_train"]) == (SIZES[y], 100)
                said = [
                    (_score(s)[1] >= t, s.labels) for s, t in zip(kept, (0.4, 0.5), strict=True)
                ]
                tables = [confusion_matrix(y_true, y_said) for y_said, y_true in said]
                for metric, values in {
                    "accuracy": [accuracy_score(y_true, y_said) for y_said, y_true in said],
                    "fpr": [t[0, 1] / t[0].sum() for t in tables],
                    "tpr": [t[1, 1] / t[1].sum() for t in tables],
                }.items():
                    value = found.loc[(row, x, y, "", metric)]["value"]
                    assert value == pytest.approx(np.mean(values), abs=1e-12)
        means = found.loc[row, "", "", ""]["value"]
        aucs = found.xs((row, "", "roc_auc"), level=("row", "scored_part", "metric"))["value"]
        home, away = (
            aucs["one", "one"] + aucs["two", "two"],
            aucs["one", "two"] + aucs["two", "one"],
        )
        assert means["mean home"] == pytest.approx(home / 2)
        assert means["mean away"] == pytest.approx(away / 2)
        assert means["mean loss"] == pytest.approx((home - away) / 2)


def test_a_board_is_kept_unless_scores_cannot_be_read(crossed: Folder, tmp_path: Path) -> None:
    assert board_of(crossed.out).name
    file = sorted((crossed.out / "cells").glob("*.*.parquet"))[0]
    file.write_bytes(b"half")
    assert str(file) in render(board_of(crossed.out).board, "html")
    renamed = crossed.out.rename(tmp_path / "renamed")
    assert board_of(renamed).board == build_board(renamed)
    assert not board_of(renamed).name


def test_what_is_lost_has_the_interval_of_paired_rows(crossed: Folder) -> None:
    """The models that meet on a data set see the same images, those of two data sets do not."""
    variance = 0.0
    for y in SIZES:
        rows = []
        for x in SIZES:
            shares = []
            for seed in "01":
                scores = crossed.kept[x, "a", seed, y, ""]
                order = np.argsort(scores.images)
                sample = prepare(scores.labels[order], scores.probabilities[order])
                shares.append(delong.shares(sample)[1])
            rows.append(np.mean(shares, axis=0))
        design = Design(np.arange(SIZES[y]) % 2)
        errors, _ = delong.compare(np.zeros(2), design.scatter(np.array(rows)), design)
        variance += (errors[0, 1] / 2) ** 2
    line = crossed.figures().loc[("a", "", "", "", "mean loss")]
    reach = norm.ppf(0.975) * np.sqrt(variance)
    np.testing.assert_allclose(
        [line["low"], line["high"]], [line["value"] - reach, line["value"] + reach]
    )


def test_an_estimate_of_one_row_is_that_of_the_leaderboard() -> None:
    rng = np.random.default_rng(3)
    labels, groups = np.arange(90) % 2, np.arange(90) // 4
    p = expit(rng.normal(size=90) + labels)
    sample = prepare(labels, np.column_stack([1 - p, p]))
    for its in (None, groups):
        images = Images.of([f"{i:02}" for i in range(90)], labels, its)
        own = measure(images, [sample]).figures()["roc_auc"]
        found = roc_auc([sample], images.design)
        assert found.estimate() == own
        again = combine([(0.5, found), (0.5, found)]).estimate()
        np.testing.assert_allclose([again.low, again.high], [own.low, own.high])
        nothing = combine([(1, found), (-1, found)]).estimate(difference=True)
        assert (nothing.value, nothing.low, nothing.high) == (0, 0, 0)


@pytest.mark.parametrize("change", ["", "jpeg=75"])
def test_few_groups_leave_a_row_at_home_the_interval_of_the_leaderboard(
    folder: Folder, change: str
) -> None:
    """Where hardly any image is out of order, a few groups make most of the error."""
    folder.per_group = 5
    record = folder.cell("one", "a", gain=2.5)
    folder.evaluate(record, "one" if change else "two", change)
    board = build_board(folder.out)
    expected = board.lines[0].metrics["roc_auc"]
    assert expected.low is not None
    own = [x for x in board.figures if (x.scored_on, x.scored_part) == ("one", "")]
    (found,) = (x for x in own if x.metric == "roc_auc")
    assert found.value == pytest.approx(expected.value, abs=1e-12)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_a_rate_has_the_binomial_error() -> None:
    design = Design(np.zeros(50, dtype=np.int64))
    hits = np.arange(50)[None] < 20
    found = rate(hits, design).estimate()
    reach = norm.ppf(0.975) * np.sqrt(0.4 * 0.6 / 49) / (0.4 * 0.6)
    assert found.value == pytest.approx(0.4)
    np.testing.assert_allclose(
        [found.low, found.high], expit(logit(0.4) + reach * np.array([-1, 1]))
    )
    # where all or none hold: what 50 images of which none holds are found by with 2.5 %
    none = mean([rate(hits & False, design), rate(hits & False, design)]).estimate()
    assert (none.value, none.low) == (0, 0)
    assert (1 - none.high) ** 50 == pytest.approx(0.025)
    among = np.arange(50) % 2 == 0
    assert rate(hits, design, among).value == pytest.approx(10 / 25)
    assert Influence.estimate(rate(hits, design, among & False)).value is None


def _section(board: Any, title: str) -> Section:
    sections = [*board.sections, *(each for table in board.tables for each in table.sections)]
    return next(section for section in sections if section.title == title)


def _lines(grid: Grid) -> list[list[str]]:
    return [[cell.shown for cell in line] for block in grid.blocks for line in block]


def test_sections_say_what_the_figures_are(crossed: Folder) -> None:
    board = build_board(crossed.out)
    section = _section(board, "Across data sets")
    means, matrix = section.grids
    assert [line[0] for line in _lines(means)] == ["a", "b"], "the best away first"
    assert [column.title for column in matrix.columns] == ["row", "fitted on", "one", "two"]
    assert [line[:2] for line in _lines(matrix)] == [[r, d] for r in "ab" for d in ("one", "two")]
    heat = matrix.blocks[0][0][2]
    assert heat.heat == pytest.approx(2 * float(heat.value or 0) - 1)
    assert heat.detail.count("[") == 1
    said = " ".join(section.text)
    assert "Images scored: 40 of one, 60 of two" in said
    assert "3 of the images of two are among those that models were fitted on of one" in said
    transfer = _section(board, "Thresholds taken along")
    assert len(_lines(transfer.grids[0])) == 2 * 4
    assert ["a", "one", "one (home)", "0.450"] in [line[:4] for line in _lines(transfer.grids[0])]
    (chart,) = section.charts
    assert len(chart.draw().axes) == 3, "a row each, and the scale"
    for form in ("md", "html", "csv", "json"):
        assert render(board, form)
    assert "Thresholds taken along" in render(board, "md")


def test_what_is_missing_is_said_with_its_reason(crossed: Folder) -> None:
    record = crossed.cell("one", "c", gain=1)
    crossed.evaluate(record, "two", status="failed", reason="it broke")
    for row in "ab":
        what = {"protocol": "cross-dataset", "dataset": "one", "row": row, "seed": 0}
        cell = f"one-{row}-0"
        crossed.ask(**what, cell=cell, scored_on="five", reason="the classes differ: a against b")
    section = _section(build_board(crossed.out), "Across data sets")
    said = " ".join(section.text)
    assert "Without figures: one → five (a, b): the classes differ: a against b." in said
    assert "Without figures: one → two (c): it broke." in said
    found = crossed.figures()
    assert found.loc[("c", "one", "two", "", "roc_auc")]["reason"] == "it broke"
    assert "c" not in [line[0] for line in _lines(section.grids[0])]
    # a row that lacks a pair has no mean to be compared with the others'
    crossed.evaluate(crossed.cell("two", "c", gain=1), "one")
    line = _lines(_section(build_board(crossed.out), "Across data sets").grids[0])[-1]
    assert line[:4] == ["c", "–", "–", "–"]


def test_what_was_asked_of_other_cells_or_data_is_out_of_date(crossed: Folder) -> None:
    # the data set was changed and run again
    crossed.cell("two", "a", gain=3, seed=0).model_copy()
    for row in "ab":
        for seed in (0, 1):
            path = ResultsFolder(crossed.out).record_file(f"two-{row}-{seed}")
            record = read_sealed(path, Record, below=crossed.out)
            write_sealed(path, record.model_copy(update={"fingerprint": "new"}))
    said = " ".join(_section(build_board(crossed.out), "Across data sets").text)
    assert "one → two: two has changed since: run again" in said
    entries = [
        e.model_copy(update={"cell": f"{e.cell}x"})
        for e in ResultsFolder(crossed.out).read_entries()
    ]
    ResultsFolder(crossed.out).write_entries(entries)
    board = build_board(crossed.out)
    assert not board.sections
    assert not board.figures


CHANGES = ["jpeg=75", "jpeg=50", "brightness=0.7", "brightness=1.3", "resize=0.5+jpeg=70"]


@pytest.fixture
def robust(folder: Folder) -> Folder:
    for row, gain in (("a", 3.0), ("b", 1.0)):
        record = folder.cell("one", row, gain=gain, threshold=0.6 if row == "b" else None)
        for number, change in enumerate(CHANGES):
            folder.evaluate(record, "one", change, gain=gain / (2 + number))
    return folder


def test_areas_and_flips_are_counted_by_hand(robust: Folder) -> None:
    found = robust.figures()
    for row, cut in (("a", 0.5), ("b", 0.6)):
        before = robust.kept["one", row, "0", "one", ""]
        said = dict(zip(before.images, before.probabilities[:, 1] >= cut, strict=True))
        aucs = {"": roc_auc_score(*_score(before))}
        flips = {}
        for change in CHANGES:
            after = robust.kept["one", row, "0", "one", change]
            aucs[change] = roc_auc_score(*_score(after))
            verdicts = zip(after.images, after.probabilities[:, 1] >= cut, strict=True)
            flips[change] = sum(verdict != said[name] for name, verdict in verdicts) / 40
            line = found.loc[row, "one", "one", change]["value"]
            assert line["roc_auc"] == pytest.approx(aucs[change], abs=1e-12)
            assert line["flips"] == pytest.approx(flips[change], abs=1e-12)
        areas = found.xs((row, "area"), level=("row", "metric"))["value"].droplevel([0, 1])
        assert areas["jpeg"] == pytest.approx((aucs[""] + aucs[CHANGES[0]] + aucs[CHANGES[1]]) / 3)
        assert areas["resize+jpeg"] == pytest.approx((aucs[""] + aucs[CHANGES[4]]) / 2)

        def by_operation(of: dict[str, float]) -> float:
            steps = ((of[CHANGES[0]] + of[CHANGES[1]]) / 2, (of[CHANGES[2]] + of[CHANGES[3]]) / 2)
            return (sum(steps) + of[CHANGES[4]]) / 3

        means = found.loc[row, "one", "one", "all changes"]["value"]
        assert means["mean roc_auc"] == pytest.approx(by_operation(aucs))
        assert means["mean flips"] == pytest.approx(by_operation(flips))


def test_the_section_of_robustness(robust: Folder) -> None:
    board = build_board(robust.out)
    section = _section(board, "Robustness")
    (grid,) = section.grids
    titles = [column.title for column in grid.columns]
    assert titles == [
        "row", "unchanged", "changed", "flips", "jpeg", "brightness", "resize+jpeg", "worst",
        "worst change",
    ]  # fmt: skip
    assert [line[0] for line in _lines(grid)] == ["a", "b"]
    assert "Strengths: jpeg 75, 50; brightness 0.7, 1.3; resize+jpeg 0.5+70." in section.text[1]
    (chart,) = section.charts
    assert "Not drawn" not in chart.caption
    panels = chart.draw().axes
    assert [axes.get_title() for axes in panels] == ["jpeg", "brightness", "resize+jpeg"]
    marks = [[text.get_text() for text in axes.get_xticklabels()] for axes in panels]
    assert marks == [["none", "75", "50"], ["0.7", "none", "1.3"], ["none", "0.5+70"]]
    curve = panels[0].get_lines()[1].get_ydata()
    assert curve[0] == pytest.approx(
        roc_auc_score(*_score(robust.kept["one", "a", "0", "one", ""]))
    )


def test_a_change_that_failed_leaves_the_other_operations(robust: Folder) -> None:
    record = ResultsFolder(robust.out).load_record("one-a-0")
    assert record is not None
    robust.evaluate(record, "one", "jpeg=50", status="failed", reason="too wide")
    section = _section(build_board(robust.out), "Robustness")
    assert "Without figures: a under jpeg=50: too wide." in section.text
    lines = {line[0]: line for line in _lines(section.grids[0])}
    assert [lines["a"][at] for at in (2, 3, 4)] == ["–", "–", "–"]
    assert lines["a"][5] != "–"
    assert "–" not in lines["b"]
    [chart] = section.charts
    assert chart.caption.endswith("95 % intervals. Not drawn: a")
    assert [text.get_text() for text in chart.draw().legends[0].get_texts()] == ["b"]


def test_a_row_stands_beside_its_variant_on_changed_copies(robust: Folder) -> None:
    variants = {"a@robust": (3.0, CHANGES), "b@robust": (1.0, CHANGES[:2]), "c@robust": (1.0, [])}
    for row, (gain, changes) in variants.items():
        record = robust.cell("one", row, gain=gain)
        for change in changes:
            robust.evaluate(record, "one", change, gain=gain / 1.5)
    losses = {}
    for row in ("a", "a@robust"):
        aucs = [
            roc_auc_score(*_score(robust.kept["one", row, "0", "one", change]))
            for change in ("", *CHANGES)
        ]
        losses[row] = aucs[0] - (sum(aucs[1:3]) / 2 + sum(aucs[3:5]) / 2 + aucs[5]) / 3
    section = _section(build_board(robust.out), "Robustness")
    _, grid = section.grids
    assert [column.title for column in grid.columns] == ["row", "loss", "loss @robust", "ratio"]
    # b was changed otherwise than its variant, and of c nobody has the row
    [[name, plain, variant, share]] = _lines(grid)
    assert (name, plain, variant) == ("a", *(f"{losses[row]:+.3f}" for row in losses))
    assert share == f"{losses['a@robust'] / losses['a']:.3f}"
    figures = robust.figures().xs("all changes", level="scored_part")["value"]
    assert figures.loc["a", "one", "one", "mean roc_auc_loss"] == pytest.approx(losses["a"])
    found = figures.loc["a@robust", "one", "one"]
    assert found["mean roc_auc_loss"] == pytest.approx(losses["a@robust"])
    assert found["loss_ratio"] == pytest.approx(losses["a@robust"] / losses["a"])
    assert "loss_ratio" not in figures.loc["b@robust", "one", "one"]


def test_no_share_is_told_of_a_loss_that_is_none(folder: Folder) -> None:
    for row, changed in (("a", 3.0), ("a@robust", 1.0)):
        record = folder.cell("one", row, gain=3.0)
        folder.evaluate(record, "one", "jpeg=50", gain=changed)
    _, grid = _section(build_board(folder.out), "Robustness").grids
    [line] = _lines(grid)
    assert line[3] == "–"
    ratio = folder.figures().loc["a@robust", "one", "one", "all changes", "loss_ratio"]
    assert ratio["reason"] == "what the plain row loses is no certain loss"


def test_names_of_chains() -> None:
    assert operation_of("resize=0.5+jpeg=70") == "resize+jpeg"
    assert strength_of("resize=0.5+jpeg=70") == "0.5+70"
