"""Adds to a board what protocols came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dfbench.results.board.board import Board
from dfbench.results.protocols import cross_dataset, robustness
from dfbench.results.protocols.reading import read_rows
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Entry


def with_protocols(board: Board, out: ResultsFolder, entries: Sequence[Entry]) -> Board:
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
    if not out.asked_file.is_file():
        return board
    figures = list(board.figures)
    sections = list(board.sections)
    pairs = cross_dataset.pairs_of(read_rows(out, entries, cross_dataset.KIND))
    if pairs:
        summaries = cross_dataset.summarise(pairs)
        sections += cross_dataset.sections(pairs, summaries)
        figures += cross_dataset.long_form(pairs, summaries)
    found = [robustness.measure(row) for row in read_rows(out, entries, robustness.KIND)]
    rows = [row for row in found if row is not None]
    figures += robustness.long_form(rows)
    tables = []
    for table in board.tables:
        own = [row for row in rows if row.dataset == table.dataset]
        more = [robustness.section(own)] if own else []
        tables.append(replace(table, sections=[*table.sections, *more]))
    return replace(board, tables=tables, sections=sections, figures=figures)
