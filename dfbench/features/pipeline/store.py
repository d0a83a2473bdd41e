"""The feature store: what was computed once, found again by values alone.

A vector's key is the SHA-256 of the image file's bytes, within a table whose name is the digest of
everything else that determines it: preprocessing, extractor, version, parameters. Neither path nor
time nor order takes part, so renamed, moved or re-split images find their features, and a changed
pixel does not. Each table is one SQLite file, which survives a kill at any moment.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import OutputError
from dfbench.features.base import Extractor
from dfbench.features.views.view import PLAIN, View
from dfbench.files import cache_dir, digest

DECODER_VERSION = 1
"""Raised whenever `dfbench.images.decode` gives other pixels for equal bytes."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS about (identity TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entries (
    key BLOB PRIMARY KEY, value BLOB NOT NULL, seconds REAL NOT NULL
);
"""

_SETTLED = 2_000_000_000
"""Nanoseconds after which a change of a file shows in its times, whatever the file system."""
_sound: dict[Path, tuple[int, ...]] = {}
"""What this process found undamaged: as of which state of the file, see `_state`."""


def identity(extractor: Extractor, view: View = PLAIN) -> dict[str, Any]:
    """Everything besides the image's bytes that determines the features, as JSON-able values.

    Parameters
    ----------
    extractor
        With its parameters set.
    view
        How images are changed before they are seen. Of what reads files it counts as far as it
        writes one.
    """
    if extractor.reads == "file":
        view = view.of_file
        if view == PLAIN:
            return extractor.identity()
    return {**extractor.identity(), "decoder": DECODER_VERSION, **view.identity()}


class Table:
    """One SQLite file of values under 32-byte keys, each with the seconds that it took.

    Parameters
    ----------
    identity
        What all values of the table share; its digest names the file. ``identity["extractor"]`` is
        the readable part of the name.

    Raises
    ------
    OutputError
        If the cache folder cannot be written.
    """

    def __init__(self, identity: dict[str, Any]) -> None:
        folder = cache_dir() / "features"
        self.path: Path = folder / f"{identity['extractor']}-{digest(identity)}.sqlite"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._connection = self._open(identity)
        except (OSError, sqlite3.OperationalError) as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> OutputError:
        return OutputError(
            f"the feature store cannot be used: {error}",
            where=self.path,
            hint="is the disk full? or set DFBENCH_CACHE to a folder that can be written",
        )

    @contextmanager
    def _worded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise self._unusable(error) from error

    def _open(self, identity: dict[str, Any]) -> sqlite3.Connection:
        for attempt in (1, 2):
            connection = sqlite3.connect(self.path, timeout=60)
            try:
                connection.executescript(_SCHEMA)
                self._check(connection)
                if connection.execute("SELECT 1 FROM about").fetchone() is None:
                    with connection:
                        text = json.dumps(identity, sort_keys=True)
                        connection.execute("INSERT INTO about VALUES (?)", (text,))
                return connection
            except sqlite3.OperationalError:
                connection.close()
                raise
            except sqlite3.DatabaseError:
                # a damaged table holds nothing that cannot be computed again
                connection.close()
                if attempt == 2:
                    raise
                self.path.unlink(missing_ok=True)
                self.path.with_name(self.path.name + "-journal").unlink(missing_ok=True)
        raise AssertionError("unreachable")

    def _check(self, connection: sqlite3.Connection) -> None:
        """Raise `sqlite3.DatabaseError` if the file is damaged.

        The whole file is read, so each process does it once, and again where the file was written
        or replaced since.
        """
        state = _state(self.path)
        if _sound.get(self.path) == state:
            return
        if _damaged(connection):
            raise sqlite3.DatabaseError("damaged")
        if time.time_ns() - max(state[-2:]) > _SETTLED:
            _sound[self.path] = state

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def missing(self, keys: Iterable[str]) -> set[str]:
        """Give those of ``keys`` (hexadecimal) that have no value yet."""
        with self._worded():
            known = {row[0] for row in self._connection.execute("SELECT key FROM entries")}
        return {key for key in keys if bytes.fromhex(key) not in known}

    def put(self, entries: Iterable[tuple[str, bytes, float]]) -> None:
        """Store (key, value, seconds), all or none of them."""
        with self._worded(), self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO entries VALUES (?, ?, ?)",
                [(bytes.fromhex(key), value, seconds) for key, value, seconds in entries],
            )

    def get(self, keys: Sequence[str]) -> list[bytes | None]:
        """Give the values of ``keys``, None where there is none."""
        with self._worded():
            find = self._connection.execute
            query = "SELECT value FROM entries WHERE key = ?"
            found = [find(query, (bytes.fromhex(key),)).fetchone() for key in keys]
        return [None if row is None else row[0] for row in found]

    def value_length(self) -> int | None:
        """Bytes of a value, None where there is none."""
        with self._worded():
            row = self._connection.execute("SELECT length(value) FROM entries LIMIT 1").fetchone()
        return None if row is None else int(row[0])

    def seconds(self, keys: Sequence[str]) -> float:
        """Median seconds that the entries of ``keys`` took, 0.0 where there is none.

        The median, because the first batch also pays for compiling kernels and loading weights.
        """
        with self._worded():
            find = self._connection.execute
            query = "SELECT seconds FROM entries WHERE key = ?"
            found = [find(query, (bytes.fromhex(key),)).fetchone() for key in keys]
        taken = [row[0] for row in found if row is not None]
        return float(np.median(taken)) if taken else 0.0


def _damaged(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",))


def _state(path: Path) -> tuple[int, ...]:
    """Give what differs once a file has been written or replaced; its times come last."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def load_features(
    identity: dict[str, Any], keys: Sequence[str], dtype: str = "float32"
) -> NDArray[Any]:
    """Read stored vectors.

    Parameters
    ----------
    identity
        Of the table, see `identity`.
    keys
        SHA-256 of each image file, hexadecimal.
    dtype
        That the extractor stores.

    Returns
    -------
    ndarray of shape (len(keys), d)

    Raises
    ------
    KeyError
        If a vector is not stored.
    """
    with Table(identity) as table:
        values = table.get(keys)
    if None in values:
        raise KeyError(f"{values.count(None)} of {len(keys)} images are not in the store")
    # a bytearray, so that the array can be written to
    joined = bytearray().join(value for value in values if value is not None)
    return np.frombuffer(joined, dtype=dtype).reshape(len(keys), -1)
