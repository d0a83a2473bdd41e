"""What is known of the frames in a folder: of which video, how they were taken, what was amiss."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from dfbench.errors import OutputError
from dfbench.files import unwritable, write_text
from dfbench.received.files import opened, read_bytes
from dfbench.received.texts import SMALL, from_json

FOLDER = ".dfbench-frames"
"""In the folder of the frames; hidden, so that no data set is read from it."""
_SCRATCH = "part-"


class Entry(BaseModel):
    """What was taken of a video."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    video: str
    """Its path below the folder of the videos."""
    bytes: int
    sha256: str
    """Of the whole video."""
    state: tuple[int, int, int]
    """Its inode and the times of its last changes: where they are the same, so is the video."""
    how: dict[str, Any]
    """Which frames, what of them, and in which form."""
    folder: str
    """Where the frames lie, relative to the folder of all; empty where there are none."""
    frames: int
    """That were written."""
    without_face: int = 0
    """Of the chosen ones, those in which no face was found."""
    faults: int = 0
    """Parts of the video that could not be decoded."""
    first_fault: str = ""


class Signature(NamedTuple):
    """What a video is known again by; attributes as those of `Entry`."""

    bytes: int
    sha256: str
    state: tuple[int, int, int]


def sign(video: Path, before: Entry | None = None) -> Signature:
    """Give what a video is known again by.

    Parameters
    ----------
    video
        Its path.
    before
        What was known of it: where its state tells that it has not changed, it is not read.

    Raises
    ------
    OSError
        Where it cannot be read.
    """
    with opened(video) as file:
        status = os.fstat(file.fileno())
        state = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns)
        if before is not None and (before.bytes, before.state) == (status.st_size, state):
            return Signature(before.bytes, before.sha256, before.state)
        return Signature(status.st_size, hashlib.file_digest(file, "sha256").hexdigest(), state)


class Journal:
    """What is known of the frames in a folder.

    Parameters
    ----------
    out
        The folder.
    """

    def __init__(self, out: Path) -> None:
        self._folder = out / FOLDER

    def begin(self) -> None:
        """Make room for what is half done, and remove what an interrupted command left of it.

        Raises
        ------
        OutputError
            Where the folder cannot be written, or is a link.
        """
        if self._folder.is_symlink():
            raise OutputError("is a link, which is not followed here", where=self._folder)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for each in self._folder.glob(f"{_SCRATCH}*"):
                shutil.rmtree(each, ignore_errors=True)
        except OSError as error:
            raise unwritable(self._folder, error) from error

    def entry(self, video: str) -> Entry | None:
        """Give what is known of a video; None where nothing is, or what is there is damaged."""
        try:
            told = from_json(read_bytes(self._file(video), most=SMALL, below=self._folder))
            entry = Entry.model_validate(told)
        except (OSError, ValueError, ValidationError):
            return None
        return entry if entry.video == video else None

    def entries(self) -> Iterator[Entry]:
        """Give all that is known, of whatever videos; what is damaged is passed over."""
        for file in sorted(self._folder.glob("*.json")):
            try:
                told = from_json(read_bytes(file, most=SMALL, below=self._folder))
                yield Entry.model_validate(told)
            except (OSError, ValueError, ValidationError):
                continue

    def scratch(self) -> Path:
        """Make a folder for frames of which not all are there yet."""
        try:
            return Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=self._folder))
        except OSError as error:
            raise unwritable(self._folder, error) from error

    def publish(self, entry: Entry, scratch: Path, target: Path) -> None:
        """Put the frames of a video where they belong, all at once, and note them.

        Raises
        ------
        FileExistsError
            Where something lies there already.
        OutputError
            Where it cannot be written.
        """
        # noted first: frames that are there are always known
        file = self._file(entry.video)
        write_text(file, json.dumps(entry.model_dump()) + "\n")
        if not entry.folder:
            return
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            scratch.chmod(target.parent.stat().st_mode & 0o777)
            if target.exists() or target.is_symlink():
                raise FileExistsError(str(target))
            scratch.rename(target)
        except OSError as error:
            with suppress(OSError):
                file.unlink()
            if isinstance(error, FileExistsError):
                raise
            raise unwritable(target.parent, error) from error

    def _file(self, video: str) -> Path:
        name = hashlib.sha256(video.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return self._folder / f"{name}.json"
