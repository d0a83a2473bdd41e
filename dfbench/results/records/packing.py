"""Results in one file, for somebody who has none of the images.

It is a ZIP of what a results folder is kept for, see `dfbench.results.records.inventory`: without
what an interrupted run goes on from, and without fitted models unless they are asked for. The same
folder gives the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import stat
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from dfbench.errors import DfbenchError, OutputError
from dfbench.files import atomic_path, scratch_folder, unwritable
from dfbench.received.files import opened
from dfbench.received.zips import check_laid_out, inflates, is_plain, lay_out
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.inventory import Index, Written, check_plain, kept_files, read_index
from dfbench.results.records.sealed import text_of

SUFFIX = ".dfbench.zip"
_WHEN = (1980, 1, 1, 0, 0, 0)
"""Time of all members: equal folders are equal files."""
_DENSE = (".parquet", ".png", ".dfb")
"""What is compressed already."""
_MODELS = "models/"
_MOST = 16 << 30
"""Bytes of a packed file, and of all that is in it."""
_MEMBERS = 100_000
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
        Where ``out`` is no results folder, has a link in it or an index that cannot be read, is
        larger than what would be read, or the file cannot be written.
    """
    out.read_entries()
    check_plain(out)
    texts = {name: text.encode() for name, text in (instead or {}).items()}
    index = read_index(out)
    if index is not None:
        told = {n: its for n, its in index.files.items() if _goes_along(out, n, models=models)}
        told |= {name: _written(text) for name, text in texts.items() if name in told}
        texts[out.index_file.name] = text_of(Index(files=told, written=index.written)).encode()
    names = {name for name in kept_files(out) if _goes_along(out, name, models=models)}
    try:
        with atomic_path(file) as temporary:
            with zipfile.ZipFile(temporary, "w") as archive:
                for name in sorted(names | texts.keys()):
                    if name in texts:
                        _write(archive, name, io.BytesIO(texts[name]))
                    else:
                        with opened(out.path / name, below=out.path) as source:
                            _write(archive, name, source)
            check_laid_out(temporary, most=_MOST, members=_MEMBERS)
        return file.stat().st_size
    except ValueError as error:
        raise OutputError(f"cannot be packed: {error}", where=out.path) from None
    except OSError as error:
        raise unwritable(file.parent, error) from error


def _of_it(said: str) -> str:
    """Make a sentence of what is said of a file."""
    return f"it {said}" if said.startswith(("is ", "holds ")) else said


def left_out(out: ResultsFolder) -> list[str]:
    """Name the files that are not packed: dfbench has not written them."""
    return [name for name in kept_files(out) if not _goes_along(out, name, models=True)]


def _goes_along(out: ResultsFolder, name: str, *, models: bool) -> bool:
    return is_plain(name) and out.is_own(name) and (models or not name.startswith(_MODELS))


def _written(text: bytes) -> Written:
    return Written(sha256=hashlib.sha256(text).hexdigest(), bytes=len(text))


def _write(archive: zipfile.ZipFile, name: str, source: IO[bytes]) -> None:
    member = zipfile.ZipInfo(name, _WHEN)
    member.external_attr = (stat.S_IFREG | 0o644) << 16
    dense = name.endswith(_DENSE) or inflates(source)
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
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(scratch_folder("dfbench-packed-"))
            lay_out(path, folder, most=_MOST, members=_MEMBERS)
        except ValueError as error:
            raise OutputError(
                f"no packed results: {_of_it(str(error))}",
                where=path,
                hint="packed results are what `dfbench pack DIR` writes",
            ) from None
        except OSError as error:
            raise OutputError(
                f"packed results cannot be laid out: {error.strerror or error}",
                where=path,
                hint="TMPDIR names the folder of temporary files",
            ) from error
        try:
            yield folder
        except DfbenchError as error:
            # of a folder that nobody has named
            what, where = (
                each and each.replace(str(folder), str(path)) for each in (error.what, error.where)
            )
            raise type(error)(what or "", where=where, hint=error.hint) from error
