"""A derived row's way from the scores of its members to its own, one made of another included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dfbench.detectors.contents import Combination
from dfbench.models.base import Probabilities
from dfbench.models.selection.ensembles import Combined


@dataclass(frozen=True)
class Joined:
    """What combines scores of models.

    Attributes
    ----------
    combined
        Fitted.
    of
        Numbers of models, or what combines those of several.
    """

    combined: Combined
    of: tuple[int | Joined, ...]

    @classmethod
    def restored(cls, kept: Combination) -> Joined:
        """Make it again of what was kept.

        Raises
        ------
        KeyError, TypeError, ValueError
            If that is none.
        """
        of = (each if isinstance(each, int) else cls.restored(each) for each in kept.of)
        return cls(Combined.restored(kept.state), tuple(of))

    def __call__(self, scores: Sequence[Probabilities]) -> Probabilities:
        """Combine the scores of all models, each of shape (n, K)."""
        own = [scores[each] if isinstance(each, int) else each(scores) for each in self.of]
        return np.asarray(self.combined.apply(own), dtype=np.float64)

    def weights(self, n: int) -> list[float] | None:
        """Give the weight of each of n models, where it is a mean of them; else None."""
        own = self.combined.weights
        if own is None:
            return None
        found = [0.0] * n
        for weight, each in zip(own, self.of, strict=True):
            below = _one(each, n) if isinstance(each, int) else each.weights(n)
            if below is None:
                return None
            found = [a + weight * b for a, b in zip(found, below, strict=True)]
        return found


def _one(number: int, n: int) -> list[float]:
    return [float(at == number) for at in range(n)]
