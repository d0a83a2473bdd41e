"""The plugins that the guide shows do what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dfbench.registry import (
    AUGMENTATIONS,
    COLUMNS,
    EXTRACTORS,
    LAYOUTS,
    METRICS,
    MODELS,
    Registry,
)

GUIDE = (Path(__file__).parents[1] / "docs" / "plugins.md").read_text(encoding="utf-8")


def fenced(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Write each example of a file; what has a folder is a package's."""
    found = {}
    for text in fenced("python"):
        name = re.match(r"# (\w+\.py)\n", text)
        if name:
            found[name[1]] = tmp_path / name[1]
            found[name[1]].write_text(text)
    return found


def test_there_is_one_of_each_kind(files: dict[str, Path]) -> None:
    for group in (EXTRACTORS, MODELS, METRICS, COLUMNS, AUGMENTATIONS, LAYOUTS):
        own = [part for part in Registry(group, files.values()) if not part.built_in]
        assert own, group
        for part in own:
            assert part.summary, part.name
            part.load()


def test_the_network(files: dict[str, Path]) -> None:
    import torch

    net = Registry(MODELS, [files["net.py"]]).get("gap_net").load()
    module = net(n_classes=2, image_size=32).build(0)
    assert module(torch.zeros(2, 3, 32, 32)).shape == (2, 1)
    assert module.looked_at
    assert module.head


def test_the_metrics_and_the_column(files: dict[str, Path], folder_of_two: Path) -> None:
    from dfbench.results.board.build import build_board

    board = build_board(folder_of_two, plugins=[files["figures.py"]])
    [table] = board.tables
    assert not table.notes
    for line in table.measured:
        for name in ("found_at_5", "cost"):
            assert line.metrics[name].low < line.metrics[name].value < line.metrics[name].high
        assert line.columns["auc_per_mb"] > 0


@pytest.fixture
def folder_of_two(tmp_path: Path) -> Path:
    """Give a results folder of two rows."""
    from tests.results.conftest import Folder

    folder = Folder(tmp_path / "out")
    for row, gain in (("hsv/knn", 1.0), ("fft/svm", 0.5)):
        folder.add("faces", row, gain=gain, n=60, model_bytes=1_000_000)
    return folder.out


def test_the_augmentation_and_its_row(files: dict[str, Path]) -> None:
    import tomllib

    from dfbench.benchmark.planning.rows import rows
    from dfbench.models.training.augmentation.own import change_of, check_repeatable
    from dfbench.suites.suite import Suite

    [row] = [text for text in fenced("toml") if "own = {" in text]
    suite = Suite.model_validate({"name": "s", **tomllib.loads(row)})
    given = [files["grain.py"]]
    [made] = rows(suite, Registry(EXTRACTORS, given), Registry(MODELS, given), check=False)
    assert made.status == "ok", made.reason
    change: Any = change_of(Registry(AUGMENTATIONS, given).get("grain").load(), {"strength": 12})
    check_repeatable(change, 16, "grain")


def test_the_layout_and_its_card(
    files: dict[str, Path], make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    from dfbench.suites.datasets.loading import load_dataset

    faces = make_folder("faces", splits={"any": 12})
    [card] = [text for text in fenced("toml") if 'kind = "function"' in text]
    (faces / "card.toml").write_text(card)
    lines = [
        f"any/{verdict}/{n:03}.png,{verdict},{verdict}{n}"
        for verdict in ("real", "fake")
        for n in range(12)
    ]
    (faces / "sheet.csv").write_text("\n".join(["file,verdict,camera", *lines]))
    found = load_dataset(faces, plugins=[files["sheet.py"]])
    assert found.grouped
    assert len(found.manifest) == 24


def test_the_extractor(files: dict[str, Path]) -> None:
    function = Registry(EXTRACTORS, [files["mean_colour.py"]]).get("mean_colour").load()
    assert function(np.full((4, 5, 3), 2, np.uint8), power=2.0).tolist() == [4, 4, 4]
