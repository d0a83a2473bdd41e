"""The report of a run: leaderboard and figures in one HTML file that loads nothing."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from dfbench.errors import ImageError
from dfbench.files import keep_text, unwritable
from dfbench.plain import counted
from dfbench.rasters.pillow import opened
from dfbench.rasters.png import plain
from dfbench.received.files import read_bytes
from dfbench.registry import PICTURES, Registry
from dfbench.results.board import sentences
from dfbench.results.board.board import Board, Fit, Line, Table
from dfbench.results.board.document import Chapter, Standings, document
from dfbench.results.document import wording
from dfbench.results.document.blocks import Chart, Section
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.written import Written
from dfbench.results.render.html import Pictures, to_html
from dfbench.results.render.page import escape

_LARGE = 200_000
"""Bytes from which on a figure is embedded as JPEG; the PNG stays where it is."""
_MOST, _MOST_PIXELS = 32 << 20, 40_000_000
"""Bytes and pixels of a figure: what is larger was drawn by others, and is left out."""


class Shown(NamedTuple):
    """A picture of a cell: its caption and its PNG file.

    ``drawing`` says whether a dark page shows it light on dark; ``images`` names what it shows.
    """

    caption: str
    path: Path
    drawing: bool = False
    images: Callable[[], Sequence[str]] = tuple


Figures = Mapping[str, Sequence[Shown]]
"""By cell."""


def make_report(
    path: Path, board: Board, written: Written | None = None, *, measured: str = ""
) -> Path:
    """Write ``report.html`` with all pictures that lie in a results folder, and give its path.

    Other parameters, and what is raised, are those of `write_report`.
    """
    found = stored_pictures(path, board)
    return write_report(path, board, *found, written, measured=measured)


def stored_pictures(path: Path, board: Board) -> tuple[Mapping[str, Path], Figures]:
    """Find the pictures that lie in a results folder: overviews by data set, figures by cell."""
    out = ResultsFolder(path)
    overviews = {
        line.dataset: file
        for line in board.lines
        if line.fingerprint and (file := out.overview_file(line.fingerprint)).is_file()
    }
    pictures = Registry(PICTURES).loadable().values()
    figures = {
        cell: [
            Shown(caption, file, of.drawing, partial(_images, of, out, cell))
            for of in pictures
            for name, caption in of.captions.items()
            if (file := out.picture_file(cell, name)).is_file()
        ]
        for line in board.lines
        for cell in line.cells
    }
    return overviews, figures


def _images(picture: Any, out: ResultsFolder, cell: str) -> Sequence[str]:
    """Name the images of a picture; none where that cannot be said."""
    try:
        record = out.load_record(cell)
        if record is None:
            return ()
        return list(map(str, picture.images(record, out.read_scores(record))))
    except Exception:  # noqa: BLE001 - whatever it is, the report is written
        return ()


def write_report(
    path: Path,
    board: Board,
    overviews: Mapping[str, Path],
    figures: Figures,
    written: Written | None = None,
    *,
    measured: str = "",
) -> Path:
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
    written
        Leaves out what would be the same; by default all is drawn and written.
    measured
        Name of what the charts show, for that.

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
    written = written or Written(out)
    charts = {out.chart_file(name): chart for name, chart in _named(_charts(board)).items()}
    faults: dict[str, str] = {}
    for file, chart in charts.items():
        written.write(file, partial(_draw, chart, file, faults), of=measured)
    drawn = [each for its in figures.values() for each in its]
    title = sentences.compared(board)
    pictures = Embedded(out, overviews, figures, faults, seeds=board.several_seeds)

    def write() -> bool:
        keep_text(out.report_file, to_html(board, title=title, pictures=pictures))
        return not faults

    files = (*charts, *overviews.values(), *(each.path for each in drawn))
    said = [title, *(each.caption for each in drawn)]
    written.write(out.report_file, write, said=said, shown=files)
    return out.report_file


def _charts(board: Board) -> Iterator[Chart]:
    """Give all charts, in the order in which the report shows them."""
    for block in document(board):
        parts: Iterable[object] = block.parts if isinstance(block, Chapter) else [block]
        for part in parts:
            section = part.section if isinstance(part, Standings) else part
            if isinstance(section, Section):
                yield from section.charts


def _named(charts: Iterable[Chart]) -> dict[str, Chart]:
    """Give each chart a name that is fit for a file, and no other's."""
    found: dict[str, Chart] = {}
    for chart in charts:
        found[_free(chart.name, found)] = chart
    return found


def _free(name: str, taken: Collection[str]) -> str:
    fit = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "chart"
    numbered = (f"{fit}-{n}" for n in count(2))
    return fit if fit not in taken else next(each for each in numbered if each not in taken)


def _draw(chart: Chart, path: Path, faults: dict[str, str]) -> bool:
    """Draw a chart and keep it as PNG; a drawing that breaks costs no figure."""
    from dfbench.results.figures import base

    try:
        base.save(chart.draw(), path, dpi=_CHART_DPI)
    except OSError as error:
        raise unwritable(path.parent, error) from error
    except Exception as error:  # noqa: BLE001 - whatever it is, the report is written
        faults[path.stem] = f"{type(error).__name__}: {error}"
        return False
    return True


@dataclass
class Embedded(Pictures):
    """Pictures of a results folder, inside the page; see `write_report`."""

    out: ResultsFolder
    overviews: Mapping[str, Path]
    figures: Figures
    faults: Mapping[str, str]
    seeds: bool = False
    shown: set[str] = field(default_factory=set)

    def chart(self, chart: Chart) -> str:
        """Show a chart that was drawn, or say why it was not."""
        name = _free(chart.name, self.shown)
        self.shown.add(name)
        if name in self.faults:
            said = f"{chart.caption}: could not be drawn: {self.faults[name]}"
            return f'<p class="note">{escape(said)}</p>'
        path = self.out.chart_file(name)
        return embedded(chart.caption, path, self.out.path, drawing=True)

    def dataset(self, table: Table) -> str:
        """Show the overview of a data set, folded."""
        path = self.overviews.get(table.dataset)
        shown = (
            "" if path is None else embedded(f"{table.dataset} at a glance", path, self.out.path)
        )
        return f"<details><summary>The images</summary>\n{shown}</details>" if shown else ""

    def line(self, line: Line) -> str:
        """Show the figures of a row's cells, folded: of several each with its own ROC AUC."""
        drawn = {fit.cell: self._drawn(fit.cell) for fit in line.fits}
        if not any(drawn.values()):
            return ""
        said = f"ROC AUC {wording.figure(line.auc)}"
        if len(line.fits) == 1:
            [fit] = line.fits
            name = f"{line.row} (seed {fit.name})" if self.seeds else line.row
            facts = _sentence([*_cost(line), *_threshold(line, fit)])
            return _folded(name, said, facts + drawn[fit.cell])
        inside = _sentence(_cost(line), of="on average ")
        for fit in line.fits:
            if drawn[fit.cell]:
                own = f"ROC AUC {wording.figure(fit.metrics.get('roc_auc'))}"
                shown = _sentence(_threshold(line, fit)) + drawn[fit.cell]
                inside += _folded(f"seed {fit.name}", own, shown)
        said += f" {wording.spread(line.metrics['roc_auc'])}".rstrip()
        return _folded(line.row, f"{said}, over {_runs(line)}", inside)

    def _drawn(self, cell: str) -> str:
        return "".join(
            embedded(
                each.caption, each.path, self.out.path, drawing=each.drawing, images=each.images()
            )
            for each in self.figures.get(cell, ())
        )


def _folded(name: str, said: str, inside: str) -> str:
    return (
        f'<details class="row"><summary><b>{escape(name)}</b><span>{escape(said)}</span></summary>'
        f"\n{inside}</details>"
    )


def _runs(line: Line) -> str:
    """Say over what a row's figure is."""
    seeds = f"{len(line.seeds)} seeds" if len(line.seeds) > 1 else ""
    over = "" if line.divided is None else line.divided.words
    return " and ".join(filter(None, [over, seeds])) or f"{len(line.fits)} runs"


def _cost(line: Line) -> list[str]:
    """Say what a row took, of several runs on average."""
    facts = [f"fit {wording.quantity(line.fit_seconds)} s"] if line.fit_seconds else []
    if line.tuning is not None:
        n = line.tuning.trials
        facts.append(f"{counted(n, 'trial')} in {wording.quantity(line.tuning.seconds)} s")
    return facts


def _threshold(line: Line, fit: Fit) -> list[str]:
    if fit.threshold is None:
        return []
    whence = "as was told" if line.kind == "imported" else "from the tuning split"
    return [f"threshold {wording.figure(fit.threshold)} {whence}"]


def _sentence(facts: Sequence[str], *, of: str = "") -> str:
    return f"<p>{of}{escape(', '.join(facts))}.</p>\n" if facts else ""


_CHART_DPI = 200
"""Twice what a page shows, so that lines and words are sharp on any screen."""


def embedded(
    caption: str,
    path: Path,
    below: Path | None = None,
    *,
    drawing: bool = False,
    images: Sequence[str] = (),
) -> str:
    """Show a PNG file inside a page; nothing where it cannot be read.

    Links are not followed from ``below`` on, by default the folder that the file lies in. What
    ``drawing`` and ``images`` are `Shown` tells.
    """
    try:
        kind, content, width = _coded(read_bytes(path, most=_MOST, below=below or path.parent))
    except (OSError, ImageError):
        return ""
    said = escape(caption)
    coded = base64.b64encode(content).decode("ascii")
    of = ' class="drawing"' if drawing else ""
    seen = escape(f"{caption}: {', '.join(images)}") if images else said
    listed = "".join(f"<li>{escape(name)}</li>" for name in images)
    names = f"<details><summary>files</summary><ol>{listed}</ol></details>" if images else ""
    return (
        f'<figure{of}><img loading="lazy" alt="{seen}" width="{width}"'
        f' src="data:image/{kind};base64,{coded}"/>'
        f"<figcaption>{said}{names}</figcaption></figure>\n"
    )


def _coded(content: bytes) -> tuple[str, bytes, int]:
    """Give a PNG file as it is, or where it shows photographs as a JPEG of a tenth the size.

    The third value is its width on a page, in CSS pixels.

    Raises
    ------
    ImageError
        If it is none, or larger than figures are.
    """
    found = plain(content)
    if found is None or not 0 < found.width * found.height <= _MOST_PIXELS:
        raise ImageError("no figure")
    dpi = found.dpi or 100
    width = round(found.width * 100 / dpi)
    if len(found.content) <= _LARGE or dpi > 150:
        return "png", found.content, width
    smaller = io.BytesIO()
    try:
        with opened(found.content) as image:
            image.convert("RGB").save(smaller, "JPEG", quality=80)
    except (OSError, ValueError, SyntaxError) as error:
        raise ImageError(f"no figure: {error}") from None
    return "jpeg", smaller.getvalue(), width
