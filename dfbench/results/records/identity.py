"""What a cell is known by, held against what its record tells.

A cell's name is a hash of its identity, see `dfbench.benchmark.planning.cell`, and the record
repeats some of it in fields that people read. Checksums tell that a record is what was written; a
record that was written anew with another row, seed or data set contradicts its identity.
"""

from __future__ import annotations

import math
from typing import Any

from dfbench.files import digest
from dfbench.results.records.divisions import name_of
from dfbench.results.records.evaluations import EvaluationRecord
from dfbench.results.records.records import SQUARES, Record

_REPEATED = ("dataset", "row", "seed", "fingerprint")
_OF_IMPORTED = ("dataset", "fingerprint", "threshold")
_FITTED = ("features", "network")


def storable(value: Any) -> Any:
    """Give an identity as a record holds it, so that its hash is the same once it is read again.

    JSON has no numbers beyond the finite ones, and no keys but texts.

    Examples
    --------
    >>> storable({"longest": float("inf"), 2: (1, None)})
    {'longest': 'inf', '2': [1, None]}
    """
    if isinstance(value, dict):
        return {str(key): storable(its) for key, its in value.items()}
    if isinstance(value, list | tuple):
        return [storable(its) for its in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def contradiction(record: Record) -> str:
    """Say in what a record contradicts the identity that it holds; empty where in nothing.

    A record without an identity is not held against any.
    """
    identity = record.identity
    if not identity:
        return ""
    found = digest(identity)
    if found != record.cell:
        return f"its identity is that of another cell, {found}"
    for key in _OF_IMPORTED if "imported" in identity else _REPEATED:
        if key in identity and identity[key] != getattr(record, key):
            return _other(key, getattr(record, key), identity[key])
    if "imported" in identity:
        return _of_imported(record)
    return _of_parts(record) or _of_kind(record)


def _of_parts(record: Record) -> str:
    """Hold against the identity which images the record says it was fitted on."""
    identity = record.identity
    drops = "on_leak" in identity
    if record.drops_leaks != drops:
        return _other("drops_leaks", record.drops_leaks, drops)
    # where the data set could not be loaded nothing is known of its parts
    if record.fingerprint and record.variant != identity.get("variant", ""):
        return _other("variant", record.variant, identity.get("variant", ""))
    if record.fingerprint and name_of(record.division) != identity.get("division", ""):
        return _other("division", name_of(record.division), identity.get("division", ""))
    return ""


def _of_kind(record: Record) -> str:
    """Hold against the identity what the record says that the row is."""
    identity = record.identity
    if "derived" in identity:
        if record.kind not in ("", "derived"):
            return _other("kind", record.kind, "derived")
        # of a derived row none is kept from anything
        rule = isinstance(its := identity["derived"], dict) and its.get("threshold")
        return _other("control", record.control, "") if record.control else _chosen(record, rule)
    features = identity.get("features")
    if not isinstance(features, list) or not features:
        return ""  # it could not run, and no more is known of it
    names = [each.get("extractor") if isinstance(each, dict) else None for each in features]
    kind = "network" if names[0] in SQUARES else "features"
    if record.kind not in ("", "detector", kind):
        return _other("kind", record.kind, kind)
    control = "no pixels" if set(names) == {"metadata"} else ""
    control = "shuffled labels" if "labels" in identity else control
    if record.control != control:
        return _other("control", record.control, control)
    return _chosen(record, False) if record.kind in _FITTED else ""


def _of_imported(record: Record) -> str:
    identity = record.identity
    if record.row != identity["imported"]:
        return _other("row", record.row, identity["imported"])
    if record.kind not in ("", "imported"):
        return _other("kind", record.kind, "imported")
    told, its = identity.get("told"), record.elsewhere
    if isinstance(told, dict) and its is not None:
        own = its.model_dump()
        for key in told:
            if key in own and own[key] != told[key]:
                return _other(f"elsewhere.{key}", own[key], told[key])
    return ""


def _chosen(record: Record, rule: object) -> str:
    if record.threshold is None or rule:
        return ""
    return f"threshold is {record.threshold:g}, and by its identity no rule chose one"


def _other(key: str, told: object, known: object) -> str:
    return f"{key} is {told!r}, and by its identity {known!r}"


def contradiction_of_evaluation(record: EvaluationRecord) -> str:
    """Say the same of the record of an evaluation."""
    identity = record.identity
    if not identity:
        return ""
    found = digest(identity)
    if found != record.probe:
        return f"its identity is that of another evaluation, {found}"
    known = identity.get("fingerprint", record.fingerprint)
    return _other("fingerprint", record.fingerprint, known) if known != record.fingerprint else ""
