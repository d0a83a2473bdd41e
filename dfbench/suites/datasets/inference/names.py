"""What a plain folder is called as a data set."""

from __future__ import annotations

import re


def slug(text: str) -> str:
    """Turn the name of a folder into the name of a data set.

    Examples
    --------
    >>> slug("My Faces (v2)")
    'my-faces-v2'
    """
    return re.sub(r"[^\w.+]+", "-", text.lower()).strip("-.+")[:100] or "data"
