"""Gathers the figures of a results folder into its report."""

from __future__ import annotations

from pathlib import Path

from dfbench.benchmark.execution.drawing import CAPTIONS, figure_path, overview_path
from dfbench.results.board.board import Board


def make_report(out: Path, board: Board) -> Path:
    """Write ``report.html`` with all figures that lie in a results folder, and give its path.

    Raises
    ------
    OutputError
        Where it cannot be written.
    """
    from dfbench.results.render.report import write_report

    overviews = {
        line.dataset: path
        for line in board.lines
        if line.fingerprint and (path := overview_path(out, line.fingerprint)).is_file()
    }
    figures = {
        cell: [
            (caption, path)
            for name, caption in CAPTIONS.items()
            if (path := figure_path(out, cell, name)).is_file()
        ]
        for line in board.lines
        for cell in line.cells
    }
    return write_report(out, board, overviews, figures)
