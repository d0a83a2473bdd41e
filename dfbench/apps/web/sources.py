"""From what was given on the command line to what the page offers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from dfbench.apps.web.shelf import Load, Shelf
from dfbench.apps.web.standings import Standings
from dfbench.detectors.archive import read
from dfbench.detectors.detector import load_model
from dfbench.detectors.kept import KeptModels
from dfbench.errors import DfbenchError


def opened(
    sources: Iterable[Path], roots: Mapping[str, Path], plugins: Sequence[Path] = ()
) -> tuple[Shelf, Standings]:
    """Open results folders and files of kept models.

    Parameters
    ----------
    sources
        Where they lie.
    roots
        Folders of images, see `Standings`.
    plugins
        Files with extractors of one's own.

    Returns
    -------
    Shelf
        The detectors, of a folder in the order of its boards; none is loaded yet.
    Standings
        The boards, and what model files tell of themselves.

    Raises
    ------
    DfbenchError
        Where one is neither, or cannot be read.
    """
    loads: list[tuple[str, Load]] = []
    results, files = [], []
    for path in sources:
        if path.is_dir():
            kept = KeptModels(path, plugins)
            results.append(kept.results)
            loads += _kept(kept)
        else:
            contents = read(path).contents
            files.append(contents)
            name = f"{contents.row} on {contents.dataset}"
            loads.append((name, partial(load_model, path, plugins=plugins)))
    _check_roots(roots)
    return Shelf(loads), Standings(results, files, roots)


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


def _check_roots(roots: Mapping[str, Path]) -> None:
    for name, root in roots.items():
        if not root.is_dir():
            raise DfbenchError(f"the images of {name}: no such folder", where=root)
