"""Patterns of others give what Python's own engine gives, and end."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfbench.received import patterns
from dfbench.received.patterns import TooSlow, full_matches, groups, searched


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "_SECONDS", 0.2)


SLOW = "(?P<label>(a|aa)+)!$"


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize("find", [full_matches, searched])
def test_a_pattern_that_would_not_end_is_stopped_and_named(find: object) -> None:
    began = time.process_time()
    texts = ["a" * 5, "b", "a" * 80 + "?.png"]
    with pytest.raises(
        TooSlow, match=r"'\(\?P<label>\(a\|aa\)\+\)!\$' takes too long on 'a+\?.png'"
    ):
        list(find(SLOW, texts))  # type: ignore[operator]
    assert time.process_time() - began < 10


@pytest.mark.usefixtures("brief")
def test_many_texts_that_take_a_little_too_long_are_stopped_too() -> None:
    began = time.process_time()
    with pytest.raises(TooSlow):
        list(full_matches(SLOW, ["a" * 22 + "?"] * 100_000))
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(", "missing \\)"),
        ("(?P<label>a{99999999999999999999})", "too large, or nested too deeply"),
        ("(" * 2000 + ")" * 2000, "too large, or nested too deeply"),
        ("(?P<a>x)(?P<a>y)", "redefinition of group name"),
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"^not a regular expression: .*{said}"):
        groups(pattern)


PATTERNS = (
    r".*/(?P<label>real|fake)_(?P<group>person\d+)_.*",
    r"(?P<group>[^/]+)/[^/]+$",
    r".*_(?P<label>[01])\.\w+",
    r"(?!.*train)(?P<group>.*)x",
    r"(?i)(?:^|/)(?P<kind>gan|diff\.usion)/",
    r"(?P<label>[^_]+)(?:_(?P<group>\d{2,4}))?\b.*",
    r"(?P<q>['\"]?)(?P<label>\w+)(?P=q)",
)
_PART = st.sampled_from(
    [
        "real",
        "fake",
        "_",
        "person12",
        "/",
        "1",
        "0",
        ".png",
        "train",
        "x",
        "GAN",
        "diff.usion",
        "é",
        "'",
    ]
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.lists(_PART, max_size=9).map("".join), max_size=6), st.sampled_from(PATTERNS))
def test_matches_are_those_of_the_standard_library(texts: list[str], pattern: str) -> None:
    assert dict(groups(pattern)) == re.compile(pattern).groupindex
    for own, name in ((full_matches, "fullmatch"), (searched, "search")):
        found = [match and (match.span(), match.groupdict()) for match in own(pattern, texts)]
        wanted = [
            match and (match.span(), match.groupdict())
            for match in map(getattr(re.compile(pattern), name), texts)
        ]
        assert found == wanted


def test_a_pattern_is_found_in_each_text_as_often_as_it_stands_there() -> None:
    found = patterns.found_in(r"(?P<key>\d+)", ["071 054", "none", "9"])
    assert [each["key"] for each in found] == ["071", "054", "9"]
