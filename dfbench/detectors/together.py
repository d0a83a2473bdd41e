"""Whether pictures, taken together, are like those that a model was trained on.

A set tells what no single picture does: another camera or generator may shift each picture by less
than pictures differ among themselves, and be plain in fifty of them. Each coordinate of the
pictures (along the directions of `dfbench.detectors.reference.Gaussian`, and their distance) is
held against that of the tuning part by Kolmogorov's and Smirnov's test, corrected for their number
after Bonferroni (Rabanser, Guennemann and Lipton, "Failing loudly: an empirical study of methods
for detecting dataset shift", NeurIPS 2019, section 3). Which share of them is of which class
nobody knows and must not count: the set is held against the mix of classes that fits it best (by
non-negative least squares), and against each class alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ALPHA = 0.01
"""Share of sets like the tuning part that are called unlike it."""
FEWEST = 10
"""Pictures from which on they are taken together."""

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Together:
    """The tuning part, which sets of pictures are held against.

    Attributes
    ----------
    places
        Shape (m, k), float32: coordinates of its pictures.
    labels
        Shape (m,), int64: their classes.
    """

    places: NDArray[np.float32]
    labels: NDArray[np.int64]

    def p_value(self, places: NDArray[np.floating]) -> float:
        """Give the probability of a set so far from the tuning part, were it of the same source.

        Parameters
        ----------
        places
            Shape (n, k): coordinates of the pictures.
        """
        owns = [self.places[self.labels == k] for k in np.unique(self.labels)]
        sizes = [len(own) for own in owns]
        columns = [
            _Column.of(places[:, at], [own[:, at] for own in owns]) for at in range(places.shape[1])
        ]
        mixes = [_mix(columns), *np.eye(len(owns))]
        return max(_p_value(columns, mix, len(places), sizes) for mix in mixes)


@dataclass(frozen=True)
class _Column:
    """One coordinate: the share of pictures up to each value that occurs, of a set and of classes.

    Attributes
    ----------
    own
        Shape (v,): of the set.
    classes
        Shape (v, K): of each class of the tuning part.
    """

    own: _Floats
    classes: _Floats

    @classmethod
    def of(cls, places: NDArray[np.floating], classes: Sequence[NDArray[np.floating]]) -> _Column:
        values = np.unique(np.concatenate([places, *classes]))
        own, *others = (
            np.searchsorted(np.sort(each), values, side="right") / len(each)
            for each in (places, *classes)
        )
        return cls(own, np.column_stack(others))

    def distance(self, mix: _Floats) -> float:
        return float(np.abs(self.own - self.classes @ mix).max())


def _mix(columns: Sequence[_Column]) -> _Floats:
    """Find the shares of classes that fit a set best, all coordinates together; they sum to 1."""
    from scipy.optimize import nnls

    shares, _ = nnls(
        np.concatenate([column.classes for column in columns]),
        np.concatenate([column.own for column in columns]),
        maxiter=100 * columns[0].classes.shape[1],
    )
    total = shares.sum()
    found: _Floats = shares / total if total > 0 else np.full(len(shares), 1 / len(shares))
    return found


def _p_value(columns: Sequence[_Column], mix: _Floats, n: int, sizes: Sequence[int]) -> float:
    """Test a set of n pictures against a mix of classes of these sizes, by the limit distribution.

    The least p-value of its coordinates counts as often as there are coordinates.
    """
    from scipy.stats import kstwobign

    # of so many independent pictures a weighted sample tells as much (Kish)
    effective = 1 / float(np.sum(mix**2 / np.asarray(sizes)))
    root = math.sqrt(n * effective / (n + effective))
    distance = max(column.distance(mix) for column in columns)
    # Stephens' correction for small samples (Journal of the Royal Statistical Society B 32, 1970)
    p = float(kstwobign.sf((root + 0.12 + 0.11 / root) * distance))
    return min(1.0, p * len(columns))
