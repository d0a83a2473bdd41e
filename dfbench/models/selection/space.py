"""What is left open of a model's parameters: its own space, ranges, a grid, or nothing."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from dfbench.errors import ParameterError, UnknownNameError
from dfbench.models.base import Model, Task


@dataclass(frozen=True)
class Range:
    """Values that a parameter may have, of which a study draws.

    Attributes
    ----------
    kind
        ``"int"`` or ``"float"``.
    low, high
        Least and greatest value, both of them possible.
    log
        Whether values are drawn evenly by their logarithm.
    """

    kind: str
    low: float
    high: float
    log: bool = False

    def draw(self, trial: Any, name: str) -> int | float:
        """Draw by an Optuna trial."""
        suggest = trial.suggest_int if self.kind == "int" else trial.suggest_float
        drawn: int | float = suggest(name, *self._bounds(), log=self.log)
        return drawn

    def first(self, default: Any) -> int | float:
        """Give the value of the first trial: the default where it lies inside, else the middle."""
        low, high = self._bounds()
        number = isinstance(default, int | float) and not isinstance(default, bool)
        if number and low <= default <= high and (self.kind == "float" or default == int(default)):
            return int(default) if self.kind == "int" else float(default)
        middle = math.sqrt(low * high) if self.log else (low + high) / 2
        return min(max(round(middle), int(low)), int(high)) if self.kind == "int" else middle

    def _bounds(self) -> tuple[Any, Any]:
        return (int(self.low), int(self.high)) if self.kind == "int" else (self.low, self.high)


Drawn = Range | Sequence[Any]
"""A range, or the values themselves."""


@dataclass(frozen=True)
class Space:
    """The parameters that a study may try.

    Attributes
    ----------
    fixed
        Parameters that are as given in every trial.
    choices
        Values by parameter: each combination is tried once, in order, whatever the budget.
    search
        Whether the model's own search space is drawn from for what is not fixed.
    ranges
        What else is drawn, by parameter; before what the model's own space has of that name. Not
        together with ``choices``, nor is ``search``.
    """

    fixed: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    search: bool = True
    ranges: Mapping[str, Drawn] = field(default_factory=dict)

    @property
    def drawn(self) -> bool:
        """Whether a study draws anything, as far as its budget goes."""
        return self.search or bool(self.ranges)

    def check(self, model: type[Model]) -> None:
        """Check names and values against a model.

        Raises
        ------
        ParameterError, UnknownNameError
            On what the model does not take, with its key; on a parameter both fixed and open.
        """
        for open_, where in ((self.choices, "choices"), (self.ranges, "search")):
            for name in open_:
                if name in self.fixed:
                    raise ParameterError(
                        f"{name} is in params and in {where}: one of them", where=model.name
                    )
        told = [("params", name, [value]) for name, value in self.fixed.items()]
        told += [("choices", name, [*values]) for name, values in self.choices.items()]
        told += [("search", name, [*_ends(its)]) for name, its in self.ranges.items()]
        for section, name, values in told:
            with _at(f"{section}.{name}"):
                for value in values:
                    model.check_value(name, value)
        # what one parameter asks of another
        with _at("params"):
            model.check_params(self.fixed)
        for section, name, values in told[len(self.fixed) :]:
            with _at(f"{section}.{name}"):
                for value in values:
                    model.check_params({**self.fixed, name: value})

    def defaults(self, model: type[Model]) -> dict[str, Any]:
        """All parameters of the first trial."""
        own = model.defaults()
        first = {name: values[0] for name, values in self.choices.items()}
        return {**own, **self.fixed, **first, **self._firsts(own)}

    def begin(self, model: type[Model]) -> dict[str, Any]:
        """Give what the first trial of a study is to draw."""
        own = model.defaults()
        return {**own, **self._firsts(own)}

    def draw(self, model: type[Model], trial: Any, task: Task) -> dict[str, Any]:
        """Parameters of an Optuna trial; those drawn for what is fixed are not used."""
        ranged = drawn_of(self.ranges, trial)
        own = model.suggest(_Known(trial, ranged), task) if self.search else {}
        return {**own, **ranged, **self.fixed}

    def grid(self) -> Iterator[dict[str, Any]]:
        """Parameters of each combination of the choices."""
        for values in product(*self.choices.values()):
            yield {**self.fixed, **dict(zip(self.choices, values, strict=True))}

    def settings(self, model: type[Model]) -> Iterator[dict[str, Any]]:
        """Parameters to be sized by: each combination, and both ends of each range."""
        for first in self.grid():
            yield {**first, **self._firsts(model.defaults())}
            for name, its in self.ranges.items():
                for value in _ends(its):
                    yield {**first, name: value}

    def described(self) -> dict[str, Any]:
        """Give the ranges as plain values."""
        return {
            name: vars(its) if isinstance(its, Range) else list(its)
            for name, its in self.ranges.items()
        }

    def _firsts(self, own: Mapping[str, Any]) -> dict[str, Any]:
        return {name: _first(its, own.get(name)) for name, its in self.ranges.items()}


@contextmanager
def _at(key: str) -> Iterator[None]:
    """Put the key of a suite before the place of an error."""
    try:
        yield
    except (ParameterError, UnknownNameError) as error:
        place = f"key {key!r}" if error.where is None else f"key {key!r}, {error.where}"
        raise type(error)(error.what, where=place, hint=error.hint) from None


class Noted:
    """A trial that draws nothing: it notes what it is asked, which is the space of a model.

    Attributes
    ----------
    asked
        By parameter the choice in words, and a value of it.
    """

    def __init__(self) -> None:
        self.asked: dict[str, tuple[str, Any]] = {}
        self.params: dict[str, Any] = {}

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Note a range, and give its least value."""
        return self._noted(name, low, high, step, log)

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """Note a range, and give its least value."""
        return int(self._noted(name, low, high, step if step != 1 else None, log))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Note the values, and give the first."""
        words = ", ".join(f'"{each}"' if isinstance(each, str) else str(each) for each in choices)
        self.asked[name] = words, choices[-1]
        self.params[name] = choices[0]
        return choices[0]

    def _noted(self, name: str, low: float, high: float, step: float | None, log: bool) -> float:
        steps = f", in steps of {step:g}" if step else ""
        words = f"{low:g}..{high:g}{steps}{', by logarithm' if log else ''}"
        self.asked[name] = words, high
        self.params[name] = low
        return low


class _Known:
    """A trial that answers for what was drawn already as it was."""

    def __init__(self, trial: Any, drawn: Mapping[str, Any]) -> None:
        self._trial, self._drawn = trial, drawn

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._trial, name)
        if not name.startswith("suggest_"):
            return found

        def suggest(parameter: str, *args: Any, **kwargs: Any) -> Any:
            if parameter in self._drawn:
                return self._drawn[parameter]
            return found(parameter, *args, **kwargs)

        return suggest


def drawn_of(ranges: Mapping[str, Drawn], trial: Any) -> dict[str, Any]:
    """Draw a value of each by an Optuna trial."""
    return {
        name: its.draw(trial, name) if isinstance(its, Range) else _chosen(trial, name, its)
        for name, its in ranges.items()
    }


def _chosen(trial: Any, name: str, values: Sequence[Any]) -> Any:
    with warnings.catch_warnings():
        # it means lists and tables, which our storage takes
        warnings.filterwarnings("ignore", message="Choices for a categorical distribution")
        return trial.suggest_categorical(name, list(values))


def _first(its: Drawn, default: Any) -> Any:
    if isinstance(its, Range):
        return its.first(default)
    return default if default in its else its[0]


def _ends(its: Drawn) -> Sequence[Any]:
    if not isinstance(its, Range):
        return its
    return [int(end) if its.kind == "int" else end for end in (its.low, its.high)]
