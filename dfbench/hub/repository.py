"""What is asked of the hub: the commit of a revision, its files, and their content.

huggingface_hub is imported inside the functions that need it.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dfbench.errors import (
    CardError,
    DataError,
    DfbenchError,
    UnavailableError,
    first_line,
    one_line,
)
from dfbench.received.files import opened
from dfbench.suites.datasets.origins import HUGGING_FACE

MOST_FILES = 2_000_000
"""Of a repository."""
_NAME = re.compile(r"(?!.*(\.\.|--))[\w-][\w.-]{0,95}/[\w-][\w.-]{0,95}", re.ASCII)
_REVISION = re.compile(r"(?!.*\.\.)[\w-][\w./-]{0,199}", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_WITHIN = 20.0
"""Seconds in which the hub must answer what is asked of it, content aside."""
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class File:
    """A file of a repository.

    Attributes
    ----------
    path
        Relative to its root, with ``/`` between parts.
    size
        Bytes.
    sha256
        Of the content; empty where the hub tells ``blob`` alone.
    blob
        Hash by which git knows the content; empty of what LFS keeps.
    """

    path: str
    size: int
    sha256: str
    blob: str

    def is_in(self, place: Path) -> bool:
        """Whether a file has its size and its hash.

        Raises
        ------
        OSError
            Where there is none, or it cannot be read.
        """
        with opened(place) as file:
            if os.fstat(file.fileno()).st_size != self.size:
                return False
            if self.sha256:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
            state = hashlib.sha1(b"blob %d\0" % self.size, usedforsecurity=False)  # git's own
            while piece := file.read(_PIECE):
                state.update(piece)
            return state.hexdigest() == self.blob


class Repository:
    """A data set on the hub.

    Parameters
    ----------
    name
        ``owner/name``.

    Raises
    ------
    CardError
        If it is no such name.
    UnavailableError
        If the hub is not to be asked, or cannot be reached.
    """

    def __init__(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise CardError(
                f"no name of a data set on the hub: {one_line(name)!r}",
                hint="hf:OWNER/NAME, as in https://huggingface.co/datasets/OWNER/NAME",
            )
        self.name = name
        self.endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or HUGGING_FACE
        self._check_endpoint()

    def _check_endpoint(self) -> None:
        try:
            parts = urlsplit(self.endpoint)
            host = parts.hostname or ""
        except ValueError:
            parts, host = None, ""
        here = host in _HERE
        if parts is None or not host or not (parts.scheme == "https" or here):
            raise UnavailableError(
                f"HF_ENDPOINT is no address of https: {one_line(self.endpoint)}",
                where=f"hf:{self.name}",
                hint="data are fetched by https alone, but from this machine",
            )
        if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
            raise self._unreached("HF_HUB_OFFLINE forbids to fetch it")

    def _unreached(self, why: str) -> UnavailableError:
        return UnavailableError(
            why,
            where=f"hf:{self.name}",
            hint="fetch it where there is a network, and copy the folder with its"
            " .dfbench-source.json",
        )

    def commit(self, revision: str) -> str:
        """Give the hash of the commit that a branch or tag is at.

        Raises
        ------
        CardError
            If it is no name of a revision.
        DataError
            If there is no such data set or revision, or it is not for everybody.
        UnavailableError
            If the hub does not answer.
        """
        if not _REVISION.fullmatch(revision):
            raise CardError(f"no name of a revision: {one_line(revision)!r}", where="--revision")
        try:
            told = self._api().dataset_info(self.name, revision=revision, timeout=_WITHIN)
        except Exception as error:  # noqa: BLE001 - of a library, and of those below it
            raise self._worded(error, revision) from None
        commit = str(told.sha or "")
        if not _COMMIT.fullmatch(commit):
            raise DataError("the hub tells no commit", where=f"hf:{self.name}")
        return commit

    def files(self, commit: str) -> list[File]:
        """List the files of a commit, sorted by path.

        Raises
        ------
        DataError
            If a name leads elsewhere, or there is no file.
        UnavailableError
            If the hub does not answer.
        """
        found = []
        try:
            tree = self._api().list_repo_tree(
                self.name, recursive=True, revision=commit, repo_type="dataset"
            )
            for each in tree:
                if hasattr(each, "size"):  # folders have none
                    found.append(self._file(each))
                if len(found) > MOST_FILES:
                    raise DataError(f"more than {MOST_FILES:,} files", where=f"hf:{self.name}")
        except DfbenchError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            raise self._worded(error, commit) from None
        return sorted(found, key=lambda file: file.path)

    def _file(self, told: Any) -> File:
        path = str(told.path)
        why = _why_not(path)
        if why:
            raise DataError(
                f"a file of it is called {one_line(path)!r}: {why}",
                where=f"hf:{self.name}",
                hint="nothing was fetched",
            )
        lfs = told.lfs
        sha256 = str(lfs.sha256) if lfs is not None else ""
        file = File(path, int(told.size), sha256, "" if lfs is not None else str(told.blob_id))
        if file.size < 0 or not (file.sha256 or file.blob):
            raise DataError(f"the hub tells no hash of {path}", where=f"hf:{self.name}")
        return file

    def fetch(self, file: File, commit: str, scratch: Path) -> Path:
        """Fetch a file into a folder, from where an interrupted fetch left off.

        Returns
        -------
        Path
            Of the file, which has its size and its hash.

        Raises
        ------
        DataError
            If it has not: it is fetched anew the next time.
        UnavailableError
            If the hub does not answer.
        """
        from huggingface_hub import hf_hub_url
        from huggingface_hub.file_download import http_get

        url = hf_hub_url(
            self.name, file.path, repo_type="dataset", revision=commit, endpoint=self.endpoint
        )
        name = hashlib.sha256(f"{file.path} {file.sha256 or file.blob}".encode()).hexdigest()
        place = scratch / f"{name[:32]}.part"
        try:
            with io.BufferedWriter(_Part(place, file.size)) as part:
                have = part.tell()
                if have < file.size:
                    http_get(
                        url,
                        part,
                        resume_size=have,
                        headers=_utils().build_hf_headers(library_name="dfbench"),
                        expected_size=file.size,
                    )
            whole = file.is_in(place)
        except Exception as error:  # noqa: BLE001 - as above
            raise self._worded(error, commit, file.path) from None
        if not whole:
            with suppress(OSError):
                place.unlink()
            raise DataError(
                f"{file.path} is not what its hash says: damaged on the way, or somebody else's",
                where=f"hf:{self.name}",
                hint="the same command fetches it again",
            )
        return place

    def _api(self) -> Any:
        from huggingface_hub import HfApi

        # what it says while it tries again; what it cannot do is raised, and told in a line
        utils = _utils()
        utils.disable_progress_bars()
        utils.logging.set_verbosity_error()
        return HfApi(endpoint=self.endpoint)

    def _worded(self, error: Exception, revision: str, path: str = "") -> DfbenchError:
        """Say in a line what the hub answered, or that it did not."""
        from huggingface_hub.errors import (
            GatedRepoError,
            HfHubHTTPError,
            RepositoryNotFoundError,
            RevisionNotFoundError,
        )

        where = f"hf:{self.name}"
        about = f"{path}: " if path else ""
        if isinstance(error, GatedRepoError):
            return DataError(
                "its owner gives it to those who ask for it",
                where=where,
                hint=f"ask on {self.endpoint}/datasets/{self.name}, then hf auth login",
            )
        if isinstance(error, RepositoryNotFoundError):
            return DataError(
                "there is no such data set, or it is not for everybody",
                where=where,
                hint="is the name right? hf auth login for one of your own",
            )
        if isinstance(error, RevisionNotFoundError):
            return DataError(f"has no revision {revision!r}", where=where)
        if isinstance(error, HfHubHTTPError):
            status = getattr(error.response, "status_code", "?")
            return UnavailableError(f"{about}the hub answers with status {status}", where=where)
        if isinstance(error, OSError) and error.filename is not None and not error.filename2:
            return DataError(f"{about}{first_line(error)}", where=error.filename)
        host = urlsplit(self.endpoint).netloc
        said = one_line(f"{type(error).__name__}: {first_line(error)}")
        broken = re.search("Connect|Timeout|Network|Protocol|ReadError", type(error).__name__)
        if broken and not path:
            return self._unreached(f"{host} cannot be reached: {said}")
        if broken:
            return UnavailableError(
                f"{path}: the connection to {host} broke: {said}",
                where=where,
                hint="the same command goes on from here",
            )
        return UnavailableError(
            f"{about}{host} does not answer as a hub does: {said}",
            where=where,
            hint="the same command goes on from here",
        )


def _utils() -> Any:
    """Import what the library has beside its main door; types of it are told for some alone."""
    return importlib.import_module("huggingface_hub.utils")


class _Part(io.FileIO):
    """A file that is not whole yet, written on at its end.

    Parameters
    ----------
    path
        Where it lies.
    most
        Bytes that it may come to.
    """

    def __init__(self, path: Path, most: int) -> None:
        super().__init__(path, "a")
        self._most = most

    def write(self, data: Any, /) -> int:
        """Write on; an `OSError` where there is more than was promised."""
        if self.tell() + len(data) > self._most:
            raise OSError("more comes than was promised")
        return super().write(data)


def _why_not(path: str) -> str:
    """Say why a name of a file is refused; "" where it is not."""
    parts = path.split("/")
    if "\\" in path or ":" in parts[0] or not path.isprintable():
        return "it may mean another place on some systems"
    if path.startswith("/") or not all(parts) or {".", ".."} & set(parts):
        return "it leads out of the folder"
    if any(part.startswith(".dfbench-") for part in parts) or parts[0] == ".cache":
        return "dfbench keeps things of its own there"
    if len(path.encode("utf-8", "surrogatepass")) > 1024 or any(
        len(p.encode()) > 250 for p in parts
    ):
        return "it is too long"
    return ""
