"""Vectors from a frozen network: the penultimate layer of any timm or torchvision backbone."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import DfbenchError, UnavailableError, unknown
from dfbench.features import weights as sources
from dfbench.features._checks import choice, rgb, whole
from dfbench.features.base import Extractor, Vectors
from dfbench.features.resized import resize
from dfbench.images import Image

if TYPE_CHECKING:
    import torch

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)
_FALLBACK_SIZE = 224
_CALIBRATION_IMAGES = 16


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
        Images at once. Does not change the result beyond rounding, see Notes.
    device
        ``auto``, ``cpu`` or ``cuda``.

    Notes
    -----
    A row depends on the images beside it only by rounding of float32 (relative to the largest
    value of a row below 1e-4; kernels may sum in another order for another batch size).

    Random weights are the library's own initialisation, with each batch normalisation set to
    standardise the channels over fixed synthetic 1/f images. Without that, activations of a deep
    untrained network vanish or explode, and layers that libraries start at zero stay dead.
    Features of untrained networks are a known baseline (Jarrett et al., ICCV 2009).
    """

    name = "embedding"
    threads: ClassVar[bool] = False

    def __init__(
        self,
        backbone: str = "mobilenetv3_small_100",
        weights: str = "imagenet",
        seed: int = 0,
        size: int | None = None,
        mean: Sequence[float] | float | None = None,
        std: Sequence[float] | float | None = None,
        batch_size: int = 32,
        device: str = "auto",
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
        if self.weights == "random":
            params |= {"weights": "random", "seed": self.seed}
        elif self.weights == "imagenet":
            params["weights"] = "imagenet"
        else:
            params["weights"] = {"sha256": sources.file_digest(Path(self.weights))}
        libraries = [self._prefix] if self._prefix else ["timm", "torchvision"]
        params["libraries"] = {name: _minor_version(name) for name in libraries}
        return {"extractor": self.name, "version": self.version, "params": params}

    def check_available(self) -> None:
        """Raise `UnavailableError` where a package or the weights are absent.

        A host that does not answer within some seconds counts as out of reach.
        """
        choice(self.name, "library", self._prefix or "timm", ("timm", "torchvision"))
        for package in ("torch", self._prefix or "timm"):
            if importlib.util.find_spec(package) is None:
                raise UnavailableError(
                    f"the package {package} is absent", hint=f"install {package}"
                )
        library, name = _resolve(self.backbone)
        if self.weights == "imagenet":
            sources.check_source(_source(library, name), self.backbone)
        elif self.weights != "random" and not Path(self.weights).is_file():
            raise UnavailableError(
                "no such file of weights",
                where=self.weights,
                hint="weights is imagenet, random or the path of a file",
            )

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
        step = whole(self.name, "batch_size", self.batch_size, 1, 65_536)
        net = self._net()
        out = np.empty((len(X), net.width), np.float32)
        for start in range(0, len(X), step):
            images = [resize(rgb(self.name, image), net.size) for image in X[start : start + step]]
            out[start : start + len(images)] = net(np.stack(images))
        if not np.isfinite(out).all():
            raise DfbenchError(f"{self.backbone} gives values that are not finite", where=self.name)
        return out

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names such as ``unit_17``. Loads the backbone."""
        return np.array([f"unit_{i}" for i in range(self._net().width)], dtype=object)

    @property
    def _prefix(self) -> str:
        return self.backbone.partition(":")[0] if ":" in self.backbone else ""

    def _net(self) -> _Net:
        """Load the backbone once for each set of parameters."""
        key = (self.backbone, self.weights, self.seed, self.size, self.mean, self.std, self.device)
        loaded: tuple[Any, _Net] | None = self.__dict__.get("_loaded")
        if loaded is None or loaded[0] != key:
            loaded = key, self._load()
            self.__dict__["_loaded"] = loaded
        return loaded[1]

    def _load(self) -> _Net:
        choice(self.name, "device", self.device, ("auto", "cpu", "cuda"))
        size = self.size
        if size is not None:
            size = whole(self.name, "size", size, 16, 4096)
        library, name = _resolve(self.backbone)
        build = _build_timm if library == "timm" else _build_torchvision
        made = build(name, self.weights, int(self.seed), size)
        if self.weights not in ("imagenet", "random"):
            sources.load_strictly(made.module, Path(self.weights), made.head)
        if self.weights == "random":
            _set_batch_norm(made.module, made.size, int(self.seed))
        mean = _by_channel(self.mean) or made.mean
        std = _by_channel(self.std) or made.std
        return _Net(made.module, made.size, mean, std, _device(self.device))

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


@dataclass(frozen=True, slots=True)
class _Made:
    """A backbone without its classifier, and what its makers say of its input."""

    module: torch.nn.Module
    head: tuple[str, ...]
    size: int
    mean: Sequence[float]
    std: Sequence[float]


class _Net:
    """A backbone ready to run: float32, evaluation mode, channels-last."""

    def __init__(
        self,
        module: torch.nn.Module,
        size: int,
        mean: Sequence[float],
        std: Sequence[float],
        device: str,
    ) -> None:
        import torch

        self.size = size
        self._device = device
        self._module = module.eval().requires_grad_(False)
        self._module.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        # (pixel / 255 - mean) / std as one multiplication and one addition
        spread = torch.tensor(list(std), dtype=torch.float32).view(1, 3, 1, 1)
        centre = torch.tensor(list(mean), dtype=torch.float32).view(1, 3, 1, 1)
        self._scale = (1.0 / (255.0 * spread)).to(device)
        self._shift = (-centre / spread).to(device)
        self.width = int(self(np.zeros((1, size, size, 3), np.uint8)).shape[1])

    def __call__(self, images: NDArray[np.uint8]) -> Vectors:
        import torch

        with torch.inference_mode(), _full_precision():
            batch = torch.from_numpy(images).to(self._device).permute(0, 3, 1, 2).float()
            out = self._module(batch.mul_(self._scale).add_(self._shift))
            vectors: Vectors = out.flatten(1).float().cpu().numpy()
        return vectors


@contextmanager
def _full_precision() -> Iterator[None]:
    """Keep GPUs from rounding float32 to TF32: devices should agree."""
    import torch

    cudnn, matmul = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = cudnn, matmul


def _resolve(backbone: str) -> tuple[str, str]:
    """Find the library that has a backbone.

    Raises
    ------
    UnknownNameError
        With the nearest names.
    """
    library, colon, name = backbone.rpartition(":")
    if colon and library not in ("timm", "torchvision"):
        raise unknown("backbone library", library, ("timm", "torchvision"))
    known: list[str] = []
    if library in ("", "timm"):
        import timm

        # a tag after a dot names one of several sets of weights
        if timm.is_model(name.partition(".")[0]):
            return "timm", name
        known += timm.list_models()
    if library in ("", "torchvision"):
        from torchvision import models

        listed = models.list_models(module=models)
        if name in listed:
            return "torchvision", name
        known += listed
    raise unknown("backbone", name, known)


def _source(library: str, name: str) -> sources.Source:
    return sources.timm_source(name) if library == "timm" else sources.torchvision_source(name)


def _build_timm(name: str, weights: str, seed: int, size: int | None) -> _Made:
    import timm
    from timm.models import get_pretrained_cfg

    config = get_pretrained_cfg(name)
    options: dict[str, Any] = {"num_classes": 0}
    if size is not None and config is not None and config.fixed_input_size:
        # vision transformers have a grid of positions, laid out for one size
        options["img_size"] = size
    if weights == "imagenet":
        module = sources.fetching(
            sources.timm_source(name),
            name,
            lambda: timm.create_model(name, pretrained=True, **options),
        )
    else:
        with _seeded(seed):
            module = timm.create_model(name, pretrained=False, **options)
    found: dict[str, Any] = module.pretrained_cfg or {}
    head = found.get("classifier") or ()
    return _Made(
        module,
        (head,) if isinstance(head, str) else tuple(head),
        size or int((found.get("input_size") or (3, _FALLBACK_SIZE))[1]),
        found.get("mean") or _IMAGENET_MEAN,
        found.get("std") or _IMAGENET_STD,
    )


def _build_torchvision(name: str, weights: str, seed: int, size: int | None) -> _Made:
    from torch import nn
    from torchvision import models

    own_size, mean, std = _FALLBACK_SIZE, _IMAGENET_MEAN, _IMAGENET_STD
    choices = list(models.get_model_weights(name))
    if choices:
        preset = models.get_model_weights(name).DEFAULT.transforms()
        own_size, mean, std = int(preset.crop_size[0]), tuple(preset.mean), tuple(preset.std)
    options: dict[str, Any] = {}
    if size is not None and name.startswith("vit_"):
        options["image_size"] = size
    if weights == "imagenet":
        module = sources.fetching(
            sources.torchvision_source(name),
            name,
            lambda: models.get_model(name, weights="DEFAULT", **options),
        )
    else:
        if name in ("googlenet", "inception_v3"):
            # their own initialisation takes half a minute; the default of torch is as good here
            options["init_weights"] = False
        with _seeded(seed):
            module = models.get_model(name, weights=None, **options)
    # the classifier is the last layer with one output a class
    head = [
        path
        for path, layer in module.named_modules()
        if isinstance(layer, nn.Linear | nn.Conv2d)
        and getattr(layer, "out_features", getattr(layer, "out_channels", 0)) == 1000
    ][-1]
    parent, _, leaf = head.rpartition(".")
    setattr(module.get_submodule(parent), leaf, nn.Identity())
    return _Made(module, (head,), size or own_size, mean, std)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _set_batch_norm(module: torch.nn.Module, size: int, seed: int) -> None:
    """Make each batch normalisation standardise its channels over synthetic images."""
    import torch

    norms = [m for m in module.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return
    module.eval()
    for norm in norms:
        norm.reset_running_stats()
        # libraries start the last one of a residual block at 0
        torch.nn.init.ones_(norm.weight)
        torch.nn.init.zeros_(norm.bias)
        norm.momentum = None  # a plain mean over batches
        norm.train()
    with torch.no_grad(), _full_precision():
        module(torch.from_numpy(_natural_noise(_CALIBRATION_IMAGES, size, seed)))
    module.eval()


def _natural_noise(n: int, size: int, seed: int) -> NDArray[np.float32]:
    """Colour noise with the 1/f spectrum of photographs, shape (n, 3, S, S), about N(0, 1)."""
    rng = np.random.default_rng(seed)
    radius = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    radius[0, 0] = 1.0 / size
    noise = np.fft.rfft2(rng.standard_normal((n, 3, size, size))) / radius
    images = np.fft.irfft2(noise, s=(size, size))
    # photographs have most of their contrast in brightness, which the channels share
    images = 0.3 * images + images.mean(axis=1, keepdims=True)
    images /= images.std()
    calibration: NDArray[np.float32] = images.astype(np.float32)
    return calibration


def _device(wanted: str) -> str:
    import torch

    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise DfbenchError(
            "device 'cuda' was asked for, but torch finds no CUDA GPU", hint="use --device cpu"
        )
    return "cuda" if there and wanted != "cpu" else "cpu"


def _minor_version(package: str) -> str:
    try:
        return ".".join(metadata.version(package).split(".")[:2])
    except metadata.PackageNotFoundError:
        return ""
