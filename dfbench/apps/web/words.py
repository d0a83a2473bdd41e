"""What a detector says of a picture, worded for the page."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dfbench.apps.web.shown import inline, overlaid
from dfbench.apps.words import said
from dfbench.detectors.verdict import apart
from dfbench.errors import DfbenchError
from dfbench.images import small
from dfbench.plain import in_line

if TYPE_CHECKING:
    from dfbench.detectors.detector import Detector
    from dfbench.detectors.explaining.explanation import Explanation
    from dfbench.detectors.verdict import Verdict

EMPTY = '<p class="df-empty">Drop a picture, paste one, or take one with the camera.</p>'
FORGOTTEN = '<p class="df-empty">This picture is no longer held here: drop it once more.</p>'
NOTHING = '<p class="df-empty">No results folder was given.</p>'
NONE_CHOSEN = '<p class="df-empty">Choose a detector.</p>'


def escape(text: object) -> str:
    """Make text safe for the page, which also fills in templates of its own."""
    return html.escape(in_line(str(text)))


def card(detector: Detector, verdict: Verdict, name: str) -> str:
    """Show a verdict with all that a reader must know beside it."""
    positive = detector.positive
    tone = ""
    if positive is not None:
        tone = " df-for" if verdict.label == verdict.classes[positive] else " df-against"
    found = [
        f'<h2 class="df-name">{escape(name)}</h2>',
        f'<p class="df-verdict"><strong>{escape(verdict.label)}</strong>'
        f" <span>{escape(said(verdict, positive))}</span></p>",
        _scale(verdict, positive),
    ]
    if verdict.outside:
        reasons = "; ".join(map(escape, verdict.outside))
        found.append(
            '<p class="df-outside" role="alert"><b>Outside what it was trained on:</b>'
            f" {reasons}. The figures below say nothing about such pictures.</p>"
        )
    rates = "".join(f"<li>{escape(rate.sentence)}</li>" for rate in detector.rates())
    if rates:
        where = "On images it was tested on" + ("" if positive is None else ", at this threshold")
        found.append(f'<p class="df-soft">{where}:</p><ul>{rates}</ul>')
    else:
        found.append('<p class="df-soft">Its file does not tell how often it is wrong.</p>')
    if warnings := detector.contents.warnings:
        listed = "".join(f"<li>{escape(each)}</li>" for each in warnings)
        word = "warning" if len(warnings) == 1 else "warnings"
        found.append(
            f'<details class="df-warnings"><summary>{len(warnings)} {word} about the data it was'
            f" trained on</summary><ul>{listed}</ul></details>"
        )
    return f'<section class="df-card{tone}">{"".join(found)}</section>'


def broken(name: str, error: DfbenchError) -> str:
    """Say that a detector has no verdict, and why."""
    return (
        f'<section class="df-card"><h2 class="df-name">{escape(name)}</h2>'
        f'<p class="df-outside" role="alert">No verdict: {escape(error)}.</p></section>'
    )


def unreadable(error: DfbenchError) -> str:
    """Say that a picture cannot be read, and why."""
    return f'<p class="df-outside" role="alert">This picture cannot be read: {escape(error)}.</p>'


def _scale(verdict: Verdict, positive: int | None) -> str:
    """Draw the score between 0 and 1 with the threshold, or a bar for each class."""
    if verdict.score is not None and verdict.threshold is not None and positive is not None:
        at, limit = 100 * verdict.score, 100 * min(1.0, max(0.0, verdict.threshold))
        label = "score {}, threshold {}".format(*apart(verdict.score, verdict.threshold))
        others = [name for k, name in enumerate(verdict.classes) if k != positive]
        return (
            f'<div class="df-scale" role="img" aria-label="{escape(label)}">'
            f'<i class="df-limit" style="left:{limit:.2f}%"></i>'
            f'<i class="df-dot" style="left:{at:.2f}%"></i></div>'
            f'<div class="df-ends"><span>{escape(", ".join(others))}</span>'
            f"<span>{escape(verdict.classes[positive])}</span></div>"
        )
    pairs = zip(verdict.classes, verdict.probabilities.tolist(), strict=True)
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{value:.2f}</td>'
        f'<td class="df-bar"><i style="width:{100 * value:.1f}%"></i></td></tr>'
        for name, value in sorted(pairs, key=lambda pair: -pair[1])
    )
    return f'<table class="df-classes">{rows}</table>'


def cards(found: Sequence[str]) -> str:
    """Put cards side by side where there is room."""
    return f'<div class="df-cards" aria-live="polite">{"".join(found)}</div>'


def unmapped(megapixels: float) -> str:
    """Say that a picture is too large for a heat map."""
    return (
        f'<p class="df-soft">No heat map: with {megapixels:.0f} megapixels it would take minutes.'
        " <code>dfbench explain</code> draws it all the same.</p>"
    )


def explained(name: str, found: Explanation) -> str:
    """Show which places of a picture spoke, and say what did besides."""
    from dfbench.detectors.explaining.words import families, places

    image, colours = found.picture.pixels, ""
    if found.occlusion is not None and found.occlusion.heat.any():
        image = overlaid(image, found.occlusion.heat)
        colours = f"Vermilion speaks for {found.explained}, blue for {found.against}."
    said = [
        colours,
        *(f"{each[0].upper()}{each[1:]}." for each in (places(found), families(found)) if each),
    ]
    listed = "".join(f"<span>{escape(each)}</span>" for each in said if each)
    return (
        f'<figure><img alt="{escape(f"heat map of {name}")}" src="{inline(small(image, 560))}">'
        f"<figcaption><b>{escape(name)}</b>{listed}</figcaption></figure>"
    )


def maps(found: Sequence[str], left: int = 0) -> str:
    """Show what detectors go by.

    Parameters
    ----------
    found
        What `explained` gave.
    left
        How many are still to come.
    """
    if not found and not left:
        return ""
    coming = '<p class="df-soft" role="status">Covering places of the picture one by one, to see'
    coming += f" which matter to {left} detector{'s'[: left > 1]} \N{HORIZONTAL ELLIPSIS}</p>"
    return (
        f'<h2 class="df-head">What each goes by</h2><div class="df-maps">{"".join(found)}</div>'
        f"{coming if left else ''}"
    )
