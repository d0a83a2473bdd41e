"""Small data sets on disk, for tests of the suites package."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


class Maker:
    """Writes images below a folder; each has other pixels than those before."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.count = 0

    def image(self, path: str, size: tuple[int, int] = (12, 9), **options) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        self.count += 1
        pixels = np.random.default_rng(self.count).integers(0, 256, (size[1], size[0], 3))
        buffer = io.BytesIO()
        kinds = {".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF"}
        suffix = target.suffix.lower()
        kind = kinds.get(suffix, suffix[1:].upper())
        Image.fromarray(pixels.astype(np.uint8)).save(buffer, kind, **options)
        target.write_bytes(buffer.getvalue())
        return target

    def text(self, path: str, text: str) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return target

    def folders(self, n: int = 4, splits=("Train", "Validation", "Test")) -> Path:
        """Two classes, n images of each in each split folder."""
        for split in splits:
            for name in ("Real", "Fake"):
                for number in range(n):
                    self.image(f"{split}/{name}/{name.lower()}_{number}.jpg")
        return self.root

    def classes(self, n: int = 10, names=("real", "fake")) -> Path:
        """Class folders alone."""
        for name in names:
            for number in range(n):
                self.image(f"{name}/{number:03}.png")
        return self.root

    def table(self, n: int = 3, classes=("0", "1", "2")) -> Path:
        """CSV files with ids beside folders of PNG; test has no labels."""
        for split in ("train", "validation", "test"):
            lines = ["image_id,label" if split != "test" else "image_id"]
            for label in classes:
                for number in range(n):
                    name = f"{split[:2]}-{label}-{number}"
                    self.image(f"{split}/{name}.png")
                    lines.append(f"{name},{label}" if split != "test" else name)
            self.text(f"{split}.csv", "\n".join(lines) + "\n")
        return self.root

    def clips(self, clips: int = 12, each: int = 2) -> Path:
        """A flat folder; group and label in the names."""
        for clip in range(clips):
            for number in range(each):
                for label in (0, 1):
                    self.image(f"clip{clip:03}_{number}_{label}.jpg")
        return self.root


FOLDERS_CARD = """\
name = "faces"
root = "data"
classes = ["Real", "Fake"]
[layout]
kind = "folders"
splits = { train = "Train", validation = "Validation", test = "Test" }
"""

TABLE_CARD = """\
name = "generators"
root = "data"
classes = ["0", "1", "2"]
[layout]
kind = "table"
[layout.splits]
train = { csv = "train.csv", images = "train" }
validation = { csv = "validation.csv", images = "validation" }
test = { csv = "test.csv", images = "test" }
"""

NAMES_CARD = """\
name = "clips"
root = "data"
classes = ["real", "fake"]
[layout]
kind = "filename"
pattern = '(?P<group>clip\\d+)_.*_(?P<label>\\d)\\.jpg'
labels = { "0" = "real", "1" = "fake" }
"""


@pytest.fixture
def make(tmp_path) -> Maker:
    return Maker(tmp_path / "data")


@pytest.fixture
def card_file(tmp_path):
    """Write a card beside the data; returns its path."""

    def write(text: str) -> Path:
        path = tmp_path / "card.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def folders_card(card_file):
    return lambda extra="": card_file(FOLDERS_CARD + extra)


@pytest.fixture
def table_card(card_file):
    return lambda extra="": card_file(TABLE_CARD + extra)


@pytest.fixture
def names_card(card_file):
    return lambda extra="": card_file(NAMES_CARD + extra)
