"""A stand-in for the hub: it answers on this machine what huggingface_hub asks of a data set."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest


@dataclass
class Hub:
    """What the stand-in has, and what it was asked.

    Attributes
    ----------
    commits
        Hash of a commit to its files.
    branches
        Name to hash.
    asked
        Method, path and range of each request.
    cut
        Path of a file to the byte at which the connection ends.
    other
        Path to a content that is sent instead of that which was promised.
    """

    name: str = "faces/tiny"
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    cut: dict[str, int] = field(default_factory=dict)
    other: dict[str, bytes] = field(default_factory=dict)
    gated: bool = False

    def commit(self, files: dict[str, bytes], branch: str = "main") -> str:
        """Add a commit at the tip of a branch, and give its hash."""
        told = json.dumps({name: hashlib.sha1(its).hexdigest() for name, its in files.items()})
        sha = hashlib.sha1(told.encode()).hexdigest()
        self.commits[sha], self.branches[branch] = files, sha
        return sha

    def content(self) -> list[str]:
        """Name the files whose content was asked for, in order, each once."""
        paths = [path.partition("/resolve/")[2] for how, path, _ in self.asked if how == "GET"]
        return list(dict.fromkeys(path.partition("/")[2] for path in paths if path))

    def resolved(self, revision: str) -> str | None:
        revision = self.branches.get(revision, revision)
        return revision if revision in self.commits else None


def in_lfs(path: str) -> bool:
    return path.endswith(".png")


def tree(files: dict[str, bytes]) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = []
    for path, content in files.items():
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        entry: dict[str, object] = {"type": "file", "oid": blob, "size": len(content), "path": path}
        if in_lfs(path):
            sha = hashlib.sha256(content).hexdigest()
            entry["lfs"] = {"oid": sha, "size": len(content), "pointerSize": 130}
        entries.append(entry)
    for folder in {path.rpartition("/")[0] for path in files} - {""}:
        entries.append({"type": "directory", "oid": "0" * 40, "size": 0, "path": folder})
    return entries


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        hub.asked.append((self.command, path, self.headers.get("Range", "")))
        api, files = f"/api/datasets/{hub.name}", f"/datasets/{hub.name}/resolve/"
        if not path.startswith((api, files)):
            return self._refuse(404, "RepoNotFound")
        if hub.gated:
            return self._refuse(403, "GatedRepo")
        if path.startswith(files):
            revision, _, name = path.removeprefix(files).partition("/")
            return self._file(revision, name)
        what, _, rest = path.removeprefix(api).strip("/").partition("/")
        sha = hub.resolved(rest if what else "main")
        if sha is None:
            return self._refuse(404, "RevisionNotFound")
        if what == "tree":
            return self._json(tree(hub.commits[sha]))
        told = {"id": hub.name, "sha": sha, "private": False, "disabled": False, "downloads": 0}
        return self._json({**told, "likes": 0, "tags": [], "siblings": []})

    def _file(self, revision: str, name: str) -> None:
        sha = self.hub.resolved(revision)
        content = self.hub.commits.get(sha or "", {}).get(name)
        if content is None:
            return self._refuse(404, "EntryNotFound")
        kind = hashlib.sha256 if in_lfs(name) else hashlib.sha1
        etag = kind(content).hexdigest()
        content = self.hub.other.get(name, content)
        start = 0
        if self.headers.get("Range", "").startswith("bytes="):
            start = int(self.headers["Range"].removeprefix("bytes=").partition("-")[0])
        body = content[start:]
        self.send_response(206 if start else 200)
        self.send_header("X-Repo-Commit", sha or "")
        self.send_header("ETag", f'"{etag}"')
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(body)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if self.command == "HEAD":
            return
        if name in self.hub.cut:
            self.wfile.write(body[: max(0, self.hub.cut[name] - start)])
            self.wfile.flush()
            self.close_connection = True
            return
        self.wfile.write(body)

    def _json(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """Have the hub stand on this machine, empty."""
    its = Hub()
    answers = type("Answers", (_Answers,), {"hub": its})
    server = ThreadingHTTPServer(("127.0.0.1", 0), answers)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "_hf"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    yield its
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def images(make_folder: Callable[..., Path]) -> dict[str, bytes]:
    """Draw a data set: files of a repository."""
    root = make_folder("drawn", splits={"train": 6, "test": 3})
    files = {
        f"data/{each.relative_to(root).as_posix()}": each.read_bytes()
        for each in sorted(root.rglob("*.png"))
    }
    return {"README.md": b"# Faces\n", ".gitattributes": b"*.png filter=lfs\n", **files}
