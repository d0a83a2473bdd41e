"""Numbers from HDF5 of others: some bytes promise gigabytes, or lead to other files."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfbench.received.files import opened

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[np.float32]]

_DEPTH = 8
"""Groups within groups."""
_CHUNK, _PACKED, _HEAD = 8, 1.1, 4096
"""Numbers of a block for each that there is, and bytes of what is stored for each that it stands
for, beside some: what is packed tighter than it can be unpacks to anything."""


def groups(
    path: Path, wanted: Callable[[str], bool], *, within: str, most: int, each: int
) -> dict[str, Arrays]:
    """Read the numbers below groups of a file.

    Parameters
    ----------
    path
        The file.
    wanted
        Whether a group of a name is read.
    within
        The group that they lie in where it has that one; else they lie in the file itself.
    most
        Numbers that are read of all.
    each
        Numbers that are read of a data set.

    Returns
    -------
    dict
        By group, the data sets at any depth below it by their own names.

    Raises
    ------
    OSError
        Where it cannot be opened, or is no regular file or no HDF5.
    ValueError
        Where it is damaged, holds more, other things than floating-point numbers, links, or what
        unpacks to more than it is.
    """
    import h5py
    import numpy as np

    left = most
    found: dict[str, Arrays] = {}
    try:
        with opened(path) as content, h5py.File(content, "r") as file:
            root = _item(file, within) if within in file else file
            for name in filter(wanted, root):
                found[name] = {}
                for key, item in _datasets(_item(root, name)):
                    _check(item, min(each, left))
                    left -= item.size
                    found[name][key] = np.asarray(item, np.float32)
    except (KeyError, AttributeError, TypeError, RuntimeError) as error:
        raise ValueError(str(error) or type(error).__name__) from None
    return found


def _item(group: Any, name: str) -> Any:
    """Give what lies in a group itself.

    Raises
    ------
    ValueError
        If it is a link, to another file or to elsewhere in this one.
    """
    from h5py import HardLink

    if not isinstance(group.get(name, getlink=True), HardLink):
        raise ValueError(f"{name} is a link, which is not followed")
    return group[name]


def _datasets(group: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    from h5py import Dataset

    if depth > _DEPTH:
        raise ValueError(f"{group.name} is nested too deeply")
    for key in group:
        item = _item(group, key)
        if isinstance(item, Dataset):
            yield key, item
        else:
            yield from _datasets(item, depth + 1)


def _check(item: Any, most: int) -> None:
    """Raise where numbers cannot be read for what they say that they are.

    Raises
    ------
    ValueError
        If there are more than ``most``, they lie in other files, or unpack to more.
    """
    name = item.name
    if item.size > most:
        raise ValueError(f"{name} of shape {item.shape} is more than the network has")
    if item.dtype.kind != "f":
        raise ValueError(f"{name} holds no numbers but {item.dtype}")
    if item.is_virtual or item.external:
        raise ValueError(f"{name} lies in other files, which are not opened")
    packed = item.compression not in (None, "gzip") or item.scaleoffset is not None
    if packed or math.prod(item.chunks or ()) > _CHUNK * max(1, item.size):
        raise ValueError(f"{name} is packed in a way that Keras does not")
    if item.id.get_storage_size() > _PACKED * item.nbytes + _HEAD:
        raise ValueError(f"{name} takes more room than its numbers do")
