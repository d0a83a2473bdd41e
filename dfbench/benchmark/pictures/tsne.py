"""The picture of the evaluated images laid out in a plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from dfbench.benchmark.pictures.base import Drawings, Fitted, Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class TsnePicture(Picture):
    """The images by their features, or by the network's last layer, in a plane."""

    name = "tsne"
    drawing = True
    captions: ClassVar = {"tsne": "t-SNE of the features, or of the network's last layer"}

    def of_model(self, cell: Fitted) -> Drawings:
        """Draw the images, where there are features to tell them apart by."""
        return {"tsne": lambda: _scatter(cell)}


def _scatter(cell: Fitted) -> Figure | None:
    from dfbench.results.figures.embedding import scatter, tsne

    inputs: Any = cell.load(range(len(cell.scores.labels)))
    vectors = inputs if cell.model.inputs == "features" else cell.model.embed(inputs)
    if vectors is None or len(vectors) <= 3:
        return None
    places, points = tsne(vectors, cell.record.seed)
    labels = cell.scores.labels[places]
    return scatter(points, labels, classes=cell.record.classes, title=cell.title)
