"""Checksums: of what a results folder tells as JSON no bit may change unseen."""

import json

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Record
from dfbench.results.records.sealed import SumError, read_sealed, unsealed, write_sealed


class Told(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = ""
    value: float | None = None
    more: dict[str, list[int]] = {}


_TOLD = st.builds(
    Told,
    name=st.text(st.characters(exclude_categories=["Cs"])),
    value=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    more=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])), st.lists(st.integers())
    ),
)


@examples(max_examples=50)
@given(told=_TOLD)
def test_it_comes_back_as_it_was_written(tmp_path_factory, told):
    path = tmp_path_factory.mktemp("sealed") / "x.json"
    write_sealed(path, told)
    assert read_sealed(path, Told, below=path.parent) == told
    assert unsealed(path.read_bytes())[1]


def test_no_bit_of_a_record_changes_what_is_read_unseen(folder):
    record = folder.add("faces", "hsv/knn", params={"k": 3, "weights": "distance"})
    path = ResultsFolder(folder.out).record_file("c0")
    content = path.read_bytes()
    refused = 0
    for place in range(len(content) * 8):
        harmed = bytearray(content)
        harmed[place // 8] ^= 1 << place % 8
        try:
            value, _ = unsealed(bytes(harmed))
            assert Record.model_validate(value) == record, place
        except ValueError:
            refused += 1
    # the others turn a blank into another, or a letter of a checksum to the same in hexadecimal
    assert refused > 0.8 * len(content) * 8


def test_blanks_and_the_order_of_keys_may_change(tmp_path):
    write_sealed(tmp_path / "x.json", Told(name="n", value=0.1, more={"a": [1]}))
    value = json.loads((tmp_path / "x.json").read_text())
    (tmp_path / "x.json").write_text(json.dumps(dict(reversed(value.items())), indent=4))
    assert read_sealed(tmp_path / "x.json", Told, below=tmp_path).name == "n"


def test_what_was_written_before_there_were_checksums_is_read(tmp_path):
    (tmp_path / "x.json").write_text('{"name": "n"}')
    assert read_sealed(tmp_path / "x.json", Told, below=tmp_path).name == "n"
    assert not unsealed(b'{"name": "n"}')[1]


def test_another_value_is_told_apart_from_nonsense(tmp_path):
    write_sealed(tmp_path / "x.json", Told(name="n", value=0.25))
    text = (tmp_path / "x.json").read_text()
    with pytest.raises(SumError, match="not what was written"):
        unsealed(text.replace("0.25", "0.75").encode())


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a": ' * 70 + "1" + "}" * 70, "1" + "0" * 400, "NaN", "-Infinity", "1e999",
     "9" * 5000, "{", ""],
)  # fmt: skip
def test_what_no_figure_can_be_made_of_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        unsealed(text.encode())
