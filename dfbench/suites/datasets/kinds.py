"""Kinds of fakes: which generator or manipulation an image is of, as far as the data tell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dfbench.suites.datasets.manifest import Dataset


def kinds_of(dataset: Dataset) -> NDArray[np.object_]:
    """Give the kind of fake of each line of the manifest.

    Returns
    -------
    ndarray of shape (n,), dtype object
        Of two classes what the card tells of images of the positive class; of more, the class
        itself. Empty for real images, images without a label, and fakes of no known kind.
    """
    labels = dataset.manifest["label"].to_numpy(np.int64)
    real = dataset.card.real_index
    found = np.full(len(labels), "", dtype=object)
    if real is None:
        return found
    fake = (labels >= 0) & (labels != real)
    if dataset.positive_index is None:
        found[fake] = np.array(dataset.classes, dtype=object)[labels[fake]]
    else:
        found[fake] = dataset.manifest["kind"].to_numpy(object)[fake]
    return found


def shared_kinds(dataset: Dataset) -> dict[str, list[str]]:
    """Find kinds of fakes that the data tell of real images too, with the paths of these.

    They are not looked at: a kind is of a fake.
    """
    manifest = dataset.manifest
    known = set(kinds_of(dataset).tolist()) - {""}
    of_real = manifest[manifest["label"] == dataset.card.real_index]
    found: dict[str, list[str]] = {}
    for path, kind in zip(of_real["path"].tolist(), of_real["kind"].tolist(), strict=True):
        if kind in known:
            found.setdefault(kind, []).append(path)
    return found
