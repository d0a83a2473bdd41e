"""Percentile bootstrap intervals, with the same resamples for all rows of a data set.

Efron and Tibshirani (1993), "An Introduction to the Bootstrap", chapter 13 (percentile method);
Field and Welsh (2007), "Bootstrapping clustered data", J. R. Statist. Soc. B 69 (whole groups).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dfbench.results.metrics import METRICS, Floats, Sample, evaluate

N_RESAMPLES = 1000
LEVEL = 0.95
SEED = 20_261_120
"""Fixed: equal scores give equal intervals, and rows of a data set share their resamples."""

_CHUNK = 1 << 18
"""Counts worked on at once: what stays in a processor's cache."""
_KEPT = 1 << 25
"""Counts kept in memory (2 bytes each); more are drawn anew each time they are asked for."""


@dataclass(frozen=True, slots=True)
class Resamples:
    """B resamples of n images, as counts.

    Attributes
    ----------
    strata
        Sets of unit numbers, each resampled with replacement to its own size. Units are images
        (one stratum a class), or groups (one stratum).
    unit
        Unit of each image, shape (n,).
    n_resamples, seed
        B, and the seed of the draws.
    sound
        Whether each class has at least two units. Where one has not, resampling cannot show how
        far the figure would move, and there is no interval.
    kept
        The chunks, where they are small enough to be kept.
    """

    strata: tuple[NDArray[np.intp], ...]
    unit: NDArray[np.intp]
    n_resamples: int
    seed: int
    sound: bool
    kept: list[NDArray[np.uint16]] = field(default_factory=list, repr=False, compare=False)

    def chunks(self) -> Iterator[NDArray[np.uint16]]:
        """Yield the counts in pieces of shape (b, n), B rows in all, the same at each call."""
        if self.kept:
            yield from self.kept
            return
        if self.n_resamples * self.unit.size <= _KEPT:
            self.kept.extend(self._draw())
            yield from self.kept
        else:
            yield from self._draw()

    def _draw(self) -> Iterator[NDArray[np.uint16]]:
        # a generator for each stratum: the draws do not depend on the size of the chunks
        seeds = np.random.SeedSequence(self.seed).spawn(len(self.strata))
        generators = [np.random.default_rng(seed) for seed in seeds]
        n_units = sum(members.size for members in self.strata)
        step = max(1, _CHUNK // max(1, self.unit.size))
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
        Numbers of the groups, shape (n,): whole groups are then drawn, and the sizes of the
        classes vary from one resample to the next. Without groups images are drawn within their
        class, so that each keeps its size.
    """
    labels = np.asarray(labels)
    classes = np.unique(labels)
    if groups is None:
        unit = np.arange(labels.size, dtype=np.intp)
        strata = tuple(np.flatnonzero(labels == k) for k in classes)
    else:
        names, unit = np.unique(np.asarray(groups), return_inverse=True)
        strata = (np.arange(names.size, dtype=np.intp),) if names.size else ()
    sound = bool(classes.size) and all(np.unique(unit[labels == k]).size >= 2 for k in classes)
    return Resamples(strata, unit, n_resamples, seed, sound)


def distributions(sample: Sample, resamples: Resamples) -> dict[str, Floats]:
    """Figures of one row on each resample: metric to values of shape (B,), NaN where undefined."""
    parts = [evaluate(sample, chunk) for chunk in resamples.chunks()]
    return {name: np.concatenate([part[name] for part in parts]) for name in METRICS}


def intervals(
    sample: Sample, resamples: Resamples, *, level: float = LEVEL
) -> dict[str, tuple[float, float] | None]:
    """Percentile interval of each figure of one row.

    Resamples in which a class is missing (whole groups only) have no ROC AUC and are dropped for
    it. A row that is right on every image has the interval [1, 1]: a bootstrap cannot see beyond
    the images at hand.

    Parameters
    ----------
    sample
        From `metrics.prepare`, with the images that the resamples were set up for.
    level
        Share of the resamples inside the interval.

    Returns
    -------
    dict
        Metric to (low, high); None where a class has fewer than two images or lies in fewer than
        two groups, or where more than half of the resamples have no figure.
    """
    if not resamples.sound:
        return dict.fromkeys(METRICS)
    tail = (1 - level) / 2
    found: dict[str, tuple[float, float] | None] = {}
    for name, values in distributions(sample, resamples).items():
        defined = values[~np.isnan(values)]
        if 2 * defined.size < values.size or defined.size == 0:
            found[name] = None
        else:
            low, high = np.quantile(defined, [tail, 1 - tail])
            found[name] = (float(low), float(high))
    return found
