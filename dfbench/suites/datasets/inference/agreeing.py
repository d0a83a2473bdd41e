"""Folders and tables that both tell labels: whether they agree, and what folders tell besides."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dfbench.errors import DataError
from dfbench.received.patterns import searched
from dfbench.suites.datasets.inference.combining import FoundTable
from dfbench.suites.datasets.inference.folders import FolderReading
from dfbench.suites.datasets.inference.groups import MOST_NAMED
from dfbench.suites.datasets.inference.places import listed
from dfbench.suites.datasets.inference.read_as import Level, Names, Pattern, ReadAs
from dfbench.suites.datasets.section import matched
from dfbench.suites.datasets.words import meaning, natural


@dataclass(slots=True)
class Agreement:
    """How the classes of a table go with those of folders.

    Attributes
    ----------
    folder_of
        Class of the table to that of the folders.
    finer
        Whether the table divides a class of the folders further.
    without
        Images of the table of which folders tell no class.
    """

    folder_of: dict[str, str] = field(default_factory=dict)
    finer: bool = False
    without: list[str] = field(default_factory=list)

    def covers(self, table: FoundTable) -> bool:
        """Whether folders tell the class of all images of the table."""
        return not self.without and set(self.folder_of) == set(table.classes)


def inside(root: str) -> Callable[[str], str | None]:
    """Give what takes a path from the folder to one from ``root`` in it; None for one outside."""
    prefix = f"{root}/" if root else ""
    return lambda path: path.removeprefix(prefix) if path.startswith(prefix) else None


def compare(table: FoundTable, read: FolderReading, root: str, where: object) -> Agreement:
    """Compare what a table and the folders below ``root`` say of each image.

    Raises
    ------
    DataError
        Where they contradict each other, or the table knows fewer classes: that is another task.
    """
    below = inside(root)
    pairs: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], str] = {}
    result = Agreement()
    for path, name in table.labels.items():
        own = below(path)
        label = None if own is None else read.told(own.rpartition("/")[0]).label
        if label is None:
            result.without.append(path)
            continue
        pair = read.classes[label], name
        pairs[pair] += 1
        first.setdefault(pair, path)
    folders, names = ({pair[at] for pair in pairs} for at in (0, 1))
    against = [pair for pair in pairs if _against(pair, read, table)]
    if not against and len(pairs) > len(names):
        if len(pairs) == len(folders):
            raise _coarser(table, read, where)
        # of what is called alike most is right
        kept = {max((p for p in pairs if p[1] == name), key=lambda p: pairs[p]) for name in names}
        against = [pair for pair in pairs if pair not in kept]
    if against:
        pair = min(against, key=lambda pair: pairs[pair])
        n = sum(pairs[each] for each in against)
        raise DataError(
            f"{listed(table.files)} calls {first[pair]} {pair[1]!r}, its folder {pair[0]!r}"
            + (f", and so of {n:,} images" if n > 1 else ""),
            where=where,
            hint=f"--classes {table.layout.label_column} goes by the table,"
            f" --classes {','.join(read.classes)} by the folders",
        )
    result.folder_of = {name: folder for folder, name in pairs}
    result.finer = len(pairs) > len(folders)
    return result


def _against(pair: tuple[str, str], read: FolderReading, table: FoundTable) -> bool:
    """Whether one means real and the other fake."""
    meant = []
    for name, positive in zip(pair, (read.positive, table.positive), strict=True):
        meant.append(("fake" if name == positive else "real") if positive else meaning(name))
    return all(meant) and meant[0] != meant[1]


def _coarser(table: FoundTable, read: FolderReading, where: object) -> DataError:
    return DataError(
        f"{listed(table.files)} tells the classes {listed(table.classes)}, the folders"
        f" {listed(read.classes)}",
        where=where,
        hint=f"--classes {table.layout.label_column} goes by the table,"
        f" --classes {','.join(read.classes)} by the folders",
    )


# --- what folders tell beside the labels of a table --------------------------------------------


@dataclass(slots=True)
class Beside:
    """Sections of a card, and how they are said.

    Attributes
    ----------
    sections
        ``group`` and ``kind``.
    said, warnings
        Phrases, and what may mislead.
    """

    sections: dict[str, Any] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def by_options(asked: ReadAs, paths: Sequence[str], depth: int, where: object) -> Beside:
    """Say by patterns what the user says of folders.

    Parameters
    ----------
    asked
        What it is.
    paths
        Of the images.
    depth
        How many folders all of them lie in: levels are counted from there.
    where
        The folder, for messages.

    Raises
    ------
    DataError
        Where no image lies in such a folder.
    """
    result = Beside()
    for option, section in (("groups", "group"), ("kinds", "kind")):
        said = asked.said(option)
        if isinstance(said, Pattern):
            result.sections[section] = {"pattern": said.text}
            result.said.append(f"{option} by the pattern")
            continue
        if isinstance(said, Level):
            pattern, told = _level(said.number, section, depth), f"level {said.number} of folders"
        elif isinstance(said, Names) and option == "kinds":
            names = [folder for folders in said.by_name.values() for folder in folders]
            pattern, told = _named(names, section), f"folders {listed(names)}"
        else:
            continue
        if not any(re.search(pattern, path) for path in paths):
            if isinstance(said, Names):
                continue  # perhaps a column: its absence is told
            raise DataError(f"--{option} {said.number}: no folder stands there", where=where)
        result.sections[section] = {"pattern": pattern}
        result.said.append(f"{option} from {told}")
    return result


def of_folders(table: FoundTable, read: FolderReading, root: str) -> Beside:
    """Say by patterns of paths what folders tell and the table does not: kinds and groups."""
    result = Beside()
    below = inside(root)
    own = {path: inner for path in table.labels if (inner := below(path)) is not None}
    depth = len(root.split("/")) if root else 0
    if not table.layout.gives_kinds and table.positive:
        fakes = [path for path in own if table.labels[path] == table.positive]
        kinds = {path: read.told(own[path].rpartition("/")[0]).kind for path in fakes}
        tried = [_named(read.layout.kinds, "kind")] if read.layout.kinds else []
        _try(result, "kind", tried, read, (own, kinds))
    if not table.layout.gives_groups:
        groups = {path: read.told(own[path].rpartition("/")[0]).group for path in own}
        names = natural(set(groups.values()) - {""})
        tried = [_level(read.layout.groups, "group", depth)] if read.layout.groups else []
        if tried and len(names) <= MOST_NAMED:
            tried.append(_named(names, "group"))
        _try(result, "group", tried, read, (own, groups))
    return result


def _try(
    result: Beside,
    section: str,
    tried: Sequence[str],
    read: FolderReading,
    told: tuple[dict[str, str], dict[str, str]],
) -> None:
    """Take the first pattern that says the same of each path as the folders."""
    own, values = told
    rule = dict(read.sections.get(section, {}))
    if "pattern" in rule:
        values = _search(rule["pattern"], section, {path: own[path] for path in values})
        tried = [rule["pattern"]]
    if not tried or not any(values.values()):
        return
    for pattern in tried:
        if _search(pattern, section, {path: path for path in values}) == values:
            result.sections[section] = {**rule, "pattern": pattern}
            names = natural(set(values.values()) - {""})
            result.said.append(f"{section}s from folders {listed(names, 4)}")
            return
    result.warnings.append(f"folders tell {section}s, which are not used beside the table")


def _search(pattern: str, section: str, paths: Mapping[str, str]) -> dict[str, str]:
    """Give what the named group ``section`` finds in each path, by the key of the path."""
    found = matched(searched(pattern, paths.values()), where=f"[{section}] pattern")
    pairs = zip(paths, found, strict=True)
    return {key: (match[section] or "") if match else "" for key, match in pairs}


def _named(names: Sequence[str], section: str) -> str:
    return f"(?:^|/)(?P<{section}>{'|'.join(map(re.escape, names))})/"


def _level(number: int, section: str, depth: int) -> str:
    if number < 0:
        return f"(?:^|/)(?P<{section}>[^/]+)(?:/[^/]+){{{-number}}}$"
    return f"^(?:[^/]+/){{{depth + number - 1}}}(?P<{section}>[^/]+)/"
