import numpy as np
import pytest
from scipy.stats import norm, t

from dfbench.results.statistics import bootstrap, delong
from dfbench.results.statistics.measured import Images, measure
from dfbench.results.statistics.metrics import METRICS, figures
from dfbench.results.statistics.pairs import differences
from dfbench.results.statistics.sample import prepare
from dfbench.results.statistics.significance import mcnemar


def rows(n=120, *, grouped=False, seeds=1):
    """Two rows on the same images, and their probabilities by seed."""
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, n)
    images = Images.of(
        [f"{i:03}" for i in range(n)], labels, np.arange(n) // 3 if grouped else None
    )
    made = []
    for gain in (1.5, 0.8):
        score = 1 / (1 + np.exp(-(labels - 0.5) * gain - rng.normal(size=(seeds, n))))
        both = np.stack([1 - score, score], axis=2)
        made.append((measure(images, [prepare(labels, each) for each in both]), both))
    return labels, *made


@pytest.mark.parametrize("grouped", [False, True])
def test_each_figure_is_compared_by_its_own_test(grouped):
    labels, (a, both_a), (b, both_b) = rows(grouped=grouped)
    design = a.images.design
    found = differences(a, b)
    assert set(found) == set(METRICS)
    for name, difference in found.items():
        expected = figures(labels, both_a[0])[name] - figures(labels, both_b[0])[name]
        assert difference.value == pytest.approx(expected, nan_ok=True)

    scatter = design.scatter(np.stack([a.shares, b.shares]))
    aucs = np.array([a.values["roc_auc"], b.values["roc_auc"]])
    errors, p_values = delong.compare(aucs, scatter, design)
    auc = found["roc_auc"]
    assert auc.p_value == pytest.approx(p_values[0, 1])
    quantile = t.ppf(0.975, 39) if grouped else norm.ppf(0.975)
    assert auc.high - auc.value == pytest.approx(quantile * errors[0, 1])

    right = [both[0].argmax(axis=1) == labels for both in (both_a, both_b)]
    assert found["accuracy"].p_value == mcnemar(*right, design.groups)
    assert found["accuracy"].test == "McNemar"

    u = 40 if grouped else min(np.bincount(labels))
    resampled = [
        bootstrap.distributions(row.samples[0], row.images.resamples)["brier"] for row in (a, b)
    ]
    error = np.std(resampled[0] - resampled[1], ddof=1) * np.sqrt(u / (u - 1))
    brier = found["brier"]
    assert brier.high - brier.low == pytest.approx(2 * t.ppf(0.975, u - 1) * error)
    assert brier.p_value == pytest.approx(2 * t.sf(abs(brier.value) / error, u - 1))
    # an interval holds 0 where its test does not reject
    for name in ("roc_auc", "brier", "log_loss"):
        each = found[name]
        assert (each.low <= 0 <= each.high) == (each.p_value >= 0.05)


def test_the_difference_of_accuracies_varies_as_a_paired_difference_does():
    labels, (a, _), (b, _) = rows(400)
    each = a.right - b.right
    found = differences(a, b)["accuracy"]
    by_class = [each[labels == k] for k in (0, 1)]
    variance = sum(own.size * own.var(ddof=1) for own in by_class) / 400**2
    u = min(own.size for own in by_class)
    expected = t.ppf(0.975, u - 1) * np.sqrt(variance)
    assert found.high - found.value == pytest.approx(expected, rel=1e-6)


def test_several_seeds_are_compared_by_their_means():
    _, (a, _), (b, _) = rows(seeds=3)
    found = differences(a, b)
    for name in ("roc_auc", "accuracy", "mcc"):
        assert found[name].value == pytest.approx(a.values[name] - b.values[name])
    sums = a.right - b.right
    z = abs(sums.sum()) / np.sqrt((sums**2).sum())
    assert found["accuracy"].p_value == pytest.approx(2 * t.sf(z, 119))


def test_a_row_does_not_differ_from_itself():
    _, (a, _), _ = rows()
    for name, each in differences(a, a).items():
        if not np.isnan(each.value):
            assert (name, each.value, each.low, each.high, each.p_value) == (name, 0, 0, 0, 1)


def test_rows_on_other_images_are_refused():
    (_, (a, _), _), (_, (b, _), _) = rows(60), rows(90)
    with pytest.raises(ValueError, match="same images"):
        differences(a, b)
