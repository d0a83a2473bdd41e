"""The lists of a results folder: places on the board, evaluations asked for, commands."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from dfbench.results.records.evaluations import Asked
from dfbench.results.records.provenance import Run
from dfbench.results.records.records import Entry


class _Listed(BaseModel):
    """A list in a file; one of dfbench 0.1.0 is the list alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _of_before(cls, value: Any) -> Any:
        (name,) = cls.model_fields
        return {name: value} if isinstance(value, list) else value


class Entries(_Listed):
    """What ``run.json`` holds."""

    entries: list[Entry]


class AllAsked(_Listed):
    """What ``probes.json`` holds."""

    asked: list[Asked]


class Runs(_Listed):
    """What ``made.json`` holds."""

    commands: list[Run]
