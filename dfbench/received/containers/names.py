"""Names of what lies in a container: sorted, in one piece of memory, and none that leads out."""

from __future__ import annotations

import functools
import re
import unicodedata
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
        if len(parts) > 1 and folder and (parts[0] == folder or splits_in(parts[0]) == {folder}):
            del parts[0]
    return "/".join(parts)


SPLIT_WORDS = {
    "train": (
        "train training trn trainset entrenamiento entrainement apprentissage treino 训练 训练集"
    ),
    "validation": (
        "validation valid val validate validating dev vali valset devset eval evaluation "
        "validación validação 验证"
    ),
    "test": "test testing tst testset tests prueba teste 测试 测试集",
}
"""What splits are called."""
_BESIDE = r"(?:data|datasets?|sets?|splits?|images?|imgs?|faces?|frames?|videos?)"
"""What is written on to such words."""
_CODE = re.compile(r"(?<![a-z0-9])(?=[0-9a-f]*\d)[0-9a-f]{4,}(?![a-z0-9])|\d+")


def _unaccented(text: str) -> str:
    return re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFKD", text.casefold()))


_SPLITS = {
    _unaccented(word): split for split, words in SPLIT_WORDS.items() for word in words.split()
}


def splits_in(name: str) -> frozenset[str]:
    """Tell the splits that the name of a shard without its suffix, or of a folder, speaks of.

    Examples
    --------
    >>> [*splits_in("train-00000-of-00005"), *splits_in("faces-val_0001"), *splits_in("0000")]
    ['train', 'validation']
    >>> [*splits_in("TrainSet1"), *splits_in("testdata"), *splits_in("trained")]
    ['train', 'test']
    """
    spaced = re.sub(r"(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ])", " ", name)
    words = re.findall(r"[^\W\d_]+", _unaccented(spaced))
    plain = (re.sub(f"^{_BESIDE}|{_BESIDE}$", "", word) for word in words)
    return frozenset(
        _SPLITS.get(word) or _SPLITS[short]
        for word, short in zip(words, plain, strict=True)
        if word in _SPLITS or short in _SPLITS
    )


def _is_split(folder: str) -> bool:
    """Whether a folder is called as a split, and as nothing else: a part of a name tells less."""
    words = re.findall(r"[^\W\d_]+", folder)
    return all(splits_in(word) or re.fullmatch(_BESIDE, word, re.IGNORECASE) for word in words)


def by_splits(folder: str | None, stems: Sequence[str]) -> list[str]:
    """Give for each shard of a folder the folder that stands for its split; "" of none.

    Parameters
    ----------
    folder
        Name of the folder: where it is that of a split, and its shards name no two, it tells
        enough. None where there is one shard alone, which tells no splits.
    stems
        Names of the shards without their suffixes.

    Raises
    ------
    ValueError
        Where it is not clear which of them belong together.
    """
    if folder is None:
        return [""] * len(stems)
    said = [splits_in(stem) for stem in stems]
    told = frozenset().union(*said)
    own = splits_in(folder) if _is_split(folder) else frozenset()
    if len(own) == 1 and told <= own:
        return [""] * len(stems)
    several = next((stem for stem, its in zip(stems, said, strict=True) if len(its) > 1), "")
    if several:
        raise ValueError(f"holds a shard {several!r}, which names several splits: {_RENAME}")
    silent = [stem for stem, its in zip(stems, said, strict=True) if not its]
    if told and silent:
        loud = next(stem for stem in stems if stem not in silent)
        raise ValueError(
            f"holds a shard {loud!r}, which names a split, and {silent[0]!r}, which does not:"
            f" {_RENAME}"
        )
    if len(own) == 1 and len(told) == 1:
        raise ValueError(
            f"is called as a split, and its shard {stems[0]!r} as another one: {_RENAME}"
        )
    kinds = {_CODE.sub("", stem.lower()).strip("-_. "): stem for stem in stems}
    if not told and len(kinds) > 1:
        names = ", ".join(repr(kinds[kind]) for kind in sorted(kinds)[:5])
        raise ValueError(f"holds shards of several names that tell no split ({names}): {_RENAME}")
    return ["".join(its) for its in said]


_RENAME = "call them train-0000, test-0000 and so on, or put them into folders train, test"
