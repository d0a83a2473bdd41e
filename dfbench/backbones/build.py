"""Builds backbones without their classifier, and says what their makers say of their input.

torch and the libraries that have backbones are imported inside the functions that need them.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from dfbench.backbones import blocks, sources
from dfbench.backbones.apart import asked
from dfbench.backbones.blocks import Pool
from dfbench.backbones.names import SHORT, Short
from dfbench.backbones.weights import Tensors, file_digest, load_strictly
from dfbench.errors import DfbenchError, UnavailableError, unknown
from dfbench.received.files import is_file

if TYPE_CHECKING:
    import torch

Fit = Literal["stretch", "crop", "none"]
Interpolation = Literal["area", "bilinear", "bicubic", "lanczos"]

LIBRARIES = {"timm": "timm", "torchvision": "torchvision", "open_clip": "open_clip_torch"}
"""What has backbones, by the name of its module, and the package that it comes in."""
_OPEN_CLIP = 'pip install "dfbench-toolkit[clip]"'
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)
_FALLBACK_SIZE = 224
_CALIBRATION_IMAGES = 16


@dataclass(frozen=True, slots=True)
class Backbone:
    """A backbone without its classifier, and what its makers say of its input.

    Attributes
    ----------
    head
        Names of the layers that were taken off.
    size
        Side of the input in pixels.
    mean, std
        Of pixels in [0, 1], by channel.
    fit, interpolation
        How an image is brought to the size, as `dfbench.features.common.resizing.fitted` has it:
        the makers' own way for short names and for open_clip, ours for all others.
    """

    module: torch.nn.Module
    head: tuple[str, ...]
    size: int
    mean: Sequence[float]
    std: Sequence[float]
    fit: Fit = "stretch"
    interpolation: Interpolation = "area"


def library_of(backbone: str) -> str:
    """Give the library that a backbone's name asks for; empty where it leaves that open."""
    backbone = _meant(backbone).of
    return backbone.partition(":")[0] if ":" in backbone else ""


def _meant(backbone: str) -> Short:
    """Give what a short name stands for; another stands for itself."""
    return SHORT.get(backbone) or Short(backbone)


def check_available(
    backbone: str, weights: str, block: int | str | None = None, pool: Pool | None = None
) -> None:
    """Raise where a package or the weights of a backbone are absent, or it has not the block.

    A host that does not answer within some seconds counts as out of reach.

    Raises
    ------
    UnavailableError
        With the way to get what is absent.
    UnknownNameError, ParameterError
        If neither library has the backbone, or it has no such block, or no class token.
    """
    library = library_of(backbone)
    if library not in ("", *LIBRARIES):
        raise unknown("backbone library", library, LIBRARIES)
    for package in ("torch", library or "timm"):
        _check_installed(package)
    if block is not None:
        # asked once: a library takes seconds to say
        of_block = {"block": block, "pool": pool}
        sources.known_to_hold(
            backbone, of_block, lambda: asked(_check_block, backbone, block, pool)
        )
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


def _check_block(backbone: str, block: int | str, pool: Pool | None) -> None:
    """Look for a block in a backbone that has shapes alone: it takes no time and no memory."""
    import torch

    try:
        with torch.device("meta"):
            module = build(backbone, "random", 0, None).module
    except DfbenchError:
        raise
    except Exception:  # noqa: BLE001 - not all of what libraries have can be made so
        return  # it is told when it is run
    blocks.check(module, block, pool, backbone)


def _check_installed(library: str) -> None:
    if importlib.util.find_spec(library) is None:
        name = LIBRARIES.get(library, library)
        hint = _OPEN_CLIP if library == "open_clip" else f"install {name}"
        raise UnavailableError(f"the package {name} is absent", hint=hint)


def imagenet(backbone: str) -> sources.Source:
    """Find out where the library's default weights of a backbone are kept; fetches nothing.

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
    versions = {name: _minor_version(LIBRARIES.get(name, name)) for name in libraries}
    return {"weights": known, "libraries": versions}


def build(backbone: str, weights: str, seed: int, size: int | None) -> Backbone:
    """Make a backbone, with the weights that are asked for and no others.

    Parameters
    ----------
    backbone
        One of `SHORT`, ``timm:NAME``, ``torchvision:NAME``, ``open_clip:NAME`` or a bare name.
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
    short = SHORT.get(backbone)
    library, name = resolve(backbone)
    if library == "open_clip":
        built = _build_open_clip(name, weights, seed, size)
    elif library == "torchvision":
        built = _build_torchvision(name, weights, seed, size)
    else:
        asked_size = size or (short.size if short else None)
        projected = short is not None and short.projected
        built = _build_timm(name, weights, seed, asked_size, projected=projected)
    if short is not None:
        built = replace(built, fit="crop", interpolation="bicubic")
    if weights not in ("imagenet", "random"):
        turned = {"timm": _timm_layout, "open_clip": _visual}.get(library)
        load_strictly(built.module, Path(weights), built.head, turned)
    return built


def resolve(backbone: str) -> tuple[str, str]:
    """Find the library that has a backbone.

    Raises
    ------
    UnknownNameError
        With the nearest names.
    UnavailableError
        If open_clip is asked for and is not installed.
    """
    library, colon, name = _meant(backbone).of.rpartition(":")
    if colon and library not in LIBRARIES:
        raise unknown("backbone library", library, LIBRARIES)
    if library == "open_clip":
        return library, _of_open_clip(name)
    known = list(SHORT)
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
    begun = [each for each in known if name and each.startswith(name)]
    # a short name stands without a library
    raise unknown("backbone", backbone if name in SHORT else name, begun or known)


def _of_open_clip(name: str) -> str:
    """Give NAME.TAG of a backbone of open_clip; without a tag it is OpenAI's, where there is one.

    Where there is neither, it is the name alone, with which no weights come.
    """
    _check_installed("open_clip")
    import open_clip

    model, _, tag = name.partition(".")
    listed = open_clip.list_models()
    if model not in listed:
        raise unknown("backbone", name, listed)
    tags = open_clip.list_pretrained_tags_by_model(model)
    if tag and tag not in tags:
        raise unknown(f"weights of {model}", tag, tags)
    tag = tag or ("openai" if "openai" in tags else "")
    return f"{model}.{tag}" if tag else model


def _source(backbone: str) -> sources.Source:
    library, name = resolve(backbone)
    found: dict[str, Callable[[str], sources.Source]] = {
        "timm": sources.timm_source,
        "torchvision": sources.torchvision_source,
        "open_clip": sources.open_clip_source,
    }
    return found[library](name)


def _build_timm(
    name: str, weights: str, seed: int, size: int | None, *, projected: bool = False
) -> Backbone:
    import timm
    from timm.models import get_pretrained_cfg

    config = get_pretrained_cfg(name)
    options: dict[str, Any] = {} if projected else {"num_classes": 0}
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
    head = () if projected else found.get("classifier") or ()
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


def _timm_layout(tensors: Tensors, module: torch.nn.Module) -> Tensors:
    """Turn a file of a backbone's makers into timm's layout, as timm does with its downloads.

    So OpenAI's and open_clip's files of CLIP fit, Meta's of DINOv2 and ConvNeXt, and a grid of
    positions of another size.
    """
    turned = getattr(sys.modules[type(module).__module__], "checkpoint_filter_fn", None)
    return dict(turned(tensors, module)) if turned is not None else tensors


def _visual(tensors: Tensors, module: torch.nn.Module) -> Tensors:
    """Take the part that sees images out of a file of CLIP."""
    found = {n.removeprefix("module."): its for n, its in tensors.items()}
    return {n.removeprefix("visual."): its for n, its in found.items() if n.startswith("visual.")}


def _build_open_clip(name: str, weights: str, seed: int, size: int | None) -> Backbone:
    import open_clip

    model, _, tag = name.partition(".")
    told: dict[str, Any] = (open_clip.get_pretrained_cfg(model, tag) if tag else None) or {}
    options: dict[str, Any] = {
        "force_quick_gelu": bool(told.get("quick_gelu")),
        "pretrained_text": False,
    }
    if size is not None:
        options["force_image_size"] = size
    if weights == "imagenet":
        whole = sources.fetching(
            sources.open_clip_source(name),
            name,
            lambda: open_clip.create_model(model, pretrained=tag, **options),
        )
    else:
        with _seeded(seed):
            whole = open_clip.create_model(model, load_weights=False, **options)
    module = whole.visual
    own = {**(getattr(module, "preprocess_cfg", None) or {}), **told}
    side = size or getattr(module, "image_size", None) or _FALLBACK_SIZE
    return Backbone(
        module,
        (),
        int(side[0] if isinstance(side, list | tuple) else side),
        own.get("mean") or open_clip.OPENAI_DATASET_MEAN,
        own.get("std") or open_clip.OPENAI_DATASET_STD,
        "stretch" if own.get("resize_mode") == "squash" else "crop",
        "bilinear" if own.get("interpolation") == "bilinear" else "bicubic",
    )


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def set_batch_norm(module: torch.nn.Module, size: int, seed: int) -> None:
    """Make each batch normalisation standardise its channels over synthetic images."""
    import torch

    norms = _batch_norms(module)
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


def without_batch_norm(module: torch.nn.Module) -> bool:
    """Tell whether batch normalisation has been folded: it is there, and leaves values as they are.

    Converters write variances of 1, or of 1 less what is added to them.
    """
    kept = [(n.running_mean, n.running_var) for n in _batch_norms(module)]
    return bool(kept) and all(
        mean is not None
        and var is not None
        and not mean.any()
        and bool(((var - 1).abs() < 2e-3).all())
        for mean, var in kept
    )


def _batch_norms(module: torch.nn.Module) -> list[torch.nn.modules.batchnorm._BatchNorm]:
    from torch.nn.modules.batchnorm import _BatchNorm

    return [each for each in module.modules() if isinstance(each, _BatchNorm)]


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
