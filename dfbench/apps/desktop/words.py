"""What a detector says of a picture, in paragraphs for the window."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple

from dfbench.apps.words import said
from dfbench.plain import in_line

if TYPE_CHECKING:
    from dfbench.detectors.detector import Detector
    from dfbench.detectors.verdict import Verdict

Style = Literal["label", "text", "scale", "warning", "head", "item", "soft"]


class Paragraph(NamedTuple):
    """A piece of what is told."""

    style: Style
    """``scale`` is a place for a drawing of the scores."""
    text: str = ""


def told(detector: Detector, verdict: Verdict) -> list[Paragraph]:
    """Tell a verdict with all that a reader must know beside it."""
    found = [
        Paragraph("soft", f"{visible(detector.name)} says"),
        Paragraph("label", visible(verdict.label)),
        Paragraph("text", visible(said(verdict, detector.positive))),
        Paragraph("scale"),
    ]
    if verdict.outside:
        reasons = visible("; ".join(verdict.outside))
        known = "The figures below say nothing about such pictures."
        found.append(Paragraph("warning", f"Outside what it was trained on: {reasons}. {known}"))
    rates = detector.rates()
    if rates:
        found.append(Paragraph("head", "On images it was tested on, at this threshold"))
        found += [Paragraph("item", visible(rate.sentence)) for rate in rates]
    if detector.contents.warnings:
        found.append(Paragraph("head", "Warnings about the data it was trained on"))
        found += [Paragraph("item", visible(text)) for text in detector.contents.warnings]
    return found


def visible(text: str) -> str:
    """Spell what is not printed, and replace what not every version of Tk survives."""
    return "".join(c if ord(c) < 0x10000 else "\N{WHITE SQUARE}" for c in in_line(text))


def elided(text: str, measure: Callable[[str], int], width: float) -> str:
    """Leave out the middle of a text that is wider than ``width``: ends of names tell most."""
    if measure(text) <= width:
        return text
    dots = "\N{HORIZONTAL ELLIPSIS}"
    least, most = 0, len(text) - 1
    while least < most:  # the most characters that fit
        kept = (least + most + 1) // 2
        if measure(text[: kept - kept // 2] + dots + text[len(text) - kept // 2 :]) <= width:
            least = kept
        else:
            most = kept - 1
    return text[: least - least // 2] + dots + text[len(text) - least // 2 :]


def message(error: Exception) -> str:
    """Word an error for a dialog."""
    from dfbench.errors import DfbenchError

    if isinstance(error, DfbenchError):
        text = error.what if error.hint is None else f"{error.what} ({error.hint})"
    elif isinstance(error, MemoryError):
        text = "there is not enough memory for it"
    else:
        text = f"a defect of dfbench: {type(error).__name__}: {error}"
    return visible(" ".join(text.split()))
