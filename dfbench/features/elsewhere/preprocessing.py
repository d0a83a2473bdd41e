"""From an image to what a network takes: size, layout, normalisation, as a suite tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import ParameterError
from dfbench.features.common.checks import choice, is_number, is_whole
from dfbench.features.common.resizing import Fit, fitted
from dfbench.images import Image

Layout = Literal["NCHW", "NHWC"]
Channels = Literal["RGB", "BGR"]
Interpolation = Literal["bilinear", "bicubic", "lanczos", "nearest"]
MOST = 4096
"""Pixels of a side."""


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How an image becomes the input of a network.

    Attributes
    ----------
    size
        Height and width in pixels.
    mean, std
        By channel, in the order of `channels`, of pixels in [0, `largest`].
    fit
        See `dfbench.features.common.resizing.Fit`.
    interpolation
        As Pillow resizes, which is how torchvision's transforms do.
    layout, channels
        Order of axes, and of colours.
    largest
        Value of the brightest pixel before `mean` and `std`: 1 or 255.
    """

    size: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    fit: Fit = "stretch"
    interpolation: Interpolation = "bilinear"
    layout: Layout = "NCHW"
    channels: Channels = "RGB"
    largest: float = 1.0

    def __call__(self, image: Image) -> NDArray[np.float32]:
        """Give a batch of one, float32 of shape (1, 3, H, W) or (1, H, W, 3)."""
        shown = fitted(image, *self.size, self.fit, self.interpolation)
        if self.channels == "BGR":
            shown = shown[..., ::-1]
        values = shown.astype(np.float32) * np.float32(self.largest / 255)
        mean, std = (np.array(each, np.float32) for each in (self.mean, self.std))
        values = (values - mean) / std
        if self.layout == "NCHW":
            values = values.transpose(2, 0, 1)
        return np.ascontiguousarray(values[None], dtype=np.float32)


def preprocessing(owner: str, told: dict[str, Any]) -> Preprocessing:
    """Read what a suite tells of a network's input.

    Raises
    ------
    ParameterError
        Where size, mean or std are not told, or something is not what it must be.
    """
    for name in ("size", "mean", "std"):
        if told.get(name) is None:
            raise ParameterError(
                f"{name} is to be told: what a network is given decides its scores",
                where=owner,
                hint="size = 224 (or [height, width]), mean and std by channel; mean = 0 and"
                " std = 1 leave pixels in [0, 1]",
            )
    size = told["size"]
    sides = tuple(size) if isinstance(size, list | tuple) else (size, size)
    if len(sides) != 2 or not all(is_whole(side) and 0 < side <= MOST for side in sides):
        raise ParameterError(
            f"size={size!r} is neither a side in pixels nor [height, width]", where=owner
        )
    known = {"fit": Fit, "interpolation": Interpolation, "layout": Layout, "channels": Channels}
    words = {
        name: choice(owner, name, told[name], get_args(kind))
        for name, kind in known.items()
        if name in told
    }
    largest = told.get("largest", 1)
    if largest not in (1, 255):
        raise ParameterError(f"largest={largest!r} is neither 1 nor 255", where=owner)
    mean, std = (_by_channel(owner, name, told[name]) for name in ("mean", "std"))
    if not all(each > 0 for each in std):
        raise ParameterError(f"std={told['std']!r} is not above 0", where=owner)
    return Preprocessing((sides[0], sides[1]), mean, std, largest=float(largest), **words)  # type: ignore[arg-type]


def _by_channel(owner: str, name: str, value: Any) -> tuple[float, float, float]:
    values = [value] * 3 if is_number(value) else value
    if not isinstance(values, list | tuple) or len(values) != 3 or not all(map(is_number, values)):
        raise ParameterError(f"{name}={value!r} is neither a number nor three", where=owner)
    return (float(values[0]), float(values[1]), float(values[2]))
