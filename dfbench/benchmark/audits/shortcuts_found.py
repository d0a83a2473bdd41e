"""Which facts about files tell the classes apart, by rank, and the normal form that hides them.

Each column of the extractor ``metadata`` is held against the class on the train split.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from dfbench.results.statistics.significance import holm
from dfbench.suites.datasets.cards.normalise import Normalise

Group = Literal["size", "format", "JPEG tables", "EXIF", "content"]
"""What a fact about a file belongs to; ``content`` is its bytes, which are as much a matter of what
an image shows as of how its file was written."""

LEAST = 0.1
"""Distance of an AUC from 0.5 that is told."""
LEVEL = 0.01
"""Of significance, for all columns together."""
_ALSO = 3
"""Columns of a group that are named besides its clearest."""

_COLUMNS: dict[str, tuple[Group, str, str]] = {
    "width": ("size", "width", "px"),
    "height": ("size", "height", "px"),
    "aspect": ("size", "aspect", ""),
    "megapixels": ("size", "area", "megapixels"),
    "format_jpeg": ("format", "JPEG", ""),
    "format_png": ("format", "PNG", ""),
    "format_webp": ("format", "WebP", ""),
    "format_gif": ("format", "GIF", ""),
    "format_bmp": ("format", "BMP", ""),
    "format_tiff": ("format", "TIFF", ""),
    "format_other": ("format", "another format", ""),
    "jpeg_luma_mean": ("JPEG tables", "mean luma step", ""),
    "jpeg_luma_first": ("JPEG tables", "first luma step", ""),
    "jpeg_luma_last": ("JPEG tables", "last luma step", ""),
    "jpeg_chroma_mean": ("JPEG tables", "mean chroma step", ""),
    "jpeg_chroma_first": ("JPEG tables", "first chroma step", ""),
    "jpeg_chroma_last": ("JPEG tables", "last chroma step", ""),
    "jpeg_quality": ("JPEG tables", "JPEG quality", ""),
    "jpeg_chroma_step_x": ("JPEG tables", "chroma step across", ""),
    "jpeg_chroma_step_y": ("JPEG tables", "chroma step down", ""),
    "jpeg_progressive": ("JPEG tables", "progressive JPEG", ""),
    "exif": ("EXIF", "EXIF", ""),
    "icc_profile": ("EXIF", "an ICC profile", ""),
    "log_bytes": ("content", "file size", "bytes"),
    "bits_per_pixel": ("content", "number of bits a pixel", "bits"),
}
"""Group, name and unit of each column of the control."""


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A column of the control that tells a class from the others.

    Attributes
    ----------
    column, group
        Of the extractor ``metadata``; what it belongs to. ``content`` is as much a matter of what
        an image shows as of how its file was written.
    label
        The class; of two classes the one to detect.
    auc
        ROC AUC of the column as a score, turned so that it is at least 0.5.
    p
        Of the two-sided Mann-Whitney U test, corrected after Holm over all columns and classes.
    inside, outside
        Median in the class and in the others; of what is there or not, the share that has it.
    """

    column: str
    group: Group
    label: int
    auc: float
    p: float
    inside: float
    outside: float


@dataclass(frozen=True, slots=True)
class Shortcuts:
    """What was found in a data set.

    Attributes
    ----------
    found
        The clearest first.
    remedy
        The normal form that takes size, format, tables and EXIF away; None where they tell nothing.
    """

    found: list[Shortcut]
    remedy: Normalise | None


class KeptShortcut(BaseModel):
    """A fact about files that tells the classes apart, as a results folder keeps it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    group: Group
    name: str
    """In words, e.g. ``mean luma step``."""
    auc: float
    """ROC AUC of the fact as a score, at least 0.5."""


class KeptShortcuts(BaseModel):
    """What tells the classes of a data set apart before anyone looks at a pixel."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    found: list[KeptShortcut]
    """The clearest of each group, the clearest first."""


def telling(
    values: NDArray[np.float32], names: list[str], labels: NDArray[np.int64], classes: list[int]
) -> list[Shortcut]:
    """Give the columns that tell one of ``classes`` from the other images.

    Parameters
    ----------
    values
        Shape (n, d), dtype float32: columns of the control.
    names
        Of the d columns.
    labels
        Shape (n,), dtype int64.
    classes
        Labels that are tried; each column counts with the one that it tells best.

    Returns
    -------
    list of Shortcut
        Those whose AUC is further than `LEAST` from 0.5 and whose corrected p is below `LEVEL`,
        the clearest first.

    Notes
    -----
    AUC = U / (n1 n2) (Mann and Whitney, 1947; Hanley and McNeil, 1982), p from the normal
    approximation with ties; Holm (1979) over columns and classes. Columns of one value are no test.
    """
    from scipy.stats import mannwhitneyu

    tried: list[tuple[int, int, float, float]] = []
    for column in np.flatnonzero(np.ptp(values, axis=0) > 0).tolist():
        for label in classes:
            inside = labels == label
            if not inside.any() or inside.all():
                continue
            one, other = values[inside, column], values[~inside, column]
            test = mannwhitneyu(one, other, method="asymptotic")
            tried.append((column, label, test.statistic / (one.size * other.size), test.pvalue))
    corrected = holm(np.array([test[3] for test in tried]))
    best: dict[int, Shortcut] = {}
    for (column, label, auc, _), p in zip(tried, corrected, strict=True):
        if abs(auc - 0.5) <= LEAST or p >= LEVEL:
            continue
        found = _shortcut(values[:, column], names[column], labels == label, label, auc, float(p))
        if column not in best or found.auc > best[column].auc:
            best[column] = found
    return sorted(best.values(), key=lambda shortcut: -shortcut.auc)


def _shortcut(
    values: NDArray[np.float32],
    name: str,
    inside: NDArray[np.bool_],
    label: int,
    auc: float,
    p: float,
) -> Shortcut:
    middle: Callable[..., Any] = np.mean if _is_flag(name) else np.median
    return Shortcut(
        column=name,
        group=_COLUMNS[name][0],
        label=label,
        auc=max(auc, 1 - auc),
        p=p,
        inside=float(middle(values[inside])),
        outside=float(middle(values[~inside])),
    )


def remedy(
    found: list[Shortcut], values: NDArray[np.float32], names: list[str], now: Normalise | None
) -> Normalise | None:
    """Give the normal form that takes away what was found, but for content.

    The size is one that hardly an image (one in twenty) has to be scaled up to, since that shows;
    the JPEG quality one that hardly an image was saved below before, since a coarser second
    compression covers the first. Without lossy images it is PNG.

    Parameters
    ----------
    found
        By `telling`.
    values, names
        As there.
    now
        What the card says now; its size and method stay.
    """
    groups = {shortcut.group for shortcut in found} - {"content"}
    if not groups:
        return None
    column = {name: values[:, place] for place, name in enumerate(names)}
    size = now.size if now else None
    method = now.method if now else "resize"
    if size is None and "size" in groups:
        side = float(np.quantile(np.minimum(column["width"], column["height"]), 0.05))
        size, method = int(np.clip(side // 8 * 8, 8, 4096)), "crop"
    if not column["format_jpeg"].any() and not column["format_webp"].any():
        return Normalise(size=size, method=method, format="png")
    saved = column["jpeg_quality"][column["jpeg_quality"] > 0]
    quality = int(np.clip(np.quantile(saved, 0.05), 50, 95)) if saved.size else 90
    return Normalise(size=size, method=method, format="jpeg", quality=quality)


def word(found: list[Shortcut], classes: list[str]) -> list[str]:
    """Say what was found: a line for each group, its clearest column in full.

    Examples
    --------
    >>> width = Shortcut("width", "size", 1, 0.98, 1e-9, 1024.0, 256.0)
    >>> word([width], ["Real", "Fake"])
    ['size: the width tells the classes apart: AUC 0.98; median 256 px for Real, 1,024 px for Fake']
    """
    groups: dict[Group, list[Shortcut]] = {}
    for shortcut in found:
        groups.setdefault(shortcut.group, []).append(shortcut)
    lines = []
    for group in ("size", "format", "JPEG tables", "EXIF", "content"):
        if group in groups:
            first, *others = groups[group]
            also = [f"{_COLUMNS[s.column][1]} {s.auc:.2f}" for s in others[:_ALSO]]
            if len(others) > _ALSO:
                also.append(f"{len(others) - _ALSO} more")
            rest = f"; also {', '.join(also)}" if also else ""
            lines.append(f"{group}: {_sentence(first, classes)}{rest}")
    return lines


def clearest(found: list[Shortcut]) -> KeptShortcuts:
    """Give the clearest column of each group, as it is kept beside results."""
    kept: dict[Group, KeptShortcut] = {}
    for shortcut in found:
        name = _COLUMNS[shortcut.column][1]
        kept.setdefault(
            shortcut.group, KeptShortcut(group=shortcut.group, name=name, auc=shortcut.auc)
        )
    return KeptShortcuts(found=list(kept.values()))


def _sentence(shortcut: Shortcut, classes: list[str]) -> str:
    _, name, unit = _COLUMNS[shortcut.column]
    mine = classes[shortcut.label]
    if len(classes) == 2:
        tells, theirs = "tells the classes apart", classes[1 - shortcut.label]
    else:
        tells, theirs = f"tells {mine} from the others", "the others"
    pairs = [(theirs, shortcut.outside), (mine, shortcut.inside)]
    if shortcut.label == 0 or len(classes) > 2:
        pairs.reverse()
    if _is_flag(shortcut.column):
        shares = ", ".join(f"{100 * share:.3g} % of {whose}" for whose, share in pairs)
        return f"{name} {tells}: AUC {shortcut.auc:.2f}; {shares}"
    values = ", ".join(f"{_number(shortcut.column, v, unit)} for {whose}" for whose, v in pairs)
    return f"the {name} {tells}: AUC {shortcut.auc:.2f}; median {values}"


def _number(column: str, value: float, unit: str) -> str:
    if column == "log_bytes":
        value = np.exp(value)
    text = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{text} {unit}".rstrip()


def _is_flag(column: str) -> bool:
    """Whether a column says of something that it is there or not."""
    return column.startswith("format_") or column in {"jpeg_progressive", "exif", "icc_profile"}
