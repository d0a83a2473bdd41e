"""Tables and sentences for the terminal, besides the leaderboard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, JustifyMethod, RenderableType, RenderResult
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from dfbench.benchmark.planning.augmenting import Augmentation
from dfbench.benchmark.planning.cell import Cell
from dfbench.benchmark.planning.plan import Plan
from dfbench.cli.screen import lines_of
from dfbench.plain import in_line
from dfbench.results.records.subsets import Subset

_WIDE = 100_000
_MARKS = {"to run": "run", "done": "done", "skipped": "skip", "failed": "fail"}


def plain_table(*columns: str, right: Sequence[str] = ()) -> Table:
    """Make a table without lines, for 80 columns; where it is piped on each row is a line."""
    table = _Plain(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        side: JustifyMethod = "right" if column in right else "left"
        table.add_column(Text(in_line(column)), justify=side, overflow="fold")
    return table


class _Plain(Table):
    """A table that is as wide as it must be where nobody sees it."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not console.is_terminal:
            options = options.update(width=_WIDE)
        line: list[Segment] = []
        for segment in super().__rich_console__(console, options):
            if not isinstance(segment, Segment):
                yield segment
            elif segment.text == "\n":
                yield from _without_end(line)
                yield segment
                line = []
            else:
                line.append(segment)
        yield from line


def _without_end(line: list[Segment]) -> list[Segment]:
    """Leave out the blanks that a line ends with."""
    while line and not line[-1].text.rstrip(" "):
        line.pop()
    if line:
        line[-1] = Segment(line[-1].text.rstrip(" "), *line[-1][1:])
    return line


def plain_facts(console: Console, facts: Sequence[tuple[str, str]]) -> None:
    """Print what is known of something, each beside its name; a path stays whole."""
    wide = max(len(name) for name, _ in facts) + 2
    for name, text in facts:
        for line in lines_of(console, f"{name:<{wide}}{in_line(text)}", further=" " * wide):
            console.print(Text(line), soft_wrap=True)


def plain_row(table: Table, *cells: str, indent: int = 0) -> None:
    """Add a row to a table as it is written: a bracket in a name is no markup.

    ``indent`` is that of the first cell, in all of its lines.
    """
    first, *others = (Text(in_line(cell)) for cell in cells)
    table.add_row(Padding(first, (0, 0, 0, indent)), *others)


def run_summary(plan: Plan) -> str:
    """Say in a line how much a run is and how much of it is there."""
    names = {cell.dataset_name for cell in plan.cells}
    rows = {cell.row.name for cell in plan.cells}
    # the orders of shuffled labels are no seeds of the suite
    seeds = {cell.seed for cell in plan.cells if not cell.row.shuffled} or {0}
    cells = plan.counted
    counts = Counter(cell.state for cell in cells)
    parts = [
        f"{counts['to run']} to run",
        f"{counts['done']} done before",
        f"{counts['skipped']} skipped",
        f"{counts['failed']} failed",
    ]
    states = ", ".join(part for part in parts if not part.startswith("0 "))
    n_folds = sum(cell.subset.fold is not None for cell in cells)
    n_subsets = sum(bool(cell.subset.name) for cell in cells) - n_folds
    subsets = f", {n_subsets} of them variants" if n_subsets else ""
    subsets += f", {n_folds} of them folds of train" if n_folds else ""
    again = sum(cell.state == "done" and cell.fits for cell in plan.cells)
    if again:
        states += f"; {again} of those done taken up again"
    return (
        f"{_count(len(names), 'data set')} x {_count(len(rows), 'row')} x "
        f"{_count(len(seeds), 'seed')}{_divisions(plan)}: "
        f"{_count(len(cells), 'cell')}{subsets} ({states}); "
        f"at most {_count(plan.budget.trials, 'trial')} or {plan.budget.seconds:g} s of tuning each"
        + ("" if (its := plan.suite.tune_for) == "roc_auc" else f", by {its.replace('_', ' ')}")
        + (", then a fit on train and tuning part together" if plan.suite.refit else "")
    )


def _divisions(plan: Plan) -> str:
    """Say how often data sets are divided; nothing where once."""
    found = {cell.division[::2] for cell in plan.cells if cell.division is not None}
    said = [f"{of} {kind}s" for kind, of in sorted(found)]
    if any(cell.division is None for cell in plan.cells if cell.dataset is not None):
        said.insert(0, "1 division")
    return f" x {' or '.join(said)}" if found else ""


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def plan_table(plan: Plan) -> list[RenderableType]:
    """Show a plan: a line a row, a column a data set, reasons below."""
    datasets = list(dict.fromkeys(cell.dataset_name for cell in plan.cells))
    table = plain_table("row", *datasets)
    by_row: dict[str, dict[str, list[Cell]]] = {}
    for cell in plan.counted:
        name = _of_folds(cell.subset) or cell.subset.name or cell.row.name
        by_row.setdefault(name, {}).setdefault(cell.dataset_name, []).append(cell)
    for row, found in by_row.items():
        table.add_row(Text(in_line(row)), *(_mark(found.get(name, [])) for name in datasets))
    reasons: dict[str, list[str]] = {}
    for cell in plan.counted:
        if cell.reason:
            words = (cell.dataset_name, cell.subset.name, cell.row.name)
            reasons.setdefault(cell.reason, []).append(" ".join(word for word in words if word))
    for asked in plan.asked:
        if asked.reason:
            pair = f"{asked.protocol} {asked.dataset} -> {asked.scored_on}"
            if pair not in (pairs := reasons.setdefault(asked.reason, [])):
                pairs.append(pair)
    protocols = [Text(in_line(line)) for line in [*_copies(plan), *_evaluations(plan)]]
    said = [f"{_list(names)}: {reason}" for reason, names in reasons.items()]
    below = [Text(in_line(line), style="yellow") for line in said]
    return [table, *below, *protocols, Text(run_summary(plan))]


def _copies(plan: Plan) -> list[str]:
    """Say which rows are fitted on changed copies of images too."""
    found: dict[Augmentation, dict[str, None]] = {}
    for cell in plan.cells:
        if cell.row.augment is not None:
            found.setdefault(cell.row.augment, {})[cell.row.name] = None
    return [f"{_list([*rows])}: {its.said}" for its, rows in found.items()]


def _of_folds(subset: Subset) -> str:
    """Name the folds that one is of, which share a line; empty where it is none."""
    if subset.fold is None:
        return ""
    return ", ".join(filter(None, [subset.around.name, f"{subset.fold[1]} folds of train"]))


def _evaluations(plan: Plan) -> list[str]:
    """Say what fitted models are to score beside their own images."""
    lacking = {(cell.id, each.id) for cell in plan.cells for each in cell.evaluations}
    lines = []
    for protocol in dict.fromkeys(asked.protocol for asked in plan.asked):
        own = [asked for asked in plan.asked if asked.protocol == protocol and asked.probe]
        todo = sum((asked.cell, asked.probe) in lacking for asked in own)
        rows = len({asked.row for asked in own})
        changes = list(dict.fromkeys(asked.change for asked in own if asked.change))
        pairs = {(asked.dataset, asked.scored_on) for asked in own}
        what = f"{_count(len(changes), 'change')} ({_list(changes)})"
        what = what if changes else _count(len(pairs), "pair") + " of data sets"
        done = f", {len(own) - todo} scored before" if todo < len(own) else ""
        lines.append(f"{protocol}: {what} x {_count(rows, 'row')}: {todo} to score{done}")
    return lines


def _mark(cells: list[Cell]) -> Text:
    marks = [_MARKS[cell.state] for cell in cells]
    marks = [
        f"{mark} +{len(cell.evaluations)}" if cell.evaluations else mark
        for mark, cell in zip(marks, cells, strict=True)
    ]
    counts = Counter(marks)
    several = len(cells) > 1
    return Text(", ".join(f"{n} {mark}" if several else mark for mark, n in counts.items()))


def _list(names: list[str], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
