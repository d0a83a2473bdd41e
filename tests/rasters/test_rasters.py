"""Decoding in other processes: what they may take, how they end, and what is never given to one."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dfbench.contained.idle import end_idle
from dfbench.errors import DfbenchError, ImageError
from dfbench.images import MOST_BYTES, contents, decode, read_header
from dfbench.rasters import apart
from dfbench.rasters.pillow import MOST_PIXELS
from dfbench.rasters.room import Room


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(side: int = 40) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)


def bilevel(width: int, height: int) -> bytes:
    """A PNG of next to no bytes, however large."""
    rows = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    packed = b"".join(rows.compress(row) for _ in range(height)) + rows.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.fixture
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    end_idle()

    def begun(*_: object, **__: object) -> None:
        raise AssertionError("a process was begun")

    monkeypatch.setattr(subprocess, "Popen", begun)


@pytest.fixture
def another_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of a module that decodes instead."""
    end_idle()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(apart, "_MODULE", "another_child")
    monkeypatch.setattr(apart, "_KEY", "another")
    yield tmp_path / "another_child.py"
    end_idle()


BEGUN = """
import ctypes, os, time
from pathlib import Path
from dfbench.contained.child import begun

def serve():
    with open(Path(__file__).parent / "began", "a") as file:
        file.write("x")
    pipes = begun()
    pipes.send_blocks(memoryview(b"+"))
    pipes.receive_blocks()
"""


# --- what is never given to another process --------------------------------------------------


@pytest.mark.usefixtures("no_process")
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_ordinary_files_start_no_process(kind: str) -> None:
    data = encode(noise(), kind)
    assert decode(data).shape == (40, 40, 3)
    assert read_header(data).format == kind


@pytest.mark.usefixtures("no_process")
@pytest.mark.parametrize(
    "data",
    [
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n",
        b"\xc5\xd0\xd3\xc6" + bytes(30),
        b"\xd7\xcd\xc6\x9a" + bytes(80),
        b"\1\0\0\0" + bytes(36) + b" EMF" + bytes(80),
        b"SIMPLE  =                    T" + bytes(80),
        b"%PDF-1.4\n" + bytes(80),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),  # MIC, FPX
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
)
def test_nothing_that_starts_a_program_is_begun(data: bytes) -> None:
    for read in (decode, read_header):
        with pytest.raises(ImageError, match=r"not read|not an image in a known format"):
            read(data)


@pytest.mark.usefixtures("no_process")
def test_too_many_pixels_are_told_by_the_header() -> None:
    side = int(MOST_PIXELS**0.5) + 1
    with pytest.raises(ImageError, match=r"too large: .* pixels, and up to 110 million are read"):
        read_header(bilevel(side, side))


def test_a_hundred_megapixels_are_read() -> None:
    data = encode(Image.new("RGB", (10_000, 10_000), (9, 200, 30)), "JPEG", quality=50)
    assert decode(data).shape == (10_000, 10_000, 3)


@pytest.mark.parametrize("kind", ["sparse", "pipe", "folder", "device"])
def test_only_plain_files_of_some_size_are_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.png"
    if kind == "sparse":
        with path.open("wb") as file:
            file.truncate(MOST_BYTES + 1)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(OSError, match=r"too large|no plain file|directory"):
        contents(path)


# --- how processes end -----------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded on Linux alone")
def test_what_takes_too_much_memory_is_an_error_of_the_image() -> None:
    data = encode(Image.new("RGB", (9_000, 9_000)), "WEBP", method=0, quality=1)
    with pytest.raises(ImageError, match=r"too large: takes more than 0\.9 GB"):
        decode(data)
    assert decode(encode(noise(), "WEBP", lossless=True)).shape == (40, 40, 3)


def test_what_takes_too_long_is_an_error_of_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode(Image.effect_noise((3_000, 3_000), 50), "PNG", compress_level=1)
    monkeypatch.setattr(apart, "SECONDS", 0.001)
    with pytest.raises(ImageError, match=r"takes more than 0\.001 s to be decoded"):
        decode(data)
    monkeypatch.undo()
    assert decode(data).shape == (3_000, 3_000, 3)


def test_a_crash_is_an_error_of_the_image_after_a_second_try(another_child: Path) -> None:
    another_child.write_text(BEGUN + "    ctypes.string_at(0)\n")
    with pytest.raises(ImageError, match=r"cannot be decoded: kills its process \(signal 11"):
        decode(encode(noise(), "WEBP"))
    assert (another_child.parent / "began").read_text() == "xx"


def test_one_that_cannot_be_begun_is_no_error_of_the_image(another_child: Path) -> None:
    another_child.write_text("raise SystemExit(3)")
    with pytest.raises(DfbenchError, match="no process that decodes images can") as caught:
        decode(encode(noise(), "WEBP"))
    assert not isinstance(caught.value, ImageError)


def test_one_that_is_killed_or_stopped_at_its_beginning_costs_nothing(
    another_child: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "_STARTING", 5.0)
    once = "import os, signal\n{}\nfrom dfbench.rasters.child import serve\n"
    for name in ("SIGKILL", "SIGSTOP"):
        end_idle()
        mark = another_child.parent / name
        ends = f"if not os.path.exists({str(mark)!r}):\n    open({str(mark)!r}, 'w').close()\n"
        another_child.write_text(once.format(ends + f"    os.kill(os.getpid(), signal.{name})"))
        assert decode(encode(noise(), "WEBP")).shape == (40, 40, 3)
        assert mark.exists()


def test_all_that_are_killed_meanwhile_cost_nothing() -> None:
    end_idle()
    data = encode(noise(), "WEBP")
    kept = [apart._begun() for _ in range(3)]
    for each in kept:
        each.kill()
        apart.idle.put(apart._KEY, each)
    assert decode(data).shape == (40, 40, 3)
    end_idle()


def test_one_that_is_killed_over_an_image_each_time_says_so(another_child: Path) -> None:
    another_child.write_text(BEGUN + "    os.kill(os.getpid(), 9)\n")
    with pytest.raises(ImageError, match=r"decoded: was killed \(signal 9, SIGKILL\)"):
        decode(encode(noise(), "WEBP"))


def test_an_answer_that_promises_too_much_is_not_read(another_child: Path) -> None:
    another_child.write_text(
        BEGUN + "    os.write(pipes._writes, b'\\1\\0\\0\\0' + b'\\xff' * 8)\n    time.sleep(60)\n"
    )
    with pytest.raises(ImageError, match="cannot be decoded"):
        decode(encode(noise(), "WEBP"))


def test_whoever_waits_can_be_stopped(another_child: Path) -> None:
    another_child.write_text(BEGUN + "    time.sleep(60)\n")
    found: list[Exception] = []

    def wait() -> None:
        try:
            decode(encode(noise(), "WEBP"))
        except DfbenchError as error:
            found.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    until = time.monotonic() + 30
    while not (another_child.parent / "began").exists() and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.2)
    apart.stop()
    thread.join(20)
    assert [str(error) for error in found] == ["decoding was stopped"]


def test_threads_share_room() -> None:
    room, held, most = Room(10), [0], [0]
    lock = threading.Lock()

    def take(size: int) -> None:
        with room.taken(size):
            with lock:
                held[0] += size
                most[0] = max(most[0], held[0])
            time.sleep(0.005)
            with lock:
                held[0] -= size

    threads = [threading.Thread(target=take, args=[size]) for size in (4, 5, 3, 9, 30, 2, 4, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert held[0] == 0
    assert most[0] == 30
