"""Where a network looks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dfbench.results.figures.base import SOFT, Title, new
from dfbench.results.figures.examples import caption, right_and_wrong, write_names

_MAP = "inferno"


def maps(
    images: Sequence[NDArray[np.uint8]],
    heat: NDArray[np.float32],
    true: Sequence[int],
    predicted: Sequence[int],
    confidence: Sequence[float],
    *,
    names: Sequence[str],
    classes: Sequence[str],
    title: Title,
) -> Figure:
    """Draw images above their maps: right verdicts first, wrong ones below.

    Parameters
    ----------
    images
        RGB, shape (S, S, 3) each.
    heat
        Shape (n, S, S), in [0, 1]: what speaks for the predicted class.
    true, predicted, confidence, names, classes, title
        As in `examples.examples`.
    """
    rows = right_and_wrong(true, predicted)
    columns = max(1, *(len(chosen) for _, chosen, _ in rows))
    figure = new(max(6.0, 2 * columns), 9.8, str(title))
    grid = figure.subplots(4, columns, squeeze=False)
    for axes in grid.ravel():
        axes.set_axis_off()
    drawn = None
    places: dict[int, Axes] = {}
    for place, (name, chosen, colour) in enumerate(rows):
        upper, lower = grid[2 * place], grid[2 * place + 1]
        for column, i in enumerate(chosen):
            upper[column].imshow(images[i])
            said = caption(true[i], predicted[i], confidence[i], classes)
            upper[column].set_title(said, fontsize=9, color=colour)
            lower[column].imshow(np.asarray(images[i]).mean(axis=2), cmap="gray", vmin=0, vmax=255)
            drawn = lower[column].imshow(heat[i], cmap=_MAP, vmin=0, vmax=1, alpha=0.55)
            places[i] = lower[column]
        if not chosen:
            upper[0].text(0.0, 0.5, f"none was {name}", color=SOFT, fontsize=10)
    write_names(list(places.values()), [names[i] for i in places])
    if drawn is not None:
        bar = figure.colorbar(drawn, ax=grid.ravel().tolist(), shrink=0.4, aspect=30, ticks=[0, 1])
        bar.ax.set_yticklabels(["little", "most"], fontsize=8)
        bar.set_label("speaks for the decided class (Grad-CAM)", fontsize=8)
    return figure
