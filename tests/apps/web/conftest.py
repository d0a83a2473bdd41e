"""Results with kept models, and the page that shows them, served by a process of its own."""

from __future__ import annotations

import http.client
import io
import json
import os
import re
import secrets
import signal
import socket
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conftest import picture

SUITE = """
name = "page"
figures = []
[budget]
trials = 1
[[rows]]
features = ["hsv", "hsv+fft"]
models = ["knn"]
[[rows]]
features = ["metadata"]
models = ["knn"]
"""

_SERVED = """
import sys
def heard(event, given, here=("127.0.0.1", "::1")):
    if event == "socket.connect" and isinstance(given[1], tuple) and given[1][0] not in here:
        print("left the machine:", given[1], file=sys.stderr, flush=True)
    if event == "socket.getaddrinfo" and given[0] not in (*here, "localhost", None):
        print("asked for the address of:", given[0], file=sys.stderr, flush=True)
sys.addaudithook(heard)
from dfbench.__main__ import main
main()
"""


def coded(
    size: tuple[int, int] = (48, 40), form: str = "PNG", *, kind: str = "real", seed: int = 99
) -> bytes:
    """A picture as the bytes of a file."""
    out = io.BytesIO()
    Image.fromarray(picture(seed, kind=kind, size=size[::-1])).save(out, form)
    return out.getvalue()


def bomb(side: int = 10_000) -> bytes:
    """A PNG of a few kilobytes that asks for a great many pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    lines = zlib.compress(b"\0" * (side // 8 + 1) * side, 9)
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def form(data: bytes, name: str = "x.png") -> tuple[bytes, dict[str, str]]:
    """Body and headers of a form with one file."""
    head = f'--XX\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
    body = f"{head}Content-Type: image/png\r\n\r\n".encode() + data + b"\r\n--XX--\r\n"
    return body, {"content-type": "multipart/form-data; boundary=XX"}


@dataclass
class Visitor:
    """Who asks the page over HTTP as a browser does."""

    port: int
    session: str = field(default_factory=lambda: secrets.token_hex(6))

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def upload(self, data: bytes, name: str = "x.png") -> tuple[int, bytes]:
        return self.ask("POST", "/gradio_api/upload", *form(data, name))

    def verdict(self, path: str, detectors: list[str]) -> str:
        """Ask detectors about a picture that was given, and wait for what the page shows."""
        config = json.loads(self.ask("GET", "/config")[1])
        found = next(
            each
            for each in config["dependencies"]
            if (len(each["inputs"]), len(each["outputs"])) == (2, 2)
        )
        image = {"path": path, "meta": {"_type": "gradio.FileData"}}
        asked = {
            "data": [image, detectors],
            "fn_index": found["id"],
            "session_hash": self.session,
        }
        json_type = {"content-type": "application/json"}
        status, said = self.ask(
            "POST", "/gradio_api/queue/join", json.dumps(asked).encode(), json_type
        )
        assert status == 200, said
        return str(self._completed()["output"]["data"][0])

    def _completed(self) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", f"/gradio_api/queue/data?session_hash={self.session}")
        answer = connection.getresponse()
        for line in iter(answer.readline, b""):
            if line.startswith(b"data:"):
                message = json.loads(line[5:])
                if message["msg"] == "process_completed":
                    connection.close()
                    assert message["success"], message
                    found: dict[str, Any] = message
                    return found
        raise AssertionError("the page gave no answer")


@dataclass
class Served:
    """A page that is being served."""

    port: int
    process: subprocess.Popen[str]
    folder: Path
    """Where the process has its temporary files."""
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def visitor(self) -> Visitor:
        return Visitor(self.port)

    def files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]

    def check_nothing_is_left(self, how: int) -> None:
        """End it by a signal; whatever it was given, nothing of it is on the disk."""
        assert self.files() == []
        self.process.send_signal(how)
        assert self.process.wait(20) == 0
        assert list(self.folder.iterdir()) == []
        assert not re.search("left the machine|asked for the address", self.log.read_text())


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def start(folder: Path, *arguments: str) -> Served:
    """Serve the page in a process that notes each try to reach another machine."""
    temporary = folder / "tmp"
    temporary.mkdir(parents=True)
    log, port = folder / "log.txt", free_port()
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", _SERVED, "serve", *arguments, "--port", str(port)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=os.environ | {"TMPDIR": str(temporary)},
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert f":{port}/" in line, log.read_text()
    return Served(port, process, temporary, log)


@pytest.fixture(scope="session")
def results(run_once: Callable[..., Path]) -> Path:
    """A results folder of three quick rows with their models; the images lie beside it."""
    pytest.importorskip("gradio")
    return run_once("page", SUITE, jobs=1) / "out"


@pytest.fixture(scope="session")
def served(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The page of these results."""
    images = f"faces={results.parent / 'faces'}"
    page = start(tmp_path_factory.mktemp("served"), str(results), "--images", images)
    yield page
    if page.process.poll() is None:
        page.check_nothing_is_left(signal.SIGTERM)


def until(told: Any, seconds: float = 10) -> Any:
    """Wait until something is so, and give it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := told():
            return found
        time.sleep(0.05)
    raise AssertionError("waited in vain")


def photograph(folder: Path, *, kind: str = "real") -> Path:
    """A picture as a file."""
    path = folder / f"{kind}.png"
    path.write_bytes(coded(kind=kind))
    return path


def noise(size: tuple[int, int]) -> bytes:
    """A JPEG that compresses badly."""
    out = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(out, "JPEG", quality=95)
    return out.getvalue()
