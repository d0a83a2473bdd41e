"""Figures for a paper: drawn again from stored files, as wide as a column or both."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from dfbench.benchmark.pictures.base import Finished
from dfbench.errors import UnavailableError, let_stop, worded
from dfbench.files import check_writable, keep_text
from dfbench.registry import PICTURES, Registry
from dfbench.results.board.board import Board
from dfbench.results.board.document import Chapter, Standings, document
from dfbench.results.document.blocks import Section
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.render.tex import breakable, escape

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure that can be drawn.

    Attributes
    ----------
    name
        Of its files, without ending.
    caption
        What it shows.
    draw
        Makes it; None where there is nothing to draw.
    """

    name: str
    caption: str
    draw: Callable[[], Figure | None]


def drawings(
    out: ResultsFolder, board: Board, rows: Collection[str] = (), datasets: Collection[str] = ()
) -> list[Drawing]:
    """Give the figures of a board, and those of rows that stored files suffice for.

    Parameters
    ----------
    out, board
        The results.
    rows
        Whose figures are wanted.
    datasets
        On which data sets; on all where none is named.
    """
    found: dict[str, Drawing] = {}
    for each in (*_of_board(board, datasets), *_of_rows(out, board, rows, datasets)):
        name = _free(each.name, found)
        found[name] = Drawing(name, each.caption, each.draw)
    return list(found.values())


def _of_board(board: Board, datasets: Collection[str]) -> Iterator[Drawing]:
    for block in document(board):
        if isinstance(block, Chapter) and datasets and block.table.dataset not in datasets:
            continue
        parts: Iterable[object] = block.parts if isinstance(block, Chapter) else [block]
        for part in parts:
            section = part.section if isinstance(part, Standings) else part
            for chart in section.charts if isinstance(section, Section) else ():
                said = chart.caption
                if isinstance(block, Chapter) and block.table.dataset not in said:
                    said = f"{block.table.dataset}: {said}"
                yield Drawing(chart.name, said, chart.draw)


def _of_rows(
    out: ResultsFolder, board: Board, rows: Collection[str], datasets: Collection[str]
) -> Iterator[Drawing]:
    if not rows:
        return
    pictures = [part.load()() for part in Registry(PICTURES)]
    for line in board.lines:
        if line.row not in rows or (datasets and line.dataset not in datasets):
            continue
        for fit in line.fits:
            record = out.load_record(fit.cell)
            if record is None or record.status != "ok":
                continue
            which = [f"seed {fit.seed}"] if len(line.seeds) > 1 else []
            which += [fit.split] if fit.split else []
            of = "-".join([line.dataset, line.row, *which])
            its = "".join(f", {each}" for each in which)
            images = f"{record.n_test:,} {record.split} images"
            for picture in pictures:
                for name, draw in picture.of_files(Finished(out, record)).items():
                    caption = f"{line.row} on {line.dataset}{its}, {images}:"
                    yield Drawing(f"{name}-{of}", f"{caption} {picture.captions[name]}.", draw)


def _free(name: str, taken: Collection[str]) -> str:
    fit = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "figure"
    numbered = (f"{fit}-{n}" for n in count(2))
    return fit if fit not in taken else next(each for each in numbered if each not in taken)


def write(
    found: Sequence[Drawing], folder: Path, forms: Sequence[str], say: Callable[[str], None]
) -> list[Path]:
    r"""Draw figures into a folder, and ``figures.tex`` with an environment for each.

    Parameters
    ----------
    found
        Figures.
    folder
        Is made where it is not there.
    forms
        Of `dfbench.results.figures.base.FORMS`.
    say
        Is told what cannot be drawn.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    OutputError
        Where the folder cannot be written.
    """
    from dfbench.results.figures import base

    check_writable(folder)
    written: list[Path] = []
    environments = []
    for each in found:
        try:
            with base.for_paper():
                figure = each.draw()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the others are drawn
            let_stop(error)
            why = str(error) if isinstance(error, UnavailableError) else worded(error)
            say(f"{each.name} could not be drawn: {why}")
            continue
        if figure is None:
            continue
        column = figure.get_figwidth() <= base.COLUMN
        base.shrink(figure)
        for form in forms:
            path = folder / f"{each.name}.{form}"
            base.save(figure, path, dpi=300, form=form)
            written.append(path)
        environments.append(_environment(each, column=column))
    path = folder / "figures.tex"
    keep_text(path, "% In the preamble: \\usepackage{graphicx}\n\n" + "\n".join(environments))
    return [*written, path]


def _environment(of: Drawing, *, column: bool) -> str:
    said = f"{of.caption.removesuffix('.')}."
    kind, width = ("figure", r"\columnwidth") if column else ("figure*", r"\textwidth")
    return "\n".join(
        [
            rf"\begin{{{kind}}}[t]",
            r"\centering",
            rf"\includegraphics[width={width}]{{{of.name}}}",
            rf"\caption{{{breakable(escape(said))}}}",
            rf"\label{{fig:{of.name}}}",
            rf"\end{{{kind}}}",
            "",
        ]
    )
