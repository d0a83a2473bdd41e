"""What C libraries print while they decode never reaches the terminal; what others print does."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from PIL import Image, features

from dfbench.chatter import _streams, hushed, overheard
from dfbench.errors import ImageError
from dfbench.images import decode

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
