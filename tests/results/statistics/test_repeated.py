from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import t
from sklearn import metrics as reference

from dfbench.results.statistics import pairs, repeated
from dfbench.results.statistics.design import Design
from dfbench.results.statistics.influence import roc_auc_of_class
from dfbench.results.statistics.measured import Images, measure
from dfbench.results.statistics.metrics import evaluate
from dfbench.results.statistics.ranks import rank
from dfbench.results.statistics.repeated import Repeated
from dfbench.results.statistics.sample import pooled, prepare


def scores(
    seed: int, n: int = 60, gain: float = 1.0, k: int = 2, apart: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % k
    raw = rng.normal(size=(n, k)) + gain * (labels[:, None] == np.arange(k))
    raw[:, 0] += apart * seed  # each model's scores lie elsewhere
    p = np.exp(raw)
    return labels, p / p.sum(axis=1, keepdims=True)


def once(sample) -> dict[str, float]:
    return {name: float(v[0]) for name, v in evaluate(sample, np.ones((1, sample.n))).items()}


# --- folds -----------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [2, 3])
def test_order_counts_within_folds_and_decisions_over_all(k):
    parts = [scores(seed, n, k=k, apart=1.0) for seed, n in ((0, 60), (1, 48), (2, 51))]
    found = once(pooled([prepare(*part) for part in parts]))

    def auc(y, p):
        if k == 2:
            return reference.roc_auc_score(y, p[:, 1])
        return reference.roc_auc_score(y, p, multi_class="ovr")

    def precision(y, p):
        return np.mean(
            [
                reference.average_precision_score(y == c, p[:, c])
                for c in (range(k) if k > 2 else [1])
            ]
        )

    labels = np.concatenate([y for y, _ in parts])
    p = np.concatenate([p for _, p in parts])
    decided = p.argmax(axis=1)
    assert found["roc_auc"] == pytest.approx(np.mean([auc(*part) for part in parts]))
    assert found["average_precision"] == pytest.approx(
        np.mean([precision(*part) for part in parts])
    )
    assert found["roc_auc"] > auc(labels, p) + 0.02  # on one scale they would not be
    assert found["accuracy"] == pytest.approx(reference.accuracy_score(labels, decided))
    assert found["f1_macro"] == pytest.approx(reference.f1_score(labels, decided, average="macro"))
    assert found["mcc"] == pytest.approx(reference.matthews_corrcoef(labels, decided))
    assert found["log_loss"] == pytest.approx(reference.log_loss(labels, p))
    if k == 2:
        eers = [once(prepare(*part))["eer"] for part in parts]
        assert found["eer"] == pytest.approx(np.mean(eers))
    else:
        assert math.isnan(found["eer"])


def test_each_fold_decides_by_its_own_threshold():
    (y, p), (z, q) = scores(0), scores(1)
    sample = pooled([prepare(y, p, threshold=0.2), prepare(z, q, threshold=0.9)])
    right = np.concatenate([(p[:, 1] >= 0.2) == y, (q[:, 1] >= 0.9) == z])
    assert once(sample)["accuracy"] == pytest.approx(right.mean())


def test_scores_that_are_no_probabilities_stay_none():
    own = [prepare(*scores(seed), decides=False, probable=False) for seed in (0, 1)]
    found = once(pooled(own))
    assert found["roc_auc"] == pytest.approx(np.mean([once(each)["roc_auc"] for each in own]))
    assert math.isnan(found["accuracy"])
    assert math.isnan(found["log_loss"])


def images_of_folds(parts, *, widened: bool = True) -> Images:
    labels = np.concatenate([y for y, _ in parts])
    folds = np.repeat(np.arange(len(parts)), [len(y) for y, _ in parts])
    names = [f"{i:03}" for i in range(labels.size)]
    return Images.of(names, labels, folds=folds if widened else None)


def test_a_fold_with_one_group_of_a_class_has_no_interval():
    # what one person a fold makes scatters within no fold: its error would come out as 0
    parts = [scores(seed, 24) for seed in range(5)]
    folds = np.repeat(np.arange(5), 24)
    labels = np.concatenate([y for y, _ in parts])
    names = [f"{i:03}" for i in range(120)]
    sample = pooled([prepare(*part) for part in parts])
    for groups, known in ((folds, False), (np.arange(120) // 4, True)):
        row = measure(Images.of(names, labels, groups, folds), [sample])
        found = row.figures()
        assert {each.low is not None for each in (found["roc_auc"], found["accuracy"])} == {known}
        other = measure(row.images, [pooled([prepare(y, p[:, ::-1]) for y, p in parts])])
        (difference, *_) = pairs.differences(row, other).values()
        assert math.isnan(rank([row, other]).p_values[0, 1]) is not known
        assert math.isnan(difference.p_value) is not known


def test_errors_are_those_of_the_folds_widened():
    parts = [scores(seed) for seed in range(5)]
    samples = [prepare(*part) for part in parts]
    row = measure(images_of_folds(parts), [pooled(samples)])
    each = [
        measure(Images.of(range(60), y), [sample]).roc_auc.error
        for (y, _), sample in zip(parts, samples, strict=True)
    ]
    # of five figures: the mean; of Nadeau and Bengio's n2 / n1: half. Images are centred in their
    # class over all folds, where m / (m - 1) is nearer to 1
    alone = math.hypot(*each) / 5
    assert row.roc_auc.error == pytest.approx(alone * math.sqrt(1 + 5 / 8), rel=0.02)
    plain = measure(images_of_folds(parts, widened=False), [pooled(samples)])
    assert row.roc_auc.error == pytest.approx(plain.roc_auc.error * math.sqrt(1 + 5 / 8))
    for name in ("accuracy", "log_loss", "average_precision", "mcc"):
        wide, narrow = (each.figures()[name] for each in (row, plain))
        assert wide.high - wide.low > 1.1 * (narrow.high - narrow.low)


def test_tests_between_rows_heed_what_folds_share():
    a, b = ([scores(seed, gain=gain) for seed in range(4)] for gain in (1.0, 0.6))
    found = []
    for widened in (True, False):
        images = images_of_folds(a, widened=widened)
        rows = [measure(images, [pooled([prepare(*part) for part in its])]) for its in (a, b)]
        found.append(pairs.differences(*rows))
    wide, narrow = found
    for name in ("roc_auc", "accuracy", "log_loss"):
        assert wide[name].value == pytest.approx(narrow[name].value)
        assert wide[name].p_value > narrow[name].p_value
    assert wide["accuracy"].test == "paired t"
    assert narrow["accuracy"].test == "McNemar"


def test_resamples_are_drawn_within_folds_and_classes():
    folds = np.repeat([0, 1, 2], 20)
    images = Images.of([f"{i}" for i in range(60)], np.arange(60) % 2, folds=folds)
    counts = np.concatenate(list(images.resamples.chunks()))
    for fold in range(3):
        for label in (0, 1):
            inside = (folds == fold) & (np.arange(60) % 2 == label)
            assert (counts[:, inside].sum(axis=1) == 10).all()


def test_a_class_of_several_is_the_mean_over_folds():
    parts = [scores(seed, k=3) for seed in range(2)]
    design = Design.of(np.concatenate([y for y, _ in parts]) == 1, folds=np.repeat([0, 1], 60))
    found = roc_auc_of_class([pooled([prepare(*part) for part in parts])], design, 1).value
    own = [reference.roc_auc_score(y == 1, p[:, 1]) for y, p in parts]
    assert found == pytest.approx(np.mean(own))


# --- splits ----------------------------------------------------------------------------------


def on_splits(gains: list[float], base: int = 0, images: list[Images] | None = None) -> Repeated:
    rows = []
    for number, gain in enumerate(gains):
        y, p = scores(base + number, gain=gain)
        its = images[number] if images else Images.of([f"{i:03}" for i in range(y.size)], y)
        rows.append(measure(its, [prepare(y, p)]))
    return Repeated(tuple(rows), 0.15 / 0.85)


def test_the_interval_is_nadeau_and_bengios_in_log_odds():
    row = on_splits([1.0, 0.8, 1.2, 0.9, 1.1])
    values = row.by_split("roc_auc")
    found = row.figures()["roc_auc"]
    mean = values.mean()
    error = math.sqrt((1 / 5 + 0.15 / 0.85) * values.var(ddof=1))
    reach = t.ppf(0.975, 4) * error / (mean * (1 - mean))
    odds = math.log(mean / (1 - mean))
    assert found.value == pytest.approx(mean)
    assert (found.low, found.high) == pytest.approx((expit(odds - reach), expit(odds + reach)))
    loss = row.figures()["log_loss"]
    assert loss.low * loss.high == pytest.approx(loss.value**2)


def test_the_test_is_the_corrected_resampled_t_test():
    a = on_splits([1.0, 0.8, 1.2, 0.9, 1.1])
    b = on_splits([0.6, 0.7, 0.5, 0.6, 0.8], 7, list(a.images))
    each = a.by_split("roc_auc") - b.by_split("roc_auc")
    error = math.sqrt((1 / 5 + 0.15 / 0.85) * each.var(ddof=1))
    found = repeated.differences(a, b)["roc_auc"]
    assert found.test == "corrected t"
    assert found.value == pytest.approx(each.mean())
    assert found.p_value == pytest.approx(2 * t.sf(abs(each.mean()) / error, 4))
    assert found.high - found.low == pytest.approx(2 * t.ppf(0.975, 4) * error)
    errors, p_values = repeated.compare([a, b])
    assert errors[0, 1] == pytest.approx(error)
    assert p_values[0, 1] == pytest.approx(found.p_value)
    c = on_splits([4.0, 4.2, 4.1, 4.3, 4.0], 20, list(a.images))
    assert rank([b, c, a]).ranks[1] == 1
    assert rank([b, c, a]).ranks[0] > 1


def test_what_does_not_vary_has_no_interval_and_the_flawless_a_bound():
    y = np.arange(40) % 2
    perfect = np.column_stack([1 - y, y]) * 0.8 + 0.1
    images = Images.of([f"{i}" for i in range(40)], y)
    row = measure(images, [prepare(y, perfect)])
    found = Repeated((row, row, row), 0.2).figures()
    assert found["roc_auc"].value == 1
    assert found["roc_auc"].high == 1
    assert found["roc_auc"].low == pytest.approx(0.025 ** (1 / 20))
    assert found["log_loss"].low is None  # equal on all splits: nobody knows how far it is off
    wrong = perfect.copy()
    wrong[:2] = wrong[:2, ::-1]
    same = measure(images, [prepare(y, wrong)])
    assert Repeated((same, same), 0.2).figures()["accuracy"].low is None


def test_a_single_split_has_no_interval_and_no_test():
    a, b = on_splits([1.0]), on_splits([0.5])
    assert a.figures()["roc_auc"].low is None
    b = Repeated((measure(a.images[0], b.splits[0].samples),), b.ratio)
    assert math.isnan(repeated.differences(a, b)["roc_auc"].p_value)


def test_rows_on_other_splits_are_not_compared():
    with pytest.raises(ValueError, match="same splits"):
        repeated.differences(on_splits([1.0, 1.0]), on_splits([1.0, 1.0]))


def test_equal_differences_of_splits_tell_nothing_of_chance():
    # 0.9 - 0.8 and 0.8 - 0.7 differ by a rounding, which is no variance
    each = np.array([0.9, 0.8, 0.7]) - np.array([0.8, 0.7, 0.6])
    assert np.ptp(each) > 0
    assert repeated.error(each, 0.3) == 0
    assert repeated.estimate(np.array([0.3, 0.1 + 0.2]), 0.3).low is None
