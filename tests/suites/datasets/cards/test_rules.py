from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from dfbench.errors import DataError
from dfbench.suites.datasets.cards.card import Card
from dfbench.suites.datasets.cards.rules import GroupRule, KindRule
from dfbench.suites.datasets.cards.writing import to_toml
from dfbench.suites.datasets.scan import scan

PATHS = ["a/1.png", "a/2.png", "b/1.png", "v/x/1.png", "v/x/2.png"]


def test_groups_from_a_table_of_any_form(tmp_path):
    (tmp_path / "g.csv").write_text(
        "\ufeffpath;group;n\n/home/a/1.png;007;1\nb\\1;007;2\nv/x;9;3\n"
    )
    told = {"a/1.png": "007", "b/1.png": "007"}
    assert GroupRule(csv="g.csv").read(tmp_path, PATHS) == told
    (tmp_path / "g.json").write_text(
        json.dumps({"a/1.png": {"group": "p"}, "x.mp4": {"group": "q"}})
    )
    told = {"a/1.png": "p", "v/x/1.png": "q", "v/x/2.png": "q"}
    assert GroupRule(csv="g.json").read(tmp_path, PATHS) == told


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("path,group\n1.png,x\n", "row 2: several images fit '1.png': a/1.png, b/1.png"),
        ("path,group\na/1,x\na/1.png,y\n", "row 3 says 'y' of 'a/1.png', a row before it 'x'"),
        ("path,group\nq.png,x\n", "names none of the 5 images"),
        ("path,kind\na/1.png,x\n", "there is no column 'group'"),
        ("name,group\na/1.png,x\n", "there is no column 'path'"),
    ],
)
def test_bad_tables_of_groups(tmp_path, text, says):
    (tmp_path / "g.csv").write_text(text)
    with pytest.raises(DataError) as caught:
        GroupRule(csv="g.csv").read(tmp_path, PATHS)
    assert says in str(caught.value)
    assert "g.csv" in str(caught.value)


@pytest.mark.parametrize("rule", [GroupRule, KindRule])
@pytest.mark.parametrize("keys", [{}, {"pattern": "(?P<group>a)(?P<kind>b)", "csv": "x"}])
def test_a_pattern_or_a_table(rule, keys):
    with pytest.raises(ValidationError, match="needs a pattern or a csv"):
        rule(**keys)


def test_images_without_a_group_are_told(make):
    make.classes(3)
    make.text("g.csv", "path,group\nreal/000.png,p\nfake/000.png,p\n")
    card = Card.model_validate(
        {
            "name": "x",
            "classes": ["real", "fake"],
            "layout": {"kind": "folders"},
            "group": {"csv": "g.csv"},
        }
    )
    assert card.split.policy == "grouped"
    assert '[group]\ncsv = "g.csv"\n' in to_toml(card)
    found = scan(card, make.root)
    assert [image.group for image in found.images] == ["p", "", "", "p", "", ""]
    [warning] = found.warnings
    assert warning.startswith("[group] tells nothing of 4 of 6 images, such as fake/001.png")
