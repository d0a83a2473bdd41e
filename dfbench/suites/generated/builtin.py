"""The built-in data sets on disk: made on first use, whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import shutil
import tempfile
import time
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path

from dfbench import files
from dfbench.errors import DataError, unknown
from dfbench.received.files import read_bytes
from dfbench.suites.generated.fakes import KINDS
from dfbench.suites.generated.plans import PLANS, REAL, SPLITS, VERSION, Item

BUILTIN: dict[str, str] = {
    "leaves-binary": "scenes, real or fakes of 4 kinds; folders",
    "leaves-grouped": "scenes in groups, real or fake; file names",
    "leaves-sources": "scenes, real or of 4 generators; tables",
}
"""Name of each built-in data set to its description."""

_CARD = "card.toml"
_SUM = ".sum"
"""File of the SHA-256 of all others but the card, which later versions may write anew."""
_SUM_BYTES = 64
_ABANDONED = 3600.0  # seconds after which the folder of a killed process may go
_CARDS = {
    "leaves-binary": """\
classes = ["real", "fake"]
positive = "fake"

[layout]
kind = "folders"

[layout.splits]
train = "images/train"
validation = "images/validation"
test = "images/test"

[split]
policy = "given"

[kind]
csv = "kinds.csv"
""",
    "leaves-grouped": """\
classes = ["real", "fake"]
positive = "fake"

[layout]
kind = "filename"
where = "images"
pattern = '(?P<group>scene\\d+)_\\d+_(?P<label>real|fake)\\.jpg'

[split]
policy = "grouped"
seed = 0

[split.fractions]
train = 0.6
validation = 0.15
test = 0.25

[kind]
csv = "kinds.csv"
""",
    "leaves-sources": """\
classes = ["real", "upsampled", "smoothed", "blended", "coloured"]
real = "real"

[layout]
kind = "table"
id_column = "image_id"
label_column = "label"
extension = ".png"

[layout.splits]
train = { csv = "train.csv", images = "train" }
validation = { csv = "validation.csv", images = "validation" }
test = { csv = "test.csv", images = "test" }

[layout.labels]
0 = "real"
1 = "upsampled"
2 = "smoothed"
3 = "blended"
4 = "coloured"

[split]
policy = "given"
""",
}


def ensure_builtin(name: str, *, size: float = 1.0, progress: files.Progress | None = None) -> Path:
    """Give the card of a built-in data set, making the set if it is not there.

    Parameters
    ----------
    name
        One of `BUILTIN`.
    size
        Factor on the number of images, in (0, 10]; another one than 1 has a folder of its own.
    progress
        Called with the number of images done and their total.

    Returns
    -------
    Path
        Of ``card.toml``, in a folder below `files.cache_dir` that also holds the images.

    Raises
    ------
    UnknownNameError
        If no built-in set has this name.
    DataError
        If ``size`` is out of its range.
    OutputError
        If the cache cannot be written.

    Notes
    -----
    The same bytes come out on each run, whatever the number of threads. The folder gets its name
    when it is whole; a killed run leaves nothing that is taken for a data set. Two processes at
    once both make it, and one wins. One that is not what was made is made anew.
    """
    check(name, size)
    files.use_cache()
    suffix = "" if size == 1.0 else f"-{size:g}"
    folder = files.cache_dir() / "builtin" / f"{name}-v{VERSION}{suffix}"
    if is_sound(folder):
        _renew(folder / _CARD, _card(name))
        return folder / _CARD
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder.parent)
        part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{name}.", suffix=".part"))
        try:
            generate(name, part, size, progress)
            part.chmod(0o755)
            _publish(part, folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise files.unwritable(folder.parent, error) from error
    return folder / _CARD


def check(name: str, size: float) -> None:
    """Refuse an unknown name or an impossible size."""
    if name not in BUILTIN:
        raise unknown("built-in data set", name, BUILTIN)
    if not 0.0 < size <= 10.0:
        raise DataError(
            f"a size of {size:g} is not possible", where=name, hint="it lies above 0, up to 10"
        )


def generate(
    name: str,
    folder: Path,
    size: float = 1.0,
    progress: files.Progress | None = None,
    *,
    jobs: int | None = None,
) -> None:
    """Write a built-in data set into a folder, its card last.

    Parameters
    ----------
    name, size, progress
        As for `ensure_builtin`.
    folder
        Made if it is not there.
    jobs
        Threads, by default one for each core; the bytes do not depend on it.
    """
    # compiles kernels: only where images are made
    from dfbench.suites.generated.pictures import make_file

    check(name, size)
    items = PLANS[name](name, size)
    for parent in {(folder / item.path).parent for item in items}:
        parent.mkdir(parents=True, exist_ok=True)

    def write(item: Item) -> None:
        (folder / item.path).write_bytes(make_file(name, item))

    with ThreadPoolExecutor(jobs or _cores()) as pool:
        pending: set[Future[None]] = {pool.submit(write, item) for item in items}
        try:
            while pending:
                done, pending = wait(pending, timeout=0.2, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
                if progress is not None:
                    progress(len(items) - len(pending), len(items))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    for path, text in _tables(name, items).items():
        (folder / path).write_text(text, encoding="utf-8")
    (folder / _SUM).write_text(_sum(folder), encoding="ascii")
    (folder / _CARD).write_text(_card(name), encoding="utf-8")


def is_sound(folder: Path) -> bool:
    """Whether a folder holds a built-in data set as it was made: all files, and no others."""
    if not (folder / _CARD).is_file():
        return False
    stamps = {name: files.stamp(folder / name) for name in _names(folder)}
    if _SOUND.get(folder) == stamps:
        return True
    try:
        known = read_bytes(folder / _SUM, most=_SUM_BYTES, below=folder)
        if known != _sum(folder).encode():
            return False
    except OSError:
        return False
    _SOUND[folder] = stamps
    return True


_SOUND: dict[Path, dict[str, files.Stamp | None]] = {}
"""Of the sets that this process has read: a command asks for one several times."""


def _names(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    )


def _sum(folder: Path) -> str:
    found = hashlib.sha256()
    for name in _names(folder):
        if name not in (_CARD, _SUM):
            own = hashlib.sha256(read_bytes(folder / name, below=folder)).hexdigest()
            found.update(f"{own}  {name}\n".encode())
    return found.hexdigest()


def _card(name: str) -> str:
    return (
        f'name = "{name}"\n'
        f'description = "{BUILTIN[name]}"\n'
        f'source = "generated by dfbench (dfbench.suites.generated, version {VERSION})"\n'
        'licence = "CC0-1.0"\n'
        'root = "."\n' + _CARDS[name]
    )


def _tables(name: str, items: list[Item]) -> dict[str, str]:
    """Word the label tables, or for the binary sets a list of what kind each image is."""
    if name != "leaves-sources":
        return {"kinds.csv": _csv(("path", "kind"), [(item.path, item.kind) for item in items])}
    classes = (REAL, *KINDS)
    return {
        f"{split}.csv": _csv(
            ("image_id", "label"),
            [
                (Path(item.path).stem, str(classes.index(item.kind)))
                for item in items
                if item.split == split
            ],
        )
        for split in SPLITS
    }


def _csv(header: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every platform
        return os.cpu_count() or 1


def _publish(part: Path, folder: Path) -> None:
    """Give the whole set its name; if another process was first, theirs is as good."""
    if folder.exists() and not is_sound(folder):
        # sets appear whole: something changed it since
        shutil.rmtree(folder)
    try:
        part.rename(folder)
    except OSError:
        if not is_sound(folder):
            raise


def _renew(path: Path, text: str) -> None:
    """Write a card anew that an earlier version of the package wrote for the same images."""
    if read_bytes(path) != text.encode():
        files.write_text(path, text)


def _sweep(parent: Path) -> None:
    """Remove what killed processes left, once it is old."""
    for left in parent.glob(".*.part"):
        try:
            if time.time() - left.stat().st_mtime > _ABANDONED:
                shutil.rmtree(left, ignore_errors=True)
        except OSError:
            continue
