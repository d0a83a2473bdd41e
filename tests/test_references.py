"""What methods are from: entries that can be read, and named where a method is declared."""

import re

import pytest

from dfbench.features.base import Extractor
from dfbench.models.base import Model
from dfbench.references import Reference, backbone_references, cited, known, parse, references_of
from dfbench.registry import EXTRACTORS, MODELS, PROTOCOLS, Registry
from dfbench.results.statistics.metrics import ENTRIES

BASES = (Extractor, Model)
WHERE = {
    "article": "journal", "inproceedings": "booktitle", "incollection": "booktitle",
    "book": "publisher", "phdthesis": "school", "misc": "title",
}  # fmt: skip


def test_each_entry_says_who_what_where_and_when():
    assert len(known()) > 60
    for each in known().values():
        assert {"author", "title", "year", WHERE[each.kind]} <= set(each.fields)
        assert re.fullmatch(r"(19|20)\d\d", each.fields["year"])
        if each.key != "dfbench":
            assert each.key.endswith(each.fields["year"])
        # what is read is no LaTeX any more, and what is written can be read again
        assert not set(each.said) & set("{}")
        assert parse(each.bibtex) == [each]


@pytest.mark.parametrize("group", [EXTRACTORS, MODELS, PROTOCOLS])
def test_each_method_says_what_it_is_from_or_that_nothing_is_known(group):
    named = {}
    for part, found in Registry(group).working():
        if part.built_in:
            own = [each for each in found.__mro__ if "references" in vars(each)]
            assert own, part.name
            assert own[0] not in BASES, f"{part.name} says nothing"
            named[part.name] = references_of(found)
    assert any(named.values())


def test_metrics_name_what_there_is():
    assert all(cited(key) for each in ENTRIES for key in each.references)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("resnet18", "he2016"),
        ("tf_efficientnetv2_s", "tan2021"),
        ("efficientnet_b0", "tan2019"),
        ("mobilenetv3_small_100", "howard2019"),
        ("vit_small_patch16_224", "dosovitskiy2021"),
        ("vit_base_patch32_clip_quickgelu_224.openai", "radford2021"),
        ("clip-vit-l14", "radford2021"),
        ("open_clip:ViT-L-14.openai", "radford2021"),
        ("dinov2-vit-b14", "oquab2023"),
        ("timm:vit_small_patch14_dinov2.lvd142m", "oquab2023"),
        ("convnext-base-in22k", "liu2022"),
    ],
)
def test_a_backbone_is_known_by_how_its_name_begins(name, key):
    assert [each.key for each in backbone_references(name)] == [key]


def test_of_other_backbones_nothing_is_said():
    assert [*backbone_references("seresnet50"), *backbone_references("vitamin_large")] == []


def test_a_plugin_brings_keys_or_entries_of_its_own():
    def mine():
        pass

    mine.references = [
        "ojala2002",
        '@misc{me, author = "Me {and} You", title = {A {T}}, year=2026}',
    ]
    first, second = references_of(mine)
    assert first is known()["ojala2002"]
    assert second == Reference(
        "me", "misc", {"author": "Me {and} You", "title": "A {T}", "year": "2026"}
    )
    of_model = type("M", (Model,), {"name": "m", "function": staticmethod(mine)})
    assert references_of(of_model) == [first, second]


@pytest.mark.parametrize(
    "text",
    [
        *("@misc{a, title = {b}", "@misc{a, title = {b{}}", "nothing", "@misc{a, title = b}"),
        *(7, {"a": 1}, "@misc{a, title={b}} @misc{a, title={c}}"),
    ],
)
def test_what_is_no_reference_is_refused(text):
    def mine():
        pass

    mine.references = text
    with pytest.raises(ValueError, match=r"."):
        references_of(mine)
