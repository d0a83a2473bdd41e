"""Whether a picture is like those that a model was trained on, and in what it is not, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from dfbench.detectors.contents import SeenFiles
from dfbench.detectors.pictures import FileFacts
from dfbench.detectors.reference import ENOUGH
from dfbench.features.views.operations import Operation


def far(n: int) -> str:
    """Say that features are far from the training images, as few of n held-out ones are."""
    held = "those of 99 in 100 like them" if n >= ENOUGH else f"those of all {n} held-out images"
    return f"its features lie farther from the training images than {held}"


def seen_files(facts: Iterable[FileFacts]) -> SeenFiles | None:
    """Sum up what files were like; None where there is none."""
    its = list(facts)
    if not its:
        return None
    shorter = [min(each.width, each.height) for each in its]
    longer = [max(each.width, each.height) for each in its]
    formats = Counter(each.format for each in its)
    qualities = [each.quality for each in its if each.quality is not None]
    return SeenFiles(
        n=len(its),
        shorter=(min(shorter), max(shorter)),
        longer=(min(longer), max(longer)),
        formats=[name for name, _ in formats.most_common()],
        quality=(min(qualities), max(qualities)) if qualities else None,
    )


def with_copies(seen: SeenFiles, chains: Iterable[Sequence[Operation]]) -> SeenFiles:
    """Add the files that changed copies of training images were written as."""
    formats, qualities = list(seen.formats), list(seen.quality or ())
    for chain in chains:
        written = next((step for step in reversed(chain) if step.name in _WRITTEN), None)
        if written is not None:
            formats.append(_WRITTEN[written.name])
            qualities += [int(written.strength)] * (written.name == "jpeg")
    quality = (min(qualities), max(qualities)) if qualities else None
    return seen.model_copy(update={"formats": list(dict.fromkeys(formats)), "quality": quality})


_WRITTEN = {"jpeg": "JPEG", "webp": "WEBP"}


def unlike(seen: SeenFiles, facts: FileFacts) -> list[str]:
    """Say in what a file is unlike those that were seen; nothing where it is like them."""
    found = []
    sides = sorted((facts.width, facts.height))
    for side, (least, greatest), what in zip(
        sides, (seen.shorter, seen.longer), ("shorter", "longer"), strict=True
    ):
        if not least <= side <= greatest:
            found.append(
                f"{facts.width} x {facts.height} pixels, "
                f"of training images the {what} side has {_range(least, greatest)}"
            )
            break
    if facts.format and facts.format not in seen.formats:
        found.append(f"{facts.format}, training images are {_listed(seen.formats)}")
    elif facts.quality is not None and seen.quality is not None:
        least, greatest = seen.quality
        if not least <= facts.quality <= greatest:
            found.append(
                f"JPEG quality {facts.quality}, of training images it is {_range(least, greatest)}"
            )
    return found


def _range(least: int, greatest: int) -> str:
    return str(least) if least == greatest else f"{least} to {greatest}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
