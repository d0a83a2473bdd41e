"""One row per image, as a card sees it before any image is opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from dfbench.errors import DataError
from dfbench.suites.datasets.card import Card


class Row(NamedTuple):
    """One image as its card sees it, before it is opened."""

    path: str
    """Relative to the root, with ``/`` between parts."""
    label: int
    split: str
    """Empty where the split policy decides."""
    group: str = ""
    fault: str = ""
    """Why the file cannot be opened; empty where nothing is known against it."""
    kind: str = ""
    """Of fake, as the data tell it."""


@dataclass(slots=True)
class Scan:
    """The rows of a data set, sorted by path, and the number of files left aside."""

    rows: list[Row] = field(default_factory=list)
    ignored: int = 0


def label_of(card: Card, labels: dict[str, str], text: str, *, where: str) -> int:
    """Turn the label as found into the number of its class.

    Raises
    ------
    DataError
        Naming ``where``, the text and the classes, if there is no such class.
    """
    name = labels.get(text, text)
    if name not in card.classes:
        raise DataError(
            f"label {text!r} is none of the classes of {card.name!r} ({', '.join(card.classes)})",
            where=where,
            hint=f"layout.labels knows {', '.join(labels)}" if labels else None,
        )
    return card.classes.index(name)
