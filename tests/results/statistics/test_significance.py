import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, chi2

from dfbench.results.statistics.significance import holm, mcnemar, paired


def outcomes(both, first, second, neither):
    a = np.repeat([True, True, False, False], [both, first, second, neither])
    b = np.repeat([True, False, True, False], [both, first, second, neither])
    return a, b


def test_mcnemar_of_a_published_table():
    """Fagerland et al. (2013), table 1 (airway hyper-responsiveness, Bentur et al. 2009).

    Discordant pairs 7 and 1: exact p 0.070, mid-p 0.039 (their table 7).
    """
    p = mcnemar(*outcomes(1, 7, 1, 12))
    assert p == pytest.approx(0.039, abs=5e-4)
    # the exact p-value less the probability of the table itself
    assert p == pytest.approx(2 * binom.cdf(1, 8, 0.5) - binom.pmf(1, 8, 0.5), abs=1e-12)


def test_mcnemar_nears_the_chi_square_of_many_images():
    p = mcnemar(*outcomes(5000, 1060, 940, 1000))
    assert p == pytest.approx(chi2.sf((1060 - 940) ** 2 / 2000, 1), rel=0.01)


def test_rows_that_never_differ_are_equal():
    right = np.array([True, False, True])
    assert mcnemar(right, right) == 1.0
    assert mcnemar(right, right, np.array([0, 0, 1])) == 1.0
    assert mcnemar(*outcomes(0, 4, 4, 0)) == 1.0


def test_groups_count_as_one_each():
    """Ten copies of each image are no more evidence than one where they are grouped."""
    a, b = outcomes(30, 12, 4, 14)
    groups = np.arange(60)
    once = mcnemar(a, b, groups)
    assert mcnemar(np.repeat(a, 10), np.repeat(b, 10), np.repeat(groups, 10)) == pytest.approx(once)
    assert mcnemar(np.repeat(a, 10), np.repeat(b, 10)) < 1e-6 < once
    # many groups of one: the plain test, by another approximation
    assert once == pytest.approx(mcnemar(a, b), abs=0.02)


def test_the_paired_bootstrap_sees_what_moves_together():
    rng = np.random.default_rng(0)
    shared, own = rng.normal(0.8, 0.05, 1000), rng.normal(0, 0.005, (2, 1000))
    together = paired(shared + own[0], shared - 0.02 + own[1], 0.02)
    apart = paired(shared + own[0], rng.permutation(shared) - 0.02 + own[1], 0.02)
    assert together < 0.01 < apart
    assert paired(shared, shared, 0.0) == 1.0
    assert np.isnan(paired(np.full(10, np.nan), np.ones(10), 0.1))


def test_holm_of_a_worked_example():
    """R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")."""
    found = holm(np.array([0.01, 0.04, 0.03, 0.005]))
    assert found == pytest.approx([0.03, 0.06, 0.06, 0.02])


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_keeps_the_order_and_lies_between_plain_and_bonferroni(values):
    p = np.array(values)
    found = holm(p)
    assert (found >= p).all()
    assert (found <= np.minimum(1, p * p.size) + 1e-15).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(found[order]) >= 0).all()
    with_gap = holm(np.append(p, np.nan))
    assert with_gap[:-1].tolist() == found.tolist()
    assert np.isnan(with_gap[-1])
