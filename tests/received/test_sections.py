"""Sections of files of others take what is written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from dfbench.errors import CardError, PluginError, shortened
from dfbench.models.training.recipe import Recipe
from dfbench.plugins import load_file
from dfbench.received.patterns import groups
from dfbench.suites.datasets.cards.normalise import Normalise
from dfbench.suites.datasets.cards.reading import parse_card
from dfbench.suites.datasets.cards.rules import SplitRule
from dfbench.suites.suite import Budget


@pytest.mark.parametrize(
    ("section", "content"),
    [
        (Normalise, {"size": True}),
        (Normalise, {"format": "jpeg", "quality": True}),
        (SplitRule, {"policy": "stratified", "seed": True}),
        (Budget, {"trials": True}),
        (Recipe, {"epochs": True}),
    ],
)
def test_true_is_no_number(section: Any, content: dict[str, Any]) -> None:
    key = next(key for key, value in content.items() if value is True)
    section.model_validate(content | {key: 8})
    with pytest.raises(ValidationError, match=key):
        section.model_validate(content)


def test_a_value_without_end_is_not_shown_whole() -> None:
    with pytest.raises(CardError) as caught:
        parse_card({"name": "x" * 300_000, "y" * 300_000: 1}, where="card.toml")
    assert len(str(caught.value)) < 5_000
    assert shortened("as it is") == "as it is"


def test_a_pattern_without_end_is_not_compiled() -> None:
    with pytest.raises(ValueError, match="of 120,001 characters, at most 4,096 are read"):
        groups("|".join("a" * 60_001))


def test_a_plugin_is_a_plain_file_of_some_size(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    with pytest.raises(PluginError, match="no plain file"):
        load_file(tmp_path / "pipe.py")
    (tmp_path / "large.py").touch()
    os.truncate(tmp_path / "large.py", 1 << 34)
    with pytest.raises(PluginError, match=r"too large: 17,179\.9 MB, at most 16\.8 MB are read"):
        load_file(tmp_path / "large.py")
