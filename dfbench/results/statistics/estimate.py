"""Figures that are sums over images, so that they can be averaged and subtracted with intervals.

An ROC AUC has a share of each image in its error (`auc.shares`). A rate has one too: how much it
would move if that image were drawn once more (its influence function; Davison and Hinkley
(1997), "Bootstrap methods and their application", section 2.7). Figures on the same images then
have a covariance, and those on different images none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfbench.results.board.board import Estimate
from dfbench.results.statistics import auc, metrics
from dfbench.results.statistics.auc import Design
from dfbench.results.statistics.metrics import Floats


@dataclass(frozen=True, slots=True)
class Influence:
    """A figure with what its error is made of.

    Attributes
    ----------
    seeds
        Its value by seed, shape (S,).
    shares
        By set of images the shares of its images, shape (n,): of the mean over seeds.
    """

    seeds: Floats
    shares: tuple[tuple[Design, Floats], ...]

    @property
    def value(self) -> float:
        """The mean over seeds; NaN where it is not defined."""
        return float(self.seeds.mean())

    def figure(self, *, difference: bool = False) -> Estimate:
        """Give the figure with its 95 % interval, and its spread over seeds.

        Parameters
        ----------
        difference
            Whether it may be negative: the interval is then symmetric. Else it is symmetric in log
            odds, see `dfbench.results.statistics.auc.interval`.
        """
        value = self.value
        if math.isnan(value):
            return Estimate()
        spread = float(self.seeds.std(ddof=1)) if self.seeds.size > 1 else None
        error = math.sqrt(
            math.fsum(
                math.fsum(design.scatter(shares[None]).ravel() ** 2)
                for design, shares in self.shares
            )
        )
        # the set with the least to go by decides on the degrees of freedom
        designs = [design for design, _ in self.shares]
        least = designs[0] if len(designs) == 1 else min(designs, key=_told)
        ends = None
        if not difference:
            # a mean of ones may miss 1 by a rounding
            value = min(max(value, 0.0), 1.0) if abs(value - 0.5) > 0.5 - 1e-12 else value
            ends = auc.interval(value, error, least)
        elif math.isfinite(error) and least.fewest >= 2:
            reach = _quantile(least.degrees) * error
            ends = value - reach, value + reach
        low, high = ends or (None, None)
        return Estimate(value=value, low=low, high=high, spread=spread)


def _told(design: Design) -> tuple[float, int]:
    return design.degrees, design.fewest


def _quantile(degrees: float) -> float:
    from scipy.stats import t

    return float(t.ppf(0.5 + auc.LEVEL / 2, degrees))


def combine(parts: Iterable[tuple[float, Influence]]) -> Influence:
    """Give the weighted sum of estimates; all have as many seeds."""
    seeds: Floats | float = 0.0
    shares: dict[int, tuple[Design, Floats]] = {}
    for weight, part in parts:
        seeds = seeds + weight * part.seeds
        for design, own in part.shares:
            before = shares[id(design)][1] if id(design) in shares else 0.0
            shares[id(design)] = design, before + weight * own
    return Influence(np.atleast_1d(seeds), tuple(shares.values()))


def mean(parts: Sequence[Influence]) -> Influence:
    """Give the mean of estimates, of which there is at least one."""
    return combine((1 / len(parts), part) for part in parts)


def roc_auc(samples: Sequence[metrics.Sample], design: Design) -> Influence:
    """Influence the ROC AUC of a row from its scores, one sample a seed."""
    found = [auc.shares(sample) for sample in samples]
    shares: Floats = np.mean([own for _, own in found], axis=0)
    return Influence(np.array([value for value, _ in found]), ((design, shares),))


def rate(
    hits: NDArray[np.bool_], design: Design, among: NDArray[np.bool_] | None = None
) -> Influence:
    """Influence the share of images that something holds of.

    Parameters
    ----------
    hits
        Whether it holds, shape (S, n), a line a seed.
    design
        Of the images.
    among
        Of which images it is the share, shape (n,); by default all of them.
    """
    counted = np.ones(hits.shape[1], dtype=bool) if among is None else among
    n = int(counted.sum())
    if n == 0:
        nothing = np.full(hits.shape[1], np.nan)
        return Influence(np.full(len(hits), np.nan), ((design, nothing),))
    seeds: Floats = hits[:, counted].mean(axis=1)
    shares: Floats = counted * (hits.mean(axis=0) - seeds.mean()) / n
    return Influence(seeds, ((design, shares),))
