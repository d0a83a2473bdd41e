"""The card that is written of a plain folder reads as the folder itself does."""

from __future__ import annotations

import itertools
import re
import tomllib
import unicodedata

import pytest

from dfbench.errors import OutputError
from dfbench.suites.datasets.inference.card_file import init_card
from dfbench.suites.datasets.inference.read_as import ReadAs
from dfbench.suites.datasets.loading import load_dataset

TREES = [
    ("{real,fake}", {}),
    ("{train,val,test}/{real,fake}", {}),
    ("{real,fake}/{train,val,test}", {}),
    ("biggan/{0_real,1_fake} cyclegan/1_fake progan/1_fake", {}),
    ("biggan/{0_real,1_fake} cyclegan/{0_real,1_fake}", {}),
    ("celeb/{real,fake} youtube/real", {}),
    ("a/{train,test}/{real,fake} b/train/{real,fake}", {}),
    ("real/{train,val} fake/g1/{train,val}", {}),
    ("wrapper/deep/{train,test}/{real,fake}", {}),
    ("outer/{real,fake/gan,fake/diffusion}", {}),
    ("original_sequences/youtube/c23 manipulated_sequences/{Deepfakes,FaceSwap}/c23", {}),
    ("{real,fake}/{clip1,clip2,clip3,clip4}", {"groups": "2"}),
    ("data/{cats,dogs}", {"classes": "real=cats,fake=dogs"}),
    ("v1/{a,b}/{cats,dogs}", {"classes": "real=cats,fake=dogs", "kinds": "none"}),
    ("{réel,faux}", {}),
    ("it's/{real,fake}", {}),
    ("'a\"b\\c'/{real,fake} x/{real,fake}", {}),
    ("new\nline/{real,fake}", {}),
    ("real fake/{new\nline,other\rline}", {}),
    ("real/{tab\there,bell\x07,del\x7f,sep\u2028} fake/{g1,g2}", {}),
]


def folders(text: str) -> list[str]:
    """Spell out braces."""
    found = []
    for word in re.split(" +", text):
        parts = [part.strip("{}").split(",") for part in re.split(r"(\{[^}]*\})", word) if part]
        found += ["".join(each) for each in itertools.product(*parts)]
    return found


def write(make, text: str) -> list[str]:
    paths = [f"{folder}/{number}.png" for folder in folders(text) for number in range(6)]
    for path in paths:
        make.image(path)
    return sorted(paths)


@pytest.mark.parametrize(("text", "asked"), TREES)
def test_the_written_card_reads_as_the_folder(make, tmp_path, text, asked):
    paths = write(make, text)
    said = ReadAs(**asked)
    plain = load_dataset(make.root, asked=said, incomplete=True)
    beside, _ = init_card(make.root, tmp_path / "cards" / "x.toml", asked=said)
    within, _ = init_card(make.root, asked=said)
    for card in (beside, within, make.root):
        read = load_dataset(card, incomplete=True)
        assert read.fingerprint == plain.fingerprint
        where = read.root.relative_to(make.root).as_posix()
        prefix = "" if where == "." else f"{where}/"
        assert sorted(prefix + path for path in read.manifest["path"]) == paths


def test_names_with_lines_in_them_stay_in_comments(make):
    write(make, "real/new\nline fake/a\rb")
    text = init_card(make.root)[0].read_text(encoding="utf-8")
    assert tomllib.loads(text)
    assert all(line.isprintable() for line in text.split("\n"))


def test_what_tells_the_groups_is_proposed_as_no_kind(make):
    for number in range(12):
        make.image(f"clip{number // 3:03}_{number:05}_{number % 2}.png")
    said = ReadAs(classes=r"(?P<group>[^_]+)_.*_(?P<label>[01])\.\w+")
    text = init_card(make.root, asked=said)[0].read_text(encoding="utf-8")
    assert "clip000 of" not in text


def test_a_folder_is_no_card_to_write(make):
    write(make, "real fake")
    for force in (False, True):
        with pytest.raises(OutputError, match="is a folder, not a card"):
            init_card(make.root, make.root / "real", force=force)


def test_an_accent_written_apart_gives_the_same_name_and_the_own_paths(make, tmp_path):
    make.root = tmp_path / unicodedata.normalize("NFD", "détection")
    real = unicodedata.normalize("NFD", "réel")
    paths = write(make, f"{real} faux")
    read = load_dataset(make.root, incomplete=True)
    assert read.name == "détection"
    assert sorted(read.manifest["path"]) == paths
