"""Writing cards, to be edited by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from dfbench.files import write_text
from dfbench.suites.datasets.cards.card import Card
from dfbench.suites.datasets.cards.normalise import Normalise
from dfbench.suites.datasets.section import Section


def to_toml(card: Card) -> str:
    """Write a card as TOML, with a comment on each key that asks for one.

    Reading the text again gives an equal card. Keys at their defaults are left out.
    """
    data = card.model_dump(exclude_none=True)
    lines: list[str] = []
    for key in ("name", "description", "source", "licence", "root", "root_env", "classes"):
        if data[key]:
            lines += [*_comment(key), f"{key} = {_value(data[key])}"]
    if card.positive:
        lines += [*_comment("positive"), f"positive = {_value(card.positive)}"]
    if card.real:
        lines += [*_comment("real"), f"real = {_value(card.real)}"]
    if card.normalise is not None:
        _section(lines, "normalise", card.normalise)
    _section(lines, "layout", card.layout)
    split = data["split"]
    if card.split.policy == "given":
        split.pop("fractions")
    lines += ["", *_comment("split"), "[split]"]
    lines += [f"{key} = {_value(value)}" for key, value in split.items()]
    if card.repeat is not None:
        kind, n = card.repeat.given.split("=")
        lines += ["", *_comment("repeat"), "[repeat]", f"{kind} = {n}"]
    if card.group is not None:
        _section(lines, "group", card.group)
    if card.kind is not None:
        _section(lines, "kind", card.kind)
    if card.about is not None:
        _section(lines, "about", card.about)
    return "\n".join(lines) + "\n"


def normalise_toml(normalise: Normalise) -> str:
    """Write the section ``[normalise]`` of a card, ready to be pasted."""
    keys = normalise.model_dump(exclude_none=True).items()
    return "\n".join(["[normalise]", *(f"{key} = {_value(value)}" for key, value in keys)]) + "\n"


def write_card(card: Card, path: Path, *, examples: str = "") -> None:
    """Write ``card`` to ``path`` atomically, and below it ``examples``, which are comments.

    Raises
    ------
    OutputError
        Where the folder cannot be written.
    """
    write_text(path, to_toml(card) + examples)


def _section(lines: list[str], name: str, section: Section) -> None:
    lines += ["", *_comment(name), f"[{name}]"]
    tables: list[tuple[str, dict[str, Any]]] = []
    for key, value in section.model_dump(exclude_none=True).items():
        field = type(section).model_fields[key]
        if not field.is_required() and value == field.get_default(call_default_factory=True):
            continue
        if isinstance(value, dict) and value and all(isinstance(v, dict) for v in value.values()):
            tables += [(f"{name}.{key}.{_key(inner)}", v) for inner, v in value.items()]
        else:
            lines += [*_commented(section.comments.get(key)), f"{key} = {_value(value)}"]
    for heading, table in tables:
        lines += ["", f"[{heading}]", *(f"{_key(k)} = {_value(v)}" for k, v in table.items())]


def _comment(key: str) -> list[str]:
    return _commented(Card.comments.get(key))


def _commented(text: str | None) -> list[str]:
    return [f"# {line}" for line in text.split("\n")] if text else []


def _key(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else _basic(text)


def _basic(text: str) -> str:
    # a JSON string is a TOML basic string, but for DEL, which TOML wants escaped
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, str):
        plain = "'" not in value and value.isprintable()
        return f"'{value}'" if "\\" in value and plain else _basic(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
    return repr(value)
