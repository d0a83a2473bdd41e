"""Figures of some of the images, against scikit-learn, SciPy and the whole figures."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from dfbench.results.statistics import delong
from dfbench.results.statistics.design import Design
from dfbench.results.statistics.influence import (
    Influence,
    mean,
    rate,
    ratio,
    roc_auc_of_class,
    roc_auc_of_kind,
)
from dfbench.results.statistics.measured import Images, Measured, measure
from dfbench.results.statistics.sample import prepare


def scored(
    n: int = 80, k: int = 2, *, seeds: int = 1, groups: np.ndarray | None = None, ties: bool = False
) -> tuple[Measured, list[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(n + k)
    labels = np.arange(n) % k
    probabilities = []
    for _ in range(seeds):
        raw = rng.normal(size=(n, k))
        raw[np.arange(n), labels] += 1
        p = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
        probabilities.append(np.round(p, 1) if ties else p)
    images = Images.of([f"{i:03}" for i in range(n)], labels, groups)
    positive = 1 if k == 2 else None
    samples = [prepare(labels, p, positive=positive) for p in probabilities]
    return measure(images, samples), probabilities, labels


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seeds", [1, 3])
def test_a_kind_against_the_real_images(seeds: int, ties: bool) -> None:
    measured, probabilities, labels = scored(seeds=seeds, ties=ties)
    chosen = (labels == 1) & (np.arange(80) % 4 == 1)
    inside = chosen | (labels == 0)
    area = roc_auc_of_kind(measured.samples, measured.images.design, chosen)
    expected = [roc_auc_score(labels[inside], p[inside, 1]) for p in probabilities]
    assert area.value == pytest.approx(np.mean(expected), abs=1e-12)
    assert not area.shares[0][1][~inside].any()
    # the same figure and interval as of a row that was scored on these images alone
    images = Images.of([f"{i:03}" for i in np.flatnonzero(inside)], labels[inside])
    alone = measure(
        images, [prepare(labels[inside], p[inside], positive=1) for p in probabilities]
    ).figures()["roc_auc"]
    found = area.on(measured.images.design.within(inside), inside).estimate()
    assert (found.low, found.high) == pytest.approx((alone.low, alone.high), abs=1e-12)


def test_groups_of_the_images_inside_alone_count() -> None:
    groups = np.arange(80) // 4
    measured, [p], labels = scored(groups=groups)
    chosen = (labels == 1) & (groups < 7)
    inside = chosen | ((labels == 0) & (groups < 12))
    # real images of the other groups take part in the area
    design = measured.images.design.within(inside)
    assert design.groups is not None
    assert np.unique(design.groups).size == 12
    assert design.groups.max() == 11
    everywhere = chosen | (labels == 0)
    images = Images.of(
        [str(i) for i in np.flatnonzero(everywhere)], labels[everywhere], groups[everywhere]
    )
    sample = prepare(labels[everywhere], p[everywhere], positive=1)
    alone = measure(images, [sample]).figures()["roc_auc"]
    design = measured.images.design
    area = roc_auc_of_kind(measured.samples, design, chosen)
    found = area.on(design.within(everywhere), everywhere).estimate()
    assert found.value == pytest.approx(alone.value, abs=1e-12)
    assert (found.low, found.high) == pytest.approx((alone.low, alone.high), abs=1e-12)


def test_one_class_against_the_rest() -> None:
    measured, [p], labels = scored(90, 3)
    design = measured.images.design
    areas = [roc_auc_of_class(measured.samples, design, k) for k in range(3)]
    expected = [roc_auc_score(labels == k, p[:, k]) for k in range(3)]
    np.testing.assert_allclose([area.value for area in areas], expected, atol=1e-12)
    assert mean(areas).value == pytest.approx(measured.values["roc_auc"], abs=1e-12)
    np.testing.assert_allclose(mean(areas).shares[0][1], measured.shares, atol=1e-12)


@pytest.mark.parametrize("grouped", [False, True])
def test_a_difference_has_the_error_of_delongs_test(grouped: bool) -> None:
    groups = np.arange(80) // 4 if grouped else None
    one, _, _ = scored(groups=groups)
    other, _, _ = scored(groups=groups, seeds=2)
    design = one.images.design
    found = (one.roc_auc.averaged - other.roc_auc.averaged.on(design)).estimate(difference=True)
    scatter = design.scatter(np.stack([one.shares, other.shares]))
    aucs = np.array([one.values["roc_auc"], other.values["roc_auc"]])
    errors, p_values = delong.compare(aucs, scatter, design)
    assert found.value == pytest.approx(aucs[0] - aucs[1])
    assert found.low is not None
    assert found.high is not None
    from scipy.stats import t

    reach = t.ppf(0.975, design.degrees) * errors[0, 1]
    assert found.high - found.low == pytest.approx(2 * reach, rel=1e-9)
    # the interval holds 0 where the test finds nothing
    assert (found.low <= 0 <= found.high) == (p_values[0, 1] > 0.05)


def test_a_mean_of_perfect_figures_is_perfect() -> None:
    """Six times a sixth of 1 misses 1 by a rounding."""
    design = Design(np.zeros(50, dtype=np.int64))
    one = rate(np.ones((1, 50), dtype=bool), design)
    assert mean([one] * 6).value != 1
    assert mean([one] * 6).estimate() == one.estimate()


def test_a_mean_over_several_sets_of_groups_has_more_degrees_than_its_worst() -> None:
    """As many as both together, up to those of the design."""
    groups = np.arange(60) // 2
    uneven = np.where(groups < 3, 9.0, 1.0) * (-1.0) ** groups / 60
    even = (-1.0) ** groups / 60
    designs = [Design(np.arange(60) % 2, groups) for _ in range(2)]
    alone = Influence(np.array([0.8]), ((designs[0], uneven),))
    other = Influence(np.array([0.7]), ((designs[1], uneven),))
    assert 1 < alone.degrees < 20 < designs[0].degrees
    both = mean([alone, other])
    assert both.degrees == pytest.approx(2 * alone.degrees)
    assert both.error == pytest.approx(alone.error / np.sqrt(2))
    # never more than the set with the least to go by
    both = mean([Influence(np.array([0.8]), ((each, even),)) for each in designs])
    assert both.degrees == designs[0].degrees
    # images without groups add to the error, and make up for the few groups that made most of it
    images = Design(np.arange(60) % 2)
    mixed = mean([alone, Influence(np.array([0.7]), ((images, 3 * even),))])
    assert alone.degrees < mixed.degrees <= designs[0].degrees


def error_of(share, design):
    its = Influence(np.array([0.9]), ((design, share),))
    return its.error, its.degrees


def test_few_groups_that_make_most_of_the_error_leave_fewer_degrees():
    """Of normal shares as many as groups; of one share alone hardly one."""
    labels, groups = np.tile([0, 1], 400), np.arange(800) // 2
    design = Design(labels, groups)
    share = np.random.default_rng(0).normal(size=800) / 800
    error, degrees = error_of(share, design)
    sums = design.scatter(share[None])[0]
    assert error == pytest.approx(np.sqrt((sums**2).sum()))
    expected = 2 * (sums**2).sum() ** 2 / (400 * (sums**2).var())
    assert degrees == pytest.approx(min(expected, 399))
    assert degrees > 250
    share[:2] = 1.0
    assert error_of(share, design)[1] == pytest.approx(2, rel=0.05)
    assert error_of(share, Design(labels))[1] == float("inf")


def test_the_error_of_a_share_is_that_of_rows_left_out() -> None:
    rng = np.random.default_rng(4)
    below = rng.random((1, 400)) < 0.6
    above = below & (rng.random((1, 400)) < 0.5)  # on the same images, and not apart from them
    design = Design.of(np.zeros(400, np.int64), None)
    found = ratio(rate(above, design), rate(below, design))
    assert found.value == pytest.approx(above.sum() / below.sum())
    without = (above.sum() - above[0]) / (below.sum() - below[0])
    wanted = np.sqrt(399 / 400 * np.square(without - without.mean()).sum())  # the jackknife
    assert found.error == pytest.approx(wanted, rel=0.01)
