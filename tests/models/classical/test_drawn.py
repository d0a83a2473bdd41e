"""Features that trees draw: of all alike, or of each extractor about as many."""

import numpy as np
import pytest
import xgboost

from dfbench.models.classical.xgboost import XGBoost

WIDTHS = (4, 396)
SETTINGS = {"colsample_bytree": 0.02, "subsample": 1.0, "n_estimators": 30, "patience": 1_000}


def data(n=200, seed=0):
    """The first columns tell a little, and so do some of the many others."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    X = rng.standard_normal((n, sum(WIDTHS))).astype(np.float32)
    X[:, [0, 1, 2, 3, 100, 200]] += 0.5 * y[:, None]
    return X, y


def fitted(widths=WIDTHS, **params):
    X, y = data()
    model = XGBoost(n_classes=2, seed=3, **SETTINGS, **params)
    model.blocks = widths
    return model.fit(X, y, X, y)


def used(model):
    """Give the share of splits by columns of the narrow block."""
    counts = model._booster.get_score(importance_type="weight")
    own = sum(n for name, n in counts.items() if int(name[1:]) < WIDTHS[0])
    return own / sum(counts.values())


@pytest.mark.parametrize("column_sets", [1, 3])
def test_a_narrow_block_is_heard_beside_a_wide_one(column_sets):
    width, equal = (fitted(drawn=its, column_sets=column_sets) for its in ("width", "equal"))
    assert used(width) < 0.1
    assert used(equal) > 0.15


def test_it_is_the_library_with_weights_of_features():
    model = fitted(drawn="equal", column_sets=1)
    X, y = data()
    train = xgboost.QuantileDMatrix(X, y, max_bin=32, nthread=1)
    train.set_info(feature_weights=np.repeat(1 / np.array(WIDTHS), WIDTHS))
    known = {name: model.params[name] for name in ("learning_rate", "max_depth", "max_bin")}
    known |= {"min_child_weight": 1.0, "reg_lambda": 1.0, "tree_method": "hist", "nthread": 1}
    known |= {"colsample_bytree": 0.02, "subsample": 1.0, "objective": "binary:logistic", "seed": 3}
    plain = xgboost.train(known, train, num_boost_round=model.best_iteration + 1)
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], plain.inplace_predict(X), atol=1e-6)


@pytest.mark.parametrize("widths", [(), (400,), (4, 4)])
def test_without_several_blocks_all_are_alike(widths):
    X, _ = data()
    plain = fitted(widths=widths, drawn="width")
    np.testing.assert_array_equal(
        fitted(widths=widths, drawn="equal").predict_proba(X), plain.predict_proba(X)
    )


def test_a_refit_draws_in_the_same_way():
    chosen = fitted(drawn="equal")
    X, y = data(300, seed=1)
    model = XGBoost(n_classes=2, seed=3, **chosen.params)
    model.blocks = WIDTHS
    assert used(model.refit(chosen, X, y)) > 0.3
