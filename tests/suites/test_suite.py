"""Suites as people write them: what may be left out, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from dfbench.errors import CardError
from dfbench.suites.suite import load_suite

SYSTEM = '[[systems]]\nname = "a"\nmodel = "knn"\nfeatures = "hsv"\n'


def test_a_suite_is_named_by_its_file_where_it_has_no_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SYSTEM)
    assert load_suite(path).name == "mine"
    path.write_text('name = "other"\n' + SYSTEM)
    assert load_suite(path).name == "other"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("seeds = 3", "key 'seeds': a list is wanted, not 3"),
        ("seeds = []", "key 'seeds': at least 1 in the list, not 0"),
        ("seeds = [-1]", "key 'seeds.0': at least 0 is wanted, not -1"),
        ('budget = { trials = "a" }', "key 'budget.trials': a whole number is wanted, not 'a'"),
        ("budget = { trials = 1.5 }", "key 'budget.trials': a whole number is wanted, not 1.5"),
        ('budget = { seconds = "a" }', "key 'budget.seconds': a number is wanted, not 'a'"),
        ("budget = 3", "key 'budget': is no table: { ... }"),
        ("cell_timeout = 0", "key 'cell_timeout': more than 0 is wanted, not 0"),
        ("description = 4", "key 'description': text in quotes is wanted, not 4"),
        ("plugins = [3]", "key 'plugins.0': a path in quotes is wanted, not 3"),
        (
            'on_leak = "no"',
            "key 'on_leak': one of 'warn', 'drop' or 'stop' is wanted, not 'no'",
        ),
        ("datasets = [3]", "key 'datasets': a list of data sets, or the word registered"),
        ("derived = { name = 3 }", "key 'derived': stands in double brackets, once for each: [["),
        (SYSTEM.replace('"a"', '""'), "key 'systems.0.name': is empty"),
        ('[[systems]]\nname = "b"', "row 'b', key 'model': is missing"),
        (SYSTEM + 'tune = "maybe"', "row 'a', key 'tune': true or false is wanted, not 'maybe'"),
        ("[[protocols]]\nchanges = []", "key 'protocols.0.kind': is missing"),
        (
            '[[protocols]]\nkind = "robustness"\nchanges = 3',
            "key 'protocols.0.changes': a list is wanted, not 3",
        ),
    ],
)
def test_mistakes_are_told_in_plain_words(tmp_path: Path, written: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(written if "[[systems]]" in written else f"{written}\n{SYSTEM}")
    with pytest.raises(CardError) as found:
        load_suite(path)
    assert said in str(found.value)
    assert str(path) in str(found.value)
