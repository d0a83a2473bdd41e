"""The card of a plain folder, recognised from how its images lie."""

from __future__ import annotations

import os
import re
from pathlib import Path

from dfbench.errors import DataError, OutputError
from dfbench.suites.datasets.cards.card import Card
from dfbench.suites.datasets.cards.guesses import guess_positive
from dfbench.suites.datasets.cards.writing import write_card
from dfbench.suites.datasets.image_files import is_image, subfolders, walk
from dfbench.suites.datasets.layouts.all import LAYOUTS, recognise
from dfbench.suites.datasets.layouts.base import Layout

CARD_FILE = "card.toml"
"""Name of the card that a folder may hold itself."""

_ANY = frozenset({"dataset", "data", "images", "imgs", "img"})
"""Names of folders that tell nothing of what lies in them."""

_DEPTH = 3
"""How many folders that hold nothing but one folder are gone down into."""


def infer_card(folder: str | Path) -> Card:
    """Recognise the layout of ``folder``.

    Known are: ``train.csv`` beside ``train/`` (and the same for validation and test), split
    folders with class folders, class folders alone (then divided 70/15/15, by class). The names of
    the splits may be written in any case and shortened in the usual ways.

    Returns
    -------
    Card
        With its root relative to ``folder``.

    Raises
    ------
    DataError
        If there is no such folder or nothing tells its labels; the message shows what would.
    """
    folder = Path(folder)
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "no such folder"
        raise DataError(what, where=folder)
    root = folder
    for _ in range(_DEPTH):
        found = recognise(root)
        if found is not None:
            return _card(folder, root, *found)
        inner = subfolders(root)
        if len(inner) != 1 or any(is_image(entry.name) for entry in root.iterdir()):
            break
        root = root / inner[0]
    raise _unrecognised(folder)


def slug(text: str) -> str:
    """Turn the name of a folder into the name of a data set.

    Examples
    --------
    >>> slug("My Faces (v2)")
    'my-faces-v2'
    """
    return re.sub(r"[^\w.+]+", "-", text.lower()).strip("-.+")[:100] or "data"


def _name(folder: Path) -> str:
    """Name a data set after its folder, or the nearest around it whose name tells something."""
    folder = folder.resolve()
    around = (each.name for each in (folder, *folder.parents))
    return slug(next((name for name in around if name.lower() not in {"", *_ANY}), folder.name))


def init_card(folder: str | Path, out: Path | None = None, *, force: bool = False) -> Path:
    """Write the card inferred for ``folder``, to be edited.

    Parameters
    ----------
    folder
        Folder of images.
    out
        File to write; ``card.toml`` in the folder itself if None.
    force
        Whether a file that exists may be replaced.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    DataError
        If the layout is not recognised.
    OutputError
        If the file exists, or cannot be written.
    """
    folder = Path(folder)
    card = infer_card(folder)
    path = folder / CARD_FILE if out is None else out
    if path.exists() and not force:
        raise OutputError("there is a file already", where=path, hint="remove it first")
    if path.parent.resolve() != folder.resolve():
        card = card.model_copy(update={"root": (folder / card.root).resolve().as_posix()})
    write_card(card, path, examples=True)
    return path


def _card(folder: Path, root: Path, layout: Layout, classes: list[str]) -> Card:
    if len(classes) == 2:
        positive = guess_positive(classes)
        classes = sorted(classes, key=lambda name: name == positive)
    return Card.model_validate(
        {
            "name": _name(folder),
            "root": os.path.relpath(root, folder).replace(os.sep, "/"),
            "classes": classes,
            "layout": layout,
        }
    )


def _unrecognised(folder: Path) -> DataError:
    names = [path.rpartition("/")[2] for path in walk(folder).images]
    if not names:
        return DataError(
            "holds no images", where=folder, hint="jpg, png, webp, bmp, gif and tiff are taken"
        )
    return DataError(
        f"nothing tells the labels of its {len(names)} images",
        where=folder,
        hint="known layouts: " + "; ".join(layout.advice(names) for layout in LAYOUTS.values()),
    )
