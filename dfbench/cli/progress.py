"""Shows how a run gets on: a live display in a terminal, lines now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from dfbench.benchmark.reporter import Left, Reporter, Running
from dfbench.cli.screen import lines_of
from dfbench.files import Progress as Callback
from dfbench.plain import cells as cells_of
from dfbench.plain import counted, filled, in_line, shortened
from dfbench.results.records.divisions import name_of
from dfbench.results.records.records import Record

_LINES = 8
"""Cells at work that a terminal shows, a line each."""
_NAMED = 2
"""Cells at work that a line elsewhere names."""
_QUIET, _QUIETEST = 15.0, 300.0
"""Seconds of silence before a line elsewhere says how far it is: at first, and at most."""


class ConsoleReporter(Reporter):
    """A reporter for a console; use it as a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = _Live(
            SpinnerColumn("line" if console.options.ascii_only else "dots"),
            _Name(),
            BarColumn(bar_width=14),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            _Left(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._cells: TaskID | None = None
        self._total = 0
        self._done = 0
        self._quiet = _QUIET
        self._said = time.monotonic()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def stage(self, text: str, of: str = "images") -> Callback:
        """Show a bar for a piece of work as soon as there is something to do."""
        task: list[TaskID] = []

        def progress(done: int, total: int) -> None:
            if total == 0:
                return
            if not task:
                task.append(self._live.add_task(in_line(text), total=total))
                if not self._console.is_terminal:
                    self.say(f"{text}: {counted(total, of.removesuffix('s'), of)}")
            elif done < total and self._silent():
                self._now(f"{text}: {done:,} of {total:,} {of}")
            self._live.update(task[0], completed=done, total=total, visible=done < total)

        return progress

    def say(self, text: str) -> None:
        """Print a line."""
        self._print(in_line(text))

    def note(self, text: str) -> None:
        """Print something the user should know."""
        self._print(f"note {in_line(text)}", marked=4)

    def cells(self, total: int, done: int) -> None:
        """Begin the bar of the cells."""
        self._total, self._done = total, done
        if total > done:
            self._cells = self._live.add_task("cells", total=total - done, left=None)

    def running(self, cells: list[Running], left: Left | None = None) -> None:
        """Show what is at work below the bar; elsewhere say it where nothing was said for long."""
        self._live.at_work = [_AtWork(in_line(each.name), in_line(each.how_far)) for each in cells]
        if self._cells is not None:
            self._live.update(self._cells, left=left)
        if cells and self._silent():
            named = [": ".join(filter(None, (each.name, each.how_far))) for each in cells]
            more = f"; and {len(cells) - _NAMED} more" if len(cells) > _NAMED else ""
            rest = "" if left is None else f"; {_worded(left)} left"
            said = f"{'; '.join(named[:_NAMED])}{more}{rest}"
            self._now(f"{self._count()} at work: {said}")

    def finished(self, record: Record) -> None:
        """Advance, and print a line: what ended, how, how long it took."""
        self._done += 1
        self._live.at_work = []
        if self._cells is not None:
            self._live.update(self._cells, advance=1, visible=self._done < self._total)
        if record.status == "ok":
            tuning = record.tuning
            value = tuning.best_value if tuning is not None else None
            tuned = "" if value is None else f"  tuning AUC {value:.3f}"
            end = f"{record.seconds:6.1f} s{tuned}"
        else:
            end = f"{record.status}: {record.reason}"
        row = ", ".join(filter(None, [record.row, record.variant, name_of(record.division)]))
        line = f"{self._count()} {filled(record.dataset, 16)} {filled(row, 26)} {end}"
        self._print(in_line(line))
        self._quiet = _QUIET

    def _count(self) -> str:
        return f"[{self._done}/{self._total}]".rjust(2 * len(str(self._total)) + 3)

    def _print(self, text: str, *, marked: int = 0) -> None:
        """Print a sentence; so many of its first characters are a mark."""
        for line in map(Text, lines_of(self._console, text)):
            line.stylize("yellow", 0, marked)
            self._console.print(line, soft_wrap=True)
            marked = 0
        self._said = time.monotonic()

    def _silent(self) -> bool:
        """Whether somebody who sees no display was told nothing for long."""
        return not self._console.is_terminal and time.monotonic() - self._said >= self._quiet

    def _now(self, text: str) -> None:
        """Say how far it is, and wait longer before it is said again."""
        self.say(text)
        self._quiet = min(2 * self._quiet, _QUIETEST)


class _Live(Progress):
    """The bars, and below them what is at work."""

    at_work: Sequence[RenderableType] = ()

    def get_renderables(self) -> Iterable[RenderableType]:
        yield self.make_tasks_table(self.tasks)
        yield from self.at_work[:_LINES]
        if len(self.at_work) > _LINES:
            yield Text(f"  and {len(self.at_work) - _LINES} more", style="dim")


@dataclass(frozen=True, slots=True)
class _Cut:
    """A name that is cut in its middle where there is less room."""

    text: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(shortened(self.text, options.max_width), no_wrap=True)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        wide = min(cells_of(self.text), options.max_width)
        return Measurement(min(16, wide), wide)


class _Name(ProgressColumn):
    """What is being done."""

    def render(self, task: Task) -> RenderableType:
        return _Cut(task.description)


class _Left(TimeRemainingColumn):
    """The time that is left, as the run estimates it, or by the speed of the bar."""

    max_refresh = 0.0  # what is told is shown

    def render(self, task: Task) -> Text:
        if "left" not in task.fields:
            return super().render(task)
        left = task.fields["left"]
        said = "-:--:--" if left is None else _clock(left)
        return Text(said, style="progress.remaining")


@dataclass(frozen=True, slots=True)
class _AtWork:
    """A cell at work: its name, cut where what it came to needs the room."""

    name: str
    said: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room, said = options.max_width - 4, self.said
        # the loss gives way first
        while ", " in said and cells_of(self.name) + cells_of(said) > room:
            said = said.rpartition(", ")[0]
        name = shortened(self.name, max(12, room - cells_of(said)))
        yield Text.assemble("  ", name, "  ", (said, "dim"), no_wrap=True, overflow="crop")


def _clock(left: Left) -> str:
    minutes, rest = divmod(round(left.seconds), 60)
    return f"{'>' if left.least else ''}{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _worded(left: Left) -> str:
    """Word a time as roughly as it is known: ``about 40 s``, ``at least 12 min``."""
    seconds = left.seconds
    if seconds < 90:
        said = f"{max(1, round(seconds, -1 if seconds > 10 else 0)):.0f} s"
    else:
        said = f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"
    return f"{'at least' if left.least else 'about'} {said}"
