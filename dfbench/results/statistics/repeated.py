"""A row on several random splits of the same images: corrected intervals and tests.

Splits share images, so that their figures are not independent: Nadeau and Bengio (2003),
"Inference for the generalization error", Machine Learning 52, equation 9, add to the 1 / J of J
splits how many images are tested on over how many are trained on. `benchmarks/intervals.py`
measures how intervals and tests do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dfbench.results.statistics import metrics
from dfbench.results.statistics.estimate import Estimate, number
from dfbench.results.statistics.intervals import LEVEL, symmetric
from dfbench.results.statistics.measured import Images, Measured
from dfbench.results.statistics.pairs import Difference
from dfbench.results.statistics.recomputed import Recomputed
from dfbench.results.statistics.sample import Floats, Sample
from dfbench.results.statistics.significance import two_sided

_FLAWLESS = {each.name: each.flawless for each in metrics.ENTRIES if each.flawless is not None}
_UNBOUNDED = frozenset({"log_loss", "brier", "ece"})
"""Errors, of which small ones are known better: their intervals are symmetric in logarithms."""
_ROUNDING = 1e-12
"""By how much equal figures, or differences, of splits may miss each other."""


@dataclass(frozen=True)
class Repeated:
    """One row on several splits.

    Attributes
    ----------
    splits
        The row on each, at least one.
    ratio
        Images that are tested on over images that are trained and tuned on, of a split.
    """

    splits: tuple[Measured, ...]
    ratio: float

    @property
    def images(self) -> tuple[Images, ...]:
        """What each split was scored on."""
        return tuple(each.images for each in self.splits)

    @property
    def samples(self) -> tuple[Sample, ...]:
        """Of all splits and seeds."""
        return tuple(sample for each in self.splits for sample in each.samples)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all figures."""
        return self.splits[0].names

    @property
    def further(self) -> tuple[Recomputed, ...]:
        """Figures beside those of `metrics`."""
        return self.splits[0].further

    @property
    def faults(self) -> Mapping[str, str]:
        """By the name of such a figure what its function did wrong, where it has no value."""
        return {name: why for each in self.splits for name, why in each.faults.items()}

    def by_split(self, name: str) -> Floats:
        """Give a figure on each split, the mean over seeds, shape (J,)."""
        return np.array([each.values[name] for each in self.splits])

    @cached_property
    def values(self) -> Mapping[str, float]:
        """Figure by metric, the mean over splits and seeds; NaN where one split has none."""
        return {name: float(self.by_split(name).mean()) for name in self.names}

    @property
    def right(self) -> Floats:
        """Share of the seeds that were right on each image of each split."""
        return np.concatenate([each.right for each in self.splits])

    def figures(self, *, heed_seeds: bool = False) -> dict[str, Estimate]:
        """Give each figure with its corrected 95 % interval and its spread over seeds.

        ``heed_seeds`` is there for `Measured.figures`: splits vary with their seeds anyway.
        """
        return {name: self._figure(name) for name in self.names}

    def _figure(self, name: str) -> Estimate:
        values = self.by_split(name)
        over_seeds = np.array([each.spread[name] for each in self.splits])
        found = estimate(values, self.ratio, scale_of(name), self._bound(name))
        # of the seeds of a split, put together over splits
        spread = math.sqrt(float(np.mean(over_seeds**2)))
        return found.model_copy(update={"spread": number(spread)})

    def _bound(self, name: str) -> tuple[float, float] | None:
        """Give the interval of a figure that no split has a mistake in."""
        best = 1.0 if name == "roc_auc" else _FLAWLESS.get(name)
        if best is None or self.values[name] != best:
            return None
        fewest = min(each.images.design.effective for each in self.splits)
        room = 1 - ((1 - LEVEL) / 2) ** (1 / max(1.0, fewest))
        return (0.0, room) if best == 0 else (1 - room * (2 if name == "mcc" else 1), 1.0)


Scale = tuple[Callable[[float], float], Callable[[float], float], Callable[[float], float]]
"""To a scale without ends, its derivative, and back."""


def _logit(x: float) -> float:
    return math.log(x / (1 - x))


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


_PLAIN: Scale = (lambda x: x, lambda x: 1.0, lambda x: x)
_ODDS: Scale = (_logit, lambda x: 1 / (x * (1 - x)), _expit)
_LOGARITHM: Scale = (math.log, lambda x: 1 / x, math.exp)
_BOTH_WAYS: Scale = (
    lambda x: _logit((1 + x) / 2),
    lambda x: 2 / (1 - x * x),
    lambda x: 2 * _expit(x) - 1,
)


def scale_of(name: str) -> Scale:
    """Give the scale in which the interval of a figure is symmetric."""
    if name in _UNBOUNDED:
        return _LOGARITHM
    if name == "mcc":
        return _BOTH_WAYS
    return _ODDS if name in metrics.METRICS else _PLAIN


RATE = _ODDS
"""Scale of what lies between 0 and 1."""


def error(values: Floats, ratio: float) -> float:
    """Give the standard error of the mean over splits.

    Parameters
    ----------
    values
        Of J splits, shape (J,).
    ratio
        Images that are tested on over images that are trained on.

    Returns
    -------
    float
        NaN with fewer than two splits; 0 where they differ by no more than rounding.
    """
    if values.size < 2:
        return math.nan
    if np.ptp(values) <= _ROUNDING * max(1.0, float(np.abs(values).max())):
        return 0.0
    return math.sqrt((1 / values.size + ratio) * float(values.var(ddof=1)))


def estimate(
    values: Floats,
    ratio: float,
    scale: Scale = RATE,
    bound: tuple[float, float] | None = None,
) -> Estimate:
    """Give the mean over splits with its 95 % interval, on J - 1 degrees of freedom.

    Parameters
    ----------
    values, ratio
        As for `error`.
    scale
        In which the interval is symmetric.
    bound
        The interval where all splits are at the end of the scale.

    Returns
    -------
    Estimate
        Without an interval where no split differs from another: that they happen to be equal does
        not tell how far they may be off.
    """
    value = float(values.mean())
    if math.isnan(value):
        return Estimate()
    if bound is not None:
        return Estimate(value=value, low=bound[0], high=bound[1])
    off = error(values, ratio)
    if not off > 0:
        return Estimate(value=value)
    onto, slope, back = scale
    low, high = (back(end) for end in symmetric(onto(value), off * slope(value), values.size - 1))
    return Estimate(value=value, low=low, high=high)


def differences(a: Repeated, b: Repeated) -> dict[str, Difference]:
    """Compare all figures of two rows that were measured on the same splits.

    Returns
    -------
    dict
        By metric: the mean difference, with Nadeau and Bengio's corrected resampled t-test.

    Raises
    ------
    ValueError
        Where they were not.
    """
    if not same_images(a, b):
        raise ValueError("the rows were not measured on the same splits")
    if a.further != b.further:
        raise ValueError("the rows were not measured by the same figures")
    return {name: difference(a, b, name) for name in a.names}


def difference(a: Repeated, b: Repeated, name: str) -> Difference:
    """Compare one figure of two rows that were measured on the same splits."""
    each = a.by_split(name) - b.by_split(name)
    value, off, degrees = float(each.mean()), error(each, a.ratio), each.size - 1
    if math.isnan(value) or math.isnan(off):
        return Difference(value, math.nan, math.nan, math.nan, "corrected t")
    if off == 0 and abs(value) > _ROUNDING:
        # equal on every split: nothing tells how far it may be off
        return Difference(value, math.nan, math.nan, math.nan, "corrected t")
    low, high = symmetric(value, off, degrees)
    return Difference(value, low, high, two_sided(value, off, degrees), "corrected t")


def same_images(a: Repeated, b: Repeated) -> bool:
    """Whether two rows were measured on the same splits."""
    return len(a.splits) == len(b.splits) and all(
        one is other for one, other in zip(a.images, b.images, strict=True)
    )


def compare(rows: Sequence[Repeated]) -> tuple[Floats, Floats]:
    """Test all pairs of R rows for equal ROC AUC on the same splits.

    Returns
    -------
    errors, p_values
        Shape (R, R), float64: standard error of the difference, and the two-sided p-value.
    """
    by_row: NDArray[np.float64] = np.stack([row.by_split("roc_auc") for row in rows])
    n = len(rows)
    errors, p_values = np.zeros((n, n)), np.ones((n, n))
    for i in range(n):
        for j in range(i + 1, n):
            each = by_row[i] - by_row[j]
            off = error(each, rows[i].ratio)
            errors[i, j] = errors[j, i] = off
            p = two_sided(float(each.mean()), off, each.size - 1)
            p_values[i, j] = p_values[j, i] = p
    return errors, p_values
