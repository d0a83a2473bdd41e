"""What labels mean: the classes, and which of two is the fake one."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from dfbench.suites.datasets.inference.sources import are_kinds
from dfbench.suites.datasets.words import (
    Meaning,
    guess_positive,
    is_neutral,
    meaning,
    natural,
    plain,
    tokens,
)

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
    doubt: str = ""
    """Why it is not known which is fake, where something tells it, but not clearly."""
    fault: str = ""
    """Why the labels are no classes."""
    dropped: list[str] = field(default_factory=list)
    """Labels that are of no class, and left out."""


class Witness(NamedTuple):
    """What tells the meaning of labels besides themselves: folders, a column, another table."""

    name: str
    """As in a sentence: ``its folders say``."""
    says: Mapping[str, Counter[str]]
    """Label to how many of its images are real or fake by it."""

    def agreement(self, meant: Mapping[str, Meaning]) -> int:
        """Count the images of which it says the same."""
        return sum(self.says[text][told] for text, told in meant.items() if text in self.says)

    @property
    def what(self) -> str:
        """The same as a thing."""
        return self.name.removesuffix(" says")


@functools.cache
def flag(text: str) -> str:
    """Write a yes or no in one way: 1.0 is 1, True is true."""
    folded = plain(text.strip())
    return {"0.0": "0", "1.0": "1"}.get(folded, folded)


@functools.cache
def clear_meaning(text: str) -> Meaning:
    """Say whether a text means real or fake and nothing else: RealVisXL is a generator.

    Examples
    --------
    >>> [clear_meaning(text) for text in ("original", "AI generated", "DeepFake", "RealVisXL")]
    ['real', 'fake', 'fake', '']
    """
    for spelt in (text, plain(text)):
        words = tokens(spelt)
        if words and all(meaning(word) or is_neutral(word) for word in words):
            return meaning(text)
    return ""


def is_on(text: str) -> bool:
    """Whether a yes or no is a yes."""
    return flag(text) in _ON


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


def classes_of(column: str, counts: Mapping[str, int], witnesses: Sequence[Witness]) -> Classes:
    """Turn labels into classes.

    Parameters
    ----------
    column
        Name of the column of labels.
    counts
        Its different values, and how many images are of each.
    witnesses
        What tells their meaning besides.
    """
    found = list(counts)
    told = {text: meaning(text) for text in found}
    flags = {flag(text) for text in found}
    if len(flags) == 2 and one_of(found, FLAGS) and meaning(column):
        meant = {text: flag_meaning(column, text) for text in found}
        result = _binary(meant)
        _contradict(result, column, meant, witnesses)
    elif len(flags) == 2 and (one_of(found, FLAGS) or all(map(_number, found))):
        result = _by_witnesses(column, found, witnesses)
    elif set(told.values()) == {"real", "fake"} and len({plain(text) for text in found}) == 2:
        result = _words(told)
        _contradict(result, column, told, witnesses)
    else:
        result = _others(found)
        result.fault = _stray(column, counts)
    return result


def as_said(
    column: str, counts: Mapping[str, int], of: Mapping[str, str], witnesses: Sequence[Witness]
) -> Classes:
    """Turn labels into the classes that somebody says they are of; others are left out."""
    names = list(dict.fromkeys(of.values()))
    positive = (guess_positive(names) or names[-1]) if len(names) == 2 else ""
    result = Classes(sorted(names, key=lambda name: name == positive), positive, dict(of))
    fakes = [text for text in counts if of.get(text) == positive]
    if positive and fakes != [positive]:
        result.told = f"{' and '.join(fakes)} = {positive}, as said"
    if positive:
        meant: dict[str, Meaning] = {
            text: "fake" if name == positive else "real" for text, name in of.items()
        }
        _contradict(result, column, meant, witnesses)
    result.dropped = [text for text in counts if text not in of]
    for text in result.dropped:
        n = counts[text]
        result.warnings.append(
            f"{n:,} image{'s' * (n > 1)} of label {text!r} in column {column!r} left out: not named"
            " in --classes"
        )
    return result


# --- of two labels without words ---------------------------------------------------------------

_CLEAR = 0.9
"""Share of its images that must agree for a witness to be believed."""


def _by_witnesses(column: str, found: Sequence[str], witnesses: Sequence[Witness]) -> Classes:
    first, other = sorted({flag(text) for text in found}, key=lambda text: (text in _ON, text))
    usual: dict[str, Meaning] = {t: "real" if flag(t) == first else "fake" for t in found}
    turned: dict[str, Meaning] = {t: "fake" if flag(t) == first else "real" for t in found}
    says: dict[str, list[str]] = {"usual": [], "turned": [], "unclear": []}
    for witness in witnesses:
        shares = [witness.agreement(meant) for meant in (usual, turned)]
        if not sum(shares):
            continue
        share = shares[0] / sum(shares)
        told = "usual" if share >= _CLEAR else "turned" if share <= 1 - _CLEAR else "unclear"
        says[told].append(witness.name)
    heard = [name for name, names in says.items() if names]
    if heard in (["usual"], ["turned"]):
        meant = usual if heard == ["usual"] else turned
        result = _binary(meant, f"as {says[heard[0]][0]}")
        _contradict(result, column, meant, witnesses)
        return result
    if heard:
        result = Classes(natural(found))
        words = {
            "usual": f"{other} = fake, as {', '.join(says['usual'])}",
            "turned": f"{first} = fake, as {', '.join(says['turned'])}",
            "unclear": f"both of each, as {', '.join(says['unclear'])}",
        }
        result.doubt = "; ".join(words[name] for name in heard)
        return result
    if {first, other} == {"0", "1"}:
        return _binary(usual, "by convention")
    # true may mean a true image, or that it is a fake
    return Classes(natural(found))


def _contradict(
    result: Classes,
    column: str,
    meant: Mapping[str, Meaning],
    witnesses: Sequence[Witness],
) -> None:
    """Warn where something tells otherwise."""
    for witness in witnesses:
        total = sum(n.total() for text, n in witness.says.items() if text in meant)
        against = total - witness.agreement(meant)
        if against:
            by = "the names of folders" if witness.name == BY_FOLDERS else witness.what
            result.warnings.append(
                f"column {column!r} contradicts {by} for {against} of {total} images"
            )


BY_FOLDERS = "its folders say"


# --- labels that may be slips ------------------------------------------------------------------

_UNKNOWN = frozenset(
    ("unknown", "unlabeled", "unlabelled", "undefined", "tbd", "todo", "?", "unsure", "unclear")
)
_FEW = 3
_RARE = 0.05
_RARER = 0.1


def _number(text: str) -> bool:
    return re.fullmatch(r"[-+]?\d+(\.0+)?", text) is not None


def _stray(column: str, counts: Mapping[str, int]) -> str:
    """Say which of the labels is hardly a class; empty where all may be."""
    found = list(counts)
    rarest = min(found, key=lambda text: counts[text])
    if len(found) < 2:
        return ""
    if one_of(found, FLAGS) and len({flag(text) for text in found}) > 2:
        return f"column {column!r} says {_shown(found)}: yes and no are written in several ways"
    numeric = [text for text in found if re.fullmatch(r"[-+]?[\d.,]+(e[-+]?\d+)?", text, re.I)]
    if len(numeric) == len(found):
        whole = all(_number(text) for text in found)
        numbers = sorted({int(float(text)) for text in found}) if whole else []
        if not whole:
            return f"column {column!r} says {_shown(found)}: numbers that are no classes"
        if len(numbers) > 2 and numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            return f"column {column!r} says {_shown(found)}: no classes that are counted"
        if len(numbers) > 2 and numbers[0] not in (0, 1):
            return f"column {column!r} says {_shown(found)}: classes are counted from 0 or 1"
    elif {flag(text) for text in numeric} == {"0", "1"}:
        words = [text for text in found if text not in numeric]
        return _slip(column, words[0], counts)
    unknown = [text for text in found if plain(text) in _UNKNOWN]
    if unknown and len(found) > 2:
        return _slip(column, unknown[0], counts)
    odd = [text for text in found if not meaning(text)]
    both = {meaning(text) for text in found} >= {"real", "fake"}
    if both and odd and not are_kinds(odd, every=True):
        return _slip(column, min(odd, key=lambda text: counts[text]), counts)
    common = [t for t in found if counts[t] > max(_FEW - 1, _RARE * max(counts.values()))]
    if len(common) == 2 < len(found):
        return _slip(column, rarest, counts)
    return ""


def _shown(found: Sequence[str]) -> str:
    names = natural(found)
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _slip(column: str, text: str, counts: Mapping[str, int]) -> str:
    n = counts[text]
    others = natural([other for other in counts if other != text])
    return (
        f"column {column!r} says {text!r} of {n} image{'s' * (n > 1)} beside {_shown(others)}: a"
        f" slip or a class of its own? --classes {','.join(others[:4])} leaves it out"
    )


# --- words -------------------------------------------------------------------------------------


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
