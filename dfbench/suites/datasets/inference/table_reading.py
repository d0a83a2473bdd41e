"""Tables as a card, beside folders that may tell something of the same images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dfbench.errors import DataError
from dfbench.suites.datasets.image_files import Found
from dfbench.suites.datasets.inference.agreeing import Agreement, Beside, by_options
from dfbench.suites.datasets.inference.combining import FoundTable
from dfbench.suites.datasets.inference.folders import FolderReading
from dfbench.suites.datasets.inference.places import listed, places_of, shared_start
from dfbench.suites.datasets.inference.read_as import Names, ReadAs
from dfbench.suites.datasets.inference.sources import are_sources
from dfbench.suites.datasets.words import is_neutral, meaning, natural, split_of

Told = tuple[dict[str, Any], list[str], list[str]]
"""Keys of a card; what is read, a phrase each; what may mislead, a sentence each."""
MOST_UNUSED = 20
"""More folders beside each other are hardly kinds."""


def settles(table: FoundTable, found: Found) -> bool:
    """Whether a table answers what is asked about folders: it names images of each of them."""
    folders = {path.rpartition("/")[0] for path in found.images}
    named = {path.rpartition("/")[0] for path in table.named}
    return folders <= named and 2 * len(table.named) >= len(found.images)


def brought(table: FoundTable, read: FolderReading) -> list[str]:
    """Name what a table tells and folders do not."""
    own, theirs = table.layout, read.layout
    grouped = theirs.gives_groups or "pattern" in read.sections.get("group", {})
    more = {
        "splits": table.gives_splits and not theirs.split_names,
        "groups": own.gives_groups and not grouped,
        "kinds": own.gives_kinds and not (theirs.gives_kinds or "kind" in read.sections),
    }
    return [what for what, new in more.items() if new]


def suffices(table: FoundTable, read: FolderReading) -> bool:
    """Whether a table may stand for the folders: it knows their splits, and half of the images."""
    keeps = set(table.layout.split_names) >= set(read.layout.split_names)
    return keeps and 2 * len(table.labels) >= table.images


def tell_unused(
    table: FoundTable, read: FolderReading, agreement: Agreement, brings: list[str]
) -> None:
    """Say at the reading of folders what a table beside them tells, and is not used."""
    files, n = listed(table.files), len(table.labels)
    if agreement.finer:
        read.warnings.append(divides_further(table))
    if brings:
        some = f"{n:,} of {table.images:,} images" if n < table.images else "the images"
        read.warnings.append(f"{files} tells {' and '.join(brings)} of {some}: not used")
    if table.only != "all" and not read.layout.split_names and n < table.images:
        read.warnings.append(
            f"{files} lists {n:,} images of {table.only}, which is not used: all images are divided"
            " anew, these among them (a card with tables can keep them)"
        )
    elif not agreement.finer:
        read.said.append(f"the same labels as in {files}")
    read.warnings += [text for text in table.warnings if "not read as splits" in text]


def divides_further(table: FoundTable) -> str:
    """Say that a table divides the classes of folders further."""
    return (
        f"{listed(table.files)} divides the classes further"
        f" ({listed(natural(set(table.classes)))}), which is not used:"
        f" --classes {table.layout.label_column} takes these for the classes"
    )


def rename(table: FoundTable, read: FolderReading, agreement: Agreement) -> None:
    """Call the classes of a table as the folders do."""
    of = agreement.folder_of
    spelt = {name: text for text, name in table.layout.labels.items()}
    texts = {name: [t for t, n in table.layout.labels.items() if n == name] for name in spelt}
    labels = {text: of[name] for name in of for text in texts.get(name, [name])}
    table.layout = table.layout.model_copy(
        update={"labels": {text: name for text, name in labels.items() if text != name}}
    )
    table.labels = {path: of.get(name, name) for path, name in table.labels.items()}
    table.classes, table.positive = read.classes, read.positive


def beyond(option: str, table: FoundTable, agreement: Agreement, where: Path) -> DataError:
    """Refuse a column of a table whose images the folders of --classes leave out."""
    n = len(agreement.without)
    return DataError(
        f"--{option} names a column of {listed(table.files)}, but {n:,} images of this table lie in"
        " no folder of --classes",
        where=where,
        hint=f"--classes {table.layout.label_column} goes by the table",
    )


def means(asked: ReadAs, table: FoundTable) -> bool:
    """Whether what the user says of classes is said of a table: its column, or its labels."""
    said = asked.said("classes")
    labels = isinstance(said, Names) and set(said.by_name) == set(table.classes)
    return table.chosen or (labels and table.as_said)


def of_table(
    folder: Path,
    table: FoundTable,
    asked: ReadAs,
    beside: Beside | None = None,
) -> Told:
    """Say what tables tell, and folders beside them.

    Raises
    ------
    DataError
        Where that is asked for, or what the user says is not there.
    """
    if table.asked is not None:
        raise DataError(table.asked[0], where=folder, hint=table.asked[1])
    classes, positive, layout = table.classes, table.positive, table.layout
    if len(classes) == 2 and not positive:
        one, other = classes
        raise DataError(
            f"no label in {listed(table.files)} tells which class is fake: {one} or {other}"
            + (f" ({table.doubt})" if table.doubt else ""),
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
    paths = list(table.named)
    places = places_of(paths)
    given = by_options(asked, paths, shared_start(places), folder)
    alone, beside = beside is None, beside or Beside()
    facts |= {
        section: rule
        for section, rule in beside.sections.items()
        if not asked.denies(f"{section}s") and not getattr(asked, f"{section}s")
    }
    facts |= given.sections
    handled = {f"{section}s" for section in given.sections}
    refused = [
        line
        for line in table.missing
        if line.partition(":")[0] not in handled | ({"classes"} if asked.classes else set())
    ]
    if refused:
        raise DataError(f"--{refused[0]}", where=folder)
    phrases = [f"classes {listed(classes, 12)}", table.told, *beside.said, *given.said]
    unused = _unused(table, {*facts})
    if not (layout.gives_groups or "group" in facts or asked.groups):
        sources = _folders_of_sources(paths)
        if sources:
            facts["group"] = {"pattern": r"(?P<group>[^/]+)/[^/]+$"}
            phrases.append(f"groups: {sources:,} folders of one source each")
    if unused and alone and not given.said:
        phrases.append(f"not used: folders {listed(unused)}")
    return facts, phrases, [*table.warnings, *beside.warnings]


def _folders_of_sources(paths: Sequence[str]) -> int:
    """Count the folders that images lie in, where they look like those of videos; else 0."""
    names = {path.rpartition("/")[0].rpartition("/")[2] for path in paths}
    return len(names) if 2 * len(names) <= len(paths) and are_sources(names, below=True) else 0


def _unused(table: FoundTable, told: set[str]) -> list[str]:
    """Name folders beside each other that may tell something, and are not read."""
    if told & {"group", "kind"} or table.by_folder:
        return []
    outer = {path.split("/")[0] for path in table.named if "/" in path}
    told_by = (split_of, is_neutral, meaning)
    names = {name for name in outer if not any(tells(name) for tells in told_by)}
    return natural(names) if 1 < len(names) <= MOST_UNUSED else []
