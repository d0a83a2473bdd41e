"""Archives of strangers: what leads out, lies about its size or hides is refused or left out."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import struct
import tarfile
import threading
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfbench.received.containers import container, rows
from dfbench.received.containers.names import Names, as_folder, by_splits, inner, splits_in
from dfbench.received.containers.places import (
    below,
    exists,
    inside,
    is_file,
    is_folder,
    read_bytes,
    read_head,
    subfolders,
    told,
)
from dfbench.received.files import Refused
from dfbench.suites.datasets import words
from tests.packed import IMAGE, as_tar, as_zip, write_rows

FILES = {"a/1.png": b"one", "a/b/2.png": b"two" * 100, "ab/3.png": b"three", "4.txt": b""}


def refusal(place: Path) -> str:
    with pytest.raises(Refused) as caught:
        below(place)
    return str(caught.value.strerror)


# --- names -------------------------------------------------------------------------------------


@given(st.lists(st.text(st.sampled_from("ab0./-é"), min_size=1, max_size=6), max_size=30))
def test_names_are_found_as_in_a_list(texts: list[str]) -> None:
    known = sorted({text.encode() for text in texts})
    names = Names(known)
    assert list(names) == [name.decode() for name in known]
    for text in [*texts, "", "zz"]:
        at = names.find(text)
        assert (at >= 0) == (text.encode() in known)
        assert at < 0 or names[at] == text
        inside_ = [names[n] for n in names.below(text)]
        assert inside_ == [n for n in names if not text or n.startswith(f"{text}/")]


@given(st.lists(st.text(st.sampled_from("ab0/-"), min_size=1, max_size=6), max_size=30))
def test_folders_are_the_first_parts(texts: list[str]) -> None:
    names = Names(sorted({text.encode() for text in texts}))
    assert names.folders() == sorted({n.partition("/")[0] for n in names if "/" in n})


@pytest.mark.parametrize(
    "name",
    [
        *(
            "/etc/passwd",
            "../x.png",
            "a/../../x.png",
            "a/..",
            "a\\..\\x.png",
            "C:/x.png",
            "c:x.png",
        ),
        *("a\0b.png", "a\nb.png", "\x7f.png", "a//b.png", "a/./b.png", "", "x" * 1001),
    ],
)
def test_names_that_lead_elsewhere_are_none(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a file in it"):
        inner(name)


def test_names_that_are_taken() -> None:
    assert inner("././a/b..c/..d/é~.png") == "a/b..c/..d/é~.png"
    assert as_folder(" ../a/b\n. ") == "_a_b_"
    assert as_folder("..") == ""


def test_splits_by_names() -> None:
    for name in ("train-00000-of-00005", "TrainSet1", "trainset-0", "traindata-0001", "0_TRAIN"):
        assert splits_in(name) == {"train"}, name
    for name in ("imagenet-val-000012", "eval-0", "evaluation-0", "validación-1"):
        assert splits_in(name) == {"validation"}, name
    assert splits_in("test3") == splits_in("testset-0") == {"test"}
    assert splits_in("trained") == splits_in("0000") == splits_in("latest") == frozenset()
    for folder, stems, splits in (
        ("train", ["0000", "0001"], ["", ""]),
        ("train", ["real-0000", "fake-0000"], ["", ""]),
        ("test", ["train-0", "test-0"], ["train", "test"]),
        ("data", ["trainset-0", "testset-0", "testset-1"], ["train", "test", "test"]),
        ("data", ["part-00000-3f2a-c000", "part-00001-3f2a-c000"], ["", ""]),
        (None, ["train_test"], [""]),
    ):
        assert by_splits(folder, stems) == splits


@pytest.mark.parametrize(
    ("folder", "stems", "said"),
    [
        ("data", ["train_test_split-train", "train_test_split-test"], "several splits"),
        ("data", ["test_dev", "train"], "several splits"),
        ("data", ["train-0", "extra-00001"], "'extra-00001', which does not"),
        ("data", ["a-0000", "b-0000"], "several names that tell no split"),
        ("train", ["test-0000"], "as another one"),
    ],
)
def test_splits_that_are_not_clear(folder: str, stems: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        by_splits(folder, stems)


@given(st.sampled_from(["train", "Test", "devset", "eval", "training", "validación", "trained"]))
def test_splits_are_those_of_folders(word: str) -> None:
    for name in (word, f"{word}_data", f"{word}Set", f"{word}-0001"):
        assert splits_in(name) == {of for of in (words.split_of(name),) if of}


# --- reading -----------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [as_zip, as_tar])
def test_what_lies_in_an_archive(tmp_path: Path, pack) -> None:
    place = pack(tmp_path / "x.archive", FILES)
    found = below(place)
    assert found is not None
    assert found.names == sorted(FILES)
    assert subfolders(place) == ["a", "ab"]
    assert subfolders(place / "a") == ["b"]
    for name, data in FILES.items():
        assert read_bytes(place / name, most=1000) == data
        assert read_bytes(place / name, most=1000, below=place) == data
        assert read_head(place / name, 2) == data[:2]
        assert exists(place / name)
        assert is_file(place / name)
        assert not is_folder(place / name)
    assert is_folder(place)
    assert is_folder(place / "a")
    assert not is_file(place / "a")
    for absent in ("c", "a/1", "a/1.png/x", "../x.archive/a/1.png", "a/../4.txt", "a\0"):
        assert not exists(place / absent)
        assert inside(place / absent) is None
    with pytest.raises(FileNotFoundError if place.is_dir() else OSError):
        read_bytes(place / "c", most=10)
    with pytest.raises(Refused, match="too large"):
        read_bytes(place / "a/b/2.png", most=299)


def test_times_tell_one_file_from_another(tmp_path: Path) -> None:
    place = as_zip(tmp_path / "x.zip", FILES)
    first, other = told(place / "a/1.png"), told(place / "ab/3.png")
    assert first is not None
    assert other is not None
    assert first[0] == 3
    assert first[1] == place.stat().st_mtime_ns
    assert first[3:] != other[3:]
    assert told(place) is None
    os.utime(place, (5, 5))
    assert told(place / "a/1.png")[1] == 5_000_000_000


def test_an_archive_is_listed_anew_when_it_changes(tmp_path: Path) -> None:
    place = as_zip(tmp_path / "x.zip", FILES)
    held = inside(place / "a/1.png")
    as_zip(place, {"a/1.png": b"other"})
    assert held is not None
    with pytest.raises(Refused, match="changed while it was read"):
        held.read(100)
    assert read_bytes(place / "a/1.png", most=100) == b"other"


def test_many_threads_read_one_shard(tmp_path: Path) -> None:
    images = [bytes([n]) * 1000 for n in range(200)]
    table = pa.table({"image": pa.array(images, pa.binary()), "label": [0, 1] * 100})
    file = write_rows(tmp_path / "train.parquet", table, 7)
    wrong: list[int] = []

    def read(start: int) -> None:
        for n in range(start, 200, 4):
            if read_bytes(file / f"{n % 2}/{n:06}", most=2000) != images[n]:
                wrong.append(n)

    threads = [threading.Thread(target=read, args=[start]) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# --- ZIP ---------------------------------------------------------------------------------------


def zip_of(place: Path, *infos: tuple[zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(place, "w") as archive:
        for info, data in infos:
            archive.writestr(info, data)
    return place


def entry(place: Path, name: str, change) -> Path:
    """Change what the directory of an archive says of a file."""
    data = bytearray(place.read_bytes())
    at = data.rfind(b"PK\1\2", 0, data.rfind(name.encode()))
    change(data, at)
    place.write_bytes(data)
    return place


@pytest.mark.parametrize("name", ["../x.png", "/x.png", "a/../../x.png", "C:\\x.png", "a\\b.png"])
def test_names_that_lead_out_of_a_zip(tmp_path: Path, name: str) -> None:
    place = zip_of(tmp_path / "x.zip", (zipfile.ZipInfo(name), b"x"))
    assert "no name of a file in it" in refusal(place)


def test_files_of_a_zip_that_are_left_out(tmp_path: Path) -> None:
    link, device = zipfile.ZipInfo("link.png"), zipfile.ZipInfo("device.png")
    link.external_attr, device.external_attr = stat.S_IFLNK << 16, stat.S_IFCHR << 16
    link.create_system = device.create_system = 3
    other = zipfile.ZipInfo("other.png")
    other.compress_type = zipfile.ZIP_BZIP2
    plain = [(zipfile.ZipInfo(n), b"x") for n in ("locked.png", "good.png", "twice.png")]
    with pytest.warns(UserWarning, match="Duplicate"):
        place = zip_of(
            tmp_path / "x.zip", (link, b"/etc/passwd"), (device, b""), (other, b"x"), *plain,
            (zipfile.ZipInfo("twice.png"), b"y"),
        )  # fmt: skip
    entry(place, "locked.png", lambda data, at: data.__setitem__(at + 8, 1))
    found = below(place)
    assert found is not None
    assert found.faults == {
        "link.png": "a link, which is not followed here",
        "device.png": "not a regular file",
        "other.png": "compressed in another way than Deflate: pack it anew",
        "locked.png": "encrypted: unpack it with its password first",
        "twice.png": "a file of this name is there twice",
    }
    with pytest.raises(Refused, match="a link"):
        read_bytes(place / "link.png", most=100)
    assert read_bytes(place / "good.png", most=100) == b"x"


def test_a_zip_that_lies(tmp_path: Path) -> None:
    def packed() -> Path:
        return as_zip(
            tmp_path / "x.zip", {"1.png": b"a" * 5000, "2.png": b"b"}, zipfile.ZIP_DEFLATED
        )

    def size(value: int):
        return lambda data, at: struct.pack_into("<L", data, at + 24, value)

    with pytest.raises(Refused, match=r"it has (more bytes than|11 bytes)"):
        read_bytes(entry(packed(), "1.png", size(10)) / "1.png", most=10_000)
    with pytest.raises(Refused, match="it has 5,000 bytes, and the archive says 6,000"):
        read_bytes(entry(packed(), "1.png", size(6000)) / "1.png", most=10_000)
    assert "is a bomb" in refusal(entry(packed(), "1.png", size(1 << 31)))

    def onto(data: bytearray, at: int) -> None:
        struct.pack_into("<L", data, at + 42, 0)

    assert "two of its files lie in one place" in refusal(entry(packed(), "2.png", onto))

    def outside(data: bytearray, at: int) -> None:
        struct.pack_into("<L", data, at + 42, 1 << 30)

    assert "one outside of it" in refusal(entry(packed(), "2.png", outside))

    def wide(data: bytearray, at: int) -> None:
        struct.pack_into("<L", data, at + 24, 0xFFFFFFFF)

    assert "is a bomb" in refusal(entry(packed(), "1.png", wide))
    empty = zipfile.ZipInfo("1.png")
    empty.extra = struct.pack("<HH", 1, 0)
    place = entry(zip_of(tmp_path / "y.zip", (empty, b"x")), "1.png", wide)
    assert "a size is missing" in refusal(place)


def test_a_zip_of_more_than_32_bits(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("1.png")
    place = tmp_path / "x.zip"
    with zipfile.ZipFile(place, "w") as archive, archive.open(info, "w", force_zip64=True) as file:
        file.write(b"content")
    assert read_bytes(place / "1.png", most=100) == b"content"
    # what lies before an archive (a program that unpacks it) is passed over
    place.write_bytes(b"#!/bin/sh\n" * 9 + place.read_bytes())
    (tmp_path / "y.zip").write_bytes(place.read_bytes())
    assert read_bytes(tmp_path / "y.zip" / "1.png", most=100) == b"content"


def test_names_of_other_alphabets(tmp_path: Path) -> None:
    place = as_zip(tmp_path / "x.zip", {"é/ü.png": b"1", "x0.png": b"2"})
    data = place.read_bytes().replace(b"x0.png", b"\xff0.png")
    place.write_bytes(data)
    found = below(place)
    assert found is not None
    assert read_bytes(place / "é/ü.png", most=10) == b"1"
    assert found.faults == {"%ff0.png": "the file name is not UTF-8: rename it"}


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_any_byte_of_a_zip_may_be_wrong(tmp_path_factory, at: int, value: int) -> None:
    place = tmp_path_factory.getbasetemp() / "fuzz.zip"
    data = bytearray(as_zip(place, FILES, zipfile.ZIP_DEFLATED).read_bytes())
    data[at % len(data)] = value
    place.write_bytes(data)
    try:
        found = below(place)
        for name in found.names if found else ():
            read_bytes(place / name, most=1000)
    except OSError as error:
        assert error.strerror  # noqa: PT017 - whether there is one is what is tried


# --- tar ---------------------------------------------------------------------------------------


def tar_of(place: Path, *infos: tarfile.TarInfo) -> Path:
    with tarfile.open(place, "w") as archive:
        for info in infos:
            archive.addfile(info, io.BytesIO(b"x" * info.size))
    return place


def info(name: str, kind: bytes = tarfile.REGTYPE, **more: object) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type = kind
    for key, value in more.items():
        setattr(found, key, value)
    return found


@pytest.mark.parametrize("name", ["../x.png", "/x.png", "a/../../x.png", "C:\\x.png", "a\nb.png"])
def test_names_that_lead_out_of_a_tar(tmp_path: Path, name: str) -> None:
    assert "no name of a file in it" in refusal(tar_of(tmp_path / "x.tar", info(name, size=1)))


def test_files_of_a_tar_that_are_left_out(tmp_path: Path) -> None:
    place = tar_of(
        tmp_path / "x.tar",
        info("good.png", size=3),
        info("twice.png", size=1),
        info("twice.png", size=2),
        info("out.png", tarfile.SYMTYPE, linkname="/etc/passwd"),
        info("up.png", tarfile.LNKTYPE, linkname="../../etc/passwd"),
        info("device.png", tarfile.CHRTYPE),
        info("pipe.png", tarfile.FIFOTYPE),
        info("wei\udcffrd.png", size=1),
    )
    found = below(place)
    assert found is not None
    assert set(found.faults) == {
        *("twice.png", "out.png", "up.png", "device.png", "pipe.png", "wei\\udcffrd.png"),
    }
    assert read_bytes(place / "good.png", most=10) == b"xxx"
    for name in ("out.png", "up.png", "device.png"):
        with pytest.raises(Refused):
            read_bytes(place / name, most=10)


NAMES = st.lists(st.text("aé/", min_size=1, max_size=150), max_size=6, unique=True)
FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


@given(NAMES, st.sampled_from(FORMATS), st.integers(0, 1030))
def test_tars_are_listed_as_the_library_does(
    tmp_path_factory, texts: list[str], form: int, size: int
) -> None:
    place = tmp_path_factory.getbasetemp() / "form.tar"
    names = {"/".join(filter(None, text.split("/"))) for text in texts} - {""}
    names = {n for n in names if not any(other.startswith(f"{n}/") for other in names)}
    with tarfile.open(place, "w", format=form) as archive:
        archive.addfile(info("folder", tarfile.DIRTYPE))
        for n, name in enumerate(sorted(names)):
            with contextlib.suppress(ValueError):  # too long for the oldest form
                archive.addfile(info(name, size=size + n), io.BytesIO(bytes([n]) * (size + n)))
    with tarfile.open(place) as archive:
        known = {each.name: archive.extractfile(each).read() for each in archive if each.isreg()}
    found = below(place)
    assert found is not None
    assert found.names == sorted(known)
    assert {name: read_bytes(place / name, most=2000) for name in found.names} == known


def test_sparse_files_and_headers_of_all(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w", pax_headers={"comment": "of all"}) as archive:
        archive.addfile(
            info("a.png", size=2, pax_headers={"GNU.sparse.major": "1"}), io.BytesIO(b"xx")
        )
        archive.addfile(info("b.png", size=3, pax_headers={"mtime": "1.5"}), io.BytesIO(b"yyy"))
    found = below(tmp_path / "x.tar")
    assert found is not None
    assert found.faults == {"a.png": "a sparse file, which is not read"}
    assert read_bytes(tmp_path / "x.tar" / "b.png", most=10) == b"yyy"


def test_a_tar_that_lies(tmp_path: Path) -> None:
    place = tar_of(tmp_path / "x.tar", info("1.png", size=1000))
    data = bytearray(place.read_bytes())
    header = tarfile.TarInfo("1.png")
    header.size = 1 << 40
    data[:512] = header.tobuf(tarfile.GNU_FORMAT)
    place.write_bytes(data)
    assert "cut off" in refusal(place)
    header.size = 2 << 20
    header.type = tarfile.XHDTYPE
    place.write_bytes(header.tobuf(tarfile.GNU_FORMAT) + b"1" * (3 << 20))
    assert "header" in refusal(place)


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_any_byte_of_a_tar_may_be_wrong(tmp_path_factory, at: int, value: int) -> None:
    place = tmp_path_factory.getbasetemp() / "fuzz.tar"
    data = bytearray(as_tar(place, FILES).read_bytes())
    data[at % len(data)] = value
    place.write_bytes(data)
    try:
        found = below(place)
        for name in found.names if found else ():
            read_bytes(place / name, most=1000)
    except OSError as error:
        assert error.strerror  # noqa: PT017


# --- Parquet -----------------------------------------------------------------------------------


def test_a_footer_of_too_many_columns(tmp_path: Path) -> None:
    table = pa.table({f"c{n}": pa.array([1]) for n in range(5000)})
    assert "5,000 columns" in refusal(write_rows(tmp_path / "x.parquet", table))


def test_a_dictionary_that_stands_for_more_than_memory_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "_GROUP", 1 << 20)
    table = pa.table({"image": pa.array([b"x" * 100_000] * 500, pa.binary())})
    file = write_rows(tmp_path / "x.parquet", table, 500)
    assert file.stat().st_size < 200_000
    with pytest.raises(Refused, match=r"row group 0 of x\.parquet has more than"):
        read_bytes(file / "000000", most=1 << 20)
    plain = pa.table({"image": pa.array([bytes([n]) * 30_000 for n in range(50)], pa.binary())})
    file = write_rows(tmp_path / "y.parquet", plain, 50, use_dictionary=False, compression="none")
    assert "row group of" in refusal(file)
    assert "in smaller ones" in refusal(file)


def test_labels_that_lie(tmp_path: Path) -> None:
    features = b'{"info": {"features": {"label": {"_type": "ClassLabel", "names": ["a"]}}}}'
    table = pa.table({"image": pa.array([b"x"]), "label": [7]})
    file = write_rows(
        tmp_path / "x.parquet", table.replace_schema_metadata({"huggingface": features})
    )
    assert "the label 7 of 1 names" in refusal(file)
    for text in (b"{", b"[" * 10_000, b'{"info": 3}', b'{"info": {"features": {"label": 3}}}'):
        told = table.replace_schema_metadata({"huggingface": text})
        file = write_rows(tmp_path / "x.parquet", told)
        assert below(file).names == ["7/000000"]


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_any_byte_of_a_parquet_may_be_wrong(tmp_path_factory, at: int, value: int) -> None:
    place = tmp_path_factory.getbasetemp() / "fuzz.parquet"
    images = [{"bytes": bytes([n]) * 20, "path": f"{n}.png"} for n in range(9)]
    table = pa.table({"image": pa.array(images, IMAGE), "label": [0, 1, 0] * 3})
    data = bytearray(write_rows(place, table, 3).read_bytes())
    data[at % len(data)] = value
    place.write_bytes(data)
    try:
        found = below(place)
        for name in found.names if found else ():
            read_bytes(place / name, most=1000)
    except OSError as error:
        assert error.strerror  # noqa: PT017


def test_more_files_than_any_data_set_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "_MOST", 3)
    table = pa.table({"image": pa.array([b"x"] * 4)})
    for place in (
        as_zip(tmp_path / "x.zip", FILES),
        as_tar(tmp_path / "x.tar", FILES),
        write_rows(tmp_path / "x.parquet", table),
    ):
        assert "holds more than 3 files" in refusal(place)


def test_a_folder_beside_shards_of_its_name(tmp_path: Path) -> None:
    table = pa.table({"image": pa.array([b"x"]), "label": [0]})
    write_rows(tmp_path / "train-0.parquet", table)
    (tmp_path / "train").mkdir()
    assert "are called 'train'" in refusal(tmp_path)
