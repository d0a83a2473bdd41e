"""What labels mean: the classes, and which of two is the fake one."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dfbench.suites.datasets.words import Meaning, guess_positive, meaning, natural, plain

FLAGS = ("0", "1", "true", "false", "yes", "no")
_ON = frozenset(("1", "true", "yes"))


@dataclass(slots=True)
class Classes:
    """What the labels of a table stand for.

    Attributes
    ----------
    names
        Of the classes; of two the fake one is last, where it is known.
    positive
        The fake one of two; empty where nothing tells it.
    labels
        Label to class, where they differ.
    told
        Which label means what and why, in a few words; empty where the words say it.
    warnings
        What may mislead.
    """

    names: list[str]
    positive: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    told: str = ""
    warnings: list[str] = field(default_factory=list)


@functools.cache
def flag(text: str) -> str:
    """Write a yes or no in one way: 1.0 is 1, True is true."""
    folded = plain(text.strip())
    return {"0.0": "0", "1.0": "1"}.get(folded, folded)


def one_of(found: Sequence[str], flags: Sequence[str]) -> bool:
    """Whether all of ``found`` are such flags."""
    return bool(found) and all(flag(text) in flags for text in found)


def flag_meaning(column: str, text: str) -> Meaning:
    """Say what a yes or no means in a column such as ``is_fake``."""
    told = meaning(column)
    if not told:
        return ""
    other: Meaning = "real" if told == "fake" else "fake"
    return told if flag(text) in _ON else other


def classes_of(column: str, found: Sequence[str], folders: Mapping[str, Counter[str]]) -> Classes:
    """Turn labels into classes.

    Parameters
    ----------
    column
        Name of the column of labels.
    found
        Its different values.
    folders
        Value to how many of its images lie in folders called real or fake.
    """
    told = {text: meaning(text) for text in found}
    flags = {flag(text) for text in found}
    if len(flags) == 2 and one_of(found, FLAGS) and meaning(column):
        meant = {text: flag_meaning(column, text) for text in found}
        result = _binary(meant)
        _contradict(result, column, meant, folders)
    elif flags == {"0", "1"}:
        result = _numbers(column, found, folders)
    elif flags <= {"true", "false", "yes", "no"}:
        return Classes(natural(found))  # true may mean a true image, or that it is a fake
    elif set(told.values()) == {"real", "fake"} and len({plain(text) for text in found}) == 2:
        result = _words(told)
        _contradict(result, column, told, folders)
    else:
        result = _others(found)
    return result


def _numbers(column: str, found: Sequence[str], folders: Mapping[str, Counter[str]]) -> Classes:
    usual: dict[str, Meaning] = {t: "fake" if flag(t) == "1" else "real" for t in found}
    turned: dict[str, Meaning] = {t: "real" if m == "fake" else "fake" for t, m in usual.items()}
    says = [_agreement(meant, folders) for meant in (usual, turned)]
    if says[1] and not says[0]:
        return _binary(turned, "as its folders say")
    result = _binary(usual, "as its folders say" if says[0] else "by convention")
    if says[0]:
        _contradict(result, column, usual, folders)
    return result


def _agreement(meant: Mapping[str, Meaning], folders: Mapping[str, Counter[str]]) -> int:
    return sum(folders[text][told] for text, told in meant.items() if text in folders)


def _contradict(
    result: Classes,
    column: str,
    meant: Mapping[str, Meaning],
    folders: Mapping[str, Counter[str]],
) -> None:
    """Warn where images lie in folders that are called otherwise."""
    all_told = sum(counts.total() for counts in folders.values())
    against = all_told - _agreement(meant, folders)
    if against:
        result.warnings.append(
            f"column {column!r} contradicts the names of folders for {against} of {all_told} images"
        )


def _binary(meant: Mapping[str, Meaning], why: str = "") -> Classes:
    fakes = [text for text, told in meant.items() if told == "fake"]
    told = f"{fakes[0]} = fake" + (f", {why}" if why else "") if fakes else ""
    return Classes(["real", "fake"], "fake", {t: str(m) for t, m in meant.items()}, told)


def _words(told: Mapping[str, Meaning]) -> Classes:
    if len(told) > 2:  # the same words in other spellings
        return Classes(["real", "fake"], "fake", {t: str(m) for t, m in told.items()})
    names = sorted(told, key=lambda text: told[text] == "fake")
    return Classes(names, names[1])


def _others(found: Sequence[str]) -> Classes:
    names = natural(found)
    result = Classes(names)
    if len(names) == 2:
        result.positive = guess_positive(names)
        result.names = sorted(names, key=lambda name: name == result.positive)
    spelt = Counter(plain(name) for name in names)
    for name in names:
        if spelt[plain(name)] > 1:
            alike = [other for other in names if plain(other) == plain(name)]
            result.warnings.append(f"labels {' and '.join(map(repr, alike))} are written alike")
            break
    real = [name for name in names if meaning(name) == "real"]
    if len(names) > 2 and len(real) > 1:
        result.warnings.append(f"classes {' and '.join(map(repr, real))} both mean real")
    return result
