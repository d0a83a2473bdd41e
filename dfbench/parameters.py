"""What values parameters may have: as type hints of pydantic, checked, and told in words."""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable, Mapping
from functools import cache, cached_property
from types import SimpleNamespace
from typing import Annotated, Any, TypeVar, get_type_hints

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

from dfbench.errors import ParameterError, one_line

T = TypeVar("T")

MOST = 10**9
"""Of whatever is counted: more is a slip of the finger, and is waited for without an end."""

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1, le=MOST)]
CountOrNone = Annotated[int, Field(ge=0, le=MOST)]
"""A count that may be 0."""
Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]


def _once(values: tuple[T, ...]) -> tuple[T, ...]:
    if len(set(values)) < len(values):
        raise ValueError("one stands twice")
    return values


Several = Annotated[
    tuple[T, ...],
    Field(min_length=1, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_once),
]
"""A list of some, none of which stands in it twice."""


class Allowed:
    """The values that a parameter may have.

    Parameters
    ----------
    hint
        As of a field of pydantic. Numbers are numbers, and finite: ``true`` is not 1, nor ``"8"``
        8, nor 8.0 a whole number; a list does for a tuple, and numpy's numbers for Python's.
    """

    def __init__(self, hint: Any) -> None:
        config = ConfigDict(strict=True, allow_inf_nan=False)
        self._adapter: TypeAdapter[Any] = TypeAdapter(hint, config=config)

    @cached_property
    def words(self) -> str:
        """What is allowed, as the end of a sentence; empty where anything is."""
        return in_words(self._adapter.json_schema())

    def check(self, name: str, value: Any, where: str) -> None:
        """Raise `ParameterError` where a value is none of them, with the words."""
        try:
            self._adapter.validate_python(_plain(value))
        except ValidationError:
            raise refused(name, self._adapter.json_schema(), value, where) from None


def refused(name: str, schema: Mapping[str, Any], value: Any, where: str) -> ParameterError:
    """Give the error for a value that a JSON schema does not allow."""
    near = difflib.get_close_matches(value, _texts(schema), n=1) if isinstance(value, str) else []
    hint = f"did you mean {near[0]!r}?" if near else None
    return ParameterError(refusal(name, in_words(schema), value), where=where, hint=hint)


def _texts(schema: Mapping[str, Any]) -> list[str]:
    given = schema.get("enum", [schema.get("const")])
    inside = [text for each in schema.get("anyOf", []) for text in _texts(each)]
    return [each for each in given if isinstance(each, str)] + inside


def refusal(name: str, words: str, value: Any) -> str:
    """Say what a parameter is to be, and what it is."""
    try:
        shown = one_line(repr(value))
    except ValueError:  # Python writes no whole number of thousands of digits
        shown = "a number of thousands of digits"
    return f"{name} is {words}, not {shown}"


def of_default(default: Any) -> Any:
    """Give the hint that a default tells by its type, where nothing else tells one."""
    for kind, hint in ((bool, bool), (int | float, float), (str, str)):
        if isinstance(default, kind):
            return hint
    return Any


@cache
def of_signature(target: Callable[..., Any]) -> Mapping[str, Allowed]:
    """Give what is allowed of each parameter of a function, or class, that has a type hint.

    Hints that cannot be read, or that pydantic does not know, tell nothing.
    """
    function: Any = vars(target).get("__init__") if isinstance(target, type) else target
    found = {}
    for name, hint in getattr(function, "__annotations__", {}).items():
        if name == "return":
            continue
        try:
            alone = SimpleNamespace(__annotations__={name: hint})
            known = get_type_hints(alone, function.__globals__, include_extras=True)
            found[name] = Allowed(known[name])
        except Exception:  # noqa: BLE001, S112 - a plugin may have written anything
            continue
    return found


def parameters_of(target: Callable[..., Any]) -> dict[str, Any]:
    """Give the parameters with a default of a function, or class, and these defaults."""
    its = inspect.signature(target).parameters.values()
    return {each.name: each.default for each in its if each.default is not each.empty}


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return value.item()
    return value


def in_words(schema: Mapping[str, Any]) -> str:
    """Word the JSON schema of a value; empty where it says nothing.

    Examples
    --------
    >>> in_words({"type": "integer", "minimum": 1, "maximum": 9}), Allowed(Positive).words
    ('a whole number in 1..9', 'a number above 0')
    """
    if "const" in schema or "enum" in schema:
        return _either([_literal(each) for each in schema.get("enum", [schema.get("const")])])
    if "anyOf" in schema:
        given = [in_words(each) for each in schema["anyOf"] if each.get("type") != "null"]
        return ", or ".join(dict.fromkeys(filter(None, given)))
    kind = schema.get("type")
    if kind in ("integer", "number"):
        return ("a whole number" if kind == "integer" else "a number") + _bounds(schema)
    if kind == "array":
        return _list_in_words(schema)
    plain = {"boolean": "true or false", "string": "text", "object": "a table"}
    return "a table" if "$ref" in schema else plain.get(str(kind), "")


def _bounds(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" in {_number(low)}..{_number(high)}"
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    said = [
        "" if above is None else f" above {_number(above)}",
        "" if low is None else f", at least {_number(low)}",
        "" if below is None else f", below {_number(below)}",
        "" if high is None else f", at most {_number(high)}",
    ]
    return "".join(said)


def _list_in_words(schema: Mapping[str, Any]) -> str:
    each: Mapping[str, Any] = schema.get("items") or next(iter(schema.get("prefixItems", [])), {})
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    said = "a list"
    if most is not None:
        said += f" of {most}" if most == least else f" of {least} to {most}"
    if inside := in_words(each):
        said += f", each {inside}"
    if schema.get("uniqueItems"):
        said += ", none twice"
    return said


def _either(words: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _literal(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _number(value: float) -> str:
    power = round(math.log10(value)) if value >= 10**6 else 0
    if power and value == 10**power:
        return f"10^{power}"
    return "2^63 - 1" if value == 2**63 - 1 else f"{value:g}" if value < 10**6 else str(value)
