"""Calibration, thresholds and ensembles against brute force, SciPy and scikit-learn."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import softmax
from sklearn.metrics import log_loss, roc_auc_score, roc_curve

from dfbench.errors import DataError, ParameterError
from dfbench.models.selection.calibration import Rule, isotonic, parse_rule, temperature, threshold
from dfbench.models.selection.ensembles import Combination, combine


def scores(
    n: int = 400, k: int = 2, seed: int = 0, sharp: float = 3.0
) -> tuple[np.ndarray, np.ndarray]:
    """Overconfident scores that carry some of the truth."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    logits = rng.normal(0, 1, (n, k))
    logits[np.arange(n), y] += 1.0
    return softmax(sharp * logits, axis=1), y


@pytest.mark.parametrize("k", [2, 5])
def test_temperature_is_the_minimum_and_changes_no_rank(k: int) -> None:
    p, y = scores(k=k)
    fitted = temperature(p, y)
    found = minimize(
        lambda t: log_loss(y, softmax(np.log(p) / t, axis=1)), [1.0], method="Nelder-Mead"
    )
    assert fitted.value == pytest.approx(float(found.x[0]), rel=1e-3)
    assert fitted.value > 2, "overconfident scores are softened"
    q = fitted(p)
    np.testing.assert_allclose(q.sum(axis=1), 1)
    assert log_loss(y, q) < log_loss(y, p)
    assert (q.argmax(axis=1) == p.argmax(axis=1)).all()
    if k == 2:
        assert roc_auc_score(y, q[:, 1]) == roc_auc_score(y, p[:, 1])


@pytest.mark.parametrize("k", [2, 4])
def test_isotonic_rises_and_calibrates(k: int) -> None:
    p, y = scores(k=k)
    fitted = isotonic(p, y)
    q = fitted(p)
    np.testing.assert_allclose(q.sum(axis=1), 1)
    assert np.isfinite(q).all()
    if k == 2:
        order = np.argsort(p[:, 1])
        assert (np.diff(q[order, 1]) >= 0).all()
        # within each step the value is the share of positives: so it is on the whole
        assert q[:, 1].mean() == pytest.approx((y == 1).mean())
        other = np.array([[1.0, 0.0], [0.0, 1.0]])
        assert np.isfinite(fitted(other)).all()
    json.dumps(fitted.describe())


def test_isotonic_keeps_a_row_that_no_class_claims() -> None:
    p = np.array([[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.05, 0.05, 0.9], [0.3, 0.3, 0.4]] * 3)
    y = np.array([0, 1, 2, 0] * 3)
    q = isotonic(p, y)(np.array([[0.1, 0.1, 0.1]]) / 0.3)
    np.testing.assert_allclose(q.sum(axis=1), 1)


@given(
    st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=2, max_size=60).filter(
        lambda items: len({b for _, b in items}) == 2
    ),
    st.sampled_from([0.01, 0.1, 0.3, 0.5]),
)
def test_thresholds_against_the_roc_curve(items: list[tuple[int, bool]], rate: float) -> None:
    score = np.array([value / 10 for value, _ in items])
    truth = np.array([flag for _, flag in items])
    fpr, tpr, _ = roc_curve(truth, score, drop_intermediate=False)

    def rates(cut: float) -> tuple[float, float]:
        said = score >= cut
        return float(said[~truth].mean()), float(said[truth].mean())

    f, t = rates(threshold(score, truth, Rule("youden")))
    assert t - f == pytest.approx((tpr - fpr).max())
    f, t = rates(threshold(score, truth, Rule("eer")))
    assert abs(f - (1 - t)) == pytest.approx(np.abs(fpr - (1 - tpr)).min())
    f, t = rates(threshold(score, truth, Rule("fpr", rate)))
    assert f <= rate
    assert t == pytest.approx(tpr[fpr <= rate].max())


def test_a_rate_that_is_met_exactly_counts() -> None:
    score = np.array([0.0] * 7 + [0.1] * 4)
    truth = np.array([False] * 10 + [True])
    assert (score >= threshold(score, truth, Rule("fpr", 0.3)))[truth].all()


@pytest.mark.parametrize("text", ["youdn", "fpr=0", "fpr=1.5", "fpr", "2", "fpr=x", "tpr=0.5"])
def test_a_rule_that_is_none(text: str) -> None:
    with pytest.raises(ParameterError, match=r"fpr=0\.05"):
        parse_rule(text)


def test_rules() -> None:
    assert parse_rule("youden") == Rule("youden")
    assert parse_rule("fpr=0.05") == Rule("fpr", 0.05)
    assert threshold(np.array([0.2]), np.array([True]), parse_rule("0.3")) == 0.3
    with pytest.raises(DataError):
        threshold(np.array([0.2]), np.array([True]), Rule("eer"))


@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("method", ["mean", "stacking", "greedy"])
def test_ensembles(k: int, method: str) -> None:
    good, y = scores(600, k, seed=1, sharp=1.0)
    also, _ = scores(600, k, seed=1, sharp=0.8)
    noise = softmax(np.random.default_rng(5).normal(0, 2, (600, k)), axis=1)
    # a second opinion of its own errors
    rng = np.random.default_rng(2)
    logits = rng.normal(0, 1, (600, k))
    logits[np.arange(600), y] += 1.0
    also = softmax(logits, axis=1)
    members = [good, also, noise]
    fitted = combine(
        [m[:300] for m in members],
        y[:300],
        members=["good", "also", "noise"],
        combination=Combination(method),  # type: ignore[arg-type]
        positive=1 if k == 2 else None,
        seed=0,
    )
    q = fitted.apply([m[300:] for m in members])
    assert q.shape == (300, k)
    np.testing.assert_allclose(q.sum(axis=1), 1)
    described = fitted.describe()
    json.dumps(described)
    assert described["members"] == ["good", "also", "noise"]
    if method == "mean":
        np.testing.assert_allclose(q, np.mean([m[300:] for m in members], axis=0))
    else:
        assert log_loss(y[300:], q) < log_loss(y[300:], good[300:])
    if method == "greedy":
        assert described["weights"][2] < 0.1
        assert sum(described["weights"]) == pytest.approx(1)


def test_one_member_is_itself_and_its_threshold_is_of_the_calibrated_score() -> None:
    p, y = scores()
    combination = Combination("stacking", "temperature", "youden")
    fitted = combine([p], y, members=["one"], combination=combination, positive=1, seed=0)
    q = fitted.apply([p])
    np.testing.assert_allclose(q, temperature(p, y)(p))
    assert fitted.threshold == threshold(q[:, 1], y == 1, Rule("youden"))
    swapped = combine([p], y, members=["one"], combination=combination, positive=0, seed=0)
    assert swapped.threshold == threshold(q[:, 0], y == 0, Rule("youden"))


def test_a_threshold_for_several_classes_is_a_mistake() -> None:
    p, y = scores(k=3)
    with pytest.raises(ParameterError, match="two classes"):
        combine(
            [p], y, members=["m"], combination=Combination("mean", "none", "eer"),
            positive=None, seed=0,
        )  # fmt: skip
