"""Kinds of fakes: where cards tell them, what they change, and what they must not."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from dfbench.cli import app
from dfbench.errors import CardError, DataError
from dfbench.suites.datasets.cards.card import Card
from dfbench.suites.datasets.cards.reading import load_card
from dfbench.suites.datasets.cards.writing import to_toml
from dfbench.suites.datasets.inference.card_file import init_card
from dfbench.suites.datasets.inspection.defects import find_defects
from dfbench.suites.datasets.inspection.description import describe
from dfbench.suites.datasets.kinds import kinds_of
from dfbench.suites.datasets.loading import load_dataset
from dfbench.suites.datasets.manifest import Dataset
from dfbench.suites.datasets.words import guess_real
from tests.suites.datasets.conftest import FOLDERS_CARD, Maker

DEEPER = '[kind]\npattern = "Fake/(?P<kind>[^/]+)/"\n'


def deeper(make: Maker, kinds=("gan", "diffusion"), n: int = 3) -> None:
    for split in ("Train", "Validation", "Test"):
        for number in range(n * len(kinds)):
            make.image(f"{split}/Real/{number}.png")
        for kind in kinds:
            for number in range(n):
                make.image(f"{split}/Fake/{kind}/{number}.png")


def by_path(dataset: Dataset) -> dict[str, str]:
    return dict(zip(dataset.manifest["path"], kinds_of(dataset), strict=True))


def test_from_folders_below_the_class(make: Maker, folders_card) -> None:
    deeper(make)
    make.image("Train/Fake/loose.png")
    dataset = load_dataset(folders_card(DEEPER))
    found = by_path(dataset)
    assert found["Train/Fake/gan/0.png"] == "gan"
    assert found["Test/Fake/diffusion/2.png"] == "diffusion"
    assert found["Train/Fake/loose.png"] == ""
    assert {kind for path, kind in found.items() if "/Real/" in path} == {""}
    assert describe(dataset).kinds == {
        "train": {"diffusion": 3, "gan": 3, "(unknown)": 1},
        "validation": {"diffusion": 3, "gan": 3},
        "test": {"diffusion": 3, "gan": 3},
    }
    shown = CliRunner().invoke(app, ["data", "describe", str(folders_card(DEEPER))]).stdout
    [line] = [line for line in shown.splitlines() if line.startswith("of ")]
    assert line.split() == ["of", "Fake", "diffusion", "gan", "(unknown)", "all"]


def test_from_a_table_beside_the_images(make: Maker, folders_card) -> None:
    make.folders()
    listed = [
        f"{split}/Fake/fake_{i}.jpg,{'gan' if i % 2 else 'blend'}"
        for split in ("Train", "Validation", "Test")
        for i in range(4)
    ]
    make.text("kinds.csv", "\n".join(["path,kind", *listed, "absent.jpg,gan"]) + "\n")
    dataset = load_dataset(folders_card('[kind]\ncsv = "kinds.csv"\n'))
    assert by_path(dataset)["Test/Fake/fake_1.jpg"] == "gan"
    assert describe(dataset).kinds["train"] == {"blend": 2, "gan": 2}


def test_from_file_names(make: Maker, card_file) -> None:
    for number in range(12):
        make.image(f"clip{number}_real_x.png")
        make.image(f"clip{number}_fake_{('swap', 'gan')[number % 2]}.png")
    pattern = r"(?P<group>clip\d+)_(?P<label>real|fake)_(?P<kind>\w+)\.png"
    path = card_file(
        'name = "clips"\nroot = "data"\nclasses = ["real", "fake"]\n'
        f"[layout]\nkind = \"filename\"\npattern = '{pattern}'\n"
    )
    found = by_path(load_dataset(path))
    assert found["clip3_fake_gan.png"] == "gan"
    assert found["clip3_real_x.png"] == ""


def test_from_a_column(make: Maker, card_file) -> None:
    for split in ("train", "test"):
        lines = ["image_id,label,method"]
        for number in range(4):
            make.image(f"{split}/{split}{number}.png")
            lines.append(f"{split}{number},{number % 2}," + ("swap" if number == 1 else ""))
        make.text(f"{split}.csv", "\n".join(lines) + "\n")
    text = (
        'name = "t"\nroot = "data"\nclasses = ["0", "1"]\n[layout]\nkind = "table"\n'
        'kind_column = "COLUMN"\n[layout.splits]\n'
        'train = { csv = "train.csv", images = "train" }\n'
        'test = { csv = "test.csv", images = "test" }\n'
    )
    found = by_path(load_dataset(card_file(text.replace("COLUMN", "method"))))
    assert {path for path, kind in found.items() if kind == "swap"} == {
        "train/train1.png",
        "test/test1.png",
    }
    with pytest.raises(DataError, match="no column 'methods'"):
        load_dataset(card_file(text.replace("COLUMN", "methods")))


def test_of_more_than_two_classes_the_classes_are_the_kinds(make: Maker, card_file) -> None:
    make.classes(names=("0_real", "stylegan", "diffusion"))
    text = (
        'name = "many"\nroot = "data"\nclasses = ["0_real", "stylegan", "diffusion"]\n{}'
        '[layout]\nkind = "folders"\n'
    )
    dataset = load_dataset(card_file(text.format("")))
    assert dataset.card.real == "0_real"
    assert set(kinds_of(dataset)) == {"", "stylegan", "diffusion"}
    assert describe(dataset).kinds == {}
    assert describe(dataset).real == "0_real"
    other = load_dataset(card_file(text.format('real = "diffusion"\n')))
    assert set(kinds_of(other)) == {"", "stylegan", "0_real"}
    assert other.fingerprint == dataset.fingerprint
    with pytest.raises(CardError, match="'gan' is none of the classes"):
        load_card(card_file(text.format('real = "gan"\n')))
    with pytest.raises(CardError, match="the classes are the kinds"):
        load_card(card_file(text.format("") + DEEPER))


@pytest.mark.parametrize(
    ("classes", "real"),
    [
        (["real", "a", "b"], "real"),
        (["Original", "Deepfakes", "Face2Face"], "Original"),
        (["0", "1", "2"], ""),
        (["real", "original", "fake"], ""),
        (["realistic", "a", "b"], ""),
    ],
)
def test_the_real_class_is_guessed_where_one_is_called_so(classes: list[str], real: str) -> None:
    assert guess_real(classes) == real


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("[kind]\n", "key 'kind': needs a pattern or a csv"),
        ('[kind]\npattern = "x"\ncsv = "y"\n', "one of them"),
        ('[kind]\npattern = "(?P<sort>x)"\n', "needs a named group (?P<kind>...)"),
        ('[kind]\npatern = "(?P<kind>x)"\n', "unknown key 'kind.patern', did you mean 'pattern'"),
    ],
)
def test_a_rule_that_is_none(folders_card, section: str, message: str) -> None:
    with pytest.raises(CardError) as caught:
        load_card(folders_card(section))
    assert message in str(caught.value)


def test_real_is_for_more_than_two_classes(card_file) -> None:
    text = FOLDERS_CARD.replace("[layout]", 'real = "Real"\n[layout]', 1)
    with pytest.raises(CardError, match="for more than two classes"):
        load_card(card_file(text))


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ('[kind]\npattern = "(?P<kind>gan)_"\n', "finds nothing in any of 24 paths"),
        ('[kind]\ncsv = "absent.csv"\n', "absent.csv: no such file"),
        ('[kind]\ncsv = "wrong.csv"\n', "no column 'kind'"),
        ('[kind]\ncsv = "others.csv"\n', "names none of the 24 images"),
    ],
)
def test_a_rule_that_tells_nothing(make: Maker, folders_card, section: str, message: str) -> None:
    make.folders()
    make.text("wrong.csv", "path,sort\na.jpg,gan\n")
    make.text("others.csv", "path,kind\na.jpg,gan\n")
    with pytest.raises(DataError) as caught:
        load_dataset(folders_card(section))
    assert message in str(caught.value)


def test_a_kind_of_real_images_too_is_told(make: Maker, folders_card) -> None:
    deeper(make)
    make.image("Train/Real/gan/odd.png")
    dataset = load_dataset(folders_card('[kind]\npattern = "(?P<kind>gan|diffusion)/"\n'))
    assert by_path(dataset)["Train/Real/gan/odd.png"] == ""
    [finding] = find_defects(dataset)
    assert (finding.kind, finding.path) == ("warning", "Train/Real/gan/odd.png")
    assert "kind 'gan' is told of 1 real image too" in finding.reason


def testfingerprint_ofs_know_of_kinds_only_where_there_are_any() -> None:
    from dfbench.suites.datasets.manifest import fingerprint_of

    card = Card.model_validate(
        {
            "name": "faces",
            "classes": ["real", "fake"],
            "layout": {"kind": "folders", "splits": {"train": "train", "test": "test"}},
        }
    )
    manifest = pd.DataFrame(
        {
            "path": ["a", "b", "c", "d"],
            "label": np.array([0, 1, 0, 1]),
            "split": ["train", "train", "test", "test"],
            "group": ["", "", "g", ""],
            "kind": "",
            "sha256": [str(k) * 64 for k in range(4)],
        }
    )
    # as it was before there were kinds
    assert fingerprint_of(card, manifest) == "26ffa62cecc56050"
    with_kinds = manifest.assign(kind=["", "gan", "", "gan"])
    other = manifest.assign(kind=["", "gan", "", "blend"])
    assert len({fingerprint_of(card, m) for m in (manifest, with_kinds, other)}) == 3


def test_cards_with_kinds_are_written_and_read(make: Maker, folders_card, tmp_path: Path) -> None:
    for section in (DEEPER, '[kind]\ncsv = "kinds.csv"\n'):
        card = load_card(folders_card(section))
        again = tmp_path / "again.toml"
        again.write_text(to_toml(card))
        assert load_card(again) == card
    make.folders()
    path, _ = init_card(make.root)
    assert "\n# [kind]\n" in path.read_text()
    path.write_text(re.sub(r"^# (\[|\w+ = )", r"\1", path.read_text(), flags=re.M))
    card = load_card(path)
    assert None not in (card.kind, card.group, card.normalise)
    assert len(load_dataset(path).manifest) == 24


def test_built_in_sets_tell_their_kinds_beside_unchanged_images(tmp_path: Path) -> None:
    from dfbench.suites.generated.builtin import ensure_builtin

    card = ensure_builtin("leaves-binary", size=0.03)
    dataset = load_dataset(card)
    assert describe(dataset).kinds["test"].keys() <= {
        "upsampled",
        "smoothed",
        "blended",
        "coloured",
    }
    assert sum(describe(dataset).kinds["test"].values()) == describe(dataset).counts["test"]["fake"]
    # nothing that an extractor is given tells the kind: neither names nor folders
    fakes = dataset.manifest[dataset.manifest["label"] == 1]["path"]
    assert not fakes.str.contains("upsampled|smoothed|blended|coloured").any()
    # a set that an earlier version left gets the card of this one
    images = {p: p.stat().st_mtime_ns for p in card.parent.rglob("*.jpg")}
    card.write_text(card.read_text().partition("[kind]")[0])
    assert "[kind]" in ensure_builtin("leaves-binary", size=0.03).read_text()
    assert {p: p.stat().st_mtime_ns for p in card.parent.rglob("*.jpg")} == images
