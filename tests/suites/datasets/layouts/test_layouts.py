from __future__ import annotations

import os
import shutil

import pytest

from dfbench.errors import DataError
from dfbench.suites.datasets.cards.reading import load_card
from dfbench.suites.datasets.image_files import holds_images, is_image, walk
from dfbench.suites.datasets.scan import check_fit, scan, settle_root


def rows(path, root):
    return [
        (r.path, r.label, r.split, r.group, r.fault) for r in scan(load_card(path), root).images
    ]


def failure(path, root) -> str:
    with pytest.raises(DataError) as caught:
        check_fit(load_card(path), root)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- walking ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.jpg", "A.JPEG", "b.Png", "c.webp", "d.tif", "e.jfif", "f.gif"])
def test_images_by_extension(name):
    assert is_image(name)


@pytest.mark.parametrize(
    "name", [".DS_Store", "Thumbs.db", "._a.jpg", ".hidden.png", "x.txt", "jpg"]
)
def test_other_files_are_no_images(name):
    assert not is_image(name)


def test_walk_is_sorted_and_counts_what_it_leaves(make):
    for name in ("b/2.jpg", "b/10.jpg", "a.png", "b/c/d/x y.jpg", "лица/лицо 1.jpg", "脸/é.JPG"):
        make.image(name.replace(".JPG", ".jpg"))
    make.text("Thumbs.db", "")
    make.text("b/.DS_Store", "")
    make.text("__MACOSX/b/._2.jpg", "")
    make.text(".git/x.jpg", "")
    found = walk(make.root)
    assert found.images == [
        "a.png",
        "b/10.jpg",
        "b/2.jpg",
        "b/c/d/x y.jpg",
        "лица/лицо 1.jpg",
        "脸/é.jpg",
    ]
    assert found.ignored == 2
    assert not found.faults


def test_walk_follows_links_but_not_in_circles(make, tmp_path):
    make.image("a/1.png")
    (make.root / "a" / "up").symlink_to(make.root)
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(make.root / "a/1.png", other / "2.png")
    (make.root / "linked").symlink_to(other)
    assert walk(make.root).images == ["a/1.png", "linked/2.png"]
    assert holds_images(make.root)
    assert holds_images(make.root / "linked")
    (make.root / "a/1.png").unlink()
    assert not holds_images(make.root)


def test_broken_links_and_odd_files_are_faults(make):
    make.image("a.png")
    (make.root / "b.png").symlink_to("nowhere.png")
    os.mkfifo(make.root / "c.png")
    assert walk(make.root).faults == {
        "b.png": "broken symbolic link",
        "c.png": "not a regular file",
    }


def test_names_that_are_not_utf8_are_faults(make):
    make.image("a.png")
    shutil.copy(make.root / "a.png", os.fsencode(make.root) + b"/\xff.png")
    found = walk(make.root)
    assert found.images == ["\\udcff.png", "a.png"]
    assert "not UTF-8" in found.faults["\\udcff.png"]


# --- folders ---------------------------------------------------------------------------------


def test_split_folders(make, folders_card):
    make.folders(1)
    make.image("Train/Real/deeper/still/x.png")
    assert rows(folders_card(), make.root) == [
        ("Test/Fake/fake_0.jpg", 1, "test", "", ""),
        ("Test/Real/real_0.jpg", 0, "test", "", ""),
        ("Train/Fake/fake_0.jpg", 1, "train", "", ""),
        ("Train/Real/deeper/still/x.png", 0, "train", "", ""),
        ("Train/Real/real_0.jpg", 0, "train", "", ""),
        ("Validation/Fake/fake_0.jpg", 1, "validation", "", ""),
        ("Validation/Real/real_0.jpg", 0, "validation", "", ""),
    ]


def test_class_folders_by_mapping(make, card_file):
    make.classes(5, names=("originals/youtube", "face swap"))
    card = card_file(
        'name = "x"\nclasses = ["real", "fake"]\n[layout]\nkind = "folders"\n'
        'folders = { real = "originals/youtube", fake = "face swap" }\n'
    )
    found = rows(card, make.root)
    assert {(path.rpartition("/")[0], label) for path, label, *_ in found} == {
        ("originals/youtube", 0),
        ("face swap", 1),
    }


def test_a_folder_outside_the_classes_is_an_error(make, folders_card):
    make.folders(1)
    make.image("Train/Maybe/x.jpg")
    message = failure(folders_card(), make.root)
    assert "Train/Maybe: holds 1 images but is none of the classes (Real, Fake)" in message
    assert rows(folders_card('ignore = ["Maybe"]\n'), make.root)


def test_a_test_folder_without_class_folders_is_unlabelled(make, folders_card):
    make.folders(1, splits=("Train", "Validation"))
    make.image("Test/1.jpg")
    assert ("Test/1.jpg", -1, "test", "", "") in rows(folders_card(), make.root)


def test_a_missing_split_folder_is_an_error(make, folders_card):
    make.folders(1, splits=("Train", "Test"))
    assert "Validation: no such folder: it should hold split 'validation'" in failure(
        folders_card(), make.root
    )


def test_an_empty_class_is_an_error(make, folders_card):
    make.folders(1)
    for split in ("Train", "Validation", "Test"):
        shutil.rmtree(make.root / split / "Fake")
        (make.root / split / "Fake").mkdir()
    message = failure(folders_card(), make.root)
    assert "class 'Fake' of 'faces' has no readable image" in message
    assert str(make.root) in message


def test_a_split_without_a_class_is_an_error(make, folders_card):
    make.folders(1)
    shutil.rmtree(make.root / "Validation" / "Fake")
    assert "split 'validation' of 'faces' has no readable image of class 'Fake'" in failure(
        folders_card(), make.root
    )


def test_no_images_is_an_error(make, folders_card):
    for split in ("Train", "Validation", "Test"):
        (make.root / split / "Real").mkdir(parents=True)
    assert "'faces' holds no readable image" in failure(folders_card(), make.root)


def test_group_rule_reads_paths(make, folders_card):
    make.folders(2)
    card = folders_card("[group]\npattern = '_(?P<group>\\d+)\\.'\n")
    assert {r[3] for r in rows(card, make.root)} == {"0", "1"}
    make.image("Train/Real/other.jpg")
    assert "Train/Real/other.jpg: group.pattern" in failure(card, make.root)


def test_one_folder_for_two_splits_is_an_error(make, folders_card):
    make.folders(1)
    path = folders_card()
    path.write_text(path.read_text().replace('"Validation"', '"Test"'))
    assert "real_0.jpg: the image belongs to two splits or classes" in failure(
        path, make.root
    ).replace("fake", "real")


def test_an_archives_extra_folder_is_gone_into(make, folders_card):
    make.folders(1)
    card = load_card(folders_card())
    outer = make.root.parent / "outer"
    outer.mkdir()
    make.root.rename(outer / "Dataset")
    (outer / "__MACOSX").mkdir()
    assert settle_root(card, outer) == outer / "Dataset"
    assert settle_root(card, outer / "Dataset") == outer / "Dataset"
    shutil.copytree(outer / "Dataset", outer / "Copy")
    assert settle_root(card, outer) == outer  # two would fit: none is chosen


# --- file names ------------------------------------------------------------------------------


def test_labels_and_groups_from_names(make, names_card):
    make.image("clip001_a_b_1.jpg")
    make.image("deep/clip002_c_0.jpg")
    assert rows(names_card(), make.root) == [
        ("clip001_a_b_1.jpg", 1, "", "clip001", ""),
        ("deep/clip002_c_0.jpg", 0, "", "clip002", ""),
    ]


def test_a_name_that_does_not_match_is_an_error(make, names_card):
    make.image("clip001_a_1.jpg")
    make.image("odd.jpg")
    message = failure(names_card(), make.root)
    assert f"{make.root}/odd.jpg: the name does not match layout.pattern" in message
    assert "nor do" not in message
    make.image("other.jpg")
    assert "(nor do 1 of 2 others)" in failure(names_card(), make.root)


def test_a_matched_label_outside_the_classes_is_an_error(make, names_card):
    make.image("clip001_a_7.jpg")
    message = failure(names_card(), make.root)
    assert "clip001_a_7.jpg: label '7' is none of the classes of 'clips' (real, fake)" in message
    assert "layout.labels knows 0, 1" in message


def test_a_pattern_with_a_slash_sees_the_folders(make, card_file):
    make.image("id1/fake/1.jpg")
    make.image("id2/real/1.jpg")
    card = card_file(
        'name = "x"\nclasses = ["real", "fake"]\n[layout]\nkind = "filename"\n'
        "pattern = '(?P<group>\\w+)/(?P<label>\\w+)/.*'\n"
    )
    assert [r[1:4] for r in rows(card, make.root)] == [(1, "", "id1"), (0, "", "id2")]


# --- tables ----------------------------------------------------------------------------------


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
    (make.root / "train.csv").write_bytes(b"image_id,label\n\xff\xfe,1\n")
    assert "train.csv: not a UTF-8 text file" in failure(table_card(), make.root)


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
