import numpy as np
import pytest
from scipy.stats import binomtest

from dfbench.results.statistics.delong import shares
from dfbench.results.statistics.design import Design
from dfbench.results.statistics.intervals import log_odds, wilson
from dfbench.results.statistics.sample import prepare


def test_an_interval_stays_within_its_scale():
    design = Design(np.repeat([0, 1], 30))
    low, high = log_odds(0.98, 0.02, design)
    assert 0.8 < low < 0.96
    assert 0.98 < high < 1
    low, high = log_odds(0.6, 1e-4, design)
    assert (low, high) == pytest.approx((0.6 - 1.96e-4, 0.6 + 1.96e-4), abs=1e-6)


def test_a_perfect_row_has_an_interval_of_what_could_have_gone_wrong():
    """With AUC a, thirty independent pairs are all right with probability a^30 = 2.5 %."""
    low, high = log_odds(1.0, 0.0, Design(np.repeat([0, 1], 30)))
    assert low**30 == pytest.approx(0.025)
    assert high == 1.0
    assert log_odds(0.0, 0.0, Design(np.repeat([0, 1], 30))) == pytest.approx((0.0, 1 - low))


@pytest.mark.parametrize(
    ("labels", "groups"),
    [([0, 1, 1, 1], None), ([0, 0, 1, 1], [0, 1, 2, 2]), ([0, 1, 0, 1], [0, 0, 0, 0])],
)
def test_one_unit_of_a_class_has_no_interval(labels, groups):
    labels = np.array(labels)
    design = Design(labels, None if groups is None else np.array(groups))
    score = np.array([0.1, 0.9, 0.3, 0.2])
    value, share = shares(prepare(labels, np.column_stack([1 - score, score])))
    error = float(np.sqrt((design.scatter(share[None]) ** 2).sum()))
    assert log_odds(value, error, design) is None


@pytest.mark.parametrize(("k", "n"), [(0, 7), (3, 11), (37, 40), (12, 12), (1, 1)])
def test_a_share_of_images_has_wilsons_interval(k: int, n: int) -> None:
    hits = np.arange(n) < k
    found = wilson(hits.astype(float))
    expected = binomtest(k, n).proportion_ci(0.95, method="wilson")
    assert found.value == k / n
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert wilson(np.empty(0)).value is None


def test_images_in_groups_tell_less() -> None:
    # ten groups of six that are right or wrong as a whole tell what ten images would
    groups = np.repeat(np.arange(10), 6)
    hits = (groups < 4).astype(float)
    found = wilson(hits, groups)
    expected = binomtest(4, 10).proportion_ci(0.95, method="wilson")
    assert found.low == pytest.approx(expected.low, abs=0.02)
    assert found.high == pytest.approx(expected.high, abs=0.02)
    all_right = wilson(np.ones(60), groups)
    bound = binomtest(10, 10).proportion_ci(0.95, method="wilson")
    assert (all_right.low, all_right.high) == pytest.approx((bound.low, 1.0))
    # one group alone does not show how far it may be off
    alone = wilson(hits[:6], groups[:6])
    assert (alone.value, alone.low) == (1.0, None)


def test_the_intervals_of_shares_hold_the_truth_in_groups() -> None:
    rng = np.random.default_rng(5)
    groups = np.repeat(np.arange(40), 5)
    held = 0
    for _ in range(400):
        # correlated within groups: mean 0.7
        p = np.clip(0.7 + np.repeat(rng.normal(0, 0.15, 40), 5), 0, 1)
        found = wilson((rng.random(200) < p).astype(float), groups)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.7 <= found.high
    assert 0.92 <= held / 400 <= 0.98
