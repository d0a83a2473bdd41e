"""Images that a row was surest about, right and wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dfbench.results.figures.base import COLOURS, SOFT, Title, broken, new, shortened
from dfbench.results.statistics.sample import decide

_LETTERS = 30
"""Of a line below an image."""


def most_confident(
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    positive: int | None,
    threshold: float | None,
    count: int = 5,
) -> list[int]:
    """Give the row numbers of the surest right verdicts, then of the surest wrong ones.

    Sure is the score of the class that was decided for; equal ones stand in their order.
    """
    said = decide(probabilities, positive=positive, threshold=threshold)
    sure = probabilities[np.arange(len(labels)), said]
    order = np.argsort(-sure, kind="stable")
    right = [int(row) for row in order if said[row] == labels[row]]
    wrong = [int(row) for row in order if said[row] != labels[row]]
    return right[:count] + wrong[:count]


def caption(true: int, predicted: int, confidence: float, classes: Sequence[str]) -> str:
    """Word a verdict."""
    names = shortened(classes)
    if true == predicted:
        return f"{names[true]}\n{confidence:.3f}"
    return f"{names[true]} \N{RIGHTWARDS ARROW} {names[predicted]}\n{confidence:.3f}"


def write_names(places: Sequence[Axes], names: Sequence[str]) -> None:
    """Write the names of files under their images, cut in the middle where they are long."""
    for axes, name in zip(places, broken(names, _LETTERS, 2), strict=True):
        # a label, as how wide it is moves no image
        axes.set_axis_on()
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        axes.set_xlabel(name, fontsize=7, color=SOFT, labelpad=3)


def right_and_wrong(
    true: Sequence[int], predicted: Sequence[int]
) -> list[tuple[str, list[int], str]]:
    """Give the places of right verdicts, then of wrong ones, each with its word and colour."""
    right = [true[i] == predicted[i] for i in range(len(true))]
    return [
        ("right", [i for i, hit in enumerate(right) if hit], COLOURS[0]),
        ("wrong", [i for i, hit in enumerate(right) if not hit], COLOURS[1]),
    ]


def examples(
    images: Sequence[NDArray[np.uint8]],
    true: Sequence[int],
    predicted: Sequence[int],
    confidence: Sequence[float],
    *,
    names: Sequence[str],
    classes: Sequence[str],
    title: Title,
) -> Figure:
    """Draw images with their verdicts, the right ones above the wrong ones.

    Parameters
    ----------
    images
        RGB.
    true, predicted
        Class numbers.
    confidence
        Score of the predicted class.
    names
        Paths of the images in the data set.
    classes
        Names.
    title
        Whose figure it is.
    """
    rows = right_and_wrong(true, predicted)
    columns = max(1, *(len(chosen) for _, chosen, _ in rows))
    figure = new(max(6.0, 2 * columns), 6.0, str(title))
    grid = figure.subplots(2, columns, squeeze=False)
    places: dict[int, Axes] = {}
    for line, (name, chosen, colour) in zip(grid, rows, strict=True):
        for axes in line:
            axes.set_axis_off()
        for axes, i in zip(line, chosen, strict=False):
            axes.imshow(images[i])
            said = caption(true[i], predicted[i], confidence[i], classes)
            axes.set_title(said, fontsize=9, color=colour)
            places[i] = axes
        if not chosen:
            line[0].text(0.0, 0.5, f"none was {name}", color=SOFT, fontsize=10)
    write_names(list(places.values()), [names[i] for i in places])
    figure.supxlabel(
        "surest right verdicts above, surest wrong ones below (true \N{RIGHTWARDS ARROW} decided)",
        fontsize=9,
        color=SOFT,
    )
    return figure
