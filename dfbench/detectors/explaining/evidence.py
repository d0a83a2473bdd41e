"""The scale on which evidence is counted: log odds of one class against the others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_GRAIN = 0.01


def log_odds(probabilities: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Give the log odds of class k, for each row of shape (n, K).

    To both probabilities 0.01 is added, so that they stay within 4.6 of 0: neighbours that all
    agree say 1, and the next step of their scale is no infinite one. What a person is shown is no
    finer than that.
    """
    own = probabilities[:, k]
    rest = probabilities.sum(axis=1) - own
    return np.asarray(np.log((own + _GRAIN) / (rest + _GRAIN)))
