"""Loading a data set by name, card or folder."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from dfbench.files import Progress
from dfbench.suites.datasets.catalogue import resolve
from dfbench.suites.datasets.image_files import each_folder_once
from dfbench.suites.datasets.inference.read_as import ReadAs
from dfbench.suites.datasets.manifest import Dataset, read_dataset


def load_dataset(
    source: str | Path,
    *,
    root: Path | None = None,
    plugins: Collection[Path] = (),
    asked: ReadAs | None = None,
    check: bool = False,
    progress: Progress | None = None,
    incomplete: bool = False,
) -> Dataset:
    """Read a data set: find its images, divide them, open and hash each file that is not known.

    Parameters
    ----------
    source
        A card file (``.toml``), a folder of images, or the name of a data set; ``NAME=`` before
        it is what the data set is called instead.
    root
        Folder of the data, for cards that leave it open; goes before what the card says.
    plugins
        Files in which functions that its card names may be.
    asked
        How a plain folder is to be read.
    check
        Whether each file is read and hashed, also where its size and times are as they were when
        it was read before.
    progress
        Called with (images read, images in all).
    incomplete
        Whether a data set on which nothing can be run is given all the same, with its
        ``hindrance``: for who wants to see what it lacks.

    Raises
    ------
    UnknownNameError
        If ``source`` is none of the three.
    CardError
        If the card is not valid, or the name given to it.
    DataError
        If the data are absent, contradict the card, or lack a class. Images that cannot be opened
        are no error: they keep their line, with the reason.
    """
    with each_folder_once():
        located = resolve(source, root=root, asked=asked, progress=progress)
        card, folder = located.settled()
        card = card.with_plugins(plugins)
        dataset = read_dataset(card, folder, check=check, progress=progress, incomplete=incomplete)
    if located.reading is None:
        return replace(dataset, reading=located.note)
    warnings = (*located.reading.warnings, *dataset.warnings)
    return replace(dataset, reading=located.reading.line, warnings=warnings)
