from __future__ import annotations

import shutil

import pytest

from dfbench.errors import CardError, DataError
from dfbench.suites.datasets.cards.reading import load_card
from dfbench.suites.datasets.scan import check_fit, scan
from dfbench.suites.datasets.splits import assign
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


ALL_CARD = """\
name = "x"
classes = ["real", "fake"]
[layout]
kind = "table"
id_column = "file"
{keys}
"""


def whole(make, text: str, keys: str, card_file, name: str = "labels.csv", splits: str = ""):
    """A card over one table of all images."""
    make.text(name, text)
    splits = splits or f'splits.all = {{ csv = "{name}" }}'
    return card_file(ALL_CARD.format(keys=f"{keys}\n{splits}"))


def test_a_column_tells_the_splits(make, card_file):
    lines = ["file,label,set"]
    for number in range(8):
        make.image(f"d/{number}.png")
        lines.append(
            f"{number},{'real' if number % 2 else 'fake'},{'Training' if number < 4 else 'TEST'}"
        )
    text = "\n".join(lines)
    card = whole(make, text, 'split_column = "set"', card_file)
    assert load_card(card).split.policy == "given"
    assert [r[2] for r in rows(card, make.root)] == ["train"] * 4 + ["test"] * 4
    assert check_fit(load_card(card), make.root) == 8
    # the same table for each split
    both = 'splits.train = { csv = "labels.csv" }\nsplits.test = { csv = "labels.csv" }'
    card = whole(make, text, 'split_column = "set"', card_file, splits=both)
    assert [r[2] for r in rows(card, make.root)] == ["train"] * 4 + ["test"] * 4
    for other, says in (
        ("later", "'later' in the column 'set' is no split"),
        ("val", "split 'val"),
    ):
        changed = text.replace("7,real,TEST", f"7,real,{other}")
        card = whole(make, changed, 'split_column = "set"', card_file, splits=both)
        assert f"labels.csv, row 9: {says}" in failure(card, make.root)


def test_a_split_that_only_a_column_tells_may_be_absent_but_not_train(make, card_file):
    for number in range(4):
        make.image(f"{number}.png")
    text = "file,label,set\n0,real,test\n1,fake,test\n2,real,val\n3,fake,val\n"
    card = whole(make, text, 'split_column = "set"', card_file)
    assert "split 'train' of 'x' has no readable image" in failure(card, make.root)


def test_rows_of_a_column_without_labels_are_test(make, card_file):
    for number in range(6):
        make.image(f"{number}.png")
    text = "file,label,set\n0,real,train\n1,fake,train\n2,real,val\n3,fake,val\n4,,test\n5,,test\n"
    card = whole(make, text, 'split_column = "set"', card_file)
    assert [r[1] for r in rows(card, make.root)] == [0, 1, 0, 1, -1, -1]
    assert check_fit(load_card(card), make.root) == 6


def test_a_table_of_all_splits_beside_another_is_an_error(make, card_file):
    splits = 'splits.all = { csv = "a.csv" }\nsplits.test = { csv = "b.csv" }'
    card = whole(make, "", 'split_column = "set"', card_file, splits=splits)
    with pytest.raises(CardError, match="all is divided by split_column"):
        load_card(card)


def test_rows_name_videos_and_originals(make, card_file):
    """The metadata of a challenge: a row is a video, a fake names what it was made of."""
    for number in (1, 2):
        make.image(f"frames/real1/{number}.png")
        make.image(f"frames/fake1_{number}.png")
    make.image("frames/real2.png")
    text = (
        '{"real1.mp4": {"label": "REAL", "original": null},'
        '"fake1.mp4": {"label": "FAKE", "original": "real1.mp4"},'
        '"real2.mp4": {"label": "REAL", "original": null}}'
    )
    keys = 'group_column = "original"\nlabels = { REAL = "real", FAKE = "fake" }'
    card = whole(make, text, keys, card_file, name="metadata.json")
    assert [r[:4] for r in rows(card, make.root)] == [
        ("frames/fake1_1.png", 1, "", "real1"),
        ("frames/fake1_2.png", 1, "", "real1"),
        ("frames/real1/1.png", 0, "", "real1"),
        ("frames/real1/2.png", 0, "", "real1"),
        ("frames/real2.png", 0, "", ""),
    ]


def test_absolute_paths_and_an_absent_image_of_another_folder(make, card_file):
    for path in ("train/1.png", "test/1.png", "test/2.png"):
        make.image(path)
    text = "file,label\nC:\\x\\train\\1.png,real\n/y/test/1.png,fake\n/y/train/2.png,real\n"
    found = rows(whole(make, text, "", card_file), make.root)
    assert [(r[0], r[1]) for r in found if not r[4]] == [("test/1.png", 1), ("train/1.png", 0)]
    assert [r[4] for r in found if r[4]] == ["row 4 of labels.csv: no image '/y/train/2.png' in ./"]


def test_an_unlabelled_test_beside_a_table_that_is_divided(make, card_file):
    lines = ["file,label"]
    for number in range(20):
        make.image(f"d/{number}.png")
        lines.append(f"{number},{'real' if number % 2 else 'fake'}")
    make.image("t/x.png")
    make.text("test.csv", "id\nx.png\n")
    splits = (
        'splits.all = { csv = "labels.csv", images = "d" }\n'
        'splits.test = { csv = "test.csv", images = "t", id_column = "id" }'
    )
    path = whole(make, "\n".join(lines), "", card_file, splits=splits)
    card = load_card(path)
    images = scan(card, make.root).images
    splits = assign(card, images)
    assert splits[-1] == "test"
    assert images[-1].label == -1
    assert [splits[:-1].count(name) for name in ("train", "validation", "test")] == [14, 4, 2]
    assert check_fit(card, make.root) == 21
    sheet = card.layout.sheet(card, make.root, ["t/x.png"])
    assert (sheet.ids, sheet.id_column) == ([("x.png", "t/x.png")], "id")


def test_a_test_with_labels_beside_a_table_that_is_divided_gets_no_others(make, card_file):
    lines = ["file,label", *(f"{n},{'real' if n % 2 else 'fake'}" for n in range(34))]
    for number in range(34):
        make.image(f"d/{number}.png")
    for number in (0, 1):
        make.image(f"t/{number}.png")
    make.text("test.csv", "file,label\n0,real\n1,fake\n")
    splits = (
        'splits.all = { csv = "labels.csv", images = "d" }\n'
        'splits.test = { csv = "test.csv", images = "t" }'
    )
    card = load_card(whole(make, "\n".join(lines), "", card_file, splits=splits))
    found = assign(card, scan(card, make.root).images)
    # 0.7 and 0.15 of 0.85, of 17 images a class: 14 and 3
    assert [found.count(name) for name in ("train", "validation", "test")] == [28, 6, 2]


def test_a_sheet_needs_an_image_a_row(make, table_card):
    make.table(1)
    make.image("test/clip/1.png")
    make.image("test/clip/2.png")
    make.text("test.csv", "image_id\nclip.mp4\n")
    card = load_card(table_card())
    with pytest.raises(DataError, match=r"row 2: 'clip\.mp4' names 2 images"):
        card.layout.sheet(card, make.root, [])


def test_folders_tell_the_splits_of_a_table(make, card_file):
    lines = ["file,label", "0,real", "1,fake", "2,real", "3,fake", "gone,real"]
    for number in range(4):
        make.image(f"x/{'train' if number < 2 else 'Testing'}/{number}.png")
    keys = 'split_folders = { train = "train", test = ["Testing", "more"] }'
    card = whole(make, "\n".join(lines), keys, card_file)
    assert load_card(card).split.policy == "given"
    assert [r[:3] for r in rows(card, make.root) if not r[4]] == [
        ("x/Testing/2.png", 0, "test"),
        ("x/Testing/3.png", 1, "test"),
        ("x/train/0.png", 0, "train"),
        ("x/train/1.png", 1, "train"),
    ]
    assert check_fit(load_card(card), make.root) == 5
    make.image("y/9.png")
    card = whole(make, "\n".join([*lines, "9,fake"]), keys, card_file)
    assert "row 7: 'y/9.png' lies in none of layout.split_folders" in failure(card, make.root)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ('split_column = "set"\nsplit_folders = { train = "a" }', "where no split_column does"),
        (
            'split_folders = { train = "a", test = "a" }',
            "folder 'a' stands for 'train' and for 'test'",
        ),
    ],
)
def test_folders_of_splits_that_cannot_be(make, card_file, keys, says):
    with pytest.raises(CardError, match=says):
        load_card(whole(make, "", keys, card_file))


@pytest.mark.parametrize("name", ["0.png", "none.png"])
def test_an_unknown_label_is_one_whether_its_image_is_there_or_not(make, card_file, name):
    make.image("0.png")
    card = whole(make, f"file,label\n{name},faek", "", card_file)
    with pytest.raises(DataError, match="row 2: label 'faek' is none of the classes"):
        scan(load_card(card), make.root)


def test_values_that_stand_for_splits_rows_without_a_label_and_rows_twice(make, card_file):
    rest = ["2,real,2", "3,fake,2", "4,NaN,0", "5,,0", "0,real,0", "sum,4,0"]
    lines = ["file,label,set", "0,real,0", "1,fake,0", *rest]
    for number in range(6):
        make.image(f"{number}.png")
    keys = (
        'split_column = "set"\nsplit_values = { "0" = "train", "2" = "test" }\n'
        'no_label = ["", "NaN"]'
    )
    card = whole(make, "\n".join(lines), keys, card_file)
    found = [r[:3] for r in rows(card, make.root) if not r[4]]
    assert found == [
        ("0.png", 0, "train"),
        ("1.png", 1, "train"),
        ("2.png", 0, "test"),
        ("3.png", 1, "test"),
    ]
    assert "2 rows without a label left out" in scan(load_card(card), make.root).warnings
