"""Subsets in entries: fields beside the name, and entries of before, which have the name alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dfbench.errors import OutputError
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Entry
from dfbench.results.records.subsets import Subset

PLACE = {"dataset": "faces", "row": "r", "seed": 0, "cell": "c"}


@pytest.mark.parametrize(
    ("name", "subset"),
    [
        ("", Subset()),
        ("real or fake", Subset(merged=True)),
        ("leave-one-generator-out", Subset(left_out="")),
        ("without smoothed", Subset(left_out="smoothed")),
        ("25 % of train", Subset(fraction=0.25)),
    ],
)
def test_an_entry_of_before_is_read_and_kept_with_fields(
    tmp_path: Path, name: str, subset: Subset
) -> None:
    folder = ResultsFolder(tmp_path)
    folder.entries_file.write_text(json.dumps([PLACE | {"variant": name}]))
    [entry] = folder.read_entries()
    assert (entry.subset, entry.subset.name) == (subset, name)
    folder.write_entries([])
    [stored] = json.loads(folder.entries_file.read_text())["entries"]
    assert (stored["variant"], stored["subset"]) == (name, subset.model_dump())
    assert folder.read_entries() == [entry]


def test_fields_say_more_than_the_name() -> None:
    subset = Subset(left_out="gan", merged=True)
    entry = Entry(dataset="faces", row="r", seed=0, cell="c", subset=subset)
    assert Entry.model_validate_json(entry.model_dump_json()).subset == subset
    assert subset.name == "without gan"


def test_a_name_that_says_nothing(tmp_path: Path) -> None:
    folder = ResultsFolder(tmp_path)
    folder.entries_file.write_text(json.dumps([PLACE | {"variant": "half"}]))
    with pytest.raises(OutputError, match="no readable list of entries"):
        folder.read_entries()
