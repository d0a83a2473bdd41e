"""Whether a results folder is what it says: the board computed again, checksums, models, images."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from dfbench.detectors.archive import ModelFileError
from dfbench.detectors.archive import read as read_model
from dfbench.errors import DataError, OutputError, let_stop
from dfbench.models.selection.criterion import CRITERIA
from dfbench.received.files import read_bytes
from dfbench.registry import AUDITS, Registry
from dfbench.results.board.board import Board
from dfbench.results.board.build import build_board
from dfbench.results.document.wording import TITLES
from dfbench.results.records.checking import BOARD_AGAIN, Checks, check_facts, check_index
from dfbench.results.records.divisions import name_of
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.inventory import read_index
from dfbench.results.records.records import Entry, Part, Record, Scores
from dfbench.results.render.formats import FORMATS, contents
from dfbench.results.render.long_form import FIGURE_FORMATS
from dfbench.results.render.stated import otherwise
from dfbench.results.render.tidy import same_table
from dfbench.suites.datasets.divisions import divided_as
from dfbench.suites.datasets.loading import load_dataset
from dfbench.suites.datasets.manifest import Dataset

_OF_MODEL = (
    "row", "dataset", "fingerprint", "cell", "seed", "classes", "positive", "threshold", "split",
    "tuned_on", "refit", "n_train", "n_tune", "n_test",
)  # fmt: skip
"""What a kept model and the record of its cell tell alike."""
_REFITTED = 0.05
"""How far a figure of a model that was fitted once more may lie from what it was."""
_OTHER = "it is not what the scores come to"
_MOST = 256 << 20
"""Bytes of the largest leaderboard that is read."""


@dataclass(frozen=True)
class Verified:
    """What came of verifying a results folder.

    Attributes
    ----------
    folder
        Where it lies.
    checks
        What was checked, and what is damaged.
    board
        Computed from the scores; None where there is no list of entries that could be read.
    """

    folder: Path
    checks: Checks
    board: Board | None

    @property
    def sound(self) -> bool:
        """Whether nothing is damaged."""
        return not self.checks.damaged

    def __str__(self) -> str:
        lines = [
            f"{damage.file}: {damage.what}{f' ({damage.remedy})' if damage.remedy else ''}"
            for damage in self.checks.damaged
        ]
        unfinished = filter(None, [self.checks.unfinished])
        return "\n".join([*lines, *self.checks.notes, *unfinished]) or "sound"


def verify(
    folder: str | Path,
    data: str | Path | Sequence[str | Path] = (),
    *,
    plugins: str | Path | Sequence[str | Path] = (),
) -> Verified:
    """Check that a results folder is what it says: what ``dfbench verify`` does.

    Every file that is read as fact is read and held against its checksum, records against the
    places on the board and each other, and the leaderboards that were written against the one that
    the scores come to. Nothing is written.

    Parameters
    ----------
    folder
        What ``dfbench run --out`` or `dfbench.run` wrote.
    data
        Data sets, as `dfbench.run` takes them: every image is read, and labels and contents are
        held against the scores.
    plugins
        Python files with the metrics and columns that the leaderboards were written with.

    Returns
    -------
    Verified
        ``sound`` where nothing is damaged; else its ``checks`` name what is.

    Raises
    ------
    OutputError
        Where it is no results folder, or no row of it is of a data set that was given.
    DfbenchError
        Where a data set or a plugin cannot be loaded.

    Examples
    --------
    >>> import dfbench
    >>> dfbench.verify(folder).sound
    True
    """
    out = ResultsFolder(Path(folder).expanduser())
    files = [Path(each).expanduser() for each in _several(plugins)]
    checks = check_facts(out, forms())
    _models(checks)
    _tuning(checks)
    check_index(checks)
    board = _board(checks, files)
    _forms_of(checks, board)
    for source in _several(data):
        _data(checks, load_dataset(str(source), check=True, plugins=files))
    return Verified(out.path, checks, board)


def _several(given: str | Path | Sequence[str | Path]) -> Sequence[str | Path]:
    return [given] if isinstance(given, str | Path) else given


def forms() -> dict[str, type[BaseModel]]:
    """Give the form of what each audit keeps."""
    found: dict[str, type[BaseModel]] = {}
    for part, audit in Registry(AUDITS).working():
        try:
            found[part.name] = audit.form
        except BaseException as error:  # noqa: BLE001 - of another package
            let_stop(error)
    return found


def _board(checks: Checks, plugins: Sequence[Path]) -> Board | None:
    """Compute the board, and name the rows that contradict others."""
    out = checks.out
    try:
        entries = out.read_entries()
    except OutputError:
        return None  # it is named already
    board = build_board(out.path, plugins=plugins)
    harmed = {damage.file.partition(".")[0] for damage in checks.damaged}
    sound = {e.cell for e in entries if f"cells/{e.cell}" not in harmed and _ran(out, e)}
    for line in (line for table in board.tables for line in table.missing):
        if line.status != "failed" or not sound.issuperset(line.cells):
            continue  # it failed, or what it failed by is named already
        for cell in line.cells:
            name = out.name(out.record_file(cell))
            remedy = f"remove {name} and run again"
            checks.found(name, f"{line.row} on {line.dataset}: {line.reason}", remedy)
    return board


def _ran(out: ResultsFolder, entry: Entry) -> bool:
    """Whether the cell of a place is of this place, and has come to figures."""
    try:
        record = out.record_of(entry)
    except OutputError:
        return False
    return record is not None and record.status == "ok"


def _forms_of(checks: Checks, board: Board | None) -> None:
    """Hold the leaderboards that were written against the one that the scores come to."""
    out = checks.out
    if board is not None and (absent := board.missing()):
        said = "; ".join(f"{', '.join(names)} of {who}" for who, names in absent.items())
        checks.notes.append(f"leaderboard.* are not compared without --plugin: {said}")
        return
    made = {} if board is None else contents(out, board)
    written = _written(out)
    # where not all can be read no leaderboard is what the scores come to, only what was written
    harmed = bool(checks.damaged)
    others = []
    for path in (
        *map(out.leaderboard_file, (*FORMATS, "parquet")),
        out.figures_file,
        *map(out.protocols_file, FIGURE_FORMATS),
    ):
        if not path.exists() or (made and path not in made):
            continue
        checks.checked["leaderboards"] += 1
        try:
            content = read_bytes(path, most=_MOST, below=out.path)
        except OSError as error:
            checks.found(path, error.strerror or str(error), BOARD_AGAIN)
            continue
        untouched = written.get(out.name(path)) == hashlib.sha256(content).hexdigest()
        if untouched and harmed:
            continue
        now = made[path]() if path in made else None
        if now is not None and _same(path, content, now):
            continue
        if untouched and now is not None:
            others.append((path, content, now))
        else:
            checks.found(path, _OTHER, BOARD_AGAIN)
    _of_another(checks, others)


def _of_another(checks: Checks, others: Sequence[tuple[Path, bytes, bytes]]) -> None:
    """Tell leaderboards that another dfbench wrote, in its words, from those of other figures.

    All of them are as they were written. The JSON is another one too where dfbench has changed,
    and its figures can be held against those of now.
    """
    json = [otherwise(found, now) for path, found, now in others if path.suffix == ".json"]
    if not json or None in json:
        for path, _, _ in others:
            checks.found(path, _OTHER, BOARD_AGAIN)
        return
    words = sorted({word for each in json for word in each or ()})
    but = f", but for {', '.join(words)}" if words else ""
    names = ", ".join(checks.out.name(path) for path, _, _ in others)
    checks.notes.append(
        f"written by another dfbench: {names}; the JSON states what the scores come to{but}"
        " (dfbench leaderboard DIR --write writes all anew)"
    )


def _same(path: Path, content: bytes, made: bytes) -> bool:
    """Whether a file is what it would be; other versions of pyarrow lay the same table out anew."""
    return content == made or (path.suffix == ".parquet" and same_table(content, made))


def _written(out: ResultsFolder) -> dict[str, str]:
    """Give the checksums of what the last command wrote, as far as they are known."""
    try:
        index = read_index(out)
    except OutputError:
        index = None
    return {} if index is None else {name: its.sha256 for name, its in index.files.items()}


def _models(checks: Checks) -> None:
    for path in sorted(checks.out.models.glob("*.dfb")):
        if path.is_symlink():
            continue  # named already
        checks.checked["models"] += 1
        try:
            told = read_model(path).contents
        except ModelFileError as error:
            checks.found(path, error.what, "run again with the same --out")
            continue
        record = checks.records.get(path.stem)
        if record is None:
            continue
        off = [key for key in _OF_MODEL if getattr(told, key) != getattr(record, key)]
        if off:
            said = ", ".join(key.replace("_", " ") for key in off)
            what = f"it is not the model of its record: they tell another {said}"
            checks.found(path, what, f"remove it and {_remedy(checks, record)}")


def _remedy(checks: Checks, record: Record) -> str:
    name = checks.out.name(checks.out.record_file(record.cell))
    return f"remove {name} and run again"


def _tuning(checks: Checks) -> None:
    """Hold what tuning is said to have come to against the scores of the tuning part."""
    for record in checks.records.values():
        tuning = record.tuning
        if record.status != "ok" or tuning is None or "tune" not in record.tables:
            continue
        if record.copies is not None:
            continue  # it was tuned on changed copies too, whose scores nobody keeps
        try:
            scores = checks.out.read_scores(record, "tune")
        except OutputError:
            continue  # it is named already
        for name, told in {
            tuning.tune_for: tuning.best_figure,
            "roc_auc": tuning.best_value,
        }.items():
            try:
                found = CRITERIA[name].figure(scores.labels, scores.probabilities, record.positive)
            except DataError:
                continue  # it cannot be told
            # fitted once more, after a run was killed, a model may order a few images otherwise
            if told is not None and abs(found - told) > _REFITTED + 1 / len(scores.images):
                what = (
                    f"{record.row} (seed {record.seed}): tuning came to a {TITLES[name]} of"
                    f" {told:.3f}, and the scores in it come to {found:.3f}"
                )
                file = checks.out.scores_file(record.cell, "tune")
                checks.found(file, what, _remedy(checks, record))


def _data(checks: Checks, dataset: Dataset) -> None:
    """Hold rows against the images of their data set."""
    out = checks.out
    try:
        known = out.read_entries()
    except OutputError:
        return
    entries = [entry for entry in known if entry.dataset == dataset.name]
    if not entries:
        names = ", ".join(dict.fromkeys(entry.dataset for entry in known))
        raise OutputError(
            f"no row is of {dataset.name!r}, so that no image can be checked",
            where=out.path,
            hint=f"it has rows of {names or 'nothing'}; NAME=DATA gives a data set its name there",
        )
    checks.checked["images"] += len(dataset.manifest)
    labels = dict(zip(dataset.manifest["path"], dataset.manifest["label"].tolist(), strict=True))
    for entry in entries:
        try:
            record = out.record_of(entry)
        except OutputError:
            continue
        if record is None or record.status != "ok":
            continue
        if record.fingerprint not in ("", _fingerprint(dataset, record)):
            checks.found(
                out.record_file(entry.cell),
                f"{_named(entry)} is of another state of {dataset.name}: fingerprint"
                f" {record.fingerprint}, now {dataset.fingerprint}",
                "mend the images, or run again",
            )
        elif record.classes == dataset.classes:
            _labels(checks, entry, record, labels)


def _fingerprint(dataset: Dataset, record: Record) -> str:
    """Give the fingerprint of a data set divided as that of a record was; empty where it cannot."""
    try:
        return divided_as(dataset, name_of(record.division)).fingerprint
    except DataError:
        return ""


def _labels(checks: Checks, entry: Entry, record: Record, labels: dict[str, Any]) -> None:
    """Hold the labels of the tables of a cell against those of the images."""
    parts: Iterable[Part] = record.tables or ("evaluate",)
    for part in parts:
        if part != "evaluate" and record.control == "shuffled labels":
            continue  # what it was tuned on has others
        try:
            scores = checks.out.read_scores(record, part)
        except OutputError:
            continue
        strange = sum(name not in labels for name in scores.images)
        true = np.array([labels.get(name, label) for name, label in _told(scores)], dtype=np.int64)
        off = int((true != scores.labels).sum())
        if strange or off:
            checks.found(
                checks.out.scores_file(record.cell, part),
                f"{_named(entry)}: {off:,} labels are not those of the images,"
                f" {strange:,} images are none of the data set",
                _remedy(checks, record),
            )


def _told(scores: Scores) -> zip[tuple[str, int]]:
    return zip(scores.images, scores.labels.tolist(), strict=True)


def _named(entry: Entry) -> str:
    return f"{entry.row} (seed {entry.seed})"
