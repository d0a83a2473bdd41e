"""What the file of a kept model says of it: ``model.json``, read strictly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dfbench.results.records.records import Control, Kind
from dfbench.results.statistics.estimate import Estimate

FORMAT = 1
"""Raised whenever files of before could not be read as they are."""

Name = Annotated[str, Field(min_length=1, max_length=1_000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class KeptExtractor(_Part):
    """An extractor of a fitted model, as it is made again."""

    name: Name
    params: dict[str, Any] = Field(default_factory=dict)
    version: int
    source: str = ""
    """Of a function of one's own: digest of the file that holds it. Its code is not kept."""
    width: int = Field(ge=1)
    """Length of its vector."""
    weights: str = ""
    """File of what it loads from elsewhere; empty where it loads nothing, or is to load it."""
    loads: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    """SHA-256 of what it is to load, where that is too large to be brought along."""


class KeptModel(_Part):
    """A fitted model, and what it is given of an image."""

    row: Name
    model: Name
    version: int
    source: str = ""
    """Of a function or class of one's own: digest of the file that holds it, as of an extractor."""
    params: dict[str, Any]
    n_classes: int = Field(ge=2)
    seed: int = Field(ge=0)
    extractors: list[KeptExtractor] = Field(default_factory=list)
    side: int | None = Field(default=None, ge=1, le=16_384)
    """Of the square images that it is given, in pixels; None where it is given vectors alone."""
    plain: dict[str, Any] = Field(default_factory=dict)
    files: dict[str, Name] = Field(default_factory=dict)
    """Files of the archive by the names that the model gave them, see `dfbench.models.kept`."""

    @model_validator(mode="after")
    def _given_something(self) -> Self:
        if not self.extractors and self.side is None:
            raise ValueError("is given neither vectors nor images")
        return self


class KeptNormal(_Part):
    """The normal form of the data set, see `dfbench.features.views.view.Normal`."""

    size: int | None = Field(default=None, ge=1, le=16_384)
    method: Literal["resize", "crop"] = "resize"
    format: Literal["jpeg", "png"] | None = None
    quality: int | None = Field(default=None, ge=1, le=100)


class Combination(_Part):
    """What a derived row does with the scores of its members."""

    state: dict[str, Any]
    """See `dfbench.models.selection.ensembles.Combined.state`."""
    of: Annotated[list[int | Combination], Field(min_length=1)]
    """The members: numbers of models, or of what models are combined to."""


def _ends(combination: Combination) -> Iterator[int]:
    """Give the numbers of all models that are combined, over all levels."""
    for each in combination.of:
        yield from [each] if isinstance(each, int) else _ends(each)


class SeenFiles(_Part):
    """What the files of the training images were like."""

    n: int = Field(ge=1)
    """Files that were looked at."""
    shorter: tuple[int, int]
    """Least and greatest length of the shorter side, in pixels."""
    longer: tuple[int, int]
    formats: list[str] = Field(min_length=1)
    """Such as ``JPEG``, the most frequent first."""
    quality: tuple[int, int] | None = None
    """Least and greatest quality of JPEG files, see the extractor ``metadata``."""


class Contents(_Part):
    """All that is told of a kept model."""

    format: Literal[1] = 1
    row: Name
    dataset: Name
    fingerprint: str
    """Of the data set."""
    cell: str
    kind: Kind = ""
    control: Control = ""
    seed: int = Field(ge=0)
    classes: list[Name] = Field(min_length=2)
    positive: int | None = None
    """Number of the positive class of a binary task."""
    threshold: float | None = None
    """Where a rule chose one: the score from which on the positive class is decided for."""
    normal: KeptNormal | None = None
    decoder: int
    operations: int
    """Versions of what makes pixels of files."""
    models: list[KeptModel] = Field(default_factory=list)
    """One, or the members of a derived row; none in the file of a derived row of a results
    folder, which names its `members`."""
    members: list[str] = Field(default_factory=list)
    combination: Combination | None = None
    """Of a derived row; None where there is one model."""
    seen: SeenFiles | None = None
    reference: str = ""
    """File of arrays: what the training images were like, and how the test images were scored."""
    split: str = ""
    tuned_on: str = ""
    refit: bool = False
    """Whether it was fitted on the images for choices too, once these were made."""
    grouped: bool = False
    n_train: int = Field(default=0, ge=0)
    n_tune: int = Field(default=0, ge=0)
    n_test: int = Field(default=0, ge=0)
    figures: dict[str, Estimate] = Field(default_factory=dict)
    warnings: list[str] = Field(default_factory=list)
    """Of the board, for this data set."""
    versions: dict[str, str] = Field(default_factory=dict)
    created: str = ""
    """UTC, ISO 8601."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        k = len(self.classes)
        if len(set(self.classes)) < k:
            raise ValueError("a class stands twice")
        if self.positive not in (None, *range(k)):
            raise ValueError(f"positive is {self.positive}, of {k} classes")
        if not self.models and not self.members:
            raise ValueError("there is no model")
        if any(model.n_classes != k for model in self.models):
            raise ValueError("a model of another number of classes")
        n = len(self.models or self.members)
        if self.combination is not None and not all(0 <= at < n for at in _ends(self.combination)):
            raise ValueError(f"joins a model that is not there, of {n}")
        return self

    @property
    def files(self) -> list[str]:
        """Names of the files of the archive that hold what is not told here."""
        found = [name for model in self.models for name in model.files.values()]
        found += [each.weights for model in self.models for each in model.extractors]
        return [name for name in [*found, self.reference] if name]
