"""Taking frames of all videos below a folder: several at a time, each whole or not at all."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import DataError, DfbenchError, OutputError, ParameterError, UnavailableError
from dfbench.files import Progress, check_writable, owned, resolved, unwritable
from dfbench.images import opencv
from dfbench.installed import available_cores
from dfbench.received.files import opened, read_bytes, why
from dfbench.videos.apart import Reader
from dfbench.videos.decoding import VideoError
from dfbench.videos.faces import Cut, DetectorError
from dfbench.videos.finding import Found, find, folders
from dfbench.videos.journal import FOLDER, Entry, Journal, sign
from dfbench.videos.rules import Rule

Form = Literal["png", "jpg"]
SECONDS = 600.0
"""That a video may take."""
_MODEL = 256 << 20
"""Bytes of the largest detector."""
_TABLE = 64 << 20
"""Bytes of the largest table that is copied."""


@dataclass(frozen=True)
class Asked:
    """What is taken of each video, and how it is kept.

    Attributes
    ----------
    rule
        Which frames.
    form
        Of the files: PNG keeps each pixel as it was decoded.
    quality
        Of JPEG, 1 to 100.
    faces
        ONNX file of a detector of faces; None for whole frames.
    cut
        How faces are cut out.
    seconds
        That a video may take.
    jobs
        Videos that are read at a time; by default one a core.
    """

    rule: Rule
    form: Form = "png"
    quality: int = 95
    faces: Path | None = None
    cut: Cut = field(default_factory=Cut)
    seconds: float = SECONDS
    jobs: int | None = None


@dataclass
class Taken:
    """What came of all videos.

    Attributes
    ----------
    out
        The folder of the frames.
    entries
        Of each video that could be read, also before, in the order of their paths.
    unread
        Video to why it could not be read.
    before
        How many were there already.
    tables
        Tables that were copied beside the frames.
    """

    out: Path
    entries: list[Entry] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
    before: int = 0
    tables: list[str] = field(default_factory=list)

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return sum(entry.frames for entry in self.entries)


def take(videos: Path, out: Path, asked: Asked, progress: Progress | None = None) -> Taken:
    """Take frames of the videos below a folder.

    The frames of ``a/b.mp4`` come to ``a/b/000123.png`` below ``out``: the number is that of the
    frame in the video, from 0. What is there of an interrupted call is kept and not done again.
    Tables that may tell of the videos are copied.

    Parameters
    ----------
    videos
        A folder, or a video.
    out
        Where the frames come to. Nothing that lies there is replaced.
    asked
        What is taken.
    progress
        Called with (videos done, videos in all).

    Returns
    -------
    Taken
        A video that cannot be read is named in it, and raises nothing.

    Raises
    ------
    DataError
        Where there is no video.
    OutputError
        Where ``out`` cannot be written, another process is at work there, or it holds frames that
        were taken otherwise.
    DetectorError
        Where the file of faces is no detector.
    UnavailableError
        Where PyAV is not installed.
    """
    _check_installed()
    found = find(videos, out)
    model = _model(asked.faces)
    check_writable(out)
    with owned(out / FOLDER):
        return _Work(found, out, asked, model).done(progress or (lambda done, total: None))


def _check_installed() -> None:
    try:
        import av  # noqa: F401
    except ImportError as error:
        raise UnavailableError(
            f"videos are read by PyAV, which cannot be loaded: {error}",
            hint="pip install 'dfbench-toolkit[video]'",
        ) from None


def _model(file: Path | None) -> bytes:
    if file is None:
        return b""
    try:
        content = read_bytes(file, most=_MODEL)
    except FileNotFoundError:
        raise DataError("no such file", where=file) from None
    except OSError as error:
        raise DataError(why(error), where=file) from None
    if not content:
        raise DataError("empty file", where=file)
    return content


class _Work:
    """The frames of some videos, while they are taken."""

    def __init__(self, found: Found, out: Path, asked: Asked, model: bytes) -> None:
        self._found, self._out, self._asked, self._model = found, out, asked, model
        self._journal = Journal(out)
        self._folders = folders(found.videos)
        self._how = _how(asked, model)
        self._encode = _encoder(asked)
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._idle: list[Reader] = []
        self._readers: list[Reader] = []

    def done(self, progress: Progress) -> Taken:
        taken = Taken(self._out)
        self._journal.begin()
        known = self._known(taken)
        waiting = [each for each in self._found.videos if each not in known | taken.unread.keys()]
        taken.before = len(known)
        total = len(self._found.videos)
        progress(total - len(waiting), total)
        entries = dict(known)
        if waiting:
            with self._first_reader():
                for n, (video, came) in enumerate(self._each(waiting), total - len(waiting) + 1):
                    if isinstance(came, Entry):
                        entries[video] = came
                    else:
                        taken.unread[video] = came
                    progress(n, total)
        taken.entries = [entries[each] for each in self._found.videos if each in entries]
        taken.unread = {e: taken.unread[e] for e in self._found.videos if e in taken.unread}
        taken.tables = self._copy_tables()
        return taken

    def _known(self, taken: Taken) -> dict[str, Entry]:
        """Find the videos of which all is there, and refuse what would mix with other frames."""
        known: dict[str, Entry] = {}
        for each in self._journal.entries():  # also of videos that are not asked for now
            there = not each.folder or (self._out / each.folder).is_dir()
            if there and each.how != self._how:
                raise OutputError(
                    f"holds frames that were taken otherwise: {_differing(each.how, self._how)}",
                    where=self._out,
                    hint="give the same options, or another folder",
                )
        for video in self._found.videos:
            if not video.isascii() and _half(video):
                taken.unread[video] = "the file name is not UTF-8: rename it"
                continue
            entry = self._journal.entry(video)
            if entry is None:
                continue
            if entry.folder and not (self._out / entry.folder).is_dir():
                continue  # killed before they were put there, or removed since
            try:
                now = sign(self._found.root / video, entry)
            except OSError as error:
                taken.unread[video] = why(error)
                continue
            if (now.bytes, now.sha256) == (entry.bytes, entry.sha256):
                known[video] = entry
            else:
                taken.unread[video] = (
                    "is another video than before, whose frames are in"
                    f" {self._out / entry.folder}: remove that folder to have them taken anew"
                )
        return known

    @contextmanager
    def _first_reader(self) -> Iterator[None]:
        """Begin one process, which tells what is amiss with the detector; end all at the end."""
        first = self._reader()
        try:
            first.begin()
            self._idle.append(first)
            yield
        except DetectorError as error:
            raise DetectorError(
                error.what,
                where=self._asked.faces,
                hint="a detector has the outputs of YuNet: face_detection_yunet_*.onnx",
            ) from None
        finally:
            for each in self._readers:
                each.end()

    def _reader(self) -> Reader:
        reader = Reader(self._model, self._asked.cut, self._asked.seconds)
        with self._lock:
            self._readers.append(reader)
        return reader

    def _each(self, waiting: list[str]) -> Iterator[tuple[str, Entry | str]]:
        """Do several videos at a time, and give each as soon as it is done."""
        jobs = max(1, min(self._asked.jobs or available_cores(), len(waiting)))
        left = iter(waiting)
        at_work: dict[Future[Entry | str], str] = {}
        with ThreadPoolExecutor(jobs) as pool:
            try:
                while True:
                    while len(at_work) < jobs and (video := next(left, None)) is not None:
                        at_work[pool.submit(self._one, video)] = video
                    if not at_work:
                        return
                    # with a limit, so that Ctrl-C is heard everywhere
                    ready, _ = wait(at_work, timeout=1.0, return_when=FIRST_COMPLETED)
                    for each in ready:
                        yield at_work.pop(each), each.result()
            except BaseException:
                self._ending.set()
                with self._lock:
                    for reader in self._readers:
                        reader.kill()
                raise

    def _one(self, video: str) -> Entry | str:
        """Take the frames of a video; a text says why there are none."""
        target = self._out / self._folders[video]
        if target.exists() or target.is_symlink():
            return f"{target} is there already, and not of this video: it is left as it is"
        with self._lock:
            reader = self._idle.pop() if self._idle else None
        reader = reader or self._reader()
        scratch = self._journal.scratch()
        try:
            return self._taken(video, target, scratch, reader)
        except VideoError as error:
            if self._ending.is_set():
                raise DfbenchError("was stopped") from None
            return error.what
        except FileExistsError:
            return f"{target} is there already, and not of this video: it is left as it is"
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
            with self._lock:
                self._idle.append(reader)

    def _taken(self, video: str, target: Path, scratch: Path, reader: Reader) -> Entry:
        path = self._found.root / video
        try:
            signature = sign(path)
        except OSError as error:
            raise VideoError(why(error)) from None
        counted = {"frames": 0, "without_face": 0}

        def keep(number: int, pixels: NDArray[np.uint8] | None) -> None:
            if pixels is None:
                counted["without_face"] += 1
                return
            counted["frames"] += 1
            content = self._encode(pixels)
            try:
                with (scratch / f"{number:06d}.{self._asked.form}").open("xb") as file:
                    file.write(content)
            except OSError as error:
                raise unwritable(self._out, error) from error

        read = reader.read(str(path), self._asked.rule, keep)
        if not sum(counted.values()):
            raise VideoError(f"no frame can be decoded: {read.first or 'it holds none'}")
        if self._ending.is_set():
            raise DfbenchError("was stopped")
        if not resolved(target.parent).is_relative_to(resolved(self._out)):
            raise VideoError(f"{target.parent} leads out of {self._out}: links are not followed")
        entry = Entry(
            video=video,
            **signature._asdict(),
            how=self._how,
            folder=self._folders[video] if counted["frames"] else "",
            faults=read.faults,
            first_fault=read.first,
            **counted,
        )
        self._journal.publish(entry, scratch, target)
        return entry

    def _copy_tables(self) -> list[str]:
        """Put tables that may tell of the videos beside the frames; none is replaced."""
        copied = []
        for name in self._found.tables:
            target = self._out / name
            inside = resolved(target.parent).is_relative_to(resolved(self._out))
            if target.exists() or target.is_symlink() or not inside:
                continue
            try:
                with opened(self._found.root / name, most=_TABLE) as file:
                    content = file.read(_TABLE + 1)
            except OSError:
                continue
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as file_there:
                    file_there.write(content)
            except OSError as error:
                raise unwritable(self._out, error) from error
            copied.append(name)
        return copied


def _how(asked: Asked, model: bytes) -> dict[str, Any]:
    """Note what frames depend on, for the journal."""
    import hashlib

    rule = asked.rule
    how: dict[str, Any] = {
        "frames": f"every {rule.seconds} s"
        if rule.seconds
        else f"every {rule.step} frames"
        if rule.step
        else f"{rule.count} frames",
        "form": asked.form if asked.form == "png" else f"{asked.form} of quality {asked.quality}",
        "faces": "",
    }
    if model:
        how |= {"faces": hashlib.sha256(model).hexdigest(), **asdict(asked.cut)}
    return how


def _half(name: str) -> bool:
    """Whether a name has bytes that are no character."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return True
    return False


def _differing(before: dict[str, Any], now: dict[str, Any]) -> str:
    said = []
    for key in dict.fromkeys([*before, *now]):
        one, other = before.get(key), now.get(key)
        if one != other and key == "faces":
            said.append("another detector" if one and other else "faces" if one else "no faces")
        elif one != other and key == "frames" and one:
            said.append(one)  # every 1 s, 8 frames
        elif one != other:
            said.append(f"{key} {one}" if one is not None else f"no {key}")
    return ", ".join(map(str, said))


def _encoder(asked: Asked) -> Callable[[NDArray[np.uint8]], bytes]:
    cv2 = opencv()
    if asked.form == "jpg" and not 1 <= asked.quality <= 100:
        raise ParameterError("is 1 to 100", where="--quality")
    how = [cv2.IMWRITE_JPEG_QUALITY, asked.quality] if asked.form == "jpg" else []

    def encode(pixels: NDArray[np.uint8]) -> bytes:
        done, content = cv2.imencode(f".{asked.form}", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), how)
        if not done:
            raise VideoError(f"a frame cannot be written as {asked.form}")
        return bytes(content.tobytes())

    return encode
