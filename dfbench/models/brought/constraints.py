"""What scikit-learn declares of its parameters: checked, and told in words."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from dfbench.errors import ParameterError
from dfbench.parameters import refusal

_INTERVAL = re.compile(r"an? (int|float) in the range ([\[(])([^,]+), ([^\])]+)([\])])")
_OPTIONS = re.compile(r"a str among \{([^}]*)\}")

_PLAIN = {
    "an instance of 'bool'": "true or false",
    "an instance of 'str'": "text",
    "an instance of 'int'": "a whole number",
    "an instance of 'float'": "a number",
    "an instance of 'dict'": "a table",
    "an instance of 'list'": "a list",
    "an instance of 'tuple'": "a list",
    "an array-like": "a list",
    "an iterable": "a list",
}
BY_CLASS = "class_weight"
"""Parameter of scikit-learn's that weighs classes by what they are called."""
_LARGEST = 2**31 - 1
_MOST = 8
"""Words of a choice that are named."""


def check(declared: Any, name: str, value: Any, where: str) -> None:
    """Raise `ParameterError` where a value fits none of the constraints of a parameter.

    Beside these a truth value is no number; whole numbers without an end have 32 bits, as compiled
    code takes them, and all others are those that a float holds. Classes are numbers here: a table
    that weighs them by text, as TOML has it, fits none.

    Parameters
    ----------
    declared
        List of constraints; ``"no_validation"``, or None where nothing is declared.
    """
    listed = _constraints(declared)
    fitting = [each for each in listed if _fits(each, value)]
    if listed and (not fitting or (name == BY_CLASS and not _by_number(value))):
        raise ParameterError(refusal(name, words(declared, name), value), where=where)
    if isinstance(value, int) and not math.isfinite(_as_float(value)):
        raise ParameterError(refusal(name, "a number that a float holds", value), where=where)
    if isinstance(value, int) and value > _LARGEST and any(map(_endless, fitting)):
        raise ParameterError(refusal(name, "a whole number below 2^31", value), where=where)


def words(declared: Any, name: str = "") -> str:
    """Say what is allowed of that which a suite can write; empty where nothing is declared."""
    said = [_worded(str(each)) for each in _constraints(declared) if not each.hidden]
    if name == BY_CLASS:
        said = [each for each in said if each not in ("a table", "a list")]
    return ", or ".join(dict.fromkeys(each for each in said if each))


def _constraints(declared: Any) -> list[Any]:
    if not isinstance(declared, list):
        return []
    from sklearn.utils._param_validation import make_constraint

    found: list[Any] = []
    for each in map(make_constraint, declared):
        # some are several in one
        found += getattr(each, "_constraints", None) or [each]
    return found


def _fits(constraint: Any, value: Any) -> bool:
    if isinstance(value, bool) and "bool" not in str(constraint):
        return False
    return bool(constraint.is_satisfied_by(value))


def _by_number(value: Any) -> bool:
    """Whether weights of classes are a word, none, or by the numbers of the classes."""
    if isinstance(value, Mapping):
        return not any(isinstance(key, str) for key in value)
    return value is None or isinstance(value, str)


def _endless(constraint: Any) -> bool:
    """Whether it is one of whole numbers, however large."""
    found = _INTERVAL.fullmatch(str(constraint))
    return found is not None and found[1] == "int" and "inf" in found[4]


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _worded(said: str) -> str:
    """Word a constraint as the rest of dfbench does; empty where TOML has no such values."""
    if found := _OPTIONS.fullmatch(said):
        options = sorted(each.strip().strip("'") for each in found[1].split(","))
        quoted = [f'"{each}"' for each in options]
        if len(quoted) > _MOST:
            quoted = [*quoted[:_MOST], f"{len(quoted) - _MOST} others"]
        return " or ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))
    if found := _INTERVAL.fullmatch(said):
        return _interval(*found.groups())
    return _PLAIN.get(said, "")


def _interval(kind: str, opened: str, low: str, high: str, closed: str) -> str:
    number = "a whole number" if kind == "int" else "a number"
    ends = [None if "inf" in end else f"{float(end):g}" for end in (low, high)]
    if None not in ends and opened + closed == "[]":
        return f"{number} in {ends[0]}..{ends[1]}"
    least = "" if ends[0] is None else f", at least {ends[0]}"
    least = f" above {ends[0]}" if least and opened == "(" else least
    most = "" if ends[1] is None else f", at most {ends[1]}"
    most = f", below {ends[1]}" if most and closed == ")" else most
    return number + least + most
