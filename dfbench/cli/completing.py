"""What a shell completes: names that are known without opening images or loading torch.

Where something is broken nothing is offered: the command itself says what.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import typer

from dfbench.errors import DfbenchError

_FOLDERS = ("folder", "model", "results")
"""Parameters that commands have for a folder of results."""


def suites(incomplete: str) -> list[str]:
    """Complete the name of a suite."""
    from dfbench.suites.suite import names

    return _fitting(names(), incomplete)


def datasets(incomplete: str) -> list[str]:
    """Complete the name of a data set; of NAME=DATA what stands behind the sign."""
    from dfbench.suites.datasets.catalogue import names

    given, equals, _ = incomplete.rpartition("=")
    with contextlib.suppress(DfbenchError):
        return _fitting((given + equals + each.name for each in names()), incomplete)
    return []


def added(incomplete: str) -> list[str]:
    """Complete the name of a data set that was registered."""
    from dfbench.suites.datasets.registrations import registered

    with contextlib.suppress(DfbenchError):
        return _fitting((each.name for each in registered()), incomplete)
    return []


def features(incomplete: str) -> list[str]:
    """Complete the last name of a feature expression."""
    from dfbench.registry import EXTRACTORS

    before, plus, _ = incomplete.rpartition("+")
    return _fitting((before + plus + name for name in _parts(EXTRACTORS)), incomplete)


def rows(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a row: one that the suite lists, a network, or features with any model."""
    from dfbench.registry import MODELS, Registry

    expression, slash, _ = incomplete.rpartition("/")
    others = [] if slash else features(incomplete)
    with contextlib.suppress(DfbenchError):
        for name, model in Registry(MODELS).loadable().items():
            takes_features = model.inputs == "features"
            if takes_features and slash:
                others.append(f"{expression}/{name}")
            elif not (takes_features or slash):
                others.append(name)
    listed = _listed(str(ctx.params.get("suite") or "all"))
    return _fitting(dict.fromkeys([*listed, *others]), incomplete)


def _listed(suite: str) -> Iterator[str]:
    from dfbench.suites.suite import load_suite

    try:
        its = load_suite(suite)
    except DfbenchError:
        return
    for block in its.rows:
        yield from map("/".join, itertools.product(block.features, block.models))
        yield from block.networks
    yield from (system.name for system in its.systems)
    yield from (derived.name for derived in its.derived)


def rows_there(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a row of the results folder that was named before."""
    from dfbench.results.records.folder import ResultsFolder

    # where arguments are still lacking, none has been given its name yet
    told = (*(ctx.params.get(name) for name in _FOLDERS), *ctx.args)
    folder = next((each for each in told if each), "dfbench-results")
    try:
        entries = ResultsFolder(Path(folder)).read_entries()
    except DfbenchError:
        return []
    return _fitting(dict.fromkeys(entry.row for entry in entries), incomplete)


def protocols(incomplete: str) -> list[str]:
    """Complete the kind of a protocol."""
    from dfbench.registry import PROTOCOLS

    return _fitting(_parts(PROTOCOLS), incomplete)


def forms(incomplete: str) -> list[str]:
    """Complete the form of a board."""
    from dfbench.results.render.formats import FORMATS

    return _fitting(FORMATS, incomplete)


def trained_on(incomplete: str) -> list[str]:
    """Complete what a detector from elsewhere was trained on."""
    from dfbench.models.elsewhere import TRAINED_ON

    return _fitting(TRAINED_ON, incomplete)


def nothing(incomplete: str) -> list[str]:
    """Offer nothing, not files either: what is wanted is in the images' folders."""
    return []


def _parts(group: str) -> list[str]:
    from dfbench.registry import Registry

    with contextlib.suppress(DfbenchError):
        return Registry(group).names()
    return []


def _fitting(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
