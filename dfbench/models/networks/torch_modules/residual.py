"""High-pass filters in front of a small convolutional network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional
from torchvision.models.resnet import BasicBlock

from dfbench.models.networks.torch_modules.resnet import stage

SIDE = 5
"""Of a filter, in pixels."""
_MIDDLE = SIDE // 2
_NEIGHBOURS = SIDE * SIDE - 1
_GREY, _CONTRAST = 118.0, 64.0
"""Mean and deviation of the grey levels of photographs, roughly."""
_STRAIGHT = ((0, 1), (-1, 0), (0, -1), (1, 0))
_SLANTED = ((-1, 1), (-1, -1), (1, -1), (1, 1))


def srm_filters() -> NDArray[np.float32]:
    """Give the 30 linear filters of the spatial rich model, each over its quantisation step.

    Fridrich and Kodovsky (2012), section III and figure 1: differences of first order (8
    directions), second (4) and third (8), EDGE 3x3 (4 turns), SQUARE 3x3, EDGE 5x5 (4 turns) and
    SQUARE 5x5, divided by 1, 2, 3, 4, 4, 12 and 12.

    Returns
    -------
    ndarray of shape (30, 5, 5), dtype float32
    """
    ways = (*_STRAIGHT, *_SLANTED)
    first = [_along(way, {0: -1, 1: 1}) for way in ways]
    # a difference of second order is the same both ways
    second = [_along(way, {-1: 1, 0: -2, 1: 1}) / 2 for way in (*_STRAIGHT[:2], *_SLANTED[:2])]
    third = [_along(way, {-1: 1, 0: -3, 1: 3, 2: -1}) / 3 for way in ways]
    small = np.zeros((SIDE, SIDE))
    small[1:4, 1:4] = [[-1, 2, -1], [2, -4, 2], [-1, 2, -1]]
    large = np.array(
        [
            [-1, 2, -2, 2, -1],
            [2, -6, 8, -6, 2],
            [-2, 8, -12, 8, -2],
            [2, -6, 8, -6, 2],
            [-1, 2, -2, 2, -1],
        ]
    )
    squares = []
    for whole, step in ((small, 4), (large, 12)):
        half = np.where(np.arange(SIDE)[:, None] <= _MIDDLE, whole, 0)
        squares += [*(np.rot90(half, turn) / step for turn in range(4)), whole / step]
    return np.stack([*first, *second, *third, *squares]).astype(np.float32)


SYMMETRIC = (8, 9, 10, 11, 24, 29)
"""Which of `srm_filters` are the same when turned by half: second order and squares."""


def _along(way: tuple[int, int], weights: dict[int, int]) -> NDArray[np.float64]:
    """Put weights on the pixels so many steps from the middle in a direction."""
    kernel = np.zeros((SIDE, SIDE))
    for steps, weight in weights.items():
        kernel[_MIDDLE + steps * way[0], _MIDDLE + steps * way[1]] = weight
    return kernel


class Residuals(nn.Module):
    """What is left of each pixel when its neighbours have foretold it, cut off at a bound.

    Fixed filters are applied to each channel by itself, learned ones to all three at once. The
    learned ones are constrained as by Bayar and Stamm (2016): in each channel -1 at the centre, the
    others sum to 1. They are brought to it whenever they are used, by adding the same to each of
    the others. All is computed in float32: what is subtracted are numbers of like size.

    Parameters
    ----------
    fixed
        Filters, shape (m, 5, 5).
    learned
        Number of learned filters.
    bound
        Truncation T: residuals beyond -T and T become these (Fridrich and Kodovsky, 2012; as a
        layer Ye, Ni and Yi, 2017), for what is large is an edge of the scene.
    """

    def __init__(self, fixed: NDArray[np.float32], *, learned: int, bound: float) -> None:
        super().__init__()
        apart = np.zeros((3, len(fixed), 3, SIDE, SIDE), np.float32)
        for channel in range(3):
            apart[channel, :, channel] = fixed
        self.register_buffer("fixed", torch.from_numpy(apart.reshape(-1, 3, SIDE, SIDE)))
        self.free = nn.Parameter(1 / _NEIGHBOURS + 0.1 * torch.randn(learned, 3, SIDE, SIDE))
        around = torch.ones(SIDE, SIDE)
        around[_MIDDLE, _MIDDLE] = 0
        self.register_buffer("around", around, persistent=False)
        self.bound = bound

    @property
    def width(self) -> int:
        """Number of maps."""
        return len(self.fixed) + len(self.free)  # type: ignore[arg-type]

    def extra_repr(self) -> str:
        """Tell what no layer tells."""
        return f"{self.width}, bound={self.bound}"

    def constrained(self) -> torch.Tensor:
        """Give the learned filters as they are used, shape (k, 3, 5, 5)."""
        around: torch.Tensor = self.around  # type: ignore[assignment]
        others = self.free * around
        lacking = 1 - others.sum((2, 3), keepdim=True)
        return others + around * (lacking / _NEIGHBOURS) - (1 - around)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map grey levels (n, 3, s, s) to residuals (n, width, s - 4, s - 4)."""
        with torch.autocast(images.device.type, enabled=False):
            filters = torch.cat([self.fixed, self.constrained()])  # type: ignore[list-item]
            found = functional.conv2d(images.float(), filters)
            return found.clamp(-self.bound, self.bound)


class Beside(nn.Module):
    """Residuals, and the image that they were taken from as three maps more.

    The image is scaled to about zero mean and unit deviation, and loses the borders that residuals
    lack: colours and shapes are seen beside noise.

    Parameters
    ----------
    residuals
        What the image is put beside.
    """

    def __init__(self, residuals: Residuals) -> None:
        super().__init__()
        self.residuals = residuals
        self.width = residuals.width + 3

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map grey levels (n, 3, s, s) to maps (n, width, s - 4, s - 4)."""
        inside = images[..., _MIDDLE:-_MIDDLE, _MIDDLE:-_MIDDLE].float()
        return torch.cat([self.residuals(images), (inside - _GREY) / _CONTRAST], 1)


def body(
    front: Residuals | Beside, widths: Sequence[int], *, convolutions: int, shortcuts: bool
) -> nn.Sequential:
    """Put stages of 3x3 convolutions behind a front, and the mean over all places behind these.

    Each convolution has batch normalisation and ReLU. The first stage is at full resolution, where
    the traces are; before each other one, means of 2x2 are taken.

    Parameters
    ----------
    front
        What the stages are given.
    widths
        Channels of each stage.
    convolutions
        In a stage.
    shortcuts
        Whether stages behind the first have, in the place of each convolution, a basic block of a
        ResNet (He et al., CVPR 2016). It begins as its shortcut alone, with its last normalisation
        scaled by 0 (Goyal et al., 2017), so that few epochs are enough. Means are taken before it,
        for shortcuts with a stride would pass over three pixels of four.
    """
    layers: list[nn.Module] = [front]
    before = front.width
    for number, width in enumerate(widths):
        if number:
            layers.append(nn.AvgPool2d(2))
        if number and shortcuts:
            layers.append(stage(BasicBlock, before, width, convolutions, stride=1))
        else:
            for inside in (before, *[width] * (convolutions - 1)):
                layers += [
                    nn.Conv2d(inside, width, 3, padding=1, bias=False),
                    nn.BatchNorm2d(width),
                    nn.ReLU(inplace=True),
                ]
        before = width
    made = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    for block in made.modules():
        if isinstance(block, BasicBlock):
            nn.init.zeros_(block.bn2.weight)
    return made
