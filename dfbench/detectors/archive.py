"""The file of a kept model: a ZIP archive of plain files, and a digest of all of it at its end.

    model.json    what it is, see `dfbench.detectors.contents`
    README.md     a model card, for people
    files/NAME    what the fitted models hold, see `dfbench.models.kept`

Nothing is compressed, so that no file is larger in memory than on disk. The comment of the archive
holds the SHA-256 of everything before it: a file that was cut, changed or damaged anywhere is found
out before anything of it is looked at. It says nothing of who wrote the file: what is inside is
never executed either way.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from dfbench.detectors.contents import FORMAT, Contents
from dfbench.errors import DfbenchError
from dfbench.files import atomic_path, unwritable
from dfbench.received.files import opened, read_bytes, why
from dfbench.received.zips import stored

SUFFIX = ".dfb"
_MARK = b"dfbench model, sha256 "
_COMMENT = len(_MARK) + 64
_TELLS = "model.json"
_CARD = "README.md"
_FILES = "files/"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_MOST = 8 << 30
"""Bytes of the largest file that is read."""
_WHEN = (1980, 1, 1, 0, 0, 0)
"""Time of all members: equal models are equal files."""


class ModelFileError(DfbenchError):
    """A file that is no model which can be used here."""


@dataclass(frozen=True)
class Bundle:
    """A kept model in memory.

    Attributes
    ----------
    contents
        What it is.
    files
        Content by name: what the fitted models hold.
    card
        Text for people, Markdown.
    """

    contents: Contents
    files: Mapping[str, bytes] = field(repr=False)
    card: str = ""


def write(path: Path, bundle: Bundle) -> int:
    """Write a model file, whole or not at all, and give its size in bytes.

    Raises
    ------
    OutputError
        Where it cannot be written.
    """
    try:
        with atomic_path(path) as temporary, temporary.open("w+b") as file:
            _write(file, bundle)
            size = file.tell()
        return size
    except OSError as error:
        raise unwritable(path.parent, error) from error


def _write(file: io.BufferedRandom, bundle: Bundle) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.comment = b"\0" * _COMMENT
        members = {_TELLS: bundle.contents.model_dump_json(indent=1).encode()}
        if bundle.card:
            members[_CARD] = bundle.card.encode()
        members |= {f"{_FILES}{name}": content for name, content in bundle.files.items()}
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, _WHEN), content)
    length = file.seek(0, io.SEEK_END) - _COMMENT
    file.seek(0)
    found = hashlib.sha256()
    left = length
    while left:
        piece = file.read(min(left, 1 << 20))
        found.update(piece)
        left -= len(piece)
    file.seek(length)
    file.write(_MARK + found.hexdigest().encode())


def is_model_file(path: Path) -> bool:
    """Whether a file ends as a model file does; its content is not looked at."""
    try:
        with opened(path) as file:
            file.seek(-_COMMENT, io.SEEK_END)
            return file.read(len(_MARK)) == _MARK
    except OSError:
        return False


def read(path: Path) -> Bundle:
    """Read a model file.

    Raises
    ------
    ModelFileError
        Where it is none, damaged, or of a form that this version does not know.
    """
    try:
        if path.is_dir():
            raise ModelFileError(
                "is a folder, not a model file",
                hint="a results folder? write one row of it into a file: dfbench export FOLDER ROW",
            )
        if not path.exists():
            raise ModelFileError("no such file")
        # its end tells whether it is one, before all of it is held in memory
        if path.is_file() and os.access(path, os.R_OK):
            _check_mark(is_model_file(path))
        return parse(read_bytes(path, most=_MOST))
    except ModelFileError as error:
        raise ModelFileError(error.what, where=path, hint=error.hint) from error
    except OSError as error:
        raise ModelFileError(why(error), where=path) from None


def parse(content: bytes) -> Bundle:
    """Read the content of a model file; see `read`."""
    _check_mark(content[-_COMMENT:][: len(_MARK)] == _MARK)
    said = content[-64:]
    if hashlib.sha256(memoryview(content)[:-_COMMENT]).hexdigest().encode() != said:
        raise ModelFileError(
            "is damaged: its content is not what was written", hint="copy or export it again"
        )
    members = _members(content)
    contents = _contents(members.pop(_TELLS, b""))
    card = members.pop(_CARD, b"").decode("utf-8", "replace")
    files = {name.removeprefix(_FILES): its for name, its in members.items()}
    wanted = set(contents.files)
    if files.keys() != wanted:
        lacking = sorted(wanted - files.keys()) or sorted(files.keys() - wanted)
        raise ModelFileError(f"is not whole or holds too much: {', '.join(lacking)}")
    return Bundle(contents, files, card)


def _check_mark(there: bool) -> None:
    if not there:
        raise ModelFileError(
            "is no model file of dfbench, or not all of it",
            hint="model files are what `dfbench export` writes",
        )


def _members(content: bytes) -> dict[str, bytes]:
    try:
        found = stored(content)
    except ValueError as error:
        raise ModelFileError(str(error)) from None
    for name in found:
        if not _known(name):
            raise ModelFileError(f"holds what no model file does: {name!r}")
    return found


def _known(name: str) -> bool:
    if name in (_TELLS, _CARD):
        return True
    return name.startswith(_FILES) and bool(_NAME.fullmatch(name.removeprefix(_FILES)))


def _contents(text: bytes) -> Contents:
    try:
        return Contents.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        if key == "format":
            raise ModelFileError(
                f"is of another form than this version of dfbench reads ({FORMAT})",
                hint="pip install --upgrade dfbench-toolkit",
            ) from None
        raise ModelFileError(
            f"{_TELLS} is not what it must be: {key}: {first['msg']}".replace(" : ", " ")
        ) from None
