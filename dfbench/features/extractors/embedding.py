"""Vectors from a frozen network: the penultimate layer of any timm or torchvision backbone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dfbench.backbones import build as backbones
from dfbench.backbones.apart import elsewhere
from dfbench.backbones.net import Asked, Net, Wanted, load
from dfbench.backbones.weights import WeightsError
from dfbench.errors import DfbenchError, first_line
from dfbench.features.base import Extractor, Vectors
from dfbench.features.common.checks import rgb, whole
from dfbench.features.common.resizing import resize
from dfbench.images import Image
from dfbench.parameters import Positive, Seed
from dfbench.received.tensors import tensors_of


class Embedding(Extractor):
    """Penultimate activations of a frozen backbone in evaluation mode.

    Each image is resized to a square (by area averaging downwards, bilinear upwards; the aspect
    is not kept, nothing is cropped), scaled to [0, 1], normalised, and sent through the backbone
    without its classifier in float32.

    Parameters
    ----------
    backbone
        ``timm:NAME``, ``torchvision:NAME`` or a bare name, which is looked for in timm first and
        then in torchvision. timm's tags (``resnet18.a1_in1k``) choose among its weights.
    weights
        ``imagenet``: the library's default weights, from its own cache or downloaded into it.
        ``random``: none, initialised from ``seed``. Anything else is the path of a
        ``.safetensors`` or ``.pth`` file, which must fit the backbone tensor by tensor; a
        classifier in it is passed over. One is never put in another's place.
    seed
        Of random weights.
    size
        Side of the square in pixels; by default the backbone's own.
    mean, std
        Normalisation of pixels in [0, 1], by channel or one number for all; by default the
        backbone's own, or ImageNet's. 0.5 for both gives [-1, 1].
    batch_size
        Images at once. Does not change the result beyond rounding.
    device
        ``auto``, ``cpu`` or ``cuda``.

    Notes
    -----
    A row does not depend on the images beside it: a batch is always filled up to its size, as
    kernels sum in another order for another number of images.

    Random weights are the library's own initialisation, with each batch normalisation set to
    standardise the channels over fixed synthetic 1/f images. Without that, activations of a deep
    untrained network vanish or explode, and layers that libraries start at zero stay dead.
    Features of untrained networks are a known baseline (Jarrett et al., ICCV 2009).
    """

    name = "embedding"
    references = ()
    version = 2  # 2: batches are filled up
    threads: ClassVar[bool] = False

    def __init__(
        self,
        backbone: str = "mobilenetv3_small_100",
        weights: str = "imagenet",
        seed: Seed = 0,
        size: Annotated[int, Field(ge=16, le=4096)] | None = None,
        mean: float | tuple[float, float, float] | None = None,
        std: Positive | tuple[Positive, Positive, Positive] | None = None,
        batch_size: Annotated[int, Field(ge=1, le=1024)] = 32,
        device: Literal["auto", "cpu", "cuda"] = "auto",
    ) -> None:
        self.backbone = backbone
        self.weights = weights
        self.seed = seed
        self.size = size
        self.mean = mean
        self.std = std
        self.batch_size = batch_size
        self.device = device

    def identity(self) -> dict[str, Any]:
        """Everything besides the image that determines the output.

        Device and batch size do not belong to it, a local file counts by its content, the seed
        where weights are random; the libraries' versions count, since they decide on default
        weights and on initialisation.

        Raises
        ------
        UnavailableError
            If the local file of weights is absent.
        """
        params: dict[str, Any] = {
            "backbone": self.backbone,
            "size": self.size,
            "mean": _by_channel(self.mean),
            "std": _by_channel(self.std),
        }
        found = backbones.identity(self.backbone, self.weights)
        params["weights"] = found["weights"]
        if self.weights == "random":
            params["seed"] = self.seed
        params["libraries"] = found["libraries"]
        return {"extractor": self.name, "version": self.version, "params": params}

    def held(self) -> bytes:
        """Give the backbone's weights with their normalisation, for `hold`.

        Raises
        ------
        UnavailableError
            If they are absent and cannot be fetched.
        """
        return self._net().save()

    def hold(self, content: bytes) -> None:
        """Take up weights that `held` gave: nothing is fetched, and `weights` does not count.

        Raises
        ------
        WeightsError
            If they do not fit the backbone.
        """
        self.__dict__["_loaded"] = self._wanted(), self._held_net(content)

    def check_available(self) -> None:
        """Raise `UnavailableError` where a package or the weights are absent.

        A host that does not answer within some seconds counts as out of reach.
        """
        backbones.check_available(self.backbone, self.weights)

    def transform(self, X: Sequence[Image] | Sequence[bytes]) -> Vectors:
        """Turn a batch of n images into features.

        Parameters
        ----------
        X
            RGB arrays of shape (H, W, 3) and dtype uint8, each of its own size.

        Returns
        -------
        ndarray of shape (n, d), dtype float32

        Raises
        ------
        UnavailableError
            If weights are absent and cannot be fetched.
        UnknownNameError
            If neither library has the backbone.
        WeightsError
            If a local file does not fit.
        ParameterError
            If a parameter or an image is not what it must be.
        """
        self.check_params()
        step = int(self.batch_size)
        net = self._net()
        out = np.empty((len(X), net.width), np.float32)
        for start in range(0, len(X), step):
            images = [resize(rgb(self.name, image), net.size) for image in X[start : start + step]]
            whole_batch = np.zeros((step, net.size, net.size, 3), np.uint8)
            whole_batch[: len(images)] = images
            out[start : start + len(images)] = net(whole_batch)[: len(images)]
        if not np.isfinite(out).all():
            raise DfbenchError(f"{self.backbone} gives values that are not finite", where=self.name)
        return out

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names such as ``unit_17``. Loads the backbone."""
        return np.array([f"unit_{i}" for i in range(self._net().width)], dtype=object)

    def _wanted(self) -> Wanted:
        """Give what a loaded network hangs on."""
        self.check_params()
        size = None if self.size is None else int(self.size)
        mean, std = (tuple(_by_channel(each) or ()) for each in (self.mean, self.std))
        return Wanted(self.backbone, self.weights, int(self.seed), size, mean, std, self.device)

    def _net(self) -> Net | Asked:
        """Load the backbone once for each set of parameters."""
        wanted = self._wanted()
        loaded: tuple[Wanted, Net | Asked] | None = self.__dict__.get("_loaded")
        if loaded is None or loaded[0] != wanted:
            loaded = wanted, Asked(wanted) if elsewhere() else load(wanted)
            self.__dict__["_loaded"] = loaded
        return loaded[1]

    def _held_net(self, content: bytes) -> Net:
        try:
            tensors = tensors_of(content)
            size, mean, std = (tensors.pop(f"dfbench.{key}") for key in ("size", "mean", "std"))
            side = whole(self.name, "size", int(size), 16, 4096)
            built = backbones.build(self.backbone, "random", int(self.seed), side)
            built.module.load_state_dict(tensors)
        except (RuntimeError, KeyError, ValueError) as error:
            raise WeightsError(f"do not fit: {first_line(error)}", where=self.backbone) from error
        return Net(built.module, side, mean.tolist(), std.tolist(), self.device)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the loaded network behind: another process loads its own."""
        state = dict(super().__getstate__())
        state.pop("_loaded", None)
        return state


def _by_channel(value: Sequence[float] | float | None) -> list[float] | None:
    """Give three numbers where there is one."""
    if isinstance(value, int | float):
        return [float(value)] * 3
    return None if value is None else [float(number) for number in value]
