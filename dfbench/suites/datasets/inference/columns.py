"""Which column of a table tells the labels, the splits, the groups and the kinds of fakes."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from dfbench.suites.datasets.inference.polarity import FLAGS, flag, flag_meaning, one_of
from dfbench.suites.datasets.tables.matching import Images
from dfbench.suites.datasets.tables.originals import groups_with_originals
from dfbench.suites.datasets.tables.table import Table, is_index
from dfbench.suites.datasets.words import meaning, plain, split_of


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ID_NAMES = _names(
    "filename filepath path imagepath imageid image img imgname imagename file id name key video "
    "videoid videoname clip"
)
ORIGINALS = _names("original source target originalvideo sourcevideo originalfile sourcefile")
"""Columns that name other images than the row is of."""
_LABEL_NAMES = _names(
    "label labels class classes classname classid classlabel target targets y labelstr labeltext "
    "labelname labelid binarylabel groundtruth truth gt category categories answer answers "
    "authenticity verdict annotation etiquette etiqueta clase classe klasse etichetta categoria "
    "kategorie kategoria categorie etykieta klasa klass метка класс 标签 类别 ラベル クラス"
)
_SPLIT_NAMES = _names("split set subset partition usage fold phase")
_GROUP_NAMES = _names(
    "original source video videoid clip clipid identity subject subjectid person personid "
    "originalvideo sourcevideo videoname target"
)
_KIND_NAMES = _names(
    "generator method model manipulation attack technique type kind algorithm generatedby "
    "forgery forgerymethod manipulationmethod attacktype faketype"
)
_MEASURES = _names(
    "width height size bytes filesize quality fps frame frames frameid frameno age gender sex race "
    "ethnicity score confidence compression channels format extension ext x w h left right top "
    "bottom duration length fold weight"
)
NO_COLUMN = "no column tells labels"
_MOST_CLASSES = 20
_MOST_KINDS = 50


class Choice(NamedTuple):
    """The column that tells something, or why none does."""

    column: str = ""
    reason: str = ""


def key(name: str) -> str:
    """Write the name of a column without case, accents and what is between its words."""
    return re.sub(r"[\W_]+", "", plain(name))


def values(table: Table, name: str) -> list[str]:
    """Give the different cells of a column that are not empty."""
    return list(dict.fromkeys(cell for cell in table.cells(name) if cell))


def label_column(table: Table, ids: str) -> Choice:
    """Find the column of labels: by its name and by what its cells mean.

    Parameters
    ----------
    table
        Of files.
    ids
        Its column of ids.
    """
    found = {
        name: few
        for name in dict.fromkeys(table.columns)
        if name != ids and not is_index(name) and (few := _few(table, name))
    }
    named = {n: v for n, v in found.items() if _called_labels(n, v)}
    worded = [n for n, v in found.items() if len(v) > 1 and _worded(v)]
    spoken = [n for n in worded if n in named]
    told = [n for n in named if meaning(n) and one_of(named[n], FLAGS)]
    numbers = [n for n in named if n not in (*spoken, *told) and one_of(named[n], ("0", "1"))]
    if numbers and not spoken and not told:
        # words beside 0 and 1 that go with them say which is which
        spoken = [n for n in worded if _one_to_one(table, n, numbers[0])]
    others = [n for n in named if n not in (*spoken, *told, *numbers)]
    several = [n for n in others if len(found[n]) > 1]
    for rank in (spoken + told, numbers, several, [] if named else worded, others):
        if rank:
            return _agreed(table, rank)
    many = [n for n in table.columns if key(n) in _LABEL_NAMES and n != ids and values(table, n)]
    if many:
        return Choice("", f"column {many[0]!r} has {len(values(table, many[0]))} different values")
    rest = [n for n, v in found.items() if _may_be_classes(table, n, v)]
    if len(rest) == 1:
        return Choice(rest[0])
    if rest:
        shown = ", ".join(repr(name) for name in rest[:4])
        return Choice("", f"nothing says which of the columns {shown} tells the labels")
    return Choice("", NO_COLUMN)


def split_column(table: Table, labels: str) -> Choice:
    """Find the column that tells train, validation and test of each row, if all of it is told."""
    for name in _named(table, _SPLIT_NAMES):
        found = values(table, name)
        strange = [text for text in found if split_of(text) is None]
        if len(found) > 1 and not strange and all(table.cells(name)):
            labelled = {
                split_of(text)
                for text, label in zip(table.cells(name), table.cells(labels), strict=True)
                if label
            }
            if "train" in labelled and len(labelled) > 1:
                return Choice(name)
            return Choice("", f"column {name!r} has no labelled images of train and another split")
        if len(found) > 1 and len(strange) < len(found):
            return Choice("", f"{strange[:1] or ['']!r} in column {name!r} is no split: not used")
    return Choice()


_FEWEST_GROUPS = 3


def group_column(tables: Sequence[Table], ids: Sequence[str], used: Collection[str]) -> Choice:
    """Find the column that tells which images share a source: it puts most rows into groups."""
    best, chosen, reason = 0.0, "", ""
    for name in _named(tables[0], _GROUP_NAMES):
        if name in used or any(name not in table.columns for table in tables):
            continue
        names = [c for t, i in zip(tables, ids, strict=True) for c in t.cells(i)]
        cells = [c for t in tables for c in t.cells(name)]
        groups = groups_with_originals(name, names, cells)
        sizes = Counter(group for group in groups if group)
        share = sum(sizes.values()) / len(groups)
        shared = sum(size for size in sizes.values() if size > 1) > 0
        few = len(sizes) < _FEWEST_GROUPS or max(sizes.values(), default=0) > len(groups) / 2
        # a source may also be a generator or a collection: of these there are few
        unclear = key(name) == "source" and len(sizes) <= _MOST_KINDS
        if unclear:
            unclear = not any(found.images for found in Images(set(names)).find(list(sizes)))
        if shared and few and not unclear:
            reason = (
                f"column {name} tells {len(sizes)} sources, too few or too uneven to be divided,"
                " and is not used: images of one may lie in several splits"
            )
        elif shared and not unclear and share > best:
            best, chosen = share, name
    return Choice(chosen, "" if chosen else reason)


def kind_column(
    tables: Sequence[Table], fakes: Sequence[Sequence[bool]], used: Collection[str]
) -> Choice:
    """Find the column that tells the kinds of fakes: a few among them."""
    for name in _named(tables[0], _KIND_NAMES):
        if name in used or any(name not in table.columns for table in tables):
            continue
        kinds = {
            cell
            for table, marks in zip(tables, fakes, strict=True)
            for cell, fake in zip(table.cells(name), marks, strict=True)
            if fake and cell
        }
        if 2 <= len(kinds) <= _MOST_KINDS:
            return Choice(name)
    return Choice()


def _named(table: Table, names: Sequence[str]) -> list[str]:
    """Name the columns called by one of ``names``, in the order of these."""
    keys = {key(column): column for column in reversed(table.columns)}
    return [keys[name] for name in names if name in keys]


def _few(table: Table, name: str) -> list[str]:
    found = values(table, name)
    return found if len(found) <= _MOST_CLASSES and not any(c[0] in "[{" for c in found) else []


def _worded(found: Sequence[str]) -> bool:
    return {meaning(text) for text in found} == {"real", "fake"}


def _called_labels(name: str, found: Sequence[str]) -> bool:
    """Whether a column is called like labels: a target may also be a video, generated_by a kind."""
    clear = one_of(found, FLAGS) or _worded(found)
    return (key(name) in _LABEL_NAMES or bool(meaning(name) and clear)) and (
        clear or key(name) not in ("target", "targets")
    )


def _one_to_one(table: Table, one: str, other: str) -> bool:
    pairs = set(zip(table.cells(one), table.cells(other), strict=True))
    return len(pairs) == 2 == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def _agreed(table: Table, names: Sequence[str]) -> Choice:
    """Take the first of several columns that say the same of each row."""
    read: list[Callable[[str], str]] = []
    for name in names:
        found = values(table, name)
        if _worded(found):
            read.append(meaning)
        elif meaning(name) and one_of(found, FLAGS):
            read.append(functools.partial(flag_meaning, name))
        else:
            read.append(flag)
    cells = zip(*(table.cells(name) for name in names), strict=True)
    for (number, _), row in zip(table.rows, cells, strict=True):
        said = {mean(text) for mean, text in zip(read, row, strict=True)}
        if len(said) > 1:
            shown = " and ".join(repr(name) for name in names[:3])
            return Choice("", f"the columns {shown} tell different labels, first in row {number}")
    return Choice(names[0])


def _may_be_classes(table: Table, name: str, found: Sequence[str]) -> bool:
    """Whether a column without a telling name may be one of labels."""
    others = {*_SPLIT_NAMES, *_GROUP_NAMES, *_KIND_NAMES, *_MEASURES, *ID_NAMES}
    if len(found) < 2 or key(name) in others or not all(table.cells(name)):
        return False
    if any(not text.isdecimal() and re.fullmatch(r"[-+\d.,eE]+", text) for text in found):
        return one_of(found, ("0", "1"))
    if all(text.isdecimal() for text in found):
        return sorted(int(text) for text in found) == list(range(len(found)))
    return len(found) < len(table.rows)
