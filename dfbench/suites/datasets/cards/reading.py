"""Reading cards, with errors that name the key."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from dfbench.errors import CardError, shortened
from dfbench.received.containers.places import read_bytes
from dfbench.received.files import why
from dfbench.received.texts import SMALL, toml_of
from dfbench.suites.datasets.cards.card import Card
from dfbench.suites.datasets.layouts.all import LAYOUTS


def load_card(path: str | Path) -> Card:
    """Read and check a card.

    Raises
    ------
    CardError
        Where the file is absent, no TOML, or not a valid card: one line that names file and key.
    """
    path = Path(path)
    try:
        data = toml_of(read_bytes(path, most=SMALL))
    except FileNotFoundError:
        raise CardError("no such file", where=path) from None
    except OSError as error:
        raise CardError(why(error), where=path) from None
    except ValueError as error:
        raise CardError(str(error), where=path) from None
    return parse_card(data, where=path)


def parse_card(data: dict[str, Any], *, where: object) -> Card:
    """Check the content of a card; ``where`` names its origin in errors."""
    try:
        return Card.model_validate(data)
    except ValidationError as error:
        faults = [shortened(_word(fault, data)) for fault in error.errors()]
        shown = "; ".join(faults[:3])
        if len(faults) > 3:
            shown += f"; and {len(faults) - 3} more"
        raise CardError(shown, where=where) from None


def _word(fault: Any, data: dict[str, Any]) -> str:
    """Say one of Pydantic's errors in a line that names the key and the nearest valid thing."""
    path = [str(part) for part in fault["loc"]]
    if len(path) > 1 and path[0] == "layout" and path[1] in LAYOUTS:
        del path[1]  # the tag of the union is no key of the file
    if path and path[-1] == "[key]":
        path.pop()
    context = fault.get("ctx", {})
    key = ".".join(path) or str(context.get("key", ""))
    kind = fault["type"]
    if kind == "extra_forbidden":
        return f"unknown key {key!r}{_near(path[-1], _valid_keys(path, data))}"
    if kind == "missing":
        return f"key {key!r} is missing"
    if kind == "union_tag_not_found":
        return "key 'layout.kind' is missing (one of " + ", ".join(LAYOUTS) + ")"
    if kind == "union_tag_invalid":
        tag = str(context.get("tag"))
        return f"key 'layout.kind': {tag!r} is unknown{_near(tag, list(LAYOUTS))}"
    if kind == "literal_error":
        valid = re.findall(r"'([^']*)'", str(context.get("expected")))
        return f"key {key!r}: {fault['input']!r} is unknown{_near(str(fault['input']), valid)}"
    text = re.sub(r"^Value error, ", "", str(fault["msg"]))
    if kind not in {"value_error", "card"}:
        text = text[:1].lower() + text[1:]
    return f"key {key!r}: {text}" if key else text


def _near(name: str, valid: list[str]) -> str:
    near = difflib.get_close_matches(name, valid, n=1, cutoff=0.5)
    if near:
        return f", did you mean {near[0]!r}?"
    return ", valid here: " + ", ".join(valid) if valid else ""


def _valid_keys(path: list[str], data: dict[str, Any]) -> list[str]:
    """Name the keys of the section that the last of ``path`` stands in."""
    section: type[BaseModel] = Card
    for key in path[:-1]:
        if section is Card and key == "layout":
            section = LAYOUTS[data["layout"]["kind"]]
        elif key in section.model_fields:
            section = _section_in(section.model_fields[key].annotation) or section
    return list(section.model_fields)


def _section_in(annotation: Any) -> type[BaseModel] | None:
    """Find the section that a field holds: itself, optionally, or as the values of a table."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_section_in(inner) for inner in get_args(annotation))
    return next((section for section in found if section is not None), None)
