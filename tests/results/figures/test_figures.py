"""Figures say what the data say: numbers in them against scikit-learn and brute force."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import softmax
from sklearn.metrics import average_precision_score, confusion_matrix, roc_auc_score
from threadpoolctl import threadpool_limits

from dfbench.results.figures import base, cam, data, embedding, examples, fonts, scores, training
from dfbench.results.figures.base import Title
from dfbench.results.statistics import evaluate, prepare

LONG = [f"a rather long name of class {i}" for i in range(10)]


def drawn(k: int = 2, n: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, k, n)
    logits = rng.normal(0, 1, (n, k))
    logits[np.arange(n), labels] += 1
    return labels, softmax(logits, axis=1)


def title(n: int = 200) -> Title:
    return Title("faces", "hsv+lbp+fft+dct+cooccurrence+wavelet/kernel-ridge", n, "test")


def words(figure: Figure) -> list[str]:
    """All text of a figure."""
    from matplotlib.text import Text

    return [t.get_text() for t in figure.findobj(Text) if t.get_text()]


def panel(labels: np.ndarray, p: np.ndarray, **options: object) -> Figure:
    k = p.shape[1]
    read = {"positive": 1 if k == 2 else None, **options}
    return scores.panel(
        prepare(labels, p, **read),  # type: ignore[arg-type]
        classes=["real", "fake"] if k == 2 else LONG[:k],
        threshold=options.get("threshold"),  # type: ignore[arg-type]
        title=title(len(labels)),
    )


@pytest.mark.parametrize("positive", [0, 1])
def test_the_panel_of_two_classes(positive: int) -> None:
    labels, p = drawn()
    found = words(panel(labels, p, positive=positive, threshold=0.3))
    truth, score = labels == positive, p[:, positive]
    assert f"ROC: AUC {roc_auc_score(truth, score):.3f}" in found
    assert f"precision and recall: AP {average_precision_score(truth, score):.3f}" in found
    said = np.where(score >= 0.3, positive, 1 - positive)
    counts = confusion_matrix(labels, said)
    shares = 100 * counts / counts.sum(axis=1, keepdims=True)
    for count, share in zip(counts.ravel(), shares.ravel(), strict=True):
        assert f"{count}\n{share:.0f} %" in found
    assert f"confusion: accuracy {np.mean(said == labels):.3f}" in found
    fpr, tpr = (said[~truth] == positive).mean(), (said[truth] == positive).mean()
    assert f"at 0.300: FPR {fpr:.3f}, TPR {tpr:.3f}" in found
    assert str(title()) in found
    assert "n = 200 test images" in str(title())


def test_the_panel_of_several_classes() -> None:
    labels, p = drawn(k=5)
    found = words(panel(labels, p))
    each = [roc_auc_score(labels == k, p[:, k]) for k in range(5)]
    assert f"ROC: AUC {np.mean(each):.3f} (mean of classes)" in found
    for value in each:
        assert any(text.endswith(f": {value:.3f}") for text in found)
    # as in the tables there is no mean of some classes
    few = words(panel(np.where(labels == 4, 0, labels), p))
    assert "ROC: AUC not defined, a class is absent" in few
    assert not any("mean of classes" in text for text in few)


@pytest.mark.parametrize("k", [2, 4])
def test_calibration_error_by_brute_force(k: int) -> None:
    labels, p = drawn(k)
    p[0] = np.eye(k)[0]
    total = 0.0
    for low in np.arange(15) / 15:
        inside = [
            i
            for i in range(len(p))
            if low < p[i].max() <= low + 1 / 15 or (low == 0 and p[i].max() == 0)
        ]
        if inside:
            right = np.mean([p[i].argmax() == labels[i] for i in inside])
            total += len(inside) / len(p) * abs(right - np.mean([p[i].max() for i in inside]))
    sample = prepare(labels, p)
    found = float(evaluate(sample, np.ones((1, sample.n)))["ece"][0])
    assert found == pytest.approx(total, abs=1e-7)
    assert f"reliability: ECE {found:.3f} (15 bins)" in words(panel(labels, p))


def test_odd_scores_are_drawn_too(tmp_path: Path) -> None:
    for labels, p in (
        drawn(10, 400),
        drawn(2, 3),
        (np.zeros(5, int), drawn(2, 5)[1]),
        (np.array([0, 0, 1]), drawn(3, 3)[1]),
    ):
        base.save(panel(labels, p), tmp_path / "p.png")
    assert "ROC: AUC not defined, a class is absent" in words(
        panel(np.zeros(5, int), drawn(2, 5)[1])
    )


def test_equal_figures_are_equal_files(tmp_path: Path) -> None:
    labels, p = drawn()
    seen = set()
    for name in ("a.png", "b.png"):
        base.save(panel(labels, p), tmp_path / name)
        seen.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(seen) == 1


def epoch(number: int, **values: object) -> dict[str, object]:
    return {
        "epoch": number, "lr": 1e-3, "train_loss": 0.7 - number / 10, "val_loss": 0.6,
        "train_accuracy": None, "val_accuracy": 0.875, "train_roc_auc": None, "val_roc_auc": 0.5,
        "best": number < 2, "confusion": [[3, 1], [0, 4]], **values,
    }  # fmt: skip


def test_training_curves_mark_the_epoch_that_was_kept(tmp_path: Path) -> None:
    history = [epoch(0), epoch(1), epoch(2, val_roc_auc=None, val_loss=float("nan"))]
    figure = training.curves(history, title=title())
    assert "kept: epoch 2" in words(figure)
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    np.testing.assert_allclose(lines["training"].get_ydata(), [0.7, 0.6, 0.5])
    assert "training" not in {line.get_label() for line in figure.axes[1].get_lines()}
    base.save(figure, tmp_path / "t.png")
    several = training.confusions(history, classes=["real", "fake"], title=title())
    assert several is not None
    assert "epoch 3: 0.875" in words(several)
    assert training.confusions([epoch(0, confusion=None)], classes=LONG[:2], title=title()) is None


def test_the_overview_counts(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    samples = {name: [rng.integers(0, 255, (20, 30, 3), np.uint8)] * 7 for name in ("real", "fake")}
    counts = {"train": {"real": 30, "fake": 28}, "test": {"real": 5, "(unlabelled)": 9}}
    sizes = [(30, 20)] * 40 + [(64 + i, 48) for i in range(32)]
    found = words(data.overview(counts, samples, sizes, name="faces"))
    assert {"30", "28", "5", "9", "(unlabelled)", "40"} <= set(found)
    assert "30 \N{MULTIPLICATION SIGN} 20" in found
    assert any(text.startswith("most common of 33 sizes") for text in found)
    base.save(data.overview({"train": {}}, {"real": []}, [], name="x"), tmp_path / "o.png")
    # of one size alone the axis begins at 0
    alone = data.overview(counts, samples, [(256, 256)] * 9, name="x")
    [axes] = [each for each in alone.findobj(Axes) if each.get_title() == "widths and heights"]
    assert axes.get_xlim() == (0, 512)
    many = dict.fromkeys(LONG, samples["real"])
    base.save(data.overview(counts, many, [(8, 8)] * 3, name="x"), tmp_path / "m.png")


def test_the_surest_verdicts() -> None:
    labels = np.array([1, 1, 0, 0, 1])
    score = np.array([0.9, 0.2, 0.4, 0.95, 0.6])
    p = np.column_stack([1 - score, score])
    assert examples.most_confident(labels, p, 1, None, 2) == [0, 2, 3, 1]
    # from 0.7 on: the last one is now called real, with the score of real
    assert examples.most_confident(labels, p, 1, 0.7, 9) == [0, 2, 3, 1, 4]


@pytest.mark.parametrize("wrong", [True, False])
def test_examples_and_maps(tmp_path: Path, wrong: bool) -> None:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (24, 24, 3), np.uint8) for _ in range(3)]
    shown = {
        "true": [0, 1, 1], "predicted": [0, 1, 0 if wrong else 1],
        "confidence": [0.99, 0.9, 0.8], "classes": ["real", "fake"], "title": title(),
        "names": ["fake/a.png", f"real/{'so_long' * 30}.png", "real/$x$ b.png"],
    }  # fmt: skip
    for figure in (
        examples.examples(images, **shown),
        cam.maps(images, rng.random((3, 24, 24), np.float32), **shown),
    ):
        found = words(figure)
        assert "real\n0.990" in found
        assert "fake/a.png" in found
        [cut] = [text for text in found if "so_long" in text]
        assert cut.startswith("real/so_long")
        assert cut.endswith("long.png")
        assert "\N{HORIZONTAL ELLIPSIS}" in cut
        assert max(map(len, cut.split("\n"))) <= 33
        assert any(text.startswith(r"real/\$x\$") for text in found)
        assert ("none was wrong" in found) is not wrong
        assert ("fake \N{RIGHTWARDS ARROW} real\n0.800" in found) is wrong
        base.save(figure, tmp_path / "e.png")


@pytest.mark.parametrize("here", [[fonts.OWN], [fonts.OWN, "DejaVu Serif"]])
def test_what_no_font_has_is_spelt(
    here: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    recwarn: pytest.WarningsRecorder,
) -> None:
    """And what another font has is drawn with it: a box tells nobody a name."""
    middle = "\N{CJK UNIFIED IDEOGRAPH-4E2D}"
    known = {fonts.OWN: frozenset(range(0x3000)), "DejaVu Serif": frozenset([ord(middle)])}
    fonts._family.cache_clear()
    monkeypatch.setattr(fonts, "_names", lambda: here)
    monkeypatch.setattr(fonts, "_characters", known.__getitem__)
    figure = base.new(4, 2, f"{middle}/knn")
    axes = figure.add_subplot()
    axes.set_yticks([0.2, 0.8], base.shortened([f"{middle}1", "\u0635\u0648"]))
    if len(here) == 1:
        assert figure.get_suptitle() == r"\u4e2d/knn"
        base.save(figure, tmp_path / "spelt.png")
        assert not recwarn.list
    else:
        fonts.fit(figure)
        assert figure.get_suptitle() == f"{middle}/knn"
        drawn = {
            t.get_text(): t.get_fontfamily() for t in (figure._suptitle, *axes.get_yticklabels())
        }
        assert drawn[f"{middle}/knn"] == drawn[f"{middle}1"] == here
        assert axes.get_xticklabels()[0].get_fontfamily() != here
    fonts._family.cache_clear()


def test_lines_differ_without_colour() -> None:
    ways = [(str(base.line(i)["linestyle"]), base.line(i)["marker"]) for i in range(8)]
    assert len(set(ways)) == len({mark for _, mark in ways}) == 8
    assert len({base.hatch(i) for i in range(8)}) == 8


def test_tsne_keeps_neighbours_and_is_the_same_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 30)
    X = (rng.normal(0, 1, (90, 60)) + 6 * labels[:, None]).astype(np.float32)
    with threadpool_limits(1):  # ten times as quick where other tests run beside
        rows, points = embedding.tsne(X, 3)
        again, same = embedding.tsne(X, 3)
    np.testing.assert_array_equal(rows, np.arange(90))
    np.testing.assert_array_equal(rows, again)
    np.testing.assert_array_equal(points, same)
    nearest = np.linalg.norm(points[:, None] - points[None], axis=2) + 1e9 * np.eye(90)
    assert (labels[nearest.argmin(axis=1)] == labels).mean() > 0.95
    base.save(
        embedding.scatter(points, labels, classes=LONG[:3], title=title(90)), tmp_path / "s.png"
    )
    assert embedding._MOST == 1000
    monkeypatch.setattr(embedding, "_MOST", 50)
    with threadpool_limits(1):
        rows, points = embedding.tsne(X, 0)
    assert len(np.unique(rows)) == len(points) == 50
    np.testing.assert_array_equal(rows, np.sort(rows))
    shown = np.repeat(points, 20, axis=0)
    assert re.search("1,000 shown", str(words(
        embedding.scatter(shown, labels.repeat(20)[:1000], classes=LONG[:3], title=title(1200))
    )))  # fmt: skip


def test_the_operating_point_is_that_of_the_decisions() -> None:
    """A tie goes to the first class, in the matrix as on the curve."""
    score = np.array([0.5, 0.5, 0.9, 0.1])
    labels = np.array([1, 0, 1, 0])
    found = words(panel(labels, np.column_stack([1 - score, score])))
    assert "at argmax: FPR 0.000, TPR 0.500" in found
    assert "1\n50 %" in found


def test_scores_that_decide_nothing_have_no_confusion() -> None:
    """Nor a point on their curves; what are no probabilities have no reliability."""
    labels, p = drawn()
    found = panel(labels, 30 * p - 9, decides=False, probable=False)
    said = words(found)
    assert "no confusion: no threshold was told" in said
    assert "no reliability: scores are no probabilities" in said
    assert any("AUC" in text for text in said)
    assert not any("at argmax" in text for text in said)


def test_rows_of_each_kind_are_drawn_beside_their_cost() -> None:
    from typing import get_args

    from dfbench.results.figures.pareto import Point, pareto
    from dfbench.results.records.records import Kind

    points = [Point(f"row {k}", 10.0 + i, 0.7, None, k) for i, k in enumerate(get_args(Kind))]
    drawn_of = [point for point in points if point.kind != "imported"]  # whose speed nobody knows
    said = words(pareto(drawn_of, dataset="faces"))
    assert {kind or "other" for kind in get_args(Kind) if kind != "imported"} <= set(said)
