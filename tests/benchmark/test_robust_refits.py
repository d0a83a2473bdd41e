"""Rows that are fitted once more, on changed copies too, and stacked on folds: all of it by hand.

The machines here are scikit-learn's and NumPy's, told nothing but the images.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC

from dfbench.benchmark.planning.augmenting import augmentation
from dfbench.features.extractors.hsv import HSV
from dfbench.models.classical.common import platt
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Record, Scores
from tests.benchmark.test_robust_rows import seen
from tests.conftest import fill, ran_in

pytestmark = pytest.mark.usefixtures("in_process")

VIEWS = ["jpeg=50", "noise=6", "resize=0.5"]
SUITE = """
name = "tiny"
figures = []
refit = true

[[systems]]
name = "margin"
model = "svm"
features = "hsv"
params = { C = 2.0, gamma = 0.5, arcsinh = false, weights = "equal" }
robust = true
augment = ["jpeg=50", "noise=6", "resize=0.5"]
copies = 2

[[systems]]
name = "ridge"
model = "kernel-ridge"
features = "hsv"
params = { gamma = 0.5, ridge = 0.1, arcsinh = false, weights = "equal" }
robust = true
augment = ["jpeg=50", "noise=6", "resize=0.5"]
copies = 2

[[derived]]
name = "stack"
of = ["margin@robust", "ridge@robust"]
combine = "stacking"
folds = 3
"""
C, GAMMA, RIDGE = 2.0, 0.5, 0.1
MARGIN, RODE = "margin@robust", "ridge@robust"
Floats = NDArray[np.float64]


class Fitted:
    """Rows of images and their copies, scaled, and the kernel of them."""

    def __init__(self, data: Path, images: list[str], views: dict[str, list[str]]) -> None:
        own = [(at, "") for at in range(len(images))]
        own += [(at, chain) for chain in VIEWS for at, i in enumerate(images) if chain in views[i]]
        self.of = np.array([at for at, _ in own])
        self.n, self.data = len(images), data
        self.y_of = np.array([int("/fake/" in image) for image in images])
        self.y = self.y_of[self.of]
        raw = HSV().transform([seen(data / images[at], chain) for at, chain in own])
        raw = raw.astype(np.float64)
        self.mean, spread = raw.mean(axis=0), raw.std(axis=0)
        live = spread > 1e-6 * np.abs(self.mean)
        self.factor = np.where(live, 1 / np.where(live, spread, 1), 0) / np.sqrt(live.sum())
        self.X = (raw - self.mean) * self.factor

    def scaled(self, images: list[str]) -> Floats:
        raw = HSV().transform([seen(self.data / image) for image in images])
        return np.asarray((raw.astype(np.float64) - self.mean) * self.factor)

    def kernel(self, A: Floats, B: Floats) -> Floats:
        return np.asarray(np.exp(-GAMMA * ((A[:, None] - B[None]) ** 2).sum(axis=2)))


def margin(its: Fitted, images: list[str]) -> tuple[Floats, Floats]:
    """Give scores of images, and the decision values of rows that are held out by image."""

    def machine(rows: NDArray[np.bool_]) -> Any:
        return SVC(C=C, gamma=GAMMA, tol=1e-6).fit(its.X[rows], its.y[rows])

    held_out = np.empty(len(its.y))
    for _, held in StratifiedKFold(3).split(np.zeros(its.n), its.y_of):
        left = np.isin(its.of, held)
        held_out[left] = machine(~left).decision_function(its.X[left])
    a, b = platt.fitted(held_out, its.y == 1)
    values = machine(np.ones(len(its.y), bool)).decision_function(its.scaled(images))
    return np.asarray(1 / (1 + np.exp(a * values + b))), held_out


def ridge(its: Fitted, images: list[str]) -> tuple[Floats, Floats]:
    """Do the same by kernel ridge regression on both classes' targets."""
    targets = np.eye(2)[its.y]
    targets -= targets.mean(axis=0)
    K = its.kernel(its.X, its.X)

    def scores(rows: NDArray[np.bool_], at: Floats) -> Floats:
        dual = np.linalg.solve(K[np.ix_(rows, rows)] + RIDGE * np.eye(rows.sum()), targets[rows])
        return np.asarray(at[:, rows] @ dual)

    left_out = np.empty_like(targets)
    for image in range(its.n):
        own = its.of == image
        left_out[own] = scores(~own, K[own])
    unit = left_out.std()
    machine = LogisticRegression(max_iter=1_000).fit(left_out / unit, its.y)
    values = scores(np.ones(len(its.y), bool), its.kernel(its.scaled(images), its.X))
    return machine.predict_proba(values / unit)[:, 1], left_out[:, 1]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("refits")
    fill(folder / "faces")
    return ran_in(folder, SUITE)


def read(ran: Path) -> dict[tuple[str, str], tuple[Record, Scores, Scores]]:
    out = ResultsFolder(ran / "out")
    found = {}
    for entry in out.read_entries():
        record = out.record_of(entry)
        assert record is not None
        assert record.status == "ok", record.reason
        scores = out.read_scores(record), out.read_scores(record, "tune")
        found[entry.row, entry.variant] = record, *scores
    return found


def views_of(train: list[str], tune: list[str]) -> dict[str, list[str]]:
    """Draw the copies of each image as they are of all training images, and of the tuning split."""
    found = {}
    for part in (train, tune):
        labels = np.array([int("/fake/" in image) for image in part])
        drawn = augmentation(VIEWS, 2).drawn(part, labels, [""] * len(part), 0)
        found |= {image: [VIEWS[k] for k in own] for image, own in zip(part, drawn, strict=True)}
    return found


def alike(a: Floats, b: Floats) -> float:
    """Give the correlation of log odds: 1 where they differ by a sigmoid's slope and offset."""
    return float(np.corrcoef(np.log(a / (1 - a)), np.log(b / (1 - b)))[0, 1])


@pytest.mark.parametrize(("row", "by_hand"), [(MARGIN, margin), (RODE, ridge)])
def test_refits_and_fits_on_folds_hold_copies_out_with_their_image(
    ran: Path, row: str, by_hand: Any
) -> None:
    found = read(ran)
    folds = {variant: its[1] for (name, variant), its in found.items() if name == row and variant}
    assert sorted(folds) == [f"train less fold {k} of 3" for k in (1, 2, 3)]
    train = sorted(image for its in folds.values() for image in its.images)
    assert len(train) == len(set(train)) == found[row, ""][0].n_train
    record, scores, tuned = found[row, ""]
    tune = sorted(tuned.images)
    assert not set(tune) & set(train)
    views = views_of(train, tune)
    data = ran / "faces"

    its = Fitted(data, train + tune, views)
    assert record.refit
    assert "out of fold" in record.probability
    expected, held_out = by_hand(its, scores.images)
    np.testing.assert_allclose(scores.probabilities[:, 1], expected, atol=2e-3)
    # what rows by themselves would be held out with: their copies give them away
    its.of, its.n, its.y_of = np.arange(len(its.y)), len(its.y), its.y
    naive, leaking = by_hand(its, scores.images)
    wrong = (leaking > 0) != (its.y == 1)
    assert wrong.mean() < ((held_out > 0) != (its.y == 1)).mean()
    assert np.abs(naive - expected).max() > 0.01

    # the scores of the tuning split are of the fit before, whose sigmoid may be of that split
    expected, _ = by_hand(Fitted(data, train, views), tuned.images)
    assert alike(tuned.probabilities[:, 1], expected) > 0.9999
    assert alike(tuned.probabilities[:, 1], by_hand(its, tuned.images)[0]) < 0.99
    # and a fold is scored by a fit that saw no copy of it either
    for fold in folds.values():
        rest = [image for image in train if image not in set(fold.images)]
        expected, _ = by_hand(Fitted(data, rest + tune, views), fold.images)
        assert alike(fold.probabilities[:, 1], expected) > 0.9999


def test_stacking_on_folds_is_a_regression_on_their_scores(ran: Path) -> None:
    found = read(ran)
    record, scores, _ = found["stack", ""]
    names = [f"train less fold {k} of 3" for k in (1, 2, 3)]

    def logits(of_members: list[Scores]) -> Floats:
        logs = [np.log(np.clip(its.probabilities, 1e-6, None)) for its in of_members]
        return np.column_stack([(its[:, 1] - its[:, 0]) / 2 for its in logs])

    pairs = [[found[row, name][1] for row in (MARGIN, RODE)] for name in names]
    X = np.vstack([logits(pair) for pair in pairs])
    y = np.concatenate([pair[0].labels for pair in pairs])
    fold = np.repeat(np.arange(3), [len(pair[0].labels) for pair in pairs])

    def loss(penalty: float) -> float:
        found = []
        for k in range(3):
            machine = LogisticRegression(C=penalty, max_iter=2_000).fit(X[fold != k], y[fold != k])
            p = machine.predict_proba(X[fold == k])[np.arange((fold == k).sum()), y[fold == k]]
            found.append(-np.log(p).mean())
        return float(np.mean(found))

    best = min((0.01, 0.1, 1.0, 10.0), key=loss)
    assert record.combination["C"] == best
    machine = LogisticRegression(C=best, max_iter=2_000).fit(X, y)
    members = [found[row, ""][1] for row in (MARGIN, RODE)]
    expected = machine.predict_proba(logits(members))
    np.testing.assert_allclose(scores.probabilities, expected, atol=1e-6)
    assert record.refit
    assert (record.combination["folds"], record.combination["n_fitted"]) == (3, len(y))
