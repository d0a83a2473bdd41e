"""Reading Parquet of others: some bytes may stand for more rows, or text, than memory has room for.

What a footer promises is held against what is said before anything else is read; what it does not
tell is how often a text is repeated: texts are read as dictionaries, and counted before each has
its own place in memory.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, BinaryIO

from dfbench.received.footers import Chunk, chunks

if TYPE_CHECKING:
    import pyarrow as pa

_ENCODINGS = frozenset({"PLAIN", "PLAIN_DICTIONARY", "RLE_DICTIONARY", "RLE", "BIT_PACKED"})
"""Of texts: others build a text on the one before, and come to any size while they are read."""


def read_table(
    file: BinaryIO | bytes,
    columns: Collection[str] | None = None,
    *,
    rows: int,
    values: int,
    size: int | None = None,
    sums: bool = False,
) -> pa.Table:
    """Read a table, or some of its columns.

    Parameters
    ----------
    file
        Open for reading, or its content.
    columns
        Names; those that there are of them are read, by default all.
    rows
        No larger table is read.
    values
        The same of rows times columns, columns that are not asked for among them.
    size
        The same of its bytes in memory; by default 64 for each value that it has, and one MB.
    sums
        Whether its pages have checksums.

    Raises
    ------
    ValueError
        Where it is no Parquet, damaged or larger, or has columns of lists.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = pa.BufferReader(file) if isinstance(file, bytes) else file
    try:
        told = pq.ParquetFile(source).metadata
        _check(told.num_rows, rows, "rows")
        cells = max(told.num_rows, 1) * told.num_columns
        _check(cells, values, "values")
        most = (1 << 20) + 64 * cells if size is None else size
        promised = _promised(told)
        _check(promised, most, "bytes")
        source.seek(0)
        texts = _texts(told, chunks(io.BytesIO(file) if isinstance(file, bytes) else file))
        source.seek(0)
        with pq.ParquetFile(
            source, page_checksum_verification=sums, read_dictionary=texts
        ) as found:
            names = [
                name for name in found.schema_arrow.names if columns is None or name in columns
            ]
            # one small file: threads take longer than the reading
            table = found.read(names, use_threads=False)
        _check(sum(map(_text_bytes, table.columns)), most, "bytes")
        return _plain(table)
    except (pa.ArrowException, OSError, LookupError, TypeError, RecursionError) as error:
        raise ValueError(str(error) or type(error).__name__) from error


def _check(found: int, most: int, what: str) -> None:
    if found > most:
        raise ValueError(f"too large: {found:,} {what}, at most {most:,} are read")


def _promised(told: pa.parquet.FileMetaData) -> int:
    """Give the bytes that a table takes at least, as its footer has it."""
    groups = [told.row_group(n) for n in range(told.num_row_groups)]
    widths = [max(told.schema.column(n).length, 8) for n in range(told.num_columns)]
    fixed = told.num_rows * sum(width for width in widths if width > 8)
    return int(fixed + sum(group.total_byte_size for group in groups))


def _texts(told: pa.parquet.FileMetaData, groups: Sequence[Sequence[Chunk]]) -> list[str]:
    """Name the columns of texts; raise where a column has lists, or texts in another form."""
    found = []
    for n in range(told.num_columns):
        column = told.schema.column(n)
        if column.max_repetition_level:
            raise ValueError(f"the column {column.path} has lists")
        if column.physical_type != "BYTE_ARRAY":
            continue
        for group in groups:
            if others := set(group[n].encodings) - _ENCODINGS:
                raise ValueError(f"the column {column.path} is encoded as {min(others)}")
        found.append(column.path)
    return found


def _text_bytes(column: pa.ChunkedArray) -> int:
    """Give the bytes of a column of texts once it is no dictionary; 0 of others."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not _of_texts(column.type):
        return 0
    # as 64 bits: the sum of the lengths may be more than 32 have room for
    lengths = (
        pc.binary_length(chunk.dictionary).cast(pa.int64()).take(chunk.indices)
        for chunk in column.chunks
    )
    return sum(pc.sum(each).as_py() or 0 for each in lengths)


def _plain(table: pa.Table) -> pa.Table:
    """Give each text its own place in memory."""
    import pyarrow as pa

    for n, field in enumerate(table.schema):
        if _of_texts(field.type):
            plain = table.column(n).cast(field.type.value_type)
            table = table.set_column(
                n, pa.field(field.name, plain.type, field.nullable, field.metadata), plain
            )
    return table


def _of_texts(of: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(
        pa.types.is_dictionary(of)
        and (
            pa.types.is_string(of.value_type)
            or pa.types.is_large_string(of.value_type)
            or pa.types.is_binary(of.value_type)
            or pa.types.is_large_binary(of.value_type)
        )
    )
