"""What cells are known by: hashes that stored results hang on, so that they may never change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dfbench.benchmark.planning.cell import Cell
from dfbench.benchmark.planning.plan import make_plan
from dfbench.benchmark.planning.rows import rows
from dfbench.errors import DataError, DfbenchError, UnavailableError
from dfbench.features.extractors.hsv import HSV
from dfbench.files import digest
from dfbench.registry import EXTRACTORS, MODELS, Registry
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Record
from dfbench.suites.datasets.cards.card import Card
from dfbench.suites.datasets.manifest import Dataset
from dfbench.suites.suite import Budget, Suite

SUITE: dict[str, Any] = {
    "name": "all kinds",
    "rows": [
        {"features": ["hsv[bins=8]", "hsv+lbp"], "models": ["knn"]},
        {"features": ["metadata"], "models": ["svm"]},
        {"networks": ["cnn-3conv"]},
    ],
    "systems": [
        {"name": "grid", "model": "knn", "features": "hsv", "choices": {"n_neighbors": [3, 1]}},
        {"name": "small", "model": "cnn-2conv", "params": {"image_size": 16, "epochs": 2}},
        {"name": "mixed-up", "model": "svm", "features": "hsv", "shuffle_labels": True},
    ],
    "derived": [
        {"name": "both", "of": ["grid", "small"], "combine": "stacking", "threshold": "eer"},
    ],
    "protocols": [
        {"kind": "leave-one-generator-out", "rows": ["both"]},
        {
            "kind": "learning-curve",
            "rows": ["both"],
            "fractions": [0.5],
            "parameters": "of the row",
        },
        {"kind": "learning-curve", "rows": ["grid"], "fractions": [0.25]},
    ],
}


def dataset(classes: tuple[str, ...], fingerprint: str, **card: Any) -> Dataset:
    """Make a data set without files."""
    lines = [
        (f"{split}/{name}/{number:03}.png", label, split, ("gan", "blend")[number % 2])
        for split in ("train", "validation", "test")
        for label, name in enumerate(classes)
        for number in range(24)
    ]
    manifest = pd.DataFrame(lines, columns=["path", "label", "split", "kind"])
    manifest.loc[manifest["label"] == classes.index("real"), "kind"] = ""
    manifest["sha256"] = [f"{i:064}" for i in range(len(manifest))]
    manifest = manifest.assign(group="", error="")
    layout = {"kind": "folders", "splits": {"train": "a", "validation": "b", "test": "c"}}
    known = {"name": fingerprint, "classes": list(classes), "layout": layout, **card}
    return Dataset(Card.model_validate(known), Path("nowhere"), manifest, fingerprint)


DATASETS: list[Dataset | tuple[str, DfbenchError]] = [
    dataset(("real", "fake"), "faces"),
    dataset(("gan", "real", "blend"), "several", real="real", normalise={"size": 32}),
    ("away", DataError("it is not there")),
]


class Absent(HSV):
    """As one whose file of weights is gone by the time that it is looked at."""

    def identity(self) -> dict[str, Any]:
        raise UnavailableError("no such file of weights")


def plan(**changes: Any) -> list[Cell]:
    suite = Suite.model_validate({**SUITE, **changes})
    lines = rows(suite, Registry(EXTRACTORS), Registry(MODELS), check=False)
    # as if the model came from a plugin
    lines[0] = replace(lines[0], source="0123456789abcdef")
    lines.append(replace(lines[0], name="absent", extractors=[Absent()]))
    out = ResultsFolder(Path("nowhere"))
    return make_plan(suite, lines, DATASETS, [3], Budget(trials=7), out).counted


def names(cells: list[Cell]) -> dict[str, Cell]:
    return {f"{c.dataset_name} {c.row.name} {c.subset.name} {c.seed}": c for c in cells}


KNOWN = {
    "faces hsv[bins=8]/knn  3": ("0166a2955e88ae6b", "723f4c2dd3f2c900"),
    "faces hsv+lbp/knn  3": ("2bfc2e2df9de7f14", "2e6fea0db8260fe2"),
    "faces metadata/svm  3": ("054b6f9033b82205", "00feefa15ef54c35"),
    "faces cnn-3conv  3": ("fc4a76c2a3183cf5", "9cb07b3700c79bd0"),
    "faces grid  3": ("9e9d7a5e539d66dc", "9e9d7a5e539d66dc"),
    "faces small  3": ("b5d39ff6afc649d3", "b5d39ff6afc649d3"),
    "faces mixed-up  0": ("114edc2916ffdea4", "114edc2916ffdea4"),
    "faces mixed-up  1": ("f396d760ca6275f7", "f396d760ca6275f7"),
    "faces mixed-up  2": ("208cdd5d3a933f36", "208cdd5d3a933f36"),
    "faces mixed-up  3": ("42fceb2b2ca62986", "42fceb2b2ca62986"),
    "faces mixed-up  4": ("8e8e6596c78c6fcd", "8e8e6596c78c6fcd"),
    "faces both  3": ("208fffed921880d2", "208fffed921880d2"),
    "faces absent  3": ("dd3ab6de53c048b1", "dd3ab6de53c048b1"),
    "faces grid without blend 3": ("a0181c1456ba7906", "a0181c1456ba7906"),
    "faces small without blend 3": ("981060194481f5c2", "981060194481f5c2"),
    "faces both without blend 3": ("bbe2b984cd37af40", "bbe2b984cd37af40"),
    "faces grid without gan 3": ("ef1f47c9b92a4e8d", "ef1f47c9b92a4e8d"),
    "faces small without gan 3": ("e05d909fb62e738e", "e05d909fb62e738e"),
    "faces both without gan 3": ("b50125f8691bbdd4", "b50125f8691bbdd4"),
    "faces grid 50 % of train 3": ("a4cd83e732c9cf51", "a4cd83e732c9cf51"),
    "faces small 50 % of train 3": ("66b8df3f476bbb4b", "66b8df3f476bbb4b"),
    "faces both 50 % of train 3": ("beb4bda91874b92a", "beb4bda91874b92a"),
    "faces grid 25 % of train 3": ("da68ddb5d92255b0", "da68ddb5d92255b0"),
    "several hsv[bins=8]/knn  3": ("ba8f9429f77e1abd", "a5f5ea8c69610b23"),
    "several hsv+lbp/knn  3": ("10aeb475a36d134d", "dd403c50aa9289e6"),
    "several metadata/svm  3": ("4e80076a5910436f", "45107f91dd62f753"),
    "several cnn-3conv  3": ("f6bafd30f4457c56", "b2f99a8a1c8c1ce7"),
    "several grid  3": ("6d404634ec9d5ede", "6d404634ec9d5ede"),
    "several small  3": ("3863e39ea3cb9f2f", "3863e39ea3cb9f2f"),
    "several mixed-up  0": ("37536fe6bb7bc685", "37536fe6bb7bc685"),
    "several mixed-up  1": ("db1b6a900943bf33", "db1b6a900943bf33"),
    "several mixed-up  2": ("67f88486bdf8275c", "67f88486bdf8275c"),
    "several mixed-up  3": ("0b59fdddbdb54fe2", "0b59fdddbdb54fe2"),
    "several mixed-up  4": ("3f21b8ca1f96a590", "3f21b8ca1f96a590"),
    "several both  3": ("0fd4cb3346e8b97d", "0fd4cb3346e8b97d"),
    "several absent  3": ("085026e0bc968ac1", "085026e0bc968ac1"),
    "several grid real or fake 3": ("2c9e7e2c58385b51", "2c9e7e2c58385b51"),
    "several small real or fake 3": ("bd1f886a8bf4493c", "bd1f886a8bf4493c"),
    "several both real or fake 3": ("940b05d7b41a73ef", "940b05d7b41a73ef"),
    "several grid without blend 3": ("6720a007f366aa7c", "6720a007f366aa7c"),
    "several small without blend 3": ("0ac9ebc4656b3872", "0ac9ebc4656b3872"),
    "several both without blend 3": ("12557965083380a7", "12557965083380a7"),
    "several grid without gan 3": ("8545a5da80cbcd2f", "8545a5da80cbcd2f"),
    "several small without gan 3": ("752cd92d0375f464", "752cd92d0375f464"),
    "several both without gan 3": ("21c111e84905cffb", "21c111e84905cffb"),
    "several grid 50 % of train 3": ("30b41025ee10394a", "30b41025ee10394a"),
    "several small 50 % of train 3": ("17d3d557fb3bfb70", "17d3d557fb3bfb70"),
    "several both 50 % of train 3": ("5497276f44189e71", "5497276f44189e71"),
    "several grid 25 % of train 3": ("b2d0b3bb9322e584", "b2d0b3bb9322e584"),
    "away hsv+lbp/knn  3": ("266d5af625748ad9", "cb177a9801d60c56"),
    "away both  3": ("0958daeb569426f3", "0958daeb569426f3"),
}
"""Hash and study of cells by name, as dfbench 0.1.0 made them."""


pytestmark = pytest.mark.usefixtures("first_versions")


def test_cells_are_known_by_what_they_always_were() -> None:
    found = names(plan())
    assert {name: (found[name].id, found[name].study) for name in KNOWN} == KNOWN


@pytest.mark.parametrize(
    ("on_leak", "known"),
    [("warn", "753361fbaaa89d92"), ("stop", "753361fbaaa89d92"), ("drop", "ae985d8bf547215e")],
)
def test_so_are_all_of_them_whatever_is_done_about_leaks(on_leak: str, known: str) -> None:
    cells = plan(on_leak=on_leak)
    assert digest([[name, c.id, c.study] for name, c in names(cells).items()]) == known
    assert {cell.drops_leaks for cell in cells} == {on_leak == "drop"}


def test_what_is_tuned_for_tells_cells_apart_that_leave_anything_open() -> None:
    usual, other = names(plan()), names(plan(tune_for="log_loss"))
    differ = {name for name in usual if usual[name].id != other[name].id}
    own = {name for name in differ if not other[name].members}
    rows = {"hsv[bins=8]/knn", "hsv+lbp/knn", "metadata/svm", "cnn-3conv", "grid"}
    assert {other[name].row.name for name in own} == rows
    for name in own:
        its = usual[name].identity | {"tune_for": "log_loss"}
        # the cell whose parameters are taken over is another, too
        assert other[name].identity == its | (
            {"parameters": other[name].parameters_of} if other[name].parameters_of else {}
        )
        assert other[name].study != usual[name].study
    assert "faces both  3" in differ  # it is made of one
    assert not {"faces small  3", "faces mixed-up  0"} & differ


def test_a_file_that_is_absent_skips_the_row() -> None:
    cell = names(plan())["faces absent  3"]
    assert (cell.state, cell.reason) == ("skipped", "no such file of weights")


@pytest.mark.parametrize("on_leak", ["warn", "drop"])
def test_records_of_before_tell_the_same_facts_as_cells(on_leak: str) -> None:
    cells = [cell for cell in plan(on_leak=on_leak) if cell.row.name != "absent"]
    for cell in cells:
        record = Record(
            cell=cell.id, dataset="", row="", seed=0, status="failed", identity=cell.identity
        )
        told = (record.kind, record.control, record.drops_leaks)
        assert told == (cell.row.kind, cell.row.control, cell.drops_leaks)
    assert {cell.row.kind for cell in cells} == {"features", "network", "derived"}
