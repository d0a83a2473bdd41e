"""``dfbench data fetch``: from a hub to a leaderboard, with its commit in the record."""

from __future__ import annotations

import hashlib
import io
import shutil
from collections import namedtuple
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from dfbench.cli import app
from dfbench.errors import CardError, DataError, DfbenchError, OutputError, UnavailableError
from dfbench.hub import fetching
from dfbench.hub.fetching import FOLDER, fetch
from dfbench.hub.repository import File, Repository, _why_not
from dfbench.results.records.folder import ResultsFolder
from dfbench.suites.datasets import origins
from dfbench.suites.datasets.loading import load_dataset
from dfbench.suites.datasets.origins import Origin, origin_of, read_origin
from tests.suites.datasets.cards.test_public import MINI, build

NAME = "hf:faces/tiny"
SUITE = """
name = "tiny"
figures = []
[budget]
trials = 1
[[rows]]
features = ["hsv"]
models = ["knn"]
"""


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    return result.exit_code, result.stdout, " ".join(result.stderr.split())


def content(folder: Path) -> dict[str, bytes]:
    files = (each for each in folder.rglob("*") if each.is_file() and each.name != origins.FILE)
    return {each.relative_to(folder).as_posix(): each.read_bytes() for each in files}


def test_from_the_hub_to_a_leaderboard(
    hub: Any, images: dict[str, bytes], tmp_path: Path, in_process: None
) -> None:
    commit = hub.commit(images)
    to = tmp_path / "tiny"
    status, said, _ = run("data", "fetch", NAME, "--to", to)
    assert status == 0
    assert f"20 files, 0.1 MB, 20 of them new: {to}" in said
    assert f"revision: {commit}" in said
    assert content(to) == images
    (tmp_path / "tiny.toml").write_text(SUITE)
    out = tmp_path / "out"
    status, said, _ = run("run", "-s", tmp_path / "tiny.toml", "--data", to, "--out", out)
    assert status == 0, said
    assert "hsv/knn" in said
    [command] = ResultsFolder(out).read_provenance()
    assert command.again is not None
    [noted] = command.again.data
    assert noted.origin.startswith(f"hf:faces/tiny@{commit}")
    assert f"hf:faces/tiny@{commit}" in (out / "leaderboard.html").read_text()


@pytest.mark.skipif(
    find_spec("dfbench.received.containers") is None, reason="shards are not read by this version"
)
def test_shards_as_the_hub_has_them(hub: Any, images: dict[str, bytes], tmp_path: Path) -> None:
    shards = {}
    for split in ("train", "test"):
        names = [name for name in images if f"/{split}/" in name]
        table = pa.table(
            {
                "image": [{"bytes": images[name], "path": Path(name).name} for name in names],
                "label": [int("/fake/" in name) for name in names],
            }
        )
        shard = io.BytesIO()
        pq.write_table(table, shard)
        shards[f"data/{split}-00000-of-00001.parquet"] = shard.getvalue()
    commit = hub.commit(shards)
    fetch(NAME, tmp_path / "to")
    data = load_dataset(tmp_path / "to")
    assert data.manifest.groupby("split").size().to_dict() == {"test": 6, "train": 12}
    assert f"hf:faces/tiny@{commit}" in origin_of(data.root)


def test_a_second_fetch_fetches_nothing(hub: Any, images: dict[str, bytes], tmp_path: Path) -> None:
    hub.commit(images)
    fetch(NAME, tmp_path / "to")
    hub.asked.clear()
    assert fetch(NAME, tmp_path / "to").new == 0
    assert hub.content() == []


def test_an_interrupted_fetch_goes_on(
    hub: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also within a file, and at the commit that it was begun at."""
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    large = bytes(range(256)) * 50_000  # the library writes 10 MB at a time
    files = {"a.png": b"first", "b.bin": large, "large.png": large[::-1]}
    commit = hub.commit(files)
    hub.cut = {"large.png": 12_000_000}
    with pytest.raises(
        UnavailableError, match=r"large\.png: the connection to 127\.0\.0\.1:\d+ broke"
    ):
        fetch(NAME, tmp_path / "to")
    assert read_origin(tmp_path / "to") is None
    assert "large.png" not in content(tmp_path / "to")
    hub.commit({**files, "a.png": b"another"})  # the branch goes on meanwhile
    hub.cut = {}
    hub.asked.clear()
    fetched = fetch(NAME, tmp_path / "to")
    assert fetched.continued
    assert fetched.origin.revision == commit
    assert content(tmp_path / "to") == files
    [how] = {how for kind, path, how in hub.asked if path.endswith("large.png") and kind == "GET"}
    assert int(how.removeprefix("bytes=").partition("-")[0]) >= 10_000_000
    assert not (tmp_path / "to" / FOLDER).exists()


def test_a_killed_fetch_leaves_what_is_whole(
    hub: Any, images: dict[str, bytes], tmp_path: Path
) -> None:
    hub.commit(images)

    def stop(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(NAME, tmp_path / "to", progress=stop)
    there = {name: its for name, its in content(tmp_path / "to").items() if FOLDER not in name}
    assert len(there) == 5
    assert all(images[name] == its for name, its in there.items())
    hub.asked.clear()
    assert fetch(NAME, tmp_path / "to").new == len(images) - 5
    assert not set(there) & set(hub.content())
    assert content(tmp_path / "to") == images


def test_what_is_not_what_its_hash_says(hub: Any, images: dict[str, bytes], tmp_path: Path) -> None:
    hub.commit(images)
    for name in ("data/test/fake/000.png", "README.md"):
        hub.other = {name: bytes(len(images[name]))}
        to = tmp_path / name[-10:]
        with pytest.raises(DataError, match=f"{name} is not what its hash says"):
            fetch(NAME, to)
        assert not (to / name).exists()
        hub.other = {}
        fetch(NAME, to)
        assert content(to) == images


def test_nothing_is_replaced(hub: Any, images: dict[str, bytes], tmp_path: Path) -> None:
    hub.commit(images)
    mine = tmp_path / "to" / "README.md"
    mine.parent.mkdir()
    mine.write_text("mine")
    with pytest.raises(OutputError, match="is there already, and not the file of hf:faces/tiny"):
        fetch(NAME, tmp_path / "to")
    assert mine.read_text() == "mine"
    mine.unlink()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "to" / "data").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="links are not followed"):
        fetch(NAME, tmp_path / "to")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_another_data_set_or_revision_is_not_mixed_in(
    hub: Any, images: dict[str, bytes], tmp_path: Path
) -> None:
    first = hub.commit(images)
    fetch(NAME, tmp_path / "to")
    second = hub.commit({**images, "README.md": b"# More\n"})
    fetched = fetch(NAME, tmp_path / "to")
    assert (fetched.continued, fetched.origin.revision) == (True, first)
    with pytest.raises(OutputError, match=f"holds another revision: {first}, and main is {second}"):
        fetch(NAME, tmp_path / "to", revision="main")
    assert fetch(NAME, tmp_path / "to", revision=first).new == 0
    hub.name = "faces/other"
    with pytest.raises(OutputError, match="holds another data set: hf:faces/tiny@"):
        fetch("hf:faces/other", tmp_path / "to")
    assert fetch("hf:faces/other", tmp_path / "there").origin.revision == second


def test_a_branch_or_a_commit(hub: Any, images: dict[str, bytes], tmp_path: Path) -> None:
    old = hub.commit(images, "old")
    hub.commit({"a.png": b"new"})
    assert fetch(NAME, tmp_path / "a", revision="old").origin.revision == old
    assert fetch(NAME, tmp_path / "b", revision=old).origin.revision == old
    assert content(tmp_path / "a") == content(tmp_path / "b") == images
    assert fetch(f"{NAME}@old", tmp_path / "d").origin.revision == old
    with pytest.raises(CardError, match="is asked for as old and as main"):
        fetch(f"{NAME}@old", tmp_path / "e", revision="main")
    with pytest.raises(DataError, match="has no revision 'newest'"):
        fetch(NAME, tmp_path / "c", revision="newest")
    for bad in ("../main", "a b", "", "-"):
        with pytest.raises(DfbenchError):
            Repository("faces/tiny").commit(bad)


def test_a_part_of_it(hub: Any, images: dict[str, bytes], tmp_path: Path) -> None:
    hub.commit(images)
    to = tmp_path / "to"
    assert fetch(NAME, to, include=["data/test/*"]).new == 6
    assert set(content(to)) == {name for name in images if name.startswith("data/test/")}
    assert origin_of(to / "data").endswith("only data/test/*")
    assert fetch(NAME, to, include=["*.md"]).new == 1
    assert read_origin(to) is not None
    assert origin_of(to).endswith("only data/test/* *.md")
    fetch(NAME, to)
    assert "only" not in origin_of(to)
    status, _, said = run("data", "fetch", NAME, "--to", to, "--include", "*.parquet")
    assert status == 2
    assert "none of its 20 files fits, such as .gitattributes" in said


def test_a_disk_without_room(
    hub: Any, images: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.commit(images)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda _: usage(10**6, 10**6, 10_000))
    with pytest.raises(OutputError, match=r"needs 0\.00 GB, and 0\.00 GB are free"):
        fetch(NAME, tmp_path / "to")
    assert hub.content() == []


EVIL = (
    *("../evil.png", "/etc/evil.png", "a/../../evil.png", "a\\..\\evil.png", "C:/evil.png", "a//b"),
    *("./a.png", ".dfbench-source.json", "a/.dfbench-fetch/x", "a\n.png", "", "x" * 300),
)


@pytest.mark.parametrize("path", EVIL)
def test_names_that_lead_elsewhere(
    path: str, hub: Any, images: dict[str, bytes], tmp_path: Path
) -> None:
    hub.commit({**images, path: b"evil"})
    with pytest.raises(DataError, match="a file of it is called"):
        fetch(NAME, tmp_path / "to")
    assert hub.content() == []
    assert not content(tmp_path / "to")


@given(st.text(alphabet="ab./\\:~ \n\0é", min_size=1, max_size=12))
def test_what_is_let_pass_lies_below(path: str) -> None:
    if not _why_not(path):
        place = Path("/root/of/data", path)
        assert place.is_relative_to("/root/of/data")
        assert place.as_posix() == f"/root/of/data/{path}"
        assert ".." not in place.parts


@pytest.mark.parametrize(
    "name", ["a", "a/b/c", "../b", "a/..", "a/b?x=1", "a /b", "a/b#c", "/b", ""]
)
def test_what_is_no_name(name: str, hub: Any, tmp_path: Path) -> None:
    with pytest.raises(CardError, match="no name of a data set on the hub"):
        fetch(f"hf:{name}", tmp_path / "to")
    assert hub.asked == []


def test_what_the_hub_has_not_or_does_not_give(
    hub: Any, images: dict[str, bytes], tmp_path: Path
) -> None:
    status, _, said = run("data", "fetch", "hf:faces/none", "--to", tmp_path / "to")
    assert status == 2
    assert "hf:faces/none: there is no such data set, or it is not for everybody" in said
    hub.commit({})
    with pytest.raises(DataError, match="holds no file"):
        fetch(NAME, tmp_path / "to")
    hub.commit(images)
    hub.gated = True
    with pytest.raises(DataError, match="its owner gives it to those who ask for it"):
        fetch(NAME, tmp_path / "to")


def test_without_a_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    status, _, said = run("data", "fetch", NAME, "--to", tmp_path / "to")
    assert status == 2
    assert said.startswith("dfbench: hf:faces/tiny: 127.0.0.1:9 cannot be reached: ")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UnavailableError, match="HF_HUB_OFFLINE forbids to fetch it"):
        fetch(NAME, tmp_path / "to")


@pytest.mark.parametrize("endpoint", ["http://example.org", "ftp://127.0.0.2", "hub", "file:///x"])
def test_no_hub_but_by_https(
    endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(UnavailableError, match="no address of https"):
        fetch(NAME, tmp_path / "to")


def test_public_data_sets_that_are_not_on_the_hub(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be fetched by a command") as error:
        fetch("fake-video-images", tmp_path / "to")
    assert "get it from Kaggle" in str(error.value)
    with pytest.raises(CardError, match="no data set that can be fetched: 'mine'") as wrong:
        fetch("mine", tmp_path / "to")
    assert "wilddeepfake" in str(wrong.value)
    assert "genimage" not in str(wrong.value)  # which is not on the hub
    with pytest.raises(CardError, match="of the hub it is hf:faces/tiny"):
        fetch("faces/tiny", tmp_path / "to")
    assert not (tmp_path / "to").exists()


def test_the_address_of_one(hub: Any, images: dict[str, bytes], tmp_path: Path) -> None:
    commit = hub.commit(images)
    for n, end in enumerate(("", "/", "/tree/main", f"/tree/{commit}")):
        address = f"https://huggingface.co/datasets/faces/tiny{end}"
        assert fetch(address, tmp_path / str(n)).origin.revision == commit


def test_what_fails_leaves_no_folder(hub: Any, images: dict[str, bytes], tmp_path: Path) -> None:
    hub.commit(images)
    for to in (tmp_path / "a" / "b", tmp_path / "c"):
        with pytest.raises(DataError):
            fetch("hf:faces/other", to)
        assert not to.exists()
    assert not (tmp_path / "a").exists()


def test_a_public_one_stays_public_when_it_is_registered(tmp_path: Path) -> None:
    build(MINI["cifake"], tmp_path / "mine")
    assert run("data", "add", "cifake", "--root", tmp_path / "mine")[0] == 0
    for name in ("cifake", "CIFAKE"):
        with pytest.raises(DataError, match="cannot be fetched by a command"):
            fetch(name, tmp_path / "to")


def test_a_public_data_set_that_is(
    hub: Any, images: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.commit(images)
    located = fetching.resolve("fake-video-images")
    source = "https://huggingface.co/datasets/faces/tiny"
    card = located.card.model_copy(update={"source": source})
    other = type("Located", (), {"card": card})
    monkeypatch.setattr(fetching, "resolve", lambda name: other)
    status, said, _ = run("data", "fetch", "fake-video-images", "--to", tmp_path / "to")
    assert status == 0
    assert f"dfbench data add fake-video-images --root {tmp_path / 'to'}" in " ".join(said.split())


def test_files_are_known_by_their_hashes(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_bytes(b"hello\n")
    git = "ce013625030ba8dba906f756967f9e9ca394464a"  # git hash-object
    assert File("file", 6, "", git).is_in(place)
    assert not File("file", 6, "", git[::-1]).is_in(place)
    assert not File("file", 7, "", git).is_in(place)
    assert File("file", 6, hashlib.sha256(b"hello\n").hexdigest(), "").is_in(place)
    assert not File("file", 6, "0" * 64, "").is_in(place)


def test_notes_of_where_data_are_from(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert origin_of(inner) == ""
    origin = Origin(hub="x/y", endpoint="https://huggingface.co", revision="0" * 40)
    origins.write_origin(tmp_path, origin)
    assert origin_of(inner) == f"hf:x/y@{'0' * 40}"
    (tmp_path / "a" / origins.FILE).write_text("no JSON")
    assert origin_of(inner) == f"hf:x/y@{'0' * 40}"
    shutil.rmtree(tmp_path / "a")
    (tmp_path / origins.FILE).unlink()
    (tmp_path / origins.FILE).symlink_to("/etc/hostname")
    assert origin_of(tmp_path) == ""
