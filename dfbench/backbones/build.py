"""Builds backbones without their classifier, and says what their makers say of their input.

torch, timm and torchvision are imported inside the functions that need them.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dfbench.backbones import sources
from dfbench.backbones.apart import asked
from dfbench.backbones.weights import file_digest, load_strictly
from dfbench.errors import UnavailableError, unknown
from dfbench.received.files import is_file

if TYPE_CHECKING:
    import torch

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)
_FALLBACK_SIZE = 224
_CALIBRATION_IMAGES = 16


@dataclass(frozen=True, slots=True)
class Backbone:
    """A backbone without its classifier, and what its makers say of its input."""

    module: torch.nn.Module
    head: tuple[str, ...]
    size: int
    mean: Sequence[float]
    std: Sequence[float]


def library_of(backbone: str) -> str:
    """Give the library that a backbone's name asks for; empty where it leaves that open."""
    return backbone.partition(":")[0] if ":" in backbone else ""


def check_available(backbone: str, weights: str) -> None:
    """Raise where a package or the weights of a backbone are absent.

    A host that does not answer within some seconds counts as out of reach.

    Raises
    ------
    UnavailableError
        With the way to get what is absent.
    UnknownNameError
        If neither library has the backbone.
    """
    library = library_of(backbone)
    if library not in ("", "timm", "torchvision"):
        raise unknown("backbone library", library, ("timm", "torchvision"))
    for package in ("torch", library or "timm"):
        if importlib.util.find_spec(package) is None:
            raise UnavailableError(f"the package {package} is absent", hint=f"install {package}")
    if weights == "imagenet":
        sources.check_source(imagenet(backbone), backbone)
        return
    asked(resolve, backbone)
    if weights != "random" and not is_file(weights):
        raise UnavailableError(
            "no such file of weights",
            where=weights,
            hint="weights is imagenet, random or the path of a file",
        )


def imagenet(backbone: str) -> sources.Source:
    """Find out where the ImageNet weights of a backbone are kept; fetches nothing.

    Raises
    ------
    UnavailableError
        If there are none.
    UnknownNameError
        If neither library has the backbone.
    """
    return sources.remembered(backbone, lambda: asked(_source, backbone))


def identity(backbone: str, weights: str) -> dict[str, Any]:
    """Give what a backbone's weights hang on: a local file counts by its content.

    The libraries' versions count, since they decide on default weights and on initialisation.

    Raises
    ------
    UnavailableError
        If the local file is absent.
    """
    known: Any = weights
    if weights not in ("imagenet", "random"):
        known = {"sha256": file_digest(Path(weights))}
    library = library_of(backbone)
    libraries = [library] if library else ["timm", "torchvision"]
    return {"weights": known, "libraries": {name: _minor_version(name) for name in libraries}}


def build(backbone: str, weights: str, seed: int, size: int | None) -> Backbone:
    """Make a backbone, with the weights that are asked for and no others.

    Parameters
    ----------
    backbone
        ``timm:NAME``, ``torchvision:NAME`` or a bare name.
    weights
        ``imagenet``, ``random``, or the path of a file that fits strictly.
    seed
        Of random weights.
    size
        Side of the input in pixels; None for the backbone's own.

    Raises
    ------
    UnavailableError, UnknownNameError, WeightsError
        If it cannot be had, is not known, or the file does not fit.
    """
    library, name = resolve(backbone)
    make = _build_timm if library == "timm" else _build_torchvision
    built = make(name, weights, seed, size)
    if weights not in ("imagenet", "random"):
        load_strictly(built.module, Path(weights), built.head)
    return built


def resolve(backbone: str) -> tuple[str, str]:
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


def _source(backbone: str) -> sources.Source:
    library, name = resolve(backbone)
    return sources.timm_source(name) if library == "timm" else sources.torchvision_source(name)


def _build_timm(name: str, weights: str, seed: int, size: int | None) -> Backbone:
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
    return Backbone(
        module,
        (head,) if isinstance(head, str) else tuple(head),
        size or int((found.get("input_size") or (3, _FALLBACK_SIZE))[1]),
        found.get("mean") or _IMAGENET_MEAN,
        found.get("std") or _IMAGENET_STD,
    )


def _build_torchvision(name: str, weights: str, seed: int, size: int | None) -> Backbone:
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
    return Backbone(module, (head,), size or own_size, mean, std)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def set_batch_norm(module: torch.nn.Module, size: int, seed: int) -> None:
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
    with torch.no_grad(), full_precision():
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


@contextmanager
def full_precision() -> Iterator[None]:
    """Keep GPUs from rounding float32 to TF32: devices should agree."""
    import torch

    cudnn, matmul = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = cudnn, matmul


def _minor_version(package: str) -> str:
    try:
        return ".".join(metadata.version(package).split(".")[:2])
    except metadata.PackageNotFoundError:
        return ""
