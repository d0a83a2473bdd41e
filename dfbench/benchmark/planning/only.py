"""The rows that are asked for by name: those of a suite, however they are spelt, and others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dfbench.benchmark.planning.detector import is_detector
from dfbench.benchmark.planning.row import Finder, Row, make_row, variant
from dfbench.errors import CardError, DfbenchError, UnknownNameError, shortened, unknown
from dfbench.features.expression import split_outside
from dfbench.suites.suite import LONGEST_NAME, ROBUST, Derived, System


def chosen(
    only: Sequence[str], listed: Mapping[str, System | Derived], finder: Finder
) -> dict[str, System | Derived]:
    """Give the rows that were asked for, with those that they are derived from.

    A row that the suite does not list is what a block with its features and its model would give.
    Another spelling of a row that is known (features in another order, an expression instead of its
    name, a default written out) is that row.

    Parameters
    ----------
    only
        Names of rows, ``<features>/<model>``, or networks.
    listed
        The rows of the suite by name, in its order.
    finder
        Where names are looked up.

    Returns
    -------
    dict
        By name: rows of the suite in its order, then the others in the order they were given.

    Raises
    ------
    UnknownNameError
        For a row, an extractor, a model or a parameter that there is none of.
    CardError
        For what is no name of a row.
    ParameterError
        For parameters that do not fit.
    """
    known = dict(listed)
    quick = replace(finder, check=False)
    waiting = [_known(text, known, quick) for text in only]
    kept: set[str] = set()
    while waiting:
        name = waiting.pop()
        kept.add(name)
        row = known[name]
        if isinstance(row, Derived):
            waiting += row.of
    return {name: row for name, row in known.items() if name in kept}


def _known(text: str, known: dict[str, System | Derived], finder: Finder) -> str:
    """Give the name of the row that ``text`` means, which becomes known if it was not."""
    if text in known:
        return text
    if len(text) > LONGEST_NAME:
        raise CardError(
            f"not a row: {shortened(text)!r}",
            hint=f"a name has {LONGEST_NAME:,} characters at most, and this one {len(text):,}",
        )
    if text.endswith(ROBUST):
        return _variant(known[_known(text.removesuffix(ROBUST), known, finder)], known, finder)
    asked = _read(text, known, finder)
    if asked.name not in known:
        row = make_row(asked, finder, f"row {asked.name!r}")
        for other in known.values():
            if _alike(asked, row, other, finder):
                return other.name
        known[asked.name] = asked
    return asked.name


def _variant(row: System | Derived, known: dict[str, System | Derived], finder: Finder) -> str:
    """Give the name of the robust variant of a row, which becomes known if it was not."""
    name = row.name + ROBUST
    if isinstance(row, Derived):
        raise CardError(
            f"{row.name!r} is made of the scores of others, and fitted on no images",
            where=finder.where,
            hint=f"derive a row of their variants, {row.of[0]}{ROBUST}",
        )
    if name not in known:
        known[name] = variant(row, finder.suite)
        make_row(known[name], finder, f"row {name!r}")
    return name


def _read(text: str, known: Mapping[str, Any], finder: Finder) -> System:
    """Take the name of a row apart, as a block of a suite would have put it together."""
    if is_detector(text):
        raise CardError(
            f"{text!r} needs a suite, which tells what its outputs mean and what it is given",
            hint=f'[[systems]] with name = "...", model = "{text}", params = {{ ... }}',
        )
    features, *models = (" ".join(part.split()) for part in split_outside(text, "/"))
    if not models and "/" not in text:
        return _network(features, known, finder)
    if len(models) != 1 or not features or not models[0]:
        raise CardError(
            f"not a row: {text!r}",
            hint="features and a model, such as hsv[bins=8]+lbp/svm, or the name of a network",
        )
    return System(name=f"{features}/{models[0]}", model=models[0], features=features, tune=True)


def _network(name: str, known: Mapping[str, Any], finder: Finder) -> System:
    if name in finder.models or name.partition(":")[0] in finder.models:
        return System(name=name, model=name, tune=True)
    first = split_outside(name, "+")[0].partition("[")[0].strip()
    if first in finder.extractors or first in finder.suite.features:
        raise UnknownNameError(
            f"unknown row {name!r}",
            where=finder.where,
            hint=f"features need a model to go with them: {name}/svm",
        )
    raise unknown("row", name, [*known, *finder.models.names()], where=finder.where)


def _alike(asked: System, row: Row, other: System | Derived, finder: Finder) -> bool:
    """Whether a row that is known is the one that was asked for, whatever its name."""
    if isinstance(other, Derived) or other.model != asked.model or other.shuffle_labels:
        return False
    try:
        made = make_row(other, finder)
        same = (made.model, made.space, made.augment) == (row.model, row.space, row.augment)
        return row.model is not None and same and _features(made) == _features(row)
    except DfbenchError:
        return False  # what is wrong with it is told where it is asked for


def _features(row: Row) -> list[str]:
    return sorted(json.dumps(extractor.identity()) for extractor in row.extractors)
