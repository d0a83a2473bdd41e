from __future__ import annotations

import builtins
import os
import shutil
import socket
import struct

import pytest
from PIL import Image

from dfbench import formats
from dfbench.images import Header, decode, read_header
from dfbench.suites.datasets.image_files import is_image, subfolders, walk


@pytest.fixture(autouse=True)
def no_heif(monkeypatch):
    """The package that reads HEIC may be installed where tests run."""
    formats.image_suffixes.cache_clear()
    monkeypatch.setattr(formats, "reads_heif", lambda: False)
    yield
    formats.image_suffixes.cache_clear()


HEIC = struct.pack(">I", 24) + b"ftypheic\0\0\0\0mif1heic" + bytes(40)


SUFFIXES = {
    "JPEG": ("jpg", "jpeg", "jpe", "jfif", "jif", "JPG", "Jpeg"),
    "MPO": ("mpo",),
    "PNG": ("png", "apng"),
    "WEBP": ("webp",),
    "BMP": ("bmp",),
    "DIB": ("dib",),
    "GIF": ("gif",),
    "TIFF": ("tif", "tiff"),
    "AVIF": ("avif", "avifs"),
    "JPEG2000": ("jp2", "j2k", "jpx", "jpf", "j2c", "jpc"),
    "PPM": ("ppm", "pgm", "pbm", "pnm"),
    "TGA": ("tga",),
}


@pytest.mark.parametrize(
    "name",
    ["A.JPEG", *(f"a.{suffix}" for each in SUFFIXES.values() for suffix in each), "a.pfm"],
)
def test_images_by_extension(name):
    assert is_image(name)


@pytest.mark.parametrize(
    "name", [".DS_Store", "Thumbs.db", "._a.jpg", ".hidden.png", "x.txt", "jpg"]
)
def test_other_files_are_no_images(name):
    assert not is_image(name)


def test_walk_is_sorted_and_counts_what_it_leaves(make):
    for name in ("b/2.jpg", "b/10.jpg", "a.png", "b/c/d/x y.jpg", "лица/лицо 1.jpg", "脸/é.JPG"):
        make.image(name.replace(".JPG", ".jpg"))
    make.text("Thumbs.db", "")
    make.text("b/.DS_Store", "")
    make.text("__MACOSX/b/._2.jpg", "")
    make.text(".git/x.jpg", "")
    found = walk(make.root)
    assert found.images == [
        "a.png",
        "b/10.jpg",
        "b/2.jpg",
        "b/c/d/x y.jpg",
        "лица/лицо 1.jpg",
        "脸/é.jpg",
    ]
    assert found.ignored == 2
    assert not found.faults


def test_walk_follows_links_but_not_in_circles(make, tmp_path):
    make.image("a/1.png")
    (make.root / "a" / "up").symlink_to(make.root)
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(make.root / "a/1.png", other / "2.png")
    (make.root / "linked").symlink_to(other)
    assert walk(make.root).images == ["a/1.png", "linked/2.png"]


def test_broken_links_and_odd_files_are_faults(make):
    make.image("a.png")
    (make.root / "b.png").symlink_to("nowhere.png")
    os.mkfifo(make.root / "c.png")
    for name in ("d.png", "d", "labels.csv"):
        (make.root / name).symlink_to(name)
    assert walk(make.root).faults == {
        "b.png": "broken symbolic link",
        "c.png": "not a regular file",
        "d.png": "Too many levels of symbolic links",
    }
    assert subfolders(make.root) == []


def test_names_that_are_not_utf8_are_faults(make):
    make.image("a.png")
    shutil.copy(make.root / "a.png", os.fsencode(make.root) + b"/\xff.png")
    found = walk(make.root)
    assert found.images == ["\\udcff.png", "a.png"]
    assert "not UTF-8" in found.faults["\\udcff.png"]


def test_all_formats_are_found_under_all_suffixes_and_read(make):
    make.root.mkdir()
    written = {}
    for kind, suffixes in SUFFIXES.items():
        if kind == "AVIF" and not formats.decoded(formats.told(b"\0\0\0\x10ftypavif" + bytes(8))):
            continue
        for suffix in suffixes:
            mode = {"pgm": "L", "pbm": "1"}.get(suffix, "RGB")
            options = {"save_all": True, "append_images": [Image.new("RGB", (4, 4))]}
            options = options if kind == "MPO" else {}
            image = Image.new("RGB", (16, 10), (250, 250, 250)).convert(mode)
            image.save(make.root / f"{suffix}.{suffix}", kind, **options)
            written[f"{suffix}.{suffix}"] = kind
    found = walk(make.root)
    assert found.images == sorted(written)
    assert not found.others
    for name, kind in written.items():
        data = (make.root / name).read_bytes()
        assert read_header(data) == Header(16, 10, kind)
        assert abs(decode(data).astype(int) - 250).max() <= 5, name


@pytest.mark.parametrize("name", ["face", "face.dat", "face.jpg_large", "face.jpg:orig", "7.12"])
def test_where_the_suffix_tells_nothing_the_content_does(make, name):
    for kind in ("jpg", "png", "webp", "bmp", "gif", "tif", "ppm", "jp2"):
        source = make.root / f"a.{kind}"
        source.parent.mkdir(exist_ok=True)
        Image.new("RGB", (16, 10)).save(source)
        target = make.root / name
        source.rename(target)
        assert walk(make.root).images == [name]
        target.unlink()


def test_suffixes_that_say_what_a_file_is_are_believed(make):
    image = make.image("a.jpg").read_bytes()
    names = ["a.csv", "a.txt", "a.mp4", "a.npy", "a.zip", "a.json", "a.jpg.part", "a.cr2", "a.pt"]
    for name in names:
        (make.root / name).write_bytes(image)
    assert walk(make.root).images == ["a.jpg"]


def test_what_was_before_a_change_is_no_image(make):
    image = make.image("a.jpg").read_bytes()
    ends = ["_original", "~", ".bak", ".BAK", ".orig", ".old", ".save", ".swp", ".backup"]
    for end in ends:
        (make.root / f"a.jpg{end}").write_bytes(image)
    (make.root / "b~").write_bytes(image)
    (make.root / "b_original").write_bytes(image)  # a suffix only: this may be its name
    (make.root / "c_original.jpg").write_bytes(image)
    found = walk(make.root)
    assert found.images == ["a.jpg", "b_original", "c_original.jpg"]
    assert found.others == sorted([*(f"a.jpg{end}" for end in ends), "b~"])
    assert not found.unread


def test_folders_of_systems_are_no_data(make):
    names = ["lost+found", "$RECYCLE.BIN", "$Recycle.Bin", "System Volume Information", "__MACOSX"]
    for name in names:
        make.image(f"{name}/a.png")
        make.image(f"real/{name}/a.png")
    make.image("real/found/a.png")
    assert walk(make.root).images == ["real/found/a.png"]
    assert subfolders(make.root) == ["real"]


def test_pipes_and_sockets_are_told_and_not_opened(make):
    make.image("a.png")
    (make.root / "d").mkdir()
    for name in ("b.png", "c", "d/e.csv", "d/f.mp4"):
        os.mkfifo(make.root / name)
    (make.root / "f.csv").symlink_to("c")
    (make.root / "g.png").symlink_to("c")
    here = os.getcwd()  # noqa: PTH109
    os.chdir(make.root)  # the path of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("s.png")
    finally:
        os.chdir(here)
    found = walk(make.root)
    assert found.images == ["a.png", "b.png", "g.png", "s.png"]
    assert found.faults == dict.fromkeys(("b.png", "g.png", "s.png"), "not a regular file")
    assert not found.others
    assert not found.unread
    assert found.ignored == 4


def test_files_whose_names_tell_enough_are_not_opened(make, monkeypatch):
    for name in ("a.jpg", "b.PNG", "c.tga"):
        make.text(name, "")
    for name in ("a.csv", "b.JSON", "c.mp4", "d.psd", ".hidden", "Thumbs.db"):
        make.text(name, "")

    def refuse(file, *_, **__):
        raise AssertionError(f"{file} was opened")

    monkeypatch.setattr(builtins, "open", refuse)
    assert walk(make.root).images == ["a.jpg", "b.PNG", "c.tga"]


def test_a_jpeg_called_png_is_read(make):
    path = make.image("a.jpg").rename(make.root / "b.png")
    assert walk(make.root).images == ["b.png"]
    assert read_header(path.read_bytes()) == Header(12, 9, "JPEG")


def test_few_bytes_make_no_image_without_its_suffix(make):
    make.root.mkdir()
    for kind in ("tga", "dib"):
        Image.new("RGB", (16, 10)).save(make.root / f"a.{kind}")
        shutil.copy(make.root / f"a.{kind}", make.root / f"{kind}_without_suffix")
    make.text("scores", "BMI,age\n22,31\n")
    make.text("ranks", "P1 scored higher than P2\n")
    make.text("text.tga", "not what it is called\n" * 9)
    found = walk(make.root)
    # opening the last says that it is none
    assert found.images == ["a.dib", "a.tga", "text.tga"]
    assert found.others == ["dib_without_suffix", "ranks", "scores", "tga_without_suffix"]
    assert not found.unread


def test_others_are_all_but_litter(make):
    make.image("a/1.png")
    for name in ("b/labels.csv", "README", "a/notes.txt", "card.toml", "a/LICENCE.md"):
        make.text(name, "some text")
    for name in ("Thumbs.db", "a/desktop.ini", ".DS_Store", "a/._1.png", "__MACOSX/x.txt"):
        make.text(name, "")
    (make.root / "nowhere").symlink_to("nothing")
    os.mkfifo(make.root / "pipe")
    found = walk(make.root)
    told = ["README", "a/LICENCE.md", "a/notes.txt", "b/labels.csv", "card.toml", "nowhere"]
    assert found.others == told
    assert found.ignored == 5 + 3, "what tells of the data is none of them"
    assert not found.unread


def test_pictures_and_video_that_are_not_read_are_named(make):
    make.root.mkdir()
    (make.root / "IMG_1.HEIC").write_bytes(HEIC)
    (make.root / "phone").write_bytes(HEIC)
    for name in ("a.psd", "b.svg", "c.CR2", "d.mp4", "e.jxl", "f.ico", "g.eps", "h.txt"):
        make.text(name, "")
    (make.root / "i").write_bytes(b"8BPS" + bytes(30))
    (make.root / "j.bin").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0")
    found = walk(make.root)
    assert found.images == []
    assert found.unread == {
        "IMG_1.HEIC": "HEIC (pip install pillow-heif)",
        "phone": "HEIC (pip install pillow-heif)",
        "a.psd": "PSD",
        "b.svg": "SVG",
        "c.CR2": "camera raw (.CR2)",
        "d.mp4": "video (.mp4): dfbench data frames first",
        "e.jxl": "JPEG XL",
        "f.ico": "ICO",
        "g.eps": "EPS",
        "i": "PSD",
        "j.bin": "EPS",
    }
    assert set(found.unread) | {"h.txt"} == set(found.others)


def test_heic_is_an_image_where_it_can_be_read(make, monkeypatch):
    monkeypatch.setattr(formats, "reads_heif", lambda: True)
    make.root.mkdir()
    for name in ("IMG_1.HEIC", "phone"):
        (make.root / name).write_bytes(HEIC)
    found = walk(make.root)
    assert found.images == ["IMG_1.HEIC", "phone"]
    assert not found.unread
