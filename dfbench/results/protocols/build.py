"""Adds to a board what protocols came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dfbench.results.board import Board
from dfbench.results.probes import asked_path
from dfbench.results.protocols import cross, robust
from dfbench.results.protocols.reading import read_rows
from dfbench.results.records import Entry


def with_protocols(board: Board, out: Path, entries: Sequence[Entry]) -> Board:
    """Add the sections and figures of protocols; a board without them stays as it is.

    Parameters
    ----------
    board
        Of the results folder.
    out
        The results folder.
    entries
        Its places on the board.

    Raises
    ------
    OutputError
        Where the list of what was asked for is broken.
    """
    if not asked_path(out).is_file():
        return board
    figures = list(board.figures)
    sections = list(board.sections)
    pairs = cross.pairs_of(read_rows(out, entries, cross.KIND))
    if pairs:
        summaries = cross.summarise(pairs)
        sections += cross.sections(pairs, summaries)
        figures += cross.long_form(pairs, summaries)
    found = [robust.measure(row) for row in read_rows(out, entries, robust.KIND)]
    rows = [row for row in found if row is not None]
    figures += robust.long_form(rows)
    tables = []
    for table in board.tables:
        own = [row for row in rows if row.dataset == table.dataset]
        more = [robust.section(own)] if own else []
        tables.append(replace(table, sections=[*table.sections, *more]))
    return replace(board, tables=tables, sections=sections, figures=figures)
