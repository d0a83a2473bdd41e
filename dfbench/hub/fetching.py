"""Fetching a data set of the hub into a folder: checked, noted, and taken up where it was left."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dfbench.errors import CardError, DataError, OutputError, shortened
from dfbench.files import Progress, check_writable, owned, resolved, unwritable, write_text
from dfbench.hub.repository import File, Repository
from dfbench.received.files import read_bytes
from dfbench.received.texts import SMALL, from_json
from dfbench.suites.datasets.catalogue import public_card, public_name, public_names, resolve
from dfbench.suites.datasets.origins import Origin, read_origin, write_origin

FOLDER = ".dfbench-fetch"
"""What is half fetched lies there, and which commit it is of."""
_BEGUN = "begun.json"
_AT_ONCE = 8
"""Files that are fetched at a time."""
_SPARE = 64 << 20
"""Bytes that are left free on the disk."""


@dataclass(frozen=True)
class Fetched:
    """What was fetched.

    Attributes
    ----------
    folder
        Where it lies.
    origin
        What was noted beside it.
    new
        Files that were not there before.
    card
        Name of the public data set whose card reads it; empty for none.
    continued
        Whether it is of the commit that an interrupted fetch was begun at, and the branch has gone
        on since.
    """

    folder: Path
    origin: Origin
    new: int
    card: str = ""
    continued: bool = False


_DATASETS = "https://huggingface.co/datasets/"
"""How the source of a card that is on the hub begins."""
_LIKE_ON_HUB = re.compile(r"[\w-][\w.-]{0,95}/[\w-][\w.-]{0,95}", re.ASCII)


def fetch(
    source: str,
    to: Path,
    *,
    revision: str | None = None,
    include: Sequence[str] = (),
    progress: Progress | None = None,
) -> Fetched:
    """Fetch a data set.

    Each file is held against the hash that the hub tells of it, and put in its place when it is
    whole; none that lies there is replaced. `dfbench.suites.datasets.origins` notes the commit.

    Parameters
    ----------
    source
        ``hf:OWNER/NAME``, with ``@REVISION`` or without, its address on the hub, or the name of a
        public data set whose card says where it is.
    to
        Folder that it comes to.
    revision
        Branch, tag or commit; ``main`` by default.
    include
        Patterns such as ``train/*``, of which a file must fit one.
    progress
        Called with (files done, files in all).

    Raises
    ------
    CardError
        If it is no name of a data set or of a revision.
    DataError
        If there is no such one, it is not on the hub, no file fits, one is not what its hash says,
        or a name in it leads elsewhere.
    OutputError
        If the folder cannot be written, has no room for it, holds another data set or other files
        of the same names, or another process is at work there.
    UnavailableError
        If the hub cannot be reached.
    """
    name, card = _place_of(source)
    name, at, commit = name.partition("@")
    if at and revision not in (None, commit):
        raise CardError(f"is asked for as {commit} and as {revision}", where=source)
    revision = commit if at else revision
    repository = Repository(name)
    check_writable(to)
    with _not_left_empty(to), owned(to / FOLDER):
        return _fetch(repository, card, to, revision, list(include), progress)


@contextmanager
def _not_left_empty(folder: Path) -> Iterator[None]:
    """Remove what was made of a folder where nothing has come to it."""
    folder = folder.absolute()
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        yield
    except BaseException:
        with suppress(OSError):  # it holds something
            for each in made:
                each.rmdir()
        raise


def _place_of(source: str) -> tuple[str, str]:
    """Give the repository that a source means, and the name of its card, if it has one."""
    kind, colon, name = source.partition(":")
    if colon and kind == "hf":
        return name.removeprefix("//").removeprefix("datasets/"), ""
    if source.startswith(_DATASETS):
        name, _, revision = source.removeprefix(_DATASETS).strip("/").partition("/tree/")
        return f"{name}@{revision}" if revision else name, ""
    if public := public_name(source):
        card = resolve(public).card
        if card.source.startswith(_DATASETS):
            return card.source.removeprefix(_DATASETS).strip("/"), public
        raise DataError(
            "cannot be fetched by a command",
            where=source,
            hint=f"get it from {card.source}" if card.source else None,
        )
    what = f"no data set that can be fetched: {shortened(source)!r}"
    if _LIKE_ON_HUB.fullmatch(source):
        raise CardError(what, hint=f"of the hub it is hf:{source}")
    there = [each for each in public_names() if public_card(each).source.startswith(_DATASETS)]
    raise CardError(what, hint=f"hf:OWNER/NAME, or a public one of the hub: {', '.join(there)}")


def _fetch(
    repository: Repository,
    card: str,
    to: Path,
    revision: str | None,
    include: list[str],
    progress: Progress | None,
) -> Fetched:
    report = progress or (lambda done, total: None)
    before = read_origin(to)
    commit, asked, continued = _settled(repository, to, before, revision)
    files = _fitting(repository, repository.files(commit), include)
    missing = list(_missing(repository, files, to))
    scratch = to / FOLDER
    _begin(scratch, repository, commit, asked)
    _check_room(to, missing, scratch)
    done = len(files) - len(missing)
    report(done, len(files))
    for file, place in _each(repository, missing, commit, scratch):
        _put(place, to, file)
        done += 1
        report(done, len(files))
    origin = Origin(
        hub=repository.name,
        endpoint=repository.endpoint,
        revision=commit,
        asked=asked,
        include=_together(before, include),
        files=len(files),
        bytes=sum(file.size for file in files),
    )
    write_origin(to, origin)
    shutil.rmtree(scratch, ignore_errors=True)
    return Fetched(to, origin, len(missing), card, continued)


def _settled(
    repository: Repository, to: Path, before: Origin | None, revision: str | None
) -> tuple[str, str, bool]:
    """Find the commit to fetch: one that was begun is gone on with.

    Returns
    -------
    commit, asked, continued
        Its hash, the revision that it was asked as, and whether that has gone on since.
    """
    begun = before or _begun(to / FOLDER)
    if begun is not None and (begun.hub, begun.endpoint) != (repository.name, repository.endpoint):
        raise OutputError(
            f"holds another data set: {begun}", where=to, hint="choose another folder"
        )
    commit = repository.commit(revision or (begun.asked if begun else "") or "main")
    if begun is None or begun.revision == commit:
        return commit, revision or (begun.asked if begun else "main"), False
    if revision is None:
        return begun.revision, begun.asked, True
    raise OutputError(
        f"holds another revision: {begun.revision}, and {revision} is {commit}",
        where=to,
        hint="choose another folder",
    )


def _begun(scratch: Path) -> Origin | None:
    try:
        return Origin.model_validate(from_json(read_bytes(scratch / _BEGUN, most=SMALL)))
    except (OSError, ValueError):
        return None


def _begin(scratch: Path, repository: Repository, commit: str, asked: str) -> None:
    """Note what is being fetched, so that it is gone on with, whatever the branch does."""
    if scratch.is_symlink():
        raise OutputError("is a link, which is not followed here", where=scratch)
    origin = Origin(hub=repository.name, endpoint=repository.endpoint, revision=commit, asked=asked)
    write_text(scratch / _BEGUN, json.dumps(origin.model_dump()) + "\n")


def _fitting(repository: Repository, files: list[File], include: list[str]) -> list[File]:
    found = [
        file
        for file in files
        if not include or any(fnmatch.fnmatchcase(file.path, each) for each in include)
    ]
    if not found:
        such = f", such as {', '.join(file.path for file in files[:3])}" if files else ""
        raise DataError(
            f"none of its {len(files):,} files fits{such}" if files else "holds no file",
            where=f"hf:{repository.name}",
            hint=f"--include was {' '.join(include)}" if include else None,
        )
    return found


def _missing(repository: Repository, files: Iterable[File], to: Path) -> Iterator[File]:
    """Give the files that are not there yet.

    Raises
    ------
    OutputError
        Where something else is.
    """
    root = resolved(to)
    for file in files:
        place = to / file.path
        if not resolved(place.parent).is_relative_to(root):
            raise OutputError("leads out of the folder: links are not followed", where=place.parent)
        if not (place.exists() or place.is_symlink()):
            yield file
            continue
        try:
            same = not place.is_symlink() and file.is_in(place)
        except OSError:
            same = False
        if not same:
            raise OutputError(
                f"is there already, and not the file of hf:{repository.name}",
                where=place,
                hint="nothing is replaced: remove it, or choose another folder",
            )


def _check_room(to: Path, missing: Iterable[File], scratch: Path) -> None:
    """Raise where the disk has no room for what is to be fetched.

    Raises
    ------
    OutputError
        With what is needed, and what is free.
    """
    have = sum(
        os.lstat(Path(inside) / name).st_size
        for inside, _, those in os.walk(scratch)
        for name in those
    )
    needed = max(0, sum(file.size for file in missing) - have)
    free = shutil.disk_usage(to).free
    if needed and needed + _SPARE > free:
        raise OutputError(
            f"needs {needed / 1e9:,.2f} GB, and {free / 1e9:,.2f} GB are free",
            where=to,
            hint="choose a folder on another disk, or fetch a part: --include PATTERN",
        )


def _each(
    repository: Repository, missing: list[File], commit: str, scratch: Path
) -> Iterator[tuple[File, Path]]:
    """Fetch several files at a time, and give each as soon as it is there."""
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        fetching = {pool.submit(repository.fetch, file, commit, scratch): file for file in missing}
        for each in as_completed(fetching):
            yield fetching[each], each.result()
    finally:
        # what is at work when one has failed ends by itself, and is not waited for on Ctrl-C
        pool.shutdown(wait=False, cancel_futures=True)


def _put(fetched: Path, to: Path, file: File) -> None:
    place = to / file.path
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists() or place.is_symlink():
            raise OutputError("came there meanwhile, and is not replaced", where=place)
        fetched.replace(place)
    except OSError as error:
        raise unwritable(place.parent, error) from error


def _together(before: Origin | None, include: list[str]) -> list[str]:
    """Say which files are there, with those that were fetched before; empty for all."""
    if not include or (before is not None and not before.include):
        return []
    return list(dict.fromkeys([*(before.include if before else []), *include]))
