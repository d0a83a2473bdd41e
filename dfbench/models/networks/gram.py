"""Gram-Net: a residual network beside the Gram matrices of its maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from dfbench.models.networks.native import NativeNetwork, halved, native_recipe

if TYPE_CHECKING:
    from torch import nn

_Width = Annotated[int, Field(ge=1, le=4096)]
_Blocks = Annotated[int, Field(ge=1, le=64)]


class GramNet(NativeNetwork):
    """A ResNet of basic blocks whose textures, as Gram matrices, are told its last layer as well.

    Liu, Qi and Torr, "Global texture enhancement for fake face detection in the wild", CVPR 2020;
    the layers are those of the code that the authors published: at the image, before and behind the
    first pooling and behind each stage but the last a 3x3 convolution of 32 channels, its Gram
    matrix divided by channels and places, and two convolutions over that. ``width = 64, depth =
    [2, 2, 2, 2], gram = 32`` is theirs, a ResNet-18 with six such branches; they began with its
    ImageNet weights, here all weights are fresh. The default is a quarter as wide, with a block a
    stage.

    Theirs is trained by Adam at 1e-5 with an L2 penalty of 1e-4 for 5 epochs in batches of 16, on
    images of 512 pixels that were resized to 64 to 256 pixels and back before.

    Parameters
    ----------
    width
        Channels of the first stage, twice as many in each that follows.
    depth
        Blocks of each stage.
    gram
        Channels of which a branch takes the Gram matrix.
    """

    name = "gram-net"
    references = ("liu2020",)
    allowed: ClassVar = {
        **NativeNetwork.allowed,
        "width": _Width,
        "depth": Annotated[tuple[_Blocks, ...], Field(min_length=1, max_length=4)],
        "gram": Annotated[int, Field(ge=2, le=1024)],
    }
    libraries = (*NativeNetwork.libraries, "dfbench.models.networks.torch_modules.gram")

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the parameters of the first trial."""
        return {
            "image_size": 192,
            "crop": 128,
            "crops": 3,
            "width": 16,
            "depth": [1, 1, 1, 1],
            "gram": 16,
            "dropout": 0.0,
            **native_recipe(
                optimiser="adamw",
                lr=2e-3,
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
        """Give those of the last stage, or behind a Gram matrix; see `Network.least_values`."""
        stage = halved(int(params["crop"]), 1 + len(params["depth"]))
        return min(stage, halved(int(params["gram"]), 2)) ** 2

    def body(self, side: int) -> tuple[nn.Module, int]:
        """Make what is trained, but for dropout and the last layer."""
        from dfbench.models.networks.torch_modules.gram import GramNet

        body = GramNet(
            width=int(self.params["width"]),
            depth=self.params["depth"],
            gram=int(self.params["gram"]),
        )
        return body, body.width

    def cam_layer(self, module: nn.Module) -> nn.Module:
        """Give the layer that Grad-CAM looks at: the last stage, no branch."""
        return module.get_submodule("body.stages")[-1]  # type: ignore[no-any-return, index]
