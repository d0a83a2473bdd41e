"""What a plain folder is called: as a data set, and in a line of text."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from dfbench.files import resolved
from dfbench.received.containers.places import is_archive

_ANY = frozenset({"dataset", "data", "images", "imgs", "img"})
"""Names of folders that tell nothing of what lies in them."""


def name_of(folder: Path) -> str:
    """Call a data set after its folder, or after the one around it if that is called ``data``."""
    own = resolved(folder)
    if is_archive(own):
        own = own.with_suffix("")
    around = [own.name, *(outer.name for outer in own.parents)]
    return slug(next((name for name in around if name.lower() not in {"", *_ANY}), own.name))


def slug(text: str) -> str:
    """Turn the name of a folder into the name of a data set.

    Examples
    --------
    >>> slug("My Faces (v2)")
    'my-faces-v2'
    """
    # macOS may write an accent as a character of its own, which is no letter
    whole = unicodedata.normalize("NFC", text).lower()
    return re.sub(r"[^\w.+]+", "-", whole).strip("-.+")[:100] or "data"
