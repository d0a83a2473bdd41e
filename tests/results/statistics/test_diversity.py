"""How unlike errors are: against counts, and the correlation of scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import matthews_corrcoef

from dfbench.results.statistics import Diversity, diversity, mean_diversity

PAIRS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=80)


@given(PAIRS)
def test_against_counts_of_images(pairs: list[tuple[bool, bool]]) -> None:
    a, b = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    found = diversity(a, b)
    n11, n00 = pairs.count((True, True)), pairs.count((False, False))
    n10, n01 = pairs.count((True, False)), pairs.count((False, True))
    assert found.disagreement == pytest.approx((n10 + n01) / len(pairs))
    assert found.double_fault == pytest.approx(n00 / len(pairs))
    if n11 * n00 + n10 * n01:
        assert found.q == pytest.approx((n11 * n00 - n10 * n01) / (n11 * n00 + n10 * n01))
    else:
        assert math.isnan(found.q)
    if len(set(a)) > 1 and len(set(b)) > 1:
        assert found.correlation == pytest.approx(matthews_corrcoef(a.astype(int), b.astype(int)))
        assert abs(found.correlation) <= abs(found.q) + 1e-12
    else:
        assert math.isnan(found.correlation)
    other = diversity(b, a)
    assert (other.disagreement, other.double_fault) == (found.disagreement, found.double_fault)


def test_who_errs_alike_and_who_apart() -> None:
    a = np.array([1, 1, 1, 0, 0, 1])
    same = diversity(a, a)
    assert (same.disagreement, same.q, same.correlation) == (0, 1, pytest.approx(1))
    apart = diversity(np.array([1, 1, 0, 0]), np.array([0, 0, 1, 1]))
    assert (apart.disagreement, apart.q, apart.correlation) == (1, -1, pytest.approx(-1))
    rng = np.random.default_rng(0)
    x, y = rng.random((2, 100_000)) < 0.8
    assert abs(diversity(x, y).q) < 0.05


def test_what_is_undecided_tells_nothing() -> None:
    found = diversity(np.array([1.0, np.nan]), np.array([1.0, 0.0]))
    assert math.isnan(found.disagreement)
    assert math.isnan(diversity(np.empty(0), np.empty(0)).double_fault)


def test_a_mean_leaves_out_what_is_not_defined() -> None:
    one = Diversity(0.2, math.nan, 0.4, 0.1)
    other = Diversity(0.4, 0.5, 0.2, 0.3)
    found = mean_diversity([one, other])
    assert found.disagreement == pytest.approx(0.3)
    assert found.q == 0.5
    assert math.isnan(mean_diversity([]).q)
