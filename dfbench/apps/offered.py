"""What was given on the command line: detectors to choose among, and what is told of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dfbench.apps.shelf import Load, Shelf
from dfbench.detectors.archive import read
from dfbench.detectors.contents import Contents
from dfbench.detectors.detector import load_model
from dfbench.detectors.kept import AGAIN, KeptModels
from dfbench.errors import OutputError
from dfbench.results.results import Results


@dataclass(frozen=True)
class Offered:
    """Results folders and files of kept models that were opened.

    Attributes
    ----------
    shelf
        The detectors, of a folder in the order of its boards; none is loaded yet.
    results
        The folders.
    models
        What the files tell of themselves.
    """

    shelf: Shelf
    results: list[Results]
    models: list[Contents]


def offered(sources: Iterable[Path], plugins: Sequence[Path] = ()) -> Offered:
    """Open results folders and files of kept models.

    Parameters
    ----------
    sources
        Where they lie.
    plugins
        Files with extractors of one's own.

    Raises
    ------
    DfbenchError
        Where one is neither, or cannot be read.
    """
    loads: list[tuple[str, Load]] = []
    results, models = [], []
    for path in sources:
        if path.is_dir():
            kept = KeptModels(path, plugins)
            results.append(kept.results)
            loads += _kept(kept)
        else:
            contents = read(path).contents
            models.append(contents)
            name = f"{contents.row} on {contents.dataset}"
            loads.append((name, partial(load_model, path, plugins=plugins)))
    if results and not loads:
        raise OutputError(
            "no trained model was kept in it", where=results[0].folder, hint=AGAIN.format("ROW")
        )
    return Offered(Shelf(loads), results, models)


def _kept(models: KeptModels) -> Iterator[tuple[str, Load]]:
    """Give name and what loads it of each model in a results folder."""
    rows = models.rows()
    seeds = Counter((each.row, each.dataset) for each in rows)
    for each in rows:
        name = f"{each.row} on {each.dataset}"
        if seeds[each.row, each.dataset] > 1:
            name += f", seed {each.seed}"
        entry = models.entry(each.row, each.dataset, each.seed)
        yield name, partial(models.detector, entry)
