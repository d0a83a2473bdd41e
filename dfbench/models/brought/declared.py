"""Functions under ``@dfbench.model`` as models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin, get_type_hints

from dfbench.errors import PluginError
from dfbench.models.base import Task
from dfbench.models.brought.estimator import Brought, lacking
from dfbench.models.selection.space import Drawn, Range, drawn_of
from dfbench.plugins import FunctionInfo, info


class Declared(Brought):
    """The estimator that a function gives."""

    function: ClassVar[Callable[..., Any]]
    mark: ClassVar[FunctionInfo]
    ranges: ClassVar[dict[str, Drawn]] = {}

    @classmethod
    def make(cls, params: Mapping[str, Any]) -> Any:
        """Call the function."""
        made = cls.function(**params)
        if absent := lacking(made):
            raise PluginError(
                f"returns {type(made).__name__}, which is no estimator: it has no {absent}",
                where=f"model {cls.name!r}",
            )
        return made

    @classmethod
    def own_defaults(cls) -> dict[str, Any]:
        """Give the function's parameters with their defaults."""
        return dict(cls.mark.defaults)

    @classmethod
    def suggest(cls, trial: Any, task: Task) -> dict[str, Any]:
        """Draw by ``suggest``, or from what type hints tell."""
        if cls.mark.suggest is not None:
            return dict(cls.mark.suggest(trial))
        return drawn_of(cls.ranges, trial)


@cache
def declared(function: Callable[..., Any]) -> type[Declared]:
    """Make the model of a function.

    Raises
    ------
    PluginError
        If a type hint tells no range, or one that the default does not lie in.
    """
    mark = info(function)
    assert mark is not None  # that is how it was found
    return type(
        mark.name,
        (Declared,),
        {
            "name": mark.name,
            "version": mark.version,
            "function": staticmethod(function),
            "mark": mark,
            "ranges": {} if mark.suggest is not None else _ranges(function, mark),
            "__module__": function.__module__,
            "__doc__": function.__doc__,
        },
    )


def _ranges(function: Callable[..., Any], mark: FunctionInfo) -> dict[str, Drawn]:
    try:
        hints = get_type_hints(function, include_extras=True)
    except (NameError, TypeError) as error:
        raise PluginError(f"has type hints that cannot be read: {error}", where=mark.name) from None
    found: dict[str, Drawn] = {}
    for name, hint in hints.items():
        if name not in mark.defaults:
            continue
        where = f"model {mark.name!r}, parameter {name!r}"
        default = mark.defaults[name]
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
