"""Features of images laid out in a plane."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dfbench.results.figures.base import Title, colour, mark, new, shortened

_MOST = 1_000
_COMPONENTS = 50


def tsne(X: NDArray[np.float32], seed: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Lay features out by t-SNE (van der Maaten and Hinton, JMLR 2008).

    Parameters
    ----------
    X
        Shape (n, d); standardised and reduced to 50 principal components first.
    seed
        Of the layout, and of the choice of 1,000 rows where there are more.

    Returns
    -------
    tuple
        Row numbers, ascending, and their points, shape (m, 2).
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from sklearn.preprocessing import StandardScaler

    rows = np.arange(len(X))
    if len(X) > _MOST:
        rows = np.sort(np.random.default_rng(seed).choice(len(X), _MOST, replace=False))
    values = StandardScaler().fit_transform(np.asarray(X[rows], dtype=np.float64))
    keep = min(_COMPONENTS, *values.shape)
    values = PCA(keep, svd_solver="full").fit_transform(values)
    perplexity = max(1.0, min(30.0, (len(rows) - 1) / 3))
    layout = TSNE(perplexity=perplexity, init="pca", random_state=seed)
    return rows, np.asarray(layout.fit_transform(values), dtype=np.float64)


def scatter(
    points: NDArray[np.float64],
    labels: NDArray[np.int64],
    *,
    classes: Sequence[str],
    title: Title,
) -> Figure:
    """Draw points of shape (m, 2), a colour and a mark for each class."""
    figure = new(
        7, 5.6, f"{title}" if len(labels) == title.n else f"{title}, {len(labels):,} shown"
    )
    axes = figure.add_subplot()
    for k, name in enumerate(shortened(classes, 20)):
        own = points[labels == k]
        axes.scatter(
            own[:, 0], own[:, 1], s=16, marker=mark(k), color=colour(k),
            alpha=0.7, linewidths=0, label=name,
        )  # fmt: skip
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(
        "t-SNE: neighbours are alike, distances and sizes of groups say little", fontsize=9
    )
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure
