"""Reading every image of a data set to the last pixel, and what else makes a data set unsound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dfbench.errors import ImageError
from dfbench.files import Progress
from dfbench.images import decode
from dfbench.suites.kinds import shared_kinds
from dfbench.suites.manifest import Dataset, in_threads


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with an image.

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


def check(dataset: Dataset, progress: Progress | None = None) -> list[Finding]:
    """Decode every image and list what is wrong.

    Parameters
    ----------
    dataset
        As loaded.
    progress
        Called with (images read, images in all).

    Returns
    -------
    list of Finding
        Broken images sorted by path; then warnings: equal files in different splits or with
        different labels (one finding for each set of equal files), groups in several splits,
        kinds of fakes that are told of real images too.
    """
    manifest = dataset.manifest
    lines = list(zip(manifest["path"].tolist(), manifest["error"].tolist(), strict=True))

    def read(batch: Sequence[tuple[str, str]]) -> list[Finding]:
        return [
            Finding(path, reason)
            for path, error in batch
            if (reason := error or _fault(dataset, path))
        ]

    broken = [finding for found in in_threads(read, lines, progress) for finding in found]
    return broken + _equal_files(dataset) + _straddling(dataset) + _shared_kinds(dataset)


def _fault(dataset: Dataset, path: str) -> str:
    try:
        decode((dataset.root / path).read_bytes())
    except ImageError as error:
        return str(error)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return ""


def _equal_files(dataset: Dataset) -> list[Finding]:
    manifest = dataset.manifest
    twice = manifest[manifest["sha256"].duplicated(keep=False) & (manifest["sha256"] != "")]
    findings = []
    for _, same in twice.groupby("sha256", sort=False):
        paths = same["path"].tolist()
        others = ", ".join(paths[1:4]) + (f" and {len(paths) - 4} more" if len(paths) > 4 else "")
        if same["split"].nunique() > 1:
            splits = " and ".join(sorted(same["split"].unique()))
            reason = f"the same file lies in {splits}: {others}"
            findings.append(Finding(paths[0], reason, "warning"))
        if same["label"].nunique() > 1:
            reason = f"the same file has another label: {others}"
            findings.append(Finding(paths[0], reason, "warning"))
    return findings


def _straddling(dataset: Dataset) -> list[Finding]:
    manifest = dataset.manifest[dataset.manifest["group"] != ""]
    findings = []
    for group, same in manifest.groupby("group"):
        if same["split"].nunique() > 1:
            splits = " and ".join(sorted(same["split"].unique()))
            reason = f"group {group!r} ({len(same)} images) lies in {splits}"
            findings.append(Finding(same["path"].iloc[0], reason, "warning"))
    return findings


def _shared_kinds(dataset: Dataset) -> list[Finding]:
    return [
        Finding(
            paths[0],
            f"kind {kind!r} is told of {len(paths)} real image{'s' * (len(paths) > 1)} too, where "
            "it is not looked at: kinds are of fakes",
            "warning",
        )
        for kind, paths in shared_kinds(dataset).items()
    ]
