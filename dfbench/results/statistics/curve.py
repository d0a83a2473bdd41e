"""Kernel of the figures that follow from the order of the scores: one walk down the ranking."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dfbench.jit import kernel


@kernel
def curve(
    counts: NDArray[np.float64],
    truth: NDArray[np.bool_],
    order: NDArray[np.intp],
    last: NDArray[np.bool_],
    rates: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Walk down the images by falling score, for all of B weighted samples together.

    ROC AUC: Hanley and McNeil (1982), "The meaning and use of the area under a ROC curve",
    Radiology 143; equal scores count half. Average precision: sum over thresholds of precision
    times the gain in recall, without interpolation.

    Parameters
    ----------
    counts
        Weights, shape (n, B): those of an image lie together.
    truth
        Shape (n,): whether an image is positive.
    order, last
        Shape (n,): the images by falling score, and of each in that order whether the next has a
        lower score.
    rates
        False positive rates.
    out
        Shape (B, 3 + rates): ROC AUC, average precision, EER, true positive rate at each rate;
        NaN where a class has no weight.
    """
    n, size = counts.shape
    positives = np.zeros(size)
    negatives = np.zeros(size)
    for i in range(n):
        sums = positives if truth[i] else negatives
        for b in range(size):  # loops: expressions of arrays take seconds to compile
            sums[b] += counts[i, b]
    tp, fp = np.zeros(size), np.zeros(size)
    tp_before, fp_before = np.zeros(size), np.zeros(size)
    area, precision = np.zeros(size), np.zeros(size)
    balance_before = np.full(size, -1.0)
    crossing = np.full(size, -1.0)
    n_crossed = 0
    # a rate that is met exactly counts
    limits = np.zeros((rates.size, size))
    for r in range(rates.size):
        for b in range(size):
            limits[r, b] = rates[r] * negatives[b] * (1 + 1e-12)
    reached = np.zeros((rates.size, size))
    within = np.ones(rates.size, np.bool_)
    for i in range(n):
        sums = tp if truth[order[i]] else fp
        for b in range(size):
            sums[b] += counts[order[i], b]
        if not last[i]:
            continue
        for b in range(size):
            gain = tp[b] - tp_before[b]
            area[b] += (fp[b] - fp_before[b]) * (tp[b] + tp_before[b])
            precision[b] += gain * tp[b] / max(tp[b] + fp[b], 1e-300)
        if n_crossed < size:
            for b in range(size):
                if crossing[b] >= 0 or positives[b] == 0 or negatives[b] == 0:
                    continue
                # false positive rate less false negative rate: rises from -1 to 1
                balance = fp[b] / negatives[b] + tp[b] / positives[b] - 1.0
                if balance >= 0:
                    step = -balance_before[b] / (balance - balance_before[b])
                    crossing[b] = (fp_before[b] + step * (fp[b] - fp_before[b])) / negatives[b]
                    n_crossed += 1
                balance_before[b] = balance
        for r in range(rates.size):
            if within[r]:
                some = False
                for b in range(size):
                    if fp[b] <= limits[r, b]:
                        reached[r, b] = tp[b]
                        some = True
                within[r] = some
        for b in range(size):
            tp_before[b], fp_before[b] = tp[b], fp[b]
    for b in range(size):
        if positives[b] == 0 or negatives[b] == 0:
            for each in range(out.shape[1]):
                out[b, each] = np.nan
            continue
        out[b, 0] = area[b] / (2 * positives[b] * negatives[b])
        out[b, 1] = precision[b] / positives[b]
        out[b, 2] = crossing[b]
        for r in range(rates.size):
            out[b, 3 + r] = reached[r, b] / positives[b]
