from __future__ import annotations

import pytest

from dfbench.suites.datasets.tables.matching import Images

TREE = [
    "train/real/1.jpg",
    "train/fake/2.jpg",
    "test/fake/1.jpg",
    "train/real/3.jpg",
    "frames/aaaa/0001.png",
    "frames/aaaa/0002.png",
    "flat/bbbb_0001.png",
    "flat/bbbb_0002.png",
    "flat/cccc.png",
    "flat/000_003_0007.png",
    "cafe\u0301.png",
]


def one(name: str, **options) -> tuple[str, ...]:
    return Images(TREE, **options).find([name])[0].images


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("train/real/1.jpg", "train/real/1.jpg"),
        ("train/real/1", "train/real/1.jpg"),
        ("./train/real/1.jpg", "train/real/1.jpg"),
        ("2.jpg", "train/fake/2.jpg"),
        ("2", "train/fake/2.jpg"),
        ("real/1.jpg", "train/real/1.jpg"),
        ("/home/x/data/train/real/1.jpg", "train/real/1.jpg"),
        ("C:\\data\\set\\test\\fake\\1.jpg", "test/fake/1.jpg"),
        ("other/3.jpg", "train/real/3.jpg"),
        ("train/1.jpg", "train/real/1.jpg"),
        ("caf\u00e9", "cafe\u0301.png"),
    ],
)
def test_ids_of_images(name, path):
    assert one(name) == (path,)


@pytest.mark.parametrize(
    "name",
    ["1.jpg", "fake/3.jpg", "test/real/3.jpg", "x/test/3.jpg", "4.jpg", "2.png", "", "/", ".."],
)
def test_what_is_no_image_or_not_clear(name):
    assert one(name) == ()


def test_rivals_are_named():
    assert Images(TREE).find(["1.jpg"])[0].rivals == ("train/real/1.jpg", "test/fake/1.jpg")


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("aaaa.mp4", TREE[4:6]),
        ("aaaa", TREE[4:6]),
        ("videos\\aaaa.avi", TREE[4:6]),
        ("bbbb.mp4", TREE[6:8]),
        ("cccc.MOV", TREE[8:9]),
        ("000_003.mp4", TREE[9:10]),
        ("000.mp4", []),
        ("bbbb.jpg", []),
    ],
)
def test_videos(name, paths):
    assert one(name) == tuple(paths)


def test_the_frame_of_another_image_is_not_taken_for_an_absent_one():
    images = Images(["a.png", "b_1.png"])
    assert [found.images for found in images.find(["a", "b"])] == [("a.png",), ()]
    assert images.find(["b"])[0].images == ("b_1.png",)


def test_a_folder_beside_is_another():
    assert Images(["1.jpg"], folder="train", beside=["train", "test"]).find(
        ["test/1.jpg", "train/1.jpg", "y/1.jpg"]
    ) == [((), (), 0), (("1.jpg",), (), 1), (("1.jpg",), (), 1)]


def test_images_in_another_format_than_the_table_says():
    found = Images(["a.png", "b.png", "c.png"]).find(["a.jpg", "b.jpg", "c.jpg", "d.jpg"])
    assert [row.images for row in found] == [("a.png",), ("b.png",), ("c.png",), ()]
    found = Images(["a.png", "b.jpg"]).find(["a.jpg", "b.jpg"])
    assert [row.images for row in found] == [(), ("b.jpg",)]
    assert not any(row.images for row in Images(["a.png"]).find(["a.jpg", "a.bmp"]))
