"""Records: what those of before tell of a cell, and that what is written is read back."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from dfbench.results.records.records import Record
from dfbench.results.records.scores import brief

KNOWN = {"cell": "c", "dataset": "d", "row": "r", "seed": 0, "status": "ok"}


def table(name: str) -> dict[str, Any]:
    return {"extractor": name, "version": 1, "params": {}}


@pytest.mark.parametrize(
    ("identity", "facts"),
    [
        ({}, ("", "", False)),
        ({"features": []}, ("", "", False)),
        ({"features": [table("hsv"), table("metadata")]}, ("features", "", False)),
        ({"features": [table("metadata")]}, ("features", "no pixels", False)),
        ({"features": [table("resized"), table("hsv")]}, ("network", "", False)),
        (
            {"features": [table("hsv")], "labels": "shuffled"},
            ("features", "shuffled labels", False),
        ),
        ({"features": [table("hsv")], "on_leak": "drop 1"}, ("features", "", True)),
        ({"derived": {"combine": "mean"}, "members": ["a"]}, ("derived", "", False)),
    ],
)
def test_records_of_before_tell_what_they_are(
    identity: dict[str, Any], facts: tuple[str, str, bool]
) -> None:
    record = Record.model_validate({**KNOWN, "identity": identity})
    assert (record.kind, record.control, record.drops_leaks) == facts
    assert Record.model_validate_json(record.model_dump_json()) == record


def test_what_a_record_says_itself_goes_before_its_identity() -> None:
    said = {"kind": "network", "control": "", "drops_leaks": False}
    identity = {"features": [table("metadata")], "on_leak": "drop 1"}
    record = Record.model_validate({**KNOWN, **said, "identity": identity})
    assert (record.kind, record.control, record.drops_leaks) == ("network", "", False)


@pytest.mark.parametrize("identity", [{"features": 3}, {"features": ["hsv"]}])
def test_a_broken_identity_tells_nothing(identity: Any) -> None:
    assert Record.model_validate({**KNOWN, "identity": identity}).kind == ""


def test_an_identity_that_is_none_is_no_record() -> None:
    with pytest.raises(ValidationError, match="identity"):
        Record.model_validate({**KNOWN, "identity": "none"})


@pytest.mark.parametrize(
    "told",
    [
        {"members": 5},
        {"members": "xy"},
        {"weights": ["a"]},
        {"weights_by_kind": [1]},
        {"weights_by_kind": {"a": [None]}},
        {"coefficients": "abc"},
        {"classes": [[1], 2]},
        {"calibration": 2.0},
    ],
)
def test_a_combination_that_no_board_could_tell_of_is_no_record(told: dict[str, Any]) -> None:
    sound = {"members": ["a"], "weights": [1], "folds": 5, "calibration": {"method": "isotonic"}}
    assert Record.model_validate({**KNOWN, "combination": sound}).combination == sound
    with pytest.raises(ValidationError) as caught:
        Record.model_validate({**KNOWN, "combination": {**sound, **told}})
    assert brief(caught.value).startswith(f"combination: {next(iter(told))}")
