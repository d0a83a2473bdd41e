import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from sklearn import metrics as sk

from dfbench.results.statistics.metrics import (
    FEWEST_FALSE,
    METRICS,
    RATES,
    evaluate,
    figures,
    recall,
)
from dfbench.results.statistics.sample import prepare


@st.composite
def scored(draw):
    """Labels and probabilities of any balance, with ties (few levels), every class present."""
    n_classes = draw(st.sampled_from([2, 2, 3, 5]))
    n = draw(st.integers(n_classes + 1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    share = rng.dirichlet(np.full(n_classes, draw(st.sampled_from([0.3, 1.0, 20.0]))))
    labels = rng.choice(n_classes, n, p=share)
    labels[:n_classes] = np.arange(n_classes)
    levels = draw(st.sampled_from([1, 2, 4, 1000]))
    raw = rng.integers(1, levels + 1, (n, n_classes)).astype(float)
    return rng.permutation(labels), raw / raw.sum(axis=1, keepdims=True)


def reference(labels, probabilities, positive=1):
    """The figures by scikit-learn, and by loops over thresholds where it has none."""
    decided = probabilities.argmax(axis=1)
    k = probabilities.shape[1]
    nan = float("nan")
    found = {
        "accuracy": sk.accuracy_score(labels, decided),
        "balanced_accuracy": sk.balanced_accuracy_score(labels, decided),
        "f1_macro": sk.f1_score(labels, decided, average="macro"),
        "mcc": sk.matthews_corrcoef(labels, decided),
        "log_loss": sk.log_loss(labels, probabilities, labels=np.arange(k)),
        "ece": calibration_error(labels == decided, probabilities.max(axis=1)),
    }
    if k == 2:
        truth, score = labels == positive, probabilities[:, positive]
        found |= {
            "roc_auc": sk.roc_auc_score(truth, score),
            "average_precision": sk.average_precision_score(truth, score),
            "brier": sk.brier_score_loss(truth, score),
            "eer": equal_error_rate(truth, score),
        }
        for name, rate in RATES.items():
            enough = (~truth).sum() * rate >= FEWEST_FALSE
            found[name] = rate_at(truth, score, rate) if enough else nan
    else:
        each = [(labels == c, probabilities[:, c]) for c in range(k)]
        found |= {
            "roc_auc": sk.roc_auc_score(labels, probabilities, multi_class="ovr", average="macro"),
            "average_precision": np.mean([sk.average_precision_score(t, s) for t, s in each]),
            "brier": np.mean(sum((s - t) ** 2 for t, s in each)),
            **dict.fromkeys(["eer", *RATES], nan),
        }
    return found


def equal_error_rate(truth, score):
    """Root of FPR - FNR on the ROC curve with straight lines between its points."""
    fpr, tpr, _ = sk.roc_curve(truth, score, drop_intermediate=False)
    return brentq(lambda x: x - (1 - np.interp(x, fpr, tpr)), 0, 1, xtol=1e-14)


def rate_at(truth, score, rate):
    reached = [
        (score[truth] >= threshold).mean()
        for threshold in np.unique(score)
        if (score[~truth] >= threshold).mean() <= rate
    ]
    return max(reached, default=0.0)


def calibration_error(right, confidence):
    found = 0.0
    for low in range(15):
        inside = (confidence > low / 15) & (confidence <= (low + 1) / 15)
        if inside.any():
            found += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return found


@settings(deadline=None, max_examples=60)
@given(scored(), st.integers(0, 1))
def test_figures_are_those_of_scikit_learn(case, positive):
    labels, probabilities = case
    found = figures(labels, probabilities, positive=positive)
    assert tuple(found) == METRICS
    expected = reference(labels, probabilities, positive)
    assert found == pytest.approx(expected, abs=1e-8, nan_ok=True)
    expected = sk.recall_score(labels, probabilities.argmax(axis=1), average=None)
    occurring = recall(prepare(labels, probabilities))
    np.testing.assert_allclose(occurring, expected[: occurring.size], atol=1e-12)


@settings(deadline=None, max_examples=40)
@given(scored(), st.integers(0, 2**32 - 1))
def test_counts_are_the_same_as_repeated_images(case, seed):
    labels, probabilities = case
    n, n_classes = probabilities.shape
    rng = np.random.default_rng(seed)
    # the first images hold each class once or more, so that every resample has all of them
    firsts = [np.flatnonzero(labels == k)[0] for k in range(n_classes)]
    drawn = [np.concatenate([firsts, rng.integers(0, n, n)]) for _ in range(4)]
    counts = np.stack([np.bincount(d, minlength=n) for d in drawn])
    found = evaluate(prepare(labels, probabilities), counts)
    for b, picked in enumerate(drawn):
        expected = reference(labels[picked], probabilities[picked])
        own = {m: found[m][b] for m in METRICS}
        assert own == pytest.approx(expected, abs=1e-8, nan_ok=True)


@settings(deadline=None, max_examples=30)
@given(scored(), st.integers(0, 2**32 - 1))
def test_fractional_weights_agree_with_sample_weight(case, seed):
    labels, probabilities = case
    weights = np.random.default_rng(seed).uniform(0.1, 3, labels.size)
    found = evaluate(prepare(labels, probabilities), weights[None])
    decided = probabilities.argmax(axis=1)
    score, options = probabilities, {"multi_class": "ovr"}
    if probabilities.shape[1] == 2:
        score, options = probabilities[:, 1], {}
    expected = sk.roc_auc_score(labels, score, sample_weight=weights, **options)
    assert found["roc_auc"][0] == pytest.approx(expected, abs=1e-12)
    expected = sk.f1_score(labels, decided, average="macro", sample_weight=weights)
    assert found["f1_macro"][0] == pytest.approx(expected, abs=1e-12)


def test_rates_at_a_low_false_positive_rate_need_negatives():
    rng = np.random.default_rng(2)
    labels = np.repeat([0, 1], [5000, 700])
    score = 1 / (1 + np.exp(-rng.normal(labels * 2.0).round(2)))
    both = np.column_stack([1 - score, score])
    assert figures(labels, both) == pytest.approx(reference(labels, both), abs=1e-8)
    fewer = figures(labels[1:], both[1:])
    assert np.isnan(fewer["tpr_at_fpr_01pct"])
    assert fewer["tpr_at_fpr_1pct"] == rate_at(labels[1:] == 1, score[1:], 0.01)
    # the other class as positive has too few negatives for the lower rate only
    swapped = figures(labels, both, positive=0)
    assert np.isnan(swapped["tpr_at_fpr_01pct"])
    assert swapped["tpr_at_fpr_1pct"] == rate_at(labels == 0, both[:, 0], 0.01)


def test_certain_and_wrong_costs_a_finite_log_loss():
    labels = np.array([0, 1])
    both = np.array([[0.0, 1.0], [0.3, 0.7]])
    assert figures(labels, both)["log_loss"] == pytest.approx(sk.log_loss(labels, both))


def test_an_auc_below_one_half_stays_there():
    labels = np.array([0, 0, 1, 1])
    fake = np.array([0.9, 0.8, 0.2, 0.1])
    found = figures(labels, np.stack([1 - fake, fake], axis=1), positive=1)
    assert found["roc_auc"] == 0.0
    assert found["accuracy"] == 0.0


def test_a_missing_class_has_no_auc_and_no_part_in_the_means():
    labels = np.array([0, 0, 0, 1])
    probabilities = np.eye(3)[[0, 0, 1, 1]]
    found = figures(labels, probabilities)
    assert np.isnan(found["roc_auc"])
    assert found["balanced_accuracy"] == pytest.approx((2 / 3 + 1) / 2)
    assert found["f1_macro"] == pytest.approx(
        sk.f1_score(labels, probabilities.argmax(axis=1), average="macro")
    )
    assert np.isnan(recall(prepare(labels, probabilities))[2])


def test_a_resample_without_a_class_has_no_auc():
    sample = prepare(np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]]))
    found = evaluate(sample, np.array([[0, 1, 2], [1, 2, 0]]))
    assert np.isnan(found["roc_auc"][0])
    assert found["roc_auc"][1] == 1.0
    assert found["accuracy"].tolist() == [1.0, 1.0]


def test_no_image_gives_no_figure():
    found = figures(np.zeros(0, dtype=np.int64), np.zeros((0, 2)))
    assert all(np.isnan(value) for value in found.values())


@pytest.mark.parametrize(
    ("labels", "probabilities", "words"),
    [
        ([0, 1], np.full((3, 2), 0.5), "do not fit"),
        ([0, 2], np.full((2, 2), 0.5), "must lie in 0..1"),
        ([0, 1], np.array([[0.5, 0.5], [np.nan, 1]]), "not finite"),
        ([0, 0], np.ones((2, 1)), "at least two classes"),
    ],
)
def test_what_makes_no_sense_is_refused(labels, probabilities, words):
    with pytest.raises(ValueError, match=words):
        figures(np.array(labels), probabilities)


@pytest.mark.parametrize("positive", [0, 1])
def test_a_threshold_decides(positive: int) -> None:
    rng = np.random.default_rng(8)
    labels = rng.integers(0, 2, 200)
    score = np.clip(rng.normal(0.3 + 0.2 * labels, 0.2), 0, 1)
    both = np.column_stack([1 - score, score])
    decided_by = figures(labels, both, positive=positive, threshold=0.4)
    decided = np.where(both[:, positive] >= 0.4, positive, 1 - positive)
    assert decided_by["accuracy"] == pytest.approx(sk.accuracy_score(labels, decided))
    assert decided_by["f1_macro"] == pytest.approx(sk.f1_score(labels, decided, average="macro"))
    found = recall(prepare(labels, both, positive=positive, threshold=0.4))
    assert found[1] == pytest.approx((decided[labels == 1] == 1).mean())
    plain = figures(labels, both, positive=positive)
    assert decided_by["roc_auc"] == plain["roc_auc"]
