"""How a data set's card has its images shown."""

from __future__ import annotations

from dfbench.features.views.view import Normal, View, view
from dfbench.suites.datasets.manifest import Dataset


def view_of(dataset: Dataset, chain: str = "") -> View:
    """Give the view of a data set: the normal form of its card, then a chain of operations.

    Parameters
    ----------
    dataset
        Its card says what all images are made into first.
    chain
        E.g. ``resize=0.5+jpeg=70``; empty for none.

    Raises
    ------
    DfbenchError
        If the chain is none.
    """
    normalise = dataset.card.normalise
    return view(chain, Normal(**normalise.model_dump()) if normalise else None)
