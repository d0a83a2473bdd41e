from __future__ import annotations

import os
import shutil

import pytest

from dfbench.suites.datasets.image_files import holds_images, is_image, walk


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
