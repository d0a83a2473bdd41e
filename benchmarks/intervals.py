"""How often the intervals hold the truth, and how often the tests find what is not there.

    python benchmarks/intervals.py [auc] [figures] [repeated] [--simulations 1000]
        [--resampled 500]

Scores are drawn from two normal distributions, so that the ROC AUC is known. Images of a group
share a part of their score (intraclass correlation 0.3), and two rows on the same images another
part. The intervals should hold the truth in 95 % of the data sets, and tests of two rows that are
equally good should reject in 5 %. With 1,000 data sets a share of 95 % has a standard error of 0.7
points.

``auc``: DeLong's interval and test, McNemar's test and the interval of the difference of accuracy.
``figures``: bootstrap intervals of the other figures at n = 200, and the paired bootstrap. Their
truth is the figure of two million images.

``repeated``: detectors are trained, on n images of d features, once on each of several splits or
folds. The truth is what such a detector reaches on average over all training sets, and two rows
that see features of their own are equally good on average: intervals and tests are to heed that
another training set gives another detector. Of folds the same without `Design.widening` is shown.

The tables are Markdown.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import norm

from dfbench.results.statistics import metrics, pairs, repeated
from dfbench.results.statistics.estimate import Estimate
from dfbench.results.statistics.measured import Images, measure
from dfbench.results.statistics.repeated import Repeated
from dfbench.results.statistics.sample import Sample, pooled, prepare
from dfbench.results.statistics.significance import ALPHA
from dfbench.suites.repeat import Repeat

AUCS = (0.6, 0.8, 0.95)
WITHIN = 0.3
"""Correlation of the scores of two images of a class in a group."""
BETWEEN = 0.5
"""Correlation of the scores of two rows on an image of a class."""
CONFIDENCE = 1.5
"""What the true log odds are multiplied by: a model that is too sure of itself."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Setting:
    """A kind of data set.

    Attributes
    ----------
    name
        Of its groups.
    labels, groups
        Shape (n,); groups are None where each image is its own.
    """

    name: str
    labels: NDArray[np.int64]
    groups: NDArray[np.int64] | None

    def again(self, rng: np.random.Generator, positives: float) -> Setting:
        """Draw the labels of groups of several classes anew: their classes have no fixed size."""
        if self.groups is None or "one class" in self.name:
            return self
        labels = (rng.uniform(size=self.labels.size) < positives).astype(np.int64)
        return Setting(self.name, labels, self.groups)

    @property
    def images(self) -> Images:
        """As rows are measured on."""
        return Images.of([f"{i:05}" for i in range(self.labels.size)], self.labels, self.groups)


def settings(n: int, positives: float = 0.5) -> Iterator[Setting]:
    """Give the kinds of data sets of n images."""
    labels = (np.arange(n) % 10 < 10 * positives).astype(np.int64)
    rng = np.random.default_rng(1)
    mixed = rng.permutation(labels)
    yield Setting("none", mixed, None)
    yield Setting(f"{n // 5} of 5", mixed, np.arange(n) // 5)
    if n > 200:
        yield Setting(f"40 of {n // 40}", mixed, np.arange(n) * 40 // n)
    sizes = np.arange(1, 40)
    uneven = np.searchsorted(np.cumsum(sizes / sizes.sum()), (np.arange(n) + 0.5) / n)
    yield Setting(f"39 of 1 to {n // 20}", mixed, uneven)
    yield Setting(f"40 of {n // 40}, each of one class", np.sort(labels), np.arange(n) * 40 // n)


def draw(rng: np.random.Generator, setting: Setting, shift: float, rows: int = 2) -> Floats:
    """Draw the scores of rows that are equally good, shape (rows, n)."""
    n = setting.labels.size

    def parts(size: int) -> Floats:
        own = rng.normal(size=(rows, size))
        both: Floats = np.sqrt(BETWEEN) * rng.normal(size=size) + np.sqrt(1 - BETWEEN) * own
        return both

    noise = parts(n)
    if setting.groups is not None:
        shared = parts(int(setting.groups.max()) + 1)[:, setting.groups]
        noise = np.sqrt(WITHIN) * shared + np.sqrt(1 - WITHIN) * noise
    return setting.labels * shift + noise


def probabilities(score: Floats, shift: float, positives: float = 0.5) -> Floats:
    """Give what a model that is too sure of itself makes of scores, shape (n, 2)."""
    odds = np.log(positives / (1 - positives)) + shift * (score - shift / 2)
    fake = expit(CONFIDENCE * odds)
    return np.column_stack([1 - fake, fake])


def of_auc(n_simulations: int) -> None:
    """Print how DeLong's and McNemar's methods do."""
    titles = (
        "interval of AUC",
        "of the difference",
        "DeLong rejects",
        "interval of the difference of accuracy",
        "McNemar rejects",
    )
    print(f"| n | groups | ROC AUC | {' | '.join(titles)} |")
    print("|---:|---|---:|---:|---:|---:|---:|---:|")
    for n in (200, 2000):
        for setting in settings(n):
            images = setting.images
            for true in AUCS:
                found = [
                    _once_auc(np.random.default_rng([n, seed]), setting, images, true)
                    for seed in range(n_simulations)
                ]
                shown = " | ".join(f"{100 * x:.1f}" for x in np.mean(found, axis=0))
                print(f"| {n:,} | {setting.name} | {true} | {shown} |", flush=True)


def _once_auc(
    rng: np.random.Generator, setting: Setting, images: Images, true: float
) -> tuple[bool, ...]:
    shift = float(np.sqrt(2) * norm.ppf(true))
    a, b = (
        measure(images, [prepare(setting.labels, probabilities(score, shift))])
        for score in draw(rng, setting, shift)
    )
    its = a.roc_auc.estimate()
    interval = None if its.low is None or its.high is None else (its.low, its.high)
    delong, mcnemar = pairs.of_auc(a, b), pairs.of_accuracy(a, b)
    return (
        holds(interval, true),
        holds((delong.low, delong.high), 0),
        delong.p_value < ALPHA,
        holds((mcnemar.low, mcnemar.high), 0),
        mcnemar.p_value < ALPHA,
    )


def holds(interval: tuple[float, float] | None, true: float) -> bool:
    """Whether there is an interval, and it holds the truth."""
    return interval is not None and interval[0] <= true <= interval[1]


def truth(true: float, positives: float) -> dict[str, float]:
    """Give the figures of two million images."""
    n = 2_000_000
    shift = float(np.sqrt(2) * norm.ppf(true))
    labels = (np.arange(n) % 10 < 10 * positives).astype(np.int64)
    score = np.random.default_rng(7).normal(size=n) + shift * labels
    return metrics.figures(labels, probabilities(score, shift, positives))


def of_figures(n_simulations: int, n: int = 200) -> None:
    """Print how the bootstrap does."""
    names = [name for name in metrics.METRICS if not name.startswith(("roc", "tpr_at_fpr_01"))]
    print(f"| positives | groups | ROC AUC | | {' | '.join(names)} |")
    print("|---:|---|---:|---|" + "---:|" * len(names))
    # with few positives and an AUC of 0.6 a row calls every image negative
    for positives, aucs in ((0.5, AUCS), (0.2, AUCS[1:])):
        for true in aucs:
            right = truth(true, positives)
            for setting in settings(n, positives):
                shares = _many(setting, true, right, positives, n_simulations)
                for what, found in shares.items():
                    shown = " | ".join(figure(found[name]) for name in names)
                    where = f"{100 * positives:.0f} % | {setting.name} | {true}"
                    print(f"| {where} | {what} | {shown} |", flush=True)


def _many(
    setting: Setting, true: float, right: dict[str, float], positives: float, n_simulations: int
) -> dict[str, dict[str, float]]:
    shift = float(np.sqrt(2) * norm.ppf(true))
    images = setting.images
    held: dict[str, list[bool]] = {name: [] for name in metrics.METRICS}
    rejected: dict[str, list[bool]] = {name: [] for name in metrics.METRICS}
    for seed in range(n_simulations):
        rng = np.random.default_rng([int(100 * true), seed])
        drawn = setting.again(rng, positives)
        if drawn is not setting:
            images = drawn.images
        a, b = (
            measure(images, [prepare(drawn.labels, probabilities(score, shift, positives))])
            for score in draw(rng, drawn, shift)
        )
        for name, its in a.figures().items():
            if its.low is not None and its.high is not None:
                held[name].append(its.low <= right[name] <= its.high)
        for name, difference in pairs.of_others(a, b).items():
            if not np.isnan(difference.p_value):
                rejected[name].append(difference.p_value < ALPHA)
    return {
        what: {name: float(np.mean(each)) if each else float("nan") for name, each in of.items()}
        for what, of in (("held", held), ("rejects", rejected))
    }


# --- several splits, several folds ---------------------------------------------------------------


@dataclass(frozen=True)
class Learnt:
    """A detector, trained on some images: a direction, and where it is cut.

    Attributes
    ----------
    direction
        Shape (d,).
    cut
        Of the projection.
    """

    direction: Floats
    cut: float

    @classmethod
    def of(cls, x: Floats, y: NDArray[np.int64]) -> Learnt:
        """Fit Fisher's discriminant with a little shrinkage."""
        means = [x[y == k].mean(axis=0) for k in (0, 1)]
        within = np.where(y[:, None] == 1, x - means[1], x - means[0])
        covariance = within.T @ within / len(y) + 0.05 * np.eye(x.shape[1])
        w = np.linalg.solve(covariance, means[1] - means[0])
        return cls(w, float(w @ (means[0] + means[1]) / 2))

    def probabilities(self, x: Floats) -> Floats:
        """Give what it says of images, shape (n, 2)."""
        fake = expit(x @ self.direction - self.cut)
        return np.column_stack([1 - fake, fake])

    def truth(self, mean: Floats) -> dict[str, float]:
        """Give its figures on all images, of unit variance around 0 and ``mean``."""
        w, spread = self.direction, float(np.linalg.norm(self.direction))
        right = norm.cdf(self.cut / spread), norm.cdf((w @ mean - self.cut) / spread)
        return {
            "roc_auc": float(norm.cdf(w @ mean / (np.sqrt(2) * spread))),
            "accuracy": float(np.mean(right)),
        }


def of_repeated(n_simulations: int) -> None:
    """Print how intervals and tests over splits and folds do."""
    print("| n | features | ROC AUC | over | figure | holds the mean | rejects equal rows |")
    print("|---:|---:|---:|---|---|---:|---:|")
    for n, d, shift in (
        *((200, 10, 1.0), (200, 10, 2.0), (200, 50, 1.5)),
        *((1000, 10, 1.0), (1000, 100, 1.0)),
    ):
        for repeat in (Repeat(splits=5), Repeat(splits=10), Repeat(folds=5), Repeat(folds=10)):
            _print_repeated(n, d, shift, repeat, n_simulations)


def _print_repeated(n: int, d: int, shift: float, repeat: Repeat, n_simulations: int) -> None:
    found = [
        _once_repeated(np.random.default_rng([n, d, seed]), n, d, shift, repeat)
        for seed in range(n_simulations)
    ]
    for name in ("roc_auc", "accuracy"):
        true = float(np.mean([its.true[name] for its in found]))
        for what in found[0].ends:
            held = np.mean([holds(its.ends[what][name], true) for its in found])
            rejects = np.mean([its.p_values[what][name] < ALPHA for its in found])
            auc = float(np.mean([its.true["roc_auc"] for its in found]))
            print(
                f"| {n:,} | {d} | {auc:.3f} | {what} | {name} | {100 * held:.1f} |"
                f" {100 * rejects:.1f} |",
                flush=True,
            )


@dataclass(frozen=True)
class Simulated:
    """What came of one data set: by way of counting, and by figure.

    Attributes
    ----------
    true
        Mean figure of both rows' detectors, on all images.
    ends
        Of the intervals of the first row.
    p_values
        Of the difference of both.
    """

    true: dict[str, float]
    ends: dict[str, dict[str, tuple[float, float] | None]]
    p_values: dict[str, dict[str, float]]


def _once_repeated(
    rng: np.random.Generator, n: int, d: int, shift: float, repeat: Repeat
) -> Simulated:
    labels = np.arange(n) % 2
    mean = np.full(d, shift / np.sqrt(d))
    rows = [rng.normal(size=(n, d)) + labels[:, None] * mean for _ in range(2)]
    truths: list[dict[str, float]] = []
    tested: list[NDArray[np.intp]] = []
    samples: list[list[Sample]] = [[], []]
    for train, test in _divided(rng, labels, repeat):
        tested.append(test)
        for x, own in zip(rows, samples, strict=True):
            learnt = Learnt.of(x[train], labels[train])
            truths.append(learnt.truth(mean))
            own.append(prepare(labels[test], learnt.probabilities(x[test])))
    true = {name: float(np.mean([its[name] for its in truths])) for name in truths[0]}
    if repeat.kind == "split":
        images = [Images.of([str(i) for i in test], labels[test]) for test in tested]
        part = len(tested[0]) / (n - len(tested[0]))
        a, b = (
            Repeated(tuple(measure(i, [s]) for i, s in zip(images, own, strict=True)), part)
            for own in samples
        )
        tests = repeated.differences(a, b)
        return Simulated(
            true,
            {repeat.given: {name: _ends(its) for name, its in a.figures().items()}},
            {repeat.given: {name: its.p_value for name, its in tests.items()}},
        )
    every = np.concatenate(tested)
    folds = np.repeat(np.arange(repeat.n), [len(test) for test in tested])
    found = Simulated(true, {}, {})
    for what, its in ((repeat.given, folds), (f"{repeat.given}, not widened", None)):
        images_of = Images.of([str(i) for i in every], labels[every], folds=its)
        c, e = (measure(images_of, [pooled(own)]) for own in samples)
        tests_of = {"roc_auc": pairs.of_auc(c, e), "accuracy": pairs.of_accuracy(c, e)}
        found.ends[what] = {name: _ends(figures) for name, figures in c.figures().items()}
        found.p_values[what] = {name: one.p_value for name, one in tests_of.items()}
    return found


def _ends(of: Estimate) -> tuple[float, float] | None:
    return None if of.low is None or of.high is None else (of.low, of.high)


def _divided(
    rng: np.random.Generator, labels: NDArray[np.int64], repeat: Repeat
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Give what is trained and tested on; validation, 15 in 85 of the others, is left out."""
    folds = np.zeros(labels.size, dtype=np.intp)
    for k in (0, 1):
        own = rng.permutation(np.flatnonzero(labels == k))
        folds[own] = np.arange(own.size) % repeat.n
    for number in range(repeat.n):
        part = 1 / repeat.n if repeat.kind == "fold" else 0.15
        test = np.flatnonzero(folds == number) if repeat.kind == "fold" else None
        train: list[NDArray[np.intp]] = []
        drawn: list[NDArray[np.intp]] = []
        for k in (0, 1):
            own = rng.permutation(np.flatnonzero(labels == k))
            n_test = round(part * own.size)
            if test is not None:
                own = own[~np.isin(own, test)]
                train.append(own[: round(len(own) * 0.7 / 0.85)])
            else:
                drawn.append(own[:n_test])
                train.append(own[n_test:][: round(0.7 * own.size)])
        yield np.concatenate(train), np.concatenate(drawn) if test is None else test


def figure(share: float) -> str:
    """Word a share in percent."""
    return "–" if np.isnan(share) else f"{100 * share:.1f}"


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=["auc", "figures", "repeated", []], default=[])
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--resampled", type=int, default=500)
    options = parser.parse_args()
    start = time.perf_counter()
    if "auc" in (options.parts or ["auc"]):
        of_auc(options.simulations)
    if "figures" in (options.parts or ["figures"]):
        of_figures(options.resampled)
    if "repeated" in (options.parts or ["repeated"]):
        of_repeated(options.resampled)
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
