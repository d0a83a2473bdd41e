"""Labels of shards: which column tells them, and what their values are called."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from typing import Any

from dfbench.received.containers.names import as_folder

NAMES = ("label", "labels", "class", "classes", "cls", "class_name", "target", "targets", "y")
"""Of columns and keys that tell the class, the likeliest first."""
FAKE = ("fake", "is_fake", "deepfake", "is_deepfake", "synthetic", "is_synthetic", "generated")
REAL = ("real", "is_real", "authentic", "is_authentic")
"""Of those that tell it by yes or no."""
_ORDER = (*NAMES, *FAKE, *REAL)
PERHAPS = ("type", "category")
"""Of those that may tell it, or something else."""
MOST = 10_000
"""Labels of a data set."""
_WORDS = {
    **dict.fromkeys(("fake", "fakes", "deepfake", "synthetic", "generated", "ai"), "fake"),
    **dict.fromkeys(("aigenerated", "manipulated", "forged"), "fake"),
    **dict.fromkeys(("real", "reals", "authentic", "original", "genuine", "pristine"), "real"),
}
_YES_NO = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
_NONE = ("", "-1", "-1.0", "nan")
"""What no label is written as."""


def may_tell(name: str) -> bool:
    """Whether a column or key of this name may tell the class."""
    return name.lower() in (*_ORDER, *PERHAPS)


def must_tell(name: str) -> bool:
    """Whether what has this name, and is no label, is wrong."""
    return name.lower() in _ORDER


def choose(columns: Sequence[str], told: Collection[tuple[str | None, ...]]) -> int:
    """Choose the column that tells the class.

    Parameters
    ----------
    columns
        Names of n columns that may.
    told
        What they say together: tuples of n labels as `told_by` gives them, each once; "" of
        nothing, None of what is no label.

    Returns
    -------
    int
        Its place; -1 where none tells any.

    Raises
    ------
    ValueError
        Where several do that do not say the same, or it is not clear what they mean.
    """
    values = [{each[n] for each in told} - {""} for n in range(len(columns))]
    valid = [n for n in range(len(columns)) if values[n] and None not in values[n]]
    sure = sorted(filter(lambda n: _rank(columns[n]) < len(_ORDER), valid), key=_by_rank(columns))
    fit = [n for n in sure if not _is_yes_no(columns[n]) or values[n] <= {"real", "fake"}]
    sure = fit or sure
    perhaps = [n for n in valid if _rank(columns[n]) >= len(_ORDER)]
    if not sure:
        sure = [n for n in perhaps if columns[n].lower() not in PERHAPS or _in_words(values[n])]
        perhaps = []
    if not sure:
        return -1
    sure.sort(key=lambda n: not _in_words(values[n]))
    chosen = sure[0]
    for other in sure[1:]:
        if not _same(told, chosen, other):
            raise ValueError(_unclear(columns, chosen, other))
    for other in perhaps:
        if _same(told, chosen, other):
            if _in_words(values[other]) and not _in_words(values[chosen]):
                chosen = other  # numbers do not say which is fake
        elif _in_words(values[other]) or not (
            _in_words(values[chosen]) or _divides_further(told, chosen, other)
        ):
            raise ValueError(_unclear(columns, chosen, other))
    said = {value.lower() for value in values[chosen] if value}
    if said <= {"true", "false"}:
        raise ValueError(
            f"its column {columns[chosen]!r} holds {' and '.join(sorted(said, reverse=True))}:"
            " which is fake? Write real and fake, or call the column is_fake or is_real"
        )
    return chosen


def _rank(name: str) -> int:
    return _ORDER.index(name.lower()) if name.lower() in _ORDER else len(_ORDER)


def _by_rank(columns: Sequence[str]) -> Any:
    return lambda n: _rank(columns[n])


def _is_yes_no(name: str) -> bool:
    return name.lower() in FAKE or name.lower() in REAL


def _meaning(value: str) -> str:
    return _WORDS.get(re.sub(r"[^a-z]", "", value.lower()), "")


def check_numbers(labels: Collection[tuple[str, str]]) -> None:
    """Raise where 0 is fake and 1 is real by the names of the images: usually 1 is fake.

    Parameters
    ----------
    labels
        Of images, with their paths.
    """
    if {label for label, _ in labels} - {""} != {"0", "1"}:
        return
    told: set[tuple[str, str]] = set()
    for label, path in labels:
        words = {_WORDS.get(word, "") for word in re.findall(r"[a-z]+", path.lower())} - {""}
        if len(words) == 1:
            told.add((label, words.pop()))
        if ("0", "real") in told or ("1", "fake") in told:
            return
    if {("0", "fake"), ("1", "real")} <= told:
        raise ValueError(
            "its label 1 is real, and 0 fake, by the names of the images, and usually 1 is fake:"
            " write real and fake instead of numbers"
        )


def is_word(name: str) -> bool:
    """Whether a name is a word for real or fake, whatever numbers stand beside it."""
    return bool(_meaning(name))


def _in_words(values: Collection[str | None]) -> bool:
    """Whether labels say real and fake themselves."""
    return all(value is not None and _meaning(value) for value in values)


def _pairs(
    told: Collection[tuple[str | None, ...]], one: int, other: int
) -> set[tuple[str | None, str | None]]:
    return {(each[one], each[other]) for each in told if each[one] and each[other]}


def _same(told: Collection[tuple[str | None, ...]], one: int, other: int) -> bool:
    """Whether two columns divide the images in one way, and do not contradict each other."""
    pairs = _pairs(told, one, other)
    if not pairs or not len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs):
        return False
    meanings = [(_meaning(a or ""), _meaning(b or "")) for a, b in pairs]
    return all(a == b or "" in (a, b) for a, b in meanings)


def _divides_further(told: Collection[tuple[str | None, ...]], one: int, other: int) -> bool:
    pairs = _pairs(told, one, other)
    return len({b for _, b in pairs}) == len(pairs)


def _unclear(columns: Sequence[str], one: int, other: int) -> str:
    return (
        f"may tell the class by {columns[one]!r} or by {columns[other]!r}, which divide the images"
        " differently: rename or drop the one that is not meant"
    )


def told_by(column: str, value: Any) -> str:
    """Give the folder that a label stands for, "" of none.

    Raises
    ------
    ValueError
        Where it is no label: a list, or a number that is not whole.
    """
    if value is None:
        return ""
    name = column.lower()
    if isinstance(value, float) and math.isnan(value):
        return ""
    if isinstance(value, str) and value.strip().lower() in _NONE:
        return ""
    if name in FAKE or name in REAL:
        text = f"{value:g}" if isinstance(value, float) else str(value).strip().lower()
        said = _YES_NO.get(text)
        if said is not None:
            return "fake" if said == (name in FAKE) else "real"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return "" if value == -1 else str(value)  # -1 is what none is written as
    if isinstance(value, str):
        return as_folder(value)
    raise ValueError(f"{column!r} is no label: {str(value)[:40]!r}")
