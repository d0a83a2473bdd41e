import numpy as np
import pytest
from scipy.stats import norm, t
from sklearn import metrics as sk

from dfbench.results.statistics import bootstrap
from dfbench.results.statistics.bootstrap import distributions, interval, resample
from dfbench.results.statistics.metrics import MAIN, METRICS, evaluate, figures
from dfbench.results.statistics.sample import prepare


def scores(rng, n, *, n_classes=2, gain=1.0):
    labels = np.sort(rng.integers(0, n_classes, n))
    raw = rng.normal(size=(n, n_classes))
    raw[np.arange(n), labels] += gain
    raw = np.exp(raw.round(1))
    return labels, raw / raw.sum(axis=1, keepdims=True)


def intervals(sample, resamples):
    """Interval of each figure, as a row gets it (but for ROC AUC, which is DeLong's there)."""
    values = {k: v[0] for k, v in evaluate(sample, np.ones((1, sample.n))).items()}
    found = distributions(sample, resamples)
    return {name: interval(name, values[name], found[name]) for name in METRICS}


@pytest.mark.parametrize("kept", [True, False])
def test_rows_together_have_the_figures_that_they_have_alone(monkeypatch, kept):
    monkeypatch.setattr(bootstrap, "_CHUNK", 1)
    monkeypatch.setattr(bootstrap, "_KEPT", 1 << 30 if kept else 0)
    rng = np.random.default_rng(3)
    labels, _ = scores(rng, 90)
    rows = [prepare(labels, scores(rng, 90, gain=gain)[1], positive=1) for gain in (0, 1, 2)]
    together = bootstrap.distributions_of(rows, resample(labels, n_resamples=70))
    for row, found in zip(rows, together, strict=True):
        alone = distributions(row, resample(labels, n_resamples=70))
        assert found.keys() == alone.keys() == set(METRICS)
        for name in METRICS:
            np.testing.assert_array_equal(found[name], alone[name])


def all_counts(resamples):
    return np.concatenate(list(resamples.chunks()))


def test_images_are_drawn_within_their_class():
    labels = np.repeat([0, 1, 2], [5, 20, 9])
    counts = all_counts(resample(labels, n_resamples=200))
    assert counts.shape == (200, 34)
    for k, size in enumerate((5, 20, 9)):
        assert (counts[:, labels == k].sum(axis=1) == size).all()
    # each image is drawn once on average, and left out as often as theory says
    assert counts[:, labels == 1].mean() == 1
    assert (counts[:, labels == 1] == 0).mean() == pytest.approx((1 - 1 / 20) ** 20, abs=0.03)


def test_groups_are_drawn_whole():
    groups = np.array([7, 7, 7, 2, 2, 9, 9, 9, 9, 4])
    counts = all_counts(resample(np.arange(10) % 2, groups, n_resamples=300))
    for group in np.unique(groups):
        own = counts[:, groups == group]
        assert (own == own[:, :1]).all()
    firsts = [np.flatnonzero(groups == group)[0] for group in np.unique(groups)]
    assert (counts[:, firsts].sum(axis=1) == 4).all()


def test_resamples_are_the_same_each_time_and_for_each_size_of_chunk(monkeypatch):
    labels = np.repeat([0, 1, 2], 40)
    whole = all_counts(resample(labels))
    again = resample(labels)
    np.testing.assert_array_equal(whole, all_counts(again))
    np.testing.assert_array_equal(whole, all_counts(again))
    monkeypatch.setattr(bootstrap, "_CHUNK", 1 << 12)
    monkeypatch.setattr(bootstrap, "_KEPT", 0)
    small = resample(labels)
    np.testing.assert_array_equal(whole, all_counts(small))
    assert not small.kept
    assert max(chunk.size for chunk in small.chunks()) <= 1 << 12
    assert not np.array_equal(whole, all_counts(resample(labels, seed=1)))


@pytest.mark.parametrize(("n_classes", "grouped"), [(2, False), (2, True), (5, False), (5, True)])
def test_intervals_are_those_of_an_explicit_loop(n_classes, grouped):
    rng = np.random.default_rng(3)
    labels, probabilities = scores(rng, 90, n_classes=n_classes)
    groups = rng.integers(0, 12, 90) if grouped else None
    resamples = resample(labels, groups, n_resamples=80)
    found = intervals(prepare(labels, probabilities, positive=1), resamples)

    slow = {name: [] for name in MAIN}
    for counts in all_counts(resamples):
        picked = np.repeat(np.arange(90), counts)
        y, p = labels[picked], probabilities[picked]
        decided = p.argmax(axis=1)
        slow["accuracy"].append(sk.accuracy_score(y, decided))
        slow["balanced_accuracy"].append(sk.balanced_accuracy_score(y, decided))
        slow["f1_macro"].append(sk.f1_score(y, decided, average="macro"))
        if np.unique(y).size == n_classes:
            score = p[:, 1] if n_classes == 2 else p
            slow["roc_auc"].append(sk.roc_auc_score(y, score, multi_class="ovr"))
    for name in MAIN:
        expected = np.quantile(slow[name], [0.025, 0.975])
        assert found[name] == pytest.approx(tuple(expected), abs=1e-12)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(11)
    truth = norm.cdf(1 / np.sqrt(2))
    labels = np.repeat([0, 1], 60)
    resamples = resample(labels, n_resamples=400)
    hits = 0
    for _ in range(200):
        score = rng.normal(size=120) + labels
        fake = norm.cdf(score)
        sample = prepare(labels, np.stack([1 - fake, fake], axis=1))
        low, high = intervals(sample, resamples)["roc_auc"]
        hits += low <= truth <= high
    # 95 % of 200 with a standard error of 3
    assert 179 <= hits <= 199


def test_whole_groups_give_the_wider_interval_where_images_repeat():
    rng = np.random.default_rng(5)
    labels, probabilities = scores(rng, 60)
    labels, probabilities = np.repeat(labels, 8), np.repeat(probabilities, 8, axis=0)
    groups = np.repeat(np.arange(60), 8)
    sample = prepare(labels, probabilities)

    def width(which):
        low, high = intervals(sample, which)["roc_auc"]
        return high - low

    # eight copies of each image look like eight times the images: sqrt(8) too narrow
    ratio = width(resample(labels, groups)) / width(resample(labels))
    assert ratio == pytest.approx(np.sqrt(8), rel=0.25)


@pytest.mark.parametrize(
    ("labels", "groups"),
    [
        ([], None),
        ([0], None),
        ([0, 1], None),
        ([0, 0, 0, 1], None),
        ([0, 1, 0, 1], [3, 3, 3, 3]),
        ([0, 0, 1, 1], [0, 1, 2, 2]),
    ],
)
def test_too_little_to_resample_is_told(labels, groups):
    labels = np.array(labels, dtype=np.int64)
    assert not resample(labels, None if groups is None else np.array(groups)).sound


def test_a_class_without_images_takes_the_interval_of_the_auc_only():
    labels = np.array([0, 0, 0, 1, 1, 1])
    probabilities = np.eye(3)[[0, 0, 1, 1, 1, 0]]
    found = intervals(prepare(labels, probabilities), resample(labels))
    assert found["roc_auc"] is None
    low, high = found["accuracy"]
    assert low < figures(labels, probabilities)["accuracy"] < high


def test_resamples_without_a_class_are_dropped_for_the_auc():
    labels = np.array([0, 0, 1, 1, 1, 1, 1])
    groups = np.array([0, 1, 2, 3, 4, 5, 0])
    probabilities = np.array(
        [[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [0.2, 0.8], [0.1, 0.9], [0.7, 0.3], [0.6, 0.4]]
    )
    sample, resamples = prepare(labels, probabilities), resample(labels, groups)
    values = distributions(sample, resamples)
    lacking = np.isnan(values["roc_auc"])
    assert 0 < lacking.sum() < 200
    assert not np.isnan(values["accuracy"]).any()
    expected = np.quantile(values["roc_auc"][~lacking], [0.025, 0.975])
    assert intervals(sample, resamples)["roc_auc"] == pytest.approx(tuple(expected))


def test_the_interval_of_the_calibration_error_makes_up_for_what_resampling_adds():
    """Of a calibrated score: resampled errors lie above the measured one, its own too high too."""
    rng = np.random.default_rng(4)
    score = rng.uniform(size=400)
    labels = (rng.uniform(size=400) < score).astype(int)
    sample = prepare(labels, np.column_stack([1 - score, score]))
    value = evaluate(sample, np.ones((1, 400)))["ece"][0]
    values = distributions(sample, resample(labels))["ece"]
    assert np.median(values) > value
    low, high = interval("ece", value, values)
    assert low == 0.0, "nothing speaks against a calibrated score"
    assert high == pytest.approx(np.sqrt(max(2 * value**2 - np.quantile(values, 0.025) ** 2, 0)))
    assert low < value <= high


def test_groups_of_one_class_are_drawn_within_it():
    labels = np.repeat([0, 1], [12, 6])
    counts = all_counts(resample(labels, np.arange(18) // 3, n_resamples=200))
    assert (counts[:, labels == 1].sum(axis=1) == 6).all()
    assert (counts[:, :3] == counts[:, :1]).all()
    mixed = all_counts(resample(np.arange(18) % 2, np.repeat([0, 1, 2], [1, 6, 11])))
    assert np.unique(mixed.sum(axis=1)).size > 1


def test_few_units_widen_the_percentiles():
    """Hesterberg (2015), table 5: for n = 10 nominal tails of 2.5 % are drawn at 0.9 %."""
    values = np.random.default_rng(0).normal(0.7, 0.05, 20_000)
    low, high = interval("accuracy", 0.7, values, 10)
    outside = norm.cdf(-t.ppf(0.975, 9) * np.sqrt(10 / 9))
    assert outside == pytest.approx(0.0086, abs=1e-4)
    assert (low, high) == pytest.approx(tuple(np.quantile(values, [outside, 1 - outside])))
    plain = interval("accuracy", 0.7, values)
    assert low < plain[0] < plain[1] < high


def test_average_precision_and_log_loss_on_scales_of_their_own():
    rng = np.random.default_rng(1)
    values = rng.beta(40, 4, 1000)
    low, high = interval("average_precision", 0.9, values, 30)
    reach = t.ppf(0.975, 29) * np.sqrt(30 / 29) * np.std(np.log(values / (1 - values)), ddof=1)
    middle = np.log(9)
    assert np.log([low / (1 - low), high / (1 - high)]) == pytest.approx(
        [middle - reach, middle + reach]
    )
    # resamples without a mistake do not make it endless
    low, high = interval("average_precision", 0.9, np.append(values, np.ones(50)), 30)
    assert 0 < low < 0.9 < high < 1
    losses = np.exp(rng.normal(-1, 0.2, 1000))
    low, high = interval("log_loss", 0.4, losses)
    assert high / 0.4 == pytest.approx(0.4 / low)
    assert np.log(high / 0.4) == pytest.approx(1.96 * 0.2, rel=0.1)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("accuracy", 1.0, (0.025 ** (1 / 30), 1.0)),
        ("eer", 0.0, (0.0, 1 - 0.025 ** (1 / 30))),
        ("mcc", 1.0, (2 * 0.025 ** (1 / 30) - 1, 1.0)),
        ("accuracy", 0.5, (0.5, 0.5)),
    ],
)
def test_a_row_without_a_mistake_may_make_one(name, value, expected):
    """Thirty units are all right with a probability of 2.5 % where one is at 0.025^(1/30)."""
    assert interval(name, value, np.full(1000, value), 30) == pytest.approx(expected)
