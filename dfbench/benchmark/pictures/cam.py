"""The picture of where a network looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from dfbench.benchmark.pictures.base import Drawings, Fitted, Picture
from dfbench.benchmark.pictures.examples import ExamplesPicture, surest
from dfbench.models.base import apart

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class CamPicture(Picture):
    """Where the network looks in images of the surest verdicts (Grad-CAM)."""

    name = "cam"
    captions: ClassVar = {"cam": "where the network looks (Grad-CAM)"}
    images = staticmethod(ExamplesPicture.images)

    def of_model(self, cell: Fitted) -> Drawings:
        """Draw the maps of a model that has any."""
        return {"cam": lambda: _maps(cell)}


def _maps(cell: Fitted) -> Figure | None:
    from dfbench.results.figures.cam import maps

    rows, shown = surest(cell)
    inputs = cell.load(rows)
    heat = cell.model.cams(inputs, np.asarray(shown["predicted"], dtype=np.int64))
    if heat is None:
        return None
    return maps(list(np.asarray(apart(inputs)[0])), heat, **shown)
