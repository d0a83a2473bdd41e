"""Fonts of other scripts: names of files and rows may be in any."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, fontManager, get_font
from matplotlib.text import Text

OWN = "DejaVu Sans"
"""Matplotlib brings it along; it has Latin, Greek, Cyrillic, Arabic and Hebrew letters."""
_BLANKS = "\n\t"
_UPRIGHT = ("normal", 400)


def readable(text: str) -> str:
    r"""Spell the characters that no font here can draw: ``\u4e2d`` in place of an empty box."""
    if text.isascii():
        return text
    return "".join(
        c if c in _BLANKS or _family(c) else c.encode("unicode_escape").decode() for c in text
    )


def fit(figure: Figure) -> None:
    """Have the texts of a figure drawn with fonts that have their characters.

    To be called when all texts are there, and before one is measured.
    """
    every = figure.findobj(Axes)
    ticks = [axis for axes in every for axis in (axes.xaxis, axes.yaxis)]
    for axis in ticks:
        if families := _families(label.get_text() for label in axis.get_ticklabels()):
            axis.set_tick_params(labelfontfamily=families)
    for text in figure.findobj(Text):
        if families := _families([text.get_text()]):
            # few fonts have a bold one
            text.set(fontfamily=families, fontweight="normal")


def _families(texts: Iterable[str]) -> list[str]:
    """Give the fonts that texts take; none where our own does."""
    wanted = sorted({c for text in texts if not text.isascii() for c in text} - set(_BLANKS))
    found = dict.fromkeys([OWN, *filter(None, map(_family, wanted))])
    return list(found) if len(found) > 1 else []


@functools.cache
def _family(character: str) -> str | None:
    """Give the first font that has a character; None where none has it."""
    code = ord(character)
    return next((name for name in _names() if code in _characters(name)), None)


@functools.cache
def _characters(name: str) -> frozenset[int]:
    """Give the characters that a font has; none of what is gone, or no font after all."""
    try:
        return frozenset(get_font(findfont(name, fallback_to_default=False)).get_charmap())
    except (OSError, RuntimeError, ValueError):
        return frozenset()


@functools.cache
def _names() -> list[str]:
    """List the fonts here: our own, those that are like it, all others."""

    def order(name: str) -> tuple[bool, bool, bool, str]:
        return name != OWN, not name.startswith("Noto Sans"), "Sans" not in name, name

    # a font of last resort has a box for everything
    upright = {each.name for each in fontManager.ttflist if (each.style, each.weight) == _UPRIGHT}
    return sorted((name for name in upright if "Last Resort" not in name), key=order)
