"""Finding image files below a folder, in an order that does not depend on the file system.

A known suffix makes a file an image; whether it can be read is seen when it is opened. Where the
suffix tells nothing, the first bytes do.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from dfbench.errors import DataError
from dfbench.formats import HEAD, HEIF, decoded, image_suffixes, told, unread, unread_suffix
from dfbench.received.containers import places
from dfbench.received.files import made_up, read_head, why
from dfbench.received.folders import Listed, below, is_folder

_PLAIN = frozenset(
    (
        *(".txt", ".md", ".rst", ".log", ".pdf", ".doc", ".docx", ".rtf", ".tex", ".bib", ".lst"),
        *(".csv", ".tsv", ".xls", ".xlsx", ".ods", ".parquet", ".feather", ".arrow", ".db"),
        *(".json", ".jsonl", ".ndjson", ".geojson", ".toml", ".yaml", ".yml", ".xml", ".xmp"),
        *(".ini", ".cfg", ".conf", ".html", ".htm", ".css", ".js", ".url", ".lnk", ".torrent"),
        *(".py", ".pyc", ".ipynb", ".sh", ".bat", ".ps1", ".m", ".r", ".c", ".h", ".cpp", ".java"),
        *(".npy", ".npz", ".mat", ".h5", ".hdf5", ".pkl", ".pickle", ".lmdb", ".mdb", ".tfrecord"),
        *(".pt", ".pth", ".ckpt", ".onnx", ".pb", ".safetensors", ".obj", ".ply", ".lm", ".pts"),
        *(".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst"),
        *(".wav", ".mp3", ".flac", ".m4a", ".aac", ".ogg", ".srt", ".vtt"),
        *(".md5", ".sha1", ".sha256", ".sig", ".asc", ".exe", ".dll", ".so", ".dylib", ".iso"),
        # begun and not finished
        *(".part", ".partial", ".crdownload", ".download", ".tmp", ".aria2"),
        # what was before something was changed
        *(".bak", ".backup", ".orig", ".old", ".save", ".swp", ".swo"),
    )
)
"""Suffixes that say that a file is no image, so that it is not opened."""

_NOT_DATA = frozenset({"__macosx", "lost+found", "$recycle.bin", "system volume information"})
"""Folders of systems; in lower case."""
_LITTER = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
"""What systems leave in folders, besides hidden files; in lower case."""
_DESCRIBING = frozenset(
    {"readme", "license", "licence", "copying", "notice", "citation", "changelog", "terms_of_use"}
)
"""What files that tell of a data set are called, whatever their suffix; in lower case."""


@dataclass(slots=True)
class Found:
    """What lies below a folder.

    Attributes
    ----------
    images
        Paths relative to the folder with ``/`` between parts, sorted.
    faults
        Of these, the ones that cannot be opened as files, and why.
    ignored
        Number of other files, hidden ones included; cards, licences and the like are not counted.
    others
        Paths of other files as those of images, sorted, without hidden ones, what systems leave,
        pipes and sockets.
    unread
        Of ``others``, those that hold pictures or video which nothing here reads: what they are,
        and what would help. Equal for files of one kind.
    """

    images: list[str] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)
    ignored: int = 0
    others: list[str] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)


def is_image(name: str) -> bool:
    """Whether the name alone makes a file an image (hidden files are none)."""
    return not name.startswith(".") and _suffix(name) in image_suffixes()


def _suffix(name: str) -> str:
    # as os.path.splitext, which takes three times as long for each of 200,000 names
    stem, dot, suffix = name.rpartition(".")
    return f".{suffix.lower()}" if dot and stem.strip(".") else ""


def _litter(name: str) -> bool:
    return name.startswith(".") or name.lower() in _LITTER


def _describes(name: str) -> bool:
    """Whether a file tells of a data set, as its card does: it is none of the data."""
    stem, _, suffix = name.lower().partition(".")
    return stem in _DESCRIBING or suffix == "toml"


def _backup(name: str, suffix: str) -> bool:
    """Whether an editor or exiftool called a file so to keep what it was before a change."""
    before = suffix.removesuffix("_original")
    return name.endswith("~") or (before != suffix and before in image_suffixes())


def _holds_data(name: str) -> bool:
    """Whether a folder of this name can hold data."""
    return not name.startswith(".") and name.lower() not in _NOT_DATA


def look(name: str, head: Callable[[], bytes]) -> tuple[bool, str]:
    """Tell whether a file is an image, and else what pictures or video it holds, if any.

    Parameters
    ----------
    name
        Of the file, without its folder.
    head
        Gives its first bytes, see `dfbench.formats.HEAD`; asked where the suffix tells nothing.
    """
    suffix = _suffix(name)
    if suffix in image_suffixes():
        return True, ""
    kind = unread_suffix(suffix)
    if kind or suffix in _PLAIN or _backup(name, suffix):
        return False, kind
    begin = head()
    form = told(begin)
    if form is not None and not form.weak and (form is not HEIF or decoded(form)):
        return True, ""
    return False, unread(begin)


def is_set_aside(path: str) -> bool:
    """Whether a file is hidden, of a system, or lies in such a folder, by its path alone."""
    *folders, name = path.split("/")
    return _litter(name) or not all(map(_holds_data, folders))


def _head(entry: os.DirEntry[str]) -> bytes:
    """Read the first bytes of a file; none of what is no file, or cannot be read."""
    try:
        return read_head(entry.path, HEAD)
    except OSError:
        return b""


_listed: ContextVar[dict[Path, Found] | None] = ContextVar("listed", default=None)


@contextmanager
def each_folder_once() -> Iterator[None]:
    """Inside the block, list no folder twice: what tells how to read it also reads it."""
    token = _listed.set({})
    try:
        yield
    finally:
        _listed.reset(token)


_tells: ContextVar[Callable[[str], None] | None] = ContextVar("tells", default=None)
_QUIET = 5.0
"""Seconds of a listing after which something is said of it, and again each time."""


@contextmanager
def telling(say: Callable[[str], None]) -> Iterator[None]:
    """Inside the block, say of a listing that takes long how far it is."""
    token = _tells.set(say)
    try:
        yield
    finally:
        _tells.reset(token)


def _told(folder: Path, listed: Iterator[Listed]) -> Iterator[Listed]:
    """Say how many files were listed so far, whenever nothing was said for long."""
    say, since, n = _tells.get(), time.monotonic(), 0
    for each in listed:
        yield each
        prefix, entries = each
        n += len(entries)
        if say is not None and time.monotonic() - since >= _QUIET:
            say(f"{folder}: {n:,} files listed so far, now in {prefix or '.'}")
            since = time.monotonic()


def walk(folder: Path) -> Found:
    """List the images below ``folder``; links to folders are followed, hidden folders are not.

    An archive is listed as a folder, and where no image lies, what shards hold is.

    Each real folder is listed once, by its own name where it lies below ``folder`` itself.

    Returns
    -------
    Found
        Not to be changed: it may be given again, see `each_folder_once`.

    Raises
    ------
    DataError
        Where a folder cannot be read.
    """
    known = _listed.get()
    if known is not None and folder in known:
        return known[folder]
    found = Found()
    try:
        held = None if folder.is_dir() else places.below(folder)
        if held is not None:
            _add_held(found, folder, "", held)
        else:
            for prefix, entries in _told(folder, below(folder, _holds_data)):
                for entry in entries:
                    _add(found, prefix, entry)
            if not found.images:
                _add_shards(found, folder)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise DataError("folders in here are nested too deeply", where=folder) from None
        raise DataError(why(error), where=error.filename or folder) from None
    found.images.sort()
    found.others.sort()
    if known is not None:
        known[folder] = found
    return found


def _add(to: Found, prefix: str, entry: os.DirEntry[str]) -> None:
    if _litter(entry.name):
        to.ignored += 1
        return
    path, fault = f"{prefix}{entry.name}", ""
    try:
        path.encode()
    except UnicodeEncodeError:
        path = path.encode("utf-8", "backslashreplace").decode()
        fault = "the file name is not UTF-8: rename it"
    image, kind = look(entry.name, functools.partial(_head, entry))
    if image:
        to.images.append(path)
        fault = fault or _fault(entry)
        if fault:
            to.faults[path] = fault
    else:
        to.ignored += not _describes(entry.name)
        if not _fault(entry) or _broken_link(entry):  # to read a pipe would wait
            to.others.append(path)
            if kind:
                to.unread[path] = kind


def _add_shards(to: Found, folder: Path) -> None:
    """List what shards hold, in a folder without an image of its own."""
    for inner, held in list(places.shards_among(folder, to.others)):
        own = {f"{inner}/{name}" if inner else name for name in held.files}
        to.others = [path for path in to.others if path not in own]
        to.ignored -= len(own)
        _add_held(to, folder, inner, held)


def _add_held(to: Found, folder: Path, inner: str, held: places.Held) -> None:
    """List what a container holds as if it lay in a folder below ``folder``."""
    prefix = f"{inner}/" if inner else ""
    for name in held.names:
        if is_set_aside(name):
            to.ignored += 1
            continue
        fault = held.faults.get(name, "")
        image, kind = True, ""
        own = name.rpartition("/")[2]
        if not held.images:
            image, kind = look(own, functools.partial(_held_head, folder / inner / name))
        path = prefix + name
        if image:
            to.images.append(path)
            if fault:
                to.faults[path] = fault
        else:
            to.ignored += not _describes(own)
            to.others.append(path)
            if kind:
                to.unread[path] = kind


def _held_head(path: Path) -> bytes:
    try:
        return places.read_head(path, HEAD)
    except OSError:
        return b""


def _fault(entry: os.DirEntry[str]) -> str:
    """Say why an entry cannot be opened as a file; "" where it can."""
    try:
        if entry.is_file():
            linked = entry.is_symlink() and entry.stat().st_dev in made_up()
            return "a link to a file that the system makes up" if linked else ""
    except OSError as error:
        return str(error.strerror or error)
    return "broken symbolic link" if _broken_link(entry) else "not a regular file"


def _broken_link(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() and not os.path.exists(entry.path)  # noqa: PTH110


def subfolders(folder: Path) -> list[str]:
    """Names of the folders in ``folder`` that can hold data, sorted."""
    try:
        if folder.is_dir():
            with os.scandir(folder) as listing:
                found = {e.name for e in listing if is_folder(e)}
            with contextlib.suppress(OSError):  # what is no shard is nothing
                found |= set(places.subfolders(folder))
        else:
            found = set(places.subfolders(folder))
        return sorted(filter(_holds_data, found))
    except OSError as error:
        raise DataError(why(error), where=folder) from None
