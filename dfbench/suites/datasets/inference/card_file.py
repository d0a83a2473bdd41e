"""Writing the card of a plain folder, to be edited, and finding that of an archive."""

from __future__ import annotations

from pathlib import Path

from dfbench.errors import OutputError
from dfbench.files import at_home, resolved
from dfbench.received.containers.places import is_archive, is_file, read_bytes
from dfbench.received.texts import SMALL, toml_of
from dfbench.suites.datasets.cards.writing import write_card
from dfbench.suites.datasets.inference.examples import examples
from dfbench.suites.datasets.inference.read_as import ReadAs
from dfbench.suites.datasets.inference.reading import Reading, read_folder
from dfbench.suites.datasets.scan import scan

CARD_FILE = "card.toml"
"""Name of the card that a folder may hold itself."""


def init_card(
    folder: str | Path,
    out: Path | None = None,
    *,
    asked: ReadAs | None = None,
    force: bool = False,
) -> tuple[Path, Reading]:
    """Write the card inferred for ``folder``, to be edited.

    Parameters
    ----------
    folder
        Folder of images, or archive of them.
    out
        File to write; if None ``card.toml`` in the folder itself, or beside an archive a file of
        its name.
    asked
        What the user says of how it is to be read.
    force
        Whether a file that exists may be replaced.

    Returns
    -------
    path, reading
        The file written, and how the folder was read.

    Raises
    ------
    DataError
        If it is not clear how the folder is to be read.
    OutputError
        If the file exists, or cannot be written.
    """
    folder = Path(folder)
    reading = read_folder(folder, asked)
    card = reading.card
    path = out
    if path is None:
        path = folder.with_suffix(".toml") if is_archive(folder) else folder / CARD_FILE
    if path.is_dir():
        raise OutputError("is a folder, not a card", where=path, hint="name a .toml file in it")
    if path.exists() and not force:
        raise OutputError("there is a file already", where=path, hint="remove it first")
    if is_archive(folder) and resolved(path.parent) == resolved(folder.parent):
        card = card.model_copy(update={"root": (Path(folder.name) / card.root).as_posix()})
    elif resolved(path.parent) != resolved(folder):
        card = card.model_copy(update={"root": resolved(folder / card.root).as_posix()})
    images = scan(card, folder / reading.card.root).images
    write_card(card, path, examples=examples(card, {its.path: its.group for its in images}))
    return path, reading


def card_beside(archive: Path) -> Path | None:
    """Give the card that `init_card` writes beside an archive, if there is one whose root it is.

    A file of that name that cannot be read but speaks of the archive counts: who edits a card is
    to hear of slips in it.
    """
    if not is_archive(archive):
        return None
    path = archive.with_suffix(".toml")
    if path == archive or not is_file(path):
        return None
    text = b""
    try:
        text = read_bytes(path, most=SMALL)
        root = toml_of(text).get("root")
    except OSError:
        return None
    except ValueError:
        return path if archive.name.encode() in text else None
    if not isinstance(root, str):
        return None
    place, whole = resolved(path.parent / at_home(root)), resolved(archive)
    return path if whole in (place, *place.parents) else None
