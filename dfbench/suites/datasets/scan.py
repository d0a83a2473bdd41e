"""From a card and its root to the list of images: path, label, split, group, kind."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import DataError
from dfbench.received.containers.places import exists
from dfbench.suites.datasets.cards.card import Card
from dfbench.suites.datasets.cards.rules import GroupRule
from dfbench.suites.datasets.image_files import subfolders
from dfbench.suites.datasets.listing import UNLABELLED, Listing
from dfbench.suites.datasets.pairs import join_pairs
from dfbench.suites.datasets.splits import assign


def scan(card: Card, root: Path) -> Listing:
    """List the images of a data set with what its card says of each.

    Raises
    ------
    DataError
        Where the folder and the card contradict each other: a label outside the classes, an id
        given twice, a file name that the pattern does not match, a class folder that the card does
        not know. The message names file and row.
    """
    try:
        result = card.layout.scan(card, root)
    except DataError as error:
        if card.about is None or "layout." not in (error.hint or ""):
            raise
        # its card came with dfbench, and the user has none to change
        hint = f"dfbench data info {card.name} shows the folders that are expected"
        raise DataError(error.what, where=error.where, hint=hint) from None
    if card.group is not None:
        _group(card.group, root, result)
    if card.kind is not None:
        kinds = card.kind.read(root, [i.path for i in result.images])
        result.images = [i._replace(kind=kinds.get(i.path, "")) for i in result.images]
    result.images.sort(key=lambda image: image.path)
    for one, other in pairwise(result.images):
        if one.path == other.path:
            raise DataError(
                f"the image belongs to two splits or classes of {card.name!r}",
                where=root / one.path,
                hint="two folders in the card's layout are the same, or one lies in the other",
            )
    return result


def _group(rule: GroupRule, root: Path, result: Listing) -> None:
    """Write at each image which source it is of."""
    groups = [image.group for image in result.images]
    if rule.tells:
        paths = [image.path for image in result.images]
        told = rule.read(root, paths)
        groups = [told.get(path, "") for path in paths]
        without = [path for path in paths if path not in told]
        if without:
            result.warnings.append(
                f"[group] tells nothing of {len(without):,} of {len(paths):,} images, such as"
                f" {without[0]}: each is taken for a source of its own"
            )
    if rule.pairs:
        groups, warning = join_pairs(groups, rule.pairs)
        result.warnings += [warning] if warning else []
    result.images = [
        image._replace(group=group) for image, group in zip(result.images, groups, strict=True)
    ]


def settle_root(card: Card, root: Path) -> Path:
    """Go down one folder where the data lie in the only folder of ``root`` that fits the card.

    Archives often unpack into one more folder than their description says.
    """
    needed = card.layout.needs(card.classes)
    if any(exists(root / name) for name in needed):
        return root
    inner = [root / name for name in subfolders(root)]
    fitting = [folder for folder in inner if all(exists(folder / name) for name in needed)]
    if len(fitting) != 1 or card.layout.reads_beside(fitting[0], root, card.classes):
        return root
    return fitting[0]


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
        Where there is no image, one class only, a class has no image, or a split lacks a class;
        naming it. Images that are not ``readable`` do not count.
    """
    broken = int((~readable).sum())
    hint = f"{broken:,} are broken: dfbench data check says why" if broken else ""
    if not readable.any():
        raise DataError(
            f"data set {card.name!r} holds no readable image", where=where, hint=hint or None
        )
    if len(card.classes) < 2:
        raise DataError(
            f"one class only: {card.classes[0]}",
            where=where,
            hint="a detector is fitted on two at least, real images and fakes",
        )
    if (labels[readable] == UNLABELLED).all():
        raise DataError(f"no readable image of {card.name!r} has a label", where=where)
    absent = _absent_class(card, labels[readable])
    if absent is not None:
        raise DataError(
            f"class {absent!r} of {card.name!r} has no readable image",
            where=where,
            hint=hint or None,
        )
    split_of = np.asarray(splits, dtype=object)
    optional = set(card.layout.optional_splits) - set(splits)
    for split in card.split_names:
        if split in optional and card.split.policy == "given":
            continue
        inside = labels[readable & (split_of == split)]
        _check_split(card, split, inside, int(readable.sum()), hint, where)


def _check_split(
    card: Card, split: str, labels: NDArray[np.int64], n: int, broken: str, where: object
) -> None:
    divided = card.split.policy != "given"
    what = f"split {split!r} of {card.name!r} has no readable image"
    kept = ""
    if card.split.policy == "grouped":
        whole = len(card.split.fractions)
        kept = f"groups are kept whole: each class needs images of {whole} of them at least"
    if not len(labels):
        few = f"{n} readable images are too few to divide" if divided else ""
        few = kept or few
        if not divided and card.about is not None:
            few = "a part alone is divided where its folder is given in place of the name"
        raise DataError(what, where=where, hint="; ".join(filter(None, (few, broken))) or None)
    if split == "test" and (labels == UNLABELLED).all():
        return
    absent = _absent_class(card, labels)
    if absent is not None:
        few = kept or ("too few images to divide" if divided else "")
        hint = "; ".join(filter(None, (few, broken))) or None
        raise DataError(f"{what} of class {absent!r}", where=where, hint=hint)


def _absent_class(card: Card, labels: NDArray[np.int64]) -> str | None:
    """Name the first class that no image is of; None where each has one."""
    present = set(labels.tolist())
    absent = [name for label, name in enumerate(card.classes) if label not in present]
    return absent[0] if absent else None


def check_fit(card: Card, root: Path) -> int:
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
    images = scan(card, root).images
    labels = np.array([image.label for image in images], dtype=np.int64)
    openable = np.array([image.fault == "" for image in images], dtype=np.bool_)
    check_classes(card, labels, assign(card, images), openable, where=root)
    return len(images)
