"""Parquet of strangers: what a footer promises is believed before it is read, and no further."""

import io
import tracemalloc

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dfbench.received.parquet import read_table


def parquet(table, **how):
    file = io.BytesIO()
    pq.write_table(table, file, **how)
    return file.getvalue()


def test_a_table_within_bounds_is_read():
    table = pa.table({"a": [1, 2, 3], "b": ["x", "y", "z"], "c": [0.5, 1.5, 2.5]})
    content = parquet(table)
    assert read_table(content, rows=3, values=9).equals(table)
    assert read_table(io.BytesIO(content), ["c", "absent"], rows=3, values=9).column_names == ["c"]


@pytest.mark.parametrize(
    ("rows", "values", "size", "what"),
    [(2, 9, None, "3 rows"), (3, 8, None, "9 values"), (3, 9, 10, "bytes")],
)
def test_a_larger_one_is_not(rows, values, size, what):
    content = parquet(pa.table({"a": [1, 2, 3], "b": ["x", "y", "z"], "c": [0.5, 1.5, 2.5]}))
    with pytest.raises(ValueError, match=f"too large: .*{what}"):
        read_table(content, rows=rows, values=values, size=size)


def test_millions_of_rows_in_a_small_file_take_no_memory():
    n = 5_000_000
    columns = {"image": pa.array(np.zeros(n, np.int64)).dictionary_encode(), "p": np.zeros(n)}
    content = parquet(pa.table(columns))
    assert len(content) < 100_000
    tracemalloc.start()
    before = pa.total_allocated_bytes()
    with pytest.raises(ValueError, match="5,000,000 rows, at most 60 are read"):
        read_table(content, rows=60, values=1000)
    assert pa.total_allocated_bytes() - before < 1 << 20
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" * 3, b"\0" * 1000])
def test_what_is_none_is_a_value_error(content):
    with pytest.raises(ValueError, match=r"."):
        read_table(content, rows=1, values=1)


def test_a_text_that_stands_once_in_the_file_is_not_spelt_out_in_every_row():
    rows = 3000
    once = pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), pa.array(["x" * (1 << 20)]))
    file = io.BytesIO()
    pq.write_table(pa.table({"a": once}), file, store_schema=False)
    assert len(file.getvalue()) < 1 << 20
    with pytest.raises(ValueError, match="too large: 3,145,728,000 bytes"):
        read_table(file.getvalue(), rows=rows, values=rows, size=64 << 20)


def test_columns_have_the_types_that_they_were_written_with():
    table = pa.table(
        {
            "text": ["a", None, "a"], "wide": pa.array(["b"] * 3, pa.large_string()),
            "bytes": [b"c"] * 3, "number": [1, 2, 3],
            "coded": pa.array(["d", "d", None]).dictionary_encode(),
        }
    )  # fmt: skip
    file = io.BytesIO()
    pq.write_table(table, file)
    found = read_table(file.getvalue(), rows=3, values=15)
    assert found.schema.types == table.schema.types
    assert found.to_pydict() == table.to_pydict()
