"""What a layout is: how images lie in folders, and where their labels are told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from dfbench.errors import DataError
from dfbench.suites.datasets.listing import Listing
from dfbench.suites.datasets.section import Section, fault


class Declared(Protocol):
    """What a layout needs to know of the card that it is part of."""

    @property
    def name(self) -> str:
        """Of the data set."""

    @property
    def classes(self) -> Sequence[str]:
        """Names of the classes; the label is the place."""

    @property
    def real_index(self) -> int | None:
        """Label of the class of real images; None where it is not known."""

    @property
    def about(self) -> object | None:
        """What ``dfbench data info`` shows of a public data set; None of any other."""


class Sheet(NamedTuple):
    """The table that a competition wants filled in.

    Attributes
    ----------
    ids
        Each id in its order, with the path of its image below the root.
    id_column, label_column
        Names in the header.
    spelt
        Class to label, where they differ.
    """

    ids: list[tuple[str, str]]
    id_column: str = "image"
    label_column: str = "label"
    spelt: Mapping[str, str] = {}


class Layout(Section, ABC):
    """How the images of a data set lie, and where labels, splits, groups and kinds are told.

    The keys of a layout are the fields of its class; ``kind`` is its name in cards. What is not
    abstract has a default that fits layouts which do not tell the thing.
    """

    kind: str

    @classmethod
    @abstractmethod
    def advice(cls, names: Sequence[str]) -> str:
        """Say how images have to lie, to somebody whose images nothing recognises; "" is nothing.

        Parameters
        ----------
        names
            File names of the images.
        """

    @abstractmethod
    def needs(self, classes: Sequence[str]) -> list[str]:
        """Name the files and folders, relative to the root, by which it is found."""

    @abstractmethod
    def scan(self, card: Declared, root: Path) -> Listing:
        """List the images, in any order.

        Raises
        ------
        DataError
            Where the folder and the card contradict each other; naming file and row.
        """

    def reads_beside(self, inner: Path, root: Path, classes: Sequence[str]) -> bool:
        """Whether it would read images of ``root`` that do not lie in ``inner``."""
        return False

    def check(self, classes: Sequence[str]) -> None:
        """Raise a validation error where the keys do not fit the classes of the card."""

    @property
    def split_names(self) -> list[str]:
        """The splits that it tells, ``all`` for a part to be divided; empty where it tells none."""
        return []

    @property
    def optional_splits(self) -> list[str]:
        """Those of its splits that the data may turn out not to have."""
        return []

    @property
    def gives_groups(self) -> bool:
        """Whether it tells which images share a source."""
        return False

    @property
    def gives_kinds(self) -> bool:
        """Whether it tells which kind of fake an image is."""
        return False

    def videos(self, paths: Sequence[str]) -> list[str]:
        """Name the video that each image is a frame of, as owners count videos: its folder."""
        return [path.rpartition("/")[0] for path in paths]

    def with_plugins(self, files: Collection[Path]) -> Layout:
        """Give it with files in which functions that it names may be."""
        return self

    def sheet(self, card: Declared, root: Path, paths: Sequence[str]) -> Sheet:
        """Give the table to be filled in for a competition.

        Parameters
        ----------
        card
            Of the data set.
        root
            Of the data.
        paths
            Of the test images without a label: the ids, where the layout has no others.

        Raises
        ------
        DataError
            If the data set has ids, but none of its test images.
        """
        return Sheet([(path, path) for path in paths])


def unread(files: Collection[str], of: str = "") -> list[str]:
    """Say which files hold pictures or video that are not read, by what they are."""
    count = Counter(files)
    names = ", ".join(f"{n:,} {name}" for name, n in count.most_common())
    total = sum(count.values())
    return [f"{total:,} file{'s' * (total > 1)}{of} not read: {names}"] if count else []


def check_labels(labels: Mapping[str, str], classes: Sequence[str]) -> None:
    """Raise a validation error where ``layout.labels`` leads to no class."""
    for text, name in labels.items():
        if name not in classes:
            known = ", ".join(classes)
            fault(f"layout.labels.{text}", f"{name!r} is none of the classes ({known})")


def label_of(card: Declared, labels: Mapping[str, str], text: str, *, where: str) -> int:
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
