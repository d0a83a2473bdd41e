"""Weights of frozen backbones: where they come from, and what is said when they are not there.

torch, timm and torchvision are imported inside the functions that need them.
"""

from __future__ import annotations

import hashlib
import os
import threading
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfbench.errors import DfbenchError, UnavailableError
from dfbench.files import cache_dir, digest, from_home, keep_known, known_of
from dfbench.received import files

if TYPE_CHECKING:
    import torch

_MOST = 8 << 30
"""Bytes of the largest file of weights that is read."""
_ANSWER_WITHIN = 4.0
"""Seconds in which a host must answer before a download from it is tried."""


class WeightsError(DfbenchError):
    """A file of weights that cannot be read or does not fit its backbone."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a library keeps the ImageNet weights of a backbone.

    Attributes
    ----------
    url
        What would be downloaded.
    place
        The file or folder in which the library's own cache keeps it.
    cached
        Whether it is there.
    """

    url: str
    place: Path
    cached: bool


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, computed again only when the file's size or time changes.

    Raises
    ------
    UnavailableError
        If there is no such file.
    """
    try:
        stat = path.stat()
        return _digest(path, stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        raise UnavailableError(
            f"weights cannot be read: {error.strerror or error}", where=path
        ) from error


@cache
def _digest(path: Path, mtime: int, size: int) -> str:
    with files.opened(path, most=_MOST) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_file(path: Path) -> dict[str, torch.Tensor]:
    """Read tensors by name from ``.safetensors``, or from a ``.pth`` without running its code.

    Raises
    ------
    UnavailableError
        If there is no such file, or it is larger than any that is read.
    WeightsError
        If it is not what its ending says, holds anything but tensors, or unpacks to more than it
        is.
    """
    try:
        files.opened(path, most=_MOST).close()
    except OSError as error:
        absent = isinstance(error, FileNotFoundError)
        what = "no such file of weights" if absent else f"weights cannot be read: {error.strerror}"
        raise UnavailableError(what, where=path) from None
    if path.suffix not in {".safetensors", ".pth", ".pt", ".bin"}:
        raise WeightsError(
            f"weights of the kind {path.suffix!r} are not read",
            where=path,
            hint="a .safetensors file, or a .pth that holds tensors only",
        )
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        import torch

        _check_packing(path)
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the readers raise many kinds on broken files
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise WeightsError(
            f"not readable as weights: {first}",
            where=path,
            hint="a .safetensors file, or a .pth that holds tensors only",
        ) from error
    for key in ("state_dict", "model"):
        if isinstance(tensors, dict) and isinstance(tensors.get(key), dict):
            tensors = tensors[key]
    if not isinstance(tensors, dict) or not all(hasattr(t, "shape") for t in tensors.values()):
        raise WeightsError("holds no table of tensors by name", where=path)
    return tensors


def _check_packing(path: Path) -> None:
    """Raise where a file of torch, which is a ZIP archive of stored files, is a packed one.

    Raises
    ------
    ValueError
        If it would be more in memory than on disk.
    """
    if not zipfile.is_zipfile(path):
        return  # of an old form, which packs nothing
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    stored = all(each.compress_type == zipfile.ZIP_STORED for each in members)
    if not stored or sum(each.file_size for each in members) > path.stat().st_size:
        raise ValueError("is packed, as no file that torch writes is")


def load_strictly(module: torch.nn.Module, path: Path, head: tuple[str, ...]) -> None:
    """Load a local file into a backbone whose classifier was taken off.

    Every other tensor must be there, in its shape, and nothing else may be. Tensors of the
    classifier, named ``head``, are passed over whatever their shape: it is not part of a frozen
    backbone, and fine-tuned files hold one of their own.

    Raises
    ------
    UnavailableError
        If there is no such file.
    WeightsError
        If it is broken or does not fit, naming tensors at fault.
    """
    found = {
        name: tensor
        for name, tensor in read_file(path).items()
        if not any(name.startswith(f"{part}.") for part in head)
    }
    wanted = module.state_dict()
    # files from before BatchNorm counted its batches lack this number; it changes nothing here
    optional = {name for name in wanted if name.endswith("num_batches_tracked")}
    missing = sorted(set(wanted) - set(found) - optional)
    strange = sorted(set(found) - set(wanted))
    shapes = [
        f"{name} is {tuple(found[name].shape)}, not {tuple(wanted[name].shape)}"
        for name in sorted(set(wanted) & set(found))
        if found[name].shape != wanted[name].shape
    ]
    faults = [
        f"{len(names)} {what} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
        for what, names in (
            ("missing", missing),
            ("unexpected", strange),
            ("of another shape", shapes),
        )
        if names
    ]
    if faults:
        raise WeightsError(
            f"weights do not fit the backbone: {'; '.join(faults)}",
            where=path,
            hint="is it the backbone that the file was made with?",
        )
    module.load_state_dict(found, strict=False)


def timm_source(name: str) -> Source:
    """Find out where timm has the default weights of a backbone.

    Raises
    ------
    UnavailableError
        If there are none.
    """
    from timm.models import get_pretrained_cfg

    config = get_pretrained_cfg(name)
    repository = getattr(config, "hf_hub_id", None)
    if repository:
        from huggingface_hub import constants, try_to_load_from_cache

        files = (
            [config.hf_hub_filename]
            if config.hf_hub_filename
            else ["model.safetensors", "pytorch_model.bin"]
        )
        cached = any(isinstance(try_to_load_from_cache(repository, f), str) for f in files)
        folder = "models--" + repository.replace("/", "--")
        return Source(
            url=f"{constants.ENDPOINT}/{repository}/resolve/main/{files[0]}",
            place=Path(constants.HF_HUB_CACHE) / folder,
            cached=cached,
        )
    if config is None or not config.url:
        raise UnavailableError(f"timm has no ImageNet weights for {name!r}")
    return _checkpoint(config.url)


def torchvision_source(name: str) -> Source:
    """Find out where torchvision has the default weights of a backbone."""
    from torchvision.models import get_model_weights

    return _checkpoint(get_model_weights(name).DEFAULT.url)


def _checkpoint(url: str) -> Source:
    import torch

    place = Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[-1]
    return Source(url=url, place=place, cached=place.is_file())


_ADDRESS = 1 << 16
"""Bytes of what is remembered of a backbone."""
_PLACES = ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "TORCH_HOME", "HF_HOME", "HF_HUB_CACHE")
"""Variables of the environment that say where libraries keep weights; with `_HOSTS`, from where."""
_HOSTS = ("HF_ENDPOINT", "HUGGINGFACE_HUB_CACHE")


def remembered(backbone: str, find: Callable[[], Source]) -> Source:
    """Give the source of a backbone's weights; where it is known already, without a library.

    To ask a library takes seconds. Whether weights are there can be told from their place alone,
    so that is what is remembered below the cache folder, for these versions of the libraries.

    Parameters
    ----------
    backbone
        Its name.
    find
        Asks the library.
    """
    known = {name: os.environ.get(name, "") for name in (*_PLACES, *_HOSTS)}
    known |= {name: _version(name) for name in ("timm", "torch", "torchvision", "huggingface_hub")}
    file = cache_dir() / "weights" / f"{digest([backbone, known])}.json"
    if (told := known_of(file)) is not None:
        url, place = str(told["url"]), Path(told["place"])
        if (cached := _lies_at(place, url)) or not place.exists():
            return Source(url=url, place=place, cached=cached)
    source = find()
    keep_known(file, {"url": source.url, "place": str(source.place)})
    return source


def _lies_at(place: Path, url: str) -> bool:
    """Whether what a URL names is in its place, a file or a folder of the hub's cache."""
    if place.is_file():
        return True
    repository, found, file = url.split("/", 3)[-1].partition("/resolve/main/")
    if not (found and place.is_dir()):
        return False
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(repository, file), str)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def check_source(source: Source, backbone: str) -> None:
    """Raise where weights are neither cached nor within reach, in seconds rather than minutes.

    Raises
    ------
    UnavailableError
        With the file, where it comes from and where it may be put.
    """
    if source.cached:
        return
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        reason = "HF_HUB_OFFLINE forbids to fetch them"
    elif reachable(source.url.split("/", 3)[2]):
        return
    else:
        reason = f"{source.url.split('/', 3)[2]} cannot be reached"
    raise _absent(source, backbone, reason)


def _absent(source: Source, backbone: str, reason: str) -> UnavailableError:
    return UnavailableError(
        f"ImageNet weights of {backbone} are not on this machine and {reason}",
        hint=f"fetch {source.url} elsewhere and give the file as weights = "
        f'"/path/{source.url.rsplit("/", 1)[-1]}", or fill {from_home(source.place)}',
    )


def fetching(source: Source, backbone: str, make: Callable[[], Any]) -> Any:
    """Run what may download, after `check_source`, and word its failure.

    Raises
    ------
    UnavailableError
        If the download fails.
    """
    check_source(source, backbone)
    if source.cached:
        return make()
    try:
        return make()
    except Exception as error:  # network libraries raise many kinds
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise _absent(source, backbone, f"the download failed: {first}") from error


@cache
def reachable(host: str) -> bool:
    """Whether a host answers HTTPS (through the proxy that is set, if any), asked once."""
    answered: list[bool] = []

    def ask() -> None:
        request = urllib.request.Request(f"https://{host}/", method="HEAD")
        try:
            # it begins with https://
            with urllib.request.urlopen(request, timeout=_ANSWER_WITHIN):  # noqa: S310
                answered.append(True)
        except urllib.error.HTTPError:
            answered.append(True)
        except OSError:
            pass

    # in a thread of its own: looking up a name has no time limit that one could set
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_ANSWER_WITHIN)
    return bool(answered)
