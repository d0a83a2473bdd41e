"""Which of several tables tell the labels, and of which split each is."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from dfbench.suites.datasets.inference.candidates import Candidate, Role
from dfbench.suites.datasets.inference.columns import NO_COLUMN, SPLIT_NAMES, key, values
from dfbench.suites.datasets.listing import SPLITS

Aside = list[tuple[str, str]]


@dataclass(slots=True)
class Chosen:
    """The tables that are used.

    Attributes
    ----------
    labelled
        Split, or ``all``, to its table.
    unlabelled
        The same, of a table of test without labels.
    witnesses
        Tables that say the same of the same images, perhaps in words.
    """

    labelled: dict[Role, Candidate]
    unlabelled: dict[Role, Candidate] = field(default_factory=dict)
    witnesses: list[Candidate] = field(default_factory=list)

    @property
    def all(self) -> dict[Role, Candidate]:
        """Both."""
        return self.labelled | self.unlabelled


def choose(candidates: Sequence[Candidate], aside: Aside) -> Chosen | None:
    """Choose the tables that tell the labels; None where none does, or they contradict.

    Parameters
    ----------
    candidates
        All that name images.
    aside
        Gets each that is not used, with the reason.
    """
    labelled: list[Candidate] = []
    tests: list[Candidate] = []
    for one in candidates:
        answers = re.search("predict(ion|ed)", posixpath.basename(one.file), re.IGNORECASE)
        if answers or re.search("submission|submit", one.file, re.IGNORECASE):
            aside.append((one.file, "a form for answers: its labels are none"))
        elif one.role == "test" and _is_open(one):
            tests.append(one)
        elif not one.labels.column:
            aside.append((one.file, _unlabelled(one)))
        else:
            labelled.append(one)
    kept, witnesses = _without_copies(labelled, aside)
    roles = _roles(kept, aside)
    if not roles:
        aside += [(one.file, _unlabelled(one)) for one in tests]
        return None
    result = Chosen(roles)
    result.witnesses = witnesses + [one for one in kept if one not in roles.values()]
    _add_test(result, tests, aside)
    return result


def _unlabelled(one: Candidate) -> str:
    """Say why a table without labels is not used, and what it would tell."""
    if one.labels.reason not in ("", NO_COLUMN):
        return one.labels.reason
    if one.role != "all":
        n = len(one.images)
        return (
            f"lists {n:,} images of {one.role} without labels: nothing is divided by it (a card"
            " with tables can)"
        )
    told = [name for name in one.table.clear if key(name) in SPLIT_NAMES]
    split = f", though column {told[0]!r} may tell splits (a card with tables can)" if told else ""
    return NO_COLUMN + split


def _is_open(one: Candidate) -> bool:
    """Whether the labels of a table are kept back: no column of them, or nothing in it."""
    if one.labels.column:
        return not values(one.table, one.labels.column)
    return one.labels.reason == NO_COLUMN


def _without_copies(
    labelled: list[Candidate], aside: Aside
) -> tuple[list[Candidate], list[Candidate]]:
    """Leave out tables that say what another of the same split says, of no further image."""
    kept: list[Candidate] = []
    copies: list[Candidate] = []
    for one in sorted(labelled, key=lambda c: (-len(c.images), c.file)):
        same = [
            o for o in kept if o.role == one.role and one.images <= o.images and _agree([one], o)
        ]
        if same:
            aside.append((one.file, f"says the same as {same[0].file}"))
            copies.append(one)
        else:
            kept.append(one)
    return kept, copies


def _agree(ones: Sequence[Candidate], other: Candidate) -> bool:
    """Whether tables tell the same labels of the images in both, as far as words or spelling tell.

    What means something, or is written in both, must be the same; the rest may be called otherwise.
    """
    said = {path: other.token(text) for path, text in other.told().items()}
    own = {path: one.token(text) for one in ones for path, text in one.told().items()}
    pairs = {(token, said[path]) for path, token in own.items() if path in said}
    known = (set(own.values()) & set(said.values())) | {"real", "fake"}
    if any(a != b and (a in known) and (b in known) for a, b in pairs):
        return False
    if any(a != b and (a in said.values() or b in own.values()) for a, b in pairs):
        return False
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def _roles(labelled: list[Candidate], aside: Aside) -> dict[Role, Candidate]:
    """Say which table stands for which split; none where they contradict each other."""
    found = {one.role: one for one in labelled}
    splits: dict[Role, Candidate] = {role: found[role] for role in SPLITS if role in found}
    whole = found.get("all")
    names = " and ".join(sorted(one.file for one in labelled)[:4])
    for at, one in enumerate(labelled):
        for other in labelled[:at]:
            if one.role == other.role and one.images & other.images and not _agree([one], other):
                first = min(one.file, other.file), max(one.file, other.file)
                reason = f"{' and '.join(first)} tell different labels of the same images"
                return _none(labelled, aside, reason)
    if len(found) < len(labelled):
        return _none(labelled, aside, f"{names} tell labels: nothing says which of them counts")
    complete = "train" in splits and len(splits) > 1
    if whole is None:
        if len(splits) == 1:
            return {"all": labelled[0]}
        if splits and not complete:
            return _none(labelled, aside, "there is no table of train beside it")
        return splits
    if splits and not _agree(list(splits.values()), whole):
        return _none(labelled, aside, f"{names} tell different labels of the same images")
    if complete:
        aside.append((whole.file, "tables of the splits stand beside it"))
        return splits
    if all(one.images <= whole.images for one in splits.values()):
        aside += [(one.file, f"{whole.file} says the same") for one in splits.values()]
        return {"all": whole}
    if "train" in splits or any(one.images & whole.images for one in splits.values()):
        return _none(labelled, aside, f"{names} share images: nothing says which of them counts")
    return {"all": whole, **splits}


def _none(labelled: list[Candidate], aside: Aside, reason: str) -> dict[Role, Candidate]:
    aside += [(one.file, reason) for one in labelled]
    return {}


def _add_test(chosen: Chosen, tests: list[Candidate], aside: Aside) -> None:
    """Add the table of test whose labels are kept back, where it stands beside the others."""
    told = set().union(*(one.images for one in chosen.labelled.values()))
    for one in sorted(tests, key=lambda c: (-len(c.images), c.file)):
        if one.images & told:
            n = len(one.images & told)
            aside.append(
                (
                    one.file,
                    f"lists {n:,} images of test whose labels another table tells: nothing is"
                    " divided by it (a card with tables can)",
                )
            )
        elif "test" in chosen.all:
            aside.append((one.file, "there is another table of test"))
        else:
            chosen.unlabelled["test"] = one
