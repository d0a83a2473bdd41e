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


def repeated(n, size, **others):
    """Make a table in which one text stands n times: the file holds it once."""
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), pa.array(["x" * size]))
    table = pa.table({"image": text, "p": np.zeros(n), **others})
    return parquet(table, store_schema=False, dictionary_pagesize_limit=1 << 30)


def test_a_text_that_is_repeated_is_counted_before_it_has_room():
    content = repeated(1500, 1 << 20)
    assert len(content) < 100_000
    pool, usual = pa.proxy_memory_pool(pa.default_memory_pool()), pa.default_memory_pool()
    pa.set_memory_pool(pool)
    with pytest.raises(ValueError, match=r"too large: 1,572,\d+,\d+ bytes, at most 10,000,000"):
        read_table(content, rows=1500, values=3000, size=10_000_000)
    pa.set_memory_pool(usual)
    assert 1 << 20 <= pool.max_memory() < 64 << 20
    with pytest.raises(ValueError, match=r"too large: .* bytes"):
        read_table(content, rows=1500, values=3000)


def test_texts_come_back_as_they_were_written():
    texts = ["a", None, "", "a", "\u00e9" * 30] * 50
    table = pa.table({"a": texts, "b": pa.array([None] * 250, pa.string()), "c": np.arange(250)})
    for how in ({}, {"use_dictionary": False}, {"row_group_size": 70}, {"store_schema": False}):
        assert read_table(parquet(table, **how), rows=250, values=750).equals(table)
    empty = table.slice(0, 0)
    assert read_table(parquet(empty), rows=250, values=750).equals(empty)


def test_texts_that_build_on_each_other_and_lists_are_not_read():
    table = pa.table({"a": ["x" * 5000] * 100})
    content = parquet(table, use_dictionary=False, column_encoding={"a": "DELTA_BYTE_ARRAY"})
    with pytest.raises(ValueError, match="a is encoded as DELTA_BYTE_ARRAY"):
        read_table(content, rows=100, values=100)
    with pytest.raises(ValueError, match="has lists"):
        read_table(parquet(pa.table({"a": [[0] * 100_000]})), rows=1, values=1)
