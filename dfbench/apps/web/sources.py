"""From what was given on the command line to what the page offers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from dfbench.apps.web.shelf import Load, Shelf
from dfbench.apps.web.standings import Standings
from dfbench.detectors.archive import read
from dfbench.detectors.detector import load_model
from dfbench.errors import DfbenchError
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.results import Results, load_results


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
    results, models = [], []
    for path in sources:
        if path.is_dir():
            found = load_results(path)
            results.append(found)
            loads += (
                (name, partial(load_model, file, plugins=plugins)) for name, file in _kept(found)
            )
        else:
            contents = read(path).contents
            models.append(contents)
            name = f"{contents.row} on {contents.dataset}"
            loads.append((name, partial(load_model, path, plugins=plugins)))
    _check_roots(roots)
    return Shelf(loads), Standings(results, models, roots)


def _kept(results: Results) -> Iterator[tuple[str, Path]]:
    """Give name and file of each model in a results folder."""
    folder = ResultsFolder(results.folder)
    for line in results.board.lines:
        for seed, cell in zip(line.seeds, line.cells, strict=True):
            name = f"{line.row} on {line.dataset}"
            if len(line.cells) > 1:
                name += f", seed {seed}"
            file = folder.model_file(cell)
            if file.is_file():
                yield name, file


def _check_roots(roots: Mapping[str, Path]) -> None:
    for name, root in roots.items():
        if not root.is_dir():
            raise DfbenchError(f"the images of {name}: no such folder", where=root)
