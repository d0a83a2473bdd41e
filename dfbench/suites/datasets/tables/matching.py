"""Which images the ids of a table name."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

from dfbench.suites.datasets.image_files import is_image

_VIDEO = re.compile(r"\.(mp4|avi|mov|mkv|webm|mpe?g|m4v|wmv|flv|3gp)$", re.IGNORECASE)
_FRAME = re.compile(
    r"(?P<video>.+?)[_\-. ]+(?:(?:frame|frm|fr|f|img|image|face)[_\-. ]*)?\d+", re.IGNORECASE
)
_FROM_ELSEWHERE = re.compile(r"[/\\]|[A-Za-z]:|file:")
_MANY = 50
"""Images that an id may fit before it is told no further which of them it is."""


class Named(NamedTuple):
    """What an id names."""

    images: tuple[str, ...] = ()
    """Paths of the images; several are the frames of a video."""
    rivals: tuple[str, ...] = ()
    """What it may name where that is not clear; there are no images then."""
    parts: int = 0
    """How many parts of the path agreed."""


class Images:
    """The images below a folder, to be found by ids.

    An id is the path of an image, with or without its extension, or a path from elsewhere that ends
    like it: the longest end that fits counts. It may also be the name of a folder of frames, or of
    a video whose frames are called after it (``clip.mp4``: ``clip/1.png``, ``clip_1.png``).

    Parameters
    ----------
    paths
        Relative to the folder, with ``/`` between parts.
    folder, beside
        Its path below the root of the data, and the names of folders in that root: an id that lies
        in one of those is no image of this folder.
    """

    def __init__(
        self, paths: Iterable[str], *, folder: str = ".", beside: Iterable[str] = ()
    ) -> None:
        self.paths = list(paths)
        self._own = frozenset(folder.split("/"))
        self._beside = frozenset(beside) - self._own
        self._whole = _index((_written(path), path) for path in self.paths)
        self._ends: dict[int, _Index] = {}
        self._video_ends: dict[int, _Index] = {}

    def find(self, ids: Sequence[str]) -> list[Named]:
        """Find what each of the ids of one table names.

        An id without an extension is taken for a video only where no id of the table is an image:
        else ``a`` whose image is absent would get ``a_1.png``, which is of another row.
        """
        named = [self._image(name) for name in ids]
        # where some ids agree as a whole, one that agrees by its end alone is of an absent image
        cut = [
            found.parts < len(_parts(name)) and not _FROM_ELSEWHERE.match(name)
            for found, name in zip(named, ids, strict=True)
        ]
        if any(found.images and not c for found, c in zip(named, cut, strict=True)):
            named = [
                Named() if c and found.images else found
                for found, c in zip(named, cut, strict=True)
            ]
        direct = any(
            found.images or found.rivals
            for name, found in zip(ids, named, strict=True)
            if not _VIDEO.search(name)
        )
        if not direct:
            named = self._renamed(ids, named)
        for at, name in enumerate(ids):
            lacks = name and not (named[at].images or named[at].rivals)
            if lacks and (_VIDEO.search(name) or not (direct or is_image(name))):
                named[at] = self._frames(_VIDEO.sub("", name))
        return named

    def exactly(self, name: str) -> tuple[str, ...]:
        """Give the images whose whole path an id is, with or without its extension."""
        return self._whole.get("/".join(_parts(unicodedata.normalize("NFC", name))), ())

    def _renamed(self, ids: Sequence[str], named: list[Named]) -> list[Named]:
        """Find images that were written in another format since: ``a.jpg`` is ``a.png``.

        No id names an image as it is written, and no two differ by their extension alone.
        """
        stems = [posixpath.splitext(name)[0] if is_image(name) else "" for name in ids]
        several = len(set(ids)) > 1
        if not (several and all(stems)) or len(set(stems)) < len(set(ids)):
            return named
        found = [self._image(stem) for stem in stems]
        return found if 2 * sum(bool(each.images) for each in found) > len(found) else named

    def _image(self, name: str) -> Named:
        text = unicodedata.normalize("NFC", name)
        hits = self._whole.get(text)
        if hits is None:
            return self._by_end(_parts(text), self._ends, self._index_ends)
        return _settled(hits, text.count("/") + 1)

    def _by_end(
        self, parts: list[str], ends: dict[int, _Index], build: Callable[[int], _Index]
    ) -> Named:
        for length in range(min(len(parts), self._depth), 0, -1):
            if length not in ends:
                ends[length] = build(length)
            hits = ends[length].get("/".join(parts[-length:]), ())
            # a folder that is known here, but not the image's, says that it is another image
            lost = self._folders.intersection(parts[:-length])
            if lost and len(hits) <= _MANY:
                hits = tuple(hit for hit in hits if lost <= set(hit.split("/")[:-1]))
            if hits:
                return _settled(hits, length)
        return Named()

    def _frames(self, name: str) -> Named:
        """Find the frames of a video, in a folder of its name or called after it."""
        parts = _parts(unicodedata.normalize("NFC", name))
        alone = self._by_end(parts, self._ends, self._index_ends)
        video = self._by_end(parts, self._video_ends, self._index_video_ends)
        images = tuple(path for key in video.images for path in self._videos[key])
        rivals = alone.rivals + video.rivals
        if rivals:
            return Named(rivals=rivals)
        return Named(tuple(sorted({*alone.images, *images})), (), max(alone.parts, video.parts))

    @cached_property
    def _depth(self) -> int:
        return max((path.count("/") + 1 for path in self.paths), default=0)

    @cached_property
    def _folders(self) -> frozenset[str]:
        above = {posixpath.dirname(path) for path in self.paths}
        inside = frozenset(part for folder in above for part in folder.split("/") if part)
        return inside | self._beside

    @cached_property
    def _videos(self) -> dict[str, list[str]]:
        """Path of a folder, and of a video as frames are called after it, to the images."""
        found: dict[str, list[str]] = {}
        for path in self.paths:
            folder, _, name = path.rpartition("/")
            frame = _FRAME.fullmatch(posixpath.splitext(name)[0])
            if frame is not None:
                found.setdefault(posixpath.join(folder, frame["video"]), []).append(path)
            while folder:
                found.setdefault(folder, []).append(path)
                folder = folder.rpartition("/")[0]
        return found

    def _index_ends(self, length: int) -> _Index:
        return _index(
            ("/".join(_written(path).split("/")[-length:]), path)
            for path in self.paths
            if path.count("/") + 1 >= length
        )

    def _index_video_ends(self, length: int) -> _Index:
        found: dict[str, list[str]] = {}
        for key in self._videos:
            parts = unicodedata.normalize("NFC", key).split("/")
            if len(parts) >= length:
                end = "/".join(parts[-length:])
                found.setdefault(_VIDEO.sub("", end), []).append(key)
        return {key: tuple(dict.fromkeys(hits)) for key, hits in found.items()}


_Index = dict[str, tuple[str, ...]]


def _index(pairs: Iterable[tuple[str, str]]) -> _Index:
    """Index paths by a key and by the key without its extension."""
    found: dict[str, list[str]] = {}
    for key, path in pairs:
        for name in (posixpath.splitext(key)[0], key):
            found.setdefault(name, []).append(path)
    return {name: tuple(hits) for name, hits in found.items()}


def _settled(hits: tuple[str, ...], parts: int) -> Named:
    return Named(hits, (), parts) if len(hits) == 1 else Named(rivals=hits)


def _written(path: str) -> str:
    return unicodedata.normalize("NFC", path)


def _parts(name: str) -> list[str]:
    """Take the path of an id apart, wherever it comes from."""
    path = re.sub(r"^(file://|[A-Za-z]:)", "", name.replace("\\", "/"))
    return [part for part in posixpath.normpath(path).split("/") if part not in ("", ".", "..")]
