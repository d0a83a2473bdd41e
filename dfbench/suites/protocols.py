"""``[[protocols]]`` of a suite: what each says is for the class of its kind, found by its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Union

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

from dfbench.errors import unknown
from dfbench.registry import PROTOCOLS, Registry


class Protocol(BaseModel):
    """What is asked of the rows of a suite beside the usual figures."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    """Its name in the registry."""
    rows: list[str] = Field(default_factory=list)
    """Names of the rows that take part; all where it is empty."""


def kinds() -> dict[str, type[Protocol]]:
    """Give the class of each kind; what each has for fields is what can be said of it."""
    return Registry(PROTOCOLS).loadable()


def parse(value: Any) -> Protocol:
    """Make a protocol of what a suite says.

    Raises
    ------
    ValidationError
        If the kind is none, or has no such keys or values.
    PluginError
        If its class cannot be loaded.
    """
    if isinstance(value, Protocol):
        return value
    classes = kinds()
    kind = value.get("kind") if isinstance(value, dict) else None
    if isinstance(kind, str) and kind not in classes and kind in (known := Registry(PROTOCOLS)):
        known.get(kind).load()  # says why not
    union: Any = Annotated[Union[tuple(classes.values())], Field(discriminator="kind")]  # noqa: UP007
    found: Protocol = TypeAdapter(union).validate_python(value)
    return found


Parsed = Annotated[Protocol, BeforeValidator(parse)]


def with_defaults(protocols: Sequence[Protocol], kinds: Sequence[str]) -> list[Protocol]:
    """Add protocols as they are when nothing is said of them; a kind that is there stays.

    Raises
    ------
    UnknownNameError
        For a kind that is none.
    """
    found = list(protocols)
    known = Registry(PROTOCOLS).names()
    for kind in kinds:
        if kind not in known:
            raise unknown("protocol", kind, known, where="--protocol")
        if all(protocol.kind != kind for protocol in found):
            found.append(parse({"kind": kind}))
    return found
