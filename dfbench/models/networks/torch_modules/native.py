"""Images at their own resolution: random crops in training, all of the canvas in evaluation."""

from __future__ import annotations

import torch
from torch import nn

from dfbench.models.networks.torch_modules.layers import Logits

_AT_A_TIME = 16
"""Canvases that are evaluated together, so that memory does not grow with the batch."""


class Cropped(nn.Module):
    """A body that makes vectors of crops, their mean over a canvas, and a layer of logits.

    In training a crop of each canvas is drawn, anew each time, by torch's generator. In evaluation
    the vectors of a grid of crops are averaged before the last layer, which is linear: so their
    logits are, as if one larger crop had been pooled. Mean probabilities would not be the logits
    of anything, and the training engine asks for logits.

    Parameters
    ----------
    body
        From images (n, 3, s, s), channels-last, to vectors (n, width).
    width
        Of its vectors.
    outputs
        Number of logits.
    dropout
        Share of a vector that is dropped in training.
    side
        Of a crop, in pixels.
    grid
        Crops along each side of the canvas in evaluation, spread evenly from edge to edge; 0: the
        body is given the whole canvas.
    """

    def __init__(
        self, body: nn.Module, *, width: int, outputs: int, dropout: float, side: int, grid: int
    ) -> None:
        super().__init__()
        self.body = body
        self.dropout = nn.Dropout(dropout)
        self.head = Logits(width, outputs)
        self.side = side
        self.grid = grid

    def extra_repr(self) -> str:
        """Tell what no layer tells: the identity of a training has it."""
        return f"side={self.side}, grid={self.grid}"

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map canvases (n, 3, S, S), S at least the side of a crop, to float32 logits."""
        if self.training:
            vectors = self.body(self._drawn(images))
        else:
            vectors = torch.cat([self._mean(some) for some in torch.split(images, _AT_A_TIME)])
        logits: torch.Tensor = self.head(self.dropout(vectors))
        return logits

    def _drawn(self, images: torch.Tensor) -> torch.Tensor:
        """Cut a crop out of each canvas."""
        free = images.shape[-1] - self.side
        if free == 0:
            return images
        places = torch.randint(free + 1, (len(images), 2)).tolist()
        return self._stacked([self._cut(*each) for each in zip(images, places, strict=True)])

    def _cut(self, image: torch.Tensor, place: list[int]) -> torch.Tensor:
        top, left = place
        return image[:, top : top + self.side, left : left + self.side]

    def _stacked(self, crops: list[torch.Tensor]) -> torch.Tensor:
        return torch.stack(crops).contiguous(memory_format=torch.channels_last)

    def _mean(self, images: torch.Tensor) -> torch.Tensor:
        """Average the vectors of all crops of each canvas."""
        if self.grid == 0:
            found: torch.Tensor = self.body(images)
            return found
        starts = self.starts(images.shape[-1])
        crops = [
            self._cut(image, [top, left]) for image in images for top in starts for left in starts
        ]
        vectors: torch.Tensor = self.body(self._stacked(crops))
        return vectors.reshape(len(images), len(starts) ** 2, -1).mean(1)

    def starts(self, canvas: int) -> list[int]:
        """Give where the crops of the grid begin along a side of the canvas."""
        free = canvas - self.side
        if self.grid == 1:
            return [free // 2]
        return [free * at // (self.grid - 1) for at in range(self.grid)]

    def maps(self, values: torch.Tensor) -> torch.Tensor:
        """Lay the maps of a layer, (n g g, C, h, w), side by side as the crops lie in a canvas.

        Returns
        -------
        Tensor of shape (n, C, g h, g w)
            For Grad-CAM; where crops overlap, what they share is in it twice.
        """
        grid = max(self.grid, 1)
        _, channels, height, width = values.shape
        apart = values.reshape(-1, grid, grid, channels, height, width)
        laid = apart.permute(0, 3, 1, 4, 2, 5).reshape(-1, channels, grid * height, grid * width)
        # copied, for a ReLU in place behind the layer would write into what is looked at
        return laid.clone()
