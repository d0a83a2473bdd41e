"""What one finished cell leaves on disk: a JSON record and a Parquet table of per-image scores."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    computed_field,
    field_validator,
    model_validator,
)

from dfbench.results.records.divisions import Division, name_of
from dfbench.results.records.subsets import WHOLE, Subset, parse_name

Part = Literal["evaluate", "default", "tune", "unlabelled"]
"""Which scores: of the images that the figures are from, the same by the model with its default
parameters, of those that choices are made on, and of a test split whose labels are kept back."""

Count = Annotated[int, Field(ge=0, le=10**15)]
"""Of images, bytes, trials."""

ROUNDING = 1e-3
"""How far from 0, 1 and a sum of 1 probabilities may lie, some of which others have rounded."""

Seconds = Annotated[float, Field(ge=0, le=1e10)]

Status = Literal["ok", "skipped", "failed"]
"""The closed list: ran; cannot run here (something is absent); was tried and broke or ran out."""


Control = Literal["", "no pixels", "shuffled labels"]
"""What is kept from a row, so that it has nothing to go by but a flaw of the data: it never sees
pixels, or it is fitted on labels in another order. Empty for rows that compete."""


SQUARES = ("resized", "native-square")
"""Names of what makes the images of a network, which come first among what it is given."""

Kind = Literal["", "features", "network", "derived", "detector", "imported"]
"""What a row is: a model of features, a network of images (and features), made of the scores of
others, a detector from elsewhere that scored the images here, or scores that were brought. Empty
where nothing is known of it."""


TrainedOn = Literal["train", "other", "unknown"]
"""What a detector from elsewhere was trained on: the training images of this data set, other data,
or nobody knows."""


class Elsewhere(BaseModel):
    """Of a row whose detector was not fitted here: what was told of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    """Whose scores: the name of a file, or of a detector."""
    trained_on: TrainedOn
    speaks_for: str = ""
    """Class that high scores speak for; empty where each class has a score."""
    probabilities: bool = True
    """Whether the scores are probabilities."""
    decides: bool = True
    """Whether it is known from which score on a class is decided for."""
    n_missing: Count = 0
    """Images of the evaluated part that it has no score of."""


class Copies(BaseModel):
    """Changed copies of training and tuning images that a row was fitted and tuned on too."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    views: list[str]
    """What was done to them: chains of operations."""
    of_each: Annotated[int, Field(ge=1, le=10**6)]
    """Copies of each image, in as many of the views."""


TuneFor = Literal["roc_auc", "log_loss", "balanced_accuracy", "average_precision"]
"""Figure of the tuning split that parameters are chosen by."""


class Tuning(BaseModel):
    """How the parameters of a row were found."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trials: Count
    """Trials finished, the defaults' own among them."""
    seconds: Seconds
    best_value: Annotated[float, Field(ge=0, le=1)] | None
    """ROC AUC on the tuning split of the best trial."""
    default_value: Annotated[float, Field(ge=0, le=1)] | None
    """The same of the trial with default parameters."""
    stopped_by: Literal["trials", "time"]
    tune_for: TuneFor = "roc_auc"
    best_figure: Annotated[float, Field(ge=0, le=1e3)] | None = None
    """What was tuned for, of the best trial; None where that is ROC AUC."""
    default_figure: Annotated[float, Field(ge=0, le=1e3)] | None = None


class _Combination(BaseModel):
    """What is read of what was fitted on the scores of members; it tells more."""

    model_config = ConfigDict(extra="allow", strict=True)

    members: list[str] = Field(default_factory=list)
    weights: list[float] | None = None
    weights_by_kind: dict[str, list[float]] = Field(default_factory=dict)
    coefficients: list[list[float]] = Field(default_factory=list)
    classes: list[int] | None = None
    """Numbers of those that have coefficients, where some have not."""
    calibration: dict[str, Any] = Field(default_factory=dict)


class CellFacts(BaseModel):
    """What the record of a cell and its line on the board tell alike.

    A value that cells store and the board shows is a field here, and nowhere else.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str
    row: str
    kind: Kind = ""
    control: Control = ""
    status: Status
    reason: str = ""
    split: str = ""
    """Where the figures are from: ``test``, or ``validation`` where the test has no labels."""
    tuned_on: str = ""
    """``validation``, or ``part of train``."""
    refit: bool = False
    """Whether the model of the figures was fitted on train and tuning part together, once its
    parameters were chosen; figures and scores of the tuning part are of the model before."""
    classes: list[str] = Field(default_factory=list)
    grouped: bool = False
    """Whether images share sources: intervals are then taken over groups."""
    n_left_out: Count = 0
    """Unreadable images of the data set, left out."""
    n_features: Count | None = None
    """Length of the vector; None for networks that see images."""
    tuning: Tuning | None = None
    n_parameters: tuple[Count, Count] | None = None
    """Of a network: all, and those that are trained."""
    model_bytes: Count | None = None
    """Of the fitted model, as it would be kept; of features it holds nothing."""
    peak_bytes: Count | None = None
    """Most memory that the worker held while the cell ran; None where the system does not say."""
    threshold: float | None = None
    """Score from which on the positive class is decided for, where a rule chose one."""
    fit_seconds: Seconds | None = None
    """Training of the chosen parameters, features at hand."""
    predict_images_per_second: Annotated[float, Field(ge=0, le=1e12)] | None = None
    """From file to verdict: reading, decoding, features and prediction, on one worker."""
    probability: str = ""
    """What its probabilities are, in a few words; empty where there are none, or nobody knows."""
    device: str = ""
    fingerprint: str = ""
    """Of the data set."""
    warnings: list[str] = Field(default_factory=list)
    """What is wrong with a part of the row that others brought, each as a clause."""
    elsewhere: Elsewhere | None = None
    """Of a row whose detector was not fitted here."""
    copies: Copies | None = None
    """What joined the images that it was fitted and tuned on; None: nothing."""


class Record(CellFacts):
    """One cell: a row on a data set with a seed."""

    cell: str
    """Identity: a hash of all that determines the scores."""
    seed: int
    variant: str = ""
    """Name of the other part of the training images that it was fitted on, see `subsets`."""
    division: Division | None = None
    """Which of several divisions of the data set it is on."""
    drops_leaks: bool = False
    """Whether images that later parts repeat were left out of train and tune."""
    positive: int | None = None
    """Index of the positive class of a binary task."""
    n_train: Count = 0
    n_tune: Count = 0
    n_test: Count = 0
    n_unlabelled: Count = 0
    """Images of the test split without labels, scored for `dfbench submit`."""
    params: dict[str, Any] = Field(default_factory=dict)
    block_weights: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(
        default_factory=dict
    )
    """By family of features its weight in a fitted model that has learnt some, summing to 1."""
    history: list[dict[str, Any]] = Field(default_factory=list)
    """Of a network: what each epoch of the chosen training came to."""
    combination: dict[str, Any] = Field(default_factory=dict)
    """Of a derived row: what was fitted on the scores of its members."""
    n_threads: int = 1
    identity: dict[str, Any] = Field(default_factory=dict)
    """What `cell` is the hash of; the facts in it have fields of their own."""
    tables: dict[Part, str] = Field(default_factory=dict)
    """SHA-256 of each of its tables of scores; of dfbench 0.1.0 none is told."""
    not_kept: str = ""
    """Why the fitted model is not kept, where it was to be."""
    pictures: list[str] = Field(default_factory=list)
    """Kinds of pictures that were to be drawn while its model was at hand."""
    versions: dict[str, str] = Field(default_factory=dict)
    started: str = ""
    """UTC, ISO 8601."""
    seconds: Seconds = 0.0
    """The whole cell, tuning included."""

    @model_validator(mode="before")
    @classmethod
    def _of_before(cls, data: Any) -> Any:
        """Fill in what records of dfbench 0.1.0 told by their identity alone."""
        if isinstance(data, dict) and isinstance(data.get("identity"), dict):
            return _of_identity(data["identity"]) | data
        return data

    @field_validator("combination")
    @classmethod
    def _readable(cls, told: dict[str, Any]) -> dict[str, Any]:
        """Refuse what no board could be made of."""
        try:
            _Combination.model_validate(told)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise ValueError(f"{where}: {first['msg']}") from None
        return told

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """Refuse what no run writes: its figures could not be told."""
        if self.classes and self.positive not in (None, *range(len(self.classes))):
            raise ValueError(f"positive is {self.positive}, of {len(self.classes)} classes")
        if self.status == "ok" and self.tables and "evaluate" not in self.tables:
            raise ValueError("tables names no scores of the images that the figures are from")
        if self.threshold is not None and not math.isfinite(self.threshold):
            raise ValueError(f"threshold is {self.threshold}")
        if self.probable and not -ROUNDING <= (self.threshold or 0) <= 1 + ROUNDING:
            raise ValueError(f"threshold is {self.threshold:g}, of scores between 0 and 1")
        if self.block_weights and abs(sum(self.block_weights.values()) - 1) > ROUNDING:
            raise ValueError("block_weights do not sum to 1")
        return self

    @property
    def n_fitted(self) -> int:
        """Images that the model of its figures was fitted on."""
        return self.n_train + (self.n_tune if self.refit else 0)

    @property
    def probable(self) -> bool:
        """Whether its scores are probabilities."""
        return self.elsewhere is None or self.elsewhere.probabilities


def _of_identity(identity: dict[str, Any]) -> dict[str, Any]:
    tables = identity.get("features")
    named = tables if isinstance(tables, list) else []
    names = [table.get("extractor") for table in named if isinstance(table, dict)]
    kind: Kind = ""
    if "derived" in identity:
        kind = "derived"
    elif names:
        kind = "network" if names[0] in SQUARES else "features"
    control: Control = "no pixels" if set(names) == {"metadata"} else ""
    return {
        "kind": kind,
        "control": "shuffled labels" if "labels" in identity else control,
        "drops_leaks": "on_leak" in identity,
    }


class Entry(BaseModel):
    """A place on the board: which cell stands for this row, data set, seed and division."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str
    row: str
    seed: int
    cell: str
    subset: Subset = WHOLE
    """On which other part of the training images it was fitted."""
    division: Division | None = None
    """Which of several divisions of the data set it is on."""
    control: Control = ""
    reported: str = ""
    """Figures that the row's source published, with source and data."""
    origin: str = ""
    """Of merged results: whose they are."""

    @property
    def place(self) -> tuple[str, str, int, str, str]:
        """What it is known by: data set, row, seed, names of subset and division."""
        return self.dataset, self.row, self.seed, self.subset.name, name_of(self.division)

    @property
    def is_first(self) -> bool:
        """Whether it is on the only or the first division: what models are kept of."""
        return self.division is None or self.division.number == 1

    @computed_field  # type: ignore[prop-decorator]
    @property
    def variant(self) -> str:
        """Name of the subset; empty for the row itself. Files of before hold nothing else of it."""
        return self.subset.name

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "variant" not in value:
            return value
        known = {key: its for key, its in value.items() if key != "variant"}
        if not isinstance(value["variant"], str):
            raise ValueError("variant is not a text")
        return {"subset": parse_name(value["variant"])} | known


class Scores(BaseModel):
    """Per-image scores of a cell, as arrays."""

    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True)

    images: list[str]
    labels: np.ndarray
    """Shape (n,), dtype int64; -1 for unlabelled images."""
    groups: np.ndarray | None
    """Shape (n,), dtype int64: numbers of the groups; None where there are none."""
    probabilities: np.ndarray
    """Shape (n, K), dtype float64."""
    kinds: tuple[str, ...] | None = None
    """Kind of fake of each image, "" for none; None where the data do not tell."""
