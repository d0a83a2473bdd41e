"""A small network over the logarithms of the discrete cosine transform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dfbench.models.base import Inputs, Labels, apart
from dfbench.models.networks.native import NativeNetwork, native_recipe
from dfbench.models.rows import blocks

if TYPE_CHECKING:
    from torch import nn

_Width = Annotated[int, Field(ge=1, le=4096)]
_AT_A_TIME = 64
"""Images that are transformed together for the statistics."""


class DctCnn(NativeNetwork):
    """Four convolutions over ``ln(|DCT-II| + floor)`` of a crop, standardised by the training part.

    Frank and others, "Leveraging frequency analysis for deep fake image recognition", ICML 2020;
    transform and layers are those of the code that the authors published: 3x3 convolutions of 3, 8,
    16 and 32 channels with ReLU, 2x2 averaging after the second and third, logits of all that is
    left. Theirs has ``floor = 1e-12``, and sees whole images of 128 pixels: Adam at 1e-3, batches
    of 32, up to 50 epochs, until the loss on validation has not fallen for 5.

    Here rounding to whole grey levels gives each coefficient a deviation of 0.29; by default
    the logarithm looks no deeper than one grey level, and crops are drawn at random. Mean and
    deviation of each coefficient are of the middle of each training image.

    Parameters
    ----------
    channels
        Of the four convolutions.
    color
        ``rgb``: each channel is transformed; ``gray``: luma alone.
    floor
        Grey levels that are added under the logarithm.
    """

    name = "dct-cnn"
    references = ("frank2020",)
    any_side = False
    allowed: ClassVar = {
        **NativeNetwork.allowed,
        "channels": tuple[_Width, _Width, _Width, _Width],
        "color": Literal["rgb", "gray"],
        "floor": Annotated[float, Field(gt=0, le=255)],
    }
    libraries = (*NativeNetwork.libraries, "dfbench.models.networks.torch_modules.dct")
    per_pixel = 128

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the parameters of the first trial."""
        return {
            "image_size": 128,
            "crop": 128,
            "crops": 1,
            "channels": [3, 8, 16, 32],
            "color": "rgb",
            "floor": 1.0,
            "dropout": 0.5,
            **native_recipe(
                optimiser="adamw",
                lr=1e-3,
                weight_decay=1e-2,
                epochs=20,
                batch_size=32,
                schedule="cosine",
                patience=5,
                augment={"flip": True},
            ),
        }

    def body(self, side: int) -> tuple[nn.Module, int]:
        """Make what is trained, but for dropout and the last layer."""
        from dfbench.models.networks.torch_modules.dct import DctCnn

        body = DctCnn(
            side=side,
            grey=self.params["color"] == "gray",
            floor=float(self.params["floor"]),
            channels=self.params["channels"],
        )
        return body, body.width

    def prepare(self, module: nn.Module, X: Inputs) -> None:
        """Take mean and deviation of each coefficient from the middle of the training images."""
        import torch

        from dfbench.models.training.inputs import crop, inputs_of

        transform: Any = module.get_submodule("body.transform")
        recipe = self.recipe().model_copy(update={"precision": "32"})
        images, _ = apart(X)
        total = square = torch.zeros(())
        with torch.no_grad():
            for _, some in blocks(images):
                for start in range(0, len(some), _AT_A_TIME):
                    shown = inputs_of(some[start : start + _AT_A_TIME], recipe, "cpu")
                    found = transform.plain(crop(shown, int(self.params["crop"]))).double()
                    total, square = total + found.sum(0), square + found.square().sum(0)
            mean = total / len(images)
            deviation = (square / len(images) - mean.square()).clamp_min(0).sqrt()
            transform.standardise(mean, deviation)

    def cams(self, X: Inputs, classes: Labels) -> NDArray[np.float32] | None:
        """Give nothing: its maps are over frequencies, which are nowhere in an image."""
        return None
