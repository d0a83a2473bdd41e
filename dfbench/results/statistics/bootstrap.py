"""Bootstrap intervals, with the same resamples for all rows of a data set.

Efron and Tibshirani (1993), "An Introduction to the Bootstrap", chapter 13 (percentile method);
Davison and Hinkley (1997), "Bootstrap methods and their application", section 5.2 (basic method);
Field and Welsh (2007), "Bootstrapping clustered data", J. R. Statist. Soc. B 69 (whole groups).
`benchmarks/intervals.py` measures how often the intervals hold the truth.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.results.statistics.design import Design
from dfbench.results.statistics.intervals import LEVEL
from dfbench.results.statistics.metrics import ENTRIES, METRICS, evaluate
from dfbench.results.statistics.sample import Floats, Sample

N_RESAMPLES = 1000
SEED = 20_261_120
"""Fixed: equal scores give equal intervals, and rows of a data set share their resamples."""

_FLAWLESS = {each.name: each.flawless for each in ENTRIES if each.flawless is not None}
_CHUNK = 1 << 18
"""Counts worked on at once: what stays in a processor's cache."""
_LEAST = 32
"""Resamples worked on at once where that is more: images are looked up in the order of scores, and
what is held of one in all resamples should fill what a processor fetches at once."""
_KEPT = 1 << 25
"""Counts kept in memory (2 bytes each); more are drawn anew each time they are asked for."""


@dataclass(frozen=True, slots=True)
class Resamples:
    """B resamples of n images, as counts.

    Attributes
    ----------
    strata
        Sets of unit numbers, each resampled with replacement to its own size. Units are images or
        groups; one stratum a class where each unit has one class only, else one in all.
    unit
        Unit of each image, shape (n,).
    n_resamples, seed
        B, and the seed of the draws.
    effective
        Units of equal size that would tell as much (`Design.effective`).
    widening
        Of what their spread tells (`Design.widening`).
    sound
        `Design.sound`. Where it is not, resampling cannot show how far the figure would move, and
        there is no interval.
    kept
        The chunks, where they are small enough to be kept.
    """

    strata: tuple[NDArray[np.intp], ...]
    unit: NDArray[np.intp]
    n_resamples: int
    seed: int
    effective: float
    sound: bool
    widening: float = 1.0
    kept: list[NDArray[np.uint16]] = field(default_factory=list, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Be sent as what it is drawn from: that is little, and drawn again quickly."""
        its = (
            *(self.strata, self.unit, self.n_resamples, self.seed),
            *(self.effective, self.sound, self.widening),
        )
        return Resamples, its

    def chunks(self) -> Iterator[NDArray[np.uint16]]:
        """Yield the counts in pieces of shape (b, n), B rows in all, the same at each call."""
        if self.n_resamples * self.unit.size > _KEPT:
            yield from self._draw()
            return
        with self._lock:
            if not self.kept:
                self.kept.extend(self._draw())
        yield from self.kept

    def _draw(self) -> Iterator[NDArray[np.uint16]]:
        # a generator for each stratum: the draws do not depend on the size of the chunks
        seeds = np.random.SeedSequence(self.seed).spawn(len(self.strata))
        generators = [np.random.default_rng(seed) for seed in seeds]
        n_units = sum(members.size for members in self.strata)
        step = max(_LEAST, _CHUNK // max(1, self.unit.size))
        for start in range(0, self.n_resamples, step):
            size = min(step, self.n_resamples - start)
            counts = np.empty((size, n_units), dtype=np.uint16)
            for generator, members in zip(generators, self.strata, strict=True):
                m = members.size
                drawn = generator.integers(m, size=(size, m), dtype=np.int32).astype(np.intp)
                drawn += np.arange(size)[:, None] * m
                counts[:, members] = np.bincount(drawn.ravel(), minlength=size * m).reshape(size, m)
            yield np.take(counts, self.unit, axis=1)


def resample(
    labels: NDArray[np.integer],
    groups: NDArray[np.integer] | None = None,
    *,
    n_resamples: int = N_RESAMPLES,
    seed: int = SEED,
) -> Resamples:
    """Set up the resamples of a data set.

    Parameters
    ----------
    labels
        Class numbers, shape (n,).
    groups
        Numbers of the groups, shape (n,): whole groups are then drawn, and where they hold images
        of several classes the sizes of the classes vary from one resample to the next. Images, and
        groups of one class, are drawn within their class.
    """
    return resamples_of(Design.of(labels, groups), n_resamples=n_resamples, seed=seed)


def resamples_of(design: Design, *, n_resamples: int = N_RESAMPLES, seed: int = SEED) -> Resamples:
    """Set up the resamples of images that were drawn so, see `resample`."""
    n = design.labels.size
    of_class = design.labels if design.of_one_class else np.zeros(n, dtype=np.int64)
    drawn = design.parts * (of_class.max(initial=0) + 1) + of_class
    strata = tuple(np.unique(design.units[drawn == k]) for k in np.unique(drawn))
    return Resamples(
        *(strata, design.units, n_resamples, seed, design.effective),
        sound=design.sound,
        widening=design.widening,
    )


def distributions(sample: Sample, resamples: Resamples) -> dict[str, Floats]:
    """Figures of one row on each resample: metric to values of shape (B,), NaN where undefined."""
    return distributions_of([sample], resamples)[0]


def distributions_of(
    samples: Sequence[Sample], resamples: Resamples, *, each: Callable[..., Iterable[Any]] = map
) -> list[dict[str, Floats]]:
    """Figures of several rows on each resample, which are drawn once for all: see `distributions`.

    Parameters
    ----------
    samples
        Of the rows, all of the same images.
    resamples
        Of these images.
    each
        Applies a function to the samples: ``map``, or that of a pool of threads.
    """
    parts = [list(each(partial(_evaluated, chunk), samples)) for chunk in resamples.chunks()]
    return [
        {name: np.concatenate([part[row][name] for part in parts]) for name in METRICS}
        for row in range(len(samples))
    ]


def _evaluated(chunk: NDArray[np.uint16], sample: Sample) -> dict[str, Floats]:
    return evaluate(sample, chunk)


def interval(
    name: str,
    value: float,
    values: Floats,
    effective: float = math.inf,
    *,
    widening: float = 1.0,
    level: float = LEVEL,
) -> tuple[float, float] | None:
    """Interval of a figure from its values on the resamples.

    The percentile method, whose tails are widened for few units: resamples of u units spread by
    sqrt((u - 1) / u) too little, and a normal distribution does not know that their spread is an
    estimate (Hesterberg 2015, "What teachers should know about the bootstrap", The American
    Statistician 69, section 4). Three figures are biased by resampling:

    - average precision gains from images drawn twice, and log loss is skewed. Their interval is
      the standard error of the resamples times Student's quantile, in log odds and in logarithms.
    - the calibration error gains from chance, which no bin is empty of. That adds in squares
      (Kumar, Liang and Ma 2019, "Verified uncertainty calibration", NeurIPS), so its interval is
      the basic one of the square.

    Resamples without the figure (a class is missing) are dropped. Where none differs from a
    perfect value, the bound is what u perfect units leave open: ``((1 - level) / 2) ** (1 / u)``
    (Clopper and Pearson 1934, Biometrika 26).

    Parameters
    ----------
    name, value
        Of the figure.
    values
        From `distributions`, shape (B,).
    effective
        Units that were drawn, `Design.effective`.
    widening
        Of what the spread of the resamples tells, `Design.widening`.
    level
        Share of data sets whose interval holds the truth.

    Returns
    -------
    (low, high) or None
        None where more than half of the resamples have no figure.
    """
    from scipy.special import expit, logit
    from scipy.stats import norm, t

    known = values[~np.isnan(values)]
    if 2 * known.size < values.size or known.size == 0 or np.isnan(value) or effective <= 1:
        return None
    tail = (1 - level) / 2
    widen = 1.0 if math.isinf(effective) else math.sqrt(effective / (effective - 1))
    widen *= widening
    reach = float(t.ppf(1 - tail, effective - 1)) * widen
    if np.ptp(known) == 0 and value == _FLAWLESS.get(name):
        room = 1 - tail ** (1 / effective)
        return (0.0, room) if value == 0 else (1 - room * (2 if name == "mcc" else 1), 1.0)
    if name == "average_precision" and 0 < value < 1:
        # a resample without a mistake counts as a hundred times better than the row
        odds = logit(np.minimum(known, 1 - (1 - value) / 100))
        reach *= float(odds.std(ddof=1))
        return float(expit(logit(value) - reach)), float(expit(logit(value) + reach))
    if name == "log_loss" and known.min() > 0:
        factor = math.exp(reach * float(np.log(known).std(ddof=1)))
        return value / factor, value * factor
    outside = float(norm.cdf(-reach))
    low, high = (float(end) for end in np.quantile(known, [outside, 1 - outside]))
    if name == "ece":
        low, high = (math.sqrt(max(0.0, 2 * value**2 - end**2)) for end in (high, low))
        return low, max(value, high)
    return low, high
