"""JSON Schemas of what is written of a board, from the models that write it.

A schema has a version, which each object of a JSON file names (``"schema": "leaderboard/1"``). It
is another one when a key goes, or means something else; keys that come leave it as it is, so that
who reads a file looks over what he does not know.
"""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from itertools import pairwise
from textwrap import dedent
from typing import Any, Literal

from pydantic import BaseModel, Field
from pydantic.json_schema import GenerateJsonSchema

from dfbench.errors import unknown
from dfbench.results.board.board import Line
from dfbench.results.board.report import Figure, ProtocolFigure
from dfbench.results.records.records import Record

LEADERBOARD = "leaderboard/1"
PROTOCOLS = "protocols/1"


class LeaderboardLine(Line):
    """An object of ``leaderboard.json``: a row on a data set."""

    notes: list[str]
    """Those above the table of its data set."""
    version: Literal["leaderboard/1"] = Field(alias="schema")
    """Name and version of this schema."""


class ProtocolsLine(ProtocolFigure):
    """An object of ``protocols.json``: a figure of a row under a protocol."""

    version: Literal["protocols/1"] = Field(alias="schema")
    """Name and version of this schema."""


@dataclass(frozen=True, slots=True)
class Described:
    """What there is a schema of.

    Attributes
    ----------
    file
        In a results folder.
    model
        Of the file, or of each object in it.
    version
        Of the schema.
    several
        Whether the file is a list of objects.
    """

    file: str
    model: type[BaseModel]
    version: str
    several: bool = True


SCHEMAS = {
    "leaderboard": Described("leaderboard.json", LeaderboardLine, LEADERBOARD),
    "protocols": Described("protocols.json", ProtocolsLine, PROTOCOLS),
    "figures": Described("figures.csv, leaderboard.parquet", Figure, "figures/1"),
    "record": Described("cells/<cell>.json", Record, "record/1", several=False),
}
"""By name."""


_OF_NOW = (
    "As this version of dfbench writes it: what an earlier one wrote may lack keys, which then are"
    " what their defaults say."
)


class _Schema(GenerateJsonSchema):
    """Of what is written: every key is there; there may be those that a later dfbench writes."""

    def generate(self, schema: Any, mode: Any = "validation") -> dict[str, Any]:
        found: dict[str, Any] = _opened(super().generate(schema, mode))
        return found

    def field_is_required(self, field: Any, total: bool) -> bool:
        return True

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def model_schema(self, schema: Any) -> dict[str, Any]:
        found = super().model_schema(schema)
        told = _told(schema["cls"])
        for name, field in schema["cls"].model_fields.items():
            its = found.get("properties", {}).get(field.alias or name)
            if its is not None and name in told:
                its["description"] = told[name]
        return found


def _told(model: type[BaseModel]) -> dict[str, str]:
    """Give what stands below each field of a model in its source."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if not issubclass(each, BaseModel) or each is BaseModel:
            continue
        (body,) = ast.parse(dedent(inspect.getsource(each))).body
        assert isinstance(body, ast.ClassDef)
        for field, below in pairwise(body.body):
            match field, below:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    found[name] = inspect.cleandoc(text)
    return found


def _opened(value: Any) -> Any:
    if isinstance(value, list):
        return [_opened(each) for each in value]
    if not isinstance(value, dict):
        return value
    closed = value.get("additionalProperties") is False
    return {
        name: _opened(its)
        for name, its in value.items()
        if not (closed and name == "additionalProperties")
    }


def schema(name: str) -> dict[str, Any]:
    """Give the JSON Schema (draft 2020-12) of what is written under a name of `SCHEMAS`.

    Raises
    ------
    UnknownNameError
        Where there is no such name.
    """
    if name not in SCHEMAS:
        raise unknown("schema", name, SCHEMAS)
    told = SCHEMAS[name]
    found = told.model.model_json_schema(
        mode="serialization", by_alias=True, schema_generator=_Schema
    )
    definitions = found.pop("$defs", {})
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:dfbench:schema:{told.version}",
        "title": told.file,
        "description": f"{told.model.__doc__} {_OF_NOW}".replace("``", "`"),
    }
    if not told.several:
        return head | {k: v for k, v in found.items() if k not in head} | {"$defs": definitions}
    definitions[told.model.__name__] = found
    items = {"$ref": f"#/$defs/{told.model.__name__}"}
    return head | {"type": "array", "items": items, "$defs": definitions}
