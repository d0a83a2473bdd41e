"""What C libraries print while they decode never reaches the terminal; what others print does."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import cv2
import numpy as np
import pytest
from PIL import Image, TiffImagePlugin, features

from dfbench import chatter
from dfbench.chatter import _streams, hushed, overheard
from dfbench.errors import ImageError
from dfbench.images import decode
from dfbench.rasters import pillow
from dfbench.rasters.pillow import _libtiff_says

pytestmark = pytest.mark.skipif(_streams() is None, reason="stderr of this C library is constant")
needs_libtiff = pytest.mark.skipif("libtiff" not in features.get_supported(), reason="no libtiff")


def broken(kind: str, **options) -> bytes:
    """Give a file whose pixels are damaged in their midst, of which libraries speak."""
    noise = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    pixels = cv2.resize(noise, (160, 120))
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    data = bytearray(buffer.getvalue())
    half = len(data) // 2
    if kind == "JPEG":
        return bytes(data[:half]) + b"\xff\xd9"
    data[half : half + 40] = bytes(40)
    return bytes(data)


def here(data: bytes) -> np.ndarray:
    """Decode in this process what images of strangers are decoded elsewhere for."""
    image = pillow.opened(data)
    pillow.load(image, data)
    return np.concatenate(list(pillow.pieces_of(image)))


def test_nothing_but_what_python_writes_is_seen(tmp_path):
    names = {
        "a.tif": broken("TIFF", compression="tiff_lzw"),
        "b.jpg": broken("JPEG"),
        "c.png": broken("PNG"),
    }
    for name, data in names.items():
        (tmp_path / name).write_bytes(data)
    script = """
import os, sys, threading
from pathlib import Path
from dfbench.errors import ImageError
from dfbench.images import decode
held, done = sys.stderr, threading.Event()
def progress():
    for step in range(2000):
        held.write(f"step {step}\\n")
    os.write(2, b"from below\\n")
    done.set()
files = [path.read_bytes() for path in sorted(Path(sys.argv[1]).iterdir())]
def work():
    while not done.is_set():
        for data in files:
            try:
                decode(data)
            except ImageError:
                pass
threads = [threading.Thread(target=what) for what in (work, work, progress)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""
    run = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    steps = [f"step {step}" for step in range(2000)]
    assert run.stderr.splitlines() == [*steps, "from below"]


def test_the_files_of_the_test_above_make_libraries_speak(capfd):
    for kind in ("JPEG", "PNG"):
        cv2.imdecode(np.frombuffer(broken(kind), np.uint8), cv2.IMREAD_COLOR)
        assert capfd.readouterr().err


@needs_libtiff
def test_what_libtiff_says_is_the_reason_at_its_own_image():
    files = {
        "LZW": broken("TIFF", compression="tiff_lzw"),
        "ZIPDecode": broken("TIFF", compression="tiff_adobe_deflate"),
        "": broken("JPEG"),
    }

    def reason(kind: str) -> tuple[str, str]:
        try:
            decode(files[kind])
        except ImageError as error:
            return kind, str(error)
        return kind, ""

    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(reason, list(files) * 40))
    assert len(found) == 3
    reasons = dict(found)
    assert reasons[""] == ""
    assert reasons["ZIPDecode"].startswith("cannot be decoded: ZIPDecode: Decoding error")
    assert reasons["LZW"].startswith("cannot be decoded: LZWDecode: Not enough data")


def test_stderr_of_c_is_as_before_when_all_have_left(capfd):
    said: list[str] = []
    start = threading.Barrier(4)

    def hush() -> None:
        start.wait()
        for _ in range(200):
            with hushed():
                pass

    def listen() -> None:
        start.wait()
        for _ in range(200):
            with overheard(said):
                pass

    threads = [threading.Thread(target=work) for work in (hush, hush, listen, listen)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert said == []
    cv2.imdecode(np.frombuffer(broken("JPEG"), np.uint8), cv2.IMREAD_COLOR)
    assert "JPEG" in capfd.readouterr().err


def test_an_error_within_leaves_nothing_behind():
    for window in (hushed, lambda: overheard([])):
        with pytest.raises(ZeroDivisionError), window():
            raise ZeroDivisionError
    with overheard([]), pytest.raises(ImageError):
        raise ImageError("x")
    with hushed():
        pass


# --- what may go wrong -----------------------------------------------------------------------


def speaks(capfd) -> bool:
    """Whether what libraries print on stderr of C is seen."""
    cv2.imdecode(np.frombuffer(broken("JPEG"), np.uint8), cv2.IMREAD_COLOR)
    return "JPEG" in capfd.readouterr().err


def interrupt(monkeypatch, step: str, *, when: str) -> None:
    """Have Ctrl-C come once, before or after a step of the turns."""
    real = getattr(chatter._Turns, step)
    left = [1]

    def stepped(self, *given):
        now = bool(left) and bool(left.pop())
        if now and when == "before":
            raise KeyboardInterrupt
        result = real(self, *given)
        if now:
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(chatter._Turns, step, stepped)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("step", "window"),
    [
        ("hush", hushed),
        ("leave", hushed),
        ("listen", lambda: overheard([])),
        ("heard", lambda: overheard([])),
        ("leave", lambda: overheard([])),
        ("point", hushed),
        ("point", lambda: overheard([])),
    ],
)
def test_ctrl_c_anywhere_leaves_nothing_behind(monkeypatch, capfd, step, when, window):
    interrupt(monkeypatch, step, when=when)
    with pytest.raises(KeyboardInterrupt), window():
        pass
    turns = chatter._turns
    assert (turns.hushing, turns.waiting, turns.listening) == (set(), set(), None)
    assert speaks(capfd)


def test_one_that_hushes_for_good_keeps_nobody_waiting(monkeypatch, capfd):
    monkeypatch.setattr(chatter, "_PATIENCE", 0.05)
    streams, turns, said = _streams(), chatter._turns, []
    turns.hush(streams, -1)
    with overheard(said):
        assert not speaks(capfd)
    assert said == []
    turns.leave(streams, -1)
    assert speaks(capfd)


def test_one_that_listens_for_good_keeps_nobody_waiting(monkeypatch, capfd):
    monkeypatch.setattr(chatter, "_PATIENCE", 0.05)
    streams, turns = _streams(), chatter._turns
    turns.listen(streams, -1)
    with hushed():
        assert not speaks(capfd)
    assert turns.heard(streams, -1) == b""
    turns.leave(streams, -1)
    assert speaks(capfd)


@needs_libtiff
def test_threads_decode_tiffs_at_the_same_time(monkeypatch):
    good = io.BytesIO()
    Image.new("RGB", (8, 8)).save(good, "TIFF", compression="tiff_lzw")
    real = TiffImagePlugin.TiffImageFile.load
    together = threading.Barrier(3, timeout=5)

    def load(self):
        if "met" not in self.info:  # Pillow loads what is loaded again
            together.wait()  # breaks where one waits for another to end
            self.info["met"] = True
        return real(self)

    monkeypatch.setattr(TiffImagePlugin.TiffImageFile, "load", load)
    with ThreadPoolExecutor(3) as pool:
        shapes = [image.shape for image in pool.map(here, [good.getvalue()] * 3)]
    assert shapes == [(8, 8, 3)] * 3


@needs_libtiff
def test_only_what_failed_is_decoded_again_and_alone(monkeypatch):
    good = io.BytesIO()
    Image.new("RGB", (8, 8)).save(good, "TIFF", compression="tiff_lzw")
    alone = []
    monkeypatch.setattr(
        "dfbench.rasters.pillow.overheard", lambda said: (alone.append(1), overheard(said))[1]
    )
    here(good.getvalue())
    assert alone == []
    with pytest.raises(ImageError, match="LZWDecode"):
        here(broken("TIFF", compression="tiff_lzw"))
    assert alone == [1]


def test_a_warning_is_no_reason(monkeypatch):
    @contextmanager
    def heard(said):
        yield
        said += ["TIFFReadDirectory: Warning, Unknown field with tag 700.", "tempfile.tif: Bad."]

    monkeypatch.setattr("dfbench.rasters.pillow.overheard", heard)
    assert _libtiff_says(b"") == "Bad"


def test_first_threads_open_the_streams_once(monkeypatch):
    made, real = [], os.memfd_create
    start = threading.Barrier(8)

    def create(name):
        made.append(name)
        threading.Event().wait(0.05)
        return real(name)

    def first() -> None:
        start.wait()
        with hushed():
            pass

    monkeypatch.setattr(os, "memfd_create", create)
    chatter._opened.cache_clear()
    threads = [threading.Thread(target=first) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert made == ["chatter"]


@pytest.mark.parametrize("fails", ["memfd_create", "open"])
def test_images_are_decoded_where_nothing_can_be_opened(monkeypatch, fails):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6)).save(buffer, "PNG")

    def used_up(*_, **__):
        raise OSError(24, "Too many open files")

    chatter._opened.cache_clear()
    with monkeypatch.context() as patched:
        patched.setattr(os, fails, used_up)
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        assert decode(buffer.getvalue()).shape == (6, 8, 3)
        assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    assert _streams() is not None


def test_images_are_decoded_without_ctypes(monkeypatch):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6)).save(buffer, "PNG")
    chatter._opened.cache_clear()
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "ctypes", None)
        assert decode(buffer.getvalue()).shape == (6, 8, 3)
    assert _streams() is not None


def test_a_child_listens_for_itself():
    script = r"""
import ctypes, os
from dfbench import chatter
libc = ctypes.CDLL(None)
def say(text):
    stream = ctypes.c_void_p.in_dll(libc, "stderr")
    libc.fputs(text, stream)
said = []
with chatter.overheard(said):
    pass
mine = chatter._streams()
turn_in, turn_out = os.pipe()
back_in, back_out = os.pipe()
chatter._turns.hush(mine, -1)  # of a thread that the child does not have
child = os.fork()
if not child:
    said = []
    with chatter.overheard(said):
        say(b"child\n")
        os.write(turn_out, b"x")
        os.read(back_in, 1)
    say(b"seen\n")
    ok = said == ["child"] and not chatter._turns.hushing
    os._exit(0 if ok else 1)
chatter._turns.leave(mine, -1)
os.read(turn_in, 1)
said = []
with chatter.overheard(said):
    say(b"parent\n")
    os.write(back_out, b"x")
    status = os.waitpid(child, 0)[1]
assert status == 0, status
assert said == ["parent"], said
"""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (run.returncode, run.stderr) == (0, "seen\n")
