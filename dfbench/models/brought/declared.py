"""Functions under ``@dfbench.model`` as models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, ClassVar

from dfbench.errors import PluginError
from dfbench.models.base import Task
from dfbench.models.brought.estimator import Brought, lacking
from dfbench.models.selection.hints import ranges_of
from dfbench.models.selection.space import Drawn, drawn_of
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
            "ranges": {} if mark.suggest is not None else ranges_of(function, mark),
            "__module__": function.__module__,
            "__doc__": function.__doc__,
        },
    )
