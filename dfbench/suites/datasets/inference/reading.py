"""A plain folder as a card: from what its folders, tables and file names tell together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dfbench.errors import DataError
from dfbench.suites.datasets.cards.card import Card
from dfbench.suites.datasets.cards.reading import parse_card
from dfbench.suites.datasets.image_files import Found, walk
from dfbench.suites.datasets.inference.class_words import wrapper
from dfbench.suites.datasets.inference.combining import FoundTable
from dfbench.suites.datasets.inference.file_names import by_file_names
from dfbench.suites.datasets.inference.folders import FolderReading, read_folders
from dfbench.suites.datasets.inference.names import name_of
from dfbench.suites.datasets.inference.places import listed, places_of, shared_start
from dfbench.suites.datasets.inference.read_as import Names, Pattern, ReadAs
from dfbench.suites.datasets.inference.tables import Tables, find_tables
from dfbench.suites.datasets.layouts.all import LAYOUTS
from dfbench.suites.datasets.words import guess_positive, natural

IMAGES = "JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF, JPEG 2000, PPM and TGA are taken"
OTHERWISE = "--classes, --kinds, --groups and --splits, or a card, say otherwise"
"""Stands after a reading where somebody can still change it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a plain folder is read.

    Attributes
    ----------
    card
        That says the same; its root is relative to the folder.
    line
        What is read as what, in a line.
    warnings
        What about it may mislead, a sentence each.
    """

    card: Card
    line: str
    warnings: tuple[str, ...] = ()


def read_folder(folder: str | Path, asked: ReadAs | None = None) -> Reading:
    """Find out how a plain folder is to be read.

    Its whole tree is looked at first: names of folders that mean real or fake are the classes,
    whatever stands above or below them; train, validation and test are splits at any level; what
    else stands there are kinds of fakes or sources. A table that names the images goes before
    folders whose names mean nothing, and must agree with those that do.

    Parameters
    ----------
    folder
        With images somewhere below.
    asked
        What the user says of it.

    Raises
    ------
    DataError
        If there is no such folder, nothing tells its labels, or the likely readings are different
        tasks; the message shows what would settle it.
    CardError
        If what the user says has no sense.
    """
    folder, asked = Path(folder), asked or ReadAs()
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "no such folder"
        raise DataError(what, where=folder)
    found = walk(folder)
    if not found.images:
        raise _no_images(folder, found)
    for option in ("classes", "kinds", "groups", "splits"):
        asked.said(option)
    if isinstance(asked.said("classes"), Pattern):
        return _of(folder, by_file_names(found.images, asked, folder), [])
    tables = find_tables(folder, found.images, found.others, asked.given())
    table = tables.found
    try:
        read, root = _folders(found, asked, folder)
    except DataError:
        if table is None or (asked.classes and not _means(asked, table)):
            raise
        read, root = None, ""
    if table is not None and (read is None or _goes_before(table, read, root, folder)):
        return _of_table(folder, table, tables, asked)
    if read is None:
        raise _unrecognised(folder, found, tables)
    if table is not None:
        read.said.append(f"the same labels as in {listed(table.files)}")
    return _of_folders(folder, root, read, tables)


# --- folders -----------------------------------------------------------------------------------


def _folders(found: Found, asked: ReadAs, folder: Path) -> tuple[FolderReading | None, str]:
    """Read the folders below the outermost ones that hold everything; also give these."""
    places = places_of(found.images)
    outer = places[0].parts[: shared_start(places)]
    depth = wrapper(outer, places)
    for place in places:
        place.parts = place.parts[depth:]
    root = "/".join(outer[:depth])
    read = read_folders(places, asked, folder / root)
    return read, root


def _goes_before(table: FoundTable, read: FolderReading, root: str, folder: Path) -> bool:
    """Whether a table is believed, and not the folders; they must not contradict each other.

    Raises
    ------
    DataError
        Where they do.
    """
    if table.chosen or not read.worded:
        return True
    prefix = f"{root}/" if root else ""
    pairs: dict[tuple[str, str], str] = {}
    for path, name in table.labels.items():
        label = read.told(path.removeprefix(prefix).rpartition("/")[0]).label
        if path.startswith(prefix) and label is not None:
            pairs.setdefault((read.classes[label], name), path)
    if len({name for _, name in pairs}) < len(pairs):
        by_folder, by_table = next(
            pair for pair in pairs if sum(pair[1] == other for _, other in pairs) > 1
        )
        raise DataError(
            f"{listed(table.files)} calls {pairs[by_folder, by_table]} {by_table!r}, its folder"
            f" {by_folder!r}, and others of {by_table!r} lie elsewhere",
            where=folder,
            hint=f"--classes {table.layout.label_column} goes by the table,"
            f" --classes {','.join(read.classes)} by the folders",
        )
    finer = len(pairs) > len({name for name, _ in pairs})
    if finer:
        read.warnings.append(
            f"{listed(table.files)} divides the classes further"
            f" ({listed(natural({name for _, name in pairs}))}), which is not used:"
            f" --classes {table.layout.label_column} takes these for the classes"
        )
        return False
    own, theirs = table.layout, read.layout
    more = (own.gives_groups and not theirs.gives_groups) or (
        own.gives_kinds and not theirs.gives_kinds
    )
    return more and len(table.labels) > 0 and set(own.split_names) >= set(theirs.split_names)


def _of_folders(folder: Path, root: str, read: FolderReading, tables: Tables) -> Reading:
    facts = {
        "root": root or ".",
        "classes": read.classes,
        "positive": read.positive,
        "layout": read.layout,
        **read.sections,
    }
    warnings = read.warnings
    return _of(folder, (facts, read.said, warnings), tables.aside)


# --- tables ------------------------------------------------------------------------------------


def _means(asked: ReadAs, table: FoundTable) -> bool:
    """Whether what the user says of classes is said of a table: its column, or its labels."""
    return table.chosen or bool(_labels(asked, table))


def _labels(asked: ReadAs, table: FoundTable) -> dict[str, str]:
    """Give the label to the class that the user says it is of; empty where none is said."""
    said = asked.said("classes")
    if not isinstance(said, Names):
        return {}
    of = {label: name for name, labels in said.by_name.items() for label in labels}
    own = {name: text for text, name in table.layout.labels.items()}
    return of if set(of) == {own.get(name, name) for name in table.classes} else {}


def _of_table(folder: Path, table: FoundTable, tables: Tables, asked: ReadAs) -> Reading:
    classes, positive, layout = table.classes, table.positive, table.layout
    labels = _labels(asked, table)
    if labels:
        classes = list(dict.fromkeys(labels.values()))
        layout = layout.model_copy(
            update={"labels": {text: name for text, name in labels.items() if text != name}}
        )
        positive = (guess_positive(classes) or classes[-1]) if len(classes) == 2 else ""
        classes = sorted(classes, key=lambda name: name == positive)
    if len(classes) == 2 and not positive:
        one, other = classes
        raise DataError(
            f"no label in {listed(table.files)} tells which class is fake: {one} or {other}",
            where=folder,
            hint=f"--classes real={one},fake={other} says so, or the other way round; or a card"
            f' with positive = "{other}"',
        )
    facts: dict[str, Any] = {
        "root": ".",
        "classes": classes,
        "positive": positive,
        "layout": layout,
    }
    for option, section in (("groups", "group"), ("kinds", "kind")):
        said = asked.said(option)
        if isinstance(said, Pattern):
            facts[section] = {"pattern": said.text}
    refused = [
        line
        for line in table.missing
        if line.partition(":")[0] not in _patterns(asked) | ({"classes"} if labels else set())
    ]
    if refused:
        raise DataError(f"--{refused[0]}", where=folder)
    phrases = [f"classes {listed(classes, 12)}", table.told]
    phrases += [f"{option} by the pattern" for option in sorted(_patterns(asked))]
    return _of(folder, (facts, phrases, table.warnings), tables.aside)


def _patterns(asked: ReadAs) -> set[str]:
    return {name for name in ("groups", "kinds") if isinstance(asked.said(name), Pattern)}


def _of(
    folder: Path,
    read: tuple[dict[str, Any], list[str], list[str]],
    aside: list[tuple[str, str]],
) -> Reading:
    facts, said, warnings = read
    facts = {key: value for key, value in facts.items() if value or key == "classes"}
    card = parse_card({"name": name_of(folder), **facts}, where=folder)
    rule = card.split
    if rule.policy != "given":
        parts = "/".join(f"{share * 100:g}" for share in rule.fractions.values())
        said = [*said, f"divided {parts} by {'class' if rule.policy == 'stratified' else 'group'}"]
    warnings = [*warnings, *(f"{path} is not used: {why}" for path, why in aside)]
    return Reading(card, "; ".join(said), tuple(warnings))


# --- nothing -----------------------------------------------------------------------------------


def _no_images(folder: Path, found: Found) -> DataError:
    kinds = natural(set(found.unread.values()))
    hint = f"what lies there is not read: {listed(kinds)}" if kinds else None
    return DataError("holds no images", where=folder, hint=hint or IMAGES)


def _unrecognised(folder: Path, found: Found, tables: Tables) -> DataError:
    names = [path.rpartition("/")[2] for path in found.images]
    aside = "".join(f"; {path} is not used: {why}" for path, why in tables.aside[:3])
    return DataError(
        f"nothing tells the labels of its {len(names):,} images{aside}",
        where=folder,
        hint="known layouts: " + "; ".join(layout.advice(names) for layout in LAYOUTS.values()),
    )
