"""How a results folder was made: told, kept small, and never in the way."""

import pytest

from dfbench.errors import OutputError
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.provenance import Run, facts


def run(command, **more):
    known = {"started": "2025-01-02T03:04:05+00:00", "suite": "mine", "seeds": [0], "trials": 1,
             "seconds": 5.0, "jobs": 1, "threads": 1}  # fmt: skip
    return Run(command=command, **{**known, **more})


def test_a_command_given_again_counts_once_and_is_the_last(tmp_path):
    for command in ("a", "b", "a"):
        ResultsFolder(tmp_path).note_run(run(command))
    ResultsFolder(tmp_path).note_run(run("b", trials=3))
    assert [(each.command, each.trials) for each in ResultsFolder(tmp_path).read_provenance()] == [
        ("a", 1),
        ("b", 3),
    ]


@pytest.mark.parametrize("content", [None, "", "{", '[{"command": 3}]'])
def test_what_cannot_be_read_stops_nothing(tmp_path, content):
    if content is not None:
        ResultsFolder(tmp_path).provenance_file.write_text(content)
    assert ResultsFolder(tmp_path).read_provenance() == []
    ResultsFolder(tmp_path).note_run(run("a"))
    assert len(ResultsFolder(tmp_path).read_provenance()) == 1


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write here"):
        ResultsFolder(tmp_path / "file").note_run(run("a"))


def test_facts_have_an_entry_a_command():
    found = dict(facts([run("a", versions={"x": "1"}), run("b", machine={"cores": "2"})]))
    assert found["command"] == ["a", "b"]
    assert found["x"] == ["1", ""]
    assert found["cores"] == ["", "2"]
    assert found["workers"] == ["1, 1 thread each"] * 2
