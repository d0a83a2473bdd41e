"""Why a detector says what it says of one picture."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from numpy.typing import NDArray

from dfbench.results.figures.base import COLOURS, SOFT, literal, new, shortened, tidy

Heat = NDArray[np.float32]
"""Shape (H, W)."""

_FOR, _AGAINST = COLOURS[1], COLOURS[0]
_SIGNED = LinearSegmentedColormap.from_list("signed", [_AGAINST, "#f4f4f4", _FOR])
_LOOKS = "inferno"
_WIDTH = 12.0
_LETTERS = 150
"""Of a line of notes."""
_MOST = 12
"""Bars of a panel."""
_LINE, _BAR, _TALLEST = 0.2, 0.26, 4.4
"""Inches of a line of notes, of a bar, of a tall picture."""


class Member(NamedTuple):
    """What one of several models says: its name, its probability of the class, its weight."""

    name: str
    probability: float
    weight: float | None


class Feature(NamedTuple):
    """A feature of the picture beside its median over the training images, and what it adds."""

    name: str
    value: float
    typical: float
    contribution: float


def explained(
    picture: NDArray[np.uint8],
    *,
    title: str,
    notes: Sequence[str] = (),
    sides: tuple[str, str],
    heat: Heat | None = None,
    heat_note: str = "",
    looks: Sequence[tuple[str, Heat]] = (),
    members: Sequence[Member] = (),
    threshold: float | None = None,
    families: Sequence[tuple[str, float]] = (),
    features: Sequence[Feature] = (),
    features_note: str = "",
    reading: str = "",
) -> Figure:
    """Draw a picture beside what spoke in it.

    Parameters
    ----------
    picture
        RGB, shape (H, W, 3).
    title, notes
        The verdict; what stands below it, a line each.
    sides
        The class that numbers above 0 speak for, and what those below 0 speak for.
    heat, heat_note
        Which places speak, in [-1, 1], and a line below; None where the detector sees no pixels.
    looks
        Grad-CAM in [0, 1], with the name of the network.
    members, threshold
        What the members of a derived row say; the score from which on it decides for the class.
    families
        What each adds, in log odds.
    features, features_note
        The strongest of them, and what their numbers are.
    reading
        How all of it is read; at the bottom.
    """
    lines = [line for note in notes for line in textwrap.wrap(note, _LETTERS)]
    panels: list[tuple[int, float, Callable[[Axes], None]]] = []
    if members:
        panels.append((len(members), 1.0, lambda axes: _members(axes, members, threshold, sides)))
    if families:
        panels.append((len(families), 1.0, lambda axes: _families(axes, families, sides)))
    if features:
        panels.append((len(features), 1.3, lambda axes: _features(axes, features, features_note)))
    bars = min(max((n for n, _, _ in panels), default=0), _MOST)
    wide = _WIDTH / max(2, 1 + (heat is not None) + len(looks)) - 0.4
    tall = min(wide * picture.shape[0] / picture.shape[1], _TALLEST)
    heights = (_LINE * len(lines), tall + 1.1, 0.8 + _BAR * bars if panels else 0.01)
    foot = textwrap.wrap(reading, _LETTERS)
    figure = new(_WIDTH, sum(heights) + 0.4 + _LINE * len(foot), title)
    figure.supxlabel("\n".join(foot), fontsize=8, color=SOFT)
    grid = figure.add_gridspec(3, 1, height_ratios=heights)
    _said(figure.add_subplot(grid[0]), lines)
    _images(figure, grid[1], picture, sides, heat, heat_note, looks)
    if panels:
        widths = [wide for _, wide, _ in panels]
        lower = grid[2].subgridspec(1, len(panels), width_ratios=widths)
        for place, (n, _, draw) in enumerate(panels):
            # bars of all panels are as thick
            n = min(n, _MOST)
            own = lower[place].subgridspec(2, 1, height_ratios=(n, bars - n + 0.01))
            axes = figure.add_subplot(own[0])
            draw(axes)
            axes.set_ylim(n - 0.4, -0.6)
            axes.spines["left"].set_visible(False)
            axes.tick_params(axis="y", length=0)
    return figure


def _said(axes: Axes, lines: Sequence[str]) -> None:
    axes.set_axis_off()
    axes.text(0.5, 1.0, "\n".join(map(literal, lines)), fontsize=9, ha="center", va="top",
              transform=axes.transAxes)  # fmt: skip


def _images(
    figure: Figure,
    place: SubplotSpec,
    picture: NDArray[np.uint8],
    sides: tuple[str, str],
    heat: Heat | None,
    heat_note: str,
    looks: Sequence[tuple[str, Heat]],
) -> None:
    row = place.subgridspec(1, 1 + (heat is not None) + len(looks)).subplots(squeeze=False)[0]
    for axes in row:
        axes.set_axis_off()
        axes.set_anchor("N")
    row[0].imshow(picture)
    row[0].set_title("the picture", fontsize=10)
    grey = picture.mean(axis=2)
    others = iter(row[1:])
    if heat is not None:
        axes = next(others)
        axes.imshow(140 + 0.45 * grey, cmap="gray", vmin=0, vmax=255)
        # what speaks little stays pale
        axes.imshow(heat, cmap=_SIGNED, vmin=-1, vmax=1, alpha=0.1 + 0.7 * np.abs(heat))
        axes.set_title("which places speak", fontsize=10)
        ends = (f"for {sides[1]}", "nothing", f"for {sides[0]}")
        _legend(figure, axes, ScalarMappable(Normalize(-1, 1), _SIGNED), (-1, 0, 1), ends,
                heat_note)  # fmt: skip
    for axes, (name, look) in zip(others, looks, strict=True):
        axes.imshow(grey, cmap="gray", vmin=0, vmax=255)
        drawn = axes.imshow(look, cmap=_LOOKS, vmin=0, vmax=1, alpha=0.55)
        [said] = shortened([f"where {name} looks"], 44)
        axes.set_title(said, fontsize=10)
        _legend(figure, axes, drawn, (0, 1), ("little", "most"),
                "speaks for the decided class (Grad-CAM)")  # fmt: skip


def _legend(
    figure: Figure,
    axes: Axes,
    drawn: ScalarMappable,
    ticks: Sequence[float],
    words: Sequence[str],
    note: str,
) -> None:
    bar = figure.colorbar(
        drawn, ax=axes, location="bottom", shrink=0.6, aspect=30, pad=0.02, ticks=list(ticks)
    )
    bar.ax.set_xticklabels(shortened(words, 24), fontsize=8)
    bar.outline.set_visible(False)
    bar.set_label("\n".join(textwrap.wrap(note, 70)), fontsize=8, color=SOFT)


def _members(
    axes: Axes, members: Sequence[Member], threshold: float | None, sides: tuple[str, str]
) -> None:
    rest, members = members[_MOST:], members[:_MOST]
    for at, member in enumerate(members):
        said = threshold is None or member.probability >= threshold
        colour = _FOR if said else _AGAINST
        axes.plot([0, member.probability], [at, at], color=colour, linewidth=1.5, alpha=0.5)
        axes.plot(member.probability, at, "o", color=colour, clip_on=False)
        weight = "" if member.weight is None else f"  weight {member.weight:.2f}"
        axes.text(1.05, at, f"{member.probability:.2f}{weight}", fontsize=8, va="center")
    if threshold is not None:
        axes.axvline(threshold, color=SOFT, linestyle=":", linewidth=1)
    axes.set_xlim(0, 1)
    axes.set_yticks(range(len(members)), shortened([member.name for member in members], 26))
    below = f"probability of {literal(sides[0])}"
    tidy(axes, "what the members say", below + _left_out([member.name for member in rest]))


def _left_out(names: Sequence[str]) -> str:
    """Name what a panel has no room for, below the words of its axis."""
    if not names:
        return ""
    return "\n" + textwrap.fill(f"not drawn: {', '.join(map(literal, names))}", 60)


def _families(axes: Axes, families: Sequence[tuple[str, float]], sides: tuple[str, str]) -> None:
    order = sorted(families, key=lambda each: -abs(each[1]))
    order, rest = order[:_MOST], order[_MOST:]
    names = shortened([name for name, _ in order], 22)
    _bars(
        axes,
        names,
        [value for _, value in order],
        [f"{value:+z.2f}" for _, value in order],
    )
    left, right = "\N{LEFTWARDS ARROW}", "\N{RIGHTWARDS ARROW}"
    for_one, for_other = map(literal, sides)
    below = f"{left} for {for_other}   log odds   for {for_one} {right}"
    below += _left_out([name for name, _ in rest])
    tidy(axes, "which families speak", below)


def _features(axes: Axes, features: Sequence[Feature], note: str) -> None:
    shown = features[:_MOST]
    names = shortened([feature.name for feature in shown], 34)
    said = [f"{each.value:.3g} (typical {each.typical:.3g})" for each in shown]
    _bars(axes, names, [each.contribution for each in shown], said)
    tidy(axes, "which of their values speak most", note)


def _bars(axes: Axes, names: Sequence[str], values: Sequence[float], said: Sequence[str]) -> None:
    """Draw bars to both sides of 0, what is said of each at the right."""
    colours = [_FOR if value >= 0 else _AGAINST for value in values]
    axes.barh(range(len(values)), values, color=colours, height=0.62)
    axes.axvline(0, color="black", linewidth=0.8)
    reach = 1.08 * max([abs(value) for value in values] + [1e-9])
    axes.set_xlim(-reach, reach)
    for at, words in enumerate(said):
        axes.text(1.02, at, words, fontsize=8, va="center", transform=axes.get_yaxis_transform())
    axes.set_yticks(range(len(names)), names)
