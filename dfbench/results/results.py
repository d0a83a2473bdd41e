"""The results of a run as an object: its board, its frame, its scores, two rows compared."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from dfbench.errors import OutputError, ParameterError, unknown
from dfbench.files import Progress, at_home
from dfbench.plain import in_line
from dfbench.results.board.board import Board
from dfbench.results.board.comparison import Comparison, compare
from dfbench.results.board.keeping import Known, board_of
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.inventory import check_plain, write_index
from dfbench.results.records.records import Entry, Part, Record, Status
from dfbench.results.records.written import Written

if TYPE_CHECKING:
    import pandas as pd


_WIDTH = 80


@dataclass
class Results:
    """What a results folder holds.

    Attributes
    ----------
    folder
        Where it lies.
    ran
        Records of the cells of the run that gave this object; empty where it was loaded.
    notes
        What that run had to say: images left out, leaks, and the like.
    check
        Whether the board is computed, and written, also where nothing seems to have changed.
    plugins
        Files that bring metrics and columns.
    progress
        Called with the number of rows done and of all rows while the board is computed.
    """

    folder: Path
    ran: list[Record] = field(default_factory=list, repr=False)
    notes: list[str] = field(default_factory=list, repr=False)

    check: bool = field(default=False, repr=False)
    plugins: tuple[Path, ...] = field(default=(), repr=False)
    progress: Progress | None = field(default=None, repr=False)

    @cached_property
    def _known(self) -> Known:
        return board_of(self.folder, plugins=self.plugins, check=self.check, progress=self.progress)

    @property
    def board(self) -> Board:
        """The leaderboard, computed from the stored scores."""
        return self._known.board

    def models_changed(self) -> None:
        """Look again which trained models are kept."""
        board = replace(self.board, kept=self.kept_models())
        self._known = replace(self._known, board=board)

    def statuses(self) -> Counter[Status]:
        """Count the cells of the run by status; of loaded results the lines of the board."""
        return Counter(record.status for record in self.ran) if self.ran else self.board.counts()

    def not_kept(self) -> dict[str, list[str]]:
        """Give the rows of the run whose fitted models could not be kept, by the reason."""
        found: dict[str, list[str]] = {}
        for record in self.ran:
            if record.status == "ok" and record.not_kept:
                rows = found.setdefault(record.not_kept, [])
                name = f"{record.row} on {record.dataset}"
                rows += [] if name in rows else [name]
        return found

    def kept_models(self) -> dict[str, int]:
        """Give the bytes of each fitted model that is kept, by cell."""
        return ResultsFolder(self.folder).kept_models()

    def frame(self) -> pd.DataFrame:
        """Give the leaderboard as a table.

        Returns
        -------
        DataFrame
            A line a row and data set, in the order of the board; the columns of
            ``leaderboard.csv``: ``dataset``, ``row``, ``status``, ``reason``, for each metric its
            value, ``<metric>_low`` and ``<metric>_high`` (95 % interval) and ``<metric>_spread``
            (over seeds), ``rank``, ``fit_seconds`` and so on. What is not defined is NaN, in
            columns of whole numbers (dtype Int64: ranks, counts, bytes) ``<NA>``.
        """
        from dfbench.results.render.csv import to_frame

        return to_frame(self.board)

    def compare(
        self,
        row_a: str,
        row_b: str,
        data: str | Sequence[str] | None = None,
        metrics: str | Sequence[str] = (),
    ) -> Compared:
        """Compare two rows: which is better, by how much, whether that is chance.

        Parameters
        ----------
        row_a, row_b
            Names of rows.
        data
            Names of data sets; by default all.
        metrics
            Names of metrics to compare by, and no others; by default ROC AUC, with all others as
            secondary ones.

        Raises
        ------
        UnknownNameError
            For a row, a data set or a metric that there is not, with the nearest names.
        OutputError
            Where both rows are one.
        """
        chosen = [data] if isinstance(data, str) else list(data or ())
        asked = [metrics] if isinstance(metrics, str) else list(metrics)
        for name, what in (
            (row_a, "row_a"),
            (row_b, "row_b"),
            *((each, "data") for each in chosen),
            *((each, "metrics") for each in asked),
        ):
            _name(name, what)
        found = compare(self.folder, row_a, row_b, chosen, self.plugins, asked)
        return Compared(row_a, row_b, found)

    def scores(
        self,
        row: str,
        data: str | None = None,
        *,
        seed: int | None = None,
        part: Part = "evaluate",
    ) -> pd.DataFrame:
        """Give what a row said of each image.

        Parameters
        ----------
        row
            Its name.
        data
            Name of a data set; by default all that it was run on.
        seed
            By default all.
        part
            ``"evaluate"``: the images that the figures are from; ``"tune"``: those that choices
            were made on; ``"unlabelled"``: those of a test split without labels; ``"default"``:
            the first again, by the model with its default parameters.

        Returns
        -------
        DataFrame
            Columns ``dataset``, ``seed``, ``split`` (where the data set was divided several times,
            e.g. ``fold 1``), ``image``, ``label`` (name of the class; missing where
            there is none), ``group`` and ``kind`` (missing likewise), ``decision`` (name of a
            class; missing where a row from elsewhere decides nothing), and ``p_<class>`` for each
            class (float64; scores of rows from elsewhere that are no probabilities stand there as
            they are: the positive class has the score, the other its negative).

        Raises
        ------
        UnknownNameError
            For a row or a data set that there is not, with the nearest names.
        OutputError
            Where the row has no scores: it was skipped, failed, or has not run.
        """
        import pandas as pd

        if part not in get_args(Part):
            raise unknown("part", str(part), get_args(Part))
        _name(row, "row")
        if data is not None:
            _name(data, "data")
        folder = ResultsFolder(self.folder)
        found = [
            _scores_frame(folder, entry, part) for entry in self._entries(folder, row, data, seed)
        ]
        table: pd.DataFrame = pd.concat(found, ignore_index=True)
        return table

    def _entries(
        self, folder: ResultsFolder, row: str, data: str | None, seed: int | None
    ) -> list[Entry]:
        entries = folder.read_rows()
        for what, wanted, name in (("row", row, "row"), ("data set", data, "dataset")):
            known = {getattr(entry, name) for entry in entries}
            if wanted is not None and wanted not in known:
                raise unknown(what, wanted, known, where=self.folder)
        found = [each for each in entries if each.row == row and data in (None, each.dataset)]
        if not found:
            raise OutputError(f"the row {row!r} was not run on {data!r}", where=self.folder)
        if seed is not None and seed not in (seeds := [entry.seed for entry in found]):
            raise unknown("seed", str(seed), map(str, seeds), where=f"row {row!r}")
        return [entry for entry in found if seed in (None, entry.seed)]

    def protocols(self) -> pd.DataFrame:
        """Give the figures of protocols as a table.

        Returns
        -------
        DataFrame
            A line a figure; the columns of ``protocols.csv``: ``protocol``, ``row``, ``fitted_on``
            and ``fitted_part``, ``scored_on`` and ``scored_part`` (how images were changed, or
            which of them; empty for all as they are), ``metric``, ``value`` with ``low``, ``high``
            and ``spread``, ``n``, ``n_train``, and the ``reason`` where there is no value. Without
            lines where no protocol was asked for.
        """
        import pandas as pd

        from dfbench.results.board.report import ProtocolFigure

        lines = [figure.model_dump() for figure in self.board.figures]
        return pd.DataFrame(lines, columns=list(ProtocolFigure.model_fields))

    def figures(self) -> pd.DataFrame:
        """Give all figures in tidy form: one a line.

        Returns
        -------
        DataFrame
            The table of ``figures.csv`` and ``leaderboard.parquet``: ``dataset``, ``row``,
            ``seed`` (``<NA>``: the mean over seeds) and ``split``, ``part`` (``test``,
            ``kind=NAME``, ``robustness: jpeg=70``, ``cost``, ...), ``metric``, ``value`` with
            ``low``, ``high`` and ``spread``, and ``n``. See `dfbench.results.board.report.Figure`.
        """
        from dfbench.results.board.figures import figures_of
        from dfbench.results.render.tidy import to_frame

        return to_frame(figures_of(self.board))

    def pack(self, file: str | Path, *, models: bool = False) -> int:
        """Make one file of the folder, for somebody without the images: `dfbench pack`.

        Parameters
        ----------
        file
            To be written.
        models
            Whether the fitted models go along.

        Returns
        -------
        int
            Bytes of the file.

        Raises
        ------
        OutputError
            Where the file cannot be written, or a link lies in the folder.
        """
        from dfbench.results.records.packing import pack
        from dfbench.results.render.formats import FORMATS, render

        folder = ResultsFolder(self.folder)
        texts = {}
        if self.board.kept and not models:
            # a board that says nothing of models
            board = replace(self.board, kept={})
            there = {form: folder.leaderboard_file(form) for form in FORMATS}
            texts = {p.name: render(board, form) for form, p in there.items() if p.exists()}
        return pack(folder, Path(file).expanduser(), models=models, instead=texts)

    def write(self, *, report: bool = True) -> None:
        """Write the board into the folder in all forms, and the report with its pictures.

        Files that would be the same are not written again.

        Raises
        ------
        OutputError
            Where the folder cannot be written.
        """
        from dfbench.results.render.formats import render_all
        from dfbench.results.render.report import make_report

        folder = ResultsFolder(self.folder)
        check_plain(folder)
        written = Written(folder, self._known.name, anew=self.check)
        render_all(self.folder, self.board, written)
        if report:
            make_report(self.folder, self.board, written, measured=self._known.measured)
        written.keep()
        write_index(folder)

    def __repr__(self) -> str:
        try:
            counts = self.board.counts()
        except OutputError as error:
            return f"Results({str(self.folder)!r}): {error}"
        said = ", ".join(f"{n} {status}" for status, n in counts.items())
        names = [table.dataset for table in self.board.tables]
        what = f"{', '.join(names) or 'no data set'}: {said or 'no row'}"
        return f"Results({str(self.folder)!r}): {in_line(what)}"

    def _repr_html_(self) -> str:
        from dfbench.results.render.notebook import board_to_html

        return board_to_html(self.board)


@dataclass(frozen=True)
class Compared:
    """Two rows held against each other.

    Attributes
    ----------
    row_a, row_b
        Names of the rows.
    comparisons
        One a data set.
    """

    row_a: str
    row_b: str
    comparisons: list[Comparison] = field(repr=False)

    def frame(self) -> pd.DataFrame:
        """Give a line for each data set and metric.

        Returns
        -------
        DataFrame
            Columns ``dataset``, ``metric``, both rows' figures with their intervals, the
            ``difference`` (the first less the second) with its own (``low``, ``high``), the
            ``test`` and its ``p_value``, ``p_corrected`` after Holm, whether the rows are
            compared by it (``primary``), and ``better``,
            the row that is significantly better by it (None where none is).
        """
        import pandas as pd

        from dfbench.results.board.explanation import lines

        return pd.DataFrame(lines(self.comparisons, self.row_a, self.row_b))

    def __str__(self) -> str:
        from dfbench.results.board.explanation import sections

        found = sections(self.comparisons, self.row_a, self.row_b)
        said = [
            [in_line(each.title), *textwrap.wrap(in_line(" ".join(each.text)), _WIDTH)]
            for each in found
        ]
        return "\n\n".join("\n".join(lines) for lines in said)

    def _repr_html_(self) -> str:
        from dfbench.results.board.explanation import sections
        from dfbench.results.render.notebook import sections_to_html

        return sections_to_html(sections(self.comparisons, self.row_a, self.row_b))


def load_results(folder: str | Path, *, plugins: str | Path | Sequence[str | Path] = ()) -> Results:
    """Load the results that a run left in a folder.

    Parameters
    ----------
    folder
        What ``dfbench run --out`` or `dfbench.run` wrote.
    plugins
        Python files with metrics and columns.

    Raises
    ------
    OutputError
        Where it is no results folder.

    Examples
    --------
    >>> import dfbench
    >>> results = dfbench.load_results(folder)
    >>> results
    Results('...'): faces: 2 ok, 1 skipped
    """
    given = [plugins] if isinstance(plugins, str | Path) else list(plugins)
    results = Results(_path(folder), plugins=tuple(_path(each, "plugins") for each in given))
    ResultsFolder(results.folder).read_entries()
    return results


def _path(folder: Any, what: str = "folder") -> Path:
    if not isinstance(folder, str | Path) or "\0" in str(folder):
        raise ParameterError(
            f"a {'file' if what == 'plugins' else what}, not {folder!r}", where=what
        )
    return at_home(folder)


def _name(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise ParameterError(f"a name, not {value!r}", where=what)
    return value


def _scores_frame(folder: ResultsFolder, entry: Entry, part: Part) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    from dfbench.results.statistics.sample import decide

    record = folder.record_of(entry)
    if record is None or record.status != "ok":
        why = "not run yet" if record is None else f"{record.status}: {record.reason}"
        raise OutputError(f"the row {entry.row!r} has no scores: {why}", where=folder.path)
    if part == "unlabelled" and not record.n_unlabelled:
        raise OutputError(f"{entry.dataset!r} has no test images without a label")
    scores = folder.read_scores(record, part)
    names = [*record.classes, None]  # a label of -1 is none
    p = scores.probabilities
    said = decide(p, positive=record.positive, threshold=record.threshold)
    decides = record.elsewhere is None or record.elsewhere.decides
    n = len(scores.images)
    return pd.DataFrame(
        {
            "dataset": entry.dataset,
            "seed": entry.seed,
            **({} if entry.division is None else {"split": entry.division.short}),
            "image": scores.images,
            "label": [names[label] for label in scores.labels.tolist()],
            "group": scores.groups if scores.groups is not None else np.full(n, np.nan),
            "kind": [kind or None for kind in scores.kinds or ("",) * n],
            "decision": [names[label] if decides else None for label in said.tolist()],
            **{f"p_{name}": p[:, k] for k, name in enumerate(record.classes)},
        }
    )
