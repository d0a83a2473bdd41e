"""Makes sure that no video comes into two splits: its frames are a group, or a card says so."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from dfbench.errors import DataError, DfbenchError
from dfbench.suites.datasets.cards.card import Card
from dfbench.suites.datasets.cards.reading import load_card
from dfbench.suites.datasets.inference.card_file import CARD_FILE, init_card
from dfbench.suites.datasets.inference.read_as import NONE, ReadAs
from dfbench.suites.datasets.inference.reading import read_folder
from dfbench.suites.datasets.layouts.folders import FoldersLayout
from dfbench.suites.datasets.scan import check_fit, scan
from dfbench.videos.finding import SUFFIXES

_ENDS = "|".join(sorted(each[1:] for each in SUFFIXES))
_BARE = rf"(?:^|/)(?P<group>[^/]+?)(?:\.(?i:{_ENDS}))*/[^/]+$"
"""Tells of a path the folder, without the suffix of a video."""


class Grouping(NamedTuple):
    """How a folder of frames is read.

    Attributes
    ----------
    line
        The reading, in words; empty where it is not clear, or a card was there.
    card
        The card that was written, as the folder alone does not tell the videos; None for none.
    why
        Why it is not clear how the folder is to be read.
    lacking
        Why no run can be made of it, though it is clear how it is read.
    wanted
        Videos of each class that it needs, where there are fewer; else 0.
    """

    line: str = ""
    card: Path | None = None
    why: str = ""
    lacking: str = ""
    wanted: int = 0


def settle(out: Path, videos: list[str]) -> Grouping:
    """See whether a folder of frames is read by video, and else write the card that says so.

    Whether a run can be made of it is looked at too, without opening an image.

    Parameters
    ----------
    out
        The folder.
    videos
        Folders of one video each, relative to it.
    """
    found = _settled(out, videos)
    if found.why:
        return found
    try:
        card = load_card(out / CARD_FILE) if (out / CARD_FILE).exists() else read_folder(out).card
    except DfbenchError:
        return found  # whoever uses it is told
    try:
        check_fit(card, out / card.root)
    except DataError as error:
        return found._replace(lacking=error.what, wanted=_wanted(card, out / card.root))
    except DfbenchError:
        return found  # such as functions that a card names, and whose file is given to a run
    return found


def _wanted(card: Card, root: Path) -> int:
    """Give the number of splits where sources are kept whole, and a class has fewer; else 0."""
    images = scan(card, root).images
    sources = {(image.label, image.group or image.path) for image in images}
    each = [sum(of == label for of, _ in sources) for label in range(len(card.classes))]
    splits = len(card.split.fractions)
    return splits if card.split.policy == "grouped" and min(each) < splits else 0


def _settled(out: Path, videos: list[str]) -> Grouping:
    if (out / CARD_FILE).exists():
        return Grouping()
    first: DfbenchError | None = None
    try:
        reading = read_folder(out)
        if _whole(out, videos, None):
            return Grouping(reading.line)
    except DfbenchError as error:
        first = error
    asked = ReadAs(groups="-1")
    try:
        if _twins(videos):
            asked = ReadAs(groups=_BARE, kinds=_kinds(read_folder(out, asked).card))
        reading = read_folder(out, asked)
        if not _whole(out, videos, asked):
            return Grouping(why="no level of folders tells the videos")
        path, reading = init_card(out, asked=asked)
    except DfbenchError as error:
        return Grouping(why=str(first or error))
    return Grouping(reading.line, path)


def _whole(out: Path, videos: list[str], asked: ReadAs | None) -> bool:
    """Whether each video's frames are of one group: such are never divided."""
    reading = read_folder(out, asked)
    card = reading.card
    images = scan(card, out / card.root).images
    of: dict[str, set[str]] = defaultdict(set)
    for image in images:
        path = (Path(card.root) / image.path).as_posix()
        of[path.rpartition("/")[0]].add(image.group)
    one = all(len(its) == 1 and its != {""} for its in map(of.get, videos) if its)
    return one and all(
        len(set[str]().union(*(of.get(each, ()) for each in its))) <= 1
        for its in _twins(videos).values()
    )


def _kinds(card: Card) -> str:
    """Say which folders are kinds, so that those of videos are not taken for such."""
    layout = card.layout
    names = layout.kinds if isinstance(layout, FoldersLayout) else []
    return NONE if not names or re.search("[,=+]", "".join(names)) else ",".join(names)


def _twins(videos: Iterable[str]) -> dict[str, list[str]]:
    """Give the folders of each name of which some kept the suffix of a video: one source."""
    named: dict[str, list[str]] = defaultdict(list)
    for each in videos:
        found = re.search(_BARE, f"{each}/.")
        named[found["group"] if found else each].append(each)
    return {
        name: its
        for name, its in named.items()
        if len(its) > 1 and any(each.rpartition("/")[2] != name for each in its)
    }
