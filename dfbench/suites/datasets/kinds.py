"""Kinds of fakes: which generator or manipulation an image is of, as far as the data tell."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import DataError
from dfbench.suites.datasets.card import KindRule
from dfbench.suites.datasets.csv_files import read_csv

if TYPE_CHECKING:
    from dfbench.suites.datasets.manifest import Dataset

_COLUMNS = ("path", "kind")


def read_kinds(rule: KindRule, root: Path, paths: Sequence[str]) -> dict[str, str]:
    """Read the kind of each image from its path, or from a table.

    Parameters
    ----------
    rule
        The card's.
    root
        Of the data.
    paths
        Of the images, relative to ``root``.

    Returns
    -------
    dict
        Path to kind; images of no known kind are absent.

    Raises
    ------
    DataError
        Where the rule tells nothing of any image, or the table is absent or lacks a column.
    """
    if rule.pattern:
        pattern = re.compile(rule.pattern)
        matches = {path: pattern.search(path) for path in paths}
        kinds = {path: match.group("kind") or "" for path, match in matches.items() if match}
        what = f"kind.pattern {rule.pattern!r} finds nothing in any of {len(paths)} paths"
        where: object = root
    else:
        kinds = _from_table(root / rule.csv)
        what = f"names none of the {len(paths)} images by its path below {root}"
        where = root / rule.csv
    known = {path: kinds[path] for path in paths if kinds.get(path)}
    if paths and not known:
        raise DataError(what, where=where, hint="see [kind] in the card")
    return known


def _from_table(path: Path) -> dict[str, str]:
    data = read_csv(path, expect=_COLUMNS[0])
    for name in _COLUMNS:
        if name not in data.columns:
            raise DataError(
                f"there is no column {name!r}",
                where=path,
                hint="its columns: " + ", ".join(repr(column) for column in data.columns),
            )
    at = [data.columns.index(name) for name in _COLUMNS]
    return {posixpath.normpath(cells[at[0]]): cells[at[1]] for _, cells in data.rows}


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
