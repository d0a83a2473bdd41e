"""What scores tell: confusion, ROC and precision-recall curves, reliability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from dfbench.results.figures.base import (
    COLOURS,
    SOFT,
    Title,
    colour,
    line,
    new,
    number,
    shortened,
    tidy,
)
from dfbench.results.statistics.metrics import against_the_rest, evaluate
from dfbench.results.statistics.sample import N_BINS, Sample, binned, ranked


def panel(
    sample: Sample, *, classes: Sequence[str], threshold: float | None, title: Title
) -> Figure:
    """Draw all that the scores of a row tell, in one figure.

    Parameters
    ----------
    sample
        The scores, as they were made ready for the tables: figures written here are those. What
        is not defined is not drawn.
    classes
        Names of its classes.
    threshold
        Score from which on it is decided for the positive class; None: the higher score.
    title
        Whose figure it is.
    """
    figure = new(10, 7.6, str(title))
    places = figure.subplots(2, 2)
    found = {name: float(x[0]) for name, x in evaluate(sample, np.ones((1, sample.n))).items()}
    decides = sample.n == 0 or sample.right.dtype == bool
    if decides:
        confusion(places[0, 0], sample.labels, sample.decisions, classes, found["accuracy"])
    else:
        _undefined(places[0, 0], "no confusion: no threshold was told")
    shown = _shown(sample)
    cut = "argmax" if threshold is None else number(threshold)
    roc(places[0, 1], sample, shown, classes, found["roc_auc"], cut if decides else "")
    precision_recall(
        places[1, 0], sample, shown, classes, found["average_precision"], decides=decides
    )
    if np.isnan(found["ece"]):
        _undefined(places[1, 1], "no reliability: scores are no probabilities")
    else:
        reliability(places[1, 1], sample, found["ece"])
    return figure


def _undefined(axes: Axes, why: str) -> None:
    axes.set_axis_off()
    axes.set_title(why, fontsize=10, color=SOFT)


def _shown(sample: Sample) -> list[int]:
    """Classes that have a curve: those with images, and images of others beside them."""
    wanted = [sample.positive] if sample.n_classes == 2 else range(sample.n_classes)
    return [c for c in wanted if 0 < int((sample.labels == c).sum()) < sample.n]


def confusion(
    axes: Axes,
    labels: NDArray[np.int64],
    said: NDArray[np.int64],
    classes: Sequence[str],
    accuracy: float,
    *,
    rates_too: bool = True,
) -> None:
    """Draw counts, and what share of a true class they are."""
    k = len(classes)
    counts = np.zeros((k, k), dtype=int)
    np.add.at(counts, (labels, said), 1)
    totals = counts.sum(axis=1, keepdims=True)
    rates = counts / np.maximum(totals, 1)
    axes.imshow(rates, cmap="Blues", vmin=0, vmax=1)
    size = 10 if k <= 3 else 8 if k <= 6 else 5.5
    for row in range(k):
        for column in range(k):
            text = f"{counts[row, column]}"
            if totals[row, 0] and rates_too:
                text += f"\n{100 * rates[row, column]:.0f} %"
            dark = rates[row, column] > 0.55
            axes.text(
                column, row, text, ha="center", va="center", fontsize=size,
                color="white" if dark else "black",
            )  # fmt: skip
    names = shortened(classes)
    turned: dict[str, Any] = (
        {"rotation": 30, "ha": "right"} if max(map(len, names)) * k > 40 else {}
    )
    axes.set_xticks(range(k), names, **turned)
    axes.set_yticks(range(k), names)
    tidy(axes, f"confusion: accuracy {number(accuracy)}", "decided", "true")


def roc(
    axes: Axes,
    sample: Sample,
    shown: Sequence[int],
    classes: Sequence[str],
    area: float,
    cut: str,
) -> None:
    """Draw the ROC curve of each class that has one, with its area.

    ``cut`` says from which score on is decided; it is empty where nothing is.
    """
    axes.plot([0, 1], [0, 1], color=SOFT, linestyle=":", linewidth=1)
    names = shortened(classes, 20)
    for c in shown:
        truth = sample.labels == c
        fpr, tpr, _ = roc_curve(truth, ranked(sample.probabilities, c))
        own, _ = against_the_rest(sample, c)
        axes.plot(fpr, tpr, **_style(c, shown), label=f"{names[c]}: {number(own)}")
        if len(classes) == 2 and cut:
            above = sample.decisions == c
            at = float(above[~truth].mean()), float(above[truth].mean())
            where = f"at {cut}: FPR {number(at[0])}, TPR {number(at[1])}"
            axes.plot(*at, "o", color="black", label=where)
    tidy(axes, f"ROC: {_mean('AUC', area, len(shown))}", "FPR", "TPR")
    _legend(axes, "lower right")


def _mean(word: str, value: float, n: int) -> str:
    """Word the mean of the classes: there is none where one of them has no image."""
    if np.isnan(value):
        return f"{word} not defined, a class is absent"
    return f"{word} {number(value)}" + (" (mean of classes)" if n > 1 else "")


def _style(c: int, shown: Sequence[int]) -> dict[str, Any]:
    """Say how the curve of a class is drawn among others, with few marks: it has many points."""
    if len(shown) == 1:
        return {"color": colour(c)}
    return {**line(c), "markevery": 0.2, "markersize": 4, "linewidth": 1.4}


def precision_recall(
    axes: Axes,
    sample: Sample,
    shown: Sequence[int],
    classes: Sequence[str],
    average: float,
    *,
    decides: bool,
) -> None:
    """Draw precision against recall of each class, with the average precision."""
    names = shortened(classes, 20)
    for c in shown:
        truth = sample.labels == c
        precision, recall, _ = precision_recall_curve(truth, ranked(sample.probabilities, c))
        _, own = against_the_rest(sample, c)
        axes.step(
            recall, precision, where="post", **_style(c, shown),
            label=f"{names[c]}: {number(own)}",
        )  # fmt: skip
        if len(classes) == 2:
            axes.axhline(
                truth.mean(), color=SOFT, linestyle=":", linewidth=1, label="share of the class"
            )
            above = sample.decisions == c
            if decides and above.any():
                axes.plot(above[truth].mean(), truth[above].mean(), "o", color="black")
    said = _mean("AP", average, len(shown))
    tidy(axes, f"precision and recall: {said}", "recall", "precision")
    axes.set_ylim(-0.02, 1.05)
    _legend(axes, "lower left" if len(classes) == 2 else "upper right")


def reliability(axes: Axes, sample: Sample, error: float) -> None:
    """Draw accuracy against confidence of the highest score (Guo et al., ICML 2017).

    ``error`` is the expected calibration error.
    """
    confidence, place = binned(sample.probabilities)
    right = sample.probabilities.argmax(axis=1) == sample.labels
    counts = np.bincount(place, minlength=N_BINS)
    means, shares = (
        np.bincount(place, weights=values, minlength=N_BINS) / np.maximum(counts, 1)
        for values in (confidence, right.astype(float))
    )
    axes.plot([0, 1], [0, 1], color=SOFT, linestyle=":", linewidth=1)
    axes.bar(
        np.arange(N_BINS) / N_BINS, counts / max(sample.n, 1), width=1 / N_BINS, align="edge",
        color=COLOURS[5], alpha=0.45, label="share of images",
    )  # fmt: skip
    filled = counts > 0
    axes.plot(means[filled], shares[filled], "o-", color=COLOURS[0], label="accuracy")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    said = f"reliability: ECE {number(error)} ({N_BINS} bins)"
    tidy(axes, said, "confidence", "accuracy, share")
    _legend(axes, "upper left")


def _legend(axes: Axes, where: str) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc=where, fontsize=8, framealpha=0.85, edgecolor="none")
