"""Bootstrap intervals, with the same resamples for all rows of a data set.

Efron and Tibshirani (1993), "An Introduction to the Bootstrap", chapter 13 (percentile method);
Davison and Hinkley (1997), "Bootstrap methods and their application", section 5.2 (basic method);
Field and Welsh (2007), "Bootstrapping clustered data", J. R. Statist. Soc. B 69 (whole groups).
"""

from __future__ import annotations

import threading
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
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

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


def interval(
    name: str, value: float, values: Floats, *, level: float = LEVEL
) -> tuple[float, float] | None:
    """Interval of a figure from its values on the resamples.

    The percentile method; for the calibration error the basic one, since resampling adds to that
    figure (a bin is never empty of chance), which percentiles would count twice. Resamples without
    the figure (a class is missing) are dropped. A row that is right on every image has the
    interval [1, 1]: a bootstrap cannot see beyond the images at hand.

    Parameters
    ----------
    name, value
        Of the figure.
    values
        From `distributions`, shape (B,).
    level
        Share of the resamples inside the interval.

    Returns
    -------
    (low, high) or None
        None where more than half of the resamples have no figure.
    """
    known = values[~np.isnan(values)]
    if 2 * known.size < values.size or known.size == 0 or np.isnan(value):
        return None
    tail = (1 - level) / 2
    low, high = (float(end) for end in np.quantile(known, [tail, 1 - tail]))
    if name == "ece":
        return max(0.0, 2 * value - high), max(value, min(1.0, 2 * value - low))
    return low, high
