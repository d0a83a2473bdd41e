"""Kernels on disk: found again, never unpickled, never believed where they are damaged."""

import os

import numpy as np
import pytest
from numba import int64, types

from dfbench import compiled
from dfbench.jit import kernel

FACTOR = 3
TABLE = np.arange(5)


@kernel
def _inner(value):
    return value * FACTOR


def outer(rows, out):
    for i in range(len(rows)):
        out[i] = _inner(rows[i]) + TABLE[i % 5]
    return len(rows), rows.sum()


ROWS = np.arange(6)
EXPECTED = [0, 4, 8, 12, 16, 15]


def ran(function=outer):
    """Call a fresh kernel; give what it came to, and how often it was found on disk."""
    made = kernel(function)
    out = np.zeros(6, np.int64)
    returned = made(ROWS, out)
    return (returned, out.tolist()), sum(made._cache_hits.values())


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DFBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DFBENCH_KERNELS")
    return tmp_path / "cache" / "kernels"


def kept(folder):
    return next(path for path in folder.iterdir() if path.name.startswith("outer"))


def test_a_kernel_is_compiled_once(cache):
    assert ran() == (((6, 15), EXPECTED), 0)
    assert ran() == (((6, 15), EXPECTED), 1)
    assert not list(cache.glob(".*"))


def test_another_value_that_it_takes_as_given_is_another_kernel(monkeypatch):
    ran()
    monkeypatch.setitem(outer.__globals__, "TABLE", TABLE + 1)
    (_, out), hits = ran()
    assert out == [each + 1 for each in EXPECTED]
    assert hits == 0


def test_another_value_of_a_kernel_that_it_calls_is_another_kernel(monkeypatch):
    first = set(compiled._made_of(outer, set()))
    monkeypatch.setitem(outer.__globals__, "FACTOR", 4)
    assert set(compiled._made_of(outer, set())) != first


def test_no_flipped_bit_is_run(cache):
    ran()
    content = kept(cache).read_bytes()
    rng = np.random.default_rng(0)
    for at in [0, 300, *rng.integers(0, len(content) * 8, 10).tolist()]:
        flipped = bytearray(content)
        flipped[at // 8] ^= 1 << at % 8
        kept(cache).write_bytes(flipped)
        assert ran() == (((6, 15), EXPECTED), 0)
        assert ran() == (((6, 15), EXPECTED), 1)  # written anew


@pytest.mark.skipif(os.name == "nt", reason="rights are not told by bits there")
@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_what_others_may_have_written_is_not_run(cache, mode):
    ran()
    assert cache.stat().st_mode & 0o777 == 0o700
    assert kept(cache).stat().st_mode & 0o777 == 0o600
    cache.chmod(mode)
    assert ran() == (((6, 15), EXPECTED), 0)
    assert ran()[1] == 1  # in a folder that is the user's alone again
    kept(cache).chmod(mode)
    assert ran() == (((6, 15), EXPECTED), 0)
    assert ran()[1] == 1


@pytest.mark.skipif(os.name == "nt", reason="there are no such users there")
def test_what_is_of_another_user_is_not_run(cache, monkeypatch):
    ran()
    found = cache.stat()
    monkeypatch.setattr(
        compiled.Path,
        "lstat",
        lambda _: os.stat_result((found.st_mode, 0, 0, 1, os.geteuid() + 1, 0, 0, 0, 0, 0)),
    )
    assert not compiled._is_own(cache)
    assert ran() == (((6, 15), EXPECTED), 0)


def test_what_a_link_leads_to_is_not_run(cache, tmp_path):
    ran()
    cache.rename(tmp_path / "elsewhere")
    cache.symlink_to(tmp_path / "elsewhere")
    assert ran() == (((6, 15), EXPECTED), 0)


def test_nothing_is_kept_where_nothing_can_be(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DFBENCH_CACHE", str(tmp_path / "file"))
    assert ran() == (((6, 15), EXPECTED), 0)
    assert ran()[1] == 0


@pytest.mark.parametrize(
    "kind",
    [
        types.none,
        types.float32,
        types.boolean,
        types.UniTuple(int64, 2),
        types.Tuple((int64, types.Tuple((types.float64, types.boolean)))),
    ],
    ids=str,
)
def test_types_come_back(kind):
    assert compiled._type_of(compiled._type_told(kind)) == kind


@pytest.mark.parametrize("kind", [types.DictType(int64, int64), types.Array(int64, 1, "C")])
def test_what_numba_would_unpickle_is_not_kept(kind):
    with pytest.raises(compiled._UnknownError):
        compiled._type_told(kind)
