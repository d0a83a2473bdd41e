from __future__ import annotations

import hashlib
import io
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from dfbench.errors import DataError
from dfbench.images import decode
from dfbench.suites.datasets.loading import load_dataset
from dfbench.suites.datasets.manifest import COLUMNS


def test_manifest_columns(make, folders_card):
    make.folders(1)
    odd = make.image("Train/Real/имя лица 顔.jpg", size=(20, 30))
    dataset = load_dataset(folders_card())
    manifest = dataset.manifest
    assert tuple(manifest.columns) == COLUMNS
    assert list(manifest["path"]) == sorted(manifest["path"])
    line = manifest[manifest["path"] == "Train/Real/имя лица 顔.jpg"].iloc[0]
    assert line.to_dict() == {
        "path": "Train/Real/имя лица 顔.jpg",
        "label": 0,
        "split": "train",
        "group": "",
        "kind": "",
        "width": 20,
        "height": 30,
        "bytes": odd.stat().st_size,
        "format": "JPEG",
        "sha256": hashlib.sha256(odd.read_bytes()).hexdigest(),
        "error": "",
    }
    assert [str(manifest[c].dtype) for c in ("label", "width", "height", "bytes")] == ["int64"] * 4
    assert (dataset.name, dataset.classes, dataset.positive_index) == ("faces", ["Real", "Fake"], 1)
    assert dataset.root.samefile(make.root)
    assert not dataset.grouped
    assert not len(dataset.broken)


def test_progress_is_told(make, folders_card):
    make.folders(20)
    seen = []
    load_dataset(folders_card(), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (120, 120)
    assert seen == sorted(seen)


def test_filename_layout_is_divided_by_groups(make, names_card):
    make.clips()
    dataset = load_dataset(names_card())
    assert dataset.grouped
    assert (dataset.manifest.groupby("group")["split"].nunique() == 1).all()
    assert set(dataset.manifest["split"]) == {"train", "validation", "test"}


def odd_images(make) -> dict[str, str]:
    """Write one of each kind of odd file; return what is said of it, "" for those that are fine."""
    folder = make.root / "Train/Real"
    whole = make.image("Train/Real/whole.jpg", size=(64, 64), quality=95).read_bytes()
    (folder / "truncated header.jpg").write_bytes(whole[:100])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.jpg").write_text("this is no image")
    (folder / "link.jpg").symlink_to(folder / "gone.jpg")
    (folder / "secret.jpg").symlink_to("/proc/self/mem")
    rgb = Image.fromarray(np.arange(300, dtype=np.uint16).astype(np.uint8).reshape(10, 10, 3))
    rgb.convert("L").save(folder / "grey.jpg")
    rgb.convert("CMYK").save(folder / "cmyk.jpg")
    rgb.convert("RGBA").save(folder / "rgba.png")
    rgb.resize((1, 1)).save(folder / "one.png")
    Image.fromarray(np.arange(100, dtype=np.uint16).reshape(10, 10) * 600).save(folder / "16.png")
    rgb.save(folder / "moving.gif", save_all=True, append_images=[rgb.rotate(90)])
    return {
        "truncated header.jpg": "broken header",
        "empty.jpg": "empty file",
        "text.jpg": "not an image in a known format",
        "link.jpg": "broken symbolic link",
        "secret.jpg": "a link to a file that the system makes up",
        **dict.fromkeys(
            ("whole.jpg", "grey.jpg", "cmyk.jpg", "rgba.png", "one.png", "16.png", "moving.gif"), ""
        ),
    }


def test_broken_images_keep_their_line(make, folders_card):
    make.folders(1)
    expected = odd_images(make)
    dataset = load_dataset(folders_card())
    lines = {p.rpartition("/")[2]: e for p, e in dataset.manifest[["path", "error"]].values}
    for name, error in expected.items():
        assert lines[name].startswith(error) if error else lines[name] == "", name
    assert len(dataset.broken) == 5
    assert (dataset.broken["width"] == 0).all()
    assert dataset.manifest.set_index("path").loc["Train/Real/one.png", "width"] == 1


def test_a_row_without_its_image_is_listed(make, table_card):
    make.table(2)
    (make.root / "train/tr-0-1.png").unlink()
    dataset = load_dataset(table_card())
    assert dataset.broken["error"].tolist() == ["row 3 of train.csv: no image 'tr-0-1' in train/"]
    assert dataset.broken["sha256"].tolist() == [""]


def test_a_class_with_broken_images_alone_is_an_error(make, folders_card):
    make.folders(1)
    (make.root / "Test/Fake/fake_0.jpg").write_bytes(b"")
    with pytest.raises(DataError, match="split 'test' of 'faces' has no readable image of class"):
        load_dataset(folders_card())


def test_header_and_decoder_agree_on_the_size(make, folders_card):
    make.folders(1)
    image = Image.fromarray(np.zeros((20, 30, 3), np.uint8))
    for turn in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = turn
        for suffix in ("jpg", "png", "webp", "tif"):
            image.save(make.root / f"Train/Real/{turn}.{suffix}", exif=exif)
    dataset = load_dataset(folders_card())
    for line in dataset.manifest.itertuples():
        shape = decode((dataset.root / line.path).read_bytes()).shape
        assert (line.height, line.width) == shape[:2], line.path


# --- the fingerprint -------------------------------------------------------------------------


def test_fingerprint_stays_when_the_folder_moves(make, folders_card):
    make.folders(2)
    first = load_dataset(folders_card()).fingerprint
    make.root.rename(make.root.parent / "elsewhere")
    for path in (make.root.parent / "elsewhere").rglob("*.jpg"):
        os.utime(path, (0, 0))
    assert load_dataset(folders_card(), root=make.root.parent / "elsewhere").fingerprint == first
    (make.root.parent / "elsewhere" / "notes.txt").write_text("not part of the data")
    assert load_dataset(folders_card(), root=make.root.parent / "elsewhere").fingerprint == first


def test_fingerprint_changes_with_the_data(make, folders_card):
    make.folders(2)
    seen = [load_dataset(folders_card()).fingerprint]

    def differs():
        seen.append(load_dataset(folders_card()).fingerprint)
        return len(set(seen)) == len(seen)

    image = make.root / "Train/Real/real_0.jpg"
    pixels = decode(image.read_bytes()).copy()
    pixels[0, 0, 0] ^= 128
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    image.write_bytes(buffer.getvalue())
    assert differs()  # a pixel
    image.rename(make.root / "Train/Fake/real_0.jpg")
    assert differs()  # a label
    shutil.move(make.root / "Train/Fake/fake_1.jpg", make.root / "Test/Fake/moved.jpg")
    assert differs()  # a split
    (make.root / "Test/Fake/moved.jpg").unlink()
    assert differs()  # an image less
    make.image("Test/Fake/new.jpg")
    assert differs()  # an image more
    assert (
        load_dataset(folders_card("[group]\npattern = '(?P<group>\\d|new)'\n")).fingerprint
        not in seen
    )
    text = folders_card().read_text()
    for old, new in (
        ("classes", 'positive = "Real"\nclasses'),
        ('["Real", "Fake"]', '["Fake", "Real"]'),
    ):
        path = folders_card()
        path.write_text(text.replace(old, new))
        seen.append(load_dataset(path).fingerprint)
        assert len(set(seen)) == len(seen)


def test_label_in_a_table_changes_the_fingerprint(make, table_card):
    make.table(2)
    first = load_dataset(table_card()).fingerprint
    path = make.root / "train.csv"
    path.write_text(path.read_text().replace("tr-0-1,0", "tr-0-1,1"))
    assert load_dataset(table_card()).fingerprint != first


def test_no_file_system_order_shows(make, names_card, monkeypatch):
    make.clips(6)
    first = load_dataset(names_card())
    listing = os.scandir

    class Backwards:
        def __init__(self, path):
            with listing(path) as entries:
                self.entries = list(entries)[::-1]

        def __enter__(self):
            return iter(self.entries)

        def __exit__(self, *_):
            pass

        def __iter__(self):
            return iter(self.entries)

    monkeypatch.setattr(os, "scandir", Backwards)
    again = load_dataset(names_card())
    assert again.fingerprint == first.fingerprint
    assert again.manifest.equals(first.manifest)
