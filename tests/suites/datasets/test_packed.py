"""Data sets in archives and shards are what they would be in folders."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from dfbench.errors import CardError, DataError
from dfbench.images import contents
from dfbench.received.containers import rows
from dfbench.suites.datasets import facts
from dfbench.suites.datasets.catalogue import add
from dfbench.suites.datasets.image_files import subfolders, walk
from dfbench.suites.datasets.inference.card_file import init_card
from dfbench.suites.datasets.inference.read_as import ReadAs
from dfbench.suites.datasets.loading import load_dataset
from tests.packed import (
    IMAGE,
    as_folder,
    as_rows,
    as_samples,
    as_tar,
    as_zip,
    forms,
    picture,
    pictures,
    write_rows,
)

FORMS = ("folder", "stored", "deflated", "tar", "samples", "rows")
PACKED = FORMS[1:]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return forms(tmp_path_factory.mktemp("packed"), pictures())


@pytest.mark.parametrize("form", PACKED)
def test_all_forms_are_one_data_set(written: dict[str, Path], form: str) -> None:
    folder, packed = load_dataset(written["folder"]), load_dataset(written[form])
    same = ["path", "label", "split", "bytes", "format", "sha256", "width", "error"]
    assert packed.fingerprint == folder.fingerprint
    assert packed.manifest[same].equals(folder.manifest[same])
    column = "classes of the column 'label' of its Parquet files; " if form == "rows" else ""
    assert (packed.name, packed.reading, packed.ignored) == ("set", column + folder.reading, 0)
    first = packed.manifest["path"][0]
    assert contents(packed.root / first) == (folder.root / first).read_bytes()


@pytest.mark.parametrize("form", PACKED)
def test_what_is_known_is_not_read_again(
    written: dict[str, Path], form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in [written[form], *written[form].rglob("*")]:
        os.utime(path, (1, 1))
    monkeypatch.setattr("dfbench.files.SETTLED", 0)
    first = load_dataset(written[form]).manifest
    monkeypatch.setattr(facts, "contents", lambda name: pytest.fail(f"read again: {name}"))
    assert load_dataset(written[form]).manifest.equals(first)


def test_each_row_group_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = as_rows(tmp_path / "set", pictures(12), group=4)
    read = []
    fill = rows._fill

    def counted(held, part, column, group) -> None:
        read.append((part.path, group))
        fill(held, part, column, group)

    monkeypatch.setattr(rows, "_fill", counted)
    load_dataset(place)
    assert len(read) == len(set(read)) == 72 // 4


def test_a_changed_archive_is_read_anew(tmp_path: Path) -> None:
    place = as_zip(tmp_path / "set.zip", pictures())
    before = load_dataset(place)
    files = pictures()
    files["train/fake/new.png"] = picture(99)
    as_zip(place, files)
    after = load_dataset(place)
    assert len(after.manifest) == len(before.manifest) + 1
    shard = as_samples(tmp_path / "shards", pictures()) / "train" / "faces-000000.tar"
    load_dataset(tmp_path / "shards")
    as_tar(
        shard, {"new.png": picture(98), "new.cls": b"fake", "b.png": picture(97), "b.cls": b"real"}
    )
    assert "train/fake/new.png" in load_dataset(tmp_path / "shards").manifest["path"].tolist()


def test_a_card_a_table_and_a_wrapping_folder(tmp_path: Path) -> None:
    files = {f"wrapped/images/{n}.png": picture(n, fake=n % 2 == 0) for n in range(40)}
    lines = "\n".join(f"{n}.png,{'fake' if n % 2 == 0 else 'real'}" for n in range(40))
    files["wrapped/labels.csv"] = f"image,label\n{lines}\n".encode()
    apart = load_dataset(as_folder(tmp_path / "plain", files))
    packed = load_dataset(as_zip(tmp_path / "plain.zip", files))
    assert packed.fingerprint == apart.fingerprint
    assert "labels.csv" in packed.reading
    card = 'name = "own"\nclasses = ["a", "b"]\n[layout]\nkind = "folders"\n'
    held = {f"{label}/{n}.png": picture(n) for label in "ab" for n in range(12)}
    found = load_dataset(as_tar(tmp_path / "c.tar", {"card.toml": card.encode(), **held}))
    assert (found.name, found.reading, len(found.manifest)) == ("own", "", 24)


def test_cards_are_written_beside_and_archives_registered(tmp_path: Path) -> None:
    place = as_zip(tmp_path / "faces.zip", pictures())
    path, reading = init_card(place)
    assert path == tmp_path / "faces.toml"
    assert reading.card.name == "faces"
    assert 'root = "faces.zip"' in path.read_text()
    assert load_dataset(path).fingerprint == load_dataset(place).fingerprint
    add(place)
    assert load_dataset("faces").root == place


def test_the_card_beside_an_archive_is_used(tmp_path: Path) -> None:
    place = as_zip(tmp_path / "faces.zip", pictures())
    path, _ = init_card(place)
    text = path.read_text()
    path.write_text(text.replace('name = "faces"', 'name = "small"') + "[normalise]\nsize = 16\n")
    found = load_dataset(place)
    assert (found.name, found.root, found.card.normalise.size) == ("small", place, 16)
    assert found.reading == "the card faces.toml beside it says"
    assert load_dataset(f"mine={place}").name == "mine"
    asked = load_dataset(place, asked=ReadAs(classes="real=real,fake=fake"))
    assert (asked.name, asked.card.normalise) == ("faces", None)
    path.write_text(text.replace('name = "faces"', 'name = faces"'))
    with pytest.raises(CardError, match=r"faces\.toml"):
        load_dataset(place)
    for other in (text.replace("faces.zip", "others.zip"), "[tool]\nx = 1\n", "no card"):
        path.write_text(other)
        assert load_dataset(place).name == "faces"


def test_labels_of_rows(tmp_path: Path) -> None:
    images = [picture(n) for n in range(24)]
    for name, values, classes in (
        ("label", ["real", "a/b"] * 12, {"real", "a_b"}),
        ("is_fake", [True, False] * 12, {"real", "fake"}),
        ("target", [0, 1] * 12, {"0", "1"}),
        ("Label", [0.0, 1.0] * 12, {"0", "1"}),
        ("class", pa.array(["real", "fake"] * 12).dictionary_encode(), {"real", "fake"}),
    ):
        folder = tmp_path / name
        table = pa.table({"image": pa.array(images, pa.binary()), name: values})
        write_rows(folder / "train.parquet", table)
        assert {path.split("/")[1] for path in walk(folder).images} == classes
        assert subfolders(folder) == ["train"]
        assert set(subfolders(folder / "train")) == classes
    # unlabelled rows are so; the rows of a file alone, and names that are no names
    told = [{"bytes": data, "path": "../x.png"} for data in images[:6]]
    table = pa.table({"image": pa.array(told, IMAGE), "label": [0, 1, None, -1, 1, 0]})
    file = write_rows(tmp_path / "alone.parquet", table)
    assert walk(file).images == ["0/000000", "0/000005", "000002", "000003", "1/000001", "1/000004"]


def test_labels_of_samples(tmp_path: Path) -> None:
    held: dict[str, bytes] = {}
    for n in range(8):
        held[f"{n:03}.jpg"] = picture(n)
        held[f"{n:03}.json"] = json.dumps({"label": n % 2, "width": 3}).encode()
    as_tar(tmp_path / "train-0000.tar", held, before="")
    as_tar(tmp_path / "test.tar", held, before="")
    images = walk(tmp_path).images
    assert len(images) == 16
    assert walk(tmp_path).others == []
    assert images[:2] == ["test/0/000.jpg", "test/0/002.jpg"]
    # pictures that are described
    told = {name: data for name, data in held.items() if name.endswith("jpg")}
    told |= {f"{n:03}.txt": f"a picture, {n}".encode() for n in range(8)}
    many = {f"{i}{name}": data for i in range(4) for name, data in told.items()}
    many |= {name: data + name.encode() for name, data in many.items() if name.endswith("txt")}
    as_tar(tmp_path / "described" / "0000.tar", many, before="")
    assert walk(tmp_path / "described").images[:2] == ["0000.jpg", "0001.jpg"]
    held["000.json"] = b"{"
    held["002.json"] = b'{"label": [1]}'
    as_tar(tmp_path / "train-0000.tar", held, before="")
    assert set(walk(tmp_path).faults) == {"train/000.jpg", "train/002.jpg"}


def test_shards_above_and_in_a_split_folder(tmp_path: Path) -> None:
    files = pictures(2, ["train", "test"])
    as_samples(tmp_path / "set", {name: data for name, data in files.items() if "test" in name})
    held = {}
    for name, data in files.items():
        if "train" in name:
            key = name.rpartition("/")[2]
            held[key], held[key.replace("png", "cls")] = data, name.split("/")[1].encode()
    as_tar(tmp_path / "set" / "train-0000.tar", held, before="")
    for name in [*files, *reversed(files)]:
        assert contents(tmp_path / "set" / name) == files[name]
    assert walk(tmp_path / "set").images == sorted(files)


def test_images_of_one_name_keep_apart(tmp_path: Path) -> None:
    for shard in range(2):
        held = {"0.png": picture(shard), "0.cls": b"fake", "1.png": picture(9), "1.cls": b"real"}
        as_tar(tmp_path / f"{shard:04}.tar", held, before="")
    assert walk(tmp_path).images == [
        *("fake/0000-0.png", "fake/0001-0.png", "real/0000-1.png", "real/0001-1.png"),
    ]


def test_folders_of_images_stay_what_they_were(tmp_path: Path) -> None:
    files = pictures()
    as_folder(tmp_path / "set", files)
    before = load_dataset(tmp_path / "set")
    as_samples(tmp_path / "set", pictures(2))
    as_rows(tmp_path / "set", pictures(2))
    (tmp_path / "set" / "damaged.parquet").write_bytes(b"PAR1")
    (tmp_path / "set" / "images-0001.tar").write_bytes(b"no tar")
    after = load_dataset(tmp_path / "set")
    assert after.fingerprint == before.fingerprint
    assert sum("13 shards beside the images are not read" in each for each in after.warnings) == 1
    assert not any("beside the images" in each for each in before.warnings)


def test_damaged_members_are_broken_images(tmp_path: Path) -> None:
    files = pictures()
    broken = "train/fake/tfake1.png"
    for place in (as_zip(tmp_path / "z.zip", files), as_tar(tmp_path / "t.tar", files)):
        data = bytearray(place.read_bytes())
        at = data.find(files[broken]) + 40
        data[at] ^= 255
        place.write_bytes(data)
    found = load_dataset(tmp_path / "z.zip").broken
    assert found["path"].tolist() == [broken]
    assert "checksum" in found["error"].iloc[0]
    others = dict(files)
    others[broken] = b"no image"
    others["train/real/treal0.png"] = files["train/real/treal0.png"][:20]
    for place in (
        as_zip(tmp_path / "o.zip", others),
        as_samples(tmp_path / "samples", others),
        as_rows(tmp_path / "rows", others),
    ):
        found = load_dataset(place).broken
        assert set(found["path"]) == {broken, "train/real/treal0.png"}


def test_damaged_row_groups_are_broken_images(tmp_path: Path) -> None:
    files = pictures(12)
    place = as_rows(tmp_path / "set", files, shards=1, group=6)
    shard = place / "data" / "train-00000-of-00001.parquet"
    data = bytearray(shard.read_bytes())
    data[10:300] = bytes(290)
    shard.write_bytes(data)
    found = load_dataset(place).broken
    assert 1 <= len(found) <= 6
    assert set(found["error"]) == {"row group 0 of train-00000-of-00001.parquet is damaged"}
    table = pa.table({
        "image": pa.array([{"bytes": None, "path": "a.png"}, None], IMAGE), "label": [0, 1]
    })  # fmt: skip
    write_rows(tmp_path / "elsewhere" / "train-0.parquet", table)
    held = walk(tmp_path / "elsewhere").images
    with pytest.raises(OSError, match="holds no image"):
        contents(tmp_path / "elsewhere" / held[0])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("set.zip", "its end is not that of a ZIP"),
        ("set.tar", "is cut off|is damaged"),
        ("set.parquet", "its end is not that of a Parquet"),
        ("rows/data/train-00000-of-00002.parquet", "train-00000-of-00002.parquet is damaged"),
        ("samples/train/faces-000001.tar", "faces-000001.tar is (cut off|damaged)"),
    ],
)
def test_damaged_containers_are_one_line(tmp_path: Path, name: str, said: str) -> None:
    files = pictures()
    as_zip(tmp_path / "set.zip", files)
    as_tar(tmp_path / "set.tar", files)
    as_rows(tmp_path / "rows", files)
    as_samples(tmp_path / "samples", files)
    shutil.copy(tmp_path / "rows/data/train-00000-of-00002.parquet", tmp_path / "set.parquet")
    file = tmp_path / name
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])
    whole = tmp_path / name.split("/")[0]
    with pytest.raises(DataError, match=said) as caught:
        load_dataset(whole)
    assert "\n" not in str(caught.value)
    assert str(whole) in str(caught.value)


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_compressed_tars_are_refused(tmp_path: Path, mode: str) -> None:
    place = as_tar(tmp_path / "set.tar", pictures(1), mode)
    with pytest.raises(DataError, match="unpack it, or pack it as"):
        load_dataset(place)


def test_what_is_no_class_is_asked_about(tmp_path: Path) -> None:
    told = pa.table(
        {"image": pa.array([picture(0)] * 200, pa.binary()), "label": map(str, range(200))}
    )
    write_rows(tmp_path / "a" / "train-0.parquet", told)
    with pytest.raises(DataError, match="tells 200 labels of 200 images"):
        walk(tmp_path / "a")
    two = pa.table({"x": pa.array([b"1"]), "y": pa.array([b"2"])})
    write_rows(tmp_path / "b" / "train-0.parquet", two)
    with pytest.raises(DataError, match="several columns hold images"):
        walk(tmp_path / "b")
    write_rows(tmp_path / "c" / "features.parquet", pa.table({"x": [1.0]}))
    with pytest.raises(DataError, match="holds no images"):
        load_dataset(tmp_path / "c")
    with pytest.raises(DataError, match="holds no column of images"):
        load_dataset(tmp_path / "c" / "features.parquet")


def test_columns_are_named_where_none_tells_the_class(tmp_path: Path) -> None:
    images = pa.array([picture(n) for n in range(40)], pa.binary())
    none = pa.table({"image": images, "caption": ["a"] * 40, "id": range(40)})
    write_rows(tmp_path / "none" / "train-0.parquet", none)
    with pytest.raises(DataError, match="no column of its Parquet files is called label") as caught:
        load_dataset(tmp_path / "none")
    assert "they have caption, id" in str(caught.value)
    assert "layouts" not in str(caught.value)
    texts = [f"a person with hat {n % 12}" for n in range(40)]
    write_rows(tmp_path / "text" / "train-0.parquet", none.append_column("label", [texts]))
    with pytest.raises(DataError, match="no text in the column 'label'") as caught:
        load_dataset(tmp_path / "text")
    assert "the other columns are: caption, id" in str(caught.value)
    assert "folder" not in str(caught.value).partition(": ")[2]
    said = load_dataset(tmp_path / "text", asked=ReadAs(classes="1"))
    assert len(said.classes) == 12
    each = none.append_column("label", [[f"hat {n}" for n in range(40)]])
    write_rows(tmp_path / "each" / "train-0.parquet", each)
    with pytest.raises(DataError, match="no classes; the other columns are: caption, id"):
        load_dataset(tmp_path / "each")


def test_an_archive_in_a_folder_is_not_opened(tmp_path: Path) -> None:
    as_zip(tmp_path / "set" / "inner.zip", pictures(1))
    as_zip(tmp_path / "outer.zip", {"inner.zip": (tmp_path / "set" / "inner.zip").read_bytes()})
    for place in (tmp_path / "set", tmp_path / "outer.zip"):
        with pytest.raises(DataError, match=r"holds no images \(.*give inner.zip itself"):
            load_dataset(place)
    as_zip(tmp_path / "set" / "other.zip", pictures(1))
    with pytest.raises(DataError, match="or unpack the 2 of them"):
        load_dataset(tmp_path / "set")


def test_order_is_that_of_the_shards(tmp_path: Path) -> None:
    from dfbench.features.pipeline.single_pass import Sources

    place = as_rows(tmp_path / "set", pictures(6), shards=1)
    paths = walk(place).images
    sources = Sources(place, paths, paths, np.zeros(len(paths), np.int64))
    again = [each.within for each in sources.as_they_lie()]
    assert sorted(again) == paths
    assert again != paths
    folder = as_folder(tmp_path / "folder", pictures(2))
    plain = Sources(folder, walk(folder).images, walk(folder).images, np.zeros(12, np.int64))
    assert plain.as_they_lie() is plain


IMAGES = [picture(n) for n in range(8)]


def of_columns(place: Path, **columns: object) -> Path:
    table = pa.table({"image": pa.array(IMAGES, pa.binary()), **columns})
    return write_rows(place / "train-0.parquet", table).parent


def test_columns_that_may_tell_the_class(tmp_path: Path) -> None:
    alike = ["real", "fake"] * 4
    other = ["x"] * 4 + ["y"] * 4
    for n, (columns, classes) in enumerate([
        ({"label": [1, 0] * 4, "type": alike}, {"real", "fake"}),  # words tell which is fake
        ({"label": [0, 1] * 4, "is_fake": [0, 1] * 4}, {"real", "fake"}),
        ({"label": alike, "category": other}, {"real", "fake"}),
        ({"label": [0, 1] * 4, "type": ["p", "a", "p", "b"] * 2}, {"0", "1"}),  # kinds of 1
        ({"type": other, "is_real": ["yes", "no"] * 4}, {"real", "fake"}),
        ({"label": ["real", "-1", "fake", "nan"] * 2}, {"real", "fake"}),
        ({"label": [0.0, float("nan"), 1.0, -1.0] * 2}, {"0", "1"}),
    ]):  # fmt: skip
        place = of_columns(tmp_path / str(n), **columns)
        told = {path.split("/")[1] for path in walk(place).images if path.count("/") == 2}
        assert told == classes, columns
    for n, columns in enumerate([
        {"label": other, "is_fake": [0, 1] * 4},
        {"label": [0, 1] * 4, "is_fake": [1, 1, 0, 0] * 2},
        {"label": other, "type": alike},
        {"label": alike, "type": alike[::-1]},
        {"is_fake": [0, 1] * 4, "real": [0, 1] * 4},
    ]):  # fmt: skip
        with pytest.raises(DataError, match=r"may tell the class by .* rename or drop"):
            walk(of_columns(tmp_path / f"refused{n}", **columns))
    features = {"generator": {"_type": "ClassLabel", "names": ["p", "q"]}}
    told = json.dumps({"info": {"features": features}})
    table = pa.table({
        "image": pa.array(IMAGES, pa.binary()), "generator": [0, 0, 1, 1] * 2, "label": alike
    })  # fmt: skip
    place = tmp_path / "class" / "train-0.parquet"
    write_rows(place, table.replace_schema_metadata({"huggingface": told}))
    assert set(subfolders(place.parent / "train")) == {"real", "fake"}


def test_yes_and_no_of_nothing(tmp_path: Path) -> None:
    for n, values in enumerate(([True, False] * 4, ["True", "False"] * 4)):
        with pytest.raises(DataError, match="'label' holds true and false: which is fake"):
            walk(of_columns(tmp_path / str(n), label=values))
    held: dict[str, bytes] = {}
    for n in range(4):
        held |= {f"{n}.png": picture(n), f"{n}.json": json.dumps({"label": n > 1}).encode()}
    as_tar(tmp_path / "s" / "0000.tar", held, before="")
    with pytest.raises(DataError, match="which is fake"):
        walk(tmp_path / "s")


def test_keys_in_folders_and_with_dots(tmp_path: Path) -> None:
    held: dict[str, bytes] = {}
    for n, key in enumerate(("vid/0001", "vid2/0001", "real/other/0001")):
        held |= {f"{key}.v1.png": picture(n), f"{key}.cls": b"real"}
    as_tar(tmp_path / "0000.tar", held, before="")
    found = walk(tmp_path)
    assert found.images == [
        *("real/other/0001.v1.png", "real/vid/0001.v1.png", "real/vid2/0001.v1.png"),
    ]
    assert found.faults == {}


def test_folders_of_published_names_are_kept(tmp_path: Path) -> None:
    files = {
        f"{label}/{video:03}/{n:04}.png": picture(video * 9 + n, fake=label == "fake")
        for label, first in (("real", 0), ("fake", 20))
        for video in range(first, first + 12)
        for n in range(3)
    }
    folder = load_dataset(as_folder(tmp_path / "folder" / "set", files))
    images = [{"bytes": data, "path": name} for name, data in files.items()]
    label = [name.partition("/")[0] for name in files]
    table = pa.table({"image": pa.array(images, IMAGE), "label": label})
    write_rows(tmp_path / "rows" / "set" / "0000.parquet", table)
    packed = load_dataset(tmp_path / "rows" / "set")
    assert packed.manifest["path"].tolist() == sorted(files)
    assert packed.fingerprint == folder.fingerprint
    # folders that contradict the label are left out, and names that are not each row's own
    for paths, names in (
        ([f"real/v{n}/{n}.png" for n in range(8)], [f"fake/{n}.png" for n in range(8)]),
        ([f"a/{n % 4}.png" for n in range(8)], [f"fake/{n:06}" for n in range(8)]),
        ([f"/home/a/{n}.png" for n in range(8)], [f"fake/{n}.png" for n in range(8)]),
    ):
        its = [{"bytes": d, "path": name} for d, name in zip(IMAGES, paths, strict=True)]
        table = pa.table({"image": pa.array(its, IMAGE), "label": ["fake"] * 8})
        write_rows(tmp_path / "other" / "0000.parquet", table)
        assert walk(tmp_path / "other").images == names


def test_a_tar_of_class_folders_is_a_folder(tmp_path: Path) -> None:
    held: dict[str, bytes] = {}
    for n in range(24):
        held[f"{'real' if n % 2 else 'fake'}/{n}.png"] = picture(n)
        held[f"{'real' if n % 2 else 'fake'}/{n}.json"] = b'{"label": 3}'
    found = walk(as_tar(tmp_path / "set.tar", held))
    assert found.images == sorted(name for name in held if name.endswith("png"))
    assert len(found.others) == 24


def test_numbers_that_names_contradict(tmp_path: Path) -> None:
    paths = [f"{'real' if n % 2 else 'fake'}_{n}.png" for n in range(8)]
    its = [{"bytes": d, "path": name} for d, name in zip(IMAGES, paths, strict=True)]
    for label in ([0, 1] * 4, [1, 0] * 4):
        table = pa.table({"image": pa.array(its, IMAGE), "label": label})
        write_rows(tmp_path / str(label[0]) / "0000.parquet", table)
    with pytest.raises(DataError, match="label 1 is real, and 0 fake, by the names"):
        walk(tmp_path / "0")
    assert len(walk(tmp_path / "1").images) == 8


def test_a_column_of_splits_is_not_passed_over(tmp_path: Path) -> None:
    label = ["real", "fake"] * 4
    for name, split in (("one", ["train"] * 8), ("none", ["a", None] * 4)):
        assert len(walk(of_columns(tmp_path / name, label=label, split=split)).images) == 8
    with pytest.raises(DataError, match=r"'split' that tells several splits \(test, train\)"):
        walk(of_columns(tmp_path / "two", label=label, split=["train"] * 4 + ["test"] * 4))
