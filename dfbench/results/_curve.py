"""Kernel of the figures that follow from the order of the scores: one walk down the ranking."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dfbench.jit import kernel


@kernel
def curve(
    counts: NDArray[np.float64],
    truth: NDArray[np.float64],
    order: NDArray[np.intp],
    is_positive: NDArray[np.bool_],
    last: NDArray[np.bool_],
    rates: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Walk down the images by falling score, for each of B weighted samples.

    ROC AUC: Hanley and McNeil (1982), "The meaning and use of the area under a ROC curve",
    Radiology 143; equal scores count half. Average precision: sum over thresholds of precision
    times the gain in recall, without interpolation.

    Parameters
    ----------
    counts
        Weights, shape (B, n).
    truth
        Shape (n,): 1 where an image is positive, else 0.
    order, is_positive, last
        Shape (n,): the images by falling score, and of each whether it is positive and whether
        the next has a lower score.
    rates
        False positive rates.
    out
        Shape (B, 3 + rates): ROC AUC, average precision, EER, true positive rate at each rate;
        NaN where a class has no weight.
    """
    n = order.size
    for b in range(counts.shape[0]):
        positives = 0.0
        total = 0.0
        for i in range(n):
            total += counts[b, i]
            positives += counts[b, i] * truth[i]
        negatives = total - positives
        if positives == 0 or negatives == 0:
            out[b, :] = np.nan
            continue
        out[b, :] = 0.0
        area = 0.0
        precision = 0.0
        met = False
        tp = 0.0
        fp = 0.0
        tp_before = 0.0
        fp_before = 0.0
        balance_before = -1.0
        for i in range(n):
            if is_positive[i]:
                tp += counts[b, order[i]]
            else:
                fp += counts[b, order[i]]
            if not last[i]:
                continue
            area += (fp - fp_before) * (tp + tp_before)
            if tp > tp_before:
                precision += (tp - tp_before) * tp / (tp + fp)
            if not met:
                # false positive rate less false negative rate: rises from -1 to 1
                balance = fp / negatives + tp / positives - 1.0
                if balance >= 0:
                    step = -balance_before / (balance - balance_before)
                    out[b, 2] = (fp_before + step * (fp - fp_before)) / negatives
                    met = True
                balance_before = balance
            for r in range(rates.size):
                # a rate that is met exactly counts
                if fp <= rates[r] * negatives * (1 + 1e-12):
                    out[b, 3 + r] = tp / positives
            tp_before = tp
            fp_before = fp
        out[b, 0] = area / (2 * positives * negatives)
        out[b, 1] = precision / positives
