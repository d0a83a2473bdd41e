"""The report of a run: leaderboard and figures in one HTML file that loads nothing."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dfbench.errors import ImageError
from dfbench.files import unwritable, write_text
from dfbench.images import opened
from dfbench.registry import PICTURES, Registry
from dfbench.results.board.board import Board, Line, Table
from dfbench.results.document import wording
from dfbench.results.document.blocks import Chart
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.render.html import Pictures, to_html
from dfbench.results.render.page import escape

_LARGE = 200_000
"""Bytes from which on a figure is embedded as JPEG; the PNG stays where it is."""

Figures = Mapping[str, Sequence[tuple[str, Path]]]
"""By cell: captions and PNG files."""


def make_report(path: Path, board: Board) -> Path:
    """Write ``report.html`` with all pictures that lie in a results folder, and give its path.

    Raises
    ------
    OutputError
        Where it cannot be written.
    """
    return write_report(path, board, *stored_pictures(path, board))


def stored_pictures(path: Path, board: Board) -> tuple[Mapping[str, Path], Figures]:
    """Find the pictures that lie in a results folder: overviews by data set, figures by cell."""
    out = ResultsFolder(path)
    overviews = {
        line.dataset: file
        for line in board.lines
        if line.fingerprint and (file := out.overview_file(line.fingerprint)).is_file()
    }
    captions = _captions()
    figures = {
        cell: [
            (caption, file)
            for name, caption in captions.items()
            if (file := out.picture_file(cell, name)).is_file()
        ]
        for line in board.lines
        for cell in line.cells
    }
    return overviews, figures


def _captions() -> dict[str, str]:
    """Say what each picture of a cell shows, by the name of its file."""
    found: dict[str, str] = {}
    for picture in Registry(PICTURES).loadable().values():
        found |= picture.captions
    return found


def write_report(path: Path, board: Board, overviews: Mapping[str, Path], figures: Figures) -> Path:
    """Write ``report.html`` into a results folder, and its charts into ``figures/``.

    Parameters
    ----------
    path
        The folder.
    board
        Its board.
    overviews
        PNG file by data set. A file that cannot be read is left out, here and below.
    figures
        Of each cell.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OutputError
        Where it cannot be written.
    """
    out = ResultsFolder(path)
    pictures = Embedded(out, overviews, figures, seeds=board.several_seeds)
    try:
        write_text(out.report_file, to_html(board, title="Report", pictures=pictures))
    except OSError as error:
        raise unwritable(path, error) from error
    return out.report_file


@dataclass
class Embedded(Pictures):
    """Pictures of a results folder, inside the page; see `write_report`."""

    out: ResultsFolder
    overviews: Mapping[str, Path]
    figures: Figures
    seeds: bool = False
    drawn: set[str] = field(default_factory=set)

    def chart(self, chart: Chart) -> str:
        """Draw a chart, keep it as PNG and show it; a drawing that breaks costs no figure."""
        from dfbench.results.figures import base

        path = self.out.chart_file(base.file_name(chart.name, self.drawn))
        try:
            base.save(chart.draw(), path, dpi=_CHART_DPI)
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the report is written
            said = f"{chart.caption}: could not be drawn: {type(error).__name__}: {error}"
            return f'<p class="note">{escape(said)}</p>'
        return embedded(chart.caption, path)

    def dataset(self, table: Table) -> str:
        """Show the overview of a data set, folded."""
        path = self.overviews.get(table.dataset)
        shown = "" if path is None else embedded(f"{table.dataset} at a glance", path)
        return f"<details><summary>The images</summary>\n{shown}</details>" if shown else ""

    def line(self, line: Line) -> str:
        """Show the figures of a row's cells, folded."""
        cells = zip(line.seeds, line.cells, strict=True)
        return "".join(self._cell(line, cell, seed) for seed, cell in cells)

    def _cell(self, line: Line, cell: str, seed: int) -> str:
        drawn = "".join(embedded(caption, path) for caption, path in self.figures.get(cell, ()))
        if not drawn:
            return ""
        name = escape(f"{line.row} (seed {seed})" if self.seeds else line.row)
        facts = [f"fit {wording.quantity(line.fit_seconds)} s"]
        if line.tuning is not None:
            n = line.tuning.trials
            facts.append(f"{n} trial{'s' if n > 1 else ''} in {line.tuning.seconds:.0f} s")
        if line.threshold is not None:
            facts.append(f"threshold {line.threshold:.3f} from the tuning split")
        return (
            f"<details><summary><b>{name}</b><span>ROC AUC {wording.figure(line.auc)}</span>"
            f"</summary>\n<p>{escape(', '.join(facts))}.</p>\n{drawn}</details>"
        )


_CHART_DPI = 200
"""Twice what a page shows, so that lines and words are sharp on any screen."""


def embedded(caption: str, path: Path) -> str:
    """Show a PNG file inside a page; nothing where it cannot be read."""
    try:
        kind, content, width = _coded(path)
    except (OSError, ImageError):
        return ""
    said = escape(caption)
    coded = base64.b64encode(content).decode("ascii")
    return (
        f'<figure><img loading="lazy" alt="{said}" width="{width}"'
        f' src="data:image/{kind};base64,{coded}"/><figcaption>{said}</figcaption></figure>\n'
    )


def _coded(path: Path) -> tuple[str, bytes, int]:
    """Give a PNG file as it is, or where it shows photographs as a JPEG of a tenth the size.

    The third value is its width on a page, in CSS pixels.
    """
    content = path.read_bytes()
    with opened(content) as image:
        dpi = image.info.get("dpi", (100, 100))[0]
        width = round(image.width * 100 / dpi)
        if len(content) <= _LARGE or dpi > 150:
            return "png", content, width
        smaller = io.BytesIO()
        image.convert("RGB").save(smaller, "JPEG", quality=80)
    return "jpeg", smaller.getvalue(), width
