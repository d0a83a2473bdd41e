"""Base of the networks that see images at their own resolution."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from dfbench.errors import ParameterError
from dfbench.models.base import Task
from dfbench.models.networks.network import Network, recipe_defaults
from dfbench.models.training.recipe import MOST_SIDE, recipe_of

if TYPE_CHECKING:
    from torch import nn

_SCORED = 16
"""Canvases that are evaluated together."""


class NativeNetwork(Network):
    """A body that sees images pixel for pixel; see `torch_modules.native.Cropped`.

    What generators leave in the values of neighbouring pixels does not outlast resizing. So the
    middle of an image is cut out as a canvas (a smaller image is mirrored at its edges), and
    nothing is resampled on the way to the body, which is given grey levels 0 to 255: as such they
    are exact in bfloat16 too.

    Parameters
    ----------
    image_size
        Side of the canvas that is cut from the middle of an image, in pixels; smaller images are
        mirrored at their edges. The time to score grows with its square, so it is best near the
        size of the images.
    crop
        Side of the crop that is drawn from the canvas at random in training, in pixels.
    crops
        Crops along each side of the canvas whose vectors are averaged in evaluation; 0: the whole
        canvas at once.
    """

    square = "native"
    allowed: ClassVar[Mapping[str, Any]] = {
        **Network.allowed,
        "crop": Annotated[int, Field(ge=16, le=MOST_SIDE)],
        "crops": Annotated[int, Field(ge=0, le=16)],
    }
    libraries = (*Network.libraries, "dfbench.models.networks.torch_modules.native")
    any_side: ClassVar[bool] = True
    """Whether the body takes squares of any side, and so a whole canvas."""

    @abstractmethod
    def body(self, side: int) -> tuple[nn.Module, int]:
        """Make what is trained, but for dropout and the last layer.

        Parameters
        ----------
        side
            Of a crop, in pixels; in evaluation it may be given larger squares, see `any_side`.

        Returns
        -------
        tuple
            A module from grey levels, (n, 3, s, s), channels-last, to vectors (n, width), and their
            width. What must be exact in it turns autocast off.
        """

    def build(self, n_features: int) -> nn.Module:
        """Make the module with fresh weights."""
        from dfbench.models.networks.torch_modules.native import Cropped

        params = self.params
        body, width = self.body(int(params["crop"]))
        return Cropped(
            body,
            width=width,
            outputs=self.outputs,
            dropout=float(params["dropout"]),
            side=int(params["crop"]),
            grid=int(params["crops"]),
        )

    @classmethod
    def memory(cls, task: Task, params: Mapping[str, Any]) -> int:
        """Estimate torch itself, a batch of canvases and a step on their crops."""
        batch = recipe_of(dict(params), cls.name).batch_size
        # of what is evaluated no layer is kept for gradients
        shown = max(batch * int(params["crop"]) ** 2, _SCORED * int(params["image_size"]) ** 2 // 2)
        canvases = 4 * 3 * 4 * batch * int(params["image_size"]) ** 2
        own = super().memory(task, {**params, "image_size": 8, "crop_size": None})
        return own + canvases + 4 * cls.per_pixel * shown

    @classmethod
    def check_params(cls, params: Mapping[str, Any]) -> None:
        """Raise `ParameterError` or `UnknownNameError`; see `Model.check_params`."""
        super().check_params(params)
        given = {**cls.defaults(), **params}
        canvas = cls.input_side(given)
        if given["crop"] > canvas:
            raise ParameterError(
                f"crop {given['crop']} is more than the {canvas} pixels of the canvas",
                where=cls.name,
                hint="image_size is its side",
            )
        if given["crops"] == 0 and not cls.any_side:
            raise ParameterError("crops must be at least 1: it sees crops alone", where=cls.name)


def halved(side: int, times: int) -> int:
    """Side of a map that was halved so many times by padded layers of stride 2."""
    return -(-side >> times)


def native_recipe(**changes: Any) -> dict[str, Any]:
    """All fields of the recipe, by which the body is given grey levels; see `recipe_defaults`."""
    return recipe_defaults(std=1 / 255, **changes)
