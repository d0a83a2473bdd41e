"""A plain folder as a card: from what its folders, tables and file names tell together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dfbench.errors import DataError
from dfbench.received.containers.places import columns_of, exists, is_folder, may_hold_images
from dfbench.suites.datasets.cards.card import Card
from dfbench.suites.datasets.cards.reading import parse_card
from dfbench.suites.datasets.image_files import Found, walk
from dfbench.suites.datasets.inference.agreeing import (
    compare,
    of_folders,
)
from dfbench.suites.datasets.inference.class_positions import UnclearError
from dfbench.suites.datasets.inference.class_words import wrapper
from dfbench.suites.datasets.inference.file_hints import frames_of_videos, masks_beside_images
from dfbench.suites.datasets.inference.file_names import by_file_names
from dfbench.suites.datasets.inference.folders import FolderReading, read_folders
from dfbench.suites.datasets.inference.names import name_of
from dfbench.suites.datasets.inference.places import listed, places_of, shared_start
from dfbench.suites.datasets.inference.read_as import Names, Pattern, ReadAs
from dfbench.suites.datasets.inference.table_reading import (
    beyond,
    brought,
    divides_further,
    means,
    of_table,
    rename,
    settles,
    suffices,
    tell_unused,
)
from dfbench.suites.datasets.inference.tables import Tables, find_tables
from dfbench.suites.datasets.layouts.all import LAYOUTS
from dfbench.suites.datasets.words import natural

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
    if not is_folder(folder):
        what = "is a file, not a folder" if exists(folder) else "no such folder"
        raise DataError(what, where=folder)
    found = walk(folder)
    if not found.images:
        raise _no_images(folder, found)
    reading = _read(folder, found, asked)
    hints = [masks_beside_images(found.images), _shards_beside(folder, found.others)]
    if reading.card.split.policy == "stratified":
        hints.append(frames_of_videos(found.images))
    line = reading.line
    label, _ = columns_of(folder / found.images[0]) or ("", ())
    if label:
        line = f"classes of the column {label!r} of its Parquet files; {line}"
    return replace(reading, line=line, warnings=(*reading.warnings, *filter(None, hints)))


def _read(folder: Path, found: Found, asked: ReadAs) -> Reading:
    """Read what folders, tables and the user say; which of them counts is decided here."""
    for option in ("classes", "kinds", "groups", "splits"):
        asked.said(option)
    if isinstance(asked.said("classes"), Pattern):
        return _of(folder, by_file_names(found.images, asked, folder), [])
    said = asked.said("classes")
    meant = {}
    if isinstance(said, Names):
        meant = {label: name for name, labels in said.by_name.items() for label in labels}
    tables = find_tables(folder, found.images, found.others, asked.given(), meant)
    table = tables.found
    columns = _columns(asked, tables, folder)
    try:
        read, root = _folders(found, replace(asked, **dict.fromkeys(columns, "")), folder)
    except DataError as error:
        if table is None or (asked.classes and not means(asked, table)):
            raise _with_tables(error, tables) from None
        if not (table.chosen or asked.classes or settles(table, found)):
            n, all_ = len(table.labels), len(found.images)
            hint = f"--classes {table.layout.label_column} goes by {listed(table.files)}, which"
            hint += f" tells {n:,} of {all_:,} images"
            hints = "; ".join(filter(None, (error.hint, hint)))
            raise DataError(error.what, where=error.where, hint=hints) from None
        read, root = None, ""
    if table is None:
        if read is None:
            raise _unrecognised(folder, found, tables)
        return _of_folders(folder, root, read, tables)
    if read is None or table.chosen or not (read.worded or read.classes == ["0", "1"] or columns):
        return _of(folder, of_table(folder, table, asked), tables.aside)
    try:
        agreement = compare(table, read, root, folder)
    except DataError as error:
        if columns or not asked.classes:
            raise
        read.warnings.append(f"{error.what}: the folders count, as said")
        return _of_folders(folder, root, read, tables)
    brings = brought(table, read)
    leaves_out = bool(asked.classes) and not agreement.covers(table)
    if columns and leaves_out:
        raise beyond(columns[0], table, agreement, folder)
    if not columns and (not brings or leaves_out or not suffices(table, read)):
        if table.turned and table.asked is not None:
            raise DataError(table.asked[0], where=folder, hint=table.asked[1])
        tell_unused(table, read, agreement, brings)
        return _of_folders(folder, root, read, tables)
    if agreement.finer and not asked.classes:
        table.warnings.append(divides_further(table))
    if asked.classes or agreement.finer or (len(table.classes) == 2 and not table.positive):
        rename(table, read, agreement)
    told = of_table(folder, table, asked, of_folders(table, read, root))
    return _of(folder, told, tables.aside)


def _columns(asked: ReadAs, tables: Tables, where: object) -> list[str]:
    """Say which options name a column of the table of labels.

    Raises
    ------
    DataError
        Where one names a column of another, which is not used.
    """
    result = []
    for option in ("kinds", "groups", "splits"):
        name = getattr(asked, option)
        if not name:
            continue
        having = tables.having(name)
        used = tables.found.files if tables.found is not None else []
        if not having:
            continue
        if not any(name in tables.columns.get(file, ()) for file in used):
            why = dict(tables.aside).get(having, "it tells no labels")
            raise DataError(
                f"--{option}: {name!r} is a column of {having}, which is not used: {why}",
                where=where,
                hint="a card says how a table without labels goes with folders: [group] and [kind]"
                " take a csv",
            )
        result.append(option)
    return result


def _with_tables(error: DataError, tables: Tables) -> DataError:
    """Add to what is asked about folders why the tables beside them do not tell it."""
    aside = [(file, why) for file, why in tables.aside if file in tables.columns]
    more = "".join(f"; {file} is not used: {why}" for file, why in aside[:3])
    return DataError(error.what + more, where=error.where, hint=error.hint)


# --- folders -----------------------------------------------------------------------------------


def _folders(found: Found, asked: ReadAs, folder: Path) -> tuple[FolderReading | None, str]:
    """Read the folders below the outermost ones that hold everything; also give these."""
    places = places_of(found.images)
    outer = places[0].parts[: shared_start(places)]
    depth = wrapper(outer, places)
    for place in places:
        place.parts = place.parts[depth:]
    root = "/".join(outer[:depth])
    try:
        read = read_folders(places, asked, folder / root)
    except UnclearError as error:
        raise _of_rows(error, folder, found) from None
    return read, root


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


def _shards_beside(folder: Path, others: list[str]) -> str:
    """Say that shards beside images are not read; tables are Parquet files as well."""
    if not folder.is_dir():
        return ""
    shards = [path for path in others if may_hold_images(folder / path)]
    if not shards:
        return ""
    n = f"{len(shards):,} shards" if len(shards) > 1 else "1 shard"
    verb = "are" if len(shards) > 1 else "is"
    return (
        f"{n} beside the images {verb} not read ({listed(natural(shards)[:3])}): put them into a"
        " folder of their own, or unpack them"
    )


def _no_images(folder: Path, found: Found) -> DataError:
    kinds = natural(set(found.unread.values()))
    hint = f"what lies there is not read: {listed(kinds)}" if kinds else None
    archives = [path for path in found.others if path.lower().endswith((".zip", ".tar"))]
    if archives and not kinds:
        hint = f"an archive that lies in a folder is not opened: give {archives[0]} itself"
        if len(archives) > 1:
            hint += f", or unpack the {len(archives):,} of them into folders of their names"
    return DataError("holds no images", where=folder, hint=hint or IMAGES)


def _of_rows(error: UnclearError, folder: Path, found: Found) -> DataError:
    """Speak of the column of labels, where it is what the folders are made from."""
    label, others = columns_of(folder / found.images[0]) or ("", ())
    if not label:
        return error
    more = f"; the other columns are: {listed(others)}" if others else ""
    return DataError(
        f"no text in the column {label!r} of its Parquet files is real, fake or the like, and these"
        f" may be classes or not: {listed(error.names)}{more}",
        where=folder,
        hint="--classes 1 takes each of these texts for a class, --classes"
        " real=TEXT+TEXT,fake=TEXT+TEXT says what each is",
    )


def _unrecognised(folder: Path, found: Found, tables: Tables) -> DataError:
    rows = columns_of(folder / found.images[0])
    if rows is not None and not rows[0]:
        there = f"they have {listed(rows[1])}" if rows[1] else "they have images alone"
        return DataError(
            f"no column of its Parquet files is called label, or is_fake or the like: {there}",
            where=folder,
            hint="give the column that tells what is real and what fake the name label, or add it",
        )
    names = [path.rpartition("/")[2] for path in found.images]
    aside = "".join(f"; {path} is not used: {why}" for path, why in tables.aside[:3])
    return DataError(
        f"nothing tells the labels of its {len(names):,} images{aside}",
        where=folder,
        hint="known layouts: "
        + "; ".join(filter(None, (layout.advice(names) for layout in LAYOUTS.values()))),
    )
