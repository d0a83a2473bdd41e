from __future__ import annotations

from dfbench.suites.datasets.inspection.defects import find_defects
from dfbench.suites.datasets.loading import load_dataset


def test_a_sound_data_set_has_no_findings(make, folders_card):
    make.folders(2)
    seen = []
    assert find_defects(load_dataset(folders_card()), lambda *done: seen.append(done)) == []
    assert seen[-1] == (12, 12)


def test_every_broken_image_is_listed_with_its_reason(make, folders_card):
    make.folders(2)
    whole = make.image("Train/Real/whole.jpg", size=(200, 200), quality=95).read_bytes()
    (make.root / "Train/Real/cut.jpg").write_bytes(whole[: len(whole) // 2])
    (make.root / "Train/Real/empty.jpg").write_bytes(b"")
    (make.root / "Train/Real/link.jpg").symlink_to("gone.jpg")
    (make.root / "Train/Real/text.jpg").write_text("not an image")
    dataset = load_dataset(folders_card())
    assert len(dataset.broken) == 3  # the cut one has a sound header
    findings = find_defects(dataset)
    assert [(f.path.rpartition("/")[2], f.kind) for f in findings] == [
        ("cut.jpg", "broken"),
        ("empty.jpg", "broken"),
        ("link.jpg", "broken"),
        ("text.jpg", "broken"),
    ]
    assert "truncated" in findings[0].reason
    assert findings[1].reason == "empty file"


def test_an_image_gone_since_loading_is_found(make, folders_card):
    make.folders(2)
    dataset = load_dataset(folders_card())
    (make.root / "Test/Real/real_0.jpg").unlink()
    assert [f.path for f in find_defects(dataset)] == ["Test/Real/real_0.jpg"]


def test_rows_without_image_are_listed(make, table_card):
    make.table(2)
    (make.root / "train/tr-0-0.png").unlink()
    findings = find_defects(load_dataset(table_card()))
    assert [f.reason for f in findings] == ["row 2 of train.csv: no image 'tr-0-0' in train/"]
