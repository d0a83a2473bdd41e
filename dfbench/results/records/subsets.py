"""Subsets: other parts of the training images that a row is fitted on, and how they are named.

Its name stands in entries, in records and in the identity of a cell; the row itself has none.
"""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict

MERGED = "real or fake"
"""Name where all but the real class are taken for one class, fake, and no kind is left out."""
UNKNOWN_KINDS = "leave-one-generator-out"
"""Name where a kind is to be left out and the data do not tell any."""

_WITHOUT = "without "
_PART = re.compile(r"([\d.e-]+) % of train")


class Subset(BaseModel):
    """What a row is fitted on; by default all of its training images.

    Examples
    --------
    >>> Subset(left_out="smoothed").name, Subset(fraction=0.25).name, Subset().name
    ('without smoothed', '25 % of train', '')
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    left_out: str | None = None
    """Kind of fake that it has never seen; empty where one is to be and the data do not tell any.
    """
    fraction: float | None = None
    """Part of the training images."""
    merged: bool = False
    """Whether, of more than two classes, all but the real one are taken for one class, fake."""

    @property
    def name(self) -> str:
        """Name it; empty for all training images. Cells are known by it: it never changes."""
        if self.left_out == "":
            return UNKNOWN_KINDS
        parts = [
            *([] if self.left_out is None else [_WITHOUT + self.left_out]),
            *([] if self.fraction is None else [f"{100 * self.fraction:.6g} % of train"]),
        ]
        return ", ".join(parts) or (MERGED if self.merged else "")


WHOLE = Subset()
"""All training images: the row itself."""


def parse_name(name: str) -> Subset:
    """Read the name of a subset, for files of before there were fields.

    Of a kind left out the name does not tell whether classes were merged.

    Raises
    ------
    ValueError
        If it names none.

    Examples
    --------
    >>> parse_name("25 % of train")
    Subset(left_out=None, fraction=0.25, merged=False)
    """
    match = _PART.fullmatch(name)
    if match is not None:
        return Subset(fraction=float(match.group(1)) / 100)
    if name.startswith(_WITHOUT):
        return Subset(left_out=name.removeprefix(_WITHOUT))
    known = {"": WHOLE, MERGED: Subset(merged=True), UNKNOWN_KINDS: Subset(left_out="")}
    if name not in known:
        raise ValueError(f"no part of the training images: {name!r}")
    return known[name]
