"""What a detector says of a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Verdict:
    """What a detector says of one picture.

    Attributes
    ----------
    label
        Name of the class that is decided for.
    classes
        Names of all classes.
    probabilities
        Of each class, shape (K,), float64; calibrated where the row is.
    score
        Probability of the positive class of a binary task; None with several classes.
    threshold
        The score from which on the positive class is decided for; None with several classes.
    outside
        In what the picture is unlike those that the detector was trained on, in words; empty
        where it is like them.
    place
        Where it lies among the training images, shape (k,), see `Detector.together`; None where
        nothing is known of these.
    """

    label: str
    classes: tuple[str, ...]
    probabilities: NDArray[np.float64]
    score: float | None
    threshold: float | None
    outside: tuple[str, ...] = ()
    place: NDArray[np.float32] | None = None

    @property
    def probability(self) -> float:
        """Probability of the class that is decided for."""
        return float(self.probabilities[self.classes.index(self.label)])


def apart(score: float, threshold: float) -> tuple[str, str]:
    """Write two numbers with so many digits that they are seen to be on the side they are on."""
    digits = 2
    while digits < 6 and (
        (round(score, digits) >= round(threshold, digits)) != (score >= threshold)
    ):
        digits += 1
    return f"{score:.{digits}f}", f"{threshold:.{digits}f}"
