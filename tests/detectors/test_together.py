"""Sets of pictures of the same source are called unlike 1 time in 100 at most, of another often."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dfbench.detectors.together import ALPHA, Together

Draw = Callable[[np.random.Generator, int], np.ndarray]
_WIDTH = 8


def _any(rng: np.random.Generator, k: int) -> np.ndarray:
    return rng.dirichlet(np.ones(k))


def _one(rng: np.random.Generator, k: int) -> np.ndarray:
    return np.eye(k)[rng.integers(k)]


def _two(rng: np.random.Generator, k: int) -> np.ndarray:
    shares = np.zeros(k)
    shares[rng.permutation(k)[:2]] = 0.5
    return shares


def share_called_unlike(
    m: int, n: int, k: int, mix: Draw, *, shift: float = 0.0, grain: float = 0.0, sets: int = 100
) -> float:
    """Hold sets of n pictures in a mix of k classes against a tuning part of m."""
    rng = np.random.default_rng(m + n + k)
    called = 0
    for _ in range(sets):
        means = 1.5 * rng.normal(size=(k, _WIDTH))
        labels = np.arange(m) % k
        tune = means[labels] + rng.normal(size=(m, _WIDTH))
        new = means[rng.choice(k, n, p=mix(rng, k))] + rng.normal(size=(n, _WIDTH))
        new[:, 3] += shift
        if grain:
            tune, new = (np.round(each / grain) for each in (tune, new))
        called += Together(tune.astype(np.float32), labels).p_value(new) < ALPHA
    return called / sets


@pytest.mark.parametrize(("k", "mix"), [(2, _any), (5, _any), (5, _one), (5, _two)])
@pytest.mark.parametrize(("m", "n"), [(10, 30), (300, 100)])
def test_sets_of_the_same_source_in_any_mix_of_classes(k: int, mix: Draw, m: int, n: int) -> None:
    # of 100 sets with a probability of 1 in 100 each, 5 or more come up 4 times in 1,000
    assert share_called_unlike(m, n, k, mix) < 0.05


def test_values_that_many_pictures_share() -> None:
    assert share_called_unlike(100, 50, 2, _any, grain=2.0) < 0.05


@pytest.mark.parametrize("k", [2, 5])
def test_sets_of_another_source_are_found_out(k: int) -> None:
    assert share_called_unlike(300, 50, k, _any, shift=2.0, sets=30) > 0.9
