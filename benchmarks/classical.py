"""Time the classical models beside the plain libraries, and hold their scores against theirs.

    python benchmarks/classical.py [--images 20000] [--features 120] [--queries 6000] [--classes 2]
        [--threads 1] [--rounds 3] [--only svm knn xgboost tuning] [--trials 8]
        [--tuned svm knn kernel-ridge xgboost]

The data are made: classes of normal deviates around centres that lie close together. Each round
runs all of a kind one after another, so that a machine that slows down slows all of them. Times
are of the processor, in seconds, the median of the rounds; the ratio is to the first of a kind.

`svm` of dfbench includes the calibration of its probabilities, three more machines; the peers give
decision values alone. scikit-learn-intelex stands there where it is installed.
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from dfbench.models.selection.problem import Problem
from dfbench.models.selection.tuning import Budget, tune
from dfbench.registry import MODELS, Registry


def made(n: int, d: int, k: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Make n rows of k classes, at the same centres whatever the seed."""
    y = np.arange(n) % k
    centres = 2 * np.random.default_rng(7).standard_normal((k, d)) / np.sqrt(d)
    rows = np.random.default_rng(seed).standard_normal((n, d)) + centres[y]
    return rows.astype(np.float32), y


def auc(y: NDArray[np.int64], scores: NDArray[Any]) -> float:
    """Area under the ROC curve; of several classes the mean, one against the rest."""
    if scores.ndim == 1:
        return float(roc_auc_score(y, scores))
    wanted = [1] if scores.shape[1] == 2 else range(scores.shape[1])
    return float(np.mean([roc_auc_score(y == c, scores[:, c]) for c in wanted]))


class Bench:
    """The data, and what is timed on them."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        sizes = (given.images, given.queries, given.queries)
        parts = [made(n, given.features, given.classes, seed) for seed, n in enumerate(sizes)]
        (self.X, self.y), (self.V, self.v), (self.Z, self.z) = parts

    def ours(self, name: str, **params: Any) -> Callable[[], Any]:
        """Give a fit of one of dfbench's models."""
        model_class = Registry(MODELS).get(name).load()
        for library in model_class.libraries:
            importlib.import_module(library)
        threads, k = self.given.threads, self.given.classes

        def fit() -> Any:
            model = model_class(n_classes=k, n_threads=threads, **params)
            return model.fit(self.X, self.y, self.V, self.v).predict_proba

        model_class(n_classes=k).fit(self.X[:200], self.y[:200], self.V, self.v)  # compiles
        return fit

    def svm(self) -> dict[str, Callable[[], Any]]:
        """Machines of equal parameters."""
        from sklearn.svm import SVC

        options = {"C": 3.0, "gamma": 1 / self.given.features, "cache_size": 500}
        found = {
            "scikit-learn SVC": lambda: SVC(**options).fit(self.X, self.y).decision_function,
            "dfbench svm": self.ours("svm", C=3.0, gamma=1.0, arcsinh=False),
        }
        try:
            import daal4py
            from sklearnex.svm import SVC as Fast
        except ImportError:
            return found
        daal4py.daalinit(self.given.threads)
        found["scikit-learn-intelex SVC"] = lambda: (
            Fast(**options).fit(self.X, self.y).decision_function
        )
        return found

    def knn(self) -> dict[str, Callable[[], Any]]:
        """Eleven neighbours, by either distance."""
        from sklearn.neighbors import KNeighborsClassifier

        def plain(metric: str) -> Callable[[], Any]:
            machine = KNeighborsClassifier(
                11, weights="distance", metric=metric, algorithm="brute", n_jobs=self.given.threads
            )
            return lambda: machine.fit(self.X.astype(np.float64), self.y).predict_proba

        return {
            "scikit-learn manhattan": plain("manhattan"),
            "dfbench manhattan": self.ours("knn", scaling="none"),
            "scikit-learn euclidean": plain("euclidean"),
            "dfbench euclidean": self.ours("knn", metric="euclidean", scaling="none"),
        }

    def xgboost(self) -> dict[str, Callable[[], Any]]:
        """Boosted trees of dfbench's defaults."""
        import xgboost

        ours = self.ours("xgboost")
        params = dict(Registry(MODELS).get("xgboost").load().defaults())
        rounds, patience = params.pop("n_estimators"), params.pop("patience")
        k = self.given.classes
        several = {"objective": "multi:softprob", "num_class": k}
        params |= {"objective": "binary:logistic"} if k == 2 else several
        params |= {"tree_method": "hist", "nthread": self.given.threads, "verbosity": 0}

        def plain() -> Any:
            valid = xgboost.DMatrix(self.V, self.v)
            booster = xgboost.train(
                params,
                xgboost.DMatrix(self.X, self.y),
                num_boost_round=rounds,
                evals=[(valid, "valid")],
                early_stopping_rounds=patience,
                verbose_eval=False,
            )
            return booster.inplace_predict

        return {"xgboost.train": plain, "dfbench xgboost": ours}

    def tuning(self) -> dict[str, Callable[[], Any]]:
        """Tune each model, and fit it as many times with the defaults."""
        found: dict[str, Callable[[], Any]] = {}
        for name in self.given.tuned:
            model_class = Registry(MODELS).get(name).load()
            lone = self.ours(name)

            def fits(lone: Callable[[], Any] = lone) -> Any:
                for _ in range(self.given.trials):
                    scores = lone()
                    scores(self.V)
                return scores

            def study(model_class: Any = model_class) -> Any:
                problem = Problem(
                    model_class, self.X, self.y, self.V, self.v,
                    n_classes=self.given.classes, seed=0, n_threads=self.given.threads,
                )  # fmt: skip
                return tune(problem, Budget(self.given.trials)).model.predict_proba

            found[f"{name}: {self.given.trials} fits"] = fits
            found[f"{name}: a study"] = study
        return found

    def run(self, kind: str) -> None:
        """Time all of a kind and print a table."""
        entries = getattr(self, kind)()
        fits: dict[str, list[float]] = {name: [] for name in entries}
        predictions: dict[str, list[float]] = {name: [] for name in entries}
        reached: dict[str, float] = {}
        for _ in range(self.given.rounds):
            for name, fit in entries.items():
                with threadpool_limits(self.given.threads):
                    start = time.process_time()
                    predict = fit()
                    between = time.process_time()
                    scores = predict(self.Z)
                    end = time.process_time()
                fits[name].append(between - start)
                predictions[name].append(end - between)
                reached[name] = auc(self.z, np.asarray(scores))
        first = next(iter(entries))
        print(f"\n{kind}: {len(self.X)} x {self.X.shape[1]}, {self.given.classes} classes")
        print(f"{'':28}{'fit s':>9}{'ratio':>8}{'predict s':>11}{'ratio':>8}{'ROC AUC':>9}")
        for name in entries:
            fit_s, predict_s = median(fits[name]), median(predictions[name])
            print(
                f"{name:28}{fit_s:9.2f}{fit_s / median(fits[first]):8.2f}"
                f"{predict_s:11.3f}{predict_s / median(predictions[first]):8.2f}"
                f"{reached[name]:9.4f}"
            )


def main() -> None:
    """Read the command line and run what it asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--features", type=int, default=120)
    parser.add_argument("--queries", type=int, default=6_000)
    parser.add_argument("--classes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=8)
    models = ("svm", "knn", "kernel-ridge", "xgboost")
    parser.add_argument("--tuned", nargs="+", choices=models, default=models)
    kinds = ("svm", "knn", "xgboost", "tuning")
    parser.add_argument("--only", nargs="+", choices=kinds, default=kinds[:3])
    given = parser.parse_args()
    bench = Bench(given)
    for kind in given.only:
        bench.run(kind)


if __name__ == "__main__":
    main()
