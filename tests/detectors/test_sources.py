"""What a person means by paths: images, folders, archives, tables."""

import contextlib
import gzip
import io
import json
import os
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from dfbench.detectors.pictures import look
from dfbench.detectors.sources import Source, Sources, Unread
from dfbench.errors import DataError, DfbenchError
from dfbench.images import decode


def png(width: int = 3) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((2, width, 3), 90, np.uint8)).save(file, "png")
    return file.getvalue()


def told(*paths: str | Path, **options: int) -> list[str]:
    """Read all that was given: names with the width of the picture, or why there is none."""
    lines = []
    with Sources(paths, **options) as sources:
        for item in sources:
            if isinstance(item, Unread):
                lines.append(f"{item.name}: {item.reason}")
                continue
            try:
                lines.append(f"{item.name} {decode(item.read()).shape[1]}")
            except DfbenchError as error:
                lines.append(f"{item.name}: {error}")
    return lines


@contextlib.contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Let pass an error that names the path."""
    try:
        yield
    except DataError as error:
        if error.where != str(path):
            raise


def put(folder: Path, **files: int) -> Path:
    """Write pictures whose names are given with ``__`` for ``/``, and their widths."""
    for name, width in files.items():
        path = folder / (name.replace("__", "/") + ".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(width))
    return folder


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def zipped(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def tarred(path: Path, files: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


PACKED: dict[str, Callable[[Path, dict[str, bytes]], Path]] = {
    "all.zip": zipped,
    "all.tar": tarred,
    "all.tar.gz": lambda path, files: tarred(path, files, "w:gz"),
    "all.tgz": lambda path, files: tarred(path, files, "w:gz"),
    "all.tar.bz2": lambda path, files: tarred(path, files, "w:bz2"),
    "all.tar.xz": lambda path, files: tarred(path, files, "w:xz"),
    "download": lambda path, files: tarred(path, files, "w:gz"),
}


def test_images_by_suffix_and_by_content(tmp_path: Path) -> None:
    put(tmp_path, a=3)
    (tmp_path / "face").write_bytes(png(4))
    (tmp_path / ".hidden.png").write_bytes(png(5))
    assert told("a.png", "./face", ".hidden.png") == ["a.png 3", "face 4", ".hidden.png 5"]
    assert told(tmp_path / "a.png") == [f"{tmp_path}/a.png 3"]


def test_folder_in_natural_order_without_what_is_no_data(tmp_path: Path) -> None:
    put(tmp_path, x__img10=3, x__img2=4, x__a__1=5)
    put(tmp_path / "x" / ".thumbs", b=7)
    put(tmp_path / "x" / "__MACOSX", b=7)
    (tmp_path / "x" / "._img2.png").write_bytes(b"resource fork")
    (tmp_path / "x" / "notes.txt").write_text("no image")
    (tmp_path / "x" / "a" / "up").symlink_to(tmp_path / "x")
    assert told("x") == ["x/a/1.png 5", "x/img2.png 4", "x/img10.png 3"]
    os.chdir("x")
    assert told(".")[1] == "img2.png 4"


def test_what_a_folder_holds_and_is_not_read_is_named(tmp_path: Path) -> None:
    put(tmp_path, x__a=3)
    (tmp_path / "x" / "b.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    (tmp_path / "x" / "c.png").symlink_to("nowhere")
    (tmp_path / "x" / "d.zip").write_bytes(b"PK")
    (tmp_path / "x" / "e.png").write_bytes(b"")
    lines = told("x")
    assert lines[0] == "x/a.png 3"
    assert lines[1] == "x/b.mp4: not read: video (.mp4): dfbench data frames first"
    assert lines[2] == "x/c.png: broken symbolic link"
    assert lines[3] == "x/d.zip: an archive in here is not opened: give it itself"
    assert len(lines) == 5


@pytest.mark.parametrize("name", PACKED)
def test_archives(tmp_path: Path, name: str) -> None:
    files = {
        "./x/2.png": png(4),
        "x/10.png": png(5),
        "../../up.png": png(6),
        "/etc/root.png": png(7),
        "C:\\windows\\1.png": png(8),
        "x/noname": png(9),
        "x/broken.png": png()[:40],
        "x/notes.txt": b"no image",
        "x/more.tar.gz": b"",
        "x/clip.mov": b"",
        "__MACOSX/x/._2.png": b"resource fork",
        "x/.hidden/1.png": png(),
    }
    PACKED[name](tmp_path / name, files)
    before = sorted(tmp_path.rglob("*"))
    lines = told(name)
    assert sorted(lines) == sorted(
        [
            f"{name}/x/2.png 4",
            f"{name}/x/10.png 5",
            f"{name}/up.png 6",
            f"{name}/etc/root.png 7",
            f"{name}/C:/windows/1.png 8",
            f"{name}/x/noname 9",
            f"{name}/x/more.tar.gz: an archive in here is not opened: give it itself",
            f"{name}/x/clip.mov: not read: video (.mov): dfbench data frames first",
            next(line for line in lines if "broken" in line),
        ]
    )
    assert sorted(tmp_path.rglob("*")) == before


def test_order_is_natural_in_zip_and_that_of_the_archive_in_tar(tmp_path: Path) -> None:
    files = {"10.png": png(3), "2.png": png(4), "1.png": png(5)}
    assert told(zipped(Path("a.zip"), files)) == [
        "a.zip/1.png 5",
        "a.zip/2.png 4",
        "a.zip/10.png 3",
    ]
    assert told(tarred(Path("a.tar"), files)) == [
        "a.tar/10.png 3",
        "a.tar/2.png 4",
        "a.tar/1.png 5",
    ]


def test_members_in_any_order_from_several_threads(tmp_path: Path) -> None:
    files = {f"{n}.png": png(n) for n in range(1, 40)}
    for name, pack in PACKED.items():
        with Sources([pack(Path(name), files)]) as sources:
            items = [item for item in sources if isinstance(item, Source)] * 3
            with ThreadPoolExecutor(8) as pool:
                widths = pool.map(lambda item: decode(item.read()).shape[1], reversed(items))
                assert [f"{name}/{width}.png" for width in widths] == [i.name for i in items[::-1]]


def test_links_in_tar_name_what_came_before(tmp_path: Path) -> None:
    with tarfile.open("a.tar", "w") as archive:
        (tmp_path / "p.png").write_bytes(png(4))
        archive.add("p.png", "x/p.png")
        for name, kind, target in (
            ("x/hard.png", tarfile.LNKTYPE, "x/p.png"),
            ("y/soft.png", tarfile.SYMTYPE, "../x/p.png"),
            ("loop.png", tarfile.SYMTYPE, "loop.png"),
            ("out.png", tarfile.SYMTYPE, str(tmp_path / "p.png")),
            ("pipe.png", tarfile.FIFOTYPE, ""),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info)
    assert told("a.tar") == [
        "a.tar/x/p.png 4",
        "a.tar/x/hard.png 4",
        "a.tar/y/soft.png 4",
        "a.tar/loop.png: a link to what is not in the archive before it",
        "a.tar/out.png: a link to what is not in the archive before it",
        "a.tar/pipe.png: not a regular file",
    ]


def test_members_and_files_above_the_limit_are_refused_by_name(tmp_path: Path) -> None:
    files = {"a.png": png(), "b.png": b"0" * 5000}
    (tmp_path / "b.png").write_bytes(files["b.png"])
    for archive in (zipped(Path("a.zip"), files), tarred(Path("a.tgz"), files, "w:gz")):
        small, large = told(archive, largest=4999)
        assert small == f"{archive}/a.png 3"
        assert large == f"{archive}/b.png: too large: 0.0 MB, at most 0.0 MB are read"
    assert told("b.png", largest=4999) == ["b.png: too large: 0.0 MB, at most 0.0 MB are read"]


def test_what_is_no_plain_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo("pipe.png")
    with pytest.raises(DataError, match=r"^pipe.png: no plain file"):
        look("pipe.png")
    with pytest.raises(DataError, match=r"^/dev/zero: no plain file"):
        look("/dev/zero")
    with pytest.raises(DataError, match=r"^x\0: no name of a file: embedded null byte"):
        look("x\0")


def test_encrypted_and_strangely_compressed_members_are_named(tmp_path: Path) -> None:
    zipped(Path("a.zip"), {"a.png": png(), "b.png": png()})
    data = bytearray(Path("a.zip").read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1  # the flag of encryption, in the directory
    Path("a.zip").write_bytes(data)
    assert told("a.zip") == [
        "a.zip/a.png: encrypted: unpack it with its password first",
        "a.zip/b.png 3",
    ]
    zipped(Path("b.zip"), {"b.png": png()}, zipfile.ZIP_BZIP2)
    with pytest.raises(DataError, match=r"another way than Deflate: pack it anew"):
        told("b.zip")


def _peak(path: Path) -> float:
    """Megabytes that a process of its own comes to hold more when it reads all of an archive."""
    code = (
        "import resource, sys; from dfbench.detectors.sources import Sources, Source\n"
        "from dfbench.errors import DataError\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3\n"
        "before = peak()\n"
        "try:\n"
        "    for item in Sources([sys.argv[1]], largest=1 << 20):\n"
        "        try:\n"
        "            isinstance(item, Source) and item.read()\n"
        "        except DataError as error: print(error)\n"
        "except DataError as error: print(error)\n"
        "print(peak() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    return float(done.stdout.split()[-1])


_BOMB = 120 << 20


def _lying_zip(path: Path) -> Path:
    """Give a ZIP of 120 MB of zeros that says of itself that they are 1,000 bytes."""
    zipped(path, {"a.png": bytes(_BOMB)})
    data = bytearray(path.read_bytes())
    for magic, at in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        struct.pack_into("<I", data, data.index(magic) + at, 1000)
    path.write_bytes(data)
    return path


def _long_header(path: Path, kind: bytes, fill: bytes = b"a") -> Path:
    """Give a compressed tar archive whose first header is followed by 120 MB of it."""
    info = tarfile.TarInfo("a.png")
    info.type, info.size = kind, _BOMB
    with gzip.open(path, "wb", 1) as file:
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        for _ in range(_BOMB >> 20):
            file.write((fill * (1 << 20))[: 1 << 20])
    return path


@pytest.mark.parametrize(
    "bomb",
    [
        _lying_zip,
        lambda path: zipped(path, {"a.png": bytes(_BOMB)}),
        lambda path: tarred(path, {"a.png": bytes(_BOMB)}, "w:gz"),
        lambda path: _long_header(path, tarfile.GNUTYPE_LONGNAME),
        lambda path: _long_header(path, tarfile.XHDTYPE),
    ],
    ids=["zip that lies", "zip", "tar", "long name", "long pax header"],
)
def test_bombs_fill_no_memory(tmp_path: Path, bomb: Callable[[Path], Path]) -> None:
    assert _peak(bomb(tmp_path / "bomb")) < 50


def test_what_is_cut_off_or_damaged_is_said_and_the_rest_goes_on(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    files = {f"{n}.png": png() + rng.bytes(3000) for n in range(9)}
    whole = tarred(Path("a.tar"), files).read_bytes()
    (tmp_path / "a.tar").write_bytes(whole[:13_000])
    lines = told("a.tar")
    assert lines[:3] == ["a.tar/0.png 3", "a.tar/1.png 3", "a.tar/2.png 3"]
    assert lines[-1].startswith("a.tar: damaged: ")
    header = whole.index(b"4.png")
    (tmp_path / "b.tar").write_bytes(whole[:header] + b"!!!!" + whole[header + 4 :])
    assert told("b.tar")[4] == f"b.tar: damaged: no header at byte {header:,}"
    packed = tarred(Path("c.tgz"), files, "w:gz").read_bytes()
    (tmp_path / "c.tgz").write_bytes(packed[: len(packed) // 2])
    lines = told("c.tgz")
    assert lines[0] == "c.tgz/0.png 3"
    assert (
        lines[-1]
        == "c.tgz: damaged: Compressed file ended before the end-of-stream marker was reached"
    )
    data = bytearray(zipped(Path("d.zip"), files, zipfile.ZIP_STORED).read_bytes())
    data[data.index(b"\x89PNG") + 9] ^= 255
    (tmp_path / "d.zip").write_bytes(data)
    assert told("d.zip")[:2] == [
        "d.zip/0.png: damaged in the archive: Bad CRC-32 for file '0.png'",
        "d.zip/1.png 3",
    ]


@settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(kind=st.sampled_from(sorted(PACKED)), data=st.data())
def test_damaged_archives_end_in_one_error_or_items(
    tmp_path: Path, kind: str, data: st.DataObject
) -> None:
    path = tmp_path / kind
    whole = bytearray(
        PACKED[kind](path, {f"{n}/{n}.png": png(n + 1) for n in range(4)}).read_bytes()
    )
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(whole[: data.draw(st.integers(1, len(whole)))])
    with refusing(path), Sources([path]) as sources:
        for item in sources:
            assert item.name.startswith(str(path))
            if isinstance(item, Source):
                with contextlib.suppress(DataError):
                    assert len(item.read()) < 10_000


@settings(
    max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    data=st.binary(max_size=3000),
    suffix=st.sampled_from(["", ".zip", ".tar", ".csv", ".json", ".txt", ".pdf"]),
)
def test_any_bytes_end_in_one_error_or_items(tmp_path: Path, data: bytes, suffix: str) -> None:
    path = tmp_path / "inner" / f"x{suffix}"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    with refusing(path):
        told(path)
    path.unlink()


NAMES = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=20),
    min_size=1,
    max_size=6,
    unique=True,
)


@settings(
    max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(names=NAMES)
def test_a_folder_and_its_zip_hold_the_same(tmp_path: Path, names: list[str]) -> None:
    with tempfile.TemporaryDirectory(dir=tmp_path) as place:
        folder = Path(place, "x")
        folder.mkdir()
        files = {f"i{name.replace(chr(92), '')[:60]}.png": png(3) for name in names}
        for name, data in files.items():
            (folder / name).write_bytes(data)
        packed = zipped(Path(place, "y"), files)
        below = [line.removeprefix(f"{folder}/") for line in told(folder)]
        assert below == [line.removeprefix(f"{packed}/") for line in told(packed)]
        assert len(below) == len(files)


def test_tables_of_paths(tmp_path: Path) -> None:
    put(tmp_path, x__a=3, x__b=4, x__c=5)
    (tmp_path / "t.csv").write_text("image,label\nx/b.png,real\nx\\c.png,fake\nx/no.png,real\n")
    assert told("t.csv") == [
        "x/b.png 4",
        "x\\c.png 5",
        "x/no.png: row 4 of t.csv: no image 'x/no.png'",
    ]
    (tmp_path / "x" / "t.txt").write_text(f"b.png\n{tmp_path}/x/a.png\n")
    assert told("x/t.txt") == ["b.png 4", f"{tmp_path}/x/a.png 3"]
    rows = [{"file": "x/c.png"}, {"file": "x/a.png"}]
    (tmp_path / "t.json").write_text(json.dumps(rows))
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert told("t.json") == told("t.jsonl") == ["x/c.png 5", "x/a.png 3"]


def test_tables_of_ids_are_matched_as_those_of_data_sets(tmp_path: Path) -> None:
    put(tmp_path, test__a1=3, test__a2=4, train__a1=5, train__a2=6)
    (tmp_path / "test.csv").write_text("image_id\na2\na1\na9\n")
    assert told("test.csv") == ["a2 4", "a1 3", "a9: row 4 of test.csv: no image 'a9'"]


def test_a_list_of_names_with_blanks_and_commas(tmp_path: Path) -> None:
    names = ["my face, 1.png", "my face, 2.png", "it's.png"]
    for name in names:
        (tmp_path / name).write_bytes(png())
    (tmp_path / "list.txt").write_text("\n".join(names))
    assert told("list.txt") == [f"{name} 3" for name in names]


def test_a_list_that_is_mostly_of_absent_images_goes_on_with_those_that_are_there(
    tmp_path: Path,
) -> None:
    put(tmp_path, a=3)
    (tmp_path / "list.txt").write_text("x.png\ny.png\na.png\n")
    assert told("list.txt")[2] == "a.png 3"
    assert len(told("list.txt")) == 3


def test_columns_that_name_different_images_are_asked_about(tmp_path: Path) -> None:
    put(tmp_path, a=3, b=4)
    (tmp_path / "t.csv").write_text("one,two\na.png,b.png\nb.png,a.png\n")
    with pytest.raises(DataError, match="'one' and 'two' name different images"):
        told("t.csv")
    (tmp_path / "t.csv").write_text("original,image\na.png,b.png\nb.png,a.png\n")
    assert told("t.csv") == ["b.png 4", "a.png 3"]


def test_what_is_given_twice_is_listed_once(tmp_path: Path) -> None:
    put(tmp_path, x__a=3, x__b=4)
    zipped(Path("x.zip"), {"a.png": png(5)})
    with Sources(["x/b.png", "x", "./x/../x/a.png", "x.zip", "x.zip"]) as sources:
        assert [item.name for item in sources] == ["x/b.png", "x/a.png", "x.zip/a.png"]
        assert sources.repeated == ["x/b.png", "x/../x/a.png", "x.zip/a.png"]


def test_a_path_that_names_nothing_is_said_and_stops_no_other(tmp_path: Path) -> None:
    put(tmp_path, a=3)
    (tmp_path / "empty").mkdir()
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "v.mp4").write_bytes(b"")
    os.mkfifo("pipe.png")
    for name, data in {
        "n.pdf": b"%PDF-1.4",
        "v.mov": b"",
        "e.zip": b"PK\5\6" + bytes(18),
        "b.zip": b"PK\3\4" + bytes(90),
        "b.tar": b"no archive",
        "t.csv": b"image\nno.png\nnot.png\n",
        "t.json": b"[1",
    }.items():
        (tmp_path / name).write_bytes(data)
    for path, said in {
        "absent.png": "no such file or folder",
        "empty": "no images in here",
        "videos": "no images in here that can be read (videos/v.mp4: not read: video (.mp4):",
        "pipe.png": "no plain file",
        "n.pdf": "no image (taken are images, folders, archives",
        "v.mov": "not read: video (.mov): dfbench data frames first",
        "e.zip": "no images in here",
        "b.zip": "damaged: File is not a zip file",
        "b.tar": "damaged: ",
        "t.csv": "no column names images",
        "t.json": "damaged JSON in line 1",
    }.items():
        assert told("a.png", path)[0] == told("a.png")[0]
        with Sources(["a.png", path]) as sources:
            assert isinstance(sources[1], Unread)
            assert sources[1].name == path
            assert sources[1].reason.startswith(said.partition(" (")[0])
        with pytest.raises(DataError) as caught:
            told(path)
        assert str(caught.value).startswith(f"{path}: {said}"), caught.value
        assert "\n" not in str(caught.value)


def test_an_xz_that_asks_for_two_gigabytes_is_refused(tmp_path: Path) -> None:
    data = bytearray(tarred(Path("a.tar.xz"), {"a.png": png()}, "w:xz").read_bytes())
    end = 12 + 4 * (data[12] + 1)  # of the header of the first block, with its checksum
    data[data.index(b"\x21\x01", 12, end) + 2] = 38  # the size of the dictionary
    data[end - 4 : end] = struct.pack("<I", zlib.crc32(data[12 : end - 4]))
    (tmp_path / "a.tar.xz").write_bytes(data)
    with pytest.raises(DataError, match="Memory usage limit exceeded"):
        told("a.tar.xz")


def test_many_small_pictures_are_held_as_names_alone(tmp_path: Path) -> None:
    files = {f"{n}.png": b"0" * 30_000 for n in range(3000)}  # 90 MB
    assert _peak(tarred(tmp_path / "many.tar", files)) < 30
