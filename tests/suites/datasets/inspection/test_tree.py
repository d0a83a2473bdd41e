from __future__ import annotations

from dfbench.suites.datasets.inspection.tree import tree
from dfbench.suites.datasets.loading import load_dataset


def test_folders_with_what_is_read_of_them(make):
    for split in ("train", "test"):
        for kind in ("biggan", "progan"):
            make.image(f"{split}/{kind}/0_real/a.png")
            make.image(f"{split}/{kind}/1_fake/b.png")
            make.image(f"{split}/{kind}/1_fake/c.png")
    lines = [tuple(branch) for branch in tree(load_dataset(make.root))]
    assert lines[:5] == [
        (0, "data/", 12, ""),
        (1, "test/", 6, "split test"),
        (2, "biggan/", 3, "kind biggan"),
        (3, "0_real/", 1, "class 0_real"),
        (3, "1_fake/", 2, "class 1_fake"),
    ]
    assert len(lines) == 15


def test_many_sources_are_counted_and_chains_are_one_line(make):
    for number in range(12):
        make.image(f"original/youtube/frames/{number:03}/a.png")
        make.image(f"manipulated/frames/{number:03}/a.png")
    lines = [tuple(branch) for branch in tree(load_dataset(make.root))]
    assert lines == [
        (0, "data/", 24, ""),
        (1, "manipulated/frames/", 12, "class manipulated"),
        (2, "000/", 1, "source 000"),
        (2, "001/", 1, "source 001"),
        (2, "002/", 1, "source 002"),
        (2, "9 more folders", 9, "9 sources"),
        (1, "original/youtube/frames/", 12, "class original"),
        (2, "000/", 1, "source 000"),
        (2, "001/", 1, "source 001"),
        (2, "002/", 1, "source 002"),
        (2, "9 more folders", 9, "9 sources"),
    ]


def test_labels_that_no_folder_tells_are_counted(make, names_card):
    make.clips(3)
    lines = [tuple(branch) for branch in tree(load_dataset(names_card(), root=make.root))]
    assert lines == [(0, "data/", 12, "6 real, 6 fake")]
