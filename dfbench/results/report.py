"""The report of a run: leaderboard and figures in one HTML file that loads nothing."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from dfbench.files import unwritable, write_text
from dfbench.results import wording
from dfbench.results.board import Board, Line, Table
from dfbench.results.page import SCRIPT, STYLE
from dfbench.results.render_html import escape, overall_section, table_section

_STYLE = """
figure { margin: .8rem 0; } figcaption { color: var(--soft); font-size: .9rem; }
figure img { max-width: 100%; height: auto; background: #fff; border-radius: 4px; }
summary span { color: var(--soft); margin-left: .6rem; font-variant-numeric: tabular-nums; }
.warnings { border-left: 4px solid var(--mark); padding: .2rem 1rem; background: var(--band); }
"""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"

_LARGE = 200_000
"""Bytes from which on a figure is embedded as JPEG; the PNG stays where it is."""

Figures = Mapping[str, Sequence[tuple[str, Path]]]
"""By cell: captions and PNG files."""


def write_report(out: Path, board: Board, overviews: Mapping[str, Path], figures: Figures) -> Path:
    """Write ``report.html`` into a results folder.

    Parameters
    ----------
    out
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
    path = out / "report.html"
    try:
        write_text(path, to_report(board, overviews, figures))
    except OSError as error:
        raise unwritable(out, error) from error
    return path


def to_report(board: Board, overviews: Mapping[str, Path], figures: Figures) -> str:
    """Write the report as text; see `write_report`."""
    seeds = board.several_seeds
    parts = ["<h1>Report</h1>", _warnings(board), f"<p>{escape(wording.RANKS)}</p>"]
    links = [f'<a href="#d{i}">{escape(t.dataset)}</a>' for i, t in enumerate(board.tables)]
    parts.append(f"<nav>{' '.join(links)}</nav>")
    if board.overall is not None:
        parts.append(overall_section(board.overall, [t.dataset for t in board.tables]))
    for index, table in enumerate(board.tables):
        parts.append(table_section(table, f"d{index}", seeds=seeds))
        overview = overviews.get(table.dataset)
        if overview is not None:
            parts.append(_figure(f"{table.dataset} at a glance", overview))
        for line in table.measured:
            parts += [
                _row(line, figures.get(cell, ()), seed if seeds else None)
                for seed, cell in zip(line.seeds, line.cells, strict=True)
            ]
    body = "\n".join(part for part in parts if part)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"/>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f"<title>dfbench report</title>\n<style>{STYLE}{_STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def _warnings(board: Board) -> str:
    """Gather what a reader must know before any figure."""
    items = [f"{table.dataset}: {text}" for table in board.tables for text in table.warnings]
    items += [f"{table.dataset}: {note}" for table in board.tables for note in table.notes]
    items += [f"{table.dataset}: {said}" for table in board.tables for said in _missing(table)]
    if not items:
        return ""
    listed = "".join(f"<li>{escape(item)}</li>" for item in items)
    return f'<div class="warnings"><ul>{listed}</ul></div>'


def _missing(table: Table) -> list[str]:
    return [str(reason) for reason in wording.reasons(table.missing)]


def _row(line: Line, figures: Sequence[tuple[str, Path]], seed: int | None) -> str:
    drawn = "".join(_figure(caption, path) for caption, path in figures)
    if not drawn:
        return ""
    auc = wording.figure(line.auc)
    name = escape(line.row if seed is None else f"{line.row} (seed {seed})")
    facts = [f"fit {wording.quantity(line.fit_seconds)} s"]
    if line.tuning is not None:
        n = line.tuning.trials
        facts.append(f"{n} trial{'s' if n > 1 else ''} in {line.tuning.seconds:.0f} s")
    if line.threshold is not None:
        facts.append(f"threshold {line.threshold:.3f} from the tuning split")
    return (
        f"<details><summary><b>{name}</b><span>ROC AUC {auc}</span></summary>\n"
        f"<p>{escape(', '.join(facts))}.</p>\n{drawn}</details>"
    )


def _figure(caption: str, path: Path) -> str:
    try:
        kind, content = _embedded(path)
    except OSError:
        return ""
    said = escape(caption)
    coded = base64.b64encode(content).decode("ascii")
    return (
        f'<figure><img loading="lazy" alt="{said}" src="data:image/{kind};base64,{coded}"/>'
        f"<figcaption>{said}</figcaption></figure>\n"
    )


def _embedded(path: Path) -> tuple[str, bytes]:
    """Give a PNG file as it is, or where it shows photographs as a JPEG of a tenth the size."""
    content = path.read_bytes()
    if len(content) <= _LARGE:
        return "png", content
    from PIL import Image

    smaller = io.BytesIO()
    with Image.open(io.BytesIO(content)) as image:
        image.convert("RGB").save(smaller, "JPEG", quality=80)
    return "jpeg", smaller.getvalue()
