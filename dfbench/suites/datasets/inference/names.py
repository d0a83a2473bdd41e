"""What a plain folder is called as a data set."""

from __future__ import annotations

import re
from pathlib import Path

_ANY = frozenset({"dataset", "data", "images", "imgs", "img"})
"""Names of folders that tell nothing of what lies in them."""


def name_of(folder: Path) -> str:
    """Call a data set after its folder, or after the one around it if that is called ``data``."""
    own = folder.resolve()
    around = [own.name, *(outer.name for outer in own.parents)]
    return slug(next((name for name in around if name.lower() not in {"", *_ANY}), own.name))


def slug(text: str) -> str:
    """Turn the name of a folder into the name of a data set.

    Examples
    --------
    >>> slug("My Faces (v2)")
    'my-faces-v2'
    """
    return re.sub(r"[^\w.+]+", "-", text.lower()).strip("-.+")[:100] or "data"
