"""Shapley values: what each of a few players adds to what they reach together."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Worth = Callable[[NDArray[np.bool_]], NDArray[np.float64]]
"""From coalitions, shape (m, n), to what each reaches, shape (m,)."""


def shapley(worth: Worth, n: int, *, most: int = 1024, seed: int = 0) -> NDArray[np.float64]:
    """Share out what n players reach together (Shapley, 1953).

    Parameters
    ----------
    worth
        Called once, with all coalitions that are looked at; False is absent.
    n
        Number of players.
    most
        Coalitions at most. Where all 2^n are no more, the values are exact. Otherwise they are
        means over random orders in which the players come, each order also taken backwards.
    seed
        Of the orders.

    Returns
    -------
    ndarray of shape (n,), dtype float64
        They sum to what all reach less what none reaches, exact or not.
    """
    if n == 0:
        return np.zeros(0)
    return _exact(worth, n) if 2**n <= most else _sampled(worth, n, most, seed)


def _exact(worth: Worth, n: int) -> NDArray[np.float64]:
    numbers = np.arange(2**n)
    coalitions = (numbers[:, None] >> np.arange(n)) & 1 > 0
    reached = worth(coalitions)
    sizes = coalitions.sum(axis=1)
    # share of the orders in which just these come before a given other one
    shares = np.array([1 / (n * math.comb(n - 1, size)) for size in range(n)])
    values = np.empty(n)
    for player in range(n):
        without = numbers[~coalitions[:, player]]
        gains = reached[without | (1 << player)] - reached[without]
        values[player] = shares[sizes[without]] @ gains
    return values


def _sampled(worth: Worth, n: int, most: int, seed: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    half = [rng.permutation(n) for _ in range(max(1, most // (2 * n)))]
    orders = np.array([each for order in half for each in (order, order[::-1])])
    place = np.argsort(orders, axis=1)
    # of each order: nobody, the first, the first two, ..., all
    coalitions = place[:, None, :] < np.arange(n + 1)[None, :, None]
    # many orders begin or end alike
    each, again = np.unique(coalitions.reshape(-1, n), axis=0, return_inverse=True)
    reached = worth(each)[again].reshape(len(orders), n + 1)
    gains = np.take_along_axis(np.diff(reached, axis=1), place, axis=1)
    return np.asarray(gains.mean(axis=0))
