"""The columns of the leaderboard: one list of entries, which tables, terminal and CSV walk.

A column whose values are computed from a `Line` is one more entry of `COLUMNS`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Literal

from dfbench.results.board import sentences
from dfbench.results.board.board import CHANCE, Added, Fit, Line, Own, Table
from dfbench.results.board.chosen import by_fit
from dfbench.results.document import wording
from dfbench.results.document.blocks import Cell, Column
from dfbench.results.document.cells import figure_cell, name_cell, number_cell
from dfbench.results.statistics.estimate import Estimate
from dfbench.results.statistics.metrics import ENTRIES, LOWER_IS_BETTER, MAIN, METRICS

Place = Literal["", "main", "more", "cost"]


_NONE = Estimate()


def _one(table: Table) -> Sequence[str]:
    return ("",)


def _empty(line: Line, part: str) -> Cell:
    return Cell("")


@dataclass(frozen=True, slots=True, kw_only=True)
class LineColumn:
    """A column of the leaderboard.

    Attributes
    ----------
    key
        What it is known by, a metric's by the name of the metric.
    title
        Its heading, which the part follows.
    place
        Its table: the leaderboard itself, "More figures", "Tuning and cost"; "" stands in none.
    cell
        Gives what stands there of a line and a part.
    parts
        Gives the parts that a table has a column for each of; none leaves it out.
    always
        Whether rows without figures have it too.
    text, rising, mark
        See `Column`.
    csv
        Field of the CSV file to what it has of a line.
    whole
        Whether that is a whole number, where there is one.
    short
        Heading in a terminal; what has none is not shown there.
    brief
        What a terminal says of a line, where that is not what the cell shows.
    estimate
        Gives the estimate, where it has intervals.
    """

    key: str
    title: str = ""
    place: Place = ""
    cell: Callable[[Line, str], Cell] = _empty
    parts: Callable[[Table], Sequence[str]] = _one
    always: bool = False
    text: bool = False
    rising: bool = False
    mark: float | None = None
    csv: Mapping[str, Callable[[Line], object]] = field(default_factory=dict)
    whole: bool = False
    short: str = ""
    brief: Callable[[Line], str] | None = None
    estimate: Callable[[Line], Estimate] | None = None

    def head(self, part: str = "") -> Column:
        """Give the heading of a part."""
        return Column(f"{self.title}{part}", text=self.text, rising=self.rising, mark=self.mark)

    def said(self, line: Line) -> str:
        """Give what a terminal says of a line."""
        return self.cell(line, "").shown if self.brief is None else self.brief(line)


def _stored(key: str, *, whole: bool = False) -> LineColumn:
    """Describe a fact of a line that stands in no table."""
    return LineColumn(key=key, csv={key: attrgetter(key)}, whole=whole)


def _of_parts(key: str) -> LineColumn:
    """Describe figures of parts of the images: an object, for each data set has its own."""

    def value(line: Line) -> str | None:
        found = {name: its.model_dump() for name, its in getattr(line, key).items()}
        return json.dumps(found, ensure_ascii=False) if found else None

    return LineColumn(key=key, csv={key: value})


def _of_fits(key: str, value: Callable[[Fit], Any]) -> LineColumn:
    """Describe what the cells of a line chose: an object by seed."""
    return LineColumn(key=key, csv={key: lambda line: by_fit(line, value)})


def _cost(
    key: str,
    title: str,
    shown: Callable[[Any], str],
    value: Callable[[Line], Any] | None = None,
    *,
    rising: bool = True,
    whole: bool = False,
    short: str = "",
) -> LineColumn:
    """Describe a number of "Tuning and cost"; `shown` words it."""
    get = attrgetter(key) if value is None else value

    def cell(line: Line, part: str) -> Cell:
        return Cell(shown(get(line)), get(line))

    return LineColumn(
        key=key,
        title=title,
        place="cost",
        cell=cell,
        rising=rising,
        short=short,
        csv={key: get},
        whole=whole,
    )


_SHORT = {each.name: each.short for each in ENTRIES}


def _metric(name: str, own: Own | None = None) -> LineColumn:
    """Describe a metric: in the leaderboard drawn, elsewhere only where there is a figure.

    One of somebody's own stands in the leaderboard, but nobody knows where its scale ends.
    """
    main = name in MAIN

    def estimate(line: Line) -> Estimate:
        return line.metrics.get(name, _NONE)

    def cell(line: Line, part: str) -> Cell:
        bold = line.best and name == "roc_auc"
        return figure_cell(estimate(line), bold=bold, drawn=main)

    def parts(table: Table) -> Sequence[str]:
        known = any(estimate(line).value is not None for line in table.measured)
        return ("",) if main or known else ()

    return LineColumn(
        key=name,
        title=wording.TITLES[name] if own is None else own.title,
        place="main" if main or own is not None else "more",
        cell=cell,
        parts=parts,
        rising=name in LOWER_IS_BETTER if own is None else own.lower_is_better,
        mark=CHANCE if name == "roc_auc" else None,
        csv={
            name: lambda line: estimate(line).value,
            f"{name}_low": lambda line: estimate(line).low,
            f"{name}_high": lambda line: estimate(line).high,
            f"{name}_spread": lambda line: estimate(line).spread,
        },
        short=_SHORT.get(name, "") if own is None else own.title,
        estimate=estimate,
    )


def _column(own: Own) -> LineColumn:
    """Describe a column of somebody's own; it is left out where no line has anything in it."""

    def value(line: Line) -> Added:
        return line.columns.get(own.name)

    def cell(line: Line, part: str) -> Cell:
        return Cell(_worded(value(line)), None if isinstance(its := value(line), bool) else its)

    def parts(table: Table) -> Sequence[str]:
        return ("",) if any(value(line) is not None for line in table.measured) else ()

    return LineColumn(
        key=own.name,
        title=own.title,
        place="main",
        cell=cell,
        parts=parts,
        csv={own.name: value},
        short=own.title,
    )


def _worded(value: Added) -> str:
    if value is None:
        return wording.GAP
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return wording.count(value)
    return f"{value:,.4g}" if isinstance(value, float) else value


def own_column(own: Own) -> LineColumn:
    """Describe a metric or a column of somebody's own."""
    return _metric(own.name, own) if own.kind == "metric" else _column(own)


def columns_of(own: Sequence[Own]) -> tuple[LineColumn, ...]:
    """Give all columns, those of somebody's own behind our figures in the leaderboard."""
    if not own:
        return COLUMNS
    figures = [n for n, its in enumerate(COLUMNS) if its.place == "main" and not its.always]
    at = 1 + figures[-1]
    return (*COLUMNS[:at], *map(own_column, own), *COLUMNS[at:])


def _copies(line: Line) -> str | None:
    its = line.copies
    return None if its is None else f"{its.of_each} of {', '.join(its.views)}"


def _classes(table: Table) -> Sequence[str]:
    return table.measured[0].classes if table.measured else ()


def _by_class(line: Line) -> str:
    values = (line.class_accuracy.get(name) for name in line.classes)
    return "/".join(wording.GAP if value is None else f"{100 * value:.0f}" for value in values)


def _parameters(line: Line) -> int | None:
    return None if line.n_parameters is None else line.n_parameters[0]


ROW = LineColumn(
    key="row",
    title="row",
    place="main",
    cell=lambda line, _: name_cell(
        line.row,
        control=line.control,
        bold=line.best,
        doubted=bool(line.warnings),
        mark=sentences.mark(line),
    ),
    always=True,
    text=True,
    rising=True,
    csv={"row": attrgetter("row")},
    short="row",
)
IMAGES_PER_SECOND = _cost(
    "predict_images_per_second", "images/s", wording.quantity, rising=False, short="img/s"
)
COLUMNS: tuple[LineColumn, ...] = (
    LineColumn(
        key="rank",
        title="rank",
        place="main",
        cell=lambda line, _: Cell(wording.rank(line.rank), line.rank),
        always=True,
        rising=True,
        csv={"rank": attrgetter("rank")},
        whole=True,
        short="#",
    ),
    ROW,
    LineColumn(
        key="seeds",
        title="seeds",
        place="main",
        cell=lambda line, _: (
            Cell(wording.GAP, 0)  # scores that were imported have none
            if line.kind == "imported"
            else Cell(", ".join(map(str, line.seeds)), len(line.seeds))
        ),
        always=True,
        rising=True,
        csv={"seeds": lambda line: " ".join(map(str, line.seeds))},
    ),
    *map(_metric, MAIN[:2]),
    LineColumn(
        key="class_accuracy",
        title="accuracy of ",
        place="main",
        cell=lambda line, name: number_cell(line.class_accuracy.get(name)),
        parts=_classes,
        # an object, for each data set has classes of its own
        csv={"class_accuracy": lambda line: json.dumps(line.class_accuracy, ensure_ascii=False)},
        short="by\nclass",
        brief=_by_class,
    ),
    *map(_metric, MAIN[2:]),
    LineColumn(
        key="reported",
        title=sentences.REPORTED,
        place="main",
        cell=lambda line, _: Cell(line.reported or wording.GAP, line.reported),
        parts=lambda table: ("",) if table.reported else (),
        always=True,
        text=True,
        rising=True,
        csv={"reported": attrgetter("reported")},
    ),
    LineColumn(
        key="trained_on",
        title="trained on",
        place="main",
        cell=lambda line, _: Cell(sentences.trained_on(line), sentences.trained_on(line)),
        parts=lambda table: ("",) if sentences.elsewhere(table) else (),
        always=True,
        text=True,
        rising=True,
        csv={
            "trained_on": lambda line: line.elsewhere and line.elsewhere.trained_on,
            "elsewhere": lambda line: line.elsewhere and line.elsewhere.source,
            "speaks_for": lambda line: line.elsewhere and line.elsewhere.speaks_for,
        },
    ),
    LineColumn(
        key="copies",
        csv={"copies": _copies},
    ),
    LineColumn(
        key="origin",
        title="from",
        place="main",
        cell=lambda line, _: Cell(line.origin or wording.GAP, line.origin),
        parts=lambda table: ("",) if any(line.origin for line in table.lines) else (),
        always=True,
        text=True,
        rising=True,
        csv={"origin": attrgetter("origin")},
    ),
    LineColumn(
        key="n_missing",
        csv={"n_missing": lambda line: line.elsewhere and line.elsewhere.n_missing},
        whole=True,
    ),
    *map(_metric, METRICS[len(MAIN) :]),
    IMAGES_PER_SECOND,
    LineColumn(
        key="pareto",
        title="Pareto",
        place="cost",
        cell=lambda line, _: Cell("\N{BULLET}" if line.pareto else "", float(line.pareto)),
        csv={"pareto": attrgetter("pareto")},
    ),
    _cost("fit_seconds", "fit s", wording.quantity, short="fit s"),
    _cost("tuning_seconds", "tuning s", wording.quantity, lambda x: x.tuning and x.tuning.seconds),
    _cost("trials", "trials", wording.count, lambda x: x.tuning and x.tuning.trials, whole=True),
    _cost("optimism", "optimism", wording.signed),
    _cost("default_roc_auc", "defaults", wording.figure, rising=False),
    _cost("n_features", "features", wording.count, whole=True, short="features"),
    LineColumn(
        key="n_parameters",
        title="parameters",
        place="cost",
        cell=lambda line, _: Cell(wording.parameters(line.n_parameters), _parameters(line)),
        rising=True,
        csv={"n_parameters": _parameters},
        whole=True,
    ),
    _cost("model_bytes", "model MB", wording.megabytes, whole=True),
    _cost("peak_bytes", "peak MB", wording.megabytes, whole=True),
    *map(_stored, ("dataset", "status", "reason", "split")),
    *(_stored(key, whole=True) for key in ("n_train", "n_test", "n_left_out")),
    *map(_stored, ("best", "p_best", "control", "positive", "threshold")),
    *(_of_parts(key) for key in ("by_class", "by_kind")),
    LineColumn(
        key="ensemble",
        csv={"ensemble": lambda line: line.ensemble and line.ensemble.model_dump_json()},
    ),
    _of_fits("thresholds", attrgetter("threshold")),
    _of_fits("temperatures", attrgetter("temperature")),
    _of_fits("weights", attrgetter("weights")),
    _of_fits("params", attrgetter("params")),
    _of_fits("block_weights", attrgetter("block_weights")),
    LineColumn(
        key="divided",
        csv={"divided": lambda line: "" if line.divided is None else line.divided.words},
    ),
    LineColumn(key="refit", csv={"refit": attrgetter("refit")}),
    LineColumn(key="warnings", csv={"warnings": lambda line: "; ".join(line.warnings)}),
)
"""All columns, in the order in which tables have them.

In the leaderboard those that rows without figures lack stand side by side: the reason stands there.
"""
