"""The forms of the board, and the files written at the end of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dfbench.errors import unknown
from dfbench.files import unwritable, write_text
from dfbench.results.board.board import Board
from dfbench.results.board.build import build_board
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.render.csv import to_csv
from dfbench.results.render.html import to_html
from dfbench.results.render.json import to_json
from dfbench.results.render.latex import to_latex
from dfbench.results.render.long_form import write_figures
from dfbench.results.render.markdown import to_markdown

FORMATS: dict[str, Callable[[Board], str]] = {
    "md": to_markdown,
    "csv": to_csv,
    "json": to_json,
    "html": to_html,
    "tex": to_latex,
}
"""Format to what writes it; also the suffix of its file."""


def render(board: Board, form: str) -> str:
    """Write a board in one of `FORMATS`.

    Raises
    ------
    UnknownNameError
        Where there is no such format.
    """
    if form not in FORMATS:
        raise unknown("format", form, FORMATS)
    return FORMATS[form](board)


def render_all(path: Path, board: Board | None = None) -> Board:
    """Write ``leaderboard.{md,csv,json,html,tex}`` and the figures of protocols into a folder.

    Parameters
    ----------
    path
        The results folder.
    board
        The board, if it has been built already.

    Returns
    -------
    Board
        What was written.

    Raises
    ------
    OutputError
        Where ``path`` is no results folder, or cannot be written.
    """
    board = build_board(path) if board is None else board
    out = ResultsFolder(path)
    for form, write in FORMATS.items():
        try:
            write_text(out.leaderboard_file(form), write(board))
        except OSError as error:
            raise unwritable(path, error) from error
    write_figures(out, board.figures)
    return board
