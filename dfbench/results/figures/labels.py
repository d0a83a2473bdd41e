"""Labels of points that cover neither each other nor the points."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from matplotlib.axes import Axes

from dfbench.results.figures import fonts

Box = tuple[float, float, float, float]
"""Left, bottom, right and top, in pixels."""

_NEAR = (9.0, 12.0, 17.0, 24.0)
_FAR = (34.0, 48.0, 64.0, 84.0, 108.0)
"""Distances from a point that are tried, in pixels at 100 dots an inch."""
_ANGLES = (0, 45, 90, -45, 135, 180, -90, -135, 20, 70, 110, 160, -20, -70, -110, -160)
"""Directions, in degrees, the one most easily read first."""


def overlap(a: Box, b: Box) -> float:
    """Area that two boxes share."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return max(0.0, width) * max(0.0, height)


def place(
    anchors: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    obstacles: Sequence[Box],
    bounds: Box,
    needed: Sequence[bool],
) -> list[Box | None]:
    """Find a free place near its point for each label, one after the other.

    Parameters
    ----------
    anchors
        Points, in pixels.
    sizes
        Width and height of each label.
    obstacles
        What no label may cover.
    bounds
        What none may leave.
    needed
        Whether a label has to stand: it may then lie further away, or, where everything is taken,
        in the way of something. The others are left out.

    Returns
    -------
    list of Box or None
        In the order of the labels.
    """
    found: list[Box | None] = [None] * len(anchors)
    taken = list(obstacles)
    for index in sorted(range(len(anchors)), key=lambda i: (not needed[i], i)):
        distances = _NEAR + _FAR if needed[index] else _NEAR
        best: tuple[float, Box] | None = None
        for box in _around(anchors[index], sizes[index], distances):
            if not _inside(box, bounds):
                continue
            covered = sum(overlap(box, other) for other in taken)
            if best is None or covered < best[0]:
                best = covered, box
            if covered == 0:
                break
        if best is not None and (needed[index] or best[0] == 0):
            found[index] = best[1]
            taken.append(best[1])
    return found


def _around(
    anchor: tuple[float, float], size: tuple[float, float], distances: Sequence[float]
) -> Iterator[Box]:
    width, height = size
    for distance in distances:
        for angle in _ANGLES:
            x = math.cos(math.radians(angle))
            y = math.sin(math.radians(angle))
            # the nearest edge or corner of the box lies on the circle
            left = anchor[0] + distance * x - width * (1 - x) / 2
            bottom = anchor[1] + distance * y - height * (1 - y) / 2
            yield left, bottom, left + width, bottom + height


def _inside(box: Box, bounds: Box) -> bool:
    return (
        box[0] >= bounds[0] and box[1] >= bounds[1] and box[2] <= bounds[2] and box[3] <= bounds[3]
    )


def annotate(
    axes: Axes,
    points: Sequence[tuple[float, float]],
    names: Sequence[str],
    needed: Sequence[bool],
    radii: Sequence[float],
    lines: Sequence[tuple[tuple[float, float], tuple[float, float]]] = (),
) -> None:
    """Write names beside points, with a thin line to those that stand further away.

    The layout of the figure is fixed by this: nothing may be added afterwards that moves the axes.

    Parameters
    ----------
    axes
        With their limits.
    points
        In data coordinates.
    names, needed
        As in `place`; what is needed stands in darker ink.
    radii
        Of the points, in pixels.
    lines
        Level or upright ones that names are kept off, in data coordinates.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    anchors = [tuple(map(float, axes.transData.transform(point))) for point in points]
    texts = [
        axes.text(
            0, 0, name, fontsize=8 if must else 7, color="#1b1f24" if must else "#5b6570",
            transform=None, va="bottom", ha="left",
        )
        for name, must in zip(names, needed, strict=True)
    ]  # fmt: skip
    fonts.fit(figure)
    extents = [text.get_window_extent() for text in texts]
    inside = axes.get_window_extent()
    obstacles = [(x - r, y - r, x + r, y + r) for (x, y), r in zip(anchors, radii, strict=True)]
    for ends in lines:
        (x1, y1), (x2, y2) = axes.transData.transform(ends)
        obstacles.append((min(x1, x2) - 1, min(y1, y2) - 1, max(x1, x2) + 1, max(y1, y2) + 1))
    boxes = place(
        [(a[0], a[1]) for a in anchors],
        [(extent.width + 2, extent.height) for extent in extents],
        obstacles,
        (inside.x0 + 2, inside.y0 + 2, inside.x1 - 2, inside.y1 - 2),
        needed,
    )
    back = axes.transData.inverted()
    for anchor, text, box in zip(anchors, texts, boxes, strict=True):
        if box is None:
            text.remove()
            continue
        # data coordinates hold at any resolution, pixels do not
        text.set_transform(axes.transData)
        text.set_position(tuple(back.transform((box[0] + 1, box[1]))))
        near = (min(max(anchor[0], box[0]), box[2]), min(max(anchor[1], box[1]), box[3]))
        if math.dist(near, anchor) > _NEAR[-1]:
            line = [back.transform(anchor), back.transform(near)]
            axes.plot(
                [p[0] for p in line], [p[1] for p in line], color="#9aa3ad", linewidth=0.7, zorder=1
            )
