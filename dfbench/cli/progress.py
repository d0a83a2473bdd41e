"""Shows how a run gets on: a live display in a terminal, a line per finished cell elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from dfbench.benchmark.reporter import Reporter, Running
from dfbench.files import Progress as Callback
from dfbench.plain import in_line
from dfbench.results.records.divisions import name_of
from dfbench.results.records.records import Record

_WIDTH = 34


class ConsoleReporter(Reporter):
    """A reporter for a console; use it as a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Progress(
            SpinnerColumn("line" if console.options.ascii_only else "dots"),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=14),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._cells: TaskID | None = None
        self._trainings: dict[str, TaskID] = {}
        self._total = 0
        self._done = 0

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def stage(self, text: str, of: str = "images") -> Callback:
        """Show a bar for a piece of work as soon as there is something to do."""
        task: list[TaskID] = []

        def progress(done: int, total: int) -> None:
            if total == 0:
                return
            if not task:
                task.append(self._bars.add_task(_fit(text), total=total))
                if not self._console.is_terminal:
                    self.say(f"{text}: {total} {of}")
            self._bars.update(task[0], completed=done, total=total, visible=done < total)

        return progress

    def say(self, text: str) -> None:
        """Print a line."""
        self._console.print(Text(in_line(text)))

    def note(self, text: str) -> None:
        """Print something the user should know."""
        self._console.print(Text.assemble(("note", "yellow"), f" {in_line(text)}"))

    def cells(self, total: int, done: int) -> None:
        """Begin the bar of the cells."""
        self._total, self._done = total, done
        if total > done:
            self._cells = self._bars.add_task(_fit("cells"), total=total - done)

    def running(self, cells: list[Running]) -> None:
        """Show what is at work beside the bar, and a bar of its own for each training."""
        if self._cells is not None and cells:
            more = f" +{len(cells) - 1}" if len(cells) > 1 else ""
            self._bars.update(self._cells, description=_fit(cells[0].name, more))
        training = {cell.name: cell for cell in cells if cell.total}
        for name in [name for name in self._trainings if name not in training]:
            self._bars.remove_task(self._trainings.pop(name))
        for name, cell in training.items():
            task = self._trainings.get(name)
            if task is None:
                task = self._trainings[name] = self._bars.add_task("", total=cell.total)
            said = f"  {name.rpartition(' ')[2]} {cell.said}".rstrip()
            self._bars.update(task, description=_fit(said), completed=cell.done, total=cell.total)

    def finished(self, record: Record) -> None:
        """Advance, and print a line: what ended, how, how long it took."""
        self._done += 1
        if self._cells is not None:
            self._bars.advance(self._cells)
        left = f"[{self._done}/{self._total}]".rjust(2 * len(str(self._total)) + 3)
        if record.status == "ok":
            tuning = record.tuning
            value = tuning.best_value if tuning is not None else None
            tuned = "" if value is None else f"  tuning AUC {value:.3f}"
            end = f"{record.seconds:6.1f} s{tuned}"
        else:
            end = f"{record.status}: {record.reason}"
        row = ", ".join(filter(None, [record.row, record.variant, name_of(record.division)]))
        line = f"{left} {record.dataset:<16} {row:<26} {end}"
        self._console.print(Text(in_line(line)), soft_wrap=True)


def _fit(text: str, end: str = "") -> str:
    room, text = _WIDTH - len(end), in_line(text)
    short = text if len(text) <= room else text[: room - 1] + "…"
    return (short + end).ljust(_WIDTH)
