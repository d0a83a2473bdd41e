"""Whether pictures, taken together, are like those that a model was trained on.

A set tells what no single picture does: another camera or generator may shift each picture by less
than pictures differ among themselves, and be plain in fifty of them. Each coordinate of the
pictures (along the directions of `dfbench.detectors.reference.Gaussian`, and their distance) is
held against that of the tuning part by Kolmogorov's and Smirnov's test, corrected for their number
after Bonferroni (Rabanser, Guennemann and Lipton, "Failing loudly: an empirical study of methods
for detecting dataset shift", NeurIPS 2019, section 3). Which share of them is of which class
nobody knows and must not count: the p-value is that of the mix of classes that fits them best.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ALPHA = 0.01
"""Share of sets like the tuning part that are called unlike it."""
FEWEST = 10
"""Pictures from which on they are taken together."""
_STEPS = 20

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
        classes = np.unique(self.labels)
        owns = [self.places[self.labels == k] for k in classes]
        found = 0.0
        for mix in _mixes(len(classes)):
            used = [(own, share) for own, share in zip(owns, mix, strict=True) if share > 0]
            # of so many independent pictures a weighted sample tells as much (Kish)
            effective = 1 / sum(share**2 / len(own) for own, share in used)
            least = min(
                _p_value(
                    np.asarray(places[:, at], np.float64),
                    [(own[:, at].astype(np.float64), share) for own, share in used],
                    effective,
                )
                for at in range(places.shape[1])
            )
            found = max(found, min(1.0, least * places.shape[1]))
        return found


def _mixes(k: int) -> Iterator[tuple[float, ...]]:
    """Give shares of classes to try: all of two, of more the plain ones."""
    if k == 2:
        for step in range(_STEPS + 1):
            yield step / _STEPS, 1 - step / _STEPS
        return
    for at in range(k):
        yield tuple(float(each == at) for each in range(k))
    yield (1 / k,) * k


def _p_value(sample: _Floats, parts: list[tuple[_Floats, float]], effective: float) -> float:
    """Test one coordinate of a sample against a mix of others, by the limit distribution."""
    from scipy.stats import kstwobign

    values = np.sort(np.concatenate([sample, *(own for own, _ in parts)]))
    own = np.searchsorted(np.sort(sample), values, side="right") / len(sample)
    mixed = np.zeros(len(values))
    for part, share in parts:
        mixed += share * np.searchsorted(np.sort(part), values, side="right") / len(part)
    distance = float(np.abs(own - mixed).max())
    n = len(sample) * effective / (len(sample) + effective)
    root = np.sqrt(n)
    # Stephens' correction for small samples (Journal of the Royal Statistical Society B 32, 1970)
    return float(kstwobign.sf((root + 0.12 + 0.11 / root) * distance))
