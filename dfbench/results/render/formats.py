"""The forms that a board is written in, and the files of a results folder that have them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from dfbench.errors import unknown
from dfbench.files import keep_text
from dfbench.results.board.board import Board
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.written import Written
from dfbench.results.render.csv import to_csv
from dfbench.results.render.html import to_html
from dfbench.results.render.json import to_json
from dfbench.results.render.latex import to_latex
from dfbench.results.render.long_form import FIGURE_FORMATS
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


def render_all(path: Path, board: Board, written: Written | None = None) -> Board:
    """Write ``leaderboard.*`` in each of `FORMATS`, and the figures of protocols, into a folder.

    Parameters
    ----------
    path
        The results folder.
    board
        Its board.
    written
        Leaves out what would be the same; by default all is written.

    Returns
    -------
    Board
        What was written.

    Raises
    ------
    OutputError
        Where the folder cannot be written.
    """
    out = ResultsFolder(path)
    written = written or Written(out)
    texts = {out.leaderboard_file(form): partial(write, board) for form, write in FORMATS.items()}
    if board.figures:
        for form, put in FIGURE_FORMATS.items():
            texts[out.protocols_file(form)] = partial(put, board.figures)
    for file, text in texts.items():
        written.write(file, partial(_put, file, text))
    return board


def _put(file: Path, text: Callable[[], str]) -> None:
    keep_text(file, text())
