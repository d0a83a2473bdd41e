"""What a shell completes: names that are known without opening images or loading torch.

Where something is broken nothing is offered: the command itself says what.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dfbench.errors import DfbenchError

if TYPE_CHECKING:
    from dfbench.results.records.folder import ResultsFolder
    from dfbench.results.records.records import Entry

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


def public(incomplete: str) -> list[str]:
    """Complete the name of a public data set."""
    from dfbench.suites.datasets.catalogue import public as known

    with contextlib.suppress(DfbenchError):
        return _fitting((each.card.name for each in known()), incomplete)
    return []


def features(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the last name of a feature expression; one that stands in it is not offered."""
    from dfbench.registry import EXTRACTORS

    before, plus, _ = incomplete.rpartition("+")
    there = before.split("+")
    names = (name for name in _parts(EXTRACTORS, ctx) if name not in there)
    return _fitting((before + plus + name for name in names), incomplete)


def rows(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a row: one that the suite lists, a network, or features with any model.

    Shells put a space behind what is the only one, so that features never stand alone.
    """
    from dfbench.registry import MODELS, Registry

    expression, slash, _ = incomplete.rpartition("/")
    given = [] if slash else features(ctx, incomplete)
    alone = [expression] if slash else given if len(given) == 1 else []
    others = [] if alone else [f"{each}/" for each in given]
    with contextlib.suppress(DfbenchError):
        for name, model in Registry(MODELS, _plugins(ctx)).loadable().items():
            if model.inputs == "features":
                others += [f"{each}/{name}" for each in alone]
            elif not slash:
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
    return _fitting(dict.fromkeys(entry.row for _, entry in _entries(ctx)), incomplete)


def rows_kept(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a row of that folder of which a model is kept."""
    kept = (entry.row for folder, entry in _entries(ctx) if folder.model_file(entry.cell).is_file())
    return _fitting(dict.fromkeys(kept), incomplete)


def _entries(ctx: typer.Context) -> list[tuple[ResultsFolder, Entry]]:
    from dfbench.results.records.folder import ResultsFolder

    # where arguments are still lacking, none has been given its name yet
    told = (*(ctx.params.get(name) for name in _FOLDERS), *ctx.args)
    folder = ResultsFolder(Path(next((each for each in told if each), "dfbench-results")))
    with contextlib.suppress(DfbenchError):
        return [(folder, entry) for entry in folder.read_entries()]
    return []


def protocols(incomplete: str) -> list[str]:
    """Complete the kind of a protocol."""
    from dfbench.registry import PROTOCOLS

    return _fitting(_parts(PROTOCOLS), incomplete)


def forms(incomplete: str) -> list[str]:
    """Complete the form of a board."""
    from dfbench.results.render.formats import FORMATS

    return _fitting(FORMATS, incomplete)


def metrics(incomplete: str) -> list[str]:
    """Complete the name of a figure."""
    from dfbench.results.statistics.metrics import METRICS

    return _fitting(METRICS, incomplete)


def trained_on(incomplete: str) -> list[str]:
    """Complete what a detector from elsewhere was trained on."""
    from dfbench.models.elsewhere import TRAINED_ON

    return _fitting(TRAINED_ON, incomplete)


def listed(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a part of the kind that was named before."""
    from dfbench.registry import GROUPS

    what = str(ctx.params.get("what") or "")
    if what == "suites":
        return suites(incomplete)
    group = f"dfbench.{'models' if what == 'networks' else what}"
    return _fitting(_parts(group, ctx), incomplete) if group in GROUPS else []


def nothing(incomplete: str) -> list[str]:
    """Offer nothing, not files either: what is wanted is in the images' folders."""
    return []


def _parts(group: str, ctx: typer.Context | None = None) -> list[str]:
    from dfbench.registry import Registry

    with contextlib.suppress(DfbenchError):
        return Registry(group, () if ctx is None else _plugins(ctx)).names()
    return []


def _plugins(ctx: typer.Context) -> list[Path]:
    """Give the files that were named before, which are run here; what they print is no name."""
    from dfbench.plugins import load_file

    found = []
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        for each in map(Path, ctx.params.get("plugin") or ()):
            with contextlib.suppress(DfbenchError):
                load_file(each)
                found.append(each)
    return found


def _fitting(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
