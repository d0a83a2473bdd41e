"""What a board says of leaks: the warning, and what rows score without the leaked images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dfbench.benchmark.audits.leaks_found import Leaks, dropped, warn, word
from dfbench.results.board.board import Table
from dfbench.results.board.divisions import first_of, said_of
from dfbench.results.board.read import Read, RowRead
from dfbench.results.board.report import Figure, Report
from dfbench.results.board.samples import sample_of
from dfbench.results.document import wording
from dfbench.results.document.blocks import Cell, Column, Grid, Section
from dfbench.results.document.cells import name_cell
from dfbench.results.records.records import Control, Record, Scores
from dfbench.results.statistics.estimate import Estimate
from dfbench.results.statistics.measured import Images, measure

Runs = Sequence[tuple[Record, Scores]]
"""The record and the scores of each seed of a row, on the same images."""

Row = tuple[str, Control, Runs]
"""A row's name, what is kept from it, and its scores."""


def section(
    dataset: str, leaks: Leaks, blocks: Sequence[Sequence[Row]]
) -> tuple[Section, list[Figure]]:
    """Set the ROC AUC of rows beside that without the leaked images.

    Parameters
    ----------
    dataset
        Its name.
    leaks
        With leaked images of the figures.
    blocks
        Rows that compete, then controls.

    Returns
    -------
    Section
        With a table.
    list of Figure
        What stands in it, but for what the leaderboard has.
    """
    known: dict[str, set[str]] = {"without copies": {leak.image for leak in leaks.copies}}
    everything = {leak.image for leak in leaks.evaluate}
    if len(everything) > len(leaks.copies):
        known["without copies and shared groups"] = everything
        if not leaks.copies:
            known = {"without shared groups": everything}
    heads = [f"{name} ({wording.count(leaks.n_evaluate - len(of))})" for name, of in known.items()]
    columns = [Column("row", text=True), Column(f"all ({wording.count(leaks.n_evaluate)})")]
    columns += [Column(head) for head in heads] + [Column("difference")]
    found = []
    tidy: list[Figure] = []
    for block in blocks:
        lines = []
        for name, control, runs in block:
            figures = [roc_auc(runs, without) for without in (set[str](), *known.values())]
            first, last = figures[0].value, figures[-1].value
            for (part, of), figure in zip(known.items(), figures[1:], strict=True):
                if figure.value is not None:
                    tidy.append(
                        Figure(
                            dataset=dataset, row=name, part=f"leaks: {part}", metric="roc_auc",
                            n=leaks.n_evaluate - len(of), **figure.model_dump(),
                        )
                    )  # fmt: skip
            less = None if first is None or last is None else last - first
            shown = [Cell(wording.figure(f.value), f.value, wording.interval(f)) for f in figures]
            lines.append(
                (name_cell(name, control=bool(control)), *shown, Cell(wording.signed(less), less))
            )
        if lines:
            found.append(tuple(lines))
    text, plainly = (
        (
            f"{word(leaks)[0]}.",
            "ROC AUC over all images of the figures, and over those that are left without the"
            f" leaked ones{intervals}. A row that falls without them may have learnt them by heart;"
            " one that rises may have been misled by copies with another label.",
        )
        for intervals in (", with 95 % intervals (DeLong)", "")
    )
    grids = (Grid(tuple(columns), tuple(found)),)
    return Section("Leaks", text, grids, plainly=plainly), tidy


def roc_auc(runs: Runs, without: set[str]) -> Estimate:
    """Give the ROC AUC of a row over its images less some, the mean over seeds.

    Not defined where a class is left without an image.
    """
    scores = runs[0][1]
    kept = np.array([image not in without for image in scores.images], dtype=np.bool_)
    if not kept.any():
        return Estimate()
    names = [image for image, keep in zip(scores.images, kept, strict=True) if keep]
    groups = None if scores.groups is None else scores.groups[kept]
    images = Images.of(names, scores.labels[kept], groups)
    samples = [
        sample_of(
            record,
            its.model_copy(
                update={"labels": its.labels[kept], "probabilities": its.probabilities[kept]}
            ),
        )
        for record, its in runs
    ]
    return measure(images, samples).roc_auc.estimate()


def report(read: Read, found: dict[str, Leaks]) -> Report:
    """Say in each table which of its images train knows, and what rows score without them.

    Parameters
    ----------
    read
        A results folder.
    found
        By data set what its rows were run with; without those whose rows are of several states.
    """
    warnings, notes, sections = {}, {}, {}
    tidy: list[Figure] = []
    for table in read.tables:
        its = found.get(table.dataset)
        if its is None:
            continue
        rows = {line.row: read.rows[table.dataset, line.row, ""] for line in table.measured}
        rows = {name: row for name, row in rows.items() if row.records}
        left = {name for name, row in rows.items() if row.records[0].drops_leaks}
        if left and (said := dropped(its)):
            others = len(left) < len(rows)
            said = f"{said}: {', '.join(sorted(left))}" if others else said
            notes[table.dataset] = said_of(first_of(table), [said])
        blocks = _blocks(table, its, left, rows)
        if (warning := warn(its)) and any(blocks):
            warnings[table.dataset] = said_of(first_of(table), [warning])
            if its.evaluate:
                runs = [[_run(read, rows[name]) for name in block] for block in blocks]
                laid_out, figures = section(table.dataset, its, runs)
                sections[table.dataset] = [laid_out]
                tidy += figures
    return Report(by_dataset=sections, warnings=warnings, notes=notes, others=tidy)


def _blocks(
    table: Table, found: Leaks, left: set[str], rows: Mapping[str, RowRead]
) -> list[list[str]]:
    """Name the rows that the leaked images may have helped: those that compete, then controls.

    What was trained on other data has seen none of them.
    """
    return [
        [
            line.row
            for line in block
            if line.row not in left
            and line.row in rows
            and rows[line.row].records[0].n_test == found.n_evaluate
            and (line.elsewhere is None or line.elsewhere.trained_on != "other")
        ]
        for block in (
            table.ranked,
            # by labels in another order, copies tell nothing
            [line for line in table.controls if line.control != "shuffled labels"],
        )
    ]


def _run(read: Read, row: RowRead) -> Row:
    scores = [(record, read.scores(record)) for record in row.records]
    return row.entry.row, row.entry.control, scores
