"""Plain convolutional networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from dfbench.errors import ParameterError
from dfbench.models.networks.network import Network, recipe_defaults

if TYPE_CHECKING:
    from torch import nn


class PlainCnn(Network):
    """Base of the plain networks; see `dfbench.models.networks.torch_modules.cnn.PlainCnn`."""

    libraries = (*Network.libraries, "dfbench.models.networks.torch_modules.cnn")

    channels: ClassVar[tuple[int, ...]]
    dense: ClassVar[int] = 128

    @classmethod
    def check_params(cls, params: Mapping[str, Any]) -> None:
        """Raise `ParameterError` or `UnknownNameError`; see `Model.check_params`."""
        super().check_params(params)
        side = cls.input_side({**cls.defaults(), **params})
        last = side
        for _ in cls.channels:
            last = (last - 2) // 2
        if last < 1:
            raise ParameterError(
                f"images of {side} pixels are too small for {len(cls.channels)} convolutions",
                where=cls.name,
            )

    def build(self, n_features: int) -> nn.Module:
        """Make the module with fresh weights."""
        from dfbench.models.networks.torch_modules.cnn import PlainCnn

        return PlainCnn(
            channels=self.channels,
            dense=self.dense,
            image_size=self.input_side(self.params),
            outputs=self.outputs,
            dropout=float(self.params["dropout"]),
        )


class Cnn2Conv(PlainCnn):
    """Two convolutions with ReLU and max pooling, a dense layer with ReLU, one output.

    The architecture and the recipe (Adam, binary cross-entropy, 10 epochs, images of 128 pixels)
    are of the first source report. It is silent on the rest, which is as in Keras' own example of
    such a network or its defaults: 32 and 64 channels, 3x3 without padding, pooling 2x2 after each
    convolution, a dense layer of 128, learning rate 1e-3, batches of 32, no dropout. For two
    classes it has 7,392,449 parameters.
    """

    name = "cnn-2conv"
    references = ()
    channels = (32, 64)

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the parameters of the first trial."""
        return {
            "image_size": 128,
            "dropout": 0.0,
            **recipe_defaults(optimiser="adam", lr=1e-3, epochs=10, batch_size=32, patience=None),
        }


class Cnn3Conv(PlainCnn):
    """Three 3x3 convolutions (32, 64, 128 channels), a dense layer of 128, one output.

    For two classes it has 3,304,769 parameters. Weights start as in Keras (Glorot uniform, zero
    biases).

    The architecture is the one of the report by Uppuluri, Kollipara and Baddam (2025); that was
    trained by Adam for 5 epochs of 140,002 images in batches of 32, so here small sets get more
    epochs, with early stopping, and decoupled weight decay.
    """

    name = "cnn-3conv"
    references = ()
    channels = (32, 64, 128)

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the parameters of the first trial."""
        return {
            "image_size": 128,
            "dropout": 0.5,
            **recipe_defaults(
                optimiser="adamw",
                lr=1e-3,
                weight_decay=1e-4,
                epochs=10,
                batch_size=32,
                patience=3,
            ),
        }
