"""The contract of a model: an estimator with ``fit`` and ``predict_proba`` and a search space."""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import UnavailableError, unknown
from dfbench.models.kept import Kept, KeptError, dumps, loads
from dfbench.models.rows import BLOCK, Rows
from dfbench.models.shared import Shared
from dfbench.parameters import Allowed, of_default

Watch = Callable[[int, int, str], None]
"""Called with steps done, steps at most, and a few words on what they came to."""

Hopeless = Callable[[int, float], bool]
"""Told a step and the loss on the validation part after it; whether to give the fit up."""

Labels = NDArray[np.int64]
"""Class numbers 0..K-1, shape (n,), dtype int64."""

Probabilities = NDArray[np.float64]
"""Shape (n, K), dtype float64, rows summing to 1; column k is class k."""


HELD = "held.skops"
"""File of what a model of vectors holds."""
_SET_BEFORE = (
    *("blocks", "groups", "sources", "checkpoint", "progress", "plugins", "shared", "hopeless"),
    *("classes", "positive"),
)

Kind = Literal["features", "images", "both"]


Array = NDArray[Any] | Rows
"""An array, or rows on disk, which are given to who reads `by_block`."""


@dataclass(frozen=True, slots=True)
class Both:
    """Images, and the features of the same images.

    Attributes
    ----------
    images
        Shape (n, S, S, 3), dtype uint8.
    features
        Shape (n, d), dtype float32.
    """

    images: Array
    features: Array

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows: Any) -> Both:
        return Both(self.images[rows], self.features[rows])


Inputs = Array | Both
"""What a model is fitted on; see `Model.inputs`."""


def apart(X: Inputs) -> tuple[Array, Array | None]:
    """Give the array that X is, or its images; and the features beside images, if there are any."""
    return (X.images, X.features) if isinstance(X, Both) else (X, None)


def vectors_of(inputs: Inputs) -> Array | None:
    """Give the features among inputs, if there are any."""
    if isinstance(inputs, Both):
        return inputs.features
    return inputs if len(inputs.shape) == 2 else None  # rows on disk tell their shape alone


def joined(parts: Sequence[Inputs]) -> Inputs:
    """Put several inputs of one kind below each other."""
    if len(parts) == 1:
        return parts[0]
    images = np.concatenate([np.asarray(apart(part)[0]) for part in parts])
    vectors = [np.asarray(its) for part in parts if (its := apart(part)[1]) is not None]
    return Both(images, np.concatenate(vectors)) if vectors else images


class GivenUp(Exception):
    """A fit was given up: `Model.hopeless` said so."""


@cache
def allowed_values(model: type[Model], name: str) -> Allowed:
    """Give the values that a parameter of a model may have."""
    known = model.allowed.get(name)
    return Allowed(of_default(model.defaults().get(name)) if known is None else known)


@dataclass(frozen=True, slots=True)
class Task:
    """What a search space may depend on: sizes of the training data, never the data.

    Attributes
    ----------
    n_train
        Number of training images.
    n_inputs
        Number of features, or of pixels of one image times three.
    n_classes
        Number of classes K.
    """

    n_train: int
    n_inputs: int
    n_classes: int


class Model(ABC):
    """Base of all models, classical and network.

    A model is made with its parameters (those of `defaults`, any of them overridden), the number
    of classes, a seed, a device and a number of threads; `fit` is called once.

    Attributes
    ----------
    name
        What users type; unique among the models.
    version
        Raised whenever equal input gives other scores: finished cells of another version are
        computed again.
    inputs
        ``"features"``: X is float32 of shape (n, d). ``"images"``: X is uint8 of shape
        (n, S, S, 3), RGB, with S = `image_side`. ``"both"``: X is `Both`.
    square
        How images become these squares. ``"resized"``: whole, whatever becomes of their pixels.
        ``"native"``: pixel for pixel, the middle of larger ones, smaller ones mirrored at their
        edges; see `dfbench.features.internal`.
    allowed
        By parameter what values it may have, as a type hint of pydantic:
        ``{"depth": Annotated[int, Field(ge=1)]}``. Of others the default tells the type.
    of_recipe
        Which of its parameters say how it is trained.
    companion
        Feature expression that goes beside the images where a row of `inputs` ``"both"`` names
        none.
    libraries
        Modules that `fit` imports. The runner loads them first, so that no row's time to fit holds
        the time to import them.
    trusted
        Names of types that a fitted model holds beside arrays, plain values and estimators of
        scikit-learn: what is kept of it is loaded with these and no others.
    estimators
        Names of the estimators of scikit-learn that it may then hold; None: any of them.
    by_block
        Whether `fit` and `predict_proba` take `dfbench.models.rows.Rows` in the place of arrays,
        and read them by block. Others are given arrays.
    calibrates
        Whether `calibrate` fits anything, so that probabilities may order images otherwise than
        `ranking`.
    probability
        What the probabilities are, in a few words: the record has them.
    blocks
        May be set before `fit`: the widths of the extractors' vectors that X was joined from.
    groups
        May be set before `fit`: number of the image that each row of X is of, shape (n,), where
        several are of one: changed copies stand among the rows. What a model is told of an image
        by a fit without it must then have been told without its copies too.
    sources
        May be set before `fit` of one that `holds_out_sources`: number of the source that the image
        of each row of X is from, such as a video, shape (n,), where images share some.
    checkpoint
        May be set before `fit`: a folder for the state that an interrupted fit goes on from. It
        belongs to these parameters and these data alone.
    earlier
        Set by `fit` where it went on from a checkpoint: seconds that were spent on it before.
    progress
        May be set before `fit`: told how far it is.
    plugins
        May be set before `fit`: files whose functions its parameters may name.
    shared
        May be set before `fit`: holds what fits on the same data compute alike, such as distances.
        It never changes a result, and whoever set it takes it away again.
    classes, positive
        May be set before `fit`: names of the classes, and of two which is to be detected, for
        models that were told them by name.
    hopeless
        May be set before `fit`: asked by a model that learns step by step, which then raises
        `GivenUp`.
    references
        Publications that it is from: keys of ``dfbench/references.bib``, or entries of BibTeX.
    """

    name: ClassVar[str]
    references: ClassVar[tuple[str, ...]] = ()
    version: ClassVar[int] = 1
    inputs: ClassVar[Kind] = "features"
    square: ClassVar[Literal["resized", "native"]] = "resized"
    allowed: ClassVar[Mapping[str, Any]] = {}
    of_recipe: ClassVar[frozenset[str]] = frozenset()
    companion: ClassVar[str] = ""
    libraries: ClassVar[tuple[str, ...]] = ()
    trusted: ClassVar[tuple[str, ...]] = ()
    estimators: ClassVar[tuple[str, ...] | None] = None
    by_block: ClassVar[bool] = False
    calibrates: ClassVar[bool] = False
    probability: ClassVar[str] = "as the model gives them"

    blocks: tuple[int, ...] = ()
    groups: NDArray[np.intp] | None = None
    sources: NDArray[np.intp] | None = None
    checkpoint: Path | None = None
    earlier: float = 0.0
    progress: Watch | None = None
    plugins: tuple[Path, ...] = ()
    shared: Shared | None = None
    hopeless: Hopeless | None = None
    classes: tuple[str, ...] = ()
    positive: int | None = None

    def __init__(
        self,
        *,
        n_classes: int,
        seed: int = 0,
        device: str = "cpu",
        n_threads: int = 1,
        **params: Any,
    ) -> None:
        for name, value in params.items():
            self.check_value(name, value)
        self.n_classes = n_classes
        self.seed = seed
        self.device = device
        self.n_threads = n_threads
        self.params = {**self.defaults(), **params}

    @classmethod  # noqa: B027 - most models need nothing special
    def check_available(cls, params: Mapping[str, Any]) -> None:
        """Raise `UnavailableError` where a package or file that is needed is absent.

        ``params`` are all parameters of the row, defaults included; the row is then skipped.
        """

    @classmethod
    def check_params(cls, params: Mapping[str, Any]) -> None:
        """Raise `ParameterError` or `UnknownNameError` on parameters that a suite got wrong.

        ``params`` are those given, without the defaults.
        """
        for name, value in params.items():
            cls.check_value(name, value)

    @classmethod
    def check_value(cls, name: str, value: Any) -> None:
        """Raise as `check_params` does, on one parameter; the constructor calls it too."""
        known = cls.defaults()
        if name not in known:
            raise unknown("parameter", name, known, where=cls.name)
        if value is not None or known[name] is not None:
            allowed_values(cls, name).check(name, value, cls.name)

    @classmethod
    def allowed_words(cls, name: str) -> str:
        """Say what a parameter may be; empty where nothing is known of it."""
        return allowed_values(cls, name).words

    @classmethod
    def identity(cls, params: Mapping[str, Any]) -> dict[str, Any]:
        """Give all that determines the outcome besides data, seed and version, JSON-able.

        ``params`` are those given by the suite. A file among them counts by its content.
        """
        return dict(params)

    @classmethod
    def holds_out_sources(cls, params: Mapping[str, Any]) -> bool:
        """Whether its probabilities are fitted on folds that heed `sources`.

        ``params`` are all parameters of the row, defaults included.
        """
        return False

    @classmethod
    def augmentations(cls, params: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Give the augmentations of plugins that parameters name, with theirs.

        ``params`` are all parameters of the row, defaults included.
        """
        return {}

    @classmethod
    def image_side(cls, params: Mapping[str, Any]) -> int:
        """Side of the square that images become, in pixels; 0 for models of features.

        ``params`` are all parameters of the row, defaults included.
        """
        return int(params.get("image_size", 0))

    @classmethod
    def memory(cls, task: Task, params: Mapping[str, Any]) -> int:
        """Estimate what fitting and scoring take at their peak beside X, in bytes.

        By default some blocks for a model that reads by block, else two copies of the training part
        in double precision.

        Parameters
        ----------
        task
            Sizes of the training data.
        params
            All parameters of the row, defaults included.
        """
        return 4 * BLOCK if cls.by_block else 16 * task.n_train * task.n_inputs

    @classmethod
    @abstractmethod
    def defaults(cls) -> dict[str, Any]:
        """All parameters with their default values (JSON-able): the first trial of each study."""

    @classmethod
    @abstractmethod
    def suggest(cls, trial: Any, task: Task) -> dict[str, Any]:
        """Draw parameters from the search space by an Optuna trial; a subset of `defaults`' keys.

        `defaults` lies inside the space, so that it can be the first trial.
        """

    @abstractmethod
    def fit(self, X: Any, y: Labels, X_val: Any, y_val: Labels) -> Self:
        """Fit on the training part; the validation part serves early stopping and calibration."""

    @abstractmethod
    def predict_proba(self, X: Any) -> Probabilities:
        """Probability of each class for each row of X."""

    def fit_ranking(self, X: Any, y: Labels, X_val: Any, y_val: Labels) -> Self:
        """Fit what `ranking` needs; with `calibrate` after it, the same as `fit`.

        Most trials of a study are fitted to be compared, and never asked for a probability: a
        model whose probabilities cost something makes these two steps of its fit. By default all
        is done here.
        """
        return self.fit(X, y, X_val, y_val)

    def calibrate(self, X: Any, y: Labels, X_val: Any, y_val: Labels) -> Self:
        """Fit what probabilities need beyond `fit_ranking`, on the same parts.

        The order of `ranking` is kept.
        """
        return self

    def ranking(self, X: Any) -> NDArray[np.float64]:
        """Give scores, shape (n, K), that order images by each class as probabilities would.

        Of two classes the order is that of the probabilities; of several, the probabilities of a
        row are made to sum to 1 after it, so the order may differ a little.
        """
        return self.predict_proba(X)

    def refit(self, chosen: Self, X: Any, y: Labels) -> Self:
        """Fit on train and tuning part together, once parameters are chosen; instead of `fit`.

        No image is left to stop by, or to calibrate on, that it is not fitted on: what the tuning
        part decided is taken from the model that was chosen, such as a number of rounds, and
        calibration is out of fold, or that model's.

        Parameters
        ----------
        chosen
            Fitted on the training part alone, with the same parameters.
        X, y
            Both parts.

        Raises
        ------
        UnavailableError
            If the model has no way of it: its rows are skipped where a suite asks for it.
        """
        raise UnavailableError("cannot be refitted: it has no method refit", where=self.name)

    def keep(self) -> Kept:
        """Give what a fitted model holds, so that `restore` makes one of equal scores of it.

        By default all attributes that `fit` has set.

        Raises
        ------
        KeptError
            If one of them cannot be written without pickling it.
        """
        made = self._made()
        held = {name: value for name, value in vars(self).items() if name not in made}
        return Kept({HELD: dumps(held)})

    def restore(self, kept: Kept) -> Self:
        """Take up what was kept of a fitted model with these parameters; instead of `fit`.

        Nothing is unpickled.

        Raises
        ------
        KeptError
            If it is damaged, or holds a type that is not `trusted`.
        """
        held = loads(kept.file(HELD), self.trusted, self.estimators)
        made = self._made()
        for name, value in held.items():
            # parameters are told beside it, and nothing that is kept takes a method's place
            if name in made or hasattr(Model, name) or callable(getattr(type(self), name, None)):
                raise KeptError(f"holds what no fit sets: {name}")
            setattr(self, name, value)
        return self

    def _made(self) -> set[str]:
        """Give the names of what a model has before `fit`."""
        return {*vars(type(self)(n_classes=self.n_classes)), *_SET_BEFORE}

    def cams(self, X: Any, classes: Labels) -> NDArray[np.float32] | None:
        """Show what in each image speaks for a class, shape (n, S, S), in [0, 1]; None: cannot."""
        return None

    def contributions(self, X: Any, classes: Labels) -> NDArray[np.float64] | None:
        """Show what each feature adds to the evidence for a class; None: the model cannot tell.

        Parameters
        ----------
        X
            Shape (n, d).
        classes
            The class that is explained, for each row.

        Returns
        -------
        ndarray of shape (n, d + 1), dtype float64
            The last column is the evidence before any feature is known; a row sums to the log odds
            of its class against all others.
        """
        return None

    def block_weights(self) -> NDArray[np.float64] | None:
        """Give a fitted model's weights of `blocks`, which sum to 1; None: it has none."""
        return None

    def embed(self, X: Any) -> NDArray[np.float32] | None:
        """Give a fitted model's own features of each image, shape (n, d); None: it has none."""
        return None

    def n_bytes(self) -> int | None:
        """Size of what a fitted model holds, in bytes; None where it cannot be told."""
        left = ("groups", "sources", "progress", "plugins", "shared", "hopeless")
        held = {key: value for key, value in vars(self).items() if key not in left}
        try:
            return len(pickle.dumps(held, protocol=5))
        except Exception:  # noqa: BLE001 - a plugin may hold anything
            return None

    def doubts(self, X: Inputs) -> list[str]:
        """Say what is wrong with the scores of images, each as a clause; a record holds it."""
        return []

    def report(self) -> dict[str, Any]:
        """Give what a record holds of a fitted model beyond its parameters: see `Record`."""
        return {}


def weights_of_blocks(model: Model, n: int) -> tuple[float, ...]:
    """Give a fitted model's weights of n blocks; none of one block, or where it has none for each.

    See `Model.block_weights`, which a model of others may have written otherwise.
    """
    found = model.block_weights()
    if found is None or n < 2:
        return ()
    try:
        weights = np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError):
        return ()
    if weights.shape != (n,) or not (weights >= 0).all() or not np.isclose(weights.sum(), 1.0):
        return ()
    return tuple(map(float, weights))
