"""The kept models of a results folder: found by row and data set, and each made to stand alone."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from dfbench.detectors.archive import Bundle, ModelFileError, read
from dfbench.detectors.card import card
from dfbench.detectors.contents import Combination, Contents, KeptExtractor, KeptModel
from dfbench.detectors.detector import Detector
from dfbench.detectors.keeping import REFERENCE, packed
from dfbench.detectors.part import extractor_of
from dfbench.errors import OutputError, unknown
from dfbench.files import at_home
from dfbench.received.arrays import arrays_of
from dfbench.results.board.board import Board, Line, Table
from dfbench.results.board.build import line_of, read_row
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.inventory import check_plain
from dfbench.results.records.records import Entry, Record
from dfbench.results.results import Results
from dfbench.results.statistics.estimate import Estimate

MOST_HELD = 256 << 20
"""Bytes of weights up to which a file brings along what everybody can get from its library."""
AGAIN = "the same dfbench run with --only '{}' --keep-models all fits it once more"


@dataclass(frozen=True)
class KeptRow:
    """A row of a results folder whose model is kept.

    Attributes
    ----------
    row, dataset
        Their names.
    seed
        Of the model.
    cell
        That it is of.
    size
        Of its files in bytes, those of members included.
    """

    row: str
    dataset: str
    seed: int
    cell: str
    size: int


class KeptModels:
    """The kept models of a results folder.

    Parameters
    ----------
    folder
        What ``dfbench run --out`` wrote.
    plugins
        Files with the functions of one's own that features are made by.

    Raises
    ------
    OutputError
        Where it is no results folder.
    """

    def __init__(self, folder: str | Path, plugins: Sequence[Path] = ()) -> None:
        self.results = Results(at_home(folder))
        self.plugins = list(plugins)
        self._folder = ResultsFolder(self.results.folder)
        check_plain(self._folder)
        self._entries = [entry for entry in self._folder.read_rows() if entry.is_first]

    @cached_property
    def board(self) -> Board:
        """The leaderboard."""
        return self.results.board

    def rows(self) -> list[KeptRow]:
        """List the rows whose models are kept, in the order of the board."""
        found = []
        for table in self.board.tables:
            for line in table.measured:
                entries = [
                    e for e in self._entries if (e.dataset, e.row) == (line.dataset, line.row)
                ]
                for entry in sorted(entries, key=lambda each: each.seed):
                    size = self._size(entry.cell)
                    if size:
                        row = KeptRow(entry.row, entry.dataset, entry.seed, entry.cell, size)
                        found.append(row)
        return found

    def best(self, dataset: str | None = None) -> Entry:
        """Give the row on top of the board of a data set.

        Raises
        ------
        OutputError
            If there are several data sets and none is named, no row has figures, or the model of
            that on top is not kept: which row's is, is told.
        """
        table = self._table(dataset)
        if not table.ranked:
            raise OutputError(f"no row has figures on {table.dataset!r}", where=self._folder.path)
        top = self.entry(table.ranked[0].row, table.dataset)
        if not self._size(top.cell):
            raise self._not_kept(top, table)
        return top

    def _not_kept(self, top: Entry, table: Table) -> OutputError:
        """Say that another row than that on top is to be asked, and which."""
        record = self._folder.record_of(top)
        why = record.not_kept if record is not None else ""
        lines = {line.row for line in table.ranked}
        kept = [r.row for r in self.rows() if r.dataset == table.dataset and r.row in lines]
        hint = f"--row {shlex.quote(kept[0])} asks the best row that is" if kept else ""
        return OutputError(
            f"the model of {top.row!r}, the row on top of {table.dataset!r}, was not kept"
            f"{f': {why}' if why else ''}",
            where=self._folder.path,
            hint=hint or (None if why else AGAIN.format(top.row)),
        )

    def entry(self, row: str, dataset: str | None = None, seed: int | None = None) -> Entry:
        """Find a row.

        Parameters
        ----------
        row
            Its name.
        dataset
            By default the only one that it was run on.
        seed
            By default the lowest.

        Raises
        ------
        UnknownNameError
            For a row, a data set or a seed that there is not.
        OutputError
            If it was run on several data sets and none is named.
        """
        where = self._folder.path
        names = {entry.dataset for entry in self._entries}
        if dataset is not None and dataset not in names:
            raise unknown("data set", dataset, names, where=where)
        of_row = [entry for entry in self._entries if entry.row == row]
        if not of_row:
            raise unknown("row", row, {entry.row for entry in self._entries}, where=where)
        found = [entry for entry in of_row if dataset in (None, entry.dataset)]
        if not found:
            raise OutputError(f"the row {row!r} was not run on {dataset!r}", where=where)
        several = sorted({entry.dataset for entry in found})
        if len(several) > 1:
            raise OutputError(
                f"the row {row!r} was run on several data sets",
                where=where,
                hint=f"name one: --data {' | '.join(several)}",
            )
        seeds = {entry.seed: entry for entry in found}
        if seed is None:
            seed = min(seeds)
        if seed not in seeds:
            raise unknown("seed", str(seed), map(str, seeds), where=f"row {row!r}")
        return seeds[seed]

    def bundle(self, entry: Entry) -> Bundle:
        """Give the model of a row as one that stands alone: backbones bring their weights along.

        Those of more than `MOST_HELD` bytes that a library has are named by their hash instead.

        Raises
        ------
        OutputError
            If the row has no figures, or its model was not kept.
        ModelFileError
            If what was kept is damaged.
        UnavailableError
            If the weights of a backbone are absent.
        """
        bundle = self._gathered(entry, whole=True)
        # loaded once, so that no file is written which cannot be
        rates = Detector(bundle, plugins=self.plugins).rates()
        return Bundle(bundle.contents, bundle.files, card(bundle.contents, rates))

    def detector(self, entry: Entry, *, device: str = "cpu") -> Detector:
        """Load the model of a row; frozen backbones take their weights from where they were.

        Errors are those of `bundle`.
        """
        bundle = self._gathered(entry, whole=False)
        return Detector(bundle, plugins=self.plugins, device=device)

    def _gathered(self, entry: Entry, *, whole: bool) -> Bundle:
        """Join a row with its members and what the board says, yet without a card."""
        record = self._record(entry)
        gathered = _Gathered(self._folder, self.plugins, whole)
        kept = self._read(record)
        node = gathered.add(entry.cell, kept)
        line, table = self._line(entry)
        contents = kept.contents.model_copy(
            update={
                "models": gathered.models,
                "members": [],
                "combination": None if isinstance(node, int) else node,
                # a derived row's members are of one data set, and it is told of them alone
                "seen": gathered.contents[0].seen,
                "normal": gathered.contents[0].normal,
                "reference": REFERENCE,
                "figures": self._figures(entry, line),
                "warnings": [*table.warnings, *_of_row(record), *_of_division(entry)],
            }
        )
        arrays = {**gathered.arrays, **self._tested(record)}
        return Bundle(contents, {**gathered.files, REFERENCE: packed(arrays)})

    def _record(self, entry: Entry) -> Record:
        record = self._folder.record_of(entry)
        if record is None or record.status != "ok":
            why = "it has not run yet" if record is None else f"{record.status}: {record.reason}"
            raise OutputError(f"the row {entry.row!r} has no model: {why}", where=self._folder.path)
        return record

    def _read(self, record: Record) -> Bundle:
        path = self._folder.model_file(record.cell)
        if not path.is_file():
            why = f": {record.not_kept}" if record.not_kept else ""
            raise OutputError(
                f"the model of {record.row!r} on {record.dataset!r} was not kept{why}",
                where=self._folder.path,
                hint=None if why else AGAIN.format(record.row),
            )
        return read(path)

    def _size(self, cell: str) -> int:
        """Bytes of what is kept of a cell and its members; 0 where something is missing."""
        files = [self._folder.model_file(each) for each in self._cells(cell)]
        return sum(path.stat().st_size for path in files) if all(map(Path.is_file, files)) else 0

    def _cells(self, cell: str) -> set[str]:
        """Give a cell and those that it is made of."""
        path = self._folder.model_file(cell)
        record = self._folder.load_record(cell)
        if record is None or record.kind != "derived" or not path.is_file():
            return {cell}
        return {cell}.union(*(self._cells(member) for member in read(path).contents.members))

    def _table(self, dataset: str | None) -> Table:
        tables = {table.dataset: table for table in self.board.tables}
        if dataset is not None and dataset not in tables:
            raise unknown("data set", dataset, tables, where=self._folder.path)
        if dataset is None and len(tables) > 1:
            raise OutputError(
                "there are several data sets",
                where=self._folder.path,
                hint=f"name one: --data {' | '.join(tables)}",
            )
        return tables[dataset] if dataset is not None else next(iter(tables.values()))

    def _line(self, entry: Entry) -> tuple[Line, Table]:
        table = self._table(entry.dataset)
        return next(line for line in table.lines if line.row == entry.row), table

    def _figures(self, entry: Entry, line: Line) -> dict[str, Estimate]:
        """Give the figures of this very model, where those of the board are means over seeds."""
        if len(line.cells) == 1:
            return line.metrics
        own = line_of(read_row(self._folder, [entry], []))
        assert own is not None  # its record is there
        return own.metrics

    def _tested(self, record: Record) -> dict[str, NDArray[Any]]:
        scores = self._folder.read_scores(record)
        arrays: dict[str, NDArray[Any]] = {
            "test.labels": scores.labels,
            "test.probabilities": scores.probabilities,
        }
        if scores.groups is not None:
            arrays["test.groups"] = scores.groups
        return arrays


@dataclass
class _Gathered:
    """The models of a row and of its members, with what they hold, brought into one.

    Attributes
    ----------
    models, contents
        Of each model, in their order.
    files, arrays
        By name.
    """

    folder: ResultsFolder
    plugins: list[Path]
    whole: bool
    models: list[KeptModel] = field(default_factory=list)
    contents: list[Contents] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    known: dict[str, int | Combination] = field(default_factory=dict)

    def add(self, cell: str, bundle: Bundle) -> int | Combination:
        """Add what was kept of a cell, and give its number or how it is made of others."""
        if cell not in self.known:
            self.known[cell] = self._add(bundle)
        return self.known[cell]

    def _add(self, bundle: Bundle) -> int | Combination:
        contents = bundle.contents
        if contents.combination is not None:
            of = [self.add(member, self._read(member)) for member in contents.members]
            return Combination(state=contents.combination.state, of=of)
        [kept] = contents.models
        number = len(self.models)
        files = {name: f"{number}.{its}" for name, its in kept.files.items()}
        self.files |= {its: bundle.files[kept.files[name]] for name, its in files.items()}
        extractors = [self._with_weights(each) for each in kept.extractors]
        self.models.append(kept.model_copy(update={"files": files, "extractors": extractors}))
        self.contents.append(contents)
        self._add_arrays(number, bundle)
        return number

    def _read(self, cell: str) -> Bundle:
        path = self.folder.model_file(cell)
        if not path.is_file():
            raise ModelFileError("a model that it is made of was not kept", where=path)
        return read(path)

    def _add_arrays(self, number: int, bundle: Bundle) -> None:
        for name, its in arrays_of(bundle.files[bundle.contents.reference]).items():
            if name == "0.typical":
                self.arrays[f"{number}.typical"] = its
            elif number == 0:
                self.arrays[name] = its

    def _with_weights(self, kept: KeptExtractor) -> KeptExtractor:
        """Bring along what an extractor loads from elsewhere."""
        if not self.whole:
            return kept
        content = extractor_of(kept, {}, self.plugins).held()
        if not content:
            return kept
        digest = hashlib.sha256(content).hexdigest()
        if len(content) > MOST_HELD and kept.params.get("weights") == "imagenet":
            return kept.model_copy(update={"loads": digest})
        name = f"{digest[:16]}.weights.safetensors"
        self.files[name] = content
        # where they were on this machine is nobody's business
        params = {key: value for key, value in kept.params.items() if key != "weights"}
        return kept.model_copy(update={"weights": name, "params": params})


def _of_division(entry: Entry) -> list[str]:
    """Say of which of several divisions a model is."""
    its = entry.division
    if its is None:
        return []
    return [
        f"it is the model of {its.name}: its error rates are of the images of that one, and the"
        f" leaderboard's figures are over all {its.kind}s"
    ]


def _of_row(record: Record) -> list[str]:
    if not record.control:
        return []
    return [f"this row is a control ({record.control}): it is no detector"]
