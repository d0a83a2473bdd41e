from __future__ import annotations

import shutil

import pytest

from dfbench.suites.datasets.cards.reading import load_card
from tests.suites.datasets.layouts.listed import failure, rows


def test_table(make, table_card):
    make.table(1)
    assert rows(table_card(), make.root)[:4] == [
        ("test/te-0-0.png", -1, "test", "", ""),
        ("test/te-1-0.png", -1, "test", "", ""),
        ("test/te-2-0.png", -1, "test", "", ""),
        ("train/tr-0-0.png", 0, "train", "", ""),
    ]


def test_empty_labels_in_test_are_unlabelled(make, table_card):
    make.table(1)
    make.text("test.csv", "image_id,label\nte-0-0,\nte-1-0,\n")
    assert {r[1] for r in rows(table_card(), make.root) if r[2] == "test"} == {-1}


def test_a_row_without_its_image_is_a_broken_line(make, table_card):
    make.table(2)
    (make.root / "train/tr-1-0.png").unlink()
    broken = [r for r in rows(table_card(), make.root) if r[4]]
    assert broken == [
        ("train/tr-1-0", 1, "train", "", "row 4 of train.csv: no image 'tr-1-0' in train/")
    ]


def test_extension_of_ids(make, table_card):
    make.table(1)
    make.image("train/tr-0-0.jpg")
    fault = [r[4] for r in rows(table_card(), make.root) if r[4]]
    assert fault == ["row 2 of train.csv: several images fit 'tr-0-0': tr-0-0.jpg, tr-0-0.png"]
    text = (make.root.parent / "card.toml").read_text()
    (make.root.parent / "card.toml").write_text(
        text.replace('kind = "table"', 'kind = "table"\nextension = ".png"')
    )
    assert not [r for r in rows(make.root.parent / "card.toml", make.root) if r[4]]


def test_ids_with_extension_bom_semicolon_and_zeros(make, table_card):
    make.table(1)
    make.image("train/007.png")
    make.image("train/b b.jpg")
    make.image("train/c.webp")
    make.text("train.csv", "\ufeffimage_id;label\r\n007;0\r\n\r\nb b.jpg;1\r\nc.webp; 2 \r\n")
    train = [r for r in rows(table_card(), make.root) if r[2] == "train"]
    assert [r[:2] for r in train] == [
        ("train/007.png", 0),
        ("train/b b.jpg", 1),
        ("train/c.webp", 2),
    ]


def test_a_label_outside_the_classes_names_the_row(make, table_card):
    make.table(1)
    make.text("train.csv", "image_id,label\ntr-0-0,0\ntr-1-0,9\n")
    assert (
        "train.csv, row 3: label '9' is none of the classes of 'generators' (0, 1, 2)"
        in failure(table_card(), make.root)
    )


def test_an_empty_label_in_train_is_an_error(make, table_card):
    make.table(1)
    make.text("train.csv", "image_id,label\ntr-0-0,0\ntr-1-0,\n")
    assert "train.csv, row 3: label '' is none" in failure(table_card(), make.root)


def test_an_id_given_twice_names_both_rows(make, table_card):
    make.table(1)
    make.text("train.csv", "image_id,label\ntr-0-0,0\ntr-1-0,1\ntr-0-0,2\n")
    message = failure(table_card(), make.root)
    assert "train.csv, row 4: image 'train/tr-0-0.png' stands in" in message
    assert "train.csv, row 2 too" in message


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (
            "train.csv",
            "id,label\nx,1\n",
            "there is no column 'image_id' (its columns: 'id', 'label')",
        ),
        ("train.csv", "image_id,lable\nx,1\n", "there is no column 'label'"),
        ("train.csv", "", "train.csv: the table is empty"),
        ("train.csv", "image_id,label\n,1\n", "the id is empty"),
    ],
)
def test_bad_tables(make, table_card, name, content, says):
    make.table(1)
    make.text(name, content)
    assert says in failure(table_card(), make.root)


def test_missing_table_and_folder(make, table_card):
    make.table(1)
    shutil.rmtree(make.root / "test")
    assert "test: no such folder of images" in failure(table_card(), make.root)
    (make.root / "test").mkdir()
    (make.root / "train.csv").unlink()
    assert "train.csv: no such file" in failure(table_card(), make.root)
    (make.root / "train.csv").write_bytes(b"image_id,label\n\x81,1\n")
    assert "train.csv: not a text file in UTF-8, UTF-16 or" in failure(table_card(), make.root)


def test_groups_by_column_and_labels_by_mapping(make, card_file):
    lines = ["file,what,video"]
    for number in range(12):
        make.image(f"frames/{number}.jpg")
        lines.append(f"{number}.jpg,{'FAKE' if number % 2 else 'REAL'},v{number // 4}")
    make.text("labels.csv", "\n".join(lines))
    card = card_file(
        'name = "x"\nclasses = ["real", "fake"]\n[layout]\nkind = "table"\n'
        'id_column = "file"\nlabel_column = "what"\ngroup_column = "video"\n'
        'labels = { REAL = "real", FAKE = "fake" }\n'
        '[layout.splits.all]\ncsv = "labels.csv"\nimages = "frames"\n'
    )
    assert load_card(card).split.policy == "grouped"
    found = rows(card, make.root)
    assert ("frames/5.jpg", 1, "", "v1", "") in found
    assert len(found) == 12
