"""A study of Optuna: opened from its file, trial by trial, and what its trials came to.

The first trial has the default parameters. Optuna is imported when a study is opened, not before.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from dfbench.errors import let_stop, worded
from dfbench.models.base import GivenUp, Hopeless, Model
from dfbench.models.selection.problem import Problem
from dfbench.overdue import within

_RANDOM_TRIALS = 5
"""Trials, the defaults among them, before the sampler models what it has seen."""
_FINISHING = "finishing_seconds"
"""Attribute of a study: seconds that finishing took, by number of the trial as text."""


def open_study(problem: Problem, storage: Path | None, name: str) -> Any:
    """Open the study of a problem: the one in the file where it is of this problem, or a new one.

    To be called inside `dfbench.files.owned`.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if storage is None:
        study = optuna.create_study(direction=_direction(problem))
    else:
        identity = problem.identity()
        kept = _kept(problem, storage, name, identity)
        if kept is not None:
            return kept
        study = _new(problem, storage, name)
        study.set_user_attr("identity", identity)
        study.set_user_attr("model", problem.model_class.name)
    study.enqueue_trial(problem.space.begin(problem.model_class))
    return study


def _kept(problem: Problem, storage: Path, name: str, identity: str) -> Any:
    """Give the study in the file; None where it is another one, or has nothing to go on from."""
    import optuna

    from dfbench.models.selection.journal import open_storage

    try:
        journal = open_storage(storage)
        summaries = optuna.get_all_study_summaries(journal)
        if [(s.study_name, s.user_attrs.get("identity")) for s in summaries] != [(name, identity)]:
            return None
        study = optuna.load_study(study_name=name, storage=journal)
        return study if _goes_on(problem, study) else None
    except OSError:
        raise
    except Exception:  # noqa: BLE001 - whatever lies there is no study; trials can be run again
        return None


def _goes_on(problem: Problem, study: Any) -> bool:
    """Whether the trials of a study are such as `run_trial` leaves, the defaults' with a value."""
    valued = _valued(study)
    # the defaults may have failed, or have been interrupted before they were queued
    if not valued or valued[0].number != 0:
        return False
    for trial in valued:
        params_of(problem, trial)  # raises where they are out of what is open
        if not (
            problem.criterion.possible(trial.value)
            and 0 <= trial.user_attrs["fit_seconds"] < math.inf
        ):
            return False
    return True


def _new(problem: Problem, storage: Path, name: str) -> Any:
    import optuna

    from dfbench.models.selection.journal import open_storage

    storage.unlink(missing_ok=True)
    return optuna.create_study(
        direction=_direction(problem), study_name=name, storage=open_storage(storage)
    )


def _direction(problem: Problem) -> str:
    return "minimize" if problem.criterion.lower else "maximize"


def run_trial(
    problem: Problem, study: Any, *, first: bool, longest: float = math.inf
) -> tuple[int, Model | None]:
    """Run one trial and tell the study; give its number and the model.

    None where it failed, was given up, had the parameters of an earlier one, whose value it then
    has, or took more than ``longest`` seconds.

    Raises
    ------
    Exception
        Whatever the first trial raises.
    """
    import optuna

    number = len(study.get_trials(deepcopy=False)) - (1 if first else 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.sampler = optuna.samplers.TPESampler(
            seed=_seed(problem.seed, number), n_startup_trials=_RANDOM_TRIALS
        )
    trial = study.ask()
    try:
        params = problem.space.draw(problem.model_class, trial, problem.task)
        same = _same(problem, study, params)
        if same is not None:
            trial.set_user_attr("fit_seconds", same.user_attrs["fit_seconds"])
            study.tell(trial, same.value)
            return trial.number, None
        with within(longest):
            model, fit_seconds = problem.fit(params, _hopeless(study, trial))
            value = problem.value(model)
    except GivenUp:
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        return trial.number, None
    except BaseException as error:
        let_stop(error)
        trial.set_user_attr("error", worded(error))
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        if first:
            raise
        return trial.number, None
    trial.set_user_attr("fit_seconds", fit_seconds)
    study.tell(trial, value)
    return trial.number, model


def _same(problem: Problem, study: Any, params: dict[str, Any]) -> Any:
    """Give the earliest trial with these parameters that has a value; None where there is none."""
    return next((t for t in _valued(study) if params_of(problem, t) == params), None)


def _hopeless(study: Any, trial: Any) -> Hopeless:
    """Give what asks whether a fit is behind half of those before it at the same step.

    That is the median rule (Golovin et al., "Google Vizier", KDD 2017), on what the file holds of
    earlier trials: an interrupted study decides as one that was not.
    """
    earlier = [t.intermediate_values for t in _valued(study)]

    def asked(step: int, loss: float) -> bool:
        trial.report(loss, step)
        known = sorted(values[step] for values in earlier if step in values)
        return len(known) >= _RANDOM_TRIALS - 1 and loss > known[len(known) // 2]

    return asked


def _seed(seed: int, number: int) -> int:
    return int(np.random.SeedSequence([seed & 0xFFFFFFFF, number]).generate_state(1)[0])


def finished(study: Any, limit: int) -> list[Any]:
    """Give the first ``limit`` trials by number; what a larger budget left does not count."""
    trials = [t for t in study.get_trials(deepcopy=False) if t.state.is_finished()]
    return sorted(trials, key=lambda t: t.number)[:limit]


def best(study: Any, limit: int) -> Any:
    """Give the trial of the best value; the earliest of equals, so the defaults win ties."""
    sign = -1 if study.direction.name == "MINIMIZE" else 1
    valued = [t for t in finished(study, limit) if complete(t)]
    return max(valued, key=lambda t: (sign * t.value, -t.number))


def complete(trial: Any) -> bool:
    """Whether a trial has a value: it did not fail, and was not given up."""
    return bool(trial.state.name == "COMPLETE")


def _valued(study: Any) -> list[Any]:
    return [t for t in study.get_trials(deepcopy=False) if complete(t)]


def finish(problem: Problem, study: Any, number: int, model: Model) -> float:
    """Finish the model of a trial, and give the seconds that took when it was first done."""
    seconds = problem.finish(model)
    known = dict(study.user_attrs.get(_FINISHING, {}))
    if str(number) not in known:
        study.set_user_attr(_FINISHING, {**known, str(number): seconds})
    return float(known.get(str(number), seconds))


def duration(trial: Any) -> float:
    """Seconds between begin and end of a trial by the clock on the wall."""
    return max(0.0, trial.duration.total_seconds()) if trial.duration is not None else 0.0


def params_of(problem: Problem, trial: Any) -> dict[str, Any]:
    """Give all parameters that a finished trial was fitted with."""
    import optuna

    fixed = optuna.trial.FixedTrial(trial.params, number=trial.number)
    return problem.space.draw(problem.model_class, fixed, problem.task)
