"""Suites, expressions and options of nonsense are refused in one line that names the key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfbench.benchmark.options import Options
from dfbench.errors import CardError, DfbenchError, ParameterError
from dfbench.features.expression import parse
from dfbench.suites.suite import load_suite

ROWS = '[[rows]]\nfeatures = ["hsv"]\nmodels = ["knn"]\n'


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("x = " + "[" * 3000 + "]" * 3000, "not valid TOML: nested too deeply"),
        ("seeds = [" + "9" * 5000 + "]", "not valid TOML: a whole number of thousands of digits"),
        ("seeds = [" + "9" * 400 + "]", "key 'seeds': a finite number of at most 64 bits"),
        ("cell_timeout = inf", "key 'cell_timeout': a finite number"),
        ("cell_timeout = nan", "key 'cell_timeout': a finite number"),
        ("cell_timeout = 1e300", r"key 'cell_timeout': at most 1e\+08 is wanted"),
        ("budget.seconds = 1e9", r"key 'budget.seconds': at most 1e\+08 is wanted"),
        ("budget.trials = 1_000_000_000", r"key 'budget.trials': at most 1e\+06 is wanted"),
        ("budget.trials = 2020-01-01", "key 'budget.trials': a text or number is wanted"),
        ('plugins = ["a\\u0000.py"]', "key 'plugins.0': no name of a file: 'a.x00.py'"),
    ],
)
def test_a_suite_says_in_a_line_what_it_does_not_take(
    tmp_path: Path, written: str, said: str
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f"{written}\n{ROWS}")
    with pytest.raises(CardError, match=f"mine.toml(, |: ){said}") as caught:
        load_suite(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_suites_are_plain_small_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "zero.toml").symlink_to("/dev/zero")
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "large.toml").touch()
    os.truncate(tmp_path / "large.toml", 3 << 30)
    for name, said in {
        "pipe": "no plain file",
        "zero": "no plain file",
        "folder": "no plain file",
        "large": r"too large: 3,221\.2 MB, at most 4\.2 MB are read",
        "absent": "no such suite file",
    }.items():
        with pytest.raises(CardError, match=f"{name}.toml: {said}"):
            load_suite(tmp_path / f"{name}.toml")


def test_folders_of_users_that_do_not_exist_are_files_that_do_not(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'plugins = ["~nosuch/x.py"]\n{ROWS}[[systems]]\nname = "a"\n')
    with pytest.raises(CardError, match=r"key 'model': is missing"):
        load_suite(path)
    path.write_text(f'plugins = ["~nosuch/x.py"]\n{ROWS}')
    assert load_suite(path).plugins == [tmp_path / "~nosuch/x.py"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("[" * 1900 + "]" * 1900, "nested too deeply"),
        ("{" + "a." * 1000 + "b=1}", "nested too deeply"),
        ("9" * 400, "a finite number of at most 64 bits is wanted, not 9{40}"),
        ("nan", "a finite number of at most 64 bits is wanted, not nan"),
        ("[1, -inf]", "a finite number of at most 64 bits is wanted, not -inf"),
        ("2020-01-01", "a text or number is wanted, not 2020-01-01"),
    ],
)
def test_a_parameter_of_nonsense_is_refused(value: str, said: str) -> None:
    with pytest.raises(CardError, match=f": parameter 'bins': {said}") as caught:
        parse(f"hsv[bins={value}]")
    assert len(str(caught.value)) < 500


def test_an_expression_has_an_end() -> None:
    with pytest.raises(CardError, match=r"a feature expression of 5,010 characters") as caught:
        parse(f"hsv[bins={'9' * 5000}]")
    assert len(str(caught.value)) < 300


def test_a_line_break_brings_no_second_parameter() -> None:
    [term] = parse("hsv[bins=1\nvalue2=3]")
    assert term.params == {"bins": "1\nvalue2=3"}


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(st.sampled_from("ab+[]=,.\"'{}0129eE-_:T \n\0é\ud800"), max_size=40))
def test_expressions_are_parsed_or_refused(text: str) -> None:
    try:
        terms, said = parse(text), ""
    except CardError as error:
        terms, said = [], str(error)
    assert all(term.name for term in terms)
    assert bool(said) != bool(terms)
    assert "\n" not in said


@pytest.mark.parametrize(
    "words",
    [
        {"seconds": float("inf")},
        {"seconds": float("nan")},
        {"seconds": 1e308},
        {"cell_timeout": float("nan")},
        {"cell_timeout": float("inf")},
        {"plugin_timeout": float("inf")},
        {"plugin_memory": 1e308},
        {"trials": 10**400},
        {"jobs": 10**400},
        {"jobs": 1_000_000},
        {"out": "\udcff/x"},
        {"data": ["a\udcff"]},
        {"seed": 10**400},
        {"out": "a\0b"},
        {"plugins": ["\0"]},
    ],
)
def test_options_are_finite_and_named_where_they_are_not(words: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match=f"^{next(iter(words))}: ") as caught:
        Options.of(**words)
    assert len(str(caught.value)) < 500
    assert isinstance(caught.value, DfbenchError)
