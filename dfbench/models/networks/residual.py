"""A network of noise residuals: high-pass filters before all else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from dfbench.errors import ParameterError
from dfbench.models.networks.native import NativeNetwork, native_recipe
from dfbench.parameters import Positive

if TYPE_CHECKING:
    from torch import nn


class ResidualCnn(NativeNetwork):
    """High-pass filters, truncation, then a small network without early pooling.

    Fixed filters of the spatial rich model (Fridrich and Kodovsky, 2012) stand beside learned ones
    that are constrained to predict a pixel by its neighbours (Bayar and Stamm, 2016). Their
    residuals, which hold little of the scene, are truncated (as a layer: Ye, Ni and Yi, 2017), go
    through stages of 3x3 convolutions with batch normalisation, the first at full resolution, and
    are averaged over all places. How many of each is of no paper, but what learns soonest from some
    hundred images on one core.

    Parameters
    ----------
    filters
        Fixed filters: ``symmetric`` takes the 6 of the 30 that are the same when turned by half,
        ``all`` takes 30, ``none`` takes none.
    learned
        Number of constrained filters that are learned.
    truncation
        Bound T of the residuals, in grey levels.
    widths
        Channels of each stage; between stages the resolution is halved.
    convolutions
        In a stage; with shortcuts, blocks of two in each stage but the first.
    shortcuts
        Whether stages behind the first are made of a ResNet's blocks (He and others, 2016): deeper,
        for a thousand images and more.
    image
        Whether the image itself is seen beside its residuals: its colours and shapes.
    """

    name = "residual-cnn"
    references = ("fridrich2012", "bayar2016", "ye2017")
    rates = (5e-4, 1e-2)
    per_pixel = 512
    allowed: ClassVar[Mapping[str, Any]] = {
        **NativeNetwork.allowed,
        "filters": Literal["symmetric", "all", "none"],
        "learned": Annotated[int, Field(ge=0, le=256)],
        "truncation": Positive,
        "widths": Annotated[
            tuple[Annotated[int, Field(ge=1, le=2048)], ...], Field(min_length=1, max_length=6)
        ],
        "convolutions": Annotated[int, Field(ge=1, le=8)],
        "image": bool,
        "shortcuts": bool,
    }
    libraries = (*NativeNetwork.libraries, "dfbench.models.networks.torch_modules.residual")

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the parameters of the first trial."""
        return {
            "image_size": 128,
            "crop": 64,
            "crops": 0,
            "filters": "symmetric",
            "learned": 6,
            "truncation": 3.0,
            "widths": [24, 32, 64],
            "convolutions": 1,
            "image": False,
            "shortcuts": False,
            "dropout": 0.2,
            **native_recipe(
                optimiser="adamw",
                lr=3e-3,
                weight_decay=1e-2,
                schedule="one-cycle",
                epochs=12,
                batch_size=32,
                patience=None,
                augment={"flip": True, "flip_vertical": True},
            ),
        }

    @classmethod
    def check_params(cls, params: Mapping[str, Any]) -> None:
        """Raise `ParameterError` or `UnknownNameError`; see `Model.check_params`."""
        super().check_params(params)
        given = {**cls.defaults(), **params}
        if given["filters"] == "none" and not given["learned"]:
            raise ParameterError("neither fixed filters nor learned ones", where=cls.name)
        if cls.least_values(given) < 1:
            raise ParameterError(
                f"a crop of {given['crop']} pixels is too small for {len(given['widths'])} stages",
                where=cls.name,
            )

    @classmethod
    def least_values(cls, params: Mapping[str, Any]) -> int:
        """Give those of the last stage; see `Network.least_values`."""
        return int((params["crop"] - 4) // 2 ** (len(params["widths"]) - 1)) ** 2

    def body(self, side: int) -> tuple[nn.Module, int]:
        """Make the filters and what follows them; see `NativeNetwork.body`."""
        from dfbench.models.networks.torch_modules import residual

        fixed = residual.srm_filters()
        if self.params["filters"] == "symmetric":
            fixed = fixed[list(residual.SYMMETRIC)]
        elif self.params["filters"] == "none":
            fixed = fixed[:0]
        residuals = residual.Residuals(
            fixed, learned=int(self.params["learned"]), bound=float(self.params["truncation"])
        )
        front = residual.Beside(residuals) if self.params["image"] else residuals
        widths, convolutions = self.params["widths"], int(self.params["convolutions"])
        made = residual.body(
            front, widths, convolutions=convolutions, shortcuts=bool(self.params["shortcuts"])
        )
        return made, widths[-1]
