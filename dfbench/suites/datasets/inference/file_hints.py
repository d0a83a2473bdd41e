"""What names of files hint at, and nothing else tells: frames of videos, masks beside images."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Sequence

from dfbench.plain import counted
from dfbench.suites.datasets.words import is_mask

_MOST = 0.8
"""Share of the files that have to be called alike."""
_FEWEST = 5
"""Videos, and files that are called like masks, at least."""


def frames_of_videos(paths: Sequence[str]) -> str:
    """Say how to keep frames of a video together that names of files give away; empty for none.

    Examples
    --------
    >>> names = [f"fake/id{a}_id{b}_000{n}.jpg" for a in range(3) for b in range(3) for n in (1, 2)]
    >>> frames_of_videos(names).partition(":")[0]
    'names of files such as fake/id0_id0_0001.jpg look like frames of 9 videos'
    """
    stems = [posixpath.splitext(posixpath.basename(path))[0] for path in paths]
    for mark in "_-. ":
        found = [re.fullmatch(rf"(.+){re.escape(mark)}[a-z]*\d+", stem) for stem in stems]
        videos = Counter(match[1] for match in found if match)
        n = sum(videos.values())
        if n < _MOST * len(stems) or not _FEWEST <= len(videos) <= n / 2:
            continue
        if not all(re.search(r"\d", video) or n > 1 for video, n in videos.items()):
            continue
        pattern = rf"(?P<group>[^/]+){re.escape(mark)}[a-z]*\d+\.\w+$"
        frames_of = counted(len(videos), "video")
        return (
            f"names of files such as {paths[0]} look like frames of {frames_of}: if"
            f" they are, --groups '{pattern}' keeps each in one split"
        )
    return ""


def masks_beside_images(paths: Sequence[str]) -> str:
    """Say which files are called like masks of others; empty where none are.

    Examples
    --------
    >>> names = [f"fake/{n}{end}.png" for n in range(5) for end in ("", "_mask")]
    >>> masks_beside_images(names).partition(":")[0]
    '5 files such as fake/0_mask.png are called like masks of others, and read as images'
    """
    stems = {posixpath.splitext(path)[0] for path in paths}
    masks = []
    for path in paths:
        stem, mark, end = posixpath.splitext(path)[0].rpartition("_")
        if mark and stem in stems and is_mask(end):
            masks.append(path)
    if len(masks) < _FEWEST:
        return ""
    return (
        f"{len(masks):,} files such as {masks[0]} are called like masks of others, and read as"
        " images: move them out of the folder"
    )
