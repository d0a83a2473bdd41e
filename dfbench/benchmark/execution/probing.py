"""What extractors of others are asked besides: a few images again, alone and in a batch.

An extractor whose vector of an image depends on anything else has a row all the same, and a warning
stands at it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.benchmark.execution.session import Session
from dfbench.benchmark.view import view_of
from dfbench.errors import DfbenchError
from dfbench.features.base import Extractor
from dfbench.features.contained.extractor import Contained
from dfbench.features.pipeline.store import identity, load_features
from dfbench.features.views.view import Seen, View, normalise, perturb
from dfbench.images import contents, decode
from dfbench.suites.datasets.manifest import Dataset

_IMAGES = 4
_TOLERANCE = 1e-5
"""Of the largest value of a vector: what sums in another order come to."""


def doubts(
    session: Session,
    dataset: Dataset,
    rows: NDArray[np.intp],
    extractors: Mapping[str, Extractor],
) -> dict[str, str]:
    """Say which extractors give other vectors when they are asked again, and in what way.

    Parameters
    ----------
    rows
        Lines of the manifest that can be used.
    extractors
        Whose vectors are in the store, by any name; those of dfbench are not asked.

    Returns
    -------
    dict
        A sentence, by the name of those that do.
    """
    view = view_of(dataset)
    asked = {name: its for name, its in extractors.items() if its.brought}
    if not asked or not len(rows):
        return {}
    chosen = dataset.manifest.iloc[_spread(dataset, rows)]
    keys = chosen["sha256"].tolist()
    try:
        shown = [
            _seen(dataset, path, key, view) for path, key in zip(chosen["path"], keys, strict=True)
        ]
    except (DfbenchError, OSError):
        return {}  # a file that changed meanwhile: whoever needs it says so
    limits = session.executor.allowed.here(session.settings.jobs)
    found = {}
    for name, extractor in asked.items():
        images = [seen.file if extractor.reads == "file" else seen.image for seen in shown]
        try:
            stored = load_features(identity(extractor, view), keys, extractor.dtype)
            said = _doubt(Contained(extractor, session.settings.jobs, limits), images, stored)
        except DfbenchError as error:
            said = f"breaks when it is asked again: {error}"
        if said:
            found[name] = f"the {extractor.where} {said}"
    return found


def _spread(dataset: Dataset, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Choose a few images, the smallest and the largest among them."""
    sizes = (dataset.manifest["width"] * dataset.manifest["height"]).to_numpy()[rows]
    order = rows[np.argsort(sizes, kind="stable")]
    places = np.unique(np.linspace(0, len(order) - 1, _IMAGES).round().astype(int))
    chosen: NDArray[np.intp] = order[places]
    return chosen


def _seen(dataset: Dataset, path: str, key: str, view: View) -> Seen:
    data = contents(dataset.root / path)
    return perturb(normalise(Seen(decode(data), data), view.normal), view.chain, key)


def _doubt(extractor: Contained, images: Sequence[Any], stored: NDArray[Any]) -> str:
    """Say what is wrong with the first thing that is, in the order of how plain it is."""
    first = images[:1]
    once, again = (extractor.transform(first) for _ in range(2))
    if not _alike(once, again):
        return (
            "gives another vector when it is asked for the same image again: its figures hang on"
            " how often it was called"
        )
    together = extractor.transform(images)
    alone = [extractor.transform([image]) for image in images]
    turned = extractor.transform(images[::-1])
    if not (_alike(together, np.concatenate(alone)) and _alike(together, turned[::-1])):
        return (
            "gives another vector for an image alone than among others: its figures hang on the"
            " order of the images"
        )
    if not _alike(together, stored):
        return (
            "gives other vectors than are stored of it, which the figures are of: what it rests on"
            " has changed without its version"
        )
    return ""


def _alike(one: object, other: object) -> bool:
    a, b = (np.asarray(each, np.float64) for each in (one, other))
    if a.shape != b.shape:
        return False
    return bool((abs(a - b) <= _TOLERANCE * max(1e-30, float(abs(a).max(initial=0.0)))).all())
