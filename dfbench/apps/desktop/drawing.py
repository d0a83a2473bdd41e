"""What the window draws: the picture, as large as there is room, and the scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from dfbench.apps.desktop.words import elided, visible
from dfbench.images import Image, opencv

if TYPE_CHECKING:
    import tkinter as tk

    from dfbench.apps.desktop.palette import Palette
    from dfbench.detectors.verdict import Verdict

_MOST = 1600
"""Pixels of the longer side of what is kept to be drawn."""

_TIMES = 8
"""As often at most a pixel is repeated to each side."""


def reduced(pixels: Image) -> Image:
    """Make a picture small enough to be drawn again whenever the window changes its size."""
    return fitted(pixels, _MOST, _MOST) if max(pixels.shape) > _MOST else pixels


def fitted(pixels: Image, width: int, height: int) -> Image:
    """Scale a picture down to fit; a small one is enlarged by whole numbers, its pixels visible.

    Parameters
    ----------
    pixels
        RGB, shape (H, W, 3), dtype uint8.
    width, height
        The room, in pixels.
    """
    cv2 = opencv()
    h, w = pixels.shape[:2]
    share = min(width / w, height / h)
    if share >= 2:
        times = min(int(share), _TIMES)
        return np.repeat(np.repeat(pixels, times, axis=0), times, axis=1)
    if share >= 1:
        return pixels
    size = max(1, int(w * share)), max(1, int(h * share))
    found: Image = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return found


def photo(root: tk.Misc, pixels: Image) -> tk.PhotoImage:
    """Make a picture that Tk shows."""
    import tkinter as tk

    height, width = pixels.shape[:2]
    data = b"P6 %d %d 255\n" % (width, height) + np.ascontiguousarray(pixels).tobytes()
    return tk.PhotoImage(master=root, data=data, format="PPM")


def draw_scores(
    canvas: tk.Canvas, verdict: Verdict, positive: int | None, palette: Palette, unit: float
) -> None:
    """Draw a score between 0 and 1 with its threshold, or a bar for each class.

    Parameters
    ----------
    canvas
        Is emptied, and made as high as it takes.
    verdict, positive
        What is drawn, and the number of the positive class.
    palette, unit
        Colours, and pixels of a length of 1/96 inch.
    """
    canvas.delete("all")
    if verdict.score is None or verdict.threshold is None or positive is None:
        _draw_bars(canvas, verdict, palette, unit)
    else:
        _draw_scale(canvas, verdict, positive, palette, unit)
    box = canvas.bbox("all")
    if box:
        canvas.configure(height=box[3] + 2)


def _draw_scale(
    canvas: tk.Canvas, verdict: Verdict, positive: int, palette: Palette, unit: float
) -> None:
    from tkinter.font import Font

    edge, middle = 9 * unit, 12 * unit
    width = max(int(canvas.cget("width")) - 2 * edge, 20 * unit)

    def at(share: float | None) -> float:
        return edge + width * min(1.0, max(0.0, share or 0.0))

    limit = at(verdict.threshold)
    for start, end, colour in (
        (at(0), limit, palette.negative),
        (limit, at(1), palette.positive),
    ):
        canvas.create_line(start, middle, end, middle, fill=colour, width=8 * unit)
    tick = 10 * unit
    canvas.create_line(limit, middle - tick, limit, middle + tick, fill=palette.ink, width=2 * unit)
    x, r = at(verdict.score), 7 * unit
    canvas.create_oval(
        *(x - r, middle - r, x + r, middle + r),
        fill=palette.sheet,
        outline=palette.ink,
        width=3 * unit,
    )
    font = Font(canvas, name="TkDefaultFont", exists=True)
    other = next(name for k, name in enumerate(verdict.classes) if k != positive)
    anchor: Literal["nw", "ne"]
    for name, x, anchor in ((other, at(0), "nw"), (verdict.classes[positive], at(1), "ne")):
        text = elided(visible(name), font.measure, 0.45 * width)
        canvas.create_text(
            x, middle + 13 * unit, text=text, anchor=anchor, fill=palette.soft, font=font
        )


def _draw_bars(canvas: tk.Canvas, verdict: Verdict, palette: Palette, unit: float) -> None:
    from tkinter.font import Font

    width = int(canvas.cget("width"))
    font = Font(canvas, name="TkDefaultFont", exists=True)
    line = font.metrics("linespace") + 6 * unit
    order = np.argsort(-verdict.probabilities, kind="stable").tolist()
    names = [elided(visible(verdict.classes[k]), font.measure, 0.45 * width) for k in order]
    left = max(map(font.measure, names)) + 8 * unit
    room = max(width - left - font.measure("0.00") - 8 * unit, 10 * unit)
    for row, (number, name) in enumerate(zip(order, names, strict=True)):
        middle = (row + 0.5) * line
        share = float(verdict.probabilities[number])
        canvas.create_text(0, middle, text=name, anchor="w", fill=palette.ink, font=font)
        canvas.create_line(
            *(left, middle, left + max(1.0, share * room), middle),
            fill=palette.negative,
            width=8 * unit,
        )
        canvas.create_text(
            width, middle, text=f"{share:.2f}", anchor="e", fill=palette.ink, font=font
        )
