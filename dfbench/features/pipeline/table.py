"""A table of the feature store: values under the SHA-256 of image files.

It is a folder of shards, see `dfbench.features.pipeline.shard`, and of ``identity.json``. A shard
appears whole and is never changed, so that any number of processes, on one machine or several that
share the folder, write to one table at once without a lock. Small shards are written together into
one by who closes the table: the new one is there before the old ones go, and so each row is always
in one at least; a row that is in two is as good in either.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import OutputError
from dfbench.features.pipeline import shard as shards
from dfbench.features.pipeline.place import Folder, place_of
from dfbench.features.pipeline.shard import Entry, Keys, Shard, as_keys, raw
from dfbench.files import cache_dir, cache_url, digest
from dfbench.received.files import read_bytes
from dfbench.received.texts import from_json

_FLUSH_BYTES = 16 << 20
_FLUSH_ROWS = 1 << 14
_FLUSH_SECONDS = 5.0
"""What is put is written when one of these is reached: so much is lost by a kill at most."""
_SMALL = 8 << 20
"""Bytes of a shard below which it is written together with others."""
_LARGE = 64 << 20
"""Bytes that a shard then has about, at most."""
_MANY = 64
"""Small shards of one writer that are written together before the table is closed."""
_ABOUT = "identity.json"
_LARGEST_IDENTITY = 1 << 20


def is_identity(path: Path) -> bool:
    """Whether a file is what the name of the table's folder that it lies in stands for."""
    try:
        told = from_json(read_bytes(path, most=_LARGEST_IDENTITY, below=path.parent))
        return path.name == _ABOUT and path.parent.name == _name(told)
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _name(identity: dict[str, Any]) -> str:
    return f"{identity['extractor']}-{digest(identity)}"


def mended(path: Path) -> None:
    """Write a shard on this machine anew without its damaged rows; one without an index goes.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    table = Table({"extractor": ""})
    table.name, table.place = path.parent.name, Folder(path.parent)
    table.mend([path.name])


@dataclass(frozen=True, eq=False)
class Located:
    """Where the values of some keys are.

    Attributes
    ----------
    shards
        All of the table.
    which, rows
        Of each key the number of its shard and its row there, shape (n,), int32; -1 where it has
        no value.
    """

    shards: list[Shard]
    which: NDArray[np.int32]
    rows: NDArray[np.int32]


class _GoneError(Exception):
    """A shard that was there is not any more."""


class Table:
    """Values under 32-byte keys, each with the seconds that it took.

    Parameters
    ----------
    identity
        What all values of the table share; its digest names the folder. ``identity["extractor"]``
        is the readable part of the name.

    Raises
    ------
    OutputError
        From every method: if the store cannot be read or written.
    """

    def __init__(self, identity: dict[str, Any]) -> None:
        self.name = _name(identity)
        self.place = place_of(self.name)
        self._identity = identity
        self._index: list[Shard] | None = None
        self._waiting: list[Entry] = []
        self._bytes = 0
        self._since = time.monotonic()
        self._written = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def _worded(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(
                f"the feature store cannot be used: {error}",
                where=self.place,
                hint="is the disk full? or set DFBENCH_CACHE to a folder that can be written",
            ) from error

    # --- writing -------------------------------------------------------------------------------

    def put(self, entries: Iterable[Entry]) -> None:
        """Store (key, value, seconds); written some seconds later at the latest, or by `close`."""
        for entry in entries:
            if not self._waiting:
                self._since = time.monotonic()
            self._waiting.append(entry)
            self._bytes += len(entry[1])
        old = time.monotonic() - self._since > _FLUSH_SECONDS
        if old or self._bytes >= _FLUSH_BYTES or len(self._waiting) >= _FLUSH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write what was put."""
        if not self._waiting:
            return
        with self._worded():
            if not self._written and _ABOUT not in self.place.names():
                self._begin()
            shards.write_entries(self.place, self._waiting)
        self._waiting, self._bytes, self._index = [], 0, None
        self._written += 1
        if self._written % _MANY == 0:
            self._tidy()

    def _begin(self) -> None:
        text = json.dumps(self._identity, sort_keys=True)
        self.place.write(_ABOUT, [text.encode()])
        if cache_url() is None:
            # one file of SQLite a table, of before: it can be computed again
            for ending in ("", "-journal"):
                old = cache_dir() / "features" / f"{self.name}.sqlite{ending}"
                old.unlink(missing_ok=True)

    def close(self) -> None:
        """Write what was put, and small shards together."""
        self.flush()
        if self._written:
            self._tidy()
        self._index = None

    def _tidy(self) -> None:
        """Write small shards together; where that fails all is stored nevertheless."""
        with suppress(OutputError):
            self._merge()

    def _merge(self) -> None:
        small = [shard for shard in self._shards() if shard.n_bytes < _SMALL]
        group: list[Shard] = []
        for shard in small:
            group.append(shard)
            if sum(each.n_bytes for each in group) >= _LARGE - _SMALL:
                self._rewrite(group)
                group = []
        if len(group) > 1:
            self._rewrite(group)

    def mend(self, names: Iterable[str]) -> None:
        """Write shards anew without the rows that are damaged; they count as not stored then."""
        wanted = set(names)
        for shard in [shard for shard in self._shards() if shard.name in wanted]:
            self._rewrite([shard])

    def _rewrite(self, group: Sequence[Shard]) -> None:
        """Write the sound rows of shards into one, each once, then remove the shards."""
        values: list[bytes] = []
        kept: list[tuple[Shard, list[int]]] = []
        seen: set[bytes] = set()
        with self._worded():
            for shard in group:
                try:
                    found = self._sound(shard, seen)
                except FileNotFoundError:
                    continue  # another has just done the same
                seen |= found.keys()
                values += [value for _, value in found.values()]
                kept.append((shard, [row for row, _ in found.values()]))
            if values:
                shards.write(
                    self.place,
                    np.concatenate([shard.keys[rows] for shard, rows in kept]),
                    np.concatenate([shard.seconds[rows] for shard, rows in kept]),
                    np.concatenate([shard.sums[rows] for shard, rows in kept]),
                    np.concatenate([shard.lengths[rows] for shard, rows in kept]),
                    values,
                )
            for shard, _ in kept:
                self.place.remove(shard.name)
        self._index = None

    def _sound(self, shard: Shard, known: set[bytes]) -> dict[bytes, tuple[int, bytes]]:
        """Read the sound rows of a shard that are not known: number and value by key."""
        found: dict[bytes, tuple[int, bytes]] = {}
        keys = raw(shard.keys)
        handle = self.place.open(shard.name)
        try:
            for row, value in shard.pieces(handle):
                key = keys[row].tobytes()
                if key not in known and key not in found and shard.sound(row, value):
                    found[key] = row, value
        finally:
            handle.close()
        return found

    # --- reading -------------------------------------------------------------------------------

    def _shards(self) -> list[Shard]:
        """Read the indices; what is damaged is removed, it can be computed again."""
        self.flush()
        if self._index is None:
            with self._worded():
                self._index = self._read()
        return self._index

    def _read(self) -> list[Shard]:
        found: dict[str, Shard | None] = {}
        gone = True
        while gone:
            names = [name for name in self.place.names() if name.endswith(shards.SUFFIX)]
            gone = False
            for name in names:
                if name in found:
                    continue
                try:
                    found[name] = shards.read(self.place, name)
                except FileNotFoundError:
                    # written together with others: what holds its rows may not be listed yet
                    found[name], gone = None, True
                    continue
                if found[name] is None:
                    self.place.remove(name)
        return [its for name in names if (its := found[name]) is not None]

    def forget(self) -> None:
        """Let go of the indices; they are read again when something is asked."""
        self._index = None

    def locate(self, keys: Sequence[str] | Keys) -> Located:
        """Say where the values of keys are."""
        import pyarrow as pa
        import pyarrow.compute as pc

        wanted, found = as_keys(keys), self._shards()
        if not found or not len(wanted):
            nowhere = np.full(len(wanted), -1, np.int32)
            return Located(found, nowhere, nowhere)

        def arrow(keys: Keys) -> Any:
            own = pa.py_buffer(raw(keys))
            return pa.FixedSizeBinaryArray.from_buffers(pa.binary(32), len(keys), [None, own])

        known = np.concatenate([shard.keys for shard in found])
        at = pc.index_in(arrow(wanted), value_set=arrow(known)).fill_null(-1).to_numpy()
        starts = np.cumsum([0, *(len(shard) for shard in found)])
        which = (np.searchsorted(starts, at, side="right") - 1).astype(np.int32)
        rows = np.where(at < 0, -1, at - starts[which]).astype(np.int32)
        return Located(found, np.where(at < 0, -1, which).astype(np.int32), rows)

    def missing(self, keys: Sequence[str] | Keys) -> NDArray[np.bool_]:
        """Say which keys have no value yet, shape (n,)."""
        found: NDArray[np.bool_] = self.locate(keys).rows < 0
        return found

    def get(self, keys: Sequence[str] | Keys) -> list[bytes | None]:
        """Give the values of ``keys``, None where there is none; all of them are held at once."""
        while True:
            try:
                with self._worded():
                    return self._get(self.locate(keys))
            except _GoneError:
                self.forget()

    def _get(self, located: Located) -> list[bytes | None]:
        values: list[bytes | None] = [None] * len(located.rows)
        for number, shard in enumerate(located.shards):
            places = np.flatnonzero(located.which == number)
            if not len(places):
                continue
            try:
                self._fill(values, shard, places.tolist(), located.rows[places].tolist())
            except FileNotFoundError as error:
                raise _GoneError from error  # written together with others meanwhile
        return values

    def _fill(
        self,
        values: list[bytes | None],
        shard: Shard,
        places: Sequence[int],
        rows: Sequence[int],
    ) -> None:
        ends = shard.ends
        handle = self.place.open(shard.name)
        try:
            for place, row in zip(places, rows, strict=True):
                length = int(shard.lengths[row])
                value = handle.read(int(ends[row]) - length, length) if length else b""
                values[place] = value if shard.sound(row, value) else None
        finally:
            handle.close()

    def value_length(self) -> int | None:
        """Bytes of a value, None where there is none."""
        for shard in self._shards():
            if len(shard):
                return int(shard.lengths[0])
        return None

    def seconds(self, keys: Sequence[str] | Keys) -> float:
        """Median seconds that the entries of ``keys`` took, 0.0 where there is none.

        The median, because the first batch also pays for compiling kernels and loading weights.
        """
        located = self.locate(keys)
        taken = [
            shard.seconds[located.rows[located.which == number]]
            for number, shard in enumerate(located.shards)
        ]
        known = np.concatenate([np.empty(0), *taken])
        return float(np.median(known)) if len(known) else 0.0
