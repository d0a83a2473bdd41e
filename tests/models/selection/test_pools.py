"""Weights by kind against a general solver, and weights on folds against scikit-learn."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import PredefinedSplit, cross_val_score

from dfbench.models.selection.ensembles import Combination, Combined, OutOfFold, combine
from dfbench.models.selection.pools import Pool, Targets, fit_pool


def specialists(n: int, seed: int) -> tuple[list[np.ndarray], np.ndarray, list[str]]:
    """Give two members, each of which sees one kind of fake alone."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice(["", "", "gan", "swap"], n)
    logits = [rng.normal(-1, 1, n) + 4 * (kinds == kind) for kind in ("gan", "swap")]
    scores = [np.column_stack([1 / (1 + np.exp(z)), 1 / (1 + np.exp(-z))]) for z in logits]
    return scores, (kinds != "").astype(np.int64), kinds.tolist()


def several(n: int, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Give three members of three classes, each good at one."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    scores = []
    for k in range(3):
        logits = rng.normal(0, 1, (n, 3))
        logits[:, k] += 3 * (y == k)
        scores.append(softmax(logits, axis=1))
    return scores, y


@pytest.mark.parametrize("penalty", [0.01, 1.0])
def test_the_fit_is_the_minimum_of_the_loss_as_it_is_written(penalty: float) -> None:
    """Written once more with loops and other variables, solved by another method."""
    scores, y, kinds = specialists(120, 1)
    names = ["", "gan", "swap"]
    logit = [np.log(p[:, 1] / p[:, 0]) for p in scores]

    def loss(x: np.ndarray) -> float:
        total = 0.0
        for i, kind in enumerate(kinds):
            z = [0.0]
            for t in range(2):
                z.append(x[4 + t] + sum(x[2 * t + m] * logit[m][i] for m in range(2)))
            total += float(logsumexp(z)) - z[names.index(kind)]
        return total / len(kinds) + penalty / 2 * float(((x[:4] - 0.5) ** 2).sum())

    bounds = [(0, None)] * 4 + [(None, None)] * 2
    found = minimize(loss, np.full(6, 0.1), method="SLSQP", bounds=bounds, options={"ftol": 1e-13})
    pool = fit_pool(scores, Targets.told(y, kinds, 1, ["real", "fake"]), penalty)
    assert pool.names == ["real", "gan", "swap"]
    assert (pool.weights[:, 0] == 0).all()
    np.testing.assert_allclose(pool.weights[:, 1:].T.ravel(), found.x[:4], atol=2e-4)
    np.testing.assert_allclose(pool.intercepts[1:], found.x[4:], atol=1e-3)
    # each listens for its own kind
    assert pool.weights[0, 1] > pool.weights[1, 1]
    assert pool.weights[1, 2] > pool.weights[0, 2]


def test_kinds_that_members_are_good_at_are_worth_knowing() -> None:
    scores, y, kinds = specialists(2_000, 2)
    new, truth, _ = specialists(4_000, 3)
    losses = {}
    for how in ("mean", "stacking", "by-kind"):
        fitted = combine(
            scores, y, members=["a", "b"], combination=Combination(how),  # type: ignore[arg-type]
            positive=1, seed=0, kinds=kinds, classes=["real", "fake"],
        )  # fmt: skip
        p = fitted.apply(new)
        np.testing.assert_allclose(p.sum(axis=1), 1)
        losses[how] = log_loss(truth, p[:, 1])
    assert losses["by-kind"] < losses["stacking"] - 0.02 < losses["mean"]


def test_a_strong_penalty_is_the_pool_of_all_alike() -> None:
    scores, y = several(300, 4)
    pool = fit_pool(scores, Targets.told(y, None, None, ["a", "b", "c"]), 1e6)
    np.testing.assert_allclose(pool.weights, 1 / 3, atol=1e-4)
    plain = np.exp(np.mean(np.log(scores), axis=0))
    plain = plain / plain.sum(axis=1, keepdims=True) * np.exp(pool.intercepts)
    np.testing.assert_allclose(pool(scores), plain / plain.sum(axis=1, keepdims=True), atol=1e-3)


def test_each_class_listens_to_who_knows_it() -> None:
    scores, y = several(1_500, 5)
    pool = fit_pool(scores, Targets.told(y, None, None, ["a", "b", "c"]), 0.001)
    assert (pool.weights.argmax(axis=0) == [0, 1, 2]).all()
    assert (pool.weights >= 0).all()
    new, truth = several(3_000, 6)
    assert log_loss(truth, pool(new)) < log_loss(truth, np.mean(new, axis=0)) - 0.05


@pytest.mark.parametrize("positive", [0, 1])
def test_the_positive_class_has_the_kinds_whichever_it_is(positive: int) -> None:
    scores, y, kinds = specialists(400, 7)
    if positive == 0:
        scores, y = [p[:, ::-1] for p in scores], 1 - y
    found = fit_pool(scores, Targets.told(y, kinds, positive, ["x", "y"]), 0.1)(scores)
    first, told, _ = specialists(400, 7)
    same = fit_pool(first, Targets.told(told, kinds, 1, ["x", "y"]), 0.1)(first)
    np.testing.assert_allclose(found[:, positive], same[:, 1], atol=1e-4)


def test_fakes_of_no_known_kind_are_a_kind_of_their_own() -> None:
    y = np.array([0, 1, 1, 1])
    told = Targets.told(y, ["", "gan", "", "gan"], 1, ["real", "fake"])
    assert told.names == ["real", "fake", "gan"]
    assert told.class_of == [0, 1, 1]
    assert told.of.tolist() == [0, 2, 1, 2]
    alone = Targets.told(y, None, 1, ["real", "fake"])
    assert (alone.names, alone.of.tolist()) == (["real", "fake"], [0, 1, 1, 1])


def out_of_fold(seed: int) -> OutOfFold:
    scores, y, kinds = specialists(600, seed)
    return OutOfFold(scores, y, np.arange(600) % 5 + 1, kinds)


@pytest.mark.parametrize("how", ["stacking", "greedy", "by-kind"])
def test_weights_are_of_the_folds_and_thresholds_of_the_tuning_split(how: str) -> None:
    scores, y, kinds = specialists(200, 8)
    of_folds = out_of_fold(9)
    combination = Combination(how, "temperature", "youden")  # type: ignore[arg-type]
    given = {"members": ["a", "b"], "combination": combination, "positive": 1, "seed": 0}
    one = combine(scores, y, **given, kinds=kinds, out_of_fold=of_folds)  # type: ignore[arg-type]
    # other tuning images: the same weights, another temperature and threshold
    others, labels, told = specialists(200, 10)
    two = combine(others, labels, **given, kinds=told, out_of_fold=of_folds)  # type: ignore[arg-type]
    assert one.state()["merge"] == two.state()["merge"]
    assert one.state()["calibration"] != two.state()["calibration"]
    assert one.threshold != two.threshold
    described = one.describe()
    assert (described["folds"], described["n_fitted"]) == (5, 600)
    again = Combined.restored(json.loads(json.dumps(one.state())))
    np.testing.assert_array_equal(again.apply(others), one.apply(others))
    assert again.probability == one.probability
    if how != "greedy":
        assert "folds of train" in one.probability


def test_a_penalty_is_chosen_on_the_folds_themselves() -> None:
    """The same by scikit-learn's own search over these folds."""
    its = out_of_fold(11)
    found = combine(
        its.scores, its.y, members=["a", "b"], combination=Combination("stacking"),
        positive=1, seed=0, out_of_fold=its,
    ).describe()  # fmt: skip
    X = np.column_stack([np.log(p[:, 1] / p[:, 0]) / 2 for p in its.scores])
    losses = {
        C: -cross_val_score(
            LogisticRegression(C=C), X, its.y, cv=PredefinedSplit(its.folds),
            scoring="neg_log_loss",
        ).mean()
        for C in (0.01, 0.1, 1.0, 10.0)
    }  # fmt: skip
    assert found["C"] == min(losses, key=losses.__getitem__)
    machine = LogisticRegression(C=found["C"], max_iter=2_000).fit(X, its.y)
    np.testing.assert_allclose(found["coefficients"], machine.coef_, atol=1e-3)


def test_what_was_kept_and_is_none_is_refused() -> None:
    scores, y, _ = specialists(50, 12)
    state = fit_pool(scores, Targets.told(y, None, 1, ["real", "fake"]), 0.1).state()
    with pytest.raises(ValueError, match="do not fit"):
        Pool.restored({**state, "intercepts": [0.0]})
