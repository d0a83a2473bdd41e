"""Changed copies of training images that a row is fitted on beside them: which views, how many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import DfbenchError, ParameterError
from dfbench.features.views.operations import VERSION as OPERATIONS
from dfbench.features.views.view import view
from dfbench.suites.datasets.splits import order_of
from dfbench.suites.suite import COPIES, VIEWS

VERSION = 1
"""Raised whenever other copies are drawn for the same seed."""


@dataclass(frozen=True)
class Augmentation:
    """What joins the images that a row is fitted and tuned on.

    Attributes
    ----------
    views
        Chains of operations, as they are written in full.
    copies
        Of each image, each in another of the views.
    """

    views: tuple[str, ...]
    copies: int

    @property
    def said(self) -> str:
        """What it is, for people."""
        copies = f"{self.copies} changed {'copy' if self.copies == 1 else 'copies'} of each image"
        return f"fitted and tuned on {copies} too ({', '.join(self.views)})"

    def identity(self) -> dict[str, Any]:
        """All that determines which copies there are beside images and seed, JSON-able."""
        return {
            "views": list(self.views),
            "copies": self.copies,
            "version": VERSION,
            "operations": OPERATIONS,
        }

    def drawn(
        self,
        paths: Sequence[str],
        labels: NDArray[np.int64],
        kinds: Sequence[str],
        seed: int,
    ) -> NDArray[np.intp]:
        """Draw the views of each of n images: numbers of `views`, shape (n, copies).

        Each view comes equally often, but for `copies` at most, in every class and kind of fake: a
        view tells nothing of the class.

        Parameters
        ----------
        paths
            n different names.
        labels
            Shape (n,).
        kinds
            Of fakes; "" for none.
        seed
            Another seed gives another draw.
        """
        place = order_of(list(paths), seed)
        order = sorted(range(len(paths)), key=lambda at: (labels[at], kinds[at], place[at]))
        rank = np.empty(len(paths), np.intp)
        rank[order] = np.arange(len(paths))
        found: NDArray[np.intp] = (rank[:, None] + np.arange(self.copies)) % len(self.views)
        return found


def augmentation(
    views: Sequence[str] | Literal["default"],
    copies: int | Literal["all"] | None,
    otherwise: int | Literal["all"] | None = None,
) -> Augmentation:
    """Read what a suite says.

    Parameters
    ----------
    views
        Chains such as ``jpeg=70`` or ``resize=0.5+jpeg=70``; ``"default"`` means
        `dfbench.suites.suite.VIEWS`.
    copies
        Of each image; ``"all"``: one in each view. None: ``otherwise``.
    otherwise
        What all rows of a suite have, or as many as there are views where these are fewer; by
        default `dfbench.suites.suite.COPIES`.

    Raises
    ------
    DfbenchError
        Where a view is no chain, stands twice, or there are fewer than copies.
    """
    chains = []
    for text in VIEWS if views == "default" else views:
        try:
            chains.append(str(view(text.strip())))
        except DfbenchError as error:
            raise type(error)(error.what, where=_WHERE, hint=error.hint) from None
        if not chains[-1]:
            raise ParameterError("a view that changes nothing", where=_WHERE)
        if chains[-1] in chains[:-1]:
            raise ParameterError(f"{chains[-1]!r} stands twice", where=_WHERE)
    number = copies or otherwise or COPIES
    if number == "all" or (copies is None and number > len(chains)):
        number = len(chains)
    if number > len(chains):
        raise ParameterError(
            f"{number} copies of an image, in {len(chains)} views: no two of one image are alike",
            where="key 'copies'",
            hint='fewer copies, more views, or copies = "all"',
        )
    return Augmentation(tuple(chains), number)


_WHERE = "key 'augment'"
