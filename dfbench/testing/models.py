"""The checks of a model, over features or images."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import DfbenchError, UnavailableError, UnknownNameError, let_stop
from dfbench.models.base import Both, Labels, Model, Task
from dfbench.models.brought.estimator import Brought
from dfbench.models.kept import Kept, KeptError
from dfbench.testing import samples
from dfbench.testing.checks import Beside, Broken, Check, Doubtful, worded
from dfbench.testing.conduct import check_leftover, check_random
from dfbench.testing.watching import noted_seeds, place_of_error, seeded, watched

SAME = 1e-6
"""How far apart scores may lie that are to be the same."""
_REVERSED = 0.1
"""ROC AUC of a planted signal up to which scores are the wrong way round, and not only poor."""
_TESTED = {"sklearn", "xgboost", "lightgbm", "catboost"}
"""Packages whose own tests hold them to scikit-learn's rules, or say where they differ."""
_N = 120
"""Training images."""


class Tried:
    """A model that is tried on a planted signal.

    Parameters
    ----------
    target
        Subclass of `Model`.
    params
        Parameters that are not the defaults.
    own
        File that it is defined in.
    say
        Told what is under way, for the case that it never comes back.
    quick
        Whether as little as can be is repeated.
    """

    n_train = _N

    def __init__(
        self,
        target: type[Model],
        params: dict[str, Any],
        own: Path,
        say: Callable[[str], None],
        *,
        quick: bool = False,
    ) -> None:
        self.target, self.params, self.own, self.say = target, params, own, say
        self.quick = quick
        self.facts: dict[str, float] = {}
        self.mute = False
        """Whether it breaks where it is asked for scores."""
        self._fitted: Model | None = None
        target.check_available({**target.defaults(), **params})

    def data(self, n: int, *, seed: int, classes: Sequence[int] = (0, 1)) -> tuple[Any, Labels]:
        """Draw images or features, as the model takes them, and their labels."""
        X, y = samples.planted(n, seed=seed, classes=classes)
        if self.target.inputs == "features":
            return X, y
        side = self.target.image_side({**self.target.defaults(), **self.params})
        images = samples.bright(y, side, seed=seed, n_classes=max(classes) + 1)
        return (images if self.target.inputs == "images" else Both(images, X)), y

    def make(self, *, n_classes: int = 2, seed: int = 0, **params: Any) -> Model:
        """Make one that is not fitted."""
        return self.target(n_classes=n_classes, seed=seed, **{**self.params, **params})

    def fit(
        self,
        model: Model,
        train: tuple[Any, Labels],
        tune: tuple[Any, Labels],
        what: str = "planted data",
    ) -> Model:
        """Fit it; what it raises is told with its place."""
        self.say(f"fitting on {what}")
        return self._call(lambda: model.fit(*train, *tune), f"fitting on {what}")  # type: ignore[no-any-return]

    def scores(self, model: Model, X: Any, what: str = "planted data") -> NDArray[np.float64]:
        """Give the scores of images."""
        if self.mute:
            raise Beside("it gives no scores")
        self.say(f"scoring {what}")
        found = self._call(lambda: model.predict_proba(X), f"scoring {what}")
        return np.array(found, dtype=np.float64)

    def _call(self, work: Callable[[], Any], what: str) -> Any:
        try:
            with watched(self.own), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return work()
        except UnavailableError:
            raise
        except BaseException as error:
            let_stop(error)
            where = place_of_error(error, self.own)
            raise Broken(f"{worded(error)}, {what}", where=where) from error

    def parts(self, seed: int = 0) -> tuple[tuple[Any, Labels], tuple[Any, Labels]]:
        """Give a training and a tuning part."""
        return self.data(self.n_train, seed=seed), self.data(self.n_train // 2, seed=seed + 1)

    def once(self) -> None:
        """Let it be fitted."""
        self.fit(self.make(), *self.parts())

    @property
    def fitted(self) -> Model:
        """One that was fitted on a planted signal, once for several checks."""
        if self._fitted is None:
            self._fitted = self.fit(self.make(), *self.parts())
        return self._fitted

    def unseen(self, n: int = 0) -> tuple[Any, Labels]:
        """Give images that it was not fitted on."""
        return self.data(n or self.n_train, seed=100)


def auc(y: Labels, scores: NDArray[Any]) -> float:
    """Area under the ROC curve of class 1."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(y, scores))


def _runs(its: Tried) -> None:
    assert its.fitted is not None


def _shape(its: Tried) -> None:
    X, y = its.unseen()
    check_shape(its.scores(its.fitted, X), len(y), 2)


def check_shape(found: NDArray[Any], n: int, n_classes: int) -> None:
    """Raise `Broken` where scores are no row an image and no column a class."""
    if found.shape != (n, n_classes):
        raise Broken(
            f"gives scores of shape {found.shape} for {n} images and {n_classes} classes, where "
            f"({n}, {n_classes}) is wanted"
        )


def _scores(its: Tried) -> None:
    X, _ = its.unseen()
    try:
        found = its.scores(its.fitted, X)
    except Broken:
        its.mute = True
        raise
    check_scores(found)
    far = X * 10 if its.target.inputs == "features" else X
    check_scores(its.scores(its.fitted, far, "images unlike all others"), "of images unlike others")


def check_finite(found: NDArray[Any], whose: str) -> None:
    """Raise `Broken` where scores are not finite."""
    if not np.isfinite(found).all():
        raise Broken(f"gives scores {whose} that are not finite".replace("  ", " "))


def check_scores(found: NDArray[Any], whose: str = "") -> None:
    """Raise `Broken` where scores are no probabilities."""
    check_finite(found, whose)
    whose = f" {whose}" if whose else ""
    if (found < -SAME).any():
        raise Broken(f"gives scores{whose} below 0 ({found.min():.3g})")
    sums = found.sum(axis=1)
    worst = int(np.abs(sums - 1).argmax())
    if abs(sums[worst] - 1) > 1e-3:
        raise Broken(f"gives scores{whose} that do not sum to 1: {sums[worst]:.5g} for an image")


def _signal(its: Tried) -> None:
    X, y = its.unseen()
    found = auc(y, its.scores(its.fitted, X)[:, -1])
    if _REVERSED < found < 0.75:
        raise Broken(
            f"does not learn to tell two classes apart that lie far apart: ROC AUC {found:.2f}"
        )


def _polarity(its: Tried) -> None:
    X, y = its.unseen()
    found = auc(y, its.scores(its.fitted, X)[:, -1])
    if found <= _REVERSED:
        raise Broken(f"gives the second class low scores where it is: ROC AUC {found:.2f}")


def _classes(its: Tried) -> None:
    X, y = its.data(its.n_train, seed=100, classes=(0, 1, 2))
    cases = {"all three": (0, 1, 2), "0 and 2 alone": (0, 2), "1 and 2 alone": (1, 2)}
    for what, there in cases.items():
        train = its.data(its.n_train // 2, seed=5, classes=there)
        tune = its.data(its.n_train // 2, seed=6, classes=(0, 1, 2))
        told = f"3 classes, of which the training part holds {what}"
        model = its.fit(its.make(n_classes=3), train, tune, told)
        found = its.scores(model, X, told)
        if found.shape != (len(y), 3):
            raise Broken(
                f"gives {found.shape[-1]} scores an image where there are 3 classes, of which the "
                f"training part holds {what}"
            )
        check_finite(found, f"where the training part holds {what}")
        for k in there:
            rows = np.isin(y, there)
            tells = [auc((y[rows] == k).astype(int), found[rows, j]) for j in range(3)]
            if tells[k] < 0.6 and max(tells) > 0.8:
                raise Broken(
                    f"gives the scores of class {k} in the column of class "
                    f"{int(np.argmax(tells))}, where the training part holds {what}"
                )


def _seed(its: Tried) -> None:
    X, _ = its.unseen()
    found = []
    for chance in (1, 2):
        with seeded(chance):
            model = its.fit(its.make(seed=3), *its.parts())
            found.append(its.scores(model, X))
    if found[0].shape != found[1].shape:
        raise Broken("gives scores of another shape when it is fitted again")
    apart = float(np.abs(found[0] - found[1]).max())
    if not apart <= SAME:
        raise Broken(
            f"ignores its seed: fitted twice with the same one, scores differ by up to {apart:.2g}"
        )
    if its.target.inputs != "features":
        return  # another training would take too long
    taken, parts = [], its.parts()
    for seed in (3, 4):
        with noted_seeds() as seeds:
            its.fit(its.make(seed=seed), *parts)
        taken.append(list(seeds))
    if taken[0] and taken[0] == taken[1]:
        raise Doubtful(
            f"ignores its seed: takes one of its own instead ({taken[0][0]}), so that runs with "
            "other seeds tell nothing of chance"
        )


def _state(its: Tried) -> None:
    X, _ = its.unseen()
    first = its.scores(its.fitted, X)
    with seeded(5):
        again = its.scores(its.fitted, X)
    apart = float(np.abs(first - again).max())
    if not apart <= SAME:
        raise Broken(f"gives other scores when it is asked again: by up to {apart:.2g}")


def _batch(its: Tried) -> None:
    X, _ = its.unseen()
    together = its.scores(its.fitted, X)
    order = np.random.default_rng(0).permutation(len(X))[: len(X) // 2]
    for what, rows in {"alone": order[:1], "among others": order}.items():
        apart = float(
            np.abs(its.scores(its.fitted, X[rows], f"images {what}") - together[rows]).max()
        )
        if not apart <= 1e-4:
            raise Broken(
                f"gives an image another score {what} than in the whole test part: by up to "
                f"{apart:.2g}"
            )


def _validation(its: Tried) -> None:
    if its.target.inputs != "features":
        raise Beside("told of models over features alone")
    rng = np.random.default_rng(8)
    train = its.data(its.n_train, seed=0)
    X, _ = its.data(4 * its.n_train, seed=1)
    # the last feature says nothing in training, and all in the validation part
    X[:, -1] = 3 * rng.normal(size=len(X))
    train[0][:, -1] = 3 * rng.normal(size=len(train[0]))
    rule = (X[:, -1] > 0).astype(np.int64)
    probe, _ = its.unseen(4 * its.n_train)
    probe[:, -1] = 3 * rng.normal(size=len(probe))
    follows = (probe[:, -1] > 0).astype(np.int64)
    found = []
    for labels in (rule, 1 - rule):
        model = its.fit(its.make(), train, (X, labels), "planted data with validation labels")
        found.append(auc(follows, its.scores(model, probe)[:, -1]))
    if found[0] - found[1] > 0.4:
        raise Broken(
            "fits on the validation labels: what these alone say is learned "
            f"(ROC AUC {found[0]:.2f}, and {found[1]:.2f} where they say the opposite)"
        )


def _input(its: Tried) -> None:
    train, tune = its.parts(seed=40)
    X, _ = its.unseen()
    given = [train[0], train[1], tune[0], tune[1], X]
    before = [samples.copy_of(each) for each in given]
    model = its.fit(its.make(), train, tune)
    its.scores(model, X)
    names = ("training part", "training labels", "validation part", "validation labels", "images")
    for name, old, new in zip(names, before, given, strict=True):
        if not samples.same(old, new):
            raise Broken(f"writes into the {name} that it is given")


def _flat(its: Tried) -> None:
    train, tune = its.parts(seed=50)
    X, _ = its.unseen()
    if its.target.inputs != "features":
        raise Beside("told of models over features alone")
    for part in (train[0], tune[0], X):
        part[:, -1] = 0.25
    model = its.fit(its.make(), train, tune, "a feature that is the same for all images")
    check_finite(its.scores(model, X), "where a feature is the same for all images")


def _kept(its: Tried) -> None:
    X, _ = its.unseen()
    model = its.fitted
    its.say("keeping it")
    try:
        kept = model.keep()
    except KeptError as error:
        raise Beside(f"its figures stand, but it cannot be kept: {error.what}") from None
    try:
        plain = json.loads(json.dumps(kept.plain))
    except (TypeError, ValueError):
        raise Broken("keeps what cannot be written as JSON (plain of Kept)") from None
    its.say("loading it again")
    try:
        again = its.make().restore(Kept(kept.files, plain))
    except KeptError as error:
        raise Broken(f"was kept and cannot be loaded: {error.what}") from error
    apart = float(np.abs(its.scores(model, X) - its.scores(again, X, "images, loaded again")).max())
    if not apart <= SAME:
        raise Broken(f"gives other scores after it was kept and loaded: by up to {apart:.2g}")


def _parameters(its: Tried) -> None:
    defaults = its.target.defaults()
    try:
        json.dumps(defaults)
    except (TypeError, ValueError):
        raise Broken("has defaults that cannot be written down as numbers or text") from None
    its.target.check_params(defaults)
    if not (issubclass(its.target, Brought) and its.target.further() is None):
        try:
            its.target.check_params({"no_such_parameter": 1})
        except UnknownNameError:
            pass
        except DfbenchError:
            pass
        else:
            raise Broken(
                "takes a parameter that it does not have without a word",
                advice="let check_params call super().check_params(params)",
            )
    _check_space(its, defaults)


def _check_space(its: Tried, defaults: dict[str, Any]) -> None:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    train, tune = its.parts()
    task = Task(len(train[1]), 6, 2)
    for n in range(5):
        trial = study.ask()
        drawn = its.target.suggest(trial, task)
        strange = sorted(set(drawn) - set(defaults))
        if strange:
            raise Broken(f"draws a parameter that is none of its defaults: {strange[0]}")
        for name, space in trial.distributions.items():
            default = defaults.get(name)
            if n == 0 and name in drawn and default is not None and not _inside(space, default):
                raise Broken(
                    f"draws {name} from {_space(space)}, where its default {default!r} is not",
                    advice="the default is the first trial: let it lie in the space",
                )
        if n < 2 and drawn and not its.quick:
            its.fit(its.make(**drawn), train, tune, f"the drawn parameters {drawn}")
        study.tell(trial, state=optuna.trial.TrialState.FAIL)


def _inside(space: Any, value: Any) -> bool:
    if hasattr(space, "choices"):
        return value in space.choices
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and space.low <= value <= space.high


def _space(space: Any) -> str:
    return f"{list(space.choices)}" if hasattr(space, "choices") else f"{space.low}..{space.high}"


def _random(its: Tried) -> None:
    X, _ = its.unseen()
    check_random(lambda: its.scores(its.fit(its.make(), *its.parts()), X))


def _leftover(its: Tried) -> None:
    X, _ = its.unseen()
    check_leftover(lambda: its.scores(its.fit(its.make(), *its.parts()), X), calls=4)


def _scikit(its: Tried) -> None:
    if not issubclass(its.target, Brought):
        raise Beside("it is no estimator of scikit-learn's interface, but a class of dfbench's")
    estimator = its.target.make(its.params)
    brought = {type(each).__module__.partition(".")[0] for each in _steps(estimator)}
    if brought <= _TESTED:
        raise Beside(f"left to the tests of {' and '.join(sorted(brought))}")
    if "n_jobs" in estimator.get_params():
        estimator.set_params(n_jobs=1)
    from sklearn.utils.estimator_checks import check_estimator

    its.say("scikit-learn's check_estimator")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator, on_skip=None, on_fail=None)
    made = [each for each in results if each["status"] != "skipped"]
    failed = [each for each in made if each["status"] == "failed"]
    if failed:
        names = [each["check_name"] for each in failed]
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        said = " ".join(str(failed[0]["exception"]).split())
        said = said if len(said) < 120 else said[:117] + "..."
        raise Doubtful(
            f"fails {len(failed)} of {len(made)} of scikit-learn's checks: {shown} "
            f"(the first: {said})"
        )


def _steps(estimator: Any) -> list[Any]:
    """Give an estimator and all that it consists of."""
    parts = estimator.get_params(deep=True).values()
    return [estimator, *(each for each in parts if hasattr(each, "get_params"))]


RUNS: Check[Any] = Check(
    "runs",
    "is fitted on planted data",
    "without it there is nothing to look at",
    "try it on two arrays in a Python session",
    _runs,
    vital=True,
)
SHAPE: Check[Any] = Check(
    "shape",
    "gives a row an image and a score a class",
    "scores are stored by image and class",
    "let predict_proba give an array of shape (n, n_classes)",
    _shape,
)
SCORES: Check[Any] = Check(
    "scores",
    "gives scores that are finite, from 0 to 1, and sum to 1",
    "log loss, Brier score and calibration take them for probabilities",
    "divide by their sum: proba / proba.sum(axis=1, keepdims=True)",
    _scores,
)
SIGNAL: Check[Any] = Check(
    "signal",
    "learns a planted signal",
    "a model that learns nothing stands in the table as if the features said nothing",
    "look whether rows and labels stay together, and whether the defaults are sensible",
    _signal,
)
POLARITY: Check[Any] = Check(
    "polarity",
    "gives class k its score in column k",
    "reversed scores turn an AUC of 0.9 into one of 0.1",
    "put the probability of class 1 into column 1: np.column_stack([1 - p, p])",
    _polarity,
)
CLASSES: Check[Any] = Check(
    "classes",
    "keeps all classes, also those that a small training part lacks",
    "a learning curve or a left-out generator leaves classes out: columns would shift",
    "make a column for each of the n_classes, 0 for what training lacks",
    _classes,
)
SEED: Check[Any] = Check(
    "seed",
    "gives the same scores for the same seed",
    "the same command would give other figures, and rows would differ by chance",
    "draw all chance from self.seed (random_state of an estimator)",
    _seed,
)
STATE: Check[Any] = Check(
    "state",
    "gives the same scores when it is asked again",
    "the figures would follow from how often it was asked",
    "let predict_proba change nothing and draw nothing",
    _state,
)
BATCH: Check[Any] = Check(
    "batch",
    "scores each image on its own",
    "what looks at the whole test part knows more of it than a detector in use does",
    "take means and scales from the training part alone",
    _batch,
)
INPUT: Check[Any] = Check(
    "input",
    "leaves what it is given as it was",
    "other trials are fitted on the same arrays",
    "work on X.copy()",
    _input,
)
KEPT: Check[Any] = Check(
    "kept",
    "gives the same scores after it was kept and loaded",
    "a kept model that scores otherwise is refused, and the row has no detector",
    "keep all that fit sets (Model.keep, Model.restore)",
    _kept,
)
PARAMETERS: Check[Any] = Check(
    "parameters",
    "has defaults that can be written down, inside its search space",
    "cells are known by their parameters, and the defaults are the first trial",
    "let suggest draw names of defaults alone, from ranges that hold the defaults",
    _parameters,
)
RANDOM: Check[Any] = Check(
    "random",
    "leaves the global random state alone",
    "what is drawn after it would follow from it",
    "use rng = np.random.default_rng(self.seed), and draw from rng",
    _random,
)
LEFTOVER: Check[Any] = Check(
    "leftover",
    "leaves no threads behind",
    "a study fits it many times: threads add up",
    "end each thread that you start: with ThreadPoolExecutor(...) as pool:",
    _leftover,
)

CHECKS: tuple[Check[Tried], ...] = (
    *(RUNS, SCORES, SHAPE, SIGNAL, POLARITY, CLASSES, SEED, STATE, BATCH),
    Check(
        "validation",
        "does not fit on the validation labels",
        "parameters and thresholds are chosen by that part: it would seem better than it is",
        "use X_val and y_val to stop early, and for nothing else",
        _validation,
    ),
    INPUT,
    Check(
        "flat",
        "takes a feature that is the same for all images",
        "features of many sets hold some",
        "look for divisions by a standard deviation of 0",
        _flat,
    ),
    *(KEPT, PARAMETERS, RANDOM, LEFTOVER),
    Check(
        "scikit-learn",
        "passes scikit-learn's check_estimator",
        "pipelines, searches and clones rely on these rules",
        "run sklearn.utils.estimator_checks.check_estimator on it for the whole list",
        _scikit,
        slow=True,
    ),
)
