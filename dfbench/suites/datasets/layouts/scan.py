"""From a card and its root to one row per image: path, label, split, group, kind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import DataError
from dfbench.suites.datasets.card import (
    SPLITS,
    UNLABELLED,
    Card,
    FilenameLayout,
    FoldersLayout,
    TableLayout,
)
from dfbench.suites.datasets.kinds import read_kinds
from dfbench.suites.datasets.layouts.table import scan_table
from dfbench.suites.datasets.rows import Row, Scan, label_of
from dfbench.suites.datasets.splits import assign
from dfbench.suites.datasets.walk import subfolders, walk


def scan(card: Card, root: Path) -> Scan:
    """List the images of a data set with what its card says of each.

    Raises
    ------
    DataError
        Where the folder and the card contradict each other: a label outside the classes, an id
        given twice, a file name that the pattern does not match, a class folder that the card does
        not know. The message names file and row.
    """
    layout = card.layout
    if isinstance(layout, FoldersLayout):
        result = _scan_folders(card, layout, root)
    elif isinstance(layout, TableLayout):
        result = scan_table(card, layout, root)
    else:
        result = _scan_names(card, layout, root)
    if card.group is not None:
        pattern = re.compile(card.group.pattern)
        result.rows = [row._replace(group=_group(pattern, row.path)) for row in result.rows]
    if card.kind is not None:
        kinds = read_kinds(card.kind, root, [row.path for row in result.rows])
        result.rows = [row._replace(kind=kinds.get(row.path, "")) for row in result.rows]
    result.rows.sort(key=lambda row: row.path)
    for one, other in pairwise(result.rows):
        if one.path == other.path:
            raise DataError(
                f"the image belongs to two splits or classes of {card.name!r}",
                where=root / one.path,
                hint="two folders in the card's layout are the same, or one lies in the other",
            )
    return result


def _group(pattern: re.Pattern[str], path: str) -> str:
    match = pattern.search(path)
    if match is None:
        raise DataError(f"group.pattern {pattern.pattern!r} finds nothing in the path", where=path)
    return match.group("group") or ""


def settle_root(card: Card, root: Path) -> Path:
    """Go down one folder where the data lie in the only folder of ``root`` that fits the card.

    Archives often unpack into one more folder than their description says.
    """
    layout = card.layout
    if isinstance(layout, FoldersLayout):
        needed = list(layout.splits.values()) or [layout.folder_of(c) for c in card.classes]
    elif isinstance(layout, TableLayout):
        needed = [table.csv for table in layout.splits.values()]
    else:
        needed = [layout.where]
    if any((root / name).exists() for name in needed):
        return root
    inner = [root / name for name in subfolders(root)]
    fitting = [folder for folder in inner if all((folder / name).exists() for name in needed)]
    return fitting[0] if len(fitting) == 1 else root


def _join(*parts: str) -> str:
    return "/".join(part for part in parts if part not in ("", "."))


def _scan_folders(card: Card, layout: FoldersLayout, root: Path) -> Scan:
    result = Scan()
    if not layout.splits:
        _scan_classes(card, layout, root, "", "", result)
        return result
    for split in SPLITS:
        if split in layout.splits:
            base = layout.splits[split]
            if not (root / base).is_dir():
                raise DataError(
                    f"no such folder: it should hold split {split!r} of {card.name!r}",
                    where=root / base,
                    hint="see layout.splits in the card",
                )
            _scan_classes(card, layout, root, base, split, result)
    return result


def _scan_classes(
    card: Card, layout: FoldersLayout, root: Path, base: str, split: str, result: Scan
) -> None:
    """Add the images of one split folder (or of the root) to ``result``."""
    folder = root / base
    wanted = {layout.folder_of(name): label for label, name in enumerate(card.classes)}
    present = [name for name in wanted if (folder / name).is_dir()]
    tops = {name.split("/")[0] for name in wanted}
    for name in subfolders(folder):
        if name in tops or name in layout.ignore:
            continue
        inner = walk(folder / name)
        if inner.images and not (split == "test" and not present):
            raise DataError(
                f"holds {len(inner.images)} images but is none of the classes "
                f"({', '.join(card.classes)})",
                where=folder / name,
                hint="name it in classes or in layout.ignore of the card",
            )
    if split == "test" and not present:
        _take(root, base, UNLABELLED, split, result)
        return
    for name in present:
        _take(root, _join(base, name), wanted[name], split, result)
    result.ignored += sum(1 for entry in folder.iterdir() if not entry.is_dir())


def _take(root: Path, base: str, label: int, split: str, result: Scan) -> None:
    found = walk(root / base)
    result.ignored += found.ignored
    result.rows += [
        Row(_join(base, path), label, split, "", found.faults.get(path, ""))
        for path in found.images
    ]


def _scan_names(card: Card, layout: FilenameLayout, root: Path) -> Scan:
    folder = root / layout.where
    if not folder.is_dir():
        raise DataError("no such folder", where=folder, hint="see layout.where in the card")
    found = walk(folder)
    pattern = re.compile(layout.pattern)
    whole = "/" in layout.pattern
    result = Scan(ignored=found.ignored)
    matches = {
        path: pattern.fullmatch(path if whole else path.rpartition("/")[2]) for path in found.images
    }
    strange = [path for path, match in matches.items() if match is None]
    if strange:
        others = f" (nor do {len(strange) - 1} of {len(matches) - 1} others)" if strange[1:] else ""
        raise DataError(
            f"the name does not match layout.pattern '{layout.pattern}' of {card.name!r}{others}",
            where=folder / strange[0],
        )
    for path, match in matches.items():
        texts = match.groupdict() if match is not None else {}
        label = label_of(card, layout.labels, texts["label"] or "", where=str(folder / path))
        fault = found.faults.get(path, "")
        result.rows.append(
            Row(
                path=_join(layout.where, path),
                label=label,
                split="",
                group=texts.get("group") or "",
                fault=fault,
                kind=texts.get("kind") or "",
            )
        )
    return result


def check_classes(
    card: Card,
    labels: NDArray[np.int64],
    splits: Sequence[str],
    readable: NDArray[np.bool_],
    *,
    where: object,
) -> None:
    """Make sure that each split of a data set can serve its purpose.

    Raises
    ------
    DataError
        Where there is no image, a class has none, or a split lacks a class; naming it. Images that
        are not ``readable`` do not count.
    """
    if not readable.any():
        broken = f" ({len(readable)} are broken)" if len(readable) else ""
        raise DataError(f"data set {card.name!r} holds no readable image{broken}", where=where)
    split_of = np.asarray(splits, dtype=object)
    for label, name in enumerate(card.classes):
        if not (readable & (labels == label)).any():
            raise DataError(f"class {name!r} of {card.name!r} has no readable image", where=where)
    for split in card.split_names:
        inside = readable & (split_of == split)
        if not inside.any():
            few = f"{int(readable.sum())} readable images are too few to divide"
            raise DataError(
                f"split {split!r} of {card.name!r} has no readable image",
                where=where,
                hint=None if card.split.policy == "given" else few,
            )
        if split == "test" and (labels[inside] == UNLABELLED).all():
            continue
        for label, name in enumerate(card.classes):
            if not (inside & (labels == label)).any():
                hint = (
                    "too few images or groups to divide" if card.split.policy != "given" else None
                )
                raise DataError(
                    f"split {split!r} of {card.name!r} has no readable image of class {name!r}",
                    where=where,
                    hint=hint,
                )


def check_rows(card: Card, root: Path) -> int:
    """Check that the data in ``root`` fit ``card``, without opening an image.

    Returns
    -------
    int
        Number of images.

    Raises
    ------
    DataError
        As `scan`, and where a split or a class would be empty.
    """
    root = settle_root(card, root)
    rows = scan(card, root).rows
    labels = np.array([row.label for row in rows], dtype=np.int64)
    openable = np.array([row.fault == "" for row in rows], dtype=np.bool_)
    check_classes(card, labels, assign(card, rows), openable, where=root)
    return len(rows)
