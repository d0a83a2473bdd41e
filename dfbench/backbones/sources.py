"""Where libraries keep the default weights of backbones, and how they are fetched.

They are fetched over TLS, held against their hash where one is known, and read as tensors alone.
torch, timm, torchvision and open_clip are imported inside the functions that need them.
"""

from __future__ import annotations

import os
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from dfbench.backbones.weights import WeightsError, file_digest
from dfbench.errors import UnavailableError, first_line
from dfbench.files import cache_dir, digest, from_home, keep_known, known_of
from dfbench.references import of_imagenet

_ANSWER_WITHIN = 4.0
"""Seconds in which a host must answer before a download from it is tried."""
_NAMES = ["model.safetensors", "pytorch_model.bin"]
"""Of weights on the hub, in the order in which timm looks for them."""
_NAMES_OF_CLIP = ["open_clip_model.safetensors", "open_clip_pytorch_model.bin"]
"""The same of open_clip."""
# names that are hashes, and those that end with the beginning of one
_BLOB = re.compile("([0-9a-f]{64})")
_HASH = re.compile(r"-([0-9a-f]{8})\.[a-z]+$")
_FORCE, _FORCE_NOT = "TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True)
class Source:
    """Where a library keeps the default weights of a backbone.

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
        return _on_hub(repository, [config.hf_hub_filename] if config.hf_hub_filename else _NAMES)
    if config is None or not config.url:
        raise UnavailableError(f"timm has no ImageNet weights for {name!r}")
    return _checkpoint(config.url)


def torchvision_source(name: str) -> Source:
    """Find out where torchvision has the default weights of a backbone."""
    from torchvision.models import get_model_weights

    return _checkpoint(get_model_weights(name).DEFAULT.url)


def open_clip_source(name: str) -> Source:
    """Find out where open_clip has the weights NAME.TAG.

    Raises
    ------
    UnavailableError
        If no tag is told, with those that there are, or none can be fetched.
    """
    import open_clip

    model, _, tag = name.partition(".")
    if not tag:
        tags = open_clip.list_pretrained_tags_by_model(model)
        raise UnavailableError(
            f"open_clip has {'several' if tags else 'no'} weights for {model!r}",
            hint=f"name one: {', '.join(f'open_clip:{model}.{each}' for each in tags)}"
            if tags
            else None,
        )
    config = open_clip.get_pretrained_cfg(model, tag)
    repository, _, file = config.get("hf_hub", "").rpartition("/")
    if repository:
        return _on_hub(repository, [file] if file else _NAMES_OF_CLIP)
    url = config.get("url", "")
    place = Path("~/.cache/clip").expanduser() / url.rsplit("/", 1)[-1]
    return Source(url=url, place=place, cached=place.is_file())


def _on_hub(repository: str, names: list[str]) -> Source:
    from huggingface_hub import constants, try_to_load_from_cache

    return Source(
        url=f"{constants.ENDPOINT}/{repository}/resolve/main/{names[0]}",
        place=Path(constants.HF_HUB_CACHE) / ("models--" + repository.replace("/", "--")),
        cached=any(isinstance(try_to_load_from_cache(repository, name), str) for name in names),
    )


def _checkpoint(url: str) -> Source:
    import torch

    place = Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[-1]
    return Source(url=url, place=place, cached=place.is_file())


_ADDRESS = 1 << 16
"""Bytes of what is remembered of a backbone."""
_PLACES = ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "TORCH_HOME", "HF_HOME", "HF_HUB_CACHE")
"""Variables of the environment that say where libraries keep weights; with `_HOSTS`, from where."""
_PACKAGES = ("timm", "torch", "torchvision", "open_clip_torch", "huggingface_hub")
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
    known |= _versions()
    file = cache_dir() / "weights" / f"{digest([backbone, known])}.json"
    if (told := known_of(file)) is not None:
        url, place = str(told["url"]), Path(told["place"])
        if (cached := _kept(place, url) is not None) or not place.exists():
            return Source(url=url, place=place, cached=cached)
    source = find()
    keep_known(file, {"url": source.url, "place": str(source.place)})
    return source


def known_to_hold(backbone: str, what: Any, check: Callable[[], None]) -> None:
    """Call what raises where something does not hold of a backbone, until it has held once.

    Parameters
    ----------
    backbone
        Its name.
    what
        JSON-able: what holds.
    check
        Asks the library.
    """
    file = cache_dir() / "weights" / f"{digest([backbone, what, _versions()])}.json"
    if known_of(file) is None:
        check()
        keep_known(file, what)


def _kept(place: Path, url: str) -> Path | None:
    """Find what a URL names in its place, a file or a folder of the hub's cache."""
    if place.is_file():
        return place
    repository, found, file = url.split("/", 3)[-1].partition("/resolve/main/")
    if not (found and place.is_dir()):
        return None
    from huggingface_hub import try_to_load_from_cache

    kept = try_to_load_from_cache(repository, file)
    return Path(kept) if isinstance(kept, str) else None


def _versions() -> dict[str, str]:
    return {name: _version(name) for name in _PACKAGES}


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
    if not source.url.startswith("https://"):
        raise _absent(source, backbone, "are fetched by https alone")
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        reason = "HF_HUB_OFFLINE forbids to fetch them"
    elif reachable(source.url.split("/", 3)[2]):
        return
    else:
        reason = f"{source.url.split('/', 3)[2]} cannot be reached"
    raise _absent(source, backbone, reason)


def _absent(source: Source, backbone: str, reason: str) -> UnavailableError:
    kind = "ImageNet weights" if of_imagenet(backbone) else "weights"
    return UnavailableError(
        f"{kind} of {backbone} are not on this machine and {reason}",
        hint=f"fetch {source.url} elsewhere and give the file as weights = "
        f'"/path/{source.url.rsplit("/", 1)[-1]}", or fill {from_home(source.place)}',
    )


def fetching(source: Source, backbone: str, make: Callable[[], Any]) -> Any:
    """Run what may download, after `check_source`, and word its failure.

    Nothing but tensors is unpickled meanwhile, whatever the library asks of torch.

    Raises
    ------
    UnavailableError
        If the download fails.
    WeightsError
        If a file is not what its hash says, or holds more than tensors.
    """
    check_source(source, backbone)
    if source.cached:
        _check_content(source)
    try:
        with _tensors_only():
            made = make()
    except Exception as error:  # network libraries raise many kinds, and so does torch
        if source.cached:
            raise WeightsError(
                f"cannot be loaded as weights of {backbone}: {first_line(error)}",
                where=source.place,
                hint="remove it: it is fetched again",
            ) from error
        raise _absent(source, backbone, f"the download failed: {first_line(error)}") from error
    if not source.cached:
        _check_content(source)
    return made


@contextmanager
def _tensors_only() -> Iterator[None]:
    """Have torch read tensors alone, also for libraries that ask it to make any object."""
    with _LOCK:  # the environment is that of all threads
        before = {name: os.environ.pop(name, None) for name in (_FORCE, _FORCE_NOT)}
        os.environ[_FORCE] = "1"
        try:
            yield
        finally:
            del os.environ[_FORCE]
            os.environ |= {name: its for name, its in before.items() if its is not None}


def _check_content(source: Source) -> None:
    """Raise where a file that a library keeps is not what its hash says, if one is known.

    The hub's cache calls a file by its SHA-256, as the hub told it; names of other files of
    PyTorch, and of most of timm, end with the beginning of theirs.

    Raises
    ------
    WeightsError
        With the file.
    """
    folder = source.url.rpartition("/")[0]
    for name in dict.fromkeys([source.url.rpartition("/")[2], *_NAMES, *_NAMES_OF_CLIP]):
        kept = _kept(source.place, f"{folder}/{name}")
        if kept is None:
            continue
        told = _BLOB.fullmatch(kept.resolve().name) or _HASH.search(kept.name)
        if told and not file_digest(kept).startswith(told.group(1)):
            raise WeightsError(
                "is not what its hash says: damaged, or somebody else's",
                where=kept,
                hint="remove it: it is fetched again",
            )


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
