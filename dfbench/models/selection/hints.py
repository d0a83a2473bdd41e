"""Search spaces that the type hints of a declared function tell."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from dfbench.errors import PluginError
from dfbench.models.selection.space import Drawn, Range
from dfbench.plugins import FunctionInfo


def ranges_of(function: Callable[..., Any], told: FunctionInfo) -> dict[str, Drawn]:
    """Give what the type hints of a declared function tell of its parameters.

    ``Annotated[int, (2, 12)]`` and ``Annotated[float, (0.01, 10, "log")]`` are ranges,
    ``Literal["l1", "l2"]`` the values themselves; other hints tell nothing.

    Raises
    ------
    PluginError
        If a hint tells no range, or one that the default does not lie in.
    """
    # of a class the hints of its parameters stand at its __init__
    holder: Any = (
        vars(function).get("__init__") if isinstance(function, type) else inspect.unwrap(function)
    )
    wanted = {name: hint for name, hint in holder.__annotations__.items() if name in told.defaults}
    try:
        hints = get_type_hints(
            SimpleNamespace(__annotations__=wanted), holder.__globals__, include_extras=True
        )
    except (NameError, TypeError) as error:
        raise PluginError(f"has type hints that cannot be read: {error}", where=told.name) from None
    found: dict[str, Drawn] = {}
    for name, hint in hints.items():
        where = f"{told.kind} {told.name!r}, parameter {name!r}"
        default = told.defaults[name]
        if get_origin(hint) is Literal:
            values = list(get_args(hint))
            found[name], inside = values, default in values
        elif get_origin(hint) is Annotated and isinstance(get_args(hint)[1], tuple):
            kind, (low, high, *more) = get_args(hint)[:2]
            if kind not in (int, float) or more not in ([], ["log"]) or not low < high:
                raise PluginError(
                    f"no range: {hint}",
                    where=where,
                    hint='Annotated[int, (2, 12)], Annotated[float, (0.01, 10, "log")]',
                )
            found[name] = Range(kind.__name__, low, high, log=bool(more))
            inside = low <= default <= high
        else:
            continue
        if not inside:
            raise PluginError(f"the default {default!r} is outside its range", where=where)
    return found
