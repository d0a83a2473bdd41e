"""Parquet shards of images, as hubs of data sets publish them: an image and its label in a row.

Rows are given names: that of the split after the shard, that of the class after the label, and that
which the row tells, or its number. Images are read by row groups, the last few of which are kept.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from dfbench.received.containers.container import (
    UNKNOWN,
    Container,
    Listing,
    Part,
    check_count,
    open_part,
)
from dfbench.received.containers.labels import (
    MOST,
    check_numbers,
    choose,
    is_word,
    may_tell,
    must_tell,
    told_by,
)
from dfbench.received.containers.names import by_splits, inner, splits_in
from dfbench.received.files import Refused, too_large
from dfbench.received.footers import LARGEST, Chunk, chunks
from dfbench.received.texts import SMALL, from_json

if TYPE_CHECKING:
    import pyarrow as pa

_LISTED = 200_000
"""Entries of a list in it: columns, row groups."""
_COLUMNS = 4096
_ROWS = 4_000_000
_TEXTS = 256 << 20
"""Bytes of names and labels of a shard."""
_GROUP = 1 << 30
"""Bytes of the images of a row group, which are read at once."""
_SHORT = 100
"""Characters of the name of a split."""
_AT_ONCE = 1024
"""Rows."""
_KEPT, _FEW, _FEW_KEPT = 32 << 20, 8, 512 << 20
"""Bytes of row groups that are kept; of a few of them more, as threads are some batches apart."""
_IMAGES = ("image", "img", "picture", "photo", "jpg", "jpeg", "png", "webp")
"""Names of columns of images, the likeliest first."""


class _Label(NamedTuple):
    """A column that may tell the class.

    Attributes
    ----------
    column
        Its name.
    names
        Of its values, where they are numbers of names.
    """

    column: str
    names: tuple[str, ...] = ()


class _Columns(NamedTuple):
    """What of a shard is read.

    Attributes
    ----------
    image, path
        Columns of the bytes, and of what they were called; "" of none.
    labels
        Columns that may tell the class.
    others
        Columns that are not read.
    split
        Column that tells the split, which must not be two in one shard; "" of none.
    """

    image: str
    path: str
    labels: tuple[_Label, ...] = ()
    others: tuple[str, ...] = ()
    split: str = ""


class _Row(NamedTuple):
    """A row: what columns say of its class, what it is called, and its place."""

    told: tuple[str | None, ...]
    name: str
    place: tuple[int, int, int, int]


class Rows(Container):
    """Parquet shards in one folder: their images at rows of part, row group, row in it and 0."""

    images = True

    def __init__(
        self, parts: Sequence[Part], found: Listing, columns: Sequence[_Columns], label: str
    ) -> None:
        super().__init__(parts, found)
        self._columns = [each.image for each in columns]
        others = [other for each in columns for other in each.others]
        others += [its.column for each in columns for its in each.labels if its.column != label]
        self.columns = label, tuple(dict.fromkeys(others))

    def _read(self, at: int, most: int, first: int | None) -> bytes:
        part, group, row, _ = self.rows[at].tolist()
        try:
            value = _groups.row(self.parts[part], self._columns[part], group, row)
        except ValueError as error:
            raise Refused(errno.EIO, str(error), self.names[at]) from None
        if len(value) > most and first is None:
            raise Refused(errno.EFBIG, too_large(len(value), most), self.names[at])
        return bytes(value[:first])


def shown_columns(part: Part) -> _Columns | None:
    """Say which columns of a Parquet file are of images and labels; None where it holds no images.

    Raises
    ------
    OSError
        Where it cannot be opened.
    ValueError
        Where it is no Parquet or damaged, larger than is read, or it is not clear which they are.
    """
    with open_part(part) as file, _in_words():
        return _columns(_parquet(file)[0].schema_arrow)


def rows_of(folder: str | None, parts: Sequence[Part], columns: Sequence[_Columns]) -> Rows:
    """Open Parquet shards.

    Parameters
    ----------
    folder
        Name of the folder that they lie in; None of one alone.
    parts
        The shards, in order.
    columns
        Of each, see `shown_columns`.

    Raises
    ------
    OSError
        Where one cannot be opened.
    ValueError
        Where one is damaged or larger than is read; it is named.
    """
    stems = [Path(part.path).stem for part in parts]
    splits = by_splits(folder, stems)
    rows: list[list[_Row]] = []
    for number, part in enumerate(parts):
        try:
            rows.append(list(_rows(number, part, columns[number])))
            check_count(sum(map(len, rows)))
        except ValueError as error:
            raise ValueError(f"{Path(part.path).name} {error}") from None
    label, chosen = _chosen(parts, columns, rows)
    found = Listing()
    for split in sorted(set(splits)):
        _check_splits([n for n in range(len(parts)) if splits[n] == split], parts, columns)
        its = [
            (row.told[chosen[n]] or "" if chosen[n] >= 0 else "", row.name, row.place)
            for n in range(len(parts))
            if splits[n] == split
            for row in rows[n]
        ]
        _check_labels({each for each, _, _ in its}, len(its), label, columns)
        check_numbers([(each, name) for each, name, _ in its])
        _add(found, split, its)
    return Rows(parts, found, columns, label)


def _chosen(
    parts: Sequence[Part], columns: Sequence[_Columns], rows: Sequence[Sequence[_Row]]
) -> tuple[str, list[int]]:
    """Choose the column that tells the class: its name, and its place among those of each shard."""
    names = list(dict.fromkeys(each.column for its in columns for each in its.labels))
    told: set[tuple[str | None, ...]] = set()
    for its, held in zip(columns, rows, strict=True):
        own = {each.column: n for n, each in enumerate(its.labels)}
        for said in {row.told for row in held}:
            told.add(tuple(said[own[name]] if name in own else "" for name in names))
    at = choose(names, told)
    label = names[at] if at >= 0 else ""
    places = [
        next((n for n, each in enumerate(its.labels) if each.column == label), -1)
        for its in columns
    ]
    for part, its, place in zip(parts, columns, places, strict=True):
        others = [each.column for each in its.labels]
        if label and others and place < 0:
            raise ValueError(
                f"{Path(part.path).name} has no column {label!r}, which tells the class elsewhere,"
                f" but {', '.join(map(repr, others))}: give them one name"
            )
    return label, places


def _check_splits(inside: list[int], parts: Sequence[Part], columns: Sequence[_Columns]) -> None:
    """Raise where a column tells several splits of what would be one."""
    told: set[str] = set()
    for number in inside:
        its = columns[number]
        if not its.split:
            continue
        with open_part(parts[number]) as file, _in_words():
            found, held = _parquet(file)
            own = its._replace(path="", labels=(_Label(its.split),))
            for group in range(found.metadata.num_row_groups):
                for _, value in _texts(found, held[group], group, [its.split], own, 0):
                    if isinstance(value, str) and len(value) < _SHORT:
                        told |= splits_in(value)
        if len(told) > 1:
            raise ValueError(
                f"has a column {its.split!r} that tells several splits"
                f" ({', '.join(sorted(told))}), which is not read: write shards for each, called"
                " train-0000, test-0000 and so on, or drop the column"
            )


def _add(
    to: Listing, split: str, its: Sequence[tuple[str, str, tuple[int, int, int, int]]]
) -> None:
    """Name the images of a split: as they are told, if that gives each its own name."""
    labels = {label.lower() for label, _, _ in its}
    names = [_below(name, split, label) for label, name, _ in its]
    told = {part.lower() for name in set(names) for part in name.split("/")[:-1]}
    # folders that tell another class or split than the row does
    if told & labels or any(is_word(part) or splits_in(part) for part in told):
        names = []
    for found in (names, [name.rpartition("/")[2] for _, name, _ in its]):
        pairs = {(label, name) for (label, _, _), name in zip(its, found, strict=False) if name}
        if len(pairs) == len(its):
            names = found
            break
    else:
        names = [f"{number:06}" for number in range(len(its))]
    for (label, _, row), name in zip(its, names, strict=True):
        to.add("/".join(filter(None, (split, label, name))), row, UNKNOWN)


def _below(name: str, split: str, label: str) -> str:
    """Leave out of a path the folders down to those of its class and split."""
    *folders, own = name.split("/")
    for n in reversed(range(len(folders))):
        if folders[n].lower() == label.lower() or (split and splits_in(folders[n]) == {split}):
            return "/".join((*folders[n + 1 :], own))
    return name


def _rows(number: int, part: Part, columns: _Columns) -> Iterator[_Row]:
    """Go through a shard; no image is read."""
    wanted = [each for each in (columns.path, *(its.column for its in columns.labels)) if each]
    with open_part(part) as file, _in_words():
        found, held = _parquet(file)
        told = found.metadata
        if told.num_rows > _ROWS:
            raise ValueError(f"too large: {told.num_rows:,} rows, at most {_ROWS:,} are read")
        if sum(told.row_group(g).num_rows for g in range(told.num_row_groups)) != told.num_rows:
            raise ValueError("is damaged: its row groups do not come to its rows")
        for group in range(told.num_row_groups):
            size = _size(held[group], columns.image)
            if size > _GROUP:
                raise ValueError(
                    f"has a row group of {size / 1e9:,.1f} GB of images, at most"
                    f" {_GROUP / 1e9:,.1f} GB are read at once: write it anew in smaller ones"
                )
            n = told.row_group(group).num_rows
            row = 0
            for path, *values in _texts(found, held[group], group, wanted, columns, n):
                said = [
                    _named(each, value, sole=len(values) == 1)
                    for each, value in zip(columns.labels, values, strict=True)
                ]
                yield _Row(tuple(said), _name(path), (number, group, row, 0))
                row += 1
            if row != n:
                raise ValueError(f"is damaged: {row:,} of {n:,} rows in row group {group}")


def _texts(
    found: Any, held: Sequence[Chunk], group: int, wanted: list[str], columns: _Columns, n: int
) -> Iterator[tuple[Any, ...]]:
    """Give path and labels of each row of a group."""
    if not wanted:
        yield from ((None,) for _ in range(n))
        return
    widest = max(_size(held, each) for each in wanted)
    if widest > _TEXTS:
        raise ValueError(f"has {widest / 1e6:,.0f} MB of names or labels in one row group")
    # a short dictionary may stand for long texts
    step = max(1, min(_AT_ONCE, _TEXTS // max(widest, 1)))
    for batch in found.iter_batches(step, [group], columns=wanted, use_threads=False):
        paths = _leaf(batch, columns.path).to_pylist() if columns.path else [None] * len(batch)
        values = [_leaf(batch, each.column).to_pylist() for each in columns.labels]
        yield from zip(paths, *values, strict=True)


def _named(label: _Label, value: Any, *, sole: bool) -> str | None:
    """Give what a label stands for; None of what is none, where another column may tell it."""
    if label.names and isinstance(value, int):
        if not 0 <= value < len(label.names):
            if value == -1:
                return ""
            raise ValueError(f"has the label {value} of {len(label.names)} names")
        value = label.names[value]
    try:
        return told_by(label.column, value)
    except ValueError:
        if sole or must_tell(label.column):
            raise
        return None


def _name(path: Any) -> str:
    """Give what a file was called, of a path that leads elsewhere its last part; "" of no name."""
    if not isinstance(path, str) or not path:
        return ""
    plain = path.replace("\\", "/")
    for name in (plain, plain.rpartition("/")[2]):
        with contextlib.suppress(ValueError):
            return inner(name)
    return ""


def _check_labels(labels: set[str], n: int, name: str, columns: Sequence[_Columns]) -> None:
    if len(labels) > min(MOST, 20 + n // 4):
        own = next((its.others for its in columns if its.others), ())
        others = f"; the other columns are: {', '.join(own[:10])}" if own else ""
        raise ValueError(
            f"its column {name!r} tells {len(labels):,} labels of {n:,} images, such as"
            f" {min(labels)[:40]!r}: they are no classes{others}"
        )


# --- the footer ------------------------------------------------------------------------------


class _in_words:
    """Raise `ValueError` for all that the library raises on damaged files."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        import pyarrow as pa

        if isinstance(error, Refused) or error is None:
            return
        if isinstance(
            error, pa.ArrowException | OSError | LookupError | TypeError | RecursionError
        ):
            line = (str(error) or type(error).__name__).splitlines()[0]
            raise ValueError(f"is damaged: {line[:200]}") from None


def _parquet(file: BinaryIO) -> tuple[Any, list[list[Chunk]]]:
    """Open a Parquet file whose footer has bounds, and say what that tells of its row groups."""
    held = chunks(file)
    return _opened(file), held


def _opened(file: BinaryIO, metadata: Any = None) -> Any:
    """Open a Parquet file whose footer was looked at."""
    import pyarrow.parquet as pq

    found = pq.ParquetFile(
        file,
        metadata=metadata,
        pre_buffer=False,  # its threads would hold the file still when Python ends, and abort it
        thrift_string_size_limit=LARGEST,
        thrift_container_size_limit=_LISTED,
    )
    if found.metadata.num_columns > _COLUMNS:
        raise ValueError(f"{found.metadata.num_columns:,} columns, at most {_COLUMNS:,} are read")
    return found


def _size(told: Sequence[Chunk], column: str) -> int:
    """Give the bytes of a column in a row group, as the footer has them."""
    size = next((each.size for each in told if each.path == column), None)
    if size is None:
        raise ValueError(f"a row group has no column {column!r}")
    return size


def _columns(schema: pa.Schema) -> _Columns | None:
    features = _features(schema)
    images: dict[str, tuple[str, str]] = {}
    for each in schema:
        if (its := _image_in(each)) is not None:
            images[each.name] = its
    said = [
        name for name, its in features.items() if its.get("_type") == "Image" and name in images
    ]
    chosen = said or list(images)
    if not chosen:
        return None
    name = next((each for each in _IMAGES for own in chosen if own.lower() == each), "")
    own = next((own for own in chosen if own.lower() == name), chosen[0])
    if not name and len(chosen) > 1:
        raise ValueError(
            f"several columns hold images ({', '.join(chosen[:5])}), and none is called 'image'"
        )
    labels = _labels(schema, features)
    split = next((each.name for each in schema if _tells_split(each)), "")
    read = {own, split, *(each.column for each in labels)}
    others = tuple(each for each in schema.names if each not in read)
    return _Columns(*images[own], tuple(labels), others, split)


def _image_in(column: pa.Field) -> tuple[str, str] | None:
    """Give the columns of bytes and of names of a column of images; None of others."""
    import pyarrow as pa

    its = column.type
    if pa.types.is_struct(its):
        inside = {its.field(n).name: its.field(n).type for n in range(its.num_fields)}
        if "bytes" not in inside or not _binary(inside["bytes"]):
            return None
        named = inside.get("path", pa.null())
        told = pa.types.is_string(named) or pa.types.is_large_string(named)
        path = f"{column.name}.path" if told else ""
        return f"{column.name}.bytes", path
    return (column.name, "") if _binary(its) else None


def _binary(its: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_binary(its) or pa.types.is_large_binary(its))


def _features(schema: pa.Schema) -> dict[str, dict[str, Any]]:
    """Give what the hub's library says of columns; nothing where that cannot be read."""
    text = (schema.metadata or {}).get(b"huggingface", b"")
    try:
        found = from_json(text)["info"]["features"] if 0 < len(text) <= SMALL else {}
    except (ValueError, KeyError, TypeError):
        return {}
    items = found.items() if isinstance(found, dict) else ()
    return {str(name): its for name, its in items if isinstance(its, dict)}


def _labels(schema: pa.Schema, features: dict[str, dict[str, Any]]) -> list[_Label]:
    """List the columns that may tell the class, with the names of their numbers."""
    import pyarrow as pa

    telling = (
        *(pa.types.is_string, pa.types.is_large_string, pa.types.is_integer),
        *(pa.types.is_boolean, pa.types.is_floating, pa.types.is_dictionary),
    )
    found = []
    for each in schema:
        its = features.get(each.name, {})
        names = its.get("names") if its.get("_type") == "ClassLabel" else None
        if isinstance(names, list) and pa.types.is_integer(each.type):
            found.append(_Label(each.name, tuple(map(str, names[:MOST]))))
        elif may_tell(each.name) and any(is_(each.type) for is_ in telling):
            found.append(_Label(each.name))
    return found


def _tells_split(column: pa.Field) -> bool:
    import pyarrow as pa

    text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    named = column.name.lower() in ("split", "subset", "partition")
    return named and (text or pa.types.is_dictionary(column.type))


def _leaf(batch: Any, column: str) -> Any:
    """Give a column of a batch, or what lies in one; null where that is null."""
    name, _, inside = column.rpartition(".")
    if name in batch.schema.names:
        names = [each.name for each in batch.schema.field(name).type]
        return batch.column(name).flatten()[names.index(inside)]
    return batch.column(column)


# --- row groups ------------------------------------------------------------------------------


@dataclass
class _Group:
    """Images of a row group, or why they cannot be read."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    starts: list[int] = field(default_factory=list)
    batches: list[Any] = field(default_factory=list)
    bytes: int = 0
    error: str | None = None
    there: bool = False

    def row(self, at: int) -> Any:
        if self.error is not None:
            raise ValueError(self.error)
        n = bisect_right(self.starts, at) - 1
        if n < 0 or at - self.starts[n] >= len(self.batches[n]):
            raise ValueError("the row is missing")
        value = self.batches[n][at - self.starts[n]]
        if not value.is_valid:
            raise ValueError("the row holds no image (or names one that is not in the shard)")
        return value.as_buffer()


class _Groups:
    """The row groups that were read last, over all threads: each is read by one of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[Part, str, int], _Group] = OrderedDict()
        self._bytes = 0

    def row(self, part: Part, column: str, group: int, row: int) -> Any:
        key = part, column, group
        with self._lock:
            held = self._held.setdefault(key, _Group())
            self._held.move_to_end(key)
        with held.lock:
            if not held.there:
                try:
                    _fill(held, part, column, group)
                except ValueError as error:
                    held.batches, held.bytes = [], 0
                    held.error = _of_group(error, part, group)
                except BaseException:  # the file is another by now, or is gone
                    with self._lock:
                        self._held.pop(key, None)
                    raise
                held.there = True
                self._keep(held.bytes)
        return held.row(row)

    def _keep(self, more: int) -> None:
        """Let go of those that were asked for longest ago, when another has been read."""
        with self._lock:
            self._bytes += more
            while len(self._held) > 2 and self._bytes > (
                _FEW_KEPT if len(self._held) <= _FEW else _KEPT
            ):
                key, oldest = next(iter(self._held.items()))
                if not oldest.there:  # it is being read, or about to be
                    break
                del self._held[key]
                self._bytes -= oldest.bytes


_groups = _Groups()


@functools.lru_cache(maxsize=4)
def _footer(part: Part) -> tuple[Any, list[list[Chunk]]]:
    with open_part(part) as file:
        found, held = _parquet(file)
        return found.metadata, held


def _of_group(error: ValueError, part: Part, group: int) -> str:
    """Name the row group; what the library says of a damaged one helps nobody further."""
    what = "is damaged" if str(error).startswith("is damaged") else str(error)
    return f"row group {group} of {Path(part.path).name} {what}"


def _fill(held: _Group, part: Part, column: str, group: int) -> None:
    """Read a row group; what repeats its images may be of any size, and is not."""
    with open_part(part) as file, _in_words():
        metadata, held_chunks = _footer(part)
        found = _opened(file, metadata)
        size = _size(held_chunks[group], column)
        step = max(1, min(_AT_ONCE, (_GROUP // 4) // max(size, 1)))
        row = 0
        for batch in found.iter_batches(step, [group], columns=[column], use_threads=False):
            images = _leaf(batch, column)
            held.starts.append(row)
            held.batches.append(images)
            held.bytes += images.nbytes
            row += len(images)
            if held.bytes > _GROUP:
                raise ValueError(f"has more than {_GROUP / 1e9:,.1f} GB of images")
