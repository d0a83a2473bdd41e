import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from dfbench.results.statistics import bootstrap
from dfbench.results.statistics.delong import compare, shares
from dfbench.results.statistics.design import Design
from dfbench.results.statistics.sample import prepare


def two_class(score):
    return np.column_stack([1 - score, score])


def delong(labels, scores):
    """Covariance of the AUCs of several scores, by the double sums of DeLong et al. (1988)."""
    positives, negatives = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    m, n = positives.size, negatives.size
    v10 = np.zeros((len(scores), m))
    v01 = np.zeros((len(scores), n))
    for r, score in enumerate(scores):
        for i, j in itertools.product(range(m), range(n)):
            x, y = score[positives[i]], score[negatives[j]]
            psi = 1.0 if x > y else 0.5 if x == y else 0.0
            v10[r, i] += psi / n
            v01[r, j] += psi / m
    return np.cov(v10) / m + np.cov(v01) / n


@st.composite
def pairs_of_scores(draw):
    n = draw(st.integers(6, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = rng.integers(0, 2, n)
    labels[:4] = [0, 0, 1, 1]
    levels = draw(st.sampled_from([3, 8, 1000]))
    return labels, rng.integers(0, levels, (2, n)) / levels


@settings(deadline=None, max_examples=60)
@given(pairs_of_scores())
def test_variances_are_those_of_delong_by_brute_force(case):
    labels, scores = case
    found = [shares(prepare(labels, two_class(score))) for score in scores]
    for (value, _), score in zip(found, scores, strict=True):
        assert value == pytest.approx(roc_auc_score(labels, score), abs=1e-12)
    design = Design(labels)
    scatter = design.scatter(np.stack([share for _, share in found]))
    expected = delong(labels, scores)
    np.testing.assert_allclose(scatter @ scatter.T, expected, atol=1e-12)
    errors, p_values = compare(np.array([value for value, _ in found]), scatter, design)
    error = np.sqrt(max(0.0, expected[0, 0] + expected[1, 1] - 2 * expected[0, 1]))
    assert errors[0, 1] == pytest.approx(error, abs=1e-9)
    if error > 1e-6:
        z = (found[0][0] - found[1][0]) / error
        assert p_values[0, 1] == pytest.approx(2 * norm.sf(abs(z)), abs=1e-6)
    assert p_values[0, 0] == 1.0


def test_groups_of_one_are_images():
    """With each image its own group, Obuchowski's variance is DeLong's."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [300, 200])
    _, share = shares(prepare(labels, two_class(rng.uniform(size=500))))
    images = (Design(labels).scatter(share[None]) ** 2).sum()
    groups = (Design(labels, np.arange(500)).scatter(share[None]) ** 2).sum()
    assert groups == pytest.approx(images, rel=1e-12)


def obuchowski(labels, groups, score):
    """Variance of an AUC by the sums of Obuchowski (1997), equations 3 to 5."""
    positives, negatives = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    m, n = positives.size, negatives.size
    beats = np.array(
        [
            [float(score[i] > score[j]) + (score[i] == score[j]) / 2 for j in negatives]
            for i in positives
        ]
    )
    value = beats.mean()
    names = np.unique(groups)
    v10 = np.array([(beats.mean(axis=1) - value)[groups[positives] == g].sum() for g in names])
    v01 = np.array([(beats.mean(axis=0) - value)[groups[negatives] == g].sum() for g in names])
    i10, i01, i11 = (
        np.unique(groups[labels == 1]).size,
        np.unique(groups[labels == 0]).size,
        np.intersect1d(groups[labels == 1], groups[labels == 0]).size,
    )
    s10 = i10 / ((i10 - 1) * m) * (v10**2).sum()
    s01 = i01 / ((i01 - 1) * n) * (v01**2).sum()
    s11 = i11 / (i11 - 1) * (v10 * v01).sum() if i11 > 1 else 0.0
    return s10 / m + s01 / n + 2 * s11 / (m * n)


@pytest.mark.parametrize("apart", [False, True])
def test_variances_of_groups_are_those_of_obuchowski(apart):
    """Of groups with equally many images of a class, of both classes or of one."""
    rng = np.random.default_rng(4)
    labels = np.repeat([0, 1], 30) if apart else np.tile([0, 0, 1], 20)
    groups = np.arange(60) // 6
    score = (rng.integers(0, 12, 60) + rng.integers(0, 5, 10)[groups]) / 20
    _, share = shares(prepare(labels, two_class(score)))
    variance = (Design(labels, groups).scatter(share[None]) ** 2).sum()
    assert variance == pytest.approx(obuchowski(labels, groups, score), abs=1e-12)


def test_copies_of_images_add_nothing_where_they_are_grouped():
    rng = np.random.default_rng(1)
    labels, score = rng.integers(0, 2, 80), rng.uniform(size=80)
    _, once = shares(prepare(labels, two_class(score)))
    _, often = shares(prepare(np.repeat(labels, 5), two_class(np.repeat(score, 5))))
    single = Design(labels, np.arange(80)).scatter(once[None])
    copied = Design(np.repeat(labels, 5), np.repeat(np.arange(80), 5)).scatter(often[None])
    assert (copied**2).sum() == pytest.approx((single**2).sum())


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("n_classes", [2, 5])
def test_errors_agree_with_the_bootstrap(n_classes, grouped):
    """For several classes too, where the figure is a mean of one class against the rest."""
    rng = np.random.default_rng(2)
    labels = rng.integers(0, n_classes, 600)
    groups = rng.integers(0, 150, 600) if grouped else None
    raw = rng.normal(size=(600, n_classes)) + (
        rng.normal(size=(150, n_classes))[groups] if grouped else 0
    )
    raw[np.arange(600), labels] += 0.8
    raw = np.exp(raw)
    sample = prepare(labels, raw / raw.sum(axis=1, keepdims=True))
    _, share = shares(sample)
    assert share.sum() == pytest.approx(0, abs=1e-12)
    error = np.sqrt((Design(labels, groups).scatter(share[None]) ** 2).sum())
    resampled = bootstrap.distributions(sample, bootstrap.resample(labels, groups))["roc_auc"]
    assert error == pytest.approx(resampled.std(), rel=0.1)


def test_equal_and_reversed_scores():
    rng = np.random.default_rng(3)
    labels, score = np.repeat([0, 1], 100), rng.normal(size=200) + np.repeat([0, 1], 100)
    score = (score - score.min()) / np.ptp(score)
    found = [shares(prepare(labels, two_class(s))) for s in (score, score**3, 1 - score)]
    design = Design(labels)
    _, p_values = compare(
        np.array([v for v, _ in found]), design.scatter(np.stack([s for _, s in found])), design
    )
    assert p_values[0, 1] == 1.0, "only the order of the scores counts"
    assert p_values[0, 2] < 1e-6
