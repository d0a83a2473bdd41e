"""Finding parts by name: built-in, installed, local."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dfbench.errors import PluginError, UnknownNameError
from dfbench.registry import EXTRACTORS, MODELS, PICTURES, PROTOCOLS, Registry

GOOD = """
import dfbench

@dfbench.extractor
def mean_colour(image, scale=1.0):
    "Mean of each channel."
    return image.mean(axis=(0, 1)) * scale
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("group", [EXTRACTORS, MODELS, PICTURES])
def test_every_built_in_part_loads_and_bears_its_name(group: str) -> None:
    for part in Registry(group):
        assert part.load().name == part.name


def test_every_protocol_loads_and_bears_its_name() -> None:
    for part in Registry(PROTOCOLS):
        assert part.load()(kind=part.name).kind == part.name


def test_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown extractor 'lpb' \(did you mean 'lbp'"):
        Registry(EXTRACTORS).get("lpb")


def test_a_file_brings_its_functions(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.py", GOOD)
    part = Registry(EXTRACTORS, [path]).get("mean_colour")
    assert part.owner == str(path)
    assert part.summary == "Mean of each channel."
    assert not part.built_in


def test_two_of_one_name_name_both_owners(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.py", GOOD.replace("def mean_colour", "def hsv"))
    with pytest.raises(
        PluginError, match=r"two extractors are named 'hsv': one of dfbench, one of"
    ):
        Registry(EXTRACTORS, [path])


def test_an_installed_package_brings_extractors_and_a_broken_one_stays_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "their_features.py", GOOD)
    info = tmp_path / "their_features-1.0.dist-info"
    info.mkdir()
    write(info / "METADATA", "Metadata-Version: 2.1\nName: their-features\nVersion: 1.0\n")
    write(
        info / "entry_points.txt",
        "[dfbench.extractors]\nmean_colour = their_features:mean_colour\nlost = no_module:f\n",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        registry = Registry(EXTRACTORS)
        assert registry.get("mean_colour").owner == "their-features"
        assert callable(registry.get("mean_colour").load())
        with pytest.raises(PluginError, match=r"'lost' of their-features: cannot be loaded"):
            registry.get("lost").load()
    finally:
        sys.modules.pop("their_features", None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "declares no extractor"),
        ("import nothing_of_this_name\n", r"mine\.py, line 1: breaks when it is loaded: Module"),
        ("def f(:\n", r"mine\.py, line 1: breaks when it is loaded: SyntaxError"),
        (
            "import dfbench\n@dfbench.extractor\ndef f(image, n):\n    return [n]\n",
            "parameters after the image need defaults: n",
        ),
        ("import dfbench\n@dfbench.extractor\ndef f():\n    return []\n", "must take the image"),
        (
            "import dfbench\n@dfbench.extractor(name='a/b')\ndef f(image):\n    return [1]\n",
            "a name is made of letters",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_told_so(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path / "mine.py", text)
    with pytest.raises(PluginError, match=message):
        Registry(EXTRACTORS, [path])


def test_an_absent_file(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="no such file"):
        Registry(EXTRACTORS, [tmp_path / "absent.py"])
