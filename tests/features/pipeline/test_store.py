"""Tables of shards: whole or not at all, damage noticed, several writers, rows like an array."""

from __future__ import annotations

import errno
import hashlib
import json
import multiprocessing
import os
import pickle
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from dfbench.errors import DataError, OutputError
from dfbench.features.pipeline import shard
from dfbench.features.pipeline import table as tables
from dfbench.features.pipeline.place import Folder, Handle
from dfbench.features.pipeline.store import StoredRows, _Column, load_features
from dfbench.features.pipeline.table import Table

IDENTITY = {"extractor": "made", "version": 1}


def key(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def value(number: int, width: int = 5) -> np.ndarray:
    return np.arange(number, number + width, dtype=np.float32)


def put(numbers: range, identity: dict = IDENTITY, width: int = 5) -> None:
    with Table(identity) as table:
        table.put([(key(n), value(n, width).tobytes(), n / 10) for n in numbers])


def folder() -> Path:
    return Path(str(Table(IDENTITY).place))


def shards() -> list[Path]:
    return sorted(folder().glob("*.safetensors"))


def test_what_is_put_is_found() -> None:
    put(range(4))
    with Table(IDENTITY) as table:
        assert table.missing([key(n) for n in (0, 9, 3)]).tolist() == [False, True, False]
        assert table.get([key(2), key(7)]) == [value(2).tobytes(), None]
        assert table.value_length() == 20
        assert table.seconds([key(n) for n in (0, 1, 3, 8)]) == pytest.approx(0.1)
        table.put([(key(7), value(7).tobytes(), 0.7)])
        assert not table.missing([key(7)]).any(), "what waits to be written is there too"
    assert (load_features(IDENTITY, [key(7), key(0)]) == [value(7), value(0)]).all()


def test_texts_and_empty_values() -> None:
    texts = [b"", b"cannot be read", b"", b"no"]
    with Table(IDENTITY) as table:
        table.put([(key(n), text, 0.0) for n, text in enumerate(texts)])
    with Table(IDENTITY) as table:
        assert table.get([key(n) for n in range(5)]) == [*texts, None]


def test_keys_may_end_in_zeros() -> None:
    keys = ["ab" * 31 + "00", "ab" * 30 + "0000", "00" * 32]
    with Table(IDENTITY) as table:
        table.put([(each, value(n).tobytes(), 0.0) for n, each in enumerate(keys)])
    assert load_features(IDENTITY, keys)[:, 0].tolist() == [0, 1, 2]


def test_a_shard_is_a_safetensors_file() -> None:
    put(range(3))
    [path] = shards()
    found = load_file(path)
    assert found["keys"].tobytes().hex() == "".join(key(n) for n in range(3))
    assert found["values"].tobytes() == b"".join(value(n).tobytes() for n in range(3))
    assert found["lengths"].tolist() == [20, 20, 20]
    assert found["seconds"].tolist() == [0.0, 0.1, 0.2]


@pytest.mark.parametrize("n", [10**12, 10**30, -5, True, None, "1"])
@pytest.mark.parametrize("which", ["keys", "values"])
def test_a_header_that_counts_what_is_not_there_is_damage(
    tmp_path: Path, n: object, which: str
) -> None:
    shape = {"keys": {"shape": [1]}, "values": {"shape": [1]}} | {which: {"shape": [n]}}
    head = json.dumps(shape).encode()
    for content in (
        len(head).to_bytes(8, "little") + head + bytes(2000),
        (1 << 40).to_bytes(8, "little") + bytes(2000),
        # as large as it says, were there rows of fewer than no bytes
        (size := 8 + len(head)).to_bytes(8, "little") + head + bytes(size),
    ):
        (tmp_path / "a.safetensors").write_bytes(content)
        assert shard.read(Folder(tmp_path), "a.safetensors") is None


def test_rows_of_a_shard_have_the_bytes_that_it_has(tmp_path: Path) -> None:
    keys = shard.as_keys([key(1), key(2)])
    lengths = np.array([-3, 8], np.int64)
    seconds, sums = np.zeros(2), np.zeros(2, np.uint32)
    name = shard.write(Folder(tmp_path), keys, seconds, sums, lengths, [bytes(5)])
    assert shard.read(Folder(tmp_path), name) is None


def test_small_shards_are_written_together() -> None:
    for start in range(0, 12, 3):
        put(range(start, start + 3))
    [path] = shards()
    assert len(load_file(path)["seconds"]) == 12
    assert (load_features(IDENTITY, [key(n) for n in range(12)])[:, 0] == range(12)).all()


def test_a_reader_of_shards_that_were_written_together_finds_them_again() -> None:
    put(range(3))
    rows = StoredRows([IDENTITY], [key(n) for n in range(3)])
    again = pickle.loads(pickle.dumps(rows))
    again[:1]
    put(range(3, 6))
    assert (rows[:] == [value(n) for n in range(3)]).all()
    assert (again[:] == [value(n) for n in range(3)]).all()


def test_what_a_dead_writer_left_is_no_shard() -> None:
    put(range(3))
    torn = folder() / f".{shards()[0].name}.x.part"
    torn.write_bytes(shards()[0].read_bytes()[:50])
    assert not Table(IDENTITY).missing([key(n) for n in range(3)]).any()
    assert torn.exists()
    long_ago = time.time() - 1e6
    os.utime(torn, (long_ago, long_ago))
    Table(IDENTITY).missing([key(0)])
    assert not torn.exists()


@pytest.mark.parametrize("damage", ["cut", "noise", "index", "empty"])
def test_a_damaged_shard_is_as_if_it_were_not_there(damage: str) -> None:
    put(range(300))
    [path] = shards()
    data = bytearray(path.read_bytes())
    if damage == "cut":
        data = data[:-7]
    elif damage == "noise":
        data = bytearray(b"this is no shard" * 100)
    elif damage == "index":
        data[2000] ^= 1
    else:
        data = bytearray()
    path.write_bytes(data)
    with Table(IDENTITY) as table:
        assert table.missing([key(n) for n in range(300)]).all()
    put(range(300))
    assert len(load_features(IDENTITY, [key(n) for n in range(300)])) == 300


def test_a_damaged_row_is_noticed_and_forgotten_alone() -> None:
    put(range(300))
    [path] = shards()
    data = bytearray(path.read_bytes())
    data[-20 * 100] ^= 1
    path.write_bytes(data)
    keys = [key(n) for n in range(300)]
    rows = StoredRows([IDENTITY], keys)
    assert (rows[:100][:, 0] == range(100)).all(), "others can be read"
    with pytest.raises(DataError, match=r"damaged.*run again"):
        rows[:]
    with Table(IDENTITY) as table:
        assert np.flatnonzero(table.missing(keys)).tolist() == [200]
    with pytest.raises(KeyError, match="1 of 300"):
        load_features(IDENTITY, keys)
    put(range(200, 201))
    assert (load_features(IDENTITY, keys)[:, 0] == range(300)).all()


def test_the_file_of_before_goes() -> None:
    old = folder().with_name(f"{folder().name}.sqlite")
    old.parent.mkdir(parents=True)
    old.write_bytes(b"")
    Table(IDENTITY).missing([key(1)])
    assert old.exists(), "nothing was written yet"
    put(range(1))
    assert not old.exists()


def test_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    folder().parent.mkdir(parents=True)
    folder().write_text("a file")
    with pytest.raises(OutputError):
        put(range(1))


def _write(cache: str, first: int) -> None:
    os.environ["DFBENCH_CACHE"] = cache
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "_FLUSH_ROWS", 8)
        patch.setattr(tables, "_MANY", 4)
        _put_often(first)


def _put_often(first: int) -> None:
    for start in range(first, first + 400, 100):
        with Table(IDENTITY) as table:
            for at in range(start, start + 100, 4):
                table.put([(key(n), value(n).tobytes(), 0.0) for n in range(at, at + 4)])


def test_two_processes_write_one_table_at_once() -> None:
    cache = os.environ["DFBENCH_CACHE"]
    other = multiprocessing.get_context("spawn").Process(target=_write, args=(cache, 200))
    other.start()
    while not folder().is_dir() and other.is_alive():
        time.sleep(0.01)
    _write(cache, 0)
    other.join()
    assert other.exitcode == 0
    assert (load_features(IDENTITY, [key(n) for n in range(600)])[:, 0] == range(600)).all()
    put(range(600, 601))
    [path] = shards()
    assert len(load_file(path)["seconds"]) == 601, "each row once"


OTHER = {"extractor": "other"}
NUMBERS = st.lists(st.integers(0, 59), max_size=12)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, StoredRows, np.ndarray]:
    """Two tables of several shards side by side, rows in another order, and the same in memory."""
    cache = str(tmp_path_factory.mktemp("cache"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DFBENCH_CACHE", cache)
        patch.setattr(tables, "_SMALL", 0)
        for start in range(0, 50, 7):
            put(range(start, start + 7))
            put(range(start, start + 7), OTHER, width=2)
        order = [*np.random.default_rng(0).permutation(50).tolist(), *range(10)]
        rows = StoredRows([IDENTITY, OTHER], [key(n) for n in order])
    return cache, rows, np.stack([np.hstack([value(n), value(n, 2)]) for n in order])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    asked=st.one_of(
        st.slices(60),
        NUMBERS.map(lambda its: np.array(its, np.int64)),
        NUMBERS.map(lambda its: np.array(its, np.int64) - 60),
        st.lists(st.booleans(), min_size=60, max_size=60).map(np.array),
    )
)
def test_rows_are_asked_for_like_those_of_an_array(stored, monkeypatch, asked) -> None:
    cache, rows, array = stored
    monkeypatch.setenv("DFBENCH_CACHE", cache)
    found = rows[asked]
    np.testing.assert_array_equal(found, array[asked])
    assert found.flags.writeable
    assert found.dtype == np.float32


def test_rows_are_as_an_array(stored, monkeypatch) -> None:
    cache, rows, array = stored
    monkeypatch.setenv("DFBENCH_CACHE", cache)
    assert (rows.shape, len(rows), rows.widths) == ((60, 7), 60, (5, 2))
    np.testing.assert_array_equal(np.asarray(rows), array)
    for asked in (np.array([60]), np.array([-61]), np.ones(3, bool), np.array([0.5])):
        with pytest.raises(IndexError):
            rows[asked]


def test_rows_of_images() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 3, 3, 3), dtype=np.uint8)
    with Table(IDENTITY) as table:
        table.put([(key(n), each.tobytes(), 0.0) for n, each in enumerate(pixels)])
    rows = StoredRows([IDENTITY], [key(n) for n in range(4)], "uint8", (3, 3, 3))
    assert rows.shape == (4, 3, 3, 3)
    np.testing.assert_array_equal(rows[np.array([2, 0])], pixels[[2, 0]])


def test_a_store_may_lie_where_fsspec_reaches(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fsspec")
    monkeypatch.setenv("DFBENCH_CACHE", "memory://dfbench-test")
    assert Table(IDENTITY).missing([key(1)]).all()
    put(range(3))
    put(range(3, 6))
    assert (load_features(IDENTITY, [key(n) for n in range(6)])[:, 0] == range(6)).all()
    assert len([n for n in Table(IDENTITY).place.names() if n.endswith(".safetensors")]) == 1


# --- what others do meanwhile, and what breaks -----------------------------------------------


def test_shards_that_are_written_together_while_they_are_listed(monkeypatch) -> None:
    put(range(3))
    true, todo = Folder.names, [range(3, 6)]

    def names(self: Folder) -> list[str]:
        found = true(self)
        if todo:
            put(todo.pop())  # and so what was listed goes
        return found

    monkeypatch.setattr(Folder, "names", names)
    assert not Table(IDENTITY).missing([key(n) for n in range(3)]).any()


def test_shards_that_are_written_together_again_and_again(monkeypatch) -> None:
    put(range(3))
    rows = StoredRows([IDENTITY], [key(n) for n in range(3)])
    put(range(3, 6))
    true, todo = _Column._look_again, [range(6, 9), range(9, 12)]

    def look_again(self: _Column) -> None:
        true(self)
        if todo:
            put(todo.pop())

    monkeypatch.setattr(_Column, "_look_again", look_again)
    assert (rows[:] == [value(n) for n in range(3)]).all()
    assert not todo


def test_a_shard_that_cannot_be_opened_now_stays(monkeypatch) -> None:
    put(range(3))

    def refused(self: Folder, name: str) -> Handle:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "open", refused)
        with pytest.raises(OutputError, match="Too many open files"):
            Table(IDENTITY).missing([key(0)])
    assert not Table(IDENTITY).missing([key(n) for n in range(3)]).any()


def test_a_disk_that_is_too_full_to_write_shards_together_loses_nothing(monkeypatch) -> None:
    put(range(3))
    with Table(IDENTITY) as table:
        table.put([(key(3), value(3).tobytes(), 0.0)])
        table.flush()
        monkeypatch.setattr(shard.Shard, "pieces", lambda *_: _full())
    assert not Table(IDENTITY).missing([key(n) for n in range(4)]).any()
    assert len(shards()) == 2


def _full() -> Iterator[tuple[int, bytes]]:
    raise OSError(errno.ENOSPC, "No space left on device")
    yield


def test_rows_whose_store_was_removed_say_so() -> None:
    put(range(3))
    rows = StoredRows([IDENTITY], [key(n) for n in range(3)])
    shutil.rmtree(folder())
    with pytest.raises(DataError, match=r"are gone.*run again"):
        rows[:]


def test_values_of_unlike_lengths_are_named() -> None:
    put(range(3))
    put(range(3, 6), width=6)
    with pytest.raises(DataError, match="unlike lengths"):
        load_features(IDENTITY, [key(0)])


class Held(Folder):
    """One file in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def size(self, name: str) -> int:
        return len(self.data)

    def open(self, name: str) -> Any:
        return self

    def read(self, start: int, length: int) -> bytes:
        return self.data[start : start + length]

    def close(self) -> None:
        pass


def test_no_flipped_bit_of_a_header_is_believed() -> None:
    put(range(3))
    [path] = shards()
    data = path.read_bytes()
    for at in range(8 + int.from_bytes(data[:8], "little")):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[at] ^= 1 << bit
            found = shard.read(Held(bytes(damaged)), "")
            # blanks between the tokens may be others
            assert found is None or found.keys.tobytes().hex() == "".join(map(key, range(3)))


@pytest.mark.parametrize("url", ["nonsense://bucket/folder", "s3://bucket/folder"])
def test_a_url_that_leads_nowhere(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    pytest.importorskip("fsspec")
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.setenv("DFBENCH_CACHE", url)
    with pytest.raises(OutputError, match="no place that fsspec reaches"):
        Table(IDENTITY)


def test_what_a_place_elsewhere_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = pytest.importorskip("fsspec.implementations.memory")
    monkeypatch.setenv("DFBENCH_CACHE", "memory://")
    put(range(3), {"extractor": "refused"})

    def refused(*_: object, **__: object) -> None:
        raise RuntimeError("no credentials")

    monkeypatch.setattr(memory.MemoryFileSystem, "_open", refused)
    with pytest.raises(OutputError, match="RuntimeError: no credentials"):
        put(range(3, 6), {"extractor": "refused"})
