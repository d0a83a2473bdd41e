"""The rows of a suite, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dfbench.benchmark.planning.only import chosen
from dfbench.benchmark.planning.row import Finder, Row, make_row, takes_copies, variant
from dfbench.errors import CardError, DfbenchError, unknown
from dfbench.registry import Registry
from dfbench.suites.suite import ROBUST, Block, Derived, Suite, System


def rows(
    suite: Suite,
    extractors: Registry,
    models: Registry,
    only: Sequence[str] = (),
    device: str = "auto",
    check: bool = True,
) -> list[Row]:
    """Give the rows of a suite in its order, or those asked for.

    Parameters
    ----------
    suite
        Its blocks name features, models and networks; its systems and derived rows follow.
    extractors, models
        Where the names are looked up.
    only
        Rows to keep, with those that they are derived from, and rows besides these, see
        `dfbench.benchmark.planning.only.chosen`; all of the suite where empty.
    device
        Given to extractors that take one and were not told otherwise.
    check
        Whether rows that are asked look if what they need (weights, packages) is here.

    Raises
    ------
    CardError
        If a name that the suite gives to an expression is an extractor's, or to a system another
        row's, or a row is derived from a control of shuffled labels.
    UnknownNameError
        For a name in the suite, its protocols included, or in ``only``, that nothing answers to.
    ParameterError
        For parameters that a model or an extractor does not take.
    """
    finder = Finder(suite, extractors, models, device, check)
    for alias in suite.features:
        if alias in extractors:
            raise CardError(
                f"[features] gives the name {alias!r} to an expression, but an extractor of "
                f"{extractors.get(alias).owner} has it",
                where=finder.where,
                hint="choose another name",
            )
    wanted: dict[str, System | Derived] = {}
    plugins = [part.name for part in extractors if not part.built_in]
    own_models, own_networks = _of_plugins(models)
    for block in suite.rows:
        for features in [*block.features, *(plugins if block.plugins else [])]:
            for model in [*block.models, *(own_models if block.plugins else [])]:
                name = f"{features}/{model}"
                plain = System(name=name, model=model, features=features, tune=True)
                for row in _with_variant(plain, block, finder):
                    if wanted.setdefault(row.name, row) != row:
                        raise CardError(
                            f"two blocks give {row.name!r} other copies",
                            where=finder.where,
                            hint="[[systems]] gives each a name",
                        )
        for network in [*block.networks, *(own_networks if block.plugins else [])]:
            wanted.setdefault(network, System(name=network, model=network, tune=True))
    systems = [row for each in suite.systems for row in _with_variant(each, each, finder)]
    named: list[System | Derived] = [*systems, *suite.derived]
    for other in named:
        if other.name in wanted:
            raise CardError(f"two rows are named {other.name!r}", where=finder.where)
        for member in other.of if isinstance(other, Derived) else ():
            if member not in wanted:
                raise unknown("row", member, wanted, where=f"{finder.where}, row {other.name!r}")
            if getattr(wanted[member], "shuffle_labels", False):
                raise CardError(
                    f"made of {member!r}, a control of shuffled labels",
                    where=f"{finder.where}, row {other.name!r}",
                )
            if getattr(other, "folds", None) and (inner := _with_folds(wanted, member)):
                raise CardError(
                    f"has folds and is made of {inner!r}, which has folds itself: its weights have"
                    " seen every fold",
                    where=f"{finder.where}, row {other.name!r}",
                    hint=f"name the members of {inner!r} in its place, or leave folds out here",
                )
        wanted[other.name] = other
    for protocol in suite.protocols:
        for name in protocol.rows:
            if name not in wanted:
                raise unknown("row", name, wanted, where=f"{finder.where}, {protocol.kind}")
    kept = chosen(only, wanted, finder) if only else wanted
    if only and suite.robust:
        kept = _with_variants(kept, wanted, finder)
    return [make_row(row, finder) for row in kept.values()]


def _with_variant(row: System, said: Block | System, finder: Finder) -> list[System]:
    """Give a row, its robust variant, or both, as is said of it."""
    itself = row is said and row.augment is not None and not row.robust
    robust = said.robust or finder.suite.robust
    if itself or not (robust or said.augment is not None) or not takes_copies(row, finder):
        return [row]
    plain = row.model_copy(update={"robust": False, "augment": None, "copies": None})
    return [plain, variant(row, said)] if robust else [variant(row, said)]


def _with_variants(
    kept: Mapping[str, System | Derived], wanted: Mapping[str, System | Derived], finder: Finder
) -> dict[str, System | Derived]:
    """Add the variants of rows that were asked for by name."""
    found: dict[str, System | Derived] = {}
    for name, row in kept.items():
        found[name] = row
        if isinstance(row, System) and row.augment is None and takes_copies(row, finder):
            other = name + ROBUST
            found[other] = wanted.get(other) or variant(row, finder.suite)
    return found


def _with_folds(rows: Mapping[str, System | Derived], name: str) -> str:
    """Name the row with folds that a row is, or is made of; empty where there is none."""
    row = rows[name]
    if not isinstance(row, Derived):
        return ""
    if row.folds is not None:
        return name
    return next(filter(None, (_with_folds(rows, member) for member in row.of)), "")


def _of_plugins(models: Registry) -> tuple[list[str], list[str]]:
    """Give the names of plugins' models of features, and of their networks."""
    features: list[str] = []
    networks: list[str] = []
    for part in models:
        if part.built_in:
            continue
        try:
            its = networks if part.load().inputs != "features" else features
        except DfbenchError:
            its = features  # its rows say why it cannot be loaded
        its.append(part.name)
    return features, networks
