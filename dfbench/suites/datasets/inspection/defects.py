"""Defects of a data set: images that cannot be decoded, and what may mislead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dfbench.errors import ImageError
from dfbench.files import Progress
from dfbench.images import at_hand, contents, decode, read_header
from dfbench.received.files import why
from dfbench.suites.datasets.facts import in_place, in_threads
from dfbench.suites.datasets.kinds import shared_kinds
from dfbench.suites.datasets.manifest import Dataset


@dataclass(frozen=True, slots=True)
class Defect:
    """Something wrong with an image of a data set.

    Attributes
    ----------
    path
        Relative to the data set's root.
    reason
        What is wrong, in a line.
    kind
        ``broken``: the image cannot be read and is left out of runs. ``warning``: it can be read,
        but figures of the data set may mislead.
    """

    path: str
    reason: str
    kind: Literal["broken", "warning"] = "broken"


def find_defects(dataset: Dataset, progress: Progress | None = None) -> list[Defect]:
    """Decode every image and list what is wrong.

    Parameters
    ----------
    dataset
        As loaded.
    progress
        Called with (images read, images in all).

    Returns
    -------
    list of Defect
        Broken images sorted by path; then warnings: kinds of fakes that are told of real images
        too.
    """
    manifest = dataset.manifest
    lines = list(zip(manifest["path"].tolist(), manifest["error"].tolist(), strict=True))

    def read(batch: Sequence[tuple[str, str]]) -> list[Defect]:
        return [
            Defect(path, reason)
            for path, error in batch
            if (reason := error or _fault(dataset, path))
        ]

    order, batch = in_place(dataset.root, [path for path, _ in lines])
    lines = [lines[at] for at in order.tolist()]
    broken = [each for found in in_threads(read, lines, progress, batch=batch) for each in found]
    broken.sort(key=lambda defect: defect.path)
    return broken + _shared_kinds(dataset)


def _fault(dataset: Dataset, path: str) -> str:
    try:
        data = contents(dataset.root / path)
        header = read_header(data)
        with at_hand(header.width, header.height):
            decode(data)
    except ImageError as error:
        return str(error)
    except OSError as error:
        return why(error)
    return ""


def _shared_kinds(dataset: Dataset) -> list[Defect]:
    return [
        Defect(
            paths[0],
            f"kind {kind!r} is told of {len(paths)} real image{'s' * (len(paths) > 1)} too, where "
            "it is not looked at: kinds are of fakes",
            "warning",
        )
        for kind, paths in shared_kinds(dataset).items()
    ]
