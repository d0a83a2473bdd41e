"""A run whose models are kept, made once for all tests of detectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import dfbench
from dfbench.detectors.archive import Bundle
from dfbench.detectors.kept import KeptModels

SUITE = """
name = "kept"
figures = []
[budget]
trials = 1
[[rows]]
features = ["hsv", "hsv+lbp"]
models = ["knn", "svm", "xgboost"]
[[rows]]
features = ["metadata"]
models = ["xgboost"]
[[systems]]
name = "embedded"
model = "svm"
features = "embedding[backbone=resnet10t, weights=random, size=32]"
[[systems]]
name = "network"
model = "cnn-2conv"
params = { image_size = 32, epochs = 1, batch_size = 8 }
[[systems]]
name = "native"
model = "residual-cnn"
params = { image_size = 44, crop = 24, widths = [4, 8], epochs = 1, batch_size = 8 }
[[systems]]
name = "hybrid"
model = "hybrid-hsv-cnn"
params = { image_size = 32, epochs = 1, batch_size = 8, channels = [4, 4, 4, 4, 4] }
[[derived]]
name = "ensemble"
of = ["hsv/knn", "network"]
[[derived]]
name = "stacked"
of = ["hsv/knn", "hsv+lbp/svm", "hsv/xgboost"]
combine = "stacking"
[[derived]]
name = "calibrated"
of = ["ensemble", "stacked", "hsv/knn"]
calibrate = "temperature"
threshold = "youden"
"""


@dataclass(frozen=True)
class Ran:
    """The run: where its images and results lie."""

    root: Path
    out: Path

    @property
    def models(self) -> KeptModels:
        return KeptModels(self.out)

    def bundle(self, row: str) -> Bundle:
        models = self.models
        return models.bundle(models.entry(row))

    def paths(self, images: list[str]) -> list[Path]:
        return [self.root / image for image in images]


@pytest.fixture(scope="session")
def ran(run_once: Callable[..., Path]) -> Ran:
    folder = run_once("kept", SUITE, jobs=2)
    counts = dfbench.load_results(folder / "out").statuses()
    assert counts == {"ok": 14}, counts
    return Ran(folder / "faces", folder / "out")
