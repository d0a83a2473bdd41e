"""MesoNet: two small networks for forged faces, trained here or taken as published."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field

from dfbench.backbones.weights import check_given
from dfbench.errors import ParameterError, UnavailableError
from dfbench.files import at_home
from dfbench.models.base import Inputs, Labels
from dfbench.models.networks.network import Network, recipe_defaults
from dfbench.received.files import is_file, sha256

if TYPE_CHECKING:
    from torch import nn

    from dfbench.models.training.recipe import Recipe

_RANDOM = "random"


class Meso4(Network):
    """Four convolutions with batch normalisation and pooling, two dense layers: 28,073 values.

    Afchar, Nozick, Yamagishi and Echizen, "MesoNet: a compact facial video forgery detection
    network", WIFS 2018; the layers are those of the code that the authors published, images of 256
    pixels in [0, 1]. Trained here by cross-entropy; the authors used the squared error, Adam at a
    rate that falls from 1e-3 to 1e-6, and batches of 75.

    Parameters
    ----------
    weights
        ``random``, or the path of a file of the published weights (Keras, HDF5), which training
        starts from.
    pretrained_only
        Whether nothing is trained and the file's own scores are given.
    fake_class
        Number of the class of the fakes, for the published networks give the probability that an
        image is real.
    """

    name = "meso4"
    references = ("afchar2018",)
    rates = (1e-4, 1e-2)
    allowed: ClassVar = {**Network.allowed, "fake_class": Annotated[int, Field(ge=0, le=1)]}
    libraries = (
        *Network.libraries,
        "dfbench.models.networks.torch_modules.meso",
        "dfbench.models.networks.torch_modules.keras_weights",
    )

    inception: ClassVar[bool] = False

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the parameters of the first trial."""
        return {
            "image_size": 256,
            "weights": _RANDOM,
            "pretrained_only": False,
            "fake_class": 1,
            "dropout": 0.5,
            **recipe_defaults(
                optimiser="adam",
                lr=1e-3,
                epochs=30,
                batch_size=32,
                schedule="cosine",
                patience=10,
            ),
        }

    @classmethod
    def check_available(cls, params: Mapping[str, Any]) -> None:
        """Raise `UnavailableError` where torch or the file of weights is absent."""
        super().check_available(params)
        path = _file(params)
        if path is not None and not is_file(path):
            raise UnavailableError(
                "the file of weights is not there",
                where=path,
                hint="the authors publish it at github.com/DariusAf/MesoNet, folder weights",
            )

    @classmethod
    def check_value(cls, name: str, value: Any) -> None:
        """Raise as `check_params` does, on one parameter."""
        super().check_value(name, value)
        if name == "weights":
            check_given(value, cls.name, _RANDOM)

    @classmethod
    def check_params(cls, params: Mapping[str, Any]) -> None:
        """Raise `ParameterError` or `UnknownNameError`; see `Model.check_params`."""
        super().check_params(params)
        if params.get("pretrained_only", False) and _file(params) is None:
            raise ParameterError(
                "pretrained_only needs weights", where=cls.name, hint="weights = path of the file"
            )

    @classmethod
    def least_values(cls, params: Mapping[str, Any]) -> int:
        """Give those of the last stage, where it is trained; see `Network.least_values`."""
        return 0 if params["pretrained_only"] else int(-(-cls.input_side(params) // 8)) ** 2

    @classmethod
    def identity(cls, params: Mapping[str, Any]) -> dict[str, Any]:
        """Give what determines the outcome; the file of weights counts by its content."""
        path = _file(params)
        if path is None or not is_file(path):
            return dict(params)
        return {**params, "weights": f"sha256:{sha256(path)}"}

    def recipe(self) -> Recipe:
        """Say how it is trained; published scores are computed in float32 unless told otherwise."""
        recipe = super().recipe()
        if self.params["pretrained_only"] and recipe.precision == "auto":
            # in bfloat16 scores of MesoInception4 move by up to 0.07
            return recipe.model_copy(update={"precision": "32"})
        return recipe

    def build(self, n_features: int) -> nn.Module:
        """Make the module with fresh weights, or those of the file."""
        from dfbench.models.networks.torch_modules.meso import Meso

        module = Meso(
            inception=self.inception,
            image_size=self.input_side(self.params),
            outputs=self.outputs,
            dropout=float(self.params["dropout"]),
        )
        path = _file(self.params)
        if path is not None:
            self._load(module, path)
        return module

    def _load(self, module: Any, path: Path) -> None:
        from dfbench.models.networks.torch_modules import keras_weights

        self.check_available(self.params)
        if self.n_classes != 2:
            raise ParameterError(
                f"the published weights tell two classes apart, not {self.n_classes}",
                where=self.name,
            )
        keras_weights.load(module, path, flattened=(16, module.side, module.side))
        if self.params["fake_class"] == 1:
            # the published output is for real; ours is for class 1
            for tensor in (module.head.weight, module.head.bias):
                tensor.data.neg_()

    def fit(self, X: Inputs, y: Labels, X_val: Inputs, y_val: Labels) -> Self:
        """Train, or only load where that is asked for; see `Model.fit`."""
        if not self.params["pretrained_only"]:
            return super().fit(X, y, X_val, y_val)
        from dfbench.models.training.session import session

        self._check(X)
        with session(self.device, self.n_threads, self.seed):
            module = self.build(0).to(self.device)
            self.module = module.eval().requires_grad_(False)
        self.history = []
        return self


class MesoInception4(Meso4):
    """Meso4 with two Inception stages of dilated convolutions in front: 28,725 values.

    See `Meso4` for the source, the recipe and the parameters.
    """

    name = "mesoinception4"
    references = ("afchar2018",)
    inception = True


def _file(params: Mapping[str, Any]) -> Path | None:
    """Path of the weights; None where they are random."""
    weights = str(params.get("weights", _RANDOM))
    return None if weights == _RANDOM else at_home(weights)
