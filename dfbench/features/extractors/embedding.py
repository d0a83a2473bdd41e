"""Vectors from a frozen network: its last layer but the classifier, or one in the middle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dfbench.backbones import build as backbones
from dfbench.backbones.apart import elsewhere
from dfbench.backbones.blocks import Pool
from dfbench.backbones.build import Fit, Interpolation
from dfbench.backbones.net import Asked, Net, Wanted, load
from dfbench.backbones.weights import WeightsError, check_given
from dfbench.errors import DfbenchError, ParameterError, first_line
from dfbench.features.base import Extractor, Vectors
from dfbench.features.common.checks import rgb, whole
from dfbench.features.common.resizing import fitted
from dfbench.images import Image
from dfbench.parameters import Positive, Seed
from dfbench.received.tensors import tensors_of


class Embedding(Extractor):
    """Activations of a frozen backbone in evaluation mode: penultimate ones, or of a block.

    Each image is brought to a square, scaled to [0, 1], normalised, and sent through the backbone
    without its classifier in float32.

    Parameters
    ----------
    backbone
        A short name: ``clip-vit-b32``, ``clip-vit-b16``, ``clip-vit-l14``, ``clip-vit-l14-336``
        (OpenAI's; the embedding of the image), ``dinov2-vit-s14``, ``dinov2-vit-b14``,
        ``dinov2-vit-l14``, ``convnext-tiny-in1k``, ``convnext-tiny-in22k``, ``convnext-base-in1k``,
        ``convnext-base-in22k``; with their makers' normalisation, resizing and size (224, or 336).
        Or ``timm:NAME``, ``torchvision:NAME`` or a bare name, which is looked for in timm first and
        then in torchvision. timm's tags (``resnet18.a1_in1k``) choose among its weights. Or
        ``open_clip:NAME.TAG``, the image tower of any CLIP that open_clip has, with its projection.
    weights
        ``imagenet``: the library's default weights for the name, whatever they were trained on
        (of CLIP and DINOv2 their makers'), from its own cache or downloaded into it.
        ``random``: none, initialised from ``seed``. Anything else is the path of a
        ``.safetensors`` or ``.pth`` file, which must fit the backbone tensor by tensor, in the
        library's layout or in that of the backbone's makers; a classifier in it is passed over.
        One is never put in another's place.
    seed
        Of random weights.
    size
        Side of the square in pixels; by default the backbone's own.
    mean, std
        Normalisation of pixels in [0, 1], by channel or one number for all; by default the
        backbone's own, or ImageNet's. 0.5 for both gives [-1, 1].
    block
        In place of the penultimate layer, the output of a block: its number, from the end where it
        is negative, or its name, which may be that of any part of the network. Several are joined
        as ``embedding[block=3]+embedding[block=6]``.
    pool
        What becomes of a block's output: its class token (``token``), the ``mean`` over patches or
        over places, or that with the standard deviation behind it (``mean-std``). By default the
        class token where there is one, else the mean.
    resize
        How an image becomes a square: it is stretched, resized by its shorter side and cropped at
        the centre (``crop``), or cropped, or padded with black, without being resized (``none``).
        By default ``crop`` for short names and for open_clip, as their makers do, else ``stretch``.
    interpolation
        Of resizing: ``area`` averages downwards and is bilinear upwards; others are Pillow's, as
        torchvision resizes. By default ``bicubic`` for short names and for open_clip, as their
        makers do, else ``area``.
    batch_size
        Images at once; by default 32, or 1 for a backbone of more than 50 million parameters on a
        CPU. Does not change the result beyond rounding.
    device
        ``auto``, ``cpu`` or ``cuda``.

    Notes
    -----
    A row does not depend on the images beside it: a batch is always filled up to its size, as
    kernels sum in another order for another number of images.

    A block is not normalised: that of a transformer is what its last normalisation would be given.
    What lies behind it is not run.

    Random weights are the library's own initialisation, with each batch normalisation set to
    standardise the channels over fixed synthetic 1/f images. Without that, activations of a deep
    untrained network vanish or explode, and layers that libraries start at zero stay dead.
    Features of untrained networks are a known baseline (Jarrett et al., ICCV 2009). CLIP is of
    Radford et al. (2021), DINOv2 of Oquab et al. (2023); Ojha et al. (2023) and Cozzolino et al.
    (2024) tell fakes by frozen CLIP.
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
        batch_size: Annotated[int, Field(ge=1, le=1024)] | None = None,
        device: Literal["auto", "cpu", "cuda"] = "auto",
        block: int | str | None = None,
        pool: Pool | None = None,
        resize: Fit | None = None,
        interpolation: Interpolation | None = None,
    ) -> None:
        self.backbone = backbone
        self.weights = weights
        self.seed = seed
        self.size = size
        self.mean = mean
        self.std = std
        self.batch_size = batch_size
        self.device = device
        self.block = block
        self.pool = pool
        self.resize = resize
        self.interpolation = interpolation

    def check_params(self) -> None:
        """Raise `ParameterError` where a parameter is not what it must be."""
        super().check_params()
        check_given(self.weights, self.name)
        if self.pool is not None and self.block is None:
            raise ParameterError(
                "pool says what becomes of a block's output, and no block is named",
                where=self.name,
                hint="block = -1 is the last one",
            )

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
        # later than all that is kept: what is not told leaves it as it was
        for name in ("block", "pool", "resize", "interpolation"):
            if (told := getattr(self, name)) is not None:
                params[name] = told
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
        """Raise where a package or the weights are absent, or the backbone has not the block.

        A host that does not answer within some seconds counts as out of reach.
        """
        backbones.check_available(self.backbone, self.weights, self.block, self.pool)

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
            If no library has the backbone, or it has not the block.
        WeightsError
            If a local file does not fit.
        ParameterError
            If a parameter or an image is not what it must be.
        """
        self.check_params()
        net = self._net()
        shape = net.shape
        side, step = shape.size, int(self.batch_size or shape.at_once)
        fit, how = self.resize or shape.fit, self.interpolation or shape.interpolation
        out = np.empty((len(X), shape.width), np.float32)
        for start in range(0, len(X), step):
            images = [
                fitted(rgb(self.name, image), side, side, fit, how)
                for image in X[start : start + step]
            ]
            whole_batch = np.zeros((step, side, side, 3), np.uint8)
            whole_batch[: len(images)] = images
            out[start : start + len(images)] = net(whole_batch)[: len(images)]
        if not np.isfinite(out).all():
            raise DfbenchError(f"{self.backbone} gives values that are not finite", where=self.name)
        return out

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names such as ``unit_17``. Loads the backbone."""
        return np.array([f"unit_{i}" for i in range(self._net().shape.width)], dtype=object)

    def _wanted(self) -> Wanted:
        """Give what a loaded network hangs on."""
        self.check_params()
        size = None if self.size is None else int(self.size)
        mean, std = (tuple(_by_channel(each) or ()) for each in (self.mean, self.std))
        block = self.block if self.block is None or isinstance(self.block, str) else int(self.block)
        return Wanted(
            *(self.backbone, self.weights, int(self.seed), size, mean, std, self.device),
            *(block, self.pool),
        )

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
        return Net(
            built, self._wanted()._replace(mean=tuple(mean.tolist()), std=tuple(std.tolist()))
        )

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
