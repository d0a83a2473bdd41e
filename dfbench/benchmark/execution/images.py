"""The images of a part of the data, in a file of the run: written once, read by who needs them.

A job names the file. What is asked of it is read then and held by nobody, so that neither the main
process nor the way to a worker is filled by what many cells share.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dfbench.features.pipeline.shard import Keys, as_keys, raw
from dfbench.files import atomic_path, unwritable


@dataclass(frozen=True)
class Images:
    """One of the parts of the data that a cell works on; each property reads its column.

    Attributes
    ----------
    file
        A Parquet file, a line an image.
    n
        Number of images.
    """

    file: Path
    n: int

    def __len__(self) -> int:
        return self.n

    @property
    def keys(self) -> Keys:
        """SHA-256 of the image files, by which features are found."""
        return as_keys(self._column("key").to_numpy(zero_copy_only=False).astype("S32"))

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class numbers; -1 for images without a label."""
        # a copy, which can be written to
        return np.array(self._column("label").to_numpy(), dtype=np.int64)

    @property
    def paths(self) -> list[str]:
        """Relative to the root."""
        return self._texts("path")

    @property
    def groups(self) -> list[str]:
        """Names of groups (empty without)."""
        return self._texts("group")

    @property
    def kinds(self) -> list[str]:
        """Of fakes; "" for none."""
        return self._texts("kind")

    def taken(self, places: NDArray[np.intp]) -> Images:
        """Write some of the images, beside them."""
        return _written(self.file.parent, pq.read_table(self.file).take(pa.array(places)))

    def labelled(self, labels: NDArray[np.int64]) -> Images:
        """Write the same images with other labels, beside them."""
        table = pq.read_table(self.file)
        return _written(
            self.file.parent, table.set_column(1, "label", pa.array(labels, pa.int64()))
        )

    def _column(self, name: str) -> pa.ChunkedArray:
        return pq.read_table(self.file, columns=[name]).column(0)

    def _texts(self, name: str) -> list[str]:
        found: list[str] = self._column(name).to_pylist()
        return found


def write_images(
    folder: Path,
    keys: Sequence[str] | Keys,
    labels: NDArray[np.int64],
    paths: Sequence[str],
    groups: Sequence[str],
    kinds: Sequence[str],
) -> Images:
    """Write the images of a part, see `Images`; equal ones are one file.

    Raises
    ------
    OutputError
        Where the folder cannot be written.
    """
    columns = {
        "key": _as_arrow(as_keys(keys)),
        "label": pa.array(labels, pa.int64()),
        **{
            name: pa.array(texts, pa.string())
            for name, texts in (("path", paths), ("group", groups), ("kind", kinds))
        },
    }
    return _written(folder, pa.table(columns))


def _as_arrow(keys: Keys) -> pa.Array:
    buffers = [None, pa.py_buffer(raw(keys))]
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(32), len(keys), buffers)


def _written(folder: Path, table: pa.Table) -> Images:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    content = sink.getvalue()
    # whoever reads it may be in another folder
    file = folder.absolute() / f"{hashlib.sha256(content).hexdigest()[:16]}.parquet"
    if not file.exists():
        try:
            with atomic_path(file) as temporary:
                temporary.write_bytes(content)
        except OSError as error:
            raise unwritable(folder, error) from error
    return Images(file, len(table))
