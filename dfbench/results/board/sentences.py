"""What is said of a board in sentences: facts of a data set, controls, reasons, tests."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from dfbench.plain import counted, listed
from dfbench.results.board.board import Board, Divided, Line, Overall, Table
from dfbench.results.document.blocks import Reason
from dfbench.results.document.wording import TITLES, count, figure, p_value
from dfbench.results.records.records import Control, TrainedOn
from dfbench.results.statistics.metrics import FEWEST_FALSE, RATES
from dfbench.results.statistics.significance import ALPHA

_TEST = "DeLong's test on the same images"
_ON_SPLITS = "Nadeau and Bengio's corrected t-test"
RANKS = (
    f"A row's rank is 1 and the number of rows that are significantly better by ROC AUC ({_TEST},"
    " Holm-corrected over all pairs, 5 %): what cannot be told apart shares a rank. Bold: not"
    " significantly worse than the best, and above chance."
)
RANKS_IN_SHORT = (
    "# is 1 and the number of rows that are significantly better by ROC AUC; bold: not"
    " significantly worse than the best, and above chance"
)
NOTHING = "No row has been asked for yet."
_NAMED = 4
"""Data sets in a title."""
CONTROLS: dict[Control, str] = {
    "no pixels": "a control that never sees pixels: what it scores above chance, a shortcut in the"
    " data explains",
    "shuffled labels": "a control that was fitted on shuffled labels, the mean of several orders,"
    " which its intervals heed: above chance, something but the labels ties the images to their"
    " class",
}
OVERALL = (
    "Mean ranks are of ROC AUC, as measured. Bold: not significantly worse than the best over data"
    " sets (Friedman's and Nemenyi's tests, 5 %), and above chance on average."
)
COST = (
    "Optimism is the ROC AUC of the tuning split, where parameters were chosen, less that of the"
    " figures; defaults is the ROC AUC here of the same row untuned. Images per second are from"
    " file to verdict on one worker; \N{BULLET} marks the Pareto front: above chance, and no other"
    " row is as good and as fast. Peak memory is that of the worker process, libraries included."
)
PARETO = (
    "These are above chance, and no other row is at once as good by ROC AUC and as fast, by the"
    " figures as measured: the difference between two of them need not be significant."
)
NO_FRONT = "No row is shown to be above chance: there is no front of the good and the fast."
COMPUTED = (
    "All figures are computed from the stored scores of each image: dfbench leaderboard and dfbench"
    " report do so again."
)
REPORTED = "reported (theirs, on their data)"
"""Heading of what the sources of rows published."""
GAPS = "Rows without a figure on every data set have no mean and no rank; their gaps are shown."


def compared(board: Board) -> str:
    """Say in a title what a board compares: ``12 rows and 2 controls on faces (suite all)``."""
    if not board.tables:
        return "Nothing run yet"
    controls = {line.row for line in board.lines if line.control}
    rows = {line.row for line in board.lines} - controls
    said = [counted(len(rows), "row")] if rows or not controls else []
    said += [counted(len(controls), "control")] if controls else []
    names = [table.dataset for table in board.tables]
    where = ", ".join(names[:_NAMED])
    if len(names) > _NAMED:
        where = f"{counted(len(names), 'data set')}: {where}, ..."
    suites = dict.fromkeys(run.suite for run in board.runs if run.suite)
    by = f" ({'suite' if len(suites) == 1 else 'suites'} {', '.join(suites)})" if suites else ""
    return f"{' and '.join(said)} on {where}{by}"


def controls(table: Table) -> list[str]:
    """Say what the controls of a table are, one sentence a kind."""
    found = []
    for kind in dict.fromkeys(line.control for line in table.controls):
        own = [line for line in table.controls if line.control == kind]
        said = f"{', '.join(line.row for line in own)}: {CONTROLS[kind]}."
        over = own[0].divided
        if over is not None and kind == "shuffled labels":
            said += f" Of {over.kind} 1 of {over.of} alone."
        found.append(said)
    return found


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


def tuned_for(lines: Sequence[Line]) -> list[str]:
    """Say of which rows parameters were chosen by another figure than ROC AUC."""
    tuned = [line for line in lines if line.tuning is not None and line.tuning.trials > 1]
    found: dict[str, list[str]] = {}
    for line in tuned:
        assert line.tuning is not None
        found.setdefault(line.tuning.tune_for, []).append(line.row)
    return [
        f"parameters were chosen by {TITLES[name]}, not by ROC AUC"
        + ("" if len(rows) == len(tuned) else f": {', '.join(rows)}")
        for name, rows in found.items()
        if name != "roc_auc"
    ]


def refitted(lines: Sequence[Line]) -> list[str]:
    """Say which rows were fitted once more on all images, once their parameters were chosen."""
    measured = [line for line in lines if line.status == "ok" and line.elsewhere is None]
    found = [line for line in measured if line.refit]
    if not found:
        return []
    which = "" if len(found) == len(measured) else f" ({', '.join(line.row for line in found)})"
    both = "train and validation together"
    if {line.tuned_on for line in found} == {"part of train"}:
        both = "all of train, with the part that chose them"
    return [
        f"once their parameters were chosen, rows were fitted on {both} (refit){which}; figures of"
        " the tuning split are of the fit before, on train alone"
    ]


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


def with_copies(lines: Sequence[Line]) -> list[str]:
    """Say which rows were fitted on changed copies of images too, a sentence for each choice."""
    found: dict[tuple[int, tuple[str, ...]], list[str]] = {}
    for line in lines:
        if line.copies is not None:
            which = line.copies.of_each, tuple(line.copies.views)
            found.setdefault(which, []).append(line.row)
    return [
        f"{listed(list(dict.fromkeys(rows)))}: fitted and tuned on each image as it is and on"
        f" {counted(n, 'changed copy', 'changed copies')} of it"
        + (f", {'each ' if n > 1 else ''}in one of the views " if n < len(views) else ", ")
        + f"{', '.join(views)}; test images have no copies."
        for (n, views), rows in found.items()
    ]


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


def facts(table: Table, *, others: bool = True) -> list[str]:
    """Say what the figures of a table are from, a phrase each; empty where nothing ran.

    ``others``: whether figures other than ROC AUC stand with their intervals.
    """
    if not table.measured:
        return []
    first = table.typical
    split = first.split or "test"
    # of a board of imported scores alone nobody knows it
    train = "" if first.n_train is None else f", {count(first.n_train)} for training"
    said = [f"{counted(first.n_test or 0, f'{split} image')}{train}"]
    if first.divided is not None:
        said = [_of_divisions(first, first.divided)]
    if split != "test":
        said.append(f"figures from {split}: no labelled test split")
    if first.positive is not None and len(first.classes) == 2:
        said.append(f"classes {', '.join(first.classes)} (positive: {first.positive})")
    elif first.classes:
        said.append(f"classes {', '.join(first.classes)} (ROC AUC: macro one-vs-rest)")
    said.append(intervals(first, others=others))
    left_out = max(line.n_left_out for line in table.measured)
    if left_out:
        said.append(f"{counted(left_out, 'unreadable image')} left out")
    return said


def _of_divisions(line: Line, over: Divided) -> str:
    """Say over which divisions figures are."""
    train = "" if line.n_train is None else f", {count(line.n_train)} for training in each"
    if over.kind == "split":
        return f"means over {over.words} drawn at random, {line.n_tested} test images{train}"
    return (
        f"{over.words} of all images: each of {count(line.n_test)} scored once, by a model that had"
        f" not seen it{train}; ROC AUC and what else follows from the order of scores are means"
        " over folds"
    )


def ranks(tables: Iterable[Table]) -> str:
    """Say how rows are ranked."""
    split = any(
        line.divided is not None and line.divided.kind == "split"
        for table in tables
        for line in table.measured
    )
    return RANKS.replace(_TEST, f"{_TEST}; on several splits {_ON_SPLITS}") if split else RANKS


def intervals(line: Line, *, others: bool = True) -> str:
    """Say how the intervals that are shown come about, a phrase."""
    n_groups, over = line.n_groups, line.divided
    if over is not None and over.kind == "split":
        return (
            "95 % intervals of the means, corrected for the images that splits share (Nadeau and"
            " Bengio 2003)"
        )
    widened = ", widened for the training images that folds share" if over is not None else ""
    if not others:
        heeded = "" if n_groups is None else f" over the {counted(n_groups, 'group')}"
        return f"95 % interval of ROC AUC by DeLong{heeded}{widened}"
    kind = "images within their class"
    if n_groups is not None:
        whole = counted(n_groups, "group as a whole", "groups as wholes")
        kind = f"the {whole} (DeLong's shares summed by group)"
    return f"95 % intervals by DeLong for ROC AUC, by bootstrap of {kind} otherwise{widened}"


def about(table: Table, *, others: bool = True) -> str:
    """Say in a row of phrases what the figures of a table are from; empty where nothing ran.

    ``others`` as in `facts`.
    """
    return "; ".join([*facts(table, others=others), *([smallest(table)] if table.smallest else [])])


def smallest(table: Table) -> str:
    """Say what difference the images of a table could have shown; empty where nothing compares."""
    found = table.smallest
    if found is None:
        return ""
    first = table.typical
    what = f"these {count(first.n_test)} images"
    if first.divided is not None and first.divided.kind == "split":
        what = f"these {first.divided.words}"
    said = (
        f"smallest difference in ROC AUC that {what} could show (80 % power):"
        f" {_possible(found.alone)} between two rows"
    )
    if found.n_rows > 2:
        said += f", {_possible(found.corrected)} with {found.n_rows} rows compared"
    return said


def _possible(difference: float) -> str:
    """Give a difference in ROC AUC that there can be; few splits could show none at all."""
    return figure(difference) if difference < 1 else "none"


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
