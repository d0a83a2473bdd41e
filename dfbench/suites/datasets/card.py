"""The data set card: what the data are, where they lie, how labels are read and splits made."""

from __future__ import annotations

import re
from typing import Any, Literal, Self

from pydantic import Field, TypeAdapter, ValidationError, field_validator, model_validator

from dfbench.suites.datasets.layouts.all import AnyLayout
from dfbench.suites.datasets.layouts.base import Layout
from dfbench.suites.datasets.listing import SPLITS, SplitName
from dfbench.suites.datasets.section import Section, compiled, fault

_FRACTIONS: dict[SplitName, float] = {"train": 0.7, "validation": 0.15, "test": 0.15}

_FAKE_WORDS = frozenset(
    [
        *("fake", "fakes", "deepfake", "deepfakes", "synthetic", "generated", "ai"),
        *("forged", "manipulated", "altered"),
    ]
)
_REAL_WORDS = frozenset(
    ["real", "reals", "authentic", "original", "originals", "genuine", "pristine", "nature"]
)


def guess_positive(classes: list[str]) -> str:
    """Name the class that means fake: by its name, else the last one.

    Examples
    --------
    >>> guess_positive(["Fake", "Real"])
    'Fake'
    >>> guess_positive(["cat", "dog"])
    'dog'
    """
    worded = [c for c in classes if _FAKE_WORDS & set(re.split(r"[\W_]+", c.lower()))]
    if len(worded) == 1:
        return worded[0]
    return "1" if "1" in classes else classes[-1]


def guess_real(classes: list[str]) -> str:
    """Name the class of real images by its name; empty where none or several are called so.

    Examples
    --------
    >>> guess_real(["0_real", "1_stylegan", "2_diffusion"])
    '0_real'
    >>> guess_real(["0", "1", "2"])
    ''
    """
    worded = [c for c in classes if _REAL_WORDS & set(re.split(r"[\W_]+", c.lower()))]
    return worded[0] if len(worded) == 1 else ""


class SplitRule(Section):
    """How images come into train, validation and test."""

    policy: Literal["given", "stratified", "grouped"]
    """``given``: by the layout. ``stratified``: each class divided alike. ``grouped``: the same as
    far as it goes with no group in two splits."""
    fractions: dict[SplitName, float] = Field(default_factory=lambda: dict(_FRACTIONS))
    seed: int = 0

    @field_validator("fractions")
    @classmethod
    def _check_fractions(cls, value: dict[SplitName, float]) -> dict[SplitName, float]:
        if any(not 0 < part < 1 for part in value.values()):
            raise ValueError("each fraction lies between 0 and 1; leave out a split of size 0")
        if abs(sum(value.values()) - 1) > 1e-6:
            raise ValueError(f"the fractions sum to {sum(value.values()):g}, not to 1")
        if "train" not in value:
            raise ValueError("there is no fraction for train")
        return {name: value[name] for name in SPLITS if name in value}


class GroupRule(Section):
    """Which images share a source (a person, a video) by their path."""

    pattern: str
    """Regular expression with the named group ``group``, searched in the path relative to the
    root."""

    @field_validator("pattern")
    @classmethod
    def _check_pattern(cls, value: str) -> str:
        return compiled(value, "group")


class KindRule(Section):
    """Which kind of fake (generator, manipulation) an image is."""

    pattern: str = ""
    """Regular expression with the named group ``kind``, searched in the path relative to the root.
    What it does not match is of no known kind."""
    csv: str = ""
    """Instead of a pattern: a table relative to the root with the columns ``path`` (relative to
    the root) and ``kind``."""

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if bool(self.pattern) == bool(self.csv):
            raise ValueError("needs a pattern or a csv, one of them")
        if self.pattern:
            compiled(self.pattern, "kind")
        return self


class Normalise(Section):
    """What every image is made into before anything sees it, so that files do not tell classes."""

    size: int | None = Field(default=None, ge=8, le=4096)
    """Side of the square in pixels; images keep their sizes where it is left out."""
    method: Literal["resize", "crop"] = "resize"
    """``resize``: the whole image is scaled to the square. ``crop``: the largest centred square of
    it is. What is smaller is scaled up, or its size would still tell."""
    format: Literal["jpeg", "png"] | None = None
    """Written anew, without metadata; where it is left out pixels alone are changed, and what
    reads files (the extractor ``metadata``) reads them as they are."""
    quality: int | None = Field(default=None, ge=1, le=100)
    """Of the JPEG; 90 where it is left out."""

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("format") == "jpeg":
            return {"quality": 90} | data
        return data

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        if self.size is None and self.format is None:
            raise ValueError("needs a size, a format, or both")
        if self.size is None and self.method != "resize":
            raise ValueError("the method needs a size to come to")
        if self.quality is not None and self.format != "jpeg":
            raise ValueError('quality is for format = "jpeg"')
        return self

    def __str__(self) -> str:
        steps = []
        if self.size is not None:
            cut = "cropped to a square and " if self.method == "crop" else ""
            steps.append(f"{cut}resized to {self.size}x{self.size} px")
        if self.format is None:
            steps.append("files not written anew")
        else:
            quality = f" of quality {self.quality}" if self.quality is not None else ""
            steps.append(f"written as {self.format.upper()}{quality} without metadata")
        return ", ".join(steps)


class Card(Section):
    """A data set, as its TOML file declares it. See the guide for each key."""

    name: str
    description: str = ""
    source: str = ""
    """Where the data can be had: a text or an address."""
    licence: str = ""
    root: str = ""
    """Folder of the data, relative to the card's own; empty: the card's folder, or that of
    ``root_env``."""
    root_env: str = ""
    """Environment variable that gives the root, before ``root``."""
    classes: list[str] = Field(min_length=2)
    """The label of an image is the place of its class in this list, from 0."""
    positive: str = ""
    """Of two classes, the one that detectors are to detect."""
    real: str = ""
    """Of more than two classes, the one of real images; the others are kinds of fakes."""
    normalise: Normalise | None = None
    """What all images are made into first; they are seen as they are where it is left out."""
    layout: AnyLayout
    split: SplitRule
    group: GroupRule | None = None
    kind: KindRule | None = None

    @field_validator("name")
    @classmethod
    def _check_name(cls, value: str) -> str:
        if not re.fullmatch(r"[\w][\w.+-]{0,99}", value):
            raise ValueError(f"{value!r} may hold letters, digits and . _ - + only (1 to 100)")
        return value

    @field_validator("classes")
    @classmethod
    def _check_classes(cls, value: list[str]) -> list[str]:
        if len(set(value)) < len(value) or "" in value:
            raise ValueError("the names of the classes must differ and not be empty")
        return value

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data: Any) -> Any:
        """Derive what was left out: the positive or the real class, the split policy."""
        if not isinstance(data, dict):
            return data
        data = dict(data)
        if "resize" in data:
            fault("resize", f"write a section [normalise] with size = {data['resize']!r} instead")
        classes, split, layout = data.get("classes"), data.get("split", {}), data.get("layout")
        if not data.get("positive") and isinstance(classes, list) and len(classes) == 2:
            data["positive"] = guess_positive([str(c) for c in classes])
        if not data.get("real") and isinstance(classes, list) and len(classes) > 2:
            data["real"] = guess_real([str(c) for c in classes])
        told = isinstance(layout, dict | Layout)
        if told and isinstance(split, dict) and "policy" not in split:
            data["split"] = {"policy": _derive_policy(layout, bool(data.get("group"))), **split}
        return data

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        known = ", ".join(self.classes)
        if self.positive and len(self.classes) > 2:
            fault("positive", f"is for two classes; there are {len(self.classes)}")
        if self.positive and self.positive not in self.classes:
            fault("positive", f"{self.positive!r} is none of the classes ({known})")
        if self.real and len(self.classes) == 2:
            fault("real", "is for more than two classes; of two it is the one not positive")
        if self.real and self.real not in self.classes:
            fault("real", f"{self.real!r} is none of the classes ({known})")
        if len(self.classes) > 2 and self.has_kind_rule:
            fault("kind", "is for two classes; of more than two the classes are the kinds")
        self.layout.check(self.classes)
        if self.split.policy == "given":
            self._check_given()
        if self.split.policy == "grouped" and not self.has_group_rule:
            fault("split.policy", "grouped needs a group rule: a [group] section with a pattern")
        return self

    def _check_given(self) -> None:
        splits = self.layout.split_names
        if not splits:
            fault("split.policy", "given needs layout.splits; else choose stratified or grouped")
        if "all" in splits:
            fault("split.policy", "the table 'all' is divided by stratified or grouped, not given")
        if "train" not in splits:
            fault("layout.splits", "there is no train")
        if len(splits) < 2:
            fault("layout.splits", "there is neither validation nor test beside train")

    @property
    def has_group_rule(self) -> bool:
        """Whether the card says which images share a source."""
        return self.group is not None or self.layout.gives_groups

    @property
    def has_kind_rule(self) -> bool:
        """Whether the card says which kind of fake an image is."""
        return self.kind is not None or self.layout.gives_kinds

    @property
    def split_names(self) -> list[str]:
        """The splits that the data set is to have."""
        if self.split.policy == "given":
            return self.layout.split_names
        return [str(name) for name in self.split.fractions]

    @property
    def positive_index(self) -> int | None:
        """Label of the positive class; None unless there are two classes."""
        return self.classes.index(self.positive) if len(self.classes) == 2 else None

    @property
    def real_index(self) -> int | None:
        """Label of the class of real images; None where more than two classes do not tell."""
        if self.positive_index is not None:
            return 1 - self.positive_index
        return self.classes.index(self.real) if self.real else None


def _derive_policy(layout: Any, grouped: bool) -> str:
    """Say how images are divided where the card does not; ``layout`` may be anything still."""
    try:
        told = TypeAdapter[Layout](AnyLayout).validate_python(layout)
    except ValidationError:
        return "stratified"  # the card is not valid, whatever its policy
    if told.split_names and "all" not in told.split_names:
        return "given"
    return "grouped" if grouped or told.gives_groups else "stratified"
