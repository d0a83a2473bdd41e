"""Tables and sentences for the terminal, besides the leaderboard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from dfbench.benchmark.plan import Cell, Plan

_MARKS = {"to run": "run", "done": "done", "skipped": "skip", "failed": "fail"}


def plain_table(*columns: str, right: Sequence[str] = ()) -> Table:
    """Make a table without lines, for 80 columns."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left")
    return table


def run_summary(plan: Plan) -> str:
    """Say in a line how much a run is and how much of it is there."""
    names = {cell.dataset_name for cell in plan.cells}
    rows = {cell.row.name for cell in plan.cells}
    seeds = {cell.seed for cell in plan.cells}
    counts = Counter(cell.state for cell in plan.cells)
    parts = [
        f"{counts['to run']} to run",
        f"{counts['done']} done before",
        f"{counts['skipped']} skipped",
        f"{counts['failed']} failed",
    ]
    states = ", ".join(part for part in parts if not part.startswith("0 "))
    n_variants = sum(bool(cell.variant) for cell in plan.cells)
    variants = f", {n_variants} of them variants" if n_variants else ""
    return (
        f"{_count(len(names), 'data set')} x {_count(len(rows), 'row')} x "
        f"{_count(len(seeds), 'seed')}: {_count(len(plan.cells), 'cell')}{variants} ({states}); "
        f"at most {_count(plan.budget.trials, 'trial')} or {plan.budget.seconds:g} s of tuning each"
    )


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def plan_table(plan: Plan) -> list[RenderableType]:
    """Show a plan: a line a row, a column a data set, reasons below."""
    datasets = list(dict.fromkeys(cell.dataset_name for cell in plan.cells))
    table = plain_table("row", *datasets)
    by_row: dict[str, dict[str, list[Cell]]] = {}
    for cell in plan.cells:
        name = cell.variant or cell.row.name
        by_row.setdefault(name, {}).setdefault(cell.dataset_name, []).append(cell)
    for row, found in by_row.items():
        table.add_row(Text(row), *(_mark(found.get(name, [])) for name in datasets))
    reasons: dict[str, list[str]] = {}
    for cell in plan.cells:
        if cell.reason:
            words = (cell.dataset_name, cell.variant, cell.row.name)
            reasons.setdefault(cell.reason, []).append(" ".join(word for word in words if word))
    below = [Text(f"{_list(names)}: {reason}", style="yellow") for reason, names in reasons.items()]
    return [table, *below, Text(run_summary(plan))]


def _mark(cells: list[Cell]) -> Text:
    counts = Counter(_MARKS[cell.state] for cell in cells)
    several = len(cells) > 1
    return Text(", ".join(f"{n} {mark}" if several else mark for mark, n in counts.items()))


def _list(names: list[str], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
