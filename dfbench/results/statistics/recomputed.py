"""Figures that are any function of labels and scores: computed again on each resample.

The figures of `metrics` follow from weighted sums, so that a thousand resamples cost little more
than one. A function that somebody else wrote is called once for each, which is bounded: by their
number, and by time.
"""

from __future__ import annotations

import math
import time
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.results.statistics.bootstrap import N_RESAMPLES, Resamples
from dfbench.results.statistics.sample import Floats, Sample

FEWEST = 200
"""Resamples that an interval is made of at least."""
SECONDS = 20.0
"""Of the processor, after which no more resamples of one sample are looked at: what else the
machine does is not to decide about an interval."""
CLOCK = 30.0
"""The same by the clock, of all samples of a row together: a function may wait for something."""
_SURE = 2.0
"""Seconds after which it is plain how long the others will take."""
_CALLS = 5_000_000
"""Images that all resamples hold together, where the number of resamples is left open."""
_SAME = 1e-9
"""Relative difference that rounding explains."""


@dataclass(frozen=True)
class Recomputed:
    """A figure by a function.

    Attributes
    ----------
    name
        Key in stored files.
    function
        Called with labels and scores: of two classes shape (n,), 1 for the positive one and its
        probability, else class numbers and shape (n, K). Gives one number.
    takes
        Which of ``weights`` (shape (n,), how often each image counts) and ``decisions`` (coded as
        labels) it is given by name.
    lower_is_better
        Which way is better.
    binary
        Whether it is for two classes only.
    resamples
        How many its intervals are of; None: 1,000, and fewer for more than 5,000 images.
    """

    name: str
    function: Callable[..., Any]
    takes: tuple[str, ...] = ()
    lower_is_better: bool = False
    binary: bool = False
    resamples: int | None = None

    def wanted(self, n: int) -> int:
        """Give the number of resamples of n images."""
        if self.resamples is not None:
            return self.resamples
        return min(N_RESAMPLES, max(FEWEST, _CALLS // max(n, 1)))

    def value(self, sample: Sample) -> Found:
        """Give the figure of all images, see `value`."""
        return value(self, sample)

    def resampled(self, samples: Sequence[Sample], resamples: Resamples) -> Resampled:
        """Give the figure of resamples, see `resampled`."""
        return resampled(self, samples, resamples)


@dataclass(frozen=True)
class Found:
    """What a function gave of a sample.

    Attributes
    ----------
    value
        NaN where it is not defined.
    fault
        Why it is none, where the function is to blame; empty where it is not.
    """

    value: float
    fault: str = ""


@dataclass(frozen=True)
class Resampled:
    """What a function gave of resamples.

    Attributes
    ----------
    values
        Shape (B,); NaN where it gave none. Fewer than `FEWEST` are no ground for an interval.
    faults
        What it broke with, and how often.
    late
        Whether time was over before all that were wanted were looked at.
    """

    values: Floats
    faults: Mapping[str, int] = field(default_factory=dict)
    late: bool = False


def value(of: Recomputed, sample: Sample) -> Found:
    """Call a function on all images, and once more: the same scores must give the same value.

    One that takes weights is also held against itself: an image that counts twice is to be the
    same as two images.
    """
    if of.binary and sample.n_classes != 2:
        return Found(math.nan)
    whole = np.ones(sample.n)
    try:
        found = _call(of, sample, whole)
        again = _call(of, sample, whole)
        if not _same(found, again):
            return Found(math.nan, f"gives {found:g}, then {again:g} of the same scores")
        if "weights" in of.takes and not math.isnan(found):
            twice = 1.0 + (np.arange(sample.n) % 2)
            weighted, repeated = _call(of, sample, twice), _repeated(of, sample, twice)
            if not _same(weighted, repeated, 1e-6):
                return Found(
                    math.nan,
                    f"gives {weighted:g} where every other image has a weight of 2, and"
                    f" {repeated:g} where it stands there twice",
                )
    except _Fault as fault:
        return Found(math.nan, str(fault))
    return Found(found)


def resampled(
    of: Recomputed,
    samples: Sequence[Sample],
    resamples: Resamples,
    clock: float | None = None,
) -> Resampled:
    """Call a function on the first of the resamples, as many as it wants and time allows.

    Parameters
    ----------
    of
        The figure.
    samples
        One a seed; the mean over them is what counts.
    resamples
        Of the images that all samples are of.
    clock
        Seconds, of all samples together; by default `CLOCK`.
    """
    clock = CLOCK if clock is None else clock
    found: list[Resampled] = []
    for sample in samples:
        found.append(_of_one(of, sample, resamples, clock / len(samples)))
        if found[-1].late and found[-1].values.size < FEWEST:
            break  # there is no interval, whatever the others give
    return _mean(found)


def _of_one(of: Recomputed, sample: Sample, resamples: Resamples, clock: float) -> Resampled:
    wanted = min(of.wanted(sample.n), resamples.n_resamples)
    values: list[float] = []
    faults: Counter[str] = Counter()
    end, start = time.thread_time() + SECONDS, time.monotonic()
    for chunk in resamples.chunks():
        for counts in chunk[: wanted - len(values)]:
            gone, n = time.monotonic() - start, len(values)
            hopeless = n < FEWEST and gone > _SURE and gone * min(FEWEST, wanted) > clock * n
            if time.thread_time() > end or gone > clock or hopeless:
                return Resampled(np.array(values), faults, late=True)
            try:
                values.append(_call(of, sample, counts))
            except _Fault as fault:
                faults[str(fault)] += 1
                values.append(math.nan)
        if len(values) >= wanted:
            break
    return Resampled(np.array(values), faults)


class Fault(Exception):
    """Raised by a function that is to be told by this text, not by what it broke with."""


class _Fault(Exception):
    """What is wrong with what a function did."""


def _call(of: Recomputed, sample: Sample, counts: NDArray[Any]) -> float:
    """Call the function on images that count so often; not on what is no probability."""
    if not sample.whole:
        return math.nan
    if "weights" not in of.takes:
        return _repeated(of, sample, counts)
    return _asked(of, sample, np.arange(sample.n), counts.astype(np.float64))


def _repeated(of: Recomputed, sample: Sample, counts: NDArray[Any]) -> float:
    rows = np.repeat(np.arange(sample.n), counts.astype(np.intp))
    return _asked(of, sample, rows, np.ones(rows.size))


def _asked(of: Recomputed, sample: Sample, rows: NDArray[np.intp], weights: Floats) -> float:
    labels, scores, decisions = _coded(sample)
    given = {"weights": weights, "decisions": decisions[rows]}
    arrays = [labels[rows], scores[rows]]
    for array in (*arrays, *given.values()):
        array.setflags(write=False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the same a thousand times
            found = of.function(*arrays, **{name: given[name] for name in of.takes})
    except Fault as fault:
        raise _Fault(str(fault)) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it may raise anything
        said = " ".join(str(error).split())
        raise _Fault(f"raises {type(error).__name__}{': ' if said else ''}{said}") from None
    return _number(found)


def _coded(sample: Sample) -> tuple[NDArray[np.int64], Floats, NDArray[np.int64]]:
    """Give labels, scores and decisions as functions see them."""
    if sample.n_classes != 2:
        return sample.labels, sample.probabilities, sample.decisions
    k = sample.positive
    return (
        (sample.labels == k).astype(np.int64),
        sample.probabilities[:, k],
        (sample.decisions == k).astype(np.int64),
    )


def _number(found: Any) -> float:
    try:
        if np.iscomplexobj(found) or np.ndim(found) != 0 or isinstance(found, str | bytes):
            raise TypeError
        number = float(found)
    except (TypeError, ValueError):
        shape = f" of shape {np.shape(found)}" if np.ndim(found) else ""
        raise _Fault(f"gives {type(found).__name__}{shape}, not a number") from None
    if math.isinf(number):
        raise _Fault(f"gives {number}")
    return number


def _same(a: float, b: float, tolerance: float = _SAME) -> bool:
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=tolerance, abs_tol=1e-12)


def _mean(found: Sequence[Resampled]) -> Resampled:
    n = min(each.values.size for each in found)
    faults: Counter[str] = Counter()
    for each in found:
        faults.update(each.faults)
    values = np.mean([each.values[:n] for each in found], axis=0)
    return Resampled(values, faults, any(each.late for each in found))
