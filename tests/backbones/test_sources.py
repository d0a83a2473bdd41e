"""Weights that libraries fetch: over TLS, as their hash says, and tensors alone."""

import hashlib
import os
import socket
import threading
from pathlib import Path

import pytest
import torch

from dfbench.backbones.build import build
from dfbench.backbones.sources import Source, check_source, fetching
from dfbench.backbones.weights import WeightsError
from dfbench.errors import UnavailableError


class Evil:
    """An object that writes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def kept(tmp_path, monkeypatch) -> Path:
    """The folder in which torch keeps what it has fetched."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def named(folder: Path, content: object, name: str = "") -> Path:
    """Save a file under a name that ends as its hash begins."""
    torch.save(content, folder / "new")
    own = hashlib.sha256((folder / "new").read_bytes()).hexdigest()[:8]
    return (folder / "new").rename(folder / (name or f"weights-{own}.pth"))


def loaded(path: Path) -> object:
    url = f"https://localhost/{path.name}"
    source = Source(url=url, place=path, cached=True)
    # as torchvision does, which leaves what may be unpickled to the default: anything
    return fetching(source, "a", lambda: torch.hub.load_state_dict_from_url(url, check_hash=True))


def test_what_a_library_keeps_is_read_as_tensors_alone(kept, tmp_path):
    path = named(kept, {"a": Evil(tmp_path / "ran")})
    with pytest.raises(WeightsError, match="cannot be loaded as weights of a") as caught:
        loaded(path)
    assert caught.value.where == str(path)
    assert not (tmp_path / "ran").exists()
    assert "TORCH_FORCE_WEIGHTS_ONLY_LOAD" not in os.environ


def test_a_file_that_is_not_what_its_hash_says_is_not_loaded(kept, tmp_path):
    named(kept, {"a": Evil(tmp_path / "ran")}, "resnet18-f37072fd.pth")
    with pytest.raises(WeightsError, match="is not what its hash says"):
        build("torchvision:resnet18", "imagenet", 0, None)
    assert not (tmp_path / "ran").exists()


def test_a_sound_file_is_loaded(kept):
    tensors = {"a": torch.arange(3)}
    assert torch.equal(loaded(named(kept, tensors))["a"], tensors["a"])
    assert loaded(named(kept, tensors, "of-no-hash.pth")).keys() == {"a"}


def test_what_the_hub_told_of_a_file_is_its_name_in_the_cache(tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    place = tmp_path / "models--timm--a"
    snapshot = place / "snapshots" / "0" / "model.safetensors"
    for folder in (snapshot.parent, place / "blobs", place / "refs"):
        folder.mkdir(parents=True)
    (place / "refs" / "main").write_text("0")
    blob = place / "blobs" / hashlib.sha256(b"weights").hexdigest()
    snapshot.symlink_to(blob)
    url = "https://localhost/timm/a/resolve/main/model.safetensors"
    source = Source(url=url, place=place, cached=True)
    blob.write_bytes(b"weights")
    assert fetching(source, "a", lambda: 1) == 1
    blob.write_bytes(b"weightz!")
    with pytest.raises(WeightsError, match="is not what its hash says"):
        fetching(source, "a", lambda: 1)


def test_nothing_is_fetched_without_tls(tmp_path):
    asked = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a.pth"
        source = Source(url=url, place=tmp_path / "a.pth", cached=False)
        with pytest.raises(UnavailableError, match="fetched by https alone"):
            check_source(source, "a")
        with pytest.raises(UnavailableError, match="fetched by https alone"):
            fetching(source, "a", asked.set)
        with pytest.raises(TimeoutError):
            server.accept()
    assert not asked.is_set()


def test_what_was_fetched_is_held_against_its_hash(tmp_path, monkeypatch):
    monkeypatch.setattr("dfbench.backbones.sources.reachable", lambda host: True)
    path = tmp_path / "weights-01234567.pth"
    source = Source(url=f"https://localhost/{path.name}", place=path, cached=False)
    with pytest.raises(WeightsError, match="is not what its hash says"):
        fetching(source, "a", lambda: path.write_bytes(b"other"))
