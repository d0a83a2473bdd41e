"""Reading Parquet of others: a footer of some bytes may promise more rows than memory has room for.

What a footer promises is held against what is said before anything else is read.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    import pyarrow as pa


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
        The same of its bytes in memory, as the footer promises them; by default 64 a value and
        one MB.
    sums
        Whether its pages have checksums.

    Raises
    ------
    ValueError
        Where it is no Parquet, damaged or larger.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = pa.BufferReader(file) if isinstance(file, bytes) else file
    try:
        with pq.ParquetFile(source, page_checksum_verification=sums) as found:
            told = found.metadata
            _check(told.num_rows, rows, "rows")
            _check(max(told.num_rows, 1) * told.num_columns, values, "values")
            _check(_bytes(told), (1 << 20) + 64 * values if size is None else size, "bytes")
            names = [
                name for name in found.schema_arrow.names if columns is None or name in columns
            ]
            # one small file: threads take longer than the reading
            return found.read(names, use_threads=False)
    except (pa.ArrowException, OSError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(str(error) or type(error).__name__) from error


def _check(found: int, most: int, what: str) -> None:
    if found > most:
        raise ValueError(f"too large: {found:,} {what}, at most {most:,} are read")


def _bytes(told: pa.parquet.FileMetaData) -> int:
    groups = [told.row_group(n) for n in range(told.num_row_groups)]
    return sum(group.total_byte_size for group in groups)
