"""Figures with what their error is made of: all intervals that need no resamples come from here.

An ROC AUC has a share of each image in its error (`delong.shares`). A rate has one too: how much it
would move if that image were drawn once more (its influence function; Davison and Hinkley
(1997), "Bootstrap methods and their application", section 2.7). Figures on the same images then
have a covariance, and those on different images none: they can be averaged and subtracted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dfbench.results.statistics import delong, intervals
from dfbench.results.statistics.design import Design
from dfbench.results.statistics.estimate import Estimate
from dfbench.results.statistics.sample import Floats, Sample


@dataclass(frozen=True, slots=True)
class Influence:
    """A figure with what its error is made of.

    Attributes
    ----------
    seeds
        Its value by seed, shape (S,).
    shares
        By set of images the shares of its images, shape (n,): of the mean over seeds. Two figures
        are of the same images where they have the same design, the one object.
    """

    seeds: Floats
    shares: tuple[tuple[Design, Floats], ...]

    @property
    def value(self) -> float:
        """The mean over seeds; NaN where it is not defined."""
        return float(self.seeds.mean())

    @property
    def averaged(self) -> Influence:
        """The mean over seeds as a figure of one: rows compared may have other seeds."""
        return Influence(np.array([self.value]), self.shares)

    def __sub__(self, other: Influence) -> Influence:
        return combine([(1, self), (-1, other)])

    def on(self, design: Design, inside: NDArray[np.bool_] | None = None) -> Influence:
        """Give the same figure with another design of its one set of images.

        Parameters
        ----------
        design
            Of the images inside.
        inside
            The images that have a share, shape (n,); by default all.
        """
        ((_, shares),) = self.shares
        return Influence(self.seeds, ((design, shares if inside is None else shares[inside]),))

    @property
    def error(self) -> float:
        """Standard error: the root of the sum of squares of the scatter; NaN where not known."""
        return math.sqrt(math.fsum(map(math.fsum, self._squares())))

    @property
    def degrees(self) -> float:
        """Degrees of freedom of the error.

        Those of the design, of several the fewest; fewer where a few groups make most of the
        error, as they do when hardly any image is out of order: 2 V^2 over the variance of the
        error's square V, which the squares themselves show (Satterthwaite 1946, "An approximate
        distribution of estimates of variance components", Biometrics Bulletin 2).
        """
        degrees = self._least.degrees
        if math.isinf(degrees):
            return degrees
        squares = self._squares()
        variances = [math.fsum(each) for each in squares]
        variance = math.fsum(variances)
        spread = math.fsum(
            math.fsum(each**2) - own**2 / each.size
            for each, own in zip(squares, variances, strict=True)
        )
        return max(1.0, min(degrees, 2 * variance**2 / spread)) if spread > 0 else degrees

    def estimate(self, *, difference: bool = False) -> Estimate:
        """Give the figure with its 95 % interval, and its spread over seeds.

        Parameters
        ----------
        difference
            Whether it may be negative: the interval is then symmetric, on the degrees of freedom
            of the tests between rows. Else it is symmetric in log odds, see `intervals.log_odds`.
        """
        value = self.value
        if math.isnan(value):
            return Estimate()
        ends = None
        if not difference:
            # a mean of ones may miss 1 by a rounding
            value = float(round(value)) if abs(value - round(value)) < 1e-12 else value
            ends = intervals.log_odds(value, self.error, self._least, degrees=self.degrees)
        elif math.isfinite(self.error) and self._least.sound:
            ends = intervals.symmetric(value, self.error, self._least.degrees)
        low, high = ends or (None, None)
        spread = float(self.seeds.std(ddof=1)) if self.seeds.size > 1 else None
        return Estimate(value=value, low=low, high=high, spread=spread)

    def _squares(self) -> list[Floats]:
        """Give by set of images the squares of the scatter, shape (u,)."""
        # sums of them by fsum: the same to the last digit in whatever order
        return [design.scatter(shares[None])[0] ** 2 for design, shares in self.shares]

    @property
    def _least(self) -> Design:
        """Of several sets of images that with the least to go by."""
        designs = [design for design, _ in self.shares]
        return designs[0] if len(designs) == 1 else min(designs, key=_told)


def _told(design: Design) -> tuple[float, int]:
    return design.degrees, design.fewest


def combine(parts: Iterable[tuple[float, Influence]]) -> Influence:
    """Give the weighted sum of figures; all have as many seeds."""
    seeds: Floats | float = 0.0
    shares: dict[int, tuple[Design, Floats]] = {}
    for weight, part in parts:
        seeds = seeds + weight * part.seeds
        for design, own in part.shares:
            before = shares[id(design)][1] if id(design) in shares else 0.0
            shares[id(design)] = design, before + weight * own
    return Influence(np.atleast_1d(seeds), tuple(shares.values()))


def mean(parts: Sequence[Influence]) -> Influence:
    """Give the mean of figures, of which there is at least one."""
    return combine((1 / len(parts), part) for part in parts)


def ratio(above: Influence, below: Influence) -> Influence:
    """Give a figure as a share of another, each the mean over its seeds.

    Its error is that of the first order (the delta method: Davison and Hinkley, section 2.7), so
    that ``below`` has to be clearly other than 0.
    """
    value = above.value / below.value
    moved = combine([(1 / below.value, above.averaged), (-value / below.value, below.averaged)])
    return Influence(np.array([value]), moved.shares)


def roc_auc(samples: Sequence[Sample], design: Design) -> Influence:
    """Give the ROC AUC of a row from its scores, one sample a seed."""
    found = [delong.shares(sample) for sample in samples]
    shares: Floats = np.mean([own for _, own in found], axis=0)
    return Influence(np.array([value for value, _ in found]), ((design, shares),))


def roc_auc_of_kind(
    samples: Sequence[Sample], design: Design, chosen: NDArray[np.bool_]
) -> Influence:
    """Give the ROC AUC of a binary row where some of the positives alone count.

    Parameters
    ----------
    samples
        One a seed.
    design
        Of all images.
    chosen
        The positives that count, shape (n,); all negatives do. The others have no share.
    """

    def part(sample: Sample) -> Sample:
        kept = tuple(
            replace(each, positives=each.positives[own], below=each.below[own], upto=each.upto[own])
            for each in sample.comparisons
            if (own := chosen[each.positives]).any()
        )
        return replace(sample, comparisons=kept)

    return roc_auc([part(sample) for sample in samples], design)


def roc_auc_of_class(samples: Sequence[Sample], design: Design, label: int) -> Influence:
    """Give the ROC AUC of one of several classes against the rest.

    Parameters
    ----------
    samples
        One a seed.
    design
        Of the images by that class and the rest.
    label
        Number of the class.
    """
    # of pooled samples there is one for each
    parts = [
        replace(each, comparisons=each.comparisons[label :: each.n_classes]) for each in samples
    ]
    return roc_auc(parts, design)


def rate(
    hits: NDArray[np.bool_], design: Design, counted: NDArray[np.bool_] | None = None
) -> Influence:
    """Give the share of images that something holds of.

    Parameters
    ----------
    hits
        Whether it holds, shape (S, n), a line a seed.
    design
        Of the images.
    counted
        Of which images it is the share, shape (n,); by default all of them.
    """
    if counted is None:
        counted = np.ones(hits.shape[1], dtype=bool)
    n = int(counted.sum())
    if n == 0:
        nothing = np.full(hits.shape[1], np.nan)
        return Influence(np.full(len(hits), np.nan), ((design, nothing),))
    seeds: Floats = hits[:, counted].mean(axis=1)
    shares: Floats = counted * (hits.mean(axis=0) - seeds.mean()) / n
    return Influence(seeds, ((design, shares),))
