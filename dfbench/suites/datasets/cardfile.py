"""Cards on disk: reading them with errors that name the key, writing them to be edited by hand."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from dfbench.errors import CardError
from dfbench.files import write_text
from dfbench.suites.datasets.card import Card, KindRule, Normalise
from dfbench.suites.datasets.layouts.all import LAYOUTS
from dfbench.suites.datasets.section import Section


def load_card(path: str | Path) -> Card:
    """Read and check a card.

    Raises
    ------
    CardError
        Where the file is absent, no TOML, or not a valid card: one line that names file and key.
    """
    path = Path(path)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise CardError("no such file", where=path) from None
    except OSError as error:
        raise CardError(f"cannot be read: {error.strerror}", where=path) from None
    except UnicodeDecodeError:
        raise CardError("not a UTF-8 text file", where=path) from None
    except tomllib.TOMLDecodeError as error:
        raise CardError(f"not valid TOML: {error}", where=path) from None
    return parse_card(data, where=path)


def parse_card(data: dict[str, Any], *, where: object) -> Card:
    """Check the content of a card; ``where`` names its origin in errors."""
    try:
        return Card.model_validate(data)
    except ValidationError as error:
        faults = [_word(fault, data) for fault in error.errors()]
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


# --- writing ---------------------------------------------------------------------------------

_COMMENTS = {
    "name": "What the data set is called in leaderboards.",
    "source": "Where the data can be had, and under which licence.",
    "root": "Folder of the data, relative to this file.",
    "root_env": "Environment variable that gives the folder, before root.",
    "classes": "The label of a class is its place in this list, from 0.",
    "positive": "The class to detect.",
    "real": "The class of real images; the others are kinds of fakes.",
    "normalise": "What all images are made into before anything sees them.",
    "split": (
        "given: by the layout; stratified: each class divided alike;\n"
        "grouped: the same, with no group in two splits."
    ),
    "group": "Images with the same text in the named group share a source (person, video).",
    "kind": "Which kind of fake (generator, manipulation) an image is.",
}


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
        _section(lines, "normalise", data["normalise"], Normalise)
    _section(lines, "layout", data["layout"], type(card.layout))
    split = data["split"]
    if card.split.policy == "given":
        split.pop("fractions")
    lines += ["", *_comment("split"), "[split]"]
    lines += [f"{key} = {_value(value)}" for key, value in split.items()]
    if card.group is not None:
        lines += ["", *_comment("group"), "[group]", f"pattern = {_value(card.group.pattern)}"]
    if card.kind is not None:
        _section(lines, "kind", data["kind"], KindRule)
    return "\n".join(lines) + "\n"


def normalise_toml(normalise: Normalise) -> str:
    """Write the section ``[normalise]`` of a card, ready to be pasted."""
    keys = normalise.model_dump(exclude_none=True).items()
    return "\n".join(["[normalise]", *(f"{key} = {_value(value)}" for key, value in keys)]) + "\n"


def _kind_example(card: Card) -> str:
    """Write the section ``[kind]`` as a comment, to be filled in; empty for more classes."""
    if card.has_kind_rule or len(card.classes) > 2:
        return ""
    lines = [*_comment("kind"), "# [kind]", "# pattern = '/(?P<kind>[^/]+)/[^/]+$'"]
    return "\n" + "\n".join(lines) + "\n"


def write_card(card: Card, path: Path, *, examples: bool = False) -> None:
    """Write ``card`` to ``path`` atomically; with examples of what is often filled in by hand.

    Raises
    ------
    OutputError
        Where the folder cannot be written.
    """
    write_text(path, to_toml(card) + (_kind_example(card) if examples else ""))


def _section(lines: list[str], name: str, data: dict[str, Any], model: type[Section]) -> None:
    lines += ["", *_comment(name), f"[{name}]"]
    tables: list[tuple[str, dict[str, Any]]] = []
    for key, value in data.items():
        field = model.model_fields[key]
        if not field.is_required() and value == field.get_default(call_default_factory=True):
            continue
        if isinstance(value, dict) and any(isinstance(v, dict) for v in value.values()):
            tables += [(f"{name}.{key}.{_key(inner)}", v) for inner, v in value.items()]
        else:
            lines += [*_commented(model.comments.get(key)), f"{key} = {_value(value)}"]
    for heading, table in tables:
        lines += ["", f"[{heading}]", *(f"{_key(k)} = {_value(v)}" for k, v in table.items())]


def _comment(key: str) -> list[str]:
    return _commented(_COMMENTS.get(key))


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
