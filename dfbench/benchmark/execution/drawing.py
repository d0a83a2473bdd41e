"""Draws what people look at beside the figures: of each cell, and of each data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dfbench.benchmark.execution.inputs import load_inputs
from dfbench.benchmark.execution.job import Job
from dfbench.benchmark.pictures.base import Finished, Fitted, Picture
from dfbench.errors import ImageError, let_stop, worded
from dfbench.images import Image, contents, decode, small
from dfbench.models.base import Inputs, Model
from dfbench.registry import PICTURES, Part, Registry
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Record
from dfbench.suites.datasets.listing import UNLABELLED
from dfbench.suites.datasets.manifest import Dataset

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dfbench.benchmark.execution.session import Session

_SAMPLES = 6
_SIDE = 512
"""Pixels of their longer side at most: figures show them smaller still."""


def try_cell(session: Session, record: Record) -> None:
    """Draw what the files of a cell suffice for; a figure that cannot be drawn costs no result."""
    # of rows, not of their subsets, nor of what learns nothing
    first = record.division is None or record.division.number == 1
    of_row = not record.variant and first and record.control != "shuffled labels"
    if session.settings.figures and record.status == "ok" and of_row:
        what, cell = f"{record.dataset} {record.row}", Finished(session.out, record)
        _try(session, what, lambda: draw_stored(cell, session.pictures))


def try_overview(session: Session, dataset: Dataset) -> None:
    """Draw what a data set holds, where anything is to be drawn; an error costs no result."""
    if session.settings.figures:
        _try(session, dataset.name, lambda: draw_overview(dataset, session.out))


def _try(session: Session, what: str, draw: Callable[[], None]) -> None:
    try:
        draw()
    except BaseException as error:  # noqa: BLE001 - whatever it is, the run goes on
        let_stop(error)
        session.reporter.note(f"{what}: a figure could not be drawn: {worded(error)}")


def draw_stored(cell: Finished, wanted: Sequence[Part]) -> None:
    """Draw what a finished cell's files suffice for, where it is not there yet."""
    for picture in _made(wanted):
        for name, draw in picture.of_files(cell).items():
            path = cell.out.picture_file(cell.record.cell, name)
            if not path.exists():
                _save(draw(), path)


def draw_model(job: Job, record: Record, model: Model, figures: Sequence[str]) -> None:
    """Draw what is wanted of a cell whose model is at hand."""

    def load(rows: Sequence[int]) -> Inputs:
        return load_inputs(job, job.evaluate.keys[np.asarray(rows)], type(model))

    cell = Fitted(job.out, record, job.root, model, load)
    wanted = Registry(PICTURES).among(figures)
    draw_stored(cell, wanted)
    for picture in _made(wanted):
        for name, draw in picture.of_model(cell).items():
            _save(draw(), job.out.picture_file(record.cell, name))


def _made(parts: Sequence[Part]) -> Iterator[Picture]:
    return (part.load()() for part in parts)


def _save(figure: Figure | None, path: Path) -> None:
    from dfbench.results.figures.base import save

    if figure is not None:
        save(figure, path)


def draw_overview(dataset: Dataset, out: ResultsFolder) -> None:
    """Draw what a data set holds, where it is not there yet."""
    path = out.overview_file(dataset.fingerprint)
    if path.exists():
        return
    from dfbench.results.figures import base, data

    manifest = dataset.manifest[dataset.manifest["error"] == ""]
    names = {UNLABELLED: "(unlabelled)", **dict(enumerate(dataset.classes))}
    counts: dict[str, dict[str, int]] = {}
    for (split, label), n in Counter(
        zip(manifest["split"], manifest["label"], strict=True)
    ).items():
        counts.setdefault(str(split), {})[names[int(label)]] = n
    samples = {
        name: _sample(dataset, manifest["path"][manifest["label"] == label].tolist())
        for label, name in enumerate(dataset.classes)
    }
    sizes = list(zip(manifest["width"].tolist(), manifest["height"].tolist(), strict=True))
    base.save(data.overview(counts, samples, sizes, name=dataset.name), path)


def _sample(dataset: Dataset, paths: list[str]) -> list[Image]:
    """Give some images of a class, spread over its files."""
    found: list[Image] = []
    for path in paths[:: max(1, len(paths) // _SAMPLES)]:
        try:
            found.append(small(decode(contents(dataset.root / path)), _SIDE))
        except (ImageError, OSError):
            continue
        if len(found) == _SAMPLES:
            break
    return found
