"""Gathers the figures of a results folder into its report."""

from __future__ import annotations

from pathlib import Path

from dfbench.benchmark.execution.drawing import CAPTIONS
from dfbench.results.board.board import Board
from dfbench.results.records.folder import ResultsFolder


def make_report(path: Path, board: Board) -> Path:
    """Write ``report.html`` with all figures that lie in a results folder, and give its path.

    Raises
    ------
    OutputError
        Where it cannot be written.
    """
    from dfbench.results.render.report import write_report

    out = ResultsFolder(path)
    overviews = {
        line.dataset: file
        for line in board.lines
        if line.fingerprint and (file := out.overview_file(line.fingerprint)).is_file()
    }
    figures = {
        cell: [
            (caption, file)
            for name, caption in CAPTIONS.items()
            if (file := out.picture_file(cell, name)).is_file()
        ]
        for line in board.lines
        for cell in line.cells
    }
    return write_report(path, board, overviews, figures)
