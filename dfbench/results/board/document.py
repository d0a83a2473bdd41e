"""The board as a document: one list of blocks, in the order in which every form writes them.

A form writes each kind of block in its own way, or leaves it out, and adds nothing to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dfbench.results.board import chosen, sections, sentences
from dfbench.results.board.board import Board, Line, Overall, Table, shortened
from dfbench.results.document.blocks import (
    Cell,
    Grid,
    Heading,
    Legend,
    Paragraph,
    Reasons,
    Remark,
    Section,
)


@dataclass(frozen=True, slots=True)
class Standings:
    """The rows over all data sets: a section, and what it is laid out from."""

    section: Section
    overall: Overall
    datasets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """The main table of a data set, and what it is laid out from."""

    grid: Grid
    table: Table
    seeds: bool


@dataclass(frozen=True, slots=True)
class Facts(Paragraph):
    """What the figures of a data set are from.

    ``shortest`` is what a terminal says that has room for the intervals of ROC AUC alone.
    """

    shortest: str = ""


@dataclass(frozen=True, slots=True)
class Reported:
    """What the sources of rows published, for forms whose leaderboard has no column for it."""

    by_row: dict[str, str]


@dataclass(frozen=True, slots=True)
class Overview:
    """The place of a picture of the data set."""

    table: Table


@dataclass(frozen=True, slots=True)
class RowPictures:
    """The place of pictures of each row."""

    lines: tuple[Line, ...]


Part = Paragraph | Remark | Leaderboard | Reported | Reasons | Overview | Section | RowPictures


@dataclass(frozen=True, slots=True)
class Chapter:
    """All that is said of one data set."""

    table: Table
    parts: tuple[Part, ...]

    @property
    def title(self) -> str:
        """Its heading."""
        return self.table.dataset


Block = Heading | Paragraph | Standings | Chapter | Section


def document(board: Board, title: str = "Leaderboard") -> list[Block]:
    """Put all blocks of a board into their order."""
    blocks: list[Block] = [Heading(title)]
    if any(table.measured for table in board.tables):
        blocks.append(Legend(sentences.ranks(board.tables), short=sentences.RANKS_IN_SHORT))
    if not board.tables:
        blocks.append(Paragraph(sentences.NOTHING))
    if board.overall is not None:
        datasets = tuple(table.dataset for table in board.tables)
        section = sections.over_all(board.overall, datasets)
        blocks.append(Standings(section, board.overall, datasets))
    blocks += [_chapter(table, seeds=board.several_seeds) for table in board.tables]
    blocks += board.sections
    if (own := sections.own(board)) is not None:
        blocks.append(own)
    if board.kept:
        blocks.append(sections.use(board))
    if board.tables:
        blocks.append(sections.origin(board))
    names = shortened(board.lines)
    return [_named(block, names) for block in blocks] if names else blocks


def _named(block: Any, names: Mapping[str, str]) -> Any:
    """Show in all tables the names of rows as they are shortened."""
    match block:
        case Chapter():
            return replace(block, parts=tuple(_named(part, names) for part in block.parts))
        case Standings():
            return replace(block, section=_named(block.section, names))
        case Section():
            return replace(block, grids=tuple(_named(grid, names) for grid in block.grids))
        case Leaderboard():
            return replace(block, grid=_named(block.grid, names))
        case Grid():
            blocks = tuple(
                tuple(tuple(_cell(cell, names) for cell in row) for row in rows)
                for rows in block.blocks
            )
            return replace(block, blocks=blocks)
    return block


def _cell(cell: Cell, names: Mapping[str, str]) -> Cell:
    if cell.row not in names:
        return cell
    return replace(cell, shown=cell.shown.replace(cell.row, names[cell.row]))


def _chapter(table: Table, *, seeds: bool) -> Chapter:
    parts: list[Part] = [Remark("Warning", text) for text in table.warnings]
    if about := sentences.about(table):
        parts.append(Facts(f"{about}.", about, sentences.about(table, others=False)))
    parts += [Remark("Note", text) for text in table.notes]
    parts.append(Leaderboard(sections.leaderboard(table, seeds=seeds), table, seeds))
    parts += [Paragraph(text) for text in sentences.controls(table)]
    parts += [Paragraph(text) for text in sentences.elsewhere(table)]
    parts += [Paragraph(text) for text in sentences.with_copies(table.measured)]
    parts += [Paragraph(text) for text in sentences.origins(table)]
    if table.reported:
        parts.append(Reported(table.reported))
    if reasons := sentences.reasons(table.missing, seeds=seeds):
        parts.append(Reasons(tuple(reasons)))
    parts += [Overview(table), *table.sections]
    if table.measured:
        parts.append(sections.pareto_front(table))
        parts += [sections.more_figures(table), sections.tuning_and_cost(table)]
        parts += filter(None, [chosen.section(table, seeds=seeds), chosen.block_weights(table)])
    return Chapter(table, (*parts, RowPictures(tuple(table.measured))))
