"""Shapley values against their definition: means over all orders in which players come."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfbench.detectors.explaining.shapley import shapley


class Game:
    """Any game: what each coalition reaches is drawn."""

    def __init__(self, n: int, seed: int) -> None:
        self.n = n
        self.table = np.random.default_rng(seed).normal(size=2**n)
        self.asked = 0

    def __call__(self, coalitions: np.ndarray) -> np.ndarray:
        assert coalitions.dtype == bool
        assert coalitions.shape[1] == self.n
        self.asked += len(coalitions)
        return self.table[coalitions @ (1 << np.arange(self.n))]

    def by_definition(self) -> np.ndarray:
        values = np.zeros(self.n)
        orders = list(permutations(range(self.n)))
        for order in orders:
            there = 0
            for player in order:
                values[player] += self.table[there | 1 << player] - self.table[there]
                there |= 1 << player
        return values / len(orders)


@given(st.integers(0, 6), st.integers(0, 1000))
def test_exact_values_are_those_of_all_orders(n, seed):
    game = Game(n, seed)
    np.testing.assert_allclose(shapley(game, n), game.by_definition(), atol=1e-12)


@given(st.integers(3, 8), st.integers(0, 1000), st.integers(1, 60))
def test_drawn_orders_share_out_all_that_is_reached(n, seed, most):
    game = Game(n, seed)
    values = shapley(game, n, most=min(most, 2**n - 1))
    assert values.sum() == pytest.approx(game.table[-1] - game.table[0])


def test_drawn_orders_come_near_and_cost_no_more_than_they_may():
    game = Game(10, 1)
    exact = shapley(game, 10)
    game.asked = 0
    off = shapley(game, 10, most=600, seed=2) - exact
    assert game.asked <= 600
    # the mean of 60 orders of gains with a spread of about 1.4
    assert np.abs(off).max() < 4 * 1.5 / np.sqrt(60)


def test_players_who_only_add_get_what_they_add_from_any_order():
    own = np.array([0.5, -2.0, 0.0, 3.0, 1.0])
    values = shapley(lambda coalitions: coalitions @ own, 5, most=10)
    np.testing.assert_allclose(values, own)
