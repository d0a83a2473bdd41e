import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import friedmanchisquare

from dfbench.results.statistics.ranks import cliques, friedman


@pytest.mark.parametrize(
    ("rows", "q"),
    [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (8, 3.031), (10, 3.164)],
)
def test_the_critical_difference_has_nemenyis_values(rows, q):
    """Demsar (2006), table 5a; his example of 4 rows on 14 data sets has 1.25."""
    values = np.random.default_rng(0).normal(size=(14, rows))
    found = friedman(values)
    assert found.critical == pytest.approx(q * np.sqrt(rows * (rows + 1) / (6 * 14)), rel=5e-4)
    if rows == 4:
        assert found.critical == pytest.approx(1.25, abs=5e-3)


def test_friedman_is_that_of_scipy_and_ranks_those_of_counting():
    values = np.random.default_rng(1).integers(0, 6, (9, 5)) / 6
    found = friedman(values)
    assert found.p_value == pytest.approx(friedmanchisquare(*values.T).pvalue, abs=1e-12)
    better = (values[:, None, :] > values[:, :, None]).sum(axis=2)
    equal = (values[:, None, :] == values[:, :, None]).sum(axis=2)
    assert found.ranks == pytest.approx((better + (equal + 1) / 2).mean(axis=0))
    assert found.n_datasets == 9


def test_too_little_for_friedman():
    assert friedman(np.array([[0.9, 0.8]])).critical is None
    two = friedman(np.array([[0.9, 0.8], [0.7, 0.6]]))
    assert two.p_value is None
    assert two.critical is not None
    assert friedman(np.ones((3, 4))).p_value is None
    assert friedman(np.ones((3, 4))).ranks == (2.5,) * 4


@given(st.lists(st.floats(1, 9), min_size=1, max_size=9), st.floats(0.1, 4))
def test_cliques_are_the_largest_sets_within_reach(values, critical):
    ranks = np.sort(values)
    found = cliques(ranks, critical)
    for i, j in itertools.combinations(range(ranks.size), 2):
        together = any(first <= i and j <= last for first, last in found)
        assert together == (ranks[j] <= ranks[i] + critical)
    for (a, b), (c, d) in itertools.combinations(found, 2):
        assert not (a <= c and d <= b)
