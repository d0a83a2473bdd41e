"""Results in one file: whole, equal for equal folders, and safe to open."""

import io
import json
import stat
import zipfile

import pytest
from typer.testing import CliRunner

from dfbench.benchmark.verification import verify
from dfbench.cli import app
from dfbench.errors import OutputError
from dfbench.results.records.packing import as_folder
from dfbench.results.results import load_results

SUITE = """
name = "packed"
figures = ["scores"]
keep_models = "all"
[budget]
trials = 2
[[rows]]
features = ["hsv"]
models = ["knn", "svm"]
"""


@pytest.fixture(scope="module")
def folder(run_once):
    return run_once("packed", SUITE) / "out"


@pytest.fixture
def packed(folder, tmp_path):
    load_results(folder).pack(tmp_path / "a.zip")
    return tmp_path / "a.zip"


def run(*words, status=0):
    done = CliRunner().invoke(app, list(map(str, words)))
    assert done.exit_code == status, done.output
    return done.output


def test_the_same_folder_gives_the_same_bytes(folder, packed, tmp_path):
    load_results(folder).pack(tmp_path / "b.zip")
    assert (tmp_path / "b.zip").read_bytes() == packed.read_bytes()


def test_it_is_read_as_the_folder_is(folder, packed):
    assert "all is sound" in run("verify", packed)
    for words in (("leaderboard",), ("leaderboard", "-f", "csv")):
        assert run(words[0], packed, *words[1:]) == run(words[0], folder, *words[1:])
    assert run("compare", packed, "hsv/knn", "hsv/svm") == run(
        "compare", folder, "hsv/knn", "hsv/svm"
    )
    assert "packed results stay as they are" in run("leaderboard", packed, "--write", status=2)


def test_models_go_along_where_they_are_asked_for(folder, packed, tmp_path):
    names = zipfile.ZipFile(packed).namelist()
    assert not [n for n in names if n.startswith(("models/", "studies/", "checkpoints/", "board/"))]
    assert not [n for n in names if n.endswith(".owner")]
    assert "trained models are kept" not in zipfile.ZipFile(packed).read("leaderboard.md").decode()
    run("pack", folder, "--models", "-o", tmp_path / "m.zip")
    with as_folder(tmp_path / "m.zip") as laid:
        assert len(list((laid / "models").iterdir())) == 2
        assert verify(laid).sound
    assert not laid.exists()


def test_damage_in_a_packed_file_is_found(packed, tmp_path):
    made = tmp_path / "damaged.zip"
    with zipfile.ZipFile(packed) as source, zipfile.ZipFile(made, "w") as into:
        for name in source.namelist():
            content = bytearray(source.read(name))
            if name.startswith("cells/") and name.endswith(".parquet"):
                content[len(content) // 2] ^= 1
            into.writestr(name, bytes(content))
    assert "cells/" in run("verify", made, status=1)


def test_a_folder_that_was_damaged_before_is_packed_as_it_is(folder, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    picture = next(copy.glob("figures/*/scores.png"))
    picture.write_bytes(b"other")
    load_results(copy).pack(tmp_path / "a.zip")
    assert picture.name in run("verify", tmp_path / "a.zip", status=1)


def _member(name, content=b"1", mode=stat.S_IFREG | 0o644, kind=zipfile.ZIP_DEFLATED):
    member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    member.external_attr, member.compress_type = mode << 16, kind
    return member, content


HOSTILE = {
    "leads out": [_member("../outside")],
    "inside leads out": [_member("cells/../../outside")],
    "absolute": [_member("/tmp/outside")],
    "backslashes": [_member("cells\\..\\outside")],
    "hidden": [_member(".ssh/keys")],
    "link": [_member("cells/link", b"/etc/passwd", stat.S_IFLNK | 0o777)],
    "device": [_member("cells/zero", b"", stat.S_IFCHR | 0o666)],
    "twice": [_member("run.json"), _member("run.json", b"2")],
    "twice but for case": [_member("run.json"), _member("RUN.json")],
    "bomb": [_member("cells/a.json", b"0" * (64 << 20))],
    "another method": [_member("run.json", kind=zipfile.ZIP_LZMA)],
    "deep": [_member("a/b/c/d/e/f")],
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("what", HOSTILE)
def test_a_file_of_a_stranger_is_refused(what, tmp_path):
    path = tmp_path / "strange.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in HOSTILE[what]:
            archive.writestr(member, content)
    with pytest.raises(OutputError, match="no packed results"), as_folder(path):
        pass
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive" * 100, b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_archive_is_refused(content, tmp_path):
    path = tmp_path / "strange.zip"
    path.write_bytes(content)
    with pytest.raises(OutputError), as_folder(path):
        pass


def test_a_member_that_says_it_is_smaller_is_refused(tmp_path):
    path, made = tmp_path / "strange.zip", io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("run.json", b"0" * 5000)
    path.write_bytes(
        made.getvalue().replace((5000).to_bytes(4, "little"), (9).to_bytes(4, "little"))
    )
    with pytest.raises(OutputError), as_folder(path):
        pass


def test_what_goes_wrong_with_the_folder_is_not_laid_to_the_file(packed):
    with pytest.raises(OSError, match="of somebody else"), as_folder(packed):
        raise OSError("of somebody else")


def test_what_made_it_tells_no_more_than_was_typed(packed):
    told = json.loads(zipfile.ZipFile(packed).read("made.json"))["commands"][0]["again"]
    assert told["suite"]["rows"][0]["models"] == ["knn", "svm"]
    assert told["data"][0]["name"] == "faces"
