from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from dfbench.errors import DfbenchError, ParameterError
from dfbench.models.elsewhere import Detector
from dfbench.results.statistics.metrics import figures
from dfbench.results.statistics.sample import ranked

RNG = np.random.default_rng(2)
Y = np.arange(60) % 2
RAW = (RNG.normal(0, 2, 60) + 2 * Y).astype(np.float32)[:, None]
"""Logits that speak for class 1."""


def fitted(X: Any, *, classes: tuple[str, ...] = ("real", "fake"), **params: Any) -> Detector:
    params = {"trained_on": "other", **params}
    Detector.check_params(params)
    model = Detector(n_classes=len(classes), **params)
    model.classes, model.positive = classes, 1 if len(classes) == 2 else None
    return model.fit(X, Y, X, Y)


def test_a_logit_for_either_class() -> None:
    expected = 1 / (1 + np.exp(-RAW[:, 0].astype(float)))
    p = fitted(RAW, outputs=["fake"], activation="sigmoid").predict_proba(RAW)
    np.testing.assert_allclose(p, np.stack([1 - expected, expected], axis=1))
    turned = fitted(RAW, outputs=["real"], activation="sigmoid").predict_proba(RAW)
    np.testing.assert_allclose(turned, p[:, ::-1])
    far = np.array([[-50.0], [-60.0]])
    model = fitted(RAW, outputs=["real"], activation="sigmoid")
    assert np.diff(model.predict_proba(-far)[:, 1])[0] < 0  # neither is rounded to the other


def test_order_is_that_of_the_scores_however_large() -> None:
    """Where probabilities of 1 are the same to the last digit, those of 0 are not."""
    for far in (RAW.astype(np.float64) + 60, 1e-9 * RAW.astype(np.float64) + 60):
        for outputs, truth in ((["fake"], Y), (["real"], 1 - Y)):
            model = fitted(far, outputs=outputs, activation="sigmoid")
            p = model.predict_proba(far)
            auc = figures(Y, p, positive=1)["roc_auc"]
            assert auc == pytest.approx(roc_auc_score(truth, far[:, 0]))
            assert not model.doubts(far)
    three = np.stack([60 + RAW[:, 0], 0 * RAW[:, 0], RAW[:, 0] / 2], axis=1)
    p = fitted(three, outputs=["a", "b", "c"], activation="softmax", classes=("a", "b", "c"))
    np.testing.assert_array_equal(
        np.argsort(ranked(p.predict_proba(three), 0)), np.argsort(RAW[:, 0])
    )


def test_order_that_is_lost_is_told() -> None:
    far = 1e6 * (RAW + 100)
    (said,) = fitted(far, outputs=["fake"], activation="sigmoid").doubts(far)
    assert said.startswith("activation 'sigmoid' rounds 60 different scores of the detector to 1:")
    pair = np.hstack([far, -far])
    assert fitted(pair, outputs=["fake", "real"], activation="softmax").doubts(pair)
    alike = np.full((9, 1), 0.5)
    model = fitted(RAW, outputs=["fake"], activation="sigmoid")
    assert not model.doubts(RAW)
    (said,) = model.doubts(alike)
    assert "gives every image the same score" in said


def test_numbers_for_each_class() -> None:
    """Classes go by their names, or are fake and real by what is to be detected."""
    X = np.hstack([RAW, -RAW])
    p = fitted(X, outputs=["fake", "real"], activation="softmax").predict_proba(X)
    np.testing.assert_allclose(p[:, 1], 1 / (1 + np.exp(-2 * RAW[:, 0].astype(float))))
    named = fitted(X, outputs=["Fake", "Real"], activation="softmax", classes=("0_real", "1_fake"))
    np.testing.assert_array_equal(named.predict_proba(X), p)
    three = RNG.dirichlet(np.ones(3), 60)
    model = fitted(three, outputs=["b", "c", "a"], classes=("a", "b", "c"))
    np.testing.assert_allclose(model.predict_proba(three), three[:, [2, 0, 1]])


def test_calibrated_on_the_tuning_part_and_never_turned_round() -> None:
    p = fitted(100 * RAW, outputs=["fake"], activation="calibrated").predict_proba(100 * RAW)
    assert roc_auc_score(Y, p[:, 1]) == roc_auc_score(Y, RAW[:, 0])
    assert abs(p[:, 1].mean() - 0.5) < 0.05
    against = fitted(RAW, outputs=["real"], activation="calibrated").predict_proba(RAW)
    assert roc_auc_score(Y, against[:, 1]) == pytest.approx(1 - roc_auc_score(Y, RAW[:, 0]))


def test_kept_and_loaded() -> None:
    for activation in ("sigmoid", "calibrated"):
        model = fitted(RAW, outputs=["fake"], activation=activation)
        again = Detector(n_classes=2, **model.params).restore(model.keep())
        np.testing.assert_array_equal(again.predict_proba(RAW), model.predict_proba(RAW))


def test_what_are_no_probabilities() -> None:
    with pytest.raises(ParameterError, match="its numbers are no probabilities"):
        fitted(RAW, outputs=["fake"]).predict_proba(RAW)
    X = np.full((60, 2), 0.4)
    with pytest.raises(ParameterError, match="no probabilities whose sum is 1"):
        fitted(X, outputs=["real", "fake"]).predict_proba(X)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "outputs is to name the class of each number"),
        ({"outputs": "fake"}, "outputs is to name the class of each number"),
        ({"outputs": ["fake", "Fake"]}, "outputs is to name the class of each number"),
        ({"outputs": ["fake"], "trained_on": ""}, "trained_on is to be told"),
        ({"outputs": ["fake"], "activation": "tanh"}, "activation='tanh' is none of"),
        ({"outputs": ["fake"], "activation": "softmax"}, "does not go with 1 outputs"),
        ({"outputs": ["a", "b"], "activation": "sigmoid"}, "does not go with 2 outputs"),
        ({"outputs": ["a", "b", "c"], "activation": "calibrated"}, "is for two classes"),
        ({"outputs": ["fake"], "polarity": 1}, "unknown parameter 'polarity'"),
        ({"outputs": ["cat"]}, "outputs are cat; the classes of the data set are real, fake"),
        ({"outputs": ["fake", "fakes"]}, "outputs are fake, fakes; the classes"),
    ],
)
def test_what_is_to_be_told(params: dict[str, Any], message: str) -> None:
    with pytest.raises(DfbenchError, match=message):
        fitted(np.full((60, 1), 0.5), **params)
