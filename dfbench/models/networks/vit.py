"""A small vision transformer trained from nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from dfbench.errors import ParameterError
from dfbench.models.devices import require
from dfbench.models.networks.network import Network, recipe_defaults
from dfbench.models.training.recipe import MOST_SIDE

if TYPE_CHECKING:
    from torch import nn


class VitSmall(Network):
    """Six blocks of three heads over 8x8 patches of 16 pixels, tokens of 192: 2.8 million weights.

    Dosovitskiy et al., "An image is worth 16x16 words", ICLR 2021, with dropout as there; timm's
    implementation, half as deep as its ``vit_tiny``. Trained by AdamW with one cycle of the rate,
    which warms up, as transformers need.

    Parameters
    ----------
    patch
        Side of the patches in pixels; divides the side of the images.
    width
        Of the tokens; a multiple of ``heads``.
    depth
        Number of blocks.
    heads
        Heads of attention in each block.
    """

    name = "vit-small"
    references = ("dosovitskiy2021", "wightman2019")
    allowed: ClassVar = {
        **Network.allowed,
        "patch": Annotated[int, Field(ge=1, le=MOST_SIDE)],
        "width": Annotated[int, Field(ge=1, le=65_536)],
        "depth": Annotated[int, Field(ge=1, le=1_000)],
        "heads": Annotated[int, Field(ge=1, le=65_536)],
    }
    libraries = (*Network.libraries, "dfbench.models.networks.torch_modules.vit")

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the parameters of the first trial."""
        return {
            "image_size": 128,
            "patch": 16,
            "width": 192,
            "depth": 6,
            "heads": 3,
            "dropout": 0.1,
            **recipe_defaults(
                optimiser="adamw",
                lr=1e-3,
                weight_decay=5e-2,
                epochs=30,
                batch_size=32,
                schedule="one-cycle",
                # stopped early, the cycle would end at a high rate
                patience=None,
                clip=1.0,
                mean=(0.5, 0.5, 0.5),
                std=(0.5, 0.5, 0.5),
                augment={"flip": True},
            ),
        }

    @classmethod
    def check_available(cls, params: Mapping[str, Any]) -> None:
        """Raise `UnavailableError` where torch or timm is absent."""
        super().check_available(params)
        require("timm")

    @classmethod
    def check_params(cls, params: Mapping[str, Any]) -> None:
        """Raise `ParameterError` or `UnknownNameError`; see `Model.check_params`."""
        super().check_params(params)
        given = {**cls.defaults(), **params}
        side = cls.input_side(given)
        for name, whole, part in (("side", side, "patch"), ("width", given["width"], "heads")):
            if whole % given[part]:
                raise ParameterError(
                    f"{name} {whole} is not a multiple of {part} {given[part]}", where=cls.name
                )

    def build(self, n_features: int) -> nn.Module:
        """Make the module with fresh weights."""
        from dfbench.models.networks.torch_modules.vit import vision_transformer

        names = ("patch", "width", "depth", "heads")
        return vision_transformer(
            image_size=self.input_side(self.params),
            **{name: int(self.params[name]) for name in names},
            outputs=self.outputs,
            dropout=float(self.params["dropout"]),
        )

    def cam_layer(self, module: nn.Module) -> nn.Module:
        """Give the layer that Grad-CAM looks at: the first norm of the last block.

        Behind it only the class token reaches the logits.
        """
        return module.get_submodule(f"blocks.{int(self.params['depth']) - 1}.norm1")
