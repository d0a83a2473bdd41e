"""Subsets: other parts of the training images that a row is fitted on, and how they are named.

Two kinds serve ensembles alone: all but a fold of train, whose images are scored; and a derived
row that is made without one of its members. The name of a subset stands in entries, in records and
in the identity of a cell; the row itself has none.
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
_FOLD = re.compile(r"(?:(.+), )?train less fold (\d+) of (\d+)")
_LESS = "made without "


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
    fold: tuple[int, int] | None = None
    """Number of the fold of train that it is fitted without and scored on, and of how many."""
    less: str = ""
    """Member that a derived row is made without."""

    @property
    def name(self) -> str:
        """Name it; empty for all training images. Cells are known by it: it never changes."""
        if self.less:
            return _LESS + self.less
        if self.fold is not None:
            number, of = self.fold
            fold = f"train less fold {number} of {of}"
            return ", ".join(filter(None, [self.around.name, fold]))
        if self.left_out == "":
            return UNKNOWN_KINDS
        parts = [
            *([] if self.left_out is None else [_WITHOUT + self.left_out]),
            *([] if self.fraction is None else [f"{100 * self.fraction:.6g} % of train"]),
        ]
        return ", ".join(parts) or (MERGED if self.merged else "")

    @property
    def of_ensemble(self) -> bool:
        """Whether it serves an ensemble, and is none that a protocol asked for."""
        return self.fold is not None or bool(self.less)

    @property
    def around(self) -> Subset:
        """That which its fold is a fold of."""
        return self.model_copy(update={"fold": None})


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
    >>> parse_name("25 % of train") == Subset(fraction=0.25)
    True
    """
    if name.startswith(_LESS):
        return Subset(less=name.removeprefix(_LESS))
    if (match := _FOLD.fullmatch(name)) is not None:
        around, number, of = match.groups()
        return parse_name(around or "").model_copy(update={"fold": (int(number), int(of))})
    match = _PART.fullmatch(name)
    if match is not None:
        return Subset(fraction=float(match.group(1)) / 100)
    if name.startswith(_WITHOUT):
        return Subset(left_out=name.removeprefix(_WITHOUT))
    known = {"": WHOLE, MERGED: Subset(merged=True), UNKNOWN_KINDS: Subset(left_out="")}
    if name not in known:
        raise ValueError(f"no part of the training images: {name!r}")
    return known[name]
