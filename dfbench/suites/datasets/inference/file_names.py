"""Labels in the names of files, where the user gives their pattern."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dfbench.errors import CardError, DataError
from dfbench.received.patterns import full_matches
from dfbench.suites.datasets.inference.places import listed, mark_splits, places_of
from dfbench.suites.datasets.inference.read_as import Pattern, ReadAs
from dfbench.suites.datasets.inference.splits import find_splits, folders_of
from dfbench.suites.datasets.layouts.filename import FilenameLayout
from dfbench.suites.datasets.section import matched
from dfbench.suites.datasets.words import guess_positive, natural


def by_file_names(
    paths: Sequence[str], asked: ReadAs, where: object
) -> tuple[dict[str, Any], list[str], list[str]]:
    """Read labels by the pattern ``asked.classes``.

    Returns
    -------
    facts, said, warnings
        Keys of the card; what is read, a phrase each; what may mislead.

    Raises
    ------
    DataError
        Where the pattern is none, fits no name, or gives one label, or two of which none is known
        to mean fake.
    """
    given = asked.said("classes")
    assert isinstance(given, Pattern)
    pattern = given.text
    for option in ("groups", "kinds"):
        own = asked.said(option)
        if asked.denies(option) and f"(?P<{option.removesuffix('s')}>" in pattern:
            raise CardError(f"--{option} none, but --classes has {option}", hint="leave them out")
        if own is not None and not isinstance(own, Pattern):
            raise CardError(
                f"--{option} {getattr(asked, option)}: where names of files tell the classes, they"
                " tell this, too",
                hint="give a regular expression with a named group, or none",
            )
    whole = "/" in pattern
    names = paths if whole else [path.rpartition("/")[2] for path in paths]
    found = list(matched(full_matches(pattern, names), where="--classes"))
    labels = natural({match["label"] or "" for match in found if match})
    if len(labels) < 2:
        what = f"gives {labels[0]!r} alone" if labels else f"fits none of {len(paths):,} names"
        raise DataError(f"--classes {pattern!r} {what}", where=where, hint=f"such as {paths[0]}")
    positive = guess_positive(labels)
    if len(labels) == 2 and not positive:
        raise DataError(
            f"no label tells which class is fake: {' or '.join(labels)}",
            where=where,
            hint=f'a card with positive = "{labels[1]}" says so',
        )
    mapping = {"0": "real", "1": "fake"} if labels == ["0", "1"] else {}
    classes = sorted((mapping.get(label, label) for label in labels), key=lambda n: n == "fake")
    if len(labels) == 2:
        positive = mapping.get(positive, positive)
        classes = sorted(classes, key=lambda name: name == positive)
    places = places_of(paths)
    for place in places:
        place.label = "told"  # each has images of classes
    mark_splits(places)
    splits = find_splits(places, asked, where)
    facts: dict[str, Any] = {
        "classes": classes,
        "positive": positive,
        "layout": FilenameLayout(
            kind="filename", pattern=pattern, labels=mapping, split_folders=splits
        ),
    }
    said = [f"classes {listed(classes, 12)} by the names of files"]
    for option, key in (("groups", "group"), ("kinds", "kind")):
        own = asked.said(option)
        if isinstance(own, Pattern):
            facts[key] = {"pattern": own.text}
            said.append(f"{option} by the pattern")
        else:
            told = f"(?P<{key}>" in pattern
            said.append(f"{option} by the same pattern" if told else f"no {option}")
    if splits:
        said.append(f"splits {folders_of(splits)}")
    return facts, said, []
