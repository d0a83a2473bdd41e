"""The board for a terminal: the blocks that it has room for, what is to stay in sight last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from dfbench.results.board import sentences
from dfbench.results.board.board import Board
from dfbench.results.board.document import (
    Chapter,
    Leaderboard,
    Part,
    Reported,
    Standings,
    document,
)
from dfbench.results.document.blocks import (
    Legend,
    Paragraph,
    Reason,
    Reasons,
    Remark,
    Section,
)
from dfbench.results.render.terminal.fitting import words
from dfbench.results.render.terminal.leaderboard import LeaderboardView
from dfbench.results.render.terminal.section import SectionView
from dfbench.results.render.terminal.standings import StandingsView

_ORDER = (Chapter, Standings, Section, Legend)
"""Kinds of blocks that are shown, in this order: the table over all data sets stays in sight."""
_STYLES = {"Warning": "bold red", "Note": "yellow"}


@dataclass(frozen=True, slots=True)
class BoardView:
    """What prints a board: ``console.print(BoardView(board))``; nothing where it has no rows."""

    board: Board

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        blocks = document(self.board) if self.board.tables else []
        told: dict[str, str] = {}
        apart = True  # whether a blank line, or nothing, is above
        for block in (block for kind in _ORDER for block in blocks if isinstance(block, kind)):
            match block:
                case Chapter(_, parts):
                    yield ChapterView(block, dict(told))
                    yield ""
                    apart = True
                    for part in parts:
                        for reason in part.reasons if isinstance(part, Reasons) else ():
                            told.setdefault(reason.reason, block.title)
                case Standings(_, overall, datasets):
                    yield StandingsView(overall, datasets)
                    apart = False
                case Section() if _shown(block):
                    if not apart:
                        yield ""
                    yield SectionView(block)
                    yield ""
                    apart = True
                case Legend(_, short):
                    yield words(short, "dim")


@dataclass(frozen=True, slots=True)
class ChapterView:
    """The table of one data set with what belongs to it.

    ``told`` has the reasons that stand under a table above, with its data set.
    """

    chapter: Chapter
    told: Mapping[str, str] = field(default_factory=dict)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield words(self.chapter.title, "bold")
        for part in self.chapter.parts:
            yield from self._part(part)

    def _part(self, part: Part) -> RenderResult:
        match part:
            case Remark(kind, text):
                yield words(f"{kind}: {text}", _STYLES[kind])
            case Paragraph(text, short):
                yield words(short or text, "dim")
            case Leaderboard(_, table, seeds):
                if table.measured:
                    yield LeaderboardView(table, seeds)
            case Reported(by_row):
                yield words(f"{sentences.REPORTED}:", "dim")
                for row, figures in by_row.items():
                    yield Text.assemble("  ", words(row), words(f": {figures}", "dim"))
            case Reasons(reasons):
                yield from map(self._reason, reasons)
            case Section() if _shown(part):
                yield ""
                yield SectionView(part)
            case Section(title, brief=grid) if grid is not None:
                yield ""
                yield SectionView(Section(title, grids=(grid,)))

    def _reason(self, of: Reason) -> Text:
        style = "red" if of.status == "failed" else "yellow"
        above = self.told.get(of.reason)
        said = of.said if above is None else f"as on {above}"
        rows = words(f" {', '.join(of.rows)}: ")
        return Text.assemble((of.status, style), rows, words(said, "dim"))


def _shown(section: Section) -> bool:
    """Whether a section is not to wait for a form with more room."""
    return not (section.folded or section.secondary)
