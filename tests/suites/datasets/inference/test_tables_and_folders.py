"""Tables beside folders: what each tells is read, or asked about, or said not to be used."""

from __future__ import annotations

import tomllib

import pytest

from dfbench.errors import DataError
from dfbench.suites.datasets.cards.reading import parse_card
from dfbench.suites.datasets.cards.writing import to_toml
from dfbench.suites.datasets.inference.read_as import ReadAs
from dfbench.suites.datasets.inference.reading import read_folder
from dfbench.suites.datasets.scan import check_fit, scan


@pytest.fixture
def tree(tmp_path):
    """Write images and tables; say how the folder is read."""

    def read(images, tables, **asked):
        for path in images:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).touch()
        for name, text in tables.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        result = read_folder(tmp_path, ReadAs(**asked))
        written = tomllib.loads(to_toml(result.card))
        assert parse_card(written, where="") == result.card
        root = tmp_path / result.card.root
        check_fit(result.card, root)
        read.images = {i.path: i for i in scan(result.card, root).images}
        read.classes = {path: result.card.classes[i.label] for path, i in read.images.items()}
        return result

    return read


def csv(head: str, rows) -> str:
    return "\n".join([head, *(",".join(map(str, row)) for row in rows)]) + "\n"


def question(tree, *args, **asked) -> str:
    with pytest.raises(DataError) as caught:
        tree(*args, **asked)
    return str(caught.value)


FLAT = [f"d/{n}.png" for n in range(24)]
PAIRS = [f"{name}/{n}.png" for name in ("real", "fake") for n in range(12)]
DIVIDED = [f"{'train' if n < 16 else 'test'}/{n}.png" for n in range(24)]


# --- tables that tell labels of the same images ------------------------------------------------


def test_opposite_numbers_are_no_copy(tree):
    tables = {
        name: csv("file,label", [(f"{n}.png", (n + turned) % 2) for n in range(24)])
        for turned, name in enumerate(("a.csv", "b.csv"))
    }
    assert "a.csv and b.csv tell different labels" in question(tree, FLAT, tables)


def test_words_of_another_table_say_what_0_and_1_mean(tree):
    tables = {
        "a.csv": csv("file,label", [(f"{n}.png", n % 2) for n in range(24)]),
        "b.csv": csv("file,label", [(f"{n}.png", ["fake", "real"][n % 2]) for n in range(12)]),
    }
    found = tree(FLAT, tables)
    assert "(0 = fake, as b.csv says)" in found.line
    assert tree.classes["d/0.png"] == "fake"
    tables["b.csv"] = csv("file,is_real", [(f"{n}.png", n % 2) for n in range(12)])
    assert "(0 = fake, as b.csv says)" in tree(FLAT, tables).line


def test_opposite_words_and_a_whole_table_against_those_of_splits(tree):
    words = [("real", "fake"), ("fake", "real")]
    tables = {
        name: csv("file,label", [(f"{n}.png", said[n % 2]) for n in range(24)])
        for name, said in zip(("a.csv", "b.csv"), words, strict=True)
    }
    assert "different labels" in question(tree, FLAT, tables)
    tables = {
        "a.csv": csv("file,label", [(path, n % 2) for n, path in enumerate(FLAT)]),
        "train.csv": csv("file,label", [(path, 1 - n % 2) for n, path in enumerate(FLAT[:16])]),
        "test.csv": csv("file,label", [(path, 1 - (n % 2)) for n, path in enumerate(FLAT[16:])]),
        "b.csv": "nothing\n",
    }
    assert "tell different labels of the same images" in question(tree, FLAT, tables)


def test_splits_that_are_turned_one_by_one_contradict_the_whole(tree):
    tables = {
        "all.csv": csv("file,label", [(path, "xy"[n % 2]) for n, path in enumerate(FLAT)]),
        "train.csv": csv("file,label", [(path, n % 2) for n, path in enumerate(FLAT[:16])]),
        "test.csv": csv("file,label", [(path, 1 - n % 2) for n, path in enumerate(FLAT[16:])]),
    }
    assert "tell different labels of the same images" in question(tree, FLAT, tables)


def test_labels_of_the_splits_are_the_same(tree):
    tables = {
        "train.csv": csv("file,label", [(path, n % 2) for n, path in enumerate(FLAT[:16])]),
        "test.csv": csv("file,label", [(path, 1 + n % 2) for n, path in enumerate(FLAT[16:])]),
    }
    assert "train.csv 0, 1 and test.csv 1, 2" in question(tree, FLAT, tables)


# --- splits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("table", ["labels.csv", "meta/labels.csv"])
def test_folders_of_splits_divide_a_table(tree, whole, table):
    rows = [(p if whole else p.split("/")[1], n % 2) for n, p in enumerate(DIVIDED)]
    found = tree(DIVIDED, {table: csv("file,label", rows)})
    assert found.line.endswith("; splits from folders train, test")
    assert {i.split for p, i in tree.images.items() if p.startswith("test")} == {"test"}
    assert found.card.split.policy == "given"
    again = tree(DIVIDED, {}, splits="none")
    assert again.card.split.policy == "stratified"
    turned = tree(DIVIDED, {}, splits="train=test,test=train")
    assert turned.card.layout.split_folders == {"train": ["test"], "test": ["train"]}
    assert tree.images["test/20.png"].split == "train"


def test_some_images_in_no_folder_of_a_split_are_asked_about(tree):
    paths = [*DIVIDED, "more/30.png", "more/31.png"]
    table = csv("file,label", [(path, n % 2) for n, path in enumerate(paths)])
    message = question(tree, paths, {"labels.csv": table})
    assert "2 lie in no folder of one split, such as more/30.png" in message
    assert "--splits none" in message
    found = tree(paths, {}, splits="train=train+more,test=test")
    assert "splits from folders more + train, test" in found.line


def test_a_column_of_splits_counts_beside_folders_of_classes(tree):
    rows = [(p, p.split("/")[0], "test" if n % 3 == 0 else "train") for n, p in enumerate(PAIRS)]
    found = tree(PAIRS, {"labels.csv": csv("file,label,split", rows)})
    assert "splits from column split" in found.line
    assert tree.images["fake/0.png"].split == "test"
    table = csv("file,label,split", [(p, n % 2, s) for n, (p, _, s) in enumerate(rows)])
    assert "its folder" in question(tree, PAIRS, {"labels.csv": table})


def test_a_list_of_test_images_is_told(tree):
    lines = "".join(f"{int(p[0] == 'r')} {p}\n" for p in PAIRS[8:16])
    found = tree(PAIRS, {"List_of_testing_videos.txt": lines})
    assert found.card.layout.kind == "folders"
    assert any("lists 8 images of test, which is not used" in text for text in found.warnings)


def test_lists_of_train_and_test_are_told(tree):
    tables = {"train.txt": "\n".join(PAIRS[::2]), "test.txt": "\n".join(PAIRS[1::2])}
    found = tree(PAIRS, tables)
    for name in ("train", "test"):
        told = f"{name}.txt is not used: lists 12 images of {name} without labels"
        assert any(text.startswith(told) for text in found.warnings)
    tables = {
        f"{name}.txt": "".join(f"{p} {int(p[0] == 'f')}\n" for p in some)
        for name, some in (("train", PAIRS[::2]), ("test", PAIRS[1::2]))
    }
    found = tree(PAIRS, tables)
    assert list(found.card.layout.splits) == ["train", "test"]


@pytest.mark.parametrize(
    ("column", "cells", "told"),
    [
        ("partition", "0 1 2", "(0 = train, 1 = validation, 2 = test, by convention)"),
        ("is_train", "1 1 0", "(1 = train, others test)"),
        ("is_test", "False False True", "(True = test, others train)"),
    ],
)
def test_splits_in_numbers(tree, column, cells, told):
    said = cells.split()
    rows = [(p, n % 2, said[n // 2 % 3]) for n, p in enumerate(FLAT)]
    found = tree(FLAT, {"labels.csv": csv(f"file,label,{column}", rows)})
    assert f"splits from column {column} {told}" in found.line
    assert tree.images["d/0.png"].split == "train"
    assert tree.images["d/4.png"].split == "test"


@pytest.mark.parametrize(
    ("column", "cells"), [("split", "0 1"), ("Usage", "Public Private"), ("fold", "0 1 2 3")]
)
def test_splits_that_cannot_be_read_are_told(tree, column, cells):
    said = cells.split()
    rows = [(p, n % 2, said[n // 2 % len(said)]) for n, p in enumerate(FLAT)]
    found = tree(FLAT, {"labels.csv": csv(f"file,label,{column}", rows)})
    assert found.card.split.policy == "stratified"
    assert any(f"column {column!r} says" in text for text in found.warnings)


# --- what labels mean --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("generator", ("sdxl", "real")),
        ("generator", ("mj", "")),
        ("method", ("swap", "original")),
        ("original", ("0.png", "")),
    ],
)
def test_a_column_says_which_label_is_fake(tree, column, cells):
    rows = [(p, n % 2, cells[n % 2]) for n, p in enumerate(FLAT)]
    found = tree(FLAT, {"labels.csv": csv(f"file,label,{column}", rows)})
    assert f"(0 = fake, as column {column} says)" in found.line
    assert tree.classes["d/0.png"] == "fake"


def test_columns_that_contradict_each_other_about_it_are_asked_about(tree):
    rows = [
        (p, n % 2, ("sdxl", "real")[n % 2], ("original", "swap")[n % 2]) for n, p in enumerate(FLAT)
    ]
    message = question(tree, FLAT, {"labels.csv": csv("file,label,generator,method", rows)})
    assert "tells which class is fake: 0 or 1 (1 = fake, as column method says; 0 = fake" in message
    found = tree(FLAT, {}, classes="real=1,fake=0")
    assert tree.classes["d/0.png"] == "fake"
    assert "(0 = fake, as said)" in found.line


@pytest.mark.parametrize("column", ["Smiling", "male", "prediction"])
def test_a_column_that_is_not_called_like_labels_is_none(tree, column):
    table = csv(f"file,{column}", [(p, n % 2) for n, p in enumerate(FLAT)])
    message = question(tree, FLAT, {"labels.csv": table})
    assert f"--classes {column} takes" in message
    assert "1 = fake" in tree(FLAT, {}, classes=column).line


def test_what_the_user_says_of_labels_counts_for_kinds(tree):
    rows = [(p, n % 2, (["sdxl", "mj"][n // 2 % 2], "-")[n % 2]) for n, p in enumerate(FLAT)]
    found = tree(FLAT, {"labels.csv": csv("file,label,type", rows)}, classes="real=1,fake=0")
    assert found.card.layout.kind_column == "type"
    assert "convention" not in found.line
    assert tree.classes["d/1.png"] == "real"


# --- folders and tables together ---------------------------------------------------------------


def test_tables_in_folders_are_told_where_it_is_asked(tree):
    paths = [f"{name}/img/{n}.png" for name in ("sd", "mj") for n in range(8)]
    tables = {
        f"{name}/labels.csv": csv("file,label", [(f"img/{n}.png", n % 2) for n in range(8)])
        for name in ("sd", "mj")
    }
    message = question(tree, paths, tables)
    assert "mj/labels.csv is not used: mj/labels.csv and sd/labels.csv tell labels" in message


def test_classes_by_folders_and_groups_by_a_column(tree):
    rows = [(p, int(p[0] == "f"), f"v{n // 3}") for n, p in enumerate(PAIRS)]
    tables = {"labels.csv": csv("file,label,video", rows)}
    found = tree(PAIRS, tables, classes="real,fake", groups="video")
    assert found.card.classes == ["real", "fake"]
    assert "groups from column video" in found.line
    assert tree.images["fake/11.png"].group == "v7"
    found = tree(PAIRS, tables, classes="genuine=real,made=fake", groups="video")
    assert found.card.classes == ["genuine", "made"]
    assert tree.classes["fake/0.png"] == "made"


def test_a_column_of_a_table_without_labels(tree):
    tables = {"videos.csv": csv("file,video", [(p, f"v{n // 3}") for n, p in enumerate(PAIRS)])}
    message = question(tree, PAIRS, tables, groups="video")
    assert "--groups: 'video' is a column of videos.csv, which is not used: no column" in message


def test_levels_and_names_of_folders_beside_a_table(tree):
    paths = [f"{k}/v{n // 4}/{n}.png" for k in ("sd", "mj") for n in range(16)]
    table = csv("file,label", [(p, n % 2) for n, p in enumerate(paths)])
    found = tree(paths, {"labels.csv": table}, kinds="sd,mj", groups="-1")
    assert "kinds from folders sd, mj" in found.line
    image = tree.images["mj/v1/5.png"]
    assert (image.kind, image.group) == ("mj", "v1")
    found = tree(paths, {}, groups="2")
    assert tree.images["mj/v1/5.png"].group == "v1"
    assert "not used: folders mj, sd" in tree(paths, {}).line


def test_kinds_of_folders_stay_beside_groups_of_a_table(tree):
    paths = [
        f"{k}/{c}/{n}.png" for k in ("biggan", "progan") for c in ("real", "fake") for n in range(8)
    ]
    rows = [(p, int("fake" in p), f"v{n // 2}") for n, p in enumerate(paths)]
    found = tree(paths, {"labels.csv": csv("file,label,video", rows)})
    assert "groups from column video; kinds from folders biggan, progan" in found.line
    assert tree.images["progan/fake/3.png"].kind == "progan"


def test_groups_of_folders_stay_beside_kinds_of_a_table(tree):
    paths = [f"{c}/{v:03}/{n}.png" for c in ("real", "fake") for v in range(8) for n in range(2)]
    rows = [(p, p[:4], ("sd", "mj")[n % 2] if p[0] == "f" else "") for n, p in enumerate(paths)]
    found = tree(paths, {"labels.csv": csv("file,label,generator", rows)})
    assert "kinds from column generator; groups from folders" in found.line
    assert tree.images["fake/003/0.png"].group == "003"
    assert found.card.split.policy == "grouped"


def test_the_image_that_is_contradicted_is_named(tree):
    rows = [(p, "fake" if p == "real/7.png" else p[:4]) for p in PAIRS]
    message = question(tree, PAIRS, {"labels.csv": csv("file,label", rows)})
    assert "labels.csv calls real/7.png 'fake', its folder 'real'" in message
    found = tree(PAIRS, {}, classes="real,fake")
    assert any("the folders count, as said" in text for text in found.warnings)
    turned = [(p, {"real": "fake", "fake": "real"}[p[:4]]) for p in PAIRS]
    assert "and so of 24 images" in question(
        tree,
        PAIRS,
        {"labels.csv": csv("file,label", turned)},
    )


def test_fewer_classes_than_folders_are_another_task(tree):
    paths = [f"{c}/{n}.png" for c in ("real", "sd", "mj") for n in range(6)]
    table = csv("file,label", [(p, "real" if p[0] == "r" else "fake") for p in paths])
    message = question(tree, paths, {"labels.csv": table})
    assert "labels.csv tells the classes real, fake, the folders mj, real, sd" in message
    assert tree(paths, {}, classes="label").card.classes == ["real", "fake"]


def test_a_table_of_some_images_does_not_settle_what_is_asked(tree):
    paths = [f"{c}/{n}.png" for c in ("cats", "dogs") for n in range(6)]
    table = csv("file,label", [(p, ["real", "fake"][n % 2]) for n, p in enumerate(paths[:6])])
    message = question(tree, paths, {"labels.csv": table})
    assert "--classes label goes by labels.csv, which tells 6 of 12 images" in message
    assert "6 of 12 images are in no table" in tree(paths, {}, classes="label").warnings[0]


# --- tables that are read all the same ---------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", csv("file,label,x,x", [(p, n % 2, n, n + 1) for n, p in enumerate(FLAT)])),
        ("t.csv", csv("file,label,", [(p, n % 2, "") for n, p in enumerate(FLAT)])),
        ("t.csv", csv("file,label", [(p, n % 2, "") for n, p in enumerate(FLAT)])),
        ("t.csv", csv("file,label", [(p, n % 2, *[""] * (n == 5)) for n, p in enumerate(FLAT)])),
        ("t.txt", "".join(f"{p} {n % 2}  \n" for n, p in enumerate(FLAT))),
        ("t.csv", csv("file,label", [(f"{n}.jpg", n % 2) for n in range(24)])),
        ("t.csv", csv("file,label", [(p, n % 2) for n, p in enumerate(FLAT)] + [(FLAT[0], 0)])),
        (
            "t.json",
            f'{{"real": {FLAT[::2]}, "fake": {FLAT[1::2]}}}'.replace("'", '"'),
        ),
    ],
)
def test_tables_as_people_have_them(tree, name, text):
    found = tree(FLAT, {name: text})
    assert len(tree.images) == 24
    assert tree.classes["d/1.png"] == "fake"
    assert not [w for w in found.warnings if "not used" in w]


def test_a_column_of_splits_against_folders_of_splits(tree):
    rows = [(p, n % 2, "test" if n < 16 else "train") for n, p in enumerate(DIVIDED)]
    tables = {"labels.csv": csv("file,label,split", rows)}
    message = question(tree, DIVIDED, tables)
    assert "tell different splits of 24 images, such as train/0.png" in message
    assert "--splits train=train,test=test by the folders" in message
    tree(DIVIDED, tables, splits="split")
    assert tree.images["train/0.png"].split == "test"
    tree(DIVIDED, tables, splits="train=train,test=test")
    assert tree.images["train/0.png"].split == "train"


def test_a_column_of_splits_against_folders_of_splits_and_classes(tree):
    paths = [f"{s}/{c}/{n}.png" for s in ("train", "test") for c in ("real", "fake") for n in "123"]
    rows = [(p, int("fake" in p), "test" if p[-5] == "1" else "train") for p in paths]
    tables = {"labels.csv": csv("file,label,split", rows)}
    assert "tell different splits of 6 images" in question(tree, paths, tables)
    found = tree(paths, tables, splits="train=train,test=test")
    assert found.card.layout.kind == "folders"


def test_splits_of_a_table_that_divides_a_class_further(tree):
    rows = [
        (p, "real" if p[0] == "r" else ("sd", "mj")[n % 2], ("train", "test")[n % 3 == 0])
        for n, p in enumerate(PAIRS)
    ]
    found = tree(PAIRS, {"labels.csv": csv("file,label,split", rows)})
    assert found.card.classes == ["real", "fake"]
    assert "splits from column split" in found.line
    assert "divides the classes further (mj, real, sd)" in found.warnings[0]


def test_rows_of_test_without_labels_are_for_a_submission(tree):
    paths = [f"{('train', 'val', 'test')[n // 8]}/{n}.png" for n in range(24)]
    rows = [(p, n % 2 if n < 16 else "") for n, p in enumerate(paths)]
    found = tree(paths, {"labels.csv": csv("file,label", rows)})
    assert list(found.card.layout.split_folders) == ["train", "validation", "test"]
    assert {tree.images[p].label for p in paths[16:]} == {-1}
    assert not found.warnings
    rows[20] = (paths[20], 0)
    rows[21] = (paths[21], 1)
    found = tree(paths, {"labels.csv": csv("file,label", rows)})
    assert found.warnings == ("6 rows of labels.csv without a label left out",)
    assert len(tree.images) == 18
    tables = {
        "labels.csv": csv("file,label", rows[:16]),
        "test.csv": csv("file", [(p,) for p in paths[16:]]),
    }
    found = tree(paths, tables)
    assert "test.csv has no labels; splits from folders train, val" in found.line


def test_what_the_user_says_against_folders_is_told(tree):
    table = csv("file,label", [(p, int(p[0] == "r")) for p in PAIRS])
    found = tree(PAIRS, {"labels.csv": table}, classes="real=0,fake=1")
    told = "column 'label' contradicts the names of folders for 24 of 24 images"
    assert told in found.warnings


def test_an_image_with_two_labels(tree):
    rows = [(p, n % 2) for n, p in enumerate(FLAT)]
    message = question(tree, FLAT, {"labels.csv": csv("file,label", [*rows, (FLAT[0], 1)])})
    assert "rows 2 and 26 tell different labels of d/0.png" in message


def test_a_name_that_is_no_column_and_no_folder(tree):
    tables = {
        "labels.csv": csv("file,label,k", [(p, n % 2, n // 2 % 2) for n, p in enumerate(FLAT)])
    }
    assert "--splits: 'x' is no column of labels.csv" in question(tree, FLAT, tables, splits="x")
    assert "column 'k' says 0, 1, which is not" in question(tree, FLAT, tables, splits="k")
    message = question(tree, FLAT, tables, splits="train=x,test=y")
    assert "no image in labels.csv lies in such a folder" in message
    assert "no folder stands there" in question(tree, FLAT, tables, groups="3")


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("original", ("", "real_7.png")),
        ("model", ("", "RealVisXL")),
        ("method", ("", "LivePortrait")),
        ("generator", ("none", "Real-ESRGAN")),
    ],
)
def test_a_name_that_holds_a_word_is_no_testimony_of_it(tree, column, cells):
    rows = [(p, n % 2, cells[n % 2]) for n, p in enumerate(FLAT)]
    found = tree(FLAT, {"labels.csv": csv(f"file,label,{column}", rows)})
    assert "(1 = fake, " in found.line
    assert tree.classes["d/1.png"] == "fake"


def test_what_the_user_says_of_folders_stays_beside_a_table(tree):
    paths = [*PAIRS, *(f"other/{n}.png" for n in range(4))]
    rows = [
        (p, int(p[0] != "r"), ("train", "test")[n % 3 == 0], f"v{n // 3}")
        for n, p in enumerate(paths)
    ]
    table = {"labels.csv": csv("file,label,split,video", rows)}
    found = tree(paths, table, classes="real,fake")
    assert found.card.layout.kind == "folders"
    assert len(tree.images) == 24
    assert "labels.csv tells splits and groups of the images: not used" in found.warnings
    message = question(tree, paths, table, classes="real,fake", groups="video")
    assert "4 images of this table lie in no folder of --classes" in message
    table = {"labels.csv": csv("file,label,split", [row[:3] for row in rows[:24]])}
    found = tree(paths, table, classes="genuine=real,made=fake")
    assert found.card.classes == ["genuine", "made"]
    assert "splits from column split" in found.line


@pytest.mark.parametrize("words", ["10", ("fake", "real")])
def test_numbered_folders_against_a_table(tree, words):
    paths = [f"{c}/{n}.png" for c in "01" for n in range(12)]
    table = csv("file,label", [(p, words[int(p[0])]) for p in paths])
    assert "its folder '0'" in question(tree, paths, {"labels.csv": table})
    assert tree(paths, {}, classes="label").card.layout.kind == "table"
    table = csv("file,label", [(p, words[1 - int(p[0])]) for p in paths])
    assert "the same labels as in labels.csv" in tree(paths, {"labels.csv": table}).line


def test_lists_of_images_whose_labels_stand_elsewhere_are_told(tree):
    tables = {
        "labels.csv": csv("file,label", [(p, n % 2) for n, p in enumerate(FLAT)]),
        "train.txt": "\n".join(FLAT[:16]),
        "test.txt": "\n".join(FLAT[16:]),
    }
    found = tree(FLAT, tables)
    assert [text.partition(":")[2].partition(":")[0] for text in found.warnings] == [
        " lists 8 images of test whose labels another table tells",
        " lists 16 images of train without labels",
    ]
