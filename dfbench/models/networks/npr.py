"""NPR: what upsampling leaves between neighbouring pixels, given to a truncated ResNet-50."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from dfbench.models.networks.native import NativeNetwork, halved, native_recipe

if TYPE_CHECKING:
    from torch import nn

_Width = Annotated[int, Field(ge=1, le=4096)]
_Blocks = Annotated[int, Field(ge=1, le=64)]


class Npr(NativeNetwork):
    """Each pixel less the upper left one of its 2x2 block, seen by bottlenecks of a ResNet.

    Tan and others, "Rethinking the up-sampling operations in CNN-based generative network for
    generalizable deepfake detection", CVPR 2024; the layers are those of the code that the authors
    published. ``width = 64, depth = [3, 4]`` is theirs, the first two stages of a ResNet-50 behind
    a convolution of 3x3: 1,437,761 parameters for two classes. The default is a quarter as wide, so
    that two cores can train it.

    Theirs is trained by Adam at 2e-4, times 0.8 each 10 epochs, for 50 epochs in batches of 32, on
    random crops of 224 pixels, mirrored at random, of images that were resized to 256; images to be
    judged are whole. Here no image is resized. The suite ``published`` has the rest.

    Parameters
    ----------
    width
        Channels of the first convolution; a stage gives four times as many, and twice as many as
        the one before.
    depth
        Blocks of each stage.
    """

    name = "npr"
    references = ("tan2024",)
    allowed: ClassVar = {
        **NativeNetwork.allowed,
        "width": _Width,
        "depth": Annotated[tuple[_Blocks, ...], Field(min_length=1, max_length=4)],
    }
    libraries = (*NativeNetwork.libraries, "dfbench.models.networks.torch_modules.npr")
    per_pixel = 64

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the parameters of the first trial."""
        return {
            "image_size": 192,
            "crop": 128,
            "crops": 3,
            "width": 16,
            "depth": [3, 4],
            "dropout": 0.0,
            **native_recipe(
                optimiser="adamw",
                lr=3e-3,
                weight_decay=1e-2,
                epochs=20,
                batch_size=32,
                schedule="one-cycle",
                patience=None,
                augment={"flip": True},
            ),
        }

    @classmethod
    def least_values(cls, params: Mapping[str, Any]) -> int:
        """Give those of the last stage; see `Network.least_values`."""
        return halved(int(params["crop"]), 1 + len(params["depth"])) ** 2

    def body(self, side: int) -> tuple[nn.Module, int]:
        """Make what is trained, but for dropout and the last layer."""
        from dfbench.models.networks.torch_modules.npr import Npr

        body = Npr(width=int(self.params["width"]), depth=self.params["depth"])
        return body, body.width
