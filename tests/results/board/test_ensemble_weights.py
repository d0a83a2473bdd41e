"""What an ensemble gives its members to say, also where a class is not in what it was fitted on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from dfbench.models.selection.ensembles import Combination, Combined, combine
from dfbench.results.board.board import Fit
from dfbench.results.board.ensembles import _by_kind, _weight

MEMBERS = ["a", "b"]


def stacked(y: np.ndarray, n_classes: int) -> tuple[Combined, list[np.ndarray]]:
    rng = np.random.default_rng(0)
    scores = []
    for gain in (2.0, 0.5):
        raw = rng.normal(size=(len(y), n_classes))
        raw[np.arange(len(y)), y] += gain
        p = np.exp(raw)
        scores.append(p / p.sum(axis=1, keepdims=True))
    found = combine(
        scores, y, members=MEMBERS, combination=Combination("stacking"), positive=None, seed=0
    )
    return found, scores


def fit_of(combination: dict[str, Any]) -> Fit:
    return Fit(cell="c", seed=0, combination=combination)


@pytest.mark.parametrize(
    ("known", "n_classes"),
    [([0, 1], 2), ([0, 1, 2], 3), ([0, 2, 3], 4), ([1, 2], 3), ([0, 2], 4)],
)
def test_a_weight_is_of_the_scores_of_the_classes_that_were_there(
    known: list[int], n_classes: int
) -> None:
    y = np.array(known)[np.arange(90) % len(known)]
    found, scores = stacked(y, n_classes)
    told = found.describe()
    assert told.get("classes") == (None if len(known) == n_classes else known)
    columns = [np.log(p) - np.log(p).mean(axis=1, keepdims=True) for p in scores]
    if n_classes == 2:
        columns = [each[:, 1:] for each in columns]
    machine = LogisticRegression(C=told["C"], max_iter=2000).fit(np.hstack(columns), y)
    for at, name in enumerate(MEMBERS):
        if n_classes == 2:
            wanted = machine.coef_[0, at]
        else:
            rows = machine.coef_ if len(known) > 2 else [-machine.coef_[0], machine.coef_[0]]
            wanted = np.mean([row[at * n_classes + k] for row, k in zip(rows, known, strict=True)])
        assert _weight(fit_of(told), name) == pytest.approx(wanted, abs=1e-4)
    told.pop("classes", None)  # as records of before were
    if len(known) < n_classes:
        assert _weight(fit_of(told), "a") is None


@pytest.mark.parametrize(
    "combination",
    [
        {"coefficients": [[1.0, 2.0], [3.0]]},
        {"coefficients": [[1.0, 2.0, 3.0]]},
        {"coefficients": [["a"]]},
        {"coefficients": [[1.0] * 6] * 2, "classes": [0, 7]},
        {"weights": [0.5]},
        {"weights_by_kind": {"gan": [0.5]}},
    ],
)
def test_what_no_run_writes_has_no_weight(combination: dict[str, Any]) -> None:
    fit = fit_of({"members": MEMBERS, **combination})
    assert _weight(fit, "b") is None
    assert _by_kind([fit], "b") == {}
