from __future__ import annotations

from dfbench.suites.datasets.inspection.description import Spread, describe
from dfbench.suites.datasets.loading import load_dataset


def test_counts_sizes_and_formats(make, folders_card):
    make.folders(2)
    make.image("Train/Real/large.png", size=(100, 50))
    make.image("Test/Fake/large.png", size=(100, 50))
    (make.root / "Train/Fake/fake_0.jpg").write_bytes(b"no image")
    make.text("Train/notes.txt", "x")
    dataset = load_dataset(folders_card())
    found = describe(dataset)
    assert found.counts == {
        "train": {"Real": 3, "Fake": 2},
        "validation": {"Real": 2, "Fake": 2},
        "test": {"Real": 2, "Fake": 3},
    }
    assert (found.images, found.broken, found.ignored, found.groups) == (14, 1, 1, 0)
    assert found.formats == {"JPEG": 11, "PNG": 2}
    assert found.sizes == [((12, 9), 11), ((100, 50), 2)]
    assert found.width == Spread(12.0, 12.0, 100.0)
    assert found.height == Spread(9.0, 9.0, 50.0)
    total = sum(p.stat().st_size for p in make.root.rglob("*") if p.suffix in {".jpg", ".png"})
    assert found.total_bytes == total
    assert found.file_bytes.least > 8
    assert found.fingerprint == dataset.fingerprint
    assert (found.name, found.positive) == ("faces", "Fake")


def test_unlabelled_and_groups(make, table_card, names_card):
    make.table(2)
    assert describe(load_dataset(table_card())).counts["test"] == {"(unlabelled)": 6}


def test_groups_are_counted(make, names_card):
    make.clips(7)
    assert describe(load_dataset(names_card())).groups == 7


def test_only_the_ten_most_common_sizes(make, folders_card):
    make.folders(1)
    for side in range(1, 15):
        make.image(f"Train/Real/{side}.png", size=(side, side))
    sizes = describe(load_dataset(folders_card())).sizes
    assert len(sizes) == 10
    assert sizes[:3] == [((12, 9), 6), ((1, 1), 1), ((2, 2), 1)]
