"""What scores tell: confusion, ROC and precision-recall curves, reliability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from dfbench.results.figures.base import COLOURS, SOFT, Title, colour, new, shortened, tidy
from dfbench.results.statistics.sample import N_BINS, decide, ranked

_EDGES = np.linspace(0, 1, N_BINS + 1)


def panel(
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    *,
    classes: Sequence[str],
    positive: int | None,
    threshold: float | None,
    title: Title,
    decides: bool = True,
    probable: bool = True,
) -> Figure:
    """Draw all that the scores of a row tell, in one figure.

    Parameters
    ----------
    labels
        Shape (n,).
    probabilities
        Shape (n, K).
    classes
        Names of the K classes.
    positive
        Positive class of a binary task.
    threshold
        Score from which on it is decided for; None: the higher score.
    title
        Whose figure it is.
    decides, probable
        Whether the scores decide for a class, and whether they are probabilities; see
        `dfbench.results.statistics.sample.prepare`. What is not defined is not drawn.
    """
    figure = new(10, 7.6, str(title))
    grid = figure.add_gridspec(2, 2)
    said = decide(probabilities, positive=positive, threshold=threshold) if decides else None
    if said is None:
        _undefined(figure.add_subplot(grid[0, 0]), "no confusion: no threshold was told")
    else:
        confusion(figure.add_subplot(grid[0, 0]), labels, said, classes)
    shown = _shown(labels, probabilities, positive)
    cut = "argmax" if threshold is None else f"{threshold:.2f}"
    roc(figure.add_subplot(grid[0, 1]), labels, probabilities, shown, classes, said, cut)
    precision_recall(figure.add_subplot(grid[1, 0]), labels, probabilities, shown, classes, said)
    if probable:
        reliability(figure.add_subplot(grid[1, 1]), labels, probabilities)
    else:
        _undefined(figure.add_subplot(grid[1, 1]), "no reliability: scores are no probabilities")
    return figure


def _undefined(axes: Axes, why: str) -> None:
    axes.set_axis_off()
    axes.set_title(why, fontsize=10, color=SOFT)


def _shown(
    labels: NDArray[np.int64], probabilities: NDArray[np.float64], positive: int | None
) -> list[int]:
    """Classes that have a curve: those with images, and images of others beside them."""
    k = probabilities.shape[1]
    wanted = [1 if positive is None else positive] if k == 2 else range(k)
    return [c for c in wanted if 0 < int((labels == c).sum()) < len(labels)]


def confusion(
    axes: Axes,
    labels: NDArray[np.int64],
    said: NDArray[np.int64],
    classes: Sequence[str],
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
    tidy(axes, f"confusion: accuracy {np.mean(labels == said):.3f}", "decided", "true")


def roc(
    axes: Axes,
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    shown: Sequence[int],
    classes: Sequence[str],
    said: NDArray[np.int64] | None,
    cut: str,
) -> None:
    """Draw the ROC curve of each class that has one, with its area."""
    axes.plot([0, 1], [0, 1], color=SOFT, linestyle=":", linewidth=1)
    areas = []
    names = shortened(classes, 20)
    for c in shown:
        truth, score = labels == c, ranked(probabilities, c)
        fpr, tpr, _ = roc_curve(truth, score)
        areas.append(roc_auc_score(truth, score))
        axes.plot(fpr, tpr, color=colour(c), label=f"{names[c]}: {areas[-1]:.3f}")
        if len(classes) == 2 and said is not None:
            above = said == c
            at = above[~truth].mean(), above[truth].mean()
            where = f"at {cut}: FPR {at[0]:.2f}, TPR {at[1]:.2f}"
            axes.plot(*at, "o", color="black", label=where)
    name = f"ROC: AUC {np.mean(areas):.3f}" if areas else "ROC: not defined, a class is absent"
    tidy(axes, name + (" (mean of classes)" if len(areas) > 1 else ""), "FPR", "TPR")
    _legend(axes, "lower right")


def precision_recall(
    axes: Axes,
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    shown: Sequence[int],
    classes: Sequence[str],
    said: NDArray[np.int64] | None,
) -> None:
    """Draw precision against recall of each class, with the average precision."""
    values = []
    names = shortened(classes, 20)
    for c in shown:
        truth, score = labels == c, ranked(probabilities, c)
        precision, recall, _ = precision_recall_curve(truth, score)
        values.append(average_precision_score(truth, score))
        axes.step(
            recall, precision, where="post", color=colour(c),
            label=f"{names[c]}: {values[-1]:.3f}",
        )  # fmt: skip
        if len(classes) == 2:
            axes.axhline(
                truth.mean(), color=SOFT, linestyle=":", linewidth=1, label="share of the class"
            )
            above = said == c if said is not None else np.zeros_like(truth)
            if above.any():
                axes.plot(above[truth].mean(), truth[above].mean(), "o", color="black")
    name = f"AP {np.mean(values):.3f}" if values else "not defined"
    tidy(
        axes, f"precision and recall: {name}" + (" (mean of classes)" if len(values) > 1 else ""),
        "recall", "precision",
    )  # fmt: skip
    axes.set_ylim(-0.02, 1.05)
    _legend(axes, "lower left" if len(classes) == 2 else "upper right")


def reliability(axes: Axes, labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> None:
    """Draw accuracy against confidence of the highest score (Guo et al., ICML 2017)."""
    confidence, right, place = _binned(labels, probabilities)
    counts = np.bincount(place, minlength=N_BINS)
    means, shares = (
        np.bincount(place, weights=values, minlength=N_BINS) / np.maximum(counts, 1)
        for values in (confidence, right.astype(float))
    )
    error = expected_calibration_error(labels, probabilities)
    axes.plot([0, 1], [0, 1], color=SOFT, linestyle=":", linewidth=1)
    axes.bar(
        _EDGES[:-1], counts / max(len(labels), 1), width=1 / N_BINS, align="edge",
        color=COLOURS[5], alpha=0.45, label="share of images",
    )  # fmt: skip
    filled = counts > 0
    axes.plot(means[filled], shares[filled], "o-", color=COLOURS[0], label="accuracy")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    tidy(axes, f"reliability: ECE {error:.3f} ({N_BINS} bins)", "confidence", "accuracy, share")
    _legend(axes, "upper left")


def expected_calibration_error(
    labels: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> float:
    """Mean gap of confidence and accuracy over bins of equal width (Guo et al., equation 3)."""
    confidence, right, place = _binned(labels, probabilities)
    gaps = np.bincount(place, weights=right - confidence, minlength=N_BINS)
    return float(np.abs(gaps).sum() / max(len(labels), 1))


def _binned(
    labels: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.intp]]:
    """Give for each image its confidence, whether its verdict is right, and the bin it is in."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    # open below, as those of the figure in the tables
    place = np.clip(np.ceil(confidence * N_BINS).astype(np.intp) - 1, 0, N_BINS - 1)
    return confidence, right, place


def _legend(axes: Axes, where: str) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc=where, fontsize=8, framealpha=0.85, edgecolor="none")
