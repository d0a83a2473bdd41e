from __future__ import annotations

import pytest

from dfbench.errors import CardError
from dfbench.suites.datasets.cards.reading import parse_card
from dfbench.suites.datasets.layouts.all import LAYOUTS
from dfbench.suites.datasets.layouts.folders import FoldersLayout


@pytest.mark.parametrize("kind", [None, "zzz"])
def test_errors_name_every_layout(kind):
    data = {"name": "x", "classes": ["a", "b"], "layout": {"kind": kind} if kind else {}}
    with pytest.raises(CardError, match=", ".join(LAYOUTS)):
        parse_card(data, where="x.toml")


@pytest.mark.parametrize("kind", LAYOUTS)
def test_comments_are_on_keys(kind):
    assert set(LAYOUTS[kind].comments) <= set(LAYOUTS[kind].model_fields)


def test_ids_are_paths_where_the_layout_has_no_others(make, folders_card):
    sheet = FoldersLayout(kind="folders").sheet(None, make.root, ["a/1.png"])
    assert sheet == ([("a/1.png", "a/1.png")], "image", "label", {})
