"""Search for the parameters of a model on the tuning split, within a budget equal for all rows."""

from __future__ import annotations

import shutil
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dfbench.files import Progress, owned
from dfbench.models.base import Model
from dfbench.models.selection import study as studies
from dfbench.models.selection.problem import Problem
from dfbench.models.selection.refitting import REFITS


@dataclass(frozen=True, slots=True)
class Budget:
    """What a study may spend.

    Attributes
    ----------
    trials
        At most so many, the defaults among them; at least 1.
    seconds
        No trial starts that would, if as long as the longest so far, end after this much time.
        Time spent before an interruption counts. The defaults always run.
    longest
        Seconds of a trial but the first, after which it is ended between two instructions of
        Python, and counts as failed: a setting that takes for ever does not cost the others.
    """

    trials: int
    seconds: float = float("inf")
    longest: float = float("inf")


@dataclass(frozen=True, slots=True)
class Tuned:
    """Outcome of a study.

    Attributes
    ----------
    model
        Fitted with the best parameters.
    default
        Fitted with the default ones; the same object where they are the best.
    params
        All parameters of that model.
    trials
        Trials that gave a value or were given up on the way (`Model.hopeless`), the defaults' own
        among them.
    failed
        Trials that broke; they count against the budget.
    seconds
        Spent on trials, those before an interruption included.
    best_value, default_value
        ROC AUC on the tuning split of the two models' probabilities, whatever was tuned for.
        Trials may be compared by `Model.ranking`, which of several classes may order the two
        otherwise.
    best_figure, default_figure
        Of the same, the figure that was tuned for.
    stopped_by
        What ended the study.
    fit_seconds
        Training time of the best trial, with that of what it took from other trials.
    """

    model: Model
    default: Model
    params: dict[str, Any]
    trials: int
    failed: int
    seconds: float
    best_value: float
    default_value: float
    best_figure: float
    default_figure: float
    stopped_by: Literal["trials", "time"]
    fit_seconds: float


def tune(
    problem: Problem,
    budget: Budget,
    *,
    storage: Path | None = None,
    study_name: str = "study",
    progress: Progress | None = None,
) -> Tuned:
    """Find parameters by a figure of the tuning split, and fit the model with them.

    The first trial has the default parameters, the others come from Optuna's tree-structured
    Parzen estimator (Bergstra et al., 2011). Its random numbers start afresh from the seed and the
    trial's number, so that a draw depends on the trials before it and on nothing else: a study
    that was interrupted ends with the same trials and the same best as one that was not, as far as
    the time limit does not cut in.

    Parameters
    ----------
    problem
        The model, its data, and what is open.
    budget
        Trials and seconds.
    storage
        File for the study, one study a file, in Optuna's journal format (``optuna-dashboard
        FILE`` shows it). An interrupted study in it goes on; one of other data, another seed or
        another version of the model is replaced. None keeps nothing.
    study_name
        Its name in the file.
    progress
        Called with (trials done, trials of the budget).

    Raises
    ------
    Exception
        Whatever the trial with the default parameters raises. Other trials that raise are
        recorded as failed.
    OutputError
        If the storage cannot be written, or another process is at work on it.
    """
    if budget.trials < 1:
        raise ValueError("a budget has at least one trial")
    try:
        if problem.space.choices or not problem.space.drawn or budget.trials == 1:
            tuned = _grid(problem, progress)
        else:
            with owned(storage) if storage is not None else nullcontext():
                study = studies.open_study(problem, storage, study_name)
                tuned = _search(problem, budget, study, progress)
    finally:
        problem.close()
    if problem.checkpoints is not None:
        _clear(problem.checkpoints, keep=tuned.model.checkpoint)
    return tuned


def _clear(checkpoints: Path, keep: Path | None) -> None:
    if checkpoints.is_dir():
        for folder in checkpoints.iterdir():
            if folder not in (keep, checkpoints / REFITS) and folder.is_dir():
                shutil.rmtree(folder, ignore_errors=True)


def _grid(problem: Problem, progress: Progress | None) -> Tuned:
    """Try each combination of the choices, or the one setting that there is."""
    start = time.perf_counter()
    settings = list(problem.space.grid())
    best: tuple[float, Model, float] | None = None
    default: Model | None = None
    values = []
    earlier = 0.0
    if progress is not None:
        progress(0, len(settings))
    for done, params in enumerate(settings, start=1):
        model, seconds = problem.fit(params)
        earlier += model.earlier
        default = model if default is None else default
        values.append(problem.value(model))
        if best is None or problem.criterion.better(values[-1], best[0]):
            best = values[-1], model, seconds
        if progress is not None:
            progress(done, len(settings))
    assert best is not None  # a product of nothing has one element
    assert default is not None
    value, model, fit_seconds = best
    fit_seconds += problem.finish(model)
    if default is not model:
        problem.finish(default)
    spent = time.perf_counter() - start + earlier
    return Tuned(
        model=model,
        default=default,
        params=model.params,
        trials=len(settings),
        failed=0,
        seconds=spent,
        **_measured(problem, model, value, default, values[0]),
        stopped_by="trials",
        fit_seconds=fit_seconds,
    )


def _measured(
    problem: Problem, best: Model, value: float, default: Model, default_value: float
) -> dict[str, float]:
    """Give the figures of the probabilities of two finished models, which may be one."""
    own = problem.measured(best, value)
    first = own if default is best else problem.measured(default, default_value)
    names = ("best_value", "best_figure"), ("default_value", "default_figure")
    return dict(zip(names[0], own, strict=True)) | dict(zip(names[1], first, strict=True))


def _search(problem: Problem, budget: Budget, study: Any, progress: Progress | None) -> Tuned:
    stopped_by: Literal["trials", "time"] = "trials"
    # durations of a trial that this process ran are taken from a steady clock; those in the file
    # are differences of wall clock times
    spent = [studies.duration(trial) for trial in studies.finished(study, budget.trials)]
    fitted: dict[int, Model] = {}
    while len(spent) < budget.trials:
        if progress is not None:
            progress(len(spent), budget.trials)
        if spent and sum(spent) + max(spent) > budget.seconds:
            stopped_by = "time"
            break
        start = time.perf_counter()
        longest = float("inf") if not spent else budget.longest
        number, model = studies.run_trial(problem, study, first=not spent, longest=longest)
        spent.append(time.perf_counter() - start + (0.0 if model is None else model.earlier))
        if model is not None:
            wanted = {trial.number for trial in _first_and_best(study, budget)}
            fitted = {n: m for n, m in {**fitted, number: model}.items() if n in wanted}
    if progress is not None:
        progress(len(spent), budget.trials)
    return _outcome(problem, budget, study, fitted, sum(spent), stopped_by)


def _outcome(
    problem: Problem,
    budget: Budget,
    study: Any,
    fitted: dict[int, Model],
    seconds: float,
    stopped_by: Literal["trials", "time"],
) -> Tuned:
    """Take the outcome of a study, and fit again what an earlier process had fitted."""
    first, best = _first_and_best(study, budget)
    for trial in (best, first):
        if trial.number not in fitted:
            fitted[trial.number], _ = problem.fit(studies.params_of(problem, trial))
    start = time.perf_counter()
    finishing = studies.finish(problem, study, best.number, fitted[best.number])
    if first.number != best.number:
        studies.finish(problem, study, first.number, fitted[first.number])
    seconds += time.perf_counter() - start
    figures = _measured(
        problem, fitted[best.number], float(best.value), fitted[first.number], float(first.value)
    )
    trials = studies.finished(study, budget.trials)
    failed = sum(trial.state.name == "FAIL" for trial in trials)
    return Tuned(
        model=fitted[best.number],
        default=fitted[first.number],
        params=fitted[best.number].params,
        trials=len(trials) - failed,
        failed=failed,
        seconds=seconds,
        **figures,
        stopped_by=stopped_by,
        fit_seconds=float(best.user_attrs["fit_seconds"]) + finishing,
    )


def _first_and_best(study: Any, budget: Budget) -> tuple[Any, Any]:
    """Give the trial of the defaults and the best one, which may be the same."""
    return studies.finished(study, budget.trials)[0], studies.best(study, budget.trials)
