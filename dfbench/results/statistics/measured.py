"""The figures of a row with their intervals, from the scores of its seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.results.statistics import bootstrap, metrics, recomputed
from dfbench.results.statistics.design import Design
from dfbench.results.statistics.estimate import Estimate, number
from dfbench.results.statistics.influence import Influence, roc_auc
from dfbench.results.statistics.intervals import LEVEL
from dfbench.results.statistics.recomputed import Recomputed, Resampled
from dfbench.results.statistics.sample import Floats, Sample


@dataclass(frozen=True)
class Images:
    """The images that rows are scored on, in the order of their paths.

    Attributes
    ----------
    names
        Paths, sorted.
    design
        Labels and groups.
    resamples
        Drawn once for all rows.
    """

    names: tuple[str, ...]
    design: Design
    resamples: bootstrap.Resamples = field(repr=False)

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        labels: NDArray[np.int64],
        groups: NDArray[np.int64] | None = None,
    ) -> Images:
        """Set up images; ``groups`` are any whole numbers."""
        return cls.of_design(names, Design.of(labels, groups))

    @classmethod
    def of_design(cls, names: Sequence[str], design: Design) -> Images:
        """Set up images that were drawn so."""
        return cls(tuple(names), design, bootstrap.resamples_of(design))

    def same(self, names: Sequence[str], design: Design) -> bool:
        """Whether these are the same images with equal labels and groups."""
        return (
            self.names == tuple(names)
            and np.array_equal(self.design.labels, design.labels)
            and _equal(self.design.groups, design.groups)
        )


def _equal(a: NDArray[np.int64] | None, b: NDArray[np.int64] | None) -> bool:
    if a is None or b is None:
        return a is b
    return np.array_equal(a, b)


@dataclass(frozen=True)
class Measured:
    """One row on one set of images.

    Attributes
    ----------
    images
        What it was scored on.
    values
        Figure by metric, the mean over seeds; NaN where not defined.
    spread
        Standard deviation of each over the seeds; NaN with one seed.
    roc_auc
        With its interval, which needs no resamples.
    right
        Share of the seeds that were right on each image, shape (n,).
    samples
        By seed.
    further
        Figures beside those of `metrics`, which stand among ``values`` too.
    faults
        By the name of such a figure what its function did wrong, where it has no value.
    by_seed
        Of each figure the value of each sample; NaN where not defined.
    """

    images: Images
    values: Mapping[str, float]
    spread: Mapping[str, float]
    roc_auc: Influence
    right: Floats
    samples: tuple[Sample, ...] = field(repr=False)
    further: tuple[Recomputed, ...] = ()
    faults: Mapping[str, str] = field(default_factory=dict)
    by_seed: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all figures."""
        return (*metrics.METRICS, *(each.name for each in self.further))

    @property
    def shares(self) -> Floats:
        """Of each image in the error of the mean ROC AUC, shape (n,); see `delong.shares`."""
        ((_, shares),) = self.roc_auc.shares
        return shares

    @cached_property
    def distributions(self) -> dict[str, Floats]:
        """Figures of `metrics` on each resample, shape (B,), the mean over seeds.

        See `resample_together`.
        """
        return _over_seeds(bootstrap.distributions_of(self.samples, self.images.resamples))

    @cached_property
    def resampled(self) -> dict[str, Resampled]:
        """Further figures on the first of the resamples, the mean over seeds."""
        resamples = self.images.resamples
        return {
            each.name: each.resampled(self.samples, resamples)
            for each in self.further
            if not math.isnan(self.values[each.name])
        }

    def on_resamples(self, name: str) -> Floats:
        """Give a figure on each resample that it was computed on; none of what has no value."""
        if name in self.distributions:
            return self.distributions[name]
        found = self.resampled.get(name)
        return np.empty(0) if found is None else found.values

    def figures(self, *, heed_seeds: bool = False) -> dict[str, Estimate]:
        """Give each figure with its 95 % interval, and its spread over seeds.

        Parameters
        ----------
        heed_seeds
            Whether an interval is also to cover other seeds, and not other images alone; there is
            then none of a single seed.
        """
        ranges: dict[str, tuple[float, float] | None] = dict.fromkeys(self.names)
        if self.images.resamples.sound:
            effective = self.images.resamples.effective
            for name in self.names:
                values = self.on_resamples(name)
                if name in metrics.METRICS or _tells(values):
                    ranges[name] = bootstrap.interval(name, self.values[name], values, effective)
        found = {name: self._figure(name, ends) for name, ends in ranges.items()}
        found["roc_auc"] = self.roc_auc.estimate()
        return {name: self._heeding(its) for name, its in found.items()} if heed_seeds else found

    def _figure(self, name: str, ends: tuple[float, float] | None) -> Estimate:
        value, spread = self.values[name], self.spread[name]
        low, high = (None, None) if ends is None or math.isnan(value) else ends
        return Estimate(value=number(value), low=low, high=high, spread=number(spread))

    def _heeding(self, of: Estimate) -> Estimate:
        """Add what the mean of other seeds could be to an interval over images.

        The arms of the interval and of Student's interval over seeds are added in squares: Zou
        and Donner (2008), "Construction of confidence limits about effect measures", Statistics
        in Medicine 27. Seeds that share their images vary by a part of what the images do as
        well, so that the result is rather too wide than too narrow.
        """
        from scipy.stats import t

        if of.value is None or of.low is None or of.high is None:
            return of
        if of.spread is None:
            return of.model_copy(update={"low": None, "high": None})
        n = len(self.samples)
        arm = float(t.ppf((1 + LEVEL) / 2, n - 1)) * of.spread / math.sqrt(n)
        low = of.value - math.hypot(of.value - of.low, arm)
        high = of.value + math.hypot(of.high - of.value, arm)
        return of.model_copy(update={"low": low, "high": high})


def _tells(values: Floats) -> bool:
    """Whether values on resamples show how far a further figure may be off.

    Where none differs, nobody knows whether that is its best value.
    """
    known = values[~np.isnan(values)]
    return values.size >= recomputed.FEWEST and bool(known.size) and bool(np.ptp(known) > 0)


def _over_seeds(found: Sequence[dict[str, Floats]]) -> dict[str, Floats]:
    if len(found) == 1:
        return found[0]
    return {name: np.mean([each[name] for each in found], axis=0) for name in metrics.METRICS}


def resample_together(
    rows: Sequence[Measured],
    *,
    each: Callable[..., Iterable[Any]] = map,
    told: Callable[[], object] = lambda: None,
) -> None:
    """Find the `Measured.distributions` of rows that share their images, drawn once for all.

    ``each`` is that of `bootstrap.distributions_of`; ``told`` is called when a row is done.
    """
    samples = [sample for row in rows for sample in row.samples]
    found = iter(bootstrap.distributions_of(samples, rows[0].images.resamples, each=each))
    for row in rows:
        row.__dict__["distributions"] = _over_seeds(list(islice(found, len(row.samples))))
        _ = row.resampled  # here, for somebody's function may not be for threads
        told()


def measure(
    images: Images, samples: Sequence[Sample], further: Sequence[Recomputed] = ()
) -> Measured:
    """Take the figures of a row.

    Parameters
    ----------
    images
        That each of the samples was made of, in this order.
    samples
        One a seed, at least one.
    further
        What is computed beside the figures of `metrics`.
    """
    once = np.ones((1, len(images.names)))
    by_seed = [metrics.evaluate(sample, once) for sample in samples]
    figures = {name: [float(each[name][0]) for each in by_seed] for name in metrics.METRICS}
    faults: dict[str, str] = {}
    for own in further:
        its = [own.value(sample) for sample in samples]
        figures[own.name] = [one.value for one in its]
        if fault := next((one.fault for one in its if one.fault), ""):
            faults[own.name] = fault
    values, spread = {}, {}
    for name, by_name in figures.items():
        found = np.array(by_name)
        values[name] = float(found.mean())
        spread[name] = float(found.std(ddof=1)) if found.size > 1 else math.nan
    by_curve = np.array([float(each["roc_auc"][0]) for each in by_seed])
    area = replace(roc_auc(samples, images.design), seeds=by_curve)
    right = np.mean([sample.right for sample in samples], axis=0)
    each = {name: tuple(found) for name, found in figures.items()}
    return Measured(
        images, values, spread, area, right, tuple(samples), tuple(further), faults, each
    )
