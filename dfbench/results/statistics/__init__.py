"""Metrics, intervals, tests and ranks from arrays of scores; nothing else of dfbench is needed.

Where to look, and where something new belongs:

- `sample`: scores made ready; `metrics`: the figures, an entry each; `curve`: their kernel.
- `design`: what was drawn independently of what, images or groups.
- `influence`: figures with what their error is made of, and `delong`, which says it of ROC AUC;
  `intervals`: their intervals; `bootstrap`: those of all other figures; `estimate`: the result.
- `measured`: a row with all its figures; `repeated`: the same on several splits; `pairs`: two of
  them; `diversity`: how unlike their errors are; `significance`: the tests, and the correction for
  their number; `ranks`: of many rows on one data set, and over several.

Examples
--------
Two detectors have scored the same 200 images, four frames of a video each:

>>> import numpy as np
>>> from dfbench.results import statistics
>>> rng = np.random.default_rng(1)
>>> labels, groups = np.arange(200) % 2, np.arange(200) // 4
>>> def detector(gain):
...     fake = 1 / (1 + np.exp(gain * (0.5 - labels) - rng.normal(size=200)))
...     return np.column_stack([1 - fake, fake])
>>> good, weak = detector(2.0), detector(1.0)

Figures without intervals:

>>> round(statistics.figures(labels, good)["roc_auc"], 3)
0.934

**Intervals.** Of all figures at once; seeds of a row would be several samples:

>>> images = statistics.Images.of([f"{i:03}.png" for i in range(200)], labels, groups)
>>> a, b = (statistics.measure(images, [statistics.prepare(labels, p)]) for p in (good, weak))
>>> found = a.figures()
>>> for name in ("roc_auc", "balanced_accuracy", "log_loss"):
...     print(f"{name} {found[name].value:.3f} [{found[name].low:.3f}, {found[name].high:.3f}]")
roc_auc 0.934 [0.885, 0.963]
balanced_accuracy 0.855 [0.800, 0.905]
log_loss 0.394 [0.350, 0.444]

Of one figure alone, and of a difference or a mean of figures, also over several data sets:

>>> design = statistics.Design(labels, groups)
>>> areas = [statistics.roc_auc([statistics.prepare(labels, p)], design) for p in (good, weak)]
>>> loss = (areas[0] - areas[1]).estimate(difference=True)
>>> print(f"{loss.value:.3f} [{loss.low:.3f}, {loss.high:.3f}]")
0.098 [0.031, 0.165]
>>> both = statistics.mean(areas).estimate()
>>> print(f"{both.value:.3f} [{both.low:.3f}, {both.high:.3f}]")
0.885 [0.849, 0.914]

Of a share of images:

>>> right = statistics.wilson((good.argmax(axis=1) == labels).astype(float), groups)
>>> print(f"{right.value:.3f} [{right.low:.3f}, {right.high:.3f}]")
0.855 [0.797, 0.898]

**A test between two detectors**, each figure by its own, corrected for their number:

>>> differences = statistics.differences(a, b)
>>> p_values = statistics.holm(np.array([each.p_value for each in differences.values()]))
>>> for name in ("roc_auc", "accuracy"):
...     each = differences[name]
...     print(f"{name} {each.value:+.3f}, {each.test}: {each.p_value:.4f}")
roc_auc +0.098, DeLong: 0.0050
accuracy +0.100, McNemar: 0.0243
>>> bool(p_values[0] < statistics.ALPHA)
True

**Ranks.** On one data set a row ranks behind those that are significantly better alone:

>>> statistics.rank([b, a]).ranks
[2, 1]

Over data sets by Friedman's and Nemenyi's tests, here of four rows on five; `cliques` finds the
rows that cannot be told apart:

>>> aucs = np.array([[0.91, 0.88, 0.71, 0.6], [0.85, 0.86, 0.7, 0.55], [0.95, 0.9, 0.8, 0.7],
...                  [0.8, 0.78, 0.79, 0.6], [0.9, 0.87, 0.75, 0.5]])
>>> over_all = statistics.friedman(aucs)
>>> over_all.ranks
(1.2, 2.0, 2.8, 4.0)
>>> print(f"p = {over_all.p_value:.4f}, critical difference {over_all.critical:.2f}")
p = 0.0050, critical difference 2.10
>>> statistics.cliques(np.sort(over_all.ranks), over_all.critical)
[(0, 2), (1, 3)]
"""

from dfbench.results.statistics.bootstrap import Resamples, distributions, resample
from dfbench.results.statistics.bootstrap import interval as bootstrap_interval
from dfbench.results.statistics.design import Design
from dfbench.results.statistics.diversity import Diversity, diversity, mean_diversity
from dfbench.results.statistics.estimate import Estimate
from dfbench.results.statistics.influence import (
    Influence,
    combine,
    mean,
    rate,
    roc_auc,
    roc_auc_of_class,
    roc_auc_of_kind,
)
from dfbench.results.statistics.intervals import wilson
from dfbench.results.statistics.measured import Images, Measured, measure
from dfbench.results.statistics.metrics import (
    ENTRIES,
    LOWER_IS_BETTER,
    MAIN,
    METRICS,
    Metric,
    evaluate,
    figures,
    recall,
)
from dfbench.results.statistics.pairs import Difference, differences
from dfbench.results.statistics.ranks import Friedman, Ranking, cliques, friedman, rank
from dfbench.results.statistics.recomputed import Recomputed
from dfbench.results.statistics.sample import Sample, decide, prepare
from dfbench.results.statistics.significance import ALPHA, holm, mcnemar, paired

__all__ = [
    "ALPHA",
    "ENTRIES",
    "LOWER_IS_BETTER",
    "MAIN",
    "METRICS",
    "Design",
    "Difference",
    "Diversity",
    "Estimate",
    "Friedman",
    "Images",
    "Influence",
    "Measured",
    "Metric",
    "Ranking",
    "Recomputed",
    "Resamples",
    "Sample",
    "bootstrap_interval",
    "cliques",
    "combine",
    "decide",
    "differences",
    "distributions",
    "diversity",
    "evaluate",
    "figures",
    "friedman",
    "holm",
    "mcnemar",
    "mean",
    "mean_diversity",
    "measure",
    "paired",
    "prepare",
    "rank",
    "rate",
    "recall",
    "resample",
    "roc_auc",
    "roc_auc_of_class",
    "roc_auc_of_kind",
    "wilson",
]
