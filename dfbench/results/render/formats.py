"""The forms that a board is written in, and the files of a results folder that have them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from dfbench.errors import unknown
from dfbench.files import keep_bytes
from dfbench.results.board.board import Board
from dfbench.results.board.figures import figures_of
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.written import Written
from dfbench.results.render import tidy
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
    """Write ``leaderboard.*``, all figures in tidy form and those of protocols into a folder.

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
    for file, content in contents(out, board).items():
        written.write(file, partial(_put, file, content))
    return board


def contents(out: ResultsFolder, board: Board) -> dict[Path, Callable[[], bytes]]:
    """Give each file of a board, and what makes its content."""
    found: dict[Path, Callable[[], bytes]] = {
        out.leaderboard_file(form): partial(_coded, write, board) for form, write in FORMATS.items()
    }
    figures = cache(partial(figures_of, board))
    found[out.leaderboard_file("parquet")] = lambda: tidy.to_parquet(figures())
    found[out.figures_file] = lambda: tidy.to_csv(figures()).encode()
    if board.figures:
        for form, put in FIGURE_FORMATS.items():
            found[out.protocols_file(form)] = partial(_coded, put, board.figures)
    return found


def _coded(write: Callable[[Any], str], of: Any) -> bytes:
    return write(of).encode()


def _put(file: Path, content: Callable[[], bytes]) -> None:
    keep_bytes(file, content())
