"""An explanation as a figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dfbench.detectors.explaining import words
from dfbench.detectors.explaining.explanation import Explanation
from dfbench.errors import OutputError
from dfbench.files import check_writable
from dfbench.images import small

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LOOKS = 2
"""Networks whose maps are drawn, those of most weight."""
_DRAWN = 1_000
"""Pixels of the longer side of a picture that is drawn."""


def check_path(path: Path, image: Path) -> None:
    """Raise `OutputError` where the explanation of an image cannot be drawn into a file."""
    if path.suffix.lower() != ".png":
        raise OutputError("an explanation is drawn as .png", where=path)
    if path.exists() and image.exists() and path.samefile(image):
        raise OutputError("is the picture itself", where=path, hint="give another --out")
    check_writable(path.parent)


def draw(found: Explanation, path: Path) -> None:
    """Draw an explanation into a file."""
    from dfbench.results.figures.base import save

    save(figure(found), path)


def figure(found: Explanation) -> Figure:
    """Draw an explanation."""
    from dfbench.results.figures.explanation import Feature, Member, explained

    seen, leading = found.occlusion, found.leading
    several = found.several
    order = sorted(found.voices, key=lambda voice: -(voice.weight or 0.0))
    looks = [(voice.row, small(voice.cam, _DRAWN)) for voice in order if voice.cam is not None]
    features: list[Feature] = []
    note = ""
    if leading is not None and leading.contributions is not None:
        features = [Feature(*vars(each).values()) for each in leading.contributions.bins]
        way = "log odds" if leading.contributions.summed else "log odds lost were it typical"
        note = f"{way} ({leading.row})" if several else way
    return explained(
        small(found.picture.pixels, _DRAWN),
        title=words.verdict(found),
        notes=[
            " \N{MIDDLE DOT} ".join(filter(None, [found.detector, found.picture.name])),
            *filter(None, [words.outside(found), "" if seen else words.places(found)]),
        ],
        sides=(found.explained, found.against),
        heat=None if seen is None else small(seen.heat, _DRAWN),
        heat_note=words.places(found) if seen else "",
        looks=looks[:_LOOKS],
        members=[Member(v.row, v.probability, v.weight) for v in found.voices] if several else (),
        threshold=found.verdict.threshold,
        families=[(each.name, each.contribution) for each in found.families],
        features=features,
        features_note=note,
        reading=words.reading(found),
    )
