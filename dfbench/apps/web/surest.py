"""Which images a row was surest about, right and wrong, by name or with the images themselves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dfbench.apps.web.held import MOST_BYTES, examined
from dfbench.apps.web.shown import inline
from dfbench.apps.web.words import escape
from dfbench.errors import DfbenchError
from dfbench.images import contents, decode, small
from dfbench.results.records.folder import ResultsFolder

if TYPE_CHECKING:
    from dfbench.results.board.board import Line

_LONGEST = 240


def surest(folder: Path, line: Line, root: Path | None) -> str:
    """Show the surest right and wrong verdicts of a row's first seed.

    Parameters
    ----------
    folder
        Of the results.
    line
        The row.
    root
        Folder of the images; without one they are named only.
    """
    from dfbench.benchmark.pictures.base import Finished
    from dfbench.benchmark.pictures.examples import surest as places

    out = ResultsFolder(folder)
    record = out.load_record(line.cells[0]) if line.cells else None
    if record is None or record.status != "ok":
        return ""
    if record.elsewhere is not None and not record.elsewhere.decides:
        return ""
    cell = Finished(out, record)
    rows, shown = places(cell)
    each = list(zip(rows, shown["true"], shown["predicted"], shown["confidence"], strict=True))
    found = []
    for title, right in (("Surest and right", True), ("Surest and wrong", False)):
        items = [
            _item(
                cell.scores.images[place],
                f"{record.classes[true]}, called {record.classes[decided]} ({sure:.3f})",
                root,
            )
            for place, true, decided, sure in each
            if (true == decided) == right
        ]
        inside = "".join(items) or "<li>none</li>"
        found.append(f'<h3>{title}</h3><ul class="df-images">{inside}</ul>')
    return "".join(found)


def _item(name: str, said: str, root: Path | None) -> str:
    address = None if root is None else _thumbnail(root, name)
    image = f'<img alt="{escape(said)}" src="{address}">' if address else ""
    return f"<li>{image}<span>{escape(said)}</span> <small>{escape(name)}</small></li>"


def _thumbnail(root: Path, name: str) -> str | None:
    """Give an image of the data set, small; None for what is none or lies elsewhere."""
    path = (root / name).resolve()
    try:
        if not path.is_relative_to(root.resolve()):
            return None
        data = contents(path, most=MOST_BYTES)
        examined(data)
        return inline(small(decode(data), _LONGEST))
    except (OSError, DfbenchError):
        return None
