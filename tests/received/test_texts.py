"""Texts of others are parsed within bounds, whatever they nest or count."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfbench.received.texts import NotToml, check_plain, decoded, from_json, from_toml, toml_file


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = " + "[" * 3000 + "]" * 3000, "nested too deeply"),
        ("a = " + "{b=" * 3000 + "1" + "}" * 3000, "nested too deeply"),
        (".".join(["a"] * 60_000) + " = 1", "nested too deeply"),
        ("[" + " . ".join(['"a"', "'b'"] * 30_000) + "]", "nested too deeply"),
        ("a = " + "9" * 5000, "a whole number of thousands of digits"),
    ],
)
def test_toml_that_would_break_or_stop_the_parser_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        from_toml(text)


def test_texts_with_many_points_are_read() -> None:
    text = "a = 'one. two. " + "x." * 50 + "'\nb.c.d = 1"
    assert from_toml(text)["b"] == {"c": {"d": 1}}
    assert from_toml('a = "' + "word " * 400_000 + '"')


@pytest.mark.parametrize("text", ["a" * 2_000_000, '"' * 999_999, "a ." * 90_000, "a. " * 90_000])
def test_long_names_are_looked_through_in_no_time(text: str) -> None:
    began = time.process_time()
    with pytest.raises(ValueError, match=r"."):
        from_toml(text)
    assert time.process_time() - began < 10


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[" + "9" * 5000 + "]"])
def test_json_that_would_break_the_parser_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"nested too deeply|integer string"):
        from_json(text)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("seed = inf", "key 'a.seed': a finite number of at most 64 bits is wanted, not inf"),
        ("seed = [1, nan]", "key 'a.seed': a finite number"),
        ("seed = " + "9" * 400, "key 'a.seed': a finite number .* not 9{40}$"),
        ("seed = 2020-01-01", "key 'a.seed': a text or number is wanted, not 2020-01-01"),
        ("seed = [{b = 07:00:00}]", "key 'a.seed.b': a text or number"),
    ],
)
def test_a_file_holds_what_json_can_hold(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "a.toml").write_text(f"[a]\n{line}\n")
    with pytest.raises(ValueError, match=said):
        toml_file(tmp_path / "a.toml")


def test_a_file_is_opened_where_it_is_a_small_and_ordinary_one(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbfa = 1")
    assert toml_file(path) == {"a": 1}
    path.write_bytes(b"a = '\xff'")
    with pytest.raises(ValueError, match=r"^not a UTF-8 text file$"):
        toml_file(path)
    os.truncate(path, 3 << 30)
    with pytest.raises(OSError, match=r"too large: 3,221\.2 MB, at most 4\.2 MB are read"):
        toml_file(path)
    (tmp_path / "link.toml").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.toml")
    for name in ("link.toml", "pipe.toml"):
        with pytest.raises(OSError, match="no plain file"):
            toml_file(tmp_path / name)


_TEXT = st.text(st.sampled_from("a1.=[]{}\"'\\\n, #-_:TZ+e\0é\U0001f600"), max_size=60)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(text=_TEXT)
def test_whatever_is_written_is_a_value_or_a_value_error(text: str) -> None:
    for parse in (from_toml, from_json):
        try:
            found = parse(text)
        except ValueError:
            continue
        try:
            check_plain(found)
        except ValueError:
            continue
        assert from_json(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_texts_are_decoded_by_their_mark_or_as_usual(encoding: str) -> None:
    assert decoded("déjà;vu\n".encode(encoding)) == "déjà;vu\n"


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(ValueError, match="a NUL byte in line 2"):
        decoded(b"a\nb\0")
    with pytest.raises(ValueError, match="not a text file"):
        decoded(b"\x81\xff\xfe\x8d")


def test_the_parser_names_a_line() -> None:
    with pytest.raises(NotToml, match="line 2"):
        from_toml("a = 1\nb =\n")


@pytest.mark.parametrize(
    "text",
    ['"\\ud800"', '{"\\uDFFF": 1}', '["\\ude00\\ud83d"]', b'"\\ud800"', b'"\xed\xa0\x80"'],
)
def test_half_a_character_is_none(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"half of a character|can't decode"):
        from_json(text)


def test_both_halves_are_one() -> None:
    assert from_json('"\\ud83d\\ude00 \\\\ud800"') == "\U0001f600 \\ud800"
