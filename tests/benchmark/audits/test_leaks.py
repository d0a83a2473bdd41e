"""Leaks in whole runs and in data check: found, worded, dropped, stopped at, told in the table."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner, Result

from dfbench.benchmark.audits.base import Finding, Looked, examine
from dfbench.benchmark.audits.leaks import LeakAudit
from dfbench.benchmark.audits.leaks_found import Leaks, warn
from dfbench.benchmark.reading import look_at
from dfbench.benchmark.reporter import Reporter
from dfbench.cli import app
from dfbench.errors import DataError
from dfbench.features.internal.thumbnail import Thumbnail
from dfbench.results.board.build import build_board
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Record
from dfbench.results.records.sealed import read_sealed
from dfbench.suites.datasets.loading import load_dataset
from dfbench.suites.datasets.manifest import Dataset
from dfbench.suites.datasets.parts import Parts, parts_of
from dfbench.suites.suite import OnLeak
from tests.conftest import scene

pytestmark = pytest.mark.usefixtures("in_process")

SUITE = """
name = "tiny"
datasets = []
figures = []
{more}
[budget]
trials = 2
seconds = 20
[[rows]]
features = ["hsv"]
models = ["knn"]
[[rows]]
features = ["metadata"]
models = ["knn"]
"""


def dfbench(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


@pytest.fixture
def suite(tmp_path: Path) -> Callable[..., Path]:
    def write(more: str = "") -> Path:
        path = tmp_path / "tiny.toml"
        path.write_text(SUITE.format(more=more))
        return path

    return write


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """Split folders of scenes, each its own."""
    root = tmp_path / "scenes"
    seed = 0
    for split, count in (("train", 14), ("validation", 6), ("test", 8)):
        for label in ("real", "fake"):
            folder = root / split / label
            folder.mkdir(parents=True)
            for number in range(count):
                Image.fromarray(scene(seed, (64, 72))).save(folder / f"{number:02}.png")
                seed += 1
    return root


@pytest.fixture
def leaky(scenes: Path) -> Path:
    """The same with an equal file, two changed copies (one with another label) and one in tune."""
    shutil.copy(scenes / "train/real/00.png", scenes / "test/real/00.png")
    Image.open(scenes / "train/fake/01.png").save(scenes / "test/fake/01.jpg", quality=80)
    (scenes / "test/fake/01.png").unlink()
    mirrored = Image.open(scenes / "train/real/02.png").transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    mirrored.save(scenes / "test/fake/02.png")
    Image.open(scenes / "train/real/03.png").crop((2, 2, 70, 63)).save(
        scenes / "validation/real/03.png"
    )
    return scenes


def found_in(out: Path) -> Leaks:
    (path,) = (out / "leaks").iterdir()
    return read_sealed(path, Leaks, below=out)


def records(out: Path) -> dict[str, Record]:
    entries = ResultsFolder(out).read_entries()
    return {
        e.row: read_sealed(out / "cells" / f"{e.cell}.json", Record, below=out) for e in entries
    }


def leaks_in(warnings: list[str]) -> list[str]:
    return [warning for warning in warnings if warning.startswith("leak")]


def looked_at(folder: Path) -> Looked:
    dataset = load_dataset(folder)
    _, faults = look_at(dataset, [Thumbnail()], jobs=1, reporter=Reporter())
    return Looked(dataset, faults, parts_of(dataset, faults == ""))


def settled(folder: Path, out: Path, on_leak: OnLeak) -> Parts:
    """Do what a run does before it fits anything."""
    looked, audit = looked_at(folder), LeakAudit()
    kept = audit.look(looked, ResultsFolder(out))
    return audit.settle(kept, looked, on_leak, Reporter())


def find_leaks(dataset: Dataset, *, jobs: int, reporter: Reporter) -> list[Finding]:
    """Give what `dfbench data check` lists of leaks."""
    (found,) = (
        findings
        for audit, findings, _ in examine(dataset, jobs=jobs, reporter=reporter)
        if audit.name == "leaks"
    )
    return found


def words(result: Result) -> str:
    return " ".join((result.stdout + result.stderr).split())


def test_check_lists_what_leaks(leaky: Path) -> None:
    found = find_leaks(load_dataset(leaky), jobs=1, reporter=Reporter())
    said = {finding.what: finding.cases for finding in found}
    assert list(said) == [
        "3 of 16 images of test have a copy in train: 1 exact, 2 near",
        "1 of 12 images of validation has a copy in train: 1 near",
        "2 images have a copy with another label",
        "in a run, 3 of 16 test images have a copy in train (1 exact, 2 near; 1 with another "
        "label)",
        "in a run, 1 of 12 images tuned on has a copy in train (1 near)",
    ]
    assert said["3 of 16 images of test have a copy in train: 1 exact, 2 near"] == [
        ("near", "test/fake/01.jpg", "train/fake/01.png"),
        ("near, mirrored", "test/fake/02.png", "train/real/02.png"),
        ("exact", "test/real/00.png", "train/real/00.png"),
    ]
    assert said["2 images have a copy with another label"][0] == (
        "near, mirrored",
        "test/fake/02.png (fake)",
        "train/real/02.png (real)",
    )


def test_check_is_readable_and_shortens_long_lists(leaky: Path) -> None:
    for number in (4, 5, 6):
        shutil.copy(leaky / f"train/real/{number:02}.png", leaky / f"test/real/{number:02}.png")
    short = dfbench("data", "check", leaky)
    assert short.exit_code == 0, "only broken images change the exit status"
    assert "leak: 6 of 16 images of test have a copy in train: 4 exact, 2 near\n" in short.stdout
    assert "  and 3 more (--all lists them)\n" in short.stdout
    assert "test/real/06.png" not in short.stdout
    leaks = [line for line in short.stdout.splitlines() if line.startswith(("leak", "  "))]
    assert max(len(line) for line in leaks) <= 80
    assert "test/real/06.png" in dfbench("data", "check", leaky, "--all").stdout


def test_a_sound_data_set_has_no_leaks(scenes: Path, tmp_path: Path) -> None:
    assert find_leaks(load_dataset(scenes), jobs=1, reporter=Reporter()) == []
    assert len(settled(scenes, tmp_path / "out", "stop").train) == 28
    leaks = found_in(tmp_path / "out")
    assert (leaks.evaluate, leaks.tune, leaks.drop, warn(leaks)) == ([], [], {}, "")


def test_a_run_warns_and_tells_the_figures_without(
    leaky: Path, suite: Callable, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = dfbench("run", "-s", suite(), "-d", leaky, "-o", out, "-j", 1)
    assert result.exit_code == 0, result.output
    assert "note scenes: 3 of 16 test images have a copy in train (1 exact, 2 near; 1 with" in (
        words(result)
    )
    leaks = found_in(out)
    assert {(leak.image, leak.way, leak.other_label) for leak in leaks.evaluate} == {
        ("test/real/00.png", "exact", False),
        ("test/fake/01.jpg", "near", False),
        ("test/fake/02.png", "near", True),
    }
    assert [leak.image for leak in leaks.tune] == ["validation/real/03.png"]
    assert leaks.drop == {
        "train": [
            "train/fake/01.png",
            "train/real/00.png",
            "train/real/02.png",
            "train/real/03.png",
        ]
    }
    (path,) = (out / "leaks").iterdir()
    assert path.stem == leaks.fingerprint == records(out)["hsv/knn"].fingerprint
    # from the stored files alone
    shutil.rmtree(leaky)
    (table,) = build_board(out).tables
    (warning,) = leaks_in(table.warnings)
    assert warning.startswith("leak: 3 of 16 test images have a copy in train (1 exact, 2 near;")
    (section,) = [s for s in table.sections if s.title == "Leaks"]
    (grid,) = section.grids
    assert [c.title for c in grid.columns] == [
        "row",
        "all (16)",
        "without copies (13)",
        "difference",
    ]
    assert [[row[0].shown for row in block] for block in grid.blocks] == [
        ["hsv/knn"],
        ["metadata/knn"],
    ]
    row = grid.blocks[0][0]
    scores = ResultsFolder(out).read_scores(records(out)["hsv/knn"])
    left = ~np.isin(scores.images, [leak.image for leak in leaks.evaluate])
    positive = records(out)["hsv/knn"].positive
    for cell, kept in ((row[1], np.ones(16, bool)), (row[2], left)):
        auc = roc_auc_score(scores.labels[kept] == positive, scores.probabilities[kept, positive])
        assert cell.value == pytest.approx(auc)
        assert cell.shown == f"{auc:.3f}"
        assert cell.detail.startswith("[")
    assert row[3].value == pytest.approx(row[2].value - row[1].value)
    shown = dfbench("leaderboard", out, "-f", "md").stdout
    assert "without copies (13)" in shown
    assert "**Warning:** leak: 3 of 16" in shown


def test_dropping_changes_train_and_the_cell_and_not_what_is_evaluated(
    leaky: Path, suite: Callable, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run = ("run", "-d", leaky, "-o", out, "-j", 1, "-s")
    assert dfbench(*run, suite()).exit_code == 0
    before = records(out)
    again = dfbench(*run, suite('on_leak = "drop"'), "--plan")
    assert "2 to run" in words(again)
    result = dfbench(*run, suite('on_leak = "drop"'))
    assert "left out: 4 images of train, 0 of tune" in words(result)
    after = records(out)
    for row, record in after.items():
        assert record.cell != before[row].cell
        assert (record.n_train, before[row].n_train) == (24, 28)
        images = [ResultsFolder(out).read_scores(each).images for each in (record, before[row])]
        assert images[0] == images[1]
    (table,) = build_board(out).tables
    assert (leaks_in(table.warnings), [s.title for s in table.sections]) == ([], [])
    assert "images that later parts repeat were left out: 4 of train (on_leak = drop)" in (
        table.notes
    )
    assert "2 done before" in words(dfbench(*run, suite(), "--on-leak", "drop", "--plan"))
    assert "2 done before" in words(dfbench(*run, suite(), "--on-leak", "warn"))
    assert leaks_in(build_board(out).tables[0].warnings), "the rows are those with leaks again"


def test_stop_names_them_before_anything_is_fitted(
    leaky: Path, suite: Callable, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = ["run", "-s", suite(), "-d", leaky, "-o", out, "-j", 1, "--on-leak"]
    result = dfbench(*arguments, "stop")
    assert result.exit_code == 2
    assert "test/fake/01.jpg, test/fake/02.png, test/real/00.png and 1 more" in words(result)
    assert not (out / "cells").exists()
    assert dfbench(*arguments, "warn").exit_code == 0
    assert dfbench(*arguments, "stop").exit_code == 2
    # nothing computed is lost
    assert all(record.status == "ok" for record in records(out).values())


def test_leaks_of_finished_cells_are_looked_for_again(
    leaky: Path, suite: Callable, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run = ("run", "-s", suite(), "-d", leaky, "-o", out, "-j", 1)
    dfbench(*run)
    (path,) = (out / "leaks").iterdir()
    kept = path.read_text()
    path.write_text("{broken")
    (said,) = leaks_in(build_board(out).tables[0].warnings)
    assert "no readable findings" in said
    assert "2 done before" in words(dfbench(*run))
    assert path.read_text() == kept


def test_groups_that_straddle_are_leaks(scenes: Path, suite: Callable, tmp_path: Path) -> None:
    (scenes / "card.toml").write_text(
        'name = "scenes"\nclasses = ["real", "fake"]\n[layout]\nkind = "folders"\n'
        'splits = { train = "train", validation = "validation", test = "test" }\n'
        "[group]\npattern = '(?P<group>g\\d|\\w+/\\w+/\\d\\d)'\n"
    )
    for number, name in ((0, "real/00.png"), (1, "fake/01.png")):
        for path in (scenes / "test" / name, scenes / "train" / name):
            path.rename(path.with_name(f"g{number}.png"))
    found = {f.what: f.cases for f in find_leaks(load_dataset(scenes), jobs=1, reporter=Reporter())}
    assert found["2 groups lie in several splits"] == [
        ("group", "'g0' (2 images) lies in test and train"),
        ("group", "'g1' (2 images) lies in test and train"),
    ]
    out = tmp_path / "out"
    result = dfbench("run", "-s", suite(), "-d", scenes, "-o", out, "-j", 1)
    assert "2 of 16 test images are of a group that train has too" in words(result)
    (table,) = build_board(out).tables
    (section,) = [s for s in table.sections if s.title == "Leaks"]
    assert section.grids[0].columns[2].title == "without shared groups (14)"
    assert len(settled(scenes, out, "drop").train) == 26


def test_dropping_a_whole_class_is_told(scenes: Path, tmp_path: Path) -> None:
    for path in (scenes / "train/fake").iterdir():
        shutil.copy(path, scenes / "test/fake" / f"copy-{path.name}")
    with pytest.raises(DataError, match=r"no readable image of class 'fake' in train.*on_leak"):
        settled(scenes, tmp_path / "out", "drop")


def _bad(root: Path, kind: str) -> None:
    files = sorted(root.rglob("*.png"))
    for number, path in enumerate(files):
        if kind == "equal":
            if number:
                shutil.copy(files[0], path)
        elif kind == "constant":
            Image.new("RGB", (20 + number, 20), (number % 2 * 200,) * 3).save(path)
        elif kind == "pixel":
            Image.new("RGB", (1, 1), (number, 2 * number, 0)).save(path)
        elif number % 7 == 0:
            path.write_bytes(path.read_bytes()[:200])


@pytest.mark.parametrize("kind", ["equal", "constant", "pixel", "broken"])
def test_odd_images_break_nothing(kind: str, scenes: Path, suite: Callable, tmp_path: Path) -> None:
    _bad(scenes, kind)
    check = dfbench("data", "check", scenes)
    assert check.exit_code == (1 if kind == "broken" else 0)
    if kind == "equal":
        assert "leak: 16 of 16 images of test have a copy in train: 16 exact" in check.stdout
        assert "leak: 56 images have a copy with another label" in check.stdout
    else:
        assert "near" not in check.stdout


def test_figures_without_any_image_are_not_defined(
    scenes: Path, suite: Callable, tmp_path: Path
) -> None:
    _bad(scenes, "equal")
    out = tmp_path / "out"
    assert dfbench("run", "-s", suite(), "-d", scenes, "-o", out, "-j", 1).exit_code == 0
    (table,) = build_board(out).tables
    (grid,) = next(s for s in table.sections if s.title == "Leaks").grids
    assert grid.columns[2].title == "without copies (0)"
    assert [row[2].value for block in grid.blocks for row in block] == [None, None]


def test_a_data_set_that_nothing_can_be_run_on_is_checked(make: Callable) -> None:
    root = make(validation=False)
    (root / "card.toml").write_text(
        'name = "tables"\nclasses = ["real", "fake"]\n[layout]\nkind = "table"\n'
        'splits.train = { csv = "train.csv", images = "train" }\n'
        'splits.test = { csv = "test.csv", images = "test" }\n[split]\npolicy = "given"\n'
    )
    found = find_leaks(load_dataset(root), jobs=1, reporter=Reporter())
    assert [finding.what for finding in found] == [
        "3 of 16 images of test have a copy in train: 1 exact, 2 near"
    ]


@pytest.fixture
def make(leaky: Path, tmp_path: Path) -> Callable[..., Path]:
    """Lay the leaky set out as tables; test has no labels."""

    def tables(validation: bool = True) -> Path:
        root = tmp_path / "tables"
        for split in ("train", "validation", "test") if validation else ("train", "test"):
            lines = ["image_id,label" if split != "test" else "image_id"]
            (root / split).mkdir(parents=True)
            for path in sorted((leaky / split).rglob("*.*")):
                name = f"{path.parent.name}-{path.stem}"
                shutil.copy(path, root / split / f"{name}{path.suffix}")
                lines.append(f"{name},{path.parent.name}" if split != "test" else name)
            (root / f"{split}.csv").write_text("\n".join(lines) + "\n")
        return root

    return tables


def test_a_test_split_without_labels(make: Callable, tmp_path: Path) -> None:
    """Figures are from validation, which is then held against both parts of train."""
    root = make()
    check = dfbench("data", "check", root)
    assert "leak: 3 of 16 images of test have a copy in train: 1 exact, 2 near" in check.stdout
    assert "another label" not in check.stdout
    settled(root, tmp_path / "out", "warn")
    leaks = found_in(tmp_path / "out")
    assert leaks.split == "validation"
    assert [leak.image for leak in leaks.evaluate] == ["validation/real-03.png"]


def test_leaks_are_looked_for_again_where_other_images_can_be_read(
    leaky: Path, tmp_path: Path
) -> None:
    """Another version of a library may read what this one cannot: the files are the same."""
    audit, out, looked = LeakAudit(), ResultsFolder(tmp_path / "out"), looked_at(leaky)
    faults = looked.faults.copy()
    at = looked.dataset.manifest["path"].tolist().index("train/real/00.png")
    faults[at] = "cannot be decoded"
    blind = Looked(looked.dataset, faults, parts_of(looked.dataset, faults == ""))
    before = audit.look(blind, out)
    assert "test/real/00.png" not in {leak.image for leak in before.evaluate}
    after = audit.look(looked, out)
    assert "test/real/00.png" in {leak.image for leak in after.evaluate}
    assert (before.n_evaluate, before.n_tune) == (after.n_evaluate, after.n_tune)
    written = out.findings_file("leaks", looked.dataset.fingerprint).stat().st_mtime_ns
    assert audit.look(looked, out) == after
    assert out.findings_file("leaks", looked.dataset.fingerprint).stat().st_mtime_ns == written


def test_check_names_the_remedy(leaky: Path, scenes: Path) -> None:
    said = " ".join(dfbench("data", "check", leaky).stdout.split())
    assert "To leave the copies out of train, run with --on-leak drop." in said
