"""Groups by a column that names what each fake was made of: the original itself belongs there."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence

_FILE = re.compile(r"\.(mp4|avi|mov|mkv|webm|jpe?g|jfif|png|webp|bmp|gif|tiff?)$", re.IGNORECASE)
_NAMES = re.compile(r"orig|source|src|parent|pristine|video|target", re.IGNORECASE)


def groups_with_originals(column: str, ids: Sequence[str], groups: Sequence[str]) -> list[str]:
    """Put rows without a group into that of the rows that name them as their original.

    Parameters
    ----------
    column
        Name of the column of groups.
    ids, groups
        Cells of the n rows.

    Returns
    -------
    list of str
        The groups. Where no row without a group is named by another they are as given; else names
        of files lose folder and extension, so that ``a.mp4`` and ``a`` are one.

    Examples
    --------
    >>> groups_with_originals("original", ["a.mp4", "b.mp4", "c.mp4"], ["", "a.mp4", ""])
    ['a', 'a', '']
    """
    named = set(groups) - {""}
    if not (_NAMES.search(column) or any(_FILE.search(name) for name in named)):
        return list(groups)  # people and clips may be numbered as other images are
    alone = [name for name, group in zip(ids, groups, strict=True) if not group]
    several = {name for name, n in Counter(map(_name, set(ids))).items() if n > 1}
    key_of = {text: _path(text) if _name(text) in several else _name(text) for text in named}
    keys = set(key_of.values())
    own = {text: next((k for k in (_path(text), _name(text)) if k in keys), "") for text in alone}
    if not any(own.values()) and len(keys) == len(named):
        return list(groups)
    return [key_of[group] if group else own[name] for name, group in zip(ids, groups, strict=True)]


def _path(text: str) -> str:
    return _FILE.sub("", text.replace("\\", "/"))


def _name(text: str) -> str:
    return os.path.basename(_path(text))  # noqa: PTH119 - one of 200,000 names
