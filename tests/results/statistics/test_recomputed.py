"""Figures by somebody's function: the same figures, intervals and tests as by sums."""

import math
import re
import time

import numpy as np
import pytest

from dfbench.results.statistics import recomputed
from dfbench.results.statistics.measured import Images, measure
from dfbench.results.statistics.pairs import differences
from dfbench.results.statistics.recomputed import Recomputed, resampled, value
from dfbench.results.statistics.sample import prepare


def brier(labels, scores):
    return np.mean((scores - labels) ** 2)


def weighted_brier(labels, scores, weights):
    return np.average((scores - labels) ** 2, weights=weights)


def mistakes(labels, scores, decisions):
    return np.mean(labels != decisions)


OWN = (
    Recomputed("own_brier", brier, lower_is_better=True),
    Recomputed("weighted", weighted_brier, ("weights",), lower_is_better=True),
    Recomputed("mistakes", mistakes, ("decisions",), lower_is_better=True),
)


def drawn(n, *, seed=0, k=2, gain=1.0, **how):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % k
    raw = rng.normal(size=(n, k))
    raw[np.arange(n), labels] += gain
    p = np.exp(raw)
    return labels, prepare(labels, p / p.sum(axis=1, keepdims=True), **how)


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("positive", [0, 1])
def test_a_function_has_the_interval_and_the_test_of_our_formula(grouped, positive):
    n = 60
    how = {"positive": positive, "threshold": 0.4}
    labels, a = drawn(n, **how)
    b = drawn(n, seed=1, gain=0.4, **how)[1]
    # groups that hold both classes, of unequal sizes
    images = Images.of(
        [f"{i:02}" for i in range(n)], labels, np.arange(n) // 7 if grouped else None
    )
    first, second = measure(images, [a], OWN), measure(images, [b], OWN)
    found, step = first.figures(), differences(first, second)
    assert list(found)[-3:] == ["own_brier", "weighted", "mistakes"]
    for name in ("own_brier", "weighted"):
        for of in ("value", "low", "high"):
            assert getattr(found[name], of) == pytest.approx(getattr(found["brier"], of), abs=1e-7)
        for of in ("value", "low", "high", "p_value"):
            ours = getattr(step["brier"], of)
            assert getattr(step[name], of) == pytest.approx(ours, abs=1e-6)
    assert found["mistakes"].value == pytest.approx(1 - found["accuracy"].value)
    assert found["mistakes"].low == pytest.approx(1 - found["accuracy"].high)


def test_of_seeds_it_is_the_mean_with_a_spread():
    labels, a = drawn(40)
    _, b = drawn(40, seed=1)
    images = Images.of([str(i) for i in range(40)], labels)
    found = measure(images, [a, b], OWN).figures()
    assert found["own_brier"].spread == pytest.approx(found["brier"].spread, abs=1e-7)
    assert found["own_brier"].low == pytest.approx(found["brier"].low, abs=1e-7)


def test_of_several_classes_it_is_given_numbers_and_a_column_each():
    seen = []

    def look(labels, scores):
        seen.append((labels, scores))
        return 0.5

    _, sample = drawn(9, k=3)
    assert value(Recomputed("x", look), sample).value == 0.5
    labels, scores = seen[0]
    assert (scores.shape, labels.tolist()) == ((9, 3), [0, 1, 2] * 3)
    assert not scores.flags.writeable
    only = value(Recomputed("x", look, binary=True), sample)
    assert math.isnan(only.value)
    assert not only.fault


state = iter(range(10_000))


@pytest.mark.parametrize(
    ("function", "takes", "fault"),
    [
        (lambda y, s: 1 / 0, (), "raises ZeroDivisionError: division by zero"),
        (lambda y, s: s, (), r"gives ndarray of shape \(40,\), not a number"),
        (lambda y, s: "0.5", (), "gives str, not a number"),
        (lambda y, s: None, (), "gives NoneType, not a number"),
        (lambda y, s: -np.inf, (), "gives -inf"),
        (lambda y, s: next(state), (), "then .* of the same scores"),
        (lambda y, s: s.sort(), (), "raises ValueError: .*read-only"),
        (lambda y, s, weights: s.mean(), ("weights",), "has a weight of 2"),
        (lambda y, s: exit(), (), "raises SystemExit"),
    ],
)
def test_what_is_wrong_with_a_function_is_told(function, takes, fault):
    found = value(Recomputed("x", function, takes), drawn(40)[1])
    assert math.isnan(found.value)
    assert re.search(fault, found.fault)


def test_nan_is_a_gap_and_no_fault():
    found = value(Recomputed("x", lambda y, s: math.nan), drawn(10)[1])
    assert math.isnan(found.value)
    assert not found.fault


def test_resamples_that_break_it_are_counted():
    def picky(labels, scores):
        if scores.size and scores[0] == scores[1]:
            raise ValueError("tie")
        return scores.mean()

    labels, sample = drawn(40)
    images = Images.of([str(i) for i in range(40)], labels)
    found = resampled(Recomputed("x", picky), [sample], images.resamples)
    ((said, n),) = found.faults.items()
    assert said == "raises ValueError: tie"
    assert n == np.isnan(found.values).sum() > 0


def test_the_number_of_resamples_is_bounded(monkeypatch):
    own = Recomputed("x", brier)
    assert [own.wanted(n) for n in (10, 5_000, 10_000, 1_000_000)] == [1000, 1000, 500, 200]
    assert Recomputed("x", brier, resamples=300).wanted(10) == 300
    labels, sample = drawn(40)
    images = Images.of([str(i) for i in range(40)], labels)
    few = measure(images, [sample], (Recomputed("x", brier, resamples=300),))
    assert few.on_resamples("x").shape == (300,)
    assert np.allclose(few.on_resamples("x"), few.distributions["brier"][:300], atol=1e-7)
    monkeypatch.setattr(recomputed, "SECONDS", -1.0)
    late = measure(images, [sample], (own,))
    assert late.resampled["x"].late
    its = late.figures()["x"]
    assert its.value is not None
    assert its.low is None


def test_one_that_is_too_slow_is_given_up_before_its_time(monkeypatch):
    calls = []

    def slow(labels, scores):
        calls.append(time.sleep(0.02))
        return scores.mean()

    labels, sample = drawn(40)
    images = Images.of([str(i) for i in range(40)], labels)
    monkeypatch.setattr(recomputed, "CLOCK", 4.0)
    monkeypatch.setattr(recomputed, "_SURE", 0.05)
    # of two samples, each has half of the time, and 200 calls take more
    found = resampled(Recomputed("slow", slow), [sample, sample], images.resamples)
    assert found.late
    assert 0 < found.values.size == len(calls) < 10


def test_what_no_resample_moves_has_no_interval_and_no_test():
    own = (Recomputed("high", lambda y, s: float(s.mean() > 0.9)),)
    labels, a = drawn(40)
    b = prepare(labels, np.tile([0.03, 0.97], (40, 1)))
    images = Images.of([str(i) for i in range(40)], labels)
    first, second = measure(images, [a], own), measure(images, [b], own)
    assert (first.values["high"], second.values["high"]) == (0.0, 1.0)
    assert first.figures()["high"].low is None
    assert math.isnan(differences(first, second)["high"].p_value)


def test_rows_by_other_figures_are_not_compared():
    labels, a = drawn(20)
    images = Images.of([str(i) for i in range(20)], labels)
    with pytest.raises(ValueError, match="same figures"):
        differences(measure(images, [a], OWN), measure(images, [a]))
