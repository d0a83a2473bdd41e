"""The card of a plain folder, recognised from how its images lie."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

from dfbench.errors import DataError, OutputError
from dfbench.suites.datasets.card import (
    SPLITS,
    Card,
    FoldersLayout,
    SplitName,
    SplitRule,
    Table,
    TableLayout,
    guess_positive,
)
from dfbench.suites.datasets.cardfile import write_card
from dfbench.suites.datasets.layouts.table import Csv, read_csv
from dfbench.suites.datasets.walk import holds_images, is_image, subfolders, walk

CARD_FILE = "card.toml"
"""Name of the card that a folder may hold itself."""

_SPLIT_WORDS: dict[SplitName, tuple[str, ...]] = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}
_ID_WORDS = ("image_id", "id", "image", "filename", "file_name", "file", "path", "name")
_LABEL_WORDS = ("label", "labels", "class", "target", "y")
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
        layout = _table(root) or _split_folders(root) or _class_folders(root)
        if layout is not None:
            return _card(folder, root, *layout)
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


def _card(
    folder: Path, root: Path, layout: FoldersLayout | TableLayout, classes: list[str]
) -> Card:
    positive = guess_positive(classes)
    if len(classes) == 2:
        classes = sorted(classes, key=lambda name: name == positive)
    given = bool(layout.splits)
    return Card(
        name=slug(folder.resolve().name),
        root=os.path.relpath(root, folder).replace(os.sep, "/"),
        classes=classes,
        positive=positive if len(classes) == 2 else "",
        layout=layout,
        split=SplitRule(policy="given" if given else "stratified"),
    )


def _by_split(names: list[str]) -> dict[SplitName, str]:
    """Find which of ``names`` stands for which split."""
    result: dict[SplitName, str] = {}
    for split in SPLITS:
        fitting = [name for name in names if name.lower() in _SPLIT_WORDS[split]]
        if fitting:
            result[split] = fitting[0]
    return result


def _class_names(folder: Path) -> list[str]:
    """Names of the subfolders that hold images, at any depth."""
    return [name for name in subfolders(folder) if holds_images(folder / name)]


def _split_folders(root: Path) -> tuple[FoldersLayout, list[str]] | None:
    splits = _by_split(subfolders(root))
    if "train" not in splits or len(splits) < 2:
        return None
    classes = _natural({name for folder in splits.values() for name in _class_names(root / folder)})
    if len(classes) < 2:
        return None
    return FoldersLayout(kind="folders", splits=splits), classes


def _class_folders(root: Path) -> tuple[FoldersLayout, list[str]] | None:
    classes = _natural(set(_class_names(root)))
    if len(classes) < 2 or _by_split(classes):
        return None
    return FoldersLayout(kind="folders"), classes


def _table(root: Path) -> tuple[TableLayout, list[str]] | None:
    files = {
        entry.stem: entry.name
        for entry in root.iterdir()
        if entry.suffix.lower() == ".csv" and entry.is_file()
    }
    tables, folders = _by_split(sorted(files)), _by_split(subfolders(root))
    shared = [split for split in SPLITS if split in tables and split in folders]
    if "train" not in shared or len(shared) < 2 or len(_class_names(root / folders["train"])) > 1:
        return None
    path = root / files[tables["train"]]
    data = read_csv(path)
    id_column = _column(data, _ID_WORDS, 0)
    label_column = _column(data, _LABEL_WORDS, 1)
    if not data.rows or label_column is None or id_column is None:
        raise DataError(
            "the table needs a column of ids, a column of labels, and rows",
            where=path,
            hint="its columns: " + ", ".join(repr(column) for column in data.columns),
        )
    at = data.columns.index(label_column)
    classes = _natural({cells[at] for _, cells in data.rows})
    if len(classes) < 2:
        raise DataError(f"column {label_column!r} has only {classes[0]!r}", where=path)
    layout = TableLayout(
        kind="table",
        splits={s: Table(csv=files[tables[s]], images=folders[s]) for s in shared},
        id_column=id_column,
        label_column=label_column,
    )
    return layout, classes


def _column(data: Csv, words: tuple[str, ...], fallback: int) -> str | None:
    lower = {column.lower(): column for column in reversed(data.columns)}
    for word in words:
        if word in lower:
            return lower[word]
    return data.columns[fallback] if fallback < len(data.columns) else None


def _natural(names: set[str]) -> list[str]:
    """Sort names, numbers in them by value: class2 before class10."""
    return sorted(names, key=lambda n: [(p.isdigit(), p.zfill(12)) for p in re.split(r"(\d+)", n)])


# --- the message for what is not recognised --------------------------------------------------


def _unrecognised(folder: Path) -> DataError:
    names = [path.rpartition("/")[2] for path in walk(folder).images]
    if not names:
        return DataError(
            "holds no images", where=folder, hint="jpg, png, webp, bmp, gif and tiff are taken"
        )
    example = _suggest(names)
    return DataError(
        f"nothing tells the labels of its {len(names)} images",
        where=folder,
        hint=(
            "known layouts: train/ and test/ folders with a folder per class in each; a folder per "
            "class; train.csv beside train/; or a card for labels in file names, with lines such "
            f"as: {example}"
        ),
    )


def _suggest(names: list[str]) -> str:
    """Lines of a card that would read the labels from ``names``, ready to be checked."""
    label, labels = _label_pattern(names)
    firsts = Counter(name.partition("_")[0] for name in names if "_" in name)
    shared = sum(firsts.values()) == len(names) and 2 < len(firsts) <= len(names) / 2
    # names that begin alike may be frames of one video
    start = r"(?P<group>[^_]+)_.*" if shared and label.startswith(r".*") else ""
    pattern = start + label.removeprefix(r".*") if start else label
    classes = ", ".join(f'"{c}"' for c in labels.values())
    mapping = ", ".join(f'"{text}" = "{name}"' for text, name in labels.items())
    return (
        f"classes = [{classes}]; layout = {{ kind = \"filename\", pattern = '{pattern}', "
        f"labels = {{ {mapping} }} }}"
    )


def _label_pattern(names: list[str]) -> tuple[str, dict[str, str]]:
    numbered = {"0": "real", "1": "fake"}
    if all(re.fullmatch(r".*_[01]\.\w+", name) for name in names):
        return r".*_(?P<label>[01])\.\w+", numbered
    firsts = Counter(re.split(r"[\W_\d]+", name)[0] for name in names)
    if len(firsts) == 2 and all(firsts):
        return f"(?P<label>{'|'.join(sorted(firsts))}).*", {name: name for name in sorted(firsts)}
    return r".*_(?P<label>[01])\.\w+", numbered
