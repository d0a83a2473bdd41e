"""The data sets that a user has registered, kept in the folder of the user's settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from pydantic import BaseModel, Field

from dfbench.errors import CardError
from dfbench.files import config_dir, write_text
from dfbench.received.files import read_bytes, why
from dfbench.received.texts import SMALL, from_json


class Registered(NamedTuple):
    """A data set that a user has added."""

    name: str
    source: str
    """Absolute path of a card or folder, or the name of a public data set."""
    root: Path | None
    asked: Mapping[str, str] = MappingProxyType({})
    """How a plain folder is to be read, by option."""


class _Item(BaseModel):
    name: str
    source: str
    root: str | None
    asked: dict[str, str] = Field(default_factory=dict)


class _Kept(BaseModel):
    """What the file holds."""

    datasets: list[_Item]


def _register_file() -> Path:
    return config_dir() / "datasets.json"


def registered() -> list[Registered]:
    """Read the list of registered data sets, sorted by name.

    Raises
    ------
    CardError
        If the file that keeps them has been damaged.
    """
    path = _register_file()
    try:
        found = _Kept.model_validate(from_json(read_bytes(path, most=SMALL)))
        return [
            Registered(its.name, its.source, Path(its.root) if its.root else None, its.asked)
            for its in found.datasets
        ]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CardError(why(error), where=path) from None
    except ValueError:
        hint = "remove the file and add the data sets again"
        raise CardError("not a list of data sets", where=path, hint=hint) from None


def keep(entries: list[Registered]) -> None:
    """Write the list of registered data sets, atomically."""
    items = [
        {"name": e.name, "source": e.source, "root": str(e.root) if e.root else None}
        | ({"asked": dict(e.asked)} if e.asked else {})
        for e in sorted(entries, key=lambda entry: entry.name)
    ]
    write_text(_register_file(), json.dumps({"datasets": items}, indent=2) + "\n")
