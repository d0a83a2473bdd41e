"""Where the files of the feature store lie: a folder, or a place that fsspec knows by its URL.

Nothing is asked of it but that a file appears whole or not at all, and that parts of it can be
read.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from dfbench.errors import OutputError, UnavailableError
from dfbench.files import atomic_path, cache_dir, cache_url, use_cache
from dfbench.received.files import opened

_LEFT_BEHIND = 86_400
"""Seconds after which a file that was begun and not ended is of a process that is gone."""


class Handle(Protocol):
    """A file that is read in parts, by several threads at once."""

    def read(self, start: int, length: int) -> bytes:
        """Read from a place in the file; less at its end."""

    def close(self) -> None:
        """Let go of the file."""


class Place(Protocol):
    """A folder of files."""

    def names(self) -> list[str]:
        """Name the files, sorted; none where the folder is absent."""

    def open(self, name: str) -> Handle:
        """Open a file; `FileNotFoundError` where it is gone, then or when it is read."""

    def size(self, name: str) -> int:
        """Give the bytes of a file."""

    def write(self, name: str, content: Iterable[bytes]) -> None:
        """Write a file, which appears once it is whole."""

    def remove(self, name: str) -> None:
        """Remove a file, if it is there and nothing hinders that."""


def place_of(name: str) -> Place:
    """Give the place of a folder of that name in the store."""
    url = cache_url()
    if url is not None:
        return Remote(f"{url}/{name}")
    use_cache()
    return Folder(cache_dir() / "features" / name)


def check_shared() -> None:
    """Raise `OutputError` where the store lies in the memory of this process, seen by no other."""
    url = cache_url()
    if url is not None and url.partition("://")[0].split("::")[-1] == "memory":
        raise OutputError(
            "DFBENCH_CACHE is in the memory of one process, and a run has several",
            where=url,
            hint="set it to a folder, or to a URL that all of them reach",
        )


class Folder:
    """A folder on a file system of this machine."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    def names(self) -> list[str]:
        """See `Place.names`."""
        try:
            found = sorted(os.listdir(self.path))  # noqa: PTH208 - names alone, of thousands
        except FileNotFoundError:
            return []
        for name in found:
            if name.endswith(".part"):
                self._sweep(name)
        return [name for name in found if not name.endswith(".part")]

    def _sweep(self, name: str) -> None:
        with suppress(OSError):
            if time.time() - (self.path / name).stat().st_mtime > _LEFT_BEHIND:
                (self.path / name).unlink()

    def open(self, name: str) -> Handle:
        """See `Place.open`."""
        return _Opened(self.path / name)

    def size(self, name: str) -> int:
        """See `Place.size`."""
        return (self.path / name).stat().st_size

    def write(self, name: str, content: Iterable[bytes]) -> None:
        """See `Place.write`."""
        with atomic_path(self.path / name) as temporary, temporary.open("wb") as file:
            for part in content:
                file.write(part)

    def remove(self, name: str) -> None:
        """See `Place.remove`."""
        # Windows keeps what somebody reads: the next who merges removes it
        with suppress(OSError):
            (self.path / name).unlink()


class _Opened:
    def __init__(self, path: Path) -> None:
        with opened(path, below=path.parent) as file:
            self._file = os.dup(file.fileno())
        self._lock = threading.Lock()

    def __del__(self) -> None:
        self.close()

    def read(self, start: int, length: int) -> bytes:
        found = self._some(start, length)
        while 0 < len(found) < length:  # a signal, or more than a call reads
            more = self._some(start + len(found), length - len(found))
            if not more:
                break
            found += more
        return found

    def _some(self, start: int, length: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._file, length, start)
        with self._lock:  # Windows
            os.lseek(self._file, start, os.SEEK_SET)
            return os.read(self._file, length)

    def close(self) -> None:
        file, self._file = getattr(self, "_file", -1), -1
        if file >= 0:
            os.close(file)


@contextmanager
def _as_os_errors() -> Iterator[None]:
    """Raise what libraries of networks raise, each its own kinds, as files do."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {error}") from error


class Remote:
    """A place that fsspec knows."""

    def __init__(self, url: str) -> None:
        try:
            from fsspec.core import url_to_fs
        except ImportError as error:
            raise UnavailableError(
                "DFBENCH_CACHE is a URL, which takes the package fsspec",
                hint="pip install dfbench-toolkit[dask]",
            ) from error
        self._url = url
        try:
            self._fs, self._path = url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise OutputError(
                f"DFBENCH_CACHE is no place that fsspec reaches: {error}",
                where=url,
                hint="set it to a folder, or install the package that its URL takes",
            ) from error

    def __str__(self) -> str:
        return self._url

    def names(self) -> list[str]:
        """See `Place.names`."""
        try:
            with _as_os_errors():
                # what others wrote a moment ago is wanted too
                self._fs.invalidate_cache()
                found = self._fs.ls(self._path, detail=False)
        except FileNotFoundError:
            return []
        names = (str(path).rstrip("/").rpartition("/")[2] for path in found)
        return sorted(name for name in names if not name.endswith(".part"))

    def open(self, name: str) -> Handle:
        """See `Place.open`."""
        with _as_os_errors():
            if not self._fs.exists(f"{self._path}/{name}"):
                raise FileNotFoundError(name)
        return _Fetched(self._fs, f"{self._path}/{name}")

    def size(self, name: str) -> int:
        """See `Place.size`."""
        with _as_os_errors():
            return int(self._fs.size(f"{self._path}/{name}"))

    def write(self, name: str, content: Iterable[bytes]) -> None:
        """See `Place.write`."""
        with _as_os_errors():
            self._fs.makedirs(self._path, exist_ok=True)
            temporary = f"{self._path}/{name}.{uuid.uuid4().hex[:8]}.part"
            with self._fs.open(temporary, "wb") as file:
                for part in content:
                    file.write(part)
            self._fs.mv(temporary, f"{self._path}/{name}")

    def remove(self, name: str) -> None:
        """See `Place.remove`."""
        with suppress(OSError), _as_os_errors():
            self._fs.rm_file(f"{self._path}/{name}")


class _Fetched:
    def __init__(self, fs: Any, path: str) -> None:
        self._fs, self._path = fs, path

    def read(self, start: int, length: int) -> bytes:
        if not length:  # no range that a server knows
            return b""
        with _as_os_errors():
            content: bytes = self._fs.cat_file(self._path, start=start, end=start + length)
        return content

    def close(self) -> None:
        """Nothing is held."""
