"""Where things lie on disk, and how they are written: whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import platformdirs

from dfbench.errors import OutputError


def cache_dir() -> Path:
    """Folder for what can be computed again: ``$DFBENCH_CACHE`` or the platform's own."""
    override = os.environ.get("DFBENCH_CACHE")
    return Path(override).expanduser() if override else Path(platformdirs.user_cache_dir("dfbench"))


def config_dir() -> Path:
    """Folder for what the user has set: ``$DFBENCH_CONFIG`` or the platform's own."""
    override = os.environ.get("DFBENCH_CONFIG")
    if override:
        return Path(override).expanduser()
    return Path(platformdirs.user_config_dir("dfbench"))


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that replaces it when the block ends well.

    Raises
    ------
    OutputError
        Where the folder cannot be made or written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    except OSError as error:
        raise unwritable(path.parent, error) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def unwritable(folder: Path, error: OSError) -> OutputError:
    """Word the failure to write below ``folder``."""
    return OutputError(
        f"cannot write here: {error.strerror or error}",
        where=folder,
        hint="choose another folder or mend its permissions",
    )


def check_writable(folder: Path) -> None:
    """Raise `OutputError` now rather than after an hour's work if ``folder`` cannot be written."""
    with atomic_path(folder / ".writable") as temporary:
        temporary.touch()
    (folder / ".writable").unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def digest(value: Any, *, length: int = 16) -> str:
    """Hash a JSON-able value: equal values give equal digests, whatever the order of keys.

    Returns
    -------
    str
        The first ``length`` hexadecimal digits of the SHA-256 of the canonical JSON text.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


Progress = Callable[[int, int], None]
"""Called with (done, total) as a long piece of work goes on."""
