"""Cells fitted on other parts of train: what they may see, and what they are known by."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner, Result

from dfbench.benchmark.planning.cell import Cell
from dfbench.benchmark.planning.plan import make_plan
from dfbench.benchmark.planning.row import Row
from dfbench.benchmark.planning.subsets import Task, nested, task
from dfbench.cli import app
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.subsets import MERGED, UNKNOWN_KINDS, Subset, parse_name
from dfbench.suites.datasets.cards.card import Card
from dfbench.suites.datasets.manifest import Dataset
from dfbench.suites.datasets.parts import parts_of
from dfbench.suites.suite import Budget, Derived, Suite
from tests.conftest import picture

pytestmark = pytest.mark.usefixtures("in_process")

SPLITS = {"train": 40, "validation": 24, "test": 24}


def without(kind: str) -> str:
    return Subset(left_out=kind).name


def part_of_train(fraction: float) -> str:
    return Subset(fraction=fraction).name


def left_out(name: str) -> str | None:
    return parse_name(name).left_out or None


def fraction_of(name: str) -> float | None:
    return parse_name(name).fraction


def made(
    classes: tuple[str, ...] = ("real", "fake"),
    kinds: tuple[str, ...] = ("gan", "blend"),
    splits: dict[str, int] | None = None,
    **changes: Any,
) -> Dataset:
    """Make a data set without files: in each split so many images of each class."""
    lines = []
    for split, n in (splits or SPLITS).items():
        for label in range(len(classes)):
            for number in range(n):
                kind = kinds[number % len(kinds)] if label == 1 and kinds else ""
                lines.append((f"{split}/{classes[label]}/{number:03}.png", label, split, kind))
    manifest = pd.DataFrame(lines, columns=["path", "label", "split", "kind"])
    manifest["sha256"] = [f"{i:064}" for i in range(len(manifest))]
    manifest = manifest.assign(**{"group": "", "error": "", **changes})
    layout = {"kind": "folders", "splits": {"train": "a", "validation": "b", "test": "c"}}
    card = Card.model_validate({"name": "faces", "classes": list(classes), "layout": layout})
    return Dataset(card, Path("nowhere"), manifest, "fp")


def task_of(dataset: Dataset, name: str, seed: int = 0) -> Task | str:
    subset = parse_name(name)
    if dataset.positive_index is None and left_out(name):
        subset = subset.model_copy(update={"merged": True})
    readable = (dataset.manifest["error"] == "").to_numpy(np.bool_)
    return task(dataset, parts_of(dataset, readable), subset, seed)


def shown(dataset: Dataset, rows: np.ndarray) -> set[tuple[int, str]]:
    chosen = dataset.manifest.iloc[rows]
    return set(zip(chosen["label"], chosen["kind"], strict=True))


def test_names_of_subsets_are_read_back() -> None:
    for kind in ("gan", "a kind", "25 % of train"):
        assert left_out(without(kind)) == kind
        assert fraction_of(without(kind)) is None
    for fraction in (0.1, 0.25, 1 / 3, 0.001):
        assert fraction_of(part_of_train(fraction)) == pytest.approx(fraction, rel=1e-5)
        assert left_out(part_of_train(fraction)) is None
    for other in ("", MERGED, UNKNOWN_KINDS):
        assert left_out(other) is None
        assert fraction_of(other) is None


def test_nothing_of_the_kind_left_out_is_trained_or_tuned_on() -> None:
    dataset = made(kinds=("gan", "blend", ""), splits={"train": 40, "validation": 24, "test": 36})
    own = task_of(dataset, without("gan"))
    whole = task_of(dataset, "")
    assert isinstance(own, Task)
    assert isinstance(whole, Task)
    # fakes of no known kind might be of it
    assert shown(dataset, own.parts.train) == {(0, ""), (1, "blend")}
    assert shown(dataset, own.parts.tune) == {(0, ""), (1, "blend")}
    assert shown(dataset, own.parts.evaluate) == {(0, ""), (1, "gan")}
    # no real image goes, and no image comes from another part
    for part in ("train", "tune", "evaluate"):
        mine, all_of_it = getattr(own.parts, part), getattr(whole.parts, part)
        assert set(mine) < set(all_of_it)
        real = dataset.manifest["label"].to_numpy() == 0
        assert real[mine].sum() == real[all_of_it].sum()
    assert (own.classes, own.positive) == (["real", "fake"], 1)


def test_of_several_classes_the_task_becomes_real_or_fake() -> None:
    dataset = made(("gan", "real", "blend"), kinds=())
    merged, own = task_of(dataset, MERGED), task_of(dataset, without("gan"))
    assert isinstance(merged, Task)
    assert isinstance(own, Task)
    for each in (merged, own):
        assert (each.classes, each.positive) == (["real", "fake"], 1)
    original = dataset.manifest["label"].to_numpy()
    np.testing.assert_array_equal(merged.labels, original != 1)
    assert len(merged.parts.evaluate) == 3 * SPLITS["test"]
    assert set(original[own.parts.train]) == {1, 2}
    assert set(original[own.parts.tune]) == {1, 2}
    assert set(original[own.parts.evaluate]) == {0, 1}
    assert set(own.kinds[own.parts.evaluate]) == {"", "gan"}


@pytest.mark.parametrize(
    ("dataset", "subset", "reason"),
    [
        (made(kinds=("gan",)), without("gan"), "is the only kind of fake to train on"),
        (made(kinds=()), UNKNOWN_KINDS, "the data tell no kinds of fakes"),
        (made(("a", "b", "c"), kinds=()), UNKNOWN_KINDS, "does not say which class is real"),
        (
            made(splits={"train": 40, "validation": 24, "test": 18}),
            without("gan"),
            "9 images of 'gan' to score are too few (at least 10)",
        ),
        (made(splits={"train": 4, "validation": 4, "test": 4}), "10 % of train", "of 'real'"),
    ],
)
def test_what_cannot_be_says_why(dataset: Dataset, subset: str, reason: str) -> None:
    found = task_of(dataset, subset)
    assert isinstance(found, str)
    assert reason in found


def test_a_kind_that_only_the_test_has_is_not_left_out() -> None:
    dataset = made()
    tested = (dataset.manifest["split"] == "test") & (dataset.manifest["label"] == 1)
    dataset.manifest.loc[tested, "kind"] = "new"
    found = task_of(dataset, without("new"))
    assert isinstance(found, str)
    assert "the row itself has never seen it" in found


def test_the_only_kind_to_tune_on() -> None:
    dataset = made()
    tuned = (dataset.manifest["split"] == "validation") & (dataset.manifest["label"] == 1)
    dataset.manifest.loc[tuned, "kind"] = "gan"
    found = task_of(dataset, without("gan"))
    assert found == "'gan' is the only kind of fake to tune on: nothing is left without it"


def test_parts_of_train_leave_tuning_and_test_as_they_are() -> None:
    dataset = made()
    whole = task_of(dataset, "")
    assert isinstance(whole, Task)
    before: set[int] = set()
    for fraction in (0.1, 0.25, 0.5):
        own = task_of(dataset, part_of_train(fraction), seed=3)
        assert isinstance(own, Task)
        np.testing.assert_array_equal(own.parts.tune, whole.parts.tune)
        np.testing.assert_array_equal(own.parts.evaluate, whole.parts.evaluate)
        chosen = set(own.parts.train.tolist())
        assert before < chosen < set(whole.parts.train.tolist())
        counts = dataset.manifest.iloc[own.parts.train].groupby(["label", "kind"]).size()
        expected = {(0, ""): 40, (1, "blend"): 20, (1, "gan"): 20}
        assert counts.to_dict() == {k: fraction * n for k, n in expected.items()}
        before = chosen
    other = task_of(dataset, part_of_train(0.5), seed=4)
    assert isinstance(other, Task)
    assert set(other.parts.train.tolist()) != before


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_parts_are_nested_stratified_and_keep_groups_whole(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 60))
    labels = np.array(data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
    kinds = data.draw(st.lists(st.sampled_from(["", "a", "b"]), min_size=n, max_size=n))
    groups = data.draw(st.lists(st.sampled_from(["", "g", "h", "i"]), min_size=n, max_size=n))
    if data.draw(st.booleans()):
        groups = [""] * n
    fractions = sorted(data.draw(st.lists(st.floats(0.01, 0.99), min_size=2, max_size=4)))
    seed = data.draw(st.integers(0, 5))
    paths = [f"{i}.png" for i in range(n)]
    parts = [nested(paths, labels, kinds, groups, f, seed) for f in fractions]
    for smaller, larger in pairwise(parts):
        assert not (smaller & ~larger).any()
    for fraction, part in zip(fractions, parts, strict=True):
        for group in set(groups) - {""}:
            own = np.array(groups) == group
            assert part[own].all() or not part[own].any()
        if not any(groups):
            for label in np.unique(labels):
                own = labels == label
                assert abs(part[own].sum() - fraction * own.sum()) <= 0.5 + 1e-9
    # the order of the images decides nothing
    order = np.array(data.draw(st.permutations(range(n))), dtype=int)
    again = nested(
        [paths[i] for i in order],
        labels[order],
        [kinds[i] for i in order],
        [groups[i] for i in order],
        fractions[0],
        seed,
    )
    np.testing.assert_array_equal(again, parts[0][order])
    assert nested(paths, labels, kinds, groups, 1.0, seed).all()


def plan_of(
    dataset: Dataset, protocols: list[dict[str, Any]], rows: list[Row] | None = None
) -> list[Cell]:
    suite = Suite.model_validate(
        {"name": "s", "rows": [{"features": ["hsv"], "models": ["knn"]}], "protocols": protocols}
    )
    wanted = rows or [Row("r", "m")]
    return make_plan(suite, wanted, [dataset], [0], Budget(), ResultsFolder(Path("nowhere"))).cells


def test_identities_of_rows_are_what_they_were_before_there_were_subsets() -> None:
    dataset = replace(made(), fingerprint="26ffa62cecc56050")
    protocols = [{"kind": "leave-one-generator-out"}, {"kind": "learning-curve"}]
    first, *others = plan_of(dataset, protocols)
    assert first.id == "17a2d934778fd160"
    assert (first.subset.name, "variant" in first.identity) == ("", False)
    assert [cell.subset.name for cell in others] == [
        "without blend",
        "without gan",
        "10 % of train",
        "25 % of train",
        "50 % of train",
    ]
    assert len({first.id, *(cell.id for cell in others)}) == 6


def test_a_plan_names_what_cannot_be_before_anything_runs() -> None:
    [_, cell] = plan_of(made(kinds=("gan",)), [{"kind": "leave-one-generator-out"}])
    assert cell.state == "skipped"
    assert "only kind" in cell.reason
    [_, cell] = plan_of(made(kinds=()), [{"kind": "leave-one-generator-out"}])
    assert (cell.subset.name, cell.state) == (UNKNOWN_KINDS, "skipped")


def test_the_real_class_is_part_of_what_a_subset_is() -> None:
    dataset = made(("gan", "real", "blend"), kinds=())
    other = replace(dataset, card=dataset.card.model_copy(update={"real": "gan"}))
    protocols = [{"kind": "leave-one-generator-out"}, {"kind": "learning-curve"}]
    one, two = ({c.subset.name: c.id for c in plan_of(d, protocols)} for d in (dataset, other))
    assert list(one)[1:4] == [MERGED, "without blend", "without gan"]
    assert one[MERGED] != two[MERGED]
    assert one["without blend"] != two["without blend"]
    assert one["10 % of train"] == two["10 % of train"]
    assert one[""] == two[""]


def test_a_protocol_chooses_rows_with_what_they_are_made_of() -> None:
    rows = [
        Row("a", "m"),
        Row("b", "m"),
        Row("c", "m"),
        Row("both", derived=Derived(name="both", of=["a", "c"])),
    ]
    protocol = {"kind": "learning-curve", "fractions": [0.5], "rows": ["both"]}
    cells = plan_of(made(), [protocol, protocol], rows)
    varied = [cell for cell in cells if cell.subset.fraction]
    assert [cell.row.name for cell in varied] == ["a", "c", "both"]
    assert [member.id for member in varied[2].members] == [varied[0].id, varied[1].id]


# --- whole runs ------------------------------------------------------------------------------

SUITE = """
name = "tiny"
datasets = []
[budget]
trials = 1
[[systems]]
name = "small"
model = "knn"
features = "pixels[size=4]"
[[systems]]
name = "spectrum"
model = "svm"
features = "fft"
[[derived]]
name = "mean"
of = ["small", "spectrum"]
[[systems]]
name = "metadata"
model = "knn"
features = "metadata"
"""
PROTOCOLS = """
[[protocols]]
kind = "leave-one-generator-out"
rows = ["small", "spectrum", "mean", "metadata"]
[[protocols]]
kind = "learning-curve"
fractions = [0.02, 0.5]
parameters = "of the row"
"""


def faces(root: Path, kinds: tuple[str, ...] = ("grid", "plain")) -> Path:
    """Real images and two kinds of fakes: with a checkerboard, and like real ones."""
    seed = 0
    for split, n in {"train": 12, "validation": 6, "test": 10}.items():
        for label, kind, count in [("real", "", n), *(("fake", k, n) for k in kinds)]:
            folder = root / split / label / kind
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = picture(seed, kind="fake" if kind == "grid" else "real", size=(24, 24))
                Image.fromarray(pixels).save(folder / f"{number:03}.png")
                seed += 1
    (root / "card.toml").write_text(
        'name = "faces"\nclasses = ["real", "fake"]\n[layout]\nkind = "folders"\n'
        'splits = { train = "train", validation = "validation", test = "test" }\n'
        '[kind]\npattern = "fake/(?P<kind>[^/]+)/"\n'
    )
    return root


def dfbench(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


def records(out: Path) -> dict[tuple[str, str], dict[str, Any]]:
    found = {}
    entries = json.loads((out / "run.json").read_text())["entries"]
    for entry in (e for e in entries if not e["variant"].startswith("made without ")):
        record = json.loads((out / "cells" / f"{entry['cell']}.json").read_text())
        assert record["variant"] == entry["variant"]
        found[entry["row"], entry["variant"]] = record
    return found


def scores(out: Path, record: dict[str, Any]) -> pd.DataFrame:
    return pd.read_parquet(out / "cells" / f"{record['cell']}.parquet")


def test_a_run_with_both_protocols(tmp_path: Path) -> None:
    folder, out, suite = faces(tmp_path / "faces"), tmp_path / "out", tmp_path / "suite.toml"
    suite.write_text(SUITE)
    arguments = ("run", "-s", suite, "-d", folder, "-o", out, "--figures", "none", "--jobs", 2)
    assert dfbench(*arguments).exit_code == 0
    before = {path: path.stat().st_mtime_ns for path in (out / "cells").iterdir()}
    lines = json.loads((out / "leaderboard.json").read_text())

    suite.write_text(SUITE + PROTOCOLS)
    planned = " ".join(dfbench(*arguments, "--plan").stdout.split())
    assert "20 cells, 16 of them variants (12 to run, 4 done before, 4 skipped)" in planned
    result = dfbench(*arguments)
    assert result.exit_code == 0, result.output
    # what was there is neither run again nor ranked otherwise
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert json.loads((out / "leaderboard.json").read_text()) == lines
    found = records(out)
    assert len(found) == 20
    whole, held = found["spectrum", ""], found["spectrum", "without grid"]
    assert (whole["n_train"], whole["n_tune"], whole["n_test"]) == (36, 18, 30)
    assert (held["n_train"], held["n_tune"], held["n_test"]) == (24, 12, 20)
    for record in found.values():
        left = left_out(record["variant"])
        if record["status"] != "ok" or left is None:
            continue
        for part in ("", ".tune"):
            its = pd.read_parquet(out / "cells" / f"{record['cell']}{part}.parquet")
            fakes = its[its["label"] == 1]
            assert set(fakes["kind"]) == ({left} if not part else {"grid", "plain"} - {left})
            assert set(its[its["label"] == 0]["kind"]) == {""}
            assert fakes["image"].str.contains(f"/{left}/").all() != bool(part)
    half = found["small", "50 % of train"]
    assert (half["status"], half["n_train"], half["n_test"]) == ("ok", 18, 30)
    assert half["params"] == found["small", ""]["params"]
    tiny = found["small", "2 % of train"]
    assert tiny["status"] == "skipped"
    assert "0.02 of 36 training images leaves none of 'real'" in tiny["reason"]
    assert found["mean", "50 % of train"]["status"] == "ok"

    # the figures are those of scikit-learn on the stored scores
    long = pd.read_csv(out / "protocols.csv", keep_default_na=False)
    for row in ("small", "spectrum", "mean", "metadata"):
        for kind in ("grid", "plain"):
            unseen = scores(out, found[row, without(kind)])
            seen = scores(out, found[row, ""])
            seen = seen[seen["image"].isin(unseen["image"])]
            aucs = [roc_auc_score(s["label"], s["p_1"]) for s in (unseen, seen)]
            own = long[(long["row"] == row) & (long["scored_part"] == kind)]
            assert own["metric"].tolist() == ["roc_auc", "roc_auc", "roc_auc_loss"]
            expected = [*aucs, aucs[1] - aucs[0]]
            np.testing.assert_allclose(own["value"].astype(float), expected, atol=1e-12)
            assert own["n"].tolist() == ["20", "20", "20"]
    text = (out / "leaderboard.md").read_text()
    for title in ("By kind of fake", "Leave-one-generator-out", "Learning curves"):
        assert title in text
    # a detector of checkerboards that has never seen one
    [loss] = long[(long["row"] == "spectrum") & (long["metric"] == "roc_auc_loss")]["value"].astype(
        float
    )[long["scored_part"] == "grid"]
    assert loss > 0.2
    # the same command again has nothing to do
    assert "16 done before, 4 skipped" in " ".join(dfbench(*arguments, "--plan").stdout.split())


def test_parameters_of_a_row_that_has_not_run(tmp_path: Path) -> None:
    folder, out, suite = faces(tmp_path / "faces"), tmp_path / "out", tmp_path / "suite.toml"
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "import dfbench\n\n@dfbench.extractor\ndef mine(image):\n    raise ValueError('no')\n"
    )
    suite.write_text(
        'name = "t"\n[budget]\ntrials = 1\n[[rows]]\nfeatures = ["mine"]\nmodels = ["knn"]\n'
        '[[protocols]]\nkind = "learning-curve"\nfractions = [0.5]\nparameters = "of the row"\n'
    )
    result = dfbench(
        "run", "-s", suite, "-d", folder, "-o", out, "--figures", "none", "--plugin", plugin
    )
    assert result.exit_code == 3
    found = records(out)["mine/knn", "50 % of train"]
    assert found["status"] in ("failed", "skipped")
    assert found["reason"]


def test_a_row_that_is_none(tmp_path: Path, make_folder: Callable[..., Path]) -> None:
    suite = tmp_path / "suite.toml"
    suite.write_text(SUITE + '[[protocols]]\nkind = "leave-one-generator-out"\nrows = ["smal"]\n')
    result = dfbench("run", "-s", suite, "-d", make_folder(), "--plan")
    assert result.exit_code == 2
    assert "unknown row 'smal' (did you mean 'small'" in result.stderr
