"""The cache's commands: what is there, what may go, what is damaged."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from dfbench.cache.pieces import pieces_of
from dfbench.cache.pruning import parse_age, parse_size
from dfbench.cli import app
from dfbench.errors import ParameterError
from dfbench.features.pipeline.table import Table
from dfbench.files import cache_dir, keep_known
from dfbench.suites.generated.builtin import ensure_builtin

IDENTITY = {"extractor": "hsv", "params": {"bins": 8}}
KEYS = [f"{n:064x}" for n in range(20)]


@pytest.fixture
def cache(tmp_path):
    with Table(IDENTITY) as table:
        table.put((key, np.full(4, n, np.float32).tobytes(), 0.1) for n, key in enumerate(KEYS))
    ensure_builtin("leaves-binary", size=0.02)
    keep_known(cache_dir() / "unreadable" / "0123456789abcdef.json", {"a": "truncated"})
    (cache_dir() / "mine.txt").write_text("mine")
    (cache_dir() / "features" / "notes").mkdir()
    (cache_dir() / "features" / "notes" / "mine.txt").write_text("mine")
    return cache_dir()


def run(*words, status=0):
    done = CliRunner().invoke(app, ["cache", *words])
    assert done.exit_code == status, done.output
    return done.output


def mine(cache):
    return (cache / "mine.txt").exists() and (cache / "features" / "notes" / "mine.txt").exists()


def aged(path, days):
    for each in [path, *path.rglob("*")]:
        os.utime(each, (time.time() - days * 86_400,) * 2)


def test_info_tells_what_is_there(cache):
    said = run("info")
    for each in (str(cache), "hsv[bins=8]", "built-in data sets", "unreadable images", "mine.txt"):
        assert each in said.replace("\n", "")
    assert len(pieces_of(cache)) == 3


def test_a_cache_that_is_not_there():
    assert "there is none yet" in run("info").replace("\n", "")
    assert "there is nothing" in run("verify")
    assert "removed: 0 files, 0 B" in run("prune", "--all")
    assert not cache_dir().exists() or list(cache_dir().iterdir()) == []


def test_what_was_not_used_for_long_goes(cache):
    folder = next(piece.path for piece in pieces_of(cache) if piece.kind == "features")
    aged(folder, 40)
    assert "would be removed: 2 files, " in run("prune", "--older-than", "30d", "--dry-run")
    assert folder.is_dir()
    assert folder.name in run("prune", "--older-than", "30d").replace("\n", "")
    assert not folder.exists()
    assert len(pieces_of(cache)) == 2
    assert mine(cache)


def test_the_least_recently_used_goes_until_the_rest_is_small(cache):
    pieces = {piece.kind: piece for piece in pieces_of(cache)}
    aged(pieces["builtin"].path, 3)
    aged(pieces["features"].path, 1)
    run("prune", "--max-size", str(pieces["features"].bytes + pieces["unreadable"].bytes))
    assert {piece.kind for piece in pieces_of(cache)} == {"features", "unreadable"}


def test_all_of_it_goes_and_nothing_else(cache):
    run("prune", "--all")
    assert pieces_of(cache) == []
    assert mine(cache)


def test_what_a_kill_left_goes_once_it_is_old(cache):
    left = cache / "builtin" / ".leaves-binary.abc.part"
    left.mkdir()
    (left / "image").write_bytes(b"1")
    run("prune", "--older-than", "9w")
    assert left.exists()
    aged(left, 2)
    run("prune", "--older-than", "9w")
    assert not left.exists()


def test_making_room_must_be_told_how_much(cache):
    assert "say what: --older-than, --max-size or --all" in run("prune", status=2)
    assert len(pieces_of(cache)) == 3


def test_what_goes_is_told_as_it_is_in_info(cache):
    for n in range(12):
        kernel = cache / "kernels" / f"f-{n:032x}.code"
        kernel.parent.mkdir(exist_ok=True)
        kernel.write_bytes(b"1" * 100)
    said = run("prune", "--all", "--dry-run").splitlines()
    assert "compiled kernels: 12 files, 1.2 KB" in said
    assert sum("kernels" in line for line in said) == 1
    assert sum(line.count("features") for line in said) == 1
    files, *size = next(line for line in run("info").splitlines() if "all " in line).split()[1:4]
    assert said[-1] == f"would be removed: {files} files, {' '.join(size)}"


def test_links_are_never_followed(cache, tmp_path):
    outside = tmp_path / "outside"
    (outside / "hsv-0123456789abcdef").mkdir(parents=True)
    (outside / "hsv-0123456789abcdef" / "a").write_text("mine")
    (cache / "features" / "lbp-0123456789abcdef").symlink_to(outside / "hsv-0123456789abcdef")
    (cache / "kernels").symlink_to(outside)
    run("prune", "--all")
    assert (outside / "hsv-0123456789abcdef" / "a").exists()


USES = [
    "from dfbench.files import use_cache; use_cache()",
    # a run reads and writes it from the moment on that it looks at files
    "from dfbench.suites.datasets.facts import facts_of; facts_of(Path.cwd(), [], [])",
]


@pytest.mark.parametrize("use", USES)
def test_nothing_goes_while_a_run_uses_it(cache, use):
    code = f"import sys; from pathlib import Path; {use}; print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as user:
        user.stdout.readline()
        assert "in use by a run" in run("prune", "--all", status=2).replace("\n", " ")
        assert len(pieces_of(cache)) == 3
        user.stdin.close()
    run("prune", "--all")
    assert pieces_of(cache) == []


def test_damaged_pieces_are_named_and_removed(cache):
    assert "all is sound" in run("verify")
    shard = next(cache.glob("features/hsv-*/*.safetensors"))
    image = next(cache.glob("builtin/*/images/*/*/*"))
    known = cache / "unreadable" / "0123456789abcdef.json"
    for path in (shard, image, known):
        content = bytearray(path.read_bytes())
        content[-9] ^= 4
        path.write_bytes(content)
    said = run("verify", "--dry-run", status=1)
    assert "1 of 20 rows" in said
    assert shard.exists()
    said = run("verify", status=1).replace("\n", "")
    assert all(each in said for each in (shard.name, "builtin/leaves-binary", known.name))
    assert "all is sound" in run("verify")
    with Table(IDENTITY) as table:  # the sound rows are still there
        assert table.missing(KEYS).sum() == 1
    assert not known.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_cache_that_cannot_be_written_is_told_of(cache):
    known = cache / "unreadable" / "0123456789abcdef.json"
    known.write_text("{}")
    known.parent.chmod(0o500)
    try:
        assert "left there" in run("verify", status=1)
    finally:
        known.parent.chmod(0o700)


def test_features_in_a_bucket_are_left_alone(monkeypatch):
    monkeypatch.setenv("DFBENCH_CACHE", "memory://features")
    monkeypatch.setenv("XDG_CACHE_HOME", str(Path("nowhere").absolute()))
    for words in (("info",), ("verify",), ("prune", "--all")):
        assert "features lie at memory://features" in run(*words)


def test_ages_and_sizes_are_read():
    assert parse_age("30d") == 30 * 86_400
    assert parse_age("1.5h") == 5400
    assert parse_size("10GB") == 10**10
    assert parse_size("500") == 500
    for text in ("", "d", "-1d", "1y", "9" * 30 + "d", "inf"):
        with pytest.raises(ParameterError):
            parse_age(text)
    for text in ("", "GB", "-1", "1 XB", "nan"):
        with pytest.raises(ParameterError):
            parse_size(text)
