"""Data sets of strangers: nothing outside of them is read, nothing hangs, nothing fills memory."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from dfbench.errors import CardError, DataError, DfbenchError
from dfbench.suites.datasets import registrations
from dfbench.suites.datasets.cards.card import Card
from dfbench.suites.datasets.cards.reading import load_card, parse_card
from dfbench.suites.datasets.image_files import walk
from dfbench.suites.datasets.inference.read_as import ReadAs
from dfbench.suites.datasets.inference.reading import read_folder
from dfbench.suites.datasets.scan import scan
from dfbench.suites.datasets.tables import text
from dfbench.suites.datasets.tables.reading import read_table

FOLDERS = {"kind": "folders"}
SECRET = "secret,words\n1,2\n"


def card(**more: object) -> Card:
    facts = {"name": "x", "classes": ["real", "fake"], "layout": FOLDERS, **more}
    return parse_card(facts, where="card.toml")


def table(**files: object) -> Card:
    return card(layout={"kind": "table", "splits": {"all": files}})


OUTSIDE = [
    "../t.csv",
    "a/../../t.csv",
    "/etc/passwd",
    "~/t.csv",
    "~nosuch/t.csv",
    "C:\\t.csv",
    "..\\t.csv",
]


@pytest.mark.parametrize("path", [*OUTSIDE, "t\0.csv"])
def test_no_key_of_a_card_leads_out_of_the_root(path: str) -> None:
    said = "no name of a file" if "\0" in path else "leads out of the data set"
    for key, facts in {
        "layout.splits.all.csv": {"layout": {"kind": "table", "splits": {"all": {"csv": path}}}},
        "layout.splits.all.images": {
            "layout": {"kind": "table", "splits": {"all": {"csv": "t.csv", "images": path}}}
        },
        "layout.where": {
            "layout": {"kind": "filename", "pattern": "(?P<label>.).*", "where": path}
        },
        "group.csv": {"group": {"csv": path}},
        "kind.csv": {"kind": {"csv": path}},
    }.items():
        with pytest.raises(CardError, match=f"^card.toml: key '{key}': .*{said}"):
            card(**facts)


@pytest.mark.parametrize(
    "path", ["t.csv", "a/t.csv", "./a/../t.csv", "a..b/t.csv", "..a/t.csv", "t~.csv"]
)
def test_keys_that_stay_below_the_root_are_taken(path: str) -> None:
    assert table(csv=path).layout.needs([]) == [path]


def test_a_table_is_no_link_out_of_the_root(make, tmp_path: Path) -> None:
    make.classes(2)
    (tmp_path / "secret.csv").write_text(SECRET)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "secret.csv").write_text(SECRET)
    (make.root / "t.csv").symlink_to(tmp_path / "secret.csv")
    (make.root / "out").symlink_to(tmp_path / "folder")
    for place in ("t.csv", "out/secret.csv"):
        with pytest.raises(DataError, match="leads by a link out of the data set") as caught:
            scan(table(csv=place), make.root)
        assert "words" not in str(caught.value)
        with pytest.raises(DataError, match="leads by a link out of the data set"):
            scan(card(group={"csv": place}), make.root)
    assert "words" not in "".join(read_folder(make.root).warnings)


def test_a_table_may_be_a_link_within_the_root(make) -> None:
    make.image("a/1.png")
    make.image("a/2.png")
    make.text("tables/labels.csv", "image_id,label\n1.png,real\n2.png,fake\n")
    (make.root / "t.csv").symlink_to("tables/labels.csv")
    assert [i.label for i in scan(table(csv="t.csv", images="a"), make.root).images] == [0, 1]


@pytest.mark.parametrize("target", ["/dev/zero", "/proc/self/environ", "/proc/kmsg", "pipe"])
def test_what_is_no_plain_file_is_not_waited_for(make, target: str) -> None:
    make.classes(2)
    for name in ("t.csv", "t.json", "card.toml", "noext", "real/x.png"):
        if target == "pipe":
            os.mkfifo(make.root / name)
        else:
            (make.root / name).symlink_to(target)
    said = "leads by a link|no plain file"
    with pytest.raises(DataError, match=said):
        scan(table(csv="t.csv"), make.root)
    with pytest.raises(DataError, match=r"no plain file|the system makes it up"):
        read_table(make.root / "t.json")
    with pytest.raises(CardError, match=r"no plain file|the system makes it up"):
        load_card(make.root / "card.toml")
    found = walk(make.root)
    assert list(found.faults) == ["real/x.png"]
    assert len(found.images) == 5
    assert read_folder(make.root).card.classes == ["real", "fake"]


def test_sockets_are_left_aside(make, monkeypatch: pytest.MonkeyPatch) -> None:
    make.image("a.png")
    monkeypatch.chdir(make.root)  # their names are short
    with socket.socket(socket.AF_UNIX) as one, socket.socket(socket.AF_UNIX) as other:
        one.bind("s.png")
        other.bind("s.csv")
        found = walk(make.root)
    assert found.faults == {"s.png": "not a regular file"}
    assert found.others == []


SLOW = r"(?P<{}>(a|aa)+)\.png!$"


def test_patterns_that_do_not_end_are_stopped(make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dfbench.received.patterns._SECONDS", 0.2)
    make.classes(2)
    make.image("real/" + "a" * 60 + ".png")
    said = r"the regular expression .* takes too long on 'real/a+\.png' \(write it without"
    with pytest.raises(DataError, match=f"{make.root}, group.pattern: {said}"):
        scan(card(group={"pattern": SLOW.format("group")}), make.root)
    with pytest.raises(DataError, match=r"kind.pattern: the regular"):
        scan(card(kind={"pattern": SLOW.format("kind")}), make.root)
    layout = {"kind": "filename", "pattern": SLOW.format("label"), "labels": {"a": "real"}}
    with pytest.raises(DataError, match=r"layout.pattern: the regular"):
        scan(card(layout=layout), make.root)
    with pytest.raises(DataError, match=r"--classes: the regular"):
        read_folder(make.root, ReadAs(classes=SLOW.format("label")))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.csv", "a,b\n" * 101, "101 rows, at most 100 are read"),
        ("t.txt", "a\r" * 101, "101 rows"),
        ("t.csv", "a" + ",b" * 20 + "\n", "21 columns, at most 20 are read"),
        ("t.txt", "a.png" + " b" * 30 + "\n", "31 columns"),
        ("t.csv", "\n".join(["a" + ",b" * 9] * 60), "540 cells, at most 400 are read"),
        ("t.csv", "\n".join(["a", *["b"] * 3, "c" + ";" * 500]), "500 cells"),
        ("t.json", json.dumps([{"a": 1}] * 101), "101 rows"),
        ("t.jsonl", '{"a": 1}\n' * 101, "101 rows"),
        ("t.json", json.dumps([{f"k{n}": 1} for n in range(30)]), "30 columns"),
        ("t.json", json.dumps([{f"k{n % 15}": 1} for n in range(60)]), "900 cells"),
        ("t.json", json.dumps({"a": [1] * 50, "b": [2] * 401}), "cells"),
        ("t.csv", "a\n" + "b" * 100_000, "0.1 MB, at most 0.1 MB are read"),
        ("t.csv", '"' + "a" * 140_000 + '",b\n1,2', "MB, at most"),
    ],
)
def test_tables_larger_than_memory_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str, said: str
) -> None:
    for bound, most in {"BYTES": 100_000, "ROWS": 100, "COLUMNS": 20, "CELLS": 400}.items():
        monkeypatch.setattr(text, f"MOST_{bound}", most)
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=f"{name}: too large: .*{said}"):
        read_table(tmp_path / name)


def test_a_cell_longer_than_the_parser_takes_is_named_by_its_row(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,label\n1," + "a" * 140_000)
    with pytest.raises(DataError, match=r"t.csv: row 2 is no row of a table: field larger than"):
        read_table(tmp_path / "t.csv")


def test_files_of_gigabytes_are_not_read(tmp_path: Path) -> None:
    for name in ("t.csv", "t.json", "card.toml"):
        (tmp_path / name).touch()
        os.truncate(tmp_path / name, 3 << 30)
    for name in ("t.csv", "t.json"):
        with pytest.raises(DataError, match=r"too large: 3,221\.2 MB, at most (200|60)\.0 MB"):
            read_table(tmp_path / name)
    with pytest.raises(CardError, match=r"too large: 3,221\.2 MB, at most 4\.2 MB"):
        load_card(tmp_path / "card.toml")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("x = " + "[" * 3000 + "]" * 3000, "not valid TOML: nested too deeply"),
        ("x = " + "9" * 5000, "not valid TOML: a whole number of thousands of digits"),
        ("split.seed = " + "9" * 400, "key 'split.seed': a finite number of at most 64 bits"),
        ("split.fractions.train = nan", "key 'split.fractions.train': a finite number"),
        ("split.seed = 2020-01-01", "key 'split.seed': a text or number is wanted"),
    ],
)
def test_a_card_of_nonsense_is_refused_in_a_line(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "card.toml"
    path.write_text(f'name = "x"\nclasses = ["a", "b"]\n{line}\n[layout]\nkind = "folders"\n')
    with pytest.raises(CardError, match=f"card.toml: {said}") as caught:
        load_card(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000,
        '{"datasets": [{"name": 1' + "0" * 5000 + "}]}",
        '{"datasets": [{"name": [], "source": 7, "root": {}}]}',
        '{"datasets": [{"name": "a", "source": "b", "root": "", "asked": [["x"]]}]}',
        '{"datasets": {"a": 1}}',
        "7",
    ],
)
def test_a_list_of_data_sets_that_is_none_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.setenv("DFBENCH_CONFIG", str(tmp_path))
    (tmp_path / "datasets.json").write_text(content)
    with pytest.raises(CardError, match=r"datasets.json: not a list of data sets"):
        registrations.registered()
    (tmp_path / "datasets.json").unlink()
    os.mkfifo(tmp_path / "datasets.json")
    with pytest.raises(DfbenchError, match=r"datasets.json: no plain file"):
        registrations.registered()
