"""Footers of Parquet files, read without the library that ends the process over some."""

from __future__ import annotations

import io
import random
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfbench.received.footers import chunks
from dfbench.received.parquet import read_table


def written(n: int = 40, **how: object) -> bytes:
    held = io.BytesIO()
    images = [{"bytes": bytes([i]) * 30, "path": f"{i}.png"} for i in range(n)]
    table = pa.table({
        "image": images,
        "label": pa.array(np.arange(n) % 2),
        "of": [f"text {i // 4}" for i in range(n)],
        "score": np.linspace(0, 1, n),
        **{f"c{i}": [True] * n for i in range(20)},
    })  # fmt: skip
    pq.write_table(table, held, row_group_size=15, **how)
    return held.getvalue()


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"compression": "none", "use_dictionary": False},
        {"compression": "zstd", "write_statistics": False},
        {"column_encoding": {"of": "DELTA_BYTE_ARRAY"}, "use_dictionary": ["label"]},
        {"write_page_index": True, "write_page_checksum": True},
    ],
)
def test_it_says_what_the_library_says(how: dict[str, object]) -> None:
    data = written(**how)
    told = pq.ParquetFile(io.BytesIO(data)).metadata
    found = chunks(io.BytesIO(data))
    assert len(found) == told.num_row_groups == 3
    for group, held in enumerate(found):
        theirs = told.row_group(group)
        assert len(held) == theirs.num_columns
        for n, each in enumerate(held):
            column = theirs.column(n)
            size = max(column.total_compressed_size, column.total_uncompressed_size)
            assert (each.path, each.size) == (column.path_in_schema, size)
            assert each.encodings == set(column.encodings)


@given(st.integers(0, 2000), st.integers(0, 255))
def test_any_byte_may_be_wrong(at: int, byte: int) -> None:
    data = bytearray(written(8))
    data[-1 - at % len(data)] = byte
    with suppress(ValueError):
        chunks(io.BytesIO(bytes(data)))


@pytest.mark.parametrize(
    "data", [b"", b"PAR1", b"PAR1PAR1", b"x" * 20, b"PAR1" + b"\xff" * 8 + b"\x08\0\0\0PAR1"]
)
def test_what_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="damaged"):
        chunks(io.BytesIO(data))


def test_no_footer_ends_the_process(tmp_path: Path) -> None:
    """Bytes of a footer are changed, and the files read in a process of their own."""
    images = [{"bytes": bytes([n]) * 20, "path": f"{n}.png"} for n in range(9)]
    kinds = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    table = pa.table({"image": pa.array(images, kinds), "label": [0, 1, 0] * 3})
    pq.write_table(table, tmp_path / "whole", row_group_size=3)
    whole = (tmp_path / "whole").read_bytes()
    (tmp_path / "whole").unlink()
    length = int.from_bytes(whole[-8:-4], "little")
    rng = random.Random(0)
    # the library that is read with ended the process over the first two
    changed = [(964, 17), (1007, 38)]
    changed += [(len(whole) - 9 - rng.randrange(length), rng.randrange(256)) for _ in range(100)]
    for number, (at, byte) in enumerate(changed):
        data = bytearray(whole)
        data[at] = byte
        (tmp_path / f"{number}.parquet").write_bytes(data)
    code = f"""
from pathlib import Path
from dfbench.received.containers import places
from dfbench.received.parquet import read_table
for path in sorted(Path({str(tmp_path)!r}).iterdir()):
    try:
        held = places.below(path)
        for name in held.names if held else ():
            places.read_bytes(path / name, most=1 << 20)
    except OSError:
        pass
    try:
        read_table(path.read_bytes(), rows=1000, values=100_000)
    except ValueError:
        pass
print("all")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "all\n"), done.stderr[-2000:]


def test_texts_in_another_form_are_refused() -> None:
    data = written(column_encoding={"of": "DELTA_BYTE_ARRAY"}, use_dictionary=False)
    with pytest.raises(ValueError, match="encoded as DELTA_BYTE_ARRAY"):
        read_table(data, rows=1000, values=100_000)
