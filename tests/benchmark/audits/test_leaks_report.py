"""Figures without leaked images, from stored files alone."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from dfbench.benchmark.audits.leaks_found import Leak, Leaks, word
from dfbench.benchmark.audits.leaks_report import roc_auc
from dfbench.errors import OutputError
from dfbench.results.board.build import build_board
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.statistics.measured import Images, measure
from dfbench.results.statistics.sample import prepare


def known(*images: str, way: str = "near", part: str = "train", **other: object) -> list[Leak]:
    return [Leak(image=i, way=way, part=part, other=f"of-{i}", **other) for i in images]


def leaks(**other: object) -> Leaks:
    given = {"evaluate": known("001.png", "004.png", "007.png"), **other}
    return Leaks(
        dataset="faces",
        fingerprint="aa",
        version=1,
        split="test",
        n_evaluate=40,
        n_tune=10,
        **given,
    )


def write(out, found: Leaks) -> None:
    ResultsFolder(out).write_findings("leaks", found.fingerprint, found)


def section(out):
    (table,) = build_board(out).tables
    found = [each for each in table.sections if each.title == "Leaks"]
    return table, found[0].grids[0] if found else None


def test_the_section_has_the_figures_of_the_rest(folder) -> None:
    one = folder.add("faces", "hsv/knn", grouped=True)
    two = folder.add("faces", "hsv/knn", seed=1, noise=5, grouped=True)
    folder.add("faces", "metadata/svm", gain=0.0, control="no pixels", grouped=True)
    folder.fail("faces", "embedding/knn", "weights are absent", status="skipped")
    shared = Leak(image="010.png", way="group", part="tune", other="clip 7")
    found = leaks()
    write(folder.out, leaks(evaluate=[*found.evaluate, shared]))
    table, grid = section(folder.out)
    assert [column.title for column in grid.columns] == [
        "row",
        "all (40)",
        "without copies (37)",
        "without copies and shared groups (36)",
        "difference",
    ]
    assert [len(block) for block in grid.blocks] == [1, 1]
    row = grid.blocks[0][0]
    runs = [(record, ResultsFolder(folder.out).read_scores(record)) for record in (one, two)]
    gone = {leak.image for leak in found.evaluate}
    for cell, without in ((row[1], set()), (row[2], gone), (row[3], gone | {"010.png"})):
        kept = ~np.isin(runs[0][1].images, list(without))
        aucs = [roc_auc_score(its.labels[kept], its.probabilities[kept, 1]) for _, its in runs]
        assert cell.value == pytest.approx(np.mean(aucs))
        scores = runs[0][1]
        images = Images.of(
            list(np.array(scores.images)[kept]), scores.labels[kept], scores.groups[kept]
        )
        samples = [prepare(i.labels[kept], i.probabilities[kept], positive=1) for _, i in runs]
        figure = measure(images, samples).figures()["roc_auc"]
        assert cell.detail == f"[{figure.low:.3f}, {figure.high:.3f}]"
    assert row[4].value == pytest.approx(row[3].value - row[1].value)
    (warning,) = table.warnings
    assert warning.startswith(
        "leak: 3 of 40 test images have a copy in train (3 near), 1 more is of a group that tune"
    )


def test_a_class_that_is_gone_has_no_figure(folder) -> None:
    record = folder.add("faces", "hsv/knn")
    scores = ResultsFolder(folder.out).read_scores(record)
    real = {image for image, label in zip(scores.images, scores.labels, strict=True) if not label}
    assert roc_auc([(record, scores)], real).value is None
    assert roc_auc([(record, scores)], set(scores.images)).value is None


def test_rows_that_were_fitted_without_them_are_told_apart(folder) -> None:
    drop = {"train": ["a", "b"], "tune": ["c"]}
    folder.add("faces", "hsv/knn", drops_leaks=True)
    write(folder.out, leaks(drop=drop))
    table, grid = section(folder.out)
    said = "images that later parts repeat were left out: 2 of train and 1 of tune (on_leak = drop)"
    assert (table.notes, table.warnings, grid) == ([said], [], None)
    folder.add("faces", "lbp/knn")
    table, grid = section(folder.out)
    assert f"{said}: hsv/knn" in table.notes
    assert [row[0].shown for block in grid.blocks for row in block] == ["lbp/knn"]


def test_leaks_of_another_state_or_none_say_nothing(folder) -> None:
    folder.add("faces", "hsv/knn", fingerprint="bb")
    write(folder.out, leaks())
    assert section(folder.out)[1] is None
    write(folder.out, leaks(evaluate=[]).model_copy(update={"fingerprint": "bb"}))
    table, grid = section(folder.out)
    assert (grid, table.warnings) == (None, [])
    only_tuned = leaks(evaluate=[], tune=known("t.png", way="exact"))
    write(folder.out, only_tuned.model_copy(update={"fingerprint": "bb"}))
    table, grid = section(folder.out)
    assert grid is None
    assert table.warnings[0].startswith(
        "leak: 1 of 10 images tuned on has a copy in train (1 exact)"
    )


def test_what_cannot_be_read_is_said(folder) -> None:
    folder.add("faces", "hsv/knn")
    write(folder.out, leaks())
    assert ResultsFolder(folder.out).read_findings("leaks", "aa", Leaks) == leaks()
    ResultsFolder(folder.out).findings_file("leaks", "aa").write_text('{"dataset": 3}')
    with pytest.raises(OutputError, match="no readable findings"):
        ResultsFolder(folder.out).read_findings("leaks", "aa", Leaks)
    assert section(folder.out)[1] is None
    (said,) = build_board(folder.out).tables[0].warnings
    assert "leaks" in said
    assert "aa.json" in said


def test_words() -> None:
    several = known("a", way="exact") + known("b", "c", part="tune", other_label=True)
    assert word(leaks(evaluate=several, tune=known("g", way="group"))) == [
        "3 of 40 test images have a copy in train or tune (1 exact, 2 near; 2 with another label)",
        "1 of 10 images tuned on is of a group that train has too",
    ]
    assert word(leaks(evaluate=[])) == []
