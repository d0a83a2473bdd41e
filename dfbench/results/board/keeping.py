"""The board of a results folder, computed where it is not known already.

What it came to is kept beside the scores as plain JSON, with the state of the files that it was
computed from. It is a shortcut and no source: removed, or in doubt, the board is computed anew.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from dfbench.errors import OutputError
from dfbench.files import Progress, digest, keep_text
from dfbench.received.files import read_bytes
from dfbench.registry import AUDITS, PROTOCOLS, Registry
from dfbench.results.board.added import Additions, additions_of
from dfbench.results.board.board import Board
from dfbench.results.document.blocks import Chart
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.sealed import MOST
from dfbench.results.records.state import State, read_state

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Known:
    """A board, and what tells it from others.

    Attributes
    ----------
    board
        With the commands and the trained models that the folder has now.
    measured
        Name of all that was computed of scores; empty where parts of other packages report, of
        which nobody knows what they look at.
    """

    board: Board
    measured: str = ""

    @property
    def name(self) -> str:
        """Name of the whole board; empty likewise."""
        if not self.measured:
            return ""
        runs = [run.model_dump(mode="json") for run in self.board.runs]
        return digest([self.measured, runs, self.board.kept])


def board_of(
    path: Path,
    *,
    plugins: Sequence[Path] = (),
    check: bool = False,
    progress: Progress | None = None,
) -> Known:
    """Give the board of a results folder.

    Parameters
    ----------
    path
        A results folder.
    plugins
        Files that bring metrics and columns.
    check
        Whether it is computed in any case.
    progress
        As for `dfbench.results.board.build.build_board`.

    Raises
    ------
    OutputError
        Where ``path`` is no results folder.
    PluginError
        If a file cannot be loaded, or a name is taken.
    """
    out = ResultsFolder(path)
    added = additions_of(plugins)
    audits = Registry(AUDITS)
    told = all(part.built_in for part in (*audits, *Registry(PROTOCOLS)))
    found = _kept(out, audits.names(), added) if told and not check else None
    if found is None:
        found = _computed(out, audits.names(), added, progress, keep=told)
    return replace(
        found,
        board=replace(found.board, runs=out.read_provenance(), kept=out.kept_models()),
    )


def _computed(
    out: ResultsFolder,
    audits: Sequence[str],
    added: Additions,
    progress: Progress | None,
    *,
    keep: bool,
) -> Known:
    from dfbench.results.board.build import measure_board

    state = State.of(out, audits, added.name)
    keep = keep and not out.board_file.parent.is_symlink()
    board, whole = measure_board(out, progress, added)
    if keep and not whole:
        # what cannot be read now may be so the next time, and what was kept is in doubt
        with contextlib.suppress(OSError):
            out.state_file.unlink()
    if not keep or not whole:
        return Known(board)
    text = _form().dump_json(board)
    state = state.model_copy(
        update={"sums": dict(out.sums), "board": hashlib.sha256(text).hexdigest()},
    )
    # what would be read otherwise than it is, is not kept
    with contextlib.suppress(OutputError, ValidationError):
        if _form().validate_json(text, context={"again": _Charts(out, added)}) == board:
            keep_text(out.board_file, text.decode())
            state.keep(out)
            return Known(board, state.name)
    return Known(board)


def _kept(out: ResultsFolder, audits: Sequence[str], added: Additions) -> Known | None:
    """Read the board that is kept, where it is of the files as they are."""
    state = read_state(out)
    if state is None or not state.holds(out, audits, added.name):
        return None
    try:
        text = read_bytes(out.board_file, most=MOST, below=out.path)
        if hashlib.sha256(text).hexdigest() != state.board:
            return None
        board = _form().validate_json(text, context={"again": _Charts(out, added)})
    except (OSError, ValidationError):
        return None
    return Known(board, state.name)


@functools.cache
def _form() -> TypeAdapter[Board]:
    return TypeAdapter(Board)


@dataclass
class _Charts:
    """Gives the charts of a kept board, whose data it does not have, in their order."""

    out: ResultsFolder
    added: Additions
    given: int = 0
    computed: list[Chart] = field(default_factory=list)

    def __call__(self, caption: str, name: str) -> Chart:
        """Give the next chart; to draw it the board is computed, once for all charts."""
        place = self.given
        self.given += 1
        return Chart(caption, name, lambda: self._draw(place, name))

    def _draw(self, place: int, name: str) -> Figure:
        from dfbench.results.board.build import measure_board

        if not self.computed:
            self.computed = list(_charts(measure_board(self.out, None, self.added)[0]))
        chart = self.computed[place] if place < len(self.computed) else None
        if chart is None or chart.name != name:
            raise OutputError("the scores have changed meanwhile", where=self.out.path)
        return chart.draw()


def _charts(board: Board) -> Iterator[Chart]:
    """Give the charts in the order in which they are read."""
    for sections in (*(table.sections for table in board.tables), board.sections):
        for section in sections:
            yield from section.charts
