"""Model files that were damaged, cut, or made by somebody who means harm are refused in a line."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from safetensors.numpy import load

import dfbench
from dfbench.detectors import archive
from dfbench.detectors.archive import ModelFileError, is_model_file, parse, read, write
from dfbench.detectors.detector import Detector
from dfbench.detectors.keeping import REFERENCE, packed
from dfbench.errors import DfbenchError

ROWS = ("hsv/knn", "hsv+lbp/svm", "hsv/xgboost", "network", "stacked")


@pytest.fixture(scope="session")
def whole(ran, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    found = {}
    for row in ROWS:
        write(folder / "model.dfb", ran.bundle(row))
        found[row] = (folder / "model.dfb").read_bytes()
    return found


def sealed(content: bytes) -> bytes:
    """End a ZIP archive as a model file ends: the digest is no secret."""
    with zipfile.ZipFile(file := io.BytesIO(content), "a") as packed:
        packed.comment = b"\0" * archive._COMMENT
    body = file.getvalue()[: -archive._COMMENT]
    return body + archive._MARK + hashlib.sha256(body).hexdigest().encode()


def rebuilt(content: bytes, change: Callable[[str, bytes], Any]) -> bytes:
    """Write an archive anew, each member changed, and seal it; None leaves a member out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            its = change(name, old.read(name))
            if its is not None:
                new.writestr(name, its)
    return sealed(out.getvalue())


def refused(content: bytes, tmp_path: Path) -> str:
    """Load a file that must be refused, in one line, with nothing written beside it."""
    folder = tmp_path / "tampered"
    folder.mkdir(exist_ok=True)
    path = folder / "model.dfb"
    path.write_bytes(content)
    with pytest.raises(DfbenchError) as caught:
        dfbench.load_model(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 2_000
    assert [each.name for each in folder.iterdir()] == ["model.dfb"]
    return str(caught.value)


def test_what_is_written_is_read(whole: dict[str, bytes], ran) -> None:
    for row, content in whole.items():
        bundle = parse(content)
        assert bundle.contents.row == row
        assert bundle.card.startswith(f"# {row} on faces")
        assert sealed_equal(content)


def sealed_equal(content: bytes) -> bool:
    return hashlib.sha256(content[: -archive._COMMENT]).hexdigest().encode() == content[-64:]


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), row=st.sampled_from(ROWS))
def test_a_bit_that_flipped_anywhere_is_found(whole, row: str, place: float, bit: int) -> None:
    content = bytearray(whole[row])
    content[int(place * len(content))] ^= 1 << bit
    with pytest.raises(ModelFileError):
        parse(bytes(content))


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(place=st.floats(0, 1, exclude_max=True), row=st.sampled_from(ROWS))
def test_a_file_that_was_cut_is_found(whole, row: str, place: float) -> None:
    with pytest.raises(ModelFileError):
        parse(whole[row][: int(place * len(whole[row]))])
    with pytest.raises(ModelFileError):
        parse(whole[row][int(place * len(whole[row])) + 1 :])


def test_every_member_has_to_be_there(whole: dict[str, bytes], tmp_path: Path) -> None:
    for row, content in whole.items():
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            names = [name for name in packed.namelist() if name != "README.md"]
        for gone in names:
            cut = rebuilt(content, lambda name, its, gone=gone: None if name == gone else its)
            said = refused(cut, tmp_path)
            assert "not whole" in said or "model.json" in said, (row, gone)


def test_a_pickle_in_any_member_is_not_loaded(whole: dict[str, bytes], tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "made"),)

    for content in whole.values():
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            names = [name for name in packed.namelist() if name != "README.md"]
        for target in names:
            bomb = rebuilt(
                content, lambda name, its, t=target: pickle.dumps(Bomb()) if name == t else its
            )
            refused(bomb, tmp_path)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "name", ["../evil", "/tmp/evil", "files/../evil", "files/a/b", "files/..", "evil", "files/"]
)
def test_a_path_that_leads_elsewhere_is_refused(whole, name: str, tmp_path: Path) -> None:
    out = io.BytesIO(whole["hsv/knn"])
    with zipfile.ZipFile(out, "a") as packed:
        packed.writestr(name, b"evil")
    assert "holds what no model file does" in refused(sealed(out.getvalue()), tmp_path)


def test_a_member_that_nobody_asks_for_is_refused(whole, tmp_path: Path) -> None:
    out = io.BytesIO(whole["hsv/knn"])
    with zipfile.ZipFile(out, "a") as packed:
        packed.writestr("files/more", b"evil")
    assert "holds too much: more" in refused(sealed(out.getvalue()), tmp_path)


def test_what_is_packed_is_refused_before_it_is_unpacked(whole, tmp_path: Path) -> None:
    out = io.BytesIO(whole["hsv/knn"])
    with zipfile.ZipFile(out, "a") as packed:
        packed.writestr("files/bomb", b"\0" * 50_000_000, zipfile.ZIP_DEFLATED)
    assert len(out.getvalue()) < 1_500_000
    assert "holds a packed file" in refused(sealed(out.getvalue()), tmp_path)


def test_members_that_lie_over_each_other_are_refused(whole, tmp_path: Path) -> None:
    """A directory may name the same bytes many times (Fifield, WOOT 2019)."""
    content = bytearray(whole["hsv/knn"])
    end = content.rindex(b"PK\x05\x06")
    count, size, start = struct.unpack("<HII", content[end + 10 : end + 20])
    entry_end = content.index(b"PK\x01\x02", start + 4)
    entry = bytes(content[start:entry_end])
    name_length = struct.unpack("<H", entry[28:30])[0]
    more = b""
    for number in range(2_000):
        name = f"files/{number}".encode()
        more += entry[:28] + struct.pack("<H", len(name)) + entry[30:46] + name
        more += entry[46 + name_length :]
    content[end:end] = more
    end += len(more)
    content[end + 8 : end + 16] = struct.pack(
        "<HHI", count + 2_000, count + 2_000, size + len(more)
    )
    refused(sealed(bytes(content)), tmp_path)


def test_numbers_out_of_bounds_are_refused(whole, tmp_path: Path) -> None:
    for old, new in (
        ('"format": 1', '"format": 2'),
        ('"positive": 1', '"positive": 7'),
        ('"classes"', '"klasses"'),
        ('"n_classes": 2', '"n_classes": 1000000000'),
        ('"width": 48', '"width": 480000000'),
        ('"decoder": 1', '"decoder": 2'),
        ('"model": "knn"', '"model": "os.system"'),
        ('"name": "hsv"', '"name": "subprocess"'),
        ('"version": 1', '"version": 77'),
        ('"n_neighbors": 11', '"n_neighbours": 11'),
        ('"seed": 0', '"seed": -1'),
        ('"real"', '"fake"'),
        ('"reference": "reference.safetensors"', '"reference": "held.skops"'),
    ):

        def change(name: str, its: bytes, old: str = old, new: str = new) -> bytes:
            if name != "model.json":
                return its
            assert old.encode() in its, old
            return its.replace(old.encode(), new.encode())

        refused(rebuilt(whole["hsv/knn"], change), tmp_path)


def test_features_of_another_length_are_refused(whole, tmp_path: Path) -> None:
    def change(name: str, its: bytes) -> bytes:
        return its.replace(b'"bins": 16', b'"bins": 17') if name == "model.json" else its

    path = tmp_path / "changed.dfb"
    path.write_bytes(rebuilt(whole["hsv/knn"], change))
    with pytest.raises(DfbenchError, match=r"shape \(1, 51\).*fitted on 48"):
        dfbench.load_model(path).predict([np.full((40, 48, 3), 90, np.uint8)])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    row=st.sampled_from(ROWS),
    member=st.integers(0, 20),
    place=st.floats(0, 1, exclude_max=True),
    what=st.binary(min_size=1, max_size=40),
)
def test_bytes_that_were_changed_and_sealed_again_never_break_out(
    whole, tmp_path: Path, row: str, member: int, place: float, what: bytes
) -> None:
    """Whoever seals it anew may make other numbers of it, but nothing that escapes as a crash."""
    with zipfile.ZipFile(io.BytesIO(whole[row])) as packed:
        names = [name for name in packed.namelist() if name != "README.md"]
    target = names[member % len(names)]

    def change(name: str, its: bytes) -> bytes:
        if name != target:
            return its
        at = int(place * len(its))
        return its[:at] + what + its[at + len(what) :]

    path = tmp_path / "changed.dfb"
    path.write_bytes(rebuilt(whole[row], change))
    try:
        detector = dfbench.load_model(path)
        detector.verdicts([np.full((40, 48, 3), 90, np.uint8)])
    except DfbenchError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either is right


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"\x89PNG\r\n", b"{}", pickle.dumps({}), os.urandom(5_000)]
)
def test_foreign_files_are_named(content: bytes, tmp_path: Path) -> None:
    assert "is no model file of dfbench" in refused(content, tmp_path)


def test_places_without_a_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no such file"):
        dfbench.load_model(tmp_path / "none.dfb")
    with pytest.raises(DfbenchError, match="a path, not 3"):
        dfbench.load_model(3)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("outside.mean", lambda its: its * np.nan),
        ("outside.scale", lambda its: its * 0),
        ("outside.variances", lambda its: -its),
        ("outside.limits", lambda its: its * np.nan),
        ("together.places", lambda its: its * np.nan),
        ("test.labels", lambda its: its + 5),
        ("test.labels", lambda its: its[:, None]),
        ("test.probabilities", lambda its: its * np.nan),
        ("test.groups", lambda _: np.arange(3)),
        ("0.typical", lambda its: its * np.inf),
    ],
)
def test_arrays_that_nothing_can_be_counted_with_are_refused(ran, name: str, change: Any) -> None:
    bundle = ran.bundle("hsv/xgboost")
    arrays = load(bundle.files[REFERENCE])
    arrays[name] = np.ascontiguousarray(change(arrays.get(name)))
    with pytest.raises(ModelFileError):
        Detector(replace(bundle, files={**bundle.files, REFERENCE: packed(arrays)}))


@pytest.mark.parametrize("of", [[5], [-1], [{"state": {}, "of": [7]}]])
def test_members_that_are_not_there_are_refused(ran, of: list[Any], tmp_path: Path) -> None:
    bundle = ran.bundle("ensemble")
    known = bundle.contents.model_dump()
    known["combination"]["of"] = of
    with pytest.raises(ValidationError, match="joins a model that is not there"):
        type(bundle.contents).model_validate(known)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_only_plain_files_are_read_and_none_before_its_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelFileError, match="pipe: no plain file"):
        read(tmp_path / "pipe")
    assert not is_model_file(tmp_path / "pipe")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(9 << 30)  # takes no place on the disk
    with pytest.raises(ModelFileError, match="large: is no model file"):
        read(tmp_path / "large")
