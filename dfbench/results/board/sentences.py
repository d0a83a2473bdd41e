"""What is said of a board in sentences: facts of a data set, controls, reasons, tests."""

from __future__ import annotations

import math
from collections.abc import Iterable

from dfbench.plain import counted
from dfbench.results.board.board import Board, Line, Overall, Table
from dfbench.results.document.blocks import Reason
from dfbench.results.document.wording import TITLES, count, figure, p_value
from dfbench.results.records.records import Control, TrainedOn
from dfbench.results.statistics.metrics import FEWEST_FALSE, RATES
from dfbench.results.statistics.significance import ALPHA

RANKS = (
    "A row's rank is 1 and the number of rows that are significantly better by ROC AUC (DeLong's"
    " test on the same images, Holm-corrected over all pairs, 5 %): what cannot be told apart"
    " shares a rank. Bold: not significantly worse than the best."
)
RANKS_IN_SHORT = (
    "# is 1 and the number of rows that are significantly better by ROC AUC; bold: not"
    " significantly worse than the best"
)
NOTHING = "No row has been asked for yet."
CONTROLS: dict[Control, str] = {
    "no pixels": "a control that never sees pixels: what it scores above chance, a shortcut in the"
    " data explains",
    "shuffled labels": "a control that was fitted on shuffled labels, the mean of several orders,"
    " which its intervals heed: above chance, something but the labels ties the images to their"
    " class",
}
OVERALL = (
    "Mean ranks are of ROC AUC, as measured. Bold: not significantly worse than the best over data"
    " sets (Friedman's and Nemenyi's tests, 5 %)."
)
COST = (
    "Optimism is the ROC AUC that parameters were chosen by less that of the figures; defaults is"
    " the ROC AUC here of the same row untuned. Images per second are from file to verdict on one"
    " worker; \N{BULLET} marks the Pareto front: no other row is as good and as fast. Peak memory"
    " is that of the worker process, libraries included."
)
PARETO = (
    "No other row is at once as good by ROC AUC and as fast as these, by the figures as measured:"
    " the difference between two of them need not be significant."
)
COMPUTED = (
    "All figures are computed from the stored scores of each image: dfbench leaderboard and dfbench"
    " report do so again."
)
REPORTED = "reported (theirs, on their data)"
"""Heading of what the sources of rows published."""
GAPS = "Rows without a figure on every data set have no mean and no rank; their gaps are shown."


def controls(table: Table) -> list[str]:
    """Say what the controls of a table are, one sentence a kind."""
    kinds = dict.fromkeys(line.control for line in table.controls)
    return [
        f"{', '.join(line.row for line in table.controls if line.control == kind)}:"
        f" {CONTROLS[kind]}."
        for kind in kinds
    ]


_TRAINED: dict[TrainedOn, str] = {
    "train": "trained on the training images of this data set, as was told",
    "other": "trained on other data, as was told",
    "unknown": "what it was trained on is not known: it may have seen these images",
}


def trained_on(line: Line) -> str:
    """Say briefly what a row was trained on, and of one from elsewhere what was told."""
    told = line.elsewhere
    if told is None:
        return "train"
    said = {"train": "train, as was told", "other": "other data", "unknown": "unknown"}
    lacking = f", {counted(told.n_missing, 'image')} missing" if told.n_missing else ""
    return f"{said[told.trained_on]}{lacking}"


def mark(line: Line) -> str:
    """Give what stands behind the name of a row whose detector was not fitted here."""
    return "" if line.elsewhere is None else "\N{DAGGER}"


def origins(table: Table) -> list[str]:
    """Say of merged results which rows are from where, a sentence each."""
    found: dict[str, list[str]] = {}
    for line in table.lines:
        if line.origin:
            found.setdefault(line.origin, []).append(line.row)
    return [f"From {origin}: {', '.join(rows)}." for origin, rows in found.items()]


def not_shown(board: Board) -> list[str]:
    """Say of metrics and columns of plugins that a board lacks that it had them, by owner."""
    return [
        f"Not shown: {', '.join(names)} of {owner}, which a run was given and this command was not"
        " (--plugin)"
        for owner, names in board.missing().items()
    ]


def elsewhere(table: Table) -> list[str]:
    """Say of each row whose detector was not fitted here what was told of it."""
    return [told_of(line) for line in table.measured if line.elsewhere is not None]


def told_of(line: Line) -> str:
    """Say what was told of a row whose detector was not fitted here."""
    told = line.elsewhere
    assert told is not None
    said = [f"{line.row}{mark(line)}: {told.source}", _TRAINED[told.trained_on]]
    if told.speaks_for:
        said.append(f"high scores speak for {told.speaks_for}")
    if not told.probabilities:
        said.append("its scores are no probabilities: no log loss, Brier score and ECE")
    said += _verdicts(line)
    if told.n_missing:
        n = counted(told.n_missing, "image has", "images have")
        said.append(
            f"{n} no score of it: its figures are of the other {count(line.n_test)},"
            " and it is not ranked with rows that scored all"
        )
    return "; ".join(said) + "."


def _verdicts(line: Line) -> list[str]:
    """Say from which score on a row whose detector was not fitted here decides for a class."""
    told, cut = line.elsewhere, line.threshold
    assert told is not None
    if not told.decides:
        return ["no verdicts: no threshold was told, so no accuracy, F1 and MCC"]
    derived = line.kind == "derived"
    if cut is None and derived and len(line.seeds) > 1:
        return []  # each seed has a threshold of its own
    if cut is None:
        one = told.speaks_for or (derived and len(line.classes) == 2)
        return [f"verdicts {'from 0.5' if one else 'for the class of the highest score'}"]
    if derived:
        return [f"verdicts for {line.positive} from {figure(cut)}, which the tuning part gave"]
    if told.speaks_for != line.positive:
        # the same on the scale of the file, see `dfbench.benchmark.score_table.mean_one`
        cut = math.nextafter(cut, -math.inf)
        cut = (1 - cut if told.probabilities else -cut) + 0.0
    return [f"verdicts from {cut:g}"]


def row(of: Line, *, seeds: bool = False) -> str:
    """Name a line in running text, with its seeds where there are several."""
    if not seeds:
        return of.row
    word = "seed" if len(of.seeds) == 1 else "seeds"
    return f"{of.row} ({word} {', '.join(map(str, of.seeds))})"


def facts(table: Table) -> list[str]:
    """Say what the figures of a table are from, a phrase each; empty where nothing ran."""
    if not table.measured:
        return []
    first = table.typical
    split = first.split or "test"
    # of a board of imported scores alone nobody knows it
    train = "" if first.n_train is None else f", {count(first.n_train)} for training"
    images = "image" if first.n_test == 1 else "images"
    said = [f"{count(first.n_test)} {split} {images}{train}"]
    if split != "test":
        said.append(f"figures from {split}: no labelled test split")
    if first.positive is not None and len(first.classes) == 2:
        said.append(f"classes {', '.join(first.classes)} (positive: {first.positive})")
    elif first.classes:
        said.append(f"classes {', '.join(first.classes)} (ROC AUC: macro one-vs-rest)")
    said.append(intervals(table))
    left_out = max(line.n_left_out for line in table.measured)
    if left_out:
        said.append(f"{count(left_out)} unreadable image{'s' if left_out > 1 else ''} left out")
    return said


def intervals(table: Table) -> str:
    """Say how the intervals of a table with figures were taken, a phrase."""
    first = table.typical
    kind = "images within their class"
    if first.n_groups is not None:
        whole = counted(first.n_groups, "group as a whole", "groups as wholes")
        kind = f"the {whole} (DeLong's shares summed by group)"
    return f"95 % intervals by DeLong for ROC AUC, by bootstrap of {kind} otherwise"


def about(table: Table) -> str:
    """Say in a row of phrases what the figures of a table are from; empty where nothing ran."""
    return "; ".join([*facts(table), *([smallest(table)] if table.smallest else [])])


def smallest(table: Table) -> str:
    """Say what difference the images of a table could have shown; empty where nothing compares."""
    found = table.smallest
    if found is None:
        return ""
    n = count(table.typical.n_test)
    said = (
        f"smallest difference in ROC AUC that these {n} images could show (80 % power):"
        f" {figure(found.alone)} between two rows"
    )
    if found.n_rows > 2:
        said += f", {figure(found.corrected)} with {found.n_rows} rows compared"
    return said


def friedman(overall: Overall) -> list[str]:
    """Say what the tests over data sets came to; nothing where there are too few rows."""
    found = overall.friedman
    if found is None or found.critical is None:
        return []
    said = [f"Mean ranks differ significantly from {figure(found.critical, digits=2)} on."]
    if found.p_value is not None:
        certain = "The rows differ" if found.p_value < ALPHA else "Whether rows differ is open"
        said.insert(0, f"{certain}: p {p_value(found.p_value)}.")
    return said


def lacking(table: Table) -> list[str]:
    """Say which figures there are too few images for."""
    if not table.measured or len(table.measured[0].classes) != 2:
        return []
    without = [
        name for name in RATES if all(line.metrics[name].value is None for line in table.measured)
    ]
    return [f"{TITLES[n]} needs {round(FEWEST_FALSE / RATES[n]):,} negatives" for n in without]


def reasons(missing: Iterable[Line], *, seeds: bool = False) -> list[Reason]:
    """Gather the rows without figures by status and reason, failures first."""
    found: dict[tuple[str, str], Reason] = {}
    for line in sorted(missing, key=lambda line: line.status != "failed"):
        key = (line.status, " ".join(line.reason.split()))
        found.setdefault(key, Reason(*key, [])).rows.append(row(line, seeds=seeds))
    return list(found.values())
