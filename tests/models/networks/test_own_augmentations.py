"""Augmentations of plugins: named in a recipe, repeatable, part of what a row is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dfbench.benchmark.planning.rows import rows
from dfbench.errors import DfbenchError, PluginError
from dfbench.models.networks.cnn import Cnn2Conv
from dfbench.registry import EXTRACTORS, MODELS, Registry
from dfbench.suites.suite import Suite
from tests.conftest import picture

PLUGIN = """
import dfbench
import numpy as np
import torch

@dfbench.augmentation
def dark(image, rng, most=0.5):
    "Darker at random."
    return (image * rng.uniform(1 - most, 1)).astype(np.uint8)

@dfbench.augmentation
def black(image):
    return np.zeros_like(image)

@dfbench.augmentation(batch=True)
def noisy(images, rng, sigma=0.1):
    return images + sigma * torch.randn(images.shape)

@dfbench.augmentation
def loose(image):
    return (image * np.random.uniform()).astype(np.uint8)

@dfbench.augmentation
def smaller(image):
    return image[1:]

@dfbench.augmentation
def floats(image):
    return image / 255

@dfbench.augmentation(batch=True)
def nothing(images):
    return None

@dfbench.augmentation
def breaks(image):
    raise KeyError("x")

@dfbench.augmentation
def stops(image):
    raise KeyboardInterrupt
"""


def fitted(path: Path, own: Any, **more: Any) -> Any:
    X = np.stack([picture(i, kind=("real", "fake")[i % 2], size=(24, 24)) for i in range(16)])
    y = np.arange(16) % 2
    params = {"augment": {"own": own}} if own else {}
    model = Cnn2Conv(n_classes=2, image_size=24, epochs=1, batch_size=8, **params, **more)
    model.plugins = (path,)
    return model.fit(X, y, X, y).predict_proba(X)


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN)
    return path


@pytest.mark.parametrize("own", [["dark"], {"dark": {"most": 0.9}}, ["noisy"], ["dark", "noisy"]])
def test_it_changes_what_is_trained_on_and_repeats(plugin: Path, own: Any) -> None:
    first = fitted(plugin, own)
    assert np.array_equal(first, fitted(plugin, own))
    assert not np.array_equal(first, fitted(plugin, []))


def test_copies_made_before_are_changed_too(plugin: Path) -> None:
    copies = {"copies": 1, "augment": {"own": ["black"]}}
    assert not np.array_equal(fitted(plugin, [], offline=copies), fitted(plugin, []))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("loose", "changes an image otherwise the second time.*draw from its parameter rng"),
        ("smaller", r"gives shape \(23, 24, 3\), not \(24, 24, 3\)"),
        ("floats", "gives float64, not uint8"),
        ("nothing", "gives NoneType, no Tensor"),
        ("breaks", "raises KeyError: 'x'"),
        ("stops", "raises KeyboardInterrupt"),
    ],
)
def test_what_is_wrong_is_told_before_training(plugin: Path, name: str, said: str) -> None:
    with pytest.raises(PluginError, match=f"augmentation '{name}': {said}"):
        fitted(plugin, [name])


def planned(plugin: Path, own: Any) -> Any:
    params = {"augment": {"own": own}}
    system = {"name": "mine", "model": "cnn-2conv", "params": params}
    suite = Suite.model_validate({"name": "s", "systems": [system]})
    return rows(suite, Registry(EXTRACTORS, [plugin]), Registry(MODELS, [plugin]), check=False)[0]


def test_its_file_is_part_of_what_a_row_is(plugin: Path) -> None:
    first = planned(plugin, ["dark"]).source
    assert first
    assert planned(plugin, []).source == ""
    plugin.write_text(PLUGIN.replace("0.5", "0.6"))
    assert planned(plugin, ["dark"]).source not in ("", first)


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (["drak"], "row 'mine'.*unknown augmentation 'drak' .did you mean 'dark'"),
        ({"dark": {"mots": 1}}, "row 'mine'.*unknown parameter 'mots' .did you mean 'most'"),
        (["flip"], "'flip' is an augmentation of ours"),
        ("dark", "augment.own is a table, not 'dark'"),
    ],
)
def test_names_that_nothing_has_are_told_before_anything_runs(
    plugin: Path, own: Any, said: str
) -> None:
    with pytest.raises(DfbenchError, match=said):
        planned(plugin, own)
