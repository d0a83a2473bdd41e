"""Names of what lies in a container: sorted, in one piece of memory, and none that leads out."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import overload

import numpy as np

_LONGEST = 1000
"""Bytes of a name."""
_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\0-\x1f\x7f]")
_LABEL = 100
"""Characters of a label that a folder is named after."""


class Names(Sequence[str]):
    """Paths of n files, sorted by their bytes.

    Parameters
    ----------
    names
        UTF-8, sorted. They are copied into one piece: an object for each of a million would take
        more memory than the names do.
    """

    def __init__(self, names: Sequence[bytes]) -> None:
        self._text = b"".join(names)
        ends = np.fromiter(map(len, names), np.int64, len(names)).cumsum()
        self._ends = np.concatenate([np.zeros(1, np.int64), ends])

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> list[str]: ...

    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return [self[n] for n in range(*at.indices(len(self)))]
        if not -len(self) <= at < len(self):
            raise IndexError(at)
        return self._raw(at % len(self)).decode()

    def find(self, name: str) -> int:
        """Give the place of a name, the first where it stands there twice; -1 of none."""
        own = name.encode(errors="surrogatepass")
        at = self._left(own)
        return at if at < len(self) and self._raw(at) == own else -1

    def below(self, folder: str) -> range:
        """Give the places of what lies in a folder and below it; all of ""."""
        if not folder:
            return range(len(self))
        own = folder.encode(errors="surrogatepass")
        return range(self._left(own + b"/"), self._left(own + b"0"))  # 0 follows / in ASCII

    def folders(self) -> list[str]:
        """Name the outermost folders, sorted."""
        found, at = [], 0
        while at < len(self):
            first, inside, _ = self._raw(at).partition(b"/")
            if not inside:
                at += 1
                continue
            found.append(first.decode())
            at = self._left(first + b"0")
        return sorted(set(found))

    def _raw(self, at: int) -> bytes:
        return self._text[self._ends[at] : self._ends[at + 1]]

    def _left(self, name: bytes) -> int:
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self._raw(middle) < name:
                low = middle + 1
            else:
                high = middle
        return low


def inner(name: str) -> str:
    """Give the path of a file in an archive, without the ``./`` that may stand before it.

    Raises
    ------
    ValueError
        Where it leads out of the archive, or could be taken for another path elsewhere.
    """
    plain = name
    while plain.startswith("./"):
        plain = plain[2:]
    parts = plain.split("/")
    odd = "\\" in plain or _DRIVE.match(plain) or _CONTROL.search(plain)
    if odd or not all(parts) or ".." in parts or "." in parts or len(plain) > _LONGEST:
        raise ValueError(f"holds {name[:80]!r}, which is no name of a file in it: pack it anew")
    return plain


@functools.lru_cache(maxsize=4096)
def as_folder(label: str) -> str:
    """Turn a label into the name of a folder."""
    plain = re.sub(r"[\0-\x1f\x7f/\\]+", "_", label.strip())[:_LABEL].strip(". ")
    return plain.encode(errors="replace").decode()


def without(name: str, *folders: str) -> str:
    """Leave out folders before a name that those which it is put into are called, too.

    Examples
    --------
    >>> without("train/real/000/1.png", "train", "real"), without("a/1.png", "train", "real")
    ('000/1.png', 'a/1.png')
    """
    parts = name.split("/")
    for folder in folders:
        if len(parts) > 1 and folder and (parts[0] == folder or split_of(parts[0]) == folder):
            del parts[0]
    return "/".join(parts)


_SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def split_of(name: str) -> str:
    """Tell the split by the name of a shard without its suffix, or of a folder; "" of none.

    Examples
    --------
    >>> split_of("train-00000-of-00005"), split_of("faces-val_0001"), split_of("0000")
    ('train', 'validation', '')
    """
    parts = re.split(r"[-_.\s]+|(?<=[a-z])(?=\d)", name.lower())
    return next((_SPLITS[part] for part in parts if part in _SPLITS), "")


def by_splits(folder: str, stems: Sequence[str]) -> list[str]:
    """Give for each shard of a folder the folder that stands for its split; "" of none.

    Parameters
    ----------
    folder
        Name of the folder: where it is that of a split, and its shards name no two, it tells
        enough.
    stems
        Names of the shards without their suffixes.
    """
    splits = [split_of(stem) for stem in stems]
    told = set(splits) - {""}
    if not told or (folder.lower() in _SPLITS and len(told) < 2):
        return [""] * len(stems)
    return [
        s or re.sub(r"[-_.\d]+$|-\d+-of-\d+$", "", t) for s, t in zip(splits, stems, strict=True)
    ]
