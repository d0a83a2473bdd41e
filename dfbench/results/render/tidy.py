"""All figures of a board in tidy form, as CSV and as Parquet: the same table in both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from dfbench.received.parquet import read_table
from dfbench.results.board.figures import COLUMNS
from dfbench.results.board.report import Figure
from dfbench.results.texts import csv_text

if TYPE_CHECKING:
    import pandas as pd

_TYPES = {
    "dataset": pa.string(), "row": pa.string(), "seed": pa.int64(), "split": pa.string(),
    "part": pa.string(), "metric": pa.string(), "value": pa.float64(), "low": pa.float64(),
    "high": pa.float64(), "spread": pa.float64(), "n": pa.int64(),
}  # fmt: skip
_MOST = 1 << 28
"""Lines, and bytes in memory, of the largest table that is read."""


def to_csv(figures: Sequence[Figure]) -> str:
    """Write figures as CSV (RFC 4180 with bare line feeds); an empty field has no value."""
    return csv_text(COLUMNS, (each.model_dump() for each in figures))


def to_table(figures: Sequence[Figure]) -> pa.Table:
    """Give figures as a table; what is not known is null."""
    columns = {
        name: pa.array([getattr(each, name) for each in figures], _TYPES[name]) for name in COLUMNS
    }
    return pa.table(columns)


def to_parquet(figures: Sequence[Figure]) -> bytes:
    """Write figures as Parquet; equal figures give equal bytes with the same pyarrow."""
    content = pa.BufferOutputStream()
    pq.write_table(to_table(figures), content)
    written: bytes = content.getvalue().to_pybytes()
    return written


def same_table(found: bytes, made: bytes) -> bool:
    """Whether a file holds the table of another, which `to_parquet` made here."""
    wanted = read_table(made, rows=_MOST, values=_MOST * len(COLUMNS), size=_MOST)
    try:
        table = read_table(found, rows=_MOST, values=_MOST * len(COLUMNS), size=_MOST)
    except ValueError:
        return False
    return bool(table.equals(wanted))


def to_frame(figures: Sequence[Figure]) -> pd.DataFrame:
    """Give figures as a pandas table: seeds and counts are Int64, which a gap leaves whole."""
    import pandas as pd

    frame = pd.DataFrame([each.model_dump() for each in figures], columns=list(COLUMNS))
    return frame.astype({"seed": "Int64", "n": "Int64", "value": "float64", "low": "float64",
                         "high": "float64", "spread": "float64"})  # fmt: skip
