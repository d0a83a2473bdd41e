"""Which column of a table tells the labels, the splits, the groups and the kinds of fakes."""

from __future__ import annotations

import functools
import itertools
import re
import shlex
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from dfbench.plain import counted
from dfbench.suites.datasets.inference.polarity import (
    FLAGS,
    clear_meaning,
    flag,
    flag_meaning,
    is_on,
    one_of,
)
from dfbench.suites.datasets.listing import SplitName
from dfbench.suites.datasets.tables.matching import Images
from dfbench.suites.datasets.tables.originals import groups_with_originals
from dfbench.suites.datasets.tables.table import Table, is_index, is_numbered
from dfbench.suites.datasets.words import meaning, plain, split_of, tokens


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
SPLIT_NAMES = _names("split set subset partition usage fold phase")
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
_ANSWERS = frozenset(
    _names("pred preds predicted prediction predictions score scores prob probs probability logit")
)
"""Words in the name of a column that holds what a model says: no truth."""
_MISSING = frozenset(("", "nan", "null", "n/a", "na", "<na>", "n.a.", "-", "--"))
_SPLIT_FLAGS: dict[str, SplitName] = {
    **dict.fromkeys(_names("istrain train training intrain trainset"), "train"),
    **dict.fromkeys(_names("isval isvalid isvalidation val valid validation"), "validation"),
    **dict.fromkeys(_names("istest test testing intest holdout"), "test"),
}
_NUMBERED: tuple[SplitName, ...] = ("train", "validation", "test")
NO_COLUMN = "no column tells labels"
_FAKE_ONLY = frozenset(
    _names(
        "generator method manipulation attack technique generatedby forgery forgerymethod "
        "manipulationmethod attacktype faketype original originalvideo originalfile"
    )
)
"""Columns that are filled for fakes alone, where they are not filled for all."""
_NOTHING = frozenset(("", "-", "none", "null", "nan", "n/a", "na", "<na>", "0", "no", "false"))
_MOST_CLASSES = 20
_MOST_KINDS = 50
_LOOKED = 256
"""Columns whose cells are looked at; of more, those that are called like something that is told."""


class Choice(NamedTuple):
    """The column that tells something, or why none does."""

    column: str = ""
    reason: str = ""


def key(name: str) -> str:
    """Write the name of a column without case, accents and what is between its words."""
    return re.sub(r"[\W_]+", "", plain(name))


def is_missing(cell: str) -> bool:
    """Whether a cell says nothing: it is empty, or ``NaN`` as libraries write it."""
    return cell.casefold() in _MISSING


def values(table: Table, name: str) -> list[str]:
    """Give the different cells of a column that say something."""
    return [cell for cell in dict.fromkeys(table.cells(name)) if not is_missing(cell)]


def looked_into(table: Table) -> list[str]:
    """Name the columns whose cells may tell something: the first ones, and what is called so."""
    names = list(table.clear)
    told = {*ID_NAMES, *ORIGINALS, *_LABEL_NAMES, *SPLIT_NAMES, *_GROUP_NAMES, *_KIND_NAMES}
    more = (name for name in names[_LOOKED:] if key(name) in told or meaning(name))
    return [*names[:_LOOKED], *itertools.islice(more, _LOOKED)]


def label_column(table: Table, ids: str) -> Choice:
    """Find the column of labels: by its name and by what its cells mean.

    Parameters
    ----------
    table
        Of files.
    ids
        Its column of ids.
    """
    clear = looked_into(table)
    for name in table.columns:
        if name not in table.clear and key(name) in _LABEL_NAMES:
            table.column(name)  # says why not
    answers = [name for name in clear if name != ids and _ANSWERS.intersection(tokens(name))]
    found = {
        name: few
        for name in clear
        if not (name == ids or name in answers or is_index(name)) and (few := _few(table, name))
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
            apart = [n for n in numbers if n not in rank and not _one_to_one(table, rank[0], n)]
            if apart and rank[0] in (*spoken, *told):
                names = f"{rank[0]!r} and {apart[0]!r}"
                return Choice("", f"the columns {names} tell different labels")
            return _agreed(table, rank)
    many = [n for n in clear if key(n) in _LABEL_NAMES and n != ids and values(table, n)]
    if many:
        return Choice("", f"column {many[0]!r} has {len(values(table, many[0]))} different values")
    rest = [n for n, v in found.items() if _may_be_classes(table, n, v)]
    if len(rest) == 1 and is_numbered(rest[0]):
        return Choice(rest[0])
    if len(rest) == 1:
        takes = f"--classes {shlex.quote(rest[0])} takes {rest[0]!r} for them"
        return Choice("", f"no column is called like labels: {takes}")
    if rest:
        shown = ", ".join(repr(name) for name in rest[:4])
        return Choice(
            "",
            f"nothing says which of the columns {shown} tells the labels:"
            f" --classes {shlex.quote(rest[0])} takes one for them",
        )
    if answers:
        what = f"column {answers[0]!r} holds answers of a model by its name, and no other labels"
        return Choice("", f"{what}: --classes {shlex.quote(answers[0])} takes it for them")
    return Choice("", NO_COLUMN)


class SplitChoice(NamedTuple):
    """The column that tells the splits, or why none does."""

    column: str = ""
    reason: str = ""
    values: Mapping[str, SplitName] = MappingProxyType({})
    """Value to split, where it is not called like one."""
    told: str = ""


def split_column(table: Table, labels: str) -> SplitChoice:
    """Find the column that tells train, validation and test of each row, if all of it is told."""
    reason = ""
    flags = [n for n in _named(table, [*_SPLIT_FLAGS]) if one_of(values(table, n), FLAGS)]
    if len(flags) > 1:
        names = " and ".join(map(repr, flags))
        return SplitChoice(
            "",
            f"columns {names} tell splits together, which is not read as splits: a column of"
            " train, validation and test is",
        )
    for name in _named(table, [*SPLIT_NAMES, *_SPLIT_FLAGS]):
        found = values(table, name)
        if len(found) < 2 or name == labels:
            continue
        read = read_splits(name, found)
        cells = table.cells(name)
        if not read.reason and any(map(is_missing, cells)):
            n = sum(map(is_missing, cells))
            read = SplitChoice("", f"column {name!r} is empty in {counted(n, 'row')}: not used")
        if not read.reason:
            labelled = {
                read.values.get(text) or split_of(text)
                for text, label in zip(cells, table.cells(labels), strict=True)
                if not is_missing(label)
            }
            if "train" in labelled and len(labelled) > 1:
                return read
            read = SplitChoice(
                "", f"column {name!r} has no labelled images of train and another split"
            )
        reason = reason or read.reason
    return SplitChoice("", reason if reason != _SILENT else "")


_SILENT = "-"


def read_splits(name: str, found: Sequence[str]) -> SplitChoice:
    """Say which of the different cells of a column stands for which split, or why none does."""
    strange = [text for text in found if split_of(text) is None]
    if not strange:
        return SplitChoice(name)
    own, folded = key(name), {text: flag(text).removesuffix(".0") for text in found}
    if own in _SPLIT_FLAGS and one_of(found, FLAGS) and len(set(folded.values())) == 2:
        split = _SPLIT_FLAGS[own]
        other: SplitName = "test" if split == "train" else "train"
        on = {text: split if is_on(text) else other for text in found}
        first = next(text for text in found if is_on(text))
        return SplitChoice(name, "", on, f" ({first} = {split}, others {other})")
    numbered = own in ("partition", "split", "subset", "set")
    if numbered and sorted(folded.values()) == ["0", "1", "2"]:
        of = {text: _NUMBERED[int(number)] for text, number in folded.items()}
        told = ", ".join(f"{text} = {of[text]}" for text in sorted(of))
        return SplitChoice(name, "", of, f" ({told}, by convention)")
    if len(strange) < len(found):
        return SplitChoice("", f"{strange[0]!r} in column {name!r} is no split: not used")
    if own in ("set", "subset") and not any(text.replace(".", "").isdecimal() for text in found):
        return SplitChoice("", _SILENT)  # of a collection as likely as of a split
    shown = ", ".join(found[:3]) + (" and others" if len(found) > 3 else "")
    return SplitChoice(
        "", f"column {name!r} says {shown}, which is not read as splits: images are divided anew"
    )


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
            if fake and not is_missing(cell)
        }
        if 2 <= len(kinds) <= _MOST_KINDS:
            return Choice(name)
    return Choice()


def testimony(table: Table, labels: str, ids: str) -> dict[str, dict[str, Counter[str]]]:
    """Find what the columns of kinds say of labels: ``real`` of a generator, or none for real ones.

    Returns
    -------
    dict
        Column to label to how many of its rows are real or fake by it.
    """
    found: dict[str, dict[str, Counter[str]]] = {}
    told = table.cells(labels)
    several = len({text for text in told if not is_missing(text)}) > 1
    for name in _named(table, [*_KIND_NAMES, *sorted(_FAKE_ONLY), "source", "origin"]):
        if name in (labels, ids) or name in found:
            continue
        # originals are files, whose names mean nothing here; yes and no say what the column says
        speaks = key(name) not in ("original", *ORIGINALS[3:]) and not one_of(
            values(table, name), FLAGS
        )
        says: dict[str, Counter[str]] = {}
        filled: dict[str, Counter[bool]] = {}
        for text, cell in zip(told, table.cells(name), strict=True):
            if is_missing(text):
                continue
            if speaks and (meant := clear_meaning(cell)):
                says.setdefault(text, Counter())[meant] += 1
            filled.setdefault(text, Counter())[plain(cell) not in _NOTHING] += 1
        if says:
            found[name] = says
        elif several and key(name) in _FAKE_ONLY and all(len(n) == 1 for n in filled.values()):
            full = [text for text, n in filled.items() if n[True]]
            if 0 < len(full) < len(filled):
                found[name] = {
                    text: Counter({"fake" if text in full else "real": n.total()})
                    for text, n in filled.items()
                }
    return found


def _named(table: Table, names: Sequence[str]) -> list[str]:
    """Name the columns called by one of ``names``, in the order of these."""
    keys = {key(column): column for column in reversed(table.clear)}
    return [keys[name] for name in names if name in keys]


def _few(table: Table, name: str) -> list[str]:
    found = values(table, name)
    return found if len(found) <= _MOST_CLASSES and not any(c[0] in "[{" for c in found) else []


def _worded(found: Sequence[str]) -> bool:
    paths = any("/" in text or "\\" in text for text in found)
    return not paths and {meaning(text) for text in found} == {"real", "fake"}


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
    others = {*SPLIT_NAMES, *_GROUP_NAMES, *_KIND_NAMES, *_MEASURES, *ID_NAMES}
    if len(found) < 2 or key(name) in others or not all(table.cells(name)):
        return False
    if any(not text.isdecimal() and re.fullmatch(r"[-+\d.,eE]+", text) for text in found):
        return one_of(found, ("0", "1"))
    if all(text.isdecimal() for text in found):
        return sorted(int(text) for text in found) == list(range(len(found)))
    return len(found) < len(table.rows)
