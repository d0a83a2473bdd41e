"""The leaderboard of a results folder, computed from the stored scores alone."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from dfbench.errors import OutputError, let_stop, worded
from dfbench.files import Progress
from dfbench.registry import AUDITS, PROTOCOLS, Part, Registry
from dfbench.results.board import breakdown, ensembles
from dfbench.results.board.added import NOTHING, Additions, additions_of
from dfbench.results.board.agreement import at_odds, contradicted
from dfbench.results.board.arrange import arrange
from dfbench.results.board.board import CHANCE, Board, Divided, Fit, Line, Smallest, Table
from dfbench.results.board.divisions import by_division, first_of, firsts_of, together
from dfbench.results.board.read import Read, RowRead
from dfbench.results.board.report import Report, fault_of
from dfbench.results.board.samples import sample_of
from dfbench.results.board.sentences import refitted, tuned_for
from dfbench.results.document.blocks import Section
from dfbench.results.records.divisions import Division
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import CellFacts, Entry, Record, Scores, Status, Tuning
from dfbench.results.records.scores import by_image
from dfbench.results.records.seeds import unlike
from dfbench.results.statistics import metrics
from dfbench.results.statistics.design import Design
from dfbench.results.statistics.estimate import number
from dfbench.results.statistics.measured import Images, Measured, measure, resample_together
from dfbench.results.statistics.ranks import Ranking, rank
from dfbench.results.statistics.recomputed import Recomputed

_THREADS = 2
"""Rows measured at once: most of the work lets go of the interpreter."""
_CHOSEN = ("cell", "seed", "params", "threshold", "block_weights")
"""What a fit has of a record as it is."""
_Place = tuple[str, str, str]
"""Data set, row, name of the subset."""


def build_board(
    path: Path, *, plugins: Sequence[Path] = (), progress: Progress | None = None
) -> Board:
    """Compute the board of a results folder from its stored scores.

    The seeds of a row are one line. A row that has not run is ``skipped``, one whose files cannot
    be read ``failed``, each with its reason: neither hides the others, and a seed that is missing
    stands as a line of its own.

    Parameters
    ----------
    path
        A results folder.
    plugins
        Files that bring metrics and columns.
    progress
        Called with the number of rows done and of all rows.

    Raises
    ------
    OutputError
        Where ``path`` is no results folder.
    """
    out = ResultsFolder(path)
    board, _ = measure_board(out, progress, additions_of(plugins))
    return replace(board, runs=out.read_provenance(), kept=out.kept_models())


def measure_board(
    out: ResultsFolder, progress: Progress | None = None, added: Additions = NOTHING
) -> tuple[Board, bool]:
    """Compute all of a board that follows from scores and findings.

    Parameters
    ----------
    out
        The results folder.
    progress
        As for `build_board`.
    added
        Metrics and columns of somebody's own.

    Returns
    -------
    Board
        Without commands and trained models.
    bool
        Whether all files could be read.

    Raises
    ------
    OutputError
        Where this is no results folder.
    """
    # scores of folds of train serve what ensembles choose, and no figure
    entries = [entry for entry in out.read_entries() if entry.subset.fold is None]
    rows, lines = _rows(out, entries, progress, added)
    lines, smallest = _ranked(rows, lines)
    board = arrange(lines, smallest)
    tables = [_broken_down(table, rows) for table in board.tables]
    board = replace(board, tables=[ensembles.put_on(table, rows) for table in tables])
    board = added.put_on(board, rows)
    read = Read(board.tables, rows, out, entries)
    for report in _reports(read):
        board = board.plus(report)
    unread = read.unread or read.damaged or any(row.unread for row in rows.values())
    return board, not unread


def _rows(
    out: ResultsFolder, entries: Sequence[Entry], progress: Progress | None, added: Additions
) -> tuple[dict[_Place, RowRead], list[Line]]:
    """Read all rows and their subsets, and word what each row came to."""
    shared: dict[str, list[Images]] = {}
    rows: dict[_Place, RowRead] = {}
    places = _places(entries)
    if progress is not None and added.metrics:
        progress(0, sum(not subset for _, _, subset in places))  # reading them calls functions
    cells = {
        place: [_read_cells(out, seeds, shared.setdefault(place[0], [])) for seeds in divisions]
        for place, divisions in places.items()
    }
    faults = contradicted(
        (cell.record, cell.images)
        for divisions in cells.values()
        for its in divisions
        for cell in its.cells
    )
    for place, divisions in cells.items():
        further = () if place[2] else added.metrics
        rows[place] = _put_together(
            [its.without(faults) for its in divisions], shared[place[0]], further
        )
    whole = [row for (_, _, subset), row in rows.items() if not subset]
    # threads of products of matrices would wait for each other
    with threadpool_limits(1), ThreadPoolExecutor(_THREADS) as pool:
        done = 0

        def told(n: int = 1) -> None:
            nonlocal done
            done += n
            if progress is not None:
                progress(done, len(whole))

        for images in (images for its in shared.values() for images in its):
            own = [
                row.whole
                for row in whole
                if isinstance(row.whole, Measured) and row.whole.images is images
            ]
            if not own:  # only parts of rows, or splits, were scored on them
                continue
            if images.resamples.sound:
                resample_together(own, each=pool.map, told=told)
            else:
                told(len(own))
        lines: list[Line] = []
        for row, line in zip(whole, pool.map(line_of, whole), strict=True):
            # what is missing of a row stands behind it
            lines += [*([] if line is None else [line]), *row.missing]
    if progress is not None:
        progress(len(whole), len(whole))
    return rows, lines


def _places(entries: Sequence[Entry]) -> dict[_Place, list[list[Entry]]]:
    """Give the entries of each row and subset, see `_by_division`, in the order of the file."""
    places: dict[_Place, list[Entry]] = {}
    for entry in entries:
        places.setdefault((entry.dataset, entry.row, entry.subset.name), []).append(entry)
    return {place: _by_division(its) for place, its in places.items()}


def _by_division(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Give the entries of a row by division, and by seed."""
    found: dict[tuple[str, int, int], list[Entry]] = {}
    for entry in entries:
        its = entry.division
        key = ("", 0, 0) if its is None else (*its.family, its.number)
        found.setdefault(key, []).append(entry)
    return [sorted(found[key], key=lambda entry: entry.seed) for key in sorted(found)]


def _reports(read: Read) -> Iterator[Report]:
    """Give what stands beside the figures, in the order in which it does."""
    yield Report(
        warnings={table.dataset: _above_chance(table, read.out) for table in read.tables},
        notes={
            table.dataset: [
                *refitted(table.lines),
                *tuned_for(table.lines),
                *_mixed(table, read),
            ]
            for table in read.tables
        },
    )
    for part, audit in Registry(AUDITS).working():
        yield _of_first(_report(part, lambda audit=audit: audit().report(read)), read)  # type: ignore[misc]
    yield Report(warnings=read.damaged)
    yield Report(by_dataset={table.dataset: by_division(table) for table in read.tables})
    yield Report(by_dataset={each.dataset: breakdown.sections(each) for each in read.tables})
    yield Report(by_dataset={each.dataset: ensembles.sections(each) for each in read.tables})
    for part, protocol in Registry(PROTOCOLS).working():
        try:
            report = _report(part, lambda protocol=protocol: protocol.report(read))  # type: ignore[misc]
            yield _of_first(report, read)
        except OutputError as error:
            read.unread.append(part.name)
            yield Report([Section(part.name, (f"Nothing of it can be shown: {error}.",))])


def _report(part: Part, report: Callable[[], Report]) -> Report:
    """Give what a part reports; where another package's breaks, a section that says so."""
    if part.built_in:
        return report()
    try:
        found = report()
        fault = fault_of(found)
    except BaseException as error:  # noqa: BLE001 - the rest of the board stands
        let_stop(error)
        fault = worded(error)
    if not fault:
        return found
    said = f"Nothing of it is shown: the report of {part.where} breaks ({fault})."
    return Report([Section(part.name, (said,))])


def _of_first(report: Report, read: Read) -> Report:
    """Say of sections about rows on several divisions that they are of the first."""
    first = {table.dataset: its for table in read.tables if (its := first_of(table))}
    if not first:
        return report
    said = {table.dataset: firsts_of(table) for table in read.tables if table.dataset in first}
    by_dataset = {
        dataset: [
            _said_of(each, f"Of {said[dataset]}.") if dataset in first else each for each in its
        ]
        for dataset, its in report.by_dataset.items()
    }
    names = ", ".join(dict.fromkeys(said.values()))
    of_all = f"Of data sets that were divided several times: of {names}."
    sections = [_said_of(each, of_all) for each in report.sections]
    splits = {dataset: its.partition(" of ")[0] for dataset, its in first.items()}
    if len(splits) == len(read.tables) and len(set(splits.values())) == 1:
        splits[""] = next(iter(splits.values()))  # figures over all data sets
    own = {  # rows of a folder may be on divisions of several kinds
        (line.dataset, line.row): "" if line.divided is None else f"{line.divided.kind} 1"
        for table in read.tables
        for line in table.measured
    }

    def split_of(dataset: str, row: str) -> str:
        return own.get((dataset, row), splits.get(dataset, ""))

    figures = [
        each.model_copy(update={"split": split_of(each.fitted_on, each.row)})
        for each in report.figures
    ]
    others = [
        each.model_copy(update={"split": split_of(each.dataset, each.row)})
        for each in report.others
    ]
    return replace(
        report,
        by_dataset=by_dataset,
        sections=sections,
        figures=figures,
        others=others,
    )


def _said_of(section: Section, of: str) -> Section:
    """Say what a section and its pictures, which stand alone in a paper, are of."""
    charts = tuple(
        replace(each, caption=f"{each.caption.removesuffix('.')}. {of}") for each in section.charts
    )
    return replace(section, text=(of, *section.text), charts=charts)


def _broken_down(table: Table, rows: Mapping[_Place, RowRead]) -> Table:
    found = [rows[table.dataset, line.row, ""] for line in table.measured]
    subjects = [its for row in found for its in _subject(row)]
    return breakdown.put_on(table, breakdown.parts_of(subjects))


def _subject(row: RowRead) -> list[breakdown.Subject]:
    whole = row.whole
    if whole is None or row.entry.control == "shuffled labels":
        return []
    first = next(record for each in row.parts for record in each.records)
    return [
        breakdown.Subject(
            row.entry.row,
            whole,
            first.classes,
            first.positive,
            row.whole_kinds,
            () if isinstance(whole, Measured) else tuple(_of_splits(row)),
        )
    ]


def _of_splits(row: RowRead) -> Iterator[breakdown.Subject]:
    for part in row.parts:
        if part.measured is not None:
            first = part.records[0]
            yield breakdown.Subject(
                row.entry.row, part.measured, first.classes, first.positive, part.kinds
            )


def _above_chance(table: Table, out: ResultsFolder) -> list[str]:
    """Warn of each control whose interval of ROC AUC lies above chance, by the audit behind it."""
    audits = list(Registry(AUDITS).working())
    found = []
    for line in table.controls:
        auc = line.metrics["roc_auc"]
        if auc.low is None or auc.low <= CHANCE:
            continue
        said = f"{line.row} reaches ROC AUC {auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}]"
        for part, audit in audits:
            try:
                if audit.control == line.control:
                    found.append(f"{audit.word}: {said}{_explained(audit(), line, out)}")
            except BaseException as error:
                let_stop(error)
                if part.built_in:
                    raise
                found.append(f"{part.where} explains nothing: {worded(error)}")
    return found


def _mixed(table: Table, read: Read) -> list[str]:
    """Say of which rows the seeds were not made alike: their mean is of unlike things."""
    found = []
    for line in table.measured:
        for part in read.rows[table.dataset, line.row, ""].parts:
            said = _unlike_seeds(line.row, part, read.out)
            if said:
                found.append(said)
                break
    return found


def _unlike_seeds(row: str, read: RowRead, out: ResultsFolder) -> str:
    for other in read.records[1:]:
        first = read.records[0]
        if why := unlike((out, first), (out, other)):
            return (
                f"{row} is a mean of seeds that were not made alike, {first.seed} and"
                f" {other.seed} ({why}): run both with the same settings"
            )
    return ""


def _explained(audit: Any, line: Line, out: ResultsFolder) -> str:
    try:
        kept = out.read_findings(audit.name, line.fingerprint, audit.form)
    except OutputError:
        kept = None  # the table says so
    said = audit.explain(line, kept)
    if not isinstance(said, str):
        raise TypeError(f"a {type(said).__name__} in place of a text")
    return said


@dataclass(frozen=True)
class _Cell:
    """A cell of a row: its place, record, scores and images, which other cells share."""

    entry: Entry
    record: Record
    scores: Scores
    images: Images


@dataclass(frozen=True)
class _Cells:
    """What is there of a row, before anything is computed of it; see `RowRead`."""

    entries: Sequence[Entry]
    cells: list[_Cell]
    missing: list[Line]
    defaults: dict[str, float]
    unread: bool

    @property
    def division(self) -> Division | None:
        """Which of several it is on."""
        return self.entries[0].division

    @property
    def told(self) -> list[tuple[Record, Images]]:
        """What `agreement` looks at."""
        return [(cell.record, cell.images) for cell in self.cells]

    def without(self, faults: Mapping[str, str]) -> _Cells:
        """Leave out the cells of which something is wrong, and say what."""
        off = [cell for cell in self.cells if cell.record.cell in faults]
        said = [
            _absent(cell.entry, "failed", faults[cell.record.cell], cell.record) for cell in off
        ]
        kept = [cell for cell in self.cells if cell.record.cell not in faults]
        return replace(self, cells=kept, missing=[*self.missing, *said])


def read_row(
    out: ResultsFolder,
    entries: Sequence[Entry],
    known: list[Images],
    further: Sequence[Recomputed] = (),
) -> RowRead:
    """Read the cells of a row.

    Parameters
    ----------
    out
        The results folder.
    entries
        Of one row on one data set, one a seed and division.
    known
        Sets of images met so far, which is added to: rows that share one share its resamples.
    further
        Metrics of somebody's own.
    """
    cells = [_read_cells(out, its, known) for its in _by_division(entries)]
    return _put_together(cells, known, further)


def _put_together(
    divisions: Sequence[_Cells], known: list[Images], further: Sequence[Recomputed]
) -> RowRead:
    # of folds somebody's own metric is asked of all images together, and not of each
    folds = any(e.division is not None and e.division.kind == "fold" for e in divisions[0].entries)
    faults = at_odds([(its.division, its.told) for its in divisions])
    own = [_measured(its.without(faults), () if folds else further) for its in divisions]
    return together(own, known, further)


def _read_cells(out: ResultsFolder, entries: Sequence[Entry], known: list[Images]) -> _Cells:
    cells: list[_Cell] = []
    missing: list[Line] = []
    defaults: dict[str, float] = {}
    unread = False
    places = Counter(entry.seed for entry in entries)
    for entry in entries:
        try:
            if places[entry.seed] > 1:
                raise OutputError(
                    f"it stands there {places[entry.seed]} times with seed {entry.seed}",
                    where=out.entries_file,
                    hint="run again with the same --out",
                )
            record = out.record_of(entry)
            if record is None:
                missing.append(_absent(entry, "skipped", "not run yet"))
            elif record.status != "ok":
                missing.append(_absent(entry, record.status, record.reason, record))
            else:
                its = by_image(out.read_scores(record))
                if cells and tuple(its.images) != cells[0].images.names:
                    raise OutputError(
                        f"seed {entry.seed} was scored on other images than seed {entries[0].seed}",
                        where=out.scores_file(record.cell),
                        hint="run all seeds again",
                    )
                if not entry.subset.name:
                    defaults |= _at_defaults(out, record, its)
                cells.append(_cell(entry, record, its, known))
        except OutputError as error:
            missing.append(_absent(entry, "failed", str(error)))
            unread = True
    return _Cells(entries, cells, missing, defaults, unread)


def _cell(entry: Entry, record: Record, scores: Scores, known: list[Images]) -> _Cell:
    images = _images(scores, known)
    # thousands of names that all rows have are held once
    shared = scores.model_copy(update={"images": images.names, "labels": images.design.labels})
    return _Cell(entry, record, shared, images)


def _measured(its: _Cells, further: Sequence[Recomputed]) -> RowRead:
    measured, entry = None, its.entries[0]
    records = [cell.record for cell in its.cells]
    if its.cells:
        entry = entry.model_copy(update={"origin": _origin(its.entries, records)})
        samples = [sample_of(cell.record, cell.scores) for cell in its.cells]
        measured = measure(its.cells[0].images, samples, further)
    defaults = [its.defaults[cell] for cell in (r.cell for r in records) if cell in its.defaults]
    return RowRead(
        entry=entry,
        records=records,
        measured=measured,
        at_defaults=float(np.mean(defaults)) if len(defaults) == len(records) > 0 else None,
        missing=its.missing,
        unread=its.unread,
        kinds=its.cells[0].scores.kinds if its.cells else None,
    )


def _origin(entries: Sequence[Entry], records: Sequence[Record]) -> str:
    """Say whose the seeds of a row are that have figures; empty where nothing was merged."""
    ran = {record.cell for record in records}
    origins = [entry.origin for entry in entries if entry.cell in ran]
    if not any(origins):
        return ""
    # one that was run into the merged folder is nobody else's
    told = [each for origin in origins for each in (origin or "this folder").split(", ")]
    return ", ".join(dict.fromkeys(told))


def _at_defaults(out: ResultsFolder, record: Record, scores: Scores) -> dict[str, float]:
    """Give the ROC AUC of the model with its default parameters; none where it was not kept."""
    tuning = record.tuning
    if tuning is None or tuning.trials < 2:
        return {}
    if "default" in record.tables or (
        not record.tables and out.scores_file(record.cell, "default").exists()
    ):
        scores = by_image(out.read_scores(record, "default"))
    elif tuning.best_value != tuning.default_value:
        return {}  # else the defaults are the row itself
    once = np.ones((1, len(scores.images)))
    found = metrics.evaluate(sample_of(record, scores), once)["roc_auc"][0]
    return {record.cell: float(found)}


def _images(scores: Scores, known: list[Images]) -> Images:
    design = Design.of(scores.labels, scores.groups)
    for images in known:
        if images.same(scores.images, design):
            return images
    known.append(Images.of_design(scores.images, design))
    return known[-1]


def _of_entry(entry: Entry) -> dict[str, Any]:
    """Give what a line has of its place on the board."""
    return {
        name: getattr(entry, name) for name in ("dataset", "row", "control", "reported", "origin")
    }


def _of_record(record: Record) -> dict[str, Any]:
    """Give what a line has of a record."""
    named = record.positive is not None and record.positive < len(record.classes)
    return {name: getattr(record, name) for name in CellFacts.model_fields} | {
        # what never ran has counted nothing
        "n_train": record.n_train or None,
        "n_test": record.n_test or None,
        "positive": record.classes[record.positive or 0] if named else None,
    }


def _absent(entry: Entry, status: Status, reason: str, record: Record | None = None) -> Line:
    known = {} if record is None else _of_record(record)
    own = {"seeds": [entry.seed], "cells": [entry.cell], "status": status, "reason": reason}
    return Line(**known | _of_entry(entry) | own)


def line_of(row: RowRead) -> Line | None:
    """Word what a row came to; None where no seed ran."""
    whole = row.whole
    if whole is None:
        return None
    figures = whole.figures(heed_seeds=row.entry.control == "shuffled labels")
    records = [record for each in row.parts for record in each.records]
    first = records[0]
    names = first.classes or [str(k) for k in range(whole.samples[0].n_classes)]
    recall = np.mean([metrics.recall(sample) for sample in whole.samples], axis=0)
    tuning = _tuning(records)
    optimism = default = None
    if tuning is not None and tuning.trials > 1:
        # of what was tuned on changed copies too, the figures are of other images
        best = tuning.best_value if first.copies is None else None
        if best is not None and figures["roc_auc"].value is not None:
            optimism = best - figures["roc_auc"].value
        at_defaults = [each.at_defaults for each in row.parts if each.measured is not None]
        if None not in at_defaults:
            default = number(float(np.mean([each or 0.0 for each in at_defaults])))
    images = whole.images if isinstance(whole, Measured) else whole.images[0]
    groups = images.design.groups
    own = {
        "seeds": list(dict.fromkeys(record.seed for record in records)),
        "cells": [record.cell for record in records],
        "status": "ok",
        "n_test": len(images.names),
        "n_groups": None if groups is None else int(groups.max(initial=-1)) + 1,
        "divided": _divided(row),
        "metrics": figures,
        "class_accuracy": {c: number(x) for c, x in zip(names, recall, strict=True)},
        "fit_seconds": _mean([record.fit_seconds for record in records]),
        "predict_images_per_second": _mean(
            [record.predict_images_per_second for record in records]
        ),
        "tuning": tuning,
        "probability": " / ".join(dict.fromkeys(record.probability for record in records)),
        "optimism": optimism,
        "default_roc_auc": default,
        "threshold": first.threshold if len(records) == 1 else None,
        "fits": [fit for each in row.parts for fit in _fits(each)],
    }
    return Line(**_of_record(first) | _of_entry(row.entry) | own)


def _divided(row: RowRead) -> Divided | None:
    """Say over which divisions a row is."""
    division = row.entry.division
    if division is None:
        return None
    ran = [each for each in row.parts if each.measured is not None]
    return Divided(kind=division.kind, n=len(ran), of=division.of)


def _fits(row: RowRead) -> list[Fit]:
    """Give what was chosen by seed, and what came of it."""
    if row.measured is None:
        return []
    by_seed, division = row.measured.by_seed, row.entry.division
    return [
        Fit(
            **{name: getattr(record, name) for name in _CHOSEN},
            split="" if division is None else division.short,
            n=len(row.measured.images.names),
            combination=record.combination,
            metrics={name: number(values[place]) for name, values in by_seed.items()},
        )
        for place, record in enumerate(row.records)
    ]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _tuning(records: Sequence[Record]) -> Tuning | None:
    """Give the mean over the seeds of how parameters were found."""
    found = [record.tuning for record in records if record.tuning is not None]
    if not found:
        return None
    return Tuning(
        trials=round(sum(each.trials for each in found) / len(found)),
        seconds=sum(each.seconds for each in found) / len(found),
        best_value=_mean([each.best_value for each in found]),
        default_value=_mean([each.default_value for each in found]),
        tune_for=found[0].tune_for,
        best_figure=_mean([each.best_figure for each in found]),
        default_figure=_mean([each.default_figure for each in found]),
        stopped_by="time" if any(each.stopped_by == "time" for each in found) else "trials",
    )


def _ranked(
    rows: Mapping[_Place, RowRead], lines: Sequence[Line]
) -> tuple[list[Line], dict[str, Smallest]]:
    """Rank the lines of each data set; say which difference its images could have shown."""
    places: dict[tuple[str, str], dict[str, Any]] = {}
    smallest: dict[str, Smallest] = {}
    for dataset in dict.fromkeys(line.dataset for line in lines):
        compared = _compared(rows, [line for line in lines if line.dataset == dataset])
        if not compared:
            continue
        ranking = rank(list(compared.values()))
        for index, name in enumerate(compared):
            places[dataset, name] = _rank_of(ranking, index)
        if ranking.smallest is not None and ranking.smallest_corrected is not None:
            smallest[dataset] = Smallest(
                ranking.smallest, ranking.smallest_corrected, len(compared)
            )
    return [
        _placed(line, places.get((line.dataset, line.row), {})) if line.status == "ok" else line
        for line in lines
    ], smallest


def _placed(line: Line, place: Mapping[str, Any]) -> Line:
    """Give a line what the comparison says of it; the best of rows at chance is not praised."""
    best = place.get("best", False) and line.above_chance
    return line.model_copy(update={**place, "best": best})


def _compared(rows: Mapping[_Place, RowRead], lines: Sequence[Line]) -> dict[str, Any]:
    """Give the rows of a data set that share the images most of them were scored on."""
    sets: dict[object, dict[str, Any]] = {}
    for line in lines:
        found = rows[line.dataset, line.row, ""].whole
        if line.status != "ok" or line.control or found is None:
            continue
        if not math.isnan(found.values["roc_auc"]):
            sets.setdefault(breakdown.scored_on(found), {})[line.row] = found
    return max(sets.values(), key=len, default={})


def _rank_of(ranking: Ranking, index: int) -> dict[str, Any]:
    """Give what the comparison says of a row."""
    best = index == ranking.best
    return {
        "rank": ranking.ranks[index],
        "best": ranking.is_best(index),
        "p_best": None if best else _short(float(ranking.p_values[ranking.best, index])),
    }


def _short(p_value: float) -> float | None:
    """Give a p-value without the digits that a library's order of adding decides."""
    return None if p_value != p_value else float(f"{p_value:.6g}")
