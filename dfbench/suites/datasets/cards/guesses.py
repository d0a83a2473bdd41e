"""Which class means real and which fake, by their names."""

from __future__ import annotations

import re

_FAKE_WORDS = frozenset(
    [
        *("fake", "fakes", "deepfake", "deepfakes", "synthetic", "generated", "ai"),
        *("forged", "manipulated", "altered"),
    ]
)
_REAL_WORDS = frozenset(
    ["real", "reals", "authentic", "original", "originals", "genuine", "pristine", "nature"]
)


def guess_positive(classes: list[str]) -> str:
    """Name the class that means fake: by its name, else the last one.

    Examples
    --------
    >>> guess_positive(["Fake", "Real"])
    'Fake'
    >>> guess_positive(["cat", "dog"])
    'dog'
    """
    worded = [c for c in classes if _FAKE_WORDS & set(re.split(r"[\W_]+", c.lower()))]
    if len(worded) == 1:
        return worded[0]
    return "1" if "1" in classes else classes[-1]


def guess_real(classes: list[str]) -> str:
    """Name the class of real images by its name; empty where none or several are called so.

    Examples
    --------
    >>> guess_real(["0_real", "1_stylegan", "2_diffusion"])
    '0_real'
    >>> guess_real(["0", "1", "2"])
    ''
    """
    worded = [c for c in classes if _REAL_WORDS & set(re.split(r"[\W_]+", c.lower()))]
    return worded[0] if len(worded) == 1 else ""
