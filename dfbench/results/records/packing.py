"""Results in one file, for somebody who has none of the images.

It is a ZIP of what a results folder is kept for, see `dfbench.results.records.inventory`: without
what an interrupted run goes on from, and without fitted models unless they are asked for. The same
folder gives the same bytes.
"""

from __future__ import annotations

import errno
import hashlib
import io
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from dfbench.errors import OutputError
from dfbench.files import atomic_path, unwritable
from dfbench.received.files import opened, too_large
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.inventory import Index, Written, check_plain, kept_files, read_index
from dfbench.results.records.sealed import text_of

SUFFIX = ".dfbench.zip"
_WHEN = (1980, 1, 1, 0, 0, 0)
"""Time of all members: equal folders are equal files."""
_DENSE = (".parquet", ".png", ".dfb")
"""What is compressed already."""
_MODELS = "models/"
_NAME = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*/){0,3}[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_MOST = 16 << 30
"""Bytes of a packed file, and of all that is in it."""
_MEMBERS = 1 << 20
_RATIO = 200
"""Bytes that a byte of a member becomes at most; tables of JSON come to thirty."""
_SMALL = 1 << 20
"""Bytes of a member that may be of any ratio."""
_PIECE = 1 << 20


def pack(
    out: ResultsFolder,
    file: Path,
    *,
    models: bool = False,
    instead: Mapping[str, str] | None = None,
) -> int:
    """Write results into one file, whole or not at all, and give its bytes.

    Parameters
    ----------
    out
        The results.
    file
        To be written.
    models
        Whether fitted models go along.
    instead
        Texts by the names of files whose place they take.

    Raises
    ------
    OutputError
        Where ``out`` is no results folder, has a link in it or an index that cannot be read, or
        the file cannot be written.
    """
    out.read_entries()
    check_plain(out)
    texts = {name: text.encode() for name, text in (instead or {}).items()}
    index = read_index(out)
    if index is not None:
        told = {n: its for n, its in index.files.items() if models or not n.startswith(_MODELS)}
        told |= {name: _written(text) for name, text in texts.items() if name in told}
        texts[out.index_file.name] = text_of(Index(files=told, written=index.written)).encode()
    names = {name for name in kept_files(out) if models or not name.startswith(_MODELS)}
    if odd := sorted(name for name in names if not _is_name(name)):
        raise OutputError(
            f"{odd[0][:80]!a} is no name of a file of results",
            where=out.path,
            hint="remove or rename it: nobody could read what is packed",
        )
    try:
        with atomic_path(file) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            for name in sorted(names | texts.keys()):
                if name in texts:
                    _write(archive, name, io.BytesIO(texts[name]))
                else:
                    with opened(out.path / name, below=out.path) as source:
                        _write(archive, name, source)
        return file.stat().st_size
    except OSError as error:
        raise unwritable(file.parent, error) from error


def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and ".." not in name


def _written(text: bytes) -> Written:
    return Written(sha256=hashlib.sha256(text).hexdigest(), bytes=len(text))


def _write(archive: zipfile.ZipFile, name: str, source: IO[bytes]) -> None:
    member = zipfile.ZipInfo(name, _WHEN)
    member.external_attr = (stat.S_IFREG | 0o644) << 16
    dense = name.endswith(_DENSE)
    member.compress_type = zipfile.ZIP_STORED if dense else zipfile.ZIP_DEFLATED
    with archive.open(member, "w", force_zip64=True) as into:
        shutil.copyfileobj(source, into, _PIECE)


@contextmanager
def as_folder(path: Path) -> Iterator[Path]:
    """Give a results folder as it is, and of a packed one a folder that goes with the block.

    Raises
    ------
    OutputError
        Where a file is no packed results, or cannot be laid out.
    """
    if not path.is_file():
        yield path
        return
    try:
        with tempfile.TemporaryDirectory(prefix="dfbench-") as folder:
            _unpack(path, Path(folder))
            yield Path(folder)
    except OSError as error:
        raise OutputError(
            f"packed results cannot be laid out: {error.strerror or error}",
            where=path,
            hint="TMPDIR names the folder of temporary files",
        ) from error


def _unpack(path: Path, into: Path) -> None:
    try:
        with opened(path, most=_MOST) as file, zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _check(members)
            for member in members:
                target = into / member.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, target.open("xb") as to:
                    _copy(source, to, member.file_size)
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
        EOFError,
        ValueError,
        zlib.error,
    ) as error:
        raise OutputError(
            f"no packed results: {error or type(error).__name__}",
            where=path,
            hint="packed results are what `dfbench pack DIR` writes",
        ) from None


def _check(members: list[zipfile.ZipInfo]) -> None:
    """Raise `ValueError` where members are such as `pack` writes none."""
    if len(members) > _MEMBERS:
        raise ValueError(f"{len(members):,} members, at most {_MEMBERS:,} are read")
    names: set[str] = set()
    for member in members:
        name = member.filename
        shown = repr(name[:80])
        if not _is_name(name):
            raise ValueError(f"{shown} is no name of a file of results")
        if name.lower() in names:
            raise ValueError(f"{shown} is there twice")
        names.add(name.lower())
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
            raise ValueError(f"{shown} is no plain file")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{shown} is compressed in another way")
        if member.file_size > max(_SMALL, _RATIO * member.compress_size):
            raise ValueError(f"{shown} is a bomb: it would become {member.file_size:,} bytes")
    whole = sum(member.file_size for member in members)
    if whole > _MOST:
        raise ValueError(too_large(whole, _MOST))


def _copy(source: IO[bytes], to: BinaryIO, size: int) -> None:
    left = size
    while piece := source.read(min(_PIECE, left + 1)):
        left -= len(piece)
        if left < 0:
            raise OSError(errno.EFBIG, "a member is larger than it says")
        to.write(piece)
