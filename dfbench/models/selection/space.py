"""What is left open of a model's parameters: all of its own space, a grid, or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from dfbench.errors import ParameterError
from dfbench.models.base import Model, Task


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
        Whether the model's own search space is drawn from for what is not fixed. Not together
        with ``choices``.
    """

    fixed: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    search: bool = True

    def check(self, model: type[Model]) -> None:
        """Check names and values against a model.

        Raises
        ------
        ParameterError, UnknownNameError
            On what the model does not take; on a parameter both fixed and open.
        """
        for name, values in self.choices.items():
            if name in self.fixed:
                raise ParameterError(
                    f"{name} is in params and in choices: one of them", where=model.name
                )
            for value in values:
                model.check_params({**self.fixed, name: value})
        model.check_params(self.fixed)

    def defaults(self, model: type[Model]) -> dict[str, Any]:
        """All parameters of the first trial."""
        first = {name: values[0] for name, values in self.choices.items()}
        return {**model.defaults(), **self.fixed, **first}

    def draw(self, model: type[Model], trial: Any, task: Task) -> dict[str, Any]:
        """Parameters of an Optuna trial; those drawn for what is fixed are not used."""
        return {**model.suggest(trial, task), **self.fixed}

    def grid(self) -> Iterator[dict[str, Any]]:
        """Parameters of each combination of the choices."""
        for values in product(*self.choices.values()):
            yield {**self.fixed, **dict(zip(self.choices, values, strict=True))}
