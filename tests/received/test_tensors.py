"""Weights of strangers: no packed ones, no pipes or devices, and no programs."""

import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save, save_file

from dfbench.backbones.weights import WeightsError, read_file
from dfbench.errors import UnavailableError
from dfbench.features.elsewhere.files import Onnx, TorchScript
from dfbench.models.networks.meso import Meso4
from dfbench.models.training.checkpoint import load
from dfbench.models.training.checkpoint import save as keep
from dfbench.received.arrays import arrays_of
from dfbench.received.tensors import of_torch, safetensors, tensors_of

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.zeros(3, dtype=torch.bfloat16)}
MOST = 1 << 20


def same(found: dict[str, torch.Tensor]) -> bool:
    return found.keys() == TENSORS.keys() and all(
        torch.equal(found[key], its) for key, its in TENSORS.items()
    )


def repacked(path: Path, kind: int) -> Path:
    """Pack a file of torch anew, as it never does itself."""
    into = path.with_name("packed.pth")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(into, "w", kind) as archive:
        for name in source.namelist():
            archive.writestr(name, source.read(name))
    return into


def test_all_ways_give_the_same_tensors(tmp_path):
    save_file(TENSORS, tmp_path / "a.safetensors", metadata={"key": "value"})
    found, told = safetensors(tmp_path / "a.safetensors", most=MOST)
    assert same(found)
    assert told == {"key": "value"}
    assert same(tensors_of(save(TENSORS)))
    for zipped in (True, False):  # the second as torch wrote them before 1.6
        torch.save(TENSORS, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
        assert same(of_torch(tmp_path / "a.pth", most=MOST))
        assert same(read_file(tmp_path / "a.pth"))
    assert (arrays_of(save({"a": TENSORS["a"]}))["a"] == TENSORS["a"].numpy()).all()


def test_a_packed_file_is_not_unpacked(tmp_path):
    torch.save({"a": torch.zeros(1 << 20)}, tmp_path / "a.pth")
    packed = repacked(tmp_path / "a.pth", zipfile.ZIP_DEFLATED)
    assert packed.stat().st_size < 1 << 17
    with pytest.raises(WeightsError, match="holds a packed file"):
        read_file(packed)
    assert read_file(repacked(tmp_path / "a.pth", zipfile.ZIP_STORED))["a"].numel() == 1 << 20


@pytest.mark.parametrize("content", [b"", b"PK\5\6", b"\x08" + bytes(7) + b"{}", b"{" * 999])
def test_damage_is_said_in_words(tmp_path, content):
    for suffix in (".pth", ".safetensors"):
        path = tmp_path / f"a{suffix}"
        path.write_bytes(content)
        with pytest.raises(WeightsError, match="not readable as weights"):
            read_file(path)
    for read in (arrays_of, tensors_of):
        with pytest.raises(ValueError, match="by name"):
            read(content)


def test_a_program_is_not_run(tmp_path):
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return os.mkdir, (str(tmp_path / "ran"),)

    for number, write in enumerate((pickle.dump, torch.save)):
        with (tmp_path / f"{number}.pth").open("wb") as file:
            write({"a": Evil()}, file)
        with pytest.raises(WeightsError, match="not readable as weights"):
            read_file(tmp_path / f"{number}.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("kind", ["pipe", "device"])
@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("a.pth", read_file),
        ("a.safetensors", read_file),
        ("a.onnx", lambda path: Onnx(str(path), 2).identity()),
        ("a.pt", lambda path: TorchScript(str(path), 2).identity()),
        ("a.h5", lambda path: Meso4.check_available({"weights": str(path)})),
    ],
)
def test_what_is_no_file_is_not_waited_for(tmp_path, kind, name, read):
    path = tmp_path / name
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(UnavailableError, match=r"no plain file|not there"):
        read(path)


def test_of_no_size_that_was_not_asked_for(tmp_path):
    for path in (tmp_path / "a.safetensors", tmp_path / "a.pth"):
        with path.open("wb") as file:
            file.truncate(MOST + 1)
    with pytest.raises(OSError, match="too large"):
        safetensors(tmp_path / "a.safetensors", most=MOST)
    with pytest.raises(OSError, match="too large"):
        of_torch(tmp_path / "a.pth", most=MOST)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_checkpoint_that_is_a_link_or_a_pipe_is_none(tmp_path):
    keep(tmp_path / "real", TENSORS, {"epoch": 1})
    found = load(tmp_path / "real")
    assert found is not None
    assert same(found[0])
    (tmp_path / "link").symlink_to(tmp_path / "real")
    os.mkfifo(tmp_path / "pipe")
    assert load(tmp_path / "link") is load(tmp_path / "pipe") is None
