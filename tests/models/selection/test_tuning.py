"""Tuning: the defaults first, budgets, failures, and studies that were killed."""

import json
import multiprocessing
import os
import re
import signal
import time
from typing import get_args

import numpy as np
import optuna
import pytest
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    log_loss,
    roc_auc_score,
)

from dfbench.errors import DataError, OutputError
from dfbench.models.base import GivenUp, Model
from dfbench.models.classical.knn import KNN
from dfbench.models.classical.svm import SVM
from dfbench.models.selection import journal
from dfbench.models.selection.criterion import CRITERIA, roc_auc
from dfbench.models.selection.problem import Problem
from dfbench.models.selection.tuning import Budget, tune
from dfbench.results.records.records import TuneFor as Told
from dfbench.suites.suite import TuneFor


def data(n=160, seed=0, k=2):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    X = rng.standard_normal((n, 6)).astype(np.float32)
    X[:, 0] += 0.8 * y
    return X[: n // 2], y[: n // 2], X[n // 2 :], y[n // 2 :]


class Direction(Model):
    """Projects on an angle; slow, breaking or dying on demand, to steer a study."""

    name = "direction"
    sleep = 0.0
    broken = ()
    die_in = None
    fits = 0

    @classmethod
    def defaults(cls):
        return {"angle": 1.5, "width": 1.0}

    @classmethod
    def suggest(cls, trial, task):
        return {
            "angle": trial.suggest_float("angle", 0.0, 3.0),
            "width": trial.suggest_float("width", 0.1, 10.0, log=True),
        }

    def fit(self, X, y, X_val, y_val):
        number = type(self).fits
        type(self).fits += 1
        time.sleep(self.sleep)
        if number in self.broken:
            raise RuntimeError("broken on purpose")
        if number == self.die_in:
            os.kill(os.getpid(), signal.SIGKILL)
        return self

    def predict_proba(self, X):
        angle = self.params["angle"]
        along = (X[:, 0] * np.cos(angle) + X[:, 1] * np.sin(angle)) * self.params["width"]
        one = 1 / (1 + np.exp(-along))
        return np.column_stack([1 - one, one])


@pytest.fixture
def direction():
    """Make a fresh class for each test, with its own counters."""

    def make(**attributes):
        return type("Direction", (Direction,), {"fits": 0, **attributes})

    return make


def run(model_class, trials=8, seconds=1e9, storage=None, **options):
    return tune(
        Problem(model_class, *data(), n_classes=2, seed=5),
        Budget(trials, seconds),
        storage=storage,
        **options,
    )


def drawn(path):
    """Numbers, states, parameters and values of the trials in a file."""
    kept = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    study = optuna.load_study(study_name="study", storage=kept)
    return [(t.number, t.state, t.params, t.value) for t in study.trials]


def outcome(tuned):
    return (tuned.params, tuned.trials, tuned.failed, tuned.best_value, tuned.default_value)


def test_the_first_trial_has_the_defaults_and_the_best_wins(tmp_path, direction):
    tuned = run(direction(), 12, storage=tmp_path / "study.log")
    trials = drawn(tmp_path / "study.log")
    assert len(trials) == tuned.trials == 12
    assert trials[0][2] == Direction.defaults()
    assert tuned.default_value == trials[0][3]
    assert tuned.best_value == max(t[3] for t in trials) > tuned.default_value
    assert tuned.stopped_by == "trials"
    _, _, X_val, y_val = data()
    assert roc_auc_score(y_val, tuned.model.predict_proba(X_val)[:, 1]) == tuned.best_value


def test_the_search_depends_on_the_seed_alone(tmp_path, direction):
    first = run(direction())
    assert outcome(first) == outcome(run(direction(), storage=tmp_path / "a.log"))
    other = tune(Problem(direction(), *data(), n_classes=2, seed=6), Budget(8))
    assert other.params != first.params


def test_one_trial_is_the_defaults_without_optuna_or_a_file(tmp_path, direction):
    tuned = run(direction(), 1, storage=tmp_path / "study.log")
    assert tuned.params == Direction.defaults()
    assert tuned.best_value == tuned.default_value
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("model_class", "trials"), [(SVM, 1), (SVM, 4), (KNN, 8)])
def test_a_value_is_that_of_the_probabilities(model_class, trials):
    X, y, X_val, y_val = data(k=3, n=400)
    tuned = tune(Problem(model_class, X, y, X_val, y_val, n_classes=3, seed=0), Budget(trials))
    if model_class is SVM:  # else the scores are the probabilities
        assert roc_auc(y_val, tuned.model.ranking(X_val)) != tuned.best_value
    assert roc_auc(y_val, tuned.model.predict_proba(X_val)) == tuned.best_value
    assert roc_auc(y_val, tuned.default.predict_proba(X_val)) == tuned.default_value


@pytest.mark.parametrize("model_class", [KNN, SVM])
def test_real_models_are_refitted_like_the_ones_kept(tmp_path, model_class):
    X, y, X_val, y_val = data(k=3)
    budget, storage = Budget(5), tmp_path / "study.log"
    problem = Problem(model_class, X, y, X_val, y_val, n_classes=3, seed=0)
    first = tune(problem, budget, storage=storage)
    again = tune(problem, budget, storage=storage)  # nothing left to try: refits
    assert outcome(first) == outcome(again)
    np.testing.assert_array_equal(
        first.model.predict_proba(X_val), again.model.predict_proba(X_val)
    )
    assert first.fit_seconds == again.fit_seconds


def _study_in_a_process(path, die_in):
    run(type("Direction", (Direction,), {"fits": 0, "die_in": die_in}), storage=path)


@pytest.mark.parametrize("die_in", [0, 1, 4, 7])
def test_a_killed_study_ends_like_one_that_was_not(tmp_path, direction, die_in):
    whole, killed = tmp_path / "whole.log", tmp_path / "killed.log"
    expected = run(direction(), storage=whole)
    process = multiprocessing.get_context("fork").Process(
        target=_study_in_a_process, args=(killed, die_in)
    )
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    resumed = direction()
    start = time.perf_counter()
    tuned = run(resumed, storage=killed)
    assert time.perf_counter() - start < 5  # no lock of the dead is waited for
    assert outcome(tuned) == outcome(expected)
    assert drawn(killed) == drawn(whole)
    # what was finished is not computed again; the best may be refitted once
    assert resumed.fits <= 8 - die_in + 1


def test_a_journal_cut_anywhere_ends_like_the_whole_one(tmp_path, direction):
    whole = tmp_path / "whole.log"
    expected = run(direction(), 6, storage=whole)
    content = whole.read_bytes()
    trials = drawn(whole)
    lines = content.splitlines(keepends=True)
    for at in range(0, len(content), len(content) // 25):
        part = tmp_path / "part.log"
        part.write_bytes(content[:at])
        assert outcome(run(direction(), 6, storage=part)) == outcome(expected)
        assert drawn(part) == trials
    # a torn block in the middle of the file, as after a power failure
    torn = b"".join(lines[:-8]) + b'{"op_code": 6, "wor' + b"\0" * 40 + b"\n" + lines[-1]
    part.write_bytes(torn)
    assert outcome(run(direction(), 6, storage=part)) == outcome(expected)


def test_a_larger_budget_goes_on_and_a_smaller_one_looks_back(tmp_path, direction):
    path = tmp_path / "study.log"
    small = run(direction(), 4, storage=path)
    large = run(direction(), 9, storage=path)
    assert outcome(large) == outcome(run(direction(), 9))
    assert outcome(run(direction(), 4, storage=path)) == outcome(small)


def test_a_study_of_other_data_is_replaced(tmp_path, direction):
    path = tmp_path / "study.log"
    run(direction(), storage=path)
    X, y, X_val, y_val = data()
    X = X.copy()
    X[0, 0] += 1e-3
    other = direction()
    tune(Problem(other, X, y, X_val, y_val, n_classes=2, seed=5), Budget(8), storage=path)
    assert other.fits >= 8
    assert len(drawn(path)) == 8


def test_a_file_that_is_no_journal_is_replaced(tmp_path, direction):
    path = tmp_path / "study.log"
    path.write_text("not a journal\n")
    assert outcome(run(direction(), storage=path)) == outcome(run(direction()))


@pytest.mark.parametrize("changed", ["a bit", "a value", "all values", "a line", "no sums"])
def test_a_damaged_or_edited_journal_is_not_believed(tmp_path, direction, changed):
    path = tmp_path / "study.log"
    expected = run(direction(), 6, storage=path)
    content = path.read_bytes()
    trials = drawn(path)
    lines = content.splitlines(keepends=True)
    rng = np.random.default_rng(0)
    made = []
    if changed == "a bit":
        for at in rng.integers(0, len(content) * 8, 20).tolist():
            flipped = bytearray(content)
            flipped[at // 8] ^= 1 << at % 8
            made.append(bytes(flipped))
    elif changed == "a value":
        valued = [n for n, line in enumerate(lines) if b'"values":[' in line]
        for n in valued[:2]:
            edited = re.sub(rb'"values":\[[^]]+\]', b'"values":[1.0]', lines[n])
            made.append(b"".join([*lines[:n], edited, *lines[n + 1 :]]))
    elif changed == "all values":
        made.append(re.sub(rb'"values":\[[^]]+\]', b'"values":[1.0]', content))
    elif changed == "a line":
        made += [b"".join(lines[:n] + lines[n + 1 :]) for n in (0, 2, 9)]
    else:
        made.append(re.sub(rb',"sum":"[0-9a-f]+"', b"", content))
    for each in made:
        assert each != content
        path.write_bytes(each)
        assert outcome(run(direction(), 6, storage=path)) == outcome(expected)
        assert drawn(path) == trials


@pytest.mark.parametrize("what", ["link", "pipe"])
def test_a_journal_is_a_plain_file(tmp_path, direction, what):
    path, outside = tmp_path / "study.log", tmp_path / "outside"
    run(direction(), 4, storage=outside)
    before = outside.read_bytes()
    if what == "link":
        path.symlink_to(outside)
    else:
        os.mkfifo(path)
    run(direction(), 6, storage=path)
    assert outside.read_bytes() == before
    assert len(drawn(path)) == 6
    assert not path.is_symlink()


def test_a_journal_whose_sums_hold_and_whose_trials_cannot_be_is_begun_anew(
    tmp_path, direction, monkeypatch
):
    # made by somebody who writes sums
    path = tmp_path / "study.log"
    signed = journal._signed
    monkeypatch.setattr(
        journal,
        "_signed",
        lambda body, before: signed(re.sub(r'"values":\[[^]]+\]', '"values":[7.5]', body), before),
    )
    run(direction(), 4, storage=path)
    monkeypatch.undo()
    assert outcome(run(direction(), 6, storage=path)) == outcome(run(direction(), 6))


def test_a_study_has_one_owner(tmp_path, direction):
    path = tmp_path / "study.log"
    context = multiprocessing.get_context("fork")
    slow = type("Direction", (Direction,), {"fits": 0, "sleep": 0.5})
    process = context.Process(target=run, args=(slow,), kwargs={"storage": path})
    process.start()
    try:
        while not path.exists() or not path.stat().st_size:
            time.sleep(0.01)
        with pytest.raises(OutputError, match="another process"):
            run(direction(), storage=path)
    finally:
        process.kill()
        process.join()


def test_time_ends_a_study_before_a_trial_that_would_not_fit(direction):
    tuned = run(direction(sleep=0.1), 50, seconds=0.55)
    assert tuned.stopped_by == "time"
    assert 2 <= tuned.trials <= 5
    assert tuned.seconds <= 0.75


def test_the_defaults_run_however_little_time_there_is(direction):
    tuned = run(direction(sleep=0.05), 50, seconds=0.0)
    assert (tuned.trials, tuned.stopped_by) == (1, "time")
    assert tuned.params == Direction.defaults()


def test_time_before_an_interruption_counts(tmp_path, direction):
    path = tmp_path / "study.log"
    run(direction(sleep=0.15), 3, storage=path)
    again = direction(sleep=0.15)
    tuned = run(again, 50, seconds=0.5, storage=path)
    assert tuned.trials == 3
    assert tuned.stopped_by == "time"
    assert again.fits == 2  # the best and the defaults, refitted


def test_a_broken_trial_is_recorded_and_the_study_goes_on(tmp_path, direction):
    path = tmp_path / "study.log"
    tuned = run(direction(broken=(1, 3)), storage=path)
    assert (tuned.trials, tuned.failed) == (6, 2)
    states = [state for _, state, _, _ in drawn(path)]
    assert [s.name for s in states].count("FAIL") == 2
    assert any("broken on purpose" in json.dumps(json.loads(line)) for line in path.open())


def test_broken_defaults_are_an_error_and_can_be_tried_again(tmp_path, direction):
    path = tmp_path / "study.log"
    with pytest.raises(RuntimeError, match="on purpose"):
        run(direction(broken=(0,)), storage=path)
    assert outcome(run(direction(), storage=path)) == outcome(run(direction()))


def test_overhead_is_milliseconds_a_trial(tmp_path, direction):
    run(direction(), 2)  # imports
    start = time.process_time()  # others may have the machine meanwhile
    run(direction(), 20, storage=tmp_path / "study.log")
    assert (time.process_time() - start) / 20 < 0.1


def test_progress_counts_trials(direction):
    seen = []
    run(direction(), 3, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("k", [2, 4])
def test_what_is_tuned_for_is_scikit_learns(k):
    rng = np.random.default_rng(0)
    y, proba = rng.integers(0, k, 200), rng.dirichlet(np.ones(k), 200)
    decided = proba.argmax(axis=1)
    each = [average_precision_score(y == c, proba[:, c]) for c in range(k)]
    expected = {
        "roc_auc": roc_auc_score(y, proba[:, 1] if k == 2 else proba, multi_class="ovr"),
        "log_loss": log_loss(y, proba),
        "balanced_accuracy": balanced_accuracy_score(y, decided),
        "average_precision": each[0] if k == 2 else np.mean(each),
    }
    assert set(expected) == set(CRITERIA) == set(get_args(TuneFor)) == set(get_args(Told))
    for name, its in CRITERIA.items():
        assert its.figure(y, proba, 0) == pytest.approx(expected[name], abs=1e-12)
        with pytest.raises(DataError, match="one class"):
            its.figure(np.zeros(5, dtype=np.int64), np.full((5, k), 1 / k), None)


def test_a_study_may_be_tuned_for_log_loss(tmp_path, direction):
    path = tmp_path / "study.log"
    X, y, X_val, y_val = data()
    asked = {"n_classes": 2, "seed": 5}

    def tuned(tune_for, model_class, trials=12):
        problem = Problem(model_class, X, y, X_val, y_val, tune_for=tune_for, **asked)
        return tune(problem, Budget(trials), storage=path)

    usual = tuned("roc_auc", direction())
    assert usual.best_figure == usual.best_value
    tuned("log_loss", direction(), 5)
    found = tuned("log_loss", direction())  # goes on where it was
    values = [value for *_, value in drawn(path)]
    assert len(values) == 12
    proba = found.model.predict_proba(X_val)
    assert found.best_figure == min(values) == pytest.approx(log_loss(y_val, proba))
    assert found.best_value == roc_auc(y_val, proba) <= usual.best_value
    assert found.default_figure == values[0] > found.best_figure
    assert found.params["width"] != usual.params["width"]  # which orders nothing
    machine = tuned("log_loss", SVM, 3)
    assert machine.best_figure == pytest.approx(log_loss(y_val, machine.model.predict_proba(X_val)))
    assert machine.best_figure == min(value for *_, value in drawn(path))


def test_equal_parameters_are_fitted_once_and_only_what_is_kept_is_calibrated(direction):
    class Stepped(direction()):
        calibrated = 0

        @classmethod
        def suggest(cls, trial, task):
            return {"angle": trial.suggest_categorical("angle", [1.5, 0.5])}

        def calibrate(self, X, y, X_val, y_val):
            type(self).calibrated += 1
            return self

    tuned = run(Stepped)
    assert (tuned.trials, Stepped.fits, Stepped.calibrated) == (8, 2, 2)
    assert tuned.model.shared is None


def test_a_hopeless_fit_counts_and_an_interrupted_study_gives_up_the_same(tmp_path, direction):
    class Asking(direction()):
        def fit(self, X, y, X_val, y_val):
            super().fit(X, y, X_val, y_val)
            if self.hopeless is not None and self.hopeless(20, abs(self.params["angle"] - 0.4)):
                raise GivenUp
            return self

    whole, part = tmp_path / "whole.log", tmp_path / "part.log"
    tuned = run(Asking, 12, storage=whole)
    states = [state.name for _, state, *_ in drawn(whole)]
    assert states[:4] == ["COMPLETE"] * 4
    assert "PRUNED" in states
    assert (tuned.trials, tuned.failed) == (12, 0)
    for trials in (5, 9, 12):
        resumed = run(Asking, trials, storage=part)
    assert drawn(part) == drawn(whole)
    assert outcome(resumed) == outcome(tuned)


class Endless(Direction):
    """Never ends but at its defaults."""

    def fit(self, X, y, X_val, y_val):
        while self.params["angle"] != 1.5:
            time.sleep(0.01)
        return self


def test_a_trial_that_takes_too_long_costs_no_other():
    tuned = tune(Problem(Endless, *data(), n_classes=2, seed=5), Budget(3, longest=0.5))
    assert (tuned.trials, tuned.failed) == (1, 2)
    assert tuned.params["angle"] == 1.5
    assert tuned.seconds < 30
