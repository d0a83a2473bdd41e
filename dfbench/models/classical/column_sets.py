"""Boosting whose rounds see one set of the columns each, where columns are many.

xgboost adds all columns up into its histograms, whatever share of them a tree may then split by.
A matrix of a seventh of the columns takes about a fifth of the time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.models.base import GivenUp, Hopeless, Labels

Columns = NDArray[np.int64]
"""Numbers of columns, ascending."""

_WIDTH, _SETS = 384, 8
"""Columns that each set has at least, and sets at most."""
_FROM_COLUMNS, _FROM_VALUES = 1 << 10, 1 << 22
"""From this width and this many values on; below, a fit takes seconds."""


def column_sets(n_rows: int, n_columns: int, wanted: int | str, seed: int) -> list[Columns]:
    """Divide the columns into sets of equal size.

    Where they do not come out even, the last one has columns of the first besides.

    Parameters
    ----------
    n_rows, n_columns
        Of the training part.
    wanted
        Number of sets, at most one a column; ``auto``: one where rows or columns are few.
    seed
        Of the division.
    """
    if wanted == "auto":
        few = n_columns < _FROM_COLUMNS or n_rows * n_columns < _FROM_VALUES
        wanted = 1 if few else min(_SETS, n_columns // _WIDTH)
    sets = min(int(wanted), n_columns)
    if sets == 1:
        return [np.arange(n_columns)]
    order = np.random.default_rng(seed).permutation(n_columns)
    return list(np.sort(np.resize(order, (sets, -(-n_columns // sets)))))


def boosted(
    settings: Mapping[str, Any],
    pairs: Sequence[tuple[Any, Any]],
    sets: Sequence[Columns],
    y: Labels,
    y_val: Labels | None,
    *,
    rounds: int,
    patience: int = 0,
    hopeless: Hopeless | None = None,
) -> tuple[Any, int]:
    """Boost on each set in turn, and stop early as ``xgboost.train`` does.

    Parameters
    ----------
    settings
        Of the booster, as for ``xgboost.train``. ``colsample_bytree`` is the share of all columns
        that a tree draws, at most a set.
    pairs
        ``xgboost.DMatrix`` of the training and of the validation part, for each set; None for
        the latter where all rounds are run.
    sets
        Which columns are in them.
    y, y_val
        Class numbers of the two parts; None for the latter likewise.
    rounds, patience
        At most so many rounds, and at most so many after the best one.
    hopeless
        Asked after each round, see `dfbench.models.base.Hopeless`.

    Returns
    -------
    tuple
        A booster over all columns, and the number of its best round, from 0.

    Raises
    ------
    GivenUp
        If ``hopeless`` says so.
    """
    import xgboost

    outputs = settings.get("num_class", 1)
    # two classes begin at their shares; several at equal scores, for which any number does
    share = float(np.mean(y)) if outputs == 1 else 0.5
    start = float(np.log(share / (1 - share))) if outputs == 1 else share
    booster = xgboost.Booster(
        {
            **settings,
            "base_score": share,
            "colsample_bytree": min(1.0, settings["colsample_bytree"] * len(sets)),
        },
        [matrix for pair in pairs for matrix in pair if matrix is not None],
    )
    known = np.full((len(y), outputs), start, dtype=np.float64)
    on_val = np.full((0 if y_val is None else len(y_val), outputs), start, dtype=np.float64)
    lowest, best = np.inf, 0
    for done in range(rounds):
        # the booster's own scores would take each column for that of the same place in other sets
        train, valid = pairs[done % len(pairs)]
        gradient, hessian = _derivatives(known, y)
        booster.boost(train, done, grad=gradient, hess=hessian)
        for scores, matrix in ((known, train), (on_val, valid)):
            if matrix is None:
                continue
            new = booster.predict(matrix, output_margin=True, iteration_range=(done, done + 1))
            scores += new.reshape(scores.shape) - start
        if y_val is None:
            best = done
            continue
        loss = _log_loss(on_val, y_val)
        if hopeless is not None and hopeless(done + 1, loss):
            raise GivenUp
        if loss < lowest:
            lowest, best = loss, done
        elif done - best >= patience:
            break
    return _joined(booster, settings, sets, outputs), best


def _proba(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give probabilities, shape (n, K), of log odds (n, 1) or of scores of each class (n, K)."""
    if scores.shape[1] == 1:
        scores = np.column_stack([np.zeros(len(scores)), scores])
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    proba: NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
    return proba


def _derivatives(
    scores: NDArray[np.float64], y: Labels
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give those of the log loss by the scores, as xgboost's objectives take them."""
    proba = _proba(scores)
    gradient = proba.copy()
    gradient[np.arange(len(y)), y] -= 1
    hessian = np.maximum(proba * (1 - proba), 1e-16)
    if scores.shape[1] == 1:
        gradient, hessian = gradient[:, 1:], hessian[:, 1:]
    else:
        hessian = 2 * hessian  # xgboost's bound of the softmax's second derivatives
    return gradient.astype(np.float32), hessian.astype(np.float32)


def _log_loss(scores: NDArray[np.float64], y: Labels) -> float:
    proba = _proba(scores)[np.arange(len(y)), y]
    return float(-np.log(np.maximum(proba, 1e-16)).mean())


def _joined(
    booster: Any, settings: Mapping[str, Any], sets: Sequence[Columns], outputs: int
) -> Any:
    """Give the booster with the numbers that its columns have among all."""
    import xgboost

    n_columns = len(np.unique(np.concatenate(sets)))
    content: Any = json.loads(bytes(booster.save_raw("json")))
    learner = content["learner"]
    learner["learner_model_param"]["num_feature"] = str(n_columns)
    for number, tree in enumerate(learner["gradient_booster"]["model"]["trees"]):
        columns = sets[number // outputs % len(sets)]
        # leaves have number 0, and nobody asks for it
        tree["split_indices"] = columns[tree["split_indices"]].tolist()
        tree["tree_param"]["num_feature"] = str(n_columns)
    whole = xgboost.Booster({name: settings[name] for name in ("device", "nthread")})
    whole.load_model(bytearray(json.dumps(content).encode()))
    return whole
