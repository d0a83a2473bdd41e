"""``[[protocols]]`` of a suite: what each says is for the class of its kind, found by its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError, SchemaValidator, core_schema

from dfbench.errors import CardError, DfbenchError, in_words, let_stop, unknown
from dfbench.received.sections import Written
from dfbench.registry import PROTOCOLS, Registry


class Protocol(Written):
    """What is asked of the rows of a suite beside the usual figures."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    """Its name in the registry."""
    rows: list[str] = Field(default_factory=list)
    """Names of the rows that take part; all where it is empty."""


def class_of(kind: str) -> type[Protocol]:
    """Give the class of a kind; what it has for fields is what can be said of it.

    Raises
    ------
    UnknownNameError
        If there is none.
    PluginError
        If it cannot be loaded, or is the class of another kind.
    """
    found: type[Protocol] = Registry(PROTOCOLS).get(kind).load()
    return found


def parse(value: Any) -> Protocol:
    """Make a protocol of what a suite says.

    Raises
    ------
    ValidationError
        If the kind is none, or has no such keys or values.
    PluginError
        If its class cannot be loaded, or breaks.
    """
    if isinstance(value, Protocol):
        return value
    known = Registry(PROTOCOLS)
    choices: dict[Any, Any] = {name: core_schema.any_schema() for name in known.names()}
    kind = value.get("kind") if isinstance(value, dict) else None
    if isinstance(kind, str) and kind not in known:
        raise _misspelt(kind, known.names())
    try:
        if isinstance(kind, str):
            choices[kind] = TypeAdapter(class_of(kind)).core_schema
        union = core_schema.tagged_union_schema(choices, "kind")
        found: Protocol = SchemaValidator(union).validate_python(value)
    except (ValidationError, DfbenchError):
        raise
    except BaseException as error:
        let_stop(error)
        raise known.get(str(kind)).broken(error) from error
    return found


def _misspelt(kind: str, known: Sequence[str]) -> PydanticCustomError:
    listed = ", ".join(map(repr, known))
    text = f"{unknown('protocol', kind, known)}; there are {listed}"
    return PydanticCustomError("unknown_protocol", "{text}", {"text": text})


Parsed = Annotated[Protocol, BeforeValidator(parse)]


def with_defaults(protocols: Sequence[Protocol], kinds: Sequence[str]) -> list[Protocol]:
    """Add protocols as they are when nothing is said of them; a kind that is there stays.

    Raises
    ------
    UnknownNameError
        For a kind that is none.
    CardError
        For one of which something must be said.
    """
    found = list(protocols)
    known = Registry(PROTOCOLS).names()
    for kind in kinds:
        if kind not in known:
            raise unknown("protocol", kind, known, where="--protocol")
        if all(protocol.kind != kind for protocol in found):
            found.append(_default(kind))
    return found


def with_external(
    protocols: Sequence[Protocol], sources: Sequence[tuple[str, str]]
) -> list[Protocol]:
    """Have further sets scored, in place of those that protocols name.

    Parameters
    ----------
    protocols
        Of a suite.
    sources
        Data set of the run, or "" for all others, and its further set.

    Raises
    ------
    CardError
        Where a data set has two.
    """
    data: dict[str, str] = {}
    for name, source in sources:
        if name in data:
            raise CardError(f"two sets for {name or 'all data sets'}", where="--external")
        data[name] = source
    rows = next((its.rows for its in protocols if its.kind == "external"), [])
    own = parse({"kind": "external", "data": data, "rows": rows})
    return [*(its for its in protocols if its.kind != "external"), own]


def _default(kind: str) -> Protocol:
    try:
        return parse({"kind": kind})
    except ValidationError as error:
        first = error.errors()[0]
        said = ": ".join([*map(str, first["loc"][1:]), in_words(first)])
        hint = "write it into [[protocols]] of a suite"
        hint += ", or give --external FOLDER" if kind == "external" else ""
        raise CardError(said, where=f"--protocol {kind}", hint=hint) from None
