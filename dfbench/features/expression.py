"""Feature expressions: ``hsv+lbp[points=8]+fft``, joined by plus, parameters in brackets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dfbench.errors import CardError, DfbenchError, PluginError, let_stop, one_line, unknown, worded
from dfbench.features.base import Extractor
from dfbench.features.function import FunctionExtractor
from dfbench.plugins import info
from dfbench.received.texts import NotToml, check_plain, from_toml
from dfbench.registry import Registry

_LONGEST = 4_000


@dataclass(frozen=True)
class Term:
    """One extractor of an expression: its name and the parameters that were set."""

    name: str
    params: dict[str, Any]


def split_outside(text: str, separator: str) -> list[str]:
    """Split at a separator that stands outside square brackets and quotes."""
    parts, depth, start, quote = [], 0, 0, ""
    for at, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == "[":
            depth += 1
        elif character == "]":
            depth -= 1
        elif character == separator and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    parts.append(text[start:])
    return parts


def parse(expression: str, aliases: Mapping[str, str] | None = None) -> list[Term]:
    """Take an expression apart.

    Parameters
    ----------
    expression
        E.g. ``hsv[bins=8]+lbp``. Values are TOML (numbers, true, [1, 2]); a bare word is text.
    aliases
        Names that stand for longer expressions.

    Raises
    ------
    CardError
        Where the expression is malformed.
    """
    if len(expression) > _LONGEST:
        raise CardError(
            f"a feature expression of {len(expression):,} characters, not {_LONGEST:,} at most",
            where=one_line(expression[:80]),
        )
    terms: list[Term] = []
    for part in split_outside(expression, "+"):
        part = part.strip()
        if aliases and part in aliases:
            terms += parse(aliases[part])
            continue
        name, bracket, rest = part.partition("[")
        name = name.strip()
        if not name or (bracket and not rest.endswith("]")):
            raise CardError(
                f"not a feature expression: {one_line(expression)!r}",
                hint="names joined by '+', parameters in brackets: hsv[bins=8]+lbp",
            )
        terms.append(Term(name, _params(rest[:-1], expression) if bracket else {}))
    return terms


def _params(text: str, expression: str) -> dict[str, Any]:
    params: dict[str, Any] = {}
    for item in split_outside(text, ","):
        key, equals, value = item.partition("=")
        key = key.strip()
        if not equals or not key.isidentifier():
            raise CardError(
                f"not a parameter: {one_line(item)!r} in {one_line(expression)!r}",
                hint="parameters are written key=value",
            )
        params[key] = _value(key, value.strip(), expression)
    return params


def _value(key: str, text: str, expression: str) -> Any:
    try:
        read = from_toml(f"value = {text}")
        check_plain(read["value"], key)
    except NotToml:
        return text
    except ValueError as error:
        said = str(error).removeprefix(f"key {key!r}: ")
        raise CardError(f"parameter {key!r}: {said}", where=one_line(expression)) from None
    return read["value"] if len(read) == 1 else text


def build(terms: list[Term], registry: Registry) -> list[Extractor]:
    """Make the extractors.

    Raises
    ------
    UnknownNameError
        For an unknown extractor or parameter.
    CardError
        If two are the same, or a parameter does not fit.
    PluginError
        If an extractor cannot be loaded.
    """
    extractors = [_make(term, registry) for term in terms]
    known: list[dict[str, Any]] = []
    for extractor in extractors:
        found = extractor.identity()
        if found in known:
            raise CardError(f"{extractor.name!r} stands twice with the same parameters")
        known.append(found)
    return extractors


def _make(term: Term, registry: Registry) -> Extractor:
    part = registry.get(term.name)
    target = part.load()
    mark = info(target)
    if mark is None and not (isinstance(target, type) and issubclass(target, Extractor)):
        raise PluginError(
            "neither a function under @dfbench.extractor nor a subclass of Extractor",
            where=f"{part.name!r} of {part.owner}",
        )
    known = list(mark.defaults) if mark else _parameters(target)
    for key in term.params:
        if key not in known:
            raise unknown(f"parameter of {term.name!r}", key, known)
    if mark:
        return _sound(FunctionExtractor(target, term.params or None))
    values = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in term.params.items()
    }
    try:
        extractor = target(**values)
    except DfbenchError:
        raise
    except (TypeError, ValueError) as error:
        raise CardError(f"extractor {term.name!r}: {one_line(str(error))}") from error
    return _sound(extractor)


def _sound(extractor: Extractor) -> Extractor:
    """Raise where a parameter is not what it may be, or cannot be written down."""
    try:
        extractor.check_params()
        json.dumps(extractor.identity())
    except DfbenchError:
        raise
    except BaseException as error:
        let_stop(error)
        raise CardError(
            f"a parameter does not fit: {worded(error)}",
            where=extractor.where,
        ) from error
    return extractor


def _parameters(target: Any) -> list[str]:
    return list(target._get_param_names())
