from __future__ import annotations

import json
from pathlib import Path

import pytest

from dfbench.suites.datasets.cards.card import Card
from dfbench.suites.datasets.image_files import is_image
from dfbench.suites.datasets.inference.tables import find_tables
from dfbench.suites.datasets.scan import scan


@pytest.fixture
def folder(tmp_path):
    """Write files by name (an image where there is no text) and find the tables among them."""

    def write(files: dict[str, str], *images: str, columns=None):
        for name in (*images, *files):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(files.get(name, ""), encoding="utf-8")
        every = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.*"))
        every = [name for name in every if (tmp_path / name).is_file()]
        there = [name for name in every if is_image(Path(name).name)]
        others = [name for name in every if name not in there]
        result = find_tables(tmp_path, there, others, columns)
        if result.found is not None and len(result.found.classes) > 1:
            found = result.found
            positive = found.positive or (found.classes[0] if len(found.classes) == 2 else "")
            card = Card(
                name="x",
                classes=found.classes,
                positive=positive,
                layout=found.layout,
                split={"policy": "stratified"},
            )
            listed = scan(card, tmp_path).images
            told = {i.path: card.classes[i.label] for i in listed if i.label >= 0 and not i.fault}
            assert told == found.labels
        return result

    return write


def images(*folders: str, n: int = 6) -> list[str]:
    return [f"{folder}/{number:02}.png" for folder in folders for number in range(n)]


def table(paths, *columns: str, head: str, **options) -> str:
    """Each of ``columns`` gives the cells of the rows in turn: "0 1" is 0, 1, 0, 1."""
    cells = [column.split(" ") for column in columns]
    lines = [
        ",".join([path, *(column[at % len(column)] for column in cells)])
        for at, path in enumerate(paths)
    ]
    return "\n".join([head, *lines] if head else lines) + "\n"


def test_train_and_a_test_without_labels(folder):
    train, test = images("train_data"), images("test_data_v2")
    files = {
        "train.csv": "".join(
            f"{n},{line}\n" if n else f",{line}\n"
            for n, line in enumerate(table(train, "1 0", head="file_name,label").splitlines())
        ),
        "test.csv": table(test, head="id"),
    }
    found = folder(files, *train, *test).found
    assert (found.classes, found.positive) == (["real", "fake"], "fake")
    assert found.files == ["train.csv", "test.csv"]
    assert found.told == (
        "labels from train.csv, column label (1 = fake, by convention), train divided; "
        "test.csv has no labels"
    )
    assert found.warnings == []
    assert found.labels["train_data/00.png"] == "fake"
    splits = {name: (s.csv, s.images) for name, s in found.layout.splits.items()}
    assert splits == {"all": ("train.csv", "train_data"), "test": ("test.csv", "test_data_v2")}
    assert (found.layout.id_column, found.layout.splits["test"].id_column) == ("file_name", "id")


def test_tables_of_splits_with_five_classes(folder):
    names = {split: images(split, n=5) for split in ("train", "validation", "test")}
    files = {
        f"{split}.csv": table(
            [path[-6:-4] for path in paths],
            *(["0 1 2 3 4"] if split != "test" else []),
            head="id,label" if split != "test" else "id",
        )
        for split, paths in names.items()
    }
    found = folder(files, *(path for paths in names.values() for path in paths)).found
    assert (found.classes, found.positive) == (["0", "1", "2", "3", "4"], "")
    assert list(found.layout.splits) == ["train", "validation", "test"]
    assert found.layout.labels == {}
    assert found.layout.splits["train"].images == "train"


@pytest.mark.parametrize(
    ("head", "cells", "positive", "told"),
    [
        ("f,label", "0 1", "01.png", "(1 = fake, by convention)"),
        ("f,Label", "0.0 1.0", "01.png", "(1.0 = fake, by convention)"),
        ("f,is_fake", "0 1", "01.png", "(1 = fake)"),
        ("f,is_real", "0 1", "00.png", "(0 = fake)"),
        ("f,isReal", "yes no", "01.png", "(no = fake)"),
        ("f,fake", "True False", "00.png", "(True = fake)"),
        ("f,class", "REAL FAKE", "01.png", ""),
        ("f,GT", "manipulated authentic", "00.png", ""),
        ("f,cosa", "falso vero", "00.png", ""),
        ("f,label", "stylegan real", "00.png", ""),
        ("f,label", "True False", "", ""),
        ("f,label", "1 2", "", ""),
        ("f,label", "cat dog", "", ""),
    ],
)
def test_which_label_is_fake(folder, head, cells, positive, told):
    paths = images("d")
    found = folder({"t.csv": table(paths, cells, head=head)}, *paths).found
    assert len(found.classes) == 2
    first = [p[2:] for p in paths[:2] if found.labels[p] == found.positive]
    assert first == ([positive] if positive else [])
    assert found.told == f"labels from t.csv, column {head[2:]}" + (f" {told}" if told else "")


def test_folders_say_what_0_and_1_mean(folder):
    """As in a list of test videos whose 1 is real."""
    paths = [f"{'Celeb-real' if n % 2 else 'Celeb-synthesis'}/{n}.png" for n in range(8)]
    lines = "".join(f"{n % 2} {path}\n" for n, path in enumerate(paths))
    found = folder({"List_of_testing_videos.txt": lines}, *paths).found
    assert found.labels["Celeb-real/1.png"] == "real"
    assert "column 1 (0 = fake, as its folders say)" in found.told
    (one, two) = ("is_fake", "label")
    result = folder({"List_of_testing_videos.txt": table(paths, "0 1", head=f"f,{one}")}, *paths)
    assert result.found.warnings == [
        f"column {one!r} contradicts the names of folders for 8 of 8 images"
    ]
    assert two


def test_words_go_before_numbers(folder):
    """1 is real here, which the column of words tells."""
    paths = images("d")
    text = table(paths, "1 0", "real fake", head="path,label,label_str")
    found = folder({"t.csv": text}, *paths).found
    assert (found.layout.label_column, found.classes) == ("label_str", ["real", "fake"])
    text = table(paths, "1 0", "real fake", head="path,label,sort")
    assert folder({"t.csv": text}, *paths).found.layout.label_column == "sort"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            ("0 1", "0 0 1"),
            "the columns 'label' and 'target' tell different labels, first in row 3",
        ),
        (("real fake", "0 0 1"), "different labels, first in row 3"),
    ],
)
def test_columns_that_contradict_each_other_are_no_guess(folder, text, says):
    paths = images("d")
    head = "f,label,target" if text[0] == "0 1" else "f,label,is_fake"
    result = folder({"t.csv": table(paths, *text, head=head)}, *paths)
    assert result.found is None
    assert says in result.aside[0][1]


def test_spellings_of_one_word_are_one_class(folder):
    paths = images("d", n=12)
    found = folder({"t.csv": table(paths, "REAL Fake real FAKE", head="f,label")}, *paths).found
    assert found.classes == ["real", "fake"]
    assert [found.labels[p] for p in paths[:4]] == ["real", "fake", "real", "fake"]
    found = folder({"t.csv": table(paths, "real Mix mix", head="f,label")}, *paths).found
    assert found.warnings == ["labels 'Mix' and 'mix' are written alike"]


def test_a_challenge_of_videos(folder):
    videos = {f"v{n}.mp4": {"label": "REAL", "split": "train", "original": None} for n in range(8)}
    videos |= {
        f"w{n}.mp4": {"label": "FAKE", "split": "train", "original": f"v{n}.mp4"} for n in range(8)
    }
    frames = [f"{name[:-4]}/{n}.png" for name in videos for n in range(2)]
    result = folder({"metadata.json": json.dumps(videos)}, *frames)
    found = result.found
    assert found.told == "labels from metadata.json, column label; groups from column original"
    assert found.warnings == []
    assert found.layout.id_column == "file"
    assert len(found.labels) == 32


def test_splits_groups_and_kinds_by_column(folder):
    paths = images("d", n=48)
    text = table(
        paths,
        "0 1 0 1 0 1",
        "train train train val test test",
        " ".join(f"p{n // 4}" for n in range(48)),
        "- gan - sdxl - gan",
        head="f,label,split,person,generator",
    )
    found = folder({"meta.csv": text}, *paths).found
    layout = found.layout
    assert (layout.split_column, layout.group_column, layout.kind_column) == (
        "split",
        "person",
        "generator",
    )
    assert found.told.endswith(
        "; splits from column split; groups from column person; kinds from column generator"
    )
    given = {"splits": "none", "groups": "none", "kinds": "none", "classes": "generator"}
    found = folder({}, columns=given).found
    assert found.told == "labels from meta.csv, column generator"
    assert found.chosen
    assert found.missing == []
    assert not found.layout.gives_groups
    found = folder({}, columns={"classes": "real,fake", "groups": "x"}).found
    assert found.layout.label_column == "label"
    assert not found.chosen
    assert not found.layout.gives_groups
    columns = "(its columns: 'f', 'label', 'split', 'person', 'generator')"
    assert found.missing == [
        f"classes: 'real,fake' is no column of meta.csv {columns}",
        f"groups: 'x' is no column of meta.csv {columns}",
    ]
    assert folder({}, columns={"classes": "None"}).found is None


def test_metadata_in_each_folder(folder):
    names = {split: images(split) for split in ("train", "test")}
    files = {
        f"{split}/metadata.jsonl": "\n".join(
            json.dumps({"file_name": path.split("/")[1], "label": n % 2})
            for n, path in enumerate(paths)
        )
        for split, paths in names.items()
    }
    found = folder(files, *names["train"], *names["test"]).found
    assert {name: (s.csv, s.images) for name, s in found.layout.splits.items()} == {
        "train": ("train/metadata.jsonl", "train"),
        "test": ("test/metadata.jsonl", "test"),
    }


def test_a_first_row_is_no_header(folder):
    paths = images("d")
    for rows in (paths, [path[2:-4] for path in paths]):
        found = folder({"labels.csv": table(rows, "0 1", head="")}, *paths).found
        assert len(found.labels) == 6
        assert (found.layout.id_column, found.layout.label_column) == ("column 1", "column 2")
    absent = ["zz", *[path[2:-4] for path in paths]]
    found = folder({"labels.csv": table(absent, "0 1", head="")}, *paths).found
    assert (len(found.labels), found.labels["d/00.png"]) == (6, "fake")
    image = [*paths, "d/image.png"]
    found = folder({"labels.csv": table(image, "0 1", head="image,label")}, *image).found
    assert (found.layout.id_column, len(found.labels)) == ("image", 7)


def test_what_is_left_aside_says_why(folder):
    paths = images("d")
    files = {
        "labels.csv": table(paths, "0 1", head="file,label"),
        "poly.json": '{"images": [{"id": 1}], "annotations": []}',
        "broken.csv": 'a,"b\n',
        "sizes.csv": table(["x", "y"], "1 2", head="what,size"),
        "notes.txt": "These are faces.\nLook at d/00.png first.\nThat is all.\n",
        "sample_submission.csv": table(paths, "0", head="file,label"),
        "copy.tsv": table(paths[:4], "real fake", head="file,label").replace(",", "\t"),
        "list.txt": "\n".join(paths),
        "README.txt": "x",
        ".hidden.csv": "x",
    }
    result = folder(files, *paths)
    assert result.found.files == ["labels.csv"]
    reasons = dict(result.aside)
    assert reasons.pop("poly.json").startswith("an object with the keys 'images', 'annotations'")
    assert reasons == {
        "broken.csv": "row 1 is no row of a table: unexpected end of data",
        "sizes.csv": "not a table of files and labels",
        "notes.txt": "not a table of files and labels",
        "sample_submission.csv": "a form for answers: its labels are none",
        "copy.tsv": "says the same as labels.csv",
        "list.txt": "no column tells labels",
    }


def test_tables_that_contradict_each_other_are_no_guess(folder):
    paths = images("d")
    files = {
        "a.csv": table(paths, "0 1", head="file,label"),
        "b.csv": table(paths, "0 0 1", head="file,label"),
    }
    result = folder(files, *paths)
    assert result.found is None
    assert {reason for _, reason in result.aside} == {
        "a.csv and b.csv tell different labels of the same images"
    }


def test_images_and_rows_that_miss_each_other_are_counted(folder):
    paths = images("d", "e")
    text = table([*paths[:8], "gone.png"], "0 1", head="file,label")
    found = folder({"labels.csv": text}, *paths[6:], *paths[:6]).found
    assert found.warnings[-1] == "4 of 12 images are in no table: left out"
    assert "rows of labels.csv name no image" in found.warnings[0]


def test_one_label_is_told(folder):
    paths = images("d")
    result = folder({"labels.csv": table(paths, "real", head="file,label")}, *paths)
    assert result.found is None
    assert result.aside == [
        ("labels.csv", "column 'label' says 'real' of every image: one class only")
    ]


def test_hostile_folders(folder):
    assert folder({"t.csv": "a,b\n1,2\n"}).found is None
    paths = images("d")
    many = "file,label\n" + "\n".join(f"{path},{n}" for n, path in enumerate(images("d", n=30)))
    result = folder({"t.csv": many}, *images("d", n=30))
    assert result.aside == [("t.csv", "column 'label' has 30 different values")]
    result = folder({"t.csv": "file,label\n" + f"{paths[0]},0\n" * 5 + f"{paths[1]},1\n"}, *paths)
    assert result.found is None


@pytest.mark.parametrize(
    ("train", "test"),
    [(("0 1", "label"), ("real fake", "label")), (("0 1", "is_fake"), ("0 1", "is_real"))],
)
def test_tables_that_tell_labels_in_different_ways(folder, train, test):
    paths = {"train": images("train"), "test": images("test")}
    files = {
        f"{split}.csv": table(paths[split], cells, head=f"file,{column}")
        for split, (cells, column) in (("train", train), ("test", test))
    }
    result = folder(files, *paths["train"], *paths["test"])
    assert result.found is None
    assert result.aside[0][1] == "train.csv and test.csv tell labels in different ways"


def test_a_table_of_all_beside_those_of_splits(folder):
    paths = {"train": images("train"), "test": images("test")}
    every = [path for some in paths.values() for path in some]
    files = {f"{split}.csv": table(paths[split], "0 1", head="f,y") for split in paths}
    result = folder(files | {"all.csv": table(every, "a b", head="f,y")}, *every)
    assert result.found.files == ["train.csv", "test.csv"]
    assert result.aside == [("all.csv", "tables of the splits stand beside it")]
    result = folder({"all.csv": table(every, "0 0 1", head="f,y")})
    assert result.found is None
    reason = "all.csv and test.csv and train.csv tell different labels of the same images"
    assert result.aside[0] == ("all.csv", reason)


def test_columns_of_one_name_that_differ(folder):
    paths = images("d")
    result = folder({"t.csv": table(paths, "0 1", "0", head="file,label,label")}, *paths)
    assert result.aside == [("t.csv", "two columns are called 'label', and differ in row 3")]


@pytest.mark.parametrize(
    ("head", "cells", "stray", "says"),
    [
        ("f,label", "0 1", "11", "says 0, 1, 11: no classes that are counted"),
        ("f,label", "0 1", "unknown", "says 'unknown' of 1 image beside 0, 1: a slip or a class"),
        ("f,label", "real fake", "fkae", "says 'fkae' of 1 image beside fake, real"),
        ("f,label", "real fake unknown", "real", "says 'unknown' of 7 images"),
        ("f,label", "0 1", "True", "yes and no are written in several ways"),
        ("f,label", "0.25 0.5 0.75", "0", "numbers that are no classes"),
        ("f,label", "3 4 5", "3", "classes are counted from 0 or 1"),
    ],
)
def test_a_label_that_is_hardly_a_class_is_no_guess(tmp_path, folder, head, cells, stray, says):
    paths = images("d", n=24)
    lines = table(paths, cells, head=head).splitlines()
    lines[-1] = f"{paths[-1]},{stray}"
    result = folder({"t.csv": "\n".join(lines)}, *paths)
    assert result.found is None
    assert says in result.aside[0][1]
    if "no classes that" in says or "slip" in says:
        names = cells.split(" ")
        meant = dict(zip(names, names, strict=True))
        found = find_tables(tmp_path, paths, ["t.csv"], None, meant).found
        assert found.classes == names
        assert found.warnings == [
            f"1 image of label {stray!r} in column 'label' left out: not named in --classes"
        ]
        assert len(found.labels) == 23


def test_rows_without_a_label_are_left_out_and_counted(folder):
    paths = images("d", n=12)
    text = table(paths, "real fake", head="f,label").replace("11.png,fake", "11.png,NaN")
    text = text.replace("10.png,real", "10.png,") + "total,6\n"
    found = folder({"t.csv": text}, *paths).found
    assert (found.classes, len(found.labels)) == (["real", "fake"], 10)
    assert found.warnings == [
        "1 of 13 rows of t.csv name no image",
        "2 rows of t.csv without a label left out",
    ]


def test_lists_with_foreign_paths_ids_and_two_columns_of_labels(folder):
    """As a set of 140,000 faces has them: 1 is real; paths from elsewhere; an index."""
    files, every = {}, []
    for split in ("train", "valid", "test"):
        lines = [",original_path,id,label,label_str,path"]
        for n in range(6):
            name, label = ("real", 1) if n % 2 else ("fake", 0)
            path = f"{split}/{name}/{n:05}.jpg"
            every.append(f"real_vs_fake/real-vs-fake/{path}")
            lines.append(f"{n},/kaggle/input/faces/x/{n:05}.jpg,{n:05},{label},{name},{path}")
        files[f"{split}.csv"] = "\n".join(lines)
    found = folder(files, *every).found
    assert list(found.layout.splits) == ["train", "validation", "test"]
    assert found.layout.id_column == "path"
    assert found.told == ("labels from train.csv, valid.csv and test.csv, column label_str")
    assert {path.split("/")[3] == name for path, name in found.labels.items()} == {True}
    assert (len(found.labels), found.positive, found.warnings) == (18, "fake", [])


def test_a_protocol_with_blanks_and_without_a_header(folder):
    lines = [
        f"LA_{n:02} clip_{n} - {'-' if n % 2 else f'A0{n % 4}'} {'bonafide' if n % 2 else 'spoof'}"
        for n in range(12)
    ]
    paths = [f"flac/clip_{n}.png" for n in range(12)]
    found = folder({"protocol.txt": "\n".join(lines)}, *paths).found
    assert (found.layout.id_column, found.layout.label_column) == ("column 2", "column 5")
    assert (found.classes, found.positive) == (["bonafide", "spoof"], "spoof")


def test_numbers_of_rows_are_no_ids(folder):
    """Both columns name images, but the one of files says which the rows are of."""
    paths = [f"d/{n}.png" for n in range(8)]
    rows = [f"{n},{7 - n}.png,{n % 2}" for n in range(8)]
    found = folder({"t.csv": "\n".join(["id,file,label", *rows])}, *paths).found
    assert (found.layout.id_column, found.labels["d/7.png"]) == ("file", "real")
    rows = [f"{n},{7 - n},{n % 2}" for n in range(8)]
    result = folder({"t.csv": "\n".join(["no,nr,label", *rows])}, *paths)
    assert result.aside == [("t.csv", "its columns 'no' and 'nr' name different images")]
    assert result.found is None
