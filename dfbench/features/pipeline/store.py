"""The feature store: what was computed once, found again by values alone.

A vector's key is the SHA-256 of the image file's bytes, within a table whose name is the digest of
everything else that determines it: preprocessing, extractor, version, parameters. Neither path nor
time nor order takes part, so renamed, moved or re-split images find their features, and a changed
pixel does not. How a table lies on disk is told in `dfbench.features.pipeline.table`.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import DataError
from dfbench.features.base import Extractor
from dfbench.features.pipeline.place import Handle, Place
from dfbench.features.pipeline.shard import Keys, as_keys, raw, sum_of
from dfbench.features.pipeline.table import Table
from dfbench.features.views.view import PLAIN, View
from dfbench.files import digest

DECODER_VERSION = 1
"""Raised whenever `dfbench.images.decode` gives other pixels for equal bytes."""

_GAP = 1 << 15
"""Bytes between two rows that are read along with them: another call would take longer."""
_AT_ONCE = 4 << 20
"""Bytes that one call reads at most, unless a row is larger."""
_OPEN = 128
"""Shards that a process holds open at most."""
_AGAIN = "run again: they are computed anew"


class DamagedError(DataError):
    """A row that is not what was stored; it is dropped, so that it can be computed anew."""


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


class StoredRows:
    r"""Rows of one table, or of several side by side, read when they are asked for.

    It is like an array of shape (n, d), or (n, \*shape), but holds some bytes a row, no more.
    Reading is safe in several threads; a pickled one opens the tables anew.

    Parameters
    ----------
    identities
        Of the tables, in the order of the columns, see `identity`.
    keys
        SHA-256 of the image file of each row: hexadecimal, or 32 bytes each as an array. One may
        be there several times.
    dtype
        Of the values of all tables.
    shape
        Of a row; by default a vector.

    Raises
    ------
    KeyError
        If a row is not stored.
    DataError
        If values of a table are of unlike lengths.
    DamagedError
        When a row is read that is damaged: it is forgotten then, and computed anew when the images
        are looked at again.
    """

    def __init__(
        self,
        identities: Sequence[dict[str, Any]],
        keys: Sequence[str] | Keys,
        dtype: str = "float32",
        shape: tuple[int, ...] | None = None,
    ) -> None:
        self.identities = list(identities)
        self.keys = as_keys(keys)
        self.dtype = np.dtype(dtype)
        self._row_shape = shape
        self._columns = [_Column.of(identity, self.keys) for identity in self.identities]
        edges = np.cumsum([0, *(column.width for column in self._columns)])
        self._edges = [int(edge) for edge in edges]

    def __reduce__(self) -> tuple[Any, ...]:
        """Take along what it is made of; where rows lie is looked up anew."""
        return type(self), (self.identities, self.keys, self.dtype.str, self._row_shape)

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array that all rows would make."""
        own = self._row_shape or (self._edges[-1] // self.dtype.itemsize,)
        return (len(self.keys), *own)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def widths(self) -> tuple[int, ...]:
        """Number of values in a row of each table."""
        return tuple(column.width // self.dtype.itemsize for column in self._columns)

    def fingerprint(self) -> str:
        """Hash of the tables and of the images: it stands for the values, which hang on them."""
        own = digest([self.identities, self.dtype.str, list(self.shape)], length=64)
        return hashlib.sha256(own.encode() + raw(self.keys).tobytes()).hexdigest()

    def __getitem__(self, rows: slice | NDArray[Any], /) -> NDArray[Any]:
        """Read rows by slice, numbers or mask, as an array that can be written to."""
        return self._read(self._places(rows))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Read all rows."""
        if copy is False:
            raise ValueError("rows on disk are no array: they can only be copied")
        found = self[:]
        return found if dtype is None else found.astype(dtype, copy=False)

    def _places(self, rows: slice | NDArray[Any]) -> NDArray[np.intp]:
        n = len(self)
        if isinstance(rows, slice):
            return np.arange(*rows.indices(n), dtype=np.intp)
        asked = np.asarray(rows)
        if asked.dtype == np.bool_:
            if asked.shape != (n,):
                raise IndexError(f"a mask of shape {asked.shape} for {n} rows")
            return np.flatnonzero(asked)
        if asked.ndim != 1 or (asked.size and asked.dtype.kind not in "iu"):
            raise IndexError("rows are asked for by slice, numbers or mask")
        places = asked.astype(np.intp)
        if places.size and (places.min() < -n or places.max() >= n):
            raise IndexError(f"a number outside of {n} rows")
        return np.where(places < 0, places + n, places)

    def _read(self, places: NDArray[np.intp]) -> NDArray[Any]:
        out = np.empty((len(places), self._edges[-1]), np.uint8)
        for column, (first, last) in zip(self._columns, pairwise(self._edges), strict=True):
            if last > first:
                column.fill(places, out[:, first:last])
        found: NDArray[Any] = out.view(self.dtype).reshape(len(places), *self.shape[1:])
        return found


class _Handles:
    """The shards that were read last, of all tables, held open: opening one costs as a row does."""

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[str, str], Handle] = OrderedDict()
        self._lock = Lock()

    def of(self, place: Place, name: str) -> Handle:
        """Give a shard; `FileNotFoundError` where it is gone."""
        which = str(place), name
        with self._lock:
            handle = self._open.get(which)
            if handle is None:
                handle = self._open[which] = place.open(name)
                # let go of, not closed: another thread may be reading
                while len(self._open) > _OPEN:
                    self._open.popitem(last=False)
            else:
                self._open.move_to_end(which)
            return handle


_HANDLES = _Handles()


@dataclass(eq=False)
class _Column:
    """What one table holds of the rows.

    Attributes
    ----------
    identity, keys
        Of the table, and of the n rows.
    width
        Bytes of a value.
    place
        Of the table.
    where
        Names of its shards; where their values begin; of each of the n rows the number of its shard
        and the row there, int32, and its sum, uint32, shape (n,) each. One tuple, as another thread
        may be reading.
    checked
        Which rows were found sound by this process, shape (n,).
    """

    identity: dict[str, Any]
    keys: Keys
    width: int
    place: Place
    where: tuple[list[str], list[int], NDArray[np.int32], NDArray[np.int32], NDArray[np.uint32]]
    checked: NDArray[np.bool_]

    @classmethod
    def of(cls, identity: dict[str, Any], keys: Keys) -> _Column:
        """Look rows up."""
        table = Table(identity)
        located = table.locate(keys)
        absent = int((located.rows < 0).sum())
        if absent:
            raise KeyError(f"{absent} of {len(keys)} images are not in the store")
        sums = np.empty(len(keys), np.uint32)
        widths: set[int] = set()
        for number, shard in enumerate(located.shards):
            own = located.which == number
            if own.any():
                sums[own] = shard.sums[located.rows[own]]
                widths |= set(np.unique(shard.lengths).tolist())
        if len(widths) > 1:
            raise DataError(
                "stored features are of unlike lengths",
                where=table.place,
                hint="remove what lies there, and run again",
            )
        return cls(
            identity,
            keys,
            widths.pop() if widths else table.value_length() or 0,
            table.place,
            (
                [shard.name for shard in located.shards],
                [shard.start for shard in located.shards],
                located.which,
                located.rows,
                sums,
            ),
            np.zeros(len(keys), np.bool_),
        )

    def fill(self, places: NDArray[np.intp], out: NDArray[np.uint8]) -> None:
        """Read rows into (m, width) bytes."""
        while True:
            try:
                self._fill(places, out)
            except FileNotFoundError:
                # small shards were written together meanwhile
                self._look_again()
            else:
                return

    def _look_again(self) -> None:
        try:
            self.where = _Column.of(self.identity, self.keys).where
        except KeyError as error:
            raise DataError("stored features are gone", where=self.place, hint=_AGAIN) from error

    def _fill(self, places: NDArray[np.intp], out: NDArray[np.uint8]) -> None:
        names, starts, which, rows, sums = self.where
        order = np.lexsort((rows[places], which[places]))
        places = places[order]
        which, rows, width = which[places], rows[places], self.width
        new = not self.checked[places].all()
        for first, last in _runs(which, rows, width):
            number, begin = int(which[first]), int(rows[first])
            count = int(rows[last - 1]) - begin + 1
            data = _HANDLES.of(self.place, names[number]).read(
                starts[number] + begin * width, count * width
            )
            if len(data) < count * width:
                self._damaged(names[number])
            if new:
                its = places[first:last]
                if not self._sound(its, sums[its], rows[first:last] - begin, data):
                    self._damaged(names[number])
            block = np.frombuffer(data, np.uint8).reshape(count, width)
            if count == 1:
                out[order[first:last]] = block
            else:
                out[order[first:last]] = block[rows[first:last] - begin]

    def _sound(
        self,
        places: NDArray[np.intp],
        sums: NDArray[np.uint32],
        chosen: NDArray[Any],
        data: bytes,
    ) -> bool:
        """Hold rows against their sums, each once in this process."""
        new = np.flatnonzero(~self.checked[places])
        whole, width = memoryview(data), self.width
        for key, row, known in zip(
            raw(self.keys[places[new]]), chosen[new].tolist(), sums[new].tolist(), strict=True
        ):
            if sum_of(key.tobytes(), whole[row * width : (row + 1) * width]) != known:
                return False
        self.checked[places] = True
        return True

    def _damaged(self, name: str) -> None:
        with Table(self.identity) as table:
            table.mend([name])
        raise DamagedError(
            "stored features are damaged",
            where=f"{self.place}/{name}",
            hint=_AGAIN,
        )


def _runs(
    which: NDArray[np.int32], rows: NDArray[np.int32], width: int
) -> Iterator[tuple[int, int]]:
    """Cut sorted rows where the next is another shard's, or too far away to be read along."""
    if not len(rows):
        return
    far = (np.diff(rows) - 1) * width > _GAP
    edges = [0, *(np.flatnonzero(far | (np.diff(which) != 0)) + 1).tolist(), len(rows)]
    most = max(1, _AT_ONCE // max(1, width))
    for first, last in pairwise(edges):
        while last - first > 1 and int(rows[last - 1]) - int(rows[first]) >= most:
            end = first + int(np.searchsorted(rows[first:last], rows[first] + most))
            yield first, end
            first = end
        yield first, last


def load_features(
    identity: dict[str, Any], keys: Sequence[str] | Keys, dtype: str = "float32"
) -> NDArray[Any]:
    """Read stored vectors as an array of shape (len(keys), d); see `StoredRows`."""
    return StoredRows([identity], keys, dtype)[:]
