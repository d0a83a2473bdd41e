"""Logarithms of the discrete cosine transform of a crop, and the small network for them."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import nn

from dfbench.models.networks.torch_modules.layers import glorot

_LUMA = (0.299, 0.587, 0.114)


class LogDct(nn.Module):
    """``ln(|DCT-II(crop)| + floor)`` of each channel, standardised coefficient by coefficient.

    The transform is orthonormal, over the whole crop. The standardisation is none until
    `standardise` was called.

    Parameters
    ----------
    side
        Of the crops, in pixels.
    grey
        Whether luma (ITU-R BT.601) is transformed in the place of the three channels.
    floor
        What is added under the logarithm, in grey levels.
    """

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, *, side: int, grey: bool, floor: float) -> None:
        super().__init__()
        self.grey, self.floor = grey, floor
        self.channels = 1 if grey else 3
        shape = (self.channels, side, side)
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("deviation", torch.ones(shape))

    def extra_repr(self) -> str:
        """Tell what no tensor tells: the identity of a training has it."""
        return f"grey={self.grey}, floor={self.floor}"

    def plain(self, crops: torch.Tensor) -> torch.Tensor:
        """Map grey levels (n, 3, s, s) to logarithms (n, channels, s, s), not standardised."""
        with torch.autocast(crops.device.type, enabled=False):
            values = crops.float()
            if self.grey:
                weights = values.new_tensor(_LUMA).view(1, 3, 1, 1)
                values = (values * weights).sum(1, keepdim=True)
            basis = _basis(crops.shape[-1], crops.device)
            found = basis @ values.contiguous() @ basis.T
            return found.abs_().add_(self.floor).log_()

    def standardise(self, mean: torch.Tensor, deviation: torch.Tensor) -> None:
        """Take mean and deviation off from now on, each of shape (channels, s, s)."""
        self.mean.copy_(mean)
        # what never varies has nothing to be divided by
        self.deviation.copy_(torch.where(deviation > 0, deviation, 1.0))

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Map grey levels (n, 3, s, s) to (n, channels, s, s), float32."""
        found = (self.plain(crops) - self.mean).div_(self.deviation)
        return found.contiguous(memory_format=torch.channels_last)


class DctCnn(nn.Module):
    """Four convolutions 3x3 with ReLU over `LogDct`, 2x2 averaging after the second and third.

    Parameters
    ----------
    side, grey, floor
        Of the transform.
    channels
        Of each convolution.
    """

    def __init__(
        self, *, side: int, grey: bool, floor: float, channels: tuple[int, int, int, int]
    ) -> None:
        super().__init__()
        self.transform = LogDct(side=side, grey=grey, floor=floor)
        layers: list[nn.Module] = []
        before = self.transform.channels
        for number, width in enumerate(channels):
            layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU(inplace=True)]
            layers += [nn.AvgPool2d(2)] if number in (1, 2) else []
            before = width
        self.layers = nn.Sequential(*layers, nn.Flatten())
        self.width = channels[-1] * (side // 4) ** 2
        glorot(self)

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Map grey levels (n, 3, side, side) to vectors (n, width)."""
        vectors: torch.Tensor = self.layers(self.transform(crops))
        return vectors


@lru_cache(maxsize=8)
def _basis(side: int, device: torch.device) -> torch.Tensor:
    """Rows of the orthonormal DCT-II, float32."""
    # kept beyond the mode in which it was first asked for
    with torch.inference_mode(mode=False):
        frequency = torch.arange(side, dtype=torch.float64)[:, None]
        place = torch.arange(side, dtype=torch.float64)[None]
        basis = math.sqrt(2 / side) * torch.cos(math.pi * (place + 0.5) * frequency / side)
        basis[0] = math.sqrt(1 / side)
        return basis.float().to(device)
