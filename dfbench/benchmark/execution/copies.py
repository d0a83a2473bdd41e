"""Changed copies of the images that rows are fitted and tuned on: drawn, and their features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dfbench.benchmark.execution.images import Images
from dfbench.benchmark.execution.job import Copies, Table
from dfbench.benchmark.execution.session import Session
from dfbench.benchmark.planning.augmenting import Augmentation
from dfbench.benchmark.planning.cell import Cell
from dfbench.benchmark.planning.subsets import Task
from dfbench.benchmark.view import view_of
from dfbench.errors import DfbenchError
from dfbench.features.base import Extractor
from dfbench.features.pipeline.single_pass import Sources
from dfbench.features.pipeline.store import identity as feature_identity
from dfbench.files import digest
from dfbench.suites.datasets.kinds import kinds_of
from dfbench.suites.datasets.manifest import Dataset
from dfbench.suites.datasets.parts import Parts

Drawn = NDArray[np.intp]
"""By line of the manifest the numbers of its views, shape (n, copies); -1 where it has no copy."""


@dataclass(frozen=True)
class Copied:
    """The copies of a data set's images.

    Attributes
    ----------
    drawn
        By what is asked for and the seed.
    failed
        Why an extractor has no values, by the view and the hash of its table.
    """

    dataset: Dataset
    drawn: dict[tuple[Augmentation, int], Drawn] = field(default_factory=dict)
    failed: dict[tuple[str, str], DfbenchError] = field(default_factory=dict)

    def error(self, cell: Cell) -> DfbenchError | None:
        """Say why a cell lacks features of its copies; None where it has all."""
        its = cell.row.augment
        asked = [(view, _key(e)) for view in its.views for e in cell.row.extractors] if its else []
        return next((self.failed[each] for each in asked if each in self.failed), None)

    def of(self, cell: Cell, task: Task, images: Mapping[str, Images]) -> tuple[Copies, ...]:
        """Give the copies of a cell's images, which a part of those of its row may be.

        Parameters
        ----------
        cell
            Of a row.
        task
            Its images.
        images
            The same by part, with the labels that they have for the cell.
        """
        its = cell.row.augment
        if its is None:
            return ()
        drawn = self.drawn[its, cell.seed]
        found = []
        for number, chain in enumerate(its.views):
            own = [
                images[part].taken(np.flatnonzero((drawn[rows] == number).any(axis=1)))
                for part, rows in (("train", task.parts.train), ("tune", task.parts.tune))
            ]
            view = view_of(self.dataset, chain)
            found.append(Copies([Table.of(e, view) for e in cell.row.extractors], *own))
        return tuple(found)


def copied(session: Session, dataset: Dataset, parts: Parts, cells: Sequence[Cell]) -> Copied:
    """Draw the copies that cells ask for, and bring their features into the store.

    Parameters
    ----------
    session
        Of the run.
    dataset
        Of the cells.
    parts
        Of its rows: of test images there are no copies.
    cells
        Those that ask for none are passed over.
    """
    found = Copied(dataset)
    needed: dict[str, tuple[NDArray[np.bool_], dict[str, Extractor]]] = {}
    for cell in cells:
        its = cell.row.augment
        if its is None:
            continue
        which = its, cell.seed
        if which not in found.drawn:
            found.drawn[which] = _drawn(dataset, parts, *which)
        for number, chain in enumerate(its.views):
            none = np.zeros(len(dataset.manifest), np.bool_)
            rows, extractors = needed.setdefault(chain, (none, {}))
            rows |= (found.drawn[which] == number).any(axis=1)
            extractors.update({_key(e): e for e in cell.row.extractors})
    for chain, (rows, extractors) in needed.items():
        lines = dataset.manifest[rows]
        outcome = session.executor.extract(
            Sources(
                dataset.root.absolute(),
                lines["path"].tolist(),
                lines["sha256"].tolist(),
                (lines["width"] * lines["height"]).to_numpy(np.int64),
            ),
            list(extractors.values()),
            views=[view_of(dataset, chain)],
            jobs=session.settings.jobs,
            progress=session.reporter.stage(f"{dataset.name}: copies, {chain}"),
        )
        for place, error in outcome.failed.items():
            found.failed[chain, list(extractors)[place]] = error
    return found


def _drawn(dataset: Dataset, parts: Parts, asked: Augmentation, seed: int) -> Drawn:
    found = np.full((len(dataset.manifest), asked.copies), -1, np.intp)
    kinds = kinds_of(dataset)
    for rows in (parts.train, parts.tune):
        lines = dataset.manifest.iloc[rows]
        labels = lines["label"].to_numpy(np.int64)
        found[rows] = asked.drawn(lines["path"].tolist(), labels, kinds[rows].tolist(), seed)
    return found


def _key(extractor: Extractor) -> str:
    return digest(feature_identity(extractor))
