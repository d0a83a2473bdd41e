"""How often intervals hold figures of other images: against the formula, and drawn anew."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from dfbench.results.statistics.design import Design
from dfbench.results.statistics.influence import Influence, combine, rate, roc_auc
from dfbench.results.statistics.outside import expected
from dfbench.results.statistics.sample import prepare

SHIFTS = (0.8, 1.0, 1.2)


def drawn(
    chance: np.random.Generator, n: int, size: int = 1
) -> tuple[list[Influence], list[Influence]]:
    """ROC AUC and accuracy of three rows that share n images, in groups of a size."""
    units = np.arange(n) // size
    labels = units % 2
    design = Design.of(labels, units if size > 1 else None)
    common = chance.standard_normal(int(units[-1]) + 1)[units]
    areas, rates = [], []
    for shift in SHIFTS:
        score = shift * labels + 0.8 * common + 0.6 * chance.standard_normal(n)
        p = 1 / (1 + np.exp(-(score - shift / 2)))
        sample = prepare(labels, np.column_stack([1 - p, p]), positive=1)
        areas.append(roc_auc([sample], design))
        right = ((p >= 0.5) == labels)[None]
        of = [rate(right, design, labels == label) for label in (0, 1)]
        rates.append(combine([((labels == label).mean(), of[label]) for label in (0, 1)]))
    return areas, rates


def ends(figures: list[Influence]) -> list[tuple[float, float]]:
    found = [each.estimate() for each in figures]
    return [(each.low or 0.0, each.high or 1.0) for each in found]


@pytest.mark.parametrize(("n", "m", "size"), [(200, 200, 1), (160, 640, 1), (600, 150, 1),
                                              (400, 400, 4)])  # fmt: skip
def test_as_many_hold_as_are_expected(n: int, m: int, size: int) -> None:
    chance = np.random.default_rng(n + m + size)
    draws = 150
    held = np.zeros((2, draws, len(SHIFTS)), bool)
    told: NDArray[np.float64] = np.zeros((2, draws, 3))
    for draw in range(draws):
        both = zip(drawn(chance, n, size), drawn(chance, m, size), strict=True)
        for which, (here, there) in enumerate(both):
            intervals = ends(here)
            found = expected(intervals, here, there)
            assert found is not None
            told[which, draw] = found.share, found.low, found.high
            held[which, draw] = [
                low <= each.value <= high
                for (low, high), each in zip(intervals, there, strict=True)
            ]
    for which in (0, 1):
        shares = held[which].mean(axis=1)
        # of 150 pairs of sets the mean is off by three standard errors at most, and a little for
        # the normal distribution that it is taken for
        error = 3 * shares.std() / math.sqrt(draws) + 0.01
        assert shares.mean() == pytest.approx(told[which, :, 0].mean(), abs=error)
        inside = (shares >= told[which, :, 1]) & (shares <= told[which, :, 2])
        assert inside.mean() > 0.93
    # it is not 95 % that hold
    assert told[:, :, 0].max() < 0.95


def test_of_equal_errors_five_in_six_hold_and_without_error_there_all_but_one_in_20() -> None:
    chance = np.random.default_rng(3)
    here, _ = drawn(chance, 400)
    found = expected(ends(here), here, here)
    assert found is not None
    # 2 Phi(1.96 / sqrt(2)) - 1, and a little more for Student's quantile
    np.testing.assert_allclose(found.each, 0.834, atol=0.01)
    exact = [Influence(each.seeds, ((d, s * 1e-6),)) for each in here for d, s in each.shares]
    whole = expected(ends(here), here, exact)
    assert whole is not None
    np.testing.assert_allclose(whole.each, 0.95, atol=0.005)


def test_rows_that_err_together_hold_together() -> None:
    here, there = (drawn(np.random.default_rng(seed), 300)[0] for seed in (4, 5))
    once = expected(ends(here[:1]), here[:1], there[:1])
    twice = expected(ends(here[:1]) * 5, here[:1] * 5, there[:1] * 5)
    assert once is not None
    assert twice is not None
    assert twice.share == pytest.approx(once.share)
    assert (twice.low, twice.high) == (0.0, 1.0)


def test_nothing_is_expected_of_what_has_no_error() -> None:
    labels = np.arange(40) % 2
    design = Design.of(labels)
    p = np.column_stack([1.0 - labels, labels]).astype(float)
    perfect = roc_auc([prepare(labels, p, positive=1)], design)
    assert expected([(0.9, 1.0)], [perfect], [perfect]) is None
    assert expected([], [], []) is None
