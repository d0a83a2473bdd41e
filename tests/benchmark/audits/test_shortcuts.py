"""Shortcuts of a data set: found by rank, corrected, worded, and gone after the remedy."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner, Result

from dfbench.benchmark.audits.base import Looked
from dfbench.benchmark.audits.shortcuts import ShortcutAudit
from dfbench.benchmark.audits.shortcuts_found import Shortcuts, remedy, telling, word
from dfbench.benchmark.reading import look_at
from dfbench.benchmark.reporter import Reporter
from dfbench.cli import app
from dfbench.features.extractors.metadata import Metadata
from dfbench.results.board.build import build_board
from dfbench.suites.datasets.cards.normalise import Normalise
from dfbench.suites.datasets.cards.reading import load_card
from dfbench.suites.datasets.cards.writing import normalise_toml, write_card
from dfbench.suites.datasets.loading import load_dataset
from dfbench.suites.datasets.manifest import Dataset
from tests.conftest import picture

pytestmark = pytest.mark.usefixtures("in_process")

NAMES = [str(name) for name in Metadata().get_feature_names_out()]


def find_shortcuts(dataset: Dataset, *, jobs: int, reporter: Reporter) -> Shortcuts:
    """Look at a data set as `dfbench data check` does."""
    audit = ShortcutAudit()
    _, faults = look_at(dataset, [audit.needs()], jobs=jobs, reporter=reporter)
    return audit.find(Looked(dataset, faults, None, jobs))


def dfbench(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


def table(n: int = 200, **columns: np.ndarray) -> np.ndarray:
    """Rows of the control: all alike, but for what is given."""
    values = np.zeros((n, len(NAMES)), np.float32)
    for name, column in columns.items():
        values[:, NAMES.index(name)] = column
    return values


@pytest.fixture
def biased(tmp_path: Path) -> Path:
    """Pictures of one kind in two classes, told apart by size, format, JPEG quality and EXIF."""
    root = tmp_path / "biased"
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    for number in range(120):
        label = ("real", "fake")[number % 2]
        folder = root / ("train" if number < 80 else "test") / label
        folder.mkdir(parents=True, exist_ok=True)
        if label == "fake":
            image = Image.fromarray(picture(number, size=(64, 64)))
            image.save(folder / f"{number}.jpg", quality=95, subsampling="4:4:4")
        else:
            image = Image.fromarray(picture(number, size=(56, 48)))
            kind = "png" if number % 8 == 0 else "jpg"
            image.save(folder / f"{number}.{kind}", quality=70, exif=exif)
    return root


def test_the_auc_is_that_of_the_ranks_and_noise_is_not_told() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    values = table(
        width=rng.normal(0, 1, 200) + 2 * labels,
        height=rng.integers(0, 3, 200) - 2 * labels,
        log_bytes=rng.normal(0, 1, 200),
        exif=(rng.random(200) < 0.1 + 0.6 * labels).astype(float),
    )
    found = {s.column: s for s in telling(values, NAMES, labels, [1])}
    assert set(found) == {"width", "height", "exif"}
    for name, shortcut in found.items():
        column = values[:, NAMES.index(name)]
        auc = roc_auc_score(labels, column)
        assert shortcut.auc == pytest.approx(max(auc, 1 - auc))
    assert found["exif"].inside == pytest.approx(values[labels == 1, NAMES.index("exif")].mean())
    assert found["width"].outside == np.median(values[labels == 0, NAMES.index("width")])


def test_few_images_are_not_enough() -> None:
    labels = np.array([0, 0, 1, 1])
    assert telling(table(4, width=labels), NAMES, labels, [1]) == []


def test_of_several_classes_the_one_told_best() -> None:
    labels = np.arange(300) % 3
    values = table(300, width=np.where(labels == 2, 512, 256) + np.arange(300) % 7)
    [found] = telling(values, NAMES, labels, [0, 1, 2])
    assert (found.label, found.auc) == (2, 1.0)
    [line] = word([found], ["a", "b", "c"])
    assert line == (
        "size: the width tells c from the others: AUC 1.00; median 515 px for c, "
        "259 px for the others"
    )


def test_a_line_for_each_group_and_one_remedy(biased: Path) -> None:
    dataset = load_dataset(biased)
    found = find_shortcuts(dataset, jobs=1, reporter=Reporter())
    lines = word(found.found, dataset.classes)
    assert [line.partition(":")[0] for line in lines] == [
        "size",
        "format",
        "JPEG tables",
        "EXIF",
        "content",
    ]
    assert lines[0].startswith(
        "size: the width tells the classes apart: AUC 1.00; median 48 px for real, 64 px for fake; "
        "also height 1.00"
    )
    assert lines[3].startswith("EXIF: EXIF tells the classes apart: AUC 1.00; 100 % of real, 0 %")
    assert found.remedy == Normalise(size=48, method="crop", format="jpeg", quality=70)


def test_the_remedy_leaves_content_alone(biased: Path) -> None:
    first = dfbench("data", "check", biased)
    assert first.exit_code == 0, "a shortcut is no broken image"
    assert "shortcut: size: the " in first.stdout
    section = first.stdout[first.stdout.index("[normalise]") :].partition("\n\n")[0]
    assert dfbench("data", "init", biased).exit_code == 0
    card = biased / "card.toml"
    card.write_text(card.read_text() + "\n" + section + "\n")
    assert load_card(card).normalise == Normalise(size=48, method="crop", format="jpeg", quality=70)
    second = dfbench("data", "check", biased)
    assert second.exit_code == 0
    assert "[normalise]" not in second.stdout
    told = [line for line in second.stdout.splitlines() if line.startswith("shortcut")]
    assert all(line.startswith("shortcut: content") for line in told)
    shown = " ".join(dfbench("data", "describe", biased).stdout.split())
    assert "normalised cropped to a square and resized to 48x48 px, written as JPEG of" in shown


def test_a_sound_data_set_has_none(make_folder: Callable[..., Path]) -> None:
    folder = make_folder(splits={"train": 40, "test": 10})
    columns = {
        s.column for s in find_shortcuts(load_dataset(folder), jobs=1, reporter=Reporter()).found
    }
    assert columns <= {"log_bytes", "bits_per_pixel"}, "the fakes' checkerboard costs bytes"
    assert "[normalise]" not in dfbench("data", "check", folder).stdout


@pytest.mark.parametrize(
    ("columns", "now", "expected"),
    [
        (
            {"width": 100, "height": 90, "format_png": 1},
            None,
            Normalise(size=88, method="crop", format="png"),
        ),
        (
            {"width": 100, "height": 90, "format_png": 1},
            Normalise(size=32),
            Normalise(size=32, format="png"),
        ),
        (
            {"width": 100, "height": 90, "format_jpeg": 1, "jpeg_quality": 30},
            None,
            Normalise(size=88, method="crop", format="jpeg", quality=50),
        ),
        (
            {"width": 100, "height": 90, "format_webp": 1},
            None,
            Normalise(size=88, method="crop", format="jpeg", quality=90),
        ),
    ],
)
def test_the_remedy_fits_the_files(
    columns: dict[str, float], now: Normalise | None, expected: Normalise
) -> None:
    labels = np.arange(200) % 2
    values = table(**{name: np.full(200, value) for name, value in columns.items()})
    values[labels == 1, NAMES.index("width")] *= 4
    found = telling(values, NAMES, labels, [1])
    assert remedy(found, values, NAMES, now) == expected
    assert tomllib.loads(normalise_toml(expected))["normalise"] == expected.model_dump(
        exclude_none=True
    )


def test_size_is_left_out_where_it_tells_nothing() -> None:
    labels = np.arange(200) % 2
    values = table(exif=labels, format_jpeg=np.ones(200), jpeg_quality=np.full(200, 80))
    found = telling(values, NAMES, labels, [1])
    assert remedy(found, values, NAMES, None) == Normalise(format="jpeg", quality=80)


def test_runs_on_a_normalised_set_are_runs_of_their_own(biased: Path, tmp_path: Path) -> None:
    suite = tmp_path / "control.toml"
    suite.write_text(
        'name = "control"\ndatasets = []\n[budget]\ntrials = 1\nseconds = 5\n'
        '[[rows]]\nfeatures = ["metadata", "pixels[size=4]"]\nmodels = ["knn"]\n'
    )
    assert dfbench("data", "init", biased).exit_code == 0
    prints = []
    for normalise in (None, Normalise(size=16), Normalise(size=40, method="crop", format="jpeg")):
        card = load_card(biased / "card.toml").model_copy(update={"normalise": normalise})
        write_card(card, biased / "card.toml")
        prints.append(load_dataset(biased).fingerprint)
        run = ("run", "-s", suite, "-d", biased, "-o", tmp_path / "out", "--jobs", 1)
        before = dfbench(*run, "--plan")
        assert "(2 to run)" in " ".join((before.stdout + before.stderr).split())
        if normalise is None:
            assert dfbench(*run).exit_code == 0
    assert len(set(prints)) == 3
    table_of = tmp_path / "features.csv"
    arguments = ("extract", biased, "--features", "metadata", "--out", table_of)
    assert dfbench(*arguments).exit_code == 0
    import pandas as pd

    frame = pd.read_csv(table_of)
    assert set(frame["metadata:width"]) == {40.0}
    assert frame["metadata:exif"].sum() == 0


def test_the_leaderboard_names_what_its_control_goes_by(biased: Path, tmp_path: Path) -> None:
    suite, out = tmp_path / "control.toml", tmp_path / "out"
    suite.write_text(
        'name = "control"\ndatasets = []\nfigures = []\n[budget]\ntrials = 1\nseconds = 5\n'
        '[[rows]]\nfeatures = ["metadata"]\nmodels = ["knn"]\n'
    )
    assert dfbench("run", "-s", suite, "-d", biased, "-o", out, "--jobs", 1).exit_code == 0
    warnings = build_board(out).tables[0].warnings
    (warning,) = [each for each in warnings if each.startswith("shortcut")]
    for words in ("size (width, AUC 1.00)", "JPEG tables (", "format (", "EXIF (EXIF, AUC 1.00)"):
        assert words in warning
    # what was found is that of this state of the data set
    fingerprint = load_dataset(biased).fingerprint
    assert [path.stem for path in (out / "shortcuts").iterdir()] == [fingerprint]


def test_without_the_control_the_leaderboard_names_what_files_give_away(
    biased: Path, tmp_path: Path
) -> None:
    suite, out = tmp_path / "plain.toml", tmp_path / "out"
    suite.write_text(
        'name = "plain"\ndatasets = []\nfigures = []\n[budget]\ntrials = 1\n'
        '[[rows]]\nfeatures = ["hsv", "metadata"]\nmodels = ["knn"]\n'
    )
    run = ("run", "-s", suite, "-d", biased, "-o", out, "--jobs", 1)
    said = " ".join(dfbench(*run, "--only", "hsv/knn").output.split())
    assert "Warning: shortcut: Files of the classes differ in size (width, AUC 1.00)" in said
    assert "[normalise]" in said
    # with it, its own figure is what warns
    assert dfbench(*run).exit_code == 0
    (warning,) = [w for w in build_board(out).tables[0].warnings if w.startswith("shortcut")]
    assert "metadata/knn reaches ROC AUC" in warning
