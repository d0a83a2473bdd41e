"""What all images of a data set are made into first: the section ``[normalise]`` of a card."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from dfbench.suites.datasets.section import Section


class Normalise(Section):
    """What every image is made into before anything sees it, so that files do not tell classes."""

    size: int | None = Field(default=None, ge=8, le=4096)
    """Side of the square in pixels; images keep their sizes where it is left out."""
    method: Literal["resize", "crop"] = "resize"
    """``resize``: the whole image is scaled to the square. ``crop``: the largest centred square of
    it is. What is smaller is scaled up, or its size would still tell."""
    format: Literal["jpeg", "png"] | None = None
    """Written anew, without metadata; where it is left out pixels alone are changed, and what
    reads files (the extractor ``metadata``) reads them as they are."""
    quality: int | None = Field(default=None, ge=1, le=100)
    """Of the JPEG; 90 where it is left out."""

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("format") == "jpeg":
            return {"quality": 90} | data
        return data

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        if self.size is None and self.format is None:
            raise ValueError("needs a size, a format, or both")
        if self.size is None and self.method != "resize":
            raise ValueError("the method needs a size to come to")
        if self.quality is not None and self.format != "jpeg":
            raise ValueError('quality is for format = "jpeg"')
        return self

    def __str__(self) -> str:
        steps = []
        if self.size is not None:
            cut = "cropped to a square and " if self.method == "crop" else ""
            steps.append(f"{cut}resized to {self.size}x{self.size} px")
        if self.format is None:
            steps.append("files not written anew")
        else:
            quality = f" of quality {self.quality}" if self.quality is not None else ""
            steps.append(f"written as {self.format.upper()}{quality} without metadata")
        return ", ".join(steps)
