"""How an image is changed before anything sees it: made alike by its data set, then perturbed."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any, Literal

from dfbench.features.common.resizing import resize
from dfbench.features.views.operations import VERSION, Operation, jpeg, parse_chain, png
from dfbench.images import Image, decode


@dataclass(frozen=True)
class Normal:
    """What all images of a data set are made into, so that files tell nothing of their origin.

    Attributes
    ----------
    size
        Side of the square in pixels; None leaves images at their own size.
    method
        ``"resize"`` scales the whole image, whatever its aspect; ``"crop"`` cuts out the largest
        centred square first. Both scale up what is smaller.
    format
        ``"jpeg"`` or ``"png"``: written anew without metadata. None changes pixels alone, and
        leaves what reads files the file as it lies on disk.
    quality
        Of the JPEG, 1 to 100; None otherwise.
    """

    size: int | None = None
    method: Literal["resize", "crop"] = "resize"
    format: Literal["jpeg", "png"] | None = None
    quality: int | None = None


@dataclass(frozen=True)
class View:
    """What is done to each image: the data set's normal form, then a chain of operations."""

    normal: Normal | None = None
    chain: tuple[Operation, ...] = ()

    @property
    def of_file(self) -> View:
        """The part of it that reaches what reads files: all up to the last file written."""
        last = max((at for at, step in enumerate(self.chain, 1) if step.writes), default=0)
        if last:
            return View(self.normal, self.chain[:last])
        return View(self.normal) if self.normal and self.normal.format else View()

    def identity(self) -> dict[str, Any]:
        """Everything that determines the pixels beside the image, as JSON-able values.

        Where nothing or the size alone is changed it has the form that it had before there was
        more, so that what was stored then is still found.
        """
        normal = self.normal or Normal()
        scales_only = normal == Normal(size=normal.size)
        found: dict[str, Any] = {"resize": normal.size if scales_only else None}
        if not scales_only:
            found["normalise"] = asdict(normal)
        if self.chain:
            found["chain"] = str(self)
        if len(found) > 1:
            found["operations"] = VERSION
        return found

    def __str__(self) -> str:
        return "+".join(map(str, self.chain))


PLAIN = View()
"""Images as they are."""


def view(text: str = "", normal: Normal | None = None) -> View:
    """Make the view of a chain such as ``resize=0.5+jpeg=70``; of none where ``text`` is empty.

    Raises
    ------
    DfbenchError
        As `parse_chain`.
    """
    return View(normal, parse_chain(text) if text else ())


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """An image as it is shown to an extractor.

    Attributes
    ----------
    image
        RGB, shape (H, W, 3), dtype uint8.
    file
        Content of the file that was written last, which need not hold these pixels: what happened
        to them since stays unwritten.
    """

    image: Image
    file: bytes


def normalise(seen: Seen, normal: Normal | None) -> Seen:
    """Bring an image into the normal form of its data set.

    Raises
    ------
    ImageError
        If the image is too large for the format.
    """
    if normal is None:
        return seen
    image = seen.image
    if normal.size is not None:
        image = resize(_square(image) if normal.method == "crop" else image, normal.size)
    if normal.format is None:
        return Seen(image, seen.file)
    if normal.format == "png":
        return Seen(image, png(image))
    file = jpeg(image, normal.quality or 90)
    return Seen(decode(file), file)


def perturb(seen: Seen, chain: tuple[Operation, ...], sha256: str) -> Seen:
    """Apply a chain of operations.

    Parameters
    ----------
    seen
        What the first one is applied to.
    chain
        From first to last.
    sha256
        Of the image's file on disk: with the operation it seeds what is left to chance, so that
        the outcome depends on no other image.

    Raises
    ------
    ImageError
        If the image is too large for a format.
    """
    for place, step in enumerate(chain):
        state = hashlib.sha256(f"{sha256} {place} {step}".encode()).digest()
        new = step(seen.image, int.from_bytes(state[:16], "big"))
        seen = Seen(decode(new), new) if isinstance(new, bytes) else Seen(new, seen.file)
    return seen


def _square(image: Image) -> Image:
    """Cut the largest centred square out."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]
