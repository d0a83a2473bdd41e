"""Search for the parameters of a model on the tuning split, within a budget equal for all rows."""

from __future__ import annotations

import hashlib
import shutil
import time
import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import DataError
from dfbench.files import Progress, digest, owned
from dfbench.models.base import Both, Inputs, Labels, Model, Probabilities, Task, Watch
from dfbench.models.selection.space import Space

_RANDOM_TRIALS = 5
"""Trials, the defaults among them, before the sampler models what it has seen."""


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
    """

    trials: int
    seconds: float = float("inf")


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
        Trials that gave a value, the defaults' own among them.
    failed
        Trials that broke; they count against the budget.
    seconds
        Spent on trials, those before an interruption included.
    best_value, default_value
        ROC AUC on the tuning split of the best trial and of the defaults.
    stopped_by
        What ended the study.
    fit_seconds
        Training time of the best trial.
    """

    model: Model
    default: Model
    params: dict[str, Any]
    trials: int
    failed: int
    seconds: float
    best_value: float
    default_value: float
    stopped_by: Literal["trials", "time"]
    fit_seconds: float


@dataclass(frozen=True)
class _Problem:
    """All that a trial needs besides its parameters."""

    model_class: type[Model]
    X: Inputs
    y: Labels
    X_val: Inputs
    y_val: Labels
    n_classes: int
    seed: int
    device: str
    n_threads: int
    space: Space
    blocks: tuple[int, ...]
    checkpoints: Path | None
    watch: Watch | None

    @property
    def task(self) -> Task:
        n_inputs = sum(int(np.prod(array.shape[1:])) for array in _arrays(self.X))
        return Task(len(self.X), n_inputs, self.n_classes)

    def fit(self, params: dict[str, Any]) -> tuple[Model, float]:
        model = self.model_class(
            n_classes=self.n_classes,
            seed=self.seed,
            device=self.device,
            n_threads=self.n_threads,
            **params,
        )
        model.blocks = self.blocks
        model.progress = self.watch
        if self.checkpoints is not None and self.model_class.inputs != "features":
            model.checkpoint = self.checkpoints / digest([self.data, model.params])
        start = time.perf_counter()
        model.fit(self.X, self.y, self.X_val, self.y_val)
        return model, time.perf_counter() - start

    def value(self, model: Model) -> float:
        value = roc_auc(self.y_val, model.predict_proba(self.X_val))
        if not np.isfinite(value):
            raise ValueError("the scores are not finite")
        return value

    def identity(self) -> str:
        """Hash of the question: an old study answers it only where this is equal."""
        defaults = self.space.defaults(self.model_class)
        return digest([self.data, defaults, sorted(self.space.fixed), self.blocks])

    @cached_property
    def data(self) -> str:
        """Hash of the model, its seed and what it is fitted on."""
        parts = (self.X, self.y, self.X_val, self.y_val)
        arrays = [self._hash(array) for part in parts for array in _arrays(part)]
        return digest(
            [[self.model_class.name, self.model_class.version], [self.n_classes, self.seed, arrays]]
        )

    @staticmethod
    def _hash(array: NDArray[Any]) -> str:
        content = np.ascontiguousarray(array)
        header = f"{content.dtype.str}{content.shape}".encode()
        return hashlib.sha256(header + hashlib.sha256(content.data).digest()).hexdigest()


def _arrays(X: Inputs) -> tuple[NDArray[Any], ...]:
    return (X.images, X.features) if isinstance(X, Both) else (X,)


def roc_auc(y: Labels, proba: Probabilities) -> float:
    """Area under the ROC curve from scores: of class 1, or macro one against the rest.

    Classes that ``y`` holds none of, or nothing else than, are left out of the mean.

    Raises
    ------
    DataError
        If fewer than two classes are there.
    """
    from sklearn.metrics import roc_auc_score

    present = np.unique(y)
    if len(present) < 2:
        raise DataError("the tuning split has images of one class only, ROC AUC is undefined")
    if proba.shape[1] == 2:
        return float(roc_auc_score(y == 1, proba[:, 1]))
    return float(np.mean([roc_auc_score(y == k, proba[:, k]) for k in present]))


def tune(
    model_class: type[Model],
    X: Inputs,
    y: Labels,
    X_val: Inputs,
    y_val: Labels,
    *,
    n_classes: int,
    budget: Budget,
    seed: int,
    space: Space | None = None,
    blocks: tuple[int, ...] = (),
    device: str = "cpu",
    n_threads: int = 1,
    storage: Path | None = None,
    study_name: str = "study",
    checkpoints: Path | None = None,
    progress: Progress | None = None,
    watch: Watch | None = None,
) -> Tuned:
    """Find parameters by ROC AUC on the tuning split, and fit the model with them.

    The first trial has the default parameters, the others come from Optuna's tree-structured
    Parzen estimator (Bergstra et al., 2011). Its random numbers start afresh from ``seed`` and the
    trial's number, so that a draw depends on the trials before it and on nothing else: a study
    that was interrupted ends with the same trials and the same best as one that was not, as far as
    the time limit does not cut in.

    Parameters
    ----------
    model_class
        What is tuned.
    X, y
        Training part, as the model wants it, and its class numbers.
    X_val, y_val
        Tuning split. It serves early stopping too; test images have no business here.
    n_classes
        Number of classes K.
    budget
        Trials and seconds.
    seed
        Of the sampler, and of every model.
    space
        What is open; by default the model's own search space. Where nothing is, the model is
        fitted once; a grid is tried whole, and the earliest of equals wins.
    blocks
        See `Model.blocks`.
    device, n_threads
        Handed to the models.
    storage
        File for the study, one study a file, in Optuna's journal format (``optuna-dashboard
        FILE`` shows it). An interrupted study in it goes on; one of other data, another seed or
        another version of the model is replaced. None keeps nothing.
    study_name
        Its name in the file.
    checkpoints
        Folder in which trainings keep their state, so that an interrupted one goes on; at the end
        it holds that of the winner alone.
    progress
        Called with (trials done, trials of the budget).
    watch
        Progress within a fit, see `Model.progress`.

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
    space = space or Space()
    problem = _Problem(
        model_class,
        X,
        y,
        X_val,
        y_val,
        n_classes,
        seed,
        device,
        n_threads,
        space,
        blocks,
        checkpoints,
        watch,
    )
    if space.choices or not space.search or budget.trials == 1:
        tuned = _grid(problem, progress)
    else:
        with owned(storage) if storage is not None else nullcontext():
            tuned = _search(problem, budget, storage, study_name, progress)
    if checkpoints is not None:
        _clear(checkpoints, keep=tuned.model.checkpoint)
    return tuned


def _clear(checkpoints: Path, keep: Path | None) -> None:
    if checkpoints.is_dir():
        for folder in checkpoints.iterdir():
            if folder != keep and folder.is_dir():
                shutil.rmtree(folder, ignore_errors=True)


def _grid(problem: _Problem, progress: Progress | None) -> Tuned:
    """Try each combination of the choices, or the one setting that there is."""
    start = time.perf_counter()
    settings = list(problem.space.grid())
    best: tuple[float, Model, float] | None = None
    default: Model | None = None
    values = []
    for done, params in enumerate(settings, start=1):
        model, seconds = problem.fit(params)
        default = model if default is None else default
        values.append(problem.value(model))
        if best is None or values[-1] > best[0]:
            best = values[-1], model, seconds
        if progress is not None:
            progress(done, len(settings))
    assert best is not None  # a product of nothing has one element
    assert default is not None
    value, model, fit_seconds = best
    spent = time.perf_counter() - start
    n = len(settings)
    return Tuned(model, default, model.params, n, 0, spent, value, values[0], "trials", fit_seconds)


def _search(
    problem: _Problem,
    budget: Budget,
    storage: Path | None,
    study_name: str,
    progress: Progress | None,
) -> Tuned:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = _open_study(problem, storage, study_name)
    if not study.get_trials(deepcopy=False):
        study.enqueue_trial(problem.model_class.defaults())
    best: tuple[int, Model] | None = None
    default: Model | None = None
    stopped_by: Literal["trials", "time"] = "trials"
    # durations of a trial that this process ran are taken from a steady clock; those in the file
    # are differences of wall clock times
    spent = [_duration(trial) for trial in _finished(study, budget)]
    while len(spent) < budget.trials:
        if progress is not None:
            progress(len(spent), budget.trials)
        if spent and sum(spent) + max(spent) > budget.seconds:
            stopped_by = "time"
            break
        start = time.perf_counter()
        number, model = _trial(problem, study, first=not spent)
        spent.append(time.perf_counter() - start)
        if len(spent) == 1:
            default = model
        if model is not None and _best(study, budget).number == number:
            best = number, model
    if progress is not None:
        progress(len(spent), budget.trials)
    winner = _best(study, budget)
    if best is not None and best[0] == winner.number:
        model = best[1]
    else:
        model, _ = problem.fit(_params(problem, winner))
    finished = _finished(study, budget)
    if winner.number == finished[0].number:
        default = model
    elif default is None:
        # the study went on from an earlier process
        default, _ = problem.fit(_params(problem, finished[0]))
    valued = [trial for trial in finished if trial.value is not None]
    return Tuned(
        model=model,
        default=default,
        params=model.params,
        trials=len(valued),
        failed=len(finished) - len(valued),
        seconds=sum(spent),
        best_value=float(winner.value),
        default_value=float(finished[0].value),
        stopped_by=stopped_by,
        fit_seconds=float(winner.user_attrs["fit_seconds"]),
    )


def _open_study(problem: _Problem, storage: Path | None, name: str) -> Any:
    import optuna

    if storage is None:
        return optuna.create_study(direction="maximize")

    from dfbench.models.selection.journal import open_storage

    identity = problem.identity()
    try:
        kept = open_storage(storage)
        summaries = optuna.get_all_study_summaries(kept)
    except OSError:
        raise
    except Exception:  # noqa: BLE001 - whatever lies there is no study; trials can be run again
        storage.unlink(missing_ok=True)
        kept, summaries = open_storage(storage), []
    if summaries:
        [summary] = summaries if len(summaries) == 1 else [None]
        same = (
            summary is not None
            and summary.study_name == name
            and summary.user_attrs.get("identity") == identity
        )
        if same:
            study = optuna.load_study(study_name=name, storage=kept)
            first = study.get_trials(deepcopy=False)[:1]
            # the defaults failed, or were interrupted before they were queued: begin again
            if first and first[0].value is not None:
                return study
        storage.unlink()
        kept = open_storage(storage)
    study = optuna.create_study(direction="maximize", study_name=name, storage=kept)
    study.set_user_attr("identity", identity)
    study.set_user_attr("model", problem.model_class.name)
    return study


def _trial(problem: _Problem, study: Any, *, first: bool) -> tuple[int, Model | None]:
    """Run one trial and tell the study; the model is None if it failed."""
    import optuna

    number = len(study.get_trials(deepcopy=False)) - (1 if first else 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.sampler = optuna.samplers.TPESampler(
            seed=_trial_seed(problem.seed, number), n_startup_trials=_RANDOM_TRIALS
        )
    trial = study.ask()
    try:
        params = problem.space.draw(problem.model_class, trial, problem.task)
        model, fit_seconds = problem.fit(params)
        value = problem.value(model)
    except Exception as error:
        trial.set_user_attr("error", f"{type(error).__name__}: {error}")
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        if first:
            raise
        return trial.number, None
    trial.set_user_attr("fit_seconds", fit_seconds)
    study.tell(trial, value)
    return trial.number, model


def _trial_seed(seed: int, number: int) -> int:
    return int(np.random.SeedSequence([seed & 0xFFFFFFFF, number]).generate_state(1)[0])


def _finished(study: Any, budget: Budget) -> list[Any]:
    """Trials within the budget, by number; a larger budget of an earlier call does not count."""
    trials = [t for t in study.get_trials(deepcopy=False) if t.state.is_finished()]
    return sorted(trials, key=lambda t: t.number)[: budget.trials]


def _best(study: Any, budget: Budget) -> Any:
    """Trial of the highest value; the earliest of equals, so the defaults win ties."""
    valued = [t for t in _finished(study, budget) if t.value is not None]
    return max(valued, key=lambda t: (t.value, -t.number))


def _duration(trial: Any) -> float:
    return max(0.0, trial.duration.total_seconds()) if trial.duration is not None else 0.0


def _params(problem: _Problem, trial: Any) -> dict[str, Any]:
    import optuna

    fixed = optuna.trial.FixedTrial(trial.params, number=trial.number)
    return problem.space.draw(problem.model_class, fixed, problem.task)
