"""What is kept of a fitted model gives its scores again, and nothing else is loaded."""

from __future__ import annotations

import copy
import io
import os
import pickle
import subprocess
import sys
import time
import zipfile
from typing import Any

import numpy as np
import pytest

from dfbench.errors import DfbenchError
from dfbench.models import kept
from dfbench.models.base import Both, Model
from dfbench.models.classical.estimator import Estimator
from dfbench.models.kept import Kept, KeptError
from dfbench.registry import MODELS, Registry


def data(n: int, n_classes: int = 2, width: int = 12) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    y = np.arange(n) % n_classes
    X = rng.normal(size=(n, width)).astype(np.float32)
    X[:, 0] += y
    X[:, 3] = 7.0  # a feature that never varies
    return X, y.astype(np.int64)


def again(model: Model) -> Model:
    """Make a model of what was kept, as another process would."""
    fresh = type(model)(n_classes=model.n_classes, seed=model.seed, **model.params)
    fresh.blocks = model.blocks
    return fresh.restore(model.keep())


def fitted(name: str, n_classes: int, **params: Any) -> tuple[Model, np.ndarray]:
    model = Registry(MODELS).get(name).load()(n_classes=n_classes, seed=3, **params)
    model.blocks = (5, 7)
    X, y = data(60, n_classes)
    model.fit(X, y, *data(30, n_classes))
    return model, data(25, n_classes)[0]


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("knn", {"metric": "cosine"}),
        ("knn", {"metric": "euclidean", "scaling": "none", "weights": "uniform"}),
        ("svm", {}),
        ("svm", {"solver": "nystroem", "landmarks": 20}),
        ("kernel-ridge", {}),
        ("kernel-ridge", {"solver": "nystroem", "landmarks": 20, "arcsinh": False}),
        ("xgboost", {"n_estimators": 20}),
    ],
)
def test_a_model_of_vectors_gives_its_scores_again(
    name: str, params: dict[str, Any], n_classes: int
) -> None:
    model, X = fitted(name, n_classes, **params)
    loaded = again(model)
    np.testing.assert_allclose(loaded.predict_proba(X), model.predict_proba(X), atol=1e-12)
    # one image alone, and in another order
    one = np.vstack([loaded.predict_proba(X[i : i + 1]) for i in range(len(X))])
    np.testing.assert_allclose(one, model.predict_proba(X), atol=1e-9)


def test_a_class_with_one_image_leaves_no_fold_and_is_kept_too() -> None:
    model = Registry(MODELS).get("svm").load()(n_classes=2)
    X, y = data(30)
    y[:] = 0
    y[4] = 1
    model.fit(X, y, X, y)
    np.testing.assert_allclose(again(model).predict_proba(X), model.predict_proba(X), atol=1e-12)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("cnn-2conv", {"image_size": 32}),
        ("hybrid-hsv-cnn", {"image_size": 32, "scale_features": "standard", "channels": [4] * 5}),
        ("hybrid-hsv-cnn", {"image_size": 32, "channels": [4] * 5}),
        ("vit-small", {"image_size": 32}),
        ("residual-cnn", {"image_size": 32, "crop": 24, "widths": [8, 16]}),
        ("npr", {"image_size": 32, "crop": 24, "width": 4, "depth": [1]}),
        ("dct-cnn", {"image_size": 32, "crop": 24, "crops": 2}),
        ("gram-net", {"image_size": 32, "crop": 24, "width": 4, "depth": [1, 1], "gram": 4}),
        ("finetune", {"image_size": 32, "backbone": "resnet10t", "weights": "random"}),
        (
            "frozen",
            {"image_size": 32, "backbone": "resnet10t", "weights": "random", "head": [8]},
        ),
    ],
)
def test_a_network_gives_its_scores_again(name: str, params: dict[str, Any]) -> None:
    model = (
        Registry(MODELS)
        .get(name)
        .load()(n_classes=2, seed=1, **{"epochs": 1, "batch_size": 8, **params})
    )
    rng = np.random.default_rng(0)

    def images(n: int) -> Any:
        pixels = rng.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
        return Both(pixels, data(n, width=6)[0]) if model.inputs == "both" else pixels

    X, X_val, X_new = images(16), images(8), images(19)
    model.fit(X, np.arange(16) % 2, X_val, np.arange(8) % 2)
    loaded = again(model)
    expected = model.predict_proba(X_new)
    np.testing.assert_array_equal(loaded.predict_proba(X_new), expected)
    # what stands beside an image does not count, to the last bit
    order = rng.permutation(19)
    np.testing.assert_array_equal(loaded.predict_proba(X_new[order]), expected[order])
    np.testing.assert_array_equal(loaded.predict_proba(X_new[3:4]), expected[3:4])
    assert loaded.embed(X_new).shape[0] == 19


def test_weights_of_another_network_are_refused() -> None:
    make = Registry(MODELS).get("cnn-2conv").load()
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    small = make(n_classes=2, image_size=32, epochs=1, batch_size=8)
    small.fit(X, np.arange(8) % 2, X, np.arange(8) % 2)
    large = make(n_classes=3, image_size=32)
    with pytest.raises(KeptError, match="do not fit cnn-2conv"):
        large.restore(small.keep())


class _Thing:
    def __init__(self) -> None:
        self.value = 3


class _Odd(Estimator):
    """What an author who knows nothing of keeping writes."""

    name = "odd"

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        return {"depth": 3}

    @classmethod
    def suggest(cls, trial: Any, task: Any) -> dict[str, Any]:
        return {}

    def _fit(self, X: np.ndarray, y: np.ndarray) -> None:
        from sklearn.linear_model import LogisticRegression

        self._machine = LogisticRegression().fit(X, y)
        if self.params["depth"] > 3:
            self._thing = _Thing()

    def _proba(self, X: np.ndarray) -> np.ndarray:
        return self._machine.predict_proba(X)


def test_a_model_of_somebody_else_is_kept_as_it_is() -> None:
    model = _Odd(n_classes=2).fit(*data(40), *data(20))
    X = data(10)[0]
    np.testing.assert_array_equal(again(model).predict_proba(X), model.predict_proba(X))


def test_types_that_are_not_trusted_are_refused_by_name() -> None:
    model = _Odd(n_classes=2, depth=5).fit(*data(40), *data(20))
    with pytest.raises(KeptError, match=r"not trusted: .*_Thing; nothing of it was loaded"):
        again(model)


class _Trusting(_Odd):
    trusted = (f"{_Thing.__module__}._Thing",)


def test_a_model_names_the_types_that_it_trusts() -> None:
    model = _Trusting(n_classes=2, depth=5).fit(*data(40), *data(20))
    assert again(model)._thing.value == 3


def test_estimators_of_scikit_learn_are_trusted_and_nothing_else_of_it() -> None:
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import FunctionTransformer

    X, y = data(30)
    held = kept.loads(kept.dumps({"pca": PCA(3).fit(X), "y": y, "n": 3, "t": (1.5, "a")}), ())
    np.testing.assert_array_equal(held["y"], y)
    assert (held["n"], held["t"]) == (3, (1.5, "a"))
    with pytest.raises(KeptError, match=r"not trusted: .*system"):
        kept.loads(kept.dumps({"f": FunctionTransformer(os.system)}), ())


def test_a_pickle_is_not_loaded(tmp_path: Any) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "made"),)

    for content in (pickle.dumps(Bomb()), b"", b"PK\x03\x04", os.urandom(200)):
        with pytest.raises(KeptError):
            kept.loads(content, ())
    model, _ = fitted("knn", 2)
    with pytest.raises(KeptError):
        model.restore(Kept({"held.skops": pickle.dumps(Bomb())}))
    assert not (tmp_path / "made").exists()


def test_what_is_compressed_is_refused() -> None:
    content = kept.dumps({"zeros": np.zeros(100_000)})
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(packed, "w") as new:
        for each in old.infolist():
            new.writestr(each.filename, old.read(each), zipfile.ZIP_DEFLATED)
    assert len(packed.getvalue()) < len(content) / 100
    with pytest.raises(KeptError, match="holds a packed file"):
        kept.loads(packed.getvalue(), ())


def test_a_file_that_is_not_there_is_named() -> None:
    for name in ("knn", "xgboost", "cnn-2conv"):
        model = Registry(MODELS).get(name).load()(n_classes=2)
        with pytest.raises(DfbenchError, match="holds no"):
            model.restore(Kept({}, {"n_features": 0, "best_iteration": 0}))


def test_skops_is_loaded_without_torch_and_left_whole_for_others() -> None:
    code = (
        "import sys; from dfbench.models import kept;"
        "kept.loads(kept.dumps({'a': 1}), ());"
        "assert 'torch' not in sys.modules;"
        "import skops.io, sklearn.utils;"
        "assert len(skops.io._trusted_types.SKLEARN_ESTIMATOR_TYPE_NAMES) > 50;"
        "assert len(sklearn.utils.all_estimators()) > 50;"
        "kept.loads(kept.dumps({'a': 1}), ())"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def rewritten(model: Model, **changed: Any) -> Kept:
    """Give what was kept of a model, with some of it changed by whoever passed it on."""
    held = {name: value for name, value in vars(model).items() if name.startswith("_")}
    return Kept({"held.skops": kept.dumps({**held, **changed})})


@pytest.mark.parametrize(
    "changed",
    [
        {"predict_proba": 3},
        {"n_threads": 10**9},
        {"params": {}},
        {"_classes": np.array([0, 10**12])},
        {"_classes": np.array([1, 0])},
        {"_rows": "none"},
    ],
)
def test_what_no_fit_sets_is_refused(changed: dict[str, Any]) -> None:
    model, _ = fitted("knn", 2)
    with pytest.raises(KeptError):
        type(model)(n_classes=2).restore(rewritten(model, **changed))


def test_arrays_of_nearest_neighbours_belong_together() -> None:
    model, X = fitted("knn", 2)
    for changed in (
        {"_members": np.full(60, 10**9)},
        {"_members": np.zeros(59, np.int64)},
        {"_rows": model._rows[:, :5]},
        {"_rows": model._rows.astype(np.float64)},
        {"_lengths": model._lengths[:3]},
        {"_mean": model._mean[:1]},
        {"_factor": model._factor * np.nan},
    ):
        with pytest.raises(KeptError, match="not what"):
            type(model)(n_classes=2).restore(rewritten(model, **changed))
    # one column is not stretched to as many as compiled code then asks for
    narrow = {"_rows": model._rows[:, :1].copy(), "_mean": np.zeros(1), "_factor": np.ones(1)}
    loaded = type(model)(n_classes=2).restore(rewritten(model, **narrow))
    with pytest.raises(ValueError, match="1 features are needed, not 12"):
        loaded.predict_proba(X)


@pytest.mark.parametrize("solver", ["exact", "nystroem"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_arrays_of_a_support_vector_machine_belong_together(solver: str, n_classes: int) -> None:
    model, _ = fitted("svm", n_classes, solver=solver, landmarks=20)
    fresh = type(model)(n_classes=n_classes, solver=solver)
    own = {"weights": model.weights}
    fresh.restore(rewritten(model, **own))
    for changed in (
        {"_vectors": model._vectors[1:]},
        {"_vectors": model._vectors[:, :3]},
        {"_weights": model._weights[:, :0]},
        {"_intercepts": np.zeros(7)},
        {"_sigmoids": np.zeros((2, 2))},
        {"_gamma": "1"},
        {"_gamma": float("nan")},
        {"_gamma": -1.0},
        {"_scale": 1.0},
        {"weights": -model.weights},
        {"weights": np.ones(3)},
    ):
        with pytest.raises(KeptError, match="not what"):
            type(model)(n_classes=n_classes, solver=solver).restore(
                rewritten(model, **own | changed)
            )


def test_a_kernel_ridge_of_before_is_taken_up_by_the_name_that_its_scale_had() -> None:
    model, X = fitted("kernel-ridge", 2)
    now, before = io.BytesIO(model.keep().file("held.skops")), io.BytesIO()
    with zipfile.ZipFile(now) as its, zipfile.ZipFile(before, "w") as other:
        for name in its.namelist():
            content = its.read(name)
            if name == "schema.json":
                content = content.replace(b'"BlockScale"', b'"_Scale"')
                content = content.replace(b"classical.common.weighting", b"classical.kernel_ridge")
                assert b'"_Scale"' in content
            other.writestr(name, content)
    loaded = type(model)(n_classes=2).restore(Kept({"held.skops": before.getvalue()}))
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_arrays_of_a_kernel_ridge_belong_together(n_classes: int) -> None:
    model, _ = fitted("kernel-ridge", n_classes)
    own = {"weights": model.weights}
    type(model)(n_classes=n_classes).restore(rewritten(model, **own))

    def scale(**changed: Any) -> Any:
        its = copy.copy(model._scale)
        vars(its).update(changed)
        return its

    def logistic(**changed: Any) -> Any:
        its = copy.copy(model._logistic)
        vars(its).update(changed)
        return its

    for changed in (
        {"_rows": model._rows[1:]},
        {"_rows": model._rows[:, 1:]},
        {"_dual": model._dual[:, :1]},
        {"_gamma": float("nan")},
        {"_unit": 0.0},
        {"weights": -model.weights},
        {"_scale": 1.0},
        {"_scale": scale(_widths=(10**13,))},
        {"_scale": scale(_norms=model._scale._norms[1:])},
        {"_scale": scale(_steps=model._scale._steps[1:])},
        {"_logistic": logistic(coef_=np.ones((9, 9)))},
        {"_logistic": logistic(intercept_=np.full(3, np.nan))},
        {"_logistic": logistic(classes_=np.arange(9))},
    ):
        with pytest.raises(KeptError, match="not what"):
            type(model)(n_classes=n_classes).restore(rewritten(model, **own | changed))


def test_built_in_models_hold_no_other_estimators() -> None:
    from sklearn.svm import SVC

    for name in ("knn", "svm"):
        model, _ = fitted(name, 2)
        with pytest.raises(KeptError, match=r"not trusted: sklearn\.svm\._classes\.SVC"):
            type(model)(n_classes=2).restore(rewritten(model, _rows=SVC().fit(*data(60))))


@pytest.mark.parametrize("year", [1909, 2130])
def test_no_clock_loses_a_model(year: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive holds the years 1980 to 2107 alone."""
    then = time.time() + (year - time.gmtime().tm_year) * 365.25 * 86_400
    monkeypatch.setattr(time, "time", lambda: then)
    written = kept.dumps({"a": np.arange(3)})
    with zipfile.ZipFile(io.BytesIO(written)) as archive:
        assert {each.date_time[0] for each in archive.infolist()} == {1980}
    assert kept.loads(written, [])["a"].tolist() == [0, 1, 2]
