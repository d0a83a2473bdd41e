"""A convolutional network that takes features beside the image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from dfbench.models.base import Both, Inputs
from dfbench.models.networks.network import Network, recipe_defaults

if TYPE_CHECKING:
    from torch import nn


_Width = Annotated[int, Field(ge=1, le=65_536)]


class HybridHsvCnn(Network):
    """Five convolution blocks with residual connections, beside features of the same image.

    See `torch_modules.hybrid.HybridCnn` for the layers. They are those of the report by Ștefan
    ("Deepfake Image Classification"), as is the recipe: AdamW, the rate halved after 4 epochs
    without better validation accuracy, stopping after 13, augmented copies made before training.
    Its features are histograms of hue, saturation and value, 16 bins each.

    The report does not give the channels, the kernel (here 3x3), how residual shapes are matched,
    the kind of activation of the features' dense layer (here ReLU), the learning rate, weight decay
    and batch (here those that Keras has by default), the epochs, or the strength of the
    augmentation. Moving statistics of batch normalisation follow faster than Keras' (0.9 a step
    for 0.99), for small data sets have few steps an epoch.

    Parameters
    ----------
    channels
        Of the five blocks.
    pool
        What becomes of the last maps: their means (``gap``), or all of them (``flatten``).
    scale_features
        ``standard``: to mean 0 and deviation 1 over the training part, for features other than
        histograms.
    """

    name = "hybrid-hsv-cnn"
    references = ()
    inputs = "both"
    companion = "hsv"
    allowed: ClassVar = {
        **Network.allowed,
        "channels": tuple[_Width, _Width, _Width, _Width, _Width],
        "pool": Literal["gap", "flatten"],
        "scale_features": Literal["none", "standard"],
    }
    libraries = (*Network.libraries, "dfbench.models.networks.torch_modules.hybrid")

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the parameters of the first trial."""
        return {
            "image_size": 100,
            "channels": [32, 64, 128, 128, 128],
            "pool": "gap",
            "scale_features": "none",
            "dropout": 0.5,
            **recipe_defaults(
                optimiser="adamw",
                lr=1e-3,
                weight_decay=4e-3,
                epochs=60,
                batch_size=32,
                schedule="plateau",
                plateau=4,
                factor=0.5,
                monitor="accuracy",
                patience=13,
                offline={
                    "copies": 2,
                    "augment": {
                        "flip": True,
                        "rotation": 10,
                        "shift": 0.05,
                        "zoom": 0.1,
                        "jitter": 0.1,
                    },
                },
            ),
        }

    @classmethod
    def least_values(cls, params: Mapping[str, Any]) -> int:
        """Give that of the joint dense layer; see `Network.least_values`."""
        return 1

    def build(self, n_features: int) -> nn.Module:
        """Make the module with fresh weights."""
        from dfbench.models.networks.torch_modules.hybrid import HybridCnn

        return HybridCnn(
            channels=self.params["channels"],
            n_features=n_features,
            image_size=self.input_side(self.params),
            outputs=self.outputs,
            dropout=float(self.params["dropout"]),
            pool=self.params["pool"],
        )

    def prepare(self, module: nn.Module, X: Inputs) -> None:
        """Take the scale of the features from the training part, where it is wanted."""
        import numpy as np
        from torch import from_numpy

        if self.params["scale_features"] == "standard" and isinstance(X, Both):
            module.scale(from_numpy(np.asarray(X.features)))  # type: ignore[operator]

    def cam_layer(self, module: nn.Module) -> nn.Module:
        """Give the layer that Grad-CAM looks at: the last block."""
        return module.get_submodule("blocks.4")
