"""A model that was chosen, fitted once more on train and tuning split together."""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from dfbench.models.base import Model
from dfbench.models.selection.problem import Problem

REFITS = "refit"
"""Folder among the checkpoints of a study that has those of refits."""


def refitted(problem: Problem, chosen: Model) -> tuple[Model, float]:
    """Fit a model with the parameters of the one that was chosen, on all images.

    Parameters
    ----------
    problem
        That it was chosen for, with train and tuning split together in place of its training part.
    chosen
        Fitted on the training part; it stays as it is. What the tuning split decided within the
        fit is taken from it, see `Model.refit`.

    Returns
    -------
    tuple
        The model, and the seconds that took.
    """
    folder = problem.checkpoints
    whole = replace(problem, checkpoints=None if folder is None else folder / REFITS)
    model = whole.unfitted(chosen.params)
    start = time.perf_counter()
    model.refit(chosen, whole.X, whole.y)
    model.groups = model.sources = None
    return model, time.perf_counter() - start + model.earlier


def clear(checkpoints: Path | None, keep: Collection[Path | None]) -> None:
    """Remove the checkpoints of other refits."""
    folder = None if checkpoints is None else checkpoints / REFITS
    if folder is None or not folder.is_dir():
        return
    for each in folder.iterdir():
        if each not in keep:
            shutil.rmtree(each, ignore_errors=True)
